package profile

import (
	"fmt"
	"math"
	"slices"

	"github.com/trimtab/trimtab/pure/stat"
)

// State is what a comparison says of a column.
type State string

// OK: nothing beyond chance, or nothing large enough to matter. Drifted: neither chance nor small. Suspect: large
// enough to matter, and chance not quite ruled out. Unknown: no rows to tell from.
const (
	OK      State = "ok"
	Suspect State = "suspect"
	Drifted State = "drift"
	Unknown State = "unknown"
)

// CompareOptions steer Compare; zero fields mean the defaults given.
type CompareOptions struct {
	// Alpha is the share of false discoveries that is accepted among the columns said to drift, default 0.01;
	// a column is suspect up to five times that.
	Alpha float64
	// EffectPSI is how far the PSI must lie above what chance alone would make it, default 0.005: that of a mean that
	// moved by 0.07 standard deviations.
	EffectPSI float64
	// EffectShare is the share of rows that must have moved into or out of one region, default 0.02. Either of the two
	// is enough.
	EffectShare float64
	// EffectSpecial is how much the share of missing, invalid, unseen, below or above must have changed, default 0.005.
	EffectSpecial float64
	// Columns are the names to compare; nil = all of the profile.
	Columns []string
	// Blocks are the counts of successive blocks of the reference, when its rows are not independent: each statistic's
	// noise is then what it varies by between blocks, and the noise limits widen. At least 4; fewer are an error,
	// because a limit from so few would be chance itself. BlockCounter makes them, and Alone with them, without which
	// what was never seen is judged as if values came row by row.
	Blocks []*Counts
	Alone  []Alone
}

func (o CompareOptions) defaults() CompareOptions {
	set := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.Alpha, 0.01)
	set(&o.EffectPSI, 0.005)
	set(&o.EffectShare, 0.02)
	set(&o.EffectSpecial, 0.005)
	return o
}

// Share is the share of rows in one special bin, then and now.
type Share struct {
	Reference float64 `json:"reference"`
	Current   float64 `json:"current"`
	P         float64 `json:"p"` // of a difference that large by chance
}

// Drift is what a comparison found in one column.
type Drift struct {
	Column        string `json:"column"`
	Kind          Kind   `json:"kind"`
	ReferenceRows int64  `json:"referenceRows"`
	Rows          int64  `json:"rows"`

	State State  `json:"state"`
	Why   string `json:"why"` // one sentence for people

	// Distances over the coarse bins and the special ones; counts smoothed by ½ in PSI only.
	PSI       float64 `json:"psi"`
	JS        float64 `json:"jensenShannon"` // distance, base 2: 0 to 1
	Hellinger float64 `json:"hellinger"`
	TVD       float64 `json:"totalVariation"`
	KS        float64 `json:"ks"`                  // largest difference of the cumulative shares at the edges; numbers
	MeanShift float64 `json:"meanShift,omitempty"` // in standard deviations of the reference; 0 where undefined

	NullMean    float64 `json:"nullMean"`    // the PSI that chance alone makes on average
	NoiseLimit  float64 `json:"noiseLimit"`  // and the one it exceeds with probability Alpha
	EffectLimit float64 `json:"effectLimit"` // the PSI from which on it matters: NullMean + EffectPSI
	Moved       float64 `json:"moved"`       // largest share of rows that moved into or out of one region
	Dispersion  float64 `json:"dispersion"`  // variance of the reference's blocks over that of independent rows; 1 without blocks

	P    float64 `json:"p"` // of all tests of the column together
	Q    float64 `json:"q"` // with the false-discovery control over columns
	Test string  `json:"test"`

	Missing Share `json:"missing"`
	Invalid Share `json:"invalid"`
	Below   Share `json:"below"`
	Above   Share `json:"above"`
	Unseen  Share `json:"unseen"` // Reference: the share expected of the reference's own distribution
}

// Report is the comparison of a window with a reference.
type Report struct {
	Profile       string  `json:"profile"`
	ReferenceRows int64   `json:"referenceRows"`
	Rows          int64   `json:"rows"`
	State         State   `json:"state"` // the worst of the columns
	Drifted       int     `json:"drifted"`
	Suspect       int     `json:"suspect"`
	Columns       []Drift `json:"columns"`
}

