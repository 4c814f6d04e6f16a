package rollout

import (
	"math"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// points are where the distributions of scores are compared; firstScores is how many
// of the old version's first scores fix them.
const (
	points      = 15
	firstScores = 500
)

// Row is one logged request row as both versions score it. A score is NaN, or infinite,
// when the version cannot score the row.
type Row struct {
	Time     trimtab.Time
	From, To float64
	Label    float64 // NaN: not known
}

// Tally sums rows by blocks of time. It takes them in the order of event time, which
// makes equal records equal bits. It is not safe for concurrent use.
type Tally struct {
	binary bool
	begun  trimtab.Time
	fine   trimtab.Time // length of a block

	rows, labelled     int64
	fromFails, toFails int64
	blocks             []block
	grid               []float64
	early              []Row // until the grid is fixed
}

// block holds the sums of one span: rows, flips of the decision, shifts at the points;
// of labelled rows the losses of the old version (f) and the differences (d).
type block struct {
	at               trimtab.Time
	n, flips         float64
	shift, apart     [points]float64
	labelled         float64
	d, dd, f, ff, df float64
}

// NewTally makes a tally for a rollout. Blocks are an hour, or a look where that is shorter.
func NewTally(r trimtab.Rollout, binary bool) *Tally {
	fine := time.Hour
	for _, stage := range []time.Duration{stageOf(r.Spec.Shadow), eachOf(r.Spec.Canary), time.Duration(r.Spec.Bake)} {
		if stage > 0 {
			fine = min(fine, r.Spec.Every(stage))
		}
	}
	return &Tally{binary: binary, begun: r.Begun, fine: max(trimtab.Time(fine/time.Millisecond), 1)}
}

func stageOf(s *trimtab.ShadowSpec) time.Duration {
	if s == nil {
		return 0
	}
	return time.Duration(s.For)
}

func eachOf(s *trimtab.CanarySpec) time.Duration {
	if s == nil {
		return 0
	}
	return time.Duration(s.Each)
}

// Add counts a row.
func (t *Tally) Add(row Row) {
	t.rows++
	bad := false
	if !finite(row.From) {
		t.fromFails++
		bad = true
	}
	if !finite(row.To) {
		t.toFails++
		bad = true
	}
	if bad {
		return
	}
	if t.grid == nil {
		if t.early = append(t.early, row); len(t.early) < firstScores {
			t.count(row)
			return
		}
		t.count(row)
		t.grid = gridOf(t.early)
		for _, e := range t.early {
			t.compare(e)
		}
		t.early = nil
	} else {
		t.count(row)
		t.compare(row)
	}
}

// Know counts the label of a row that was added without one.
func (t *Tally) Know(row Row) {
	if finite(row.From) && finite(row.To) {
		t.label(t.block(row.Time), row)
	}
}

func (t *Tally) count(row Row) {
	b := t.block(row.Time)
	b.n++
	if t.binary && (row.From >= 0.5) != (row.To >= 0.5) {
		b.flips++
	}
	t.label(b, row)
}

func (t *Tally) label(b *block, row Row) {
	if !finite(row.Label) || t.binary && row.Label != 0 && row.Label != 1 {
		return
	}
	t.labelled++
	f := loss(t.binary, row.Label, row.From)
	d := loss(t.binary, row.Label, row.To) - f
	b.labelled++
	b.d += d
	b.dd += d * d
	b.f += f
	b.ff += f * f
	b.df += d * f
}

// compare counts on which side of each point the two scores lie.
func (t *Tally) compare(row Row) { shift(t.block(row.Time), t.grid, row) }

func shift(b *block, grid []float64, row Row) {
	for k, g := range grid {
		switch above, under := row.From > g, row.To > g; {
		case above && !under: // the new version's function is higher there
			b.shift[k]++
			b.apart[k]++
		case under && !above:
			b.shift[k]--
			b.apart[k]++
		}
	}
}

// block finds the block of a moment; mostly it is the last one.
func (t *Tally) block(at trimtab.Time) *block {
	start := t.begun + (at-t.begun)/t.fine*t.fine
	if n := len(t.blocks); n > 0 && t.blocks[n-1].at == start {
		return &t.blocks[n-1]
	}
	i, found := slices.BinarySearchFunc(t.blocks, start, func(b block, at trimtab.Time) int {
		switch {
		case b.at < at:
			return -1
		case b.at > at:
			return 1
		}
		return 0
	})
	if !found {
		t.blocks = slices.Insert(t.blocks, i, block{at: start})
	}
	return &t.blocks[i]
}

// gridOf are the inner quantiles of the old version's scores.
func gridOf(rows []Row) []float64 {
	scores := make([]float64, len(rows))
	for i, r := range rows {
		scores[i] = r.From
	}
	slices.Sort(scores)
	grid := make([]float64, 0, points)
	for k := 1; k <= points; k++ {
		grid = append(grid, scores[k*len(scores)/(points+1)])
	}
	return slices.Compact(grid)
}

// Sums are what a tally knows: per test, the values by block.
type Sums struct {
	Rows, Labelled     int64
	FromFails, ToFails int64
	Binary             bool
	Loss               Ratio // since the rollout began
	StageLoss          Ratio // since the present stage began
	Flips              []Part
	// Shift holds, per point, the signed distance of the distribution functions.
	Shift [][]Part
}

// Ratio is the relative regression of the loss, with blocks of what remains around it.
type Ratio struct {
	N     int64
	Value float64
	Parts []Part
}

// Part is the sum of one block, under the time at which it begins.
type Part struct {
	At trimtab.Time
	stat.Block
}

// Sums returns what the rows say so far, the loss also of the blocks from since on.
func (t *Tally) Sums(since trimtab.Time) Sums {
	s := Sums{Rows: t.rows, Labelled: t.labelled, FromFails: t.fromFails, ToFails: t.toFails, Binary: t.binary}
	blocks, grid := t.blocks, t.grid
	if grid == nil && len(t.early) > 0 { // the points are not fixed yet: those of the rows so far
		grid = gridOf(t.early)
		blocks = slices.Clone(t.blocks)
		provisional := &Tally{begun: t.begun, fine: t.fine, blocks: blocks}
		for _, e := range t.early {
			shift(provisional.block(e.Time), grid, e)
		}
	}
	s.Shift = make([][]Part, len(grid))
	for i := range blocks {
		b := &blocks[i]
		if b.n > 0 {
			s.Flips = append(s.Flips, Part{b.at, stat.Block{N: b.n, Sum: b.flips, Sum2: b.flips}})
			for k := range grid {
				s.Shift[k] = append(s.Shift[k], Part{b.at, stat.Block{N: b.n, Sum: b.shift[k], Sum2: b.apart[k]}})
			}
		}
	}
	s.Loss = ratio(blocks)
	from := 0
	for from < len(blocks) && blocks[from].at < since {
		from++
	}
	if s.StageLoss = s.Loss; from > 0 {
		s.StageLoss = ratio(blocks[from:])
	}
	return s
}

// ratio divides summed differences by summed losses; per block it keeps what is left of
// the differences when that ratio is taken off: the errors of the ratio.
func ratio(blocks []block) (out Ratio) {
	var n, d, f float64
	for i := range blocks {
		n, d, f = n+blocks[i].labelled, d+blocks[i].d, f+blocks[i].f
	}
	if n == 0 {
		return out
	}
	out.N = int64(n)
	scale := f / n
	if !(scale > 0) { // the old version is never wrong: differences count as they are
		scale, out.Value = 1, d/n
	} else {
		out.Value = d / f
	}
	rho := out.Value
	for i := range blocks {
		b := &blocks[i]
		if b.labelled == 0 {
			continue
		}
		sum, sum2 := b.d-rho*b.f, b.dd-2*rho*b.df+rho*rho*b.ff
		if f == 0 {
			sum, sum2 = b.d-rho*b.labelled, b.dd-2*rho*b.d+rho*rho*b.labelled
		}
		out.Parts = append(out.Parts, Part{b.at, stat.Block{N: b.labelled, Sum: sum / scale, Sum2: math.Max(sum2, 0) / (scale * scale)}})
	}
	return out
}
