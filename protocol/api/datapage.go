package api

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// Objects opens stored objects.
type Objects interface {
	Object(ctx context.Context, d trimtab.Digest) (io.ReadCloser, error)
}

// Limits of one answer.
const (
	usedRuns      = 200 // pipeline runs among which the uses of a snapshot are looked for
	mostSnapshots = 100
	resultCells   = 60_000 // rules times sets of a contract's page
	mostResults   = 500
)

func (t *table) dataPages() {
	add(t, operation{id: "getData", method: "GET", path: "/data", summary: "Show sources, contracts and what is kept out", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.DataPage, error) { return t.dataPage(ctx) })
	add(t, operation{id: "getSource", method: "GET", path: "/data/sources/{name}", summary: "Show a source with its snapshots, newest first, and the runs that used them", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			PageIn
			Name string `path:"name"`
		}) (view.SourcePage, error) {
			return t.sourcePage(ctx, in.Name, min(in.Limit, mostSnapshots), trimtab.PageToken(in.After))
		})
	add(t, operation{id: "getSnapshot", method: "GET", path: "/data/sources/{name}/snapshots/{digest}", summary: "Show what the columns of a snapshot look like, beside another one", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name    string `path:"name"`
			Digest  string `path:"digest" doc:"sha256: and 64 lowercase hexadecimal digits."`
			Against string `query:"against" doc:"The digest of an earlier snapshot."`
		}) (dataset.SnapshotLook, error) {
			return t.snapshot(ctx, in.Name, trimtab.Digest(in.Digest), trimtab.Digest(in.Against))
		})
	add(t, operation{id: "getContract", method: "GET", path: "/data/contracts/{name}", summary: "Show a contract with its results over time", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name   string `path:"name"`
			Before string `query:"before" doc:"Only results from before this moment of event time."`
		}) (view.ContractPage, error) {
			before, _, err := times(in.Before, "")
			if err != nil {
				return view.ContractPage{}, err
			}
			return t.contractPage(ctx, in.Name, before)
		})
	add(t, operation{id: "listFailing", method: "GET", path: "/data/contracts/{name}/failing", summary: "List the rows of a set that break a contract", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name    string `path:"name"`
			Subject string `query:"subject" required:"true" doc:"The set, as a result names it." example:"window 2013-04-08T00:00:00Z of flights"`
			Rule    string `query:"rule" doc:"Only of this rule."`
			After   int64  `query:"after" minimum:"0" doc:"The number next of the page before."`
			Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
		}) (contract.FailingPage, error) {
			none := contract.FailingPage{Rows: []contract.FailingRow{}}
			r, err := t.result(ctx, in.Name, in.Subject)
			if err != nil || r.FailingRows == "" {
				return none, err
			}
			return t.cfg.Watch.Failing.Failing(ctx, r.FailingRows, in.Rule, in.After, in.Limit)
		})
	stream(t, operation{id: "downloadFailing", method: "GET", path: "/data/contracts/{name}/failing.parquet", summary: "Download all rows of a set that break a contract", auth: route.Reader, content: "application/vnd.apache.parquet"},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name    string `path:"name"`
			Subject string `query:"subject" required:"true"`
		}, w http.ResponseWriter, _ *http.Request) error {
			r, err := t.result(ctx, in.Name, in.Subject)
			if err != nil {
				return err
			}
			objects, ok := t.cfg.Watch.Failing.(Objects)
			if r.FailingRows == "" || !ok {
				return trimtab.Errorf(trimtab.NotFound, "contract "+in.Name, "no failing rows of %s are kept", in.Subject)
			}
			body, err := objects.Object(ctx, r.FailingRows)
			if err != nil {
				return err
			}
			defer body.Close()
			w.Header().Set("Content-Type", "application/vnd.apache.parquet")
			w.Header().Set("Content-Disposition", `attachment; filename="failing.parquet"`)
			_, err = io.Copy(w, body)
			return err
		})
	add(t, operation{id: "getQuarantine", method: "GET", path: "/data/quarantine/{endpoint}", summary: "Show what is kept out of an endpoint's rows", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Endpoint string `path:"endpoint"`
		}) (view.QuarantinePage, error) {
			return t.quarantinePage(ctx, in.Endpoint)
		})
	add(t, operation{id: "listKeptOut", method: "GET", path: "/data/quarantine/{endpoint}/rows", summary: "List rows that are kept out, in order of event time", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Endpoint string `path:"endpoint"`
			Incident string `query:"incident" doc:"Only those that this incident keeps out."`
			Rule     string `query:"rule" doc:"Only those that were quarantined under this rule."`
			From     string `query:"from" doc:"Event time from here on."`
			To       string `query:"to" doc:"Event time before."`
			After    string `query:"after" doc:"The token next of the page before."`
			Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
		}) (out dataset.KeptOutRows, err error) {
			if t.cfg.Watch.KeptOut == nil {
				return out, absent("traffic log")
			}
			q := dataset.KeptOutQuery{Endpoint: in.Endpoint, Incident: in.Incident, Rule: in.Rule, After: trimtab.PageToken(in.After), Limit: in.Limit}
			if q.From, q.To, err = times(in.From, in.To); err != nil {
				return out, err
			}
			return t.cfg.Watch.KeptOut.KeptOut(ctx, q)
		})
}

