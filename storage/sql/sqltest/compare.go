package sqltest

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

// Still is a clock that stands until it is told to move, so that two databases
// read the same times.
type Still struct{ now atomic.Int64 }

// Now is the clock.
func (s *Still) Now() trimtab.Time { return trimtab.Time(s.now.Load()) }

// Move sets the clock forward.
func (s *Still) Move() { s.now.Add(1000) }

// Compare does the same random operations on two databases that run and read
// the clock, and wants the same answers and the same errors from both. At the
// end both journals must explain every row.
func Compare(t *testing.T, clock *Still, a, b *sql.DB) {
	clock.now.Store(1_700_000_000_000)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		// A workspace of its own makes each round begin with nothing.
		ctx := trimtab.WithCall(t.Context(), trimtab.Call{Actor: trimtab.Local, Workspace: trimtab.Workspace(fmt.Sprintf("w%d", round))})
		p := &pair{rt: rt, ctx: ctx, a: a, b: b, clock: clock}
		rt.Repeat(map[string]func(*rapid.T){
			"experiment": p.experiment,
			"run":        p.run,
			"batch":      p.batch,
			"artifact":   p.artifact,
			"logged":     p.logged,
			"model":      p.model,
			"version":    p.version,
			"search":     p.search,
			"registry":   p.registry,
		})
		p.everything()
	})
	for _, db := range []*sql.DB{a, b} {
		explained(t, t.Context(), db)
	}
}

// explained checks that the journal explains every governed row and every seal.
func explained(t testing.TB, ctx context.Context, db *sql.DB) {
	t.Helper()
	if err := db.Journal.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	report, err := db.Journal.Verify(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("audit: %s: %s", f.Subject, f.Problem)
	}
}

// pair is two databases that must answer alike.
type pair struct {
	rt    *rapid.T
	ctx   context.Context
	a, b  *sql.DB
	clock *Still
}

// both does an operation on both and compares.
func (p *pair) both(what string, do func(db *sql.DB) (any, error)) {
	p.rt.Helper()
	p.clock.Move()
	x, errX := do(p.a)
	y, errY := do(p.b)
	switch {
	case (errX == nil) != (errY == nil) || errX != nil && (trimtab.KindOf(errX) != trimtab.KindOf(errY) || trimtab.Message(errX) != trimtab.Message(errY)):
		p.rt.Fatalf("%s:\n one says %v\nother says %v", what, errX, errY)
	case errX != nil && trimtab.KindOf(errX) == trimtab.Internal:
		p.rt.Fatalf("%s: %v", what, errX)
	case errX != nil:
		return
	}
	if diff := cmp.Diff(x, y, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		p.rt.Fatalf("%s: the answers differ (-one +other):\n%s", what, diff)
	}
}

func (p *pair) draw(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(p.rt, label)
}

func (p *pair) text() string {
	return p.draw("text", "", "a", "B", "ä", "%", "it's", "line\nbreak", "mlflow.runName")
}

func (p *pair) exp() trimtab.ExperimentID {
	return trimtab.ExperimentID(p.draw("experiment", "0", "1", "2", "9"))
}
func (p *pair) id() trimtab.RunID       { return trimtab.RunID(p.draw("run", "r1", "r2", "r3", "r4")) }
func (p *pair) name() trimtab.ModelName { return trimtab.ModelName(p.draw("model", "m", "n", "o")) }
func (p *pair) number() trimtab.Version {
	return trimtab.Version(rapid.IntRange(1, 4).Draw(p.rt, "version"))
}
func (p *pair) loggedID() trimtab.LoggedModelID {
	return trimtab.LoggedModelID(p.draw("logged model", "m-1", "m-2"))
}

func (p *pair) experiment(rt *rapid.T) {
	p.rt = rt
	id, name, key, value := p.exp(), p.draw("name", "x", "y", "z", "Default"), p.text(), p.text()
	verb := p.draw("verb", "create", "create", "rename", "delete", "restore", "tag", "untag", "get", "name")
	p.both("experiment "+verb, func(db *sql.DB) (any, error) {
		switch verb {
		case "create":
			return db.Experiments.Create(p.ctx, trimtab.Experiment{Name: name, Tags: map[string]string{key: value}})
		case "rename":
			return nil, db.Experiments.Rename(p.ctx, id, name)
		case "delete":
			return nil, db.Experiments.Delete(p.ctx, id)
		case "restore":
			return nil, db.Experiments.Restore(p.ctx, id)
		case "tag":
			return nil, db.Experiments.SetTag(p.ctx, id, trimtab.Tag{Key: key, Value: value})
		case "untag":
			return nil, db.Experiments.DeleteTag(p.ctx, id, key)
		case "name":
			return db.Experiments.ByName(p.ctx, name)
		}
		return db.Experiments.Get(p.ctx, id)
	})
}

