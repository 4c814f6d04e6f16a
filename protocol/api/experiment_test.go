package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
)

// ask calls the API as a page does and reads the answer.
func ask[T any](t *testing.T, w *world, method, path string, body any) (out T, status int, size int) {
	t.Helper()
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		send = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, w.server.URL+api.Base+"/default/"+path, send)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, raw)
	}
	return out, answer.StatusCode, len(raw)
}

// refusal is the body of an error.
type refusal struct{ Error, Kind string }

// experiments reads experiments, their runs by columns and their keys from a real store.
func (w *world) experiments(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	exp, err := w.db.Experiments.Create(ctx, trimtab.Experiment{Name: "Trees of 50% ä", Tags: map[string]string{"mlflow.note.content": strings.Repeat("ä", 500)}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		run, err := w.db.Runs.Create(ctx, trimtab.Run{Experiment: exp.ID, Name: fmt.Sprintf("run-%d", i), Start: trimtab.Time(1000 + i)}, "")
		if err != nil {
			t.Fatal(err)
		}
		b := trimtab.RunBatch{Params: []trimtab.Param{{Key: "depth of tree", Value: fmt.Sprint(i % 2)}}}
		if i > 0 {
			b.Metrics = []trimtab.Metric{{Key: "auc", Value: []float64{0, 0.5, math.NaN()}[i]}}
		}
		if err := w.db.Runs.LogBatch(ctx, run.ID, b); err != nil {
			t.Fatal(err)
		}
	}
	list, status, _ := ask[view.ExperimentPage](t, w, "GET", "experiments?search="+url.QueryEscape("50% Ä"), nil)
	if status != 200 || len(list.Items) != 1 || list.Items[0].Runs != (view.ExperimentRuns{Total: 3, Running: 3}) || list.Items[0].Last.Name != "run-2" || len(list.Items[0].Days) != 30 || len([]rune(list.Items[0].Note)) != 400 {
		t.Errorf("experiments: %d %+v", status, list)
	}
	if list, _, _ := ask[view.ExperimentPage](t, w, "GET", "experiments?stage=deleted", nil); len(list.Items) != 0 {
		t.Errorf("deleted experiments: %+v", list)
	}
	at := "experiments/" + string(exp.ID)
	if one, _, _ := ask[view.ExperimentRow](t, w, "GET", at, nil); one.Name != exp.Name || one.Runs.Total != 3 {
		t.Errorf("experiment: %+v", one)
	}
	if _, status, _ := ask[refusal](t, w, "GET", "experiments/4711", nil); status != 404 {
		t.Errorf("an experiment that is not there: status %d", status)
	}
	keys, _, _ := ask[view.RunKeys](t, w, "GET", at+"/keys?search=DE+tr&kind=param", nil)
	if want := []view.RunKey{{ID: "params.depth of tree", Kind: "param", Key: "depth of tree", Name: "params.`depth of tree`", Runs: 3}}; !cmp.Equal(keys.Items, want) {
		t.Errorf("keys: %+v", keys)
	}
	if keys, _, _ := ask[view.RunKeys](t, w, "GET", at+"/keys?order=telling", nil); len(keys.Items) != 2 || keys.Items[0].ID != "metrics.auc" || keys.Items[1].Kind != "param" {
		t.Errorf("telling keys: %+v", keys)
	}
	first, status, _ := ask[view.RunTable](t, w, "POST", at+"/table", view.RunTableQuery{Filter: "params.`depth of tree` = '0'", Order: []string{"start_time ASC"}, Columns: []string{"metrics.auc", "params.depth of tree"}, Limit: 1, Count: true})
	if status != 200 || first.Next == "" || first.Matching != 2 || first.Total != 3 || first.Filter != "params.`depth of tree` = '0'" || !cmp.Equal(first.Names, []string{"run-0"}) || first.Columns[0].Numbers[0] != nil {
		t.Errorf("the first page: %d %+v", status, first)
	}
	rest, _, _ := ask[view.RunTable](t, w, "POST", at+"/table", view.RunTableQuery{Filter: "params.`depth of tree` = '0'", Order: []string{"start_time ASC"}, Columns: []string{"metrics.auc", "params.depth of tree"}, After: first.Next})
	want := []view.RunTableColumn{{ID: "metrics.auc", Numbers: []*view.Figure{nil}, NaN: []int{0}}, {ID: "params.depth of tree", Codes: []int{0}, Texts: []string{"0"}}}
	if rest.Next != "" || rest.Total != -1 || !cmp.Equal(rest.Columns, want) {
		t.Errorf("the last page: %+v", rest)
	}
	for _, bad := range []struct {
		q    view.RunTableQuery
		text string
	}{
		{view.RunTableQuery{Filter: "metrics.auc >> 1"}, "invalid filter at column 13: no operator is spelled >>; write one of = != > >= < <= LIKE ILIKE IN BETWEEN IS"},
		{view.RunTableQuery{Order: []string{"start_time ASC", "strt"}}, "invalid order_by clause 2 at column 1: runs cannot be ordered by strt; attributes are run_id, run_name, status, artifact_uri, user_id, start_time and end_time; any other key needs a prefix: metrics.strt, params.strt or tags.strt"},
		{view.RunTableQuery{Columns: []string{"auc"}}, `column "auc": expected metrics.KEY, params.KEY or tags.KEY, the key as it was logged; name, state, user and times come with every run`},
		{view.RunTableQuery{Limit: 1001}, "limit 1001: expected 1 to 1000, or 0 for 200"},
		{view.RunTableQuery{View: "some"}, `view "some": expected active, deleted or all`},
		{view.RunTableQuery{After: "x"}, "Invalid page token: it was not given by this query; ask for the first page again"},
	} {
		if got, status, _ := ask[refusal](t, w, "POST", at+"/table", bad.q); status != 400 || got.Error != bad.text {
			t.Errorf("%+v: status %d\n got %s\nwant %s", bad.q, status, got.Error, bad.text)
		}
	}
	check, _, _ := ask[view.RunSearchCheck](t, w, "GET", "run-search?filter="+url.QueryEscape("metrics.ä >> 1")+"&order=start_time+DESC&order=start_time", nil)
	if len(check.Faults) != 2 || check.Faults[0].Part != "filter" || check.Faults[0].Offset != len("metrics.ä ") || check.Faults[0].Length != 2 || check.Faults[1].Clause != 1 {
		t.Errorf("check: %+v", check)
	}
	if check, _, _ := ask[view.RunSearchCheck](t, w, "GET", "run-search?filter="+url.QueryEscape("status='RUNNING'"), nil); check.Filter != "status = 'RUNNING'" || len(check.Faults) != 0 {
		t.Errorf("check of a good search: %+v", check)
	}
}

// TestRunTableSize holds the largest answer below its bound.
func TestRunTableSize(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	exp, err := w.db.Experiments.Create(ctx, trimtab.Experiment{Name: "large"})
	if err != nil {
		t.Fatal(err)
	}
	var q view.RunTableQuery
	b := trimtab.RunBatch{}
	for i := range 100 {
		b.Params = append(b.Params, trimtab.Param{Key: fmt.Sprintf("p%03d", i)})
		q.Columns = append(q.Columns, fmt.Sprintf("params.p%03d", i))
	}
	const all = 120
	for n := range all {
		run, err := w.db.Runs.Create(ctx, trimtab.Run{Experiment: exp.ID}, "")
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Params {
			b.Params[i].Value = fmt.Sprintf("%d/%d ", n, i) + strings.Repeat("<", 400) // six bytes of JSON each
		}
		if err := w.db.Runs.LogBatch(ctx, run.ID, b); err != nil {
			t.Fatal(err)
		}
	}
	q.Limit = 1000
	seen := 0
	for {
		page, status, size := ask[view.RunTable](t, w, "POST", "experiments/"+string(exp.ID)+"/table", q)
		if status != 200 || size > 2<<20 {
			t.Fatalf("status %d, %d bytes, want at most 2 MB", status, size)
		}
		seen += len(page.IDs)
		if page.Next == "" {
			break
		}
		q.After = page.Next
	}
	if seen != all {
		t.Errorf("%d runs, want %d", seen, all)
	}
}
