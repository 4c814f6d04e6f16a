package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
)

func (a *application) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version    string `json:"version"`
				Commit     string `json:"commit,omitempty"`
				APIVersion string `json:"apiVersion"`
				Go         string `json:"go"`
				Platform   string `json:"platform"`
			}{Version: a.env.Version, APIVersion: trimtab.APIVersion, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Commit = s.Value
					}
				}
			}
			return a.show(v, func(w io.Writer) error {
				fmt.Fprintf(w, "trimtab %s\n", v.Version)
				return facts(w, "commit", v.Commit, "declarations", v.APIVersion, "go", v.Go, "platform", v.Platform)
			})
		},
	}
}
