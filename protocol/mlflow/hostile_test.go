package mlflow

import (
	"encoding/json"
	"io/fs"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// hostilePaths are what attackers have sent to servers of this kind: traversal
// plain, encoded once, twice and overlong, other separators, absolute paths,
// devices, fragments, and names beyond any limit.
var hostilePaths = []string{
	"../../etc/passwd", "..%2f..%2f", "%252e%252e%252f", "....//", "..;/", "a/../../b", "/etc/passwd", "file:///etc/passwd",
	`C:\Windows`, `..\..\`, `\\host\share`, "a%00.txt", "CON", "aux.txt", "trailing.", "trailing ", "%c0%ae%c0%ae/", "．．／",
	"a#/../../", "a?x=/../../", strings.Repeat("n", 4096), "A", "a", "\u00e9", "e\u0301", ".", "", "//", "%2e", "%2e%2e", "a//b", "a/./b",
	"%2fetc%2fpasswd", "..%5c..%5cx", "%25%32%65%25%32%65%2f", "\x7f", "%0a", "%ff", "a%2f..%2f..%2fb",
}

// Whatever path is sent to whichever route, the answer is a clean refusal or a
// key in the run's tree: never a fault, and never a file outside the blob store.
func TestHostilePaths(t *testing.T) {
	c := serve(t)
	exp := c.experiment("e")
	run := c.run(exp)
	c.call("POST", "registered-models/create", obj{"name": "m"})
	c.call("POST", "model-versions/create", obj{"name": "m", "source": "runs:/" + run, "run_id": run})
	const proxy = "/api/2.0/mlflow-artifacts/artifacts"
	root := exp + "/" + run + "/artifacts/"
	shapes := []struct{ method, target string }{
		{"PUT", proxy + "/" + root + "PATH"}, {"GET", proxy + "/" + root + "PATH"}, {"DELETE", proxy + "/" + root + "sub/PATH"},
		{"PUT", proxy + "/PATH"}, {"GET", proxy + "/PATH"}, {"DELETE", proxy + "/PATH"},
		{"GET", proxy + "/versions/m/1/PATH"}, {"GET", proxy + "/versions/PATH/1/x"}, {"PUT", proxy + "/versions/m/1/PATH"},
		{"GET", proxy + "?path=QUERY"}, {"GET", proxy + "?path=" + root + "QUERY"},
		{"GET", "/api/2.0/mlflow/artifacts/list?run_id=" + run + "&path=QUERY"}, {"GET", "/get-artifact?run_id=" + run + "&path=QUERY"},
		{"GET", "/get-artifact?run_id=QUERY&path=x"}, {"GET", "/get-artifact?run_id=PATH&path=x"}, {"GET", "/get-artifact?run_id=" + run + "&path=PATH"},
		{"GET", "/api/2.0/mlflow/runs/get?run_id=PATH"}, {"GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=PATH"},
		{"GET", "/api/2.0/mlflow/registered-models/get?name=PATH"}, {"GET", "/api/2.0/mlflow/registered-models/alias?name=m&alias=PATH"},
		{"GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id=PATH&metric_key=PATH"}, {"GET", "/api/2.0/mlflow/metrics/get-history?run_id=" + run + "&metric_key=PATH"}, {"GET", "/model-versions/get-artifact?name=m&version=1&path=QUERY"},
		{"GET", "/model-versions/get-artifact?name=QUERY&version=1&path=x"}, {"GET", "/ajax-api/2.0/mlflow/logged-models/PATH/artifacts/files?artifact_file_path=QUERY"},
		{"POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=" + run + "&path=QUERY"}, {"POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=QUERY&path=x"},
		{"GET", "/api/2.0/mlflow/logged-models/PATH"}, {"DELETE", "/api/2.0/mlflow/logged-models/m-1/tags/PATH"},
	}
	for _, shape := range shapes {
		for _, hostile := range hostilePaths {
			// As it is, for a client that encodes nothing, and encoded as a query value.
			target := strings.NewReplacer("PATH", hostile, "QUERY", url.QueryEscape(hostile)).Replace(shape.target)
			u, err := url.ParseRequestURI(target)
			if err != nil {
				continue // net/http answers 400 by itself
			}
			r := httptest.NewRequest(shape.method, "/", strings.NewReader("hostile"))
			r.URL, r.RequestURI, r.Host = u, target, "localhost"
			w := httptest.NewRecorder()
			c.h.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s %.200s: %d %s", shape.method, target, w.Code, w.Body)
			}
			if w.Code == 400 || w.Code == 404 {
				var refusal struct {
					Code string `json:"error_code"`
				}
				if json.Unmarshal(w.Body.Bytes(), &refusal) != nil || refusal.Code == "" {
					t.Errorf("%s %.200s: %d without a code: %s", shape.method, target, w.Code, w.Body)
				}
			}
			if strings.Contains(w.Body.String(), "root:") {
				t.Errorf("%s %.200s gives a file of the machine", shape.method, target)
			}
		}
	}
	ours := regexp.MustCompile(`^(FORMAT|objects/[0-9a-f]{2}/[0-9a-f]{62})$`)
	err := filepath.WalkDir(c.blobs, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(c.blobs, path)
		if err == nil && !ours.MatchString(filepath.ToSlash(name)) {
			t.Errorf("a request made the file %s", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The same for what a client may claim to be the source of a version or the
// place of an experiment.
func TestHostileSources(t *testing.T) {
	c := serve(t)
	run := c.run(c.experiment("e"))
	c.call("POST", "registered-models/create", obj{"name": "m"})
	for _, hostile := range hostilePaths {
		for _, source := range []string{hostile, "mlflow-artifacts:/" + hostile, "file:" + hostile, "http://localhost/api/2.0/mlflow-artifacts/artifacts/" + hostile, "models:/" + hostile, "s3://b/" + hostile} {
			if source == "" {
				continue
			}
			w := c.do("POST", "/api/2.0/mlflow/model-versions/create", obj{"name": "m", "source": source, "run_id": run})
			if w.Code != 400 && w.Code != 404 {
				t.Errorf("source %.200q: %d %s", source, w.Code, w.Body)
			}
		}
		if w := c.do("POST", "/api/2.0/mlflow/model-versions/create", obj{"name": "m", "source": "runs:/" + run + "/" + hostile, "run_id": run}); w.Code >= 500 {
			t.Errorf("source in the run %.200q: %d %s", hostile, w.Code, w.Body)
		}
		if w := c.do("POST", "/api/2.0/mlflow/experiments/create", obj{"name": "at " + hostile, "artifact_location": "http://h/p?x=" + hostile}); w.Code != 400 {
			t.Errorf("place %.200q: %d %s", hostile, w.Code, w.Body)
		}
	}
}
