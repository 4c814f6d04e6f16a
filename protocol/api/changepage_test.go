package api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/storage/sql"
)

// changeLog is the journal with the states beside it.
type changeLog struct {
	*sql.Journal
	resources *sql.Resources
}

func (c changeLog) States(ctx context.Context, digests []trimtab.Digest) (map[trimtab.Digest]trimtab.Resource, error) {
	return c.resources.States(ctx, digests)
}

// changePages declares in the browser what the command line has declared before,
// and goes back. The world has the proposal of the tests applied.
func (w *world) changePages(t *testing.T) {
	t.Helper()
	ctx, c := t.Context(), w.client
	first := must[view.ChangesPage](t)(c.Changes(ctx, 0, 10))
	if len(first.Items) != 1 || first.Items[0].Created != 4 || first.Items[0].ID != 1 || first.Items[0].Inventory != "cli:x" || first.Items[0].Manager != "cli" || first.Next != 0 {
		t.Fatalf("changes: %+v", first)
	}
	if s := first.Sources; len(s) != 1 || s[0].Inventory != "cli:x" || s[0].Resources != 4 || len(s[0].Drift) != 0 {
		t.Errorf("sources: %+v", s)
	}
	text := "apiVersion: trimtab.dev/v1alpha1\nkind: Endpoint\nmetadata: {name: flights, labels: {team: ml}}\nspec: {model: {name: flights, alias: blue}}\n---\n" +
		"apiVersion: trimtab.dev/v1alpha1\nkind: Model\nmetadata: {name: other}\nspec: {}\n---\n" +
		"apiVersion: trimtab.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: train}\nspec: {code: {path: code}, steps: [{name: a, run: python a.py}]}\n"
	r := view.ChangeRequest{Text: text, Manager: "ui"}
	p := must[view.ChangePlan](t)(c.PlanText(ctx, r))
	if len(p.Problems) != 0 || len(p.Actions) != 2 || p.Actions[0].Verb != "create" || p.Actions[1].Verb != "update" || p.Unchanged != 1 || p.Inventory != "cli:x" || p.Digest == "" {
		t.Fatalf("plan: %+v", p)
	}
	if f := p.Actions[1].Fields; len(f) != 2 || f[0].Path != "spec.model.alias" || f[0].Old != "" || f[0].New != `"blue"` {
		t.Errorf("fields: %+v", f)
	}
	if len(p.Notes) != 2 || !strings.Contains(p.Notes[0], "pipeline/train: its code code stays") || !strings.Contains(p.Notes[1], "It belongs to cli:x") || len(p.Drift) != 0 {
		t.Errorf("notes: %q", p.Notes)
	}
	if _, err := c.ApplyText(ctx, r); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("an apply without a digest: %v", err)
	}
	r.Expect = trimtab.DigestOf([]byte("another"))
	if _, err := c.ApplyText(ctx, r); !trimtab.IsKind(err, trimtab.Conflict) {
		t.Errorf("an apply of another plan: %v", err)
	}
	r.Expect = p.Digest
	must[view.ChangePlan](t)(c.ApplyText(ctx, r))

	page := must[view.ChangesPage](t)(c.Changes(ctx, 0, 1))
	if len(page.Items) != 1 || page.Items[0].Created != 1 || page.Items[0].Updated != 1 || page.Next != page.Items[0].ID || page.Items[0].Manager != "ui" {
		t.Fatalf("changes: %+v", page)
	}
	if s := page.Sources; len(s) != 1 || len(s[0].Drift) != 2 {
		t.Fatalf("sources: %+v", s)
	}
	for _, d := range page.Sources[0].Drift {
		if known := d.Name == "flights"; d.Manager != "ui" || d.Known != known || known && len(d.Fields) != 2 {
			t.Errorf("drift: %+v", d)
		}
	}
	if older := must[view.ChangesPage](t)(c.Changes(ctx, page.Next, 10)); len(older.Items) != 1 || older.Items[0].ID != 1 || len(older.Sources) != 0 {
		t.Errorf("older: %+v", older)
	}
	id := page.Items[0].ID
	change := must[view.ChangePage](t)(c.Change(ctx, id))
	if len(change.Actions) != 2 || !change.Actions[1].Known || len(change.Actions[1].Fields) != 2 || change.Actions[1].Since != "" || change.Undo != "" {
		t.Errorf("change: %+v", change)
	}
	if _, err := c.Change(ctx, id+1); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("the middle of an apply: %v", err)
	}
	if got := must[view.ChangePage](t)(c.Change(ctx, 1)); len(got.Actions) != 4 || got.Actions[2].Since != "changed" || got.Actions[0].Since != "" {
		t.Errorf("first: %+v", got.Actions)
	}
	back := must[view.ChangePlan](t)(c.PlanUndo(ctx, id))
	if len(back.Actions) != 2 || back.Actions[0].Verb != "update" || back.Actions[1].Verb != "delete" || back.Inventory != "cli:x" {
		t.Fatalf("back: %+v", back)
	}
	if _, err := c.Undo(ctx, id, "ui", back.Digest); !trimtab.IsKind(err, trimtab.Conflict) {
		t.Errorf("the plan of another manager: %v", err)
	}
	if _, err := c.Undo(ctx, id, "", back.Digest); err != nil {
		t.Fatal(err)
	}
	if got := must[view.Resource](t)(c.Resource(ctx, "endpoint", "flights")); string(got.Spec) != `{"model":{"name":"flights"}}` || got.Labels["team"] != "ops" || got.Generation != 3 || got.Inventory != "cli:x" || got.Manager != "api" {
		t.Errorf("after the undo: %+v (%s)", got, got.Spec)
	}
	if again := must[view.ChangePlan](t)(c.PlanUndo(ctx, id)); len(again.Actions) != 0 {
		t.Errorf("undone twice: %+v", again.Actions)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"no YAML":         {"a: [", "can not be read"},
		"nothing":         {"# nothing\n", "there are no declarations here"},
		"unknown kind":    {"apiVersion: trimtab.dev/v1alpha1\nkind: Enpoint\nmetadata: {name: x}\n", "unknown kind"},
		"a file":          {"apiVersion: trimtab.dev/v1alpha1\nkind: DataSource\nmetadata: {name: s}\nspec: {path: a.csv, key: [id], eventTime: at}\n", "which the browser cannot send"},
		"another project": {"apiVersion: trimtab.dev/v1alpha1\nkind: Model\nmetadata: {name: s, project: other}\nspec: {}\n", "belongs to project other"},
	} {
		p := must[view.ChangePlan](t)(c.PlanText(ctx, view.ChangeRequest{Text: tc.text}))
		if len(p.Problems) == 0 || !strings.Contains(p.Problems[0].Summary, tc.want) || p.Digest != "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
