package sqltest

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

func testLoggedModels(t *testing.T, k *kit) {
	exp := k.experiment("x")
	run := k.run(exp, "n")
	m := must(k.LoggedModels.Create(k.ctx, trimtab.LoggedModel{Experiment: exp, Name: "tree", Type: "lgbm", SourceRun: run,
		Params: []trimtab.Param{{Key: "depth", Value: "6"}}, Tags: map[string]string{"a": "1"}}, ""))(k)
	if !strings.HasPrefix(string(m.ID), "m-") || m.Status != trimtab.LoggedModelPending || m.Lifecycle != trimtab.Active || m.Created == 0 ||
		m.ArtifactURI != "mlflow-artifacts:/"+string(exp)+"/models/"+string(m.ID)+"/artifacts" {
		t.Errorf("created %+v", m)
	}
	k.same(must(k.LoggedModels.Get(k.ctx, m.ID))(k), m, "Get")
	_, err := k.LoggedModels.Create(k.ctx, trimtab.LoggedModel{ID: m.ID, Experiment: exp}, "")
	k.fails(err, trimtab.Exists, "")
	_, err = k.LoggedModels.Create(k.ctx, trimtab.LoggedModel{Experiment: "99"}, "")
	k.fails(err, trimtab.NotFound, "No Experiment with id=99 exists")
	absent := "Logged model with ID 'm-absent' not found."
	_, err = k.LoggedModels.Get(k.ctx, "m-absent")
	k.fails(err, trimtab.NotFound, absent)
	k.fails(k.LoggedModels.Delete(k.ctx, "m-absent"), trimtab.NotFound, absent)
	k.fails(k.LoggedModels.SetTags(k.ctx, "m-absent", nil), trimtab.NotFound, absent)

	k.ok(k.LoggedModels.SetTags(k.ctx, m.ID, []trimtab.Tag{{Key: "a", Value: "2"}, {Key: "b", Value: "3"}}))
	k.ok(k.LoggedModels.DeleteTag(k.ctx, m.ID, "b"))
	k.fails(k.LoggedModels.DeleteTag(k.ctx, m.ID, "b"), trimtab.NotFound, "")
	k.ok(k.LoggedModels.LogParams(k.ctx, m.ID, []trimtab.Param{{Key: "depth", Value: "6"}, {Key: "alpha", Value: "1"}}))
	k.fails(k.LoggedModels.LogParams(k.ctx, m.ID, []trimtab.Param{{Key: "depth", Value: "7"}, {Key: "beta", Value: "1"}}), trimtab.Invalid,
		"Changing param values is not allowed. Param with key='depth' was already logged with value='6' for model ID='"+string(m.ID)+"'. Attempted logging new value '7'.")
	point := func(value float64, step int64, dataset string) trimtab.Metric {
		return trimtab.Metric{Key: "auc", Value: value, Step: step, Model: m.ID, DatasetName: dataset, DatasetDigest: "d", Run: run}
	}
	k.ok(k.Runs.LogBatch(k.ctx, run, trimtab.RunBatch{Metrics: []trimtab.Metric{point(0.5, 1, "test"), point(0.7, 2, "test"), point(0.9, 1, "train"), {Key: "auc", Value: 0.1}}}))
	k.ok(k.Runs.LogBatch(k.ctx, run, trimtab.RunBatch{Metrics: []trimtab.Metric{point(0.7, 2, "test"), point(nan, 3, "late")}}))
	k.fails(k.Runs.LogBatch(k.ctx, run, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "auc", Model: "m-absent"}}}), trimtab.NotFound, absent)
	ready := must(k.LoggedModels.Finalize(k.ctx, m.ID, trimtab.LoggedModelReady))(k)
	if ready.Status != trimtab.LoggedModelReady || ready.Updated == ready.Created {
		t.Errorf("finalized %+v", ready)
	}
	k.same(must(k.LoggedModels.Get(k.ctx, m.ID))(k), ready, "Get")
	k.same(ready.Params, []trimtab.Param{{Key: "alpha", Value: "1"}, {Key: "depth", Value: "6"}}, "params")
	k.same(ready.Tags, map[string]string{"a": "2"}, "tags")
	k.same(ready.Metrics, []trimtab.Metric{point(nan, 3, "late"), point(0.7, 2, "test"), point(0.9, 1, "train")}, "metrics")
	if got := must(k.Runs.Get(k.ctx, run))(k).Metrics; len(got) != 1 || got[0].Step != 3 {
		t.Errorf("metrics of the run: %+v", got)
	}

	first := must(k.LoggedModels.Create(k.ctx, trimtab.LoggedModel{Experiment: exp, Name: "once"}, "key"))(k)
	if again := must(k.LoggedModels.Create(k.ctx, trimtab.LoggedModel{Experiment: exp, Name: "once"}, "key"))(k); again.ID != first.ID {
		t.Errorf("one key made the models %s and %s", first.ID, again.ID)
	}
	k.ok(k.LoggedModels.Delete(k.ctx, m.ID))
	_, err = k.LoggedModels.Get(k.ctx, m.ID)
	k.fails(err, trimtab.NotFound, "")
	k.same(k.entries(m.Object()), []string{"loggedModel.create", "loggedModel.finalize", "loggedModel.delete"}, "entries")
}