// Compare says for each column whether cur differs from ref by more than chance and by enough to matter. Both are
// counts against p; ref nil means the profile's own rows.
func Compare(p *Profile, ref, cur *Counts, opt CompareOptions) (*Report, error) {
	opt = opt.defaults()
	if !(opt.Alpha > 0 && opt.Alpha < 0.2) {
		return nil, fail("", "alpha is %v, expected a number between 0 and 0.2", opt.Alpha)
	}
	own := ref == nil
	if own {
		ref = p.reference()
	}
	if n := len(opt.Blocks); n > 0 && n < fewestBlocks {
		return nil, fail("", "%d blocks of the reference, expected none or at least %d", n, fewestBlocks)
	}
	if n := len(opt.Alone); n > 0 && n != len(p.Columns) {
		return nil, fail("", "values of blocks of %d columns, the profile has %d", n, len(p.Columns))
	}
	for _, k := range append([]*Counts{ref, cur}, opt.Blocks...) {
		if err := p.Check(k); err != nil {
			return nil, err
		}
	}
	for _, name := range opt.Columns {
		if p.Column(name) == nil {
			return nil, fail(name, "the profile has no such column")
		}
	}
	rep := &Report{Profile: p.ID(), ReferenceRows: ref.Rows, Rows: cur.Rows, State: OK}
	found := make([]*comparison, len(p.Columns))
	each(len(p.Columns), func(i int) {
		c := p.Columns[i]
		if opt.Columns != nil && !slices.Contains(opt.Columns, c.Name) {
			return
		}
		x := &comparison{c: c, ref: &ref.Columns[i], cur: &cur.Columns[i], opt: &opt, own: own}
		for _, b := range opt.Blocks {
			x.blocks = append(x.blocks, &b.Columns[i])
		}
		if opt.Alone != nil {
			x.alone = opt.Alone[i]
		}
		x.run()
		found[i] = x
	})
	found = slices.DeleteFunc(found, func(x *comparison) bool { return x == nil })
	discover(found)
	for _, x := range found {
		x.judge()
		switch x.State {
		case Drifted:
			rep.Drifted++
		case Suspect:
			rep.Suspect++
		}
		rep.Columns = append(rep.Columns, x.Drift)
	}
	switch {
	case rep.Drifted > 0:
		rep.State = Drifted
	case rep.Suspect > 0:
		rep.State = Suspect
	case cur.Rows == 0 || ref.Rows == 0:
		rep.State = Unknown
	}
	return rep, nil
}

// reference is Reference without copying.
func (p *Profile) reference() *Counts {
	k := &Counts{Profile: p.ID(), Rows: p.Rows, Columns: make([]ColumnCounts, len(p.Columns))}
	for i, c := range p.Columns {
		k.Columns[i] = c.Reference
	}
	return k
}

// discover sets Q by the rule of Benjamini and Hochberg (J. R. Statist. Soc. B 57, 1995): the smallest accepted share of
// false discoveries at which the column would be one.
func discover(all []*comparison) {
	var known []*comparison
	for _, x := range all {
		x.Q = 1
		if x.State != Unknown {
			known = append(known, x)
		}
	}
	slices.SortStableFunc(known, func(a, b *comparison) int {
		switch {
		case a.P < b.P:
			return -1
		case a.P > b.P:
			return 1
		}
		return 0
	})
	q := 1.0
	for i := len(known) - 1; i >= 0; i-- {
		q = min(q, known[i].P*float64(len(known))/float64(i+1))
		known[i].Q = q
	}
}

// judge turns numbers into a state and a sentence.
func (x *comparison) judge() {
	if x.State == Unknown {
		x.Why = "no rows to tell from"
		return
	}
	// The test that is named is the likeliest reason that matters; a difference counts only where it shows itself.
	level := x.opt.Alpha
	best := -1
	for i, t := range x.tests {
		if t.matters && t.p <= 5*level && (best < 0 || t.p < x.tests[best].p) {
			best = i
		}
	}
	switch {
	case best >= 0 && x.Q <= level && x.tests[best].p <= level:
		x.State = Drifted
	case best >= 0 && x.Q <= 5*level:
		x.State = Suspect
	case x.Q <= level:
		x.Why = "differs by more than chance, too little to matter"
		return
	default:
		x.Why = "as chance would have it"
		return
	}
	x.Test, x.Why = x.tests[best].name, x.tests[best].why
}

