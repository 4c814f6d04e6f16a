package table

import (
	"math"
	"strings"
	"testing"
	"time"
)

func sample(t *testing.T) *Table {
	t.Helper()
	a := NewColumn("a", Int64, 4)
	b := NewColumn("b", String, 4)
	c := NewColumn("c", Float64, 4)
	for i, s := range []string{"x", "", "y", "x"} {
		a.AppendInt64(int64(i * 10))
		if i == 1 {
			b.AppendNull()
			c.AppendFloat64(math.NaN())
		} else {
			b.AppendString(s)
			c.AppendFloat64(float64(i) / 2)
		}
	}
	tab, err := New(a, b, c)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// text renders a table, null as "~".
func text(t *Table) string {
	var b strings.Builder
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Name + ":" + c.Type.String())
	}
	for i := range t.Rows() {
		b.WriteByte('\n')
		for k, c := range t.Columns {
			if k > 0 {
				b.WriteByte(' ')
			}
			if c.Null(i) {
				b.WriteByte('~')
			} else {
				b.WriteString(c.Text(i))
			}
		}
	}
	return b.String()
}

func TestShapes(t *testing.T) {
	tab := sample(t)
	sel, err := tab.Select("c", "a")
	if err != nil {
		t.Fatal(err)
	}
	app := Empty(nil, 0)
	for range 2 {
		if err := app.Append(tab.Slice(1, 3)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		got  *Table
		want string
	}{
		{"all", tab, "a:int64 b:string c:float64\n0 x 0\n10 ~ nan\n20 y 1\n30 x 1.5"},
		{"slice", tab.Slice(1, 3), "a:int64 b:string c:float64\n10 ~ nan\n20 y 1"},
		{"take", tab.Take([]int{3, 1, 3}), "a:int64 b:string c:float64\n30 x 1.5\n10 ~ nan\n30 x 1.5"},
		{"select", sel, "c:float64 a:int64\n0 0\nnan 10\n1 20\n1.5 30"},
		{"append", app, "a:int64 b:string c:float64\n10 ~ nan\n20 y 1\n10 ~ nan\n20 y 1"},
	} {
		if got := text(test.got); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
		if err := test.got.Check(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if _, err := tab.Select("nope"); err == nil || !strings.Contains(err.Error(), `"nope"; there are "a", "b", "c"`) {
		t.Errorf("Select: %v", err)
	}
	if tab.Column("nope") != nil || tab.Column("b").Nulls() != 1 || !tab.Column("c").Missing(1) || tab.Column("c").Null(1) {
		t.Error("Column, Nulls, Missing or Null")
	}
}

func TestAppendToSliceCopies(t *testing.T) {
	tab := sample(t)
	s := tab.Slice(0, 2)
	s.Columns[0].AppendInt64(99)
	if got := tab.Columns[0].Int64s[2]; got != 20 {
		t.Errorf("appending to a slice changed the table under it: %d", got)
	}
}

func TestTruncate(t *testing.T) {
	for _, c := range everything().Columns {
		want := c.Slice(0, 3)
		c.Truncate(3)
		if c.Len() != 3 || c.Nulls() != want.Nulls() {
			t.Errorf("%s: %d rows, %d nulls", c.Name, c.Len(), c.Nulls())
		}
	}
}

func TestCheck(t *testing.T) {
	one, two := NewColumn("a", Int32, 0), NewColumn("b", Int32, 0)
	one.AppendInt32(1)
	for _, test := range []struct {
		want    string
		columns []*Column
	}{
		{`column "b" has 0 rows, column "a" has 1`, []*Column{one, two}},
		{`two columns named "a"`, []*Column{one, one}},
		{`column "z" has no type`, []*Column{{Name: "z"}}},
		{`column "v" has 1 rows and validity for 2`, []*Column{{Name: "v", Type: Bool, Bools: []bool{true}, Valid: []bool{true, true}}}},
	} {
		if _, err := New(test.columns...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}

func TestFloats(t *testing.T) {
	cols := []*Column{
		{Type: Bool, Bools: []bool{true, false}, Valid: []bool{true, true}},
		{Type: Int32, Int32s: []int32{-1, 0}, Valid: []bool{true, false}},
		{Type: Int64, Int64s: []int64{1 << 53, 2}},
		{Type: Float32, Float32s: []float32{0.1, 2}},
		{Type: Float64, Float64s: []float64{0.1, math.Inf(1)}},
	}
	dst := make([]float64, 2*len(cols))
	for k, c := range cols {
		if !c.Floats(dst[k:], len(cols)) {
			t.Fatalf("column %d refused", k)
		}
	}
	want := []float64{1, -1, 1 << 53, float64(float32(0.1)), 0.1, 0, math.NaN(), 2, 2, math.Inf(1)}
	for i := range want {
		if math.Float64bits(dst[i]) != math.Float64bits(want[i]) && !(math.IsNaN(dst[i]) && math.IsNaN(want[i])) {
			t.Errorf("%d: %v, want %v", i, dst[i], want[i])
		}
	}
	for k, c := range cols {
		for i := range 2 {
			v, ok := c.Float(i)
			if w := want[i*len(cols)+k]; ok == c.Null(i) || ok && v != w {
				t.Errorf("Float %d/%d: %v %v, want %v", k, i, v, ok, w)
			}
		}
	}
	if (&Column{Type: String, Strings: []string{"1"}}).Floats(dst, 1) {
		t.Error("a string column is no numbers")
	}
	if n := testing.AllocsPerRun(10, func() {
		for k, c := range cols {
			c.Floats(dst[k:], len(cols))
		}
	}); n != 0 {
		t.Errorf("Floats allocates %v times", n)
	}
}

func TestResetKeepsMemory(t *testing.T) {
	c := NewColumn("a", Float64, 4)
	work := func() {
		c.Reset(Float64)
		c.AppendFloat64(1)
		c.AppendNull()
		c.AppendFloat64(2)
	}
	work()
	if n := testing.AllocsPerRun(100, work); n != 0 {
		t.Errorf("a reused column allocates %v times", n)
	}
	if c.Nulls() != 1 || !c.Null(1) || c.Null(2) {
		t.Error("validity after Reset")
	}
}

func TestDatetime(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"2013-03-01", "2013-03-01T00:00:00Z"},
		{"2013-03-01 07:05", "2013-03-01T07:05:00Z"},
		{"2013-03-01T07:05:06", "2013-03-01T07:05:06Z"},
		{"2013-03-01 07:05:06.123456789", "2013-03-01T07:05:06.123456789Z"},
		{"2013-03-01T07:05:06.5Z", "2013-03-01T07:05:06.5Z"},
		{"2013-03-01T07:05:06+01", "2013-03-01T06:05:06Z"},
		{"2013-03-01T07:05:06-0530", "2013-03-01T12:35:06Z"},
		{"2013-03-01T07:05:06+05:30", "2013-03-01T01:35:06Z"},
		{"1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"},
		{"2024-02-29", "2024-02-29T00:00:00Z"},
		{"2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775807Z"},
	} {
		ns, err := ParseDatetime(test.in)
		if err != nil {
			t.Errorf("%q: %v", test.in, err)
			continue
		}
		if got := string(AppendDatetime(nil, ns)); got != test.want {
			t.Errorf("%q: %s, want %s", test.in, got, test.want)
		}
		if tm, err := time.Parse(time.RFC3339Nano, test.want); err != nil || tm.UnixNano() != ns {
			t.Errorf("%q: %d, the standard library says %d (%v)", test.in, ns, tm.UnixNano(), err)
		}
	}
	for _, bad := range []string{"", "2013", "2013-3-1", "2013-02-29", "2013-13-01", "2013-00-01", "2013-01-00", "2013-01-01T", "2013-01-01T24:00",
		"2013-01-01T10:60", "2013-01-01T10:00:60", "2013-01-01T10:00:00.", "2013-01-01T10:00:00.1234567890", "2013-01-01T10:00:00+", "2013-01-01T10:00+24:00",
		"2013-01-01x", "2013-01-01T10:00:00Zx", "1677-01-01", "2262-04-12", "9999-12-31", "2262-04-11T23:47:16.854775808Z", "2013-01-01T10:00:00+1:00", "\x00", "2013-01-01T10:00\x00"} {
		if ns, err := ParseDatetime(bad); err == nil {
			t.Errorf("%q was read as %s", bad, AppendDatetime(nil, ns))
		}
	}
}

func TestParseType(t *testing.T) {
	for typ := Bool; typ <= Datetime; typ++ {
		if got, err := ParseType(typ.String()); err != nil || got != typ {
			t.Errorf("%s: %v %v", typ, got, err)
		}
	}
	for _, bad := range []string{"", "invalid", "double"} {
		if _, err := ParseType(bad); err == nil || !strings.Contains(err.Error(), "float64") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
