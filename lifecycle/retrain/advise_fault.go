package retrain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/diagnose"
)

// Rows of a window are compared with good rows of the windows before it.
const (
	sureFault    = 0.9 // confidence from which on rows are held
	faultWindows = 4   // good windows that are looked back over, more while they are small
	faultRows    = 12_000
	mostRows     = 60_000 // of a reference; beyond, both it and the window are thinned alike
	leastGood    = 3      // good windows before anything is said
	leastOpen    = 4      // a fault that is there at the end asks for something when it has lasted this part of a window
	oftenMissing = 0.3
)

// faults looks for faults in every window, and joins those of neighbouring windows. What cannot be examined is told as
// a note: the advice goes on without.
func faults(a *Advice, r Records, spans []extent, say func(string)) {
	if r.Inputs == nil {
		return
	}
	in, calendar := withoutCalendar(r)
	if len(calendar) > 0 {
		a.Notes = append(a.Notes, "These inputs follow the calendar, and faults are not looked for in them: "+strings.Join(calendar, ", ")+".")
	}
	if len(in.Columns) == 0 {
		return
	}
	times := make([]int64, len(r.Time))
	for i, t := range r.Time {
		times[i] = int64(t)
	}
	sample := func(rows []int, start, end trimtab.Time) diagnose.Sample {
		at := make([]int64, len(rows))
		for k, i := range rows {
			at[k] = times[i]
		}
		return diagnose.Sample{Table: in.Take(rows), Times: at, Begin: int64(start), End: int64(end)}
	}
	b := inputs{r}
	var good []extent
	for n, s := range spans {
		bad := false
		if len(good) >= leastGood && s.rows() >= leastWindow {
			if n%10 == 0 {
				say(fmt.Sprintf("looking for faults of the data: window %d of %d", n+1, len(spans)))
			}
			rows, stride := reference(good)
			found, err := examine(sample(rows, 0, 0), sample(every(rowsOf(s), stride), s.start, min(s.end, a.To+1)))
			if err != nil {
				a.Notes = append(a.Notes, fmt.Sprintf("Faults of the data were not looked for: %v.", err))
				return
			}
			for _, f := range found {
				switch {
				case f.Confidence < sureFault:
					continue
				case f.Kind == diagnose.Volume && n == len(spans)-1:
					continue // the last window may just not be over
				case f.Kind == diagnose.Missing && b.often(f.Columns, rows):
					continue // what is missing now and then anyway may be missing for a while
				}
				bad = true
				join := AdvisedFault{Kind: f.Kind, Columns: f.Columns, From: s.start, To: s.end, Rows: int(f.Rows), Cause: f.Cause, Confidence: f.Confidence}
				if f.Begin != 0 {
					join.From = trimtab.Time(f.Begin)
				}
				if f.End != 0 {
					join.To = trimtab.Time(f.End)
				} else if n == len(spans)-1 {
					join.To = a.To + 1
					join.Open = f.Share > 0 && join.To.Sub(join.From) >= s.end.Sub(s.start)/leastOpen
				}
				a.Faults = extendFaults(a.Faults, join, s)
			}
		}
		if !bad {
			good = append(good, s)
		}
	}
	slices.SortStableFunc(a.Faults, func(x, y AdvisedFault) int { return cmp.Compare(x.From, y.From) })
}

// reference are the rows of the newest good windows, and how far they were thinned.
func reference(good []extent) (rows []int, stride int) {
	n, from := 0, len(good)
	for from > 0 && (n < faultRows || len(good)-from < faultWindows) {
		from--
		n += good[from].rows()
	}
	stride = 1 + (n-1)/mostRows
	for _, g := range good[from:] {
		rows = append(rows, every(rowsOf(g), stride)...)
	}
	return rows, stride
}

// every keeps each so manyth row.
func every(rows []int, stride int) []int {
	if stride == 1 {
		return rows
	}
	var out []int
	for i := 0; i < len(rows); i += stride {
		out = append(out, rows[i])
	}
	return out
}

// inputs looks at the inputs of records.
type inputs struct{ Records }

// often reports whether one of the columns lacks many of its values in these rows.
func (r inputs) often(columns []string, rows []int) bool {
	for _, name := range columns {
		c, n := r.Inputs.Column(name), 0
		for _, i := range rows {
			if c != nil && c.Missing(i) {
				n++
			}
		}
		if float64(n) > oftenMissing*float64(len(rows)) {
			return true
		}
	}
	return false
}

func rowsOf(s extent) []int {
	rows := make([]int, s.rows())
	for i := range rows {
		rows[i] = s.lo + i
	}
	return rows
}

func examine(reference, current diagnose.Sample) ([]diagnose.Finding, error) {
	learnt, err := diagnose.Fit(reference, diagnose.Options{})
	if err != nil {
		return nil, err
	}
	return learnt.Examine(current)
}

// extendFaults lets a fault that goes on in the next window be one fault.
func extendFaults(all []AdvisedFault, f AdvisedFault, s extent) []AdvisedFault {
	for k := range all {
		if x := &all[k]; x.Kind == f.Kind && slices.Equal(x.Columns, f.Columns) && x.To >= s.start && f.From <= s.start {
			x.Open = f.Open
			x.To, x.Rows = f.To, x.Rows+f.Rows
			x.Confidence = max(x.Confidence, f.Confidence)
			return all
		}
	}
	return append(all, f)
}

// heldRows are those under a fault, and those that a contract kept out.
func heldRows(all []AdvisedFault, r Records) []bool {
	held := slices.Clone(r.Held)
	for _, f := range all {
		if f.Kind == diagnose.Volume {
			continue // of rows that never came none can be held
		}
		if held == nil {
			held = make([]bool, len(r.Time))
		}
		for i, t := range r.Time {
			held[i] = held[i] || t >= f.From && t < f.To
		}
	}
	return held
}