func (p *pair) run(rt *rapid.T) {
	p.rt = rt
	id, exp, key, value := p.id(), p.exp(), p.text(), p.text()
	idempotency := p.draw("idempotency", "", "", "k1", "k2")
	verb := p.draw("verb", "create", "create", "create", "update", "end", "delete", "restore", "tag", "untag", "inputs", "outputs", "get", "reseal", "recent")
	p.both("run "+verb, func(db *sql.DB) (any, error) {
		switch verb {
		case "create":
			return db.Runs.Create(p.ctx, trimtab.Run{ID: id, Experiment: exp, Name: "n" + value, User: value, Tags: map[string]string{key: value}}, idempotency)
		case "update":
			status := trimtab.RunRunning
			return db.Runs.Update(p.ctx, id, trimtab.RunUpdate{Status: &status, Name: &value})
		case "end":
			status, end := trimtab.RunFailed, p.clock.Now()
			return db.Runs.Update(p.ctx, id, trimtab.RunUpdate{Status: &status, End: &end})
		case "delete":
			return nil, db.Runs.Delete(p.ctx, id)
		case "restore":
			return nil, db.Runs.Restore(p.ctx, id)
		case "tag":
			return nil, db.Runs.SetTag(p.ctx, id, trimtab.Tag{Key: key, Value: value})
		case "untag":
			return nil, db.Runs.DeleteTag(p.ctx, id, key)
		case "inputs":
			return nil, db.Runs.LogInputs(p.ctx, id, []trimtab.DatasetInput{{Dataset: trimtab.Dataset{Name: value, Digest: key}, Tags: []trimtab.Tag{{Key: "mlflow.data.context", Value: value}}}}, []trimtab.ModelInput{{Model: p.loggedFor(value)}})
		case "outputs":
			return nil, db.Runs.LogOutputs(p.ctx, id, []trimtab.ModelOutput{{Model: p.loggedFor(value), Step: int64(len(key))}})
		case "reseal":
			return db.Runs.SealDirty(p.ctx, 100)
		case "recent":
			return db.Runs.Recent(p.ctx, 3)
		}
		return db.Runs.Get(p.ctx, id)
	})
}

func (p *pair) loggedFor(s string) trimtab.LoggedModelID {
	return trimtab.LoggedModelID(fmt.Sprintf("m-%d", len(s)))
}

func (p *pair) batch(rt *rapid.T) {
	p.rt = rt
	id := p.id()
	var b trimtab.RunBatch
	values := []float64{-1, 0, 0.1, 1e300, nan, 2}
	for range rapid.IntRange(0, 5).Draw(rt, "metrics") {
		m := trimtab.Metric{Key: p.draw("metric", "a", "b", "ö"), Value: rapid.SampledFrom(values).Draw(rt, "value"), Step: int64(rapid.IntRange(-2, 2).Draw(rt, "step")), Time: trimtab.Time(rapid.IntRange(0, 2).Draw(rt, "time"))}
		if rapid.IntRange(0, 9).Draw(rt, "of a model") == 0 {
			m.Model, m.DatasetName = p.loggedID(), p.draw("dataset", "", "d")
		}
		b.Metrics = append(b.Metrics, m)
	}
	for range rapid.IntRange(0, 2).Draw(rt, "params") {
		b.Params = append(b.Params, trimtab.Param{Key: p.draw("param", "a", "b", "c"), Value: p.draw("value", "1", "2", "")})
	}
	for range rapid.IntRange(0, 2).Draw(rt, "tags") {
		b.Tags = append(b.Tags, trimtab.Tag{Key: p.text(), Value: p.text()})
	}
	size := rapid.IntRange(1, 4).Draw(rt, "page size")
	p.both("batch", func(db *sql.DB) (any, error) { return nil, db.Runs.LogBatch(p.ctx, id, b) })
	p.both("history", func(db *sql.DB) (any, error) {
		points, next, err := db.Runs.History(p.ctx, id, "a", size, "")
		return []any{points, next}, err
	})
	p.both("interval", func(db *sql.DB) (any, error) {
		return db.Runs.HistoryInterval(p.ctx, []trimtab.RunID{"r1", "r2", "r3"}, "a", nil, nil, size)
	})
}

func (p *pair) artifact(rt *rapid.T) {
	p.rt = rt
	tree, path, body := trimtab.RunTree(p.id()), p.draw("path", "model/a", "model/b", "model", "x", "model-2/a"), p.text()
	if rapid.Bool().Draw(rt, "of a logged model") {
		tree = trimtab.LoggedModelTree(p.loggedID())
	}
	remove := rapid.IntRange(0, 4).Draw(rt, "remove") == 0
	p.both("artifact", func(db *sql.DB) (any, error) {
		var err error
		if remove {
			err = db.Artifacts.Delete(p.ctx, tree, path)
		} else {
			err = db.Artifacts.Put(p.ctx, tree, path, trimtab.DigestOf([]byte(body)), int64(len(body)))
		}
		if err != nil {
			return nil, err
		}
		return db.Artifacts.List(p.ctx, tree, "model")
	})
}

