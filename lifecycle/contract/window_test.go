package contract_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/traffic"
)

const dayMS = trimtab.Time(24 * 3600 * 1000)

// began is the first moment of the history that these tests tell: 2013-02-10.
const began = 15746 * dayMS

// databases runs a test on both databases.
func databases(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorld(t, postgres.URL(t))) })
}

// world is a database and an object store.
type world struct {
	t     *testing.T
	db    *sql.DB
	blobs blob.Store
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	key, err := journal.LoadKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(t.Context(), sql.Config{URL: url, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		db.Close()
	})
	blobs, err := blob.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, db, blobs}
}

// contracts declares a contract and returns the contracts of the world.
func (w *world) contracts(name string, spec trimtab.DataContractSpec, crash func(string) error) *contract.Contracts {
	w.t.Helper()
	body, err := trimtab.Canonical(spec)
	if err != nil {
		w.t.Fatal(err)
	}
	write := trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace, Kind: trimtab.KindDataContract, Name: name, Spec: body}}
	if err := w.db.Resources.Apply(w.t.Context(), []trimtab.ResourceWrite{write}); err != nil {
		w.t.Fatal(err)
	}
	return w.restarted(crash)
}

func (w *world) restarted(crash func(string) error) *contract.Contracts {
	w.t.Helper()
	cs, err := contract.New(contract.Config{Resources: w.db.Resources, Results: w.db.Contracts, Incidents: w.db.Incidents, Blobs: w.blobs, Crash: crash})
	if err != nil {
		w.t.Fatal(err)
	}
	return cs
}

// held are the winds that were quarantined at the door, with the rule.
var held = map[float64]string{300: "flights/wind_speed.range", 400: "flights/wind_speed.range", 500: "flights/wind_speed.range", 1048.36: "flights/wind_speed.range", 70: "flights/wind_speed.unknown"}

