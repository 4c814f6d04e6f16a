package replay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/replay"
)

func parse(t *testing.T, texts ...string) (out []trimtab.Fault) {
	t.Helper()
	for _, text := range texts {
		f, err := trimtab.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// everyFault is a drill that leaves nothing out.
func everyFault(t *testing.T) []trimtab.Fault {
	return parse(t, "unit score x0.5 +0.1 2013-03-02..2013-03-05", "shuffle score 40% 2013-03-03..2013-03-09", "freeze score 2013-03-06..2013-03-07",
		"delay rows 30h 30%", "duplicate rows 20%", "duplicate rows fresh 20% 2013-03-02..", "drop rows 15%", "drop rows 2013-03-10..",
		"delay labels 2d 2013-03-04..2013-03-06", "drop labels 10%")
}

// TestDrillKilledAnywhere kills a drill at its calls, before and after their
// effect: what it leaves is the same as without a kill. Every fifth call is
// tried, all of them with REPLAY_KILLS=all.
func TestDrillKilledAnywhere(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.source("s", history(44, single, "id"), "id")
	opt := replay.StartOptions{Source: "s", Faults: everyFault(t)}
	s.declare("whole", trimtab.EndpointSpec{}, "1d")
	want, calls := s.live("whole", opt, 0, false)
	late := int64(0)
	for _, w := range want.Windows {
		late += w.Late
	}
	if want.State != "succeeded" || want.Failed != 0 || want.Rows <= want.Kept || want.Kept == 44 || late == 0 {
		t.Fatalf("the whole drill, in which rows are late (%d), dropped and repeated: %+v", late, want)
	}
	step := 5
	if os.Getenv("REPLAY_KILLS") == "all" {
		step = 1
	}
	for at := 1; at <= calls; at += step {
		for _, after := range []bool{false, true} {
			name := fmt.Sprintf("e%d-%t", at, after)
			s.declare(name, trimtab.EndpointSpec{}, "1d")
			got, _ := s.live(name, opt, at, after)
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("killed at call %d of %d (after its effect: %t):\n%s", at, calls, after, d)
			}
		}
	}
}

// TestDrillInBatches sends the same whatever a request holds.
func TestDrillInBatches(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.source("s", history(200, single, "id"), "id")
	opt := replay.StartOptions{Source: "s", Faults: everyFault(t)}
	var want found
	for i, size := range []int{500, 1, 3, 17} {
		s.batch = size
		name := fmt.Sprintf("e%d", size)
		s.declare(name, trimtab.EndpointSpec{Logging: trimtab.EndpointLogging{RequestID: "id"}}, "1d")
		got, _ := s.live(name, opt, 0, false)
		if i == 0 {
			want = got
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("in requests of %d rows:\n%s", size, d)
		}
	}
}

// TestDrillIsRecorded keeps faults with the replay and in the journal, and goes on with none but them.
func TestDrillIsRecorded(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.source("s", history(30, single, "id"), "id")
	s.declare("e", trimtab.EndpointSpec{}, "1d")
	replays := replay.New(s.config())
	faults := parse(t, "sign score 2013-03-02..2013-03-05", "drop labels 10%")
	opt := replay.StartOptions{Endpoint: "e", Source: "s", Faults: faults}
	x, err := replays.Start(t.Context(), opt)
	s.must(err)
	if !cmp.Equal(x.Faults, faults) {
		t.Errorf("started with %v", x.Faults)
	}
	if again, err := replays.Start(t.Context(), opt); err != nil || again.ID != x.ID {
		t.Errorf("started again: %+v, %v", again, err)
	}
	other := opt
	other.Faults = faults[:1]
	_, err = replays.Start(t.Context(), other)
	if !trimtab.IsKind(err, trimtab.Conflict) || !strings.Contains(trimtab.Message(err), "is running with the faults `sign score 2013-03-02..2013-03-05`, `drop labels 10%`: ") {
		t.Errorf("started with other faults while it runs: %v", err)
	}
	s.must(replays.Reconcile(t.Context(), trimtab.DefaultWorkspace, x.ID))
	entries, err := s.db.Journal.Entries(t.Context(), 0, 1000)
	s.must(err)
	told := ""
	for _, e := range entries {
		if e.Action == "replay.create" {
			told = e.Reason
		}
	}
	if told != "drill: sign score 2013-03-02..2013-03-05; drop labels 10%" {
		t.Errorf("the journal says %q", told)
	}
}

// TestDrillResumes refuses to go on with other faults, but for a replay that has sent nothing.
func TestDrillResumes(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.source("s", history(60, single, "id"), "id")
	s.declare("e", trimtab.EndpointSpec{}, "1d")
	cfg := s.config()
	replays := replay.New(cfg)
	opt := replay.StartOptions{Endpoint: "e", Source: "s", Faults: parse(t, "sign score")}
	x, err := replays.Start(t.Context(), opt)
	s.must(err)
	_, err = replays.Cancel(t.Context(), x.ID)
	s.must(err)
	opt.Faults = nil
	y, err := replays.Start(t.Context(), opt)
	if err != nil || y.ID == x.ID || len(y.Faults) != 0 {
		t.Fatalf("another one in place of one that has sent nothing: %+v, %v", y, err)
	}
	saves := 0
	cfg.Crash = func(point string) error {
		if point == "progress" {
			saves++
		}
		if saves == 3 {
			return errKilled
		}
		return nil
	}
	if err := replay.New(cfg).Reconcile(t.Context(), trimtab.DefaultWorkspace, y.ID); err == nil {
		t.Fatal("it was not killed")
	}
	_, err = replays.Cancel(t.Context(), y.ID)
	s.must(err)
	opt.Faults = parse(t, "sign score")
	_, err = replays.Start(t.Context(), opt)
	if !trimtab.IsKind(err, trimtab.Conflict) || !strings.Contains(trimtab.Message(err), "is canceled with no faults: it goes on with the same ones; replay with the faults `sign score` into another endpoint") {
		t.Errorf("gone on with other faults: %v", err)
	}
	opt.Faults = nil
	if z, err := replays.Start(t.Context(), opt); err != nil || z.ID != y.ID {
		t.Errorf("gone on with the same: %+v, %v", z, err)
	}
}

// TestDrillRefused refuses what cannot be done, and says what a fault would hit before anything is sent.
func TestDrillRefused(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.source("s", history(30, single, "id"), "id")
	s.declare("e", trimtab.EndpointSpec{Logging: trimtab.EndpointLogging{RequestID: "id"}}, "1d")
	replays := replay.New(s.config())
	for text, want := range map[string]string{
		"unit scroe x2":            `the source has no column "scroe", did you mean "score"?`,
		"nulls id":                 "is the request id",
		"nulls y":                  "is the label",
		"nulls score 2014-01-01..": "lies outside the replay, which goes from the beginning to 2013-06-01T00:00:00Z",
	} {
		opt := replay.StartOptions{Endpoint: "e", Source: "s", To: 1370044800000, Faults: parse(t, text)}
		_, err := replays.Start(t.Context(), opt)
		_, planned := replays.Plan(t.Context(), opt)
		for _, err := range []error{err, planned} {
			if !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(trimtab.Message(err), want) {
				t.Errorf("%s: %v, want %s", text, err, want)
			}
		}
	}
	if _, err := s.db.Replays.Last(t.Context(), "e"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("a replay was made: %v", err)
	}
	reach, err := replays.Plan(t.Context(), replay.StartOptions{Endpoint: "e", Source: "s", Faults: parse(t, "sign score 2013-03-02..2013-03-05", "drop rows 50%", "drop labels")})
	if err != nil || len(reach) != 3 || reach[0].Hit == 0 || reach[0].Hit != reach[0].InSpan || reach[1].InSpan != 30 || reach[1].Hit < 5 || reach[1].Hit > 25 || reach[2].Hit != 28 {
		t.Errorf("%+v, %v", reach, err)
	}
}

// TestDrillOfNothing drops every row: the watermark goes where it would have gone.
func TestDrillOfNothing(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.source("s", history(30, single, "id"), "id")
	s.declare("a", trimtab.EndpointSpec{}, "1d")
	s.declare("b", trimtab.EndpointSpec{}, "1d")
	want, _ := s.live("a", replay.StartOptions{Source: "s"}, 0, false)
	got, _ := s.live("b", replay.StartOptions{Source: "s", Faults: parse(t, "drop rows")}, 0, false)
	if got.State != "succeeded" || got.Rows != 0 || got.Failed != 0 || got.Labels != want.Labels || got.Watermark != want.Watermark {
		t.Errorf("%+v\nwant the watermark of %+v", got, want)
	}
}

// TestReplayOfRefusedRows fails with the first reason when no row is taken, after a kill too.
func TestReplayOfRefusedRows(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.refuse = "*"
	s.source("s", history(30, single, "id"), "id")
	s.declare("e", trimtab.EndpointSpec{}, "1d")
	want, calls := s.live("e", replay.StartOptions{Source: "s"}, 0, false)
	if want.State != "failed" || want.Rows != 0 || want.Failed != 30 || want.Holder != "" || !strings.HasPrefix(want.Reason, "endpoint e refused every row; the first: row ") {
		t.Fatalf("%+v", want)
	}
	want.Reason = ""
	for _, at := range []int{calls / 2, calls - 8, calls - 4, calls - 2, calls} {
		name := fmt.Sprintf("e%d", at)
		s.declare(name, trimtab.EndpointSpec{}, "1d")
		got, _ := s.live(name, replay.StartOptions{Source: "s"}, at, true)
		if !strings.HasPrefix(got.Reason, "endpoint "+name+" refused every row; the first: row ") {
			t.Errorf("killed at call %d: %q", at, got.Reason)
		}
		got.Reason = ""
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("killed at call %d of %d:\n%s", at, calls, d)
		}
	}
}
