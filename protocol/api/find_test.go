package api_test

import (
	"context"
	"slices"
	"testing"

	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/storage/sql"
)

// finder looks names up in the database of the test.
type finder struct{ *sql.DB }

func (f finder) Find(ctx context.Context, text string, limit int) (out []view.Found, err error) {
	all, err := f.DB.Find(ctx, text, limit)
	for _, n := range all {
		out = append(out, view.Found(n))
	}
	return out, err
}

func aboutThis(context.Context) (view.About, error) {
	return view.About{Version: "test", Settings: []view.Setting{{Name: "listen", Value: "127.0.0.1:5000"}}}, nil
}

func (w *world) find(t *testing.T) {
	t.Helper()
	var found view.Find
	if code := w.get(t, "/find?text=FLIG", &found); code != 200 || len(found.Found) == 0 {
		t.Fatalf("find: %d %+v", code, found)
	}
	for _, want := range []view.Found{{Kind: "endpoint", Name: "flights"}, {Kind: "model", Name: "flights"}} {
		if !slices.Contains(found.Found, want) {
			t.Errorf("%+v was not found in %+v", want, found.Found)
		}
	}
	for i, f := range found.Found {
		if slices.Index(found.Found, f) != i {
			t.Errorf("%+v was found twice", f)
		}
	}
	found = view.Find{}
	if code := w.get(t, "/find?text=nothing+is+called+so", &found); code != 200 || len(found.Found) != 0 {
		t.Errorf("find nothing: %d %+v", code, found)
	}
	var projects view.Projects
	if code := w.get(t, "/projects", &projects); code != 200 || len(projects.Projects) != 1 || projects.Projects[0] != "default" {
		t.Errorf("projects: %d %+v", code, projects)
	}
	var about view.About
	if code := w.get(t, "/about", &about); code != 200 || about.Version != "test" {
		t.Errorf("about: %d %+v", code, about)
	}
}
