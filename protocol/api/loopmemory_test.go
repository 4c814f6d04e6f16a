package api

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/sql"
)

// counted counts how often all windows, and how often one, were read.
type counted struct {
	*sql.Windows
	pieces, single int
}

func (c *counted) EachSlim(ctx context.Context, monitor string, before trimtab.Time, limit int, take func(trimtab.WindowResult)) error {
	if limit == 1 {
		c.single++
	} else {
		c.pieces++
	}
	return c.Windows.EachSlim(ctx, monitor, before, limit, take)
}

// What is kept of windows and decisions follows the journal: only what changed is
// read again, corrections are seen, and what other monitors do costs nothing.
func TestLoopMemory(t *testing.T) {
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
	put := func(monitor string, n, rows, revision int) {
		t.Helper()
		w := trimtab.WindowResult{Monitor: monitor, Endpoint: "e", Start: trimtab.Time(n) * hour, End: trimtab.Time(n+1) * hour, Rows: int64(rows), Revision: revision, Drift: []trimtab.ColumnDrift{{Column: "c", PSI: float64(rows), Noise: 1, State: "ok"}}}
		if err := db.Windows.Put(ctx, w); err != nil {
			t.Fatal(err)
		}
	}
	decide := func(n int, action trimtab.Action) {
		t.Helper()
		at := trimtab.Time(n+1) * hour
		d := trimtab.Decision{ID: trimtab.DecisionID("p", at), Policy: "p", At: at, Window: trimtab.Time(n) * hour, Action: action}
		if _, err := db.Decisions.Move(ctx, d.ID, func(*trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
			return d, trimtab.Changed("x", nil, d, ""), nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	sequenced := func() { // the journal names what was written
		t.Helper()
		if err := db.Journal.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	read := &counted{Windows: db.Windows}
	cfg := &Config{Windows: read, Journal: db.Journal, Loop: Loop{Decisions: db.Decisions}}
	var m loopMemory
	know := func(windows, acted, pieces, single int) remembered {
		t.Helper()
		sequenced()
		got, err := m.of(ctx, cfg, "m", "p")
		if err != nil {
			t.Fatal(err)
		}
		if len(got.windows) != windows || len(got.acted) != acted || read.pieces != pieces || read.single != single {
			t.Errorf("%d windows, %d decisions, %d pieces and %d single windows were read, want %d, %d, %d, %d", len(got.windows), len(got.acted), read.pieces, read.single, windows, acted, pieces, single)
		}
		return got
	}
	for n := range 620 {
		put("m", n, 1, 0)
	}
	decide(0, trimtab.DoNothing)
	know(620, 0, 1, 0)
	know(620, 0, 1, 0)
	put("m", 620, 1, 0)
	put("m", 3, 9, 1)
	put("other", 1, 1, 0)
	decide(1, trimtab.DoRetrain)
	got := know(621, 1, 1, 2)
	if got.windows[3].Rows != 9 || got.windows[3].Moves[0].PSI != 9 || got.windows[620].Start != 620*hour || got.borders[0] != hour || got.borders[hour] != 2*hour {
		t.Errorf("window 3 has %d rows, borders %v", got.windows[3].Rows, got.borders)
	}
	for n := 621; n < 621+changesTaken+1; n++ { // too much to read one by one
		put("m", n, 1, 0)
	}
	know(621+changesTaken+1, 1, 2, 2)
}

func FuzzReadMark(f *testing.F) {
	for _, seed := range []string{"", "0,x", "1362096000000,flights@20130301T000000", "-1,a,b", ",", "x,y", "9223372036854775808,a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		m, err := readMark(token)
		if err != nil {
			if !trimtab.IsKind(err, trimtab.Invalid) {
				t.Errorf("%q: %v", token, err)
			}
			return
		}
		if m == (pageMark{}) {
			return
		}
		if again, err := readMark(string(m.token())); err != nil || again != m {
			t.Errorf("%q reads as %+v, its token as %+v, %v", token, m, again, err)
		}
	})
}
