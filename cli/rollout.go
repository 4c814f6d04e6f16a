package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

func (a *application) rolloutCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rollout",
		Aliases: []string{"rollouts"},
		Short:   "See how a new version takes over, and promote it or roll it back",
		RunE:    needsSubcommand,
	}
	cmd.AddCommand(a.rolloutListCommand(), a.rolloutStatusCommand())
	for _, verb := range []string{"promote", "rollback", "hold", "resume"} {
		cmd.AddCommand(a.moveRolloutCommand(verb))
	}
	return cmd
}

func (a *application) rolloutListCommand() *cobra.Command {
	var f client.Find
	var since, until string
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List rollouts, newest first",
		Example: `  trimtab rollout list --open
  trimtab rollout list --endpoint flights -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.From, f.To, err = span(since, until); err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Rollouts(cmd.Context(), f)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) error { return a.writeRollouts(w, all) })
		},
	}
	findFlags(cmd, &f, &since, &until)
	return cmd
}

var rolloutColours = map[trimtab.RolloutState]colour{trimtab.RolloutHeld: yellow, trimtab.RolloutPromoted: green, trimtab.RolloutBaking: green, trimtab.RolloutRolledBack: red, trimtab.RolloutRolling: red,
	trimtab.RolloutShadow: blue, trimtab.RolloutCanary: blue, trimtab.RolloutPromoting: blue, trimtab.RolloutSuperseded: faint}

func (a *application) writeRollouts(w io.Writer, all []trimtab.Rollout) error {
	g := grid{head: []string{"ROLLOUT", "FROM#", "TO#", "STATE", "SHARE#", "BEGUN", "SINCE", "REASON"}}
	for _, r := range all {
		reason := r.Reason
		if reason == "" {
			reason = r.Cause
		}
		if !a.wide() {
			reason = clipped(reason, 40)
		}
		g.add(r.ID, versionText(r.From), versionText(r.To), a.paint(w, rolloutColours[r.State], string(r.State)), percent(r.Share), cmp.Or(optional(r.Begun), "-"), cmp.Or(optional(r.Since), "-"), reason)
	}
	return a.table(w, g, "No version has been rolled out yet: a rollout begins when the alias of an endpoint moves, or when a policy decides so.")
}

func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64) + "%"
}

func (a *application) rolloutStatusCommand() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:     "status ROLLOUT|ENDPOINT",
		Aliases: []string{"show"},
		Short:   "Show how far a rollout is, with each test against its limit",
		Long: `Show how far a rollout is: its stages, and the newest look of each test. A test estimates
how much worse the new version is; its bounds hold at every look at once. In the plot │ is
no difference and ┃ the limit: bounds left of ┃ let it go on, bounds right of it roll back.
Of an endpoint the newest rollout is shown; -w shows it again whenever it changes, until
it has ended.`,
		Example: `  trimtab rollout status flights
  trimtab rollout status flights.3 -w`,
		Args: exactly("ROLLOUT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			r, err := rolloutOf(cmd.Context(), c, args[0], false)
			for shown := trimtab.Digest(""); ; {
				if err != nil {
					return err
				}
				if now := trimtab.StateDigest(r); now != shown {
					if shown != "" && a.output == "" {
						fmt.Fprintln(a.env.Out)
					}
					if err := a.show(r, func(w io.Writer) error { return a.writeRollout(w, r) }); err != nil {
						return err
					}
					shown = now
				}
				if !watch || r.State.Ended() {
					return nil
				}
				if err := pause(cmd.Context(), lookEvery); err != nil {
					return err
				}
				r, err = c.Rollout(cmd.Context(), r.ID)
			}
		},
		ValidArgsFunction: a.completes(rolloutIDs(client.Find{Limit: 100})),
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show it whenever it changes, until it has ended")
	return cmd
}

// rolloutOf finds a rollout by its id, or the newest (open) one of an endpoint.
func rolloutOf(ctx context.Context, c *client.Client, name string, open bool) (trimtab.Rollout, error) {
	if (trimtab.Rollout{ID: name}).Ordinal() > 0 && trimtab.RolloutEndpoint(name) != "" {
		return c.Rollout(ctx, name)
	}
	all, err := c.Rollouts(ctx, client.Find{Endpoint: name, Open: open, Limit: 1})
	if err != nil {
		return trimtab.Rollout{}, err
	}
	if len(all) == 0 {
		word := "rollout"
		if open {
			word = "open rollout"
		}
		return trimtab.Rollout{}, trimtab.Errorf(trimtab.NotFound, "endpoint "+name, "endpoint %s has no %s", name, word)
	}
	return all[0], nil
}

func rolloutIDs(f client.Find) func(context.Context, *client.Client) ([]string, error) {
	return func(ctx context.Context, c *client.Client) (out []string, err error) {
		all, err := c.Rollouts(ctx, f)
		for _, r := range all {
			out = append(out, r.ID)
		}
		return out, err
	}
}

// writeRollout prints a rollout as a page.
func (a *application) writeRollout(w io.Writer, r trimtab.Rollout) error {
	fmt.Fprintf(w, "%s  %s\n", a.paint(w, bold, "rollout "+r.ID), a.paint(w, rolloutColours[r.State], string(r.State)))
	old := "nothing served before"
	if r.From != 0 {
		old = fmt.Sprintf("version %d answers the rest", r.From)
		if r.Answers() == r.To {
			old = fmt.Sprintf("version %d before it", r.From)
		}
	}
	share := percent(r.Share)
	if r.Answers() == r.To {
		share = "everything"
	}
	switch {
	case r.State == trimtab.RolloutRolling || r.State == trimtab.RolloutRolledBack || r.State == trimtab.RolloutSuperseded:
		share, old = "nothing", fmt.Sprintf("version %d everything", r.From)
	case r.Under() == trimtab.RolloutShadow:
		share, old = "nothing, and scores everything", fmt.Sprintf("version %d answers", r.From)
	}
	fmt.Fprintf(w, "%s, model %s: version %d answers %s, %s\n\n", r.Endpoint, r.Model, r.To, share, old)
	fmt.Fprintf(w, "  %s\n\n", a.stages(w, r))
	ends, latest, next := "", "", ""
	if end, last := r.Ends(); end != 0 && !r.State.Ended() {
		ends, latest = "ends at "+date(end)+" if it is decided", "at the latest at "+date(last)
		if r.State == trimtab.RolloutHeld {
			ends, latest = "", ""
		}
		if t := r.NextLook(max(r.Looked, r.Since)); t != 0 {
			next = date(t)
		}
	}
	if err := facts(w, "begun", optional(r.Begun), "by", r.Origin, "cause", r.Cause, "stage since", optional(r.Since), "stage", strings.TrimPrefix(ends+", "+latest, ", "), "looked", optional(r.Looked),
		"next look", next, "verdict", r.Verdict, "reason", r.Reason, "ended", optional(r.Ended)); err != nil {
		return err
	}
	if len(r.Looks) > 0 {
		fmt.Fprintln(w)
		if err := a.writeLooks(w, r); err != nil {
			return err
		}
	}
	switch {
	case r.State == trimtab.RolloutHeld:
		fmt.Fprintf(w, "\n%s trimtab rollout promote %s --reason …, or rollback, or resume\n", a.paint(w, yellow, "A person decides:"), r.ID)
	case r.State == trimtab.RolloutBaking:
		fmt.Fprintf(w, "\nto undo it: trimtab rollout rollback %s --reason …\n", r.ID)
	}
	return nil
}

// stages draws the way of a rollout: what is past, where it is, what is to come.
func (a *application) stages(w io.Writer, r trimtab.Rollout) string {
	type stage struct {
		name string
		at   bool
	}
	var way []stage
	under := r.Under()
	if s := r.Spec.Shadow; s != nil && s.For > 0 {
		way = append(way, stage{"shadow " + s.For.String(), under == trimtab.RolloutShadow})
	}
	if c := r.Spec.Canary; c != nil {
		for i, share := range c.Steps {
			way = append(way, stage{percent(share) + " " + c.Each.String(), under == trimtab.RolloutCanary && r.Step == i})
		}
	}
	way = append(way, stage{"promote", under == trimtab.RolloutPromoting})
	if r.Spec.Bake > 0 {
		way = append(way, stage{"bake " + r.Spec.Bake.String(), under == trimtab.RolloutBaking})
	}
	way = append(way, stage{"done", r.State == trimtab.RolloutPromoted})
	here := slices.IndexFunc(way, func(s stage) bool { return s.at })
	var parts []string
	switch r.State {
	case trimtab.RolloutRolling, trimtab.RolloutRolledBack, trimtab.RolloutSuperseded:
		way = append(way[:len(way)-1], stage{name: "✗ " + string(r.State)})
	}
	for i, s := range way {
		switch {
		case here < 0 && strings.HasPrefix(s.name, "✗"):
			parts = append(parts, a.paint(w, red, s.name))
		case here < 0:
			parts = append(parts, a.paint(w, faint, s.name))
		case s.at && r.State == trimtab.RolloutHeld:
			parts = append(parts, a.paint(w, yellow, "["+s.name+", held]"))
		case s.at:
			parts = append(parts, a.paint(w, blue, "["+s.name+"]"))
		case i < here:
			parts = append(parts, a.paint(w, green, "✓ "+s.name))
		default:
			parts = append(parts, a.paint(w, faint, s.name))
		}
	}
	return strings.Join(parts, " → ")
}

// writeLooks prints the newest look of each test of each stage with its bounds.
func (a *application) writeLooks(w io.Writer, r trimtab.Rollout) error {
	colours := map[string]colour{"promote": green, "rollback": red, "inconclusive": yellow}
	g := grid{head: []string{"STAGE", "TEST", "ROWS#", "WORSE BY", "LIMIT#", lookHead, "VERDICT"}}
	var whys []string
	for _, l := range r.Looks {
		worse := fmt.Sprintf("%+.4f [%+.4f, %+.4f]", l.Estimate, l.Lo, l.Hi)
		line := lookLine(l)
		switch l.Test {
		case "latency":
			worse, line = time.Duration(l.Estimate*float64(time.Second)).Round(time.Microsecond).String(), ""
		case "sampleRatio":
			worse, line = fmt.Sprintf("share %.4f", l.Estimate), ""
		}
		limit := shortNumber(l.Limit)
		if l.Test == "latency" {
			limit = time.Duration(l.Limit * float64(time.Second)).String()
		}
		g.add(l.Stage, l.Test, thousands(l.N), worse, limit, a.paint(w, colours[l.Verdict], line), a.paint(w, colours[l.Verdict], l.Verdict))
		if l.Why != "" {
			whys = append(whys, l.Stage+" "+l.Test+": "+l.Why)
		}
	}
	if err := a.table(w, g, ""); err != nil {
		return err
	}
	for _, why := range whys {
		for i, l := range wrapped(why, pageWidth-4) {
			if i > 0 {
				l = "  " + l
			}
			fmt.Fprintf(w, "  %s\n", a.paint(w, faint, l))
		}
	}
	return nil
}

// lookHead labels no difference and the limit in the plot of a look.
const lookHead = "  same  limit"

// lookLine draws the bounds of a look: no difference in the fifth column, the limit in
// the eleventh.
func lookLine(l trimtab.Look) string {
	const zero, limit, width = 4, 10, 17
	if l.Limit <= 0 {
		return ""
	}
	cells := []rune(strings.Repeat(" ", width))
	column := func(v float64) int {
		return zero + int(math.Round(min(max(v/l.Limit, -10), 10)*(limit-zero)))
	}
	lo, hi := column(l.Lo), column(l.Hi)
	for i := max(lo, 0); i <= min(hi, width-1); i++ {
		cells[i] = '─'
	}
	put := func(i int, bare, crossed rune) {
		if cells[i] == '─' {
			cells[i] = crossed
		} else {
			cells[i] = bare
		}
	}
	put(zero, '│', '┼')
	put(limit, '┃', '╂')
	if lo < 0 {
		cells[0] = '‹'
	}
	if hi >= width {
		cells[width-1] = '›'
	}
	cells[min(max(column(l.Estimate), 0), width-1)] = '●'
	return string(cells)
}

func (a *application) moveRolloutCommand(verb string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     verb + " ROLLOUT|ENDPOINT",
		Example: "  trimtab rollout " + verb + ` flights --reason "seen in the logs"`,
		Args:    exactly("ROLLOUT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			id := args[0]
			if r, err := rolloutOf(cmd.Context(), c, id, true); err == nil {
				id = r.ID
			} else if verb != "rollback" || !trimtab.IsKind(err, trimtab.Unavailable) {
				return err // a roll back is asked for even of a server that cannot read its records
			}
			r, err := c.MoveRollout(cmd.Context(), id, verb, reason)
			if err != nil {
				return err
			}
			return a.show(r, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "rollout %s is %s: %s\n", r.ID, r.State, r.Reason)
				return err
			})
		},
		ValidArgsFunction: a.completes(rolloutIDs(client.Find{Open: true})),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record; needed")
	switch verb {
	case "promote":
		cmd.Short, cmd.Long = "Let the new version answer everything now", "End the watching of an open rollout: its version takes over now."
	case "rollback":
		cmd.Short = "Let the old version answer everything again"
		cmd.Long = `Let the old version answer everything again, at once. It works in every stage and in the
bake, and for requests even while the database does not answer.`
	case "hold":
		cmd.Short, cmd.Long = "Keep the stage as it is", "Keep the stage as it is until resume, promote or rollback. The tests go on and still roll back."
	case "resume":
		cmd.Short, cmd.Long = "Begin the stage anew in which a rollout was held", "Begin the stage anew in which a rollout was held."
	}
	return cmd
}

// rolloutLine says in short how an open rollout stands.
func rolloutLine(r view.OverviewRollout) string {
	text := fmt.Sprintf("%d → %d", r.From, r.To)
	if r.State == trimtab.RolloutCanary || r.Share > 0 && r.Share < 1 {
		text += " at " + percent(r.Share)
	}
	return text
}
