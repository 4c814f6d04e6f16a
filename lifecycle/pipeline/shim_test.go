package pipeline

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

// attempt lays out the folder of an attempt as an engine does, without starting it.
func attempt(t *testing.T, limit time.Duration, argv ...string) place {
	t.Helper()
	p := place(filepath.Join(t.TempDir(), "pr-1.x.1"))
	for _, name := range []string{codeFolder, inFolder, outFolder, tempFolder} {
		if err := os.MkdirAll(p.file(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	o := shimOrder{Order: Order{Attempt: "pr-1.x.1", Argv: argv, Env: map[string]string{"OUT": p.file(outFolder)}, Timeout: trimtab.Duration(limit)}}
	if err := writeJSON(p.file(orderFile), o); err != nil {
		t.Fatal(err)
	}
	return p
}

// shimOf starts this test program as a shim; see TestMain.
func shimOf(t *testing.T, p place) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "shim", "--dir", string(p))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func exitOf(t *testing.T, p place) exitNote {
	t.Helper()
	n, ok, err := p.exit()
	if err != nil || !ok {
		t.Fatalf("no exit: %v", err)
	}
	return n
}

func TestManyShimsRunAnAttemptOnce(t *testing.T) {
	p := attempt(t, time.Minute, "sh", "-c", "echo once >> $OUT/effect; sleep 0.1")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := shimOf(t, p).Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := exitOf(t, p); n.Code != 0 || n.Cause != "" || n.Since == 0 || n.Ended < n.Since {
		t.Errorf("exit %+v", n)
	}
	if err := shimOf(t, p).Wait(); err != nil { // and one that comes late
		t.Error(err)
	}
	if raw, err := os.ReadFile(p.file(outFolder + "/effect")); err != nil || string(raw) != "once\n" {
		t.Errorf("effect %q, %v", raw, err)
	}
}

func TestShimEndsAStepThatDoesNotListen(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the grace of SIGTERM")
	}
	p := attempt(t, 200*time.Millisecond, "sh", "-c", "trap '' TERM; echo here; while :; do sleep 0.05; done")
	began := time.Now()
	if err := shimOf(t, p).Wait(); err != nil {
		t.Fatal(err)
	}
	if n, took := exitOf(t, p), time.Since(began); n.Cause != CauseTimeout || took < killGrace {
		t.Errorf("exit %+v after %v", n, took)
	}
}

func TestShimDoesNotStartWhatIsCancelled(t *testing.T) {
	p := attempt(t, time.Minute, "sh", "-c", "echo > $OUT/effect")
	if err := os.WriteFile(p.file(cancelFile), []byte(CauseCanceled), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := shimOf(t, p).Wait(); err != nil {
		t.Fatal(err)
	}
	if n := exitOf(t, p); n.Cause != CauseCanceled || p.has(outFolder+"/effect") || p.has(startedFile) {
		t.Errorf("exit %+v", n)
	}
}

func TestShimPassesTheEndOfTheMachineOn(t *testing.T) {
	p := attempt(t, time.Minute, "sh", "-c", "trap 'echo saved; exit 0' TERM; echo on; while :; do sleep 0.05; done")
	cmd := shimOf(t, p)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if raw, _ := os.ReadFile(p.file(logFile)); strings.Contains(string(raw), "on") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the step does not begin")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(p.file(logFile))
	if n := exitOf(t, p); n.Cause != CauseLost || !strings.Contains(string(raw), "saved") {
		t.Errorf("exit %+v, printed %q", n, raw)
	}
}

// A lock that is held, a marker and no exit: running. The lock free: lost, for good.
func TestObserve(t *testing.T) {
	x, err := NewProcess(ProcessConfig{Dir: t.TempDir(), Shim: []string{"/nonexistent"}})
	if err != nil {
		t.Fatal(err)
	}
	const id = "pr-1.x.1"
	see := func(want Sight, cause string) {
		t.Helper()
		if o, err := x.Observe(t.Context(), id); err != nil || o.Sight != want || o.Cause != cause {
			t.Errorf("observed %+v, %v; want %s %s", o, err, want, cause)
		}
	}
	see(Absent, "")
	token := func() (string, error) { return "secret", nil }
	if err := x.Start(t.Context(), Order{Attempt: id, Argv: []string{"true"}}, token); err == nil || !strings.Contains(err.Error(), "does not start") {
		t.Errorf("a shim that cannot be started: %v", err)
	}
	see(Absent, "")
	p, err := x.place(id)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(p.file(orderFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the order with the secret: %v, %v", info, err)
	}
	lock, err := p.lock()
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	see(Running, "")
	if err := writeJSON(p.file(startedFile), newMarker(os.Getpid())); err != nil {
		t.Fatal(err)
	}
	see(Running, "")
	if err := os.WriteFile(p.file(logFile), []byte("one\nthe last line\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := x.Start(t.Context(), Order{Attempt: id}, func() (string, error) { return "", errors.New("not asked for") }); err != nil {
		t.Errorf("starting what runs: %v", err)
	}
	lock.Close()
	see(Exited, CauseLost)
	if n := exitOf(t, p); n.Message != "the last line" {
		t.Errorf("lost with %q", n.Message)
	}
	if err := x.Start(t.Context(), Order{Attempt: id}, func() (string, error) { return "", errors.New("not asked for") }); err != nil {
		t.Errorf("starting what was lost: %v", err)
	}
	see(Exited, CauseLost)

	// What never started and is killed never starts.
	if err := x.Kill(t.Context(), "pr-1.y.1", CauseCanceled); err != nil {
		t.Fatal(err)
	}
	if o, err := x.Observe(t.Context(), "pr-1.y.1"); err != nil || o.Sight != Exited || o.Cause != CauseCanceled {
		t.Errorf("observed %+v, %v", o, err)
	}
	for _, bad := range []trimtab.AttemptID{"", "../x.y.1", "pr-1.x", "pr-1.x/y.1", "PR.x.1"} {
		if _, err := x.Observe(t.Context(), bad); !trimtab.IsKind(err, trimtab.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
