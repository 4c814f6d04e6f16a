package track

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

const badCharacters = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."

const resolves = "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to "

// The sentences are those of MLflow 3.17.2, taken from its server.
func TestMetrics(t *testing.T) {
	long := strings.Repeat("x", 251)
	for _, tc := range []struct {
		m    trimtab.Metric
		want string
	}{
		{trimtab.Metric{Key: "a"}, ""},
		{trimtab.Metric{Key: "größe/ä b:c.d-e_f"}, ""},
		{trimtab.Metric{Key: strings.Repeat("ä", 250)}, ""},
		{trimtab.Metric{Key: "a", Step: -5}, ""},
		{trimtab.Metric{Key: "a#"}, `Invalid value "a#" for parameter 'name' supplied: ` + badCharacters},
		{trimtab.Metric{Key: "ä#😀"}, `Invalid value "\u00e4#\ud83d\ude00" for parameter 'name' supplied: ` + badCharacters},
		{trimtab.Metric{Key: "a//b"}, `Invalid value "a//b" for parameter 'name' supplied: ` + resolves + `'a/b'`},
		{trimtab.Metric{Key: "../a"}, `Invalid value "../a" for parameter 'name' supplied: ` + resolves + `'../a'`},
		{trimtab.Metric{Key: "/a"}, `Invalid value "/a" for parameter 'name' supplied: ` + resolves + `'/a'`},
		{trimtab.Metric{Key: "."}, `Invalid value "." for parameter 'name' supplied: ` + resolves + `'.'`},
		{trimtab.Metric{Key: ""}, `Invalid value "" for parameter 'name' supplied: ` + resolves + `'.'`},
		{trimtab.Metric{Key: "a\nb"}, `Invalid value "a\nb" for parameter 'name' supplied: ` + badCharacters},
		{trimtab.Metric{Key: "a", Value: 1, Time: -1}, `Invalid value -1 for parameter 'timestamp' supplied: metric 'a' (value=1.0). Timestamp must be a nonnegative long (64-bit integer) `},
		{trimtab.Metric{Key: long}, `'Metric name' exceeds the maximum length of 250 characters`},
		{trimtab.Metric{Key: "a", DatasetDigest: long}, `'dataset_digest' exceeds the maximum length of 36 characters`},
	} {
		f := newFixture(nil)
		err := f.LogMetric(t.Context(), "r", tc.m)
		refused(t, "metric "+tc.m.Key, err, tc.want)
		if (f.runs.batch != nil) != (tc.want == "") {
			t.Errorf("metric %q: the store was asked: %v", tc.m.Key, f.runs.batch != nil)
		}
	}
}

func TestInfinitiesAreClamped(t *testing.T) {
	f := newFixture(nil)
	b := trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "a", Value: math.Inf(1)}, {Key: "b", Value: math.Inf(-1)}, {Key: "c", Value: math.NaN()}}}
	if err := f.LogBatch(t.Context(), "r", b); err != nil {
		t.Fatal(err)
	}
	got := f.runs.batch.Metrics
	if got[0].Value != math.MaxFloat64 || got[1].Value != -math.MaxFloat64 || !math.IsNaN(got[2].Value) {
		t.Errorf("values %v", got)
	}
}

