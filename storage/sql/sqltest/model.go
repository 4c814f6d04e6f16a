package sqltest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

// model makes a registered model.
func (k *kit) model(name trimtab.ModelName) {
	k.Helper()
	must(k.Models.Create(k.ctx, trimtab.RegisteredModel{Name: name}))(k)
}

// version makes a version without artifacts.
func (k *kit) version(name trimtab.ModelName) trimtab.ModelVersion {
	k.Helper()
	return must(k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: name, Source: "s3://x"}, ""))(k)
}

func testModels(t *testing.T, k *kit) {
	m := must(k.Models.Create(k.ctx, trimtab.RegisteredModel{Name: "flights", Description: "late?", Tags: map[string]string{"a": "1"}}))(k)
	if m.Created == 0 || m.LastVersion != 0 {
		t.Errorf("created %+v", m)
	}
	k.same(must(k.Models.Get(k.ctx, "flights"))(k), m, "Get")
	_, err := k.Models.Create(k.ctx, trimtab.RegisteredModel{Name: "flights"})
	k.fails(err, trimtab.Exists, "Registered Model (name=flights) already exists.")
	absent := "Registered Model with name=nothing not found"
	_, err = k.Models.Get(k.ctx, "nothing")
	k.fails(err, trimtab.NotFound, absent)
	k.fails(k.Models.SetTag(k.ctx, "nothing", trimtab.Tag{Key: "a"}), trimtab.NotFound, absent)
	k.fails(k.Models.Delete(k.ctx, "nothing"), trimtab.NotFound, absent)

	updated := must(k.Models.Update(k.ctx, "flights", "new"))(k)
	if updated.Description != "new" || updated.Updated == m.Updated {
		t.Errorf("updated %+v", updated)
	}
	must(k.Models.Update(k.ctx, "flights", "new"))(k)
	k.ok(k.Models.SetTag(k.ctx, "flights", trimtab.Tag{Key: "a", Value: "2"}))
	k.ok(k.Models.SetTag(k.ctx, "flights", trimtab.Tag{Key: "b", Value: strings.Repeat("long", 25_000)}))
	k.ok(k.Models.DeleteTag(k.ctx, "flights", "a"))
	k.ok(k.Models.DeleteTag(k.ctx, "flights", "a"))
	k.same(must(k.Models.Get(k.ctx, "flights"))(k).Tags, map[string]string{"b": strings.Repeat("long", 25_000)}, "tags")
	v := k.version("flights")
	k.ok(k.Models.Delete(k.ctx, "flights"))
	_, err = k.Versions.Get(k.ctx, "flights", 1)
	k.fails(err, trimtab.NotFound, "Model Version (name=flights, version=1) not found")
	k.same(k.entries(m.Object()), []string{"model.create", "model.update", "model.tag.set", "model.tag.set", "model.tag.delete", "model.version.add", "model.delete"}, "entries")
	k.same(k.entries(v.Object()), []string{"model.version.create", "model.version.delete"}, "entries of the version")
	k.model("flights")
	if v := k.version("flights"); v.Version != 1 {
		t.Errorf("the first version of a new model is %d", v.Version)
	}
}

func testModelRename(t *testing.T, k *kit) {
	k.model("a")
	k.model("b")
	k.ok(k.Models.SetTag(k.ctx, "a", trimtab.Tag{Key: "t", Value: "1"}))
	k.version("a")
	k.version("a")
	k.ok(k.Versions.SetTag(k.ctx, "a", 2, trimtab.Tag{Key: "t", Value: "2"}))
	k.ok(k.Versions.Delete(k.ctx, "a", 1))
	must(k.Models.SetAlias(k.ctx, "a", trimtab.MoveAlias{Alias: "champion", To: 2}))(k)
	_, err := k.Models.Rename(k.ctx, "a", "b")
	k.fails(err, trimtab.Exists, "Registered Model (name=b) already exists.")
	m := must(k.Models.Rename(k.ctx, "a", "c"))(k)
	if m.Name != "c" || m.Aliases["champion"] != 2 || m.Tags["t"] != "1" || m.LastVersion != 2 {
		t.Errorf("renamed %+v", m)
	}
	k.same(must(k.Models.Get(k.ctx, "c"))(k), m, "Get")
	_, err = k.Models.Get(k.ctx, "a")
	k.fails(err, trimtab.NotFound, "")
	if v := must(k.Versions.ByAlias(k.ctx, "c", "champion"))(k); v.Version != 2 || v.Tags["t"] != "2" || v.Model != "c" {
		t.Errorf("champion is %+v", v)
	}
	must(k.Models.Rename(k.ctx, "c", "c"))(k)
	if v := k.version("c"); v.Version != 3 {
		t.Errorf("the next version is %d, want 3", v.Version)
	}
	k.same(k.entries(trimtab.Object{Kind: "registeredModel", Name: "c"}), []string{"model.rename", "model.version.add"}, "entries of the new name")
	old := k.entries(trimtab.Object{Kind: "registeredModel", Name: "a"})
	if old[len(old)-1] != "model.rename" {
		t.Errorf("entries of the old name: %v", old)
	}
}

