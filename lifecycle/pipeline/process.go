package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/blob"
)

// ProcessConfig says where and with what steps run as local processes. Zero
// fields mean the documented defaults; Dir and Blobs must be set.
type ProcessConfig struct {
	Dir    string        // the server's data folder: attempts/, envs/ and tools/ lie in it
	Blobs  blob.Store    // code and inputs
	Shim   []string      // the command that runs Shim; default this program with "shim"
	UV     string        // uv; default TRIMTAB_UV, PATH, then Dir/tools
	Python func() string // interpreter that environments are built with, asked when a step starts; nil or "": uv's choice
	// Ended is told of an attempt whose shim, started by this process, has ended.
	Ended func(id trimtab.AttemptID)
	Log   *slog.Logger // default discards

	crash func(point string) // tests panic in it
}

// Process runs attempts as processes of this machine, each under a shim in a
// session of its own that outlives the server.
type Process struct{ cfg ProcessConfig }

// NewProcess makes the folders that it needs.
func NewProcess(cfg ProcessConfig) (*Process, error) {
	abs, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	cfg.Dir = abs
	if cfg.Shim == nil {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cfg.Shim = []string{self, "shim"}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.crash == nil {
		cfg.crash = func(string) {}
	}
	for _, name := range []string{"attempts", "envs"} {
		if err := os.MkdirAll(filepath.Join(cfg.Dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	return &Process{cfg}, nil
}

var attemptForm = regexp.MustCompile(`^[a-z0-9-]{1,64}\.[a-z0-9-]{1,64}\.[0-9]{1,9}$`)

// place is the attempt's folder. Names that are not of the form of an id are refused.
func (p *Process) place(id trimtab.AttemptID) (place, error) {
	if !attemptForm.MatchString(string(id)) {
		return "", trimtab.Errorf(trimtab.Invalid, "attempt", "%q is no attempt", string(id))
	}
	return place(filepath.Join(p.cfg.Dir, "attempts", string(id))), nil
}

// Start implements Executor.
func (p *Process) Start(ctx context.Context, order Order, token func() (string, error)) (err error) {
	defer trimtab.Wrap(&err, "pipeline.Process.Start(%s)", order.Attempt)
	at, err := p.place(order.Attempt)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(at), 0o700); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(string(at))); err != nil {
		return err
	}
	p.cfg.crash("folder made")
	ready, err := p.prepare(ctx, at, order, token)
	if err != nil || !ready {
		return err
	}
	p.cfg.crash("order written")
	return p.spawn(ctx, at, order.Attempt)
}

// prepare lays out what the step needs, under the attempt's lock. It is false
// when the attempt has started already.
func (p *Process) prepare(ctx context.Context, at place, order Order, token func() (string, error)) (ready bool, err error) {
	lock, err := at.lock()
	if err != nil || lock == nil {
		return false, err
	}
	defer release(lock)
	if at.has(startedFile) || at.has(exitFile) {
		return false, nil
	}
	for _, name := range []string{codeFolder, inFolder, outFolder, tempFolder} {
		if err := os.RemoveAll(at.file(name)); err != nil {
			return false, err
		}
		if err := os.Mkdir(at.file(name), 0o755); err != nil {
			return false, err
		}
	}
	if err := p.layOut(ctx, at, order); err != nil {
		return false, err
	}
	p.cfg.crash("laid out")
	secret, err := token()
	if err != nil {
		return false, err
	}
	o := shimOrder{Order: order, EnvDir: filepath.Join(p.cfg.Dir, "envs"), Tools: filepath.Join(p.cfg.Dir, "tools"), UV: p.cfg.UV}
	if p.cfg.Python != nil {
		o.Python = p.cfg.Python()
	}
	o.Env = map[string]string{"LANG": "C.UTF-8", "TZ": "UTC", "HOME": os.Getenv("HOME"), "TMPDIR": at.file(tempFolder)}
	for k, v := range order.Env {
		o.Env[k] = v
	}
	o.Env["IN"], o.Env["OUT"], o.Env["MLFLOW_TRACKING_TOKEN"] = at.file(inFolder), at.file(outFolder), secret
	return true, writeJSON(at.file(orderFile), o)
}

func (p *Process) layOut(ctx context.Context, at place, order Order) error {
	if order.Code != "" {
		if err := p.lay(ctx, at.file(codeFolder), Input{Digest: order.Code, Folder: true}, codeLimits, 0o755); err != nil {
			return err
		}
	}
	for _, in := range order.Inputs {
		if err := p.lay(ctx, at.file(inFolder), in, inputLimits, 0o444); err != nil {
			return err
		}
	}
	return nil
}

// lay writes one object below a folder.
func (p *Process) lay(ctx context.Context, dir string, in Input, lim limits, mode fs.FileMode) error {
	r, err := p.cfg.Blobs.Open(ctx, in.Digest)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return trimtab.Errorf(trimtab.Precondition, "object "+in.Digest.Short(), "the object %s, which the step needs, is not in the object store", in.Digest.Short())
	}
	if err != nil {
		return err
	}
	defer r.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if !in.Folder {
		if err := root.MkdirAll(filepath.Dir(in.Path), 0o755); err != nil {
			return err
		}
		return writeBelow(root, in.Path, r, mode)
	}
	if in.Path != "" {
		if err := root.MkdirAll(in.Path, 0o755); err != nil {
			return err
		}
		below, err := root.OpenRoot(in.Path)
		if err != nil {
			return err
		}
		defer below.Close()
		return unpack(ctx, r, below, lim, mode)
	}
	return unpack(ctx, r, root, lim, mode)
}

// spawn starts a shim and waits until it has begun, or has seen that another did.
func (p *Process) spawn(ctx context.Context, at place, id trimtab.AttemptID) error {
	hear, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hear.Close()
	output, err := os.CreateTemp(string(at), "shim-*")
	if err != nil {
		tell.Close()
		return err
	}
	defer os.Remove(output.Name())
	defer output.Close()
	cmd := exec.Command(p.cfg.Shim[0], append(p.cfg.Shim[1:len(p.cfg.Shim):len(p.cfg.Shim)], "--dir", string(at))...)
	cmd.Env = append(os.Environ(), readyEnv+"=1")
	cmd.Dir = string(at)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.ExtraFiles = []*os.File{tell}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	tell.Close()
	if err != nil {
		return fmt.Errorf("the shim %s does not start: %w", p.cfg.Shim[0], err)
	}
	p.cfg.crash("spawned")
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
		if p.cfg.Ended != nil {
			p.cfg.Ended(id)
		}
	}()
	hear.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, _ := hear.Read(make([]byte, 1)); n == 1 {
		return nil
	}
	select { // the pipe closed: it ended, well or not
	case <-ended:
	case <-time.After(5 * time.Second):
		return fmt.Errorf("the shim of %s does not begin", id)
	case <-ctx.Done():
		return ctx.Err()
	}
	if at.has(startedFile) || at.has(exitFile) {
		return nil
	}
	said, _ := io.ReadAll(io.NewSectionReader(output, 0, 4096))
	return fmt.Errorf("the shim of %s ended before it began: %s", id, bytes.TrimSpace(said))
}

