package trimtab

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseCommand(t *testing.T) {
	lookup := func(ref string) (string, bool) {
		v, ok := map[string]string{"params.a": "two words; $HOME", "params.empty": ""}[ref]
		return v, ok
	}
	for _, c := range []struct {
		in   string
		want []string
		err  string
	}{
		{`python train.py --a 1`, []string{"python", "train.py", "--a", "1"}, ""},
		{` a  b	c `, []string{"a", "b", "c"}, ""},
		{`sh -c 'echo $HOME | cat > x'`, []string{"sh", "-c", "echo $HOME | cat > x"}, ""},
		{`echo "a \"b\" \n" c\ d`, []string{"echo", `a "b" \n`, "c d"}, ""},
		{`x '' ""`, []string{"x", "", ""}, ""},
		{"a \\\n b", []string{"a", "b"}, ""},
		{`x --a={{params.a}} {{ params.empty }} '{{ params.a }}'`, []string{"x", "--a=two words; $HOME", "", "two words; $HOME"}, ""},
		{`cost 5$`, []string{"cost", "5$"}, ""},
		{``, nil, "empty"},
		{`a 'b`, nil, "never closes"},
		{`a \`, nil, "backslash"},
		{`a | b`, nil, "there is no shell"},
		{`a && b`, nil, "there is no shell"},
		{`a > b`, nil, "there is no shell"},
		{`a $IN/x`, nil, "read its environment"},
		{`a "${IN}"`, nil, "read its environment"},
		{`a {{ params.b`, nil, "never closes"},
		{`a {{ b }}`, nil, "no reference"},
		{`a {{ env.b }}`, nil, "no reference"},
		{`a {{ params.b c }}`, nil, "no reference"},
		{`a {{ params.unknown }}`, nil, "has no value"},
	} {
		words, err := ParseCommand(c.in)
		var got []string
		for _, w := range words {
			s, e := w.Expand(lookup)
			if e != nil {
				err = e
				break
			}
			got = append(got, s)
		}
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want one with %q", c.in, err, c.err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, s := range []string{"a b", `x '{{ params.a }}' "b\"c"`, "{{", "a\\", "a $x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := ParseCommand(s)
		if err == nil && len(words) == 0 {
			t.Error("no words and no error")
		}
		for _, w := range words {
			if len(w) == 0 {
				t.Error("a word without parts")
			}
		}
		ParseTemplate(s)
	})
}

func TestPipelineProblems(t *testing.T) {
	good := func() PipelineSpec {
		return PipelineSpec{
			Params: map[string]string{"asOf": "2013-03-01"},
			Code:   &CodeSpec{Path: "."},
			Env:    &EnvSpec{Lock: "uv.lock"},
			Steps: []StepSpec{
				{Name: "data", Dataset: &DatasetSpec{Source: "flights", AsOf: "{{ params.asOf }}", Window: "59d"}},
				{Name: "train", Run: "python train.py {{ run.id }}", Inputs: map[string]string{"flights.parquet": "data.rows"},
					Outputs: map[string]string{"report": "report/"}, Retry: &RetrySpec{Max: 1, On: []string{"lost", "exit:75"}}},
				{Name: "go", Needs: []string{"train"}, Promote: &PromoteSpec{Model: "flights", Alias: "champion", When: "absent"}},
			},
		}
	}
	if p := good().Problems(); p != nil {
		t.Fatalf("a good pipeline has problems: %v", p)
	}
	for _, c := range []struct {
		name string
		edit func(*PipelineSpec)
		want string // path: part of the message
	}{
		{"no steps", func(s *PipelineSpec) { s.Steps = nil }, "steps: at least one"},
		{"no name", func(s *PipelineSpec) { s.Steps[1].Name = "" }, "steps[1].name: needs a name"},
		{"bad name", func(s *PipelineSpec) { s.Steps[2].Name = "Go" }, "steps[2].name: lowercase"},
		{"dots", func(s *PipelineSpec) { s.Steps[2].Name = "g.o" }, "steps[2].name: no dots"},
		{"twice", func(s *PipelineSpec) { s.Steps[2].Name = "data" }, "steps[2].name: declared twice"},
		{"nothing", func(s *PipelineSpec) { s.Steps[0].Dataset = nil }, "steps[0].run: does nothing"},
		{"two kinds", func(s *PipelineSpec) { s.Steps[0].Run = "x" }, "steps[0].dataset: only one"},
		{"unknown need", func(s *PipelineSpec) { s.Steps[2].Needs[0] = "trian" }, `steps[2].needs[0]: did you mean "train"?`},
		{"self", func(s *PipelineSpec) { s.Steps[1].Needs = []string{"train"} }, "steps[1].needs[0]: needs itself"},
		{"circle", func(s *PipelineSpec) { s.Steps[0].Needs = []string{"go"} }, "needs: data -> go -> train -> data"},
		{"no such output", func(s *PipelineSpec) { s.Steps[1].Inputs["flights.parquet"] = "data.row" }, `steps[1].inputs.flights.parquet: did you mean "rows"?`},
		{"no output", func(s *PipelineSpec) { s.Steps[1].Inputs["flights.parquet"] = "data" }, "expected STEP.OUTPUT"},
		{"input outside", func(s *PipelineSpec) { s.Steps[1].Inputs = map[string]string{"../x": "data.rows"} }, "steps[1].inputs.../x: '..'"},
		{"output absolute", func(s *PipelineSpec) { s.Steps[1].Outputs["report"] = "/etc" }, "absolute"},
		{"unknown param", func(s *PipelineSpec) { s.Steps[1].Run = "x {{ params.asof }}" }, `steps[1].run: did you mean "asOf"?`},
		{"unknown run ref", func(s *PipelineSpec) { s.Steps[1].Run = "x {{ run.idd }}" }, `steps[1].run: did you mean "id"?`},
		{"shell", func(s *PipelineSpec) { s.Steps[1].Run = "a && b" }, "steps[1].run: no shell"},
		{"own variable", func(s *PipelineSpec) { s.Steps[1].Env = map[string]string{"OUT": "x"} }, "steps[1].env.OUT: set by the engine"},
		{"bad variable", func(s *PipelineSpec) { s.Steps[1].Env = map[string]string{"1A": "x"} }, "no variable's name"},
		{"timeout", func(s *PipelineSpec) { s.Steps[1].Timeout = -1 }, "steps[1].timeout"},
		{"cause", func(s *PipelineSpec) { s.Steps[1].Retry.On = []string{"exit:0"} }, "steps[1].retry.causes[0]"},
		{"retry", func(s *PipelineSpec) { s.Steps[1].Retry.Max = 101 }, "steps[1].retry.max"},
		{"backoff", func(s *PipelineSpec) { s.Steps[1].Retry.Backoff = Duration(48 * time.Hour) }, "steps[1].retry.backoff"},
		{"cache", func(s *PipelineSpec) { s.Steps[1].Cache = "of" }, `steps[1].cache: did you mean "off"?`},
		{"effects", func(s *PipelineSpec) { s.Steps[1].Effects = "some" }, "steps[1].effects"},
		{"alias", func(s *PipelineSpec) { s.Steps[2].Promote.Alias = "latest" }, "steps[2].promote.alias: reserved"},
		{"when", func(s *PipelineSpec) { s.Steps[2].Promote.When = "absnt" }, `steps[2].promote.when: did you mean "absent"?`},
		{"promote first", func(s *PipelineSpec) { s.Steps[2].Needs = nil }, "steps[2].needs: comes after"},
		{"no source", func(s *PipelineSpec) { s.Steps[0].Dataset.Source = "" }, "steps[0].dataset.source"},
		{"no moment", func(s *PipelineSpec) { s.Steps[0].Dataset.AsOf = "" }, "steps[0].dataset.asOf"},
		{"bad moment", func(s *PipelineSpec) { s.Steps[0].Dataset.AsOf = "March" }, "steps[0].dataset.asOf: no time"},
		{"bad window", func(s *PipelineSpec) { s.Steps[0].Dataset.Window = "59" }, "steps[0].dataset.window: no duration"},
		{"window and from", func(s *PipelineSpec) { s.Steps[0].Dataset.From = "2013-01-01" }, "exclude each other"},
		{"lock without code", func(s *PipelineSpec) { s.Code = nil }, "env.lock: declare code"},
	} {
		s := good()
		c.edit(&s)
		path, msg, ok := strings.Cut(c.want, ": ")
		found := slices.ContainsFunc(s.Problems(), func(p Problem) bool {
			if !ok {
				return strings.Contains(p.String(), c.want)
			}
			return strings.HasSuffix(p.Path, path) && strings.Contains(p.Msg, msg)
		})
		if !found {
			t.Errorf("%s: no problem %q in %v", c.name, c.want, s.Problems())
		}
	}
}