func testModelSearch(t *testing.T, k *kit) {
	for i, name := range []trimtab.ModelName{"alpha", "Beta", "gamma", "prompt"} {
		m := trimtab.RegisteredModel{Name: name, Created: trimtab.Time(100 * (4 - i)), Tags: map[string]string{"t": strings.ToUpper(string(name))}}
		if name == "prompt" {
			m.Tags[filter.PromptTag] = "True"
		}
		must(k.Models.Create(k.ctx, m))(k)
	}
	k.version("gamma")
	must(k.Models.SetAlias(k.ctx, "gamma", trimtab.MoveAlias{Alias: "champion", To: 1}))(k)
	names := func(q sql.ModelQuery, size int) string {
		t.Helper()
		var out []string
		for q.Limit = size; ; {
			page, next, err := k.Models.Search(k.ctx, q)
			k.ok(err)
			for _, m := range page {
				out = append(out, string(m.Name))
				k.same(m, must(k.Models.Get(k.ctx, m.Name))(k), "a model that was found")
			}
			if q.After = next; next == "" {
				return strings.Join(out, " ")
			}
		}
	}
	for _, c := range []struct{ filter, order, want string }{
		{"", "", "Beta alpha gamma"},
		{"", "name DESC", "gamma alpha Beta"},
		{"", "last_updated_timestamp", "Beta alpha gamma"},
		{"", "creation_timestamp", "gamma Beta alpha"},
		{"name ILIKE '%A%'", "", "Beta alpha gamma"},
		{"name LIKE 'a%'", "", "alpha"},
		{"name != 'alpha'", "", "Beta gamma"},
		{"tags.t = 'BETA'", "", "Beta"},
		{"alias = 'champion'", "", "gamma"},
		{"alias IS NULL", "", "Beta alpha"},
		{"description IS NULL", "", "Beta alpha gamma"},
		{"tags.`mlflow.prompt.is_prompt` = 'true'", "", ""},
		{"tags.`mlflow.prompt.is_prompt` != 'false'", "", "prompt"},
		{"tags.`mlflow.prompt.is_prompt` != 'true'", "", "Beta alpha gamma"},
		{"tags.`mlflow.prompt.is_prompt` = 'True'", "", "prompt"},
		{"tags.`mlflow.prompt.is_prompt` = 'false' AND name = 'alpha'", "", "alpha"},
	} {
		f, err := filter.Parse(filter.RegisteredModels, c.filter)
		k.ok(err)
		f, mode := filter.SplitPrompts(f)
		var clauses []string
		if c.order != "" {
			clauses = []string{c.order}
		}
		order, err := filter.ParseOrder(filter.RegisteredModels, clauses)
		k.ok(err)
		for _, size := range []int{1, 100} {
			if got := names(sql.ModelQuery{Filter: f, Prompts: mode, Order: order}, size); got != c.want {
				t.Errorf("%s by %s (pages of %d): %q, want %q", c.filter, c.order, size, got, c.want)
			}
		}
	}
	for _, v := range vectors(k, filter.RegisteredModels) {
		if f, err := filter.Parse(filter.RegisteredModels, v); err == nil {
			names(sql.ModelQuery{Filter: f, Prompts: filter.WithPrompts}, 10)
		}
	}
	k.ok(k.Models.DeleteTag(k.ctx, "prompt", filter.PromptTag))
	if got := names(sql.ModelQuery{}, 10); got != "Beta alpha gamma prompt" {
		t.Errorf("what is no prompt any more: %s", got)
	}
}