func testLoggedModelSearch(t *testing.T, k *kit) {
	exp, other := k.experiment("x"), k.experiment("y")
	run := k.run(exp, "n")
	for i, name := range []string{"a", "b", "c", "d"} {
		at := exp
		if name == "d" {
			at = other
		}
		m := must(k.LoggedModels.Create(k.ctx, trimtab.LoggedModel{ID: trimtab.LoggedModelID("m-" + name), Experiment: at, Name: name, Created: trimtab.Time(100 * (i + 1)), SourceRun: run,
			Params: []trimtab.Param{{Key: "depth", Value: name}}, Tags: map[string]string{"t": strings.ToUpper(name)}}, ""))(k)
		if name != "c" {
			k.ok(k.Runs.LogBatch(k.ctx, run, trimtab.RunBatch{Metrics: []trimtab.Metric{
				{Key: "auc", Value: float64(i), Step: 1, Model: m.ID, DatasetName: "test", DatasetDigest: "1"},
				{Key: "auc", Value: 10 - float64(i), Step: 0, Model: m.ID, DatasetName: "train", DatasetDigest: "1"},
			}}))
		}
	}
	must(k.LoggedModels.Finalize(k.ctx, "m-a", trimtab.LoggedModelReady))(k)
	both := []trimtab.ExperimentID{exp, other}
	names := func(q sql.LoggedModelQuery, size int) string {
		t.Helper()
		var out []string
		for q.Limit = size; ; {
			page, next, err := k.LoggedModels.Search(k.ctx, q)
			k.ok(err)
			for _, m := range page {
				out = append(out, m.Name)
				k.same(m, must(k.LoggedModels.Get(k.ctx, m.ID))(k), "a model that was found")
			}
			if q.After = next; next == "" {
				return strings.Join(out, " ")
			}
		}
	}
	for _, c := range []struct {
		filter   string
		datasets []sql.DatasetRef
		order    []filter.Field
		want     string
	}{
		{"", nil, nil, "d c b a"},
		{"name = 'a'", nil, nil, "a"},
		{"name IN ('a', 'd')", nil, nil, "d a"},
		{"experiment_id = '" + string(other) + "'", nil, nil, "d"},
		{"status = 'READY'", nil, nil, "a"},
		{"status = 'PENDING' AND params.depth != 'b'", nil, nil, "d c"},
		{"source_run_id = '" + string(run) + "' AND model_id LIKE 'm-%'", nil, nil, "d c b a"},
		{"tags.t LIKE 'B%'", nil, nil, "b"},
		{"creation_timestamp > 200", nil, nil, "d c"},
		{"metrics.auc > 8.5", nil, nil, "b a"},
		{"metrics.auc > 8.5", []sql.DatasetRef{{Name: "test"}}, nil, ""},
		{"metrics.auc < 1", []sql.DatasetRef{{Name: "test", Digest: "1"}}, nil, "a"},
		{"metrics.auc < 1", []sql.DatasetRef{{Name: "test", Digest: "2"}}, nil, ""},
		{"", []sql.DatasetRef{{Name: "train"}}, nil, "d b a"},
		{"", []sql.DatasetRef{{Name: "nothing"}, {Name: "train", Digest: "1"}}, nil, "d b a"},
		{"", nil, []filter.Field{{Name: "name"}}, "a b c d"},
		{"", nil, []filter.Field{{Name: "metrics.auc", DatasetName: "test"}}, "a b d c"},
		{"", nil, []filter.Field{{Name: "metrics.auc", Descending: true}}, "d b a c"},
		{"", nil, []filter.Field{{Name: "metrics.auc", Descending: true, DatasetName: "train", DatasetDigest: "1"}}, "a b d c"},
		{"", nil, []filter.Field{{Name: "experiment_id", Descending: true}, {Name: "name", Descending: true}}, "d c b a"},
	} {
		f, err := filter.Parse(filter.LoggedModels, c.filter)
		k.ok(err)
		order, err := filter.OrderBy(filter.LoggedModels, c.order)
		k.ok(err)
		for _, size := range []int{1, 100} {
			if got := names(sql.LoggedModelQuery{Experiments: both, Filter: f, Datasets: c.datasets, Order: order}, size); got != c.want {
				t.Errorf("%s on %v by %v (pages of %d): %q, want %q", c.filter, c.datasets, c.order, size, got, c.want)
			}
		}
	}
	for _, v := range vectors(k, filter.LoggedModels) {
		if f, err := filter.Parse(filter.LoggedModels, v); err == nil {
			names(sql.LoggedModelQuery{Experiments: both, Filter: f}, 10)
		}
	}
	_, next, err := k.LoggedModels.Search(k.ctx, sql.LoggedModelQuery{Experiments: both, Limit: 1})
	k.ok(err)
	_, _, err = k.LoggedModels.Search(k.ctx, sql.LoggedModelQuery{Experiments: both[:1], Limit: 1, After: next})
	k.fails(err, trimtab.Invalid, "")
	k.ok(k.LoggedModels.Delete(k.ctx, "m-d"))
	if got := names(sql.LoggedModelQuery{Experiments: both}, 10); got != "c b a" {
		t.Errorf("after the deletion: %s", got)
	}
}

