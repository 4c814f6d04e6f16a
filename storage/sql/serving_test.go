package sql

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

func TestEndpointState(t *testing.T) { engines(t, endpointState) }

func endpointState(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	s, err := db.Endpoints.State(ctx, "flights")
	if err != nil || s != (trimtab.EndpointState{Workspace: "default", Endpoint: "flights", Mode: trimtab.ClockMode}) {
		t.Fatalf("state of a new endpoint: %+v, %v", s, err)
	}
	acquire := func(holder string) (trimtab.EndpointState, error) {
		return db.Endpoints.Move(ctx, "flights", func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
			return s.AcquireLease(holder, 1000, time.Minute)
		})
	}
	// Of many that ask at once for a row that is not there yet, one gets the lease.
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 8 {
		wg.Go(func() {
			_, err := acquire("holder-" + string(rune('a'+i)))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case !trimtab.IsKind(err, trimtab.Conflict):
				t.Errorf("acquire: %v", err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Fatalf("%d got the lease, want 1", won)
	}
	s, err = db.Endpoints.State(ctx, "flights")
	if err != nil || s.Fence != 1 || s.Mode != trimtab.DrivenMode || s.LeaseUntil != 61_000 {
		t.Fatalf("%+v, %v", s, err)
	}
	before := entries(t, db)
	if s, err = db.Endpoints.Move(ctx, "flights", func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		s, err := s.Renew(1, 2000, time.Minute)
		return s, trimtab.Change{}, err
	}); err != nil || s.LeaseUntil != 62_000 {
		t.Fatal(s, err)
	}
	if n := entries(t, db); n != before {
		t.Errorf("a renewal left %d entries", n-before)
	}
	if _, err := db.Endpoints.Move(ctx, "flights", func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.Advance(1, 5000)
	}); err != nil {
		t.Fatal(err)
	}
	if s, err = db.Endpoints.State(ctx, "flights"); err != nil || s.Watermark != 5000 || s.LeaseUntil != 62_000 {
		t.Errorf("%+v, %v", s, err)
	}
	wantVerified(t, db)
	if err := db.write(ctx, governed, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE endpoint_states SET watermark = 6000")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if found := verifyServing(t, db); len(found) != 1 || !strings.Contains(found[0], "endpointState flights") {
		t.Errorf("an SQL edit is not named: %v", found)
	}
}