func testAliases(t *testing.T, k *kit) {
	k.model("m")
	k.version("m")
	k.version("m")
	set := func(move trimtab.MoveAlias) error {
		_, err := k.Models.SetAlias(k.ctx, "m", move)
		return err
	}
	k.fails(set(trimtab.MoveAlias{Alias: "champion", To: 9}), trimtab.NotFound, "Model Version (name=m, version=9) not found")
	k.fails(set(trimtab.MoveAlias{Alias: "latest", To: 1}), trimtab.Invalid, "")
	k.ok(set(trimtab.MoveAlias{Alias: "champion", To: 1, From: ptr(trimtab.Version(0)), Cause: "c1"}))
	k.ok(set(trimtab.MoveAlias{Alias: "champion", To: 1, From: ptr(trimtab.Version(0)), Cause: "c1"}))
	k.fails(set(trimtab.MoveAlias{Alias: "champion", To: 2, From: ptr(trimtab.Version(0))}), trimtab.Conflict, "")
	k.ok(set(trimtab.MoveAlias{Alias: "Champion", To: 2}))
	k.ok(set(trimtab.MoveAlias{Alias: "champion", To: 2, From: ptr(trimtab.Version(1))}))
	v := must(k.Versions.ByAlias(k.ctx, "m", "champion"))(k)
	k.same(v.Aliases, []trimtab.Alias{"Champion", "champion"}, "aliases of version 2")
	k.same(must(k.Models.Get(k.ctx, "m"))(k).Aliases, map[trimtab.Alias]trimtab.Version{"Champion": 2, "champion": 2}, "aliases of the model")
	_, err := k.Versions.ByAlias(k.ctx, "m", "nobody")
	k.fails(err, trimtab.NotFound, "Registered model alias nobody not found.")
	_, err = k.Versions.ByAlias(k.ctx, "nothing", "nobody")
	k.fails(err, trimtab.NotFound, "Registered Model with name=nothing not found")
	k.ok(k.Models.DropAlias(k.ctx, "m", "Champion"))
	k.ok(k.Models.DropAlias(k.ctx, "m", "Champion"))
	k.ok(k.Versions.Delete(k.ctx, "m", 2))
	k.same(must(k.Models.Get(k.ctx, "m"))(k).Aliases, nil, "aliases after the deletion of their version")
	k.same(k.entries(trimtab.Object{Kind: "registeredModel", Name: "m"}), []string{"model.create", "model.version.add", "model.version.add",
		"model.alias.set", "model.alias.set", "model.alias.set", "model.alias.delete", "model.alias.delete"}, "entries")
	// Of many that move it from the same place, one does.
	k.version("m")
	won := make(chan bool, 8)
	for i := range cap(won) {
		go func() {
			err := set(trimtab.MoveAlias{Alias: "race", To: trimtab.Version(1 + 2*(i%2)), From: ptr(trimtab.Version(0))})
			if err != nil && !trimtab.IsKind(err, trimtab.Conflict) {
				t.Error(err)
			}
			won <- err == nil
		}()
	}
	for range cap(won) {
		<-won
	}
	moves := 0
	for _, action := range k.entries(trimtab.Object{Kind: "registeredModel", Name: "m"}) {
		if action == "model.alias.set" {
			moves++
		}
	}
	if moves != 4 {
		t.Errorf("%d moves are recorded, want 4: only one of the race", moves)
	}
}

