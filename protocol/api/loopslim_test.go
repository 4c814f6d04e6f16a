package api

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/storage/sql"
)

// whole are windows that can only be read in full.
type whole struct{ from *sql.Windows }

func (w whole) Recent(ctx context.Context, monitor string, before trimtab.Time, limit int) ([]trimtab.WindowResult, error) {
	return w.from.Recent(ctx, monitor, before, limit)
}

func (w whole) List(ctx context.Context, monitor string) ([]trimtab.WindowResult, error) {
	return w.from.List(ctx, monitor)
}

// hourly fills a database with windows of an hour.
func hourly(t testing.TB, windows, columns int) (*sql.DB, context.Context) {
	db, err := sql.Open(t.Context(), sql.Config{URL: filepath.Join(t.TempDir(), "trimtab.db")})
	if err != nil {
		t.Fatal(err)
	}
	runs, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(runs) }()
	t.Cleanup(func() { stop(); <-done; db.Close() })
	ctx := trimtab.WithCall(t.Context(), trimtab.Call{Workspace: "default", Actor: trimtab.Actor{Kind: trimtab.UserActor, ID: "x"}})
	const hour = trimtab.Time(3_600_000)
	states := []string{"ok", "suspect", "drift", "unknown"}
	for n := range windows {
		reliable := n%5 != 0
		x := math.Sin(float64(n))
		w := trimtab.WindowResult{Monitor: "m", Endpoint: "e", Start: trimtab.Time(n+1) * hour, End: trimtab.Time(n+2) * hour, Through: trimtab.Time(n+4) * hour, Rows: int64(900 + n%200), Labelled: int64(800 + n%200),
			Versions: []trimtab.Version{1, 2}, Served: 2, Held: int64(n % 3), Quarantined: 1, Late: int64(n % 2), Reliable: &reliable,
			Quality:     []trimtab.Quality{{Metric: "auc", Value: .7 + x/30, HasInterval: true, Lo: .6, Hi: .8}, {Metric: "log_loss", Value: .4 - x/30}},
			Estimated:   []trimtab.Quality{{Metric: "auc", Value: .7 + x/40}},
			Calibration: []trimtab.Quality{{Metric: "calibration", Value: x / 100}},
			Scores:      []trimtab.VersionLoss{{Version: 1, Rows: 800, Loss: .4, Gain: 3 * x, Blocks: []trimtab.GainBlock{{Key: int64(n / 24), N: 800, Sum: 3 * x, Sum2: x * x}}}}}
		if n%7 == 0 {
			w.Incidents = []string{"e/drift/1"}
		}
		if n > windows-3 {
			w.Phase, w.Quality, w.Scores = trimtab.WindowEstimated, nil, nil
		}
		for c := range columns {
			d := trimtab.ColumnDrift{Column: fmt.Sprintf("column_%03d", c), PSI: math.Abs(math.Sin(float64(n*(c+1)))) / 10, Noise: .02 + .01*x, Effect: .05, P: .3, Q: .7, Below: .01, State: states[(n+c)%3], Reference: "training of version 2"}
			if (n+c)%50 == 0 {
				d.State, d.Why, d.Missing = states[3], "no rows", 1
			}
			w.Drift = append(w.Drift, d)
		}
		w.Drift = append(w.Drift, trimtab.ColumnDrift{Column: "score", PSI: .3, Noise: .1, Effect: .2, State: "drift"})
		if err := db.Windows.Put(ctx, w); err != nil {
			t.Fatal(err)
		}
	}
	return db, ctx
}

// Pages say the same whether windows are read in full or slim.
func TestSlimAnswersAreThoseOfWholeWindows(t *testing.T) {
	db, ctx := hourly(t, 130, 12)
	spec := trimtab.MonitorSpec{Endpoint: "e", Window: "1h"}.WithDefaults()
	loop := func(windows Windows, points int) view.LoopPage {
		t.Helper()
		cfg := &Config{Windows: windows, Journal: db.Journal, Loop: Loop{Decisions: db.Decisions}}
		got, err := (&loopMemory{}).of(ctx, cfg, "m", "p")
		if err != nil || len(got.windows) != 130 {
			t.Fatalf("%d windows, %v", len(got.windows), err)
		}
		return view.LoopPageOf(view.LoopHistory{Endpoint: "e", Monitor: "m", Spec: spec, Windows: got.windows, Columns: got.columns, Borders: got.borders}, points)
	}
	for _, points := range []int{1000, 20} {
		slim, full := loop(db.Windows, points), loop(whole{db.Windows}, points)
		if a, b := say(t, slim), say(t, full); a != b {
			t.Errorf("%d points: slim\n%.2000s\nin full\n%.2000s", points, a, b)
		}
		if len(slim.Columns) != 13 || slim.Summary.ColumnWindows != 130*13 {
			t.Errorf("%d columns, %+v", len(slim.Columns), slim.Summary)
		}
	}
	facts := func(from RecentWindows) view.MonitorFacts {
		t.Helper()
		all, err := newestOf(ctx, from, "m", 100*3_600_000, 40)
		if err != nil || len(all) != 40 {
			t.Fatalf("%d windows, %v", len(all), err)
		}
		return view.MonitorFacts{Name: "m", Spec: spec, Windows: all}
	}
	slim, full := facts(db.Windows), facts(whole{db.Windows})
	if a, b := say(t, view.MonitorPageOf(slim, nil, true)), say(t, view.MonitorPageOf(full, nil, true)); a != b {
		t.Errorf("page: slim\n%.2000s\nin full\n%.2000s", a, b)
	}
	if a, b := view.LineOf(slim), view.LineOf(full); say(t, a) != say(t, b) {
		t.Errorf("line: slim %s, in full %s", say(t, a), say(t, b))
	}
	if reflect.DeepEqual(slim.Windows, full.Windows) {
		t.Error("the windows that were read slim are whole")
	}
}

func say(t *testing.T, v any) string {
	t.Helper()
	raw, err := trimtab.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// BenchmarkLoopPage is the page of a loop over a year of hours and a hundred columns:
// the first after a start, and those after it.
func BenchmarkLoopPage(b *testing.B) {
	db, ctx := hourly(b, 365*24, 100)
	if err := db.Journal.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	page := func(b *testing.B, m *loopMemory, windows Windows) {
		got, err := m.of(ctx, &Config{Windows: windows, Journal: db.Journal, Loop: Loop{Decisions: db.Decisions}}, "m", "p")
		if err != nil {
			b.Fatal(err)
		}
		p := view.LoopPageOf(view.LoopHistory{Endpoint: "e", Monitor: "m", Spec: trimtab.MonitorSpec{Window: "1h"}, Windows: got.windows, Columns: got.columns, Borders: got.borders}, 1000)
		if p.Windows != 365*24 {
			b.Fatalf("%d windows", p.Windows)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			page(b, &loopMemory{}, db.Windows)
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if err := db.Windows.EachSlim(ctx, "m", 0, 0, func(trimtab.WindowResult) {}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		var m loopMemory
		for b.Loop() {
			page(b, &m, db.Windows)
		}
	})
	b.Run("full", func(b *testing.B) {
		for b.Loop() {
			page(b, &loopMemory{}, whole{db.Windows})
		}
	})
}
