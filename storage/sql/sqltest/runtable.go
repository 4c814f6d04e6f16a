package sqltest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

// keys spells the catalogue of an experiment, in pages of a size.
func (k *kit) keys(q sql.RunKeyQuery, size int) string {
	k.Helper()
	var out []string
	for q.Limit = size; ; {
		page, next, err := k.Runs.Keys(k.ctx, q)
		k.ok(err)
		for _, key := range page {
			out = append(out, fmt.Sprintf("%s=%d", filter.Spell(key.Kind, key.Key), key.Runs))
		}
		if next == "" {
			return strings.Join(out, " ")
		}
		q.After = next
	}
}

func testRunKeys(t *testing.T, k *kit) {
	exp, other := k.experiment("a"), k.experiment("b")
	one, two, three := k.run(exp, "one"), k.run(exp, "two"), k.run(other, "three")
	batch := trimtab.RunBatch{
		Metrics: []trimtab.Metric{{Key: "loss", Value: 1, Step: 1}, {Key: "loss", Value: 2, Step: 2}, {Key: "Val/Loss", Value: nan}},
		Params:  []trimtab.Param{{Key: "lr", Value: "1"}, {Key: "depth", Value: "2"}},
		Tags:    []trimtab.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}},
	}
	k.ok(k.Runs.LogBatch(k.ctx, one, batch))
	k.ok(k.Runs.LogBatch(k.ctx, one, batch)) // again: nothing is new
	k.ok(k.Runs.LogBatch(k.ctx, two, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "loss", Value: 3}}, Tags: []trimtab.Tag{{Key: "b", Value: "3"}}}))
	k.ok(k.Runs.LogBatch(k.ctx, three, batch))
	k.ok(k.Runs.SetTag(k.ctx, two, trimtab.Tag{Key: "b", Value: "4"}))
	k.ok(k.Runs.SetTag(k.ctx, two, trimtab.Tag{Key: "c", Value: "5"}))
	// A batch that is refused leaves the catalogue as it was.
	k.fails(k.Runs.LogBatch(k.ctx, one, trimtab.RunBatch{Params: []trimtab.Param{{Key: "x", Value: "1"}, {Key: "lr", Value: "other"}}, Tags: []trimtab.Tag{{Key: "x", Value: "1"}}, Metrics: []trimtab.Metric{{Key: "x"}}}), trimtab.Invalid, "")
	k.ok(k.Runs.DeleteTag(k.ctx, one, "a"))
	for _, c := range []struct {
		q    sql.RunKeyQuery
		want string
	}{
		{sql.RunKeyQuery{Experiment: exp}, "tags.b=2 metrics.loss=2 tags.mlflow.runName=2 metrics.`Val/Loss`=1 tags.c=1 params.depth=1 params.lr=1"},
		{sql.RunKeyQuery{Experiment: exp, Kinds: []filter.Entity{filter.Metric}}, "metrics.loss=2 metrics.`Val/Loss`=1"},
		{sql.RunKeyQuery{Experiment: exp, Search: "LOSS"}, "metrics.loss=2 metrics.`Val/Loss`=1"},
		{sql.RunKeyQuery{Experiment: exp, Search: " loss  val"}, "metrics.`Val/Loss`=1"},
		{sql.RunKeyQuery{Experiment: exp, Search: "%"}, ""},
		{sql.RunKeyQuery{Experiment: other, Kinds: []filter.Entity{filter.Param, filter.Tag}}, "tags.a=1 tags.b=1 params.depth=1 params.lr=1 tags.mlflow.runName=1"},
		{sql.RunKeyQuery{Experiment: "77"}, ""},
		{sql.RunKeyQuery{Experiment: "no number"}, ""},
	} {
		for _, size := range []int{1, 2, 100} {
			if got := k.keys(c.q, size); got != c.want {
				t.Errorf("%+v in pages of %d\n got %s\nwant %s", c.q, size, got, c.want)
			}
		}
	}
	if all := must(k.Runs.AllKeys(k.ctx, exp, filter.Param))(k); len(all) != 2 || all[0].Kind != filter.Param || all[0].Runs != 1 {
		t.Errorf("all params: %+v", all)
	}
	_, next, err := k.Runs.Keys(k.ctx, sql.RunKeyQuery{Experiment: exp, Limit: 1})
	k.ok(err)
	_, _, err = k.Runs.Keys(k.ctx, sql.RunKeyQuery{Experiment: other, Limit: 1, After: next})
	k.fails(err, trimtab.Invalid, "")
	_, _, err = k.Runs.Keys(k.ctx, sql.RunKeyQuery{Experiment: exp, Limit: 1, Search: strings.Repeat("a ", 9)})
	k.fails(err, trimtab.Invalid, "9 words, keys are searched for at most 8 at once")
}

