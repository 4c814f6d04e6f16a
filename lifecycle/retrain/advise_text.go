package retrain

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// pageWidth is that of the page of text.
const pageWidth = 100

// metricName is the metric for people.
func (a Advice) metricName() string {
	if a.Task == Regression {
		return "root mean squared error"
	}
	return "AUC"
}

func (a Advice) lossName() string {
	if a.Task == Regression {
		return "squared error"
	}
	return "log-loss"
}

// Headline is the advice in one sentence.
func (a Advice) Headline() string {
	var open []string
	for _, f := range a.Faults {
		if f.Open {
			open = append(open, faultName(f))
		}
	}
	switch {
	case len(open) > 0:
		return "Mend the data first: " + strings.Join(open, "; ") + " is still there at the end of the records."
	case a.Now.Action == trimtab.DoRetrain:
		return "Retrain: by an estimate it would pay now."
	case a.Now.Action == trimtab.DoRecalibrate:
		return "Recalibrate: it would pay now, and needs no training."
	case a.Pays:
		return "Nothing is to be done today, but cures at the right moments would have paid over these records."
	case a.Decay.State == "lasting":
		return "Nothing would pay: the quality fell, and no cure that could be measured would have brought it back."
	}
	return "Nothing is to be done: no cure would pay."
}

func faultName(f AdvisedFault) string {
	name := map[string]string{"missing": "missing values", "unit": "another unit", "scale": "another scale", "sign": "turned sign", "shift": "shifted values", "swapped": "columns swapped",
		"frozen": "frozen value", "sentinel": "stand-in values", "clipped": "clipped values", "truncated": "rounded values", "shuffled": "values of other rows", "recoded": "categories written otherwise",
		"duplicate": "rows that come twice", "volume": "rows that stopped coming", "schema": "a column lost or of another type", "changed": "implausible values"}[f.Kind]
	if name == "" {
		name = f.Kind
	}
	if len(f.Columns) > 0 {
		name += " of " + strings.Join(f.Columns, ", ")
	}
	return name
}

// Decayed answers whether and when the model decayed.
func (a Advice) Decayed() []string {
	d := a.Decay
	then := fmt.Sprintf("the first %s with labels", windows(a.Reference))
	quality := func(v *Value) string {
		return fmt.Sprintf("%s %s (95 %% between %s and %s)", a.metricName(), number(v.Value), number(v.Lo), number(v.Hi))
	}
	var out []string
	switch d.State {
	case "lasting":
		out = append(out, fmt.Sprintf("Yes, since %s: %s since then, %s in %s.", date(d.Since), quality(d.After), number(d.Before.Value), then))
	case "passing":
		out = append(out, fmt.Sprintf("For a while: it was worse than in %s, and is not at the end.", then))
	case "none":
		out = append(out, fmt.Sprintf("No: no stretch of windows is worse than %s by more than chance and by enough to matter; %s in these, %s since.", then, quality(d.Before), number(d.After.Value)))
	}
	if d.LossBefore > 0 && d.State != "none" {
		out = append(out, fmt.Sprintf("A row cost %s of %s then and %s %s (%s).", number(d.LossBefore), a.lossName(), number(d.LossAfter),
			map[bool]string{true: "since", false: "after"}[d.State == "lasting"], percent(d.LossAfter/d.LossBefore-1)))
	}
	if len(d.Worse) > 0 {
		var list []string
		for i, s := range d.Worse {
			if i == 6 {
				list = append(list, fmt.Sprintf("and %d more", len(d.Worse)-i))
				break
			}
			list = append(list, date(s.From)+" to "+date(s.To))
		}
		out = append(out, "Worse stretches: "+strings.Join(list, "; ")+".")
	}
	return out
}

// Data answers whether the data were at fault.
func (a Advice) Data() []string {
	if len(a.Columns) == 0 {
		return []string{"Unknown: no inputs were given. Give them with --inputs, or in the file of predictions."}
	}
	var out []string
	if len(a.Faults) == 0 {
		out = append(out, fmt.Sprintf("No fault was found in %s.", count(len(a.Columns), "input column")))
	} else {
		out = append(out, fmt.Sprintf("%s found; %s of them witness nothing below.", verbed(len(a.Faults)), count(a.Held, "labelled row")))
		largest := slices.Clone(a.Faults)
		slices.SortStableFunc(largest, func(x, y AdvisedFault) int { return y.Rows - x.Rows })
		for i, f := range largest {
			if i == 5 {
				out = append(out, fmt.Sprintf("- and %d smaller ones.", len(a.Faults)-i))
				break
			}
			to := "to " + date(f.To)
			if f.Open {
				to = "to the end"
			}
			out = append(out, fmt.Sprintf("- %s, from %s %s: %s (sure to %.0f%%)", faultName(f), date(f.From), to, strings.TrimSuffix(f.Cause, "."), 100*f.Confidence))
		}
	}
	if len(a.Drifts) == 0 {
		return append(out, "No input moved away for long.")
	}
	var list []string
	for i, d := range a.Drifts {
		if i == 6 {
			list = append(list, fmt.Sprintf("and %d more", len(a.Drifts)-i))
			break
		}
		list = append(list, fmt.Sprintf("%s (%s since %s)", d.Column, windows(d.Windows), date(d.Since)))
	}
	return append(out, "Inputs that moved away from the first weeks, by which alone nothing is wrong: "+strings.Join(list, ", ")+".")
}

func verbed(faults int) string {
	if faults == 1 {
		return "1 fault was"
	}
	return fmt.Sprintf("%d faults were", faults)
}

