package pipeline

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A program that is still open for writing somewhere is started once it is not.
func TestStartOfAProgramThatIsWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "step.sh")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("#!/bin/sh\nexit 3\n"); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(name).Run(); err == nil {
		t.Fatal("a program that is open for writing runs here: nothing is tested")
	}
	time.AfterFunc(30*time.Millisecond, func() { f.Close() })
	cmd, err := start(&exec.Cmd{Path: name, Args: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("it ended with %d", cmd.ProcessState.ExitCode())
	}
}
