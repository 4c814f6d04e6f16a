package dataset

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
)

// declarations are the contracts of a source.
type declarations []trimtab.DataContractSpec

func (d declarations) Everywhere(ctx context.Context, kind string) (out []trimtab.Resource, err error) {
	for _, spec := range d {
		raw, err := json.Marshal(spec)
		if err != nil {
			return nil, err
		}
		out = append(out, trimtab.Resource{Workspace: trimtab.CallOf(ctx).Workspace, Kind: kind, Name: "rows", Spec: raw})
	}
	return out, nil
}

func (d declarations) Get(ctx context.Context, kind, name string) (trimtab.Resource, error) {
	return trimtab.Resource{}, trimtab.Errorf(trimtab.NotFound, name, "nothing")
}

// TestContractsOfASource leaves quarantined rows out of a snapshot, refuses one that breaks a rejecting rule, and tells
// the cache of steps that another contract is another snapshot.
func TestContractsOfASource(t *testing.T) {
	five, ten := 5.0, 10.0
	w, _ := newWorld(t)
	w.spec = trimtab.SourceSpec{Path: "f.csv", Key: []string{"id"}, EventTime: "at"}
	w.put(t, "id,at,x\na,2013-01-01,1\nb,2013-01-02,9\nc,2013-01-03,3\n")
	take := func(spec trimtab.DataContractSpec) (trimtab.Snapshot, trimtab.Digest, error) {
		t.Helper()
		spec.Source = "src"
		contracts, err := contract.New(contract.Config{Resources: declarations{spec}})
		if err != nil {
			t.Fatal(err)
		}
		if err := contracts.Resync(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := New(Config{Blobs: w.blobs, Sources: w, Snapshots: w, Contracts: contracts, Clock: func() trimtab.Time { return 1 }})
		step := trimtab.DatasetSpec{Source: "src", AsOf: "2013-02-01"}
		depends, err := d.Served(t.Context(), step)
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Take(t.Context(), step)
		return s, depends, err
	}
	held, first, err := take(trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Max: &five}}})
	if err != nil || held.Rows != 2 {
		t.Fatalf("%d rows, %v; want the two that keep the contract", held.Rows, err)
	}
	named := false
	for why, n := range held.Dropped {
		named = named || strings.HasPrefix(why, "quarantined: ") && strings.Contains(why, "x") && n == 1
	}
	if !named {
		t.Errorf("dropped %v does not name the rule", held.Dropped)
	}
	whole, second, err := take(trimtab.DataContractSpec{OnFail: "quarantine", Columns: map[string]trimtab.ColumnRule{"x": {Max: &ten}}})
	if err != nil || whole.Rows != 3 || first == second || first == "" {
		t.Errorf("%d rows, %v, depends on %q and %q; want all three, and another digest", whole.Rows, err, first, second)
	}
	before := len(w.snapshots)
	if _, _, err := take(trimtab.DataContractSpec{OnFail: "reject", Columns: map[string]trimtab.ColumnRule{"x": {Max: &five}}}); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("a snapshot that breaks a rejecting rule: %v", err)
	}
	if len(w.snapshots) != before {
		t.Error("the refused snapshot was recorded")
	}
}
