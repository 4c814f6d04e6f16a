package sql

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/storage/journal"
)

func declared(kind, name, spec string) trimtab.Resource {
	return trimtab.Resource{Kind: kind, Name: name, Spec: json.RawMessage(spec), Manager: "cli", Inventory: "cli:x", Labels: map[string]string{"b": "2", "a": "1"}}
}

func TestResources(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "trimtab.db"))
	exerciseResources(t, db)
}

func TestResourcesOnPostgres(t *testing.T) {
	db, err := Open(t.Context(), Config{URL: postgres.URL(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	defer db.Close()
	defer func() { cancel(); <-done }()
	exerciseResources(t, db)
}

func exerciseResources(t *testing.T, db *DB) {
	ctx, res := t.Context(), db.Resources
	model, endpoint := declared(trimtab.KindModel, "m", `{"task":"binary"}`), declared(trimtab.KindEndpoint, "e", `{"model":{"name":"m"}}`)
	apply := func(w ...trimtab.ResourceWrite) error { return res.Apply(ctx, w) }
	if err := apply(trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: endpoint}, trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: model}); err != nil {
		t.Fatal(err)
	}
	all, err := res.List(ctx, "")
	if err != nil || len(all) != 2 || all[0].Ref() != "model/m" || all[1].Ref() != "endpoint/e" {
		t.Fatalf("listed %v (%v)", all, err)
	}
	if all[0].Generation != 1 || all[0].UID == "" || all[0].Created == 0 || !cmp.Equal(all[0].Labels, model.Labels) || string(all[0].Status) != "{}" {
		t.Errorf("stored %+v", all[0])
	}
	// One stale write undoes the whole apply.
	changed := endpoint
	changed.Spec = json.RawMessage(`{"model":{"name":"other"}}`)
	err = apply(trimtab.ResourceWrite{Verb: trimtab.UpdateVerb, Resource: changed, ExpectGeneration: 1}, trimtab.ResourceWrite{Verb: trimtab.DeleteVerb, Resource: model, ExpectGeneration: 7})
	if !trimtab.IsKind(err, trimtab.Conflict) {
		t.Errorf("a stale apply: %v", err)
	}
	if e, _ := res.Get(ctx, trimtab.KindEndpoint, "e"); e.Generation != 1 {
		t.Errorf("a stale apply left generation %d", e.Generation)
	}
	if err := apply(trimtab.ResourceWrite{Verb: trimtab.UpdateVerb, Resource: changed, ExpectGeneration: 1}); err != nil {
		t.Fatal(err)
	}
	if err := apply(trimtab.ResourceWrite{Verb: trimtab.UpdateVerb, Resource: changed, ExpectGeneration: 2}); err != nil {
		t.Fatal(err)
	}
	if err := res.SetStatus(ctx, trimtab.KindEndpoint, "e", json.RawMessage(`{"ready":true}`)); err != nil {
		t.Fatal(err)
	}
	if e, _ := res.Get(ctx, trimtab.KindEndpoint, "e"); e.Generation != 2 || string(e.Status) != `{"ready":true}` {
		t.Errorf("after the update: %+v", e)
	}
	// A replacement is a new resource of the same name.
	before, _ := res.Get(ctx, trimtab.KindEndpoint, "e")
	if err := apply(trimtab.ResourceWrite{Verb: trimtab.DeleteVerb, Resource: endpoint, ExpectGeneration: 2}, trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: endpoint}); err != nil {
		t.Fatal(err)
	}
	if e, _ := res.Get(ctx, trimtab.KindEndpoint, "e"); e.Generation != 1 || e.UID == before.UID {
		t.Errorf("after the replacement: %+v", e)
	}
	other := trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Local, Workspace: "other"})
	if list, err := res.List(other, ""); err != nil || len(list) != 0 {
		t.Errorf("another project sees %v (%v)", list, err)
	}
	if err := res.Apply(other, []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb, Resource: model}}); err != nil {
		t.Fatal(err)
	}
	if list, err := res.Everywhere(ctx, trimtab.KindModel); err != nil || len(list) != 2 {
		t.Errorf("everywhere: %v (%v)", list, err)
	}
	if err := apply(trimtab.ResourceWrite{Verb: trimtab.DeleteVerb, Resource: model}); err != nil {
		t.Fatal(err)
	}
	if _, err := res.Get(ctx, trimtab.KindModel, "m"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("after the delete: %v", err)
	}
	if err := res.SetStatus(ctx, trimtab.KindModel, "m", json.RawMessage(`{}`)); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("a status of nothing: %v", err)
	}
	// On PostgreSQL entries get their place after the commit.
	if err := db.Journal.Wait(ctx, 6); err != nil {
		t.Fatal(err)
	}
	report := auditResources(t, db)
	if !report.OK() || report.Rows != 2 || report.Entries != 7 {
		t.Errorf("audit: %+v; an apply that changes nothing and a status leave no entries, the others seven", report)
	}
}

// auditResources verifies the journal against the rows of declared resources alone.
func auditResources(t *testing.T, db *DB) *journal.Report {
	t.Helper()
	report := &journal.Report{}
	err := db.read(t.Context(), func(q *Query) error {
		checkers, err := db.Journal.verifyLogs(q, report)
		if err != nil {
			return err
		}
		return governedResources(q, func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error {
			checkers[ws].Row(obj, entry, state)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestEditedResourceIsFound(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "trimtab.db"))
	if err := db.Resources.Apply(t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb, Resource: declared(trimtab.KindModel, "m", `{}`)}}); err != nil {
		t.Fatal(err)
	}
	if err := db.write(t.Context(), measured, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE resources SET spec = ? WHERE name = ?", `{"task":"regression"}`, "m")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if report := auditResources(t, db); report.OK() {
		t.Error("an edited spec was not found")
	}
}
