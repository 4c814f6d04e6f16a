package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func (a *application) deleteCommand() *cobra.Command {
	var agreed bool
	cmd := &cobra.Command{
		Use:   "delete KIND NAME | KIND/NAME...",
		Short: "Delete declared resources",
		Long: `Show what deleting the resources would mean, ask, and delete their declarations.
Records stay: runs, model versions, logged predictions and windows are never
deleted by this. Without a terminal it needs --yes.`,
		Example: `  trimtab delete monitor quality
  trimtab delete endpoint/flights monitor/quality --yes`,
		Args: some("KIND/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			refs, err := references(args)
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			p := view.Proposal{Delete: refs, Manager: manager}
			answer, err := c.Plan(cmd.Context(), p)
			if err != nil {
				return err
			}
			if err := a.agree([]plan.Answer{answer}, agreed); err != nil {
				return err
			}
			p.Expect = answer.Digest
			if answer, err = c.Apply(cmd.Context(), p); err != nil {
				return err
			}
			return a.applied([]plan.Answer{answer})
		},
	}
	cmd.Flags().BoolVarP(&agreed, "yes", "y", false, "do not ask")
	return cmd
}

// references reads KIND NAME, or any number of KIND/NAME.
func references(args []string) ([]string, error) {
	if len(args) == 2 && !strings.Contains(args[0], "/") {
		args = []string{args[0] + "/" + args[1]}
	}
	var out []string
	for _, arg := range args {
		typed, name, ok := strings.Cut(arg, "/")
		if !ok || name == "" {
			return nil, trimtab.Errorf(trimtab.Invalid, "reference", "%q names no resource: expected KIND/NAME such as endpoint/flights", arg)
		}
		kind, err := kindOf(typed)
		if err != nil {
			return nil, err
		}
		out = append(out, strings.ToLower(kind)+"/"+name)
	}
	return out, nil
}
