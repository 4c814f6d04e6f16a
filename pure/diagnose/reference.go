package diagnose

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"sync"

	"github.com/trimtab/trimtab/pure/table"
)

const (
	leastReference = 100 // rows below which nothing can be said of a stretch
	fineBins       = 48  // of a distribution
)

// Reference is what good rows look like and how much that moved from stretch to stretch.
type Reference struct {
	opt       Options
	rows      int
	blocks    []int // first row of each block, and the number of rows at the end
	lengths   []length
	columns   []*known
	byName    map[string]int
	relations []*relation
	rate      pace
	twice     []spread // by length: share of rows that repeat the row before at the same time
}

// known is one column of the reference.
type known struct {
	name  string
	typ   table.Type
	text  bool
	dict  map[string]float64
	words []string

	idle bool // no values, or text as good as unique: only absence can be judged

	seen   []float64 // distinct values, sorted
	count  []int32
	run    []int32 // longest run of rows of each value
	ticks  []int32 // and of distinct event times
	rare   longest // of the values with a share below a twentieth
	common longest // of those up to four fifths
	values int     // not missing
	often  []int32 // ranks of the values with a share of a twentieth or more

	edges  []float64 // of the distribution
	coarse []float64 // of relations
	low    float64
	high   float64
	iqr    float64
	gap    float64 // median distance of neighbouring values
	grains []grain

	bases []base
	with  []int // its relations

	vals  []float64 // only during Fit
	group []uint8   // only during Fit: coarse bin, absent when missing
}

// longest run in rows and in distinct event times, among so many values.
type longest struct{ rows, ticks, values int }

func (l *longest) add(rows, ticks int32) {
	l.rows, l.ticks, l.values = max(l.rows, int(rows)), max(l.ticks, int(ticks)), l.values+1
}

const absent = 255

// Fit learns the reference. It needs at least 100 rows; with few rows little will be found. Errors name what is wrong
// with the sample.
func Fit(reference Sample, opt Options) (*Reference, error) {
	if err := reference.check("reference"); err != nil {
		return nil, err
	}
	opt = opt.defaults()
	n := reference.Table.Rows()
	if n < leastReference {
		return nil, fmt.Errorf("diagnose: reference: %d rows; at least %d are needed", n, leastReference)
	}
	t, times := reference.Table, reference.Times
	if n > opt.MaxRows {
		t, times = t.Slice(n-opt.MaxRows, n), times[n-opt.MaxRows:]
		n = opt.MaxRows
	}
	r := &Reference{opt: opt, rows: n, byName: map[string]int{}}
	size := max(50, (n+opt.Blocks-1)/opt.Blocks)
	blocks := max(1, n/size)
	for b := range blocks + 1 {
		r.blocks = append(r.blocks, b*n/blocks)
	}
	r.lengths = lengthsOf(blocks, n/blocks)
	r.columns = make([]*known, len(t.Columns))
	for i, c := range t.Columns {
		r.byName[c.Name] = i
	}
	parallel(len(t.Columns), func(i int) { r.columns[i] = r.learn(t.Columns[i], times) })
	r.relate()
	for _, k := range r.columns {
		k.vals, k.group = nil, nil
	}
	r.rate = paceOf(times)
	r.twice = r.repeats(t, times)
	return r, nil
}

