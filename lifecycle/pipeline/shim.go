package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/trimtab/trimtab"
)

// readyEnv tells a shim that file 3 is a pipe on which somebody waits for it to have started.
const readyEnv = "TRIMTAB_SHIM_READY"

// maxLog bounds what a step may print.
const maxLog = 1 << 30

// Shim runs the attempt whose order lies in dir, and returns when it has ended. It
// outlives whoever started it; all that it does can be seen in dir. Started twice
// for one attempt, the second returns at once and runs nothing. It is the whole
// of the program's command "shim".
func Shim(dir string) error {
	// A step dies with the thread that started it: this one stays.
	runtime.LockOSThread()
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)

	p := place(dir)
	lock, err := p.waitLock(2 * time.Second)
	if lock == nil {
		return err // held: the attempt runs already
	}
	defer lock.Close()
	if p.has(exitFile) || p.has(startedFile) {
		return nil
	}
	var order shimOrder
	if ok, err := readJSON(p.file(orderFile), &order); err != nil || !ok {
		return errors.Join(fmt.Errorf("no order in %s", dir), err)
	}
	s := &shim{place: p, order: order, lock: lock, stop: stop}
	if cause, asked := s.asked(); asked {
		return s.exit(exitNote{Cause: cause})
	}
	if err := s.begin(); err != nil {
		return err
	}
	n := s.run()
	killLeft(p, newMarker(os.Getpid()))
	return s.exit(n)
}

type shim struct {
	place
	order shimOrder
	lock  *os.File
	log   *os.File
	stop  <-chan os.Signal
	since trimtab.Time
}

