package retrain

import (
	"math"
	"time"

	"github.com/trimtab/trimtab/pure/table"
)

// A column follows the calendar when it has one value in nearly every month, or one a day that moves by the same step from
// day to day: a year, a month, a day of the year, a counter of days. Such a column has values that nobody saw before,
// again and again, and nothing is wrong.
const (
	calendarMonths = 0.95 // share of the months with one value
	calendarDays   = 0.9  // share of the steps from day to day that are alike
	fewMonths      = 3
	fewDays        = 10
)

// withoutCalendar parts the inputs from those that follow the calendar, which it names.
func withoutCalendar(r Records) (*table.Table, []string) {
	out := table.Blank(len(r.Time))
	var names []string
	for _, c := range r.Inputs.Columns {
		if c.Type != table.String && followsCalendar(c, r) {
			names = append(names, c.Name)
			continue
		}
		out.Columns = append(out.Columns, c)
	}
	return out, names
}

func followsCalendar(c *table.Column, r Records) bool {
	values := make([]float64, c.Len())
	if c.Type == table.Bool || !c.Floats(values, 1) {
		return false
	}
	type group struct {
		key  int64
		v    float64
		same bool
	}
	groups := func(key func(i int) int64) []group {
		var out []group
		for i, v := range values {
			if math.IsNaN(v) {
				continue
			}
			k := key(i)
			if n := len(out); n == 0 || out[n-1].key != k {
				out = append(out, group{k, v, true})
			} else if out[n-1].v != v {
				out[n-1].same = false
			}
		}
		return out
	}
	months := groups(func(i int) int64 {
		g := r.Time[i].Go()
		return int64(g.Year())*12 + int64(g.Month()-time.January)
	})
	same, moves := 0, false
	for k, m := range months {
		if m.same {
			same++
		}
		moves = moves || k > 0 && m.v != months[k-1].v
	}
	if moves && len(months) >= fewMonths && float64(same) >= calendarMonths*float64(len(months)) {
		return true
	}
	days := groups(func(i int) int64 { return floorDay(r.Time[i]) })
	steps, n := map[float64]int{}, 0
	for k := 1; k < len(days); k++ {
		if days[k].key != days[k-1].key+1 || !days[k].same || !days[k-1].same {
			continue
		}
		n++
		if d := days[k].v - days[k-1].v; d != 0 {
			steps[d]++
		}
	}
	if n >= fewDays {
		for _, times := range steps {
			if float64(times) >= calendarDays*float64(n) {
				return true
			}
		}
	}
	return false
}
