package retrain

import (
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/boost"
	"github.com/trimtab/trimtab/pure/profile"
	"github.com/trimtab/trimtab/pure/stat"
)

// bookkeeping is what Advise works on.
type bookkeeping struct {
	asked    Asked
	records  Records
	spans    []extent
	features []boost.Feature
	held     []bool // nil: none
	usable   []int  // windows that have a quality
	loss     []measure
	auc      []measure
	first    int // index into usable behind the reference
	streamed []*Rows
}

// measure is a statistic of a window with its error.
type measure struct{ value, se float64 }

func (b *bookkeeping) isHeld(i int) bool { return b.held != nil && b.held[i] }

func pointer(v float64) *float64 { return &v }

// windows measures every window.
func (b *bookkeeping) windows(a *Advice) {
	r := b.records
	for n, s := range b.spans {
		w := AdvisedWindow{Start: s.start, End: s.end, Rows: s.rows()}
		var score stat.Sum
		var y []float64
		var p []float64
		var hit []bool
		var blocks []trimtab.GainBlock // the loss itself, by day
		rate := 0.0
		for i := s.lo; i < s.hi; i++ {
			score.Add(r.Score[i])
			if math.IsNaN(r.Label[i]) {
				continue
			}
			w.Labels++
			if b.isHeld(i) {
				w.Held++
				continue
			}
			y, p, hit = append(y, r.Label[i]), append(p, r.Score[i]), append(hit, r.Label[i] == 1)
			rate += r.Label[i]
			d := floorDay(r.Time[i])
			if len(blocks) == 0 || blocks[len(blocks)-1].Key != d {
				blocks = append(blocks, trimtab.GainBlock{Key: d})
			}
			l, g := a.Task.Loss(r.Label[i], r.Score[i]), &blocks[len(blocks)-1]
			g.N, g.Sum, g.Sum2 = g.N+1, g.Sum+l, g.Sum2+l*l
		}
		a.Labels, a.Held = a.Labels+w.Labels, a.Held+w.Held
		w.Score = score.Value() / float64(max(1, w.Rows))
		positives := 0
		for _, h := range hit {
			if h {
				positives++
			}
		}
		if len(y) > 0 {
			w.Rate = pointer(rate / float64(len(y)))
		}
		if len(y) >= leastWindow && (a.Task == Regression || positives >= 5 && len(y)-positives >= 5) {
			if len(blocks) < 3 { // days tell nothing of the error: rows do
				blocks = rowBlocks(a.Task, y, p)
			}
			sp := spanOf(blocks, 1)
			loss := measure{sp.mean, sp.stderr}
			ci := stat.TInterval(sp.mean, sp.stderr, sp.df, 0.95)
			w.Loss = &Value{sp.mean, max(0, ci.Lo), ci.Hi}
			m := measure{}
			if a.Task == Binary {
				auc, v := stat.DeLong(hit, p)
				_, ci := stat.AUCInterval(hit, p, stat.AUCOptions{})
				w.Quality, m = &Value{auc, ci.Lo, ci.Hi}, measure{auc, math.Sqrt(v)}
			} else {
				w.Quality = &Value{math.Sqrt(sp.mean), math.Sqrt(max(0, ci.Lo)), math.Sqrt(ci.Hi)}
			}
			b.usable, b.loss, b.auc = append(b.usable, n), append(b.loss, loss), append(b.auc, m)
		}
		a.Windows = append(a.Windows, w)
	}
	b.first = min(max(len(b.usable)/5, leastReference), mostReference)
	a.Reference = b.first
}

func (b *bookkeeping) labelled() int { return len(b.usable) }

func rowBlocks(t Task, y, p []float64) []trimtab.GainBlock {
	out := make([]trimtab.GainBlock, len(y))
	for i := range y {
		l := t.Loss(y[i], p[i])
		out[i] = trimtab.GainBlock{Key: int64(i), N: 1, Sum: l, Sum2: l * l}
	}
	return out
}

func floorDay(t trimtab.Time) int64 {
	d := int64(t / day)
	if t < 0 && t%day != 0 {
		d--
	}
	return d
}

// A window is worse than the reference when this can hardly be chance (false discoveries among those said to be worse, at
// most so many), and by so much: a share of the loss, or so much AUC.
const (
	worseChance = 0.05
	worseLoss   = 0.02
	worseAUC    = 0.01
)