func testVersions(t *testing.T, k *kit) {
	k.model("m")
	_, err := k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: "nothing"}, "")
	k.fails(err, trimtab.NotFound, "Registered Model with name=nothing not found")
	v := must(k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: "m", Source: "s3://x", Run: "r", RunLink: "http://x", Description: "d", User: "ann", Tags: map[string]string{"a": "1"}}, ""))(k)
	if v.Version != 1 || v.Status != "READY" || v.Stage != "None" || v.Manifest != "" || v.Created == 0 {
		t.Errorf("created %+v", v)
	}
	k.same(must(k.Versions.Get(k.ctx, "m", 1))(k), v, "Get")
	if m := must(k.Models.Get(k.ctx, "m"))(k); m.LastVersion != 1 || m.Updated == m.Created {
		t.Errorf("model after its first version: %+v", m)
	}
	updated := must(k.Versions.Update(k.ctx, "m", 1, "new"))(k)
	if updated.Description != "new" || updated.Updated == v.Updated {
		t.Errorf("updated %+v", updated)
	}
	k.ok(k.Versions.SetTag(k.ctx, "m", 1, trimtab.Tag{Key: "b", Value: "2"}))
	k.ok(k.Versions.DeleteTag(k.ctx, "m", 1, "a"))
	k.ok(k.Versions.DeleteTag(k.ctx, "m", 1, "a"))
	k.same(must(k.Versions.Get(k.ctx, "m", 1))(k).Tags, map[string]string{"b": "2"}, "tags")

	k.version("m")
	k.version("m")
	for n, stage := range map[trimtab.Version]string{1: "Production", 2: "Production", 3: "Staging"} {
		if got := must(k.Versions.Transition(k.ctx, "m", n, stage, false))(k); got.Stage != stage {
			t.Errorf("version %d is in %s", n, got.Stage)
		}
	}
	latest := func(stages ...string) (out []trimtab.Version) {
		for _, x := range must(k.Versions.Latest(k.ctx, "m", stages))(k) {
			out = append(out, x.Version)
		}
		return out
	}
	k.version("m")
	k.same(latest(), []trimtab.Version{2, 3, 4}, "latest of every stage")
	k.same(latest("production", "None"), []trimtab.Version{2, 4}, "latest of two stages")
	k.same(latest("Archived"), nil, "latest archived")
	must(k.Versions.Transition(k.ctx, "m", 3, "Production", true))(k)
	k.same(latest(), []trimtab.Version{2, 3, 4}, "latest after archiving")
	k.same(latest("Archived"), []trimtab.Version{2}, "latest archived")
	_, err = k.Versions.Latest(k.ctx, "nothing", nil)
	k.fails(err, trimtab.NotFound, "Registered Model with name=nothing not found")
	all := must(k.Versions.LatestOf(k.ctx, []trimtab.ModelName{"m", "nothing"}))(k)
	if len(all) != 1 || len(all["m"]) != 3 {
		t.Errorf("LatestOf: %+v", all)
	}

	k.ok(k.Versions.Delete(k.ctx, "m", 4))
	for _, err := range []error{k.Versions.Delete(k.ctx, "m", 4), k.Versions.SetTag(k.ctx, "m", 4, trimtab.Tag{Key: "a"})} {
		k.fails(err, trimtab.NotFound, "Model Version (name=m, version=4) not found")
	}
	if next := k.version("m"); next.Version != 5 {
		t.Errorf("version %d follows the deleted 4, want 5", next.Version)
	}
	k.same(latest("None"), []trimtab.Version{5}, "latest without stage")
	k.same(k.entries(v.Object()), []string{"model.version.create", "model.version.update", "model.version.tag.set", "model.version.tag.delete", "model.version.stage", "model.version.stage"}, "entries")
}

func testVersionWriters(t *testing.T, k *kit) {
	k.model("m")
	const writers = 20
	numbers := make(chan trimtab.Version, writers)
	for i := range writers {
		go func() {
			key := ""
			if i >= writers-5 {
				key = "one key"
			}
			v, err := k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: "m", Attempt: "pr-1.x.1"}, key)
			if err != nil {
				t.Error(err)
			}
			numbers <- v.Version
		}()
	}
	var all []trimtab.Version
	for range writers {
		all = append(all, <-numbers)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) != writers-4 || all[0] != 1 || all[len(all)-1] != writers-4 {
		t.Errorf("versions %v, want 1 to %d", all, writers-4)
	}
}

