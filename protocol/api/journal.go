package api

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/storage/journal"
)

func (t *table) journal() {
	add(t, operation{id: "listEntries", method: "GET", path: "/journal", summary: "List journal entries, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
			Before int64  `query:"before" minimum:"0" doc:"Only entries before this index; 0 begins at the end."`
			Kind   string `query:"kind" doc:"With name: only entries of this object."`
			Name   string `query:"name"`
		}) (view.List[view.Entry], error) {
			out := view.List[view.Entry]{Items: []view.Entry{}}
			var entries []trimtab.Entry
			var err error
			if in.Kind != "" || in.Name != "" {
				if in.Kind == "" || in.Name == "" {
					return out, trimtab.Errorf(trimtab.Invalid, "request", "kind and name belong together: they name one object")
				}
				entries, err = t.cfg.Journal.ByObject(ctx, in.Kind, in.Name, in.Limit)
			} else {
				entries, err = t.cfg.Journal.Newest(ctx, in.Before, in.Limit)
			}
			for _, e := range entries {
				out.Items = append(out.Items, view.OfEntry(e))
			}
			return out, err
		})
	add(t, operation{id: "verifyAudit", method: "POST", path: "/audit/verify", summary: "Verify the journal and every governed row", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (journal.Report, error) {
			report, err := t.cfg.Journal.Verify(ctx, true)
			if err != nil {
				return journal.Report{}, err
			}
			return *report, nil
		})
}
