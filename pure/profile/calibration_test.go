package profile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

// TestCalibration: under no drift the combined p-value of a column is at most 0.01 about once in a hundred windows,
// whatever the column is like and whichever side is larger. The limit is what 250 windows exceed once in 1,000 runs.
func TestCalibration(t *testing.T) {
	kinds := map[string]func(r *rand.Rand) any{
		"normal":     func(r *rand.Rand) any { return r.NormFloat64() },
		"heavy":      func(r *rand.Rand) any { return r.NormFloat64() / r.NormFloat64() },
		"counts":     func(r *rand.Rand) any { return math.Floor(r.ExpFloat64() * 3) },
		"flag":       func(r *rand.Rand) any { return math.Floor(r.Float64() + 0.03) },
		"categories": func(r *rand.Rand) any { return fmt.Sprint("c", int(math.Exp(r.ExpFloat64()))) },
	}
	const windows = 250
	for _, name := range sorted(kinds) {
		for _, s := range []size{{2000, 500}, {500, 500}, {500, 3000}} {
			r := rand.New(rand.NewPCG(1, uint64(s.ref*7+s.cur)))
			rows := func(n int) *table.Table {
				c := &table.Column{Name: "x", Type: table.Float64}
				for range n {
					switch v := kinds[name](r).(type) {
					case float64:
						c.AppendFloat64(v)
					case string:
						c.Type = table.String
						c.AppendString(v)
					}
				}
				return one(t, c)
			}
			low := 0
			for range windows {
				p := build(t, rows(s.ref))
				k, err := p.Count(rows(s.cur))
				if err != nil {
					t.Fatal(err)
				}
				rep, err := Compare(p, nil, k, CompareOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if rep.Columns[0].P <= 0.01 {
					low++
				}
			}
			if low > 9 {
				t.Errorf("%s %s: p at most 0.01 in %d of %d windows", name, s, low, windows)
			}
		}
	}
}

// TestNewCategories: the most frequent one is named and found though rare categories are always new in a window.
func TestNewCategories(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	zipf := rand.NewZipf(r, 1.1, 1, 100_000)
	rows := func(n, fresh int) *table.Table {
		c := table.NewColumn("x", table.String, n)
		for i := range n {
			if i < fresh {
				c.AppendString("a new one")
			} else {
				c.AppendString(fmt.Sprint(zipf.Uint64()))
			}
		}
		return one(t, c)
	}
	p := build(t, rows(10_000, 0))
	if u := p.Columns[0].Unheard(); u < 0.1 {
		t.Fatalf("only %v of the rows have a value of their own", u)
	}
	for _, fresh := range []int{0, 30} {
		k := p.NewCounts()
		tab := rows(2000, fresh)
		for lo := 0; lo < 2000; lo += 250 { // merged from parts, more new ones in each than are kept by name
			part, err := p.Count(tab.Slice(lo, lo+250))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(part.Columns[0].New); n > maxNew {
				t.Fatalf("%d new categories by name", n)
			}
			if err := k.Merge(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Check(k); err != nil {
			t.Fatal(err)
		}
		rep, err := Compare(p, nil, k, CompareOptions{})
		if err != nil {
			t.Fatal(err)
		}
		d := rep.Columns[0]
		if want := map[int]State{0: OK, 30: Drifted}[fresh]; d.State != want || fresh > 0 && d.Test != "new value" {
			t.Errorf("%d rows of a new category: %s, %s (%s)", fresh, d.State, d.Why, d.Test)
		}
	}
}

// TestWhy: the sentence names what happened.
func TestWhy(t *testing.T) {
	tab := made(20_000)
	p := build(t, tab.Slice(0, 15_000))
	for _, c := range []struct {
		column, test, why string
		change            func(c *table.Column) *table.Column
	}{
		{"normal", "above", "values above ", func(c *table.Column) *table.Column {
			return each64(c, func(i int, v float64) float64 {
				if i%20 == 0 {
					return 50
				}
				return v
			})
		}},
		{"counts", "missing", "missing values: 20.0 % of rows, 0 % before", func(c *table.Column) *table.Column {
			out := table.NewColumn(c.Name, c.Type, c.Len())
			for i := range c.Len() {
				if i%5 == 0 {
					out.AppendNull()
				} else {
					out.AppendRow(c, i)
				}
			}
			return out
		}},
		{"zeros", "region", "values from 0.4", func(c *table.Column) *table.Column {
			return each64(c, func(i int, v float64) float64 {
				if v == 0 && i%8 == 0 {
					return 0.5
				}
				return v
			})
		}},
		{"flag", "", `category "false": 93`, func(c *table.Column) *table.Column {
			out := table.NewColumn(c.Name, table.Bool, c.Len())
			for i, v := range c.Bools {
				out.AppendBool(v || i%20 == 0)
			}
			return out
		}},
	} {
		cur := tab.Slice(15_000, 20_000)
		for i, col := range cur.Columns {
			if col.Name == c.column {
				cur.Columns[i] = c.change(col)
			}
		}
		k, err := p.Count(cur)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := Compare(p, nil, k, CompareOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range rep.Columns {
			if (d.State == Drifted) != (d.Column == c.column) {
				t.Errorf("%s changed, %s is %s: %s", c.column, d.Column, d.State, d.Why)
			}
			if d.Column == c.column && (!strings.HasPrefix(d.Why, c.why) || c.test != "" && d.Test != c.test) {
				t.Errorf("%s: %s (%s), want %s (%s)", c.column, d.Why, d.Test, c.why, c.test)
			}
		}
	}
}

func each64(c *table.Column, f func(i int, v float64) float64) *table.Column {
	out := table.NewColumn(c.Name, table.Float64, c.Len())
	for i := range c.Len() {
		if v, ok := c.Float(i); ok {
			out.AppendFloat64(f(i, v))
		} else {
			out.AppendNull()
		}
	}
	return out
}
