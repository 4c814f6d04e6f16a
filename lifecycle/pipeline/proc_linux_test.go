package pipeline

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// away is a step whose helper leaves session and group, notes its number in
// $OUT/helper, and would go on for minutes; then the step does what is given.
func away(environment, then string) string {
	return environment + " setsid sh -c 'echo $$ > $OUT/helper.tmp; mv $OUT/helper.tmp $OUT/helper; exec sleep 600' &\n" +
		"while [ ! -e $OUT/helper ]; do sleep 0.01; done; " + then
}

func helper(t *testing.T, p place) int {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if raw, err := os.ReadFile(p.file(outFolder + "/helper")); err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
			return pid
		}
		if time.Now().After(end) {
			t.Fatal("the helper does not begin")
		}
	}
}

func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); birth(pid) != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d outlives its step", pid)
		}
	}
}

func TestHelpersEndWithTheirStep(t *testing.T) {
	p := attempt(t, time.Minute, "sh", "-c", away("", "echo done"))
	var o shimOrder
	if _, err := readJSON(p.file(orderFile), &o); err != nil {
		t.Fatal(err)
	}
	o.Env[attemptEnv] = string(o.Attempt)
	if err := writeJSON(p.file(orderFile), o); err != nil {
		t.Fatal(err)
	}
	if err := shimOf(t, p).Wait(); err != nil {
		t.Fatal(err)
	}
	if n := exitOf(t, p); n.Code != 0 {
		t.Errorf("exit %+v", n)
	}
	gone(t, helper(t, p))
}

// A helper that lives on holds the lock that it has inherited: whatever it has
// made of its environment, the attempt of a dead shim ends.
func TestHelpersDoNotHoldTheAttemptOfADeadShim(t *testing.T) {
	x, err := NewProcess(ProcessConfig{Dir: t.TempDir(), Shim: []string{"/nonexistent"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := x.place("pr-1.x.1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(string(p)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(string(attempt(t, time.Minute, "sh", "-c", away("env -i PATH=$PATH OUT=$OUT", "sleep 600"))), string(p)); err != nil {
		t.Fatal(err)
	}
	var o shimOrder
	if _, err := readJSON(p.file(orderFile), &o); err != nil {
		t.Fatal(err)
	}
	o.Env["OUT"] = p.file(outFolder)
	if err := writeJSON(p.file(orderFile), o); err != nil {
		t.Fatal(err)
	}
	cmd := shimOf(t, p)
	pid := helper(t, p)
	cmd.Process.Kill()
	cmd.Wait()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		o, err := x.Observe(t.Context(), "pr-1.x.1")
		if err != nil {
			t.Fatal(err)
		}
		if o.Sight == Exited {
			if o.Cause != CauseLost {
				t.Errorf("observed %+v", o)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("still %s: the helper holds the attempt", o.Sight)
		}
	}
	gone(t, pid)
}
