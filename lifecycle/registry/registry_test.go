package registry

import (
	"context"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

const (
	run1   = trimtab.RunID("11111111111111111111111111111111")
	run2   = trimtab.RunID("22222222222222222222222222222222")
	model1 = trimtab.LoggedModelID("m-11111111111111111111111111111111")
	gone   = trimtab.LoggedModelID("m-22222222222222222222222222222222")
)

type fixture struct {
	*Registry
	models   fakeModels
	versions *fakeVersions
	logged   fakeLogged
}

func newFixture() *fixture {
	f := &fixture{
		models: fakeModels{"m": {Name: "m"}, "my model": {Name: "my model"}, "prompt": {Name: "prompt", Tags: map[string]string{promptTag: "true"}}},
		versions: &fakeVersions{all: []trimtab.ModelVersion{
			{Model: "m", Version: 1, Stage: "None", Tree: trimtab.RunTree(run1), TreePath: "model", Manifest: "sha256:aa", Run: run1, Aliases: []trimtab.Alias{"champion"}},
			{Model: "my model", Version: 2, Stage: "Production", Tree: trimtab.LoggedModelTree(model1), Manifest: "sha256:bb", Run: run1, LoggedModel: model1},
			{Model: "prompt", Version: 3, Stage: "None"},
		}},
		logged: fakeLogged{
			model1: {ID: model1, Name: "net", SourceRun: run1, ArtifactURI: "mlflow-artifacts:/1/models/" + string(model1) + "/artifacts"},
			gone:   {ID: gone, Lifecycle: trimtab.Deleted},
		},
	}
	f.Registry = New(Config{
		Models: f.models, Versions: f.versions, LoggedModels: f.logged,
		Runs: fakeRuns{
			run1: {ID: run1, ArtifactURI: "mlflow-artifacts:/1/" + string(run1) + "/artifacts", Outputs: []trimtab.ModelOutput{{Model: gone}, {Model: model1}}},
			run2: {ID: run2, ArtifactURI: "mlflow-artifacts:/team/x/" + string(run2) + "/artifacts"},
		},
		Artifacts: fakeTrees{trimtab.RunTree(run1): {"model/MLmodel"}},
		Clock:     func() trimtab.Time { return 1000 },
	})
	return f
}

func refused(t *testing.T, what string, err error, want string) {
	t.Helper()
	if !trimtab.IsKind(err, trimtab.Invalid) || trimtab.Message(err) != want {
		t.Errorf("%s: %v\nwant %s", what, err, want)
	}
}

// What a source resolves to, or why it does not. The refusals that MLflow knows
// have its sentences (3.17.2).
func TestSources(t *testing.T) {
	owner := func(source, field string) string {
		return "Invalid model version source: '" + source + "'. The " + field + " request parameter must identify the resource that contains the source."
	}
	relative := func(source string) string {
		return "Invalid model version source: '" + source + "'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path."
	}
	outside := func(source string) string {
		return "Invalid model version source: '" + source + "'. This server registers what lies in its own artifact store: runs:/RUN_ID/PATH, models:/LOGGED_MODEL_ID, models:/NAME/VERSION or mlflow-artifacts:/…. Log the model to a run of this server first; local paths and other storage are not accepted"
	}
	const art1 = "mlflow-artifacts:/1/" + string(run1) + "/artifacts"
	artM := "mlflow-artifacts:/1/models/" + string(model1) + "/artifacts"
	type result struct {
		tree     trimtab.TreeID
		path     string
		manifest trimtab.Digest
		run      trimtab.RunID
		logged   trimtab.LoggedModelID
		source   string
	}
	inRun := func(path string) result { return result{tree: trimtab.RunTree(run1), path: path, run: run1} }
	copy1 := result{trimtab.RunTree(run1), "model", "sha256:aa", run1, "", "models:/m/1"}
	copy2 := result{trimtab.LoggedModelTree(model1), "", "sha256:bb", run1, model1, "models:/my model/2"}
	for _, tc := range []struct {
		source string
		run    trimtab.RunID
		logged trimtab.LoggedModelID
		want   result
		err    string
	}{
		{"runs:/" + string(run1) + "/model", run1, "", inRun("model"), ""},
		{"runs:/" + string(run1), run1, "", inRun(""), ""},
		{"runs:/" + string(run1) + "/net", run1, "", result{tree: trimtab.LoggedModelTree(model1), run: run1, logged: model1}, ""},
		{"runs:/" + string(run1) + "/later", run1, "", inRun("later"), ""},
		{"runs:/" + string(run1) + "/a%20b", run1, "", inRun("a b"), ""},
		{"runs:/" + string(run1) + "/model", "", "", result{}, owner("runs:/"+string(run1)+"/model", "run_id")},
		{"runs:/" + string(run1) + "/model", run2, "", result{}, owner("runs:/"+string(run1)+"/model", "run_id")},
		{"runs:/" + string(run1) + "/model", run1, model1, result{}, owner("runs:/"+string(run1)+"/model", "model_id")},
		{art1 + "/model", run1, model1, result{}, owner(art1+"/model", "model_id")},
		{"runs:/nope/model", "nope", "", result{}, owner("runs:/nope/model", "run_id")},
		{"runs:/", "", "", result{}, "Not a proper runs:/ URI: runs:/. Runs URIs must be of the form 'runs:/<run_id>/run-relative/path/to/artifact'"},
		{"runs:/" + string(run1) + "/../../etc", run1, "", result{}, relative("runs:/" + string(run1) + "/../../etc")},
		{"runs:/" + string(run1) + "/%2e%2e/etc", run1, "", result{}, relative("runs:/" + string(run1) + "/%2e%2e/etc")},
		{"runs:/" + string(run1) + "/%252e%252e/etc", run1, "", result{}, relative("runs:/" + string(run1) + "/%252e%252e/etc")},
		{"runs:/" + string(run1) + "/a%252fb", run1, "", result{}, relative("runs:/" + string(run1) + "/a%252fb")},
		{"runs:/" + string(run1) + "/a#b", run1, "", result{}, relative("runs:/" + string(run1) + "/a#b")},
		{"runs:/" + string(run1) + "/a%00", run1, "", result{}, relative("runs:/" + string(run1) + "/a%00")},
		{art1 + "/model", run1, "", inRun("model"), ""},
		{art1, run1, "", inRun(""), ""},
		{"http://127.0.0.1:5000/api/2.0/mlflow-artifacts/artifacts/1/" + string(run1) + "/artifacts/model", run1, "", inRun("model"), ""},
		{"mlflow-artifacts:/team/x/" + string(run2) + "/artifacts/model", run2, "", result{tree: trimtab.RunTree(run2), path: "model", run: run2}, ""},
		{art1 + "/model", "", "", result{}, owner(art1+"/model", "run_id")},
		{art1 + "/model", run2, "", result{}, owner(art1+"/model", "run_id")},
		{"mlflow-artifacts:/2/" + string(run1) + "/artifacts/m", run1, "", result{}, owner("mlflow-artifacts:/2/"+string(run1)+"/artifacts/m", "run_id")},
		{"mlflow-artifacts://h" + strings.TrimPrefix(art1, "mlflow-artifacts:"), run1, "", result{}, owner("mlflow-artifacts://h"+strings.TrimPrefix(art1, "mlflow-artifacts:"), "run_id")},
		{art1 + "/../../x", run1, "", result{}, relative(art1 + "/../../x")},
		{"mlflow-artifacts:/1/other", run1, "", result{}, owner("mlflow-artifacts:/1/other", "run_id")},
		{artM + "/sub", "", model1, result{tree: trimtab.LoggedModelTree(model1), path: "sub", run: run1, logged: model1}, ""},
		{artM, run1, "", result{}, owner(artM, "model_id")},
		{"models:/" + string(model1), "", model1, result{tree: trimtab.LoggedModelTree(model1), run: run1, logged: model1}, ""},
		{"models:/" + string(model1), run1, "", result{}, owner("models:/"+string(model1), "model_id")},
		{"models:/" + string(gone), "", gone, result{}, owner("models:/"+string(gone), "model_id")},
		{"models:/m-none", "", "m-none", result{}, owner("models:/m-none", "model_id")},
		{"models:/m/1", "", "", copy1, ""},
		{"models:/m@champion", "", "", copy1, ""},
		{"models:/m/latest", "", "", copy1, ""},
		{"models:/my model/production", "", "", copy2, ""},
		{"mlflow-artifacts:/versions/my%20model/2", "", "", copy2, ""},
		{"models:/m/1", run2, "", result{}, "Invalid model version source: 'models:/m/1'. The run_id and model_id request parameters must match the referenced model version."},
		{"models:/prompt/3", "", "", result{}, "Invalid model version source: 'models:/prompt/3'. Prompt versions cannot be used as model version sources."},
		{"models:/m@nobody", "", "", result{}, "Registered model alias nobody not found."},
		{"mlflow-artifacts:/versions/m/1/model", "", "", result{}, "Invalid model version source: 'mlflow-artifacts:/versions/m/1/model'. A version is registered as a whole; leave out model"},
		{"s3://bucket/m", run1, "", result{}, outside("s3://bucket/m")},
		{"/etc/passwd", run1, "", result{}, outside("/etc/passwd")},
		{"file:///etc/passwd", run1, "", result{}, outside("file:///etc/passwd")},
		{"../../etc", run1, "", result{}, outside("../../etc")},
		{"http://elsewhere/x", run1, "", result{}, outside("http://elsewhere/x")},
		{"dummy-source", run1, "", result{}, outside("dummy-source")},
		{"runs:/a\x00", run1, "", result{}, "Invalid model version source: it contains a NUL byte"},
	} {
		f := newFixture()
		v, err := f.CreateVersion(t.Context(), NewVersion{Model: "m", Source: tc.source, Run: tc.run, RunGiven: tc.run != "", LoggedModel: tc.logged, LoggedModelGiven: tc.logged != ""})
		if tc.err != "" {
			refused(t, tc.source, err, tc.err)
			if len(f.versions.all) != 3 {
				t.Errorf("%s: a refused version was created", tc.source)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.source, err)
			continue
		}
		if tc.want.source == "" {
			tc.want.source = tc.source
		}
		if got := (result{v.Tree, v.TreePath, v.Manifest, v.Run, v.LoggedModel, v.Source}); got != tc.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tc.source, got, tc.want)
		}
	}
	for source, kind := range map[string]trimtab.Kind{"models:/none/1": trimtab.NotFound, "models:/m/9": trimtab.NotFound, "models:/m/Staging": trimtab.NotFound, "models:/m/nostage": trimtab.Invalid,
		"models:/": trimtab.Invalid, "models:/m/1/x": trimtab.Invalid, "models:/m/": trimtab.Invalid, "models:/@a": trimtab.Invalid, "models:/a@": trimtab.Invalid, "models://h/m/1": trimtab.Invalid} {
		if _, err := newFixture().CreateVersion(t.Context(), NewVersion{Model: "m", Source: source}); !trimtab.IsKind(err, kind) {
			t.Errorf("%s: %v, want %s", source, err, kind)
		}
	}
}

