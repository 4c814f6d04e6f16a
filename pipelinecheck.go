package trimtab

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Problem is one thing that is wrong with a spec. Path leads to the field inside
// the spec, for example "steps[2].needs[0]"; Msg says what is expected.
type Problem struct {
	Path string
	Msg  string
}

func (p Problem) String() string { return p.Path + ": " + p.Msg }

// RowsOutput is the one output of every dataset step: its Parquet snapshot.
const RowsOutput = "rows"

// RunRefs are the names that {{ run.NAME }} knows.
var RunRefs = []string{"attempt", "created", "id", "pipeline", "step"}

// MaxSteps bounds the steps of one pipeline.
const MaxSteps = 10_000

// ownEnv are the variables that the engine sets and no spec may.
var ownEnv = []string{"IN", "OUT", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID", "TRIMTAB_ATTEMPT"}

// Requires lists the steps that must have succeeded before s may start: its
// needs and the steps whose outputs it reads, each once, in that order.
func (s StepSpec) Requires() []string {
	out := slices.Clone(s.Needs)
	for _, name := range slices.Sorted(maps.Keys(s.Inputs)) {
		step, _, _ := strings.Cut(s.Inputs[name], ".")
		out = append(out, step)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(n string) bool {
		was := seen[n]
		seen[n] = true
		return was
	})
}

// Produces reports whether the step has an output of that name.
func (s StepSpec) Produces(output string) bool {
	if s.Dataset != nil {
		return output == RowsOutput
	}
	_, ok := s.Outputs[output]
	return ok
}

// Templates returns every text of the step in which references are replaced, by
// its path inside the step. Texts that do not parse are left out.
func (s StepSpec) Templates() map[string]Word {
	out := map[string]Word{}
	add := func(path, text string) {
		if w, err := ParseTemplate(text); err == nil && text != "" {
			out[path] = w
		}
	}
	if s.Run != "" {
		if words, err := ParseCommand(s.Run); err == nil {
			out["run"] = slices.Concat(words...)
		}
	}
	for k, v := range s.Env {
		add("env."+k, v)
	}
	if d := s.Dataset; d != nil {
		add("dataset.asOf", d.AsOf)
		add("dataset.from", d.From)
		add("dataset.to", d.To)
		add("dataset.window", d.Window)
	}
	return out
}

// Problems lists everything that is wrong with the pipeline, in the order of the
// spec; nil when it can run. What lies outside of the spec (sources, models,
// files) is checked elsewhere.
func (s PipelineSpec) Problems() []Problem {
	c := &pipelineCheck{spec: s, byName: map[string]int{}}
	if s.Env != nil && s.Env.Lock != "" {
		if s.Code == nil {
			c.add("env.lock", "%s lies in the code folder: declare code: {path: …} too", s.Env.Lock)
		}
		c.path("env.lock", s.Env.Lock, false)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Params)) {
		if !refName(name) {
			c.add("params."+name, "a param's name has letters, digits, '_' or '-'")
		}
		if why := CleanText(s.Params[name]); why != "" {
			c.add("params."+name, "the value %s", why)
		}
	}
	switch {
	case len(s.Steps) == 0:
		c.add("steps", "a pipeline has at least one step")
	case len(s.Steps) > MaxSteps:
		c.add("steps", "there are %d steps, the limit is %d", len(s.Steps), MaxSteps)
		return c.out
	}
	for i, st := range s.Steps {
		if first, twice := c.byName[st.Name]; twice && st.Name != "" {
			c.add(at(i, "name"), "step %q is declared twice; steps[%d] has that name", st.Name, first)
			continue
		}
		c.byName[st.Name] = i
	}
	for i, st := range s.Steps {
		c.step(i, st)
	}
	c.cycle()
	return c.out
}

type pipelineCheck struct {
	spec   PipelineSpec
	byName map[string]int
	out    []Problem
}

func at(i int, field string) string { return "steps[" + strconv.Itoa(i) + "]." + field }

func (c *pipelineCheck) add(path, format string, args ...any) {
	c.out = append(c.out, Problem{Path: path, Msg: fmt.Sprintf(format, args...)})
}

func (c *pipelineCheck) oneOf(path, v string, allowed ...string) {
	if v != "" && !slices.Contains(allowed, v) {
		c.add(path, "%q is unknown%s: expected %s", v, DidYouMean(v, allowed), strings.Join(allowed, ", "))
	}
}

