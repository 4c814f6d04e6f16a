package contract

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// weather is a year of hours whose wind once has another unit.
func weather(n int, spoil bool) *table.Table {
	r := rand.New(rand.NewPCG(5, 6))
	cols := []*table.Column{{Name: "time", Type: table.Datetime}, {Name: "station", Type: table.String}, {Name: "temp", Type: table.Float64},
		{Name: "wind_speed", Type: table.Float64}, {Name: "visib", Type: table.Float64}, {Name: "gust", Type: table.Float64}, {Name: "code", Type: table.String},
		{Name: "tmin", Type: table.Float64}, {Name: "tmax", Type: table.Float64}, {Name: "year", Type: table.Int64}, {Name: "amount", Type: table.Float64}}
	begin := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at := begin.Add(time.Duration(i) * time.Hour)
		temp := 55 - 25*math.Cos(2*math.Pi*float64(i)/8766) + 8*r.NormFloat64()
		wind := max(0, 10+5*r.NormFloat64())
		if spoil && i == 42*24+8 {
			wind *= 60
		}
		cols[0].AppendInt64(at.UnixNano())
		cols[1].AppendString([]string{"EWR", "JFK", "LGA"}[i%3])
		cols[2].AppendFloat64(temp)
		cols[3].AppendFloat64(wind)
		cols[4].AppendFloat64(min(10, 5+8*r.Float64()))
		if r.IntN(4) == 0 {
			cols[5].AppendFloat64(16 + 10*r.ExpFloat64())
		} else {
			cols[5].AppendNull()
		}
		cols[6].AppendString(fmt.Sprintf("W-%06d", i))
		cols[7].AppendFloat64(temp - 3)
		cols[8].AppendFloat64(temp + 3)
		cols[9].AppendInt64(2013)
		cols[10].AppendFloat64(math.Exp(2 * r.NormFloat64())) // a long tail, all of it right
	}
	t, err := table.New(cols...)
	if err != nil {
		panic(err)
	}
	return t
}

func TestPropose(t *testing.T) {
	p, err := Propose(weather(8760, true), ProposeOptions{Name: "weather"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Outliers) != 1 || p.Outliers[0].Column != "wind_speed" || p.Outliers[0].At != "2013-02-12T08:00:00Z" || p.Outliers[0].Row != 42*24+8 || p.Outliers[0].Rows != 1 {
		t.Errorf("outliers %+v", p.Outliers)
	}
	if got := p.Outliers[0].String(); !strings.HasSuffix(got, "at 2013-02-12T08:00:00Z, 1 row: outside; check the unit or the sensor") {
		t.Errorf("told as %q", got)
	}
	for _, x := range p.Result.Results { // it holds on what it was made of, but for what it names
		if !x.Passed && x.Rule != "wind_speed.range" || x.Rule == "wind_speed.range" && x.Failed != 1 {
			t.Errorf("%+v", x)
		}
	}
	s := p.Spec
	if s.Source != "weather" || !slices.Equal(s.Key, []string{"code"}) {
		t.Errorf("source %q, key %q", s.Source, s.Key)
	}
	c := s.Columns
	if !slices.Equal(c["station"].InSet, []string{"EWR", "JFK", "LGA"}) || c["code"].Pattern != "[A-Z]-[0-9]{6}" || *c["visib"].Max != 10 || c["year"].Min != nil || c["year"].Type != "integer" {
		t.Errorf("columns %+v", c)
	}
	if m := c["gust"].MaxMissing; m == nil || *m < 0.75 || *m > 0.82 {
		t.Errorf("gust: %v missing are allowed; 0.75 are", *m)
	}
	if *c["wind_speed"].Min != -5 && *c["wind_speed"].Min != 0 || *c["wind_speed"].Max > 60 || *c["temp"].MaxMissing != 0 {
		t.Errorf("wind_speed %v to %v", *c["wind_speed"].Min, *c["wind_speed"].Max)
	}
	if len(s.Rules) != 1 || s.Rules[0].Expr != "tmin <= tmax" {
		t.Errorf("rules %+v", s.Rules)
	}
	// Another year of the same keeps it.
	again, err := Compile("weather", s)
	if err != nil {
		t.Fatal(err)
	}
	if r := judged(t, again, weather(8760, false), 1000, Options{}, Facts{}); !r.Passed {
		t.Errorf("good rows break the proposal: %+v", r)
	}
}

// TestProposalKeepsItsRows: whatever the rows are, the proposal compiles and holds on them but for what it names.
func TestProposalKeepsItsRows(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 9))
		n := 1 + r.IntN(600)
		var cols []*table.Column
		for k := range 6 {
			c := &table.Column{Name: fmt.Sprintf("c%d", k), Type: []table.Type{table.Float64, table.Int64, table.String, table.Bool, table.Datetime, table.Float32}[(k+int(seed))%6]}
			tail, gone := r.IntN(4), r.IntN(3)
			for range n {
				if gone == 0 && r.IntN(5) == 0 {
					c.AppendNull()
					continue
				}
				v := r.NormFloat64()
				switch tail {
				case 0:
					v = math.Tan(math.Pi * (r.Float64() - 0.5)) // Cauchy
				case 1:
					v = math.Round(v)
				case 2:
					v = math.Exp(3 * v)
				}
				switch c.Type {
				case table.Float64:
					c.AppendFloat64(v)
				case table.Float32:
					c.AppendFloat32(float32(v))
				case table.Int64:
					c.AppendInt64(int64(v * 10))
				case table.Datetime:
					c.AppendInt64(int64(v * 1e15))
				case table.Bool:
					c.AppendBool(v > 0)
				case table.String:
					c.AppendString([]string{"a", "b-1", "ü", "", "x y"}[r.IntN(5)] + strings.Repeat("z", r.IntN(1+tail)))
				}
			}
			cols = append(cols, c)
		}
		rows, err := table.New(cols...)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Propose(rows, ProposeOptions{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, x := range p.Result.Results {
			if !x.Passed && !p.excused(x) {
				t.Errorf("seed %d: %+v", seed, x)
			}
		}
		again, err := Propose(rows, ProposeOptions{})
		if err != nil || string(again.YAML("f")) != string(p.YAML("f")) {
			t.Errorf("seed %d: two proposals of the same rows differ", seed)
		}
	}
}

