package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/lifecycle/registry"
	"github.com/trimtab/trimtab/lifecycle/track"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/sql"
)

// client talks to a server over a real database and a real blob store.
type client struct {
	t     *testing.T
	h     http.Handler
	db    *sql.DB
	blobs string // the folder of the blob store
	token string
}

// serve starts a server. TRIMTAB_TEST_DATABASE=postgres runs the same tests on
// PostgreSQL.
func serve(t *testing.T) *client {
	t.Helper()
	at := filepath.Join(t.TempDir(), "db")
	if os.Getenv("TRIMTAB_TEST_DATABASE") == "postgres" {
		at = postgres.URL(t)
	}
	db, err := sql.Open(t.Context(), sql.Config{URL: at})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	folder := filepath.Join(t.TempDir(), "blob")
	blobs, err := blob.OpenDisk(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		<-done
		_ = db.Close()
		_ = blobs.Close()
	})
	cfg := Config{
		Tracker:     track.New(track.Config{Experiments: db.Experiments, Runs: db.Runs, LoggedModels: db.LoggedModels, Artifacts: db.Artifacts}),
		Registry:    registry.New(registry.Config{Models: db.Models, Versions: db.Versions, Runs: db.Runs, LoggedModels: db.LoggedModels, Artifacts: db.Artifacts}),
		Experiments: db.Experiments, Runs: db.Runs, RunSearch: db.Runs, LoggedModels: db.LoggedModels,
		Artifacts: db.Artifacts, Models: db.Models, Versions: db.Versions, Blobs: blobs,
	}
	mux, err := route.New(route.Config{Attempts: db.Pipelines}, Routes(cfg))
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, h: mux, db: db, blobs: folder}
}

// do sends a request; a body that is not a reader is sent as JSON.
func (c *client) do(method, target string, body any) *httptest.ResponseRecorder {
	c.t.Helper()
	var src io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case io.Reader:
		src, kind = b, "application/octet-stream"
	case string:
		src = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		src = bytes.NewReader(raw)
	}
	r := httptest.NewRequest(method, target, src)
	r.Host = "127.0.0.1:5000"
	if method == "POST" || method == "PUT" || body != nil {
		r.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	return w
}

type obj = map[string]any

// call sends a request to a path of the API, wants 200 and returns the answer.
func (c *client) call(method, path string, body any) obj {
	c.t.Helper()
	w := c.do(method, "/api/2.0/mlflow/"+path, body)
	var out obj
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
		c.t.Fatalf("%s %s %v: %d %s", method, path, body, w.Code, w.Body)
	}
	return out
}

// refused sends a request and wants an error of a status and a code, whose
// message contains want.
func (c *client) refused(method, path string, body any, status int, code, want string) {
	c.t.Helper()
	target := path
	if !strings.HasPrefix(path, "/") {
		target = "/api/2.0/mlflow/" + path
	}
	w := c.do(method, target, body)
	var out struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != status || out.Code != code || !strings.Contains(out.Message, want) {
		c.t.Errorf("%s %s %.200v: %d %.500s\nwant %d %s %q", method, path, body, w.Code, w.Body, status, code, want)
	}
}

// at walks into an answer: names of fields and indexes.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(obj)
			if !ok {
				t.Fatalf("%v has no field %s", v, p)
			}
			v = m[p]
		case int:
			l, ok := v.([]any)
			if !ok || len(l) <= p {
				t.Fatalf("%v has no element %d", v, p)
			}
			v = l[p]
		}
	}
	return v
}

func (c *client) experiment(name string) string {
	c.t.Helper()
	return at(c.t, c.call("POST", "experiments/create", obj{"name": name}), "experiment_id").(string)
}

func (c *client) run(experiment string) string {
	c.t.Helper()
	return at(c.t, c.call("POST", "runs/create", obj{"experiment_id": experiment, "user_id": "u", "start_time": 5, "run_name": "n"}), "run", "info", "run_id").(string)
}

// same compares an answer with JSON.
func same(t *testing.T, got any, want string) {
	t.Helper()
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w, got); d != "" {
		t.Errorf("answer differs (-want +got):\n%s", d)
	}
}

func TestEveryRouteNamesItsClass(t *testing.T) {
	routes := Routes(Config{})
	m, err := route.New(route.Config{}, routes)
	if err != nil {
		t.Fatal(err)
	}
	classes := map[route.AuthClass]int{}
	for _, r := range m.Routes() {
		classes[r.Auth]++
		if r.Via != "mlflow" && r.Pattern != "/" {
			t.Errorf("%s %s says %q of how its actor came", r.Method, r.Pattern, r.Via)
		}
		if r.Auth == route.Reader && r.Method != "GET" && !strings.HasSuffix(r.Pattern, "search") && !strings.Contains(r.Pattern, "get-latest-versions") && !strings.Contains(r.Pattern, "presigned-download") {
			t.Errorf("%s %s changes something and is a reader's", r.Method, r.Pattern)
		}
	}
	if classes[route.Public] == 0 || classes[route.Reader] == 0 || classes[route.Writer] == 0 || classes[route.Attempt] == 0 {
		t.Errorf("classes %v", classes)
	}
}

func TestWhatIsNotServed(t *testing.T) {
	c := serve(t)
	for _, r := range []struct{ method, target string }{
		{"POST", "/api/3.0/mlflow/traces"}, {"GET", "/api/3.0/mlflow/traces/tr-1"}, {"POST", "/api/2.0/mlflow/traces"},
		{"POST", "/v1/traces"}, {"POST", "/graphql"}, {"GET", "/graphql"}, {"GET", "/api/2.0/mlflow/webhooks"},
		{"GET", "/api/3.0/mlflow/workspaces"}, {"GET", "/ajax-api/3.0/mlflow/gateway/endpoints"}, {"DELETE", "/api/2.0/mlflow/runs/create"},
		{"GET", "/api/2.0/mlflow/anything/at/all"}, {"POST", "/api/2.0/preview/mlflow/runs/create"}, {"GET", "/ajax-api/3.0/jobs/x"},
	} {
		c.refused(r.method, r.target, nil, 404, "ENDPOINT_NOT_FOUND", "is not served here")
	}
	c.refused("POST", "/api/2.0/mlflow-artifacts/mpu/create/1/x", obj{}, 501, "NOT_IMPLEMENTED", "Multipart upload is not supported for the current artifact repository")
	if w := c.do("GET", "/version", nil); w.Body.String() != "3.17.2" {
		t.Errorf("version %s", w.Body)
	}
	if w := c.do("GET", "/health", nil); w.Body.String() != "OK" {
		t.Errorf("health %s", w.Body)
	}
	if w := c.do("GET", "/ajax-api/3.0/mlflow/server-info", nil); !strings.Contains(w.Body.String(), `"store_type":"SqlStore"`) {
		t.Errorf("server-info %s", w.Body)
	}
}