// path checks a relative slash path that stays below its folder.
func (c *pipelineCheck) path(where, p string, folder bool) {
	clean, err := ArtifactPath(p)
	switch {
	case err != nil:
		c.add(where, "%s", Message(err))
	case clean == "":
		c.add(where, "the path is empty")
	case strings.HasPrefix(p, "/"):
		c.add(where, "%q is absolute: expected a path below the folder", p)
	case strings.HasSuffix(p, "/") && !folder:
		c.add(where, "%q names a folder: expected a file", p)
	}
}

func (c *pipelineCheck) step(i int, s StepSpec) {
	switch {
	case s.Name == "":
		c.add(at(i, "name"), "a step needs a name")
	case ValidResourceName(s.Name) != "":
		c.add(at(i, "name"), "%q: %s", s.Name, ValidResourceName(s.Name))
	case strings.Contains(s.Name, "."):
		c.add(at(i, "name"), "%q: a step's name has no dots", s.Name)
	}
	var kinds []string
	if s.Run != "" {
		kinds = append(kinds, "run")
	}
	if s.Dataset != nil {
		kinds = append(kinds, "dataset")
	}
	if s.Promote != nil {
		kinds = append(kinds, "promote")
	}
	switch len(kinds) {
	case 0:
		c.add(at(i, "run"), "step %q does nothing: expected one of run, dataset, promote", s.Name)
	case 1:
	default:
		c.add(at(i, kinds[1]), "step %q has %s: expected only one of them", s.Name, strings.Join(kinds, " and "))
	}
	for j, n := range s.Needs {
		c.known(at(i, "needs["+strconv.Itoa(j)+"]"), s.Name, n)
	}
	c.files(i, s)
	c.texts(i, s)
	c.knobs(i, s)
	if d := s.Dataset; d != nil {
		c.dataset(i, d)
	}
	if p := s.Promote; p != nil {
		if p.Model == "" {
			c.add(at(i, "promote.model"), "a registered model's name is expected")
		}
		if err := p.Alias.Validate(); err != nil {
			c.add(at(i, "promote.alias"), "%s", Message(err))
		}
		c.oneOf(at(i, "promote.when"), p.When, "absent", "always")
		if len(s.Requires()) == 0 {
			c.add(at(i, "needs"), "promote comes after the step that registers the version: name it in needs")
		}
	}
}

// known reports a need that no step has.
func (c *pipelineCheck) known(path, self, name string) bool {
	if name == self {
		c.add(path, "step %q needs itself", self)
		return false
	}
	if _, ok := c.byName[name]; !ok {
		names := make([]string, 0, len(c.byName))
		for _, s := range c.spec.Steps {
			names = append(names, s.Name)
		}
		c.add(path, "there is no step %q%s", name, DidYouMean(name, names))
		return false
	}
	return true
}

func (c *pipelineCheck) files(i int, s StepSpec) {
	if s.Run == "" {
		if len(s.Inputs) > 0 {
			c.add(at(i, "inputs"), "only a run step reads inputs")
		}
		if len(s.Outputs) > 0 {
			c.add(at(i, "outputs"), "only a run step declares outputs; a dataset step has the output %q", RowsOutput)
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Inputs)) {
		where := at(i, "inputs."+name)
		c.path(where, name, false)
		step, output, ok := strings.Cut(s.Inputs[name], ".")
		if !ok || output == "" {
			c.add(where, "%q is no output: expected STEP.OUTPUT", s.Inputs[name])
			continue
		}
		if !c.known(where, s.Name, step) {
			continue
		}
		if from := c.spec.Steps[c.byName[step]]; !from.Produces(output) {
			has := slices.Sorted(maps.Keys(from.Outputs))
			if from.Dataset != nil {
				has = []string{RowsOutput}
			}
			list := "it has none"
			if len(has) > 0 {
				list = "it has " + strings.Join(has, ", ")
			}
			c.add(where, "step %q has no output %q%s: %s", step, output, DidYouMean(output, has), list)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Outputs)) {
		if !refName(name) {
			c.add(at(i, "outputs."+name), "an output's name has letters, digits, '_' or '-'")
		}
		c.path(at(i, "outputs."+name), s.Outputs[name], true)
	}
}

func (c *pipelineCheck) texts(i int, s StepSpec) {
	if s.Run != "" {
		words, err := ParseCommand(s.Run)
		if err != nil {
			c.add(at(i, "run"), "%s", Message(err))
		}
		if why := CleanText(s.Run); why != "" {
			c.add(at(i, "run"), "the command %s", why)
		}
		c.refs(at(i, "run"), words...)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Env)) {
		where := at(i, "env."+k)
		switch {
		case !refName(k) || strings.Contains(k, "-") || '0' <= k[0] && k[0] <= '9':
			c.add(where, "%q is no variable's name: expected letters, digits and '_'", k)
		case slices.Contains(ownEnv, k):
			c.add(where, "%s is set by the engine", k)
		}
		if why := CleanText(s.Env[k]); why != "" {
			c.add(where, "the value %s", why)
		}
		c.template(where, s.Env[k])
	}
}

