package api

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/storage/journal"
)

// Audit searches the journal and proves its entries.
type Audit interface {
	Search(ctx context.Context, s journal.Search) (journal.Found, error)
	// Evidence proves entries by their indices, and that the log extends the one of
	// since entries (0: nothing to extend).
	Evidence(ctx context.Context, indices []int64, since int64) (journal.Evidence, error)
}

// maxProofs bounds the entries that are proved in one answer.
const maxProofs = 200

func (t *table) audit() {
	add(t, operation{id: "searchAudit", method: "GET", path: "/pages/audit", summary: "Search the audit log, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
			Before int64  `query:"before" minimum:"0" doc:"The number next of the page before; 0 begins at the end."`
			Kind   string `query:"kind" maxLength:"200" doc:"Only of objects of this kind."`
			Name   string `query:"name" maxLength:"500" doc:"Only of objects of this name."`
			Action string `query:"action" maxLength:"200" doc:"The action begins so."`
			Actor  string `query:"actor" maxLength:"200" doc:"Part of the actor's id, or its kind."`
			Text   string `query:"text" maxLength:"500" doc:"Text anywhere in the entry."`
			From   string `query:"from" doc:"From this moment on."`
			To     string `query:"to" doc:"Before this moment."`
		}) (view.AuditPage, error) {
			if t.cfg.Audit == nil {
				return view.AuditPage{}, absent("audit log")
			}
			from, to, err := times(in.From, in.To)
			if err != nil {
				return view.AuditPage{}, err
			}
			found, err := t.cfg.Audit.Search(ctx, journal.Search{Before: in.Before, Kind: in.Kind, Name: in.Name, Action: in.Action, Actor: in.Actor, Text: in.Text, From: from, To: to, Limit: in.Limit})
			return view.AuditPageOf(found), err
		})
	add(t, operation{id: "proveEntry", method: "GET", path: "/journal/{index}/proof", summary: "Prove an entry: its bytes, a signed checkpoint, and the hashes from one to the other", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Index int64 `path:"index" minimum:"1"`
			Since int64 `query:"since" minimum:"0" doc:"The size of a checkpoint seen earlier: the answer proves that the log extends it."`
		}) (view.AuditEvidence, error) {
			return t.evidence(ctx, []int64{in.Index}, in.Since)
		})
	add(t, operation{id: "proveEntries", method: "GET", path: "/audit/proofs", summary: "Prove several entries against one signed checkpoint", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Index []int64 `query:"index" maxItems:"200" doc:"Indices, parted by commas; none proves only that the log extends itself."`
			Since int64   `query:"since" minimum:"0" doc:"The size of a checkpoint seen earlier: the answer proves that the log extends it."`
		}) (view.AuditEvidence, error) {
			return t.evidence(ctx, in.Index, in.Since)
		})
}

func (t *table) evidence(ctx context.Context, indices []int64, since int64) (view.AuditEvidence, error) {
	if t.cfg.Audit == nil {
		return view.AuditEvidence{}, absent("audit log")
	}
	if len(indices) > maxProofs {
		return view.AuditEvidence{}, trimtab.Errorf(trimtab.Invalid, "request", "%d entries: at most %d are proved at once", len(indices), maxProofs)
	}
	e, err := t.cfg.Audit.Evidence(ctx, indices, since)
	if err != nil {
		return view.AuditEvidence{}, err
	}
	return view.EvidenceOf(e), nil
}