func (p *pair) logged(rt *rapid.T) {
	p.rt = rt
	id, exp, key, value := p.loggedID(), p.exp(), p.text(), p.text()
	verb := p.draw("verb", "create", "create", "ready", "failed", "delete", "tags", "untag", "params", "get")
	p.both("logged model "+verb, func(db *sql.DB) (any, error) {
		switch verb {
		case "create":
			return db.LoggedModels.Create(p.ctx, trimtab.LoggedModel{ID: id, Experiment: exp, Name: "n", Type: value}, "")
		case "ready":
			return db.LoggedModels.Finalize(p.ctx, id, trimtab.LoggedModelReady)
		case "failed":
			return db.LoggedModels.Finalize(p.ctx, id, trimtab.LoggedModelFailed)
		case "delete":
			return nil, db.LoggedModels.Delete(p.ctx, id)
		case "tags":
			return nil, db.LoggedModels.SetTags(p.ctx, id, []trimtab.Tag{{Key: key, Value: value}})
		case "untag":
			return nil, db.LoggedModels.DeleteTag(p.ctx, id, key)
		case "params":
			return nil, db.LoggedModels.LogParams(p.ctx, id, []trimtab.Param{{Key: key, Value: value}})
		}
		return db.LoggedModels.Get(p.ctx, id)
	})
}

func (p *pair) model(rt *rapid.T) {
	p.rt = rt
	name, other, n, key, value := p.name(), p.name(), p.number(), p.text(), p.text()
	alias := trimtab.Alias(p.draw("alias", "champion", "b"))
	var from *trimtab.Version
	if rapid.Bool().Draw(rt, "from") {
		from = ptr(trimtab.Version(0))
	}
	verb := p.draw("verb", "create", "create", "create", "update", "rename", "delete", "tag", "untag", "alias", "alias", "drop", "get")
	p.both("model "+verb, func(db *sql.DB) (any, error) {
		switch verb {
		case "create":
			return db.Models.Create(p.ctx, trimtab.RegisteredModel{Name: name, Description: value, Tags: map[string]string{key: value}})
		case "update":
			return db.Models.Update(p.ctx, name, value)
		case "rename":
			return db.Models.Rename(p.ctx, name, other)
		case "delete":
			return nil, db.Models.Delete(p.ctx, name)
		case "tag":
			return nil, db.Models.SetTag(p.ctx, name, trimtab.Tag{Key: key, Value: value})
		case "untag":
			return nil, db.Models.DeleteTag(p.ctx, name, key)
		case "alias":
			return db.Models.SetAlias(p.ctx, name, trimtab.MoveAlias{Alias: alias, To: n, From: from, Cause: value})
		case "drop":
			return nil, db.Models.DropAlias(p.ctx, name, alias)
		}
		return db.Models.Get(p.ctx, name)
	})
}

func (p *pair) version(rt *rapid.T) {
	p.rt = rt
	name, n, key, value := p.name(), p.number(), p.text(), p.text()
	stage := p.draw("stage", "None", "Staging", "Production")
	archive := rapid.Bool().Draw(rt, "archive")
	attempt := trimtab.AttemptID(p.draw("attempt", "", "", "pr-1.a.1"))
	v := trimtab.ModelVersion{Model: name, Source: "s", Attempt: attempt, Tags: map[string]string{key: value}}
	switch p.draw("tree", "none", "run", "model") {
	case "run":
		v.Tree, v.TreePath = trimtab.RunTree(p.id()), "model"
	case "model":
		v.Tree = trimtab.LoggedModelTree(p.loggedID())
	}
	verb := p.draw("verb", "create", "create", "create", "update", "tag", "untag", "stage", "delete", "settle", "alias", "latest", "attempts", "get")
	p.both("version "+verb, func(db *sql.DB) (any, error) {
		switch verb {
		case "create":
			return db.Versions.Create(p.ctx, v, "")
		case "update":
			return db.Versions.Update(p.ctx, name, n, value)
		case "tag":
			return nil, db.Versions.SetTag(p.ctx, name, n, trimtab.Tag{Key: key, Value: value})
		case "untag":
			return nil, db.Versions.DeleteTag(p.ctx, name, n, key)
		case "stage":
			return db.Versions.Transition(p.ctx, name, n, stage, archive)
		case "delete":
			return nil, db.Versions.Delete(p.ctx, name, n)
		case "settle":
			return nil, db.Versions.SettleAttempt(p.ctx, "pr-1.a.1")
		case "alias":
			return db.Versions.ByAlias(p.ctx, name, "champion")
		case "latest":
			return db.Versions.Latest(p.ctx, name, nil)
		case "attempts":
			return db.Versions.ByAttempt(p.ctx, "pr-1")
		}
		return db.Versions.Get(p.ctx, name, n)
	})
}