func (c *pipelineCheck) template(where, text string) (literal bool) {
	w, err := ParseTemplate(text)
	if err != nil {
		c.add(where, "%s", Message(err))
		return false
	}
	c.refs(where, w)
	return len(Refs(w)) == 0
}

func (c *pipelineCheck) refs(where string, words ...Word) {
	for _, ref := range Refs(words...) {
		space, name, _ := strings.Cut(ref, ".")
		known := RunRefs
		if space == "params" {
			known = slices.Sorted(maps.Keys(c.spec.Params))
		}
		if slices.Contains(known, name) {
			continue
		}
		list := "none are declared"
		if len(known) > 0 {
			list = "there are " + strings.Join(known, ", ")
		}
		c.add(where, "{{ %s }} is unknown%s: %s", ref, DidYouMean(name, known), list)
	}
}

func (c *pipelineCheck) knobs(i int, s StepSpec) {
	if s.Timeout < 0 || time.Duration(s.Timeout) > 30*24*time.Hour {
		c.add(at(i, "timeout"), "%s: expected up to 30d", s.Timeout)
	}
	c.oneOf(at(i, "cache"), s.Cache, "auto", "off", "refresh")
	c.oneOf(at(i, "effects"), s.Effects, "none", "idempotent", "external")
	r := s.Retry
	if r == nil {
		return
	}
	if r.Max < 0 || r.Max > 100 {
		c.add(at(i, "retry.max"), "%d: expected 0 to 100", r.Max)
	}
	if r.Backoff < 0 || time.Duration(r.Backoff) > 24*time.Hour {
		c.add(at(i, "retry.backoff"), "%s: expected up to 1d", r.Backoff)
	}
	for j, on := range r.On {
		if code, ok := strings.CutPrefix(on, "exit:"); ok {
			if n, err := strconv.Atoi(code); err == nil && n > 0 && n < 256 {
				continue
			}
		}
		if !slices.Contains([]string{"lost", "timeout", "error"}, on) {
			c.add(at(i, "retry.causes["+strconv.Itoa(j)+"]"), "%q is no cause: expected lost, timeout, error or exit:N with N from 1 to 255", on)
		}
	}
}

func (c *pipelineCheck) dataset(i int, d *DatasetSpec) {
	if d.Source == "" {
		c.add(at(i, "dataset.source"), "the name of a DataSource is expected")
	}
	if d.AsOf == "" {
		c.add(at(i, "dataset.asOf"), "a moment is expected: only what was known then is read")
	}
	if d.From != "" && d.Window != "" {
		c.add(at(i, "dataset.window"), "from and window exclude each other")
	}
	c.oneOf(at(i, "dataset.label"), d.Label, "required", "optional")
	for _, f := range []struct{ name, text string }{{"asOf", d.AsOf}, {"from", d.From}, {"to", d.To}, {"window", d.Window}} {
		where := at(i, "dataset."+f.name)
		if f.text == "" || !c.template(where, f.text) {
			continue
		}
		var err error
		if f.name == "window" {
			_, err = ParseDuration(f.text)
		} else {
			_, err = ParseTime(f.text)
		}
		if err != nil {
			c.add(where, "%s", Message(err))
		}
	}
}

// cycle reports one cycle of needs, with its steps in order.
func (c *pipelineCheck) cycle() {
	const (
		open = 1
		done = 2
	)
	mark := make([]int, len(c.spec.Steps))
	var path []string
	var visit func(i int) bool
	visit = func(i int) bool {
		name := c.spec.Steps[i].Name
		switch mark[i] {
		case done:
			return false
		case open:
			ring := append(path[slices.Index(path, name):], name)
			c.add(at(i, "needs"), "the steps need each other in a circle: %s", strings.Join(ring, " -> "))
			return true
		}
		mark[i] = open
		path = append(path, name)
		for _, n := range c.spec.Steps[i].Requires() {
			if j, ok := c.byName[n]; ok && n != name && visit(j) {
				return true
			}
		}
		path = path[:len(path)-1]
		mark[i] = done
		return false
	}
	for i := range c.spec.Steps {
		if c.byName[c.spec.Steps[i].Name] == i && visit(i) {
			return
		}
	}
}
