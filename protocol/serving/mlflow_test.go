package serving_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestAnswersAsMLflow sends to every golden model what MLflow's own scoring server
// was sent and compares status and, where it answered, the answer to the byte.
// The goldens are made by internal/testkit/golden/serving/generate.py with mlflow
// 3.17.2, lightgbm 4.7.0 and xgboost 3.2.0.
func TestAnswersAsMLflow(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("testdata", "mlflow", "*"))
	if err != nil || len(folders) < 9 {
		t.Fatalf("%d goldens, %v", len(folders), err)
	}
	w := newWorld(t, t.TempDir(), options{})
	for _, folder := range folders {
		name := filepath.Base(folder)
		endpoint := strings.ReplaceAll(name, "_", "-")
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			entries, err := os.ReadDir(filepath.Join(folder, "model"))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				b, err := os.ReadFile(filepath.Join(folder, "model", e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				files[e.Name()] = string(b)
			}
			var cases []struct {
				Kind, Request, Answer string
				Status                int
			}
			raw, err := os.ReadFile(filepath.Join(folder, "cases.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(raw, &cases); err != nil {
				t.Fatal(err)
			}
			model := trimtab.ModelName(name)
			v := w.register(model, files)
			w.alias(model, v)
			w.declare(trimtab.KindEndpoint, endpoint, trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: model}})
			w.await(endpoint, v)
			for i, c := range cases {
				r := w.post("/endpoints/"+endpoint+"/invocations", c.Kind, c.Request)
				if r.status != c.Status || c.Status == 200 && r.body != c.Answer {
					t.Errorf("case %d: %.200s\n got %d %s\nwant %d %s", i, c.Request, r.status, r.body, c.Status, c.Answer)
				}
			}
		})
	}
}
