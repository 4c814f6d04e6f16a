package profile

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

// FuzzCompare makes two small tables of any values from bytes: whatever they hold, each row is counted once, chances
// lie between 0 and 1, and the report is JSON.
func FuzzCompare(f *testing.F) {
	f.Add([]byte{}, []byte{1})
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, []byte{9, 9, 9, 250, 251, 252, 253})
	f.Add([]byte{5, 5, 5, 5}, []byte{5, 5})
	make := func(raw []byte) *table.Table {
		x, n, s, b := table.NewColumn("x", table.Float64, 0), table.NewColumn("n", table.Int32, 0), table.NewColumn("s", table.String, 0), table.NewColumn("b", table.Bytes, 0)
		for _, v := range raw {
			switch {
			case v == 255:
				x.AppendNull()
				n.AppendNull()
				s.AppendNull()
				b.AppendNull()
				continue
			case v == 254:
				x.AppendFloat64(math.NaN())
			case v == 253:
				x.AppendFloat64(math.Inf(1))
			case v == 252:
				x.AppendFloat64(math.Inf(-1))
			case v == 251:
				x.AppendFloat64(math.MaxFloat64)
			case v == 250:
				x.AppendFloat64(-math.MaxFloat64)
			default:
				x.AppendFloat64(float64(v) / 7)
			}
			n.AppendInt32(int32(v) - 100)
			s.AppendString(string([]byte{v}))
			b.AppendBytes([]byte{v})
		}
		t, err := table.New(x, n, s, b)
		if err != nil {
			panic(err)
		}
		return t
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a)+len(b) > 4000 {
			return
		}
		p, err := Build(make(a), Options{})
		if err != nil {
			t.Fatal(err)
		}
		k, err := p.Count(make(b))
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range p.Columns {
			n := k.Columns[i]
			sum := n.Missing + n.Invalid + n.Below + n.Above
			for _, v := range n.Bins {
				sum += v
			}
			if c.Kind == Category {
				sum += n.Unseen
			}
			if c.Kind != Opaque && sum != int64(len(b)) {
				t.Fatalf("%s: %d of %d rows counted", c.Name, sum, len(b))
			}
			if err := c.check(); err != nil {
				t.Fatal(err)
			}
		}
		counter := p.NewBlocks()
		for i := range 5 {
			if err := counter.Add(int64(i), make(a)); err != nil {
				t.Fatal(err)
			}
		}
		blocks := counter.Finish()
		for _, opt := range []CompareOptions{{}, {Blocks: blocks.Counts, Alone: blocks.Alone}} {
			for _, ref := range []*Counts{nil, p.Reference()} {
				rep, err := Compare(p, ref, k, opt)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range rep.Columns {
					if !(d.P >= 0 && d.P <= 1 && d.Q >= 0 && d.Q <= 1 && d.PSI >= 0) {
						t.Fatalf("%+v", d)
					}
				}
				if _, err := json.Marshal(rep); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, name := range Peers() {
			m, err := ParseMethod(name)
			if err != nil {
				t.Fatal(err)
			}
			x, y := make(a), make(b)
			for i := range x.Columns {
				_, _ = m.Compare(x.Columns[i], y.Columns[i]) // it may refuse, not fall over
			}
		}
	})
}
