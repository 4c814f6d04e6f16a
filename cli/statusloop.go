package cli

import (
	"fmt"
	"io"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// writeStatusLoop prints what the closed loop is about: nothing when it is about nothing.
func (a *application) writeStatusLoop(w io.Writer, l view.OverviewLoop) error {
	if l.Pause != nil {
		fmt.Fprintf(w, "\n%s by %s%s\n", a.paint(w, yellow, "The loop is paused"), l.Pause.By, because(l.Pause.Reason))
	}
	if len(l.Incidents) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "incidents"))
		g := grid{head: []string{"INCIDENT", "SEVERITY", "BEGAN", "CAUSE"}}
		for _, i := range l.Incidents {
			g.add(i.ID, a.paint(w, severityColours[i.Severity], dash(string(i.Severity))), date(i.Begin), clipped(i.Cause, 56))
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	if len(l.Decisions) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "decisions"))
		g := grid{head: []string{"DECISION", "ENDPOINT", "ACTION", "STATE", "REASON"}}
		for _, d := range l.Decisions {
			g.add(d.ID, d.Endpoint, actionText(trimtab.Decision{Action: d.Action, Version: d.Version}), a.paint(w, decisionColours[d.State], string(d.State)), clipped(d.Reason, 48))
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	if len(l.Rollouts) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "rollouts"))
		g := grid{head: []string{"ROLLOUT", "ENDPOINT", "VERSIONS", "STATE", "SINCE"}}
		for _, r := range l.Rollouts {
			g.add(r.ID, r.Endpoint, rolloutLine(r), a.paint(w, rolloutColours[r.State], string(r.State)), date(r.Since))
		}
		return a.table(w, g, "")
	}
	return nil
}