func testArtifacts(t *testing.T, k *kit) {
	tree := trimtab.RunTree("r")
	put := func(path, body string) {
		k.ok(k.Artifacts.Put(k.ctx, tree, path, trimtab.DigestOf([]byte(body)), int64(len(body))))
	}
	for _, path := range []string{"model/MLmodel", "model/data/x.bin", "model-2/y", "model.txt", "modél/z", "a%b_c", "model"} {
		put(path, path)
	}
	put("model.txt", "other")
	put("model.txt", "other")
	k.ok(k.Artifacts.Put(k.ctx, "run/other", "foreign", trimtab.DigestOf(nil), 0))
	paths := func(dir string) (out []string) {
		for _, f := range must(k.Artifacts.List(k.ctx, tree, dir))(k) {
			out = append(out, f.Path)
		}
		return out
	}
	k.same(paths(""), []string{"a%b_c", "model", "model-2/y", "model.txt", "model/MLmodel", "model/data/x.bin", "modél/z"}, "the tree")
	k.same(paths("model"), []string{"model/MLmodel", "model/data/x.bin"}, "below model")
	k.same(paths("model/data"), []string{"model/data/x.bin"}, "below model/data")
	k.same(paths("nothing"), nil, "below nothing")
	if f := must(k.Artifacts.Get(k.ctx, tree, "model.txt"))(k); f.Digest != trimtab.DigestOf([]byte("other")) || f.Size != 5 {
		t.Errorf("model.txt is %+v", f)
	}
	_, err := k.Artifacts.Get(k.ctx, tree, "model/data")
	k.fails(err, trimtab.NotFound, "No such artifact: 'model/data'")
	k.ok(k.Artifacts.Delete(k.ctx, tree, "model"))
	k.ok(k.Artifacts.Delete(k.ctx, tree, "model"))
	k.same(paths(""), []string{"a%b_c", "model-2/y", "model.txt", "modél/z"}, "after the deletion")
	k.ok(k.Artifacts.Delete(k.ctx, tree, ""))
	k.same(paths(""), nil, "after the deletion of everything")
	if n := len(must(k.Artifacts.List(k.ctx, "run/other", ""))(k)); n != 1 {
		t.Errorf("the other tree has %d files, want 1", n)
	}
	_, err = k.Artifacts.Manifest(k.ctx, trimtab.DigestOf(nil))
	k.fails(err, trimtab.NotFound, "")
}
