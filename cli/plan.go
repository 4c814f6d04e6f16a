package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/protocol/client"
)

// declareFlags are those of plan and apply.
type declareFlags struct {
	prune     bool
	inventory string
}

func (f *declareFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.prune, "prune", false, "delete what this inventory applied before and the declarations no longer name")
	cmd.Flags().StringVar(&f.inventory, "inventory", "", "name of the source of these declarations (default cli: and its path in the repository)")
}

func (a *application) planCommand() *cobra.Command {
	var flags declareFlags
	var out string
	cmd := &cobra.Command{
		Use:   "plan PATH...",
		Short: "Say what an apply would do",
		Long: `Compare the declarations with the server and print what an apply would do: what it
creates, updates, replaces and deletes, what somebody else has changed since (drift),
and what follows: which steps run again, what endpoints load. Nothing is changed.

With --out the plan is saved, and ` + "`trimtab apply FILE`" + ` does exactly that, or refuses
when the server has changed meanwhile.

Exit code 0: nothing would change. 2: there are changes. 1: error.`,
		Example: `  trimtab plan my-model/
  trimtab plan my-model/ --prune
  trimtab plan my-model/ --out plan.json && trimtab apply plan.json
  trimtab plan my-model/ -o json`,
		Args: some("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			bundles, plans, err := a.plan(cmd.Context(), c, args, flags)
			if err != nil {
				return err
			}
			if out != "" {
				if err := writeSaved(out, saved{Version: savedVersion, Server: c.Target().Server, Bundles: bundles, Plans: plans}); err != nil {
					return err
				}
			}
			if err := a.showPlans(plans); err != nil {
				return err
			}
			if out != "" {
				a.progress("saved; `trimtab apply %s` does exactly this", out)
			}
			for _, p := range plans {
				if !p.Empty() {
					return code(exitChanges)
				}
			}
			return nil
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "save the plan in this file")
	return cmd
}

// plan loads declarations and asks the server what applying them would do, for
// each project they belong to.
func (a *application) plan(ctx context.Context, c *client.Client, paths []string, flags declareFlags) ([]bundle, []plan.Answer, error) {
	set, ds := a.load(paths)
	if ds.HasErrors() {
		return nil, nil, ds
	}
	a.warn(ds)
	inventory := flags.inventory
	if inventory == "" {
		var err error
		if inventory, err = inventoryOf(paths); err != nil {
			return nil, nil, err
		}
	}
	bundles, err := a.bundles(set, inventory, flags.prune)
	if err != nil {
		return nil, nil, err
	}
	plans := make([]plan.Answer, len(bundles))
	for i, b := range bundles {
		if plans[i], err = c.Project(b.Project).Plan(ctx, b.proposal()); err != nil {
			return nil, nil, err
		}
	}
	return bundles, plans, nil
}

func (a *application) showPlans(plans []plan.Answer) error {
	var v any = plans
	if len(plans) == 1 {
		v = plans[0]
	}
	return a.show(v, func(w io.Writer) error {
		for i, p := range plans {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := p.Write(w, a.style(w)); err != nil {
				return err
			}
		}
		return nil
	})
}

// style paints the lines of a plan as people know them from other tools.
func (a *application) style(w io.Writer) plan.Style {
	colours := map[string]colour{"create": green, "update": yellow, "replace": yellow, "delete": red, "drift": blue, "heading": bold}
	return func(verb, text string) string { return a.paint(w, colours[verb], text) }
}