// entries counts the journal.
func entries(t *testing.T, db *DB) int {
	t.Helper()
	if err := db.Journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := db.Journal.Newest(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// verifyServing recomputes the digest of every governed row of serving against its entry.
func verifyServing(t *testing.T, db *DB) (problems []string) {
	t.Helper()
	if err := db.Journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := db.Journal.Newest(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[trimtab.EntryID]trimtab.Entry{}
	for _, e := range all {
		byID[e.ID] = e
	}
	if err := db.read(t.Context(), func(q *Query) error {
		return governedServing(q, func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error {
			if e := byID[entry]; e.After != trimtab.StateDigest(state) || e.Object != obj || e.Workspace != ws {
				problems = append(problems, obj.String()+" is not what entry "+string(entry)+" left")
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	return problems
}

func wantVerified(t *testing.T, db *DB) {
	t.Helper()
	if found := verifyServing(t, db); len(found) > 0 {
		t.Errorf("%v", found)
	}
}

func TestSettled(t *testing.T) { engines(t, settled) }

func settled(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	put := func(listener string, through trimtab.Time, wait trimtab.Wait) {
		t.Helper()
		if err := db.Endpoints.Settle(ctx, trimtab.Settlement{Endpoint: "e", Listener: listener, Through: through, Wait: wait}); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"monitor/a", "monitor/b"}
	ask := func(w trimtab.Time, want bool, who string) {
		t.Helper()
		ok, held, err := db.Endpoints.Settled(ctx, "e", w, names)
		if err != nil || ok != want {
			t.Fatalf("settled(%d) = %v, %+v, %v; want %v", w, ok, held, err, want)
		}
		if !want && (held == nil || held.Listener != who) {
			t.Fatalf("settled(%d) is held by %+v, want %s", w, held, who)
		}
	}
	ask(10, false, "monitor/a")
	put("monitor/a", 10, trimtab.WaitEventTime)
	ask(10, false, "monitor/b")
	put("monitor/b", 9, trimtab.WaitNone)
	ask(10, false, "monitor/b")
	ask(9, true, "")
	put("monitor/b", 10, trimtab.WaitRows)
	ask(10, true, "")
	put("monitor/b", 20, trimtab.WaitHuman)
	ask(10, false, "monitor/b")
	put("monitor/b", 20, trimtab.WaitNone)
	if err := db.write(ctx, governed, func(tx *Tx) error { _, err := tx.Journal("default", note("x")); return err }); err != nil {
		t.Fatal(err)
	}
	ask(10, false, "monitor/a") // nobody has read the entry
	all := make([]trimtab.Entry, 0)
	for len(all) == 0 {
		if err := db.Journal.Wait(ctx, 0); err != nil {
			t.Fatal(err)
		}
		var err error
		if all, err = db.Journal.Entries(ctx, 0, 10); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Journal.Advance(ctx, "monitor", all[len(all)-1].Index); err != nil {
		t.Fatal(err)
	}
	ask(10, true, "")
	got, err := db.Endpoints.Settlements(ctx, "e")
	if err != nil || len(got) != 2 || got[1] != (trimtab.Settlement{Workspace: "default", Endpoint: "e", Listener: "monitor/b", Through: 20, Wait: trimtab.WaitNone}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReplays(t *testing.T) { engines(t, replays) }

func replays(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	if _, err := db.Replays.Last(ctx, "e"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("last of none: %v", err)
	}
	r, err := db.Replays.Create(ctx, trimtab.Replay{Endpoint: "e", Source: "s", Data: "sha256:x", From: 10, To: 20, State: "running"})
	if err != nil || r.ID == "" || r.Created == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := db.Replays.Progress(ctx, r.ID, 15, 100, 50, 1); err != nil {
		t.Fatal(err)
	}
	open, err := db.Replays.Running(ctx)
	if err != nil || len(open) != 1 || open[0].Position != 15 || open[0].Rows != 100 || open[0].Labels != 50 || open[0].Failed != 1 {
		t.Fatalf("%+v, %v", open, err)
	}
	wantVerified(t, db)
	if _, err := db.Replays.Move(ctx, r.ID, func(r trimtab.Replay) (trimtab.Replay, trimtab.Change, error) {
		old := r
		r.State, r.Ended = "succeeded", 99
		return r, r.Change("replay.succeeded", &old), nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Replays.Progress(ctx, r.ID, 19, 1, 1, 1); err != nil {
		t.Fatal(err)
	}
	got, err := db.Replays.Get(ctx, r.ID)
	if err != nil || got.State != "succeeded" || got.Position != 15 {
		t.Errorf("%+v, %v", got, err)
	}
	if last, err := db.Replays.Last(ctx, "e"); err != nil || last.ID != r.ID {
		t.Errorf("%+v, %v", last, err)
	}
	if open, err := db.Replays.Running(ctx); err != nil || len(open) != 0 {
		t.Errorf("%+v, %v", open, err)
	}
	if _, err := db.Replays.Get(ctx, "rp-none"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("get: %v", err)
	}
	var faults []trimtab.Fault
	for _, text := range []string{"unit wind_speed x1.609344 2013-04-08..2013-04-15", `constant "wind dir" "" 5%`, "delay labels 2d"} {
		f, err := trimtab.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, f)
	}
	if r, err = db.Replays.Create(ctx, trimtab.Replay{Endpoint: "f", Source: "s", Data: "sha256:x", Faults: faults, State: "running"}); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Replays.Get(ctx, r.ID); err != nil || !slices.Equal(got.Faults, faults) {
		t.Errorf("%+v, %v", got, err)
	}
	wantVerified(t, db)
}

func TestWindowsAndSegments(t *testing.T) { engines(t, windowsAndSegments) }

func windowsAndSegments(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	w := trimtab.WindowResult{Workspace: "default", Monitor: "m", Endpoint: "e", Start: 0, End: 60_000, Rows: 3, Labelled: 2, Through: 60_000,
		Versions: []trimtab.Version{1}, Quality: []trimtab.Quality{{Metric: "auc", Value: 0.1 + 0.2, HasInterval: true, Lo: 1e-300, Hi: 0.7}}}
	for range 2 {
		if err := db.Windows.Put(ctx, w); err != nil {
			t.Fatal(err)
		}
	}
	if n := entries(t, db); n != 1 {
		t.Errorf("%d entries, want 1: the same window twice is one", n)
	}
	other := w
	other.Rows = 4
	if err := db.Windows.Put(ctx, other); !trimtab.IsKind(err, trimtab.Conflict) {
		t.Errorf("another result: %v", err)
	}
	later := w
	later.Start, later.End = 60_000, 120_000
	if err := db.Windows.Put(ctx, later); err != nil {
		t.Fatal(err)
	}
	list, err := db.Windows.List(ctx, "m")
	if err != nil || len(list) != 2 || list[0].Computed == 0 {
		t.Fatalf("%+v, %v", list, err)
	}
	list[0].Computed = 0
	if d := cmp.Diff(w, list[0]); d != "" {
		t.Error(d)
	}
	if last, err := db.Windows.Last(ctx, "m"); err != nil || last.Start != 60_000 {
		t.Errorf("%+v, %v", last, err)
	}
	if _, err := db.Windows.Last(ctx, "none"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("last of none: %v", err)
	}
	early := w
	early.Start, early.End, early.Phase, early.Quality = 120_000, 180_000, trimtab.WindowEstimated, nil
	mature, corrected := early, early
	mature.Phase, mature.Labelled = trimtab.WindowClosed, 3
	corrected.Phase, corrected.Labelled, corrected.Revision = trimtab.WindowClosed, 4, 1
	for i, x := range []struct {
		put  trimtab.WindowResult
		open int
		ok   bool
	}{{early, 1, true}, {early, 1, true}, {mature, 0, true}, {early, 0, false}, {mature, 0, true}, {corrected, 0, true}, {mature, 0, false}, {corrected, 0, true}} {
		if err := db.Windows.Put(ctx, x.put); x.ok != (err == nil) || !x.ok && !trimtab.IsKind(err, trimtab.Conflict) {
			t.Errorf("step %d: %v", i, err)
		}
		if open, err := db.Windows.Estimated(ctx, "m"); err != nil || len(open) != x.open {
			t.Errorf("step %d: %d windows are estimated, %v", i, len(open), err)
		}
	}
	recent, err := db.Windows.Recent(ctx, "m", 120_000, 1)
	if err != nil || len(recent) != 1 || recent[0].Start != 60_000 {
		t.Errorf("%+v, %v", recent, err)
	}
	if recent, err = db.Windows.Recent(ctx, "m", 0, 2); err != nil || len(recent) != 2 || recent[0].Start != 60_000 || recent[1].Revision != 1 {
		t.Errorf("%+v, %v", recent, err)
	}
	s := trimtab.Segment{Workspace: "default", Endpoint: "e", Log: "labels", ID: "00000001", Digest: "sha256:a", Rows: 5, First: 1, Last: 9, Bytes: 77, Created: 100}
	for range 2 {
		if err := db.Segments.Put(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	s.Digest = "sha256:b"
	if err := db.Segments.Put(ctx, s); !trimtab.IsKind(err, trimtab.Conflict) {
		t.Errorf("other bytes: %v", err)
	}
	if all, err := db.Segments.List(ctx, "e", "labels"); err != nil || len(all) != 1 || all[0].Digest != "sha256:a" {
		t.Errorf("%+v, %v", all, err)
	}
	wantVerified(t, db)
}
