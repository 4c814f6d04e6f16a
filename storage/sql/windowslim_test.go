package sql

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

// richWindow is a window in which every field that pages show says something.
func richWindow(n int) trimtab.WindowResult {
	const hour = 3_600_000
	yes := n%3 == 0
	w := trimtab.WindowResult{Workspace: "default", Monitor: "m", Endpoint: "flüge/ü", Start: trimtab.Time(n * hour), End: trimtab.Time((n + 1) * hour), Through: trimtab.Time((n + 4) * hour),
		Versions: []trimtab.Version{3, 12}, Rows: int64(1000 + n), Labelled: int64(900 + n), Positives: 17, Late: int64(n % 2), Served: 12, Since: 5, Held: 3, Quarantined: 8,
		Quality:     []trimtab.Quality{{Metric: "auc", Value: 0.1 + 0.2, HasInterval: true, Lo: 1e-300, Hi: .7, StdErr: .01}, {Metric: "log_loss", Value: -1. / 3}, {Metric: "rmse", HasInterval: true}},
		Estimated:   []trimtab.Quality{{Metric: "auc", Value: .7, Lo: .6, Hi: .8}},
		Calibration: []trimtab.Quality{{Metric: "calibration", Value: .01}},
		Reason:      "too few rows of one class", Reliable: &yes, Unreliable: "score moved",
		Scores:    []trimtab.VersionLoss{{Version: 1, Rows: 900, Loss: .31, Gain: -4.5, Trained: 77, Blocks: []trimtab.GainBlock{{Key: 19000, N: 900, Sum: -4.5, Sum2: 1.25}, {Key: -1, N: 1}}}, {Version: 2}},
		Incidents: []string{"e/drift/1", "e/decay/2"},
		Drift: []trimtab.ColumnDrift{
			{Column: "a", PSI: .1, Noise: .03, Effect: .1, P: .5, Q: .6, State: "ok", Missing: .25, Alone: "drift", Below: .1, Above: .2, Reference: "training of version 3"},
			{Column: "b", PSI: 1. / 3, Noise: .03, Effect: .1, State: "drift", Unseen: 1},
			{Column: "c", State: "unknown", Why: "no rows"},
			{Column: "d", PSI: 2e-9, Noise: .04, State: "suspect"},
			{Column: "d", PSI: .5, State: "of another release"}}}
	if n%4 == 1 {
		w.Drift = append(slices.Clone(w.Drift[2:]), trimtab.ColumnDrift{Column: "new", PSI: 1, State: "ok"})
	}
	return w
}

// shown leaves of a window what a slim form has.
func shown(w trimtab.WindowResult) trimtab.WindowResult {
	w.Drift = slices.Clone(w.Drift)
	for i, d := range w.Drift {
		w.Drift[i] = trimtab.ColumnDrift{Column: d.Column, PSI: d.PSI, Noise: d.Noise, Effect: d.Effect, Missing: d.Missing, Unseen: d.Unseen, State: d.State, Why: d.Why}
	}
	return w
}

func TestSlimWindows(t *testing.T) { engines(t, slimWindows) }

