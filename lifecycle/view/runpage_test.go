package view_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func TestRunPageOf(t *testing.T) {
	long := strings.Repeat("ä", 3000)
	run := trimtab.Run{ID: "r1", Name: "n", Attempt: "pr-1.train.2", Params: map[string]string{"b": "2", "a": long},
		Tags:    map[string]string{"mlflow.note.content": "why", "mlflow.source.git.commit": "abc", "mlflow.user": "ada"},
		Inputs:  []trimtab.DatasetInput{{Dataset: trimtab.Dataset{Name: "rows", Digest: "d1"}, Tags: []trimtab.Tag{{Key: "mlflow.data.context", Value: "training"}}}},
		Outputs: []trimtab.ModelOutput{{Model: "m-1", Step: 3}}, ModelInputs: []trimtab.ModelInput{{Model: "m-0"}}}
	spec := `{"code":{"path":".","digest":"sha256:c"},"env":{"lock":"uv.lock"},"steps":[{"name":"data"},{"name":"train","run":"python train.py","inputs":{"rows.parquet":"data.rows"}}]}`
	p := view.RunPageOf(view.RunFacts{Run: run, Models: []trimtab.LoggedModel{{ID: "m-1", Name: "tree"}, {ID: "m-2", Name: "late"}},
		Versions: []trimtab.ModelVersion{{Model: "it's", Version: 4}},
		Pipeline: &trimtab.PipelineRun{ID: "pr-1", Pipeline: "nightly", Spec: json.RawMessage(spec), Params: map[string]string{"until": "a b"},
			Steps: []trimtab.Step{{Name: "data", Outputs: map[string]trimtab.Digest{"rows": "sha256:rows"}}, {Name: "train", CacheKey: "sha256:key"}}},
		Step: "train", Attempt: 2})
	if a := p.Params[0]; a.Key != "a" || a.Cut != 6000 || len(a.Value) != 4000 || !strings.HasPrefix(long, a.Value) {
		t.Errorf("a long value: %d bytes, cut of %d", len(a.Value), a.Cut)
	}
	if p.Description != "why" || p.User != "ada" || p.Inputs[0].Context != "training" {
		t.Errorf("page %+v", p)
	}
	models := []view.RunModel{{ID: "m-1", Role: "output", Name: "tree", Step: 3}, {ID: "m-2", Role: "output", Name: "late"}, {ID: "m-0", Role: "input"}}
	if diff := cmp.Diff(models, p.Models); diff != "" {
		t.Error(diff)
	}
	origin := &view.RunOrigin{Run: "pr-1", Pipeline: "nightly", Step: "train", Attempt: 2, Command: "python train.py", Code: "sha256:c", Lock: "uv.lock", Key: "sha256:key",
		Params: map[string]string{"until": "a b"}, Inputs: []view.RunFile{{Name: "rows.parquet", From: "data.rows", Digest: "sha256:rows"}}, Outputs: []view.RunFile{}}
	if diff := cmp.Diff(origin, p.Origin); diff != "" {
		t.Error(diff)
	}
	var commands []string
	for _, r := range p.Recipes {
		commands = append(commands, r.Commands...)
	}
	want := []string{"trimtab pipeline run nightly --param 'until=a b'", "trimtab pipeline explain pr-1", "trimtab pipeline logs pr-1 train", "git checkout abc",
		"mlflow artifacts download -u models:/m-1 -d model", "pip install -r model/requirements.txt", "rows.parquet  sha256:rows", "rows  d1",
		"trimtab run show r1", "mlflow artifacts download -r r1 -d artifacts"}
	if diff := cmp.Diff(want, commands); diff != "" {
		t.Error(diff)
	}
}

// A person's run says how its client started it.
func TestRunRecipes(t *testing.T) {
	run := trimtab.Run{ID: "r1", Params: map[string]string{"x": "it's"}, Tags: map[string]string{
		"mlflow.source.git.repoURL": "https://example.org/a.git", "mlflow.source.git.commit": "abc", "mlflow.project.entryPoint": "fit"}}
	p := view.RunPageOf(view.RunFacts{Run: run})
	if got := p.Recipes[1].Commands[0]; got != `mlflow run https://example.org/a.git -v abc -e fit -P 'x=it'\''s'` {
		t.Errorf("recipe %s", got)
	}
	if p.Origin != nil || p.Params == nil || p.Models == nil {
		t.Errorf("page %+v", p)
	}
}

func TestLinesBinary(t *testing.T) {
	l := view.Lines{X: "step", Lines: []view.Line{
		{Run: "a", Key: "k", Count: 9, Points: 2, X: []float64{1, 2}, Y: []view.Number{3, view.Number(math.NaN())}},
		{Run: "b", Key: "ключ", Exact: true, Points: 1, X: []float64{-5}, Y: []view.Number{0.5}},
	}}
	var b bytes.Buffer
	if err := l.WriteBinary(&b); err != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()
	n := int(binary.LittleEndian.Uint32(raw))
	var head view.Lines
	if err := json.Unmarshal(raw[4:4+n], &head); err != nil {
		t.Fatal(err)
	}
	if (4+n)%8 != 0 || len(raw) != 4+n+3*16 || head.Lines[1].Key != "ключ" || head.Lines[0].X != nil {
		t.Fatalf("header of %d bytes, %d in all: %+v", n, len(raw), head)
	}
	var got []float64
	for at := 4 + n; at < len(raw); at += 8 {
		got = append(got, math.Float64frombits(binary.LittleEndian.Uint64(raw[at:])))
	}
	want := []float64{1, 2, 3, math.NaN(), -5, 0.5}
	for i := range want {
		if got[i] != want[i] && !math.IsNaN(want[i]) {
			t.Errorf("number %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestFileKind(t *testing.T) {
	for name, want := range map[string]string{"a/b.CSV": "table", "x.png": "image", "model/MLmodel": "text", "t.json": "json", "report.html": "html", "rows.parquet": "", "noending": "", ".hidden": "", "a.md": "markdown"} {
		if got := view.FileKind(name); got != want {
			t.Errorf("FileKind(%q) = %q, want %q", name, got, want)
		}
	}
}
