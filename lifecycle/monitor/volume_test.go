package monitor_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/storage/traffic"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew")

// arrival is a row of a history of volumes: when it is sent and when its label is.
type arrival struct {
	id    string
	at    trimtab.Time
	sent  trimtab.Time // 0: never
	known trimtab.Time // 0: never
}

// volumeStory is a history in which rows and labels come as they should, but for what change does to them.
type volumeStory struct {
	name     string
	window   trimtab.Window
	maturity time.Duration
	days     int
	perDay   int
	// change is told the row, the number of its day and a number between 0 and 1.
	change func(x *arrival, day int, u float64)
}

func within(day, from, to int) bool { return day >= from && day < to }

var volumeStories = []volumeStory{
	{"as usual", "7d", 2 * 24 * time.Hour, 83, 100, func(*arrival, int, float64) {}},
	{"half of the rows of a week", "7d", 2 * 24 * time.Hour, 55, 100, func(x *arrival, day int, u float64) {
		if within(day, 27, 34) && u < 0.5 {
			x.sent = 0
		}
	}},
	{"half of the rows from the middle of a week on, and for good", "7d", 2 * 24 * time.Hour, 104, 100, func(x *arrival, day int, u float64) {
		if day >= 30 && u < 0.5 {
			x.sent = 0
		}
	}},
	{"no rows for three days within a month", "28d", 24 * time.Hour, 167, 40, func(x *arrival, day int, _ float64) {
		if within(day, 122, 125) {
			x.sent = 0
		}
	}},
	{"no rows for the last three days of a month, and then again", "28d", 24 * time.Hour, 167, 40, func(x *arrival, day int, _ float64) {
		if within(day, 108, 111) {
			x.sent = 0
		}
	}},
	{"the rows end in the middle of a week", "7d", 2 * 24 * time.Hour, 83, 100, func(x *arrival, day int, _ float64) {
		if day >= 78 {
			x.sent = 0
		}
	}},
	{"rows two days late for a week", "7d", 2 * 24 * time.Hour, 55, 100, func(x *arrival, day int, _ float64) {
		if within(day, 27, 34) {
			x.sent += 2 * dayMS
		}
	}},
	{"rows twice as many for a week", "7d", 2 * 24 * time.Hour, 55, 100, func(x *arrival, day int, u float64) {
		if within(day, 27, 34) == (strings.HasSuffix(x.id, "b")) {
			return
		}
		if strings.HasSuffix(x.id, "b") {
			x.sent = 0
		}
	}},
	{"no labels for half of the rows of a week", "7d", 2 * 24 * time.Hour, 55, 100, func(x *arrival, day int, u float64) {
		if within(day, 27, 34) && u < 0.5 {
			x.known = 0
		}
	}},
	{"labels three weeks late for a month", "28d", 24 * time.Hour, 195, 40, func(x *arrival, day int, _ float64) {
		if within(day, 111, 139) {
			x.known += 21 * dayMS
		}
	}},
	{"labels three weeks late for a week", "7d", 2 * 24 * time.Hour, 76, 100, func(x *arrival, day int, _ float64) {
		if within(day, 27, 34) {
			x.known += 21 * dayMS
		}
	}},
	{"labels stop in the middle of a week, for two weeks", "7d", 2 * 24 * time.Hour, 76, 100, func(x *arrival, day int, _ float64) {
		if within(day, 30, 44) {
			x.known = 0
		}
	}},
	{"half of the rows of two days, by days", "1d", 6 * time.Hour, 42, 240, func(x *arrival, day int, u float64) {
		if within(day, 37, 39) && u < 0.5 {
			x.sent = 0
		}
	}},
	{"no rows before noon, by days", "1d", 6 * time.Hour, 42, 240, func(x *arrival, day int, _ float64) {
		if day == 37 && (x.at-began)%dayMS < dayMS/2 {
			x.sent = 0
		}
	}},
}

// rows are those of the story: fewer at the weekend and about midnight, some without a label; a twin of each
// in the one story that sends them.
func (h volumeStory) rows() (out []arrival) {
	r := rand.New(rand.NewPCG(17, 1))
	for d := range h.days {
		n := float64(h.perDay) * math.Exp(0.05*r.NormFloat64())
		if d%7 >= 5 {
			n *= 0.6
		}
		for k := range int(n) {
			at := began + trimtab.Time(d)*dayMS + trimtab.Time((0.5+0.5*r.Float64()*(2*float64(r.IntN(2))-1))*float64(dayMS-1))
			for _, twin := range []string{"", "b"} {
				x := arrival{id: fmt.Sprintf("d%d.%d%s", d, k, twin), at: at, sent: at, known: at + trimtab.Time(1+20*r.Float64())*hourMS/4}
				if u := r.Float64(); u < 0.03 {
					x.known = 0
				}
				if twin != "" && !strings.HasPrefix(h.name, "rows twice") {
					continue
				}
				none := x.known == 0
				h.change(&x, d, r.Float64())
				if none {
					x.known = 0
				}
				out = append(out, x)
			}
		}
	}
	return out
}

