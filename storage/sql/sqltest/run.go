package sqltest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

func testRuns(t *testing.T, k *kit) {
	exp := k.experiment("x")
	created := must(k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, User: "ann", Start: 1234, Tags: map[string]string{"a": "b"}}, ""))(k)
	if created.ID.Validate() != nil || len(created.ID) != 32 || created.Name == "" || created.Status != trimtab.RunRunning ||
		created.ArtifactURI != "mlflow-artifacts:/"+string(exp)+"/"+string(created.ID)+"/artifacts" || created.Tags["mlflow.runName"] != created.Name || created.Tags["a"] != "b" {
		t.Errorf("created %+v", created)
	}
	k.same(must(k.Runs.Get(k.ctx, created.ID))(k), created, "Get")
	now := must(k.Runs.Create(k.ctx, trimtab.Run{ID: "given", Experiment: "0", Name: "n"}, ""))(k)
	if now.ID != "given" || now.Start == 0 || now.ArtifactURI != "mlflow-artifacts:/0/given/artifacts" {
		t.Errorf("created %+v", now)
	}
	_, err := k.Runs.Create(k.ctx, trimtab.Run{ID: "given", Experiment: "0"}, "")
	k.fails(err, trimtab.Exists, "")
	_, err = k.Runs.Create(k.ctx, trimtab.Run{Experiment: "77"}, "")
	k.fails(err, trimtab.NotFound, "No Experiment with id=77 exists")
	_, err = k.Runs.Get(k.ctx, "nowhere")
	k.fails(err, trimtab.NotFound, "Run with id=nowhere not found")

	k.ok(k.Runs.SetTag(k.ctx, created.ID, trimtab.Tag{Key: "a", Value: "c"}))
	k.ok(k.Runs.DeleteTag(k.ctx, created.ID, "a"))
	k.fails(k.Runs.DeleteTag(k.ctx, created.ID, "a"), trimtab.NotFound, "No tag with name: a in run with id "+string(created.ID))

	k.ok(k.Runs.Delete(k.ctx, created.ID))
	k.ok(k.Runs.Delete(k.ctx, created.ID))
	deleted := "The run " + string(created.ID) + " must be in the 'active' state. Current state is deleted."
	k.fails(k.Runs.SetTag(k.ctx, created.ID, trimtab.Tag{Key: "a"}), trimtab.Invalid, deleted)
	k.fails(k.Runs.DeleteTag(k.ctx, created.ID, "mlflow.runName"), trimtab.Invalid, deleted)
	k.fails(k.Runs.LogBatch(k.ctx, created.ID, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "m"}}}), trimtab.Invalid, deleted)
	k.fails(k.Runs.LogInputs(k.ctx, created.ID, nil, []trimtab.ModelInput{{Model: "m-1"}}), trimtab.Invalid, deleted)
	_, err = k.Runs.Update(k.ctx, created.ID, trimtab.RunUpdate{})
	k.fails(err, trimtab.Invalid, deleted)
	if got := must(k.Runs.Get(k.ctx, created.ID))(k); got.Lifecycle != trimtab.Deleted {
		t.Errorf("a deleted run is %s", got.Lifecycle)
	}
	k.ok(k.Runs.Restore(k.ctx, created.ID))
	k.ok(k.Runs.SetTag(k.ctx, created.ID, trimtab.Tag{Key: "a"}))
	k.same(k.entries(created.Object()), []string{"run.create", "run.delete", "run.restore"}, "entries")
}

func testRunUpdate(t *testing.T, k *kit) {
	id := k.run("0", "first")
	run := must(k.Runs.Update(k.ctx, id, trimtab.RunUpdate{Name: ptr("second")}))(k)
	if run.Name != "second" || run.Tags["mlflow.runName"] != "second" || run.Status != trimtab.RunRunning || run.Seal != "" {
		t.Errorf("renamed: %+v", run)
	}
	k.ok(k.Runs.SetTag(k.ctx, id, trimtab.Tag{Key: "mlflow.runName", Value: "third"}))
	if got := must(k.Runs.Get(k.ctx, id))(k); got.Name != "third" || got.Tags["mlflow.runName"] != "third" {
		t.Errorf("renamed by tag: %+v", got)
	}
	run = k.end(id)
	if run.Status != trimtab.RunFinished || run.End != 1_800_000_000_000 || run.Seal == "" {
		t.Errorf("ended: %+v", run)
	}
	k.same(must(k.Runs.Get(k.ctx, id))(k), run, "Get")
	bad := trimtab.RunStatus("ASLEEP")
	_, err := k.Runs.Update(k.ctx, id, trimtab.RunUpdate{Status: &bad})
	k.fails(err, trimtab.Invalid, "Invalid run status: 'ASLEEP'")
	k.same(k.entries(run.Object()), []string{"run.create", "run.update", "run.update", "run.update", "run.seal"}, "entries")
}

