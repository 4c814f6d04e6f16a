package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
)

// failingSpec has a step that fails until a file is there.
func (w *world) failingSpec(t *testing.T, effects, ready string) trimtab.PipelineSpec {
	return trimtab.PipelineSpec{
		Code: w.code(t, map[string]string{"step.sh": "#!/bin/sh\necho $TRIMTAB_ATTEMPT $IDEMPOTENCY_KEY >> " + effects + "\n[ $1 = a ] || [ -e " + ready + " ] || exit 3\necho $1 > $OUT/o\n"}),
		Steps: []trimtab.StepSpec{
			{Name: "data", Dataset: &trimtab.DatasetSpec{Source: "s", AsOf: "2013-01-10"}},
			{Name: "train", Run: "./step.sh a", Inputs: map[string]string{"rows": "data.rows"}, Outputs: map[string]string{"o": "o"}},
			{Name: "send", Run: "./step.sh b", Inputs: map[string]string{"o": "train.o"}, Effects: "external"},
			{Name: "promote", Needs: []string{"send"}, Promote: &trimtab.PromoteSpec{Model: "m", Alias: "champion"}},
		},
	}
}

func effectsOf(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

func TestRetry(t *testing.T) { engines(t, retry) }

// A retry takes over what succeeded, even with the cache off, and does the rest;
// an external effect is known by the key of the run that it began with.
func retry(t *testing.T, w *world) {
	w.declareSource(t)
	dir := t.TempDir()
	effects, ready := filepath.Join(dir, "effects"), filepath.Join(dir, "ready")
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	work(t, e)
	run := w.start(t, e, w.failingSpec(t, effects, ready), pipeline.StartOptions{Cache: "off"})
	if _, err := e.Retry(t.Context(), run.ID); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("a retry of a run that goes on: %v", err)
	}
	if run = w.ended(t, run.ID); run.State != trimtab.PipelineFailed {
		t.Fatal(describe(run))
	}
	second, err := e.Retry(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if second.RetryOf != run.ID || second.ID != pipeline.RetryID(run.Workspace, run.ID) || second.Cause != "retry of "+string(run.ID) {
		t.Errorf("retried as %+v", second)
	}
	if again, err := e.Retry(t.Context(), run.ID); err != nil || again.ID != second.ID {
		t.Errorf("asked again: %s, want %s (%v)", again.ID, second.ID, err)
	}
	if second = w.ended(t, second.ID); second.State != trimtab.PipelineFailed {
		t.Fatal(describe(second))
	}
	if err := os.WriteFile(ready, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	third, err := e.Retry(t.Context(), second.ID)
	if err != nil {
		t.Fatal(err)
	}
	third = w.ended(t, third.ID)
	if third.State != trimtab.PipelineSucceeded {
		t.Fatal(describe(third))
	}
	if s := stepNamed(third, "train"); s.State != trimtab.StepCached || s.CachedOf != stepNamed(run, "train").AttemptID() || s.Outputs["o"] == "" {
		t.Errorf("taken over: %+v", s)
	}
	if s := stepNamed(third, "promote"); !strings.Contains(s.Reason, "points to version 1") {
		t.Errorf("promote: %q", s.Reason)
	}
	want := []string{string(run.ID) + ".train.1"}
	for _, id := range []trimtab.PipelineRunID{run.ID, second.ID, third.ID} {
		want = append(want, string(id)+".send.1 "+string(run.ID)+".send.1")
	}
	if got := effectsOf(t, effects); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("effects\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := e.Retry(t.Context(), third.ID); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("a retry of a run that succeeded: %v", err)
	}
	if _, err := e.Retry(t.Context(), "pr-0"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("a retry of nothing: %v", err)
	}
	w.verified(t)
}

// A kill before or after the retry is recorded leaves none or the whole of it, and
// asking again gives one.
func TestRetryIsKilled(t *testing.T) {
	w := newWorld(t, "")
	w.declareSource(t)
	dir := t.TempDir()
	effects, ready := filepath.Join(dir, "effects"), filepath.Join(dir, "ready")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	run := w.start(t, e, w.failingSpec(t, effects, ready), pipeline.StartOptions{})
	if ended, err := lap(ctx, w, e, run.ID); err != nil || !ended {
		t.Fatal(ended, err)
	}
	if err := os.WriteFile(ready, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, point := range []string{"retry prepared", "retry recorded"} {
		c := &crasher{target: target{point, 1}}
		dying, err := w.engine(c.at, nil)
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() { _ = recover() }()
			_, err := dying.Retry(ctx, run.ID)
			t.Errorf("%s: lived (%v)", point, err)
		}()
		_, err = w.db.Pipelines.GetRun(ctx, pipeline.RetryID(run.Workspace, run.ID))
		if recorded := err == nil; recorded != (point == "retry recorded") {
			t.Errorf("killed at %s: recorded is %v", point, recorded)
		}
	}
	next, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := next.Retry(ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if ended, err := lap(ctx, w, next, again.ID); err != nil || !ended {
		t.Fatal(ended, err)
	}
	if got := effectsOf(t, effects); len(got) != 3 {
		t.Errorf("effects %q, want three: train, send, send", got)
	}
	w.verified(t)
}

func TestForesee(t *testing.T) {
	w := newWorld(t, "")
	w.declareSource(t)
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready")
	if err := os.WriteFile(ready, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	work(t, e)
	spec := w.failingSpec(t, filepath.Join(dir, "effects"), ready)
	if err := w.declare(t.Context(), trimtab.KindPipeline, "p", spec); err != nil {
		t.Fatal(err)
	}
	say := func(opt pipeline.StartOptions) string {
		t.Helper()
		all, err := e.Foresee(t.Context(), "p", opt)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, p := range all {
			line := p.Step + " " + p.Does
			for _, d := range p.Differs {
				line += " " + d.Part
			}
			out = append(out, line)
		}
		return strings.Join(out, "; ")
	}
	if got := say(pipeline.StartOptions{}); got != "data run; train open; send run; promote run" {
		t.Errorf("at first: %s", got)
	}
	w.ended(t, w.start(t, e, spec, pipeline.StartOptions{}).ID)
	if got := say(pipeline.StartOptions{}); got != "data cached; train cached; send run; promote run" {
		t.Errorf("again: %s", got)
	}
	if got := say(pipeline.StartOptions{Cache: "refresh"}); got != "data run; train run; send run; promote run" {
		t.Errorf("refreshed: %s", got)
	}
	spec.Steps[1].Run = "./step.sh a twice"
	if err := w.declare(t.Context(), trimtab.KindPipeline, "p", spec); err != nil {
		t.Fatal(err)
	}
	if got := say(pipeline.StartOptions{}); got != "data cached; train run command; send run; promote run" {
		t.Errorf("changed: %s", got)
	}
	if runs, _, err := w.db.Pipelines.ListRuns(t.Context(), "p", 10, ""); err != nil || len(runs) != 1 {
		t.Errorf("%d runs, foreseeing starts none (%v)", len(runs), err)
	}
	if _, err := e.Foresee(t.Context(), "p", pipeline.StartOptions{Params: map[string]string{"x": "y"}}); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("an unknown param: %v", err)
	}
}
