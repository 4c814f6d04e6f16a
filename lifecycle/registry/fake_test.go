package registry

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// fakes hold what a test gives them; the rules of a store are the store's own tests.
type fakeModels map[trimtab.ModelName]trimtab.RegisteredModel

func (f fakeModels) Create(_ context.Context, m trimtab.RegisteredModel) (trimtab.RegisteredModel, error) {
	if _, ok := f[m.Name]; ok {
		return m, trimtab.Errorf(trimtab.Exists, "model", "taken")
	}
	f[m.Name] = m
	return m, nil
}

func (f fakeModels) Get(_ context.Context, name trimtab.ModelName) (trimtab.RegisteredModel, error) {
	m, ok := f[name]
	if !ok {
		return m, trimtab.Errorf(trimtab.NotFound, "model", "Registered Model with name=%s not found", name)
	}
	return m, nil
}

func (f fakeModels) Rename(_ context.Context, from, to trimtab.ModelName) (trimtab.RegisteredModel, error) {
	if _, ok := f[to]; ok {
		return trimtab.RegisteredModel{}, trimtab.Errorf(trimtab.Exists, "model", "taken")
	}
	return f[from], nil
}

func (f fakeModels) SetTag(context.Context, trimtab.ModelName, trimtab.Tag) error { return nil }

func (f fakeModels) SetAlias(_ context.Context, name trimtab.ModelName, cmd trimtab.MoveAlias) (trimtab.RegisteredModel, error) {
	m := f[name]
	m.Aliases = maps.Clone(m.Aliases)
	if m.Aliases == nil {
		m.Aliases = map[trimtab.Alias]trimtab.Version{}
	}
	m.Aliases[cmd.Alias] = cmd.To
	f[name] = m
	return m, nil
}

type fakeVersions struct {
	all  []trimtab.ModelVersion
	keys []string
}

func (f *fakeVersions) Create(_ context.Context, v trimtab.ModelVersion, key string) (trimtab.ModelVersion, error) {
	f.keys = append(f.keys, key)
	v.Version = trimtab.Version(len(f.all) + 1)
	f.all = append(f.all, v)
	return v, nil
}

func (f *fakeVersions) Get(_ context.Context, name trimtab.ModelName, n trimtab.Version) (trimtab.ModelVersion, error) {
	i := slices.IndexFunc(f.all, func(v trimtab.ModelVersion) bool { return v.Model == name && v.Version == n })
	if i < 0 {
		return trimtab.ModelVersion{}, trimtab.Errorf(trimtab.NotFound, "version", "Model Version (name=%s, version=%d) not found", name, n)
	}
	return f.all[i], nil
}

func (f *fakeVersions) ByAlias(ctx context.Context, name trimtab.ModelName, alias trimtab.Alias) (trimtab.ModelVersion, error) {
	for _, v := range f.all {
		if v.Model == name && slices.Contains(v.Aliases, alias) {
			return v, nil
		}
	}
	return trimtab.ModelVersion{}, trimtab.Errorf(trimtab.NotFound, "alias", "none")
}

func (f *fakeVersions) Latest(_ context.Context, name trimtab.ModelName, stages []string) ([]trimtab.ModelVersion, error) {
	latest := map[string]trimtab.ModelVersion{}
	for _, v := range f.all {
		if v.Model == name && (len(stages) == 0 || slices.Contains(stages, v.Stage)) {
			latest[v.Stage] = v
		}
	}
	return slices.Collect(maps.Values(latest)), nil
}

func (f *fakeVersions) SetTag(context.Context, trimtab.ModelName, trimtab.Version, trimtab.Tag) error {
	return nil
}

func (f *fakeVersions) Transition(ctx context.Context, name trimtab.ModelName, n trimtab.Version, stage string, archive bool) (trimtab.ModelVersion, error) {
	v, err := f.Get(ctx, name, n)
	v.Stage = stage
	return v, err
}

type fakeRuns map[trimtab.RunID]trimtab.Run

func (f fakeRuns) Get(_ context.Context, id trimtab.RunID) (trimtab.Run, error) {
	r, ok := f[id]
	if !ok {
		return r, trimtab.Errorf(trimtab.NotFound, "run", "Run with id=%s not found", id)
	}
	return r, nil
}

type fakeLogged map[trimtab.LoggedModelID]trimtab.LoggedModel

func (f fakeLogged) Get(_ context.Context, id trimtab.LoggedModelID) (trimtab.LoggedModel, error) {
	m, ok := f[id]
	if !ok {
		return m, trimtab.Errorf(trimtab.NotFound, "logged model", "none")
	}
	return m, nil
}

func (f fakeLogged) SetTags(_ context.Context, id trimtab.LoggedModelID, tags []trimtab.Tag) error {
	m := f[id]
	m.Tags = map[string]string{}
	for _, t := range tags {
		m.Tags[t.Key] = t.Value
	}
	f[id] = m
	return nil
}

type fakeTrees map[trimtab.TreeID][]string

func (f fakeTrees) List(_ context.Context, tree trimtab.TreeID, dir string) ([]trimtab.Artifact, error) {
	var out []trimtab.Artifact
	for _, p := range f[tree] {
		if dir == "" || p == dir || strings.HasPrefix(p, dir+"/") {
			out = append(out, trimtab.Artifact{Path: p})
		}
	}
	return out, nil
}
