package monitor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/traffic"
)

// served is a row of a made-up history: temperature in degrees Fahrenheit, wind
// and a place decide on the label. The model knows them well.
type servedRow struct {
	at          trimtab.Time
	temp, wind  float64
	dew         float64 // goes with the temperature
	place       string
	score, own  float64 // of version 1, and what version 2 would say
	label       float64
	quarantined string
	unlabelled  bool
	late        bool // its label is known two days after it
}

const hourMS = dayMS / 24

// weather makes rows from one hour to another, counted from began.
func weather(from, to, perHour int) (rows []servedRow) {
	r := rand.New(rand.NewPCG(11, uint64(from+1000)))
	for h := from; h < to; h++ {
		base := 55 + 12*math.Sin(float64(h)/24*2*math.Pi) + math.Sin(float64(h)/71)
		for i := range perHour {
			x := servedRow{at: began + trimtab.Time(h)*hourMS + trimtab.Time(i)*hourMS/trimtab.Time(perHour), temp: math.Round(10*(base+3*r.NormFloat64())) / 10,
				wind: math.Round(10*math.Abs(8+4*r.NormFloat64())) / 10, place: []string{"north", "south", "east"}[r.IntN(3)]}
			x.dew = math.Round(10*(x.temp-12+2*r.NormFloat64())) / 10
			p := 1 / (1 + math.Exp(-(x.temp-55)/8-(x.wind-8)/6))
			if r.Float64() < p {
				x.label = 1
			}
			x.score, x.own = 0.5+0.6*(p-0.5), p
			rows = append(rows, x)
		}
	}
	return rows
}

// models is a lineage: version 1 has learnt from a snapshot, version 2 from the same.
type models struct{ snapshot trimtab.Digest }

func (m models) Lineage(_ context.Context, model trimtab.ModelName, v trimtab.Version) (trimtab.Lineage, bool, error) {
	return trimtab.Lineage{Model: model, Version: v, Until: began, Snapshot: m.snapshot, Source: "weather"}, true, nil
}

// scorer scores with version 2 by the true rule; other versions it does not know.
type scorer struct{}

func (scorer) Score(_ context.Context, _ trimtab.Workspace, _ trimtab.ModelName, v trimtab.Version, t *table.Table) ([]float64, error) {
	if v != 2 {
		return nil, trimtab.Errorf(trimtab.NotFound, "version", "no such version")
	}
	temp, wind := t.Column("temp"), t.Column("wind")
	out := make([]float64, t.Rows())
	for i := range out {
		a, _ := temp.Float(i)
		b, _ := wind.Float(i)
		out[i] = 1 / (1 + math.Exp(-(a-55)/8-(b-8)/6))
	}
	return out, nil
}

func inputsOf(rows []servedRow) *table.Table {
	temp, dew, wind := table.NewColumn("temp", table.Float64, len(rows)), table.NewColumn("dew", table.Float64, len(rows)), table.NewColumn("wind", table.Float64, len(rows))
	place := table.NewColumn("place", table.String, len(rows))
	for _, x := range rows {
		temp.AppendFloat64(x.temp)
		dew.AppendFloat64(x.dew)
		wind.AppendFloat64(x.wind)
		place.AppendString(x.place)
	}
	t, _ := table.New(temp, dew, wind, place)
	return t
}

// snapshot keeps training rows as a pipeline does.
func (w *world) snapshot(rows []servedRow) (blob.Store, trimtab.Digest) {
	w.t.Helper()
	t := inputsOf(rows)
	at := table.NewColumn("at", table.Datetime, len(rows))
	for _, x := range rows {
		at.AppendInt64(int64(x.at) * 1e6)
	}
	t.Columns = append(t.Columns, at)
	var body bytes.Buffer
	if err := table.WriteParquet(&body, t, table.ParquetOptions{}); err != nil {
		w.t.Fatal(err)
	}
	store, err := blob.OpenDisk(w.t.TempDir())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { store.Close() })
	d, _, err := store.Put(w.t.Context(), &body)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.db.Resources.Apply(w.t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb, Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace,
		Kind: trimtab.KindDataSource, Name: "weather", Spec: encode(w.t, trimtab.SourceSpec{Path: "w.csv", Digest: d, Key: []string{"id"}, EventTime: "at"})}}}); err != nil {
		w.t.Fatal(err)
	}
	return store, d
}

