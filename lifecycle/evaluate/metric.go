package evaluate

import (
	"math"
	"slices"

	"github.com/trimtab/trimtab/pure/stat"
)

// metric is one measure of quality.
type metric struct {
	task Task
	// value of all rows, NaN where it does not exist.
	value func(r *Rows, score []float64) float64
	// badness turns a value into what is better when it is smaller.
	badness func(v float64) float64
	// compare fills in how much better the challenger is, and how sure that is.
	compare func(r *Rows, p *paired, seed uint64)
}

// paired is what a metric says of two versions on the same rows. diff is how much better the challenger is, in units
// of the metric; se is its standard error with rows of one block depending on each other, df the degrees of freedom of se.
type paired struct {
	challenger, champion float64
	diff, se, df         float64
	by                   *metric
}

// gain is by how much the challenger's value is the better one.
func (p paired) gain() float64 { return p.by.badness(p.champion) - p.by.badness(p.challenger) }

// measure compares the two versions of the rows by a metric; without a champion only the challenger's value is there.
func measure(by *metric, r *Rows, seed uint64) paired {
	nan := math.NaN()
	p := paired{challenger: by.value(r, r.Challenger), champion: nan, diff: nan, se: nan, df: nan, by: by}
	if r.Champion != nil && r.Len() > 0 {
		p.champion = by.value(r, r.Champion)
		by.compare(r, &p, seed)
	}
	return p
}

// known reports whether the difference has an error.
func (p paired) known() bool {
	return !math.IsNaN(p.diff) && !math.IsInf(p.diff, 0) && !math.IsNaN(p.se) && !math.IsInf(p.se, 0) && p.df > 0
}

func (p paired) interval(level float64) stat.Interval {
	return stat.TInterval(p.diff, p.se, p.df, level)
}

func same(v float64) float64    { return v }
func negated(v float64) float64 { return -v }

// metrics are those that a gate can ask for, as the suite's declaration lists them.
var metrics = map[string]*metric{
	"log_loss":              {Binary, logLoss, same, means(cutLogLoss)},
	"brier":                 {Binary, mean(squaredError), same, means(squaredError)},
	"accuracy":              {Binary, mean(hit), negated, means(func(y, p float64) float64 { return -hit(y, p) })},
	"auc":                   {Binary, auc, negated, delong},
	"ece":                   {Binary, ece, same, resampled},
	"calibration_slope":     {Binary, slope, func(v float64) float64 { return math.Abs(v - 1) }, line(false)},
	"calibration_intercept": {Binary, intercept, math.Abs, line(true)},
	"rmse":                  {Regression, rmse, same, rootMean},
	"mae":                   {Regression, mean(absoluteError), same, means(absoluteError)},
	"r2":                    {Regression, r2, negated, varianceShare},
}

// cut keeps one confident mistake from outweighing a window: in comparisons log-loss is cut at 9.2 nats. The values
// themselves are cut as scikit-learn does.
const cut = 1e-4

func cutLogLoss(y, p float64) float64 {
	if !(p >= 0 && p <= 1) {
		return math.NaN()
	}
	p = min(max(p, cut), 1-cut)
	if y == 1 {
		return -math.Log(p)
	}
	return -math.Log1p(-p)
}

func squaredError(y, p float64) float64  { return (y - p) * (y - p) }
func absoluteError(y, p float64) float64 { return math.Abs(y - p) }

// hit is 1 when the decision at one half is right.
func hit(y, p float64) float64 {
	if (p >= 0.5) == (y == 1) {
		return 1
	}
	return 0
}

func logLoss(r *Rows, score []float64) float64 { return stat.LogLoss(r.outcomes(), score, nil) }

func auc(r *Rows, score []float64) float64 { return stat.AUC(r.outcomes(), score, nil) }

// ece has ten bins of equal width.
func ece(r *Rows, score []float64) float64 {
	bins := stat.NewReliability(nil)
	bins.AddAll(r.outcomes(), score, nil)
	return bins.ECE()
}

func slope(r *Rows, score []float64) float64 {
	return stat.FitCalibrationLine(r.outcomes(), score, nil, nil).Slope
}

// intercept is calibration in the large: that of the line with slope 1.
func intercept(r *Rows, score []float64) float64 {
	return stat.FitCalibrationLine(r.outcomes(), score, nil, nil).Large
}

func mean(loss func(y, p float64) float64) func(r *Rows, score []float64) float64 {
	return func(r *Rows, score []float64) float64 {
		var m stat.Mean
		for i, y := range r.Label {
			m.Add(loss(y, score[i]), 1)
		}
		return m.Mean()
	}
}

func rmse(r *Rows, score []float64) float64 { return math.Sqrt(mean(squaredError)(r, score)) }

func r2(r *Rows, score []float64) float64 {
	var e stat.Errors
	e.AddAll(r.Label, score, nil)
	return e.R2()
}

// gains sums by block how much less the challenger loses on each row.
func gains(r *Rows, loss func(y, p float64) float64) []stat.Block {
	block, n := r.blocks()
	out := make([]stat.Block, n)
	for i, y := range r.Label {
		out[block[i]].Add(loss(y, r.Champion[i]) - loss(y, r.Challenger[i]))
	}
	return out
}

