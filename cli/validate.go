package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/spec"
)

func (a *application) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate PATH...",
		Short: "Check declarations, without a server",
		Long: `Check files and folders of declarations and report every problem at once, each
with its place, what was expected and what was probably meant. No server is asked.

Exit code 0: they are valid. 1: they are not.`,
		Example: `  trimtab validate my-model/
  trimtab validate endpoint.yaml -o json`,
		Args: some("PATH"),
		RunE: func(_ *cobra.Command, args []string) error {
			set, ds := a.load(args)
			if a.output == "json" || a.output == "yaml" {
				err := a.show(struct {
					Valid       bool             `json:"valid"`
					Diagnostics spec.Diagnostics `json:"diagnostics"`
				}{!ds.HasErrors(), append(spec.Diagnostics{}, ds...)}, nil)
				if err == nil && ds.HasErrors() {
					err = code(exitError)
				}
				return err
			}
			if ds.HasErrors() {
				return ds
			}
			a.warn(ds)
			fmt.Fprintf(a.env.Out, "%s in %s: valid\n", counted(len(set.Documents), "resource"), counted(len(set.Files), "file"))
			return nil
		},
	}
}

// load reads declarations for the project that flags, environment and context name.
func (a *application) load(paths []string) (spec.Set, spec.Diagnostics) {
	project := trimtab.Workspace(a.project)
	if c, err := a.client(); err == nil {
		project = c.Target().Project
	}
	return spec.Load(paths, spec.Options{Project: project})
}

// warn prints the diagnostics that do not stop the command.
func (a *application) warn(ds spec.Diagnostics) {
	if len(ds) > 0 {
		_ = ds.Write(a.env.Err)
		fmt.Fprintln(a.env.Err)
	}
}

func (a *application) renderCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "render PATH...",
		Short: "Print declarations with every default spelled out",
		Long: `Print the declarations as the server understands them: one YAML document each, in
the order in which apply creates them, with every default spelled out. What it
prints declares the same again. No server is asked.`,
		Example: `  trimtab render my-model/`,
		Args:    some("PATH"),
		RunE: func(_ *cobra.Command, args []string) error {
			set, ds := a.load(args)
			if ds.HasErrors() {
				return ds
			}
			a.warn(ds)
			if a.output == "json" {
				var all []spec.Manifest
				for _, r := range set.Resources() {
					m, err := spec.ManifestOf(r, true)
					if err != nil {
						return err
					}
					all = append(all, m)
				}
				return a.show(all, nil)
			}
			raw, err := spec.Render(set.Resources())
			if err != nil {
				return err
			}
			_, err = a.env.Out.Write(raw)
			return err
		},
	}
}

func (a *application) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Print the JSON Schema of declarations, for editors",
		Long: `Print the JSON Schema of a kind's documents, or of all kinds. Editors complete and
check declarations with it; for the YAML language server, a file begins with

  # yaml-language-server: $schema=trimtab.schema.json

Kinds: ` + strings.Join(trimtab.Kinds, ", ") + `.`,
		Example: `  trimtab schema > trimtab.schema.json
  trimtab schema endpoint`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: lowerKinds(),
		RunE: func(_ *cobra.Command, args []string) error {
			kind := ""
			if len(args) == 1 {
				var err error
				if kind, err = kindOf(args[0]); err != nil {
					return err
				}
			}
			raw, err := spec.Schema(kind)
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.env.Out, string(raw)+"\n")
			return err
		},
	}
}

func lowerKinds() []string {
	var out []string
	for _, k := range trimtab.Kinds {
		out = append(out, strings.ToLower(k))
	}
	return out
}

// kindOf finds the kind that somebody typed.
func kindOf(typed string) (string, error) {
	kind, meant, ok := spec.Kind(typed)
	if ok {
		return kind, nil
	}
	hint := ""
	if meant != "" {
		hint = fmt.Sprintf("; did you mean %s?", strings.ToLower(meant))
	}
	return "", trimtab.Errorf(trimtab.Invalid, "kind", "unknown kind %q: expected one of %s%s", typed, strings.Join(lowerKinds(), ", "), hint)
}