// Observe implements Executor. An attempt that has started, has not exited, and
// whose lock can be had is lost: that is decided and written down while the lock
// is held, so that nobody can see it otherwise.
func (p *Process) Observe(ctx context.Context, id trimtab.AttemptID) (o Observation, err error) {
	defer trimtab.Wrap(&err, "pipeline.Process.Observe(%s)", id)
	at, err := p.place(id)
	if err != nil {
		return o, err
	}
	if n, ok, err := at.exit(); err != nil || ok {
		return n.observation(), err
	}
	if _, err := os.Stat(string(at)); errors.Is(err, fs.ErrNotExist) {
		return Observation{Sight: Absent}, nil
	} else if err != nil {
		return o, err
	}
	lock, err := at.lock()
	if err != nil {
		return o, err
	}
	if lock == nil {
		return at.running()
	}
	defer release(lock)
	if n, ok, err := at.exit(); err != nil || ok {
		return n.observation(), err
	}
	if !at.has(startedFile) {
		return Observation{Sight: Absent}, nil
	}
	n := exitNote{Cause: CauseLost, Code: -1, Message: at.tail(), Ended: trimtab.SystemClock()}
	p.cfg.crash("found lost")
	return n.observation(), writeJSON(at.file(exitFile), n)
}

// running observes an attempt whose lock is held. When its shim is dead, nobody
// will ever write how it ended: what the shim left is ended too, and with it the lock.
func (p place) running() (o Observation, err error) {
	var shim, child marker
	if _, err := readJSON(p.file(childFile), &child); err != nil {
		return o, err
	}
	begun, err := readJSON(p.file(startedFile), &shim)
	if err != nil && begun { // it is being written at this moment
		begun, err = false, nil
	}
	if err != nil {
		return o, err
	}
	if begun && !shim.alive() {
		if n, ok, err := p.exit(); err != nil || ok {
			return n.observation(), err
		}
		killOrphans(p, shim, child)
	}
	return Observation{Sight: Running, Since: child.Time}, nil
}

