package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"

	"github.com/trimtab/trimtab"
)

// Reconcile works on one run, as the controller does.
func (e *Engine) Reconcile(ctx context.Context, key string) error {
	_, err := e.reconcile(ctx, key)
	return err
}

// Crash sets what is called at every point at which a kill must do no harm.
func (c *Config) Crash(f func(point string)) { c.crash = f }

// Crash sets what is called at every point at which a kill must do no harm.
func (c *ProcessConfig) Crash(f func(point string)) { c.crash = f }

// KillShim kills the shim of a running attempt with -9.
func KillShim(dir string, id trimtab.AttemptID) error {
	var m marker
	if ok, err := readJSON(place(filepath.Join(dir, "attempts", string(id))).file(startedFile), &m); err != nil || !ok {
		return errors.Join(errors.New("no shim"), err)
	}
	if !m.alive() {
		return errors.New("the shim is not alive")
	}
	return syscall.Kill(m.PID, syscall.SIGKILL)
}
