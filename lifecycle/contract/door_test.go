package contract

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// rowsOf reads a table from CSV text.
func rowsOf(t testing.TB, text string, types map[string]table.Type) *table.Table {
	t.Helper()
	rows, err := table.ReadCSV(strings.NewReader(text), table.CSVOptions{Types: types})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func compiled(t testing.TB, spec trimtab.DataContractSpec) *Checker {
	t.Helper()
	c, err := Compile("flights", spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ptr[T any](v T) *T { return &v }

func TestDoor(t *testing.T) {
	none := ptr(0.0)
	tests := []struct {
		name string
		spec trimtab.DataContractSpec
		rows string
		want []string // per row the rule, nil for none
	}{
		{"report only", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"x": {Min: ptr(0.0)}}}, "x\n-1\n", nil},
		{"warnings never quarantine", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Min: ptr(0.0), Severity: "warning"}}}, "x\n-1\n", nil},
		{"range", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Min: ptr(0.0), Max: ptr(200.0)}}},
			"x,y\n0,1\n-1,1\n200,1\n1048.36,1\n,1\n", []string{"", "flights/x.range", "", "flights/x.range", ""}},
		{"a tolerance is about sets", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Max: ptr(1.0), MaxOutside: 0.5}}},
			"x\n0\n2\n", []string{"", "flights/x.range"}},
		{"no missing", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {MaxMissing: none}}},
			"x,y\n1,1\n,1\n", []string{"", "flights/x.maxMissing"}},
		{"a share of missing is about sets", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {MaxMissing: ptr(0.1)}}}, "x,y\n,1\n", nil},
		{"set", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"o": {InSet: []string{"JFK", "EWR"}}, "n": {InSet: []string{"1", "2"}}}},
			"o,n\nJFK,1\nXXX,1\nEWR,3\n", []string{"", "flights/o.inSet", "flights/n.inSet"}},
		{"pattern and length", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"o": {Pattern: "[A-Z]+", MinLength: 2, MaxLength: 3}}},
			"o\nJFK\nJ\njfk\nXJFKX\nÄÖÜ\n", []string{"", "flights/o.length", "flights/o.pattern", "flights/o.length", "flights/o.pattern"}},
		{"type", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Type: "integer"}}},
			"x\n1.5\n2\n", []string{"flights/x.type", ""}},
		{"unique is about sets", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Unique: true}}}, "x\n1\n1\n", nil},
		{"key", trimtab.DataContractSpec{OnFail: "quarantine", Key: []string{"a", "b"}}, "a,b\n1,1\n1,1\n,1\n", []string{"", "", "flights/key"}},
		{"relation", trimtab.DataContractSpec{OnFail: "quarantine", Rules: []trimtab.RelationRule{{Name: "order", Expr: "a >= b"}}},
			"a,b\n2,1\n1,2\n,2\n", []string{"", "flights/rule order", ""}},
		{"override", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Max: ptr(1.0), OnFail: "report"}, "y": {Max: ptr(1.0)}}},
			"x,y\n2,1\n2,2\n", []string{"", "flights/y.range"}},
		{"column not there", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"z": {}}}, "x\n2\n", []string{"flights/z.required"}},
		{"column need not be there", trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"z": {Required: ptr(false), Min: ptr(0.0)}}}, "x\n2\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := compiled(t, tt.spec)
			rows := rowsOf(t, tt.rows, nil)
			got, err := c.Door(rows)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for i := range rows.Rows() { // a row is judged alone as among others
				want := ""
				if tt.want != nil {
					want = tt.want[i]
				}
				one, err := c.Door(rows.Slice(i, i+1))
				if err != nil || (len(one) == 1 && one[0] != want) || (one == nil && want != "") {
					t.Errorf("row %d alone: %q, %v; want %q", i, one, err, want)
				}
			}
		})
	}
}

func TestDoorRejects(t *testing.T) {
	c := compiled(t, trimtab.DataContractSpec{OnFail: "reject", Columns: map[string]trimtab.ColumnRule{"wind_speed": {Min: ptr(0.0), Max: ptr(200.0)}}})
	_, err := c.Door(rowsOf(t, "wind_speed\n5\n1048.36058\n-4\n", nil))
	const want = "row 1 (and 1 more): wind_speed 1048.36058; the contract flights demands 0 to 200 (wind_speed.range)"
	if !trimtab.IsKind(err, trimtab.Invalid) || trimtab.Message(err) != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	if r, ok := errors.AsType[*Rejected](err); !ok || r.Rule != "wind_speed.range" || r.Rows != 2 {
		t.Errorf("got %+v", r)
	}
	if rows, err := c.Door(rowsOf(t, "wind_speed\n5\n", nil)); rows != nil || err != nil {
		t.Errorf("got %v, %v", rows, err)
	}
}