func TestBulk(t *testing.T) {
	normal := func(extra ...float64) []float64 {
		r := rand.New(rand.NewPCG(1, 1))
		var v []float64
		for range 2000 {
			v = append(v, 50+10*r.NormFloat64())
		}
		v = append(v, extra...)
		slices.Sort(v)
		return v
	}
	nines := make([]float64, 100)
	for i := range nines {
		nines[i] = 9999
	}
	pareto := func() []float64 {
		r := rand.New(rand.NewPCG(2, 2))
		var v []float64
		for range 20_000 {
			v = append(v, 1/(1-r.Float64()))
		}
		slices.Sort(v)
		return v
	}()
	rare := slices.Concat(make([]float64, 999), []float64{1})
	for _, tt := range []struct {
		name string
		v    []float64
		out  int
	}{
		{"nothing", normal(), 0},
		{"another unit", normal(3000), 1},
		{"two of them", normal(3000, 2800), 2},
		{"below", normal(-999), 1},
		{"a stand-in for missing", normal(nines...), 100},
		{"a value at the edge is none", normal(100), 0},
		{"a long tail is none", pareto, 0},
		{"a rare flag is none", rare, 0},
	} {
		if got := len(tt.v) - len(bulkOf(tt.v)); got != tt.out {
			t.Errorf("%s: %d values are far out, want %d", tt.name, got, tt.out)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   string
	}{
		{[]string{"2013-01-01", "2014-12-31"}, "[0-9]{4}-[0-9]{2}-[0-9]{2}"},
		{[]string{"UA1545-EWR", "AA5-JFK"}, "[A-Z]{2}[0-9]+-[A-Z]{3}"},
		{[]string{"UA1545", "9E353"}, ""}, // no more than a length
		{[]string{"UA1545-E", "9E353-J"}, "[A-Za-z0-9]+-[A-Z]"},
		{[]string{"a.b", "c.d"}, `[a-z]\.[a-z]`},
		{[]string{"a b", "a"}, ""},
		{[]string{"ä"}, ""},
		{[]string{""}, ""},
	} {
		c := &table.Column{Name: "x", Type: table.String, Strings: tt.values}
		got := patternOf(c)
		if got != tt.want && !(tt.want != "" && got == strings.ReplaceAll(tt.want, "[A-Z]", "[A-Za-z0-9]")) {
			t.Errorf("%q: %q, want %q", tt.values, got, tt.want)
		}
	}
}

// TestYAML: every name and value reads back, whatever it is.
func TestYAML(t *testing.T) {
	for s, want := range map[string]string{"a": "a", "a-b.c": "a-b.c", "no": `"no"`, "9E": `"9E"`, "": `""`, "a: b": `"a: b"`, "#x": `"#x"`, `"`: `"\""`, "ü<": `"ü<"`, "a\nb": `"a\nb"`} {
		if got := yamlText(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

func TestProposeRefuses(t *testing.T) {
	for name, opt := range map[string]ProposeOptions{"no rows": {}, "no such column": {EventTime: "when"}} {
		rows := weather(1, false)
		if name == "no rows" {
			rows = table.Empty(rows.Fields(), 0)
		}
		if _, err := Propose(rows, opt); !trimtab.IsKind(err, trimtab.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
