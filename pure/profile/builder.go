package profile

import (
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/trimtab/trimtab/pure/table"
)

// Options steer a Builder; zero fields mean the defaults given.
type Options struct {
	// Retain is how many numbers are kept to find edges and counts, default 1<<26 (512 MiB): 2.2 million rows of 30
	// number columns. A larger table is thinned to a sample of its rows, chosen by their position alone, between
	// a half and all of what fits; the columns are marked Sampled. At least 1<<16 rows are always kept.
	Retain int64
}

// Builder gathers a profile batch by batch.
type Builder struct {
	retain  int64
	columns []*gathered
	numbers int64
	rows    int64

	level  uint     // a row is kept when the lowest level bits of its hash are 0
	hashes []uint64 // of the rows kept
}

// gathered is what is known of a column so far.
type gathered struct {
	name string
	typ  table.Type
	kind Kind

	chunks  [][]float64 // of the rows kept; missing is NaN
	moments Moments

	missing, rows int64
	index         map[string]int32
	counts        []int64
	overflow      [restBins]int64
	more          bool
	key           []byte
}

// NewBuilder returns an empty builder.
func NewBuilder(opt Options) *Builder {
	if opt.Retain <= 0 {
		opt.Retain = 1 << 26
	}
	return &Builder{retain: opt.Retain}
}

// Build returns the profile of a table.
func Build(t *table.Table, opt Options) (*Profile, error) {
	b := NewBuilder(opt)
	if err := b.Add(t); err != nil {
		return nil, err
	}
	return b.Finish()
}

func kindOf(t table.Type) Kind {
	switch t {
	case table.Bool, table.String:
		return Category
	case table.Bytes:
		return Opaque
	}
	return Number
}

// Add adds the rows of a batch; it copies what it keeps. The first batch fixes columns and types, another shape later
// is an error and adds nothing.
func (b *Builder) Add(t *table.Table) error {
	if err := t.Check(); err != nil {
		return fail("", "%v", err)
	}
	if err := b.shape(t.Fields()); err != nil {
		return err
	}
	n := t.Rows()
	begin := len(b.hashes)
	mask := uint64(1)<<b.level - 1
	var keep []int32 // nil: all
	if b.level > 0 {
		keep = make([]int32, 0, n>>b.level+16)
	}
	for i := range n {
		h := mix(uint64(b.rows) + uint64(i))
		if h&mask != 0 {
			continue
		}
		b.hashes = append(b.hashes, h)
		if keep != nil {
			keep = append(keep, int32(i))
		}
	}
	kept := len(b.hashes) - begin
	b.rows += int64(n)
	each(len(b.columns), func(i int) { b.columns[i].add(t.Columns[i], keep, kept) })
	b.thin()
	return nil
}

func (b *Builder) shape(fields []table.Field) error {
	if b.columns == nil {
		for _, f := range fields {
			g := &gathered{name: f.Name, typ: f.Type, kind: kindOf(f.Type)}
			switch g.kind {
			case Number:
				b.numbers++
			case Category:
				g.index = map[string]int32{}
			}
			b.columns = append(b.columns, g)
		}
		return nil
	}
	if len(fields) != len(b.columns) {
		return fail("", "a batch of %d columns after batches of %d", len(fields), len(b.columns))
	}
	for i, f := range fields {
		if g := b.columns[i]; f.Name != g.name || f.Type != g.typ {
			return fail(f.Name, "%s where batches before had column %q (%s)", f.Type, g.name, g.typ)
		}
	}
	return nil
}

// thin halves the sample until it fits.
func (b *Builder) thin() {
	for int64(len(b.hashes))*b.numbers > b.retain && len(b.hashes) > 1<<17 {
		b.halve()
	}
}

// halve raises the level by one: of the rows kept about every second stays.
func (b *Builder) halve() {
	b.level++
	mask := uint64(1)<<b.level - 1
	keep := make([]bool, len(b.hashes))
	kept := 0
	for i, h := range b.hashes {
		if h&mask == 0 {
			keep[i] = true
			b.hashes[kept] = h
			kept++
		}
	}
	b.hashes = b.hashes[:kept]
	each(len(b.columns), func(i int) {
		g := b.columns[i]
		if g.kind != Number {
			return
		}
		thinned := make([]float64, 0, kept)
		at := 0
		for _, chunk := range g.chunks {
			for _, v := range chunk {
				if keep[at] {
					thinned = append(thinned, v)
				}
				at++
			}
		}
		g.chunks = [][]float64{thinned}
	})
}

// Merge adds the rows of o, which must have the same columns and is used up.
func (b *Builder) Merge(o *Builder) error {
	if o.columns == nil {
		return nil
	}
	fields := make([]table.Field, len(o.columns))
	for i, g := range o.columns {
		fields[i] = table.Field{Name: g.name, Type: g.typ}
	}
	if err := b.shape(fields); err != nil {
		return err
	}
	for b.level < o.level {
		b.halve()
	}
	for o.level < b.level {
		o.halve()
	}
	b.rows += o.rows
	b.hashes = append(b.hashes, o.hashes...)
	each(len(b.columns), func(i int) { b.columns[i].merge(o.columns[i]) })
	b.thin()
	return nil
}

