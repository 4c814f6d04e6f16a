package sqltest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

// search returns the names of all runs that a search finds, in pages of a size.
func (k *kit) search(q sql.RunQuery, size int) []string {
	k.Helper()
	var out []string
	q.Limit = size
	for {
		page, next, err := k.Runs.Search(k.ctx, q)
		k.ok(err)
		for _, r := range page {
			out = append(out, r.Name)
		}
		if (next != "") != (len(page) == size) {
			k.Fatalf("a page of %d of %d runs has the token %q: a token comes if and only if the page is full", len(page), size, next)
		}
		if next == "" {
			return out
		}
		q.After = next
	}
}

// sample makes five runs whose names say what they are about.
func (k *kit) sample() trimtab.ExperimentID {
	k.Helper()
	exp := k.experiment("sample")
	put := func(name string, start trimtab.Time, user string, b trimtab.RunBatch) trimtab.RunID {
		run := must(k.Runs.Create(k.ctx, trimtab.Run{ID: trimtab.RunID("id-" + name), Experiment: exp, Name: name, User: user, Start: start}, ""))(k)
		k.ok(k.Runs.LogBatch(k.ctx, run.ID, b))
		return run.ID
	}
	metric := func(key string, v float64) trimtab.Metric { return trimtab.Metric{Key: key, Value: v} }
	param := func(key, v string) trimtab.Param { return trimtab.Param{Key: key, Value: v} }
	tag := func(key, v string) trimtab.Tag { return trimtab.Tag{Key: key, Value: v} }
	put("one", 100, "ann", trimtab.RunBatch{Metrics: []trimtab.Metric{metric("a", 1), metric("b c", 0)}, Params: []trimtab.Param{param("lr", "0.1"), param("p", "it''s")}, Tags: []trimtab.Tag{tag("t", "Red"), tag("mlflow.user", "ann")}})
	two := put("two", 200, "", trimtab.RunBatch{Metrics: []trimtab.Metric{metric("a", nan)}, Params: []trimtab.Param{param("lr", "0.01"), param("p", "x AND y")}, Tags: []trimtab.Tag{tag("t", "red")}})
	put("three", 200, "bob", trimtab.RunBatch{Metrics: []trimtab.Metric{metric("a", math.Inf(1))}, Params: []trimtab.Param{param("lr", "")}})
	put("four", 300, "", trimtab.RunBatch{Metrics: []trimtab.Metric{metric("a", -2.5), metric("b c", 7)}, Tags: []trimtab.Tag{tag("t", "50%_a\\b")}})
	put("five", 50, "ÄNN", trimtab.RunBatch{Tags: []trimtab.Tag{tag("t", "ÄPFEL")}})
	k.ok(k.Runs.LogInputs(k.ctx, two, []trimtab.DatasetInput{{Dataset: trimtab.Dataset{Name: "Train", Digest: "d1"}, Tags: []trimtab.Tag{tag("mlflow.data.context", "training")}}, {Dataset: trimtab.Dataset{Name: "test", Digest: "d2"}}}, nil))
	status := trimtab.RunFailed
	must(k.Runs.Update(k.ctx, two, trimtab.RunUpdate{Status: &status, End: ptr(trimtab.Time(900))}))(k)
	return exp
}

