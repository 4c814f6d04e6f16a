package diagnose

import (
	"cmp"
	"math"
	"slices"

	"github.com/trimtab/trimtab/pure/stat"
)

// Flow is how many of something came in one window, bin by bin; counts are not negative. One whose Of is not as long as
// its Count tells nothing.
type Flow struct {
	Begin int64     // event time of the first bin, in milliseconds
	Bin   int64     // length of a bin, in milliseconds
	Count []float64 // NaN where nothing can be learnt: before the first row ever, or in a span that is known to be wrong
	Of    []float64 // out of so many, as labels are of rows; nil: out of time
}

// Change is a span of a window in which far fewer came than usual, or far more.
type Change struct {
	Lo, Hi  int     // bins Lo to Hi-1
	Count   float64 // that came in them
	Usual   float64 // that would have been usual
	Share   float64 // of what is usual in the whole window, those that are missing; negative: those that are too many
	Limit   float64 // Count/Usual that chance reaches once in a thousand windows
	Chance  float64 // of so great a change, the search over spans included
	Windows int     // that it was compared with
}

// Fewer reports whether it is a fall.
func (c Change) Fewer() bool { return c.Count < c.Usual }

// What a change must be to matter, and beyond which chance. The first two say what matters to somebody who reads it: a
// fifth of a window is missing, or a twentieth of it came to nothing. A rise must be larger: more is rarely a fault.
const (
	massFewer  = 0.2
	massGone   = 0.05
	massMore   = 0.5
	flowChance = 1e-3
	// Where few windows have been seen it is supposed that they differ by a tenth, with the weight of so many windows.
	flowSpread = 0.1
	flowWeight = 4
	leastFlows = 3
	flowExtent = 1.25 // times the largest change of any span of that length before
	fewestFlow = 10   // of them must be missing, or too many
)

// Compare sets a window beside windows before it, which need not be of one length. A bin is compared with those of the
// same hour of the week or of the day, where there are three of each and that foretells more; bins of labels with those
// as long before the end of their window, since all must mature. Counts scatter by more than chance: how far whole
// windows, and bins within them, have been from what was foretold is the measure. gone is the share below which nothing
// came, as it were. ok is false when there are too few windows to tell; Hi is 0 when all is as usual.
func Compare(earlier []Flow, now Flow, gone float64) (c Change, ok bool) {
	v := newVolume(earlier, now)
	if v == nil {
		return c, false
	}
	for _, fewer := range []bool{true, false} {
		if x := v.search(fewer, gone); x.Hi > 0 && (c.Hi == 0 || x.Chance < c.Chance) {
			c = x
		}
	}
	return c, true
}

// volume is what windows before let expect of one.
type volume struct {
	windows  []laid // before
	now      laid
	centre   float64 // of the logarithm of what came over what was foretold, over whole windows
	variance float64 // of that of one more window
	inner    float64 // of one bin beside it
	df       float64
	extremes map[int][2]float64 // least and largest by length of span
}

// laid are the bins of a window and what was foretold of each.
type laid struct {
	came, usual []float64 // running sums, the first 0
}

func (c laid) bins() int { return len(c.came) - 1 }

func (c laid) sums(lo, hi int) (came, usual float64) {
	return c.came[hi] - c.came[lo], c.usual[hi] - c.usual[lo]
}

// excess is the logarithm of what came over what is usual.
func excess(came, usual float64) float64 { return math.Log((came + 0.5) / (usual + 0.5)) }

func newVolume(earlier []Flow, now Flow) *volume {
	if now.broken() {
		return nil
	}
	known := slices.DeleteFunc(slices.Clone(earlier), func(f Flow) bool {
		return f.broken() || (f.Of == nil) != (now.Of == nil) || f.Bin != now.Bin || f.known() == 0 || 2*f.blank() > len(f.Count)
	})
	if len(known) < leastFlows || now.known() == 0 {
		return nil
	}
	v := &volume{extremes: map[int][2]float64{}}
	best := math.Inf(1)
	for _, period := range now.periods() {
		f := forecastOf(known, period)
		if !f.covers(now) {
			continue
		}
		windows := make([]laid, len(known))
		for i, w := range known {
			windows[i] = f.count(w, true)
		}
		inner := innerOf(windows)
		centre, outer, n := outerOf(windows)
		if n < leastFlows || inner+outer/n >= best {
			continue
		}
		best, v.windows, v.now = inner+outer/n, windows, f.count(now, false)
		v.centre, v.inner, v.df = centre, inner, flowWeight+n-1
		v.variance = (flowWeight*flowSpread*flowSpread + outer) / v.df * (1 + 1/n)
	}
	if v.windows == nil {
		return nil
	}
	return v
}

