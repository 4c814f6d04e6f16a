package cli

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
)

// starter is the folder that init writes. It trains on 600 rows that follow a
// known rule: label = 1 with probability 1/(1+exp(x2-1.5*x1)).
//
//go:embed starter
var starter embed.FS

func (a *application) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Write a commented starter folder",
		Long: `Write a folder that declares a whole system and explains itself: a small data file, a
pipeline with its training script, a model, an endpoint and a monitor. Existing files
are never overwritten.`,
		Example: `  trimtab init my-model
  trimtab validate my-model && trimtab apply my-model`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			files, err := writeStarter(dir)
			if err != nil {
				return err
			}
			for _, f := range files {
				fmt.Fprintf(a.env.Out, "wrote %s\n", f)
			}
			fmt.Fprintf(a.env.Out, "\nGo on with:\n  trimtab validate %s\n  trimtab apply %s\n  trimtab pipeline run train --follow\n", dir, dir)
			return nil
		},
	}
}

// writeStarter writes the folder, or nothing when one of its files is there.
func writeStarter(dir string) ([]string, error) {
	var files []string
	err := fs.WalkDir(starter, "starter", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	target := func(path string) string {
		return filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(path, "starter/")))
	}
	for _, f := range files {
		if _, err := os.Lstat(target(f)); err == nil {
			return nil, trimtab.Errorf(trimtab.Exists, target(f), "%s is there already; name a folder that is new or empty", target(f))
		}
	}
	var out []string
	for _, f := range files {
		raw, err := starter.ReadFile(f)
		if err != nil {
			return out, err
		}
		if err := os.MkdirAll(filepath.Dir(target(f)), 0o755); err != nil {
			return out, err
		}
		if err := os.WriteFile(target(f), raw, 0o644); err != nil {
			return out, err
		}
		out = append(out, target(f))
	}
	return out, nil
}
