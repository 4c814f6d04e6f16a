package evaluate_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/evaluate"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
)

func p(v float64) *float64 { return &v }

func TestBuiltIn(t *testing.T) {
	w := newWorld(t)
	w.serve(3, 120)
	at := border(2)
	newest := at - 8*day
	for v := trimtab.Version(1); v <= 5; v++ {
		w.trained[v] = newest
	}
	for _, c := range []struct {
		version trimtab.Version
		verdict string
		reason  string
	}{
		{2, trimtab.VerdictPass, "all demands are met on 840 fresh rows: log_loss 0."},
		{3, trimtab.VerdictFail, "worse by"},
		{4, trimtab.VerdictFail, "not better by 1 standard error"},
		{1, trimtab.VerdictFail, "equal"},
		{5, trimtab.VerdictFail, "refuses 560 rows of 840"},
	} {
		e, err := w.runner().Evaluate(t.Context(), "", "e", "m", c.version, at)
		if err != nil {
			t.Fatal(err)
		}
		if e.Verdict != c.verdict || !strings.Contains(e.Reason, c.reason) {
			t.Errorf("version %d: %s: %s", c.version, e.Verdict, e.Reason)
		}
		if e.Against != 1 || e.From != newest || e.To != newest+7*day || e.ID != trimtab.EvaluationID("built-in:e", "m", c.version, at) {
			t.Errorf("version %d: %+v", c.version, e)
		}
	}
}

// The record of a suite, version and moment is the one that was made first; a suite that is declared otherwise, or
// being asked for it, makes another.
func TestIdempotent(t *testing.T) {
	w := newWorld(t)
	w.serve(2, 100)
	w.trained[2] = border(0)
	suite := trimtab.EvaluationSuiteSpec{Model: "m", Monitor: "e", Fresh: &trimtab.FreshSpec{}, Gates: []trimtab.GateSpec{{Metric: "auc", NonInferior: p(0.01)}}}
	w.apply(trimtab.KindEvaluationSuite, "s", suite)
	first, err := w.runner().Evaluate(t.Context(), "s", "", "m", 2, border(1))
	w.check(err)
	scored := w.scored
	second, err := w.runner().Evaluate(t.Context(), "s", "", "m", 2, border(1))
	w.check(err)
	if w.scored != scored || trimtab.StateDigest(first) != trimtab.StateDigest(second) {
		t.Errorf("evaluated twice: %+v, then %+v", first, second)
	}
	w.alias = 3 // the record of the decision stays
	if same, err := w.runner().Evaluate(t.Context(), "s", "", "m", 2, border(1)); err != nil || same.Against != 1 {
		t.Errorf("against %d, %v", same.Against, err)
	}
	again, err := w.runner().Run(t.Context(), evaluate.Request{Suite: "s", Model: "m", Version: 2, At: border(1), Again: true})
	w.check(err)
	if again.Against != 3 {
		t.Errorf("again is against %d", again.Against)
	}
	if _, err := w.runner().Run(t.Context(), evaluate.Request{Suite: "s", Model: "m", Version: 2, At: border(1), Again: true}); err != nil {
		t.Error(err) // and makes no entry, as below
	}
	suite.Gates[0].NonInferior = p(0.02)
	w.apply(trimtab.KindEvaluationSuite, "s", suite)
	if other, err := w.runner().Evaluate(t.Context(), "s", "", "m", 2, border(1)); err != nil || other.SuiteHash == first.SuiteHash || other.Results[1].Limit != 0.02 {
		t.Errorf("another suite: %+v, %v", other, err)
	}
	entries, err := w.db.Journal.ByObject(t.Context(), "evaluation", first.ID, 10)
	if err != nil || len(entries) != 3 {
		t.Errorf("%d journal entries, %v", len(entries), err)
	}
}

// Without a choice nothing has to be named.
func TestOnly(t *testing.T) {
	w := newWorld(t)
	w.serve(1, 100)
	w.trained[2] = began - day
	e, err := w.runner().Run(t.Context(), evaluate.Request{Model: "m", Version: 2, At: border(0)})
	if err != nil || e.ID != trimtab.EvaluationID("built-in:e", "m", 2, border(0)) {
		t.Errorf("%+v, %v", e, err)
	}
	w.apply(trimtab.KindMonitor, "f", trimtab.MonitorSpec{Endpoint: "e", Window: "1d"})
	if _, err := w.runner().Run(t.Context(), evaluate.Request{Model: "m", Version: 2, At: border(0)}); !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), "monitors e, f") {
		t.Errorf("%v", err)
	}
	w.apply(trimtab.KindEvaluationSuite, "s", trimtab.EvaluationSuiteSpec{Model: "m", Monitor: "e", Fresh: &trimtab.FreshSpec{}, Gates: []trimtab.GateSpec{{Metric: "auc", Better: p(1)}}})
	if e, err := w.runner().Run(t.Context(), evaluate.Request{Model: "m", Version: 2, At: border(0)}); err != nil || e.Suite != "s" {
		t.Errorf("%+v, %v", e, err)
	}
}