func testRunIdempotency(t *testing.T, k *kit) {
	exp := k.experiment("x")
	first := must(k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, Name: "n", Attempt: "pr-1.train.1"}, "pr-1.train.1:content"))(k)
	k.ok(k.Runs.LogBatch(k.ctx, first.ID, trimtab.RunBatch{Params: []trimtab.Param{{Key: "a", Value: "1"}}}))
	again := must(k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, Name: "n", Attempt: "pr-1.train.1"}, "pr-1.train.1:content"))(k)
	if again.ID != first.ID || again.Params["a"] != "1" || again.Attempt != "pr-1.train.1" {
		t.Errorf("the second request got %+v", again)
	}
	if other := must(k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, Name: "n"}, "other"))(k); other.ID == first.ID {
		t.Error("another key got the same run")
	}
	// At the same moment.
	ids := make(chan trimtab.RunID, 8)
	for range cap(ids) {
		go func() {
			run, err := k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, Name: "n"}, "at once")
			if err != nil {
				t.Error(err)
			}
			ids <- run.ID
		}()
	}
	one := <-ids
	for range cap(ids) - 1 {
		if id := <-ids; id != one {
			t.Errorf("one key made the runs %s and %s", one, id)
		}
	}
}

func testBatch(t *testing.T, k *kit) {
	id := k.run("0", "n")
	k.ok(k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{
		Metrics: []trimtab.Metric{
			{Key: "loss", Value: 0.5, Step: 2, Time: 10}, {Key: "loss", Value: 0.7, Step: 1, Time: 99}, {Key: "loss", Value: 0.4, Step: 2, Time: 9},
			{Key: "nan", Value: nan}, {Key: "nan", Value: -1, Step: -3, Time: 5}, {Key: "inf", Value: math.Inf(1)}, {Key: "minf", Value: math.Inf(-1)},
			{Key: "zero", Value: math.Copysign(0, -1)}, {Key: "tiny", Value: 5e-324}, {Key: "third", Value: 1.0 / 3},
		},
		Params: []trimtab.Param{{Key: "lr", Value: "0.1"}, {Key: "long", Value: strings.Repeat("ö", 6000)}},
		Tags:   []trimtab.Tag{{Key: "t", Value: "1"}, {Key: "t", Value: "2"}, {Key: "long", Value: strings.Repeat("x", 8000)}},
	}))
	run := must(k.Runs.Get(k.ctx, id))(k)
	k.same(run.Metrics, []trimtab.Metric{
		{Key: "inf", Value: math.MaxFloat64}, {Key: "loss", Value: 0.5, Step: 2, Time: 10}, {Key: "minf", Value: -math.MaxFloat64}, {Key: "nan", Value: nan},
		{Key: "third", Value: 1.0 / 3}, {Key: "tiny", Value: 5e-324}, {Key: "zero", Value: 0},
	}, "latest metrics")
	k.same(run.Params, map[string]string{"lr": "0.1", "long": strings.Repeat("ö", 6000)}, "params")
	k.same(run.Tags, map[string]string{"t": "2", "mlflow.runName": "n", "long": strings.Repeat("x", 8000)}, "tags")
	// The latest is the greatest by step, time, value, however late it comes.
	for _, m := range []trimtab.Metric{
		{Key: "loss", Value: 9, Step: 1, Time: 1000}, {Key: "loss", Value: 0.6, Step: 2, Time: 10}, {Key: "loss", Value: 0.1, Step: 2, Time: 10},
		{Key: "nan", Value: nan, Step: 1}, {Key: "nan", Value: 2, Step: 0, Time: 100},
	} {
		k.ok(k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{Metrics: []trimtab.Metric{m}}))
	}
	run = must(k.Runs.Get(k.ctx, id))(k)
	k.same(run.Metrics[1], trimtab.Metric{Key: "loss", Value: 0.6, Step: 2, Time: 10}, "latest loss")
	k.same(run.Metrics[3], trimtab.Metric{Key: "nan", Value: nan, Step: 1}, "latest nan")
	// Sending again changes nothing.
	again := trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "loss", Value: 0.6, Step: 2, Time: 10}, {Key: "nan", Value: nan, Step: 1}}, Params: []trimtab.Param{{Key: "lr", Value: "0.1"}}}
	k.ok(k.Runs.LogBatch(k.ctx, id, again))
	k.same(must(k.Runs.Get(k.ctx, id))(k), run, "after the same batch")
	history, _, err := k.Runs.History(k.ctx, id, "loss", 100, "")
	k.ok(err)
	if len(history) != 6 {
		t.Errorf("loss has %d points, want 6: the repeated one is one", len(history))
	}
	k.ok(k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{}))
	k.fails(k.Runs.LogBatch(k.ctx, "nowhere", trimtab.RunBatch{}), trimtab.NotFound, "Run with id=nowhere not found")
	// Many keys at once, in no order.
	var wide trimtab.RunBatch
	for i := range 1000 {
		wide.Metrics = append(wide.Metrics, trimtab.Metric{Key: fmt.Sprintf("wide/%d", (i*7919)%1000), Value: float64(i)})
	}
	k.ok(k.Runs.LogBatch(k.ctx, id, wide))
	if got := must(k.Runs.Get(k.ctx, id))(k); len(got.Metrics) != 1007 {
		t.Errorf("%d metrics, want 1007", len(got.Metrics))
	}
}