// decay compares the windows behind the reference with it.
func (b *bookkeeping) decay(a *Advice) {
	later := len(b.usable) - b.first
	worse := make([]bool, later)
	mark := func(values []measure, sign, effect float64) {
		mean, se, df := pooled(values[:b.first])
		p := make([]float64, later)
		for i := range later {
			m := values[b.first+i]
			p[i] = stat.AboveP(sign*(m.value-mean), math.Hypot(m.se, se), df, 0)
		}
		for i, q := range stat.BenjaminiHochberg(p) {
			worse[i] = worse[i] || q < worseChance && sign*(values[b.first+i].value-mean) > effect
		}
	}
	lossBefore, _, _ := pooled(b.loss[:b.first])
	mark(b.loss, 1, worseLoss*lossBefore)
	if a.Task == Binary {
		mark(b.auc, -1, worseAUC)
	}
	for i, bad := range worse {
		a.Windows[b.usable[b.first+i]].Worse = bad
	}
	d := &a.Decay
	d.State = "none"
	d.LossBefore = lossBefore
	d.Before = b.over(a.Task, 0, b.first)
	d.After = b.over(a.Task, b.first, len(b.usable))
	d.LossAfter = mean(b.loss[b.first:])
	// Lasting: from a bad window to the end most are bad.
	bad := 0
	for i := later - 1; i >= 0; i-- {
		if worse[i] {
			bad++
			if n := later - i; n >= 2 && float64(bad) >= 0.6*float64(n) {
				d.State, d.Since = "lasting", a.Windows[b.usable[b.first+i]].Start
				d.After = b.over(a.Task, b.first+i, len(b.usable))
				d.LossAfter = mean(b.loss[b.first+i:])
			}
		}
	}
	for i := 0; i < later; i++ {
		if !worse[i] {
			continue
		}
		j := i
		for j+1 < later && (worse[j+1] || j+2 < later && worse[j+2]) {
			j++
		}
		for !worse[j] {
			j--
		}
		if j > i {
			d.Worse = append(d.Worse, Span{a.Windows[b.usable[b.first+i]].Start, a.Windows[b.usable[b.first+j]].End})
			if d.State == "none" {
				d.State = "passing"
			}
		}
		i = j
	}
}

// pooled is the mean of the reference with the error that a further window has against it: what windows differ by among
// themselves is more than what their rows tell.
func pooled(values []measure) (m, se, df float64) {
	n := float64(len(values))
	m = mean(values)
	var between, within float64
	for _, v := range values {
		between += (v.value - m) * (v.value - m) / (n - 1)
		if !math.IsInf(v.se, 1) {
			within += v.se * v.se / n
		}
	}
	extra := max(0, between-within)
	return m, math.Sqrt(extra + max(between, within)/n), n - 1
}

func mean(values []measure) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v.value
	}
	return sum / float64(len(values))
}

// over is the metric over several windows: the mean of the AUCs (their errors taken as independent), or the RMSE.
func (b *bookkeeping) over(t Task, lo, hi int) *Value {
	if lo >= hi {
		return nil
	}
	values := b.auc
	if t == Regression {
		values = b.loss
	}
	m, n := mean(values[lo:hi]), float64(hi-lo)
	between := 0.0
	for _, v := range values[lo:hi] {
		between += (v.value - m) * (v.value - m)
	}
	ci := stat.Interval{Lo: m, Hi: m}
	if n > 1 {
		ci = stat.TInterval(m, math.Sqrt(between/(n-1)/n), n-1, 0.95)
	}
	if t == Regression {
		return &Value{math.Sqrt(m), math.Sqrt(max(0, ci.Lo)), math.Sqrt(ci.Hi)}
	}
	return &Value{m, max(0, ci.Lo), min(1, ci.Hi)}
}