func TestBatches(t *testing.T) {
	metrics := func(n int) []trimtab.Metric {
		out := make([]trimtab.Metric, n)
		for i := range out {
			out[i].Key = "m"
		}
		return out
	}
	params := func(n int) (out []trimtab.Param) {
		for i := range n {
			out = append(out, trimtab.Param{Key: strings.Repeat("p", i+1)})
		}
		return out
	}
	tags := func(n int) (out []trimtab.Tag) {
		for _, p := range params(n) {
			out = append(out, trimtab.Tag(p))
		}
		return out
	}
	for name, tc := range map[string]struct {
		run  trimtab.RunID
		b    trimtab.RunBatch
		want string
	}{
		"full":             {"r", trimtab.RunBatch{Metrics: metrics(1000)}, ""},
		"mixed full":       {"r", trimtab.RunBatch{Metrics: metrics(800), Params: params(100), Tags: tags(100)}, ""},
		"bad run":          {"-", trimtab.RunBatch{}, `Invalid value "-" for parameter 'run_id' supplied.`},
		"too many metrics": {"r", trimtab.RunBatch{Metrics: metrics(1001)}, "A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across multiple requests and try again."},
		"too many params":  {"r", trimtab.RunBatch{Params: params(101)}, "A batch logging request can contain at most 100 params. Got 101 params. Please split up params across multiple requests and try again."},
		"too many tags":    {"r", trimtab.RunBatch{Tags: tags(101)}, "A batch logging request can contain at most 100 tags. Got 101 tags. Please split up tags across multiple requests and try again."},
		"too many":         {"r", trimtab.RunBatch{Metrics: metrics(950), Params: params(51)}, "A batch logging request can contain at most 1000 metrics, params, and tags. Got 1001 metrics, params, and tags. Please split up metrics, params, and tags across multiple requests and try again."},
		"param twice":      {"r", trimtab.RunBatch{Params: []trimtab.Param{{Key: "q", Value: "2"}, {Key: "q", Value: "2"}}}, "Duplicate parameter keys have been submitted: ['q']. Please ensure the request contains only one param value per param key."},
		"bad metric":       {"r", trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "a"}, {Key: "b#"}}}, `Invalid value "b#" for parameter 'metrics[1].name' supplied: ` + badCharacters},
		"bad param":        {"r", trimtab.RunBatch{Params: []trimtab.Param{{Key: "b#"}}}, `Invalid value "b#" for parameter 'params[0].key' supplied: ` + badCharacters},
		"bad tag":          {"r", trimtab.RunBatch{Tags: []trimtab.Tag{{Key: "b#"}}}, `Invalid value "b#" for parameter 'tags[0].key' supplied: ` + badCharacters},
		"long tag key":     {"r", trimtab.RunBatch{Tags: []trimtab.Tag{{Key: strings.Repeat("k", 251)}}}, "'tags[0].key' exceeds the maximum length of 250 characters"},
	} {
		f := newFixture(nil)
		err := f.LogBatch(t.Context(), tc.run, tc.b)
		refused(t, name, err, tc.want)
		if (f.runs.batch != nil) != (tc.want == "") {
			t.Errorf("%s: the store was asked: %v", name, f.runs.batch != nil)
		}
	}
}

func TestLongValuesAreCut(t *testing.T) {
	f := newFixture(nil)
	b := trimtab.RunBatch{
		Params: []trimtab.Param{{Key: "p", Value: strings.Repeat("ä", 6001)}, {Key: "q", Value: strings.Repeat("ä", 6000)}},
		Tags:   []trimtab.Tag{{Key: "t", Value: strings.Repeat("x", 8001)}},
	}
	if err := f.LogBatch(t.Context(), "r", b); err != nil {
		t.Fatal(err)
	}
	got := f.runs.batch
	if got.Params[0].Value != strings.Repeat("ä", 6000) || got.Params[1].Value != got.Params[0].Value || len(got.Tags[0].Value) != 8000 {
		t.Errorf("lengths %d %d %d", len(got.Params[0].Value), len(got.Params[1].Value), len(got.Tags[0].Value))
	}
}

func TestTagsOfABatch(t *testing.T) {
	for name, tc := range map[string]struct {
		in, want []trimtab.Tag
		name     string
	}{
		"plain":      {[]trimtab.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}, []trimtab.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}, ""},
		"last wins":  {[]trimtab.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}, {Key: "a", Value: "3"}}, []trimtab.Tag{{Key: "b", Value: "2"}, {Key: "a", Value: "3"}}, ""},
		"name":       {[]trimtab.Tag{{Key: RunNameTag, Value: "new"}, {Key: "b", Value: "2"}}, []trimtab.Tag{{Key: "b", Value: "2"}}, "new"},
		"empty name": {[]trimtab.Tag{{Key: RunNameTag, Value: ""}}, []trimtab.Tag{}, ""},
	} {
		f := newFixture(nil)
		if err := f.LogBatch(t.Context(), "r", trimtab.RunBatch{Tags: tc.in}); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(f.runs.batch.Tags, tc.want) || f.runs.name != tc.name {
			t.Errorf("%s: tags %v name %q", name, f.runs.batch.Tags, f.runs.name)
		}
	}
	f := newFixture(nil)
	if err := f.SetTag(t.Context(), "r", trimtab.Tag{Key: RunNameTag, Value: "x"}); err != nil || f.runs.name != "x" {
		t.Errorf("set-tag of the name: %v, %q", err, f.runs.name)
	}
}

