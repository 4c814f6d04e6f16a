package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
	"github.com/trimtab/trimtab/storage/journal"
)

// plane is a data plane with one endpoint.
type plane struct{}

func (plane) Routes(_ context.Context, p *view.EndpointPage, _ *trimtab.Rollout) {
	p.Routes = append(p.Routes, view.EndpointRoute{Version: 3, Role: "answers", Share: 1})
}

func (plane) Example(_ context.Context, endpoint string) (view.EndpointExample, error) {
	if endpoint != "flights" {
		return view.EndpointExample{}, trimtab.Errorf(trimtab.NotFound, "endpoint "+endpoint, "endpoint %s is not declared", endpoint)
	}
	return view.EndpointExample{Source: "zero", Body: `{}`}, nil
}

func (plane) Try(_ context.Context, endpoint string, body []byte, version trimtab.Version) (view.EndpointTrial, error) {
	if !json.Valid(body) {
		return view.EndpointTrial{}, trimtab.Errorf(trimtab.Invalid, "request", "the body is no JSON")
	}
	return view.EndpointTrial{Version: max(version, 3), Rows: 1, Outputs: []string{"prediction"}, Values: []view.Figure{view.Figure(math.NaN())}}, nil
}

func (plane) Requests(context.Context, string, trimtab.Version) (int64, int64) { return 7, 1 }

func (plane) Recent(_ context.Context, endpoint string, steps int) view.RecentTraffic {
	return view.RecentTraffic{Now: trimtab.Time(steps), Endpoints: []view.EndpointTraffic{{Endpoint: endpoint}}}
}

// audit is a journal of three entries.
type audit struct{}

func (audit) Search(_ context.Context, s journal.Search) (journal.Found, error) {
	return journal.Found{Entries: []trimtab.Entry{{ID: "x", Change: trimtab.Change{Action: s.Action, Object: trimtab.Object{Kind: s.Kind, Name: s.Name}, Reason: s.Text}, Index: s.Before - 1}}, Next: 5, Looked: s.Limit}, nil
}

func (audit) Evidence(_ context.Context, indices []int64, since int64) (journal.Evidence, error) {
	e := journal.Evidence{Note: []byte("note"), Key: "key", Size: 3, Since: since}
	for _, i := range indices {
		if i > 3 {
			return e, trimtab.Errorf(trimtab.NotFound, "entry", "the journal of project default has no entry %d", i)
		}
		e.Proofs = append(e.Proofs, journal.Proof{Index: i, Leaf: i - 1, Body: []byte("{}")})
	}
	return e, nil
}

type noWindows struct{}

func (noWindows) Recent(context.Context, string, trimtab.Time, int) ([]trimtab.WindowResult, error) {
	return nil, nil
}

func pagesOfEndpoints(db api.EndpointStates) api.EndpointPages {
	stop := make(chan struct{})
	close(stop)
	return api.EndpointPages{Plane: plane{}, States: db, Windows: noWindows{}, Stop: stop}
}

// get reads an address below the project as v and returns the status.
func (w *world) get(t *testing.T, path string, v any) int {
	t.Helper()
	res, err := http.Get(w.server.URL + api.Base + "/default" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode == http.StatusOK && v != nil {
		if err := json.Unmarshal(body, v); err != nil {
			t.Fatalf("%s: %v\n%s", path, err, body)
		}
	}
	return res.StatusCode
}

// endpointPages calls what the pages of endpoints, rollouts and the audit log ask.
func (w *world) endpointPages(t *testing.T) {
	var list view.EndpointList
	if status := w.get(t, "/pages/endpoints", &list); status != 200 || len(list.Items) == 0 {
		t.Errorf("endpoints: %d %+v", status, list)
	}
	name := list.Items[0].Name
	var page view.EndpointPage
	if status := w.get(t, "/pages/endpoints/"+name, &page); status != 200 || page.Endpoint.Name != name || len(page.Routes) != 1 {
		t.Errorf("endpoint: %d %+v", status, page)
	}
	if status := w.get(t, "/pages/endpoints/nowhere", nil); status != 404 {
		t.Errorf("an endpoint that is not declared: %d", status)
	}
	var example view.EndpointExample
	if status := w.get(t, "/endpoints/flights/example", &example); status != 200 || example.Source != "zero" {
		t.Errorf("example: %d %+v", status, example)
	}
	res, err := http.Post(w.server.URL+api.Base+"/default/endpoints/flights/try?version=4", "application/json", strings.NewReader(`{"dataframe_split":{"columns":[],"data":[]}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 200 || !strings.Contains(string(body), `"version":4,"rows":1,"outputs":["prediction"],"values":[null]`) {
		t.Errorf("try: %d %s", res.StatusCode, body)
	}
	var recent view.RecentTraffic
	if status := w.get(t, "/traffic/recent?endpoint="+name, &recent); status != 200 || recent.Endpoints[0].Endpoint != name {
		t.Errorf("traffic: %d %+v", status, recent)
	}
	if status := w.get(t, "/traffic/recent?endpoint=nowhere", nil); status != 404 {
		t.Errorf("traffic of an endpoint that is not declared: %d", status)
	}
	live, err := http.Get(w.server.URL + api.Base + "/default/traffic/live")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Body.Close()
	lines := bufio.NewScanner(live.Body)
	if !lines.Scan() || lines.Text() != "event: all" || live.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("live traffic begins with %q", lines.Text())
	}
	for lines.Scan() { // to its end: the server stops
	}
	var found view.AuditPage
	if status := w.get(t, "/pages/audit?before=9&action=a&kind=k&name=n&text=t&limit=2", &found); status != 200 || found.Next != 5 || found.Looked != 2 || found.Items[0].Index != 8 || found.Items[0].Reason != "t" {
		t.Errorf("audit: %d %+v", status, found)
	}
	if status := w.get(t, "/pages/audit?from=noon", nil); status != 400 {
		t.Errorf("no moment: %d", status)
	}
	var e view.AuditEvidence
	if status := w.get(t, "/audit/proofs?index=1,3&since=2", &e); status != 200 || len(e.Proofs) != 2 || e.Proofs[1].Body != "e30=" || e.Since != 2 || e.Extends == nil {
		t.Errorf("proofs: %d %+v", status, e)
	}
	if status := w.get(t, "/journal/2/proof", &e); status != 200 || e.Proofs[0].Index != 2 {
		t.Errorf("proof: %d %+v", status, e)
	}
	if status := w.get(t, "/journal/4/proof", nil); status != 404 {
		t.Errorf("an entry that does not exist: %d", status)
	}
	var rollout view.RolloutPage
	rollouts, err := w.db.Rollouts.List(t.Context(), trimtab.DocumentQuery{Limit: 1})
	if err != nil || len(rollouts) == 0 {
		t.Fatalf("the world has no rollout (%v)", err)
	}
	if status := w.get(t, "/pages/rollouts/"+rollouts[0].ID, &rollout); status != 200 || rollout.Rollout.ID != rollouts[0].ID || len(rollout.Steps) == 0 {
		t.Errorf("rollout: %d %+v", status, rollout)
	}
}