func testRunSearch(t *testing.T, k *kit) {
	exp := k.sample()
	for _, c := range []struct {
		filter string
		want   string // in the default order: start descending, then id
	}{
		{"", "four three two one five"},
		{"metrics.a = 1", "one"},
		{"metrics.a > 0", "three one"},
		{"metrics.a >= -2.5", "four three one"},
		{"metrics.a < 1e400", "four three one"},
		{"metrics.a != 1", "four three two"},
		{"metrics.a = 0", ""},
		{"metrics.a = NaN", "two"},
		{"metrics.a != NaN", "four three one"},
		{"metrics.a IN (1, 2, -2.5)", "four one"},
		{"metrics.a NOT IN (1)", "four three two"},
		{"metrics.a BETWEEN -3 AND 1", "four one"},
		{"metrics.a NOT BETWEEN -3 AND 1", "three two"},
		{"metrics.a BETWEEN 5 AND 1", ""},
		{"metrics.a IS NULL", "five"},
		{"metrics.a IS NOT NULL", "four three two one"},
		{"metrics.`b c` = 0", "one"},
		{"params.lr = '0.1'", "one"},
		{"params.lr != '0.1'", "three two"},
		{"params.lr = ''", "three"},
		{"params.lr LIKE '0.%'", "two one"},
		{"params.lr LIKE '0._'", "one"},
		{"params.p = 'it''s'", "one"},
		{"params.p = 'x AND y'", "two"},
		{"NOT params.lr = '0.1'", "four three two five"},
		{"params.lr IN ('0.1', '')", "three one"},
		{"params.lr NOT IN ('0.1', '')", "two"},
		{"tags.t = 'red'", "two"},
		{"tags.t LIKE 'r%'", "two"},
		{"tags.t ILIKE 'r%'", "two one"},
		{"tags.t ILIKE 'äpf%'", "five"},
		{"tags.t LIKE '50\\%%'", ""},
		{"tags.t LIKE '50%\\_'", "four"},
		{"tags.t NOT LIKE 'r%'", "four one five"},
		{"tags.mlflow.user = 'ann'", "one"},
		{"run_name = 'two'", "two"},
		{"run_name LIKE 't%' AND status = 'RUNNING'", "three"},
		{"run_id = 'id-one'", "one"},
		{"run_id IN ('id-one', 'id-two', 'ID-THREE')", "two one"},
		{"run_id NOT IN ('id-one')", "four three two five"},
		{"status != 'FAILED'", "four three one five"},
		{"user_id = 'ann'", "one"},
		{"user_id != 'ann'", "three five"},
		{"user_id IS NULL", "four two"},
		{"user_id ILIKE 'änn'", "five"},
		{"start_time > 100", "four three two"},
		{"start_time > 99.5 AND start_time < 200.5", "three two one"},
		{"start_time = 200.5", ""},
		{"start_time IN (50, 300)", "four five"},
		{"end_time > 0", "two"},
		{"end_time < 5", ""},
		{"end_time IS NULL", "four three one five"},
		{"artifact_uri LIKE '%/id-one/artifacts'", "one"},
		{"dataset.name = 'Train'", "two"},
		{"dataset.name IN ('Train', 'nothing')", "two"},
		{"dataset.name != 'Train'", "two"}, // it has another one
		{"dataset.digest LIKE 'd%'", "two"},
		{"dataset.context = 'training'", "two"},
		{"dataset.context != 'training'", ""},
		{"dataset.name IS NULL", "four three one five"},
		{"params.lr = '0.1' OR metrics.a = NaN", "two one"},
		{"(params.lr = '0.1' OR tags.t = 'red') AND metrics.a = 1", "one"},
		{"NOT (params.lr = '0.1' OR tags.t = 'red')", "four three five"},
		{"metrics.a > 0 AND params.lr = '0.1' AND tags.t = 'Red' AND user_id = 'ann'", "one"},
	} {
		f, err := filter.Parse(filter.Runs, c.filter)
		k.ok(err)
		for _, size := range []int{2, 100} {
			got := strings.Join(k.search(sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Filter: f}, size), " ")
			if got != c.want {
				t.Errorf("%s (pages of %d)\n got %q\nwant %q", c.filter, size, got, c.want)
			}
		}
	}
	k.ok(k.Runs.Delete(k.ctx, "id-three"))
	for view, want := range map[sql.RunView]string{"": "four two one five", sql.ActiveOnly: "four two one five", sql.DeletedOnly: "three", sql.AllRuns: "four three two one five"} {
		if got := strings.Join(k.search(sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, View: view}, 2), " "); got != want {
			t.Errorf("view %s: %s, want %s", view, got, want)
		}
	}
	many := []trimtab.ExperimentID{exp, exp}
	for i := range 100 {
		many = append(many, trimtab.ExperimentID(fmt.Sprint(1000+i)))
	}
	k.same(k.search(sql.RunQuery{Experiments: many}, 2), []string{"four", "two", "one", "five"}, "many experiments")
	for _, none := range [][]trimtab.ExperimentID{nil, {"99"}, {"x"}} {
		k.same(k.search(sql.RunQuery{Experiments: none}, 10), nil, fmt.Sprintf("experiments %v", none))
	}
	_, _, err := k.Runs.Search(k.ctx, sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}})
	k.fails(err, trimtab.Invalid, "")
	_, _, err = k.Runs.Search(k.ctx, sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Limit: 5, Filter: filter.Cmp{Entity: filter.Param, Key: "a\x00", Op: filter.Equal, Value: filter.Text("x")}})
	k.fails(err, trimtab.Invalid, "")
	full, _, err := k.Runs.Search(k.ctx, sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Limit: 2})
	k.ok(err)
	for _, r := range full {
		k.same(r, must(k.Runs.Get(k.ctx, r.ID))(k), "a run that was found and the run itself")
	}
}

