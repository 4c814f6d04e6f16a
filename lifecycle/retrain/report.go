package retrain

import (
	"fmt"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// Report writes a simulation for people: what the policy did and when, what it cost, and how the served quality compares
// with the first model left alone, with a 95 % interval by blocks. It ends with a newline.
func Report(stream Stream, s Simulated, spec trimtab.RetrainPolicySpec) string {
	var b strings.Builder
	first, last := stream.Windows[stream.First], stream.Windows[len(stream.Windows)-1]
	unit := spec.Costs.Currency
	if unit == "" {
		unit = "loss"
	}
	fmt.Fprintf(&b, "%s from %s to %s, %.0f rows\n", windows(len(s.Served)), date(first.Start), date(last.End), s.Rows)
	fmt.Fprintf(&b, "%s, %s, %s, %s; cost %s %s\n", count(s.Retrains, "retrain"), count(s.Rejected, "rejected challenger"),
		count(s.Recalibrations, "recalibration"), count(s.Promotions, "older version")+" promoted", number(s.Cost), unit)
	if s.Rows > 0 {
		fmt.Fprintf(&b, "loss per row: %s served, %s had the first model stayed", number(s.Loss/s.Rows), number(s.Frozen/s.Rows))
		if i := stat.TInterval(s.Gain, s.StdErr, s.DF, 0.95); s.DF > 0 {
			fmt.Fprintf(&b, ": saved %s, 95 %% between %s and %s", signed(s.Gain), signed(i.Lo), signed(i.Hi))
		}
		b.WriteString("\n")
	}
	rows := [][]string{{"decided", "action", "serves", "why"}}
	at := map[trimtab.Time]trimtab.Decision{}
	for _, d := range s.Decisions {
		at[d.At] = d
	}
	for _, e := range s.Events {
		end := stream.Windows[e.Window].End
		action := string(e.Action)
		if !e.Accepted {
			action += ", rejected"
		}
		d := at[end]
		why := d.Reason
		if d.Outcome != "" {
			why += "; " + d.Outcome
		}
		rows = append(rows, []string{date(end), action, "version " + versionText(e.Version), why})
	}
	if len(rows) > 1 {
		align(&b, rows)
	}
	for _, v := range s.Verdicts {
		fmt.Fprintf(&b, "  verdict on %s: %s\n", v.Decision, v.Sentence)
	}
	return b.String()
}

// date is a moment for people: the day alone at midnight.
func date(t trimtab.Time) string {
	if t%day == 0 {
		return t.Go().Format("2006-01-02")
	}
	return t.Go().Format("2006-01-02 15:04")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
