package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func (a *application) modelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "model",
		Aliases: []string{"models"},
		Short:   "Look at registered models and move aliases",
		Long: `Look at registered models and move their aliases. The alias is the deploy: an endpoint
serves the version that its alias points to, and follows when the alias moves.`,
		RunE: needsSubcommand,
	}
	alias := &cobra.Command{Use: "alias", Short: "Move and remove aliases", RunE: needsSubcommand}
	alias.AddCommand(a.aliasSetCommand(), a.aliasDeleteCommand())
	cmd.AddCommand(a.modelListCommand(), a.modelShowCommand(), alias)
	return cmd
}

func (a *application) modelListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List registered models",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Models(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) error {
				g := grid{head: []string{"MODEL", "NEWEST#", "ALIASES", "UPDATED", "DESCRIPTION"}}
				now := trimtab.SystemClock()
				for _, m := range all {
					g.add(string(m.Name), versionText(m.LastVersion), dash(aliasText(m.Aliases)), ago(m.Updated, now), dash(m.Description))
				}
				return a.table(w, g, "No model is registered yet.")
			})
		},
	}
}

func (a *application) modelShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show MODEL",
		Short:   "Show a registered model with its versions",
		Example: `  trimtab model show flights`,
		Args:    exactly("MODEL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			m, err := c.Model(cmd.Context(), trimtab.ModelName(args[0]))
			if err != nil {
				return err
			}
			return a.showModel(m)
		},
	}
}

func (a *application) showModel(m view.Model) error {
	return a.show(m, func(w io.Writer) error {
		if err := facts(w, "model", string(m.Name), "description", m.Description, "aliases", aliasText(m.Aliases), "tags", labelText(m.Tags), "created", m.Created.String()); err != nil {
			return err
		}
		fmt.Fprintln(w)
		g := grid{head: []string{"VERSION#", "ALIASES", "STATUS", "CREATED", "RUN"}}
		if a.wide() {
			g.head = append(g.head, "MANIFEST", "ATTEMPT", "STAGE")
		}
		now := trimtab.SystemClock()
		for _, v := range m.Versions {
			aliases := make([]string, 0, len(v.Aliases))
			for _, x := range v.Aliases {
				aliases = append(aliases, string(x))
			}
			status := v.Status
			if v.Attempt != "" && !v.Settled {
				status += ", waits for its step"
			}
			row := []string{versionText(v.Version), dash(strings.Join(aliases, ",")), a.state(w, status), ago(v.Created, now), dash(string(v.Run))}
			if a.wide() {
				row = append(row, dash(v.Manifest.Short()), dash(string(v.Attempt)), dash(v.Stage))
			}
			g.add(row...)
		}
		return a.table(w, g, "The model has no version yet.")
	})
}

func (a *application) aliasSetCommand() *cobra.Command {
	var cause string
	cmd := &cobra.Command{
		Use:   "set MODEL ALIAS VERSION",
		Short: "Point an alias to a version: the deploy",
		Example: `  trimtab model alias set flights champion 3
  trimtab model alias set flights champion 2 --cause "roll back: wrong on weekends"`,
		Args: exactly("MODEL", "ALIAS", "VERSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := strconv.ParseInt(strings.TrimPrefix(args[2], "v"), 10, 64)
			if err != nil || v < 1 {
				return usage{fmt.Errorf("version %q: expected a number from 1", args[2])}
			}
			return a.moveAlias(cmd, args[0], view.MoveAlias{Alias: trimtab.Alias(args[1]), Version: trimtab.Version(v), Cause: cause})
		},
	}
	cmd.Flags().StringVar(&cause, "cause", "", "why, for the record")
	return cmd
}

func (a *application) aliasDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete MODEL ALIAS",
		Short:   "Remove an alias",
		Example: `  trimtab model alias delete flights blue`,
		Args:    exactly("MODEL", "ALIAS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.moveAlias(cmd, args[0], view.MoveAlias{Alias: trimtab.Alias(args[1])})
		},
	}
}

func (a *application) moveAlias(cmd *cobra.Command, model string, m view.MoveAlias) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	out, err := c.MoveAlias(cmd.Context(), trimtab.ModelName(model), m)
	if err != nil {
		return err
	}
	return a.show(out, func(w io.Writer) error {
		if m.Version == 0 {
			fmt.Fprintf(w, "%s has no alias %s\n", model, m.Alias)
		} else {
			fmt.Fprintf(w, "%s@%s is version %d\n", model, m.Alias, out.Aliases[m.Alias])
		}
		return nil
	})
}

func aliasText(aliases map[trimtab.Alias]trimtab.Version) string {
	var parts []string
	for k, v := range sorted(aliases) {
		parts = append(parts, fmt.Sprintf("%s=%d", k, v))
	}
	return strings.Join(parts, " ")
}

func versionText(v trimtab.Version) string {
	if v == 0 {
		return "-"
	}
	return strconv.FormatInt(int64(v), 10)
}
