package sqltest

import (
	"math"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/sql"
)

// testSeries reads metrics as lines: all points while they are few, also several
// of one step, and the extremes of each bucket when they are many.
func testSeries(t *testing.T, k *kit) {
	start := trimtab.Time(5000)
	run, err := k.Runs.Create(k.ctx, trimtab.Run{Experiment: "0", Name: "a", Start: start}, "")
	k.ok(err)
	other := k.run("0", "b")
	few := []trimtab.Metric{
		{Key: "few", Value: 3, Time: 6000, Step: 1}, {Key: "few", Value: 1, Time: 7000, Step: 1}, {Key: "few", Value: nan, Time: 8000, Step: 2},
		{Key: "few", Value: math.Inf(1), Time: 9000, Step: -1},
	}
	var many []trimtab.Metric
	for i := range 5000 {
		v := math.Sin(float64(i) / 300)
		if i == 1234 {
			v = 50
		}
		if i == 3456 {
			v = -50
		}
		m := trimtab.Metric{Key: "many", Value: v, Time: start + trimtab.Time(i*10), Step: int64(i)}
		if i == 2222 {
			m.Value = nan
		}
		many = append(many, m)
	}
	k.ok(k.Runs.LogBatch(k.ctx, run.ID, trimtab.RunBatch{Metrics: few}))
	for i := 0; i < len(many); i += 1000 {
		k.ok(k.Runs.LogBatch(k.ctx, run.ID, trimtab.RunBatch{Metrics: many[i : i+1000]}))
	}
	k.ok(k.Runs.LogBatch(k.ctx, other, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "few", Value: 7, Step: 3}}}))

	lines, err := k.Runs.Series(k.ctx, sql.SeriesQuery{Runs: []trimtab.RunID{other, "nowhere", run.ID, run.ID}, Keys: []string{"few", "absent"}, Axis: sql.ByStep, Points: 100})
	k.ok(err)
	if len(lines) != 2 || lines[0].Run != other || lines[1].Run != run.ID || lines[1].Start != start || !lines[1].Exact || lines[1].Count != 4 {
		t.Fatalf("lines %+v", lines)
	}
	k.same(xs(lines[1]), []float64{-1, 1, 1, 2}, "steps of all points")
	if p := lines[1].Points; p[1].Value != 3 || p[2].Value != 1 || !math.IsNaN(p[3].Value) || p[0].Value < math.MaxFloat64 {
		t.Errorf("values %+v", p)
	}
	one := func(q sql.SeriesQuery) sql.RunSeries {
		t.Helper()
		q.Runs = []trimtab.RunID{run.ID}
		if q.Points == 0 {
			q.Points = 100
		}
		lines, err := k.Runs.Series(k.ctx, q)
		k.ok(err)
		if len(lines) != 1 {
			t.Fatalf("%d lines", len(lines))
		}
		return lines[0]
	}
	k.same(xs(one(sql.SeriesQuery{Keys: []string{"few"}, Axis: sql.ByRelative})), []float64{1000, 2000, 3000, 4000}, "time since the start")
	k.same(xs(one(sql.SeriesQuery{Keys: []string{"few"}, Axis: sql.ByTime, From: bound(6500), To: bound(8000)})), []float64{7000, 8000}, "a part of the time")

	for _, axis := range []sql.SeriesAxis{sql.ByStep, sql.ByTime, sql.ByRelative} {
		s := one(sql.SeriesQuery{Keys: []string{"many"}, Axis: axis})
		if s.Exact || s.Count != 5000 || len(s.Points) > 303 || len(s.Points) < 90 {
			t.Errorf("by %s: exact %v, %d of %d points", axis, s.Exact, len(s.Points), s.Count)
		}
		low, high, holes := 0.0, 0.0, 0
		for i, p := range s.Points {
			if i > 0 && p.X < s.Points[i-1].X {
				t.Errorf("by %s: point %d lies before the one in front of it", axis, i)
			}
			low, high = min(low, orZero(p.Value)), max(high, orZero(p.Value))
			if math.IsNaN(p.Value) {
				holes++
			}
		}
		if low != -50 || high != 50 || holes != 1 {
			t.Errorf("by %s: extremes %v and %v, %d holes", axis, low, high, holes)
		}
		x := xs(s)
		k.same(x[len(x)-1]-x[0], map[sql.SeriesAxis]float64{sql.ByStep: 4999, sql.ByTime: 49990, sql.ByRelative: 49990}[axis], "both ends by "+string(axis))
	}
	part := one(sql.SeriesQuery{Keys: []string{"many"}, Axis: sql.ByStep, From: bound(1200), To: bound(1299.5)})
	if !part.Exact || part.Count != 100 || part.Points[34].Value != 50 {
		t.Errorf("a part: exact %v, %d points", part.Exact, part.Count)
	}
	_, err = k.Runs.Series(k.ctx, sql.SeriesQuery{Runs: []trimtab.RunID{run.ID}, Keys: []string{"few"}, Axis: sql.ByStep})
	k.fails(err, trimtab.Invalid, "")
}

func bound(v float64) *float64 { return &v }

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

func xs(s sql.RunSeries) []float64 {
	out := make([]float64, len(s.Points))
	for i, p := range s.Points {
		out[i] = p.X
	}
	return out
}

