package contract

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

func TestRefusedRelations(t *testing.T) {
	columns := map[string]trimtab.ColumnRule{"arrival": {Type: "float"}, "departure": {Type: "float"}, "origin": {Type: "string"}, "day": {Type: "integer"}, "when": {Type: "datetime"}}
	tests := []struct{ expr, want string }{
		{"arival >= departure", `rule r: 1:1: there is no column "arival"; did you mean "arrival"?`},
		{"arrival >= departur + 1", `rule r: 1:12: there is no column "departur"; did you mean "departure"?`},
		{"arrival >=", "rule r: 1:11: Syntax error"},
		{"arrival + origin > 1", "rule r: 1:9: found no matching overload for '_+_' applied to '(double, string)'"},
		{"arrival", "rule r: 1:1: the expression is double, expected a condition"},
		{"sizes(origin) > 2", `rule r: 1:6: there is no "sizes"; did you mean "size"?`},
		{"has(arrival + 1)", "rule r: 1:13: has() takes the name of a column"},
		{"origin > 3", "found no matching overload for '_>_' applied to '(string, int)'"},
		{"when > day", "found no matching overload"},
		{strings.Repeat("(", 200) + "arrival" + strings.Repeat(")", 200) + " > 1", "rule r: "},
		{strings.Repeat("1 > 0 && ", 600) + "true", "rule r: the expression has 5404 bytes, expected at most 4096"},
	}
	for _, tt := range tests {
		_, err := Compile("c", trimtab.DataContractSpec{Columns: columns, Rules: []trimtab.RelationRule{{Name: "r", Expr: tt.expr}}})
		if !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(trimtab.Message(err), tt.want) {
			t.Errorf("%.60s: got %v, want %s", tt.expr, err, tt.want)
		}
	}
	_, err := Compile("c", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"x": {Pattern: "("}, "y": {Type: "text"}}, Rules: []trimtab.RelationRule{{Name: "a", Expr: "x >"}}})
	for _, want := range []string{"column x: the pattern", `column y: "text" is no type`, "rule a: 1:4"} {
		if !strings.Contains(trimtab.Message(err), want) {
			t.Errorf("of three problems %q is not told: %v", want, err)
		}
	}
}

// sample is a table of every kind with hard values in it.
func sample(rng *rand.Rand, n int) *table.Table {
	floats := []float64{0, math.Copysign(0, -1), 1, 2.5, -3, math.Inf(1), math.Inf(-1), 1e300, 9007199254740993, math.NaN()}
	ints := []int64{0, 1, 2, -3, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64}
	texts := []string{"", "JFK", "EWR", "a", "ä"}
	cols := []*table.Column{{Name: "a", Type: table.Float64}, {Name: "b", Type: table.Float64}, {Name: "f", Type: table.Float32}, {Name: "n", Type: table.Int64},
		{Name: "m", Type: table.Int32}, {Name: "s", Type: table.String}, {Name: "u", Type: table.String}, {Name: "t", Type: table.Datetime}, {Name: "v", Type: table.Datetime}}
	for range n {
		for k, c := range cols {
			if k != 3 && rng.IntN(8) == 0 {
				c.AppendNull()
				continue
			}
			switch c.Type {
			case table.Float64:
				c.AppendFloat64(floats[rng.IntN(len(floats))])
			case table.Float32:
				c.AppendFloat32(float32(floats[rng.IntN(len(floats))]))
			case table.Int64, table.Datetime:
				v := ints[rng.IntN(len(ints))]
				if c.Type == table.Datetime {
					v %= 1 << 60
				}
				c.AppendInt64(v)
			case table.Int32:
				c.AppendInt32(int32(ints[rng.IntN(4)]))
			case table.String:
				c.AppendString(texts[rng.IntN(len(texts))])
			}
		}
	}
	t, err := table.New(cols...)
	if err != nil {
		panic(err)
	}
	return t
}

