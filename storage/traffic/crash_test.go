package traffic

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/trimtab/trimtab"
)

func damageFile(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0xff
	b[20] ^= 0xff
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestCutAtEveryByte cuts both logs at every byte of their last frames: what was
// acknowledged before the cut is there, what comes after is gone, and the log
// takes new rows.
func TestCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	s, l := open(t, dir, nil)
	var ends []int64 // size after each acknowledged batch
	var labelEnds []int64
	for i := range 4 {
		mustAppend(t, l, rows(i*3, 3, day))
		mustLabel(t, l, &LabelBatch{Labels: []Label{{ID: fmt.Sprintf("id-%d", i*3), Value: 1, KnownAt: day}}})
		ends = append(ends, l.predictions.open.size)
		labelEnds = append(labelEnds, l.labels.open.size)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole := func(ends []int64, at int64) (n int) {
		for _, e := range ends {
			if e <= at {
				n++
			}
		}
		return n
	}
	for _, log := range []string{"predictions", "labels"} {
		ends := map[string][]int64{"predictions": ends, "labels": labelEnds}[log]
		for at := int64(0); at <= ends[3]; at++ {
			if at > 0 && at < ends[1] && at%7 != 0 {
				continue // the last two frames byte by byte, the rest sampled
			}
			copied := filepath.Join(t.TempDir(), "c")
			copyDir(t, dir, copied)
			if err := os.Truncate(filepath.Join(copied, folder(flights), log, "00000001.log"), at); err != nil {
				t.Fatal(err)
			}
			s, err := Open(Config{Dir: copied})
			if err != nil {
				t.Fatalf("%s cut at %d: %v", log, at, err)
			}
			l, err := s.Endpoint(flights)
			if err != nil {
				t.Fatal(err)
			}
			got := window(t, l, 0, 9*day, 0)
			labelled := 0
			for _, j := range got {
				if j.HasLabel {
					labelled++
				}
			}
			if log == "predictions" {
				if want := whole(ends, at) * 3; len(got) != want {
					t.Fatalf("cut at %d: %d rows, want %d", at, len(got), want)
				}
			} else if want := whole(ends, at); labelled != want {
				t.Fatalf("cut at %d: %d labels, want %d", at, labelled, want)
			}
			if r := mustAppend(t, l, rows(100, 2, day)); r.Rows != 2 {
				t.Fatalf("cut at %d: %+v", at, r)
			}
			if r := mustAppend(t, l, rows(0, 12, day)); log == "predictions" && r.Duplicates != int64(whole(ends, at)*3) {
				t.Fatalf("cut at %d: %+v", at, r)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDamageInTheMiddle flips a byte of an early frame: the frames behind it stay.
func TestDamageInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	s, l := open(t, dir, nil)
	mustAppend(t, l, rows(0, 3, day))
	at := l.predictions.open.size
	mustAppend(t, l, rows(3, 3, day))
	mustAppend(t, l, rows(6, 3, day))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, folder(flights), "predictions", "00000001.log")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at+frameHead+20] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s2, l2 := open(t, dir, nil)
	var ids []string
	for _, j := range window(t, l2, 0, 9*day, 0) {
		ids = append(ids, j.ID)
	}
	if got, want := strings.Join(ids, " "), "id-0 id-1 id-2 id-6 id-7 id-8"; got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
	if err := s2.Seal(context.Background(), true); err != nil {
		t.Error(err)
	}
}

// TestCrashWhileSealing stops the seal after each of its files and opens again.
func TestCrashWhileSealing(t *testing.T) {
	dir := t.TempDir()
	s, l := open(t, dir, nil)
	mustAppend(t, l, rows(0, 5, day))
	mustLabel(t, l, &LabelBatch{Labels: []Label{{ID: "id-0", Value: 1, KnownAt: day}}})
	want := window(t, l, 0, 9*day, 0)
	unsealed := filepath.Join(t.TempDir(), "unsealed")
	if err := l.flush(); err != nil {
		t.Fatal(err)
	}
	copyDir(t, dir, unsealed)
	if err := s.Seal(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(folder(flights), "predictions")
	for n, steps := range [][]string{{".parquet"}, {".parquet", ".idx"}, {".parquet", ".idx", ".json"}} {
		copied := filepath.Join(t.TempDir(), "c")
		copyDir(t, unsealed, copied)
		for _, ext := range append(steps, "") {
			if ext == "" {
				if err := os.WriteFile(filepath.Join(copied, sub, "00000001.parquet.tmp"), []byte("half"), 0o600); err != nil {
					t.Fatal(err)
				}
				continue
			}
			b, err := os.ReadFile(filepath.Join(dir, sub, "00000001"+ext))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(copied, sub, "00000001"+ext), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		recorded := 0
		s, l := open(t, copied, func(c *Config) {
			c.Sealed = func(context.Context, trimtab.Segment) error { recorded++; return nil }
		})
		for range 2 {
			if got := window(t, l, 0, 9*day, 0); len(got) != 5 || got[0] != want[0] || got[4] != want[4] {
				t.Fatalf("step %d: %+v", n, got)
			}
			if err := s.Seal(context.Background(), true); err != nil {
				t.Fatal(err)
			}
		}
		if recorded != 2 {
			t.Errorf("step %d: %d segments recorded, want 2", n, recorded)
		}
		if left, _ := filepath.Glob(filepath.Join(copied, sub, "*.tmp")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// TestKilledWriter kills a writing process with SIGKILL: every batch it
// acknowledged is there afterwards.
func TestKilledWriter(t *testing.T) {
	if dir := os.Getenv("TRAFFIC_WRITER"); dir != "" {
		writeUntilKilled(dir)
		return
	}
	dir := t.TempDir()
	acked := map[int]bool{}
	for round := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$")
		cmd.Env = append(os.Environ(), "TRAFFIC_WRITER="+dir, "TRAFFIC_FIRST="+strconv.Itoa(round*1_000_000))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(out)
		for n := 0; sc.Scan(); n++ {
			if id, err := strconv.Atoi(sc.Text()); err == nil {
				acked[id] = true
			}
			if n == 60+round*37 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed: always an error
		_, l := openOnce(t, dir)
		have := map[string]int{}
		for _, j := range window(t, l, 0, 9*day, 0) {
			have[j.ID]++
			if have[j.ID] > 1 {
				t.Fatalf("%s is there twice", j.ID)
			}
		}
		for id := range acked {
			for k := range 3 {
				if have[fmt.Sprintf("id-%d", id+k)] != 1 {
					t.Fatalf("round %d: acknowledged id-%d is lost", round, id+k)
				}
			}
		}
		if err := l.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acked) < 180 {
		t.Fatalf("only %d batches were acknowledged", len(acked))
	}
}

func openOnce(t *testing.T, dir string) (*Store, *Log) {
	t.Helper()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.Endpoint(flights)
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}

func writeUntilKilled(dir string) {
	s, err := Open(Config{Dir: dir, SealRows: 200})
	if err != nil {
		panic(err)
	}
	go s.Run(context.Background())
	l, err := s.Endpoint(flights)
	if err != nil {
		panic(err)
	}
	first, _ := strconv.Atoi(os.Getenv("TRAFFIC_FIRST"))
	var mu sync.Mutex
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				id := first + w*100_000 + i*3
				if _, err := l.Append(context.Background(), rows(id, 3, day)); err != nil {
					panic(err)
				}
				mu.Lock()
				os.Stdout.WriteString(strconv.Itoa(id) + "\n")
				mu.Unlock()
			}
		}()
	}
	for i := 0; ; i++ {
		if err := s.Seal(context.Background(), false); err != nil {
			panic(err)
		}
	}
}

// TestBrokenDisk takes the file away under the log: nothing is acknowledged any
// more, the error says so, and no row that was refused counts as logged.
func TestBrokenDisk(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.Endpoint(flights)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, rows(0, 3, day))
	if err := l.predictions.open.file.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := l.Append(context.Background(), rows(3, 3, day)); !trimtab.IsKind(err, trimtab.Unavailable) {
			t.Fatalf("%v", err)
		}
	}
	if err := s.Close(); err == nil {
		t.Error("closing a broken log reports nothing")
	}
	_, l = open(t, dir, nil)
	if r := mustAppend(t, l, rows(0, 6, day)); r != (Receipt{Rows: 3, Duplicates: 3}) {
		t.Errorf("%+v", r)
	}
}

func TestLostMeta(t *testing.T) {
	dir := t.TempDir()
	s, l := open(t, dir, nil)
	mustAppend(t, l, rows(0, 3, day))
	if err := s.Seal(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, folder(flights), "predictions", "00000001.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "00000001.json is gone") {
		t.Errorf("%v", err)
	}
}