func testVersionFreeze(t *testing.T, k *kit) {
	k.model("m")
	id := k.run("0", "n")
	tree := trimtab.RunTree(id)
	put := func(tree trimtab.TreeID, path, body string) {
		k.ok(k.Artifacts.Put(k.ctx, tree, path, trimtab.DigestOf([]byte(body)), int64(len(body))))
	}
	make := func(v trimtab.ModelVersion) trimtab.ModelVersion {
		v.Model = "m"
		return must(k.Versions.Create(k.ctx, v, ""))(k)
	}
	file := func(path, body string) trimtab.Artifact {
		return trimtab.Artifact{Path: path, Digest: trimtab.DigestOf([]byte(body)), Size: int64(len(body))}
	}
	check := func(n trimtab.Version, files ...trimtab.Artifact) {
		t.Helper()
		v := must(k.Versions.Get(k.ctx, "m", n))(k)
		want := trimtab.NewManifest(files)
		if want == nil {
			want = trimtab.Manifest{}
		}
		if v.Status != "READY" || v.Manifest != want.Digest() {
			t.Errorf("version %d is %s with manifest %s, want %s", n, v.Status, v.Manifest, want.Digest())
			return
		}
		k.same(must(k.Artifacts.Manifest(k.ctx, v.Manifest))(k), want, fmt.Sprintf("manifest of version %d", n))
	}
	waits := make(trimtab.ModelVersion{Tree: tree, TreePath: "model"})
	if waits.Status != "PENDING_REGISTRATION" || waits.Manifest != "" {
		t.Errorf("a version of nothing yet is %+v", waits)
	}
	put(tree, "model/MLmodel", "v1")
	put(tree, "model/data/x", "x")
	put(tree, "other", "o")
	frozen := make(trimtab.ModelVersion{Tree: tree, TreePath: "model"})
	check(frozen.Version, file("MLmodel", "v1"), file("data/x", "x"))
	one := make(trimtab.ModelVersion{Tree: tree, TreePath: "other"})
	check(one.Version, file("other", "o"))
	whole := make(trimtab.ModelVersion{Tree: tree})
	check(whole.Version, file("model/MLmodel", "v1"), file("model/data/x", "x"), file("other", "o"))
	// What the run uploads later changes its tree, never a version.
	put(tree, "model/MLmodel", "v2")
	k.ok(k.Artifacts.Delete(k.ctx, tree, "other"))
	never := make(trimtab.ModelVersion{Tree: tree, TreePath: "never"})
	k.ok(k.Versions.Delete(k.ctx, "m", never.Version))
	empty := make(trimtab.ModelVersion{Tree: tree, TreePath: "nothing"})
	k.end(id)
	check(frozen.Version, file("MLmodel", "v1"), file("data/x", "x"))
	check(one.Version, file("other", "o"))
	check(waits.Version, file("MLmodel", "v2"), file("data/x", "x"))
	check(empty.Version)
	late := make(trimtab.ModelVersion{Tree: tree, TreePath: "later"})
	check(late.Version)
	k.same(k.entries(waits.Object()), []string{"model.version.create", "model.version.freeze"}, "entries")

	logged := must(k.LoggedModels.Create(k.ctx, trimtab.LoggedModel{Experiment: "0"}, ""))(k)
	of := make(trimtab.ModelVersion{Tree: trimtab.LoggedModelTree(logged.ID)})
	if of.Status != "PENDING_REGISTRATION" {
		t.Errorf("a version of a pending logged model is %s", of.Status)
	}
	put(trimtab.LoggedModelTree(logged.ID), "MLmodel", "x")
	must(k.LoggedModels.Finalize(k.ctx, logged.ID, trimtab.LoggedModelReady))(k)
	check(of.Version, file("MLmodel", "x"))
	check(make(trimtab.ModelVersion{Tree: "elsewhere/x"}).Version)
}

func testVersionAttempts(t *testing.T, k *kit) {
	k.model("m")
	attempt := trimtab.NewAttemptID("pr-1", "train", 1)
	v := must(k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: "m", Attempt: attempt}, string(attempt)+":x"))(k)
	if again := must(k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: "m", Attempt: attempt}, string(attempt)+":x"))(k); again.Version != v.Version {
		t.Errorf("one key made versions %d and %d", v.Version, again.Version)
	}
	must(k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: "m", Attempt: "pr-10.train.1"}, ""))(k)
	must(k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: "m", Attempt: "pr-1.eval.2"}, ""))(k)
	var found []trimtab.Version
	for _, x := range must(k.Versions.ByAttempt(k.ctx, "pr-1"))(k) {
		found = append(found, x.Version)
	}
	k.same(found, []trimtab.Version{1, 3}, "versions of the pipeline run")
	_, err := k.Models.SetAlias(k.ctx, "m", trimtab.MoveAlias{Alias: "champion", To: 1})
	k.fails(err, trimtab.Precondition, "")
	k.ok(k.Versions.SettleAttempt(k.ctx, attempt))
	k.ok(k.Versions.SettleAttempt(k.ctx, attempt))
	must(k.Models.SetAlias(k.ctx, "m", trimtab.MoveAlias{Alias: "champion", To: 1}))(k)
	_, err = k.Models.SetAlias(k.ctx, "m", trimtab.MoveAlias{Alias: "champion", To: 3})
	k.fails(err, trimtab.Precondition, "")
	k.same(k.entries(v.Object()), []string{"model.version.create", "model.version.settle"}, "entries")
	k.ok(k.Versions.Delete(k.ctx, "m", 1))
	if fresh := must(k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: "m", Attempt: attempt}, string(attempt)+":x"))(k); fresh.Version != 4 {
		t.Errorf("after the deletion the key gives version %d, want a new one, 4", fresh.Version)
	}
}

