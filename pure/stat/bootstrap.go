package stat

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Bootstrap draws rows with replacement to see how far a metric would move with other rows. The draws depend on Seed and
// the number of rows alone. The zero value is ready for use.
type Bootstrap struct {
	Resamples int // 0 means 2,000
	Seed      uint64
	Level     float64 // 0 means DefaultLevel
	// BCa corrects the interval for bias and skew (Efron, JASA 82, 1987); else it is the percentile interval. It costs up
	// to 1,000 further evaluations of the metric.
	BCa bool
	// Strata names the stratum of each row, nil for one: each keeps its number of rows (of blocks, when given), as for the
	// two classes of a rare event.
	Strata []int
	// Blocks names the block of each row, nil for each its own: whole blocks are drawn, for rows that depend on each other
	// within. A block must lie within one stratum.
	Blocks []int
}

// Resampled is what a Bootstrap found.
type Resampled struct {
	Estimate float64 // the metric of all rows
	SE       float64 // standard deviation over the resamples
	CI       Interval
	// Undefined counts resamples in which the metric was NaN, as an AUC where all rows drawn are of one class. They are
	// left out; the interval and the error are NaN once they are more than a twentieth, for it would be made of the lucky
	// ones.
	Undefined int
	// BlocksSplit is set when a block has rows of two strata; then nothing is computed.
	BlocksSplit bool
}

// units are the blocks in order of first appearance, by stratum.
func (o Bootstrap) units(n int) (strata [][][]int, ok bool) {
	if o.Strata != nil {
		mustMatch(n, len(o.Strata))
	}
	if o.Blocks != nil {
		mustMatch(n, len(o.Blocks))
	}
	stratumOf := map[int]int{}
	type place struct{ stratum, unit int }
	blockOf := map[int]place{}
	for i := range n {
		name := 0
		if o.Strata != nil {
			name = o.Strata[i]
		}
		s, seen := stratumOf[name]
		if !seen {
			s = len(strata)
			stratumOf[name] = s
			strata = append(strata, nil)
		}
		if o.Blocks == nil {
			strata[s] = append(strata[s], []int{i})
			continue
		}
		p, seen := blockOf[o.Blocks[i]]
		if !seen {
			p = place{s, len(strata[s])}
			blockOf[o.Blocks[i]] = p
			strata[s] = append(strata[s], nil)
		}
		if p.stratum != s {
			return nil, false
		}
		strata[s][p.unit] = append(strata[s][p.unit], i)
	}
	return strata, true
}

// Run evaluates the metric of n rows on all of them and on resamples. metric gets the rows to use, with repetitions, in a
// slice that it must not keep; for two models on the same rows it returns the difference of theirs, which pairs them.
// Without rows, or with a single unit, the interval is NaN.
func (o Bootstrap) Run(n int, metric func(rows []int) float64) Resampled {
	nan := math.NaN()
	out := Resampled{Estimate: nan, SE: nan, CI: Interval{nan, nan}}
	strata, ok := o.units(n)
	if !ok {
		out.BlocksSplit = true
		return out
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	out.Estimate = metric(all)
	units := 0
	for _, s := range strata {
		units += len(s)
	}
	if out.Estimate != out.Estimate || units < 2 {
		return out
	}
	resamples := o.Resamples
	if resamples <= 0 {
		resamples = 2000
	}
	values := make([]float64, 0, resamples)
	rows := make([]int, 0, n)
	for r := range resamples {
		random := rand.New(rand.NewPCG(o.Seed, uint64(r)))
		rows = rows[:0]
		for _, s := range strata {
			for range s {
				rows = append(rows, s[random.IntN(len(s))]...)
			}
		}
		if v := metric(rows); v == v {
			values = append(values, v)
		} else {
			out.Undefined++
		}
	}
	if out.Undefined*20 > resamples || len(values) < 2 {
		return out
	}
	var m Mean
	for _, v := range values {
		m.Add(v, 1)
	}
	out.SE = m.SE() * math.Sqrt(float64(len(values)))
	slices.Sort(values)
	level := o.Level
	if level == 0 {
		level = DefaultLevel
	}
	if !(level > 0 && level < 1) {
		return out
	}
	tail := (1 - level) / 2
	if !o.BCa {
		out.CI = Interval{percentile(values, tail), percentile(values, 1-tail)}
		return out
	}
	out.CI = bca(values, out.Estimate, jackknife(strata, metric), tail)
	return out
}

// jackknife returns the metric with each unit left out, or each of 1,000 groups of units when there are more.
func jackknife(strata [][][]int, metric func(rows []int) float64) []float64 {
	var units [][]int
	for _, s := range strata {
		units = append(units, s...)
	}
	groups := min(len(units), 1000)
	out := make([]float64, 0, groups)
	var rows []int
	for g := range groups {
		rows = rows[:0]
		for i, u := range units {
			if i%groups != g {
				rows = append(rows, u...)
			}
		}
		if v := metric(rows); v == v {
			out = append(out, v)
		}
	}
	return out
}

// bca returns the interval at the percentiles that bias and acceleration move the tails to; sorted are the resampled
// values. It is the percentile interval where all resamples lie on one side or the jackknife is flat.
func bca(sorted []float64, estimate float64, jack []float64, tail float64) Interval {
	below := 0.0
	for _, v := range sorted {
		switch cmp.Compare(v, estimate) {
		case -1:
			below++
		case 0:
			below += 0.5
		}
	}
	bias := NormalQuantile(below / float64(len(sorted)))
	var mean Sum
	for _, v := range jack {
		mean.Add(v)
	}
	var square, cube Sum
	for _, v := range jack {
		d := mean.Value()/float64(len(jack)) - v
		square.Add(d * d)
		cube.Add(d * d * d)
	}
	accelerate := 0.0
	if square.Value() > 0 {
		accelerate = cube.Value() / (6 * math.Pow(square.Value(), 1.5))
	}
	if math.IsInf(bias, 0) {
		return Interval{percentile(sorted, tail), percentile(sorted, 1-tail)}
	}
	at := func(z float64) float64 { return NormalCDF(bias + (bias+z)/(1-accelerate*(bias+z))) }
	z := NormalQuantile(tail)
	return Interval{percentile(sorted, at(z)), percentile(sorted, at(-z))}
}

// percentile interpolates linearly between the sorted values, the first at 0 and the last at 1.
func percentile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	f := at - float64(i)
	return sorted[i] + f*(sorted[i+1]-sorted[i])
}
