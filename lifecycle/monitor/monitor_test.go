package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/traffic"
)

const day = trimtab.Time(24 * 3600 * 1000)

func at(s string) trimtab.Time {
	t, err := trimtab.ParseTime(s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestSchedule(t *testing.T) {
	monthly := trimtab.MonitorSpec{Window: trimtab.Monthly, LabelMaturity: trimtab.Duration(2 * 24 * time.Hour)}
	daily := trimtab.MonitorSpec{Window: "1d"}
	ripe := trimtab.MonitorSpec{Window: "1d", LabelMaturity: trimtab.Duration(36 * time.Hour)}
	for _, c := range []struct {
		name               string
		spec               trimtab.MonitorSpec
		last               string
		open               []string
		begin, water, want string
	}{
		{"no data", daily, "", nil, "", "2013-03-05", "next -"},
		{"nothing due", daily, "", nil, "2013-03-05T10:00:00Z", "2013-03-05T23:59:59.999Z", "next 2013-03-06T00:00:00Z"},
		{"due at the border itself", daily, "", nil, "2013-03-05T10:00:00Z", "2013-03-06", "look 03-05, close 03-05, next 2013-03-07T00:00:00Z"},
		{"several, from the last window on", daily, "2013-03-02", nil, "2013-01-01", "2013-03-04", "look 03-02, close 03-02, look 03-03, close 03-03, next 2013-03-05T00:00:00Z"},
		{"labels must ripen", monthly, "", nil, "2013-03-05", "2013-04-02T23:59:59Z", "look 03-01, next 2013-04-03T00:00:00Z"},
		{"one that was looked at", monthly, "2013-04-01", []string{"2013-03-01"}, "2013-03-05", "2013-04-03", "close 03-01, next 2013-05-01T00:00:00Z"},
		{"a month with its maturity", monthly, "", nil, "2013-02-05", "2013-04-03", "look 02-01, close 02-01, look 03-01, close 03-01, next 2013-05-01T00:00:00Z"},
		{"what ends comes before what closes", ripe, "2013-03-03", []string{"2013-03-01", "2013-03-02"}, "2013-03-01", "2013-03-05",
			"close 03-01, look 03-03, close 03-02, look 03-04, next 2013-03-05T12:00:00Z"},
		{"unusable window", trimtab.MonitorSpec{Window: "x"}, "", nil, "2013-02-05", "2013-04-03", "next -"},
	} {
		parse := func(s string) trimtab.Time {
			if s == "" {
				return 0
			}
			return at(s)
		}
		var open []span
		for _, s := range c.open {
			start, end := c.spec.Window.Bounds(at(s))
			open = append(open, span{start, end})
		}
		p := schedule(c.spec, parse(c.last), open, parse(c.begin), parse(c.water))
		var got []string
		for _, w := range p.steps {
			verb := "look "
			if w.phase == trimtab.WindowClosed {
				verb = "close "
			}
			got = append(got, verb+w.start.Go().Format("01-02"))
		}
		next := p.next.String()
		if next == "" {
			next = "-"
		}
		if s := strings.Join(append(got, "next "+next), ", "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
	// More than one pass takes: the next one goes on in the same order.
	for _, maturity := range []time.Duration{0, 90 * 24 * time.Hour} {
		spec := trimtab.MonitorSpec{Window: "1d", LabelMaturity: trimtab.Duration(maturity)}
		var all []step
		var last trimtab.Time
		open := map[span]bool{}
		for more := true; more; {
			var spans []span
			for w := range open {
				spans = append(spans, w)
			}
			slices.SortFunc(spans, func(a, b span) int { return int(a.start - b.start) })
			p := schedule(spec, last, spans, day, 2500*day)
			for _, w := range p.steps {
				if open[w.span] = w.phase == trimtab.WindowEstimated; !open[w.span] {
					delete(open, w.span)
				}
				last = max(last, w.end)
			}
			all, more = append(all, p.steps...), p.more
		}
		whole := 2499 + 2499 - int(maturity.Hours()/24)
		if len(all) != whole || !slices.IsSortedFunc(all, func(a, b step) int { return int(a.at - b.at) }) {
			t.Errorf("maturity %s: %d steps in all, want %d in the order of borders", maturity, len(all), whole)
		}
	}
}

func TestBorders(t *testing.T) {
	ripe := trimtab.MonitorSpec{Window: "7d", LabelMaturity: trimtab.Duration(36 * time.Hour)}
	for now := at("2013-03-01"); now < at("2013-04-01"); now += 3_600_000 {
		b := closing(ripe, now)
		if b <= now || b > now+7*day {
			t.Fatalf("border after %s is %s", now, b)
		}
		start, _ := ripe.Window.Bounds(b.Add(-36 * time.Hour))
		if start.Add(36*time.Hour) != b {
			t.Fatalf("border %s closes no window", b)
		}
		// What is closed at a border ends there; just before, one window less is.
		if got := closedBefore(ripe, b); got != start {
			t.Fatalf("closed before %s at %s", got, b)
		}
		_, end := ripe.Window.Bounds(now)
		if first := border(ripe, now); first != min(b, end) || first <= now {
			t.Fatalf("border after %s is %s", now, first)
		}
		if got := closedBefore(ripe, b-1); got != start-7*day {
			t.Fatalf("closed before %s just before %s", got, b)
		}
	}
	if b := border(trimtab.MonitorSpec{Window: trimtab.Monthly}, at("2013-03-01")); b != at("2013-04-01") {
		t.Errorf("border of a month: %s", b)
	}
}

func rows(n int, seed uint64) []traffic.Joined {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]traffic.Joined, n)
	for i := range out {
		p := math.Round(r.Float64()*50)/50*.98 + .01
		y := 0.0
		if r.Float64() < p {
			y = 1
		}
		out[i] = traffic.Joined{ID: fmt.Sprintf("id-%d", i), Version: trimtab.Version(1 + i%2), Score: p, Output: p, Label: y, HasLabel: i%5 != 0, Late: i%11 == 0}
	}
	return out
}

func measure(spec trimtab.PerformanceSpec, rows []traffic.Joined) trimtab.WindowResult {
	t := newTally("m", "e", day, 2*day, 3*day)
	for _, j := range rows {
		t.add(j, counts)
	}
	return t.close(spec)
}

// TestOrderChangesNoBit shuffles the rows: the canonical digest of the result stays.
func TestOrderChangesNoBit(t *testing.T) {
	all := rows(1000, 3)
	for _, spec := range []trimtab.PerformanceSpec{{}, {Task: "regression"}, {Metrics: []string{"brier", "auc"}, Confidence: .9}} {
		want := measure(spec, all)
		if len(want.Quality) < 2 {
			t.Fatalf("%+v", want)
		}
		r := rand.New(rand.NewPCG(9, 9))
		for range 20 {
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			got := measure(spec, all)
			if trimtab.StateDigest(got) != trimtab.StateDigest(want) {
				t.Fatal(cmp.Diff(want, got))
			}
		}
	}
}

func TestMeasures(t *testing.T) {
	pair := func(id string, score, label float64) traffic.Joined {
		return traffic.Joined{ID: id, Version: 2, Score: score, Label: label, HasLabel: true}
	}
	for _, c := range []struct {
		name   string
		spec   trimtab.PerformanceSpec
		rows   []traffic.Joined
		reason string
		want   map[string]float64
	}{
		{"nothing", trimtab.PerformanceSpec{}, nil, "no predictions in the window", nil},
		{"no labels", trimtab.PerformanceSpec{}, []traffic.Joined{{ID: "a", Score: .5}}, "no labels known by", nil},
		{"too few", trimtab.PerformanceSpec{MinRows: 3}, []traffic.Joined{pair("a", .1, 0), pair("b", .9, 1)}, "2 labelled predictions, at least 3", nil},
		{"one class", trimtab.PerformanceSpec{}, []traffic.Joined{pair("a", .25, 1), pair("b", .5, 1)}, "auc: all 2 labels are of one class",
			map[string]float64{"log_loss": math.Log(8) / 2, "brier": (.75*.75 + .25) / 2, "accuracy": 0}},
		{"two classes", trimtab.PerformanceSpec{}, []traffic.Joined{pair("a", .25, 0), pair("b", .75, 1), pair("c", .5, 0), pair("d", .5, 1)}, "",
			map[string]float64{"auc": 3.5 / 4, "log_loss": (2*math.Log(4./3) + 2*math.Log(2)) / 4, "brier": (2*.0625 + 2*.25) / 4, "accuracy": .75}},
		{"margins", trimtab.PerformanceSpec{}, []traffic.Joined{pair("a", -2, 0), pair("b", 3, 1)}, "log_loss: the scores are no probabilities between 0 and 1; brier: the scores are no probabilities between 0 and 1",
			map[string]float64{"auc": 1, "accuracy": 1}},
		{"labels of another kind", trimtab.PerformanceSpec{}, []traffic.Joined{pair("a", .5, 7)}, "1 labels are neither 0 nor 1", nil},
		{"missing score", trimtab.PerformanceSpec{}, []traffic.Joined{pair("a", math.NaN(), 1)}, "1 labelled predictions are missing", nil},
		{"unknown metric", trimtab.PerformanceSpec{Metrics: []string{"auc", "lift"}}, []traffic.Joined{pair("a", .1, 0), pair("b", .9, 1)}, "lift: no metric of task binary", map[string]float64{"auc": 1}},
		{"regression", trimtab.PerformanceSpec{Task: "regression"}, []traffic.Joined{pair("a", 1, 2), pair("b", 5, 2), pair("c", 3, 5)}, "",
			map[string]float64{"rmse": math.Sqrt(14. / 3), "mae": 2, "r2": 1 - 14./6}},
		{"constant labels", trimtab.PerformanceSpec{Task: "regression", Metrics: []string{"r2"}}, []traffic.Joined{pair("a", 1, 2), pair("b", 5, 2)}, "", map[string]float64{"r2": 0}}, // as scikit-learn has it
	} {
		r := measure(c.spec, c.rows)
		if !strings.HasPrefix(r.Reason, c.reason) || c.reason == "" && r.Reason != "" {
			t.Errorf("%s: reason %q, want %q", c.name, r.Reason, c.reason)
		}
		if len(r.Quality) != len(c.want) {
			t.Errorf("%s: %+v, want %v", c.name, r.Quality, c.want)
		}
		for _, q := range r.Quality {
			if math.Abs(q.Value-c.want[q.Metric]) > 1e-14 {
				t.Errorf("%s: %s = %v, want %v", c.name, q.Metric, q.Value, c.want[q.Metric])
			}
			if q.HasInterval && (q.Lo > q.Value || q.Hi < q.Value || math.IsNaN(q.Lo)) {
				t.Errorf("%s: %+v", c.name, q)
			}
		}
		if r.Rows != int64(len(c.rows)) || r.Start != day || r.Through != 3*day {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}
