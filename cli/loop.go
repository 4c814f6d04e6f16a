package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

func (a *application) loopCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "loop",
		Short: "See where each policy stands, pause and resume the loop",
		RunE:  needsSubcommand,
	}
	status := &cobra.Command{
		Use:   "status",
		Short: "Show whether the loop is paused, and where each policy stands",
		Long: `Show whether the loop is paused, and where each policy stands: how far it has decided,
when it decides next, until when it rests after an action, how much of its budget of
retrains is used, and what it waits for. All times are event times.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			l, err := c.Loop(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(l, func(w io.Writer) error { return a.writeLoop(w, l) })
		},
	}
	cmd.AddCommand(status, a.pauseCommand(true), a.pauseCommand(false), a.breakerCommand())
	return cmd
}

func (a *application) pauseCommand(paused bool) *cobra.Command {
	var p client.PauseLoop
	verb := "resume"
	if paused {
		verb = "pause"
	}
	cmd := &cobra.Command{
		Use: verb + " [POLICY]",
		Example: "  trimtab loop " + verb + ` --reason "a release of the booking system"
  trimtab loop ` + verb + ` flights
  trimtab loop ` + verb + " --all",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				p.Policy = args[0]
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.PauseLoop(cmd.Context(), paused, p)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) error {
				for _, x := range all {
					what := "the loop of project " + string(x.Workspace)
					if x.Name != trimtab.LoopPause {
						what = "policy " + x.Name
					}
					state := "runs"
					if x.Paused {
						state = "is paused"
					}
					if _, err := fmt.Fprintf(w, "%s %s\n", what, state); err != nil {
						return err
					}
				}
				return nil
			})
		},
		ValidArgsFunction: a.completes(policyNames),
	}
	cmd.Flags().StringVar(&p.Reason, "reason", "", "why, for the record")
	cmd.Flags().BoolVar(&p.All, "all", false, "in every project")
	if paused {
		cmd.Short = "Stop the loop, or one policy, from starting anything"
		cmd.Long = `Stop the loop of the project, or one policy, from starting anything. Policies go on to
decide and to record, and what they would have done is cancelled. A training that runs goes on;
a rollout that a policy has begun keeps its step, and is still rolled back if it must be.`
	} else {
		cmd.Short, cmd.Long = "Let the loop, or one policy, act again", "Let the loop of the project, or one policy, act again."
	}
	return cmd
}

func policyNames(ctx context.Context, c *client.Client) (names []string, err error) {
	all, err := c.Resources(ctx, trimtab.KindRetrainPolicy)
	for _, r := range all {
		names = append(names, r.Name)
	}
	return names, err
}

func (a *application) breakerCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "close-breaker POLICY",
		Short: "Let a policy act again whose cures failed several times in a row",
		Long: `Let a policy act again whose circuit breaker is open: several cures in a row could not be
made, so it stopped trying. See why first: trimtab incidents list --all --kind trainingFailed.`,
		Example: `  trimtab loop close-breaker flights --reason "the disk is back"`,
		Args:    exactly("POLICY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			p, err := c.CloseBreaker(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return a.show(p, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "the circuit breaker of policy %s is closed\n", p.Name)
				return err
			})
		},
		ValidArgsFunction: a.completes(policyNames),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record; needed")
	return cmd
}

// writeLoop prints the page.
func (a *application) writeLoop(w io.Writer, l view.Loop) error {
	if l.Pause != nil && l.Pause.Paused {
		fmt.Fprintf(w, "%s by %s at %s%s\nIt starts nothing until `trimtab loop resume`.\n\n", a.paint(w, yellow, "The loop is paused"), l.Pause.By, l.Pause.At, because(l.Pause.Reason))
	} else {
		fmt.Fprintf(w, "%s\n\n", a.paint(w, green, "The loop runs."))
	}
	g := grid{head: []string{"POLICY", "ENDPOINT", "MODE", "STATE", "DECIDED THROUGH", "DECIDES NEXT", "RESTS UNTIL", "RETRAINS"}}
	for _, p := range l.Policies {
		budget := fmt.Sprint(p.Used)
		if p.Budget > 0 {
			budget = fmt.Sprintf("%d of %d in %s", p.Used, p.Budget, p.Per)
		}
		g.add(p.Name, dash(p.Endpoint), p.Mode, a.policyState(w, p), dash(optional(p.Through)), dash(optional(p.Next)), dash(optional(p.Cooldown)), budget)
	}
	if err := a.table(w, g, "No policy is declared: a RetrainPolicy says inside which limits the loop acts by itself."); err != nil {
		return err
	}
	for _, p := range l.Policies {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, p.Name))
		line := func(label, text string) {
			for i, l := range wrapped(text, pageWidth-14) {
				if i > 0 {
					label = ""
				}
				fmt.Fprintf(w, "  %-10s  %s\n", label, l)
			}
		}
		if p.Pause != nil {
			line("paused", fmt.Sprintf("by %s at %s%s; trimtab loop resume %s", p.Pause.By, p.Pause.At, because(p.Pause.Reason), p.Name))
		}
		if p.Broken {
			line("stopped", fmt.Sprintf("%d cures in a row could not be made; see trimtab incidents list --all --kind trainingFailed, then trimtab loop close-breaker %s", p.Failures, p.Name))
		}
		if p.Waits != "" {
			line("waits", p.Waits)
		}
		if p.Newest == nil {
			line("newest", "nothing has been decided yet")
			continue
		}
		line("newest", p.Newest.Reason)
		line("", "trimtab decisions explain "+p.Newest.ID)
	}
	return nil
}

func (a *application) policyState(w io.Writer, p view.LoopPolicy) string {
	switch {
	case p.Broken:
		return a.paint(w, red, "breaker open")
	case p.Pause != nil:
		return a.paint(w, yellow, "paused")
	case p.Newest != nil && p.Newest.State == trimtab.DecisionAwaiting:
		return a.paint(w, yellow, "awaits you")
	case len(p.Open) > 0:
		return a.paint(w, blue, "acts")
	}
	return "watches"
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
