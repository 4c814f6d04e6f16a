package profile

import (
	"fmt"
	"math"
	"strconv"

	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/pure/table"
)

// comparison is the work on one column.
type comparison struct {
	Drift
	c        *Column
	ref, cur *ColumnCounts
	blocks   []*ColumnCounts
	opt      *CompareOptions
	own      bool // ref are the rows that the profile was made of
	tests    []test

	alone      Alone
	span       int     // blocks that the window is as long as
	directions float64 // that the dispersion of the coarse bins is spread over
}

// test is one way in which a column can differ.
type test struct {
	name    string
	p       float64
	matters bool // the difference is above an effect limit
	why     string
}

func (x *comparison) run() {
	x.Column, x.Kind, x.State = x.c.Name, x.c.Kind, OK
	x.ReferenceRows, x.Rows = x.ref.Rows, x.cur.Rows
	x.P, x.Dispersion = 1, 1
	shares := []*Share{&x.Missing, &x.Invalid, &x.Below, &x.Above, &x.Unseen}
	for _, s := range shares {
		s.P = 1
	}
	if x.ref.Rows == 0 || x.cur.Rows == 0 {
		x.State = Unknown
		return
	}
	if x.c.Kind != Opaque {
		x.spans()
		x.pooled()
	}
	x.special()
	if x.c.Kind != Opaque {
		x.distances()
		x.bulk()
	} else {
		x.NullMean, x.EffectLimit = 0, x.opt.EffectPSI
	}
	if x.c.Kind == Number {
		if sd := x.ref.Moments.SD(); sd > 0 && x.cur.Moments.N > 0 {
			if d := (x.cur.Moments.Mean() - x.ref.Moments.Mean()) / sd; !math.IsInf(d, 0) && d == d {
				x.MeanShift = d
			}
		}
	}
	x.P = combine(x.tests)
}

// special tests the bins that are not of the bulk, each by itself.
func (x *comparison) special() {
	rows := func(k *ColumnCounts) int64 { return k.Rows }
	x.share(&x.Missing, "missing", "missing values: %s of rows, %s before", func(k *ColumnCounts) int64 { return k.Missing }, rows)
	x.share(&x.Invalid, "invalid", "values of another type: %s of rows, %s before", func(k *ColumnCounts) int64 { return k.Invalid }, rows)
	if x.c.Kind == Number && len(x.c.Edges) > 0 {
		lo, hi := x.print(x.c.Edges[0]), x.print(x.c.Edges[len(x.c.Edges)-1])
		x.share(&x.Below, "below", "values below "+lo+", the smallest before: %s of rows, %s before", func(k *ColumnCounts) int64 { return k.Below }, (*ColumnCounts).present)
		x.share(&x.Above, "above", "values above "+hi+", the largest before: %s of rows, %s before", func(k *ColumnCounts) int64 { return k.Above }, (*ColumnCounts).present)
	} else if x.c.Kind == Number {
		x.share(&x.Above, "above", "values where there was none: %s of rows, %s before", func(k *ColumnCounts) int64 { return k.Above }, (*ColumnCounts).present)
	}
	if x.c.Tracks() {
		x.unseen()
		x.fresh()
	}
}

// share tests the share of one bin by Fisher's exact test; with blocks, whose rows are not independent, by a normal one.
func (x *comparison) share(s *Share, name, why string, of, total func(*ColumnCounts) int64) {
	a, n, b, m := of(x.ref), total(x.ref), of(x.cur), total(x.cur)
	if n <= 0 || m <= 0 {
		return
	}
	s.Reference, s.Current = float64(a)/float64(n), float64(b)/float64(m)
	if a+b == 0 {
		return // nothing there that could differ
	}
	phi := x.dispersion(func(k *ColumnCounts) (float64, float64) { return float64(of(k)), float64(total(k)) })
	s.P = x.twoShares(a, n, b, m, phi)
	if a == 0 && (name == "below" || name == "above") {
		s.P /= 2 // the reference has none by the choice of its ends: there is only one way to differ
	}
	x.tests = append(x.tests, test{name, s.P, math.Abs(s.Current-s.Reference) >= x.opt.EffectSpecial, fmt.Sprintf(why, percent(s.Current), percent(s.Reference))})
}