func testRunSearchOrder(t *testing.T, k *kit) {
	exp := k.sample()
	for _, c := range []struct{ order, want string }{
		{"start_time", "five one three two four"},
		{"start_time DESC", "four three two one five"},
		{"end_time", "two four three one five"},
		{"end_time DESC", "two four three one five"},
		{"metrics.a", "four one three two five"},
		{"metrics.a DESC", "three one four two five"},
		{"metrics.`b c`", "one four three two five"},
		{"metrics.absent DESC", "four three two one five"},
		{"params.lr", "three two one four five"},
		{"params.lr DESC", "one two three four five"},
		{"tags.t", "four one two five three"},
		{"run_name", "five four one three two"},
		{"run_id DESC", "two three one four five"},
		{"status", "two four three one five"},
		{"user_id", "one three five four two"},
		{"user_id DESC", "five three one four two"},
		{"tags.none; metrics.a; run_id", "four one three two five"},
		{"metrics.`b c`; metrics.a DESC", "one four three two five"},
		{"metrics.a; start_time", "four one three two five"},
	} {
		order, err := filter.ParseOrder(filter.Runs, strings.Split(c.order, "; "))
		k.ok(err)
		for _, size := range []int{1, 2, 100} {
			got := strings.Join(k.search(sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Order: order}, size), " ")
			if got != c.want {
				t.Errorf("%s (pages of %d)\n got %q\nwant %q", c.order, size, got, c.want)
			}
		}
	}
	many := make([]filter.Order, 17)
	for i := range many {
		many[i] = filter.Order{Entity: filter.Metric, Key: fmt.Sprint(i)}
	}
	_, _, err := k.Runs.Search(k.ctx, sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Order: many, Limit: 1})
	k.fails(err, trimtab.Invalid, "")
}

