package diagnose

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

// stream is a real table in the order of event times.
type stream struct {
	name string
	Sample
	clean int // rows before anything was done to it; all for natural streams
}

// streams reads the folder TRIMTAB_STREAMS: NAME.parquet with columns time (milliseconds), label and features, and
// streams.json, which says of each when something was injected.
func streams(t testing.TB) []stream {
	folder := os.Getenv("TRIMTAB_STREAMS")
	if folder == "" {
		t.Skip("TRIMTAB_STREAMS names no folder of streams")
	}
	text, err := os.ReadFile(filepath.Join(folder, "streams.json"))
	if err != nil {
		t.Fatal(err)
	}
	var about struct {
		Streams []struct {
			Name  string
			Kind  string
			Truth json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &about); err != nil {
		t.Fatal(err)
	}
	part := strings.Split(os.Getenv("TRIMTAB_PART"), "/") // "1/3": every third
	want := os.Getenv("TRIMTAB_STREAM")                   // part of a name
	half := os.Getenv("TRIMTAB_HALF")                     // "0" or "1": every other stream
	var list []stream
	for i, a := range about.Streams {
		if a.Kind == "injected" || !strings.Contains(a.Name, want) || half != "" && half != strconv.Itoa(i%2) ||
			len(part) == 2 && strconv.Itoa(i/2%int(part[1][0]-'0')) != part[0] {
			continue
		}
		list = append(list, load(t, filepath.Join(folder, a.Name+".parquet"), a.Name, "time", "label"))
	}
	return list
}

func load(t testing.TB, path, name, timeColumn string, drop ...string) stream {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := table.OpenParquet(f, info.Size(), table.ParquetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := &table.Table{}
	for b, err := range p.Batches() {
		if err != nil {
			t.Fatal(err)
		}
		if err := all.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	s := stream{name: name, clean: all.Rows()}
	tc := all.Column(timeColumn)
	s.Times = make([]int64, all.Rows())
	for i := range s.Times {
		s.Times[i] = tc.Int64s[i]
		if tc.Type == table.Datetime {
			s.Times[i] /= 1e6
		}
	}
	s.Table = &table.Table{}
	for _, c := range all.Columns {
		if c.Name != timeColumn && !slices.Contains(drop, c.Name) {
			s.Table.Columns = append(s.Table.Columns, c)
		}
	}
	return s
}

func (s stream) slice(lo, hi int) Sample {
	return Sample{Table: s.Table.Slice(lo, hi), Times: s.Times[lo:hi]}
}

// fault is one way to spoil rows lo to hi-1 of a table whose columns may be written.
type fault struct {
	name  string
	kinds []string // that name it rightly
	do    func(t *table.Table, c int, lo, hi int, rng *rand.Rand) (columns []int)
}

func scaleBy(factor, offset float64) func(*table.Table, int, int, int, *rand.Rand) []int {
	return func(t *table.Table, c, lo, hi int, _ *rand.Rand) []int {
		v := t.Columns[c].Float64s
		for i := lo; i < hi; i++ {
			v[i] = v[i]*factor + offset
		}
		return []int{c}
	}
}

var faults = []fault{
	{"unit x1.609", []string{Unit}, scaleBy(1.609344, 0)},
	{"unit /1.609", []string{Unit}, scaleBy(1/1.609344, 0)},
	{"unit F->C", []string{Unit}, scaleBy(1/1.8, -32/1.8)},
	{"unit x1000", []string{Unit}, scaleBy(1000, 0)},
	{"unit x2.54 to 2 digits", []string{Unit}, func(t *table.Table, c, lo, hi int, _ *rand.Rand) []int {
		v := t.Columns[c].Float64s
		for i := lo; i < hi; i++ {
			v[i] = math.Round(v[i]*254) / 100
		}
		return []int{c}
	}},
	{"scale x1.37", []string{Scale, Unit}, scaleBy(1.37, 0)},
	{"sign", []string{Sign}, scaleBy(-1, 0)},
	{"shift 1 sd", []string{Shift}, func(t *table.Table, c, lo, hi int, rng *rand.Rand) []int {
		return scaleBy(1, deviation(t.Columns[c].Float64s))(t, c, lo, hi, rng)
	}},
	{"nulls 100%", []string{Missing}, nulls(1)},
	{"nulls 30%", []string{Missing}, nulls(0.3)},
	{"nulls 10%", []string{Missing}, nulls(0.1)},
	{"swap", []string{Swapped}, func(t *table.Table, c, lo, hi int, rng *rand.Rand) []int {
		var d int
		for range 100 {
			if d = rng.IntN(len(t.Columns)); d != c && t.Columns[d].Type == t.Columns[c].Type {
				break
			}
		}
		v, w := t.Columns[c].Float64s, t.Columns[d].Float64s
		if d == c || t.Columns[d].Type != t.Columns[c].Type {
			return nil
		}
		for i := lo; i < hi; i++ {
			v[i], w[i] = w[i], v[i]
		}
		return []int{c, d}
	}},
	{"freeze", []string{Frozen}, func(t *table.Table, c, lo, hi int, _ *rand.Rand) []int {
		v := t.Columns[c].Float64s
		last := v[max(lo-1, 0)]
		for i := lo; i < hi; i++ {
			v[i] = last
		}
		return []int{c}
	}},
	{"constant -999", []string{Sentinel, Frozen}, stand(-999, 1)},
	{"sentinel -999 20%", []string{Sentinel}, stand(-999, 0.2)},
	{"sentinel 0 20%", []string{Sentinel}, stand(0, 0.2)},
	{"shuffle", []string{Shuffled}, func(t *table.Table, c, lo, hi int, rng *rand.Rand) []int {
		v := t.Columns[c].Float64s[lo:hi]
		rng.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
		return []int{c}
	}},
	{"clip at q90", []string{Clipped}, func(t *table.Table, c, lo, hi int, _ *rand.Rand) []int {
		v := t.Columns[c].Float64s
		values, counts := distinct(v)
		bound := at(values, counts, 0.9)
		for i := lo; i < hi; i++ {
			v[i] = min(v[i], bound)
		}
		return []int{c}
	}},
	{"truncate", []string{Truncated}, func(t *table.Table, c, lo, hi int, _ *rand.Rand) []int {
		v := t.Columns[c].Float64s
		step := math.Pow(10, math.Floor(math.Log10(deviation(v))))
		for i := lo; i < hi; i++ {
			v[i] = math.Trunc(v[i]/step) * step
		}
		return []int{c}
	}},
	{"recode", []string{Recoded}, func(t *table.Table, c, lo, hi int, rng *rand.Rand) []int {
		col := t.Columns[c]
		values, _ := distinct(numbers(col, nil))
		to := rng.Perm(len(values))
		for i := lo; i < hi; i++ {
			if col.Float64s != nil {
				if x := col.Float64s[i]; x == x {
					col.Float64s[i] = values[to[bin(values, x)]]
				}
			} else {
				col.Int64s[i] = int64(values[to[bin(values, float64(col.Int64s[i]))]])
			}
		}
		return []int{c}
	}},
}

func nulls(share float64) func(*table.Table, int, int, int, *rand.Rand) []int {
	return func(t *table.Table, c, lo, hi int, rng *rand.Rand) []int {
		for i := lo; i < hi; i++ {
			if rng.Float64() < share {
				t.Columns[c].Float64s[i] = math.NaN()
			}
		}
		return []int{c}
	}
}

func stand(value, share float64) func(*table.Table, int, int, int, *rand.Rand) []int {
	return func(t *table.Table, c, lo, hi int, rng *rand.Rand) []int {
		for i := lo; i < hi; i++ {
			if rng.Float64() < share {
				t.Columns[c].Float64s[i] = value
			}
		}
		return []int{c}
	}
}

func deviation(v []float64) float64 {
	n, sum, square := 0.0, 0.0, 0.0
	for _, x := range v {
		if x == x {
			n++
			sum += x
			square += x * x
		}
	}
	return math.Sqrt(max(0, square/n-sum/n*sum/n))
}

// changed counts the rows that a fault altered.
func changed(a, b *table.Column, lo, hi int) int {
	n := 0
	for i := lo; i < hi; i++ {
		if x, y := a.Text(i), b.Text(i); x != y {
			n++
		}
	}
	return n
}

func copied(t *table.Table) *table.Table {
	rows := make([]int, t.Rows())
	for i := range rows {
		rows[i] = i
	}
	return t.Take(rows)
}

// tally is what became of one fault.
type tally struct {
	n, found, held, kind, column int
	begin                        []float64 // rows between true and named begin
}

const (
	holdAt = 0.9
	seenAt = 0.5
)

// TestQuality measures on real streams how many faults are found and how many good windows would be held. It runs
// where TRIMTAB_STREAMS names the streams; TRIMTAB_FULL=1 uses more positions.
func TestQuality(t *testing.T) {
	list := streams(t)
	positions := 4
	if os.Getenv("TRIMTAB_FULL") != "" {
		positions = 16
	}
	verbose := os.Getenv("TRIMTAB_VERBOSE") != ""
	only := os.Getenv("TRIMTAB_FAULT")
	sizes := []int{200, 1000, 5000}
	tallies := map[string]*tally{}
	windows, heldWindows, columnWindows, falses := map[int]int{}, map[int]int{}, map[int]int{}, map[int]int{}
	byKind := map[string]int{}
	for _, s := range list {
		n := s.Table.Rows()
		streamFalse, streamWindows := 0, 0
		for p := range positions {
			cut := int(float64(n) * (0.25 + 0.7*(float64(p)+0.5)/float64(positions)))
			ref, err := Fit(s.slice(max(0, cut-60_000), cut), Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range sizes {
				if cut+size > n {
					continue
				}
				cur := s.slice(cut, cut+size)
				good, err := ref.Examine(cur)
				if err != nil {
					t.Fatal(err)
				}
				windows[size]++
				streamWindows++
				columnWindows[size] += len(s.Table.Columns)
				held := 0
				for _, f := range good {
					if f.Confidence >= holdAt {
						held++
						byKind[f.Kind]++
						if verbose {
							t.Logf("FALSE %s cut %d size %d: %s", s.name, cut, size, show(f))
						}
					}
				}
				falses[size] += held
				if held > 0 {
					heldWindows[size]++
					streamFalse++
				}
				if only == "none" {
					continue
				}
				h := fnv.New64a()
				fmt.Fprint(h, s.name, cut, size)
				rng := rand.New(rand.NewPCG(h.Sum64(), 1))
				for _, f := range faults {
					if !strings.Contains(f.name, only) {
						continue
					}
					spoil(t, s, ref, cur, good, f, size, rng, tallies, verbose, cut)
				}
			}
		}
		t.Logf("%-20s %6d rows, windows held %d of %d", s.name, n, streamFalse, streamWindows)
	}
	for _, size := range sizes {
		t.Logf("good windows of %5d rows: %4d, held %d (%.2f %%), findings at %.1f: %.2f per 1,000 column-windows",
			size, windows[size], heldWindows[size], 100*float64(heldWindows[size])/float64(max(1, windows[size])), holdAt, 1000*float64(falses[size])/float64(max(1, columnWindows[size])))
	}
	t.Logf("false by kind: %v", byKind)
	t.Logf("%-30s %5s %6s %6s %6s %6s %s", "fault, rows", "n", "found", "held", "kind", "column", "begin off by rows (median, 90 %)")
	for _, key := range slices.Sorted(maps.Keys(tallies)) {
		y := tallies[key]
		slices.Sort(y.begin)
		mid, most := math.NaN(), math.NaN()
		if len(y.begin) > 0 {
			mid, most = y.begin[len(y.begin)/2], y.begin[len(y.begin)*9/10]
		}
		share := func(k int) float64 { return 100 * float64(k) / float64(y.n) }
		t.Logf("%-30s %5d %6.1f %6.1f %6.1f %6.1f %6.0f %6.0f", key, y.n, share(y.found), share(y.held), share(y.kind), share(y.column), mid, most)
	}
}

func spoil(t *testing.T, s stream, ref *Reference, cur Sample, good []Finding, f fault, size int, rng *rand.Rand, tallies map[string]*tally, verbose bool, cut int) {
	for range 3 {
		bad := copied(cur.Table)
		c := rng.IntN(len(bad.Columns))
		wantCodes := f.name == "recode"
		codes := strings.HasPrefix(bad.Columns[c].Name, "c_")
		if wantCodes != codes || !wantCodes && bad.Columns[c].Type != table.Float64 {
			continue
		}
		lo := 0
		if size > 200 && rng.IntN(2) == 0 {
			lo = size / 4 * (1 + rng.IntN(2))
		}
		columns := f.do(bad, c, lo, size, rng)
		if columns == nil {
			continue
		}
		need := (size - lo) / 2
		switch {
		case strings.Contains(f.name, "%"):
			need = 0
		case size == 200:
			need = 150
		}
		if v, _ := distinct(numbers(cur.Table.Columns[columns[0]].Slice(lo, size), nil)); len(v) < 3 && strings.HasPrefix(f.kinds[0], "un") {
			continue // two values say nothing of a factor
		}
		if need = max(need, 15); changed(cur.Table.Columns[columns[0]], bad.Columns[columns[0]], lo, size) < need {
			continue
		}
		found, err := ref.Examine(Sample{Table: bad, Times: cur.Times})
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("%s, %d", f.name, size)
		y := tallies[key]
		if y == nil {
			y = &tally{}
			tallies[key] = y
		}
		y.n++
		var best *Finding
		for i := range found {
			for _, d := range columns {
				if slices.Contains(found[i].Columns, bad.Columns[d].Name) && best == nil {
					best = &found[i]
				}
			}
		}
		if len(found) > 0 && found[0].Confidence >= holdAt {
			y.held++
		}
		if best != nil && best.Confidence >= seenAt {
			y.found++
			if slices.Contains(f.kinds, best.Kind) {
				y.kind++
			}
			b := 0
			if best.Begin != 0 {
				b, _ = slices.BinarySearch(cur.Times, best.Begin)
			}
			y.begin = append(y.begin, math.Abs(float64(b-lo)))
		}
		if len(found) > 0 && slices.ContainsFunc(columns, func(d int) bool { return slices.Contains(found[0].Columns, bad.Columns[d].Name) }) {
			y.column++
		}
		if verbose && (len(found) == 0 || found[0].Confidence < holdAt || best == nil || !slices.Contains(f.kinds, best.Kind)) {
			var text []string
			for _, g := range found[:min(3, len(found))] {
				text = append(text, show(g))
			}
			t.Logf("MISSED %s %s in %s cut %d rows %d from %d: %s", f.name, s.name, bad.Columns[columns[0]].Name, cut, size, lo, strings.Join(text, "\n      "))
		}
		return
	}
}

func show(f Finding) string {
	var e []string
	for _, v := range f.Evidence {
		e = append(e, fmt.Sprintf("%s %s (%s)", v.Name, format(v.Value), format(v.Limit)))
	}
	return fmt.Sprintf("%.3f %s %v share %.2f [%d, %d) %s | %s", f.Confidence, f.Kind, f.Columns, f.Share, f.Begin, f.End, f.Cause, strings.Join(e, "; "))
}
