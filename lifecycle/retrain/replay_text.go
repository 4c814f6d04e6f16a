package retrain

import (
	"fmt"
	"strings"

	"github.com/trimtab/trimtab"
)

// Text is the replay for people. It ends with a newline.
func (r Replayed) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "policy %s over %s of monitor %s, %s to %s, %.0f labelled rows\n\n", r.Policy, windows(r.Windows), r.Monitor, date(r.From), date(r.To), r.Rows)
	loss := "log-loss per row"
	if r.Task == Regression {
		loss = "squared error per row"
	}
	line := func(name string, f func(Tally) string) []string { return []string{name, f(r.Did), f(r.Would)} }
	align(&b, [][]string{
		{"", "what happened", "with this policy"},
		line("retrains", func(t Tally) string { return fmt.Sprint(t.Retrains) }),
		line("rejected retrains", func(t Tally) string { return fmt.Sprint(t.Rejected) }),
		line("recalibrations", func(t Tally) string { return fmt.Sprint(t.Recalibrations) }),
		line("older versions promoted", func(t Tally) string { return fmt.Sprint(t.Promotions) }),
		line("false alarms", func(t Tally) string { return fmt.Sprint(t.FalseAlarms) }),
		line("cost in "+r.Unit, func(t Tally) string { return number(t.Cost) }),
		line(loss, func(t Tally) string { return number(t.Loss) }),
		line("of which", Tally.sureness),
	})
	b.WriteString("\n")
	if r.Saved == nil {
		wrap(&b, "", "Whether the difference is more than chance cannot be told: all rows are of one block.")
	} else {
		wrap(&b, "", fmt.Sprintf("It would have saved %s of loss per row, 95 %% between %s and %s, against what happened.", signed(r.Saved.Value), signed(r.Saved.Lo), signed(r.Saved.Hi)))
	}
	changes := func(title string, all []ReplayedChange) {
		b.WriteString("\n" + title + "\n")
		if len(all) == 0 {
			b.WriteString("  nothing was done\n")
			return
		}
		rows := make([][]string, 0, len(all))
		for _, c := range all {
			what := string(c.Action)
			if !c.Accepted {
				what += ", rejected"
			}
			how := "measured"
			switch {
			case c.Estimated:
				how = "estimated by a probe"
			case c.Action == trimtab.DoRetrain && c.Version != 0:
				how = "measured: version " + versionText(c.Version)
			}
			rows = append(rows, []string{date(c.At), what, how})
		}
		align(&b, rows)
	}
	changes("WHAT HAPPENED", r.Happened)
	changes("WITH THIS POLICY", r.Changes)
	return b.String()
}
