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

func TestStatusScreen(t *testing.T) {
	run := view.PipelineRun{PipelineRun: trimtab.PipelineRun{ID: "pr-0123456789abcdef", Pipeline: "train", State: trimtab.PipelineFailed, Reason: "step train failed: exited with code 1", Created: at("2013-07-02T23:00:00Z"), Ended: at("2013-07-02T23:01:30Z")}}
	s := view.Summary{Project: "default", Now: at("2013-07-03"),
		Models:    []view.SummaryModel{{Name: "flights", Newest: 2, Aliases: map[trimtab.Alias]trimtab.Version{"champion": 1, "blue": 2}}},
		Endpoints: []view.Endpoint{{Name: "flights", Model: "flights", Alias: "champion", Version: 1, Watermark: at("2013-07-01"), Counts: map[string]int64{"predictions": 84003, "dropped": 2}}},
		Monitors:  []view.SummaryMonitor{{Name: "flights", Endpoint: "flights", Window: "month", Recent: months()[:3]}, {Name: "new", Endpoint: "flights", Window: "1d"}},
		Pipelines: []view.SummaryPipeline{{Name: "train", Last: &run}, {Name: "other"}},
		Replays:   []view.Replay{{Replay: trimtab.Replay{ID: "rp-1", Endpoint: "flights", Source: "flights", State: "running"}, Position: at("2013-07-01"), Rows: 84003, Labels: 81000}},
	}.Judge()
	var b bytes.Buffer
	if err := testApp(&b).writeStatus(&b, s); err != nil {
		t.Fatal(err)
	}
	golden(t, "status.txt", b.Bytes())
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