// begin makes the marker that says that this attempt runs, here and once.
func (s *shim) begin() error {
	f, err := os.OpenFile(s.file(startedFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(newMarker(os.Getpid()))
	if err == nil {
		_, err = f.Write(raw)
	}
	if err = errors.Join(err, f.Sync(), f.Close(), syncFolder(string(s.place))); err != nil {
		return err
	}
	if s.log, err = os.OpenFile(s.file(logFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return err
	}
	if os.Getenv(readyEnv) != "" {
		os.Unsetenv(readyEnv)
		ready := os.NewFile(3, "ready")
		ready.Write([]byte{1}) // nobody may be listening any more
		ready.Close()
	}
	return nil
}

func (s *shim) exit(n exitNote) error {
	n.Since, n.Ended = s.since, trimtab.SystemClock()
	n.Message = clean(n.Message)
	if s.log != nil {
		s.log.Sync()
	}
	return writeJSON(s.file(exitFile), n)
}

// asked reports whether somebody wants the attempt to end, and why.
func (s *shim) asked() (cause string, yes bool) {
	raw, err := os.ReadFile(s.file(cancelFile))
	if err != nil {
		return "", false
	}
	if cause := strings.TrimSpace(string(raw)); cause == CauseTimeout {
		return cause, true
	}
	return CauseCanceled, true
}

func (s *shim) say(format string, args ...any) { fmt.Fprintf(s.log, "== "+format+"\n", args...) }

func (s *shim) run() exitNote {
	env, path := s.order.Env, os.Getenv("PATH")
	if path == "" {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	if s.order.Lock != "" {
		bin, note := s.environment()
		if bin == "" {
			return note
		}
		path = bin + string(filepath.ListSeparator) + path
		env["VIRTUAL_ENV"] = filepath.Dir(bin)
	}
	env["PATH"] = path
	program, err := findProgram(s.order.Argv[0], s.file(codeFolder), path)
	if err != nil {
		return exitNote{Cause: CauseError, Code: 127, Message: err.Error()}
	}
	list := make([]string, 0, len(env))
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	cmd := &exec.Cmd{Path: program, Args: s.order.Argv, Env: list, Dir: s.file(codeFolder), ExtraFiles: []*os.File{s.lock}}
	s.since = trimtab.SystemClock()
	return s.supervise(cmd, time.Duration(s.order.Timeout), true)
}

// findProgram looks for the program of a step: in PATH, or below the code.
func findProgram(name, dir, path string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, executable(name)
	}
	for _, folder := range filepath.SplitList(path) {
		if p := filepath.Join(folder, name); filepath.IsAbs(p) && executable(p) == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("the program %q is not found in PATH (%s)", name, path)
}

func executable(name string) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the program %s does not exist", name)
	case err != nil:
		return err
	case info.IsDir() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%s cannot be executed: its mode is %s", name, info.Mode())
	}
	return nil
}

// start starts a command. A program that somebody seems to write is tried again for some seconds: a server that forks
// while it lays out the code of a step hands its open files to the child, which has them until it executes another program.
func start(cmd *exec.Cmd) (*exec.Cmd, error) {
	for wait := time.Millisecond; ; wait *= 2 {
		err := cmd.Start()
		if !errors.Is(err, syscall.ETXTBSY) || wait > 2*time.Second {
			return cmd, err
		}
		time.Sleep(wait)
		cmd = &exec.Cmd{Path: cmd.Path, Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir, ExtraFiles: cmd.ExtraFiles, Stdout: cmd.Stdout, Stderr: cmd.Stderr, SysProcAttr: cmd.SysProcAttr}
	}
}

// supervise runs a command to its end, or to the end that time, a cancel file or
// a signal make. Its whole process group ends with it, too.
func (s *shim) supervise(cmd *exec.Cmd, limit time.Duration, note bool) exitNote {
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = s.log, s.log, childAttr()
	cmd, err := start(cmd)
	if err != nil {
		return exitNote{Cause: CauseError, Code: 126, Message: err.Error()}
	}
	group := cmd.Process.Pid
	if note {
		if err := writeJSON(s.file(childFile), newMarker(group)); err != nil {
			s.say("the step's process cannot be noted: %v", err)
		}
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	over := time.NewTimer(limit)
	defer over.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	var grace <-chan time.Time
	var asked exitNote
	end := func(cause, why string) {
		if grace != nil {
			return
		}
		asked = exitNote{Cause: cause, Message: why}
		s.say("%s: ending the step", why)
		syscall.Kill(-group, syscall.SIGTERM)
		grace = time.After(killGrace)
	}
	for {
		select {
		case err := <-done:
			syscall.Kill(-group, syscall.SIGKILL) // what it left behind
			n := s.outcome(cmd, err)
			if asked.Cause != "" {
				asked.Code = n.Code
				return asked
			}
			return n
		case <-over.C:
			end(CauseTimeout, "it took longer than "+trimtab.Duration(limit).String())
		case <-s.stop:
			end(CauseLost, "the machine stops")
		case <-grace:
			syscall.Kill(-group, syscall.SIGKILL)
		case <-look.C:
			if cause, yes := s.asked(); yes {
				end(cause, "asked to end")
			}
			if info, err := s.log.Stat(); err == nil && info.Size() > maxLog {
				end(CauseError, fmt.Sprintf("it printed more than %d MiB", maxLog>>20))
			}
		}
	}
}

func (s *shim) outcome(cmd *exec.Cmd, err error) exitNote {
	if cmd.ProcessState == nil {
		return exitNote{Cause: CauseError, Code: 126, Message: err.Error()}
	}
	n := exitNote{Code: cmd.ProcessState.ExitCode()}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		n.Code = 128 + int(status.Signal())
		n.Message = "ended by signal " + status.Signal().String()
	} else if n.Code != 0 {
		n.Message = s.tail()
	}
	return n
}

// lastLine is the last line of text that is not blank, shortened.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimRight(text, " \t\r\n"), "\n")
	line := strings.TrimSpace(lines[len(lines)-1])
	if len(line) > 300 {
		line = line[:300] + "…"
	}
	return clean(line)
}
