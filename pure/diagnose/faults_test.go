package diagnose

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew")

const hour = 3_600_000

// plant makes rows of a small works: an outdoor temperature with seasons and days on a grid of tenths, a wind speed in
// whole mph, a load that follows both, a reading that nothing else goes with, a lot of four sizes and a shift written as
// text. One row is 10 minutes.
func plant(n int) Sample {
	rng := rand.New(rand.NewPCG(7, 11))
	temp, wind := table.NewColumn("a", table.Float64, n), table.NewColumn("b", table.Float64, n)
	load, other := table.NewColumn("c", table.Float64, n), table.NewColumn("d", table.Float64, n)
	lot, shift := table.NewColumn("e", table.Int64, n), table.NewColumn("f", table.String, n)
	s := Sample{Times: make([]int64, n)}
	weather, gust := 0.0, 8.0
	for i := range n {
		s.Times[i] = int64(1_700_000_000_000) + int64(i)*hour/6
		day := float64(i) / 144
		weather += -0.004*weather + 0.25*rng.NormFloat64()
		gust += -0.03*(gust-9) + 0.8*rng.NormFloat64()
		t := math.Round(10*(48+12*math.Sin(2*math.Pi*day/60)+7*math.Sin(2*math.Pi*day)+weather)) / 10
		w := math.Round(math.Abs(gust))
		temp.AppendFloat64(t)
		wind.AppendFloat64(w)
		load.AppendFloat64(200 - 3*t + 1.5*w + 4*rng.NormFloat64())
		other.AppendFloat64(math.Exp(rng.NormFloat64()))
		lot.AppendInt64([]int64{1, 1, 2, 5, 1, 2}[rng.IntN(6)])
		shift.AppendString([]string{"early", "late", "night"}[int(8+day*24)/8%3])
	}
	s.Table = &table.Table{Columns: []*table.Column{temp, wind, load, other, lot, shift}}
	return s
}

func floats(t *table.Table, name string) []float64 { return t.Column(name).Float64s }