func testBatchParams(t *testing.T, k *kit) {
	id := k.run("0", "n")
	put := func(params ...trimtab.Param) error {
		return k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{Params: params})
	}
	k.ok(put(trimtab.Param{Key: "a", Value: "b"}, trimtab.Param{Key: "x", Value: ""}))
	k.ok(put(trimtab.Param{Key: "a", Value: "b"}, trimtab.Param{Key: "new", Value: "1"}))
	conflict := func(key, old, value string) string {
		return fmt.Sprintf("Param with key='%s' was already logged with value='%s' for run ID='%s'. Attempted logging new value '%s'.", key, old, id, value)
	}
	k.fails(put(trimtab.Param{Key: "x", Value: "y"}, trimtab.Param{Key: "late", Value: "1"}, trimtab.Param{Key: "a", Value: "c"}), trimtab.Invalid,
		"Changing param values is not allowed. "+conflict("a", "b", "c")+" "+conflict("x", "", "y"))
	k.same(must(k.Runs.Get(k.ctx, id))(k).Params, map[string]string{"a": "b", "x": "", "new": "1"}, "params after the refusal")
}

// testBatchIsWhole refuses the last part of a batch: nothing of it may stay.
func testBatchIsWhole(t *testing.T, k *kit) {
	id := k.run("0", "n")
	k.ok(k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{Params: []trimtab.Param{{Key: "z", Value: "1"}}}))
	before := must(k.Runs.Get(k.ctx, id))(k)
	errs := make(chan error, 40)
	for i := range cap(errs) {
		b := trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "m", Value: 1}}, Tags: []trimtab.Tag{{Key: "t", Value: "1"}}, Params: []trimtab.Param{{Key: "a", Value: "1"}, {Key: "z", Value: "2"}}}
		if i%2 == 0 { // refused after everything else has been written
			b.Params, b.Metrics = b.Params[:1], append(b.Metrics, trimtab.Metric{Key: "m", Value: 2, Model: "m-absent"})
		}
		go func() { errs <- k.Runs.LogBatch(k.ctx, id, b) }()
	}
	for range cap(errs) {
		if err := <-errs; err == nil {
			t.Error("a batch with a conflict was taken")
		}
	}
	k.same(must(k.Runs.Get(k.ctx, id))(k), before, "the run after refused batches")
	history, _, err := k.Runs.History(k.ctx, id, "m", 10, "")
	k.ok(err)
	k.same(len(history), 0, "points of a refused batch")
}