// What the slim forms say is what the bodies say: when they are written with their
// windows, when windows are closed and corrected, and when slim forms are absent,
// stale, or unreadable; then they are made anew.
func slimWindows(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	put := func(w trimtab.WindowResult) {
		t.Helper()
		if err := db.Windows.Put(ctx, w); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 12 {
		put(richWindow(n))
	}
	put(trimtab.WindowResult{Monitor: "m", Start: 12 * 3_600_000, End: 13 * 3_600_000, Phase: trimtab.WindowEstimated})
	put(trimtab.WindowResult{Monitor: "other", Start: 1, End: 2, Drift: []trimtab.ColumnDrift{{Column: "x", State: "ok"}}})
	same := func(when string) {
		t.Helper()
		for _, before := range []trimtab.Time{0, 5 * 3_600_000, 1} {
			for _, limit := range []int{0, 1, 4} {
				most := limit
				if limit == 0 {
					most = 1000
				}
				want, err := db.Windows.Recent(ctx, "m", before, most)
				if err != nil {
					t.Fatal(err)
				}
				for i := range want {
					want[i] = shown(want[i])
				}
				got, err := db.Windows.Slim(ctx, "m", before, limit)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s, %d before %d: %s", when, limit, before, d)
				}
			}
		}
	}
	count := func(where string, want int) {
		t.Helper()
		var n int
		if err := db.read(ctx, func(q *Query) error {
			return q.Row("SELECT COUNT(*) FROM window_slims s JOIN windows w ON w.workspace = s.workspace AND w.monitor = s.monitor AND w.start_time = s.start_time AND w.entry = s.entry WHERE " + where).Scan(&n)
		}); err != nil || n != want {
			t.Errorf("%d slim forms where %s, want %d, %v", n, where, want, err)
		}
	}
	exec := func(query string, args ...any) {
		t.Helper()
		if err := db.write(ctx, measured, func(tx *Tx) error { _, err := tx.Exec(query, args...); return err }); err != nil {
			t.Fatal(err)
		}
	}
	count("1 = 1", 14)
	same("as put")
	closed := richWindow(12)
	put(closed)
	closed.Revision, closed.Labelled = 1, 5000
	put(closed)
	same("closed and corrected")

	exec("DELETE FROM window_slims WHERE start_time < ?", int64(4*3_600_000))
	exec("UPDATE window_slims SET entry = 'of an earlier state', slim = ? WHERE start_time = ?", []byte{slimVersion}, int64(6*3_600_000))
	exec("UPDATE window_slims SET slim = ? WHERE start_time = ?", []byte{slimVersion, 0, 200}, int64(7*3_600_000))
	exec("UPDATE window_slims SET slim = ? WHERE start_time = ?", []byte{slimVersion + 1}, int64(8*3_600_000))
	count("s.monitor = 'm'", 8)
	same("absent, stale and unreadable")
	count("s.monitor = 'm'", 13)
	same("made anew")
	exec("DELETE FROM window_columns")
	same("without names of columns")
	same("with them again")
	count("s.monitor = 'm'", 13)
	if none, err := db.Windows.Slim(ctx, "none", 0, 0); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
	wantVerified(t, db)
}

// One read does not see the drift of the window after it.
func TestSlimDriftIsOfItsWindow(t *testing.T) {
	var r slimReader
	w := richWindow(0)
	columns := []string{"a", "b", "c", "d", "d"}
	got, err := r.read(appendSlim(nil, &w), w.Start, columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.read(appendSlim(nil, &w), w.Start, columns[:4], nil); err == nil {
		t.Error("a window of five columns was read with four names")
	}
	got.Workspace, got.Monitor = w.Workspace, w.Monitor
	if d := cmp.Diff(shown(w), got); d != "" {
		t.Error(d)
	}
	raw := appendSlim(nil, &w)
	for n := range raw {
		if _, err := r.read(raw[:n], w.Start, columns, nil); err == nil {
			t.Errorf("%d of %d bytes were read as a window", n, len(raw))
		}
	}
}

func FuzzSlimWindow(f *testing.F) {
	for n := range 3 {
		w := richWindow(n)
		f.Add(appendSlim(nil, &w), uint8(len(w.Drift)))
	}
	f.Add([]byte{slimVersion}, uint8(0))
	f.Fuzz(func(t *testing.T, raw []byte, columns uint8) {
		names := make([]string, columns)
		for i := range names {
			names[i] = fmt.Sprint(i)
		}
		var r slimReader
		w, err := r.read(raw, 1000, names, nil)
		if err != nil {
			return
		}
		again, err := r.read(appendSlim(nil, &w), 1000, names, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(appendSlim(nil, &w), appendSlim(nil, &again)) {
			t.Error("a window that was read is written and read as another")
		}
	})
}
