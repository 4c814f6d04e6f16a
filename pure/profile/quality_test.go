package profile

import (
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

// The detection quality of Compare: false alarms on random splits of real tables, and power against injected shifts.
// Reduced by default; TRIMTAB_DRIFT=full runs the whole table of docs/drift.md and prints it. Real tables are the
// flights of examples/flights/data and every Parquet file in the folder named by TRIMTAB_DRIFT_TABLES.

// size is the rows of a reference and of a window.
type size struct{ ref, cur int }

func (s size) String() string {
	k := func(n int) string {
		if n >= 1000 {
			return fmt.Sprintf("%dk", n/1000)
		}
		return fmt.Sprint(n)
	}
	return k(s.ref) + "/" + k(s.cur)
}

// tables returns the real tables, and a made one that has what real ones have: heavy tails, atoms, rare categories.
func tables(t *testing.T) map[string]*table.Table {
	all := map[string]*table.Table{"made": made(120_000)}
	files, _ := filepath.Glob("../../examples/flights/data/flights.parquet")
	if dir := os.Getenv("TRIMTAB_DRIFT_TABLES"); dir != "" {
		more, _ := filepath.Glob(filepath.Join(dir, "*.parquet"))
		files = append(files, more...)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		tab, err := table.ReadParquet(f, info.Size(), table.ParquetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		// Identifiers and times tell rows apart; no model has them as inputs.
		tab.Columns = slices.DeleteFunc(tab.Columns, func(c *table.Column) bool { return c.Type == table.Datetime || c.Name == "flight_id" })
		all[strings.TrimSuffix(filepath.Base(name), ".parquet")] = tab
	}
	return all
}

func made(n int) *table.Table {
	r := rand.New(rand.NewPCG(7, 7))
	normal, heavy, lognormal, counts := table.NewColumn("normal", table.Float64, n), table.NewColumn("heavy", table.Float64, n), table.NewColumn("lognormal", table.Float64, n), table.NewColumn("counts", table.Int64, n)
	zeros, gaps, zipf, flag := table.NewColumn("zeros", table.Float64, n), table.NewColumn("gaps", table.Float64, n), table.NewColumn("zipf", table.String, n), table.NewColumn("flag", table.Bool, n)
	z := rand.NewZipf(r, 1.3, 1, 5000)
	for range n {
		normal.AppendFloat64(r.NormFloat64())
		heavy.AppendFloat64(r.NormFloat64() / math.Abs(r.NormFloat64()+1e-9))
		lognormal.AppendFloat64(math.Exp(r.NormFloat64()))
		counts.AppendInt64(int64(r.ExpFloat64() * 3))
		if r.Float64() < 0.7 {
			zeros.AppendFloat64(0)
		} else {
			zeros.AppendFloat64(r.ExpFloat64())
		}
		if r.Float64() < 0.1 {
			gaps.AppendNull()
		} else {
			gaps.AppendFloat64(r.Float64())
		}
		zipf.AppendString(fmt.Sprint("c", z.Uint64()))
		flag.AppendBool(r.Float64() < 0.02)
	}
	t, err := table.New(normal, heavy, lognormal, counts, zeros, gaps, zipf, flag)
	if err != nil {
		panic(err)
	}
	return t
}

// split returns a reference and a window of disjoint random rows; nil when the table is too short.
func split(t *table.Table, s size, r *rand.Rand) (ref, cur *table.Table) {
	if t.Rows() < s.ref+s.cur {
		return nil, nil
	}
	rows := r.Perm(t.Rows())[:s.ref+s.cur]
	return t.Take(rows[:s.ref]), t.Take(rows[s.ref:])
}

// shift is a fault put into one column of a window; it reports false where it does not apply.
type shift struct {
	name string
	do   func(c *table.Column, ref *table.Column, r *rand.Rand) (*table.Column, bool)
}

// numbers changes each number, given mean and deviation of the reference.
func numbers(f func(v, mean, sd float64, i, n int, r *rand.Rand) float64) func(c, ref *table.Column, r *rand.Rand) (*table.Column, bool) {
	return func(c, ref *table.Column, r *rand.Rand) (*table.Column, bool) {
		if !c.Type.Numeric() {
			return nil, false
		}
		v := make([]float64, ref.Len())
		ref.Floats(v, 1)
		var m Moments
		for _, x := range v {
			if x == x {
				m.add(x)
			}
		}
		distinct := map[float64]bool{}
		for _, x := range v[:min(len(v), 1000)] {
			distinct[x] = true
		}
		if !(m.SD() > 0) || len(distinct) < 10 {
			return nil, false
		}
		out := table.NewColumn(c.Name, table.Float64, c.Len())
		for i := range c.Len() {
			if x, ok := c.Float(i); ok {
				out.AppendFloat64(f(x, m.Mean(), m.SD(), i, c.Len(), r))
			} else {
				out.AppendNull()
			}
		}
		return out, true
	}
}

func shifts() []shift {
	move := func(d float64) func(v, mean, sd float64, i, n int, r *rand.Rand) float64 {
		return func(v, _, sd float64, _, _ int, _ *rand.Rand) float64 { return v + d*sd }
	}
	nulls := func(share float64) func(c, ref *table.Column, r *rand.Rand) (*table.Column, bool) {
		return func(c, _ *table.Column, r *rand.Rand) (*table.Column, bool) {
			out := table.NewColumn(c.Name, c.Type, c.Len())
			for i := range c.Len() {
				if r.Float64() < share {
					out.AppendNull()
				} else {
					out.AppendRow(c, i)
				}
			}
			return out, true
		}
	}
	category := func(share float64) func(c, ref *table.Column, r *rand.Rand) (*table.Column, bool) {
		return func(c, _ *table.Column, r *rand.Rand) (*table.Column, bool) {
			if c.Type != table.String {
				return nil, false
			}
			out := table.NewColumn(c.Name, c.Type, c.Len())
			for i := range c.Len() {
				if r.Float64() < share {
					out.AppendString("a new one")
				} else {
					out.AppendRow(c, i)
				}
			}
			return out, true
		}
	}
	mixture := func(f func(sorted []float64, r *rand.Rand) float64) func(c, ref *table.Column, r *rand.Rand) (*table.Column, bool) {
		return func(c, ref *table.Column, r *rand.Rand) (*table.Column, bool) {
			v := make([]float64, ref.Len())
			if !ref.Floats(v, 1) {
				return nil, false
			}
			v = slices.DeleteFunc(v, func(x float64) bool { return x != x })
			slices.Sort(v)
			distinct := slices.Compact(slices.Clone(v))
			if len(distinct) < 10 {
				return nil, false
			}
			out := table.NewColumn(c.Name, table.Float64, c.Len())
			for i := range c.Len() {
				x, ok := c.Float(i)
				switch {
				case r.Float64() < 0.05:
					out.AppendFloat64(f(v, r))
				case ok:
					out.AppendFloat64(x)
				default:
					out.AppendNull()
				}
			}
			return out, true
		}
	}
	return []shift{
		{"mean +0.1 sd", numbers(move(0.1))},
		{"mean +0.25 sd", numbers(move(0.25))},
		{"mean +0.5 sd", numbers(move(0.5))},
		{"spread x1.25", numbers(func(v, mean, _ float64, _, _ int, _ *rand.Rand) float64 { return mean + 1.25*(v-mean) })},
		{"spread x1.5", numbers(func(v, mean, _ float64, _, _ int, _ *rand.Rand) float64 { return mean + 1.5*(v-mean) })},
		{"tail 2 %", numbers(func(v, mean, sd float64, _, _ int, r *rand.Rand) float64 {
			if r.Float64() < 0.02 {
				return mean + (5+5*r.Float64())*sd
			}
			return v
		})},
		{"new category 1 %", category(0.01)},
		{"new category 5 %", category(0.05)},
		{"missing 5 %", nulls(0.05)},
		{"missing 20 %", nulls(0.2)},
		{"unit x1.609", numbers(func(v, _, _ float64, _, _ int, _ *rand.Rand) float64 { return v * 1.609 })},
		{"gradual to +1 sd", numbers(func(v, _, sd float64, i, n int, _ *rand.Rand) float64 { return v + sd*float64(i)/float64(n) })},
		{"mixture 5 % in one place", mixture(func(v []float64, r *rand.Rand) float64 { return v[int((0.8+0.05*r.Float64())*float64(len(v)))] })},
		{"mixture 5 % in the upper half", mixture(func(v []float64, r *rand.Rand) float64 { return v[int((0.7+0.25*r.Float64())*float64(len(v)))] })},
		{"mixture 5 % at one value", mixture(func(v []float64, r *rand.Rand) float64 { return v[len(v)*3/4] })},
	}
}

// detector says which columns of a window drifted.
type detector struct {
	name string
	run  func(ref, cur *table.Table) map[string]bool
}

func ours(t *testing.T) detector {
	return detector{"trimtab", func(ref, cur *table.Table) map[string]bool {
		p, err := Build(ref, Options{})
		if err != nil {
			t.Fatal(err)
		}
		k, err := p.Count(cur)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := Compare(p, nil, k, CompareOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, d := range rep.Columns {
			if d.State == Drifted {
				found[d.Column] = true
				if os.Getenv("TRIMTAB_DRIFT_VERBOSE") != "" {
					t.Logf("%d/%d %s: %s: %s p=%.2g q=%.2g psi %.4f null %.4f", ref.Rows(), cur.Rows(), d.Column, d.Test, d.Why, d.P, d.Q, d.PSI, d.NullMean)
				}
			}
		}
		return found
	}}
}

// rate counts successes.
type rate struct{ yes, all int }

func (r rate) share() float64 { return float64(r.yes) / float64(max(1, r.all)) }

// falseAlarms splits each table at random and counts columns said to drift.
func falseAlarms(t *testing.T, all map[string]*table.Table, detectors []detector, s size, repeats int) []rate {
	out := make([]rate, len(detectors))
	for _, name := range sorted(all) {
		for i := range repeats {
			ref, cur := split(all[name], s, rand.New(rand.NewPCG(uint64(i), uint64(s.ref*31+s.cur))))
			if ref == nil {
				break
			}
			for d, x := range detectors {
				out[d].yes += len(x.run(ref, cur))
				out[d].all += len(ref.Columns)
			}
		}
	}
	return out
}

// power puts one shift into one column at a time.
func power(t *testing.T, all map[string]*table.Table, detectors []detector, s size, sh shift, repeats int) []rate {
	out := make([]rate, len(detectors))
	for _, name := range sorted(all) {
		for i := range repeats {
			r := rand.New(rand.NewPCG(uint64(i)+1000, uint64(s.ref*31+s.cur)))
			ref, cur := split(all[name], s, r)
			if ref == nil {
				break
			}
			start := r.IntN(len(cur.Columns))
			for k := range cur.Columns {
				at := (start + k) % len(cur.Columns)
				changed, ok := sh.do(cur.Columns[at], ref.Columns[at], r)
				if !ok {
					continue
				}
				columns := slices.Clone(cur.Columns)
				columns[at] = changed
				shifted, err := table.New(columns...)
				if err != nil {
					t.Fatal(err)
				}
				for d, x := range detectors {
					if x.run(ref, shifted)[changed.Name] {
						out[d].yes++
					}
					out[d].all++
				}
				break
			}
		}
	}
	return out
}

func sorted[T any](m map[string]T) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func TestQuality(t *testing.T) {
	all := tables(t)
	detectors := []detector{ours(t)}
	sizes := []size{{1000, 200}, {1000, 1000}, {10_000, 1000}}
	repeats, powers := 20, 10
	if os.Getenv("TRIMTAB_DRIFT") == "full" {
		sizes = []size{{1000, 200}, {1000, 1000}, {10_000, 200}, {10_000, 1000}, {10_000, 5000}, {100_000, 50_000}}
		repeats, powers = 100, 40
	}
	if os.Getenv("TRIMTAB_DRIFT") == "alarms" {
		repeats = 150
	}
	var b strings.Builder
	for _, s := range sizes {
		n := repeats
		if s.ref > 50_000 {
			n = max(5, n/10)
		}
		for d, r := range falseAlarms(t, all, detectors, s, n) {
			fmt.Fprintf(&b, "%-9s %-10s %5.1f false alarms per 1,000 (%d of %d)\n", s, detectors[d].name, 1000*r.share(), r.yes, r.all)
		}
	}
	for _, s := range sizes {
		if os.Getenv("TRIMTAB_DRIFT") == "alarms" {
			break
		}
		n := powers
		if s.ref > 50_000 {
			n = max(4, n/10)
		}
		for _, sh := range shifts() {
			for d, r := range power(t, all, detectors, s, sh, n) {
				fmt.Fprintf(&b, "%-9s %-32s %-10s %.2f (%d)\n", s, sh.name, detectors[d].name, r.share(), r.all)
			}
		}
	}
	t.Log("\n" + b.String())
}