// parallel runs f(0) to f(n-1) on all processors.
func parallel(n int, f func(int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := 0 // guarded by mu
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wg.Wait()
}

func (r *Reference) learn(c *table.Column, times []int64) *known {
	k := &known{name: c.Name, typ: c.Type, text: textual(c.Type)}
	if k.text {
		k.dict, k.words = dictionary(c)
	}
	k.vals = numbers(c, k.dict)
	k.seen, k.count = distinct(k.vals)
	for _, c := range k.count {
		k.values += int(c)
	}
	k.idle = k.values < leastReference/2 || k.text && len(k.words)*3 > k.values
	k.edges = edgesOf(k.seen, k.count, fineBins)
	bins := min(max(int(math.Cbrt(float64(k.values))/2), 4), 16)
	if n := len(k.seen); n <= 64 && n*200 <= k.values {
		bins = n + 1 // perhaps codes: each by itself
	}
	k.coarse = edgesOf(k.seen, k.count, bins)
	if len(k.seen) > 0 {
		k.low, k.high = k.seen[0], k.seen[len(k.seen)-1]
		k.gap = gapOf(k.seen)
		k.iqr = at(k.seen, k.count, 0.75) - at(k.seen, k.count, 0.25)
	}
	k.group = make([]uint8, len(k.vals))
	for i, x := range k.vals {
		k.group[i] = absent
		if x == x {
			k.group[i] = uint8(bin(k.coarse, x))
		}
	}
	rank := make([]int32, len(k.vals))
	for i, x := range k.vals {
		rank[i] = -1
		if x == x {
			rank[i] = int32(sort.SearchFloat64s(k.seen, x))
		}
	}
	k.runs(rank, times)
	if !k.text {
		k.grains = grainsOf(k, rank, r.blocks)
	}
	r.stretch(k, rank)
	return k
}

// gapOf is the median distance of neighbours among sorted values, 0 when there is one.
func gapOf(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	d := make([]float64, len(values)-1)
	for i := range d {
		d[i] = values[i+1] - values[i]
	}
	slices.Sort(d)
	return d[len(d)/2]
}

// runs notes the longest run of each value; missing values neither end nor lengthen a run.
func (k *known) runs(rank []int32, times []int64) {
	k.run, k.ticks = make([]int32, len(k.seen)), make([]int32, len(k.seen))
	last, n, ticks, since := int32(-1), int32(0), int32(0), int64(0)
	for i, v := range rank {
		if v < 0 {
			continue
		}
		if v != last {
			last, n, ticks = v, 0, 0
		}
		if n == 0 || times[i] != since {
			ticks++
		}
		n++
		since = times[i]
		k.run[v], k.ticks[v] = max(k.run[v], n), max(k.ticks[v], ticks)
	}
	for v, n := range k.run {
		share := float64(k.count[v]) / float64(k.values)
		if share < 0.05 {
			k.rare.add(n, k.ticks[v])
		} else {
			k.often = append(k.often, int32(v))
		}
		if share < 0.8 {
			k.common.add(n, k.ticks[v])
		}
	}
}

// stretch measures the noise base at each length.
func (r *Reference) stretch(k *known, rank []int32) {
	blocks := len(r.blocks) - 1
	first := make([]int32, len(k.seen)) // block in which a value is first seen
	for i := range first {
		first[i] = math.MaxInt32
	}
	lowTo, highTo := make([]float64, blocks+1), make([]float64, blocks+1) // range of the blocks before
	lowTo[0], highTo[0] = math.Inf(1), math.Inf(-1)
	hist := make([][]int32, blocks)
	for b := range blocks {
		hist[b] = make([]int32, len(k.edges)+1)
		lowTo[b+1], highTo[b+1] = lowTo[b], highTo[b]
		for i := r.blocks[b]; i < r.blocks[b+1]; i++ {
			v := rank[i]
			if v < 0 {
				continue
			}
			first[v] = min(first[v], int32(b))
			x := k.seen[v]
			lowTo[b+1], highTo[b+1] = min(lowTo[b+1], x), max(highTo[b+1], x)
			hist[b][bin(k.edges, x)]++
		}
	}
	k.bases = make([]base, len(r.lengths))
	stamp, mass := make([]int32, len(k.seen)), make([]int32, len(k.seen))
	turn := int32(0)
	for li, l := range r.lengths {
		var missing, novel, weight, heavy, outside, distance, jump, kinds, reach []float64
		often := make([][]float64, len(k.often))
		cdf := make([][]float32, len(l.starts))
		for si, s := range l.starts {
			turn++
			var n, gone, fresh, out, most, rare, different int32
			sum := make([]int32, len(k.edges)+1)
			for b := s; b < s+l.merge; b++ {
				for j, c := range hist[b] {
					sum[j] += c
				}
			}
			for i := r.blocks[s]; i < r.blocks[s+l.merge]; i++ {
				v := rank[i]
				if v < 0 {
					gone++
					continue
				}
				n++
				if stamp[v] != turn {
					stamp[v], mass[v] = turn, 0
					different++
				}
				mass[v]++
				if first[v] >= int32(s) {
					fresh++
					most = max(most, mass[v])
				}
				if int(k.count[v])*20 < k.values {
					rare = max(rare, mass[v])
				}
				if x := k.seen[v]; x < lowTo[s] || x > highTo[s] {
					out++
				}
			}
			missing = append(missing, float64(gone)/float64(n+gone))
			cdf[si] = cumulate(sum)
			if n == 0 {
				continue
			}
			kinds = append(kinds, float64(different))
			heavy = append(heavy, float64(rare)/float64(n))
			for j, v := range k.often {
				share := 0.0
				if stamp[v] == turn {
					share = float64(mass[v]) / float64(n)
				}
				often[j] = append(often[j], share)
			}
			if si > 0 && cdf[si-1] != nil {
				jump = append(jump, cdfDistance(cdf[si], cdf[si-1]))
			}
			if si < l.judged {
				continue
			}
			novel = append(novel, float64(fresh)/float64(n))
			weight = append(weight, float64(most)/float64(n))
			outside = append(outside, float64(out)/float64(n))
			reach = append(reach, reachOf(k.medianOf(sum, n), lowTo[s], highTo[s]))
			distance = append(distance, nearest(cdf[si], cdf[:si]))
		}
		k.bases[li] = base{
			missing: spreadOf(missing), novel: spreadOf(novel), mass: spreadOf(weight), heavy: spreadOf(heavy), outside: spreadOf(outside), reach: spreadOf(reach),
			distance: spreadOf(distance), jump: spreadOf(jump), distinct: spreadOf(kinds), cdf: cdf,
		}
		for _, o := range often {
			k.bases[li].often = append(k.bases[li].often, spreadOf(o))
		}
	}
}

// medianOf is the median of counted bins: the upper edge of its bin.
func (k *known) medianOf(hist []int32, n int32) float64 {
	sum := int32(0)
	for j, c := range hist {
		sum += c
		if 2*sum >= n {
			if j < len(k.edges) {
				return k.edges[j]
			}
			break
		}
	}
	return k.high
}

// reachOf is how far x lies beyond a range, in widths of the range.
func reachOf(x, low, high float64) float64 {
	if !(high > low) {
		return 0
	}
	return max(low-x, x-high, 0) / (high - low)
}

// nearest is the least distance of f to the others, 1 when there is none.
func nearest(f []float32, others [][]float32) float64 {
	d := 1.0
	for _, g := range others {
		if g != nil {
			d = min(d, cdfDistance(f, g))
		}
	}
	return d
}

// levelFor returns the longest stretch that is no longer than the rows.
func (r *Reference) levelFor(rows int) int {
	l := 0
	for i, x := range r.lengths {
		if x.rows <= rows {
			l = i
		}
	}
	return l
}