// page is one page of a search and its token.
type page struct {
	Rows any
	Next trimtab.PageToken
}

func (p *pair) search(rt *rapid.T) {
	p.rt = rt
	texts := []string{"", "a", "B", "b", "ä", "Ä", "%", "1", "_"}
	q := sql.RunQuery{
		Experiments: []trimtab.ExperimentID{"0", "1", "2"}, Filter: drawFilter(rt, filter.Runs, []string{"a", "b", "ö"}, texts, 2),
		Order: drawOrders(rt, filter.Runs, []string{"a", "b", "ö"}), View: sql.AllRuns, Limit: rapid.IntRange(1, 3).Draw(rt, "page size"),
	}
	p.pages("runs", func(db *sql.DB, after trimtab.PageToken) (any, trimtab.PageToken, error) {
		q := q
		q.After = after
		return pageOf(db.Runs.Search(p.ctx, q))
	})
	l := sql.LoggedModelQuery{Experiments: q.Experiments, Filter: drawFilter(rt, filter.LoggedModels, []string{"a", "b", "ö"}, texts, 2), Limit: 1}
	p.pages("logged models", func(db *sql.DB, after trimtab.PageToken) (any, trimtab.PageToken, error) {
		l := l
		l.After = after
		return pageOf(db.LoggedModels.Search(p.ctx, l))
	})
	e := sql.ExperimentQuery{Filter: drawFilter(rt, filter.Experiments, []string{"a", "B"}, texts, 2), Order: drawOrders(rt, filter.Experiments, []string{"a"}), Limit: 2}
	p.pages("experiments", func(db *sql.DB, after trimtab.PageToken) (any, trimtab.PageToken, error) {
		e := e
		e.After = after
		return pageOf(db.Experiments.Search(p.ctx, e))
	})
}

func (p *pair) registry(rt *rapid.T) {
	p.rt = rt
	texts := []string{"", "a", "m", "N", "1", "champion", "s"}
	m := sql.ModelQuery{Filter: drawFilter(rt, filter.RegisteredModels, []string{"a", "B"}, texts, 2), Order: drawOrders(rt, filter.RegisteredModels, []string{"a"}), Limit: 2}
	p.pages("models", func(db *sql.DB, after trimtab.PageToken) (any, trimtab.PageToken, error) {
		m := m
		m.After = after
		return pageOf(db.Models.Search(p.ctx, m))
	})
	v := sql.VersionQuery{Filter: drawFilter(rt, filter.ModelVersions, []string{"a", "B"}, texts, 2), Order: drawOrders(rt, filter.ModelVersions, []string{"a"}), Limit: 2}
	p.pages("versions", func(db *sql.DB, after trimtab.PageToken) (any, trimtab.PageToken, error) {
		v := v
		v.After = after
		return pageOf(db.Versions.Search(p.ctx, v))
	})
}

func pageOf[T any](rows []T, next trimtab.PageToken, err error) (any, trimtab.PageToken, error) {
	return rows, next, err
}

// pages reads all pages of a search on both and compares each, the tokens too.
func (p *pair) pages(what string, read func(db *sql.DB, after trimtab.PageToken) (any, trimtab.PageToken, error)) {
	p.rt.Helper()
	var after trimtab.PageToken
	for {
		var next trimtab.PageToken
		p.both("search of "+what, func(db *sql.DB) (any, error) {
			rows, token, err := read(db, after)
			next = token
			return page{rows, token}, err
		})
		if next == "" {
			return
		}
		after = next
	}
}

// everything compares all that the workspace holds.
func (p *pair) everything() {
	p.pages("all runs", func(db *sql.DB, after trimtab.PageToken) (any, trimtab.PageToken, error) {
		return pageOf(db.Runs.Search(p.ctx, sql.RunQuery{Experiments: []trimtab.ExperimentID{"0", "1", "2", "3"}, View: sql.AllRuns, Limit: 100, After: after}))
	})
	p.pages("all models", func(db *sql.DB, after trimtab.PageToken) (any, trimtab.PageToken, error) {
		return pageOf(db.Models.Search(p.ctx, sql.ModelQuery{Prompts: filter.WithPrompts, Limit: 100, After: after}))
	})
	p.pages("all versions", func(db *sql.DB, after trimtab.PageToken) (any, trimtab.PageToken, error) {
		return pageOf(db.Versions.Search(p.ctx, sql.VersionQuery{Prompts: filter.WithPrompts, Limit: 100, After: after}))
	})
}