// outerOf is the usual deviation of whole windows from what was foretold, and the sum of the squares around it of n windows.
func outerOf(windows []laid) (centre, squares, n float64) {
	var r []float64
	for _, w := range windows {
		if came, usual := w.sums(0, w.bins()); usual > 0 {
			r = append(r, excess(came, usual))
		}
	}
	centre = middle(r)
	for _, x := range r {
		squares += (x - centre) * (x - centre)
	}
	return centre, squares, float64(len(r))
}

func (f Flow) broken() bool { return f.Of != nil && len(f.Of) != len(f.Count) }

// blank counts the bins of which nothing can be learnt.
func (f Flow) blank() (n int) {
	for _, c := range f.Count {
		if c != c {
			n++
		}
	}
	return n
}

// known counts the bins that have a rate.
func (f Flow) known() (n int) {
	for i := range f.Count {
		if x := f.rate(i); x == x {
			n++
		}
	}
	return n
}

// periods are the seasons in which bins may be compared, in bins; 0: none, -1: by the distance from the end.
func (f Flow) periods() []int64 {
	if f.Of != nil {
		return []int64{0, -1}
	}
	out := []int64{0}
	for _, p := range []int64{86_400_000, 7 * 86_400_000} {
		if f.Bin > 0 && p%f.Bin == 0 && p > f.Bin {
			out = append(out, p/f.Bin)
		}
	}
	return out
}

// forecast is what is usual in a bin, by season.
type forecast struct {
	period int64
	values map[int64][]float64 // sorted
}

func (f Flow) slot(period int64, i int) int64 {
	switch {
	case period < 0:
		return int64(len(f.Count) - i)
	case period == 0:
		return 0
	}
	s := (f.Begin/f.Bin + int64(i)) % period
	return (s + period) % period
}

// rate is what came in a bin for each that could, NaN where there was none.
func (f Flow) rate(i int) float64 {
	if f.Of == nil {
		return f.Count[i]
	}
	if f.Of[i] == 0 {
		return math.NaN()
	}
	return f.Count[i] / f.Of[i]
}

func forecastOf(all []Flow, period int64) forecast {
	f := forecast{period, map[int64][]float64{}}
	for _, w := range all {
		for i := range w.Count {
			if x := w.rate(i); x == x {
				s := w.slot(period, i)
				f.values[s] = append(f.values[s], x)
			}
		}
	}
	for _, v := range f.values {
		slices.Sort(v)
	}
	return f
}

// covers reports whether every bin of a window has its like before.
func (f forecast) covers(now Flow) bool {
	for i := range now.Count {
		if x := now.rate(i); x == x && len(f.values[now.slot(f.period, i)]) < leastFlows {
			return false
		}
	}
	return true
}

// few values are foretold without the one that is compared: it would agree with itself.
const fewValues = 24

// count lays a window beside its forecast; one of those that made it is left out of its own.
func (f forecast) count(w Flow, own bool) laid {
	c := laid{came: make([]float64, len(w.Count)+1), usual: make([]float64, len(w.Count)+1)}
	for i := range w.Count {
		came, usual := 0.0, 0.0
		if x := w.rate(i); x == x {
			values := f.values[w.slot(f.period, i)]
			if own && len(values) <= fewValues {
				at, _ := slices.BinarySearch(values, x)
				values = slices.Delete(slices.Clone(values), at, at+1)
			}
			came, usual = w.Count[i], middle(values)
			if w.Of != nil {
				usual *= w.Of[i]
			}
		}
		c.came[i+1], c.usual[i+1] = c.came[i]+came, c.usual[i]+usual
	}
	return c
}

// middle is the mean of values without the lowest and highest quarter; it sorts them.
func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := values
	if !slices.IsSorted(v) {
		v = slices.Clone(v)
		slices.SortFunc(v, cmp.Compare)
	}
	v = v[len(v)/4 : len(v)-len(v)/4]
	var sum stat.Sum
	for _, x := range v {
		sum.Add(x)
	}
	return sum.Value() / float64(len(v))
}