func testVersionSearch(t *testing.T, k *kit) {
	k.model("m")
	k.model("n")
	for i, v := range []trimtab.ModelVersion{
		{Model: "m", Source: "s3://a", Run: "r1", Tags: map[string]string{"t": "x"}},
		{Model: "m", Source: "runs:/r2/model", Run: "r2"},
		{Model: "n", Source: "s3://c", Tags: map[string]string{filter.PromptTag: "true"}},
		{Model: "n", Source: "s3://d", Description: "last"},
	} {
		v.Created = trimtab.Time(1000 + i)
		must(k.Versions.Create(k.ctx, v, ""))(k)
	}
	must(k.Models.SetAlias(k.ctx, "m", trimtab.MoveAlias{Alias: "champion", To: 2}))(k)
	must(k.Versions.Transition(k.ctx, "m", 1, "Staging", false))(k)
	must(k.Versions.Create(k.ctx, trimtab.ModelVersion{Model: "m"}, ""))(k)
	k.ok(k.Versions.Delete(k.ctx, "m", 3))
	names := func(q sql.VersionQuery, size int) string {
		t.Helper()
		var out []string
		for q.Limit = size; ; {
			page, next, err := k.Versions.Search(k.ctx, q)
			k.ok(err)
			for _, v := range page {
				out = append(out, fmt.Sprintf("%s%d", v.Model, v.Version))
				k.same(v, must(k.Versions.Get(k.ctx, v.Model, v.Version))(k), "a version that was found")
			}
			if q.After = next; next == "" {
				return strings.Join(out, " ")
			}
		}
	}
	for _, c := range []struct{ filter, order, want string }{
		{"", "", "m1 n2 m2"},
		{"", "name DESC", "n2 m2 m1"},
		{"", "version_number", "m1 m2 n2"},
		{"", "creation_timestamp", "m1 m2 n2"},
		{"name = 'm'", "", "m1 m2"},
		{"version_number = 1", "", "m1"},
		{"version_number > 1.5", "", "n2 m2"},
		{"version_number = '2'", "", "n2 m2"},
		{"version_number = 1.5", "", ""},
		{"run_id = 'r1'", "", "m1"},
		{"run_id IN ('r1', 'r2')", "", "m1 m2"},
		{"run_id != 'r1'", "", "m2"},
		{"source_path LIKE 's3%'", "", "m1 n2"},
		{"alias = 'champion'", "", "m2"},
		{"alias != 'champion'", "", ""},
		{"current_stage = 'Staging'", "", "m1"},
		{"description IS NOT NULL", "", "n2"},
		{"tags.t = 'x' OR name = 'n'", "", "m1 n2"},
		{"tags.`mlflow.prompt.is_prompt` = 'true'", "", "n1"},
	} {
		f, err := filter.Parse(filter.ModelVersions, c.filter)
		k.ok(err)
		f, mode := filter.SplitPrompts(f)
		var clauses []string
		if c.order != "" {
			clauses = []string{c.order}
		}
		order, err := filter.ParseOrder(filter.ModelVersions, clauses)
		k.ok(err)
		for _, size := range []int{1, 100} {
			if got := names(sql.VersionQuery{Filter: f, Prompts: mode, Order: order}, size); got != c.want {
				t.Errorf("%s by %s (pages of %d): %q, want %q", c.filter, c.order, size, got, c.want)
			}
		}
	}
	for _, v := range vectors(k, filter.ModelVersions) {
		if f, err := filter.Parse(filter.ModelVersions, v); err == nil {
			names(sql.VersionQuery{Filter: f, Prompts: filter.WithPrompts}, 10)
		}
	}
}