// combine joins the p-values of the tests of one column by the rule of Cauchy (Liu and Xie, JASA 115, 2020), which
// holds whatever the tests have in common; values above ½ count as ½.
func combine(tests []test) float64 {
	if len(tests) == 0 {
		return 1
	}
	t := 0.0
	for _, x := range tests {
		if p := max(x.p, 1e-300); p < 0.5 {
			t += 1 / math.Tan(math.Pi*p)
		}
	}
	t /= float64(len(tests))
	if t <= 0 {
		return 0.5
	}
	return math.Atan(1/t) / math.Pi
}

// distances fills the distances over coarse and special bins.
func (x *comparison) distances() {
	var r, c []float64
	cell := func(a, b int64) {
		if a > 0 || b > 0 {
			r, c = append(r, float64(a)), append(c, float64(b))
		}
	}
	// Of the reference's own rows none is unseen, which no other window can equal. What it would be to itself are its
	// values that occur once: they stand in, taken out of the rare ones.
	var heard int64
	if x.own && x.c.Kind == Category && x.c.Tracks() {
		heard = x.c.Singles
	}
	for i, from := range x.c.Coarse {
		to := len(x.ref.Bins)
		if i+1 < len(x.c.Coarse) {
			to = x.c.Coarse[i+1]
		}
		var a, b int64
		for j := from; j < to; j++ {
			a += x.ref.Bins[j]
			b += x.cur.Bins[j]
		}
		if to == len(x.ref.Bins) {
			heard = min(heard, a)
			a -= heard
		}
		cell(a, b)
	}
	cell(x.ref.Missing, x.cur.Missing)
	cell(x.ref.Invalid, x.cur.Invalid)
	cell(x.ref.Below, x.cur.Below)
	cell(x.ref.Above, x.cur.Above)
	if x.c.Kind == Category {
		cell(x.ref.Unseen+heard, x.cur.Unseen)
	}
	n, m := sum(r), sum(c)
	if n == 0 || m == 0 {
		return
	}
	half := float64(len(r)) / 2
	var js, bc float64
	for i := range r {
		p, q := (r[i]+0.5)/(n+half), (c[i]+0.5)/(m+half)
		x.PSI += (p - q) * math.Log(p/q)
		p, q = r[i]/n, c[i]/m
		x.TVD += math.Abs(p-q) / 2
		bc += math.Sqrt(p * q)
		mid := (p + q) / 2
		if p > 0 {
			js += p * math.Log2(p/mid) / 2
		}
		if q > 0 {
			js += q * math.Log2(q/mid) / 2
		}
	}
	x.JS = math.Sqrt(max(0, js))
	x.Hellinger = math.Sqrt(max(0, 1-bc))
	scale := x.Dispersion * (1/n + 1/m)
	if cells := float64(len(r)); cells > 1 {
		x.NullMean = (cells - 1) * scale
		x.NoiseLimit = chiSquareQuantile(x.opt.Alpha, cells-1) * scale
	}
	x.EffectLimit = x.NullMean + x.opt.EffectPSI
}

// chiSquareQuantile returns what a chi-square variable exceeds with probability p.
func chiSquareQuantile(p, df float64) float64 {
	lo, hi := 0.0, df+10
	for stat.ChiSquareTail(hi, df) > p {
		hi *= 2
	}
	for range 100 {
		if mid := (lo + hi) / 2; stat.ChiSquareTail(mid, df) > p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

func percent(share float64) string {
	switch {
	case share == 0:
		return "0 %"
	case share < 0.001:
		return fmt.Sprintf("%.2g %%", 100*share)
	case share > 0.999 && share < 1:
		return fmt.Sprintf("%.3f %%", 100*share)
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}
