package track

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

// fakes keep what was given to them; the rules of a store are the store's own tests.
type fakeExperiments struct{ created, renamed, tagged int }

func (f *fakeExperiments) Create(_ context.Context, e trimtab.Experiment) (trimtab.Experiment, error) {
	f.created++
	return e, nil
}

func (f *fakeExperiments) Rename(context.Context, trimtab.ExperimentID, string) error {
	f.renamed++
	return nil
}

func (f *fakeExperiments) SetTag(context.Context, trimtab.ExperimentID, trimtab.Tag) error {
	f.tagged++
	return nil
}

type fakeRuns struct {
	run   trimtab.Run
	keys  []string
	batch *trimtab.RunBatch
	name  string
	in    []trimtab.DatasetInput
}

func (f *fakeRuns) Create(_ context.Context, r trimtab.Run, key string) (trimtab.Run, error) {
	f.keys = append(f.keys, key)
	return r, nil
}

func (f *fakeRuns) Get(_ context.Context, id trimtab.RunID) (trimtab.Run, error) {
	if id != f.run.ID {
		return trimtab.Run{}, trimtab.Errorf(trimtab.NotFound, "run", "Run with id=%s not found", id)
	}
	return f.run, nil
}

func (f *fakeRuns) Update(_ context.Context, _ trimtab.RunID, u trimtab.RunUpdate) (trimtab.Run, error) {
	f.name = *u.Name
	return f.run, nil
}

func (f *fakeRuns) LogBatch(_ context.Context, _ trimtab.RunID, b trimtab.RunBatch) error {
	f.batch = &b
	return nil
}

func (f *fakeRuns) SetTag(_ context.Context, _ trimtab.RunID, tag trimtab.Tag) error {
	f.run.Tags = maps.Clone(f.run.Tags)
	if f.run.Tags == nil {
		f.run.Tags = map[string]string{}
	}
	f.run.Tags[tag.Key] = tag.Value
	return nil
}

func (f *fakeRuns) LogInputs(_ context.Context, _ trimtab.RunID, in []trimtab.DatasetInput, _ []trimtab.ModelInput) error {
	f.in = in
	return nil
}

type fakeModels struct {
	model trimtab.LoggedModel
	tags  []trimtab.Tag
	keys  []string
}

func (f *fakeModels) Create(_ context.Context, m trimtab.LoggedModel, key string) (trimtab.LoggedModel, error) {
	f.keys = append(f.keys, key)
	return m, nil
}

func (f *fakeModels) Get(_ context.Context, id trimtab.LoggedModelID) (trimtab.LoggedModel, error) {
	if id != f.model.ID {
		return trimtab.LoggedModel{}, trimtab.Errorf(trimtab.NotFound, "logged model", "none")
	}
	return f.model, nil
}

func (f *fakeModels) SetTags(_ context.Context, _ trimtab.LoggedModelID, tags []trimtab.Tag) error {
	f.tags = tags
	return nil
}

func (f *fakeModels) LogParams(context.Context, trimtab.LoggedModelID, []trimtab.Param) error {
	return nil
}

type fakeTree []trimtab.Artifact

func (f fakeTree) List(_ context.Context, _ trimtab.TreeID, dir string) ([]trimtab.Artifact, error) {
	var out []trimtab.Artifact
	for _, a := range f {
		if dir == "" || strings.HasPrefix(a.Path, dir+"/") {
			out = append(out, a)
		}
	}
	return out, nil
}

func (f fakeTree) Get(_ context.Context, _ trimtab.TreeID, path string) (trimtab.Artifact, error) {
	i := slices.IndexFunc(f, func(a trimtab.Artifact) bool { return a.Path == path })
	if i < 0 {
		return trimtab.Artifact{}, trimtab.Errorf(trimtab.NotFound, "artifact", "none")
	}
	return f[i], nil
}

type fixture struct {
	*Tracker
	experiments fakeExperiments
	runs        fakeRuns
	models      fakeModels
}

func newFixture(tree fakeTree) *fixture {
	f := &fixture{}
	f.Tracker = New(Config{Experiments: &f.experiments, Runs: &f.runs, LoggedModels: &f.models, Artifacts: tree,
		Clock: func() trimtab.Time { return 1000 }, Random: func(p []byte) { clear(p) }})
	return f
}

// refused checks that err is Invalid with exactly this text.
func refused(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	if !trimtab.IsKind(err, trimtab.Invalid) || trimtab.Message(err) != want {
		t.Errorf("%s: %v\nwant %s", what, err, want)
	}
}