// TestNativeEqualsCEL: what is compiled natively judges every row as CEL does.
func TestNativeEqualsCEL(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	rows := sample(rng, 4000)
	operands := map[string][]string{
		"number": {"a", "b", "f", "n", "m", "0", "1", "2.5", "-1.0", "9007199254740993", "a + b", "a - 1.0", "2 * a", "n + a", "a / b", "(a - b) * f", "a * b - f"},
		"text":   {"s", "u", "'JFK'", "''", "'ä'"},
		"time":   {"t", "v"},
	}
	var exprs []string
	for _, list := range operands {
		for _, x := range list {
			for _, y := range list {
				for _, op := range []string{"<", "<=", ">", ">=", "==", "!="} {
					exprs = append(exprs, x+" "+op+" "+y)
				}
			}
		}
	}
	exprs = append(exprs, "s in ['JFK', 'a']", "n in [1, 2]", "m in [0]")
	slices.Sort(exprs)
	simple := slices.Clone(exprs)
	for range 300 {
		exprs = append(exprs, fmt.Sprintf("(%s) %s (%s)", simple[rng.IntN(len(simple))], []string{"&&", "||"}[rng.IntN(2)], simple[rng.IntN(len(simple))]))
	}
	native, step := 0, 1
	if testing.Short() {
		step = 7
	}
	for k := 0; k < len(exprs); k += step {
		expr := exprs[k]
		c, err := Compile("c", trimtab.DataContractSpec{Rules: []trimtab.RelationRule{{Name: "r", Expr: expr}}})
		if err != nil { // constants alone that no order joins
			t.Fatalf("%s: %v", expr, err)
		}
		part := rows.Slice(0, 400)
		s := &sheet{}
		c.lay(s, part)
		rel := c.rules[0].test.(*relation)
		judgedBy, got := rel.judge(s, nil)
		b := rel.last.Load()
		if b.broken != nil {
			t.Fatalf("%s: %v", expr, b.broken)
		}
		if b.native == nil {
			continue
		}
		native++
		plain := *b
		plain.native = nil
		rel.last.Store(&plain)
		judgedCEL, want := rel.judge(s, nil)
		if judgedBy != judgedCEL || !slices.Equal(got, want) {
			t.Errorf("%s: native judges %d and fails %v, CEL judges %d and fails %v", expr, judgedBy, got, judgedCEL, want)
		}
	}
	if native < len(exprs)/step*9/10 {
		t.Errorf("%d of %d expressions are native: the test says little", native, len(exprs)/step)
	}
}

func TestRelations(t *testing.T) {
	rows := rowsOf(t, "a,n,s,when\n2.5,3,JFK,2013-02-12T08:00:00Z\n,4,EWR,2013-02-12T20:00:00Z\n", map[string]table.Type{"when": table.Datetime})
	tests := []struct {
		expr           string
		judged, failed int
	}{
		{"a > n", 1, 1},
		{"2 * n > a", 1, 0},
		{"a + n * 2 > 8", 1, 0},                   // integers beside floats are floats
		{"(a > 1.0 ? a : n) >= 2", 1, 0},          // in both arms
		{"n / 2 == 1", 2, 1},                      // integers alone stay integers: 4 / 2 is 2
		{"n % 2 == 1", 2, 1},                      //
		{"has(a)", 2, 1},                          // every row is judged
		{"has(a) || n == 4", 2, 0},                //
		{"a == null || a > 2", 2, 0},              // the same in CEL's own words
		{"s.startsWith('J') || s == 'EWR'", 2, 0}, //
		{"s.matches('^[A-Z]{3}$')", 2, 0},         //
		{"when.getHours() < 12", 2, 1},            //
		{"when - timestamp('2013-02-12T00:00:00Z') < duration('10h')", 2, 1},
		{"math.abs(a) > 2", 1, 0},
		{"a * 2 == 5", 1, 0},
		{"a in [2.5, 3]", 1, 0},
		{"[1, 3].exists(x, x == n)", 2, 1},
		{"n / (n - 3) > 0", 2, 1}, // an error is not true: division by zero
		{"['JFK', 'LGA'].all(x, x != s)", 2, 1},
	}
	for _, tt := range tests {
		c, err := Compile("c", trimtab.DataContractSpec{Rules: []trimtab.RelationRule{{Name: "r", Expr: tt.expr}}})
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		s := &sheet{}
		c.lay(s, rows)
		judged, bad := c.rules[0].test.judge(s, nil)
		if s.broken != nil {
			t.Errorf("%s: %v", tt.expr, s.broken)
		}
		if judged != tt.judged || len(bad) != tt.failed {
			t.Errorf("%s: judged %d, failed %d, want %d, %d", tt.expr, judged, len(bad), tt.judged, tt.failed)
		}
	}
}