// expected estimates the AUC of every window from its scores alone.
func (b *bookkeeping) expected(a *Advice) {
	if a.Task != Binary {
		return
	}
	r := b.records
	var y []bool
	var p []float64
	for _, n := range b.usable[:b.first] {
		for i := b.spans[n].lo; i < b.spans[n].hi; i++ {
			if !math.IsNaN(r.Label[i]) && !b.isHeld(i) {
				y, p = append(y, r.Label[i] == 1), append(p, r.Score[i])
			}
		}
	}
	c, err := stat.FitCBPE(y, p, stat.CBPEOptions{})
	if err != nil {
		return // too few rows: nothing is expected
	}
	for n, s := range b.spans {
		if s.rows() < leastWindow {
			continue
		}
		w := c.NewWindow()
		for i := s.lo; i < s.hi; i++ {
			w.Add(r.Score[i], r.Score[i] >= c.Threshold)
		}
		e := w.Estimate(0)
		if v := e.AUC; e.Reliable && !math.IsNaN(v.Value) && !math.IsNaN(v.CI.Lo) {
			a.Windows[n].Expected = &Value{v.Value, v.CI.Lo, v.CI.Hi}
		}
	}
}

// Drift is compared with so many rows of the reference at most, and has to come in so many windows to be told.
const (
	driftRows   = 200_000
	driftChance = 0.05
	driftEffect = 0.05
	leastDrift  = 2
)

// drift compares the inputs of later windows with those of the reference, days of the reference telling by how much days
// differ by themselves.
func (b *bookkeeping) drift(a *Advice) error {
	in := b.records.Inputs
	if in == nil {
		return nil
	}
	var rows []int
	for _, n := range b.usable[:b.first] {
		for i := b.spans[n].lo; i < b.spans[n].hi; i++ {
			if !b.isHeld(i) {
				rows = append(rows, i)
			}
		}
	}
	if len(rows) < 100 {
		return nil
	}
	rows = thinned(rows, driftRows)
	p, err := profile.Build(in.Take(rows), profile.Options{})
	if err != nil {
		return trimtab.Errorf(trimtab.Invalid, "inputs", "%v", err)
	}
	opt := profile.CompareOptions{Alpha: driftChance, EffectPSI: driftEffect}
	if blocks, days := p.NewBlocks(), byDay(rows, b.records.Time); len(days) >= 4 {
		for _, d := range days {
			if err := blocks.Add(d.key, in.Take(d.rows)); err != nil {
				return trimtab.Errorf(trimtab.Invalid, "inputs", "%v", err)
			}
		}
		done := blocks.Finish()
		opt.Blocks, opt.Alone = done.Counts, done.Alone
	}
	at := map[string]*AdvisedDrift{}
	var order []string
	for n := b.usable[b.first-1] + 1; n < len(b.spans); n++ {
		s := b.spans[n]
		if s.rows() < leastWindow {
			continue
		}
		counts, err := p.Count(in.Slice(s.lo, s.hi))
		if err != nil {
			return trimtab.Errorf(trimtab.Invalid, "inputs", "%v", err)
		}
		report, err := profile.Compare(p, nil, counts, opt)
		if err != nil {
			return trimtab.Errorf(trimtab.Invalid, "inputs", "%v", err)
		}
		for _, c := range report.Columns {
			if c.State != profile.Drifted {
				continue
			}
			a.Windows[n].Drifted = append(a.Windows[n].Drifted, c.Column)
			d := at[c.Column]
			if d == nil {
				d = &AdvisedDrift{Column: c.Column, Since: s.start}
				at[c.Column] = d
				order = append(order, c.Column)
			}
			d.Windows++
			d.Last = s.end
			if c.PSI >= d.PSI {
				d.PSI, d.Why = c.PSI, c.Why
			}
		}
	}
	for _, name := range order {
		if at[name].Windows >= leastDrift {
			a.Drifts = append(a.Drifts, *at[name])
		}
	}
	slices.SortStableFunc(a.Drifts, func(x, y AdvisedDrift) int {
		if d := y.Windows - x.Windows; d != 0 {
			return d
		}
		if x.PSI > y.PSI {
			return -1
		}
		return 1
	})
	return nil
}

// thinned keeps at most so many, evenly spread.
func thinned(rows []int, most int) []int {
	if len(rows) <= most {
		return rows
	}
	out := make([]int, most)
	for i := range out {
		out[i] = rows[i*len(rows)/most]
	}
	return out
}

type daily struct {
	key  int64
	rows []int
}

func byDay(rows []int, times []trimtab.Time) []daily {
	var out []daily
	for _, i := range rows {
		d := floorDay(times[i])
		if len(out) == 0 || out[len(out)-1].key != d {
			out = append(out, daily{key: d})
		}
		out[len(out)-1].rows = append(out[len(out)-1].rows, i)
	}
	return out
}
