package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
)

// maxLabels bounds a file of labels; the server has its own limit.
const maxLabels = 64 << 20

func (a *application) labelsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "labels",
		Short: "Tell endpoints what really happened",
		RunE:  needsSubcommand,
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "push ENDPOINT FILE",
		Short: "Send labels, so that quality can be measured",
		Long: `Send labels of earlier predictions: what really happened. The file is CSV with the
columns id and value, and optionally event_time and known_at, or JSON with a list of
such objects; - reads CSV from standard input. The id is that of the request.

It is answered how many labels found their prediction, how many did not yet, how many
repeated what was known, and how many came after their window had closed.`,
		Example: `  trimtab labels push flights labels.csv
  cat labels.csv | trimtab labels push flights -`,
		Args: exactly("ENDPOINT", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := a.env.In
			kind := "text/csv"
			if args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return trimtab.Errorf(trimtab.NotFound, args[1], "the file cannot be read: %v", err)
				}
				defer f.Close()
				in = f
				if strings.EqualFold(filepath.Ext(args[1]), ".json") {
					kind = "application/json"
				}
			}
			raw, err := io.ReadAll(io.LimitReader(in, maxLabels+1))
			if err != nil {
				return err
			}
			if len(raw) > maxLabels {
				return trimtab.Errorf(trimtab.Exhausted, args[1], "the file is larger than %s: split it", size(maxLabels))
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			r, err := c.PushLabels(cmd.Context(), args[0], kind, raw)
			if err != nil {
				return err
			}
			return a.show(r, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s matched, %s unmatched, %s repeated, %s late\n", thousands(r.Matched), thousands(r.Unmatched), thousands(r.Repeated), thousands(r.Late))
				return err
			})
		},
	})
	return cmd
}