// testRunSearchPages reads pages while runs come and go: none that stays is
// given twice or left out.
func testRunSearchPages(t *testing.T, k *kit) {
	exp := k.experiment("x")
	for i := range 40 {
		run := must(k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, Name: fmt.Sprintf("stays%d", i), Start: trimtab.Time(1000 + i/3)}, ""))(k)
		k.ok(k.Runs.LogBatch(k.ctx, run.ID, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "m", Value: float64(i % 7)}}}))
	}
	for _, clause := range []string{"start_time DESC", "metrics.m", "run_name DESC"} {
		order, err := filter.ParseOrder(filter.Runs, []string{clause})
		k.ok(err)
		q := sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Order: order, Limit: 7}
		seen := map[string]int{}
		var passing []trimtab.RunID
		for page := 0; ; page++ {
			found, next, err := k.Runs.Search(k.ctx, q)
			k.ok(err)
			for _, r := range found {
				seen[r.Name]++
			}
			if next == "" {
				break
			}
			q.After = next
			run := must(k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, Name: fmt.Sprintf("passes%d", page), Start: trimtab.Time(990 + page*9)}, ""))(k)
			k.ok(k.Runs.LogBatch(k.ctx, run.ID, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "m", Value: float64(page)}}}))
			passing = append(passing, run.ID)
			if page%2 == 1 {
				k.ok(k.Runs.Delete(k.ctx, passing[page/2]))
			}
		}
		for i := range 40 {
			if n := seen[fmt.Sprintf("stays%d", i)]; n != 1 {
				t.Errorf("%s: run %d was given %d times", clause, i, n)
			}
		}
		for _, id := range passing {
			k.ok(k.Runs.Delete(k.ctx, id))
		}
	}
	_, next, err := k.Runs.Search(k.ctx, sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Limit: 1})
	k.ok(err)
	_, _, err = k.Runs.Search(k.ctx, sql.RunQuery{Experiments: []trimtab.ExperimentID{"0"}, Limit: 1, After: next})
	k.fails(err, trimtab.Invalid, "")
}

// runValues is a run as the reference meaning of the filter language sees it.
type runValues struct{ trimtab.Run }

func (r runValues) Values(e filter.Entity, key string) (out []filter.Value) {
	text := func(s string, ok bool) []filter.Value {
		if !ok {
			return nil
		}
		return []filter.Value{filter.Text(s)}
	}
	switch e {
	case filter.Metric:
		for _, m := range r.Metrics {
			if m.Key == key {
				out = append(out, filter.Number(m.Value))
			}
		}
	case filter.Param:
		v, ok := r.Params[key]
		return text(v, ok)
	case filter.Tag:
		v, ok := r.Tags[key]
		return text(v, ok)
	case filter.Dataset:
		for _, in := range r.Inputs {
			switch key {
			case "name":
				out = append(out, filter.Text(in.Dataset.Name))
			case "digest":
				out = append(out, filter.Text(in.Dataset.Digest))
			case "context":
				for _, t := range in.Tags {
					if t.Key == "mlflow.data.context" {
						out = append(out, filter.Text(t.Value))
					}
				}
			}
		}
	case filter.Attribute:
		switch key {
		case "run_id":
			return text(string(r.ID), true)
		case "run_name":
			return text(r.Name, true)
		case "status":
			return text(string(r.Status), true)
		case "artifact_uri":
			return text(r.ArtifactURI, true)
		case "user_id":
			return text(r.User, r.User != "")
		case "start_time":
			return []filter.Value{filter.Number(float64(r.Start))}
		case "end_time":
			if r.End != 0 {
				return []filter.Value{filter.Number(float64(r.End))}
			}
		}
	}
	return out
}

// testRunSearchVectors runs every filter and order of the vectors against real
// rows: those that are accepted must find what the reference meaning finds.
func testRunSearchVectors(t *testing.T, k *kit) {
	exp := k.sample()
	rows, _, err := k.Runs.Search(k.ctx, sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Limit: 100})
	k.ok(err)
	tried := 0
	for _, v := range vectors(k, filter.Runs) {
		f, err := filter.Parse(filter.Runs, v)
		if err != nil {
			continue // pure/filter's own tests say which are refused
		}
		tried++
		var want []string
		for _, r := range rows {
			if f == nil || filter.Eval(f, runValues{r}) {
				want = append(want, r.Name)
			}
		}
		k.same(k.search(sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Filter: f}, 3), want, v)
	}
	if tried < 60 {
		t.Errorf("only %d vectors were tried", tried)
	}
	for _, clause := range orderVectors(k, filter.Runs) {
		order, err := filter.ParseOrder(filter.Runs, []string{clause})
		if err != nil {
			continue
		}
		if got := k.search(sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Order: order}, 2); len(got) != len(rows) {
			t.Errorf("%s: %d runs, want %d", clause, len(got), len(rows))
		}
	}
	// As many conditions as the language allows at once.
	wide := make([]filter.Expr, 1000)
	for i := range wide {
		wide[i] = filter.Cmp{Entity: filter.Param, Key: "lr", Op: filter.NotEqual, Value: filter.Text(fmt.Sprint(i))}
	}
	k.same(k.search(sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Filter: filter.Or{Exprs: wide}}, 10), []string{"three", "two", "one"}, "a thousand conditions")
	// A pattern longer than what SQLite's own LIKE takes.
	long := filter.Cmp{Entity: filter.Tag, Key: "t", Op: filter.LikeOp, Value: filter.Text(strings.Repeat("%", 60_000) + "ed")}
	k.same(k.search(sql.RunQuery{Experiments: []trimtab.ExperimentID{exp}, Filter: long}, 10), []string{"two", "one"}, "a long pattern")
}