// tell lives through the story, in batches that end where windows end and close; a monitor that crash ends is started again.
func (h volumeStory) tell(t *testing.T, w *world, name string, crash func(string) error) (windows []trimtab.WindowResult, incidents []trimtab.Incident) {
	spec := trimtab.MonitorSpec{Window: h.window, LabelMaturity: trimtab.Duration(h.maturity), Diagnosis: trimtab.DiagnosisSpec{Off: true}, Drift: trimtab.DriftSpec{Off: true}}
	w.declare(name, spec)
	cfg := w.config()
	cfg.Incidents, cfg.Crash = w.db.Incidents, crash
	m := monitor.New(cfg)
	rows, l := h.rows(), w.log(name)
	until := began + trimtab.Time(h.days)*dayMS + trimtab.TimeOf(time.UnixMilli(0).Add(h.maturity))
	for from := began; from < until; {
		border, err := m.Border(t.Context(), trimtab.DefaultWorkspace, name, from)
		if err != nil {
			t.Fatal(err)
		}
		b := &traffic.Batch{Version: 1, Watermark: from, OutputNames: []string{"prediction"}}
		delayed := *b
		labels := &traffic.LabelBatch{Watermark: from}
		for _, x := range rows {
			if x.sent != 0 && x.sent >= from && x.sent < border {
				to := b
				if x.sent > x.at {
					to = &delayed
				}
				to.IDs, to.EventTimes, to.Outputs = append(to.IDs, x.id), append(to.EventTimes, x.at), append(to.Outputs, 0.25)
			}
			if x.known != 0 && x.sent != 0 && x.known >= from && x.known < border {
				labels.Labels = append(labels.Labels, traffic.Label{ID: x.id, Value: 0, EventTime: x.at, KnownAt: x.known})
			}
		}
		for _, x := range []*traffic.Batch{b, &delayed} {
			if x == &delayed { // event time has passed them
				x.Watermark = border - 1
			}
			if len(x.IDs) > 0 {
				if _, err := l.Append(t.Context(), x); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(labels.Labels) > 0 {
			if _, err := l.AppendLabels(t.Context(), labels); err != nil {
				t.Fatal(err)
			}
		}
		w.advance(name, border)
		err = m.Reconcile(t.Context(), trimtab.DefaultWorkspace, name)
		for err == errCrash {
			m = monitor.New(cfg)
			err = m.Reconcile(t.Context(), trimtab.DefaultWorkspace, name)
		}
		if err != nil {
			t.Fatal(err)
		}
		from = border
	}
	incidents, err := w.db.Incidents.List(t.Context(), trimtab.DocumentQuery{Scope: name})
	if err != nil {
		t.Fatal(err)
	}
	return w.windows(name), incidents
}

// TestVolume tells what is found when rows or labels come in other numbers than usual, or at other times: testdata/volume.txt.
func TestVolume(t *testing.T) {
	var out strings.Builder
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	for n, h := range volumeStories {
		name := fmt.Sprintf("v%d", n)
		windows, incidents := h.tell(t, w, name, nil)
		fmt.Fprintf(&out, "== %s: windows of %s\n", h.name, h.window)
		for _, i := range incidents {
			fmt.Fprintf(&out, "%s %s, from %s to %s, found %s, closed %s\n    %s\n", i.Kind, i.Fault, orNone(i.Begin), orNone(i.End), orNone(i.Found), orNone(i.Closed), i.Cause)
			if i.Note != "" {
				fmt.Fprintf(&out, "    %s\n", i.Note)
			}
			if i.Hold {
				t.Errorf("%s: rows are held: %+v", h.name, i)
			}
		}
		for _, x := range windows {
			if len(x.Incidents) > 0 {
				fmt.Fprintf(&out, "  window %s: %d rows, %d labelled, %d late, %d incidents\n", x.Start, x.Rows, x.Labelled, x.Late, len(x.Incidents))
			}
		}
		fmt.Fprintln(&out)
	}
	path := filepath.Join("testdata", "volume.txt")
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out.String()); d != "" {
		t.Errorf("differs from %s; run with -rewrite and review the difference\n%s", path, d)
	}
}

func orNone(t trimtab.Time) string {
	if t == 0 {
		return "-"
	}
	return strings.TrimSuffix(t.String(), "T00:00:00Z")
}

// TestVolumeKilledAnywhere kills the monitor between any two effects of a story: the incidents are those without a kill.
func TestVolumeKilledAnywhere(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		for _, h := range volumeStories {
			if !strings.HasPrefix(h.name, "labels three weeks late for a week") && !strings.HasPrefix(h.name, "rows two days late") && !strings.HasPrefix(h.name, "no rows for the last") {
				continue
			}
			id := strings.ReplaceAll(strings.Fields(h.name)[0], " ", "")
			windows, incidents := h.tell(t, w, id+"-whole", nil)
			calls := 0
			again, found := h.tell(t, w, id+"-killed", func(string) error {
				if calls++; calls%3 == 0 {
					return errCrash
				}
				return nil
			})
			if calls < 10 || len(incidents) == 0 {
				t.Fatalf("%d points, %d incidents", calls, len(incidents))
			}
			for n := range found {
				x := &found[n]
				x.ID, x.Endpoint, x.Monitor = strings.ReplaceAll(x.ID, "killed", "whole"), id+"-whole", id+"-whole"
			}
			for _, x := range again {
				for k := range x.Incidents {
					x.Incidents[k] = strings.ReplaceAll(x.Incidents[k], "killed", "whole")
				}
			}
			if d := cmp.Diff(incidents, found); d != "" {
				t.Errorf("%s: %s", h.name, d)
			}
			if d := cmp.Diff(windows, again); d != "" {
				t.Errorf("%s: %s", h.name, d)
			}
		}
	})
}
