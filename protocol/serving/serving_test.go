package serving_test

import (
	"encoding/json"
	"fmt"
	"math"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/infer"
	"github.com/trimtab/trimtab/storage/traffic"
)

func flights() trimtab.EndpointSpec {
	return trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}, Logging: trimtab.EndpointLogging{RequestID: "id", EventTime: "at", Durability: "durable"}}
}

// sigmoid of the leaves, by the exact evaluator itself.
func predicted(t *testing.T, low, high, other float64) (a, b, c float64) {
	t.Helper()
	m, err := infer.Load([]byte(lightgbm(low, high, other)), infer.FormatLightGBMText, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float64, 3)
	m.Predict(out, []float64{0.1, 1, 0.9, 1, 0.9, 0}, 3, m.NewScratch(3))
	return out[0], out[1], out[2]
}

func number(v float64) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestInvocations(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{})
	w.declare(trimtab.KindEndpoint, "flights", flights())
	// Before the alias points to anything.
	w.await("flights", 0)
	if r := w.post("/endpoints/flights/invocations", "application/json", "{}"); r.status != 503 || r.header.Get("Retry-After") == "" ||
		!strings.Contains(r.body, "TEMPORARILY_UNAVAILABLE") || !strings.Contains(r.body, "points to no version") {
		t.Errorf("no version: %d %v %s", r.status, r.header, r.body)
	}
	v := w.register("flights", modelFiles(-1, 1, 2))
	w.alias("flights", v)
	w.await("flights", v)
	low, high, other := predicted(t, -1, 1, 2)
	// Categories: red 0, green 1, blue 2; the categorical split sends code 1 left.
	want := func(vs ...float64) string {
		s := make([]string, len(vs))
		for i, v := range vs {
			s[i] = number(v)
		}
		return `{"predictions": [` + strings.Join(s, ", ") + `]}`
	}
	for _, c := range []struct {
		name, kind, body string
		status           int
		want             string
	}{
		{"split", "application/json", `{"dataframe_split":{"columns":["colour","size"],"data":[["green",0.1],["green",0.9],["red",0.9]]}}`, 200, want(low, high, other)},
		{"charset", "application/json; charset=utf-8", `{"dataframe_split":{"columns":["size","colour"],"data":[[0.1,"green"]]}}`, 200, want(low)},
		{"records", "application/json", `{"dataframe_records":[{"size":0.9,"colour":"green"}]}`, 200, want(high)},
		{"inputs", "application/json", `{"inputs":{"size":[0.9],"colour":["never seen"]}}`, 200, want(other)},
		{"csv", "text/csv", "size,colour\n0.1,green\n0.9,red\n", 200, want(low, other)},
		{"extra columns are no inputs", "application/json", `{"dataframe_split":{"columns":["size","colour","note"],"data":[[0.1,"green","x"]]}}`, 200, want(low)},
		{"no rows", "application/json", `{"dataframe_split":{"columns":["size","colour"],"data":[]}}`, 200, `{"predictions": []}`},
		{"missing column", "application/json", `{"dataframe_split":{"columns":["size"],"data":[[1]]}}`, 400, `colour`},
		{"wrong type", "application/json", `{"dataframe_split":{"columns":["size","colour"],"data":[[1,"red"],["x","red"]]}}`, 400, `row 1`},
		{"no JSON", "application/json", `{"dataframe_split`, 400, `BAD_REQUEST`},
		{"content type", "application/xml", `<x/>`, 415, `application/xml`},
		{"unknown endpoint", "", "", 404, "RESOURCE_DOES_NOT_EXIST"},
	} {
		path := "/endpoints/flights/invocations"
		if c.status == 404 {
			path = "/endpoints/none/invocations"
		}
		r := w.post(path, c.kind, c.body)
		if r.status != c.status || c.status == 200 && r.body != c.want || !strings.Contains(r.body, c.want) {
			t.Errorf("%s: %d %s; want %d %s", c.name, r.status, r.body, c.status, c.want)
		}
		if r.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no request id", c.name)
		}
		if c.status == 200 && r.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", c.name, r.header)
		}
	}
	if r := w.do("GET", "/endpoints/flights/ping", "", ""); r.status != 200 || r.body != "\n" {
		t.Errorf("ping: %+v", r)
	}
	if r := w.do("GET", "/endpoints/flights/version", "", ""); r.status != 200 || r.body != "3.17.2" {
		t.Errorf("version: %+v", r)
	}
	e, err := w.serve.Endpoint("default", "flights")
	if err != nil {
		t.Fatal(err)
	}
	if n := e.Log().Stats().Rows; n != 9 {
		t.Errorf("%d rows logged, want 9: refused requests are not logged", n)
	}
	if s, err := w.db.Endpoints.State(t.Context(), "flights"); err != nil || s.LiveSince == 0 {
		t.Errorf("the first live request is not recorded: %+v, %v", s, err)
	}
}