// Which rows are fresh.
func TestFresh(t *testing.T) {
	w := newWorld(t)
	w.serve(4, 100)
	start := border(0) - 8*day
	w.apply(trimtab.KindEvaluationSuite, "s", trimtab.EvaluationSuiteSpec{Model: "m", Monitor: "e", Fresh: &trimtab.FreshSpec{Windows: 2, MinRows: 600}, Gates: []trimtab.GateSpec{{Metric: "log_loss", Better: p(1)}}})
	for name, c := range map[string]struct {
		trained  trimtab.Time // 0: nobody knows
		at       trimtab.Time
		holds    []trimtab.Hold
		rows     int64
		from     trimtab.Time
		verdict  string
		contains string
	}{
		"two windows":               {start, border(3), nil, 1400, start + 14*day, trimtab.VerdictPass, "1400 fresh rows"},
		"as of an earlier moment":   {start, border(2), nil, 1400, start + 7*day, trimtab.VerdictPass, ""},
		"one has matured":           {start, border(1) - 1, nil, 700, start, trimtab.VerdictPass, ""},
		"none has matured":          {start, border(0) - 1, nil, 0, 0, trimtab.VerdictInsufficient, "no window of monitor e has matured by 2013-"},
		"half of one was learnt":    {start + 24*day, border(3), nil, 400, start + 24*day, trimtab.VerdictInsufficient, "400 rows with a label that the challenger has not learnt from, 600 are asked"},
		"all was learnt":            {start + 30*day, border(3), nil, 0, 0, trimtab.VerdictInsufficient, "no row is new to it"},
		"held":                      {start, border(3), []trimtab.Hold{{Endpoint: "e", From: start + 21*day, To: start + 25*day}}, 1000, start + 14*day, trimtab.VerdictPass, ""},
		"all held":                  {start, border(3), []trimtab.Hold{{Endpoint: "e", From: start}}, 0, start + 14*day, trimtab.VerdictInsufficient, "is not held (1400 are)"},
		"made by nobody knows what": {0, border(3), nil, 0, 0, trimtab.VerdictInsufficient, "no row is new to it"},
	} {
		t.Run(name, func(t *testing.T) {
			delete(w.trained, 2)
			if c.trained != 0 {
				w.trained[2] = c.trained
			}
			w.holds = c.holds
			e, err := w.runner().Run(t.Context(), evaluate.Request{Suite: "s", Model: "m", Version: 2, At: c.at, Again: true})
			if err != nil {
				t.Fatal(err)
			}
			if e.Rows != c.rows || e.From != c.from || e.Verdict != c.verdict || !strings.Contains(e.Reason, c.contains) {
				t.Errorf("%d rows from %s: %s: %s", e.Rows, e.From, e.Verdict, e.Reason)
			}
		})
	}
	// A window that has only been looked at is not mature.
	w.holds, w.trained[2] = nil, start
	w.check(w.db.Windows.Put(t.Context(), trimtab.WindowResult{Monitor: "e", Endpoint: "e", Start: start + 28*day, End: start + 35*day, Through: start + 36*day, Phase: trimtab.WindowEstimated}))
	if e, err := w.runner().Evaluate(t.Context(), "s", "", "m", 2, border(5)); err != nil || e.To != start+28*day {
		t.Errorf("to %s, %v", e.To, err)
	}
}

