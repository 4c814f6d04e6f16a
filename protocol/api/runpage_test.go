package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/sql"
)

// runWorld is the API on a real database and a real blob store.
type runWorld struct {
	*testing.T
	db    *sql.DB
	blobs blob.Store
	url   string
	run   trimtab.Run
}

func newRunWorld(t *testing.T) *runWorld {
	t.Helper()
	db, err := sql.Open(t.Context(), sql.Config{URL: filepath.Join(t.TempDir(), "trimtab.db")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done; db.Close() })
	blobs, err := blob.OpenDisk(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	mux, err := route.New(route.Config{}, api.Routes(api.Config{Resources: db.Resources, Journal: db.Journal, RunCards: db.Runs, RunTree: db.Artifacts, Opener: blobs, Series: db.Runs, Runs: db.Runs}))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w := &runWorld{T: t, db: db, blobs: blobs, url: server.URL + api.Base + "/default/"}
	if w.run, err = db.Runs.Create(t.Context(), trimtab.Run{Experiment: "0", Name: "n", Start: 1000}, ""); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *runWorld) put(path, content string) {
	w.Helper()
	d, size, err := w.blobs.Put(w.Context(), strings.NewReader(content))
	if err == nil {
		err = w.db.Artifacts.Put(w.Context(), trimtab.RunTree(w.run.ID), path, d, size)
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *runWorld) get(address string, header ...string) (*http.Response, []byte) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.url+address, nil)
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res, raw
}

func TestRunFiles(t *testing.T) {
	w := newRunWorld(t)
	png := "\x89PNG\r\n\x1a\n0000"
	w.put("plots/a.png", png)
	w.put("plots/fake.png", "<script>alert(1)</script>")
	w.put("report.html", "<h1>hi</h1>")
	w.put("ü b.csv", "a,b\n1,2\n")
	w.put("model/x.bin", "\x00\x01")
	res, raw := w.get("runs/" + string(w.run.ID) + "/files")
	var top view.RunFiles
	if err := json.Unmarshal(raw, &top); err != nil || res.StatusCode != 200 || len(top.Items) != 4 || !top.Items[0].Dir || top.Items[2].Kind != "html" {
		t.Fatalf("files: %d %s", res.StatusCode, raw)
	}
	for _, c := range []struct{ path, content, policy string }{
		{"plots/a.png", "image/png", "sandbox"},
		{"plots/fake.png", "application/octet-stream", "sandbox"},
		{"report.html", "text/html; charset=utf-8", "sandbox allow-scripts"},
		{"ü b.csv", "text/plain; charset=utf-8", "sandbox"},
		{"model/x.bin", "application/octet-stream", "sandbox"},
	} {
		res, _ := w.get("runs/" + string(w.run.ID) + "/file?path=" + strings.NewReplacer(" ", "%20", "ü", "%C3%BC").Replace(c.path))
		policy := res.Header.Get("Content-Security-Policy")
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != c.content || !strings.HasSuffix(policy, c.policy) || !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "allow-same-origin") ||
			res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", c.path, res.StatusCode, res.Header)
		}
	}
	if res, raw := w.get("runs/"+string(w.run.ID)+"/file?path=report.html", "Range", "bytes=0-3"); res.StatusCode != 206 || string(raw) != "<h1>" {
		t.Errorf("a part: %d %q", res.StatusCode, raw)
	}
	if res, _ := w.get("runs/" + string(w.run.ID) + "/file?path=report.html&download=true"); !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("download: %v", res.Header)
	}
	for address, status := range map[string]int{"/file?path=absent": 404, "/file?path=../x": 400, "/file?path=plots": 404, "/files?path=/a/../b": 400, "/file": 400} {
		if res, raw := w.get("runs/" + string(w.run.ID) + address); res.StatusCode != status {
			t.Errorf("%s: %d %s", address, res.StatusCode, raw)
		}
	}
}

func TestSeriesAnswers(t *testing.T) {
	w := newRunWorld(t)
	var batch trimtab.RunBatch
	for i := range 3000 {
		batch.Metrics = append(batch.Metrics, trimtab.Metric{Key: "loss, test", Step: int64(i), Time: trimtab.Time(1000 + i), Value: float64(i % 7)})
	}
	if err := w.db.Runs.LogBatch(t.Context(), w.run.ID, batch); err != nil {
		t.Fatal(err)
	}
	id := string(w.run.ID)
	res, raw := w.get("runs/" + id + "/series?key=loss,+test&points=100")
	var lines view.Lines
	if err := json.Unmarshal(raw, &lines); err != nil || res.StatusCode != 200 || len(lines.Lines) != 1 || lines.Lines[0].Exact || lines.Lines[0].Count != 3000 || lines.Lines[0].Points > 302 {
		t.Fatalf("lines: %d %.200s", res.StatusCode, raw)
	}
	_, raw = w.get("series?runs="+id+",nowhere&key=loss,+test&x=relative&from=10&to=19.5", "Accept", "application/octet-stream, application/json")
	if n := len(raw); n < 160 || (n-160)%8 != 0 {
		t.Errorf("binary of %d bytes", n)
	}
	body := `{"runs":["` + id + `"],"keys":["loss, test","absent"],"from":5,"to":8}`
	post, err := http.Post(w.url+"series", "application/json", bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	defer post.Body.Close()
	if err := json.NewDecoder(post.Body).Decode(&lines); err != nil || len(lines.Lines) != 1 || lines.Lines[0].Points != 4 || !lines.Lines[0].Exact {
		t.Errorf("asked in a body: %+v", lines)
	}
	for address, status := range map[string]int{"runs/" + id + "/series": 400, "runs/" + id + "/series?key=a&from=x": 400, "runs/" + id + "/series?key=a&from=5&to=2": 400, "runs/" + id + "/series?key=a&x=day": 400, "series?runs=,&key=a": 400, "runs/" + id + "/metrics?limit=0": 400, "runs/nowhere/page": 404} {
		if res, raw := w.get(address); res.StatusCode != status {
			t.Errorf("%s: %d %s", address, res.StatusCode, raw)
		}
	}
	if res, raw := w.get("runs/" + id + "/page"); res.StatusCode != 200 || !bytes.Contains(raw, []byte(`"metricKeys":1`)) {
		t.Errorf("page: %d %s", res.StatusCode, raw)
	}
	if res, raw := w.get("runs/" + id + "/metrics?search=LOSS"); res.StatusCode != 200 || !bytes.Contains(raw, []byte(`"count":3000`)) {
		t.Errorf("metrics: %d %s", res.StatusCode, raw)
	}
}

// runPages calls what the pages of runs call, for a run that is not there.
func (w *world) runPages(t *testing.T) {
	t.Helper()
	for address, status := range map[string]int{"runs/none/page": 404, "runs/none/metrics": 404, "runs/none/files": 200, "runs/none/file?path=a": 404, "runs/none/series?key=a": 200, "series?runs=a,b&key=a": 200, "compare?runs=a,b": 200, "compare?experiment=0&filter=metrics.auc+%3E+0.5": 200, "compare": 400, "compare?experiment=0&filter=nonsense": 400, "compare?runs=a&experiment=0": 400} {
		res, err := http.Get(w.server.URL + api.Base + "/default/" + address)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s: status %d, want %d", address, res.StatusCode, status)
		}
	}
	res, err := http.Post(w.server.URL+api.Base+"/default/series", "application/json", strings.NewReader(`{"runs":[],"keys":["a"]}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 400 {
		t.Errorf("no runs: status %d", res.StatusCode)
	}
}