// means compares means over rows: the error of their difference is that of a mean over blocks.
func means(loss func(y, p float64) float64) func(*Rows, *paired, uint64) {
	return func(r *Rows, p *paired, _ uint64) { p.diff, p.se, p.df = stat.BlockMean(gains(r, loss)) }
}

// rootMean compares roots of mean squared errors: a root of x less a root of y is x less y over the roots' sum, so
// that the test is that of the squared errors and the numbers are in units of the label.
func rootMean(r *Rows, p *paired, _ uint64) {
	gain, se, df := stat.BlockMean(gains(r, squaredError))
	p.scale(gain, se, df, p.challenger+p.champion)
}

// varianceShare compares r2: the squared errors over the variance of the labels, which is taken as given.
func varianceShare(r *Rows, p *paired, _ uint64) {
	gain, se, df := stat.BlockMean(gains(r, squaredError))
	var m stat.Mean
	for _, y := range r.Label {
		m.Add(y, 1)
	}
	centre := m.Mean()
	var v stat.Mean
	for _, y := range r.Label {
		v.Add((y-centre)*(y-centre), 1)
	}
	p.scale(gain, se, df, v.Mean())
}

func (p *paired) scale(gain, se, df, by float64) {
	if gain == 0 && se == 0 {
		by = 1 // two perfect versions
	}
	p.diff, p.se, p.df = gain/by, se/by, df
}

func delong(r *Rows, p *paired, _ uint64) {
	block, _ := r.blocks()
	d := stat.PairedDeLongBlocks(r.outcomes(), r.Champion, r.Challenger, block)
	p.diff, p.se, p.df = d.Difference, d.SE, d.DF
}

// resampled compares calibration errors by the bootstrap over blocks.
func resampled(r *Rows, p *paired, seed uint64) {
	block, n := r.blocks()
	challenger, champion := gapsOf(r, r.Challenger, block, n), gapsOf(r, r.Champion, block, n)
	p.diff = p.champion - p.challenger
	p.se, p.df = bootstrapped(seed, n, func(blocks []int) float64 { return champion.error(blocks) - challenger.error(blocks) })
}

// gaps are the rows of blocks, and score less outcome summed by block and bin of equal width: all that a calibration
// error needs of them.
type gaps struct {
	rows []float64
	sums [][11]float64
}

func gapsOf(r *Rows, score []float64, block []int, n int) gaps {
	edges := stat.EqualWidth(10)
	g := gaps{rows: make([]float64, n), sums: make([][11]float64, n)}
	for i, y := range r.Label {
		bin, _ := slices.BinarySearch(edges, score[i])
		g.rows[block[i]]++
		g.sums[block[i]][bin] += score[i] - y
	}
	return g
}

// error is the expected calibration error of some blocks.
func (g gaps) error(blocks []int) float64 {
	var total [11]float64
	rows := 0.0
	for _, b := range blocks {
		rows += g.rows[b]
		for bin, v := range g.sums[b] {
			total[bin] += v
		}
	}
	gap := 0.0
	for _, v := range total {
		gap += math.Abs(v)
	}
	return gap / rows
}

// bootstrapped is the error of what is computed from n blocks. Resamples of g blocks spread by (g-1)/g too little.
func bootstrapped(seed uint64, n int, value func(blocks []int) float64) (se, df float64) {
	g := float64(n)
	return stat.Bootstrap{Seed: seed}.Run(n, value).SE * math.Sqrt(g/(g-1)), g - 1
}

// line compares how far two lines of calibration are from the perfect one: by what each block contributes to either, to
// first order (the sandwich with the factor g/(g-1), as the errors of the lines themselves have it). With large it is
// calibration in the large, else the slope.
func line(large bool) func(*Rows, *paired, uint64) {
	return func(r *Rows, p *paired, _ uint64) {
		block, n := r.blocks()
		challenger, v := contributions(r, r.Challenger, block, n, large)
		champion, w := contributions(r, r.Champion, block, n, large)
		var sum stat.Sum
		for b := range n {
			d := sign(w)*champion[b] - sign(v)*challenger[b]
			sum.Add(d * d)
		}
		g := float64(n)
		p.diff, p.se, p.df = p.gain(), math.Sqrt(sum.Value()*g/(g-1)), g-1
	}
}

// contributions returns what each block adds to the line's number, and how far that number is from the perfect one.
func contributions(r *Rows, score []float64, block []int, n int, large bool) (out []float64, off float64) {
	l := stat.FitCalibrationLine(r.outcomes(), score, nil, nil)
	a, b, off := l.Intercept, l.Slope, l.Slope-1
	if large {
		a, b, off = l.Large, 1, l.Large
	}
	g := make([][2]float64, n)
	var haa, hab, hbb float64
	for i, y := range r.Label {
		s := min(max(score[i], stat.Eps64), 1-stat.Eps64)
		x := math.Log(s) - math.Log1p(-s)
		q := 1 / (1 + math.Exp(-a-b*x))
		g[block[i]][0] += y - q
		g[block[i]][1] += (y - q) * x
		w := q * (1 - q)
		haa, hab, hbb = haa+w, hab+w*x, hbb+w*x*x
	}
	out = make([]float64, n)
	for k := range out {
		if large {
			out[k] = g[k][0] / haa
		} else {
			out[k] = (haa*g[k][1] - hab*g[k][0]) / (haa*hbb - hab*hab)
		}
	}
	return out, off
}

func sign(v float64) float64 { return math.Copysign(1, v) }
