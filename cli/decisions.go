package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

func (a *application) decisionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "decisions",
		Aliases: []string{"decision"},
		Short:   "See what policies decided and why, and approve or reject it",
		RunE:    needsSubcommand,
	}
	cmd.AddCommand(a.decisionsListCommand(), a.decisionsExplainCommand(), a.decideCommand("approve"), a.decideCommand("reject"))
	return cmd
}

// findFlags are the flags of a list of records.
func findFlags(cmd *cobra.Command, f *client.Find, since, until *string) {
	flags := cmd.Flags()
	flags.StringVar(&f.Endpoint, "endpoint", "", "only of this endpoint")
	flags.BoolVar(&f.Open, "open", false, "only those on which somebody or something still has to act")
	flags.StringVar(since, "since", "", "event time from here on")
	flags.StringVar(until, "until", "", "event time before")
	flags.IntVar(&f.Limit, "limit", 50, "how many at most")
}

func (a *application) decisionsListCommand() *cobra.Command {
	var f client.Find
	var since, until string
	var all bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List decisions, newest first",
		Long: `List what policies decided, the newest first. Decisions to do nothing are left out
unless --all asks for them; each says why as well.`,
		Example: `  trimtab decisions list
  trimtab decisions list --policy flights --since 2013-04-01 --all
  trimtab decisions list --open -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.From, f.To, err = span(since, until); err != nil {
				return err
			}
			f.Acted = !all
			c, err := a.client()
			if err != nil {
				return err
			}
			found, err := c.Decisions(cmd.Context(), f)
			if err != nil {
				return err
			}
			return a.show(found, func(w io.Writer) error { return a.writeDecisions(w, found, all) })
		},
	}
	findFlags(cmd, &f, &since, &until)
	cmd.Flags().StringVar(&f.Policy, "policy", "", "only of this policy")
	cmd.Flags().BoolVar(&all, "all", false, "decisions to do nothing too")
	return cmd
}

func (a *application) writeDecisions(w io.Writer, all []trimtab.Decision, nothing bool) error {
	g := grid{head: []string{"DECISION", "SERVED#", "ACTION", "STATE", "REASON"}}
	for _, d := range all {
		reason := d.Reason
		if d.Outcome != "" {
			reason = d.Outcome
		}
		if !a.wide() {
			reason = clipped(reason, 60)
		}
		g.add(d.ID, versionText(d.Served), actionText(d), a.paint(w, decisionColours[d.State], string(d.State)), reason)
	}
	empty := "No policy has decided to do anything; --all lists decisions to do nothing too."
	if nothing {
		empty = "No policy has decided anything yet: a policy decides when a window of its monitor is closed."
	}
	return a.table(w, g, empty)
}

var decisionColours = map[trimtab.DecisionState]colour{trimtab.DecisionAwaiting: yellow, trimtab.DecisionTraining: blue, trimtab.DecisionGating: blue, trimtab.DecisionRollout: blue,
	trimtab.DecisionDone: green, trimtab.DecisionRejected: yellow, trimtab.DecisionFailed: red, trimtab.DecisionAdvised: yellow, trimtab.DecisionNoted: faint, trimtab.DecisionCancelled: faint}

func actionText(d trimtab.Decision) string {
	if d.Version != 0 {
		return fmt.Sprintf("%s %d", d.Action, d.Version)
	}
	return string(d.Action)
}

func (a *application) decisionsExplainCommand() *cobra.Command {
	var policy string
	cmd := &cobra.Command{
		Use:     "explain DECISION|latest",
		Aliases: []string{"show"},
		Short:   "Explain a decision: what was known, what else could have been done, what became of it",
		Long: `Explain a decision on one page: what was known at that moment, what each cure would have
saved so far with its standard error, what it is expected to bring and to cost, which
conditions had to hold, and what became of it. "latest" is the newest decision.`,
		Example: `  trimtab decisions explain latest
  trimtab decisions explain flights@20130415T000000`,
		Args: exactly("DECISION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			d, err := decisionOf(cmd.Context(), c, args[0], policy)
			if err != nil {
				return err
			}
			return a.show(d, func(w io.Writer) error {
				entries, err := c.JournalOf(cmd.Context(), "decision", d.ID, 20)
				if err != nil {
					return err
				}
				return a.writeDecision(w, d, entries)
			})
		},
		ValidArgsFunction: a.completes(decisionIDs(client.Find{Limit: 200}, "latest")),
	}
	cmd.Flags().StringVar(&policy, "policy", "", "with latest: only of this policy")
	return cmd
}

// decisionOf finds a decision by its id, or the newest.
func decisionOf(ctx context.Context, c *client.Client, id, policy string) (d trimtab.Decision, err error) {
	if id != "latest" {
		return c.Decision(ctx, id)
	}
	newest, err := c.Decisions(ctx, client.Find{Policy: policy, Limit: 1})
	if err != nil {
		return d, err
	}
	if len(newest) == 0 {
		return d, trimtab.Errorf(trimtab.NotFound, "decision latest", "nothing has been decided yet")
	}
	return newest[0], nil
}

// decisionIDs lists ids for completion.
func decisionIDs(f client.Find, more ...string) func(context.Context, *client.Client) ([]string, error) {
	return func(ctx context.Context, c *client.Client) ([]string, error) {
		all, err := c.Decisions(ctx, f)
		out := more
		for _, d := range all {
			out = append(out, d.ID)
		}
		return out, err
	}
}

func (a *application) decideCommand(verb string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     verb + " DECISION",
		Example: "  trimtab decisions " + verb + ` flights@20130415T000000 --reason "agreed with the airline"`,
		Args:    exactly("DECISION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			d, err := c.DecideOn(cmd.Context(), args[0], verb, reason)
			if err != nil {
				return err
			}
			return a.show(d, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "decision %s: %s, now %s\n", d.ID, d.Outcome, d.State)
				return err
			})
		},
		ValidArgsFunction: a.completes(decisionIDs(client.Find{Acted: true, Limit: 50})),
	}
	if verb == "approve" {
		cmd.Short = "Let a decision be carried out"
		cmd.Long = `Let a decision be carried out that waits for it (mode approve) or that was advised (mode
advise). What follows is what mode auto does by itself: a training, its gate, a rollout.
A decision about a version that does not serve any more is refused.`
		cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	} else {
		cmd.Short = "End a decision that is not wanted"
		cmd.Long = `End a decision that waits (mode approve) or that was advised (mode advise). The policy
learns it: it asks for more evidence before it says so again, and later.`
		cmd.Flags().StringVar(&reason, "reason", "", "why, for the record; needed")
	}
	return cmd
}

// factNames say what the facts of a decision are; other facts stand under their own name.
var factNames = map[string]string{"rows": "labelled rows of the window", "held": "rows held back", "positives": "positive rows", "loss": "mean loss of what serves", "learnable": "rows to learn from",
	"horizon": "a gain is expected to last", "unit": "counted in", "probe gain": "a probe saved per row", "challenger gain": "the challenger saved per row",
	"excess": "probes promised too much by", "theta": "evidence asked for, times", "believe": "promises believed by"}

// writeDecision prints a decision as a page.
func (a *application) writeDecision(w io.Writer, d trimtab.Decision, entries []view.Entry) error {
	section := func(title string) { fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, title)) }
	fmt.Fprintf(w, "%s  %s\n", a.paint(w, bold, "decision "+d.ID), a.paint(w, decisionColours[d.State], string(d.State)))
	fmt.Fprintf(w, "policy %s on endpoint %s, at %s; version %d served; mode %s, strategy %s\n\n", d.Policy, d.Endpoint, date(d.At), d.Served, d.Mode, d.Strategy)
	for _, l := range wrapped(d.Reason, pageWidth-2) {
		fmt.Fprintf(w, "  %s\n", a.paint(w, bold, l))
	}
	section("what was known")
	pairs := []string{"  newest window", "from " + date(d.Window)}
	for _, f := range d.Facts {
		name := factNames[f.Name]
		if name == "" {
			name = f.Name
		}
		value := shortNumber(f.Value)
		switch {
		case f.Text != "" && f.Value == 0:
			value = f.Text
		case f.Text != "":
			value += " " + f.Text
		}
		pairs = append(pairs, "  "+name, value)
	}
	for _, id := range d.Incidents {
		pairs = append(pairs, "  open incident", id)
	}
	if err := facts(w, pairs...); err != nil {
		return err
	}
	if len(d.Alternatives) > 0 {
		section("what could be done")
		if err := a.writeAlternatives(w, d); err != nil {
			return err
		}
	}
	if len(d.Guards) > 0 {
		section("what had to hold")
		for _, g := range d.Guards {
			sign, text := a.paint(w, green, "✓"), g.Name
			if !g.Passed {
				sign, text = a.paint(w, red, "✗"), g.Name+": "+g.Why
			}
			for i, l := range wrapped(text, pageWidth-4) {
				if i > 0 {
					sign = " "
				}
				fmt.Fprintf(w, "  %s %s\n", sign, l)
			}
		}
	}
	section("what became of it")
	if err := a.writeOutcome(w, d); err != nil {
		return err
	}
	if d.Command != "" && (d.State == trimtab.DecisionAwaiting || d.State == trimtab.DecisionAdvised) {
		section("to do it")
		fmt.Fprintf(w, "  %s\n", d.Command)
	}
	return a.writeRecord(w, entries)
}

// writeAlternatives prints the cures as a table and below it why each was not chosen.
func (a *application) writeAlternatives(w io.Writer, d trimtab.Decision) error {
	g := grid{head: []string{"  ", "DO", "WINDOWS#", "ROWS#", "SAVED PER ROW", "EXPECTED#", "COST#", "NET#"}}
	for _, x := range d.Alternatives {
		chosen := "  "
		if x.Chosen {
			chosen = " " + a.paint(w, green, "▶")
		}
		name := string(x.Action)
		if x.Version != 0 {
			name += " " + versionText(x.Version)
		}
		if x.Windows == 0 {
			g.add(chosen, name, "-", "-", "-", "-", "-", "-")
			continue
		}
		g.add(chosen, name, strconv.Itoa(x.Windows), thousands(x.Rows), fmt.Sprintf("%+.5f ± %.5f", x.Gain, x.StdErr), shortNumber(x.Expected), shortNumber(x.Cost), shortNumber(x.Net))
	}
	if err := a.table(w, g, ""); err != nil {
		return err
	}
	for _, x := range d.Alternatives {
		if x.Why == "" {
			continue
		}
		name := string(x.Action)
		if x.Version != 0 {
			name += " " + versionText(x.Version)
		}
		for i, l := range wrapped("not "+name+": "+x.Why, pageWidth-5) {
			if i > 0 {
				l = "  " + l
			}
			fmt.Fprintf(w, "   %s\n", a.paint(w, faint, l))
		}
	}
	return nil
}

func (a *application) writeOutcome(w io.Writer, d trimtab.Decision) error {
	candidate, realised := "", ""
	if d.Candidate != 0 {
		candidate = "version " + versionText(d.Candidate)
	}
	if d.Realised != nil {
		realised = shortNumber(d.Realised.Value) + " saved per row, measured after the promotion"
		if d.Realised.Text != "" {
			realised = shortNumber(d.Realised.Value) + " " + d.Realised.Text + " saved per row, measured after the promotion"
		}
	}
	show := func(id, command string) string {
		if id == "" {
			return ""
		}
		return command + " " + id
	}
	outcome := d.Outcome
	if outcome == "" {
		outcome = map[trimtab.DecisionState]string{trimtab.DecisionNoted: "nothing had to be done", trimtab.DecisionAdvised: "nobody has taken the advice yet",
			trimtab.DecisionAwaiting: "it waits for a person", trimtab.DecisionTraining: "the pipeline trains"}[d.State]
	}
	for _, l := range wrapped(dash(outcome), pageWidth-2) {
		fmt.Fprintf(w, "  %s\n", l)
	}
	return facts(w, "  decided by", d.Approver, "  training", show(string(d.Run), "trimtab pipeline show"), "  candidate", candidate, "  gate", show(d.Evaluation, "trimtab gate show"),
		"  rollout", show(d.Rollout, "trimtab rollout status"), "  realised", realised)
}

// shortNumber writes a number with the digits that count.
func shortNumber(v float64) string {
	if a := math.Abs(v); a >= 1000 && a < 1e15 {
		return thousands(int64(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
