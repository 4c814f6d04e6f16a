package pipeline

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/trimtab/trimtab"
)

// buildLimit bounds the building of one environment.
const buildLimit = 20 * time.Minute

// environment returns the bin folder of the Python environment that the step's
// lock file describes, built once for all steps with the same one. Building
// prints into the step's log. "" comes with why the attempt ends.
func (s *shim) environment() (bin string, note exitNote) {
	fail := func(format string, args ...any) (string, exitNote) {
		m := fmt.Sprintf(format, args...)
		s.say("%s", m)
		return "", exitNote{Cause: CauseError, Code: 1, Message: m}
	}
	dir := filepath.Join(s.order.EnvDir, s.order.EnvID)
	bin = filepath.Join(dir, "bin")
	if isFolder(bin) {
		return bin, note
	}
	if err := os.MkdirAll(s.order.EnvDir, 0o755); err != nil {
		return fail("the environment cannot be built: %v", err)
	}
	lock, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fail("the environment cannot be built: %v", err)
	}
	defer lock.Close()
	if note, ok := s.waitTurn(lock); !ok {
		return "", note
	}
	if isFolder(bin) {
		return bin, note
	}
	uv := findUV(s.order)
	if uv == "" {
		return fail("the environment of %s is built with uv, which is not here: install it with `pip install uv`, or name it in TRIMTAB_UV", s.order.Lock)
	}
	project := filepath.Join(s.file(codeFolder), filepath.FromSlash(filepath.Dir(s.order.Lock)))
	if filepath.Base(s.order.Lock) != "uv.lock" {
		return fail("%s is no uv.lock: make one with `uv lock`", s.order.Lock)
	}
	began := time.Now()
	s.say("building the Python environment of %s, once (%s): downloads can take a minute or two", s.order.Lock, s.order.EnvID[:12])
	temp := dir + ".building"
	if err := os.RemoveAll(temp); err != nil {
		return fail("the environment cannot be built: %v", err)
	}
	env := append(os.Environ(), "UV_PROJECT_ENVIRONMENT="+temp, "UV_PYTHON_DOWNLOADS=never", "UV_NO_PROGRESS=1", "VIRTUAL_ENV=", "NO_COLOR=1")
	venv := []string{uv, "venv", "--quiet", "--relocatable"}
	sync := []string{uv, "sync", "--quiet", "--frozen", "--no-install-project"}
	if s.order.Python != "" {
		venv = append(venv, "--python", s.order.Python)
		sync = append(sync, "--python", s.order.Python)
	}
	for _, argv := range [][]string{append(venv, temp), sync} {
		n := s.supervise(&exec.Cmd{Path: uv, Args: argv, Env: env, Dir: project}, buildLimit, false)
		if n.Cause != "" && n.Cause != CauseError && n.Cause != CauseTimeout {
			return "", n
		}
		if n.Cause != "" || n.Code != 0 {
			return fail("the Python environment of %s could not be built: %s", s.order.Lock, lastLine(n.Message))
		}
	}
	if err := os.Rename(temp, dir); err != nil {
		return fail("the environment cannot be kept: %v", err)
	}
	if err := syncFolder(s.order.EnvDir); err != nil {
		return fail("the environment cannot be kept: %v", err)
	}
	s.say("the Python environment is ready after %s", time.Since(began).Round(100*time.Millisecond))
	return bin, note
}

// waitTurn waits for the lock of an environment that another step builds.
func (s *shim) waitTurn(lock *os.File) (note exitNote, ok bool) {
	said := false
	for end := time.Now().Add(buildLimit); ; {
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return note, true
		}
		if !said {
			s.say("waiting for another step that builds the same Python environment")
			said = true
		}
		if time.Now().After(end) {
			return exitNote{Cause: CauseError, Code: 1, Message: "waited too long for another step that builds the same Python environment"}, false
		}
		if cause, yes := s.asked(); yes {
			return exitNote{Cause: cause}, false
		}
		select {
		case <-s.stop:
			return exitNote{Cause: CauseLost, Message: "the machine stops"}, false
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// findUV looks for uv: as configured, in TRIMTAB_UV, in PATH, among the server's tools.
func findUV(o shimOrder) string {
	for _, name := range []string{o.UV, os.Getenv("TRIMTAB_UV")} {
		if name != "" && executable(name) == nil {
			return name
		}
	}
	if p, err := exec.LookPath("uv"); err == nil {
		if abs, err := filepath.Abs(p); err == nil {
			return abs
		}
	}
	for _, name := range []string{"uv", "bin/uv"} {
		if p := filepath.Join(o.Tools, name); o.Tools != "" && executable(p) == nil {
			return p
		}
	}
	return ""
}

// Interpreter finds the Python that environments are built with, and says what
// it is: implementation, version and machine. Both are "" when there is none;
// uv then chooses one that it knows.
func Interpreter(name string) (path, identity string) {
	if name == "" {
		name = "python3"
	}
	out, err := exec.Command(name, "-c", "import platform, sys; print(getattr(sys, '_base_executable', '') or sys.executable); print(sys.implementation.name, platform.python_version(), platform.system(), platform.machine())").Output()
	if err != nil {
		return "", ""
	}
	path, identity, ok := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !ok || !fs.ValidPath(strings.TrimPrefix(path, "/")) || trimtab.CleanText(identity) != "" {
		return "", ""
	}
	return path, identity
}
