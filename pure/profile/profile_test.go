package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

func build(t *testing.T, tab *table.Table) *Profile {
	t.Helper()
	p, err := Build(tab, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func column(name string, v ...float64) *table.Column {
	return &table.Column{Name: name, Type: table.Float64, Float64s: v}
}

func texts(name string, v ...string) *table.Column {
	return &table.Column{Name: name, Type: table.String, Strings: v}
}

func one(t *testing.T, c *table.Column) *table.Table {
	t.Helper()
	tab, err := table.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// TestReferenceCountsItself: counting the reference's rows gives the reference's counts, nothing unseen or outside.
func TestReferenceCountsItself(t *testing.T) {
	tab := made(20_000)
	p := build(t, tab)
	k, err := p.Count(tab)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range p.Columns {
		if !reflect.DeepEqual(k.Columns[i], c.Reference) {
			t.Errorf("%s: counted %+v, reference %+v", c.Name, k.Columns[i], c.Reference)
		}
	}
	rep, err := Compare(p, nil, k, CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range rep.Columns {
		if d.State != OK || d.TVD > 0.2 || c0(p, d.Column).Kind == Number && (d.PSI != 0 || d.KS != 0) {
			t.Errorf("%s against itself: %+v", d.Column, d)
		}
	}
}

func c0(p *Profile, name string) *Column { return p.Column(name) }

// TestPartition: each row is counted in exactly one bin, whatever the values.
func TestPartition(t *testing.T) {
	p := build(t, made(5000))
	other := made(9000).Slice(5000, 9000)
	inf := slices.Clone(other.Column("normal").Float64s)
	inf[0], inf[1], inf[2] = math.Inf(1), math.Inf(-1), math.NaN()
	other.Column("normal").Float64s = inf
	k, err := p.Count(other)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range p.Columns {
		n := k.Columns[i]
		sum := n.Missing + n.Invalid + n.Below + n.Above
		for _, b := range n.Bins {
			sum += b
		}
		if c.Kind == Category {
			sum += n.Unseen
		}
		if sum != 4000 || n.Rows != 4000 {
			t.Errorf("%s: %d of %d rows in bins", c.Name, sum, n.Rows)
		}
	}
}

// TestBatchesDoNotMatter: the profile and counts are the same however rows are split, and builders merge.
func TestBatchesDoNotMatter(t *testing.T) {
	tab := made(30_000)
	want, _ := json.Marshal(build(t, tab))
	b, other := NewBuilder(Options{}), NewBuilder(Options{})
	for lo := 0; lo < 30_000; lo += 700 {
		to := b
		if lo >= 21_000 {
			to = other
		}
		if err := to.Add(tab.Slice(lo, min(lo+700, 30_000))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Merge(other); err != nil {
		t.Fatal(err)
	}
	p, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(p); !bytes.Equal(normal(t, got), normal(t, want)) {
		t.Error("a profile of batches differs from that of the whole")
	}
	whole, _ := p.Count(tab)
	parts := p.NewCounts()
	for lo := 0; lo < 30_000; lo += 999 {
		k, err := p.Count(tab.Slice(lo, min(lo+999, 30_000)))
		if err != nil {
			t.Fatal(err)
		}
		if err := parts.Merge(k); err != nil {
			t.Fatal(err)
		}
	}
	for i := range whole.Columns {
		a, b := whole.Columns[i], parts.Columns[i]
		if a.Moments.Mean() != b.Moments.Mean() && a.Moments.N > 0 || a.Moments.Variance() != b.Moments.Variance() && a.Moments.N > 1 {
			t.Errorf("%s: mean %v and %v, variance %v and %v", p.Columns[i].Name, a.Moments.Mean(), b.Moments.Mean(), a.Moments.Variance(), b.Moments.Variance())
		}
		a.Moments, b.Moments = Moments{}, Moments{}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: counts of parts differ from those of the whole", p.Columns[i].Name)
		}
	}
}

// normal takes out the low halves of sums, which may differ in the last place that nobody sees.
func normal(t *testing.T, raw []byte) []byte {
	t.Helper()
	p := &Profile{}
	if err := p.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Columns {
		c.Reference.Moments.sum = pair{hi: c.Reference.Moments.sum.value()}
		c.Reference.Moments.squares = pair{hi: c.Reference.Moments.squares.value()}
	}
	out, err := p.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMomentsAreExact(t *testing.T) {
	var m Moments
	for i := range 1000 { // a mean of 1e9 hides a variance of 0.25 from plain sums
		m.add(1e9 + float64(i%2))
	}
	if m.Mean() != 1e9+0.5 || math.Abs(m.Variance()-0.25*1000/999) > 1e-15 {
		t.Errorf("mean %v, variance %v", m.Mean(), m.Variance())
	}
	if v := (Moments{}).Mean(); v == v {
		t.Errorf("the mean of nothing is %v", v)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Moments
	if err := json.Unmarshal(raw, &back); err != nil || back != m {
		t.Errorf("%+v came back as %+v: %v", m, back, err)
	}
}

func TestRoundTrip(t *testing.T) {
	tab := made(20_000)
	odd := table.NewColumn("odd\xff", table.String, 0)
	when := table.NewColumn("when", table.Datetime, 0)
	raw := table.NewColumn("raw", table.Bytes, 0)
	for i := range 20_000 {
		odd.AppendString([]string{"\xff\xfe", "", "plain", strings.Repeat("long", 200) + fmt.Sprint(i%3)}[i%4])
		when.AppendInt64(int64(i) * 1e12)
		raw.AppendBytes([]byte{byte(i)})
	}
	tab.Columns = append(tab.Columns, odd, when, raw)
	p := build(t, tab)
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	back, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if back.ID() != p.ID() {
		t.Error("a stored profile has another id")
	}
	x, err := p.Count(tab)
	if err != nil {
		t.Fatal(err)
	}
	y, err := back.Count(tab)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(x, y) {
		t.Error("a stored profile counts otherwise")
	}
	var again Counts
	enc, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(enc, &again); err != nil || p.Check(&again) != nil || !reflect.DeepEqual(&again, x) {
		t.Errorf("stored counts differ: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	good, err := build(t, made(500)).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"trimtabProfile":1`, `"trimtabProfile":2`, "format 2"},
		{`"kind":"number"`, `"kind":"category"`, "not of kind"},
		{`"type":"float64"`, `"type":"decimal"`, "no column type"},
		{`"name":"heavy"`, `"name":"normal"`, "twice"},
		{`"bins":[`, `"bins":[-1,`, "bins"},
		{`"edges":[`, `"edges":[1e300,`, "edges"},
		{`"coarse":[0,`, `"coarse":[1,`, "coarse"},
		{`"missing":`, `"missing":1`, "rows"},
		{`{`, `[`, "no stored profile"},
	} {
		bad := strings.Replace(string(good), c.old, c.new, 1)
		if bad == string(good) {
			t.Fatalf("%s is not in the stored form", c.old)
		}
		if _, err := Read(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v", c.new, c.old, err)
		}
	}
}

func TestSampling(t *testing.T) {
	tab := made(120_000)
	for range 3 {
		if err := tab.Append(tab.Slice(0, 120_000)); err != nil {
			t.Fatal(err)
		}
	}
	b := NewBuilder(Options{Retain: 6 * 150_000})
	for lo := 0; lo < tab.Rows(); lo += 50_000 {
		if err := b.Add(tab.Slice(lo, min(tab.Rows(), lo+50_000))); err != nil {
			t.Fatal(err)
		}
	}
	p, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	c := p.Column("normal")
	if p.Rows != 480_000 || !c.Sampled || c.Reference.Rows < 1<<16 || c.Reference.Rows > 160_000 || c.Reference.Moments.N != 480_000 {
		t.Errorf("%d rows, %d of them kept, moments of %d", p.Rows, c.Reference.Rows, c.Reference.Moments.N)
	}
	k, err := p.Count(made(120_000).Slice(0, 100_000))
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Compare(p, nil, k, CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Drifted > 0 {
		t.Errorf("a sample of the same rows drifted: %+v", rep)
	}
}

func TestSpecialBins(t *testing.T) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = float64(i % 50)
	}
	p := build(t, one(t, column("x", values...)))
	k, err := p.Count(one(t, &table.Column{Name: "x", Type: table.String, Strings: []string{"1", "1.5", "-1", "51", "many", "", "49", "0"},
		Valid: []bool{true, true, true, true, true, false, true, true}}))
	if err != nil {
		t.Fatal(err)
	}
	c := k.Columns[0]
	if c.Rows != 8 || c.Missing != 1 || c.Invalid != 1 || c.Below != 1 || c.Above != 1 || c.Unseen != 3 || c.Bins[1] != 2 || c.Bins[49] != 1 || c.Bins[0] != 1 {
		t.Errorf("%+v", c)
	}
	if u := p.Columns[0].Unheard(); u != 0 {
		t.Errorf("unheard %v of values that all occur twenty times", u)
	}
	q := build(t, one(t, texts("x", "a", "b", "a", "c")))
	k, err = q.Count(one(t, texts("x", "a", "z", "c", "c")))
	if err != nil {
		t.Fatal(err)
	}
	if c := k.Columns[0]; c.Unseen != 1 || c.Bins[0] != 1 || c.Bins[2] != 2 {
		t.Errorf("%+v", c)
	}
	if u := q.Columns[0].Unheard(); u != 0.5 {
		t.Errorf("unheard %v", u)
	}
	// A column that is not there is missing in each row.
	k, err = q.Count(one(t, texts("y", "a", "z")))
	if err != nil || k.Columns[0].Missing != 2 || k.Columns[0].Rows != 2 {
		t.Errorf("%+v %v", k.Columns[0], err)
	}
}

// TestDense: whole numbers, which have an index of their own, are counted as others.
func TestDense(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var v, w []float64
	for range 5000 {
		v = append(v, math.Floor(r.NormFloat64()*300))
		w = append(w, math.Floor(r.NormFloat64()*600)/2)
	}
	p := build(t, one(t, column("x", v...)))
	c := p.Columns[0]
	c.once.Do(c.prepare)
	if c.index.dense == nil {
		t.Fatal("whole numbers have no dense index")
	}
	fast := p.NewCounts()
	if err := p.CountInto(fast, one(t, column("x", w...))); err != nil {
		t.Fatal(err)
	}
	c.index.dense = nil
	slow := p.NewCounts()
	if err := p.CountInto(slow, one(t, column("x", w...))); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fast, slow) {
		t.Errorf("dense %+v\nsearched %+v", fast.Columns[0], slow.Columns[0])
	}
}

func TestSortFloats(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 100, 1 << 12, 50_000} {
		v := make([]float64, n)
		for i := range v {
			switch r.IntN(5) {
			case 0:
				v[i] = float64(r.IntN(10) - 5)
			case 1:
				v[i] = math.Inf(r.IntN(2)*2 - 1)
			default:
				v[i] = r.NormFloat64() * math.Exp(r.NormFloat64()*20)
			}
		}
		want := slices.Clone(v)
		slices.Sort(want)
		sortFloats(v)
		if !slices.Equal(v, want) {
			t.Errorf("%d values are not sorted", n)
		}
	}
}

// TestNothing: empty references and windows are unknown, not good.
func TestNothing(t *testing.T) {
	p := build(t, one(t, column("x")))
	k, err := p.Count(one(t, column("x", 1, 2, 3)))
	if err != nil {
		t.Fatal(err)
	}
	for _, cur := range []*Counts{k, p.NewCounts()} {
		rep, err := Compare(p, nil, cur, CompareOptions{})
		if err != nil || rep.State != Unknown || rep.Columns[0].State != Unknown {
			t.Errorf("%+v %v", rep, err)
		}
	}
	if _, err := NewBuilder(Options{}).Finish(); err == nil {
		t.Error("a profile of no columns")
	}
	full := build(t, one(t, column("x", 1, 2, 3)))
	rep, err := Compare(full, nil, full.NewCounts(), CompareOptions{})
	if err != nil || rep.State != Unknown {
		t.Errorf("%+v %v", rep, err)
	}
	if _, err := json.Marshal(rep); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	p, q := build(t, one(t, column("x", 1, 2, 3))), build(t, one(t, column("x", 1, 2, 4)))
	k, _ := q.Count(one(t, column("x", 1)))
	if err := p.NewCounts().Merge(k); err == nil {
		t.Error("counts of other edges were added")
	}
	if _, err := Compare(p, nil, k, CompareOptions{}); err == nil {
		t.Error("counts of other edges were compared")
	}
	k = p.NewCounts()
	if _, err := Compare(p, nil, k, CompareOptions{Columns: []string{"y"}}); err == nil || !strings.Contains(err.Error(), `"y"`) {
		t.Errorf("a column that is not there: %v", err)
	}
	if _, err := Compare(p, nil, k, CompareOptions{Blocks: []*Counts{k}}); err == nil {
		t.Error("one block")
	}
	if _, err := Compare(p, nil, k, CompareOptions{Alpha: 2}); err == nil {
		t.Error("alpha 2")
	}
	b := NewBuilder(Options{})
	if err := b.Add(one(t, column("x", 1))); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(one(t, texts("x", "a"))); err == nil {
		t.Error("text after numbers")
	}
}

// TestCountingDoesNotAllocate: nothing per row.
func TestCountingDoesNotAllocate(t *testing.T) {
	tab := made(4000)
	p := build(t, tab)
	k := p.NewCounts()
	for i, c := range p.Columns {
		col := tab.Columns[i]
		if n := testing.AllocsPerRun(20, func() { c.count(col, &k.Columns[i]) }); n > 1 {
			t.Errorf("%s: %v allocations for 4,000 rows", c.Name, n)
		}
	}
}

func TestPersist(t *testing.T) {
	for _, c := range []struct {
		history string
		k, n    int
		want    State
	}{
		{"", 2, 3, Unknown}, {"o", 2, 3, OK}, {"d", 2, 3, Suspect}, {"dd", 2, 3, Drifted}, {"dod", 2, 3, Drifted}, {"ddooo", 2, 3, OK},
		{"s", 1, 1, Suspect}, {"d", 1, 1, Drifted}, {"u", 1, 1, Unknown}, {"ddu", 2, 3, Drifted}, {"doo", 2, 3, Suspect}, {"d", 0, 0, Drifted},
	} {
		var h []State
		for _, s := range c.history {
			h = append(h, map[rune]State{'o': OK, 's': Suspect, 'd': Drifted, 'u': Unknown}[s])
		}
		if got := Persist(h, c.k, c.n); got != c.want {
			t.Errorf("%q, %d of %d: %s, want %s", c.history, c.k, c.n, got, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	small, err := table.New(column("n", 1, 2, 2, 3.5), texts("s", "a", "b", "a", ""))
	if err != nil {
		f.Fatal(err)
	}
	for _, rows := range []int{0, 4} {
		p, err := Build(small.Slice(0, rows), Options{})
		if err != nil {
			f.Fatal(err)
		}
		raw, err := p.MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"trimtabProfile":1,"columns":[{"name":"a","type":"string","kind":"category","categories":[{"base64":"/w=="}],"coarse":[0],"reference":{"rows":1,"bins":[1],"moments":{}}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Read(bytes.NewReader(raw))
		if err != nil {
			return
		}
		// What is read can be counted against, compared, written and read again.
		k, err := p.Count(small)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := Compare(p, nil, k, CompareOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(rep); err != nil {
			t.Fatal(err)
		}
		again, err := p.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(bytes.NewReader(again)); err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
	})
}