// testRunCard reads a run with its neighbours, and its metrics in pages.
func testRunCard(t *testing.T, k *kit) {
	var ids []trimtab.RunID
	for i := range 3 {
		run, err := k.Runs.Create(k.ctx, trimtab.Run{Experiment: "0", Name: "r", Start: trimtab.Time(1000 * (i/2 + 1))}, "")
		k.ok(err)
		ids = append(ids, run.ID)
	}
	mid := max(ids[0], ids[1]) // of the two of one start, the one that comes later in the list
	var batch trimtab.RunBatch
	for _, key := range []string{"loss", "AUC/test", "auc", "zero", "holes"} {
		for i := range 5 {
			m := trimtab.Metric{Key: key, Step: int64(i), Time: trimtab.Time(i), Value: float64((i * 3) % 5)}
			if key == "holes" || key == "loss" && i == 2 {
				m.Value = nan
			}
			batch.Metrics = append(batch.Metrics, m)
		}
	}
	batch.Params = []trimtab.Param{{Key: "depth", Value: "3"}}
	k.ok(k.Runs.LogBatch(k.ctx, mid, batch))
	card, err := k.Runs.Card(k.ctx, mid)
	k.ok(err)
	if card.Newer != min(ids[0], ids[1]) || card.Older != "" || card.MetricKeys != 5 || card.Params["depth"] != "3" || card.ExperimentName != "Default" || len(card.Metrics) != 0 {
		t.Errorf("card %+v", card)
	}
	top, err := k.Runs.Card(k.ctx, ids[2])
	k.ok(err)
	if top.Newer != "" || top.Older != min(ids[0], ids[1]) {
		t.Errorf("the newest lies between %q and %q", top.Newer, top.Older)
	}
	_, err = k.Runs.Card(k.ctx, "nowhere")
	k.fails(err, trimtab.NotFound, "")

	page, err := k.Runs.Metrics(k.ctx, mid, "", 3, "")
	k.ok(err)
	if page.Total != 5 || page.Found != 5 || page.Next != "holes" || len(page.Items) != 3 {
		t.Fatalf("page %+v", page)
	}
	if m := page.Items[2]; m.Key != "holes" || m.Count != 5 || m.NaNs != 5 || !math.IsNaN(m.Min) || !math.IsNaN(m.Max) {
		t.Errorf("a metric of NaNs: %+v", m)
	}
	rest, err := k.Runs.Metrics(k.ctx, mid, "", 3, page.Next)
	k.ok(err)
	if m := rest.Items[0]; rest.Next != "" || len(rest.Items) != 2 || m.Key != "loss" || m.NaNs != 1 || m.Min != 0 || m.Max != 4 || m.Value != 2 {
		t.Errorf("rest %+v", rest)
	}
	found, err := k.Runs.Metrics(k.ctx, mid, "AUC", 10, "")
	k.ok(err)
	if found.Total != 5 || found.Found != 2 || len(found.Items) != 2 {
		t.Errorf("search %+v", found)
	}
	_, err = k.Runs.Metrics(k.ctx, "nowhere", "", 10, "")
	k.fails(err, trimtab.NotFound, "")
}

// testCompare puts runs side by side, named ones and found ones.
func testCompare(t *testing.T, k *kit) {
	a, b, c := k.run("0", "a"), k.run("0", "b"), k.run("0", "c")
	log := func(id trimtab.RunID, depth string, metrics ...string) {
		batch := trimtab.RunBatch{Params: []trimtab.Param{{Key: "depth", Value: depth}, {Key: "seed", Value: "1"}}}
		for i, key := range metrics {
			batch.Metrics = append(batch.Metrics, trimtab.Metric{Key: key, Value: float64(i), Step: int64(i)})
		}
		k.ok(k.Runs.LogBatch(k.ctx, id, batch))
	}
	log(a, "3", "auc", "loss", "rare")
	log(b, "4", "auc", "loss")
	k.ok(k.Runs.LogBatch(k.ctx, c, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "auc", Value: nan}}}))
	got, err := k.Runs.Compare(k.ctx, sql.CompareQuery{Runs: []trimtab.RunID{b, "nowhere", a, c, b}, Limit: 10})
	k.ok(err)
	if len(got.Runs) != 3 || got.Runs[0].ID != b || got.Runs[2].ID != c || len(got.Params) != 2 || *got.Params[0].Values[0] != "4" || got.Params[0].Values[2] != nil {
		t.Fatalf("comparison %+v", got)
	}
	var keys []string
	for _, m := range got.Metrics {
		keys = append(keys, m.Key)
	}
	k.same(keys, []string{"auc", "loss", "rare"}, "metrics that most have come first")
	if m := got.Metrics[0]; m.Runs != 3 || *m.Values[1] != 0 || !math.IsNaN(*m.Values[2]) || got.Metrics[1].Step != 1 || got.Metrics[2].Values[0] != nil {
		t.Errorf("metrics %+v", got.Metrics)
	}
	few, err := k.Runs.Compare(k.ctx, sql.CompareQuery{Runs: []trimtab.RunID{a, b}, Keys: []string{"rare"}, Search: "AU", Limit: 1})
	k.ok(err)
	if len(few.Metrics) != 2 || few.Metrics[0].Key != "rare" || few.Metrics[1].Key != "auc" || few.MetricKeys != 3 || few.MetricsFound != 1 {
		t.Errorf("some metrics %+v", few)
	}
	found, err := k.Runs.Compare(k.ctx, sql.CompareQuery{Find: &sql.RunQuery{Experiments: []trimtab.ExperimentID{"0"}, Limit: 2}, Limit: 1})
	k.ok(err)
	if len(found.Runs) != 2 || !found.More {
		t.Errorf("found %+v", found.Runs)
	}
}