func joined(t *testing.T, w *world, endpoint string) map[string]traffic.Joined {
	t.Helper()
	l, err := w.traffic.Endpoint(traffic.Endpoint{Workspace: "default", Name: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]traffic.Joined{}
	for j, err := range l.Window(t.Context(), math.MinInt64, math.MaxInt64, 0) {
		if err != nil {
			t.Fatal(err)
		}
		out[j.ID] = j
	}
	return out
}

func TestIdentity(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{})
	w.declare(trimtab.KindEndpoint, "flights", flights())
	v := w.register("flights", modelFiles(-1, 1, 2))
	w.alias("flights", v)
	w.await("flights", v)
	recent := trimtab.TimeOf(time.Now().Add(-time.Minute))
	body := func(id, at string) string {
		return fmt.Sprintf(`{"dataframe_split":{"columns":["id","at","size","colour"],"data":[[%s,%s,0.1,"red"]]}}`, id, at)
	}
	for _, c := range []struct {
		name, body string
		header     []string
		status     int
		id         string
		at         trimtab.Time
	}{
		{"columns", body(`"f1"`, `"`+recent.String()+`"`), nil, 200, "f1", recent},
		{"numeric id, milliseconds", body(`17`, strconv.FormatInt(int64(recent), 10)), nil, 200, "17", recent},
		{"null id", body(`null`, `"2013-01-01"`), nil, 400, "", 0},
		{"no time", body(`"f2"`, `"yesterday"`), nil, 400, "", 0},
		{"far ahead", body(`"f3"`, `"2099-01-01"`), nil, 400, "", 0},
		{"headers", `{"dataframe_split":{"columns":["size","colour"],"data":[[0.1,"red"],[0.2,"red"]]}}`, []string{"X-Request-Id", "req-9", "Trimtab-Event-Time", recent.String()}, 200, "req-9/1", recent},
		{"no lease", body(`"f4"`, `"2013-01-01"`), []string{"Trimtab-Replay-Fence", "5"}, 409, "", 0},
		{"bad lease", body(`"f4"`, `"2013-01-01"`), []string{"Trimtab-Replay-Fence", "x"}, 400, "", 0},
		{"bad time header", body(`"f4"`, `"2013-01-01"`), []string{"Trimtab-Event-Time", "x"}, 400, "", 0},
	} {
		r := w.post("/endpoints/flights/invocations", "application/json", c.body, c.header...)
		if r.status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, r.status, r.body, c.status)
		}
		if c.status != 200 {
			continue
		}
		if j, ok := joined(t, w, "flights")[c.id]; !ok || j.EventTime != c.at || j.Version != v {
			t.Errorf("%s: logged %+v, want id %s at %s", c.name, j, c.id, c.at)
		}
	}
	if n := len(joined(t, w, "flights")); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}