// The version that answers is what counts, whatever the alias says while a rollout is under way.
func TestAgainst(t *testing.T) {
	w := newWorld(t)
	w.serve(1, 100)
	w.trained[2] = began - 100*day
	w.alias = 4
	_, err := w.db.Rollouts.Move(t.Context(), "e.1", func(*trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
		r, c := trimtab.NewRollout("e", 1, "m", "", 3, 4, trimtab.RolloutSpec{Shadow: &trimtab.ShadowSpec{For: 1}}, "salt", "alias", "x", began)
		return r, c, nil
	})
	w.check(err)
	if e, err := w.runner().Evaluate(t.Context(), "", "e", "m", 2, border(0)); err != nil || e.Against != 3 {
		t.Errorf("against %d, %v", e.Against, err)
	}
	w.alias = 0
	_, err = w.db.Rollouts.Move(t.Context(), "e.1", func(old *trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
		return old.Move(trimtab.RolloutSuperseded, 0, 0, began, "x")
	})
	w.check(err)
	e, err := w.runner().Run(t.Context(), evaluate.Request{Monitor: "e", Model: "m", Version: 2, At: border(0), Again: true})
	if err != nil || e.Against != 0 || e.Verdict != trimtab.VerdictInsufficient || !strings.Contains(e.Reason, "no version serves") {
		t.Errorf("against %d: %s: %s, %v", e.Against, e.Verdict, e.Reason, err)
	}
}

func TestGoldenSchemaLatency(t *testing.T) {
	w := newWorld(t)
	w.serve(1, 300)
	w.trained[2], w.trained[5] = began-100*day, began-100*day
	w.golden = goldenRows(400)
	suite := trimtab.EvaluationSuiteSpec{Model: "m", Monitor: "e", Fresh: &trimtab.FreshSpec{}, Golden: &trimtab.GoldenSpec{Source: "golden"},
		Gates:  []trimtab.GateSpec{{Metric: "auc", Better: p(1)}, {Metric: "accuracy", On: "golden", Min: p(0.6)}},
		Slices: []trimtab.SliceSpec{{Column: "part"}, {Column: "size", Metric: "log_loss", NonInferior: 0.01}}, MaxLatency: 2_000_000}
	w.apply(trimtab.KindEvaluationSuite, "s", suite)
	run := func(v trimtab.Version) trimtab.Evaluation {
		e, err := w.runner().Run(t.Context(), evaluate.Request{Suite: "s", Model: "m", Version: v, At: border(0), Again: true})
		w.check(err)
		return e
	}
	e := run(2)
	if e.Verdict != trimtab.VerdictPass || e.Rows != 2100 || e.Golden != 400 {
		t.Errorf("%d and %d rows: %s: %s", e.Rows, e.Golden, e.Verdict, e.Reason)
	}
	var gates []string
	for _, r := range e.Results {
		gates = append(gates, strings.TrimSpace(r.Gate+" "+r.Slice))
	}
	if want := []string{"schema compatible", "auc better 1", "accuracy min 0.6", "auc by part part=a", "auc by part part=b", "auc by part part=c"}; !slices.Equal(gates[:6], want) || len(gates) != 11 || gates[10] != "latency max 2ms" {
		t.Errorf("gates %q", gates)
	}
	keys := map[string]bool{}
	for _, m := range w.logged.Metrics {
		keys[m.DatasetName+" "+m.Key] = true
		if m.Time != border(0) {
			t.Errorf("metric %+v", m)
		}
	}
	if !keys["e/fresh roc_auc"] || !keys["e/golden accuracy_score"] || len(keys) != 24 {
		t.Errorf("logged %v", keys)
	}
	suite.MaxLatency = 500_000
	w.apply(trimtab.KindEvaluationSuite, "s", suite)
	if e := run(2); e.Verdict != trimtab.VerdictFail || !strings.Contains(e.Reason, "the slowest of 200 rows takes 1ms") {
		t.Errorf("%s: %s", e.Verdict, e.Reason)
	}
	suite.MaxLatency = 0
	w.apply(trimtab.KindEvaluationSuite, "s", suite)
	if e := run(5); e.Verdict != trimtab.VerdictFail || !strings.Contains(e.Reason, "it refuses 1400 rows of 2500") {
		t.Errorf("%s: %s", e.Verdict, e.Reason)
	}
	column := func(name string) schema.ColumnSpec {
		return schema.ColumnSpec{Name: name, Named: true, Required: true, Type: schema.Double}
	}
	w.sig[1] = schema.Signature{Inputs: schema.Schema{Columns: []schema.ColumnSpec{column("a")}}}
	w.sig[2] = schema.Signature{Inputs: schema.Schema{Columns: []schema.ColumnSpec{column("a"), column("b")}}}
	if e := run(2); e.Verdict != trimtab.VerdictFail || !strings.Contains(e.Reason, `column "b" is required, and the other version does not have it`) {
		t.Errorf("%s: %s", e.Verdict, e.Reason)
	}
	suite.Schema = "any"
	w.apply(trimtab.KindEvaluationSuite, "s", suite)
	if e := run(2); e.Verdict != trimtab.VerdictPass {
		t.Errorf("%s: %s", e.Verdict, e.Reason)
	}
	if e := run(5); e.Verdict == trimtab.VerdictPass {
		t.Errorf("%s: %s", e.Verdict, e.Reason)
	}
}