func TestPrompts(t *testing.T) {
	f := newFixture()
	tags := map[string]string{promptTag: "true", promptTextTag: "Hi {{x}}"}
	v, err := f.CreateVersion(t.Context(), NewVersion{Model: "prompt", Source: "dummy-source", Tags: tags})
	if err != nil || v.Tree != "" || DownloadURI(v) != "dummy-source" {
		t.Errorf("%+v, %v", v, err)
	}
	_, err = f.CreateVersion(t.Context(), NewVersion{Model: "prompt", Source: "/etc", Tags: tags})
	refused(t, "source", err, "Invalid prompt source: '/etc'. Prompt sources must use an MLflow placeholder.")
	tags[promptTextTag] = strings.Repeat("x", MaxTagValue+1)
	_, err = f.CreateVersion(t.Context(), NewVersion{Model: "prompt", Source: "dummy-source", Tags: tags})
	refused(t, "text", err, "Prompt text exceeds max length of 100000 characters.")
	_, err = f.CreateModel(t.Context(), trimtab.RegisteredModel{Name: "prompt"})
	if !trimtab.IsKind(err, trimtab.Exists) || !strings.HasPrefix(trimtab.Message(err), "Tried to create a registered model with name 'prompt', but the name is already taken by a prompt.") {
		t.Errorf("%v", err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"":                       "Missing value for required parameter 'name'.",
		"  ":                     "Missing value for required parameter 'name'.",
		"a/b":                    "Invalid model name 'a/b'. Names cannot contain '/' or ':'.",
		"a:b":                    "Invalid model name 'a:b'. Names cannot contain '/' or ':'.",
		"..":                     `Invalid value ".." for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '..'`,
		"a\x01":                  `Invalid model name "a\u0001". Names cannot contain control characters.`,
		strings.Repeat("n", 257): "'name' exceeds the maximum length of 256 characters",
	} {
		f := newFixture()
		_, err := f.CreateModel(t.Context(), trimtab.RegisteredModel{Name: trimtab.ModelName(name)})
		refused(t, name, err, want)
	}
	f := newFixture()
	if _, err := f.CreateModel(t.Context(), trimtab.RegisteredModel{Name: "größe 1%#?"}); err != nil {
		t.Error(err)
	}
	if _, err := f.CreateModel(t.Context(), trimtab.RegisteredModel{Name: "m"}); !trimtab.IsKind(err, trimtab.Exists) || trimtab.Message(err) != "Registered Model (name=m) already exists." {
		t.Error(err)
	}
	_, err := f.RenameModel(t.Context(), "m", "")
	refused(t, "rename", err, "Missing value for required parameter 'new_name'.")
	if _, err := f.RenameModel(t.Context(), "m", "my model"); !trimtab.IsKind(err, trimtab.Exists) {
		t.Error(err)
	}
	refused(t, "tag", f.SetModelTag(t.Context(), "m", trimtab.Tag{Key: "a", Value: strings.Repeat("v", MaxTagValue+1)}), "'value' exceeds the maximum length of 100000 characters")
	refused(t, "tag", f.SetVersionTag(t.Context(), "m", 1, trimtab.Tag{Key: "a#"}), `Invalid value "a#" for parameter 'key' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).`)
}

func TestAliases(t *testing.T) {
	f := newFixture()
	for alias, want := range map[trimtab.Alias]string{
		"":       "Registered model alias name cannot be empty.",
		"a b":    "Invalid alias name: 'a b'. Names may only contain alphanumerics, underscores (_) and dashes (-).",
		"Latest": "'latest' alias name (case insensitive) is reserved.",
		"v1":     "Version alias name 'v1' is reserved.",
	} {
		refused(t, string(alias), f.SetAlias(t.Context(), "m", alias, 1), want)
	}
	if err := f.SetAlias(t.Context(), "m", "live", 1); err != nil || f.models["m"].Aliases["live"] != 1 {
		t.Error(err)
	}
	if v, err := f.ByAlias(t.Context(), "m", "LATEST"); err != nil || v.Version != 1 {
		t.Errorf("latest: %v, %v", v, err)
	}
	if _, err := f.ByAlias(t.Context(), "none", "x"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("alias of no model: %v", err)
	}
}

func TestStages(t *testing.T) {
	f := newFixture()
	v, err := f.Transition(t.Context(), "m", 1, "pRoduction", true)
	if err != nil || v.Stage != "Production" {
		t.Errorf("%v, %v", v, err)
	}
	_, err = f.Transition(t.Context(), "m", 1, "Live", false)
	refused(t, "stage", err, "Invalid Model Version stage: Live. Value must be one of None, Staging, Production, Archived.")
	_, err = f.Transition(t.Context(), "m", 1, "Archived", true)
	refused(t, "archive", err, "Model version transition cannot archive existing model versions because 'Archived' is not an Active stage. Valid stages are ['Staging', 'Production']")
	_, err = ParseVersion("x")
	refused(t, "version", err, "Parameter 'version' must be an integer, got 'x'")
}

// The versions made of a logged model stand in its tag, each once.
func TestVersionsTag(t *testing.T) {
	f := newFixture()
	step := trimtab.WithCall(context.Background(), trimtab.Call{Actor: trimtab.Actor{Attempt: "pr-1.train.1"}})
	n := NewVersion{Model: "m", Source: "models:/" + string(model1), LoggedModel: model1, LoggedModelGiven: true}
	v, err := f.CreateVersion(step, n)
	if err != nil || v.Attempt != "pr-1.train.1" {
		t.Fatal(v, err)
	}
	if err := f.noteVersion(step, v); err != nil {
		t.Fatal(err)
	}
	if got := f.logged[model1].Tags[versionsTag]; got != `[{"name":"m","version":4}]` {
		t.Errorf("tag %s", got)
	}
	if _, err := f.CreateVersion(step, n); err != nil {
		t.Fatal(err)
	}
	if k := f.versions.keys; k[0] == "" || k[0] != k[1] {
		t.Errorf("keys %q", k)
	}
}

func TestDownloadURI(t *testing.T) {
	for v, want := range map[*trimtab.ModelVersion]string{
		{Model: "m", Version: 3, Tree: "run/x"}:          "mlflow-artifacts:/versions/m/3",
		{Model: "my model#?%", Version: 1, Tree: "t"}:    "mlflow-artifacts:/versions/my%20model%23%3F%25/1",
		{Model: "p", Version: 1, Source: "dummy-source"}: "dummy-source",
	} {
		if got := DownloadURI(*v); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzParsePlace(f *testing.F) {
	for _, s := range []string{"1/" + string(run1) + "/artifacts/a", "versions/m/1/x", "1/models/" + string(model1) + "/artifacts", "", "a/../b", "versions/m/0", "artifacts/artifacts/artifacts"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		p, err := ParsePlace(path)
		if err != nil {
			return
		}
		n := 0
		for _, is := range []bool{p.Run != "", p.LoggedModel != "", p.Model != ""} {
			if is {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%q has %d owners: %+v", path, n, p)
		}
		if clean, err := trimtab.ArtifactPath(p.Path); err != nil || clean != p.Path {
			t.Errorf("%q leads to the unclean path %q", path, p.Path)
		}
	})
}