// testRunSearchModel compares searches of random filters, orders and page sizes
// over random runs with the reference meaning.
func testRunSearchModel(t *testing.T, k *kit) {
	exps := []trimtab.ExperimentID{k.experiment("x"), k.experiment("y")}
	texts := []string{"", "a", "A", "b", "ab", "ä", "Ä", "%", "_", "a%"}
	values := []float64{-1, 0, 0.5, 1, 2, math.Inf(1), math.Inf(-1), nan}
	keys := []string{"k", "l", "ö p"}
	pick := func(i, n int) int { return (i*2654435761 + i/7 + n) & 0xffff }
	var all []trimtab.Run
	for i := range 60 {
		run := trimtab.Run{ID: trimtab.RunID(fmt.Sprintf("r%02d", (i*37)%60)), Experiment: exps[i%3%2], Name: fmt.Sprintf("n%d", i), Start: trimtab.Time(1 + pick(i, 1)%5), User: texts[pick(i, 2)%4]}
		run = must(k.Runs.Create(k.ctx, run, ""))(k)
		var b trimtab.RunBatch
		for j, key := range keys {
			if pick(i, 3*j)%3 > 0 {
				b.Metrics = append(b.Metrics, trimtab.Metric{Key: key, Value: values[pick(i, 5*j)%len(values)]})
			}
			if pick(i, 7*j)%3 > 0 {
				b.Params = append(b.Params, trimtab.Param{Key: key, Value: texts[pick(i, 11*j)%len(texts)]})
			}
			if pick(i, 13*j)%3 > 0 {
				b.Tags = append(b.Tags, trimtab.Tag{Key: key, Value: texts[pick(i, 17*j)%len(texts)]})
			}
		}
		k.ok(k.Runs.LogBatch(k.ctx, run.ID, b))
		if i%4 == 0 {
			k.ok(k.Runs.LogInputs(k.ctx, run.ID, []trimtab.DatasetInput{{Dataset: trimtab.Dataset{Name: texts[1+i%3], Digest: "d"}, Tags: []trimtab.Tag{{Key: "mlflow.data.context", Value: texts[i%5]}}}}, nil))
		}
		all = append(all, must(k.Runs.Get(k.ctx, run.ID))(k))
	}
	rapid.Check(t, func(rt *rapid.T) {
		f := drawFilter(rt, filter.Runs, keys, texts, 3)
		orders := drawOrders(rt, filter.Runs, keys)
		experiments := rapid.SampledFrom([][]trimtab.ExperimentID{exps, exps[:1], exps[1:]}).Draw(rt, "experiments")
		size := rapid.SampledFrom([]int{1, 7, 25, 60, 100}).Draw(rt, "page size")
		var want []trimtab.Run
		for _, r := range all {
			if slices.Contains(experiments, r.Experiment) && (f == nil || filter.Eval(f, runValues{r})) {
				want = append(want, r)
			}
		}
		full := filter.Runs.Complete(orders)
		slices.SortFunc(want, func(a, b trimtab.Run) int { return compareRows(runValues{a}, runValues{b}, full) })
		var names []string
		for _, r := range want {
			names = append(names, r.Name)
		}
		text := "everything"
		if f != nil {
			text = f.String()
		}
		k.same(k.search(sql.RunQuery{Experiments: experiments, Filter: f, Order: orders}, size), names, fmt.Sprintf("%s by %v in pages of %d", text, orders, size))
		if k.Failed() {
			rt.FailNow()
		}
	})
}

