package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
)

// answered asks the API and gives what it answers, and with which status.
func answered[T any](t *testing.T, w *world, path string) (v T, status int) {
	t.Helper()
	res, err := http.Get(w.server.URL + api.Base + "/default/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
			t.Fatal(err)
		}
	}
	return v, res.StatusCode
}

// loopPages reads what the pages of the loop read, after all that was done to a
// decision of policy "keep" that was rejected and a fault that was released.
func (w *world) loopPages(t *testing.T, rejected trimtab.Decision, fault trimtab.Incident) {
	page, status := answered[view.LoopPage](t, w, "loop/endpoints/flights")
	if status != 200 || page.Monitor != "quality" || page.Windows != 1 || page.Policy == nil || page.Policy.Name != "keep" || len(page.Quality) != 1 || len(page.Marks) == 0 || len(page.Faults) != 1 {
		t.Errorf("page: %d %+v", status, page)
	}
	for path, want := range map[string]int{
		"loop/endpoints/none":                                  404,
		"loop/endpoints/flights?monitor=x":                     400,
		"loop/endpoints/flights?points=9999":                   400,
		"loop/endpoints/flights?from=2013-03-02&to=2013-03-01": 400,
		"loop/endpoints/flights/columns/none":                  404,
		"loop/decisions/none":                                  404,
		"loop/incidents/none":                                  404,
		"loop/decisions?after=nonsense":                        400,
		"loop/incidents?state=x":                               400,
	} {
		if _, status := answered[any](t, w, path); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
	list, _ := answered[view.LoopList](t, w, "loop/endpoints")
	if len(list.Items) != 1 || list.Items[0].Policy.Name != "keep" || list.Items[0].Windows != 1 || len(list.Unwatched) != 0 || list.Items[0].Acted == nil {
		t.Errorf("list: %+v", list)
	}

	var ids []string
	for after, pages := "", 0; pages < 5; pages++ {
		one, _ := answered[view.DecisionList](t, w, "loop/decisions?limit=1&after="+url.QueryEscape(after))
		for _, d := range one.Items {
			ids = append(ids, d.ID)
		}
		if after = string(one.Next); after == "" {
			break
		}
	}
	if want := []string{"keep@20130315T000000", "keep@20130308T000000", "keep@20130301T000000"}; !cmp.Equal(ids, want) {
		t.Errorf("decisions page by page: %s", cmp.Diff(ids, want))
	}
	if got, _ := answered[view.DecisionList](t, w, "loop/decisions?acted=true&state=rejected,done&policy=keep&endpoint=flights"); len(got.Items) != 1 || got.Items[0].ID != rejected.ID || got.Next != "" {
		t.Errorf("rejected: %+v", got)
	}
	decision, _ := answered[view.DecisionPage](t, w, "loop/decisions/"+rejected.ID)
	if decision.Decision.State != trimtab.DecisionRejected || decision.Before != "keep@20130301T000000" || decision.After != "keep@20130315T000000" || !decision.Limits.Known || decision.Limits.Retrains != 2 ||
		len(decision.Entries) < 2 || decision.Entries[len(decision.Entries)-1].Action != "decision.reject" {
		t.Errorf("decision: %+v", decision)
	}

	if got, _ := answered[view.IncidentList](t, w, "loop/incidents?state=open&endpoint=flights"); len(got.Items) != 1 || got.Open != 1 || len(got.Kinds) < 5 {
		t.Errorf("open incidents: %+v", got)
	}
	if got, _ := answered[view.IncidentList](t, w, "loop/incidents?kind=dataFault&state=closed"); len(got.Items) != 1 || got.Items[0].ID != fault.ID {
		t.Errorf("faults: %+v", got)
	}
	if got, _ := answered[view.IncidentList](t, w, "loop/incidents?state=holds"); len(got.Items) != 0 {
		t.Errorf("a released incident holds nothing: %+v", got)
	}
	incident, _ := answered[view.IncidentPage](t, w, "loop/incidents/"+fault.ID)
	if !incident.Incident.Released || len(incident.Entries) != 4 || incident.Steps[len(incident.Steps)-1].Kind != "released" || incident.Model != "flights" {
		t.Errorf("incident: %+v", incident)
	}

	// An endpoint that nobody watches has a page, an empty one.
	must[plan.Answer](t)(w.client.Apply(t.Context(), view.Proposal{Manager: "cli", Inventory: "cli:alone", Resources: []view.Declaration{
		{Kind: "Endpoint", Name: "alone", Spec: json.RawMessage(`{"model":{"name":"flights","alias":"champion"}}`)}}}))
	if alone, status := answered[view.LoopPage](t, w, "loop/endpoints/alone"); status != 200 || alone.Monitor != "" || alone.Windows != 0 || alone.Monitors == nil {
		t.Errorf("unwatched: %d %+v", status, alone)
	}
	if list, _ := answered[view.LoopList](t, w, "loop/endpoints"); !cmp.Equal(list.Unwatched, []string{"alone"}) {
		t.Errorf("unwatched: %v", list.Unwatched)
	}
	must[plan.Answer](t)(w.client.Apply(t.Context(), view.Proposal{Manager: "cli", Inventory: "cli:alone", Delete: []string{"endpoint/alone"}}))
}
