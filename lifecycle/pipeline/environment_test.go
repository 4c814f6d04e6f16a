package pipeline_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
)

const (
	tinyProject = "[project]\nname = \"tiny\"\nversion = \"1.0.0\"\nrequires-python = \">=3.11\"\ndependencies = []\n"
	// As `uv lock` writes it for a project that depends on nothing.
	tinyLock = "version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"tiny\"\nversion = \"1.0.0\"\nsource = { virtual = \".\" }\n"
)

// TestPythonEnvironment builds an environment with the real uv, once for two
// steps that begin together, and runs Python in it.
func TestPythonEnvironment(t *testing.T) {
	uv := os.Getenv("TRIMTAB_UV")
	if uv == "" {
		uv, _ = exec.LookPath("uv")
	}
	_, identity := pipeline.Interpreter("")
	if uv == "" || identity == "" {
		if strings.Contains(os.Getenv("TRIMTAB_REQUIRE"), "uv") {
			t.Fatal("uv and python3 are required")
		}
		t.Skip("needs uv and python3")
	}
	w := newWorld(t, "")
	e, err := w.engine(nil, func(c *pipeline.Config) { c.Interpreter = func() string { return identity } })
	if err != nil {
		t.Fatal(err)
	}
	work(t, e)
	script := "import os, sys\nprint(sys.prefix != sys.base_prefix, sys.prefix)\nopen(os.path.join(os.environ['OUT'], 'o'), 'w').write(os.environ['SEED'])\n"
	spec := trimtab.PipelineSpec{
		Code: w.code(t, map[string]string{"py/pyproject.toml": tinyProject, "py/uv.lock": tinyLock, "go.py": script}),
		Env:  &trimtab.EnvSpec{Lock: "py/uv.lock"},
		Steps: []trimtab.StepSpec{
			{Name: "a", Run: "python go.py", Outputs: map[string]string{"o": "o"}},
			{Name: "b", Run: "python go.py", Outputs: map[string]string{"o": "o"}},
		},
	}
	run := w.ended(t, w.start(t, e, spec, pipeline.StartOptions{}).ID)
	built := 0
	for _, s := range run.Steps {
		r, err := e.Logs(t.Context(), run.ID, s.Name, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r)
		built += strings.Count(string(text), "== building the Python environment of py/uv.lock")
		if s.State != trimtab.StepSucceeded || !strings.Contains(string(text), "True "+filepath.Join(w.dir, "envs")) {
			t.Errorf("step %s %s %s:\n%s", s.Name, s.State, s.Reason, text)
		}
	}
	if built != 1 {
		t.Errorf("the environment was built %d times", built)
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "envs", "*.building")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	// A lock file that cannot be followed: the step says why.
	spec.Code = w.code(t, map[string]string{"py/pyproject.toml": tinyProject, "py/uv.lock": "this is no lock file", "go.py": script})
	run = w.ended(t, w.start(t, e, spec, pipeline.StartOptions{}).ID)
	if s := run.Steps[0]; s.State != trimtab.StepFailed || !strings.Contains(s.Reason, "could not be built") {
		t.Errorf("%s", describe(run))
	}
	spec.Env.Lock = "other/uv.lock"
	run = w.ended(t, w.start(t, e, spec, pipeline.StartOptions{}).ID)
	if s := run.Steps[0]; s.State != trimtab.StepFailed || !strings.Contains(s.Reason, "the code folder has no other/uv.lock") {
		t.Errorf("%s", describe(run))
	}
}
