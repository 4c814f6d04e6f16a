package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func testApp(out *bytes.Buffer) *application {
	return &application{env: Env{In: strings.NewReader(""), Out: out, Err: out, Getenv: func(string) string { return "" }, Version: "test"}}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (UPDATE_GOLDEN=1 rewrites it):\n%s", path, diff)
	}
}

func at(s string) trimtab.Time {
	v, err := trimtab.ParseTime(s)
	if err != nil {
		panic(err)
	}
	return v
}

// The values are those of the flights example as far as they are known (AUC by
// month from March); the rest is made up.
func months() []trimtab.WindowResult {
	var out []trimtab.WindowResult
	for i, auc := range []float64{.704, .643, .706} {
		start := at("2013-03-01").Go().AddDate(0, i, 0)
		out = append(out, trimtab.WindowResult{Monitor: "flights", Endpoint: "flights", Start: trimtab.TimeOf(start), End: trimtab.TimeOf(start.AddDate(0, 1, 0)),
			Versions: []trimtab.Version{1}, Rows: 28000 + int64(i), Labelled: 27000, Positives: 6000, Through: trimtab.TimeOf(start.AddDate(0, 1, 2)),
			Quality: []trimtab.Quality{{Metric: "auc", Value: auc, HasInterval: true, Lo: auc - .01, Hi: auc + .01}, {Metric: "log_loss", Value: .5 + auc/100}, {Metric: "brier", Value: .16}}})
	}
	out[2].Versions = []trimtab.Version{1, 2}
	return append(out, trimtab.WindowResult{Monitor: "flights", Start: at("2013-06-01"), End: at("2013-07-01"), Rows: 3, Reason: "no labels"})
}

