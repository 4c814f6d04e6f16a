package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

func (a *application) incidentsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "incidents",
		Aliases: []string{"incident"},
		Short:   "See what is or was wrong, acknowledge it, release held rows, close what is over",
		RunE:    needsSubcommand,
	}
	cmd.AddCommand(a.incidentsListCommand(), a.incidentsShowCommand(), a.moveIncidentCommand("acknowledge"), a.moveIncidentCommand("release"), a.moveIncidentCommand("close"))
	return cmd
}

func (a *application) incidentsListCommand() *cobra.Command {
	var f client.Find
	var since, until string
	var all bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List open incidents, newest first",
		Long: `List incidents, the newest first: those that are open, with --all those that have ended
too. An incident that holds rows back keeps them out of training, references and quality
until it is released.`,
		Example: `  trimtab incidents list
  trimtab incidents list --all --endpoint flights --kind dataFault`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.From, f.To, err = span(since, until); err != nil {
				return err
			}
			f.Open = !all
			c, err := a.client()
			if err != nil {
				return err
			}
			found, err := c.Incidents(cmd.Context(), f)
			if err != nil {
				return err
			}
			return a.show(found, func(w io.Writer) error { return a.writeIncidents(w, found, all) })
		},
	}
	findFlags(cmd, &f, &since, &until)
	_ = cmd.Flags().MarkHidden("open") // it is what a list without --all shows
	cmd.Flags().StringVar(&f.Kind, "kind", "", "only of this kind, such as dataFault, breach, drift, decay or rolledBack")
	cmd.Flags().BoolVar(&all, "all", false, "those that have ended too")
	return cmd
}

var severityColours = map[trimtab.Severity]colour{trimtab.Critical: red, trimtab.Warning: yellow, trimtab.Info: faint}

func (a *application) writeIncidents(w io.Writer, all []trimtab.Incident, ended bool) error {
	g := grid{head: []string{"INCIDENT", "SEVERITY", "STATE", "BEGAN", "CAUSE"}}
	for _, i := range all {
		cause := i.Cause
		if !a.wide() {
			cause = clipped(cause, 56)
		}
		g.add(i.ID, a.paint(w, severityColours[i.Severity], dash(string(i.Severity))), incidentState(i), date(i.Begin), cause)
	}
	empty := "No incident is open; --all lists those that have ended too."
	if ended {
		empty = "There was no incident."
	}
	return a.table(w, g, empty)
}

func incidentState(i trimtab.Incident) string {
	state := i.Head().State
	switch {
	case i.Released:
		state += ", released"
	case i.Hold:
		state += ", holds"
	}
	if i.AcknowledgedBy != "" && i.Closed == 0 {
		state += ", acknowledged"
	}
	return state
}

func (a *application) incidentsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show INCIDENT",
		Short:   "Show an incident with its evidence",
		Example: `  trimtab incidents show flights.dataFault.unit.wind_speed.20130408T000000`,
		Args:    exactly("INCIDENT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			i, err := c.Incident(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(i, func(w io.Writer) error {
				entries, err := c.JournalOf(cmd.Context(), "incident", i.ID, 20)
				if err != nil {
					return err
				}
				return a.writeIncident(w, i, entries)
			})
		},
		ValidArgsFunction: a.completes(incidentIDs(client.Find{Limit: 200})),
	}
}

func incidentIDs(f client.Find) func(context.Context, *client.Client) ([]string, error) {
	return func(ctx context.Context, c *client.Client) (out []string, err error) {
		all, err := c.Incidents(ctx, f)
		for _, i := range all {
			out = append(out, i.ID)
		}
		return out, err
	}
}