// forceAfter is how long after a cancel file a shim that does not act on it is
// taken for dead.
const forceAfter = 4 * killGrace

// Kill implements Executor.
func (p *Process) Kill(ctx context.Context, id trimtab.AttemptID, cause string) (err error) {
	defer trimtab.Wrap(&err, "pipeline.Process.Kill(%s)", id)
	at, err := p.place(id)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(at), 0o700); err != nil {
		return err
	}
	if info, err := os.Stat(at.file(cancelFile)); err != nil {
		if err := os.WriteFile(at.file(cancelFile)+".tmp", []byte(cause), 0o600); err != nil {
			return err
		}
		if err := os.Rename(at.file(cancelFile)+".tmp", at.file(cancelFile)); err != nil {
			return err
		}
	} else if time.Since(info.ModTime()) > forceAfter {
		at.force()
	}
	p.cfg.crash("asked to end")
	lock, err := at.lock()
	if err != nil || lock == nil {
		return err // it runs; the shim sees the file
	}
	defer release(lock)
	if at.has(startedFile) || at.has(exitFile) {
		return nil
	}
	return writeJSON(at.file(exitFile), exitNote{Cause: cause, Ended: trimtab.SystemClock()})
}

// force kills the shim, if it is still the very process; what it leaves is ended
// by whoever sees it next.
func (p place) force() {
	var shim marker
	if ok, err := readJSON(p.file(startedFile), &shim); err == nil && ok && shim.alive() {
		syscall.Kill(shim.PID, syscall.SIGKILL)
	}
}

// Collect implements Executor.
func (p *Process) Collect(ctx context.Context, id trimtab.AttemptID, path string) (_ io.ReadCloser, err error) {
	defer trimtab.Wrap(&err, "pipeline.Process.Collect(%s, %s)", id, path)
	at, err := p.place(id)
	if err != nil {
		return nil, err
	}
	absent := trimtab.Errorf(trimtab.NotFound, string(id), "attempt %s left nothing at %s", id, path)
	root, err := os.OpenRoot(at.file(outFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absent
	}
	if err != nil {
		return nil, err
	}
	name, folder := strings.CutSuffix(path, "/")
	info, err := root.Stat(name)
	if err == nil && info.IsDir() != folder || err == nil && !folder && !info.Mode().IsRegular() {
		err = trimtab.Errorf(trimtab.Precondition, string(id), "the step left a %s at $OUT/%s; a path that ends in / is a folder, another is a file", describe(info), path)
	}
	if link, lerr := root.Lstat(name); err != nil && lerr == nil && link.Mode()&fs.ModeSymlink != 0 {
		err = badLink(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = absent
	case err == nil && !folder:
		defer root.Close()
		return root.Open(name)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	r, w := io.Pipe()
	go func() {
		defer root.Close()
		w.CloseWithError(tarFolder(w, root, name))
	}()
	return r, nil
}

func describe(info fs.FileInfo) string {
	switch {
	case info.IsDir():
		return "folder"
	case info.Mode().IsRegular():
		return "file"
	}
	return "thing that is neither file nor folder"
}

// Log implements Executor.
func (p *Process) Log(ctx context.Context, id trimtab.AttemptID) (io.ReadSeekCloser, error) {
	at, err := p.place(id)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(at.file(logFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, trimtab.Errorf(trimtab.NotFound, string(id), "attempt %s has printed nothing", id)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Forget implements Executor. The secret in the order goes too.
func (p *Process) Forget(ctx context.Context, id trimtab.AttemptID) error {
	at, err := p.place(id)
	if err != nil {
		return err
	}
	var all error
	for _, name := range []string{orderFile, codeFolder, inFolder, outFolder, tempFolder} {
		all = errors.Join(all, os.RemoveAll(at.file(name)))
	}
	return all
}