func TestRunNames(t *testing.T) {
	for name, tc := range map[string]struct {
		run  trimtab.Run
		want string
		err  string
	}{
		"given":     {trimtab.Run{Name: "n"}, "n", ""},
		"tagged":    {trimtab.Run{Tags: map[string]string{RunNameTag: "n"}}, "n", ""},
		"agreeing":  {trimtab.Run{Name: "n", Tags: map[string]string{RunNameTag: "n"}}, "n", ""},
		"generated": {trimtab.Run{}, "able-auk-0", ""},
		"differing": {trimtab.Run{Name: "a", Tags: map[string]string{RunNameTag: "b"}}, "", "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='a', mlflow.runName='b')."},
	} {
		f := newFixture(nil)
		r, err := f.CreateRun(t.Context(), tc.run)
		refused(t, name, err, tc.err)
		if err == nil && (r.Name != tc.want || r.Tags[RunNameTag] != tc.want) {
			t.Errorf("%s: name %q tag %q, want %q", name, r.Name, r.Tags[RunNameTag], tc.want)
		}
	}
}

// A pipeline step that asks twice for the same means the same; people do not.
func TestRepeatedRequests(t *testing.T) {
	step := trimtab.WithCall(context.Background(), trimtab.Call{Actor: trimtab.Actor{Attempt: "pr-1.train.1"}, Workspace: "w"})
	other := trimtab.WithCall(context.Background(), trimtab.Call{Actor: trimtab.Actor{Attempt: "pr-1.train.2"}, Workspace: "w"})
	f := newFixture(nil)
	for _, c := range []struct {
		ctx context.Context
		run trimtab.Run
	}{
		{step, trimtab.Run{Experiment: "1", Start: 5}}, {step, trimtab.Run{Experiment: "1", Start: 5}},
		{step, trimtab.Run{Experiment: "1", Start: 6}}, {other, trimtab.Run{Experiment: "1", Start: 5}},
		{context.Background(), trimtab.Run{Experiment: "1", Start: 5}},
	} {
		r, err := f.CreateRun(c.ctx, c.run)
		if err != nil || r.Attempt != trimtab.CallOf(c.ctx).Actor.Attempt {
			t.Fatalf("run of attempt %q, %v", r.Attempt, err)
		}
	}
	k := f.runs.keys
	if k[0] == "" || k[0] != k[1] || k[0] == k[2] || k[0] == k[3] || k[4] != "" || !strings.HasPrefix(k[0], "pr-1.train.1:sha256:") {
		t.Errorf("keys %q", k)
	}
	for range 2 {
		if _, err := f.CreateLoggedModel(step, trimtab.LoggedModel{Experiment: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	if m := f.models.keys; m[0] != "" || m[1] != "" {
		t.Errorf("checkpoints are taken for one: keys of logged models %q", m)
	}
}

func TestExperiments(t *testing.T) {
	const keeps = ". Leave it out: this server keeps the artifacts itself"
	for name, tc := range map[string]struct {
		e        trimtab.Experiment
		location string
		want     string
	}{
		"plain":           {trimtab.Experiment{Name: "a"}, "", ""},
		"no name":         {trimtab.Experiment{}, "", "Invalid experiment name: ''"},
		"long name":       {trimtab.Experiment{Name: strings.Repeat("n", 501)}, "", "'name' exceeds the maximum length of 500 characters"},
		"tag key":         {trimtab.Experiment{Name: "a", Tags: map[string]string{"b#": ""}}, "", `Invalid value "b#" for parameter 'key' supplied: ` + badCharacters},
		"tag value":       {trimtab.Experiment{Name: "a", Tags: map[string]string{"b": strings.Repeat("v", 20001)}}, "", "'value' exceeds the maximum length of 20000 characters"},
		"root":            {trimtab.Experiment{Name: "a", ArtifactLocation: "mlflow-artifacts:/"}, "", ""},
		"own place":       {trimtab.Experiment{Name: "a", ArtifactLocation: "mlflow-artifacts:/team/x/"}, "mlflow-artifacts:/team/x", ""},
		"bucket":          {trimtab.Experiment{Name: "a", ArtifactLocation: "s3://b/x"}, "", "Invalid artifact_location 's3://b/x': only mlflow-artifacts:/… is kept here, never a path or a bucket that a client names" + keeps},
		"file":            {trimtab.Experiment{Name: "a", ArtifactLocation: "file:///etc"}, "", "Invalid artifact_location 'file:///etc': only mlflow-artifacts:/… is kept here, never a path or a bucket that a client names" + keeps},
		"path":            {trimtab.Experiment{Name: "a", ArtifactLocation: "/etc"}, "", "Invalid artifact_location '/etc': only mlflow-artifacts:/… is kept here, never a path or a bucket that a client names" + keeps},
		"other host":      {trimtab.Experiment{Name: "a", ArtifactLocation: "mlflow-artifacts://h/x"}, "", "Invalid artifact_location 'mlflow-artifacts://h/x': it names another host" + keeps},
		"up":              {trimtab.Experiment{Name: "a", ArtifactLocation: "mlflow-artifacts:/a/../b"}, "", `Invalid artifact_location 'mlflow-artifacts:/a/../b': Invalid path: "a/../b" has an empty, '.' or '..' part` + keeps},
		"escaped":         {trimtab.Experiment{Name: "a", ArtifactLocation: "mlflow-artifacts:/a/%2e%2e"}, "", "Invalid artifact_location 'mlflow-artifacts:/a/%2e%2e': it has a character that an address reserves" + keeps},
		"versions' place": {trimtab.Experiment{Name: "a", ArtifactLocation: "mlflow-artifacts:/versions/x"}, "", "Invalid artifact_location 'mlflow-artifacts:/versions/x': this place belongs to model versions" + keeps},
	} {
		f := newFixture(nil)
		e, err := f.CreateExperiment(t.Context(), tc.e)
		refused(t, name, err, tc.want)
		if err == nil && (e.ArtifactLocation != tc.location || e.Created != 1000) {
			t.Errorf("%s: location %q created %d", name, e.ArtifactLocation, e.Created)
		}
	}
	f := newFixture(nil)
	refused(t, "rename", f.RenameExperiment(t.Context(), "1", ""), "Invalid experiment name: ''")
	refused(t, "tag", f.SetExperimentTag(t.Context(), "1", trimtab.Tag{Key: strings.Repeat("k", 251)}), "'key' exceeds the maximum length of 250 characters")
	if f.experiments.renamed+f.experiments.tagged != 0 {
		t.Error("the store was asked for what is refused")
	}
}

func TestInputs(t *testing.T) {
	f := newFixture(nil)
	d := func(name, digest, context string) trimtab.DatasetInput {
		return trimtab.DatasetInput{Dataset: trimtab.Dataset{Name: name, Digest: digest}, Tags: []trimtab.Tag{{Key: "mlflow.data.context", Value: context}}}
	}
	if err := f.LogInputs(t.Context(), "r", []trimtab.DatasetInput{d("a", "1", "x"), d("a", "1", "y"), d("a", "2", "z")}, nil); err != nil {
		t.Fatal(err)
	}
	if len(f.runs.in) != 2 || f.runs.in[0].Tags[0].Value != "x" {
		t.Errorf("inputs %v", f.runs.in)
	}
	long := d("a", strings.Repeat("d", 37), "")
	refused(t, "digest", f.LogInputs(t.Context(), "r", []trimtab.DatasetInput{long}, nil), "'digest' exceeds the maximum length of 36 characters")
	tagged := d("a", "1", strings.Repeat("c", 501))
	refused(t, "tag", f.LogInputs(t.Context(), "r", []trimtab.DatasetInput{tagged}, nil), "'value' exceeds the maximum length of 500 characters")
}

func TestModelHistory(t *testing.T) {
	f := newFixture(nil)
	f.runs.run = trimtab.Run{ID: "r", Lifecycle: trimtab.Active}
	one := `{"run_id":"r","artifact_path":"model","utc_time_created":"t","flavors":{"sklearn":{"code":null,"config":{"secret":1}},"odd":5},"extra":1}`
	for range 2 {
		if err := f.RecordModel(t.Context(), "r", []byte(one)); err != nil {
			t.Fatal(err)
		}
	}
	line := `{"run_id":"r","artifact_path":"model","utc_time_created":"t","flavors":{"odd":5,"sklearn":{"code":null}}}`
	if got := f.runs.run.Tags[ModelHistoryTag]; got != "["+line+","+line+"]" {
		t.Errorf("history %s", got)
	}
	refused(t, "no JSON", f.RecordModel(t.Context(), "r", []byte("{")), "Malformed model info. \n { \n is not a valid JSON.")
	refused(t, "fields", f.RecordModel(t.Context(), "r", []byte(`{"flavors":{}}`)), "Model json is missing mandatory fields: ['artifact_path', 'run_id', 'utc_time_created']")
	if err := f.RecordModel(t.Context(), "x", []byte(one)); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("unknown run: %v", err)
	}
	f.runs.run.Lifecycle = trimtab.Deleted
	refused(t, "deleted", f.RecordModel(t.Context(), "r", []byte(one)), "The run r must be in the 'active' state. Current state is deleted.")
}

func TestLoggedModels(t *testing.T) {
	f := newFixture(nil)
	m, err := f.CreateLoggedModel(t.Context(), trimtab.LoggedModel{Experiment: "1"})
	if err != nil || m.Name == "" || m.Status != trimtab.LoggedModelPending || m.Created != 1000 {
		t.Errorf("%+v, %v", m, err)
	}
	_, err = f.CreateLoggedModel(t.Context(), trimtab.LoggedModel{Name: "a/b"})
	refused(t, "name", err, `Invalid model name ('a/b') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`)
	_, err = f.CreateLoggedModel(t.Context(), trimtab.LoggedModel{Params: []trimtab.Param{{Key: "a"}, {Key: "a"}}})
	refused(t, "params", err, "Duplicate parameter keys have been submitted: ['a']. Please ensure the request contains only one param value per param key.")
	refused(t, "tag", f.SetLoggedModelTags(t.Context(), "m-1", []trimtab.Tag{{}}), "Missing value for required parameter 'key'.")
	if err := f.SetLoggedModelTags(t.Context(), "m-1", []trimtab.Tag{{Key: "a", Value: "1"}, {Key: "a", Value: "2"}}); err != nil || len(f.models.tags) != 1 || f.models.tags[0].Value != "2" {
		t.Errorf("tags %v, %v", f.models.tags, err)
	}
}

func TestUploads(t *testing.T) {
	f := newFixture(fakeTree{{Path: "dir/file"}, {Path: "plain"}})
	const root = "mlflow-artifacts:/1/r/artifacts"
	f.runs.run = trimtab.Run{ID: "r", ArtifactURI: root, Lifecycle: trimtab.Active}
	f.models.model = trimtab.LoggedModel{ID: "m-1", ArtifactURI: "mlflow-artifacts:/1/models/m-1/artifacts"}
	for _, tc := range []struct {
		root, run, model, path string
		want                   string
	}{
		{root, "r", "", "new", ""},
		{root, "r", "", "dir/other", ""},
		{root, "r", "", "plain", ""}, // once more
		{root, "r", "", "", "Invalid path: an artifact needs a name"},
		{root, "r", "", "100%", ""},
		{root, "r", "", "a%20b", ""},
		{root, "r", "", "a#b", `Invalid path: "a#b" contains a '#'`},
		{root, "r", "", "%2e%2e", `Invalid path: "%2e%2e" means another path when it is decoded once more`},
		{root, "r", "", "a%2Fb", `Invalid path: "a%2Fb" means another path when it is decoded once more`},
		{root, "r", "", "%252e%252e", `Invalid path: "%252e%252e" means another path when it is decoded once more`},
		{root, "r", "", "dir", "Invalid path: dir is a folder (it holds dir/file)"},
		{root, "r", "", "plain/x/y", "Invalid path: plain is a file, so y cannot lie below it"},
		{"mlflow-artifacts:/2/r/artifacts", "r", "", "new", "nothing keeps its artifacts at mlflow-artifacts:/2/r/artifacts"},
		{f.models.model.ArtifactURI, "", "m-1", "new", ""},
		{root, "", "m-1", "new", "nothing keeps its artifacts at " + root},
		{root, "", "m-2", "new", "none"},
	} {
		err := f.CheckUpload(t.Context(), tc.root, trimtab.RunID(tc.run), trimtab.LoggedModelID(tc.model), tc.path)
		got := ""
		if err != nil {
			got = trimtab.Message(err)
		}
		if got != tc.want {
			t.Errorf("%+v: %v", tc, err)
		}
	}
	f.runs.run.Lifecycle = trimtab.Deleted
	refused(t, "deleted run", f.CheckUpload(t.Context(), root, "r", "", "new"), "The run r must be in the 'active' state. Current state is deleted.")
	f.models.model.Lifecycle = trimtab.Deleted
	if err := f.CheckUpload(t.Context(), f.models.model.ArtifactURI, "", "m-1", "new"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("deleted model: %v", err)
	}
}

// The spellings are Python's: repr(x) and json.dumps(x).
func TestPython(t *testing.T) {
	for v, want := range map[float64]string{0: "0.0", 1: "1.0", -1.5: "-1.5", 1e15: "1000000000000000.0", 1e16: "1e+16", 1e-4: "0.0001", 1e-5: "1e-05", 1.7976931348623157e308: "1.7976931348623157e+308", math.Copysign(0, -1): "-0.0"} {
		if got := PythonFloat(v); got != want && !(v == 0 && got == "-0.0") {
			t.Errorf("%v is spelled %s, want %s", v, got, want)
		}
	}
	for in, want := range map[string]string{"a": "'a'", "it's": `"it's"`, `both ' and "`: `'both \' and "'`, "a\nb": `'a\nb'`, `\`: `'\\'`} {
		if got := PythonString(in); got != want {
			t.Errorf("%q is spelled %s, want %s", in, got, want)
		}
	}
	if got := Quoted("<a&b>\x7fä"); got != "\"<a&b>\x7f\\u00e4\"" {
		t.Errorf("quoted %s", got)
	}
}

func TestCheckingABatchAllocatesLittle(t *testing.T) {
	b := trimtab.RunBatch{Metrics: make([]trimtab.Metric, 1000)}
	for i := range b.Metrics {
		b.Metrics[i] = trimtab.Metric{Key: "val_loss", Value: float64(i), Time: 1, Step: int64(i)}
	}
	if n := testing.AllocsPerRun(20, func() {
		if err := checkBatch(&b); err != nil {
			t.Fatal(err)
		}
	}); n > 10 {
		t.Errorf("checking 1000 points allocates %v times", n)
	}
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"a", "a/b", "..", "a#", "ä", "", "a//b", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if plainKey(key) && checkKey(key, "k") != nil {
			t.Errorf("%q is plain and refused", key)
		}
		if checkKey(key, "k") == nil && (key == "" || strings.HasPrefix(key, "/") || strings.Contains(key, "//") || strings.HasPrefix(key, "..")) {
			t.Errorf("%q is taken", key)
		}
	})
}