// writeIncident prints an incident as a page.
func (a *application) writeIncident(w io.Writer, i trimtab.Incident, entries []view.Entry) error {
	section := func(title string) { fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, title)) }
	fmt.Fprintf(w, "%s  %s\n\n", a.paint(w, bold, "incident "+i.ID), a.paint(w, severityColours[i.Severity], string(i.Severity)))
	for _, l := range wrapped(i.Cause, pageWidth-2) {
		fmt.Fprintf(w, "  %s\n", a.paint(w, bold, l))
	}
	fmt.Fprintln(w)
	span := "from " + date(i.Begin)
	switch {
	case i.End != 0:
		span += " to " + date(i.End)
	case i.Closed == 0:
		span += ", and goes on"
	}
	rows, held, factor := "", "", ""
	if i.Rows != 0 {
		rows = fmt.Sprintf("%s, %s of them wrong", thousands(i.Rows), thousands(i.Bad))
	}
	switch {
	case i.Released:
		held = fmt.Sprintf("released by %s: %s", i.ReleasedBy, i.Note)
	case i.Hold && i.Rule != "":
		held = "rows that rule " + i.Rule + " caught are kept out of training, references and quality"
	case i.Hold:
		held = "all rows of the span are kept out of training, references and quality"
	}
	if i.Factor != 0 {
		factor = shortNumber(i.Factor)
	}
	note := i.Note
	if i.Released {
		note = ""
	}
	seen := i.AcknowledgedBy
	if i.Acknowledgement != "" {
		seen += ": " + i.Acknowledgement
	}
	if err := facts(w, "kind", string(i.Kind), "state", i.Head().State, "endpoint", strings.Join(append([]string{i.Endpoint}, i.Also...), ", "), "monitor", i.Monitor,
		"columns", strings.Join(i.Columns, ", "), "fault", i.Fault, "factor", factor, "span", span, "found", optional(i.Found), "closed", optional(i.Closed), "rows", rows, "held", held, "seen by", seen, "note", note); err != nil {
		return err
	}
	if i.Remedy != "" {
		section("what to do")
		for _, l := range wrapped(i.Remedy, pageWidth-2) {
			fmt.Fprintf(w, "  %s\n", l)
		}
	}
	if len(i.Evidence) > 0 {
		section("evidence")
		g := grid{head: []string{"  WHAT", "VALUE#", "LIMIT#", "NOTE"}}
		for _, e := range i.Evidence {
			limit := "-"
			if e.Limit != 0 {
				limit = shortNumber(e.Limit)
			}
			g.add("  "+e.Name, shortNumber(e.Value), limit, clipped(e.Text, 50))
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	return a.writeRecord(w, entries)
}

// writeRecord prints what the journal has of a record, oldest first.
func (a *application) writeRecord(w io.Writer, entries []view.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "on record"))
	g := grid{head: []string{"  ENTRY#", "TIME", "ACTION", "BY", "REASON"}}
	for _, e := range slices.Backward(entries) {
		g.add(strconv.FormatInt(e.Index, 10), e.Time.Go().Format("2006-01-02 15:04:05"), e.Action, e.Actor.ID, clipped(e.Reason, 40))
	}
	return a.table(w, g, "")
}

func optional(t trimtab.Time) string {
	if t == 0 {
		return ""
	}
	return date(t)
}

func (a *application) moveIncidentCommand(verb string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     verb + " INCIDENT",
		Example: "  trimtab incidents " + verb + ` flights.dataFault.unit.wind_speed.20130408T000000 --reason "checked with the source"`,
		Args:    exactly("INCIDENT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			i, err := c.MoveIncident(cmd.Context(), args[0], verb, reason)
			if err != nil {
				return err
			}
			return a.show(i, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "incident %s: %s\n", i.ID, incidentState(i))
				return err
			})
		},
		ValidArgsFunction: a.completes(incidentIDs(client.Find{Open: verb != "release", Limit: 200})),
	}
	needed := "; needed"
	if verb == "acknowledge" {
		needed = ""
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record"+needed)
	switch verb {
	case "acknowledge":
		cmd.Aliases = []string{"ack"}
		cmd.Short = "Say that you have seen an incident and look after it"
		cmd.Long = `Say that you have seen an open incident and look after it: it leaves the list of what needs
attention, and channels are told who has it. The loop does the same as before: held rows stay
held. When it turns out to be worse than what was seen, it asks for attention again.`
		cmd.Example = "  trimtab incidents acknowledge " + `flights.dataFault.unit.wind_speed.20130408T000000 --reason "asked the vendor"`
	case "release":
		cmd.Short = "Let the rows that an incident holds be learnt from after all"
		cmd.Long = `Let the rows that an incident holds be learnt from after all: they count as quality again
and trainings take them. Windows that are closed are corrected.`
	default:
		cmd.Short = "End an incident that is over"
		cmd.Long = `End an incident that is over or was none. It ends in event time where the endpoint stands.
Rows that it held stay held: release says otherwise. A monitor that still finds the cause
opens another one.`
	}
	return cmd
}
