package sql

import (
	"cmp"
	"math"
	"slices"
)

// SeriesPoint is one point of a metric on a chosen axis.
type SeriesPoint struct {
	X     float64
	Value float64
	step  int64
	time  int64
}

func compareOnAxis(a, b SeriesPoint) int {
	return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.step, b.step), cmp.Compare(a.time, b.time), cmp.Compare(a.Value, b.Value))
}

// seriesFold keeps of a stream of points what a line of so many buckets of equal
// width shows: of each bucket its lowest and its highest point and one NaN, and
// the first and the last point of all. While there are few, it keeps them all. Points
// come in any order; the range of x need not be known: when it grows, the
// buckets do.
type seriesFold struct {
	most  int // buckets
	count int64

	raw      []SeriesPoint // while few
	buckets  []seriesBucket
	origin   float64
	width    float64
	min, max SeriesPoint // the first and the last in the order of x
}

type seriesBucket struct {
	low, high, nan SeriesPoint
	some, holed    bool
}

// span tells the range of x beforehand, where it is known.
func (f *seriesFold) span(from, to float64) {
	if f.origin, f.width = from, (to-from)/float64(f.most)*(1+1e-12); to <= from {
		f.width = 1
	}
}

func (f *seriesFold) add(p SeriesPoint) {
	if f.count == 0 || compareOnAxis(p, f.min) < 0 {
		f.min = p
	}
	if f.count == 0 || compareOnAxis(p, f.max) > 0 {
		f.max = p
	}
	f.count++
	if f.buckets == nil {
		f.raw = append(f.raw, p)
		if len(f.raw) > 2*f.most {
			f.group()
		}
		return
	}
	f.put(p)
}

// group turns the points kept so far into buckets.
func (f *seriesFold) group() {
	kept := f.kept()
	f.buckets, f.raw = make([]seriesBucket, f.most), nil
	lo, hi := f.min.X, f.max.X
	if f.width <= 0 || lo < f.origin || hi >= f.origin+f.width*float64(f.most) {
		// Room for as much again, so that a growing range regroups seldom.
		f.origin, f.width = lo, math.Max((hi-lo)*2/float64(f.most), math.SmallestNonzeroFloat64)
		if hi-lo == 0 {
			f.width = 1
		}
	}
	for _, p := range kept {
		f.put(p)
	}
}

func (f *seriesFold) put(p SeriesPoint) {
	at := (p.X - f.origin) / f.width
	if at < 0 || at >= float64(f.most) {
		lo, hi := math.Min(f.min.X, p.X), math.Max(f.max.X, p.X)
		if hi >= f.origin+f.width*float64(f.most) && lo >= f.origin {
			hi = lo + 2*(hi-lo)
		} else {
			lo = hi - 2*(hi-lo)
		}
		kept := f.kept()
		f.buckets = make([]seriesBucket, f.most)
		f.origin, f.width = lo, (hi-lo)/float64(f.most)*(1+1e-12)
		for _, k := range kept {
			f.put(k)
		}
		at = math.Min(math.Max(0, (p.X-f.origin)/f.width), float64(f.most-1))
	}
	b := &f.buckets[int(at)]
	if math.IsNaN(p.Value) {
		if !b.holed || compareOnAxis(p, b.nan) < 0 {
			b.nan, b.holed = p, true
		}
		return
	}
	if !b.some {
		b.low, b.high, b.some = p, p, true
		return
	}
	if p.Value < b.low.Value || p.Value == b.low.Value && compareOnAxis(p, b.low) < 0 {
		b.low = p
	}
	if p.Value > b.high.Value || p.Value == b.high.Value && compareOnAxis(p, b.high) < 0 {
		b.high = p
	}
}

// kept is every point that is still there, in no order, some twice.
func (f *seriesFold) kept() []SeriesPoint {
	out := f.raw
	for _, b := range f.buckets {
		if b.some {
			out = append(out, b.low, b.high)
		}
		if b.holed {
			out = append(out, b.nan)
		}
	}
	return out
}

// exact says that no point was left out.
func (f *seriesFold) exact() bool { return f.buckets == nil }

// points are those that are kept, in the order of x, step, time and value.
func (f *seriesFold) points() []SeriesPoint {
	out := f.kept()
	if !f.exact() {
		out = append(out, f.min, f.max)
	}
	slices.SortFunc(out, compareOnAxis)
	if f.exact() {
		return out // points that are equal are all there
	}
	return slices.CompactFunc(out, func(a, b SeriesPoint) bool { return compareOnAxis(a, b) == 0 })
}