// Paid answers whether a cure would have paid, beside the table of cures.
func (a Advice) Paid() []string {
	p := a.Policy
	var out []string
	if len(p.Changes) == 0 {
		out = append(out, "A policy that acts only when it pays would have changed nothing.")
	} else {
		accepted := map[trimtab.Action]int{}
		rejected := 0
		for _, c := range p.Changes {
			if c.Accepted {
				accepted[c.Action]++
			} else {
				rejected++
			}
		}
		var did []string
		for _, x := range []trimtab.Action{trimtab.DoRecalibrate, trimtab.DoRetrain, trimtab.DoPromoteOlder, trimtab.DoRollBack} {
			if n := accepted[x]; n > 0 {
				did = append(did, count(n, map[trimtab.Action]string{trimtab.DoRecalibrate: "recalibration", trimtab.DoRetrain: "retrain", trimtab.DoPromoteOlder: "older version", trimtab.DoRollBack: "roll back"}[x]))
			}
		}
		if rejected > 0 {
			did = append(did, count(rejected, "rejected retrain"))
		}
		s := fmt.Sprintf("A policy that acts only when it pays would have made %s: %s of loss per row instead of %s", strings.Join(did, ", "), number(p.Loss), number(p.Frozen))
		if v := p.Saved; v != nil {
			s += fmt.Sprintf(", saved %s (95 %% between %s and %s), %s", signed(v.Value), signed(v.Lo), signed(v.Hi), percent(v.Value/p.Frozen))
		}
		s += fmt.Sprintf("; in all %s saved for a price of %s %s.", number(p.Total), number(p.Cost), p.Unit)
		if p.Estimated {
			s += " Retrains are estimates."
		}
		out = append(out, s)
	}
	return append(out, "At the end of the records, with the model as it is: "+a.Now.Reason+".")
}

func percent(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	return fmt.Sprintf("%+.1f %%", 100*v)
}

// Text is the advice as one page of text, not wider than 100 columns except for a column's name that is. It ends with a
// newline.
func (a Advice) Text() string {
	var b strings.Builder
	para := func(indent, text string) { wrap(&b, indent, text) }
	fmt.Fprintf(&b, "%d predictions from %s to %s, %d with a label, %s of %s\n\n", a.Rows, date(a.From), date(a.To), a.Labels, windows(len(a.Windows)), a.Window)
	para("", a.Headline())
	b.WriteString("\nDID THE MODEL DECAY?\n")
	for _, s := range a.Decayed() {
		para("  ", s)
	}
	if line, lo, hi := a.spark(); line != "" {
		fmt.Fprintf(&b, "  %s by window, %s to %s:\n  %s\n", a.metricName(), number(lo), number(hi), line)
	}
	b.WriteString("\nWAS IT THE DATA?\n")
	for _, s := range a.Data() {
		para("  ", s)
	}
	b.WriteString("\nWOULD A CURE HAVE PAID?\n")
	rows := [][]string{{"made anew each window", "saved per row", "95 % between", "of the loss", ""}}
	for _, c := range a.Cures {
		how := "measured"
		if c.Estimated {
			how = "estimated (probe)"
		}
		if c.Saved == nil {
			para("  ", fmt.Sprintf("%s: not measured: %s.", c.Action, c.Why))
			continue
		}
		rows = append(rows, []string{string(c.Action), signed(c.Saved.Value), signed(c.Saved.Lo) + " and " + signed(c.Saved.Hi), percent(c.Share), how})
	}
	if len(rows) > 1 {
		align(&b, rows)
	}
	for _, s := range a.Paid() {
		para("  ", s)
	}
	if len(a.Policy.Changes) > 0 {
		b.WriteString("\n")
		rows := [][]string{{"what it would have done", ""}}
		for i, c := range a.Policy.Changes {
			if i == 12 {
				rows = append(rows, []string{fmt.Sprintf("and %d more", len(a.Policy.Changes)-i), ""})
				break
			}
			what := string(c.Action)
			if !c.Accepted {
				what += ", rejected: it did not win on rows that it had not seen"
			} else if c.Action == trimtab.DoPromoteOlder {
				what = "promote an older version again"
			} else if c.Action == trimtab.DoRollBack {
				what = "roll back"
			}
			rows = append(rows, []string{date(c.At), what})
		}
		align(&b, rows)
	}
	if len(a.Notes) > 0 {
		b.WriteString("\nNOTES\n")
		for _, n := range a.Notes {
			para("  ", n)
		}
	}
	return b.String()
}

// spark draws the quality of all windows in one line, at most pageWidth-4 of them: neighbours are joined.
func (a Advice) spark() (line string, lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	known := 0
	for _, w := range a.Windows {
		if w.Quality != nil {
			lo, hi = min(lo, w.Quality.Value), max(hi, w.Quality.Value)
			known++
		}
	}
	if known < 2 || lo == hi {
		return "", 0, 0
	}
	marks := []rune("▁▂▃▄▅▆▇█")
	step := (len(a.Windows) + pageWidth - 5) / (pageWidth - 4)
	var b strings.Builder
	for i := 0; i < len(a.Windows); i += step {
		sum, n := 0.0, 0
		for _, w := range a.Windows[i:min(i+step, len(a.Windows))] {
			if w.Quality != nil {
				sum, n = sum+w.Quality.Value, n+1
			}
		}
		if n == 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(marks[int((sum/float64(n)-lo)/(hi-lo)*float64(len(marks)-1)+0.5)])
	}
	return b.String(), lo, hi
}

// wrap writes a paragraph; lines after the first of a list item stand further in.
func wrap(b *strings.Builder, indent, text string) {
	at, first := 0, true
	further := indent
	if strings.HasPrefix(text, "- ") {
		further += "  "
	}
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case first:
			b.WriteString(indent)
			at, first = len(indent), false
		case at+1+n > pageWidth:
			b.WriteString("\n" + further)
			at = len(further)
		default:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += n
	}
	b.WriteString("\n")
}
