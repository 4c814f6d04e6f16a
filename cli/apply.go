package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/protocol/client"
)

func (a *application) applyCommand() *cobra.Command {
	var flags declareFlags
	var agreed bool
	cmd := &cobra.Command{
		Use:   "apply PATH... | PLANFILE",
		Short: "Make the declarations true",
		Long: `Show the plan of the declarations, ask, and make it so in one transaction: all of
it or nothing. Data files and code folders that the declarations name are uploaded.

On a terminal it asks before it changes anything; --yes agrees beforehand. Without
a terminal it needs --yes only when something is deleted or replaced. A plan that
was saved by ` + "`trimtab plan --out FILE`" + ` was seen already: it is applied as it
stands, or refused when the server has changed since.

What automation has moved, such as the version an alias points to, is not declared
and is never moved back.`,
		Example: `  trimtab apply my-model/
  trimtab apply my-model/ --yes
  trimtab apply my-model/ --prune --yes
  trimtab apply plan.json`,
		Args: some("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			var bundles []bundle
			var plans []plan.Answer
			if len(args) == 1 {
				s, isSaved, err := readSaved(args[0])
				if err != nil {
					return err
				}
				if isSaved {
					return a.applySaved(cmd.Context(), c, args[0], s)
				}
			}
			if bundles, plans, err = a.plan(cmd.Context(), c, args, flags); err != nil {
				return err
			}
			if err := a.agree(plans, agreed); err != nil {
				return err
			}
			return a.apply(cmd.Context(), c, bundles, plans)
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVarP(&agreed, "yes", "y", false, "do not ask")
	return cmd
}

// agree shows the plans and asks whether they are meant.
func (a *application) agree(plans []plan.Answer, agreed bool) error {
	quiet := a.output == "json" || a.output == "yaml"
	changes, losses := 0, 0
	for _, p := range plans {
		changes += len(p.Actions)
		losses += p.Count(plan.Delete) + p.Count(plan.Replace)
		if !quiet && !p.Empty() {
			if err := p.Write(a.env.Err, a.style(a.env.Err)); err != nil {
				return err
			}
		}
	}
	switch {
	case changes == 0 || agreed:
		return nil
	case terminal(a.env.In) && terminal(a.env.Err):
		return a.confirm("Apply?")
	case losses > 0:
		return trimtab.Errorf(trimtab.Precondition, "plan", "the plan deletes or replaces %s: agree with --yes", counted(losses, "resource"))
	}
	return nil
}

// confirm asks on the terminal; everything but yes is no.
func (a *application) confirm(question string) error {
	fmt.Fprintf(a.env.Err, "\n%s [y/N] ", a.paint(a.env.Err, bold, question))
	answer, err := bufio.NewReader(io.LimitReader(a.env.In, 100)).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return trimtab.Errorf(trimtab.Canceled, "question", "nothing was changed")
}

// applySaved applies a plan that was seen when it was saved.
func (a *application) applySaved(ctx context.Context, c *client.Client, path string, s saved) error {
	if s.Server != c.Target().Server {
		a.progress("the plan was made with %s", s.Server)
	}
	for i, b := range s.Bundles {
		now, err := c.Project(b.Project).Plan(ctx, b.proposal())
		if err != nil {
			return err
		}
		if now.Digest != s.Plans[i].Digest {
			return trimtab.Errorf(trimtab.Conflict, path, "the plan in %s is stale: %s; plan again", path, plan.Stale(s.Plans[i].Plan, now.Plan))
		}
		s.Plans[i] = now
	}
	return a.apply(ctx, c, s.Bundles, s.Plans)
}

// apply uploads what is missing and applies each project's plan as it was seen.
func (a *application) apply(ctx context.Context, c *client.Client, bundles []bundle, plans []plan.Answer) error {
	done := make([]plan.Answer, 0, len(plans))
	for i, b := range bundles {
		in := c.Project(b.Project)
		if !plans[i].Empty() {
			if err := a.upload(ctx, in, b, plans[i].Missing); err != nil {
				return err
			}
			p := b.proposal()
			p.Expect = plans[i].Digest
			answer, err := in.Apply(ctx, p)
			if err != nil {
				return err
			}
			plans[i] = answer
		}
		done = append(done, plans[i])
	}
	return a.applied(done)
}

func (a *application) applied(done []plan.Answer) error {
	var v any = done
	if len(done) == 1 {
		v = done[0]
	}
	return a.show(v, func(w io.Writer) error {
		for _, p := range done {
			if p.Empty() {
				fmt.Fprintln(w, p.Summary())
				continue
			}
			var parts []string
			for _, x := range []struct {
				verb plan.Verb
				past string
			}{{plan.Create, "created"}, {plan.Update, "updated"}, {plan.Replace, "replaced"}, {plan.Delete, "deleted"}} {
				if n := p.Count(x.verb); n > 0 {
					parts = append(parts, fmt.Sprintf("%d %s", n, x.past))
				}
			}
			fmt.Fprintf(w, "%s in project %s: %s, %d unchanged.\n", a.paint(w, green, "Applied"), p.Workspace, strings.Join(parts, ", "), p.Unchanged)
		}
		return nil
	})
}
