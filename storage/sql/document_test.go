package sql

import (
	"errors"
	"sync"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestDocuments keeps incidents: moved by rules, listed, counted once under
// contention, and found when edited behind the server's back.
func TestDocuments(t *testing.T) { engines(t, documents) }

func documents(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Incidents.Get(ctx, "x"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Fatalf("an absent document: %v", err)
	}
	open := func(name string, begin trimtab.Time) {
		t.Helper()
		_, err := db.Incidents.Move(ctx, name, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
			if old != nil {
				return *old, trimtab.Change{}, nil
			}
			i := trimtab.Incident{ID: name, Kind: trimtab.DataFault, Endpoint: "flights", Begin: begin, Found: begin + 10, Cause: "unit", Hold: true}
			return i, trimtab.Changed("incident.open", nil, i, i.Cause), nil
		})
		must(err)
	}
	open("a", 10)
	open("a", 99) // the same again changes nothing
	open("b", 20)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := db.Incidents.Move(ctx, "counted", func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
				next := trimtab.Incident{ID: "counted", Kind: trimtab.Drift, Endpoint: "other", Begin: 30}
				if old != nil {
					next = *old
				}
				next.Rows++
				return next, trimtab.Changed("incident.update", old, next, ""), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := db.Incidents.Get(ctx, "counted"); err != nil || got.Rows != 8 || got.Workspace == "" {
		t.Fatalf("eight moves gave %+v, %v", got, err)
	}
	_, err := db.Incidents.Move(ctx, "a", func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) { return old.Close(15, 40, "") })
	must(err)
	refused := errors.New("refused")
	if _, err := db.Incidents.Move(ctx, "a", func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		return *old, trimtab.Change{}, refused
	}); !errors.Is(err, refused) {
		t.Fatalf("a refusing rule: %v", err)
	}
	names := func(q trimtab.DocumentQuery) (out string) {
		t.Helper()
		all, err := db.Incidents.List(ctx, q)
		must(err)
		for _, i := range all {
			out += i.ID + " "
		}
		return out
	}
	for _, c := range []struct {
		q    trimtab.DocumentQuery
		want string
	}{
		{trimtab.DocumentQuery{}, "counted b a "},
		{trimtab.DocumentQuery{Scope: "flights"}, "b a "},
		{trimtab.DocumentQuery{Open: true}, "counted b "},
		{trimtab.DocumentQuery{From: 10, To: 30}, "b a "},
		{trimtab.DocumentQuery{Limit: 1}, "counted "},
	} {
		if got := names(c.q); got != c.want {
			t.Errorf("List(%+v) = %q, want %q", c.q, got, c.want)
		}
	}
	everywhere, err := db.Incidents.Open(ctx)
	must(err)
	if len(everywhere) != 2 {
		t.Errorf("%d open incidents, want 2", len(everywhere))
	}
	must(db.Journal.Flush(ctx))
	report, err := db.Journal.Verify(ctx, true)
	must(err)
	if len(report.Findings) > 0 {
		t.Fatalf("an honest database has findings: %+v", report.Findings)
	}
	outside(t, url, `UPDATE documents SET body = replace(body, '"cause":"unit"', '"cause":"none"') WHERE name = 'b'`)
	report, err = db.Journal.Verify(ctx, true)
	must(err)
	if len(report.Findings) == 0 {
		t.Error("an edited document is not found")
	}
}
