package monitor_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/pure/boost"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/traffic"
)

// real is a history of an example, told to a monitor as a replay would: by windows, with every label known in time.
type real struct {
	file, time, label string
	features          []string
	begin             string // of service; what comes before is learnt from
	spec              trimtab.MonitorSpec
	broken            string // the month in which the data really are wrong
}

var reals = []real{
	{"flights/data/flights.parquet", "scheduled", "late", strings.Fields("carrier_code origin_code dest_code weekday departs arrives elapsed distance temp dewp humid wind_dir wind_speed wind_gust precip pressure visib plane_year plane_seats"),
		"2013-03-01", trimtab.MonitorSpec{Window: "7d", LabelMaturity: trimtab.Duration(2 * 24 * time.Hour)}, "2013-12"}, // the weather ends a day early
	{"electricity/data/electricity.parquet", "starts", "above", strings.Fields("price_day demand_day vic_price_day vic_demand_day transfer_day above_day price_week demand_week above_week price_mean demand_mean"),
		"1997-05-01", trimtab.MonitorSpec{Window: "28d", LabelMaturity: trimtab.Duration(24 * time.Hour)}, ""},
	{"bikes/data/bikes.parquet", "starts", "rentals", strings.Fields("tmin tmax rain two_days_ago week_ago week_mean"),
		"2012-01-01", trimtab.MonitorSpec{Window: trimtab.Monthly, LabelMaturity: trimtab.Duration(24 * time.Hour), Performance: trimtab.PerformanceSpec{Task: "regression"}}, "2016-01"}, // snow: no bicycle for days
}

type fixed struct{ lineage trimtab.Lineage }

func (f fixed) Lineage(context.Context, trimtab.ModelName, trimtab.Version) (trimtab.Lineage, bool, error) {
	return f.lineage, true, nil
}

// TestRealHistories tells the histories of the examples, whose data nobody has broken: no row is held but where they are
// wrong of themselves. It takes
// minutes: TRIMTAB_HISTORIES names those that are told ("all", or a part of a file name), "-v" shows what is found.
func TestRealHistories(t *testing.T) {
	which := os.Getenv("TRIMTAB_HISTORIES")
	if which == "" {
		t.Skip("TRIMTAB_HISTORIES names no history")
	}
	for _, h := range reals {
		if which == "all" || strings.Contains(h.file, which) {
			t.Run(filepath.Base(h.file), h.tell)
		}
	}
}