func TestExperiments(t *testing.T) {
	c := serve(t)
	id := at(t, c.call("POST", "experiments/create", obj{"name": "e", "tags": []obj{{"key": "a", "value": "b"}}}), "experiment_id").(string)
	e := at(t, c.call("GET", "experiments/get?experiment_id="+id, nil), "experiment").(obj)
	delete(e, "creation_time")
	delete(e, "last_update_time")
	same(t, e, `{"experiment_id":"`+id+`","name":"e","artifact_location":"mlflow-artifacts:/`+id+`","lifecycle_stage":"active","tags":[{"key":"a","value":"b"}],"workspace":"default"}`)
	c.refused("POST", "experiments/create", obj{"name": "e"}, 400, "RESOURCE_ALREADY_EXISTS", "Experiment(name=e) already exists.")
	c.call("POST", "experiments/set-experiment-tag", obj{"experiment_id": id, "key": "k"})
	c.call("POST", "experiments/delete-experiment-tag", obj{"experiment_id": id, "key": "a"})
	c.refused("POST", "experiments/delete-experiment-tag", obj{"experiment_id": id, "key": "a"}, 404, "RESOURCE_DOES_NOT_EXIST", "No tag with name: a in experiment with id "+id)
	c.call("POST", "experiments/update", obj{"experiment_id": id, "new_name": "f"})
	if got := at(t, c.call("GET", "experiments/get-by-name?experiment_name=f", nil), "experiment", "experiment_id"); got != id {
		t.Errorf("by name: %v", got)
	}
	c.refused("GET", "experiments/get-by-name?experiment_name=e", nil, 404, "RESOURCE_DOES_NOT_EXIST", "Could not find experiment with name 'e'")
	c.refused("GET", "experiments/get?experiment_id=77", nil, 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=77 exists")
	c.refused("GET", "experiments/get?experiment_id=abc", nil, 400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.")
	run := c.run(id)
	c.call("POST", "experiments/delete", obj{"experiment_id": id})
	c.refused("POST", "experiments/delete", obj{"experiment_id": id}, 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id="+id+" exists")
	c.refused("POST", "runs/create", obj{"experiment_id": id}, 400, "INVALID_PARAMETER_VALUE", "The experiment "+id+" must be in the 'active' state. Current state is deleted.")
	c.refused("POST", "experiments/create", obj{"name": "f"}, 400, "RESOURCE_ALREADY_EXISTS", "")
	if got := at(t, c.call("GET", "runs/get?run_id="+run, nil), "run", "info", "lifecycle_stage"); got != "deleted" {
		t.Errorf("run of a deleted experiment is %v", got)
	}
	for view, want := range map[string]int{"ACTIVE_ONLY": 1, "DELETED_ONLY": 1, "ALL": 2} {
		if got := len(at(t, c.call("POST", "experiments/search", obj{"max_results": 10, "view_type": view}), "experiments").([]any)); got != want {
			t.Errorf("%s: %d experiments", view, got)
		}
	}
	c.call("POST", "experiments/restore", obj{"experiment_id": id})
	if got := at(t, c.call("GET", "runs/get?run_id="+run, nil), "run", "info", "lifecycle_stage"); got != "active" {
		t.Errorf("run of a restored experiment is %v", got)
	}
	page := c.call("GET", "experiments/search?max_results=1&order_by=name+ASC&order_by=creation_time", nil)
	next := c.call("POST", "experiments/search", obj{"max_results": 1, "order_by": []string{"name ASC", "creation_time"}, "page_token": page["next_page_token"]})
	if a, b := at(t, page, "experiments", 0, "name"), at(t, next, "experiments", 0, "name"); a != "Default" || b != "f" || next["next_page_token"] != nil {
		t.Errorf("pages: %v, %v, then %v", a, b, next["next_page_token"])
	}
}

func TestRuns(t *testing.T) {
	c := serve(t)
	exp := c.experiment("e")
	made := c.call("POST", "runs/create", obj{"experiment_id": exp, "user_id": "u", "start_time": "5", "tags": []obj{{"key": "mlflow.user", "value": "u"}}})
	id := at(t, made, "run", "info", "run_id").(string)
	name := at(t, made, "run", "info", "run_name").(string)
	if len(id) != 32 || name == "" {
		t.Errorf("run %s named %q", id, name)
	}
	c.call("POST", "runs/log-batch", obj{"run_id": id,
		"metrics": []obj{{"key": "a", "value": 1, "timestamp": 1, "step": 2}, {"key": "n", "value": "NaN", "timestamp": 1}, {"key": "i", "value": "-Infinity", "timestamp": 1}},
		"params":  []obj{{"key": "p", "value": "1"}}, "tags": []obj{{"key": "t", "value": "x"}}})
	c.call("POST", "runs/log-metric", obj{"run_uuid": id, "run_id": id, "key": "a", "value": 2, "timestamp": "2", "step": 1})
	c.call("POST", "runs/log-parameter", obj{"run_id": id, "key": "p", "value": "1"})
	c.refused("POST", "runs/log-parameter", obj{"run_id": id, "key": "p", "value": "2"}, 400, "INVALID_PARAMETER_VALUE",
		"Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='"+id+"'. Attempted logging new value '2'.")
	c.call("POST", "runs/set-tag", obj{"run_id": id, "key": "mlflow.runName", "value": "renamed"})
	c.call("POST", "runs/log-inputs", obj{"run_id": id, "datasets": []obj{{"tags": []obj{{"key": "mlflow.data.context", "value": "train"}},
		"dataset": obj{"name": "d", "digest": "x", "source_type": "local", "source": "{}"}}}, "models": []obj{{"model_id": "m-1"}}})
	c.call("POST", "runs/outputs", obj{"run_id": id, "models": []obj{{"model_id": "m-2", "step": 3}}})
	c.call("POST", "runs/update", obj{"run_id": id, "status": "FINISHED", "end_time": 77})
	got := c.call("GET", "runs/get?run_uuid="+id, nil)
	same(t, got, `{"run":{"info":{"run_uuid":"`+id+`","run_id":"`+id+`","experiment_id":"`+exp+`","run_name":"renamed","user_id":"u","status":"FINISHED","start_time":5,"end_time":77,
		"artifact_uri":"mlflow-artifacts:/`+exp+`/`+id+`/artifacts","lifecycle_stage":"active"},
		"data":{"metrics":[{"key":"a","value":1.0,"timestamp":1,"step":2},{"key":"i","value":-1.7976931348623157e308,"timestamp":1,"step":0},{"key":"n","value":"NaN","timestamp":1,"step":0}],
		"params":[{"key":"p","value":"1"}],"tags":[{"key":"mlflow.runName","value":"renamed"},{"key":"mlflow.user","value":"u"},{"key":"t","value":"x"}]},
		"inputs":{"dataset_inputs":[{"tags":[{"key":"mlflow.data.context","value":"train"}],"dataset":{"name":"d","digest":"x","source_type":"local","source":"{}"}}],"model_inputs":[{"model_id":"m-1"}]},
		"outputs":{"model_outputs":[{"model_id":"m-2","step":3}]}}}`)
	c.refused("POST", "runs/delete-tag", obj{"run_id": id, "key": "zz"}, 404, "RESOURCE_DOES_NOT_EXIST", "No tag with name: zz in run with id "+id)
	c.call("POST", "runs/delete-tag", obj{"run_id": id, "key": "t"})
	c.call("POST", "runs/delete", obj{"run_id": id})
	c.refused("POST", "runs/set-tag", obj{"run_id": id, "key": "t", "value": "x"}, 400, "INVALID_PARAMETER_VALUE", "The run "+id+" must be in the 'active' state. Current state is deleted.")
	if got := c.call("POST", "runs/search", obj{"experiment_ids": []string{exp}}); len(got) != 0 {
		t.Errorf("a deleted run is found: %v", got)
	}
	if got := c.call("POST", "runs/search", obj{"experiment_ids": []string{exp}, "run_view_type": "DELETED_ONLY"}); len(at(t, got, "runs").([]any)) != 1 {
		t.Errorf("deleted runs: %v", got)
	}
	c.call("POST", "runs/restore", obj{"run_id": id})
	c.refused("GET", "runs/get?run_id=nope", nil, 404, "RESOURCE_DOES_NOT_EXIST", "Run with id=nope not found")
	model := `{"run_id":"` + id + `","artifact_path":"m","utc_time_created":"t","flavors":{"f":{}}}`
	c.call("POST", "runs/log-model", obj{"run_id": id, "model_json": model})
	tags := at(t, c.call("GET", "runs/get?run_id="+id, nil), "run", "data", "tags").([]any)
	if !slices.ContainsFunc(tags, func(x any) bool {
		return at(t, x, "key") == "mlflow.log-model.history" && strings.HasPrefix(at(t, x, "value").(string), `[{"run_id":`)
	}) {
		t.Errorf("no history in %v", tags)
	}
}

func TestHistories(t *testing.T) {
	c := serve(t)
	run := c.run(c.experiment("e"))
	var points []obj
	for i := range 10 {
		points = append(points, obj{"key": "loss", "value": float64(i) / 4, "timestamp": 100 - i, "step": i})
	}
	c.call("POST", "runs/log-batch", obj{"run_id": run, "metrics": points})
	c.call("POST", "runs/log-batch", obj{"run_id": run, "metrics": points}) // once more changes nothing
	all := c.call("GET", "metrics/get-history?metric_key=loss&run_id="+run, nil)
	if l := at(t, all, "metrics").([]any); len(l) != 10 || at(t, l, 0, "step") != 9.0 || all["next_page_token"] != nil {
		t.Errorf("history %v", all)
	}
	first := c.call("GET", "metrics/get-history?metric_key=loss&max_results=6&run_id="+run, nil)
	second := c.call("GET", "metrics/get-history?metric_key=loss&max_results=6&run_id="+run+"&page_token="+first["next_page_token"].(string), nil)
	if len(at(t, second, "metrics").([]any)) != 4 || second["next_page_token"] != nil {
		t.Errorf("second page %v", second)
	}
	if got := c.call("GET", "metrics/get-history?metric_key=none&run_id="+run, nil); len(got) != 0 {
		t.Errorf("history of no metric %v", got)
	}
	if got := c.call("GET", "metrics/get-history?metric_key=none&run_id=nope", nil); len(got) != 0 {
		t.Errorf("history of no run %v", got)
	}
	c.refused("GET", "metrics/get-history?metric_key=loss&max_results=0&run_id="+run, nil, 400, "INVALID_PARAMETER_VALUE", "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer.")
	sampled := c.call("GET", "metrics/get-history-bulk-interval?run_ids="+run+"&metric_key=loss&max_results=3", nil)
	if l := at(t, sampled, "metrics").([]any); len(l) == 0 || at(t, l, 0, "run_id") != run {
		t.Errorf("sampled %v", sampled)
	}
	for query, want := range map[string]string{
		"metric_key=loss": "Missing value for required parameter 'run_ids'.",
		"run_ids=a":       "Missing value for required parameter 'metric_key'.",
		"run_ids=a&metric_key=x&max_results=2501":          "max_results must be between 1 and 2500.",
		"run_ids=a&metric_key=x&start_step=1":              "If either start step or end step are specified, both must be specified.",
		"run_ids=a&metric_key=x&start_step=2&end_step=1":   "end_step must be greater than start_step. Found start_step=2 and end_step=1.",
		"metric_key=x" + strings.Repeat("&run_ids=a", 101): "GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received 101 run_ids.",
		"run_ids=a&metric_key=x&start_step=x&end_step=1":   "Invalid value \"x\" for parameter 'start_step' supplied:",
	} {
		c.refused("GET", "metrics/get-history-bulk-interval?"+query, nil, 400, "INVALID_PARAMETER_VALUE", want)
	}
	w := c.do("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id="+run+"&metric_key=loss&max_results=2", nil)
	if !strings.Contains(w.Body.String(), `{"metrics":[{"key":"loss","value":2.25,"timestamp":91,"step":9,"run_id":"`+run) {
		t.Errorf("bulk %s", w.Body)
	}
	c.refused("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=x", nil, 400, "INVALID_PARAMETER_VALUE", "GetMetricHistoryBulk request must specify at least one run_id.")
}

// The sentences are those of MLflow 3.17.2 unless the case says own.
func TestBadRequests(t *testing.T) {
	c := serve(t)
	const docs = " See the API docs for more information about request parameters."
	for _, tc := range []struct{ path, body, want string }{
		{"experiments/create", `{}`, "Missing value for required parameter 'name'." + docs},
		{"experiments/create", ``, "Missing value for required parameter 'name'." + docs},
		{"experiments/create", `null`, "Missing value for required parameter 'name'." + docs},
		{"experiments/create", `{"name":""}`, "Missing value for required parameter 'name'." + docs},
		{"experiments/create", `{"name":5}`, "Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'." + docs},
		{"experiments/create", `{"name":{"b":1,"a":"ä"}}`, "Invalid value {\"a\":\"ä\",\"b\":1} for parameter 'name' supplied:  Hint: Value was of type 'dict'." + docs},
		{"experiments/create", `"{\"name\":5.5}"`, "Invalid value 5.5 for parameter 'name' supplied:  Hint: Value was of type 'float'." + docs},
		{"experiments/create", `{"name":"a","tags":5}`, "Invalid value 5 for parameter 'tags' supplied:  Hint: Value was of type 'int'." + docs},
		{"experiments/create", `garbage`, "The request's body is not JSON"},                   // own
		{"experiments/create", `[1]`, "The request's body must be a JSON object, got a list"}, // own
		{"experiments/create", `{"name":"a\u0000b"}`, "the text contains a NUL byte"},         // own
		{"runs/create", `{"experiment_id":"1","start_time":"abc"}`, "Invalid value \"abc\" for parameter 'start_time' supplied:  Hint: Value was of type 'str'." + docs},
		{"runs/create", `{"experiment_id":"1","experimentId":"1"}`, "Request specifies both 'experiment_id' and 'experimentId'; provide only one of them."},
		{"runs/update", `{"run_id":"x","status":"BAD"}`, "expected one of RUNNING, SCHEDULED"}, // own
		{"runs/log-metric", `{"run_id":"x","key":"a","value":1}`, "Missing value for required parameter 'timestamp'." + docs},
		{"runs/log-metric", `{"run_id":"x","key":"a","timestamp":1}`, "Missing value for required parameter 'value'." + docs},
		{"runs/log-metric", `{"key":"a","value":1,"timestamp":1}`, "Missing value for required parameter 'run_id'." + docs},
		{"runs/log-metric", `{"run_id":"x","key":"a","value":"zz","timestamp":1}`, "Invalid value \"zz\" for parameter 'value' supplied:  Hint: Value was of type 'str'." + docs},
		{"runs/log-metric", `{"run_id":"x","key":"a","value":1,"timestamp":-1}`, "Invalid value -1 for parameter 'timestamp' supplied: metric 'a' (value=1.0). Timestamp must be a nonnegative long (64-bit integer) "},
		{"runs/log-batch", `{"run_id":"x","metrics":[{"key":"a","value":1}]}`, "Missing value for required parameter 'metrics[0].timestamp'." + docs},
		{"runs/log-batch", `{"run_id":"x","params":[{"value":"1"}]}`, "Missing value for required parameter 'params[0].key'." + docs},
		{"runs/log-batch", `{"run_id":"x","metrics":{"key":"a"}}`, "Invalid value {\"key\":\"a\"} for parameter 'metrics' supplied:  Hint: Value was of type 'dict'." + docs},
		{"runs/log-batch", `{"run_id":"x","tags":["` + strings.Repeat("x", 8_000_000) + `"]}`, "Batched logging API requests must be at most 8000000 bytes, got a request of size 8000026."},
		{"runs/search", `{"experiment_ids":"1"}`, "Invalid value \"1\" for parameter 'experiment_ids' supplied:  Hint: Value was of type 'str'." + docs},
		{"runs/search", `{"max_results":50001}`, "Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'." + docs},
		{"runs/search", `{"max_results":0}`, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"},
		{"runs/search", `{"experiment_ids":["1"],"filter":"params.lr = 0.1"}`, "params.lr = '0.1'"},
		{"runs/search", `{"experiment_ids":["1"],"order_by":["foo.x"]}`, "invalid order_by clause 1"},
		{"runs/search", `{"experiment_ids":["1"],"page_token":"abc"}`, "Invalid page token"},
		{"experiments/search", `{}`, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"},
		{"experiments/search", `{"max_results":100000}`, "Invalid value 100000 for parameter 'max_results' supplied. It must be at most 50000"},
		{"logged-models/search", `{}`, "Missing value for required parameter 'experiment_ids'." + docs},
		{"logged-models/search", `{"experiment_ids":["1"],"datasets":[{}]}`, "`dataset_name` in the `datasets` clause must be specified."},
	} {
		c.refused("POST", tc.path, tc.body, 400, "INVALID_PARAMETER_VALUE", tc.want)
	}
	c.refused("GET", "registered-models/search?max_results=1001", nil, 400, "INVALID_PARAMETER_VALUE", "Invalid value \"1001\" for parameter 'max_results' supplied")
	c.refused("GET", "model-versions/search?max_results=200001", nil, 400, "INVALID_PARAMETER_VALUE", "for parameter 'max_results' supplied")
	for kind, want := range map[string]string{"": "Content-Type header is missing.", "text/plain": "Content-Type must be one of ['application/json'].", "application/json; charset=utf-8": "experiment_id"} {
		r := httptest.NewRequest("POST", "/api/2.0/mlflow/experiments/create", strings.NewReader(`{"name":"x"}`))
		r.Host = "localhost"
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("content type %q: %d %s", kind, w.Code, w.Body)
		}
	}
	if got := c.call("POST", "experiments/create", `"{\"name\":\"twice encoded\"}"`); got["experiment_id"] == nil {
		t.Errorf("%v", got)
	}
	if got := c.call("POST", "experiments/create", `{"name":"more","unknown":{"x":[1]}}`); got["experiment_id"] == nil {
		t.Errorf("%v", got)
	}
}

func TestRunSearch(t *testing.T) {
	c := serve(t)
	exp := c.experiment("e")
	ids := make([]string, 5)
	for i := range ids {
		ids[i] = at(t, c.call("POST", "runs/create", obj{"experiment_id": exp, "start_time": 10 + i, "run_name": fmt.Sprint("r", i)}), "run", "info", "run_id").(string)
		c.call("POST", "runs/log-batch", obj{"run_id": ids[i], "metrics": []obj{{"key": "auc", "value": float64(i) / 10, "timestamp": 1}}, "params": []obj{{"key": "lr", "value": fmt.Sprint(i % 2)}}})
	}
	names := func(a obj) (out []string) {
		if a["runs"] == nil {
			return nil
		}
		for _, r := range a["runs"].([]any) {
			out = append(out, at(t, r, "info", "run_name").(string))
		}
		return out
	}
	for filter, want := range map[string][]string{
		"":                                       {"r4", "r3", "r2", "r1", "r0"},
		"metrics.auc >= 0.2":                     {"r4", "r3", "r2"},
		"params.lr = '1' and metrics.auc < 0.25": {"r1"},
		"params.lr = '1' OR run_name = 'r0'":     {"r3", "r1", "r0"},
		"run_name LIKE 'R%'":                     nil,
		"tags.mlflow.runName ILIKE 'R4'":         {"r4"},
	} {
		if got := names(c.call("POST", "runs/search", obj{"experiment_ids": []string{exp}, "filter": filter})); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", filter, got, want)
		}
	}
	var walked []string
	token := ""
	for {
		page := c.call("POST", "runs/search", obj{"experiment_ids": []string{exp}, "order_by": []string{"metrics.auc DESC"}, "max_results": 2, "page_token": token})
		walked = append(walked, names(page)...)
		if token, _ = page["next_page_token"].(string); token == "" {
			break
		}
	}
	if !slices.Equal(walked, []string{"r4", "r3", "r2", "r1", "r0"}) {
		t.Errorf("pages %v", walked)
	}
}

func TestLoggedModels(t *testing.T) {
	c := serve(t)
	exp := c.experiment("e")
	run := c.run(exp)
	m := c.call("POST", "logged-models", obj{"experiment_id": exp, "name": "net", "model_type": "t", "source_run_id": run, "params": []obj{{"key": "a", "value": "b"}}, "tags": []obj{{"key": "c", "value": "d"}}})
	id := at(t, m, "model", "info", "model_id").(string)
	info := at(t, m, "model", "info").(obj)
	delete(info, "creation_timestamp_ms")
	delete(info, "last_updated_timestamp_ms")
	same(t, m, `{"model":{"info":{"model_id":"`+id+`","experiment_id":"`+exp+`","name":"net","artifact_uri":"mlflow-artifacts:/`+exp+`/models/`+id+`/artifacts","status":"LOGGED_MODEL_PENDING","model_type":"t","source_run_id":"`+run+`","tags":[{"key":"c","value":"d"}]},"data":{"params":[{"key":"a","value":"b"}]}}}`)
	for _, status := range []any{"LOGGED_MODEL_READY", 2} {
		if got := at(t, c.call("PATCH", "logged-models/"+id, obj{"model_id": id, "status": status}), "model", "info", "status"); got != "LOGGED_MODEL_READY" {
			t.Errorf("status %v", got)
		}
	}
	c.refused("PATCH", "logged-models/"+id, obj{"model_id": id}, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'status'.")
	c.refused("PATCH", "logged-models/"+id, obj{"model_id": "m-x", "status": 2}, 400, "INVALID_PARAMETER_VALUE", "The path names the logged model")
	c.call("PATCH", "logged-models/"+id+"/tags", obj{"tags": []obj{{"key": "x/y", "value": "z"}}})
	c.call("DELETE", "logged-models/"+id+"/tags/x%2Fy", nil)
	c.refused("DELETE", "logged-models/"+id+"/tags/x%2Fy", nil, 404, "RESOURCE_DOES_NOT_EXIST", "No tag with key 'x/y' found for model with ID '"+id+"'.")
	c.call("POST", "logged-models/"+id+"/params", obj{"params": []obj{{"key": "x", "value": "y"}}})
	c.call("POST", "runs/log-metric", obj{"run_id": run, "key": "auc", "value": 0.5, "timestamp": 4, "model_id": id, "dataset_name": "d", "dataset_digest": "x"})
	found := c.call("POST", "logged-models/search", obj{"experiment_ids": []string{exp}, "filter": "metrics.auc > 0.4", "datasets": []obj{{"dataset_name": "d"}}, "order_by": []obj{{"field_name": "metrics.auc", "ascending": false, "dataset_name": "d"}}})
	if at(t, found, "models", 0, "data", "metrics", 0, "value") != 0.5 || at(t, found, "models", 0, "data", "params", 1, "key") != "x" {
		t.Errorf("found %v", found)
	}
	c.refused("GET", "logged-models/m-none", nil, 404, "RESOURCE_DOES_NOT_EXIST", "Logged model with ID 'm-none' not found.")
	c.call("DELETE", "logged-models/"+id, nil)
	c.refused("GET", "logged-models/"+id, nil, 404, "RESOURCE_DOES_NOT_EXIST", "Logged model with ID")
	c.refused("GET", "logged-models/"+id+"/artifacts/directories", nil, 404, "RESOURCE_DOES_NOT_EXIST", "Logged model with ID")
}

func TestRegistry(t *testing.T) {
	c := serve(t)
	exp := c.experiment("e")
	run := c.run(exp)
	c.call("POST", "registered-models/create", obj{"name": "my model", "description": "d", "tags": []obj{{"key": "a", "value": "b"}}})
	c.refused("POST", "registered-models/create", obj{"name": "my model"}, 400, "RESOURCE_ALREADY_EXISTS", "Registered Model (name=my model) already exists.")
	c.refused("GET", "registered-models/get?name=none", nil, 404, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=none not found")
	c.refused("GET", "registered-models/get?name=a%2Fb", nil, 400, "INVALID_PARAMETER_VALUE", "Names cannot contain '/' or ':'.")
	upload(c, "/api/2.0/mlflow-artifacts/artifacts/"+exp+"/"+run+"/artifacts/model/MLmodel", "v1")
	source := "mlflow-artifacts:/" + exp + "/" + run + "/artifacts/model"
	create := func() obj {
		return at(t, c.call("POST", "model-versions/create", obj{"name": "my model", "source": source, "run_id": run, "tags": []obj{{"key": "k", "value": "v"}}}), "model_version").(obj)
	}
	v := create()
	delete(v, "creation_timestamp")
	delete(v, "last_updated_timestamp")
	same(t, v, `{"name":"my model","version":"1","current_stage":"None","description":"","source":"`+source+`","run_id":"`+run+`","status":"READY","tags":[{"key":"k","value":"v"}],"run_link":""}`)
	create()
	c.refused("POST", "model-versions/create", obj{"name": "my model", "source": "/etc/passwd", "run_id": run}, 400, "INVALID_PARAMETER_VALUE", "Invalid model version source: '/etc/passwd'.")
	c.refused("POST", "model-versions/create", obj{"name": "none", "source": source, "run_id": run}, 404, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=none not found")
	c.call("POST", "registered-models/alias", obj{"name": "my model", "alias": "champion", "version": "1"})
	c.refused("POST", "registered-models/alias", obj{"name": "my model", "alias": "v1", "version": "1"}, 400, "INVALID_PARAMETER_VALUE", "Version alias name 'v1' is reserved.")
	c.refused("POST", "registered-models/alias", obj{"name": "my model", "alias": "x", "version": "9"}, 404, "RESOURCE_DOES_NOT_EXIST", "Model Version (name=my model, version=9) not found")
	if got := at(t, c.call("GET", "registered-models/alias?name=my+model&alias=champion", nil), "model_version", "version"); got != "1" {
		t.Errorf("champion is %v", got)
	}
	if got := at(t, c.call("GET", "registered-models/alias?name=my+model&alias=latest", nil), "model_version", "version"); got != "2" {
		t.Errorf("latest is %v", got)
	}
	c.refused("GET", "registered-models/alias?name=my+model&alias=nobody", nil, 400, "INVALID_PARAMETER_VALUE", "Registered model alias nobody not found.")
	c.call("POST", "model-versions/transition-stage", obj{"name": "my model", "version": "1", "stage": "production", "archive_existing_versions": true})
	c.call("POST", "model-versions/transition-stage", obj{"name": "my model", "version": "2", "stage": "Production", "archive_existing_versions": true})
	if got := at(t, c.call("GET", "model-versions/get?name=my+model&version=1", nil), "model_version", "current_stage"); got != "Archived" {
		t.Errorf("the version that was there is %v", got)
	}
	latest := c.call("POST", "registered-models/get-latest-versions", obj{"name": "my model", "stages": []string{"Production"}})
	if at(t, latest, "model_versions", 0, "version") != "2" {
		t.Errorf("latest %v", latest)
	}
	c.call("PATCH", "model-versions/update", obj{"name": "my model", "version": "1", "description": "about"})
	c.call("POST", "model-versions/set-tag", obj{"name": "my model", "version": "1", "key": "x", "value": "y"})
	c.call("DELETE", "model-versions/delete-tag", obj{"name": "my model", "version": "1", "key": "x"})
	c.call("DELETE", "model-versions/delete-tag", obj{"name": "my model", "version": "1", "key": "x"})
	c.refused("GET", "model-versions/get?name=my+model&version=x", nil, 400, "INVALID_PARAMETER_VALUE", "Parameter 'version' must be an integer, got 'x'")
	found := c.call("GET", "model-versions/search?filter=name%3D%27my+model%27+and+tags.k%3D%27v%27&order_by=version_number+DESC", nil)
	if at(t, found, "model_versions", 0, "version") != "2" || at(t, found, "model_versions", 1, "aliases", 0) != "champion" {
		t.Errorf("found %v", found)
	}
	m := at(t, c.call("GET", "registered-models/search?filter=name+LIKE+%27my%25%27", nil), "registered_models", 0).(obj)
	if len(at(t, m, "latest_versions").([]any)) != 2 || at(t, m, "aliases", 0, "version") != "1" || at(t, m, "description") != "d" {
		t.Errorf("model %v", m)
	}
	c.call("POST", "registered-models/rename", obj{"name": "my model", "new_name": "ours"})
	if got := at(t, c.call("GET", "model-versions/get-download-uri?name=ours&version=1", nil), "artifact_uri"); got != "mlflow-artifacts:/versions/ours/1" {
		t.Errorf("download uri %v", got)
	}
	c.call("DELETE", "registered-models/alias", obj{"name": "ours", "alias": "champion"})
	c.call("DELETE", "model-versions/delete", obj{"name": "ours", "version": "2"})
	c.refused("GET", "model-versions/get?name=ours&version=2", nil, 404, "RESOURCE_DOES_NOT_EXIST", "Model Version (name=ours, version=2) not found")
	c.call("PATCH", "registered-models/update", obj{"name": "ours", "description": "new"})
	c.call("POST", "registered-models/set-tag", obj{"name": "ours", "key": "q", "value": "r"})
	c.call("DELETE", "registered-models/delete-tag", obj{"name": "ours", "key": "q"})
	c.call("DELETE", "registered-models/delete", obj{"name": "ours"})
	c.refused("GET", "registered-models/get?name=ours", nil, 404, "RESOURCE_DOES_NOT_EXIST", "")
}

// Prompts are registered models with a tag, and searches leave them out.
func TestPromptsAreHidden(t *testing.T) {
	c := serve(t)
	prompt := []obj{{"key": "mlflow.prompt.is_prompt", "value": "true"}}
	c.call("POST", "registered-models/create", obj{"name": "model"})
	c.call("POST", "registered-models/create", obj{"name": "prompt", "tags": prompt})
	v := c.call("POST", "model-versions/create", obj{"name": "prompt", "source": "dummy-source", "tags": append(prompt, obj{"key": "mlflow.prompt.text", "value": "Hi"})})
	if at(t, v, "model_version", "status") != "READY" {
		t.Errorf("%v", v)
	}
	for query, want := range map[string]string{
		"": "model",
		"filter=tags.%60mlflow.prompt.is_prompt%60+%3D+%27true%27":    "prompt",
		"filter=tags.%60mlflow.prompt.is_prompt%60+%21%3D+%27true%27": "model",
	} {
		got := c.call("GET", "registered-models/search?"+query, nil)
		if l := got["registered_models"].([]any); len(l) != 1 || at(t, l, 0, "name") != want {
			t.Errorf("%q finds %v", query, got)
		}
	}
	if got := c.call("GET", "model-versions/search", nil); len(got) != 0 {
		t.Errorf("versions %v", got)
	}
}

func upload(c *client, target, content string) {
	c.t.Helper()
	if w := c.do("PUT", target, strings.NewReader(content)); w.Code != 200 {
		c.t.Fatalf("PUT %s: %d %s", target, w.Code, w.Body)
	}
}

func TestArtifacts(t *testing.T) {
	c := serve(t)
	exp := c.experiment("e")
	run := c.run(exp)
	const proxy = "/api/2.0/mlflow-artifacts/artifacts"
	root := proxy + "/" + exp + "/" + run + "/artifacts"
	// the escaped name in the URL, and the name that it means
	odd := map[string]string{
		"plain.txt": "plain.txt", "dir/a%20b.txt": "dir/a b.txt", "dir/%C3%A4%3F.json": "dir/ä?.json", "dir/%2520": "dir/%20",
		"dir/100%25": "dir/100%", "dir/sub/x": "dir/sub/x", "dir/semi;colon": "dir/semi;colon", "empty": "empty", "dir/a%2Fb": "dir/a/b",
	}
	for escaped, name := range odd {
		content := "content of " + name
		if name == "empty" {
			content = ""
		}
		upload(c, root+"/"+escaped, content)
		w := c.do("GET", root+"/"+escaped, nil)
		if w.Code != 200 || w.Body.String() != content {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
	}
	w := c.do("GET", root+"/plain.txt", nil)
	etag := w.Header().Get("ETag")
	for k, want := range map[string]string{"Content-Disposition": "attachment; filename=plain.txt", "X-Content-Type-Options": "nosniff", "Content-Type": "text/plain", "Content-Length": "20", "Accept-Ranges": "bytes"} {
		if got := w.Header().Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	part := func(header, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", root+"/plain.txt", nil)
		r.Host = "localhost"
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, r)
		return w
	}
	if w := part("Range", "bytes=11-15"); w.Code != 206 || w.Body.String() != "plain" {
		t.Errorf("range: %d %q", w.Code, w.Body)
	}
	if w := part("Range", "bytes=99-"); w.Code != 416 {
		t.Errorf("range beyond the end: %d", w.Code)
	}
	if w := part("If-None-Match", etag); w.Code != 304 {
		t.Errorf("unchanged: %d", w.Code)
	}
	list := c.call("GET", "artifacts/list?run_id="+run+"&path=dir", nil)
	same(t, list, `{"root_uri":"mlflow-artifacts:/`+exp+`/`+run+`/artifacts","files":[
		{"path":"dir/%20","is_dir":false,"file_size":18},{"path":"dir/100%","is_dir":false,"file_size":19},{"path":"dir/a","is_dir":true},{"path":"dir/a b.txt","is_dir":false,"file_size":22},
		{"path":"dir/semi;colon","is_dir":false,"file_size":25},{"path":"dir/sub","is_dir":true},{"path":"dir/ä?.json","is_dir":false,"file_size":23}]}`)
	var top obj
	if err := json.Unmarshal(c.do("GET", proxy+"?path="+exp+"/"+run+"/artifacts", nil).Body.Bytes(), &top); err != nil {
		t.Fatal(err)
	}
	same(t, top, `{"files":[{"path":"dir","is_dir":true},{"path":"empty","is_dir":false},{"path":"plain.txt","is_dir":false,"file_size":20}]}`)
	for _, dir := range []string{exp, "", exp + "/" + run + "/artifacts/plain.txt", exp + "/" + strings.Repeat("0", 32) + "/artifacts", "versions/none/1"} {
		if w := c.do("GET", proxy+"?path="+dir, nil); w.Code != 200 || w.Body.String() != "{}" {
			t.Errorf("list of %q: %d %s", dir, w.Code, w.Body)
		}
	}
	if w := c.do("GET", "/get-artifact?run_uuid="+run+"&path=dir/a+b.txt", nil); w.Body.String() != "content of dir/a b.txt" || w.Header().Get("Content-Disposition") != `attachment; filename="a b.txt"` {
		t.Errorf("get-artifact: %s %v", w.Body, w.Header())
	}
	c.refused("GET", "/get-artifact?path=x", nil, 400, "INVALID_PARAMETER_VALUE", "Request must specify run_id or run_uuid.")
	c.refused("GET", root+"/none", nil, 404, "RESOURCE_DOES_NOT_EXIST", "No such artifact: 'none'")
	c.refused("GET", root+"/dir", nil, 404, "RESOURCE_DOES_NOT_EXIST", "No such artifact: 'dir'")
	for _, path := range []string{root + "/%2e%2e/x", root + "/a%5Cb", root + "/a%00", root + "/a/%2e/b", root + "/a%2F%2Fb", root + "/../x", root + "/./x"} {
		c.refused("GET", path, nil, 400, "INVALID_PARAMETER_VALUE", "Invalid path")
		c.refused("PUT", path, strings.NewReader("x"), 400, "INVALID_PARAMETER_VALUE", "Invalid path")
	}
	for name, want := range map[string][2]string{"dir/%C3%A4%3F.json": {"text/plain", "attachment; filename=\"?.json\"; filename*=UTF-8''%C3%A4%3F.json"}, "dir/a%20b.txt": {"text/plain", `attachment; filename="a b.txt"`},
		"dir/100%25": {"application/octet-stream", "attachment; filename=100%"}} {
		if h := c.do("GET", root+"/"+name, nil).Header(); h.Get("Content-Type") != want[0] || h.Get("Content-Disposition") != want[1] {
			t.Errorf("%s: %s, %s", name, h.Get("Content-Type"), h.Get("Content-Disposition"))
		}
	}
	c.refused("PUT", root+"/a%23b", strings.NewReader("x"), 400, "INVALID_PARAMETER_VALUE", "contains a '#'")
	c.refused("PUT", root+"/dir", strings.NewReader("x"), 400, "INVALID_PARAMETER_VALUE", "dir is a folder")
	c.refused("PUT", root+"/plain.txt/x", strings.NewReader("x"), 400, "INVALID_PARAMETER_VALUE", "plain.txt is a file")
	c.refused("PUT", proxy+"/99/"+run+"/artifacts/x", strings.NewReader("x"), 404, "RESOURCE_DOES_NOT_EXIST", "nothing keeps its artifacts at")
	c.refused("PUT", proxy+"/"+exp+"/"+strings.Repeat("0", 32)+"/artifacts/x", strings.NewReader("x"), 404, "RESOURCE_DOES_NOT_EXIST", "not found")
	c.refused("PUT", proxy+"/anywhere/x", strings.NewReader("x"), 404, "RESOURCE_DOES_NOT_EXIST", "no run, logged model or model version")
	if w := c.do("DELETE", root+"/dir", nil); w.Code != 200 {
		t.Errorf("delete: %d %s", w.Code, w.Body)
	}
	if files := at(t, c.call("GET", "artifacts/list?run_id="+run, nil), "files").([]any); len(files) != 2 {
		t.Errorf("after the deletion: %v", files)
	}
	if w := c.do("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid="+run+"&path=ui/x.json", strings.NewReader("{}")); w.Code != 200 {
		t.Errorf("upload of a page: %d %s", w.Code, w.Body)
	}
	c.call("POST", "runs/delete", obj{"run_id": run})
	c.refused("PUT", root+"/late", strings.NewReader("x"), 400, "INVALID_PARAMETER_VALUE", "must be in the 'active' state")
	c.refused("DELETE", root+"/plain.txt", nil, 400, "INVALID_PARAMETER_VALUE", "must be in the 'active' state")
}

// A version keeps the files it was registered with, whatever the run does later.
func TestVersionsAreFrozen(t *testing.T) {
	c := serve(t)
	exp := c.experiment("e")
	run := c.run(exp)
	const proxy = "/api/2.0/mlflow-artifacts/artifacts/"
	file := proxy + exp + "/" + run + "/artifacts/model/MLmodel"
	upload(c, file, "first")
	c.call("POST", "registered-models/create", obj{"name": "my model"})
	version := obj{"name": "my model", "source": "runs:/" + run + "/model", "run_id": run}
	c.call("POST", "model-versions/create", version)
	upload(c, file, "second")
	upload(c, proxy+exp+"/"+run+"/artifacts/model/more", "x")
	uri := at(t, c.call("GET", "model-versions/get-download-uri?name=my+model&version=1", nil), "artifact_uri").(string)
	if uri != "mlflow-artifacts:/versions/my%20model/1" {
		t.Fatalf("uri %s", uri)
	}
	place := strings.TrimPrefix(uri, "mlflow-artifacts:/")
	if w := c.do("GET", proxy+place+"/MLmodel", nil); w.Body.String() != "first" {
		t.Errorf("the version holds %q", w.Body)
	}
	for _, p := range []string{"versions/my+model/1", "versions/my%2520model/1"} {
		if w := c.do("GET", strings.TrimSuffix(proxy, "/")+"?path="+p, nil); w.Body.String() != `{"files":[{"path":"MLmodel","is_dir":false,"file_size":5}]}` {
			t.Errorf("%s lists %s", p, w.Body)
		}
	}
	if w := c.do("GET", "/model-versions/get-artifact?name=my+model&version=1&path=MLmodel", nil); w.Body.String() != "first" {
		t.Errorf("page download %s", w.Body)
	}
	c.refused("PUT", proxy+place+"/MLmodel", strings.NewReader("x"), 403, "PERMISSION_DENIED", "a version never changes")
	c.refused("DELETE", proxy+place+"/MLmodel", nil, 403, "PERMISSION_DENIED", "frozen")
	c.refused("GET", proxy+"versions/none/1/MLmodel", nil, 404, "RESOURCE_DOES_NOT_EXIST", "")
	c.call("POST", "model-versions/create", version)
	if w := c.do("GET", proxy+"versions/my%20model/2/MLmodel", nil); w.Body.String() != "second" {
		t.Errorf("the second version holds %q", w.Body)
	}
	// Registered before there is anything: frozen when the run ends.
	version["source"] = "runs:/" + run + "/later"
	c.call("POST", "model-versions/create", version)
	upload(c, proxy+exp+"/"+run+"/artifacts/later/MLmodel", "late")
	c.call("POST", "runs/update", obj{"run_id": run, "status": "FINISHED", "end_time": 9})
	upload(c, proxy+exp+"/"+run+"/artifacts/later/MLmodel", "too late")
	if w := c.do("GET", proxy+"versions/my%20model/3/MLmodel", nil); w.Body.String() != "late" {
		t.Errorf("the version that waited holds %q", w.Body)
	}
}

// An attempt token writes until its attempt has ended, and a repeated creation
// under it is the same creation.
func TestAttempts(t *testing.T) {
	c := serve(t)
	exp := c.experiment("e")
	token, hash := newToken()
	ctx := context.Background()
	if _, err := c.db.Pipelines.CreateRun(ctx, trimtab.PipelineRun{ID: "pr-0000000000000001", Pipeline: "p", State: trimtab.PipelineRunning, Spec: json.RawMessage(`{}`)},
		[]trimtab.Step{{Run: "pr-0000000000000001", Name: "train", State: trimtab.StepWaiting}}); err != nil {
		t.Fatal(err)
	}
	attempt := func(state trimtab.AttemptState) {
		_, err := c.db.Pipelines.MoveStep(ctx, "pr-0000000000000001", "train", func(s trimtab.Step) (trimtab.Step, trimtab.Change, error) {
			if s.Attempt == 0 {
				return s.To(trimtab.StepStarting, 0, "", 1)
			}
			return s, trimtab.Change{}, nil
		}, trimtab.PutAttempt{Attempt: trimtab.Attempt{Workspace: "default", Run: "pr-0000000000000001", Step: "train", N: 1, State: state, TokenHash: hash, Started: 1}})
		if err != nil {
			t.Fatal(err)
		}
	}
	attempt(trimtab.AttemptRunning)
	c.token = token
	body := obj{"experiment_id": exp, "start_time": 5, "tags": []obj{{"key": "a", "value": "b"}}}
	first, again := c.call("POST", "runs/create", body), c.call("POST", "runs/create", body)
	run := at(t, first, "run", "info", "run_id").(string)
	if at(t, again, "run", "info", "run_id") != run {
		t.Errorf("the same request made two runs: %v, %v", first, again)
	}
	body["start_time"] = 6
	if other := c.call("POST", "runs/create", body); at(t, other, "run", "info", "run_id") == run {
		t.Error("another request made the same run")
	}
	upload(c, "/api/2.0/mlflow-artifacts/artifacts/"+exp+"/"+run+"/artifacts/m/MLmodel", "x")
	c.call("POST", "registered-models/create", obj{"name": "m"})
	version := obj{"name": "m", "source": "runs:/" + run + "/m", "run_id": run}
	for range 2 {
		if v := c.call("POST", "model-versions/create", version); at(t, v, "model_version", "version") != "1" {
			t.Errorf("%v", v)
		}
	}
	upload(c, "/api/2.0/mlflow-artifacts/artifacts/"+exp+"/"+run+"/artifacts/m/MLmodel", "better")
	if v := c.call("POST", "model-versions/create", version); at(t, v, "model_version", "version") != "2" {
		t.Errorf("another model at the same place: %v", v)
	}
	c.refused("POST", "registered-models/alias", obj{"name": "m", "alias": "champion", "version": "1"}, 400, "BAD_REQUEST", "which has not succeeded")
	c.refused("DELETE", "registered-models/delete", obj{"name": "m"}, 403, "PERMISSION_DENIED", "a pipeline step may not call")
	attempt(trimtab.AttemptLost)
	c.refused("POST", "runs/log-metric", obj{"run_id": run, "key": "a", "value": 1, "timestamp": 1}, 403, "PERMISSION_DENIED", "attempt pr-0000000000000001.train.1 has ended (lost); its writes are refused")
	c.token = "ttk_unknown"
	c.refused("POST", "runs/log-metric", obj{"run_id": run, "key": "a", "value": 1, "timestamp": 1}, 401, "UNAUTHENTICATED", "not known")
}

func TestWorkspaces(t *testing.T) {
	c := serve(t)
	c.experiment("e")
	in := func(ws, method, target string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		r.Host = "localhost"
		r.Header.Set(route.WorkspaceHeader, ws)
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, r)
		return w
	}
	const byName = "/api/2.0/mlflow/experiments/get-by-name?experiment_name="
	if w := in("default", "GET", byName+"e"); w.Code != 200 {
		t.Errorf("own project: %d", w.Code)
	}
	if w := in("other", "GET", byName+"e"); w.Code != 404 {
		t.Errorf("another project: %d %s", w.Code, w.Body)
	}
	if w := in("other", "GET", byName+"Default"); w.Code != 200 || !strings.Contains(w.Body.String(), `"workspace":"other"`) {
		t.Errorf("default experiment of another project: %d %s", w.Code, w.Body)
	}
	if w := in("No Such", "GET", byName+"e"); w.Code != 400 || !strings.Contains(w.Body.String(), "INVALID_PARAMETER_VALUE") {
		t.Errorf("bad name: %d %s", w.Code, w.Body)
	}
}

func TestEveryKindHasACode(t *testing.T) {
	for k := trimtab.Internal; k <= trimtab.Unsupported; k++ {
		c, ok := codes[k]
		if !ok {
			t.Errorf("kind %s has no code", k)
		}
		retried := slices.Contains([]int{408, 429, 500, 502, 503, 504}, c.status)
		if passes := k == trimtab.Internal || k == trimtab.Exhausted || k == trimtab.Unavailable; retried != passes {
			t.Errorf("kind %s has status %d, and clients repeat the request: %v", k, c.status, retried)
		}
	}
	if n := len(slices.Collect(maps.Keys(codes))); n != int(trimtab.Unsupported)+1 {
		t.Errorf("%d codes", n)
	}
}