func testBatchWriters(t *testing.T, k *kit) {
	id := k.run("0", "n")
	const writers, rounds = 20, 15
	errs := make(chan error, writers)
	for w := range writers {
		go func() {
			var err error
			for i := range rounds {
				step := int64((i*7 + w*3) % rounds)
				var b trimtab.RunBatch
				for key := range 10 {
					b.Metrics = append(b.Metrics, trimtab.Metric{Key: fmt.Sprintf("m%d", (key+w)%10), Step: step, Time: trimtab.Time(100 - w), Value: float64(w)})
				}
				b.Tags = []trimtab.Tag{{Key: "last", Value: fmt.Sprint(w)}, {Key: "also", Value: fmt.Sprint(i)}}
				b.Params = []trimtab.Param{{Key: "same", Value: "1"}, {Key: fmt.Sprintf("p%d", w), Value: "1"}}
				if e := k.Runs.LogBatch(k.ctx, id, b); e != nil {
					err = e
				}
			}
			errs <- err
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	run := must(k.Runs.Get(k.ctx, id))(k)
	if len(run.Params) != writers+1 || len(run.Metrics) != 10 {
		t.Errorf("%d params and %d metrics", len(run.Params), len(run.Metrics))
	}
	for _, m := range run.Metrics {
		// Every writer logged the last step; the greatest time is that of writer 0.
		k.same(m, trimtab.Metric{Key: m.Key, Step: rounds - 1, Time: 100, Value: 0}, "latest of "+m.Key)
		points, _, err := k.Runs.History(k.ctx, id, m.Key, 10_000, "")
		k.ok(err)
		if len(points) != writers*rounds {
			t.Errorf("%s has %d points, want %d", m.Key, len(points), writers*rounds)
		}
	}
}

// testBatchWritersOfDifferentKeys has writers meet on new metrics of a finished,
// sealed run and on the tag that renames it: the paths that need the run alone.
func testBatchWritersOfDifferentKeys(t *testing.T, k *kit) {
	id := k.run("0", "n")
	k.end(id)
	const writers = 20
	errs := make(chan error, writers)
	for w := range writers {
		go func() {
			b := trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: fmt.Sprintf("own%d", w), Value: 1}, {Key: "shared", Value: float64(w)}}}
			if w%5 == 0 {
				b.Tags = []trimtab.Tag{{Key: "mlflow.runName", Value: fmt.Sprintf("name%d", w)}}
			}
			errs <- k.Runs.LogBatch(k.ctx, id, b)
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	run := must(k.Runs.Get(k.ctx, id))(k)
	if len(run.Metrics) != writers+1 || run.Metrics[writers].Value != writers-1 {
		t.Errorf("%d metrics, %+v", len(run.Metrics), run.Metrics[len(run.Metrics)-1])
	}
	if run.Name != run.Tags["mlflow.runName"] || !strings.HasPrefix(run.Name, "name") {
		t.Errorf("the run is called %q, its tag says %q", run.Name, run.Tags["mlflow.runName"])
	}
}

func testInputs(t *testing.T, k *kit) {
	exp := k.experiment("x")
	id, other := k.run(exp, "n"), k.run(exp, "o")
	train := trimtab.Dataset{Name: "d", Digest: "1", SourceType: "local", Source: "{}", Schema: "{}", Profile: "{}"}
	test := trimtab.Dataset{Name: "d", Digest: "2", SourceType: "local", Source: "{}"}
	tag := func(key, value string) []trimtab.Tag { return []trimtab.Tag{{Key: key, Value: value}} }
	k.ok(k.Runs.LogInputs(k.ctx, id, []trimtab.DatasetInput{{Dataset: test}, {Dataset: train, Tags: tag("mlflow.data.context", "train")}}, []trimtab.ModelInput{{Model: "m-1"}}))
	k.ok(k.Runs.LogInputs(k.ctx, id, []trimtab.DatasetInput{{Dataset: train, Tags: tag("a", "b")}}, []trimtab.ModelInput{{Model: "m-1"}}))
	k.ok(k.Runs.LogInputs(k.ctx, other, []trimtab.DatasetInput{{Dataset: train}}, nil))
	k.ok(k.Runs.LogOutputs(k.ctx, id, []trimtab.ModelOutput{{Model: "m-2", Step: 3}, {Model: "m-2", Step: 3}, {Model: "m-2", Step: 1}}))
	run := must(k.Runs.Get(k.ctx, id))(k)
	k.same(run.Inputs, []trimtab.DatasetInput{{Dataset: train, Tags: []trimtab.Tag{{Key: "a", Value: "b"}, {Key: "mlflow.data.context", Value: "train"}}}, {Dataset: test}}, "inputs")
	k.same(run.ModelInputs, []trimtab.ModelInput{{Model: "m-1"}}, "model inputs")
	k.same(run.Outputs, []trimtab.ModelOutput{{Model: "m-2", Step: 1}, {Model: "m-2", Step: 3}}, "outputs")
	k.same(must(k.Runs.Get(k.ctx, other))(k).Inputs, []trimtab.DatasetInput{{Dataset: train}}, "inputs of the other run")
	// Many writers of one data set.
	errs := make(chan error, 10)
	for i := range cap(errs) {
		at := id
		if i%2 == 0 {
			at = other
		}
		go func() {
			errs <- k.Runs.LogInputs(k.ctx, at, []trimtab.DatasetInput{{Dataset: trimtab.Dataset{Name: "z", Digest: "1"}}, {Dataset: trimtab.Dataset{Name: "y", Digest: "1"}}}, nil)
		}()
	}
	for range cap(errs) {
		k.ok(<-errs)
	}
}

func testSeal(t *testing.T, k *kit) {
	id := k.run("0", "n")
	k.ok(k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "m", Value: nan}}}))
	first := k.end(id).Seal
	if first == "" {
		t.Fatal("an ended run has no seal")
	}
	if n, err := k.Runs.SealDirty(k.ctx, 10); n != 0 || err != nil {
		t.Errorf("sealed %d again (%v), want none", n, err)
	}
	// Ending again with the same data is the same seal and no entry.
	if again := k.end(id).Seal; again != first {
		t.Errorf("seal %s, then %s", first, again)
	}
	seal := func() trimtab.Digest { return must(k.Runs.Get(k.ctx, id))(k).Seal }
	for _, write := range []func() error{
		func() error { return k.Runs.SetTag(k.ctx, id, trimtab.Tag{Key: "a", Value: "1"}) },
		func() error {
			return k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "m", Value: 1, Step: 1}}})
		},
		func() error {
			return k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{Params: []trimtab.Param{{Key: "p", Value: "1"}}})
		},
		func() error {
			return k.Runs.LogInputs(k.ctx, id, []trimtab.DatasetInput{{Dataset: trimtab.Dataset{Name: "d", Digest: "1"}}}, nil)
		},
		func() error { return k.Runs.LogOutputs(k.ctx, id, []trimtab.ModelOutput{{Model: "m-1"}}) },
		func() error { return k.Runs.DeleteTag(k.ctx, id, "a") },
	} {
		before := seal()
		k.ok(write())
		if seal() != before {
			t.Error("a write changed the seal by itself")
		}
		if n, err := k.Runs.SealDirty(k.ctx, 10); n != 1 || err != nil {
			t.Errorf("sealed %d (%v), want 1", n, err)
		}
		if seal() == before {
			t.Error("the seal does not cover the write")
		}
	}
	// A run that runs again is open until it ends again.
	running := trimtab.RunRunning
	must(k.Runs.Update(k.ctx, id, trimtab.RunUpdate{Status: &running}))(k)
	k.ok(k.Runs.SetTag(k.ctx, id, trimtab.Tag{Key: "b", Value: "1"}))
	if n, err := k.Runs.SealDirty(k.ctx, 10); n != 0 || err != nil {
		t.Errorf("sealed %d running runs (%v)", n, err)
	}
	before := seal()
	if k.end(id).Seal == before {
		t.Error("the second end did not seal")
	}
}

func testRecent(t *testing.T, k *kit) {
	a, b := k.experiment("a"), k.experiment("b")
	for i, exp := range []trimtab.ExperimentID{a, b, a, b} {
		run := must(k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, Name: fmt.Sprint(i), Start: trimtab.Time(100 + i)}, ""))(k)
		k.ok(k.Runs.LogBatch(k.ctx, run.ID, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "m", Value: float64(i)}}}))
		if i == 3 {
			k.ok(k.Runs.Delete(k.ctx, run.ID))
		}
	}
	recent := must(k.Runs.Recent(k.ctx, 2))(k)
	if len(recent) != 2 || recent[0].Name != "2" || recent[1].Name != "1" || recent[0].Metrics[0].Value != 2 {
		t.Errorf("recent: %+v", recent)
	}
}
