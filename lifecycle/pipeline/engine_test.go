package pipeline_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
)

// engines runs a test on both databases.
func engines(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, "")) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorld(t, postgres.URL(t))) })
}

const source = "id,at,y,known\na,2013-01-01,1,2013-01-02\nb,2013-01-02,0,2013-01-03\nc,2013-02-02,0,2013-02-03\n"

// declareSource declares the DataSource "s".
func (w *world) declareSource(t *testing.T) {
	t.Helper()
	d, _, err := w.blobs.Put(t.Context(), strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.declare(t.Context(), trimtab.KindDataSource, "s", trimtab.SourceSpec{Path: "s.csv", Digest: d, Key: []string{"id"}, EventTime: "at",
		Label: &trimtab.SourceLabel{Column: "y", AvailableAt: "known"}}); err != nil {
		t.Fatal(err)
	}
}

func TestWholePipeline(t *testing.T) { engines(t, wholePipeline) }

func wholePipeline(t *testing.T, w *world) {
	w.declareSource(t)
	spec := trimtab.PipelineSpec{
		Params: map[string]string{"asOf": "2013-01-10", "text": "plain"},
		Code: w.code(t, map[string]string{
			"train.sh": "#!/bin/sh\nset -e\nhead -c 4 $IN/in/rows.parquet\necho\necho \"said $1\" \"$EXTRA\" seed $SEED\nmkdir -p $OUT/model/deep\necho weights > $OUT/model/deep/w\necho fine > $OUT/metrics\n[ -n \"$MLFLOW_TRACKING_TOKEN\" ]\n[ $TZ = UTC ]\nenv | sort > $OUT/env\n",
			"use.sh":   "#!/bin/sh\nset -e\ncat $IN/m/deep/w $IN/metrics\n",
		}),
		Steps: []trimtab.StepSpec{
			{Name: "data", Dataset: &trimtab.DatasetSpec{Source: "s", AsOf: "{{ params.asOf }}"}},
			{Name: "train", Run: "./train.sh {{ params.text }}", Inputs: map[string]string{"in/rows.parquet": "data.rows"}, Env: map[string]string{"EXTRA": "of {{ run.pipeline }}"},
				Outputs: map[string]string{"model": "model/", "metrics": "metrics", "env": "env"}},
			{Name: "use", Run: "sh use.sh", Inputs: map[string]string{"m": "train.model", "metrics": "train.metrics"}},
			{Name: "promote", Needs: []string{"use"}, Promote: &trimtab.PromoteSpec{Model: "m", Alias: "champion", When: "absent"}},
		},
	}
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	work(t, e)
	run := w.start(t, e, spec, pipeline.StartOptions{Params: map[string]string{"text": "two words; $(false)"}, Cause: "a test"})
	logs, err := e.Logs(t.Context(), run.ID, "train", 0, true)
	if err != nil {
		t.Fatal(err)
	}
	printed, err := io.ReadAll(logs)
	if err != nil {
		t.Fatal(err)
	}
	logs.Close()
	run = w.ended(t, run.ID)
	if run.State != trimtab.PipelineSucceeded {
		t.Fatalf("%s\nprinted: %s", describe(run), printed)
	}
	if !strings.HasPrefix(string(printed), "PAR1\nsaid two words; $(false) of p seed ") {
		t.Errorf("printed %q", printed)
	}
	train := stepNamed(run, "train")
	if got := w.object(t, train.Outputs["metrics"]); got != "fine\n" {
		t.Errorf("metrics %q", got)
	}
	for _, name := range []string{"MLFLOW_TRACKING_URI=http://127.0.0.1:1", "MLFLOW_EXPERIMENT_NAME=p", "MLFLOW_RUN_ID=", "OMP_NUM_THREADS=2", "PYTHONHASHSEED=", "TRIMTAB_ATTEMPT=" + string(run.ID) + ".train.1", "MLFLOW_TRACKING_TOKEN=ttk_", "LANG=C.UTF-8"} {
		if !strings.Contains(w.object(t, train.Outputs["env"]), name) {
			t.Errorf("the step's environment lacks %s", name)
		}
	}
	if strings.Contains(w.object(t, train.Outputs["env"]), "TRIMTAB_SHIM") {
		t.Error("the environment of the shim leaks into the step")
	}
	if got := stepNamed(run, "data").Reason; got != "2 rows of s as of 2013-01-10T00:00:00Z; left out 1 outside of the window" && got != "2 rows of s as of 2013-01-10T00:00:00Z" {
		t.Errorf("data says %q", got)
	}
	used, err := e.Logs(t.Context(), run.ID, "use", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(used); string(text) != "weights\nfine\n" {
		t.Errorf("use printed %q", text)
	}
	m, err := w.db.Models.Get(t.Context(), "m")
	if err != nil || m.Aliases["champion"] != 1 {
		t.Errorf("aliases %v, %v; promote says %q", m.Aliases, err, stepNamed(run, "promote").Reason)
	}
	attempts, err := w.db.Pipelines.Attempts(t.Context(), run.ID, "train")
	if err != nil || len(attempts) != 1 || attempts[0].State != trimtab.AttemptSucceeded {
		t.Fatalf("attempts %+v, %v", attempts, err)
	}
	mlrun, err := w.db.Runs.Get(t.Context(), attempts[0].MLflowRun)
	if err != nil || mlrun.Status != trimtab.RunFinished || mlrun.Attempt != attempts[0].ID() || mlrun.Tags["trimtab.step"] != "train" {
		t.Errorf("MLflow run %+v, %v", mlrun, err)
	}
	place := filepath.Join(w.dir, "attempts", string(attempts[0].ID()))
	if left, _ := filepath.Glob(place + "/order.json"); left != nil {
		t.Error("the order with the secret is still there")
	}

	// The same again: nothing runs twice, and the cached step's version is what promote means.
	again := w.start(t, e, spec, pipeline.StartOptions{Params: map[string]string{"text": "two words; $(false)"}})
	again = w.ended(t, again.ID)
	if again.State != trimtab.PipelineSucceeded || stepNamed(again, "train").State != trimtab.StepCached || stepNamed(again, "train").CachedOf != attempts[0].ID() ||
		stepNamed(again, "data").State != trimtab.StepCached || stepNamed(again, "use").State != trimtab.StepCached {
		t.Errorf("again: %s", describe(again))
	}
	if x, err := e.Explain(t.Context(), again.ID, "train"); err != nil || !strings.Contains(x.Text, "nothing differs from "+string(attempts[0].ID())) {
		t.Errorf("explained as %q, %v", x.Text, err)
	}

	// With another param only what depends on it runs.
	other := w.start(t, e, spec, pipeline.StartOptions{Params: map[string]string{"text": "other"}})
	other = w.ended(t, other.ID)
	if stepNamed(other, "data").State != trimtab.StepCached || stepNamed(other, "train").State != trimtab.StepSucceeded {
		t.Errorf("other: %s", describe(other))
	}
	x, err := e.Explain(t.Context(), other.ID, "train")
	if err != nil || len(x.Differs) != 1 || x.Differs[0].Part != "command" || x.Differs[0].Now != `["./train.sh","other"]` {
		t.Errorf("explained as %+v, %v", x, err)
	}
	if m, _ := w.db.Models.Get(t.Context(), "m"); m.Aliases["champion"] != 1 || !strings.Contains(stepNamed(other, "promote").Reason, "is set already") {
		t.Errorf("promote when absent moved the alias to %d: %q", m.Aliases["champion"], stepNamed(other, "promote").Reason)
	}
	w.verified(t)
}

func TestFailuresSayWhatHappened(t *testing.T) {
	w := newWorld(t, "")
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	work(t, e)
	marks := filepath.Join(t.TempDir(), "marks")
	for _, c := range []struct {
		name string
		step trimtab.StepSpec
		want string
		n    int
	}{
		{"exit code with the last line", trimtab.StepSpec{Run: "sh -c 'echo begin; echo ValueError: no such column >&2; exit 3'"}, "exited with code 3: ValueError: no such column", 1},
		{"unknown program", trimtab.StepSpec{Run: "nosuchprogram --x"}, `could not be started: the program "nosuchprogram" is not found`, 1},
		{"missing output", trimtab.StepSpec{Run: "true", Outputs: map[string]string{"model": "model/"}}, `output "model": the step left nothing at $OUT/model/`, 1},
		{"a file where a folder is declared", trimtab.StepSpec{Run: "sh -c 'echo > $OUT/model'", Outputs: map[string]string{"model": "model/"}}, "the step left a file at $OUT/model/", 1},
		{"a link out of the folder", trimtab.StepSpec{Run: "sh -c 'ln -s /etc/passwd $OUT/x'", Outputs: map[string]string{"x": "x"}}, "", 1},
		{"timeout", trimtab.StepSpec{Run: "sh -c 'sleep 60'", Timeout: trimtab.Duration(300 * time.Millisecond)}, "took longer than 300ms", 1},
		{"signal", trimtab.StepSpec{Run: "sh -c 'kill -9 $$'"}, "exited with code 137: ended by signal killed", 1},
		{"retried", trimtab.StepSpec{Run: "sh -c 'echo x >> " + marks + "; [ $(wc -l < " + marks + ") -ge 3 ] || exit 75'", Retry: &trimtab.RetrySpec{Max: 2, Backoff: trimtab.Duration(time.Millisecond)}}, "", 3},
		{"dataset of nothing", trimtab.StepSpec{Dataset: &trimtab.DatasetSpec{Source: "nothing", AsOf: "2013-01-01"}}, `there is no DataSource "nothing"`, 0},
	} {
		c.step.Name = "x"
		run := w.ended(t, w.start(t, e, trimtab.PipelineSpec{Steps: []trimtab.StepSpec{c.step}}, pipeline.StartOptions{Cache: "off"}).ID)
		s := stepNamed(run, "x")
		if c.want == "" && c.name == "retried" {
			if run.State != trimtab.PipelineSucceeded || s.Attempt != c.n {
				t.Errorf("%s: %s", c.name, describe(run))
			}
			continue
		}
		if c.want == "" { // any refusal will do, as long as nothing is published
			if run.State != trimtab.PipelineFailed || len(s.Outputs) > 0 {
				t.Errorf("%s: %s", c.name, describe(run))
			}
			continue
		}
		if run.State != trimtab.PipelineFailed || !strings.Contains(s.Reason, c.want) || !strings.Contains(run.Reason, c.want) {
			t.Errorf("%s: %s; want %q", c.name, describe(run), c.want)
		}
	}
	w.verified(t)
}

func TestStartRefuses(t *testing.T) {
	w := newWorld(t, "")
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.declare(t.Context(), trimtab.KindPipeline, "p", trimtab.PipelineSpec{Params: map[string]string{"trees": "1"}, Steps: []trimtab.StepSpec{{Name: "x", Run: "true"}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.declare(t.Context(), trimtab.KindPipeline, "unpacked", trimtab.PipelineSpec{Code: &trimtab.CodeSpec{Path: "."}, Steps: []trimtab.StepSpec{{Name: "x", Run: "true"}}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pipeline string
		opt      pipeline.StartOptions
		kind     trimtab.Kind
		want     string
	}{
		{"q", pipeline.StartOptions{}, trimtab.NotFound, `no Pipeline "q"`},
		{"p", pipeline.StartOptions{Params: map[string]string{"tree": "2"}}, trimtab.Invalid, `no param "tree", did you mean "trees"?`},
		{"p", pipeline.StartOptions{Cache: "never"}, trimtab.Invalid, "expected auto, off or refresh"},
		{"unpacked", pipeline.StartOptions{}, trimtab.Precondition, "apply it again"},
	} {
		_, err := e.Start(t.Context(), c.pipeline, c.opt)
		if !trimtab.IsKind(err, c.kind) || !strings.Contains(trimtab.Message(err), c.want) {
			t.Errorf("%s %+v: %v", c.pipeline, c.opt, err)
		}
	}
	if _, err := e.Cancel(t.Context(), "pr-0", ""); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("cancelling nothing: %v", err)
	}
}

func TestCancelEndsTheWholeGroup(t *testing.T) {
	w := newWorld(t, "")
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	work(t, e)
	marks := filepath.Join(t.TempDir(), "marks")
	run := w.start(t, e, trimtab.PipelineSpec{Steps: []trimtab.StepSpec{
		{Name: "polite", Run: "sh -c 'trap \"echo bye; exit 0\" TERM; (sleep 600; echo late >> " + marks + ") & echo on; wait'"},
		{Name: "after", Needs: []string{"polite"}, Run: "true"},
	}}, pipeline.StartOptions{})
	logs, err := e.Logs(t.Context(), run.ID, "polite", 0, true)
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	if _, err := io.ReadFull(logs, make([]byte, 3)); err != nil { // "on": the trap is set
		t.Fatal(err)
	}
	if _, err := e.Cancel(t.Context(), run.ID, "changed my mind"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Cancel(t.Context(), run.ID, "twice"); err != nil {
		t.Errorf("cancelling twice: %v", err)
	}
	run = w.ended(t, run.ID)
	if run.State != trimtab.PipelineCanceled || run.Reason != "changed my mind" || stepNamed(run, "polite").State != trimtab.StepCanceled || stepNamed(run, "after").State != trimtab.StepCanceled {
		t.Errorf("%s", describe(run))
	}
	rest, _ := io.ReadAll(logs)
	if !strings.Contains(string(rest), "bye") {
		t.Errorf("the step was not asked politely: %q", rest)
	}
	attempts, err := w.db.Pipelines.Attempts(t.Context(), run.ID, "polite")
	if err != nil || len(attempts) != 1 || attempts[0].State != trimtab.AttemptCanceled {
		t.Fatalf("attempts %+v, %v", attempts, err)
	}
	if r, err := w.db.Runs.Get(t.Context(), attempts[0].MLflowRun); err != nil || r.Status != trimtab.RunKilled {
		t.Errorf("MLflow run %s, %v", r.Status, err)
	}
	if _, err := e.Cancel(t.Context(), run.ID, ""); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("cancelling what has ended: %v", err)
	}
	if _, err := os.Stat(marks); err == nil {
		t.Error("the step's child went on")
	}
	w.verified(t)
}

// A step outlives the engine; the next engine finds it, and finds it ended.
func TestStepsOutliveTheEngine(t *testing.T) {
	w := newWorld(t, "")
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	gate := filepath.Join(t.TempDir(), "gate")
	run := w.start(t, e, trimtab.PipelineSpec{Steps: []trimtab.StepSpec{
		{Name: "x", Run: "sh -c 'while [ ! -e " + gate + " ]; do sleep 0.02; done; echo $TRIMTAB_ATTEMPT > $OUT/o'", Outputs: map[string]string{"o": "o"}},
	}}, pipeline.StartOptions{})
	w.await(t, run.ID, "the step to run", func(r trimtab.PipelineRun) bool { return r.Steps[0].State == trimtab.StepRunning })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	next, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	work(t, next)
	run = w.ended(t, run.ID)
	if run.State != trimtab.PipelineSucceeded || run.Steps[0].Attempt != 1 || w.object(t, run.Steps[0].Outputs["o"]) != string(run.ID)+".x.1\n" {
		t.Errorf("%s", describe(run))
	}
}