// innerOf is how far bins are from what was foretold, of windows that are as large as foretold: the variance of the logarithm.
func innerOf(windows []laid) float64 {
	var sum, weight float64
	for _, w := range windows {
		came, usual := w.sums(0, w.bins())
		whole := excess(came, usual)
		for i := range w.bins() {
			if a, b := w.sums(i, i+1); a > 0 || b > 0 {
				d := excess(a, b) - whole
				sum += b * d * d
				weight += b
			}
		}
	}
	if weight == 0 {
		return 0
	}
	return sum / weight
}

// search finds the span that stands out most and says whether it matters and is no chance.
func (v *volume) search(fewer bool, gone float64) (c Change) {
	m := v.now.bins()
	scale := math.Exp(v.centre)
	lo, hi, best := 0, 0, 0.0
	for i := range m {
		for j := i + 1; j <= m; j++ {
			came, usual := v.now.sums(i, j)
			usual *= scale
			if usual <= 0 || came < usual != fewer {
				continue
			}
			g := usual - came
			if came > 0 {
				g += came * math.Log(came/usual)
			}
			if g > best {
				lo, hi, best = i, j, g
			}
		}
	}
	if hi == 0 {
		return c
	}
	came, usual := v.now.sums(lo, hi)
	_, whole := v.now.sums(0, m)
	d := excess(came, usual*scale)
	usual, whole = usual*scale, whole*scale
	share := (usual - came) / whole
	switch {
	case math.Abs(usual-came) < fewestFlow, fewer && share < massFewer && !(came < gone*usual && share >= massGone), !fewer && -share < massMore:
		return c
	}
	length, spans := float64(hi-lo), float64(m)/float64(hi-lo)
	variance := v.variance + v.inner*max(0, 1/length-1/float64(m)) + 1/(usual+0.5)
	p := min(1, spans*stat.StudentTail(math.Abs(d)/math.Sqrt(variance), v.df))
	if p > flowChance {
		return c
	}
	if x := v.extreme(hi - lo); fewer && d > flowExtent*x[0] || !fewer && d < flowExtent*x[1] {
		return c
	}
	limit := math.Exp(v.limit(variance, spans, fewer))
	lo, hi = v.widen(lo, hi, (came+0.5)/(usual+0.5))
	came, usual = v.now.sums(lo, hi)
	return Change{Lo: lo, Hi: hi, Count: came, Usual: usual * scale, Share: share, Chance: p, Limit: limit, Windows: len(v.windows)}
}

// tells is how much more probable it must be that bins are as usual than that they are like the span beside them.
const tells = 3 // of natural logarithms

// widen takes in what lies between a span and an end of the window, unless that is as usual: nobody knows that it has
// ended while nothing speaks for that.
func (v *volume) widen(lo, hi int, ratio float64) (int, int) {
	scale, m := math.Exp(v.centre), v.now.bins()
	_, whole := v.now.sums(0, m)
	dispersion := 1 + v.inner*whole*scale/float64(m)
	right := func(i, j int) bool {
		came, usual := v.now.sums(i, j)
		usual *= scale
		return usual*(ratio-1)-came*math.Log(ratio) >= tells*dispersion
	}
	if lo > 0 && !right(0, lo) {
		lo = 0
	}
	if hi < m && !right(hi, m) {
		hi = m
	}
	return lo, hi
}

// extreme are the least and the largest deviation of any span of so many bins in the windows before, no less than none.
func (v *volume) extreme(length int) (x [2]float64) {
	if x, ok := v.extremes[length]; ok {
		return x
	}
	scale := math.Exp(v.centre)
	for _, w := range v.windows {
		n := min(length, w.bins())
		for i := 0; i+n <= w.bins(); i++ {
			came, usual := w.sums(i, i+n)
			if usual > 0 {
				d := excess(came, usual*scale)
				x[0], x[1] = min(x[0], d), max(x[1], d)
			}
		}
	}
	v.extremes[length] = x
	return x
}

// limit is the deviation that chance reaches once in a thousand windows.
func (v *volume) limit(variance, spans float64, fewer bool) float64 {
	lo, hi := 0.0, 100.0
	for range 50 {
		if t := (lo + hi) / 2; spans*stat.StudentTail(t, v.df) > flowChance {
			lo = t
		} else {
			hi = t
		}
	}
	if fewer {
		return -hi * math.Sqrt(variance)
	}
	return hi * math.Sqrt(variance)
}