func mix(x uint64) uint64 { // the finaliser of splitmix64
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (g *gathered) add(c *table.Column, keep []int32, kept int) {
	g.rows += int64(c.Len())
	switch g.kind {
	case Number:
		g.addNumbers(c, keep, kept)
	case Category:
		g.addCategories(c)
	default:
		g.missing += int64(c.Nulls())
	}
}

func (g *gathered) addNumbers(c *table.Column, keep []int32, kept int) {
	all := make([]float64, c.Len())
	floats(c, all)
	m := g.moments
	for i, x := range all {
		switch {
		case x != x:
			g.missing++
		case math.IsInf(x, 0):
		default:
			if x == 0 {
				all[i] = 0 // the negative zero is no value of its own
			}
			m.add(x)
		}
	}
	g.moments = m
	if keep != nil {
		some := make([]float64, 0, kept)
		for _, i := range keep {
			some = append(some, all[i])
		}
		all = some
	}
	g.chunks = append(g.chunks, all)
}

// floats writes the rows of a numeric, bool or datetime column, missing as NaN; false for other types.
func floats(c *table.Column, dst []float64) bool {
	if c.Type != table.Datetime {
		return c.Floats(dst, 1)
	}
	for i, v := range c.Int64s {
		if c.Null(i) {
			dst[i] = math.NaN()
		} else {
			dst[i] = float64(v)
		}
	}
	return true
}

func (g *gathered) addCategories(c *table.Column) {
	if c.Type == table.Bool {
		var n [2]int64
		for i, v := range c.Bools {
			switch {
			case c.Null(i):
				g.missing++
			case v:
				n[1]++
			default:
				n[0]++
			}
		}
		for i, k := range n {
			if k > 0 {
				g.count(strconv.FormatBool(i == 1), k)
			}
		}
		return
	}
	for i, s := range c.Strings {
		if c.Null(i) {
			g.missing++
			continue
		}
		if len(s) > longestText {
			s = shorten(s)
		}
		if k, ok := g.index[s]; ok {
			g.counts[k]++
			continue
		}
		g.count(s, 1)
	}
}

// count adds n rows of a category.
func (g *gathered) count(s string, n int64) {
	if k, ok := g.index[s]; ok {
		g.counts[k] += n
		return
	}
	if len(g.counts) >= maxSeen {
		g.more = true
		g.overflow[hash(s)%restBins] += n
		return
	}
	// The text is copied: it may be a part of a whole batch.
	g.key = append(g.key[:0], s...)
	g.index[string(g.key)] = int32(len(g.counts))
	g.counts = append(g.counts, n)
}

func (g *gathered) merge(o *gathered) {
	g.rows += o.rows
	g.missing += o.missing
	g.moments.Merge(o.moments)
	g.chunks = append(g.chunks, o.chunks...)
	names := make([]string, len(o.counts))
	for s, i := range o.index {
		names[i] = s
	}
	for i, s := range names {
		g.count(s, o.counts[i])
	}
	for i, n := range o.overflow {
		g.overflow[i] += n
	}
	g.more = g.more || o.more
}

// hash is FNV-1a with its bits mixed: the same in every process.
func hash(s string) uint32 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return uint32(mix(h) >> 32)
}

// shorten keeps the beginning of a long text and a hash of it all.
func shorten(s string) string {
	a, b := uint64(14695981039346656037), uint64(0x9e3779b97f4a7c15)
	for i := range len(s) {
		a = (a ^ uint64(s[i])) * 1099511628211
		b = (b ^ uint64(s[i])) * 0x5851f42d4c957f2d
	}
	var sum [16]byte
	binary.BigEndian.PutUint64(sum[:], mix(a))
	binary.BigEndian.PutUint64(sum[8:], mix(b))
	const digits = "0123456789abcdef"
	cut := append([]byte(s[:longestText-35]), "…#"...)
	for _, x := range sum[:15] {
		cut = append(cut, digits[x>>4], digits[x&15])
	}
	return string(cut)
}

// each runs f for 0 … n-1 on all processors.
func each(n int, f func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers < 2 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	all.Wait()
}

// byCount orders categories: the most frequent first, equal ones by name.
func (g *gathered) byCount() []string {
	names := make([]string, len(g.counts))
	for s, i := range g.index {
		names[i] = s
	}
	slices.SortFunc(names, func(a, b string) int {
		if x, y := g.counts[g.index[a]], g.counts[g.index[b]]; x != y {
			return int(max(-1, min(1, y-x)))
		}
		if a < b {
			return -1
		}
		return 1
	})
	return names
}