// table spells pages of a table: the runs with their cells.
func (k *kit) table(q sql.RunTableQuery, size int) (out []string, pages int) {
	k.Helper()
	for q.Limit = size; ; {
		page, err := k.Runs.Table(k.ctx, q)
		k.ok(err)
		pages++
		for i, r := range page.Runs {
			line := r.Name
			for _, c := range page.Cells {
				switch {
				case !c.Has[i]:
					line += " -"
				case c.Numbers != nil:
					line += fmt.Sprintf(" %v", c.Numbers[i])
				default:
					line += " " + c.Texts[i]
				}
			}
			out = append(out, line)
		}
		if page.Next == "" {
			return out, pages
		}
		q.After = page.Next
	}
}

func testRunTable(t *testing.T, k *kit) {
	exp := k.sample()
	columns := []sql.RunColumn{{Entity: filter.Metric, Key: "a"}, {Entity: filter.Param, Key: "lr"}, {Entity: filter.Tag, Key: "t"}, {Entity: filter.Metric, Key: "none"}}
	all := []string{"four -2.5 - 50%_a\\b -", "three " + fmt.Sprint(math.MaxFloat64) + "  - -", "two NaN 0.01 red -", "one 1 0.1 Red -", "five - - ÄPFEL -"}
	for _, size := range []int{1, 2, 5, 100} {
		got, pages := k.table(sql.RunTableQuery{Experiment: exp, Columns: columns}, size)
		k.same(got, all, fmt.Sprintf("pages of %d", size))
		if want := (len(all) + size - 1) / size; pages != want {
			t.Errorf("pages of %d: %d pages, want %d: no page is empty", size, pages, want)
		}
	}
	order, err := filter.ParseOrder(filter.Runs, []string{"metrics.a DESC"})
	k.ok(err)
	for _, bytes := range []int{0, 1, 500} { // a page that is too large is shorter, and nothing is lost
		got, pages := k.table(sql.RunTableQuery{Experiment: exp, Order: order, Columns: columns[:1], Bytes: bytes}, 3)
		k.same(got, []string{"three " + fmt.Sprint(math.MaxFloat64), "one 1", "four -2.5", "two NaN", "five -"}, fmt.Sprintf("%d bytes", bytes))
		if bytes == 1 && pages != 5 {
			t.Errorf("%d pages of one byte, want one for each run", pages)
		}
	}
	f, err := filter.Parse(filter.Runs, "metrics.a > 0")
	k.ok(err)
	got, _ := k.table(sql.RunTableQuery{Experiment: exp, Filter: f}, 1)
	k.same(got, []string{"three", "one"}, "with a filter")
	for most, want := range map[int]int{1: 1, 2: 2, 10: 2} {
		if n := must(k.Runs.Count(k.ctx, exp, f, "", most))(k); n != want {
			t.Errorf("%d runs up to %d, want %d", n, most, want)
		}
	}
	k.ok(k.Runs.SetTag(k.ctx, "id-one", trimtab.Tag{Key: "long", Value: strings.Repeat("é", 300)}))
	k.ok(k.Runs.Delete(k.ctx, "id-one"))
	got, _ = k.table(sql.RunTableQuery{Experiment: exp, View: sql.DeletedOnly, Columns: []sql.RunColumn{{Entity: filter.Tag, Key: "long"}}}, 3)
	k.same(got, []string{"one " + strings.Repeat("é", 255) + "…"}, "a long text")
	for _, bad := range []sql.RunTableQuery{
		{Columns: make([]sql.RunColumn, sql.MaxTableColumns+1), Limit: 1},
		{Columns: []sql.RunColumn{columns[0], columns[0]}, Limit: 1},
		{Columns: []sql.RunColumn{{Entity: filter.Dataset, Key: "name"}}, Limit: 1},
		{Columns: []sql.RunColumn{{Entity: filter.Tag, Key: "a\x00"}}, Limit: 1},
		{Limit: 0},
	} {
		bad.Experiment = exp
		_, err := k.Runs.Table(k.ctx, bad)
		k.fails(err, trimtab.Invalid, "")
	}
}

func testActivity(t *testing.T, k *kit) {
	exp, other := k.experiment("a"), k.experiment("b")
	const day = 24 * 60 * 60 * 1000
	from := trimtab.Time(100*day + 5)
	start := func(name string, at trimtab.Time) trimtab.RunID {
		return must(k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, Name: name, Start: at}, ""))(k).ID
	}
	start("early", 100*day-1)
	k.end(start("first", 100*day))
	start("third", 102*day+7)
	k.ok(k.Runs.Delete(k.ctx, start("gone", 102*day+8)))
	start("late", 103*day)
	got := must(k.Experiments.Activity(k.ctx, []trimtab.ExperimentID{exp, other, "x"}, from, 3))(k)
	if len(got) != 2 {
		t.Fatalf("activity of %d experiments, want 2", len(got))
	}
	k.same(got[exp].Days, []int64{1, 0, 1}, "days")
	k.same(got[exp].Runs, map[trimtab.RunStatus]int64{trimtab.RunRunning: 3, trimtab.RunFinished: 1}, "runs")
	if got[exp].Last == nil || got[exp].Last.Name != "late" {
		t.Errorf("the last run is %+v, want late", got[exp].Last)
	}
	if a := got[other]; a.Last != nil || len(a.Runs) != 0 || len(a.Days) != 3 {
		t.Errorf("an empty experiment has %+v", a)
	}
}
