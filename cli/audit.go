package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *application) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show and prove entries, and verify that nothing was changed behind the server's back",
		RunE:  needsSubcommand,
	}
	var g against
	verify := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Verify the journal and every governed row, or a file of evidence without a server",
		Long: `Hash the whole journal again, compare it with the stored hashes and the signed
checkpoints, and compare every governed row with the entry that explains it. An entry
or a row that was edited, inserted or deleted behind the server's back is named.

With a FILE that ` + "`trimtab audit show INDEX -o json`" + ` printed, that evidence is checked
here, and no server is asked.

Exit code 0: nothing was found. 2: something was. 1: error.`,
		Example: `  trimtab audit verify
  trimtab audit verify -o json
  trimtab audit verify evidence.json --key keys/journal.pub`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.verifyEvidence(args[0], g)
			}
			if g != (against{}) {
				return usage{errors.New("--key and --since belong to a FILE of evidence")}
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			report, err := c.VerifyAudit(cmd.Context())
			if err != nil {
				return err
			}
			err = a.show(report, func(w io.Writer) error {
				if err := facts(w, "entries", thousands(report.Entries)+" hashed again", "rows", thousands(report.Rows)+" governed rows compared",
					"sealed", thousands(report.Sealed)+" sets of measured data compared with their seal", "open", thousands(report.Open)+" runs not sealed yet"); err != nil {
					return err
				}
				if report.OK() {
					fmt.Fprintf(w, "\n%s\n", a.paint(w, green, "Nothing was changed behind the server's back."))
					return nil
				}
				fmt.Fprintf(w, "\n%s\n", a.paint(w, red, counted(len(report.Findings), "finding")))
				for _, f := range report.Findings {
					fmt.Fprintf(w, "  %s in project %s: %s\n", f.Subject, f.Workspace, f.Problem)
				}
				return nil
			})
			if err == nil && !report.OK() {
				return code(exitChanges)
			}
			return err
		},
	}
	g.flags(verify)
	cmd.AddCommand(verify, a.auditShowCommand())
	return cmd
}