func (t *table) dataPage(ctx context.Context) (out view.DataPage, err error) {
	out = view.DataPage{Sources: []view.DataSource{}, Contracts: []view.DataContract{}, Quarantine: []view.DataQuarantine{}}
	w := t.cfg.Watch
	if w.Snapshots == nil || w.Contracts == nil || t.cfg.Loop.Incidents == nil {
		return out, absent("data")
	}
	newest, counts, err := w.Snapshots.Newest(ctx)
	if err != nil {
		return out, err
	}
	if out.Sources, err = t.sources(ctx); err != nil {
		return out, err
	}
	for i := range out.Sources {
		s := &out.Sources[i]
		s.Snapshots = counts[s.Name]
		for _, x := range newest {
			if x.Source == s.Name {
				d := view.SnapshotOf(x, nil, nil)
				s.Newest = &d
			}
		}
	}
	contracts, err := t.cfg.Resources.List(ctx, trimtab.KindDataContract)
	if err != nil {
		return out, err
	}
	for _, r := range contracts {
		s, err := declaredSpec[trimtab.DataContractSpec](r)
		if err != nil {
			return out, err
		}
		results, err := w.Contracts.List(ctx, trimtab.DocumentQuery{Scope: r.Name, Limit: sparkWindows})
		if err != nil {
			return out, err
		}
		out.Contracts = append(out.Contracts, view.ContractOf(r.Name, s, results))
	}
	slices.SortStableFunc(out.Contracts, func(a, b view.DataContract) int {
		bad := func(c view.DataContract) int {
			if c.State == view.CellBad {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(bad(a), bad(b)), strings.Compare(a.Name, b.Name))
	})
	incidents, err := t.cfg.Loop.Incidents.List(ctx, trimtab.DocumentQuery{Limit: farBack})
	if err != nil {
		return out, err
	}
	endpoints, err := t.cfg.Resources.List(ctx, trimtab.KindEndpoint)
	if err != nil {
		return out, err
	}
	for _, r := range endpoints {
		logged, err := t.quarantined(ctx, r.Name)
		if err != nil {
			return out, err
		}
		own := slices.DeleteFunc(slices.Clone(incidents), func(i trimtab.Incident) bool { return i.Endpoint != r.Name })
		if q := view.QuarantineOf(r.Name, own, logged); q.Holds+q.Released > 0 || q.Logged > 0 {
			out.Quarantine = append(out.Quarantine, q)
		}
	}
	return out, nil
}

// sources are the declared ones, by name, with their contracts and pipelines.
func (t *table) sources(ctx context.Context) ([]view.DataSource, error) {
	out := []view.DataSource{}
	all, err := t.cfg.Resources.List(ctx, trimtab.KindDataSource)
	if err != nil {
		return out, err
	}
	contracts, err := t.contractsOf(ctx)
	if err != nil {
		return out, err
	}
	pipelines, err := t.cfg.Resources.List(ctx, trimtab.KindPipeline)
	if err != nil {
		return out, err
	}
	for _, r := range all {
		s, err := declaredSpec[trimtab.SourceSpec](r)
		if err != nil {
			return out, err
		}
		d := view.SourceOf(r, s)
		d.Contracts = append(d.Contracts, contracts["source/"+r.Name]...)
		for _, p := range pipelines {
			if view.ReadBy(view.PipelineSpecOf(p.Spec), r.Name) {
				d.Pipelines = append(d.Pipelines, p.Name)
			}
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b view.DataSource) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (t *table) sourcePage(ctx context.Context, name string, limit int, after trimtab.PageToken) (out view.SourcePage, err error) {
	w := t.cfg.Watch
	if w.Snapshots == nil || w.Contracts == nil || t.cfg.PipelineRuns == nil {
		return out, absent("data")
	}
	all, err := t.sources(ctx)
	if err != nil {
		return out, err
	}
	i := slices.IndexFunc(all, func(s view.DataSource) bool { return s.Name == name })
	if i < 0 {
		_, err := t.cfg.Resources.Get(ctx, trimtab.KindDataSource, name) // says what there is
		return out, err
	}
	out = view.SourcePage{Source: all[i], Snapshots: []view.DataSnapshot{}}
	snapshots, next, err := w.Snapshots.Page(ctx, name, limit, after)
	if err != nil {
		return out, err
	}
	out.Next = next
	runs, _, err := t.cfg.PipelineRuns.ListRuns(ctx, "", usedRuns, "")
	if err != nil {
		return out, err
	}
	var results []trimtab.ContractResult
	for _, c := range out.Source.Contracts {
		found, err := w.Contracts.List(ctx, trimtab.DocumentQuery{Scope: c, Limit: mostResults})
		if err != nil {
			return out, err
		}
		results = append(results, found...)
	}
	for _, s := range snapshots {
		out.Snapshots = append(out.Snapshots, view.SnapshotOf(s, runs, results))
	}
	if len(out.Snapshots) > 0 && after == "" {
		out.Source.Newest = &out.Snapshots[0]
	}
	_, counts, err := w.Snapshots.Newest(ctx)
	out.Source.Snapshots = counts[name]
	return out, err
}

func (t *table) snapshot(ctx context.Context, name string, digest, against trimtab.Digest) (out dataset.SnapshotLook, err error) {
	w := t.cfg.Watch
	if w.Snapshots == nil || w.Looker == nil {
		return out, absent("data")
	}
	for _, d := range []trimtab.Digest{digest, against} { // only what is a snapshot of this source is shown
		if d == "" {
			continue
		}
		if _, err := w.Snapshots.Get(ctx, name, d); err != nil {
			return out, err
		}
	}
	return w.Looker.Look(ctx, digest, against)
}

func (t *table) contractPage(ctx context.Context, name string, before trimtab.Time) (out view.ContractPage, err error) {
	w := t.cfg.Watch
	if w.Contracts == nil || t.cfg.Loop.Incidents == nil {
		return out, absent("data")
	}
	r, err := t.cfg.Resources.Get(ctx, trimtab.KindDataContract, name)
	if err != nil {
		return out, err
	}
	s, err := declaredSpec[trimtab.DataContractSpec](r)
	if err != nil {
		return out, err
	}
	newest, err := w.Contracts.List(ctx, trimtab.DocumentQuery{Scope: name, To: before, Limit: 1})
	if err != nil {
		return out, err
	}
	limit := mostResults
	if len(newest) == 1 {
		limit = min(max(resultCells/max(len(newest[0].Results), 1), fewestWindows), mostResults)
	}
	results, err := w.Contracts.List(ctx, trimtab.DocumentQuery{Scope: name, To: before, Limit: limit + 1})
	if err != nil {
		return out, err
	}
	more := len(results) > limit
	results = results[:min(len(results), limit)]
	var incidents []trimtab.Incident
	if s.Endpoint != "" {
		if incidents, err = t.cfg.Loop.Incidents.List(ctx, trimtab.DocumentQuery{Scope: s.Endpoint, Limit: openIncidents}); err != nil {
			return out, err
		}
	}
	return view.ContractPageOf(name, s, results, incidents, more), nil
}

// result is what a contract found in a set of rows.
func (t *table) result(ctx context.Context, name, subject string) (r trimtab.ContractResult, err error) {
	if t.cfg.Watch.Contracts == nil || t.cfg.Watch.Failing == nil {
		return r, absent("data")
	}
	return t.cfg.Watch.Contracts.Get(ctx, name+"/"+subject)
}

func (t *table) quarantinePage(ctx context.Context, endpoint string) (out view.QuarantinePage, err error) {
	if t.cfg.Loop.Incidents == nil {
		return out, absent("monitor")
	}
	if _, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, endpoint); err != nil {
		return out, err
	}
	incidents, err := t.cfg.Loop.Incidents.List(ctx, trimtab.DocumentQuery{Scope: endpoint, Limit: farBack})
	if err != nil {
		return out, err
	}
	logged, err := t.quarantined(ctx, endpoint)
	if err != nil {
		return out, err
	}
	return view.QuarantinePageOf(endpoint, incidents, logged), nil
}

// quarantined counts the logged rows that contracts quarantined.
func (t *table) quarantined(ctx context.Context, endpoint string) (int64, error) {
	if t.cfg.Serving == nil {
		return 0, nil
	}
	v := view.Endpoint{Name: endpoint}
	err := t.cfg.Serving.Serving(ctx, &v)
	return v.Counts["quarantined"], err
}