func (h real) tell(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	body, err := os.ReadFile(filepath.Join("../../examples", h.file))
	if err != nil {
		t.Fatal(err)
	}
	all, err := table.ReadParquet(bytes.NewReader(body), int64(len(body)), table.ParquetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at, label := all.Column(h.time), all.Column(h.label)
	begin, err := trimtab.ParseTime(h.begin)
	if err != nil {
		t.Fatal(err)
	}
	var before, after []int
	for i := range at.Int64s {
		switch y, _ := label.Float(i); {
		case math.IsNaN(y) || label.Missing(i):
		case at.Int64s[i]/1e6 < int64(begin):
			before = append(before, i)
		default:
			after = append(after, i)
		}
	}
	byTime := func(a, b int) int { return int(at.Int64s[a]/1e6 - at.Int64s[b]/1e6) }
	slices.SortStableFunc(before, byTime)
	slices.SortStableFunc(after, byTime)

	features := func(rows []int) (out []boost.Feature) {
		for _, name := range h.features {
			f := boost.Feature{Name: name, Values: make([]float64, len(rows))}
			all.Column(name).Take(rows).Floats(f.Values, 1)
			out = append(out, f)
		}
		return out
	}
	labels := func(rows []int) []float64 {
		out := make([]float64, len(rows))
		label.Take(rows).Floats(out, 1)
		return out
	}
	opt := boost.Options{Trees: 100, Leaves: 31}
	if h.spec.Performance.Task == "regression" {
		opt.Objective = boost.Squared
	}
	model, err := boost.Train(boost.Data{Features: features(before), Label: labels(before)}, opt)
	if err != nil {
		t.Fatal(err)
	}
	scores := model.Predict(features(after), nil, nil)

	var training bytes.Buffer
	columns := append(slices.Clone(h.features), h.time)
	learnt, err := all.Take(before).Select(columns...)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.WriteParquet(&training, learnt, table.ParquetOptions{}); err != nil {
		t.Fatal(err)
	}
	store, err := blob.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	digest, _, err := store.Put(t.Context(), &training)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.Resources.Apply(t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb, Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace,
		Kind: trimtab.KindDataSource, Name: "s", Spec: encode(t, trimtab.SourceSpec{Path: "s.parquet", Digest: digest, Key: []string{"id"}, EventTime: h.time})}}}); err != nil {
		t.Fatal(err)
	}
	w.declare("ep", h.spec)
	cfg := w.config()
	cfg.Incidents, cfg.Blobs = w.db.Incidents, store
	cfg.Models = fixed{trimtab.Lineage{Model: "m", Version: 1, Until: begin, Snapshot: digest, Source: "s"}}
	m := monitor.New(cfg)

	log := w.log("ep")
	inputs, err := all.Take(after).Select(h.features...)
	if err != nil {
		t.Fatal(err)
	}
	y := labels(after)
	last := trimtab.Time(at.Int64s[after[len(after)-1]] / 1e6)
	i := 0
	var spent time.Duration
	for from := begin; from < last.Add(7*24*time.Hour); {
		border, err := m.Border(t.Context(), trimtab.DefaultWorkspace, "ep", from)
		if err != nil {
			t.Fatal(err)
		}
		b := &traffic.Batch{Version: 1, Watermark: from, OutputNames: []string{"prediction"}}
		l := &traffic.LabelBatch{Watermark: from}
		first := i
		for ; i < len(after) && trimtab.Time(at.Int64s[after[i]]/1e6) < border; i++ {
			when := trimtab.Time(at.Int64s[after[i]] / 1e6)
			id := fmt.Sprintf("r%d", i)
			b.IDs, b.EventTimes, b.Outputs = append(b.IDs, id), append(b.EventTimes, when), append(b.Outputs, scores[i])
			l.Labels = append(l.Labels, traffic.Label{ID: id, Value: y[i], EventTime: when, KnownAt: when + 1})
		}
		if i > first {
			b.Inputs = inputs.Slice(first, i)
			if _, err := log.Append(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if _, err := log.AppendLabels(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
		w.advance("ep", border)
		started := time.Now()
		if err := m.Reconcile(t.Context(), trimtab.DefaultWorkspace, "ep"); err != nil {
			t.Fatal(err)
		}
		spent += time.Since(started)
		from = border
	}
	for _, x := range w.windows("ep") {
		var drift, quality []string
		for _, d := range x.Drift {
			if d.State != "ok" {
				drift = append(drift, d.Column+" "+d.State)
			}
		}
		for _, q := range x.Quality {
			e := ""
			for _, k := range x.Estimated {
				if k.Metric == q.Metric {
					e = fmt.Sprintf(" (expected %.3f to %.3f)", k.Lo, k.Hi)
				}
			}
			quality = append(quality, fmt.Sprintf("%s %.4f%s", q.Metric, q.Value, e))
		}
		t.Logf("%s: %d rows, %d held; %s; drift: %s; %s", x.Start.Go().Format("2006-01-02"), x.Rows, x.Held, strings.Join(quality, ", "), strings.Join(drift, ", "), x.Unreliable)
	}
	incidents, err := w.db.Incidents.List(t.Context(), trimtab.DocumentQuery{Scope: "ep"})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range incidents {
		sure := 0.0
		if x.Kind == trimtab.DataFault {
			sure = x.Evidence[0].Value
		}
		t.Logf("%s from %s to %s, found %s: %s %v %.2f", x.Kind, x.Begin, x.End, x.Found, x.Cause, x.Columns, sure)
		if x.Hold && x.Begin.Go().Format("2006-01") != h.broken {
			t.Errorf("rows are held: %+v", x)
		}
	}
	t.Logf("the monitor took %s", spent)
}
