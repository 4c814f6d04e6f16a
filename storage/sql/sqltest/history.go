package sqltest

import (
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/sql"
)

func testHistory(t *testing.T, k *kit) {
	id := k.run("0", "n")
	var points []trimtab.Metric
	for i := range 25 {
		points = append(points, trimtab.Metric{Key: "m", Value: float64((i * 7) % 5), Time: trimtab.Time(i / 4), Step: int64(-i)})
	}
	points = append(points, trimtab.Metric{Key: "m", Value: nan, Time: 3, Step: 4}, trimtab.Metric{Key: "m", Value: 0, Time: 3, Step: 4})
	k.ok(k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{Metrics: points}))
	k.ok(k.Runs.LogBatch(k.ctx, id, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "other", Value: 1}}}))
	all, next, err := k.Runs.History(k.ctx, id, "m", 100, "")
	k.ok(err)
	if next != "" || len(all) != len(points) {
		t.Fatalf("%d points, next page %q", len(all), next)
	}
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if a.Time > b.Time || a.Time == b.Time && (a.Step > b.Step || a.Step == b.Step && a.Value > b.Value) {
			t.Errorf("point %d (%+v) stands behind %+v", i, b, a)
		}
	}
	for _, size := range []int{1, 2, 9, 26, 27} {
		var paged []trimtab.Metric
		var after trimtab.PageToken
		for {
			page, next, err := k.Runs.History(k.ctx, id, "m", size, after)
			k.ok(err)
			paged = append(paged, page...)
			if next == "" {
				break
			}
			after = next
		}
		k.same(paged, all, "history in pages")
	}
	none, _, err := k.Runs.History(k.ctx, id, "absent", 10, "")
	k.ok(err)
	k.same(none, nil, "history of a key that was never logged")
	_, _, err = k.Runs.History(k.ctx, "nowhere", "m", 10, "")
	k.fails(err, trimtab.NotFound, "")
	_, after, err := k.Runs.History(k.ctx, id, "m", 1, "")
	k.ok(err)
	_, _, err = k.Runs.History(k.ctx, id, "other", 1, after)
	k.fails(err, trimtab.Invalid, "")
}

func testHistoryInterval(t *testing.T, k *kit) {
	a, b := k.run("0", "a"), k.run("0", "b")
	log := func(id trimtab.RunID, steps ...int64) {
		var batch trimtab.RunBatch
		for _, s := range steps {
			batch.Metrics = append(batch.Metrics, trimtab.Metric{Key: "m", Step: s, Time: trimtab.Time(s + 100), Value: float64(s)})
		}
		k.ok(k.Runs.LogBatch(k.ctx, id, batch))
	}
	log(a, -5, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	log(b, 3, 20, 21, 22)
	steps := func(id trimtab.RunID, all []sql.RunMetric) (out []int64) {
		for _, m := range all {
			if m.Run == id {
				out = append(out, m.Step)
			}
		}
		return out
	}
	for _, c := range []struct {
		name       string
		runs       []trimtab.RunID
		start, end *int64
		max        int
		wantA      []int64
		wantB      []int64
	}{
		{"all", []trimtab.RunID{a}, nil, nil, 100, []int64{-5, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, nil},
		{"a range", []trimtab.RunID{a}, ptr(int64(-10)), ptr(int64(1)), 100, []int64{-5, 0, 1}, nil},
		// 12 points in four groups of three: ranks 0, 3, 6, and the last instead of 9.
		{"sampled", []trimtab.RunID{a}, nil, nil, 4, []int64{-5, 2, 5, 10}, nil},
		// 12 points in five groups of 3, 3, 2, 2, 2: ranks 0, 3, 6, 8, and the last instead of 10.
		{"uneven groups", []trimtab.RunID{a}, nil, nil, 5, []int64{-5, 2, 5, 7, 10}, nil},
		{"the last alone", []trimtab.RunID{a}, nil, nil, 1, []int64{10}, nil},
		{"each run by itself", []trimtab.RunID{b, a, "nowhere"}, nil, nil, 2, []int64{-5, 10}, []int64{3, 22}},
		{"a sampled range", []trimtab.RunID{a}, ptr(int64(2)), ptr(int64(8)), 3, []int64{2, 5, 8}, nil},
		{"range without points", []trimtab.RunID{a, b}, ptr(int64(50)), ptr(int64(60)), 10, nil, nil},
	} {
		got, err := k.Runs.HistoryInterval(k.ctx, c.runs, "m", c.start, c.end, c.max)
		k.ok(err)
		k.same(steps(a, got), c.wantA, c.name+": run a")
		k.same(steps(b, got), c.wantB, c.name+": run b")
		if len(got) > 0 && got[0].Run != c.runs[0] {
			t.Errorf("%s: the first points are of run %s", c.name, got[0].Run)
		}
	}
	_, err := k.Runs.HistoryInterval(k.ctx, []trimtab.RunID{a}, "m", ptr(int64(1)), nil, 10)
	k.fails(err, trimtab.Invalid, "If either start step or end step are specified, both must be specified.")
	none, err := k.Runs.HistoryInterval(k.ctx, []trimtab.RunID{a, b}, "absent", nil, nil, 10)
	k.ok(err)
	k.same(none, nil, "a key that was never logged")

	bulk, err := k.Runs.HistoryBulk(k.ctx, []trimtab.RunID{b, a}, "m", 14)
	k.ok(err)
	first, second := a, b
	if b < a {
		first, second = b, a
	}
	if len(bulk) != 14 || bulk[0].Run != first || bulk[13].Run != second {
		t.Errorf("bulk: %d points from %s to %s", len(bulk), bulk[0].Run, bulk[len(bulk)-1].Run)
	}
}
