package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/storage/journal"
)

// beat keeps an idle event stream open through proxies.
const beat = 15 * time.Second

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
	stream(t, operation{id: "events", method: "GET", path: "/events", summary: "Stream notices of what changes", auth: route.Reader, content: "text/event-stream"},
		func(ctx context.Context, in *struct {
			ProjectIn
			After       int64  `query:"after" minimum:"0" doc:"Notices after this index; without it, from now on."`
			LastEventID string `header:"Last-Event-ID" doc:"What a browser sends when it connects again."`
		}, w http.ResponseWriter, r *http.Request) error {
			after := in.After
			if id, err := strconv.ParseInt(in.LastEventID, 10, 64); err == nil && id > after {
				after = id
			}
			return t.events(ctx, after, w, r)
		})
}

func (t *table) events(ctx context.Context, after int64, w http.ResponseWriter, r *http.Request) error {
	if after == 0 {
		var err error
		if after, err = t.cfg.Journal.Head(ctx); err != nil {
			return err
		}
	}
	project := trimtab.CallOf(ctx).Workspace
	events, err := route.Stream(w, r)
	if err != nil {
		return err
	}
	if err := events.Beat(); err != nil {
		return nil // the listener has gone
	}
	for {
		entries, err := t.cfg.Journal.Entries(ctx, after, 500)
		if err != nil {
			return nil // the stream ends; the listener connects again with its last id
		}
		for _, e := range entries {
			after = e.Index
			if e.Workspace != project {
				continue
			}
			if err := events.Send("change", strconv.FormatInt(e.Index, 10), view.OfNotice(e)); err != nil {
				return nil
			}
		}
		if len(entries) > 0 {
			continue
		}
		quiet, cancel := context.WithTimeout(ctx, beat)
		err = t.cfg.Journal.Wait(quiet, after)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if err := events.Beat(); err != nil {
				return nil
			}
		}
	}
}