func goldenRows(n int) *table.Table {
	t := table.Blank(n)
	id, at, label := table.NewColumn("id", table.String, n), table.NewColumn("time", table.Datetime, n), table.NewColumn("label", table.Float64, n)
	columns := []*table.Column{table.NewColumn("v1", table.Float64, n), table.NewColumn("v2", table.Float64, n), table.NewColumn("v5", table.Float64, n)}
	for i := range n {
		id.AppendString(string(rune('a'+i%26)) + string(rune('a'+i/26)))
		at.AppendInt64(int64(began+trimtab.Time(i)*day/50) * 1_000_000)
		label.AppendFloat64(float64(i % 2))
		for _, c := range columns {
			c.AppendFloat64(0.2 + 0.5*float64((i+i%10/8)%2))
		}
	}
	t.Columns = append([]*table.Column{id, at, label}, columns...)
	return t
}

func TestRefused(t *testing.T) {
	w := newWorld(t)
	w.serve(1, 100)
	ctx := context.Background()
	fresh := &trimtab.FreshSpec{}
	gate := []trimtab.GateSpec{{Metric: "auc", Better: p(1)}}
	w.apply(trimtab.KindEvaluationSuite, "other", trimtab.EvaluationSuiteSpec{Model: "n", Monitor: "e", Fresh: fresh, Gates: gate})
	w.apply(trimtab.KindEvaluationSuite, "lost", trimtab.EvaluationSuiteSpec{Model: "m", Monitor: "gone", Fresh: fresh, Gates: gate})
	w.apply(trimtab.KindEvaluationSuite, "mixed", trimtab.EvaluationSuiteSpec{Model: "m", Monitor: "e", Fresh: fresh, Gates: []trimtab.GateSpec{{Metric: "rmse", Better: p(1)}}})
	w.apply(trimtab.KindEvaluationSuite, "nowhere", trimtab.EvaluationSuiteSpec{Model: "m", Golden: &trimtab.GoldenSpec{Source: "gone"}, Gates: []trimtab.GateSpec{{Metric: "auc", On: "golden", Better: p(1)}}})
	w.apply(trimtab.KindEvaluationSuite, "blind", trimtab.EvaluationSuiteSpec{Model: "m", Fresh: fresh, Gates: gate})
	for _, c := range []struct {
		q    evaluate.Request
		kind trimtab.Kind
		text string
	}{
		{evaluate.Request{Suite: "none", Model: "m", Version: 2}, trimtab.NotFound, `there is no EvaluationSuite "none"`},
		{evaluate.Request{Suite: "other", Model: "m", Version: 2}, trimtab.Invalid, "is for model n, not for model m"},
		{evaluate.Request{Suite: "lost", Model: "m", Version: 2}, trimtab.NotFound, `there is no Monitor "gone"`},
		{evaluate.Request{Suite: "mixed", Model: "m", Version: 2}, trimtab.Invalid, "rmse, which is no metric of a binary model"},
		{evaluate.Request{Suite: "nowhere", Model: "m", Version: 2, At: began}, trimtab.NotFound, `there is no DataSource "gone"`},
		{evaluate.Request{Model: "m", Version: 2}, trimtab.Invalid, "model m has the suites blind, lost, mixed, nowhere: name one"},
		{evaluate.Request{Model: "x", Version: 2}, trimtab.NotFound, "there is no EvaluationSuite for model x"},
		{evaluate.Request{Suite: "blind", Model: "m", Version: 2}, trimtab.Invalid, "names no monitor"},
		{evaluate.Request{Monitor: "e", Model: "m", Version: 2, At: trimtab.TimeOf(time.Now())}, trimtab.Precondition, "cannot be evaluated yet"},
		{evaluate.Request{Monitor: "e", Model: "m", Version: 9, At: border(0)}, trimtab.NotFound, "there is no version 9"},
	} {
		_, err := w.runner().Run(ctx, c.q)
		if !trimtab.IsKind(err, c.kind) || !strings.Contains(trimtab.Message(err), c.text) {
			t.Errorf("%+v: %v", c.q, err)
		}
	}
}