// TestFaults is the transcript of every kind of fault on one made-up stream: what is done, and what is found in the
// window of 600 rows after 12,000 good ones. The fault begins at row 200 and, where it says so, ends at row 450.
func TestFaults(t *testing.T) {
	all := plant(12_600)
	ref, err := Fit(Sample{Table: all.Table.Slice(0, 12_000), Times: all.Times[:12_000]}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const lo = 200
	each := func(name string, hi int, f func(float64) float64) func(*Sample) {
		return func(s *Sample) {
			v := floats(s.Table, name)
			for i := lo; i < hi; i++ {
				v[i] = f(v[i])
			}
		}
	}
	rng := rand.New(rand.NewPCG(3, 5))
	cases := []struct {
		name string
		kind string // expected of the first finding at 0.9 or more; "" for none
		cols string
		end  int
		do   func(*Sample)
	}{
		{"nothing", "", "", 0, func(*Sample) {}},
		{"b in km/h", Unit, "b", 0, each("b", 600, func(x float64) float64 { return 1.609344 * x })},
		{"b in km/h until row 450", Unit, "b", 450, each("b", 450, func(x float64) float64 { return 1.609344 * x })},
		{"a in degrees Celsius", Unit, "a", 0, each("a", 600, func(x float64) float64 { return (x - 32) / 1.8 })},
		{"a in degrees Celsius, rounded to tenths", Unit, "a", 0, each("a", 600, func(x float64) float64 { return math.Round((x-32)/0.18) / 10 })},
		{"c in thousands", Unit, "c", 0, each("c", 600, func(x float64) float64 { return x / 1000 })},
		{"the sign of a turned", Sign, "a", 0, each("a", 600, func(x float64) float64 { return -x })},
		{"a and c swapped", Swapped, "a c", 0, func(s *Sample) {
			a, c := floats(s.Table, "a"), floats(s.Table, "c")
			for i := lo; i < 600; i++ {
				a[i], c[i] = c[i], a[i]
			}
		}},
		{"c missing", Missing, "c", 0, each("c", 600, func(float64) float64 { return math.NaN() })},
		{"c missing until row 450", Missing, "c", 450, each("c", 450, func(float64) float64 { return math.NaN() })},
		{"a third of c missing", Missing, "c", 0, each("c", 600, func(x float64) float64 {
			if rng.IntN(3) == 0 {
				return math.NaN()
			}
			return x
		})},
		{"c stuck", Frozen, "c", 0, func(s *Sample) { each("c", 600, func(float64) float64 { return floats(s.Table, "c")[lo-1] })(s) }},
		{"a fifth of d is -999", Sentinel, "d", 0, each("d", 600, func(x float64) float64 {
			if rng.IntN(5) == 0 {
				return -999
			}
			return x
		})},
		{"d is -999", Sentinel, "d", 0, each("d", 600, func(float64) float64 { return -999 })},
		{"d cut off at 1.5", Clipped, "d", 0, each("d", 600, func(x float64) float64 { return min(x, 1.5) })},
		{"d cut to one digit", Truncated, "d", 0, each("d", 600, func(x float64) float64 { return math.Trunc(10*x) / 10 })},
		{"c shuffled", Shuffled, "c", 0, func(s *Sample) {
			v := floats(s.Table, "c")[lo:]
			rng.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
		}},
		{"f in upper case", Recoded, "f", 0, func(s *Sample) {
			for i, v := range s.Table.Column("f").Strings {
				if i >= lo {
					s.Table.Column("f").Strings[i] = strings.ToUpper(v)
				}
			}
		}},
		{"rows twice", Duplicate, "", 0, func(s *Sample) {
			var rows []int
			for i := range 600 {
				rows = append(rows, i)
				if i >= lo {
					rows = append(rows, i)
				}
			}
			times := make([]int64, len(rows))
			for i, r := range rows {
				times[i] = s.Times[r]
			}
			s.Table, s.Times = s.Table.Take(rows), times
		}},
		{"rows stop", Volume, "", 0, func(s *Sample) {
			s.End = s.Times[599] + 1
			s.Table, s.Times = s.Table.Slice(0, lo), s.Times[:lo]
		}},
		{"b as text", Schema, "b", 0, func(s *Sample) {
			c := table.NewColumn("b", table.String, 600)
			for i := range 600 {
				c.AppendString(s.Table.Column("b").Text(i))
			}
			s.Table.Columns[1] = c
		}},
		{"a absent", Schema, "a", 0, func(s *Sample) { s.Table.Columns = s.Table.Columns[1:] }},
	}
	var b strings.Builder
	for _, c := range cases {
		cur := Sample{Table: copied(all.Table.Slice(12_000, 12_600)), Times: slices.Clone(all.Times[12_000:])}
		was := cur
		c.do(&cur)
		found, err := ref.Examine(cur)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		again, _ := ref.Examine(cur)
		if fmt.Sprint(found) != fmt.Sprint(again) {
			t.Errorf("%s: a second look finds otherwise", c.name)
		}
		fmt.Fprintf(&b, "# %s\n", c.name)
		for _, f := range found {
			row := func(ms int64) string {
				if ms == 0 {
					return "-"
				}
				i, _ := slices.BinarySearch(was.Times, ms)
				return fmt.Sprint("row ", i)
			}
			fmt.Fprintf(&b, "%.3f %s %s from %s to %s, %d of %d rows", f.Confidence, f.Kind, strings.Join(f.Columns, " "), row(f.Begin), row(f.End), f.Bad, f.Rows)
			if f.Healed {
				b.WriteString(", healed")
			}
			fmt.Fprintf(&b, "\n  %s\n", f.Cause)
			for _, e := range f.Evidence {
				fmt.Fprintf(&b, "  - %s: %s, limit %s\n", e.Name, format(e.Value), format(e.Limit))
			}
		}
		b.WriteString("\n")
		switch {
		case c.kind == "" && len(found) > 0 && found[0].Confidence >= holdAt:
			t.Errorf("%s: found %s", c.name, show(found[0]))
		case c.kind == "":
		case len(found) == 0 || found[0].Confidence < holdAt || found[0].Kind != c.kind || strings.Join(found[0].Columns, " ") != c.cols:
			var text []string
			for _, f := range found {
				text = append(text, show(f))
			}
			t.Errorf("%s: want %s in %q, found %s", c.name, c.kind, c.cols, strings.Join(text, "\n"))
		case c.kind != Schema && c.kind != Duplicate:
			if d := math.Abs(float64(found[0].Begin-was.Times[lo])) / (hour / 6); d > 12 {
				t.Errorf("%s: begins %.0f rows off", c.name, d)
			}
			if c.end > 0 {
				if d := math.Abs(float64(found[0].End-was.Times[c.end])) / (hour / 6); d > 12 || !found[0].Healed {
					t.Errorf("%s: ends %.0f rows off, healed %t", c.name, d, found[0].Healed)
				}
			}
		}
	}
	golden(t, "faults.txt", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("differs from %s; run with -rewrite and review the difference\n%s", path, got)
	}
}

// TestQuiet walks a year of good windows with seasons and weather, of three sizes, and finds nothing to hold.
func TestQuiet(t *testing.T) {
	all := plant(30_000)
	windows := 0
	for cut := 8_000; cut < 30_000; cut += 4_000 {
		ref, err := Fit(Sample{Table: all.Table.Slice(0, cut), Times: all.Times[:cut]}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{144, 1008} {
			for lo := cut; lo+size <= min(cut+4_000, 30_000); lo += size {
				found, err := ref.Examine(Sample{Table: all.Table.Slice(lo, lo+size), Times: all.Times[lo : lo+size]})
				if err != nil {
					t.Fatal(err)
				}
				windows++
				for _, f := range found {
					if f.Confidence >= holdAt {
						t.Errorf("rows %d to %d: %s", lo, lo+size, show(f))
					}
				}
			}
		}
	}
	t.Logf("%d windows", windows)
}

// TestWindows examines a fault that spans windows: it begins in the first, fills the second, ends in the third, and the
// fourth is clean.
func TestWindows(t *testing.T) {
	all := plant(14_000)
	ref, err := Fit(Sample{Table: all.Table.Slice(0, 12_000), Times: all.Times[:12_000]}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	bad := copied(all.Table)
	for i := 12_300; i < 13_200; i++ {
		bad.Columns[1].Float64s[i] *= 1.609344
	}
	for w, want := range []string{"begins", "is on", "ends", ""} {
		lo, hi := 12_000+500*w, 12_500+500*w
		found, err := ref.Examine(Sample{Table: bad.Slice(lo, hi), Times: all.Times[lo:hi]})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(found) > 0 && found[0].Confidence >= holdAt {
			got = map[[2]bool]string{{true, false}: "begins", {false, false}: "is on", {false, true}: "ends"}[[2]bool{found[0].Begin != 0, found[0].Healed}]
		}
		if got != want {
			t.Errorf("window %d: %q, want %q: %v", w, got, want, found)
		}
	}
}

func TestRefusals(t *testing.T) {
	good := plant(200)
	cases := []struct {
		name string
		s    Sample
		want string
	}{
		{"no table", Sample{}, "no table"},
		{"times absent", Sample{Table: good.Table}, "200 rows and 0 times"},
		{"times unsorted", Sample{Table: good.Table.Slice(0, 2), Times: []int64{2, 1}}, "ascending"},
		{"few rows", Sample{Table: good.Table.Slice(0, 50), Times: good.Times[:50]}, "at least 100"},
	}
	for _, c := range cases {
		if _, err := Fit(c.s, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	ref, err := Fit(good, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ref.Examine(Sample{Table: good.Table}); err == nil {
		t.Error("current rows without times are taken")
	}
	if found, err := ref.Examine(Sample{Table: good.Table.Slice(0, 0)}); err != nil || len(found) > 0 {
		t.Errorf("no rows: %v, %v", found, err)
	}
}

// FuzzExamine looks at rows of any values: it must neither panic nor report confidences outside of 0 to 1.
func FuzzExamine(f *testing.F) {
	all := plant(1000)
	ref, err := Fit(all, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint64(1), uint8(0), 1.0)
	f.Add(uint64(2), uint8(7), math.Inf(1))
	f.Add(uint64(3), uint8(3), math.MaxFloat64)
	f.Fuzz(func(t *testing.T, seed uint64, mode uint8, value float64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := int(seed % 300)
		s := Sample{Table: copied(all.Table.Slice(0, n)), Times: all.Times[:n]}
		for c := range 4 {
			for i := range n {
				if mode>>c&1 == 1 && rng.IntN(3) > 0 {
					s.Table.Columns[c].Float64s[i] = value * float64(rng.IntN(5))
				}
			}
		}
		check := func(r *Reference, s Sample) {
			found, err := r.Examine(s)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if !(f.Confidence >= 0 && f.Confidence <= 1) || f.Bad < 0 || f.End != 0 && f.End < f.Begin {
					t.Errorf("%+v", f)
				}
			}
		}
		check(ref, s)
		if n >= leastReference { // strange rows as the reference, too
			r, err := Fit(s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			check(r, s)
			check(r, all)
		}
	})
}

func wide(rows, columns int) Sample {
	rng := rand.New(rand.NewPCG(5, 9))
	s := Sample{Table: &table.Table{}, Times: make([]int64, rows)}
	for i := range s.Times {
		s.Times[i] = int64(i) * 60_000
	}
	level := make([]float64, rows)
	for i := 1; i < rows; i++ {
		level[i] = 0.99*level[i-1] + rng.NormFloat64()
	}
	for c := range columns {
		col := table.NewColumn(fmt.Sprint("x", c), table.Float64, rows)
		for i := range rows {
			col.AppendFloat64(math.Round(10*(level[i]*float64(c%5)+5*rng.NormFloat64())) / 10)
		}
		s.Table.Columns = append(s.Table.Columns, col)
	}
	return s
}

// BenchmarkFit and BenchmarkExamine run on 50,000 rows of 30 columns.
func BenchmarkFit(b *testing.B) {
	s := wide(50_000, 30)
	for b.Loop() {
		if _, err := Fit(s, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExamine(b *testing.B) {
	s := wide(100_000, 30)
	ref, err := Fit(Sample{Table: s.Table.Slice(0, 50_000), Times: s.Times[:50_000]}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	cur := Sample{Table: s.Table.Slice(50_000, 100_000), Times: s.Times[50_000:]}
	for b.Loop() {
		if _, err := ref.Examine(cur); err != nil {
			b.Fatal(err)
		}
	}
}
