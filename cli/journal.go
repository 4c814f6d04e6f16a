package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/lifecycle/view"
)

func (a *application) journalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Read the journal: who changed what, when and why",
		RunE:  needsSubcommand,
	}
	var last int
	var follow bool
	var of string
	tail := &cobra.Command{
		Use:   "tail",
		Short: "Show the last entries, oldest first",
		Example: `  trimtab journal tail
  trimtab journal tail -n 100 -o wide
  trimtab journal tail --of registeredModel/flights
  trimtab journal tail -f`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			var entries []view.Entry
			after := int64(0)
			if follow {
				// Where the journal of all projects stands, before the entries are read, so
				// that nothing falls between them and the notices.
				o, err := c.Overview(cmd.Context())
				if err != nil {
					return err
				}
				after = o.Server.Journal
			}
			if of != "" {
				kind, name, ok := strings.Cut(of, "/")
				if !ok {
					return usage{fmt.Errorf("--of %q: expected KIND/NAME as the column OBJECT has them, such as registeredModel/flights", of)}
				}
				entries, err = c.JournalOf(cmd.Context(), kind, name, last)
			} else {
				entries, err = c.Journal(cmd.Context(), 0, last)
			}
			if err != nil {
				return err
			}
			slices.Reverse(entries)
			if err := a.show(entries, func(w io.Writer) error { return a.writeEntries(w, entries) }); err != nil || !follow {
				return err
			}
			if len(entries) > 0 {
				after = max(after, entries[len(entries)-1].Index)
			}
			for n, err := range c.Events(cmd.Context(), after) {
				if err != nil {
					return err
				}
				switch {
				case n.Kind == "reset":
					a.progress("more has happened than is told here; `trimtab journal tail` shows it")
					continue
				case n.Action == "": // progress, which is no entry
					continue
				case of != "" && of != n.Kind+"/"+n.Name:
					continue
				}
				if err := a.show(n, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "%d  %s  %s  %s\n", n.Index, n.Time, n.Action, strings.TrimSpace(n.Kind+" "+n.Name+" "+n.Version))
					return err
				}); err != nil {
					return err
				}
			}
			return nil
		},
	}
	tail.Flags().IntVarP(&last, "last", "n", 20, "how many entries")
	tail.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what happens")
	tail.Flags().StringVar(&of, "of", "", "only entries of one object, as KIND/NAME")
	cmd.AddCommand(tail)
	return cmd
}

func (a *application) writeEntries(w io.Writer, entries []view.Entry) error {
	g := grid{head: []string{"INDEX#", "TIME", "ACTION", "OBJECT", "ACTOR"}}
	if a.wide() {
		g.head = append(g.head, "VIA", "STATE", "REQUEST")
	}
	g.head = append(g.head, "REASON")
	for _, e := range entries {
		row := []string{fmt.Sprint(e.Index), e.Time.String(), e.Action, e.Object.String(), e.Actor.ID}
		if a.wide() {
			row = append(row, dash(e.Actor.Via), dash(e.After.Short()), dash(e.RequestID))
		}
		g.add(append(row, e.Reason)...)
	}
	return a.table(w, g, "The journal is empty.")
}