// testRunSearchLarge has more runs than a driver may name, so that orders are
// walked, and filters of every width.
func testRunSearchLarge(t *testing.T, k *kit) {
	exps := []trimtab.ExperimentID{k.experiment("x"), k.experiment("y")}
	const n = 1500
	type row struct {
		name string
		m    float64
	}
	var all []row
	errs := make(chan error, 8)
	work := make(chan int)
	for range cap(errs) {
		go func() {
			var err error
			for i := range work {
				run, e := k.Runs.Create(k.ctx, trimtab.Run{ID: trimtab.RunID(fmt.Sprintf("r%04d", i)), Experiment: exps[i%2], Name: fmt.Sprintf("n%d", i), Start: trimtab.Time(1000 + i)}, "")
				if e == nil {
					e = k.Runs.LogBatch(k.ctx, run.ID, trimtab.RunBatch{Metrics: largeMetrics(i), Params: []trimtab.Param{{Key: "p", Value: fmt.Sprint(i % 10)}}})
				}
				if e != nil {
					err = e
				}
			}
			errs <- err
		}()
	}
	for i := range n {
		work <- i
		all = append(all, row{fmt.Sprintf("n%d", i), float64((i * 7919) % n)})
	}
	close(work)
	for range cap(errs) {
		k.ok(<-errs)
	}
	for _, c := range []struct {
		filter, order string
		keep          func(i int) bool
	}{
		{"", "metrics.m DESC", func(int) bool { return true }},
		{"metrics.m >= 700", "metrics.m", func(i int) bool { return (i*7919)%n >= 700 }},
		{"metrics.m >= 700 AND params.p = '3'", "metrics.m DESC", func(i int) bool { return (i*7919)%n >= 700 && i%10 == 3 }},
		{"metrics.m < 5", "metrics.m", func(i int) bool { return (i*7919)%n < 5 }},
		{"metrics.m < 5", "start_time DESC", func(i int) bool { return (i*7919)%n < 5 }},
		{"params.p != '3'", "start_time DESC", func(i int) bool { return i%10 != 3 }},
		{"run_name = 'n77' AND metrics.m >= 0", "metrics.m", func(i int) bool { return i == 77 }},
	} {
		f, err := filter.Parse(filter.Runs, c.filter)
		k.ok(err)
		order, err := filter.ParseOrder(filter.Runs, []string{c.order})
		k.ok(err)
		var want []row
		for i, r := range all {
			if c.keep(i) {
				want = append(want, r)
			}
		}
		slices.SortStableFunc(want, func(a, b row) int {
			switch {
			case strings.HasPrefix(c.order, "start_time"):
				return 0
			case strings.HasSuffix(c.order, "DESC"):
				return int(b.m - a.m)
			}
			return int(a.m - b.m)
		})
		if strings.HasPrefix(c.order, "start_time") {
			slices.Reverse(want)
		}
		var names []string
		for _, r := range want {
			names = append(names, r.name)
		}
		for _, size := range []int{10, 1000} {
			got := k.search(sql.RunQuery{Experiments: exps, Filter: f, Order: order}, size)
			if !slices.Equal(got, names) {
				t.Errorf("%s by %s in pages of %d: %d runs, want %d; first %v, want %v", c.filter, c.order, size, len(got), len(names), got[:min(3, len(got))], names[:min(3, len(names))])
			}
		}
	}
}

func largeMetrics(i int) []trimtab.Metric {
	return []trimtab.Metric{{Key: "m", Value: float64((i * 7919) % 1500)}, {Key: "other", Value: 1}}
}
