package cli

import (
	"fmt"
	"strings"

	"github.com/trimtab/trimtab/pure/profile"
	"github.com/trimtab/trimtab/pure/table"
)

// mostDays bounds the days that a reference may have.
const mostDays = 10_000

// dayCounts counts each day of the reference by itself, in order: rows of one day resemble each other, and by how much shows
// only between days. A row without a time is of no day.
func (call driftCall) dayCounts(p *profile.Profile) (*profile.Blocks, error) {
	if strings.HasSuffix(strings.ToLower(call.reference), ".json") {
		return nil, usage{fmt.Errorf("--days %s: REFERENCE is a profile, days want its rows", call.days)}
	}
	counter, seen := p.NewBlocks(), map[int64]bool{}
	for t, err := range batches(call.reference) {
		if err != nil {
			return nil, invalidRows(call.reference, err)
		}
		c := t.Column(call.days)
		if c == nil {
			return nil, usage{fmt.Errorf("--days %s: the reference has no such column", call.days)}
		}
		rows := map[int64][]int{}
		for i := range c.Len() {
			if c.Null(i) {
				continue
			}
			var ns int64
			switch c.Type {
			case table.Datetime:
				ns = c.Int64s[i]
			case table.String:
				if ns, err = table.ParseDatetime(c.Strings[i]); err != nil {
					return nil, usage{fmt.Errorf("--days %s: %q is no time", call.days, c.Strings[i])}
				}
			default:
				return nil, usage{fmt.Errorf("--days %s: expected a column of times, it is %s", call.days, c.Type)}
			}
			const day = 24 * 3600 * 1_000_000_000
			d := ns / day
			if ns%day < 0 {
				d--
			}
			rows[d] = append(rows[d], i)
		}
		for d, at := range rows {
			if seen[d] = true; len(seen) > mostDays {
				return nil, usage{fmt.Errorf("--days %s: the reference has more than %d days", call.days, mostDays)}
			}
			if err := counter.Add(d, t.Take(at)); err != nil {
				return nil, invalidRows(call.reference, err)
			}
		}
	}
	const fewest = 4
	if len(seen) < fewest {
		return nil, usage{fmt.Errorf("--days %s: the reference has %s, expected at least %d to tell how days differ", call.days, counted(len(seen), "day"), fewest)}
	}
	return counter.Finish(), nil
}