func TestLabelForms(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{})
	spec := flights()
	w.declare(trimtab.KindEndpoint, "flights", spec)
	v := w.register("flights", modelFiles(-1, 1, 2))
	w.alias("flights", v)
	w.await("flights", v)
	now := trimtab.TimeOf(time.Now())
	w.post("/endpoints/flights/invocations", "application/json", fmt.Sprintf(`{"dataframe_split":{"columns":["id","at","size","colour"],"data":[["a",%d,0.1,"red"],["b",%d,0.1,"red"],["c",%d,0.1,"red"]]}}`, now, now, now))
	var form strings.Builder
	m := multipart.NewWriter(&form)
	part, err := m.CreateFormFile("labels", "labels.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte("id,value,known_at\nc,1,2020-01-01T00:00:00Z\nz,0,\n")); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, kind, body string
		status           int
		want             string
	}{
		{"list", "application/json", `[{"id":"a","value":1},{"id":"b","value":false,"known_at":"2013-01-01"},{"id":"x","value":null}]`, 200, `{"matched":2,"unmatched":1,"repeated":0,"late":0}`},
		{"columns", "application/json", `{"ids":["a","b"],"values":[0,null]}`, 200, `{"matched":2,"unmatched":0,"repeated":2,"late":0}`},
		{"named list", "application/json", `{"labels":[{"id":"a","value":0}]}`, 200, `{"matched":1,"unmatched":0,"repeated":1,"late":0}`},
		{"csv", "text/csv", "value,id\n1,b\n", 200, `{"matched":1,"unmatched":0,"repeated":1,"late":0}`},
		{"form", m.FormDataContentType(), form.String(), 200, `{"matched":1,"unmatched":1,"repeated":0,"late":0}`},
		{"empty", "application/json", `[]`, 200, `{"matched":0,"unmatched":0,"repeated":0,"late":0}`},
		{"no id", "application/json", `[{"value":1}]`, 400, "label 0 has no id"},
		{"no value", "application/json", `[{"id":"a"}]`, 400, "has no value"},
		{"unknown field", "application/json", `[{"id":"a","value":1,"when":2}]`, 400, "\\\"when\\\"; expected a list of objects with id, value"},
		{"text value", "application/json", `[{"id":"a","value":"1"}]`, 400, "no number"},
		{"lengths", "application/json", `{"ids":["a"],"values":[]}`, 400, "1 ids and 0 values"},
		{"object", "application/json", `{}`, 400, "expected a list"},
		{"csv column", "text/csv", "id,value,label\na,1,2\n", 400, "label"},
		{"csv header", "text/csv", "a,1\n", 400, "not known"},
		{"far ahead", "application/json", `[{"id":"a","value":1,"known_at":"2099-01-01"}]`, 400, "latest accepted"},
		{"content type", "application/xml", ``, 400, "application/xml"},
		{"form without file", "multipart/form-data; boundary=x", "--x--\r\n", 400, "labels"},
	} {
		r := w.post("/endpoints/flights/labels", c.kind, c.body)
		if r.status != c.status || !strings.Contains(r.body, c.want) {
			t.Errorf("%s: %d %s; want %d %s", c.name, r.status, r.body, c.status, c.want)
		}
	}
	got := joined(t, w, "flights")
	for id, want := range map[string]float64{"a": 0, "b": 1, "c": 1} {
		if j := got[id]; !j.HasLabel || j.Label != want {
			t.Errorf("label of %s: %+v, want %v", id, j, want)
		}
	}
}

// TestSwap moves the alias back and forth under load: no request fails, and each
// answer is one of the two versions whole.
func TestSwap(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{})
	spec := flights()
	spec.Logging = trimtab.EndpointLogging{Durability: "off"}
	w.declare(trimtab.KindEndpoint, "flights", spec)
	v1, v2 := w.register("flights", modelFiles(-1, 1, 2)), w.register("flights", modelFiles(-3, 3, 4))
	broken := modelFiles(1, 2, 3)
	broken["MLmodel"] = strings.ReplaceAll(broken["MLmodel"], "mlflow.lightgbm", "mlflow.sklearn")
	v3 := w.register("flights", broken)
	w.alias("flights", v1)
	w.await("flights", v1)
	a1, b1, _ := predicted(t, -1, 1, 2)
	a2, b2, _ := predicted(t, -3, 3, 4)
	want := map[string]bool{}
	for _, p := range [][2]float64{{a1, b1}, {a2, b2}} {
		want[fmt.Sprintf(`{"predictions": [%s, %s]}`, number(p[0]), number(p[1]))] = true
	}
	var wg sync.WaitGroup
	var stop atomic.Bool
	answered := make(chan struct{})
	seen := sync.Map{}
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				resp, err := http.Post(w.url+"/endpoints/flights/invocations", "application/json", strings.NewReader(`{"dataframe_split":{"columns":["size","colour"],"data":[[0.1,"green"],[0.9,"green"]]}}`))
				if err != nil {
					t.Error(err)
					return
				}
				b := make([]byte, 4096)
				n, _ := resp.Body.Read(b)
				resp.Body.Close()
				if resp.StatusCode != 200 || !want[string(b[:n])] {
					t.Errorf("%d %s", resp.StatusCode, b[:n])
					return
				}
				seen.Store(string(b[:n]), true)
				select {
				case answered <- struct{}{}:
				default:
				}
			}
		})
	}
	for i := range 6 {
		v := v2
		if i%2 == 1 {
			v = v1
		}
		w.alias("flights", v)
		w.await("flights", v)
		for range 20 {
			if t.Failed() {
				break
			}
			select {
			case <-answered:
			case <-time.After(20 * time.Second):
				t.Fatal("no request is answered")
			}
		}
	}
	// A version that cannot be served leaves the last good one in place, with a condition.
	w.alias("flights", v3)
	e, err := w.serve.Endpoint("default", "flights")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.serve.Reconcile(t.Context(), "default", "flights"); err != nil {
		t.Fatal(err)
	}
	if st := e.Status(); st.Version != v1 || st.Conditions[0].Type != "Loaded" || st.Conditions[0].Status || st.Conditions[0].Reason != "Unsupported" ||
		!strings.Contains(st.Conditions[0].Message, "flavor sklearn is not served natively") {
		t.Errorf("status: %+v", st)
	}
	stop.Store(true)
	wg.Wait()
	both := 0
	seen.Range(func(any, any) bool { both++; return true })
	if both != 2 {
		t.Errorf("%d of 2 versions answered", both)
	}
}