// TestDoorWithoutAllocation: rows that pass cost nothing.
func TestDoorWithoutAllocation(t *testing.T) {
	c := compiled(t, trimtab.DataContractSpec{OnFail: "quarantine", Key: []string{"id"}, Columns: map[string]trimtab.ColumnRule{
		"id": {Pattern: "[a-z0-9]+"}, "x": {Min: ptr(0.0), Max: ptr(10.0), MaxMissing: ptr(0.0), Type: "float"}, "o": {InSet: []string{"JFK"}, MaxLength: 3}},
		Rules: []trimtab.RelationRule{{Name: "r", Expr: "x <= y && o == 'JFK'"}}})
	rows := rowsOf(t, "id,x,y,o\na1,1.5,2.5,JFK\n", nil)
	if n := testing.AllocsPerRun(200, func() {
		if found, err := c.Door(rows); found != nil || err != nil {
			t.Fatal(found, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a request, want none", n)
	}
}

func TestRangeOfIntegersIsExact(t *testing.T) {
	c := compiled(t, trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Min: ptr(-0.5), Max: ptr(float64(1 << 53))}}})
	rows, err := table.New(&table.Column{Name: "x", Type: table.Int64, Int64s: []int64{0, -1, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Door(rows)
	const bad = "flights/x.range"
	if want := []string{"", bad, "", bad, bad, bad}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// declared are contracts; down makes reading them fail.
type declared struct {
	all  []trimtab.Resource
	down bool
}

func (d *declared) Everywhere(context.Context, string) ([]trimtab.Resource, error) {
	if d.down {
		return nil, errors.New("no database")
	}
	return d.all, nil
}

func (d *declared) Get(_ context.Context, _, name string) (trimtab.Resource, error) {
	return trimtab.Resource{}, trimtab.Errorf(trimtab.NotFound, name, "no %s", name)
}

func contractResource(t testing.TB, name string, spec trimtab.DataContractSpec) trimtab.Resource {
	t.Helper()
	body, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return trimtab.Resource{Workspace: "default", Kind: trimtab.KindDataContract, Name: name, UID: name, Spec: body}
}

// TestContractsOfAnEndpoint: all contracts of an endpoint count, those of others do not, and a new declaration is in
// force when its entry is handled.
func TestContractsOfAnEndpoint(t *testing.T) {
	d := &declared{down: true, all: []trimtab.Resource{
		contractResource(t, "a", trimtab.DataContractSpec{Endpoint: "flights", OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Max: ptr(1.0)}}}),
		contractResource(t, "b", trimtab.DataContractSpec{Endpoint: "flights", OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"y": {Max: ptr(1.0)}}}),
		contractResource(t, "c", trimtab.DataContractSpec{Endpoint: "other", OnFail: "reject", Columns: map[string]trimtab.ColumnRule{"y": {Max: ptr(0.0)}}}),
	}}
	cs, err := New(Config{Resources: d})
	if err != nil {
		t.Fatal(err)
	}
	rows := rowsOf(t, "x,y\n1,1\n2,2\n1,2\n", nil)
	if got, err := cs.Check("default", "flights", rows); !trimtab.IsKind(err, trimtab.Unavailable) {
		t.Fatalf("before anything was read: %v, %v", got, err)
	}
	d.down = false
	if got, err := cs.Check("default", "flights", rows); err != nil || got == nil {
		t.Errorf("read when first asked: %v, %v", got, err)
	}
	d.all[0] = contractResource(t, "a", trimtab.DataContractSpec{Endpoint: "flights", OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Min: ptr(2.0)}}})
	d.all[0].Generation++
	if err := cs.Consumer().Handle(t.Context(), []trimtab.Entry{{Change: trimtab.Change{Object: trimtab.Object{Kind: "datacontract"}}}}); err != nil {
		t.Fatal(err)
	}
	got, err := cs.Check("default", "flights", rows)
	if want := []string{"a/x.range", "b/y.range", "a/x.range"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if got, err := cs.Check("elsewhere", "flights", rows); got != nil || err != nil {
		t.Errorf("another project: %v, %v", got, err)
	}
	good := rowsOf(t, "x,y\n5,1\n", nil)
	if n := testing.AllocsPerRun(100, func() {
		if rows, err := cs.Check("default", "flights", good); rows != nil || err != nil {
			t.Fatal(rows, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a request, want none", n)
	}
	if _, err := cs.Check("default", "other", rows); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("got %v, want a refusal", err)
	}
}
