package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/app"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
)

func (a *application) serverCommand() *cobra.Command {
	var file string
	var printConfig bool
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Start a server",
		Long: `Start a server with everything in one process: tracking and registry for MLflow
clients, the pipeline engine, endpoints, monitors and pages. It runs until it is
interrupted, finishes the requests in flight, and leaves running steps alone: they
outlive it, and the next start takes them over.

Each setting is a flag, an environment variable (TRIMTAB_LISTEN, …) or a key of the
YAML file that --config names, in this order.`,
		Example: `  trimtab server
  trimtab server --data ~/trimtab --listen 127.0.0.1:5001
  trimtab server --database postgres://trimtab@127.0.0.1/trimtab
  trimtab server --config trimtab.yaml --print-config`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			given := map[string]string{}
			for _, s := range app.Settings {
				if f := cmd.Flags().Lookup(s.Name); f != nil && f.Changed {
					given[s.Name] = f.Value.String()
				}
			}
			cfg, origins, err := app.Resolve(file, given, a.env.Getenv)
			if err != nil {
				return err
			}
			if printConfig {
				return a.show(origins, func(w io.Writer) error {
					g := grid{head: []string{"SETTING", "VALUE", "FROM"}}
					for _, o := range origins {
						g.add(o.Name, dash(o.Value), o.From)
					}
					return a.table(w, g, "")
				})
			}
			cfg.Version = a.env.Version
			return app.Serve(cmd.Context(), cfg, a.env.Out, a.env.Err)
		},
	}
	f := cmd.Flags()
	for _, s := range app.Settings {
		f.String(s.Name, s.Default, s.Help)
	}
	f.StringVar(&file, "config", "", "YAML file of settings")
	f.BoolVar(&printConfig, "print-config", false, "print each setting with where it comes from, and exit")
	return cmd
}

// shimCommand runs one attempt of a step; the engine starts it, nobody else.
func (a *application) shimCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:    "shim --dir DIR",
		Short:  "Run one attempt of a pipeline step",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return pipeline.Shim(dir) },
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of the attempt")
	return cmd
}
