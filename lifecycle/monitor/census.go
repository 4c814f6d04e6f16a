package monitor

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/diagnose"
	"github.com/trimtab/trimtab/storage/traffic"
)

// census counts the rows and labels of a window, bin by bin, as known at a border.
type census struct {
	span
	bin                      time.Duration
	rows, punctual, labelled []float64
	// Of the times from rows to their labels: how many there are, the median, and the time that one in twenty exceeds.
	delays     int64
	half, most time.Duration
}

// binLength is the length of the bins of a window: days, hours of one that is shorter than a week, parts of one that is
// shorter than a day.
func binLength(window time.Duration) time.Duration {
	switch {
	case window >= 7*24*time.Hour:
		return 24 * time.Hour
	case window >= 24*time.Hour:
		return time.Hour
	}
	return window / 4
}

// censusOf takes the census of a window.
func (s *pass) censusOf(ctx context.Context, of span, knownBy trimtab.Time) (*census, error) {
	key := censusKey{s.ws, s.spec.Endpoint, of, knownBy}
	if c, ok := s.censuses.Get(key); ok {
		return c, nil
	}
	c := &census{span: of, bin: binLength(of.end.Sub(of.start))}
	var d delays
	n := int((of.end.Sub(of.start) + c.bin - 1) / c.bin)
	c.rows, c.punctual, c.labelled = make([]float64, n), make([]float64, n), make([]float64, n)
	for rows, err := range s.log.Tables(ctx, traffic.Query{Start: of.start, End: of.end, KnownBy: knownBy}) {
		if err != nil {
			return nil, err
		}
		for i, at := range rows.EventTimes {
			k := int(at.Sub(of.start) / c.bin)
			c.rows[k]++
			if !rows.Late[i] {
				c.punctual[k]++
			}
			if rows.HasLabel[i] {
				c.labelled[k]++
				d.add(rows.LabelKnownAt[i].Sub(at))
			}
		}
	}
	c.delays, c.half, c.most = d.n, d.quantile(0.5), d.quantile(0.95)
	s.censuses.Put(key, c)
	return c, nil
}

// flow is one of the counts, as it is compared.
func (c *census) flow(count, of []float64) diagnose.Flow {
	return diagnose.Flow{Begin: int64(c.start), Bin: c.bin.Milliseconds(), Count: slices.Clone(count), Of: of}
}

// at is the beginning of a bin, the end of the window for the one after its last.
func (c *census) at(bin int) trimtab.Time { return min(c.start.Add(time.Duration(bin)*c.bin), c.end) }

// History that a window is compared with: so many windows, at least so much time, at most so many windows. It takes a
// week of them: windows shorter than a quarter of an hour are not compared.
const (
	censusWindows = remembered
	censusSpan    = 28 * 24 * time.Hour
	maxCensuses   = 700
)

// counted are the censuses of the windows before one, the oldest first, as known at the borders at which they were due.
func (s *pass) counted(ctx context.Context, w step) (all []*census, err error) {
	after := w.at.Sub(w.end)
	begin, ok := s.log.Begin()
	for n, end := 0, w.start; ok && end > begin && n < maxCensuses && (n < censusWindows || w.start.Sub(end) < censusSpan); n++ {
		start, to := s.spec.Window.Bounds(end - 1)
		if start >= end || to > end { // the window was redeclared
			break
		}
		c, err := s.censusOf(ctx, span{start, to}, to.Add(after))
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		end = start
	}
	slices.Reverse(all)
	return all, nil
}

// without blanks the bins of a flow that begin before a moment or touch a span.
func (c *census) without(f diagnose.Flow, since trimtab.Time, spans []span) diagnose.Flow {
	for i := range f.Count {
		lo, hi := c.at(i), c.at(i+1)
		if lo < since || slices.ContainsFunc(spans, func(x span) bool { return x.start < hi && lo < x.end }) {
			f.Count[i] = math.NaN()
		}
	}
	return f
}

// delays is a histogram of times from a row to its label, eight cells to a doubling.
type delays struct {
	cells [8 * 48]int64
	n     int64
}

func (d *delays) add(x time.Duration) {
	k := 0
	if ms := x.Milliseconds(); ms > 0 {
		k = min(int(8*math.Log2(float64(ms))), len(d.cells)-1)
	}
	d.cells[k]++
	d.n++
}

// quantile is the upper edge of the cell that holds it; 0 of none.
func (d *delays) quantile(p float64) time.Duration {
	sum := int64(0)
	for k, n := range d.cells {
		if sum += n; n > 0 && float64(sum) >= p*float64(d.n) {
			return time.Duration(math.Exp2(float64(k+1)/8)) * time.Millisecond
		}
	}
	return 0
}

type censusKey struct {
	ws       trimtab.Workspace
	endpoint string
	span
	knownBy trimtab.Time
}

// keptCensuses is how many are kept, of some 500 bytes each: two each of the windows that a monitor compares, for forty
// monitors with windows of an hour.
const keptCensuses = 1 << 16