// deliver logs rows in [from, border) and the labels known by then: five hours after the row.
func (w *world) deliver(name string, rows []servedRow, from, border trimtab.Time) {
	w.t.Helper()
	l := w.log(name)
	b := &traffic.Batch{Version: 1, Watermark: from, OutputNames: []string{"prediction"}}
	var labels []traffic.Label
	var sent []servedRow
	for i, x := range rows {
		if x.at >= from && x.at < border {
			b.IDs, b.EventTimes, b.Outputs = append(b.IDs, fmt.Sprintf("r%d", i)), append(b.EventTimes, x.at), append(b.Outputs, x.score)
			b.Quarantine = append(b.Quarantine, x.quarantined)
			sent = append(sent, x)
		}
		known := x.at + 5*hourMS
		if x.late {
			known = x.at + 2*dayMS
		}
		if !x.unlabelled && known > from && known <= border {
			labels = append(labels, traffic.Label{ID: fmt.Sprintf("r%d", i), Value: x.label, EventTime: x.at, KnownAt: known})
		}
	}
	b.Inputs = inputsOf(sent)
	if len(sent) > 0 {
		if _, err := l.Append(w.t.Context(), b); err != nil {
			w.t.Fatal(err)
		}
	}
	if _, err := l.AppendLabels(w.t.Context(), &traffic.LabelBatch{Labels: labels, Watermark: from}); err != nil {
		w.t.Fatal(err)
	}
}

// loopWorld is a world with training rows and a versions' scorer.
type loopWorld struct {
	*world
	cfg   monitor.Config
	rows  []servedRow
	until trimtab.Time
	after func(name string, border trimtab.Time) // called at each border when the monitor has come through it
}

func newLoopWorld(w *world) *loopWorld {
	store, digest := w.snapshot(weather(-24*14, 0, 12))
	cfg := w.config()
	cfg.Incidents, cfg.Rollouts, cfg.Models, cfg.Scorer, cfg.Blobs = w.db.Incidents, w.db.Rollouts, models{digest}, scorer{}, store
	rows := weather(0, 24*8, 12)
	for i := range rows {
		x := &rows[i]
		switch {
		case x.at >= faultBegin && x.at < faultEnd: // degrees Celsius
			x.temp = math.Round(10*(x.temp-32)/1.8) / 10
		case i%50 == 7:
			x.quarantined = "wind.max"
		}
	}
	return &loopWorld{world: w, cfg: cfg, rows: rows, until: began + 8*dayMS + 12*hourMS}
}

const (
	faultBegin = began + 3*dayMS + 6*hourMS
	faultEnd   = began + 5*dayMS + 17*hourMS
)

// told is what a monitor has left behind.
type told struct {
	Windows   []trimtab.WindowResult
	Incidents []trimtab.Incident
}