// TestRelationOfOtherColumns: what does not fit the data fails the set and says why; at the door no row is to blame.
func TestRelationOfOtherColumns(t *testing.T) {
	c := compiled(t, trimtab.DataContractSpec{OnFail: "quarantine", Rules: []trimtab.RelationRule{{Name: "r", Expr: "a > b"}}})
	rows := rowsOf(t, "a,b\n1,x\n2,y\n", nil)
	r := judged(t, c, rows, 1, Options{}, Facts{})
	x := result(t, r, "rule r")
	if x.Passed || len(x.Examples) != 1 || !strings.Contains(x.Examples[0].Value, "cannot be judged: rule r: 1:3: found no matching overload") {
		t.Errorf("got %+v", x)
	}
	if got, err := c.Door(rows); got != nil || err != nil {
		t.Errorf("at the door: %v, %v", got, err)
	}
	if got, err := c.Door(rowsOf(t, "a,b\n1,2\n2,1\n", nil)); err != nil || !slices.Equal(got, []string{"flights/rule r", ""}) {
		t.Errorf("with other columns: %v, %v", got, err)
	}
}

// TestCostIsBounded: an expression that would take long fails its row instead.
func TestCostIsBounded(t *testing.T) {
	list := "[" + strings.Repeat("1,", 99) + "1]"
	c, err := Compile("c", trimtab.DataContractSpec{Rules: []trimtab.RelationRule{{Name: "r", Expr: list + ".all(x, " + list + ".all(y, " + list + ".all(z, x + y + z + n > 0)))"}}})
	if err != nil {
		t.Fatal(err)
	}
	s := &sheet{}
	c.lay(s, rowsOf(t, "n\n1\n", nil))
	if judged, bad := c.rules[0].test.judge(s, nil); judged != 1 || len(bad) != 1 {
		t.Errorf("judged %d, failed %d", judged, len(bad))
	}
}

// FuzzCompile: no text of an expression or a pattern ends the program, and what compiles judges rows.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{"a >= b", "has(a) && a > 1", "s in ['x']", "a + n * 2 > 8", "[1].map(x, x * 2)[0] > n", "when.getHours() < 12", "math.greatest(a, b) > 1", "a ? b : c", "{'a': 1}.a == n", "\"\\u00e4\" == s", "`x`"} {
		f.Add(s, "[A-Z]+")
	}
	rows := sample(rand.New(rand.NewPCG(3, 4)), 20)
	f.Fuzz(func(t *testing.T, expr, pattern string) {
		c, err := Compile("c", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"s": {Pattern: pattern}}, Rules: []trimtab.RelationRule{{Name: "r", Expr: expr}}})
		if err != nil {
			if !trimtab.IsKind(err, trimtab.Invalid) {
				t.Fatalf("%v is not Invalid", err)
			}
			return
		}
		p := c.Begin(Options{})
		if err := p.Add(Batch{Table: rows}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Finish(Facts{}); err != nil {
			t.Fatal(err)
		}
	})
}
