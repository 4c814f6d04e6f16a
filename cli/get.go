package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/spec"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func (a *application) getCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get [KIND [NAME] | KIND/NAME]",
		Short: "Show what is declared",
		Long: `List declared resources, all or of one kind, or show one. With -o yaml one resource
is printed as a document that can be applied again.

Kinds: ` + strings.Join(lowerKinds(), ", ") + `.`,
		Example: `  trimtab get
  trimtab get endpoints
  trimtab get endpoint flights -o yaml`,
		Args:      cobra.MaximumNArgs(2),
		ValidArgs: lowerKinds(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			kind, name := "", ""
			if len(args) > 0 && args[0] != "all" {
				typed, rest, slash := strings.Cut(args[0], "/")
				if kind, err = kindOf(typed); err != nil {
					return err
				}
				switch {
				case slash && len(args) == 2:
					return usage{fmt.Errorf("%q names a resource already: leave %q out", args[0], args[1])}
				case slash:
					name = rest
				case len(args) == 2:
					name = args[1]
				}
			}
			if name != "" {
				r, err := c.Resource(cmd.Context(), kind, name)
				if err != nil {
					return err
				}
				return a.showResource(r)
			}
			all, err := c.Resources(cmd.Context(), kind)
			if err != nil {
				return err
			}
			return a.showResources(all, c.Target().Project)
		},
	}
}

func manifestOf(r view.Resource) (spec.Manifest, error) {
	m, err := spec.ManifestOf(r.Resource, false)
	m.Status = r.Status
	return m, err
}

func (a *application) showResource(r view.Resource) error {
	m, err := manifestOf(r)
	if err != nil {
		return err
	}
	return a.show(m, func(w io.Writer) error {
		if err := facts(w, "name", r.Ref(), "project", string(r.Workspace), "generation", fmt.Sprint(r.Generation),
			"manager", r.Manager, "inventory", r.Inventory, "created", r.Created.String(), "updated", r.Updated.String(), "labels", labelText(r.Labels)); err != nil {
			return err
		}
		for _, part := range []struct {
			name string
			v    any
		}{{"spec", m.Spec}, {"status", r.Status}} {
			if raw, ok := part.v.(json.RawMessage); ok && len(raw) == 0 {
				continue
			}
			text, err := spec.YAML(part.v)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\n", a.paint(w, bold, part.name+":"))
			for line := range strings.Lines(string(text)) {
				fmt.Fprint(w, "  "+line)
			}
		}
		return nil
	})
}

func (a *application) showResources(all []view.Resource, project trimtab.Workspace) error {
	manifests := make([]spec.Manifest, 0, len(all))
	for _, r := range all {
		m, err := manifestOf(r)
		if err != nil {
			return err
		}
		manifests = append(manifests, m)
	}
	return a.show(manifests, func(w io.Writer) error {
		g := grid{head: []string{"RESOURCE", "GENERATION#", "UPDATED", "INVENTORY"}}
		if a.wide() {
			g.head = append(g.head, "MANAGER", "LABELS", "UID")
		}
		now := trimtab.SystemClock()
		for _, r := range all {
			row := []string{r.Ref(), fmt.Sprint(r.Generation), ago(r.Updated, now), dash(r.Inventory)}
			if a.wide() {
				row = append(row, dash(r.Manager), dash(labelText(r.Labels)), r.UID)
			}
			g.add(row...)
		}
		return a.table(w, g, fmt.Sprintf("Nothing is declared in project %s; begin with `trimtab init`.", project))
	})
}

func labelText(m map[string]string) string {
	var parts []string
	for k, v := range sorted(m) {
		parts = append(parts, k+"="+v)
	}
	return strings.Join(parts, ",")
}
