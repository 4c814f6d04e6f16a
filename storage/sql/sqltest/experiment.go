package sqltest

import (
	"fmt"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

func testExperiments(t *testing.T, k *kit) {
	home := must(k.Experiments.Get(k.ctx, trimtab.DefaultExperiment))(k)
	if home.Name != "Default" || home.ArtifactLocation != "mlflow-artifacts:/0" || home.Lifecycle != trimtab.Active {
		t.Errorf("default experiment: %+v", home)
	}
	if got := must(k.Experiments.ByName(k.ctx, "Default"))(k); got.ID != "0" {
		t.Errorf("the default experiment has id %s", got.ID)
	}
	e := must(k.Experiments.Create(k.ctx, trimtab.Experiment{Name: "flights", Tags: map[string]string{"a": "1"}}))(k)
	if e.ID != "1" || e.ArtifactLocation != "mlflow-artifacts:/1" || e.Created == 0 || e.Updated != e.Created {
		t.Errorf("created %+v", e)
	}
	k.same(must(k.Experiments.Get(k.ctx, e.ID))(k), e, "Get")
	k.same(must(k.Experiments.ByName(k.ctx, "flights"))(k), e, "ByName")
	other := must(k.Experiments.Create(k.ctx, trimtab.Experiment{Name: "elsewhere", ArtifactLocation: "s3://bucket/x", Created: 7}))(k)
	if other.ID != "2" || other.ArtifactLocation != "s3://bucket/x" || other.Created != 7 {
		t.Errorf("created %+v", other)
	}

	_, err := k.Experiments.Create(k.ctx, trimtab.Experiment{Name: "flights"})
	k.fails(err, trimtab.Exists, "Experiment(name=flights) already exists.")
	for _, id := range []trimtab.ExperimentID{"99", "x", "", "-1", "01", "99999999999999999999"} {
		_, err := k.Experiments.Get(k.ctx, id)
		k.fails(err, trimtab.NotFound, fmt.Sprintf("No Experiment with id=%s exists", id))
	}
	_, err = k.Experiments.ByName(k.ctx, "nowhere")
	k.fails(err, trimtab.NotFound, "Could not find experiment with name 'nowhere'")

	k.ok(k.Experiments.SetTag(k.ctx, e.ID, trimtab.Tag{Key: "a", Value: "2"}))
	k.ok(k.Experiments.SetTag(k.ctx, e.ID, trimtab.Tag{Key: "b", Value: "ä\n"}))
	k.ok(k.Experiments.SetTag(k.ctx, "0", trimtab.Tag{Key: "b", Value: "3"}))
	k.same(must(k.Experiments.Get(k.ctx, e.ID))(k).Tags, map[string]string{"a": "2", "b": "ä\n"}, "tags")
	k.ok(k.Experiments.DeleteTag(k.ctx, e.ID, "a"))
	k.fails(k.Experiments.DeleteTag(k.ctx, e.ID, "a"), trimtab.NotFound, "")
	k.fails(k.Experiments.SetTag(k.ctx, "99", trimtab.Tag{Key: "a"}), trimtab.NotFound, "No Experiment with id=99 exists")
	k.same(must(k.Experiments.Get(k.ctx, e.ID))(k).Tags, map[string]string{"b": "ä\n"}, "tags")
}

func testExperimentLifecycle(t *testing.T, k *kit) {
	a, b := k.experiment("a"), k.experiment("b")
	kept := k.run(a, "kept")
	gone := k.run(a, "gone")
	foreign := k.run(b, "foreign")
	k.ok(k.Runs.Delete(k.ctx, gone))
	stage := func(id trimtab.RunID) trimtab.Lifecycle { return must(k.Runs.Get(k.ctx, id))(k).Lifecycle }

	k.ok(k.Experiments.Rename(k.ctx, a, "a2"))
	k.ok(k.Experiments.Rename(k.ctx, a, "a2"))
	k.fails(k.Experiments.Rename(k.ctx, a, "b"), trimtab.Exists, "Experiment(name=b) already exists.")
	if got := must(k.Experiments.ByName(k.ctx, "a2"))(k); got.ID != a || got.Updated == got.Created {
		t.Errorf("renamed: %+v", got)
	}

	k.ok(k.Experiments.Delete(k.ctx, a))
	k.fails(k.Experiments.Delete(k.ctx, a), trimtab.NotFound, "")
	if stage(kept) != trimtab.Deleted || stage(gone) != trimtab.Deleted || stage(foreign) != trimtab.Active {
		t.Errorf("after deletion: %s, %s, %s", stage(kept), stage(gone), stage(foreign))
	}
	_, err := k.Experiments.Create(k.ctx, trimtab.Experiment{Name: "a2"})
	k.fails(err, trimtab.Exists, "Experiment(name=a2) already exists.")
	_, err = k.Runs.Create(k.ctx, trimtab.Run{Experiment: a}, "")
	k.fails(err, trimtab.Invalid, "The experiment "+string(a)+" must be in the 'active' state. Current state is deleted.")
	k.fails(k.Experiments.SetTag(k.ctx, a, trimtab.Tag{Key: "a"}), trimtab.Invalid, "")
	k.fails(k.Experiments.Rename(k.ctx, a, "a3"), trimtab.Invalid, "")
	if got := must(k.Experiments.Get(k.ctx, a))(k); got.Lifecycle != trimtab.Deleted {
		t.Errorf("a deleted experiment is %s", got.Lifecycle)
	}

	k.ok(k.Experiments.Restore(k.ctx, a))
	k.fails(k.Experiments.Restore(k.ctx, a), trimtab.NotFound, "")
	if stage(kept) != trimtab.Active || stage(gone) != trimtab.Active {
		t.Errorf("after the restore: %s, %s", stage(kept), stage(gone))
	}
	k.same(k.entries(trimtab.Object{Kind: "experiment", Name: string(a)}), []string{"experiment.create", "experiment.rename", "experiment.delete", "experiment.restore"}, "entries of the experiment")
	k.same(k.entries(trimtab.Object{Kind: "run", Name: string(kept)}), []string{"run.create", "run.delete", "run.restore"}, "entries of its run")
	k.same(k.entries(trimtab.Object{Kind: "run", Name: string(gone)}), []string{"run.create", "run.delete", "run.restore"}, "entries of the run deleted before")
}

func testExperimentSearch(t *testing.T, k *kit) {
	k.ok(k.Experiments.SetTag(k.ctx, "0", trimtab.Tag{Key: "team", Value: "none"}))
	for i, name := range []string{"alpha", "Alpha", "beta%", "gamma_1"} {
		e := must(k.Experiments.Create(k.ctx, trimtab.Experiment{Name: name, Created: trimtab.Time(100 * (i + 1))}))(k)
		if i < 2 {
			k.ok(k.Experiments.SetTag(k.ctx, e.ID, trimtab.Tag{Key: "team", Value: name}))
		}
	}
	k.ok(k.Experiments.Delete(k.ctx, "4"))
	names := func(q sql.ExperimentQuery) []string {
		t.Helper()
		var out []string
		q.Limit = 2
		for {
			page, next, err := k.Experiments.Search(k.ctx, q)
			k.ok(err)
			for _, e := range page {
				out = append(out, e.Name)
			}
			if next == "" {
				return out
			}
			if len(page) != q.Limit {
				t.Fatalf("a page of %d with a successor", len(page))
			}
			q.After = next
		}
	}
	all := []trimtab.Lifecycle{trimtab.Active, trimtab.Deleted}
	for _, c := range []struct {
		filter string
		order  []string
		stages []trimtab.Lifecycle
		want   []string
	}{
		{"", nil, nil, []string{"Default", "beta%", "Alpha", "alpha"}},
		{"", nil, all, []string{"Default", "gamma_1", "beta%", "Alpha", "alpha"}},
		{"", nil, []trimtab.Lifecycle{trimtab.Deleted}, []string{"gamma_1"}},
		{"", []string{"name"}, all, []string{"Alpha", "Default", "alpha", "beta%", "gamma_1"}},
		{"", []string{"experiment_id DESC"}, all, []string{"gamma_1", "beta%", "Alpha", "alpha", "Default"}},
		{"name = 'alpha'", nil, nil, []string{"alpha"}},
		{"name LIKE 'al%'", nil, nil, []string{"alpha"}},
		{"name ILIKE 'AL%'", nil, nil, []string{"Alpha", "alpha"}},
		{"name LIKE 'beta%'", nil, nil, []string{"beta%"}},
		{"name LIKE 'gamma__'", nil, all, []string{"gamma_1"}},
		{"tags.team != 'alpha'", nil, nil, []string{"Default", "Alpha"}},
		{"NOT tags.team = 'alpha'", nil, nil, []string{"Default", "beta%", "Alpha"}},
		{"tags.team IS NULL", nil, nil, []string{"beta%"}},
		{"creation_time > 100.5 AND creation_time <= 300", nil, nil, []string{"beta%", "Alpha"}},
		{"name IN ('alpha', 'beta%') OR tags.team LIKE 'A%'", nil, nil, []string{"beta%", "Alpha", "alpha"}},
	} {
		f, err := filter.Parse(filter.Experiments, c.filter)
		k.ok(err)
		order, err := filter.ParseOrder(filter.Experiments, c.order)
		k.ok(err)
		k.same(names(sql.ExperimentQuery{Filter: f, Order: order, Lifecycle: c.stages}), c.want, c.filter+" by "+fmt.Sprint(c.order))
	}
	page, next, err := k.Experiments.Search(k.ctx, sql.ExperimentQuery{Limit: 1})
	k.ok(err)
	if len(page) != 1 || page[0].Tags["team"] != "none" {
		t.Errorf("page %+v", page)
	}
	f, _ := filter.Parse(filter.Experiments, "name = 'x'")
	_, _, err = k.Experiments.Search(k.ctx, sql.ExperimentQuery{Limit: 1, Filter: f, After: next})
	k.fails(err, trimtab.Invalid, "")
	_, _, err = k.Experiments.Search(k.ctx, sql.ExperimentQuery{Limit: 1, After: "###"})
	k.fails(err, trimtab.Invalid, "")
	_, _, err = k.Experiments.Search(k.ctx, sql.ExperimentQuery{})
	k.fails(err, trimtab.Invalid, "")
}

func testWorkspaces(t *testing.T, k *kit) {
	there := &kit{T: t, DB: k.DB, ctx: trimtab.WithCall(k.ctx, trimtab.Call{Actor: trimtab.Local, Workspace: "other"})}
	e := k.experiment("x")
	if mine := there.experiment("x"); mine != e {
		t.Errorf("the other workspace begins with experiment %s, here is %s", mine, e)
	}
	id := k.run(e, "here")
	_, err := there.Runs.Get(there.ctx, id)
	there.fails(err, trimtab.NotFound, "")
	there.fails(there.Runs.LogBatch(there.ctx, id, trimtab.RunBatch{Params: []trimtab.Param{{Key: "a", Value: "b"}}}), trimtab.NotFound, "")
	must(k.Models.Create(k.ctx, trimtab.RegisteredModel{Name: "m"}))(k)
	_, err = there.Models.Get(there.ctx, "m")
	there.fails(err, trimtab.NotFound, "Registered Model with name=m not found")
	must(there.Models.Create(there.ctx, trimtab.RegisteredModel{Name: "m"}))(there)
	found, _, err := there.Runs.Search(there.ctx, sql.RunQuery{Experiments: []trimtab.ExperimentID{e}, Limit: 10})
	there.ok(err)
	if len(found) != 0 {
		t.Errorf("the other workspace sees %d runs", len(found))
	}
}
