package pipeline

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/trimtab/trimtab"
)

// place is the folder of one attempt. Engine, shim and the next engine know of
// each other by nothing but these files:
//
//	lock     held by the shim and its step for as long as one of them lives
//	order    what to run; complete before a shim is started
//	started  made once by the shim that runs the step, before anything else
//	child    the step's process group
//	cancel   written to end it; holds the cause
//	exit     how it ended; made once, complete, by the holder of the lock
//	log      what the step printed
type place string

const (
	lockFile    = "lock"
	orderFile   = "order.json"
	startedFile = "started"
	childFile   = "child"
	cancelFile  = "cancel"
	exitFile    = "exit"
	logFile     = "log"

	codeFolder = "code"
	inFolder   = "in"
	outFolder  = "out"
	tempFolder = "tmp"
)

func (p place) file(name string) string { return filepath.Join(string(p), name) }

func (p place) has(name string) bool {
	_, err := os.Lstat(p.file(name))
	return err == nil
}

// shimOrder is an Order with what the shim needs besides.
type shimOrder struct {
	Order
	EnvDir string `json:"envDir,omitempty"` // where environments are built
	Tools  string `json:"tools,omitempty"`  // where uv may lie
	UV     string `json:"uv,omitempty"`
	Python string `json:"python,omitempty"`
}

// marker names a process so that another one with the same number is not taken for it.
type marker struct {
	PID   int          `json:"pid"`
	Birth uint64       `json:"birth,omitempty"` // the kernel's start time of the process
	Time  trimtab.Time `json:"time"`
}

func newMarker(pid int) marker {
	return marker{PID: pid, Birth: birth(pid), Time: trimtab.SystemClock()}
}

// alive reports whether the very process still runs. One that has ended and that
// nobody has waited for yet does not.
func (m marker) alive() bool {
	return m.PID > 1 && syscall.Kill(m.PID, 0) == nil && birth(m.PID) == m.Birth
}

// exitNote is the exit file.
type exitNote struct {
	Code    int          `json:"code"`
	Cause   string       `json:"cause,omitempty"`
	Message string       `json:"message,omitempty"`
	Since   trimtab.Time `json:"since,omitempty"`
	Ended   trimtab.Time `json:"ended"`
}

func (n exitNote) observation() Observation {
	return Observation{Sight: Exited, Code: n.Code, Cause: n.Cause, Message: n.Message, Since: n.Since, Ended: n.Ended}
}

// attemptEnv names the attempt in the environment of its step.
const attemptEnv = "TRIMTAB_ATTEMPT"

// mark is the variable by which a process of this attempt is known.
func (p place) mark() string { return attemptEnv + "=" + filepath.Base(string(p)) }

// lock takes the attempt's lock without waiting; nil, nil when another holds it.
func (p place) lock() (*os.File, error) {
	f, err := os.OpenFile(p.file(lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, err
}

// release gives up a lock of this process. Closing alone does not: a child that was forked meanwhile has the open file until
// it executes another program, and the attempt would look as if it ran. A shim never does this: its lock lives on in its step.
func release(lock *os.File) {
	syscall.Flock(int(lock.Fd()), syscall.LOCK_UN)
	lock.Close()
}

// exit reads the exit file; ok is false when there is none.
func (p place) exit() (n exitNote, ok bool, err error) {
	ok, err = readJSON(p.file(exitFile), &n)
	return n, ok, err
}

// readJSON reads a file of at most 1 MiB; ok is false when there is none.
func readJSON(name string, v any) (ok bool, err error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(raw, v)
}

// writeJSON makes a file appear complete and durable, or not at all.
func writeJSON(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	temp := name + ".tmp"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// tail is the last line that the step printed, shortened.
func (p place) tail() string {
	f, err := os.Open(p.file(logFile))
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	const most = 4096
	buf := make([]byte, min(most, info.Size()))
	if _, err := f.ReadAt(buf, info.Size()-int64(len(buf))); err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return lastLine(string(buf))
}

// waitLock takes the lock, waiting for at most d: an observer holds it for moments.
func (p place) waitLock(d time.Duration) (*os.File, error) {
	for end := time.Now().Add(d); ; {
		f, err := p.lock()
		if f != nil || err != nil || time.Now().After(end) {
			return f, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