// window makes the rows of a day: winds, one an hour.
func window(day int, winds ...float64) (trimtab.ContractWindow, iter.Seq2[*traffic.Rows, error]) {
	start := began + trimtab.Time(day)*dayMS
	w := trimtab.ContractWindow{Monitor: "m", Endpoint: "flights", Start: start, End: start + dayMS, At: start + 2*dayMS}
	return w, func(yield func(*traffic.Rows, error) bool) {
		for i, v := range winds { // in batches of one row
			c := &table.Column{Name: "wind_speed", Type: table.Float64, Float64s: []float64{v}}
			in, err := table.New(c)
			r := &traffic.Rows{IDs: []string{fmt.Sprintf("d%d-%d", day, i)}, EventTimes: []trimtab.Time{start + trimtab.Time(i)*3600_000}, Inputs: in, Quarantine: []string{held[v]}}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (w *world) incidents() []trimtab.Incident {
	w.t.Helper()
	all, err := w.db.Incidents.List(w.t.Context(), trimtab.DocumentQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// entries counts what the journal tells of results and incidents.
func (w *world) entries() (n int) {
	w.t.Helper()
	all, err := w.db.Journal.Entries(w.t.Context(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range all {
		if e.Object.Kind == "incident" || e.Object.Kind == "contractResult" {
			n++
		}
	}
	return n
}

func (w *world) judge(cs *contract.Contracts, day int, winds ...float64) trimtab.ContractResult {
	w.t.Helper()
	win, rows := window(day, winds...)
	r, err := cs.Judge(w.t.Context(), win, rows)
	if err != nil || len(r) != 1 {
		w.t.Fatal(r, err)
	}
	return r[0]
}

var limit = 200.0

func flights(onFail string) trimtab.DataContractSpec {
	return trimtab.DataContractSpec{Endpoint: "flights", OnFail: onFail, Columns: map[string]trimtab.ColumnRule{"wind_speed": {Max: &limit}}}
}

// TestBreachLasts: a breach is one incident while it lasts, holds the quarantined rows of its span, and ends where the
// first good window begins.
func TestBreachLasts(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		cs := w.contracts("flights", flights("quarantine"), nil)
		r := w.judge(cs, 0, 5, 6)
		if !r.Passed || r.FailingRows != "" || len(w.incidents()) != 0 {
			t.Fatalf("a good window: %+v, %+v", r, w.incidents())
		}
		r = w.judge(cs, 1, 5, 1048.36, 6)
		if r.Passed || r.Rows != 3 || r.Failed != 1 || r.Subject != "window 2013-02-11T00:00:00Z of m" {
			t.Fatalf("got %+v", r)
		}
		kept, err := w.db.Contracts.Get(t.Context(), r.Object().Name)
		if err != nil || !reflect.DeepEqual(kept, r) {
			t.Errorf("kept %+v, %v; want %+v", kept, err, r)
		}
		object, err := w.blobs.Open(t.Context(), r.FailingRows)
		if err != nil {
			t.Fatal(err)
		}
		defer object.Close()
		failing, err := table.ReadParquet(object, object.Size(), table.ParquetOptions{})
		if err != nil || failing.Rows() != 1 || failing.Column("key").Strings[0] != "d1-1" || failing.Column("value").Strings[0] != "1048.36" {
			t.Errorf("failing rows %+v, %v", failing, err)
		}
		all := w.incidents()
		if len(all) != 1 {
			t.Fatalf("incidents %+v", all)
		}
		i := all[0]
		if i.ID != "flights.breach.flights.wind_speed.range.20130211T000000" || i.Kind != trimtab.Breach || !i.Hold || i.Rule != "flights/wind_speed.range" ||
			i.Begin != began+dayMS || i.Found != began+3*dayMS || i.End != 0 || i.Rows != 3 || i.Bad != 1 || i.Severity != trimtab.Critical ||
			!slices.Equal(i.Columns, []string{"wind_speed"}) || i.Cause != "contract flights: wind_speed.range: 1 of 3 rows, first 1048.36 at d1-1 (expected at most 200)" {
			t.Errorf("incident %+v", i)
		}
		w.judge(cs, 2, 300, 400)
		told := w.entries()
		w.judge(cs, 2, 300, 400)                                                          // judged again: counts once, and nothing is recorded anew
		if again := w.entries(); again != told && strings.HasSuffix(t.Name(), "sqlite") { // PostgreSQL puts entries in order a moment later
			t.Errorf("%d journal entries, %d after judging again", told, again)
		}
		if all = w.incidents(); len(all) != 1 || all[0].Bad != 3 || all[0].Rows != 5 || all[0].Closed != 0 {
			t.Errorf("incident %+v", all)
		}
		w.judge(cs, 3, 5)
		if all = w.incidents(); len(all) != 1 || all[0].End != began+3*dayMS || all[0].Closed != began+5*dayMS {
			t.Errorf("incident %+v", all)
		}
		w.judge(cs, 1, 5, 1048.36, 6) // an old window again opens nothing
		w.judge(cs, 4, 500)
		if all = w.incidents(); len(all) != 2 || all[0].Begin != began+4*dayMS {
			t.Errorf("incidents %+v", all)
		}
		// What quarantined a row and what releases it bear one name.
		rows, err := table.New(&table.Column{Name: "wind_speed", Type: table.Float64, Float64s: []float64{500}})
		if err != nil {
			t.Fatal(err)
		}
		held, err := cs.Check(trimtab.DefaultWorkspace, "flights", rows)
		if err != nil || len(held) != 1 {
			t.Fatal(held, err)
		}
		hold, ok := all[0].Held()
		if why := trimtab.HeldRow([]trimtab.Hold{hold}, began+4*dayMS, held[0]); !ok || why != "quarantined: flights/wind_speed.range" {
			t.Errorf("before the release: %q", why)
		}
		released, _, err := all[0].Release("an", "the unit changed")
		if err != nil {
			t.Fatal(err)
		}
		hold, _ = released.Held()
		if why := trimtab.HeldRow([]trimtab.Hold{hold}, began+4*dayMS, held[0]); why != "" {
			t.Errorf("after the release: %q", why)
		}
	})
}

// TestToleratedRowsAreHeldOpenly: within a tolerance the window passes, and the incident that holds its rows informs.
func TestToleratedRowsAreHeldOpenly(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	spec := flights("quarantine")
	spec.Columns["wind_speed"] = trimtab.ColumnRule{Max: &limit, MaxOutside: 0.5}
	cs := w.contracts("flights", spec, nil)
	r := w.judge(cs, 0, 5, 300)
	all := w.incidents()
	if !r.Passed || len(all) != 1 || all[0].Severity != trimtab.Info || !all[0].Hold {
		t.Fatalf("%+v: %+v", r, all)
	}
	w.judge(cs, 1, 300, 300)
	if all = w.incidents(); all[0].Severity != trimtab.Critical {
		t.Errorf("got %+v", all)
	}
}

// TestRulesTakenBack: rows that a rule quarantined which is no more are held openly too, and the incident ends with them.
func TestRulesTakenBack(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	cs := w.contracts("flights", flights("quarantine"), nil)
	w.judge(cs, 0, 5, 70)
	all := w.incidents()
	if len(all) != 1 || !all[0].Hold || all[0].Rule != "flights/wind_speed.unknown" || all[0].Bad != 1 || all[0].Severity != trimtab.Info ||
		all[0].Cause != "contract flights: wind_speed.unknown quarantined 1 rows before it was taken back" {
		t.Fatalf("incidents %+v", all)
	}
	w.judge(cs, 1, 5, 5)
	if all = w.incidents(); all[0].End != began+dayMS || all[0].Note != "no contract demands it any more" {
		t.Errorf("incidents %+v", all)
	}
	// A rule that was loosened, so that the rows it quarantined pass now.
	held[6] = "flights/wind_speed.range"
	defer delete(held, 6)
	w.judge(cs, 2, 5, 6)
	if all = w.incidents(); len(all) != 2 || all[0].Bad != 1 || all[0].Cause != "contract flights: wind_speed.range quarantined 1 rows by what it demanded before" {
		t.Errorf("incidents %+v", all)
	}
	// And with the contract gone.
	r, err := w.db.Resources.Get(t.Context(), trimtab.KindDataContract, "flights")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.Resources.Apply(t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.DeleteVerb, Resource: r}}); err != nil {
		t.Fatal(err)
	}
	win, rows := window(3, 5, 6)
	win.Quarantined = 1
	if found, err := cs.Judge(t.Context(), win, rows); err != nil || len(found) != 0 {
		t.Fatal(found, err)
	}
	if all = w.incidents(); len(all) != 2 || all[0].Closed != 0 || all[0].Bad != 2 {
		t.Errorf("incidents %+v", all)
	}
	win, _ = window(4)
	unread := func(func(*traffic.Rows, error) bool) { t.Error("rows were read for nothing") }
	if found, err := cs.Judge(t.Context(), win, unread); err != nil || len(found) != 0 {
		t.Fatal(found, err)
	}
	if all = w.incidents(); len(all) != 2 || all[0].Closed == 0 {
		t.Errorf("incidents %+v", all)
	}
}

func TestReportAndWarning(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	spec := flights("report")
	low := 10.0
	spec.Columns["temp"] = trimtab.ColumnRule{Severity: "warning"}
	spec.Columns["wind_speed"] = trimtab.ColumnRule{Min: &low}
	cs := w.contracts("flights", spec, nil)
	w.judge(cs, 0, 5, 12)
	if all := w.incidents(); len(all) != 1 || all[0].Hold || all[0].Rule != "flights/wind_speed.range" {
		t.Errorf("a breach that only reports holds nothing, a warning opens nothing: %+v", all)
	}
}

var errCrash = errors.New("killed here")

// TestCrashAtAnyPoint: wherever judging is cut, judging again leads to the same records.
func TestCrashAtAnyPoint(t *testing.T) {
	spec := flights("quarantine")
	low := 5.5
	spec.Columns["wind_speed"] = trimtab.ColumnRule{Max: &limit, Min: &low, MaxMissing: new(float64)}
	spec.RowCount = &trimtab.RowCountRule{Min: 3}
	days := [][]float64{{6, 7, 8}, {5, 1048.36}, {300, 400}, {6, 7, 9}}
	tell := func(t *testing.T, w *world, at int) ([]trimtab.Incident, int) {
		calls := 0
		crash := func(string) error {
			if calls++; calls == at {
				return errCrash
			}
			return nil
		}
		cs := w.contracts("flights", spec, crash)
		for day, winds := range days {
			win, rows := window(day, winds...)
			_, err := cs.Judge(t.Context(), win, rows)
			if errors.Is(err, errCrash) {
				cs = w.restarted(crash)
				_, err = cs.Judge(t.Context(), win, rows)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return w.incidents(), calls
	}
	databases(t, func(t *testing.T, w *world) {
		want, calls := tell(t, w, 0)
		if len(want) != 2 || calls < 12 {
			t.Fatalf("%d calls: %+v", calls, want)
		}
		for at := 1; at <= calls; at++ {
			if strings.HasSuffix(t.Name(), "postgres") && at%3 != 1 { // each database is created anew
				continue
			}
			var again *world
			if strings.HasSuffix(t.Name(), "postgres") {
				again = newWorld(t, postgres.URL(t))
			} else {
				again = newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
			}
			if got, _ := tell(t, again, at); !reflect.DeepEqual(got, want) {
				t.Errorf("cut at %d: %+v\nwant %+v", at, got, want)
			}
		}
	})
}

func TestSnapshot(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	source, err := json.Marshal(trimtab.SourceSpec{Path: "x.csv", Key: []string{"id"}, EventTime: "at"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.Resources.Apply(t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb, Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace, Kind: trimtab.KindDataSource, Name: "s", Spec: source}}}); err != nil {
		t.Fatal(err)
	}
	spec := trimtab.DataContractSpec{Source: "s", OnFail: "reject", Columns: map[string]trimtab.ColumnRule{"wind_speed": {Max: &limit}, "temp": {Max: &limit, OnFail: "quarantine"}},
		Freshness: &trimtab.FreshnessRule{MaxAge: trimtab.Duration(24 * 3600 * 1e9)}}
	cs := w.contracts("s", spec, nil)
	rows := func(text string) (*table.Table, iter.Seq2[*table.Table, error]) {
		tab, err := table.ReadCSV(strings.NewReader(text), table.CSVOptions{})
		return tab, func(yield func(*table.Table, error) bool) { yield(tab, err) }
	}
	snap := trimtab.Snapshot{Digest: trimtab.DigestOf([]byte("x")), Source: "s", AsOf: began + dayMS}
	_, good := rows("at,wind_speed,temp\n2013-02-10T12:00:00Z,5,6\n")
	r, err := cs.Snapshot(t.Context(), snap, good)
	if err != nil || len(r) != 1 || !r[0].Passed {
		t.Fatal(r, err)
	}
	kept, err := w.db.Contracts.List(t.Context(), trimtab.DocumentQuery{Scope: "s"})
	if err != nil || len(kept) != 1 || kept[0].Subject != "snapshot "+string(snap.Digest) {
		t.Errorf("kept %+v, %v", kept, err)
	}
	bad, batches := rows("at,wind_speed,temp\n2013-02-10T12:00:00Z,1048.36,6\n2013-02-10T12:00:00Z,5,600\n")
	_, err = cs.Snapshot(t.Context(), snap, batches)
	if !trimtab.IsKind(err, trimtab.Precondition) || !strings.Contains(trimtab.Message(err), `the rows of DataSource "s" break the contract s: wind_speed.range: 1 of 2 rows, first 1048.36 at row 1`) {
		t.Errorf("got %v", err)
	}
	if got, err := cs.Screen(trimtab.DefaultWorkspace, "s", bad); err != nil || !slices.Equal(got, []string{"", "s/temp.range"}) {
		t.Errorf("screened %q", got)
	}
	_, old := rows("at,wind_speed,temp\n2013-02-08T12:00:00Z,5,6\n")
	if _, err = cs.Snapshot(t.Context(), snap, old); !trimtab.IsKind(err, trimtab.Precondition) || !strings.Contains(trimtab.Message(err), "freshness: newest row of 2013-02-08T12:00:00Z") {
		t.Errorf("got %v", err)
	}
	failed := errors.New("the disk is gone")
	if _, err = cs.Snapshot(t.Context(), snap, func(yield func(*table.Table, error) bool) { yield(nil, failed) }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
}