func TestQualityTable(t *testing.T) {
	for name, output := range map[string]string{"quality.txt": "", "quality-wide.txt": "wide"} {
		var b bytes.Buffer
		a := testApp(&b)
		a.output = output
		if err := a.writeWindows(&b, months()); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

// TestQualityTableOfALoop has all that a monitor can find.
func TestQualityTableOfALoop(t *testing.T) {
	windows := months()
	yes, no := true, false
	windows[0].Estimated, windows[0].Reliable = []trimtab.Quality{{Metric: "auc", Value: .7, HasInterval: true, Lo: .69, Hi: .71}}, &yes
	windows[0].Drift = []trimtab.ColumnDrift{{Column: "temp", State: "suspect", Alone: "drift"}, {Column: "wind", State: "ok"}}
	windows[1].Estimated, windows[1].Reliable = []trimtab.Quality{{Metric: "auc", Value: .71, HasInterval: true, Lo: .7, Hi: .72}}, &no
	windows[1].Drift = []trimtab.ColumnDrift{{Column: "wind", State: "suspect", Alone: "drift"}, {Column: "temp", State: "drift"}, {Column: "dew", State: "drift"}, {Column: "score", State: "drift"}}
	windows[1].Incidents = []string{"f.x.dataFault.unit.temp.20130404T000000", "f.x.drift.flights.20130301T000000", "f.x.drift.other.20130301T000000"}
	windows[1].Held, windows[1].Quarantined, windows[1].Revision = 1200, 34, 2
	windows[3].Phase, windows[3].Reason = trimtab.WindowEstimated, "labels mature at 2013-07-03T00:00:00Z"
	for name, output := range map[string]string{"quality-loop.txt": "", "quality-loop-wide.txt": "wide"} {
		var b bytes.Buffer
		a := testApp(&b)
		a.output = output
		if err := a.writeWindows(&b, windows); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

func TestStatusScreen(t *testing.T) {
	var windows []view.OverviewWindow
	for _, m := range months()[:3] {
		x := view.OverviewWindow{Label: trimtab.Monthly.Label(m.Start), Start: m.Start, End: m.End, Rows: m.Rows, Labelled: m.Labelled}
		for _, q := range m.Quality {
			v := view.OverviewQuality{Metric: q.Metric, Value: view.Figure(q.Value)}
			if q.HasInterval {
				lo, hi := view.Figure(q.Lo), view.Figure(q.Hi)
				v.Lo, v.Hi = &lo, &hi
			}
			x.Quality = append(x.Quality, v)
		}
		windows = append(windows, x)
	}
	o := view.Overview{Server: view.Server{Project: "default", Now: at("2013-07-03")},
		Models: []view.OverviewModel{{Name: "flights", Latest: &view.OverviewVersion{Version: 2}, Aliases: []view.OverviewAlias{{Name: "blue", Version: 2}, {Name: "champion", Version: 1}}}, {Name: "planned"}},
		Endpoints: []view.OverviewEndpoint{
			{Name: "flights", Model: "flights", Alias: "champion", Target: 1, Serving: 1, State: view.EndpointServing, Watermark: at("2013-07-01"), Predictions: 84003, Dropped: 2},
			{Name: "late", Model: "flights", Alias: "blue", Target: 2, Serving: 1, State: view.EndpointBehind, Message: "flavor sklearn is not served natively"},
			{Name: "planned", Model: "planned", Alias: "champion", State: view.EndpointNoVersion}},
		Monitors:  []view.OverviewMonitor{{Name: "flights", Endpoint: "flights", Window: "month", Metrics: []string{"auc", "log_loss", "brier"}, Windows: windows}, {Name: "new", Endpoint: "flights", Window: "1d"}},
		Pipelines: []view.OverviewPipeline{{ID: "pr-0123456789abcdef", Pipeline: "train", State: trimtab.PipelineFailed, Reason: "step train failed: exited with code 1", Created: at("2013-07-02T23:00:00Z"), Ended: at("2013-07-02T23:01:30Z")}},
		NeverRun:  []string{"other"},
		Replays:   []view.OverviewReplay{{ID: "rp-1", Endpoint: "flights", Source: "flights", State: "running", Position: at("2013-07-01"), Rows: 84003, Labels: 81000}},
		LeftOut:   view.LeftOut{Monitors: 1200, More: true},
	}
	o.Attention = view.Attend(o, nil)
	var b bytes.Buffer
	if err := testApp(&b).writeStatus(&b, o); err != nil {
		t.Fatal(err)
	}
	golden(t, "status.txt", b.Bytes())
}

// All is well is said only of what was looked at.
func TestStatusSaysWhatItLeftOut(t *testing.T) {
	for name, tc := range map[string]struct {
		give view.Overview
		want string
	}{
		"all well": {view.Overview{Models: []view.OverviewModel{{Name: "m"}}}, "\nNothing needs attention.\n"},
		"as far as it is shown": {view.Overview{Models: []view.OverviewModel{{Name: "m"}}, LeftOut: view.LeftOut{Models: 3, Endpoints: 1}},
			"\nNothing that is shown needs attention.\n\nNot shown: 3 more models, 1 more endpoint.\n"},
		"nothing is here": {view.Overview{}, "\nNothing is here yet; begin with `trimtab init` and `trimtab apply`.\n"},
		"a parked entry although nothing is here": {view.Overview{Attention: view.Attend(view.Overview{}, []view.Parked{{Consumer: "serve", Index: 7, Reason: "x"}})},
			"\nneeds attention\n  critical serve could not handle a journal entry: entry 7: x\n           trimtab journal tail\n"},
	} {
		var b bytes.Buffer
		if err := testApp(&b).writeStatus(&b, tc.give); err != nil || !strings.HasSuffix(b.String(), tc.want) {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
	}
}

func TestWindowLabels(t *testing.T) {
	for _, tc := range []struct{ start, end, want string }{
		{"2013-03-01", "2013-04-01", "2013-03"},
		{"2013-03-01", "2013-03-02", "2013-03-01"},
		{"2013-02-28", "2013-03-07", "2013-02-28"},
		{"2013-03-01", "2013-03-01T06:00:00Z", "2013-03-01 00:00"},
		{"2013-03-01T06:00:00Z", "2013-03-01T12:00:00Z", "2013-03-01 06:00"},
	} {
		if got := windowLabel(trimtab.WindowResult{Start: at(tc.start), End: at(tc.end)}); got != tc.want {
			t.Errorf("%s to %s: %q, want %q", tc.start, tc.end, got, tc.want)
		}
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 336776: "336,776", -1234567: "-1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-1: "0ms", 30 * time.Millisecond: "30ms", 9 * time.Second: "9s", 90 * time.Second: "1m30s", 5 * time.Hour: "5h00m", 72 * time.Hour: "3d"} {
		if got := short(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{1: "1 byte", 900: "900 bytes", 5000: "4 KiB", 3 << 20: "3 MiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// The name of an inventory is the same from every folder of a repository.
func TestInventory(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{".git", "examples/flights"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
	from, err := inventoryOf([]string{"examples/flights/"})
	if err != nil || from != "cli:examples/flights" {
		t.Errorf("from the root: %q (%v)", from, err)
	}
	t.Chdir(filepath.Join(root, "examples/flights"))
	if inside, err := inventoryOf([]string{"."}); err != nil || inside != from {
		t.Errorf("from inside: %q (%v)", inside, err)
	}
	if two, _ := inventoryOf([]string{"b", "a", "b"}); two != "cli:examples/flights/a,examples/flights/b" {
		t.Errorf("two paths: %q", two)
	}
}

// Every command has help that says what it does.
func TestHelp(t *testing.T) {
	var b bytes.Buffer
	for _, c := range testApp(&b).root().Commands() {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its short help is %q", c.Name(), c.Short)
		}
		b.Reset()
		if got := Run(context.Background(), []string{c.Name(), "--help"}, testApp(&b).env); got != exitOK || b.Len() == 0 {
			t.Errorf("%s --help: exit %d", c.Name(), got)
		}
	}
}
