package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// Finder looks names up.
type Finder interface {
	// Find returns what is called so as its kind (a journal's word, or that of a
	// declaration), name, what it belongs to, and what people call it.
	Find(ctx context.Context, text string, limit int) ([]view.Found, error)
	Projects(ctx context.Context) ([]trimtab.Workspace, error)
}

// foundOfEach bounds the objects of one sort.
const foundOfEach = 12

func (t *table) find() {
	add(t, operation{id: "find", method: "GET", path: "/find", summary: "Find objects by name", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Text string `query:"text" maxLength:"200" doc:"A part of a name, without regard to case, or the beginning of a run's id."`
		}) (view.Find, error) {
			out := view.Find{Found: []view.Found{}}
			if t.cfg.Finder == nil {
				return out, absent("index of names")
			}
			found, err := t.cfg.Finder.Find(ctx, in.Text, foundOfEach)
			if err != nil {
				return out, err
			}
			if out.Found, err = t.place(ctx, found); err != nil {
				return out, err
			}
			begins := func(f view.Found) bool {
				return strings.HasPrefix(strings.ToLower(cmp.Or(f.Text, f.Name)), strings.ToLower(in.Text))
			}
			slices.SortStableFunc(out.Found, func(a, b view.Found) int {
				switch {
				case begins(a) == begins(b):
					return 0
				case begins(a):
					return -1
				}
				return 1
			})
			return out, nil
		})
	add(t, operation{id: "listProjects", method: "GET", path: "/projects", summary: "List the projects of this server", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.Projects, error) {
			out := view.Projects{Projects: []trimtab.Workspace{trimtab.DefaultWorkspace}}
			if t.cfg.Finder == nil {
				return out, nil
			}
			all, err := t.cfg.Finder.Projects(ctx)
			for _, p := range all {
				if p != trimtab.DefaultWorkspace {
					out.Projects = append(out.Projects, p)
				}
			}
			return out, err
		})
}

// place names declared kinds as the journal does, leaves out those that have no
// page, tells a model that is declared and registered once, and says which endpoint
// a policy acts on.
func (t *table) place(ctx context.Context, found []view.Found) ([]view.Found, error) {
	out := []view.Found{}
	seen := map[string]bool{}
	for _, f := range found {
		switch f.Kind {
		case trimtab.KindProject, trimtab.KindChannel, trimtab.KindEvaluationSuite:
			continue
		case trimtab.KindRetrainPolicy:
			r, err := t.cfg.Resources.Get(ctx, f.Kind, f.Name)
			if err != nil {
				return nil, err
			}
			s, err := declaredSpec[trimtab.RetrainPolicySpec](r)
			if err != nil {
				return nil, err
			}
			m, err := t.cfg.Resources.Get(ctx, trimtab.KindMonitor, s.Monitor)
			if trimtab.KindOf(err) == trimtab.NotFound {
				continue // its monitor is gone: there is no endpoint to show
			}
			if err != nil {
				return nil, err
			}
			watched, err := declaredSpec[trimtab.MonitorSpec](m)
			if err != nil {
				return nil, err
			}
			f.Parent = watched.Endpoint
		}
		f.Kind = strings.ToLower(f.Kind[:1]) + f.Kind[1:]
		if key := f.Kind + " " + f.Name + " " + f.Parent; !seen[key] {
			seen[key] = true
			out = append(out, f)
		}
	}
	return out, nil
}