// only is the one incident of a kind.
func (x told) only(t *testing.T, kind trimtab.IncidentKind) (out trimtab.Incident) {
	t.Helper()
	n := 0
	for _, i := range x.Incidents {
		if i.Kind == kind {
			out = i
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%d incidents of kind %s: %+v", n, kind, x.Incidents)
	}
	return out
}

// tell lives through the history; the monitor is killed at the n-th point, 0 for never, and started again.
func (w *loopWorld) tell(name string, spec trimtab.MonitorSpec, n int) (told, int) {
	w.t.Helper()
	w.declare(name, spec)
	// A rollout to version 2 makes it a candidate; it was rolled back before.
	if _, err := w.db.Rollouts.Move(w.t.Context(), name+".1", func(*trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
		r := trimtab.Rollout{ID: name + ".1", Endpoint: name, Model: "m", From: 2, To: 1, State: trimtab.RolloutPromoted, Begun: began - dayMS, Ended: began - hourMS}
		return r, trimtab.Changed("rollout.begin", nil, r, ""), nil
	}); err != nil {
		w.t.Fatal(err)
	}
	calls := 0
	cfg := w.cfg
	cfg.Crash = func(string) error {
		if calls++; calls == n {
			return errCrash
		}
		return nil
	}
	m := monitor.New(cfg)
	for from := began; from < w.until; {
		border := from + 12*hourMS
		w.deliver(name, w.rows, from, border)
		w.advance(name, border)
		err := m.Reconcile(w.t.Context(), trimtab.DefaultWorkspace, name)
		if errors.Is(err, errCrash) {
			m = monitor.New(cfg)
			err = m.Reconcile(w.t.Context(), trimtab.DefaultWorkspace, name)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if w.after != nil {
			w.after(name, border)
		}
		from = border
	}
	out := told{Windows: w.windows(name)}
	var err error
	if out.Incidents, err = w.db.Incidents.List(w.t.Context(), trimtab.DocumentQuery{Scope: name}); err != nil {
		w.t.Fatal(err)
	}
	for i := range out.Incidents { // what tells two endpoints apart
		x := &out.Incidents[i]
		x.ID, x.Remedy = strings.ReplaceAll(x.ID, name+".", "E."), strings.ReplaceAll(x.Remedy, name+".", "E.")
		x.Endpoint, x.Monitor = "", ""
	}
	for _, x := range out.Windows {
		for k, id := range x.Incidents {
			x.Incidents[k] = strings.ReplaceAll(id, name+".", "E.")
		}
	}
	return out, calls
}

var loopSpec = trimtab.MonitorSpec{Window: "1d", LabelMaturity: trimtab.Duration(12 * time.Hour)}

// TestFaultIsHeld injects another unit for two days: the fault is found at the end of
// the first window that has it, from the right row on, its rows are in no figure,
// and it ends where the rows are right again.
func TestFaultIsHeld(t *testing.T) {
	w := newLoopWorld(newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")))
	got, _ := w.tell("e", loopSpec, 0)
	f := got.only(t, trimtab.DataFault)
	if f.Begin != faultBegin || f.End != faultEnd || f.Found != began+4*dayMS || f.Closed != began+6*dayMS || !f.Hold || f.Fault != "unit" || len(f.Columns) != 1 || f.Columns[0] != "temp" {
		t.Errorf("the fault: %+v", f)
	}
	for d, x := range got.Windows {
		bad, out := int64(0), int64(0)
		for _, r := range w.rows {
			switch {
			case r.at < x.Start || r.at >= x.End:
			case r.at >= faultBegin && r.at < faultEnd:
				bad++
			case r.quarantined != "":
				out++
			}
		}
		if x.Held != bad || x.Quarantined != out || x.Rows != 288 {
			t.Errorf("day %d: %d held, %d quarantined of %d; want %d, %d of 288", d, x.Held, x.Quarantined, x.Rows, bad, out)
		}
		if x.Closed() && x.Labelled != x.Rows-bad-out {
			t.Errorf("day %d: %d labelled of %d clean ones", d, x.Labelled, x.Rows-bad-out)
		}
		if slices.Contains(x.Incidents, f.ID) != (bad > 0) {
			t.Errorf("day %d: incidents %v", d, x.Incidents)
		}
		for _, c := range x.Drift {
			if c.State == "drift" {
				t.Errorf("day %d: %+v", d, c)
			}
		}
		w.wantLosses(x)
	}
}

// wantLosses recomputes what version 2 would have saved.
func (w *loopWorld) wantLosses(x trimtab.WindowResult) {
	w.t.Helper()
	loss := func(y, p float64) float64 {
		if y == 1 {
			return -math.Log(p)
		}
		return -math.Log1p(-p)
	}
	var gain, own float64
	var n int64
	for _, r := range w.rows {
		if r.at < x.Start || r.at >= x.End || r.quarantined != "" || r.at >= faultBegin && r.at < faultEnd {
			continue
		}
		n++
		own += loss(r.label, r.own)
		gain += loss(r.label, r.score) - loss(r.label, r.own)
	}
	if !x.Closed() || n == 0 {
		if len(x.Scores) != 0 {
			w.t.Errorf("window %s: %+v", x.Start, x.Scores)
		}
		return
	}
	if len(x.Scores) != 2 || x.Scores[0].Version != 1 || x.Scores[0].Gain != 0 || x.Scores[1].Version != 2 {
		w.t.Fatalf("window %s: %+v", x.Start, x.Scores)
	}
	s := x.Scores[1]
	if s.Rows != n || math.Abs(s.Gain-gain) > 1e-9 || math.Abs(s.Loss-own/float64(n)) > 1e-9 || len(s.Blocks) != 1 || s.Blocks[0].Key != int64(x.Start/dayMS) || s.Trained != began {
		w.t.Errorf("window %s: %+v, want gain %v over %d rows", x.Start, s, gain, n)
	}
}

// TestCorrected has labels that come after a window was closed: it is measured again at later borders, once for each
// that knows more, with a journal entry of its own, and rows that come late join no closed window.
func TestCorrected(t *testing.T) {
	w := newLoopWorld(newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")))
	w.rows = weather(0, 24*8, 12)
	w.on(1, 2, func(i int, x *servedRow) { x.late = i%9 == 0 })
	w.on(3, 4, func(i int, x *servedRow) { x.unlabelled = i%9 == 0 })
	w.after = func(name string, border trimtab.Time) {
		if border == began+5*dayMS { // a row of the second day, and its label
			if _, err := w.log(name).Append(t.Context(), &traffic.Batch{Version: 1, Watermark: border, OutputNames: []string{"prediction"},
				IDs: []string{"late"}, EventTimes: []trimtab.Time{began + 3*dayMS/2}, Outputs: []float64{.5}, Inputs: inputsOf(w.rows[:1])}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.log(name).AppendLabels(t.Context(), &traffic.LabelBatch{Watermark: border, Labels: []traffic.Label{{ID: "late", Value: 1, KnownAt: border + 1}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, _ := w.tell("ep", loopSpec, 0)
	for d, x := range got.Windows {
		rows, revision := int64(288), 0
		switch d {
		case 1:
			revision = 2 // labels of the morning came by the next window's closing, the others by the one after
		case 3:
			rows -= 32
		}
		if x.Closed() && (x.Labelled != rows || x.Rows != 288 || x.Revision != revision || len(x.Scores) != 2 || x.Scores[0].Rows != rows) {
			t.Errorf("day %d: %d labelled of %d, revision %d, %+v", d, x.Labelled, x.Rows, x.Revision, x.Scores)
		}
	}
	var actions []string
	entries, err := w.db.Journal.Entries(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Object.Kind == "window" && e.Object.Version == (began+dayMS).String() {
			actions = append(actions, e.Action)
		}
	}
	if d := cmp.Diff([]string{"window.estimate", "window.close", "window.correct", "window.correct"}, actions); d != "" {
		t.Error(d)
	}
}

// TestFoundKilledAnywhere kills a monitor between any two effects while a fault
// comes and goes: windows and incidents are the same as without a kill.
func TestFoundKilledAnywhere(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		l := newLoopWorld(w)
		l.on(1, 3, func(i int, x *servedRow) { x.late = i%9 == 0 })
		want, calls := l.tell("whole", loopSpec, 0)
		if len(want.Incidents) == 0 || calls < 20 {
			t.Fatalf("%d incidents, %d points", len(want.Incidents), calls)
		}
		// Every point on one database; on the other every fifth, or all of them with TRIMTAB_FULL.
		every := 1
		if strings.Contains(t.Name(), "postgres") && os.Getenv("TRIMTAB_FULL") == "" {
			every = 5
		}
		for n := 1; n <= calls; n += every {
			got, _ := l.tell(fmt.Sprintf("k%d", n), loopSpec, n)
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("killed at point %d of %d:\n%s", n, calls, d)
			}
		}
	})
}