func TestV2(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{})
	w.declare(trimtab.KindEndpoint, "flights", flights())
	w.declare(trimtab.KindEndpoint, "empty", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "none"}})
	v := w.register("flights", modelFiles(-1, 1, 2))
	w.alias("flights", v)
	w.await("flights", v)
	w.await("empty", 0)
	low, high, _ := predicted(t, -1, 1, 2)
	infer := `{"id":"q1","inputs":[{"name":"size","shape":[2,1],"datatype":"FP64","data":[[0.1],[0.9]]},{"name":"colour","shape":[2],"datatype":"BYTES","data":["green","green"]}]}`
	answer := fmt.Sprintf(`{"model_name":"flights","model_version":"1","id":"q1","outputs":[{"name":"prediction","datatype":"FP64","shape":[2],"data":[%s,%s]}]}`, number(low), number(high))
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
		header             []string
	}{
		{"GET", "/v2", "", 200, `{"name":"trimtab","version":"test","extensions":["model_repository"]}`, nil},
		{"GET", "/v2/", "", 200, `"trimtab"`, nil},
		{"GET", "/v2/health/live", "", 200, `{"live":true}`, nil},
		{"GET", "/v2/health/ready", "", 503, `empty is not ready`, nil},
		{"GET", "/endpoints/flights/v2/health/ready", "", 200, `"ready":true`, nil},
		{"GET", "/v2/models", "", 200, `{"models":["empty","flights"]}`, nil},
		{"GET", "/endpoints/flights/v2/models", "", 200, `{"models":["flights"]}`, nil},
		{"GET", "/v2/models/flights", "", 200, `{"name":"flights","versions":["1"],"platform":"trimtab_lightgbm","inputs":[{"name":"size","datatype":"FP64","shape":[-1,1]},{"name":"colour","datatype":"BYTES","shape":[-1,1]}],"outputs":[{"name":"prediction","datatype":"FP64","shape":[-1]}]}`, nil},
		{"GET", "/v2/models/flights/versions/1/ready", "", 200, `"ready":true`, nil},
		{"GET", "/v2/models/flights/versions/7/ready", "", 404, `does not serve version 7`, nil},
		{"GET", "/v2/models/empty/ready", "", 503, `points to no version`, nil},
		{"GET", "/v2/models/nobody", "", 404, `nobody`, nil},
		{"GET", "/endpoints/flights/v2/models/empty/ready", "", 404, `serves one model`, nil},
		{"POST", "/v2/repository/index", "", 200, `{"name":"empty","state":"UNAVAILABLE","reason":"alias champion`, nil},
		{"POST", "/v2/repository/index", `{"ready":true}`, 200, `[{"name":"flights","version":"1","state":"READY","reason":""}]`, nil},
		{"POST", "/v2/models/flights/infer", infer, 200, answer, nil},
		{"POST", "/v2/models/flights/versions/1/infer", infer, 200, answer, nil},
		{"POST", "/endpoints/flights/v2/models/flights/infer", infer, 200, answer, nil},
		{"POST", "/v2/models/flights/infer", infer, 400, `binary tensor data extension`, []string{"Inference-Header-Content-Length", "9"}},
		{"POST", "/v2/models/flights/infer", strings.Replace(infer, `"inputs"`, `"parameters":{"binary_data_output":true},"inputs"`, 1), 200, answer, nil},
		{"POST", "/v2/models/flights/infer", strings.Replace(infer, `"inputs"`, `"outputs":[{"name":"x"}],"inputs"`, 1), 400, `output \"x\"`, nil},
		{"POST", "/v2/models/flights/infer", strings.Replace(infer, `[2,1]`, `[3,1]`, 1), 400, `size`, nil},
		{"POST", "/v2/models/flights/infer", `{`, 400, `error`, nil},
	} {
		r := w.do(c.method, c.path, "application/json", c.body, c.header...)
		if r.status != c.status || !strings.Contains(r.body, c.want) {
			t.Errorf("%s %s: %d %s; want %d %s", c.method, c.path, r.status, r.body, c.status, c.want)
		}
	}
	if n := len(joined(t, w, "flights")); n != 8 {
		t.Errorf("%d rows logged, want 8", n)
	}
}
