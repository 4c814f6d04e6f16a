package monitor

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/profile"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Distribution is how the values of a column are spread in several samples that
// were counted against the same edges: first what a window is compared with, where
// there is such a thing, then the window, then another one.
type Distribution struct {
	Column  string               `json:"column"`
	Kind    string               `json:"kind"` // "number" "category" "opaque"
	Type    string               `json:"type"` // of the column: "float64" "datetime" …
	Samples []DistributionSample `json:"samples"`
	Bins    []DistributionBin    `json:"bins"`
	// Even says that bins are about as wide as each other; else they have about equal shares of the reference.
	Even bool `json:"even,omitempty"`
}

// DistributionSample is one set of rows. Each row is Missing, Invalid, Below, Above,
// Unseen (of categories) or in a bin; Unseen numbers are in a bin as well.
type DistributionSample struct {
	Name    string   `json:"name"`
	Role    string   `json:"role"` // "reference" "window" "against"
	Rows    int64    `json:"rows"`
	Missing int64    `json:"missing"`
	Invalid int64    `json:"invalid"`
	Below   int64    `json:"below"`
	Above   int64    `json:"above"`
	Unseen  int64    `json:"unseen"`
	Mean    *float64 `json:"mean,omitempty"`
	SD      *float64 `json:"sd,omitempty"`
	Min     *float64 `json:"min,omitempty"`
	Max     *float64 `json:"max,omitempty"`
	// Sampled: of the reference a part was kept; Partial: the first rows of the window alone were read.
	Sampled bool `json:"sampled,omitempty"`
	Partial bool `json:"partial,omitempty"`
}

