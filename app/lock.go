package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/trimtab/trimtab"
)

// lockData makes the process the one server of a data folder. The lock is the
// kernel's and ends with the process, however it ends.
func lockData(dir, listen string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	path := filepath.Join(dir, "server.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		who, _ := os.ReadFile(path)
		f.Close()
		return nil, trimtab.Errorf(trimtab.Conflict, "data folder", "another server uses the data folder %s (%s): stop it, or give this one a folder of its own with --data", dir, strings.TrimSpace(string(who)))
	}
	f.Truncate(0)
	fmt.Fprintf(f, "pid %d, listening on %s\n", os.Getpid(), listen)
	return func() { f.Close() }, nil
}