// twoShares is the two-sided p-value of a/n against b/m.
func (x *comparison) twoShares(a, n, b, m int64, phi float64) float64 {
	if phi == 1 {
		lo, hi := stat.HypergeometricTail(a, n, b, m)
		return min(1, 2*min(lo, hi))
	}
	// Rows that come in lots count as fewer rows. The conditional distribution of b given a+b is binomial up to what
	// the sizes of the samples add; the incomplete beta function takes the parts of rows that division leaves.
	fn, fm := float64(n)/phi, float64(m)/phi
	fa, fb := float64(a)/phi, float64(b)/phi
	share := (fa + fb) / (fn + fm)
	z := (fb/fm - fa/fn) / math.Sqrt(share*(1-share)*(1/fn+1/fm))
	if share == 0 || share == 1 {
		return 1
	}
	p := 2 * stat.StudentTail(math.Abs(z), x.freedom())
	if fa+fb < 100 {
		pi := fm / (fn + fm)
		up := 1.0
		if fb > 0 {
			up = stat.BetaCDF(pi, fb, fa+1)
		}
		down := 1.0
		if fa > 0 {
			down = stat.BetaCDF(1-pi, fa, fb+1)
		}
		p = max(p, min(1, 2*min(up, down)))
	}
	return min(1, p)
}

// unseen tests the share of rows whose value the reference does not have against what its own rare values promise: the
// Good-Turing share, whose rows come in lots when values repeat.
func (x *comparison) unseen() {
	if !x.own {
		x.share(&x.Unseen, "unseen", "values never seen before: %s of rows, %s before", func(k *ColumnCounts) int64 { return k.Unseen }, (*ColumnCounts).present)
		return
	}
	n, m, u := float64(x.ref.present()), float64(x.cur.present()), float64(x.cur.Unseen)
	if n <= 0 || m <= 0 {
		return
	}
	s := &x.Unseen
	singles := float64(x.c.Singles)
	s.Reference, s.Current = x.c.Unheard(), u/m
	if u == 0 {
		return
	}
	lots := 1.0
	if singles > 0 {
		lots += 2 * m / n * float64(x.c.Pairs) / singles
	}
	phi := lots * x.Dispersion
	if x.blocks != nil {
		// Values that last for hours or days are seen many times and are yet of their block alone: a later block is as
		// likely to bring its own.
		var lot float64
		s.Reference, lot = x.alone.left(len(x.blocks), x.span, n)
		s.Reference = max(s.Reference, x.c.Unheard())
		singles = s.Reference * n
		phi = max(phi, lot)
	}
	if s.Current <= s.Reference {
		s.P = 1
	} else {
		s.P = stat.BetaCDF(m/(n+m), u/phi, singles/phi+1)
	}
	why := fmt.Sprintf("values never seen before: %s of rows, %s expected", percent(s.Current), percent(s.Reference))
	if top := x.cur.mostFresh(); 2*top.Rows >= x.cur.Unseen {
		why = newCategory(top, float64(top.Rows)/m)
	}
	x.tests = append(x.tests, test{"unseen", s.P, s.Current-s.Reference >= x.opt.EffectSpecial, why})
}

func newCategory(f Fresh, share float64) string {
	return fmt.Sprintf("category %q is new: %s of rows", string(f.Value), percent(share))
}

// fresh tests the most frequent category that the reference did not have. That all k rows of one value fall among the
// window's m and none among the reference's n has the probability m(m-1)… / (n+m)(n+m-1)…; there are at most (n+m)/k
// values with k rows, which bounds the chance that any did.
func (x *comparison) fresh() {
	n, m := x.ref.present(), x.cur.present()
	if !x.own || n <= 0 || m <= 0 || len(x.cur.New) == 0 {
		return
	}
	top := x.cur.mostFresh()
	rows := min(top.Rows, m)
	lot := x.Dispersion
	if x.blocks != nil {
		_, own := x.alone.left(len(x.blocks), x.span, float64(n))
		lot = max(lot, own)
	}
	effective := int64(float64(rows) / lot) // rows that come in lots count as fewer
	p := float64(n+m) / float64(max(1, effective))
	for i := int64(0); i < effective && p > 1e-300; i++ {
		p *= float64(m-i) / float64(n+m-i)
	}
	share := float64(rows) / float64(m)
	x.tests = append(x.tests, test{"new value", min(1, p), share >= x.opt.EffectSpecial, newCategory(top, share)})
}

// print shows a number of the column to people.
func (x *comparison) print(v float64) string {
	switch x.c.Type {
	case table.Datetime:
		return string(table.AppendDatetime(nil, int64(v)))
	case table.Float32:
		return strconv.FormatFloat(v, 'g', 6, 32)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