// DistributionBin is one bin with its rows in each sample. A bin of numbers goes from
// Lo to Hi, which are equal for a single value; one of categories has a Label.
type DistributionBin struct {
	Label string  `json:"label,omitempty"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
	Other bool    `json:"other,omitempty"` // all categories that have no bin here
	New   bool    `json:"new,omitempty"`   // a category that the reference did not have
	Rows  []int64 `json:"rows"`
}

// Distribution shows a column of a window beside what the window was compared with
// and, unless it is nil, another window. A column that nobody compares has the
// window alone. The rows are those that the monitor took: without the held ones.
func (r *Reader) Distribution(ctx context.Context, w trimtab.WindowResult, against *trimtab.WindowResult, column string) (d Distribution, err error) {
	defer trimtab.Wrap(&err, "monitor.Distribution(%s, %s, %s)", w.Monitor, w.Start, column)
	s, err := r.pass(ctx, w.Monitor)
	if err != nil {
		return d, err
	}
	score := column == scoreColumn
	if x, ok := columnDrift(w.Drift, column); ok && strings.HasPrefix(x.Reference, "training") {
		score = false // an input of that name
	}
	base, err := s.shown(ctx, w, column, score)
	if err != nil {
		return d, err
	}
	windows := []*trimtab.WindowResult{&w}
	if against != nil {
		windows = append(windows, against)
	}
	if base == nil {
		if base, err = s.itself(ctx, windows, column, score); err != nil {
			return d, err
		}
	}
	c := base.profile.Columns[0]
	d = Distribution{Column: column, Kind: string(c.Kind), Type: c.Type.String()}
	var all []*profile.ColumnCounts
	if base.name != "" {
		d.Samples = append(d.Samples, sampleOf(base.name, "reference", &c.Reference))
		d.Samples[0].Sampled = c.Sampled
		all = append(all, &c.Reference)
	}
	for i, x := range windows {
		k, partial, err := s.countOf(ctx, *x, base.profile, column, score)
		if err != nil {
			return d, err
		}
		role := "window"
		if i > 0 {
			role = "against"
		}
		one := sampleOf(s.spec.Window.Label(x.Start), role, &k.Columns[0])
		one.Partial = partial
		d.Samples = append(d.Samples, one)
		all = append(all, &k.Columns[0])
	}
	switch c.Kind {
	case profile.Number:
		d.Bins, d.Even = numberBins(c, all)
	case profile.Category:
		d.Bins = categoryBins(c, all)
	}
	if d.Bins == nil {
		d.Bins = []DistributionBin{}
	}
	return d, nil
}

// shown is what a window was compared with in one column, nil when there is no such thing.
func (s *pass) shown(ctx context.Context, w trimtab.WindowResult, column string, score bool) (*compared, error) {
	if w.Served == 0 {
		return nil, nil
	}
	of := *s
	of.spec.Drift.Columns, of.spec.Drift.Except = nil, []string{scoreColumn} // people may look at what is not watched
	columns := []string{column}
	if score {
		of.spec.Drift.Except, columns = nil, nil
	} else if column == scoreColumn {
		of.spec.Drift.Except = nil
	}
	known, err := of.known(ctx, w.End)
	if err != nil {
		return nil, err
	}
	all, err := of.comparisons(ctx, stepOf(w), &w, columns, known)
	for _, c := range all {
		if c.score == score && c.profile.Column(columnOf(column, score)) != nil {
			return c, err
		}
	}
	return nil, err
}

// columnOf is how the column is called in the tables that are counted.
func columnOf(column string, score bool) string {
	if score {
		return scoreColumn
	}
	return column
}

// stepOf is the look at a window.
func stepOf(w trimtab.WindowResult) step {
	return step{span: spanOf(w.Start, w.End), at: w.End, phase: trimtab.WindowEstimated}
}

// parts reads one column of the rows of a window that count.
func (s *pass) parts(ctx context.Context, w trimtab.WindowResult, column string, score bool, add func(*table.Table) error) (partial bool, err error) {
	known, err := s.known(ctx, w.End)
	if err != nil {
		return false, err
	}
	holds := known.holds(spanOf(w.Start, w.End))
	q := traffic.Query{Start: w.Start, End: w.End, KnownBy: w.End, MaxRows: maxShown}
	if !score {
		q.Inputs, q.Columns = true, []string{column}
	}
	n := 0
	for rows, err := range s.log.Tables(ctx, q) {
		if err != nil {
			return false, err
		}
		n += rows.Len()
		var keep []int
		for i, t := range rows.EventTimes {
			if holds.of(t, rows.Quarantine[i]) == counts {
				keep = append(keep, i)
			}
		}
		t := scoresOf(rows, keep)
		if !score {
			t = rows.Inputs.Take(keep)
		}
		if err := add(t); err != nil {
			return false, err
		}
	}
	return n >= maxShown, nil
}

func (s *pass) countOf(ctx context.Context, w trimtab.WindowResult, p *profile.Profile, column string, score bool) (*profile.Counts, bool, error) {
	k := p.NewCounts()
	partial, err := s.parts(ctx, w, column, score, func(t *table.Table) error { return p.CountInto(k, t) })
	return k, partial, err
}

// itself makes edges of the windows where there is nothing to compare them with.
func (s *pass) itself(ctx context.Context, windows []*trimtab.WindowResult, column string, score bool) (*compared, error) {
	b := profile.NewBuilder(profile.Options{Retain: retain})
	shaped := false
	for _, w := range windows {
		_, err := s.parts(ctx, *w, column, score, func(t *table.Table) error {
			if shaped && t.Rows() == 0 {
				return nil
			}
			shaped = true
			return b.Add(t)
		})
		if _, ok := err.(*profile.Error); err != nil && !ok { // of another type in the other window: it has the edges of the first
			return nil, err
		}
	}
	if !shaped {
		if err := b.Add(&table.Table{Columns: []*table.Column{table.NewColumn(columnOf(column, score), table.Float64, 0)}}); err != nil {
			return nil, err
		}
	}
	p, err := b.Finish()
	if err != nil {
		return nil, err
	}
	return &compared{baseline: &baseline{profile: p}, score: score}, nil
}

func sampleOf(name, role string, k *profile.ColumnCounts) DistributionSample {
	out := DistributionSample{Name: name, Role: role, Rows: k.Rows, Missing: k.Missing, Invalid: k.Invalid, Below: k.Below, Above: k.Above, Unseen: k.Unseen}
	if m := k.Moments; m.N > 0 {
		mean, lo, hi := m.Mean(), m.Min, m.Max
		out.Mean, out.Min, out.Max = &mean, &lo, &hi
		if sd := m.SD(); finite(sd) {
			out.SD = &sd
		}
	}
	return out
}

// Limits of what is drawn of a distribution.
const (
	shownBins       = 32
	shownCategories = 24
)

// numberBins groups the bins of a column for a picture: one for each value where there
// are few; else about equally wide ones between the outermost hundredths, or, where
// those would put most rows into one, such with about equal shares.
func numberBins(c *profile.Column, all []*profile.ColumnCounts) (bins []DistributionBin, even bool) {
	n := c.Bins()
	if n == 0 {
		return nil, false
	}
	single := int64(n) == c.Distinct && !c.More // a bin for each value
	var first []int                             // of each group
	switch {
	case n <= shownBins:
		for i := range n {
			first = append(first, i)
		}
		even = single
	default:
		if first = evenGroups(c); heaviest(c, first) > 0.5 {
			first = equalGroups(c)
		} else {
			even = true
		}
	}
	for g, i := range first {
		end := n
		if g+1 < len(first) {
			end = first[g+1]
		}
		b := DistributionBin{Lo: c.Edges[i], Hi: c.Edges[end], Rows: make([]int64, len(all))}
		if single { // to the last value that it has, not to the first that it has not
			b.Hi = c.Edges[end-1]
		}
		for k, x := range all {
			for j := i; j < end && j < len(x.Bins); j++ {
				b.Rows[k] += x.Bins[j]
			}
		}
		bins = append(bins, b)
	}
	return bins, even
}

// evenGroups begins a group wherever the next of equally wide steps is reached.
func evenGroups(c *profile.Column) []int {
	lo, hi := c.Quantiles[2], c.Quantiles[len(c.Quantiles)-3] // the hundredths, see profile.Levels
	if hi <= lo {
		lo, hi = c.Edges[0], c.Edges[len(c.Edges)-1]
	}
	width := (hi - lo) / (shownBins - 2)
	first, last := []int{0}, math.Inf(-1)
	for i := 1; i < c.Bins(); i++ {
		if g := math.Floor((math.Min(c.Edges[i], hi) - lo) / width); g > last && c.Edges[i] > lo {
			first, last = append(first, i), g
		}
	}
	return first
}

// equalGroups begins a group wherever another equal share of the reference is reached.
func equalGroups(c *profile.Column) (first []int) {
	total := int64(0)
	for _, n := range c.Reference.Bins {
		total += n
	}
	before, next := int64(0), 0.0
	for i, n := range c.Reference.Bins {
		if float64(before) >= next {
			first = append(first, i)
			next = math.Max(next, float64(before)) + float64(total)/(shownBins-8)
		}
		before += n
	}
	return first
}

// heaviest is the largest share of the reference in one group that could be parted.
func heaviest(c *profile.Column, first []int) (most float64) {
	total := int64(0)
	for _, n := range c.Reference.Bins {
		total += n
	}
	for g, i := range first {
		end := c.Bins()
		if g+1 < len(first) {
			end = first[g+1]
		}
		n := int64(0)
		for j := i; j < end; j++ {
			n += c.Reference.Bins[j]
		}
		if end-i > 2 && total > 0 {
			most = max(most, float64(n)/float64(total))
		}
	}
	return most
}

// categoryBins are the frequent categories of any sample, those that are new, and the others together.
func categoryBins(c *profile.Column, all []*profile.ColumnCounts) []DistributionBin {
	var bins []DistributionBin
	for i, name := range c.Categories {
		b := DistributionBin{Label: name, Rows: make([]int64, len(all))}
		for k, x := range all {
			if i < len(x.Bins) {
				b.Rows[k] = x.Bins[i]
			}
		}
		bins = append(bins, b)
	}
	fresh := map[string]int{}
	for k, x := range all {
		for _, f := range x.New {
			i, ok := fresh[string(f.Value)]
			if !ok {
				i = len(bins)
				fresh[string(f.Value)] = i
				bins = append(bins, DistributionBin{Label: string(f.Value), New: true, Rows: make([]int64, len(all))})
			}
			bins[i].Rows[k] = f.Rows
		}
	}
	share := func(b DistributionBin) (most float64) {
		for k, x := range all {
			most = max(most, float64(b.Rows[k])/float64(max(x.Rows, 1)))
		}
		return most
	}
	slices.SortStableFunc(bins, func(a, b DistributionBin) int {
		switch x, y := share(a), share(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	bins = bins[:min(len(bins), shownCategories)]
	other := DistributionBin{Label: "other", Other: true, Rows: make([]int64, len(all))}
	rest := int64(0)
	for k, x := range all {
		n := x.Rows - x.Missing - x.Invalid
		for _, b := range bins {
			n -= b.Rows[k]
		}
		other.Rows[k] = max(n, 0)
		rest += other.Rows[k]
	}
	if rest > 0 {
		bins = append(bins, other)
	}
	return bins
}
