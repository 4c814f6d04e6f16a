package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// Facts are what a suite judges.
type Facts struct {
	Task Task
	// Against is the version that the challenger is compared with, 0 for none.
	Against trimtab.Version
	// Fresh and Golden are nil when the suite asks for none, or when there are none; NoFresh and NoGolden say why.
	Fresh, Golden     *Rows
	NoFresh, NoGolden string
	// Schema lists what the challenger's signature takes less of than the other's. Refusal is the challenger's first
	// refusal of a logged row, "" for none.
	Schema  []string
	Refusal string
	// Latency is the slowest row of so many that were timed one by one; Timed 0: none was.
	Latency time.Duration
	Timed   int
	Seed    uint64 // of the bootstrap
}

// Judge says whether the facts are what the suite demands. It fills in the verdict, its reason, the results, and the
// rows that they rest on. Of equal facts the answer is equal to the bit.
func Judge(suite trimtab.EvaluationSuiteSpec, f Facts) trimtab.Evaluation {
	suite = suite.WithDefaults()
	j := judge{suite: suite, facts: f, measured: map[string]paired{}}
	e := trimtab.Evaluation{Against: f.Against}
	refused := map[string]int64{}
	for _, on := range []string{"fresh", "golden"} {
		if r := j.raw(on); r != nil {
			scored, n := r.scored()
			refused[on] = n
			if on == "fresh" {
				j.fresh, e.Rows, e.From, e.To = scored, int64(scored.Len()), r.Start, r.End
			} else {
				j.golden, e.Golden = scored, int64(scored.Len())
			}
		}
	}
	j.schema(refused)
	for _, g := range suite.Gates {
		j.gate(g)
	}
	j.slices()
	j.latency()
	e.Results = j.results
	e.Verdict, e.Reason = conclude(j.results, j.severity, &e)
	return e
}

type judge struct {
	suite         trimtab.EvaluationSuiteSpec
	facts         Facts
	fresh, golden *Rows // that both versions have scored
	measured      map[string]paired
	results       []trimtab.GateResult
	severity      []string // of each result
}

func (j *judge) raw(on string) *Rows {
	if on == "golden" {
		return j.facts.Golden
	}
	return j.facts.Fresh
}

func (j *judge) rows(on string) *Rows {
	if on == "golden" {
		return j.golden
	}
	return j.fresh
}

func (j *judge) add(r trimtab.GateResult, severity string) {
	for _, v := range []*float64{&r.Challenger, &r.Champion, &r.Diff, &r.StdErr, &r.Lo, &r.Hi, &r.Limit} {
		if math.IsNaN(*v) || math.IsInf(*v, 0) {
			*v = 0 // a record holds numbers; Why says what is missing
		}
	}
	j.results, j.severity = append(j.results, r), append(j.severity, severity)
}

// short says why there are too few rows to judge anything, "" when there are enough.
func (j *judge) short(on string) string {
	r := j.rows(on)
	if raw := j.raw(on); raw != nil && raw.Len() > 0 && r.Len() == 0 {
		return fmt.Sprintf("none of %s was scored by both versions", counted(int64(raw.Len()), on+" row"))
	}
	if r == nil || r.Len() == 0 {
		why := j.facts.NoFresh
		if on == "golden" {
			why = j.facts.NoGolden
		}
		return cmp.Or(why, "there are no labelled "+on+" rows")
	}
	if on == "golden" || j.suite.Fresh == nil {
		return ""
	}
	n, least := int64(r.Len()), j.suite.Fresh.MinRows
	if n < least {
		return fmt.Sprintf("%s with a label that the challenger has not learnt from, %d are asked", counted(n, "row"), least)
	}
	if j.facts.Task == Binary {
		p := r.positives()
		if few := min(p, n-p); few < j.suite.Fresh.MinPositives {
			return fmt.Sprintf("%s and %s, %d of each are asked", counted(p, "positive"), counted(n-p, "negative"), j.suite.Fresh.MinPositives)
		}
	}
	return ""
}

// compared measures a metric once for all demands on it.
func (j *judge) compared(name, on string) paired {
	key := name + "/" + on
	p, ok := j.measured[key]
	if !ok {
		p = measure(metrics[name], j.rows(on), j.facts.Seed)
		j.measured[key] = p
	}
	return p
}

// gate judges every demand of one gate.
func (j *judge) gate(g trimtab.GateSpec) {
	m := metrics[g.Metric]
	base := trimtab.GateResult{Metric: g.Metric, On: g.On, Verdict: trimtab.VerdictInsufficient}
	demand := func(name string, limit *float64, of func(r *trimtab.GateResult, p paired, limit float64)) {
		if limit == nil {
			return
		}
		r := base
		r.Gate, r.Limit = fmt.Sprintf("%s %s %s", g.Metric, name, short(*limit)), *limit
		switch {
		case m == nil || m.task != j.facts.Task:
			r.Why = fmt.Sprintf("%s is no metric of a %s model", g.Metric, j.facts.Task)
		default:
			if rows := j.rows(g.On); rows != nil {
				r.Rows = int64(rows.Len())
			}
			if r.Why = j.short(g.On); r.Why == "" {
				p := j.compared(g.Metric, g.On)
				r.Challenger, r.Champion = p.challenger, p.champion
				of(&r, p, *limit)
			}
		}
		j.add(r, g.Severity)
	}
	demand("nonInferior", g.NonInferior, j.nonInferior)
	demand("better", g.Better, j.better)
	demand("min", g.Min, func(r *trimtab.GateResult, p paired, limit float64) {
		bound(r, p, limit, "below", p.challenger < limit)
	})
	demand("max", g.Max, func(r *trimtab.GateResult, p paired, limit float64) {
		bound(r, p, limit, "above", p.challenger > limit)
	})
}

// bound judges a limit of the challenger's own value.
func bound(r *trimtab.GateResult, p paired, limit float64, side string, outside bool) {
	switch {
	case math.IsNaN(p.challenger):
		r.Why = r.Metric + " cannot be computed of these rows"
	case outside:
		r.Verdict, r.Why = trimtab.VerdictFail, fmt.Sprintf("%s %s is %s %s", r.Metric, short(p.challenger), side, short(limit))
	default:
		r.Verdict, r.Why = trimtab.VerdictPass, fmt.Sprintf("%s is %s", r.Metric, short(p.challenger))
	}
}

// incomparable says why there is no difference, "" when there is one.
func (j *judge) incomparable(r *trimtab.GateResult, p paired) string {
	switch {
	case j.facts.Against == 0:
		return "no version serves that it could be compared with"
	case math.IsNaN(p.challenger) || math.IsNaN(p.champion):
		return r.Metric + " cannot be computed of these rows"
	case !p.known():
		return "all rows are of one moment: too little to compare on"
	}
	return ""
}

func (j *judge) difference(r *trimtab.GateResult, p paired) {
	ci := p.interval(j.suite.Confidence)
	r.Diff, r.StdErr, r.Lo, r.Hi = p.diff, p.se, ci.Lo, ci.Hi
}

// nonInferior asks for proof that the challenger is not worse by the margin.
func (j *judge) nonInferior(r *trimtab.GateResult, p paired, margin float64) {
	if r.Why = j.incomparable(r, p); r.Why != "" {
		return
	}
	j.difference(r, p)
	found := fmt.Sprintf("%s %s against %s, %s [%s, %s]", r.Metric, short(p.challenger), short(p.champion), direction(p.diff), signed(r.Lo), signed(r.Hi))
	switch {
	case r.Lo > -margin || p.diff == 0 && p.se == 0:
		r.Verdict, r.Why = trimtab.VerdictPass, found
	case r.Hi < -margin:
		r.Verdict, r.Why = trimtab.VerdictFail, found+": worse by more than the margin"
	case p.diff <= -margin:
		r.Verdict, r.Why = trimtab.VerdictFail, found+": worse by the margin, though chance cannot be excluded"
	default:
		r.Verdict, r.Why = trimtab.VerdictBorderline, found+": within the margin, but more rows are needed to prove it"
	}
}

// better asks for a gain of so many standard errors.
func (j *judge) better(r *trimtab.GateResult, p paired, errors float64) {
	if r.Why = j.incomparable(r, p); r.Why != "" {
		return
	}
	j.difference(r, p)
	found := fmt.Sprintf("%s %s against %s, %s ± %s", r.Metric, short(p.challenger), short(p.champion), direction(p.diff), short(p.se))
	if p.diff > 0 && p.diff >= errors*p.se {
		r.Verdict, r.Why = trimtab.VerdictPass, found
		return
	}
	r.Verdict, r.Why = trimtab.VerdictFail, fmt.Sprintf("%s: not better by %s", found, counted(errors, "standard error"))
}

// latency judges the time of one row, when a limit is declared.
func (j *judge) latency() {
	limit := time.Duration(j.suite.MaxLatency)
	if limit <= 0 {
		return
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	r := trimtab.GateResult{Gate: "latency max " + limit.String(), On: "fresh", Metric: "latency_ms", Challenger: ms(j.facts.Latency), Limit: ms(limit), Rows: int64(j.facts.Timed)}
	if j.fresh == nil {
		r.On = "golden"
	}
	switch {
	case j.facts.Timed == 0:
		r.Verdict, r.Why = trimtab.VerdictInsufficient, "there was no row to measure the time on"
	case j.facts.Latency > limit:
		r.Verdict, r.Why = trimtab.VerdictFail, fmt.Sprintf("the slowest of %s takes %s", counted(int64(j.facts.Timed), "row"), j.facts.Latency)
	default:
		r.Verdict, r.Why = trimtab.VerdictPass, fmt.Sprintf("the slowest of %s takes %s", counted(int64(j.facts.Timed), "row"), j.facts.Latency)
	}
	j.add(r, "block")
}

// conclude gives the verdict: a demand that is not met fails, then missing knowledge counts, then doubt. What warns
// only makes the result borderline.
func conclude(results []trimtab.GateResult, severity []string, e *trimtab.Evaluation) (verdict, reason string) {
	var failed, unknown, doubtful []trimtab.GateResult
	for i, r := range results {
		switch {
		case r.Verdict == trimtab.VerdictPass:
		case severity[i] == "warn" || r.Verdict == trimtab.VerdictBorderline:
			doubtful = append(doubtful, r)
		case r.Verdict == trimtab.VerdictFail:
			failed = append(failed, r)
		default:
			unknown = append(unknown, r)
		}
	}
	for _, x := range []struct {
		verdict string
		of      []trimtab.GateResult
	}{{trimtab.VerdictFail, failed}, {trimtab.VerdictInsufficient, unknown}, {trimtab.VerdictBorderline, doubtful}} {
		if len(x.of) > 0 {
			return x.verdict, join(reasons(x.of))
		}
	}
	if len(results) == 0 {
		return trimtab.VerdictInsufficient, "the suite demands nothing"
	}
	on := counted(e.Rows, "fresh row")
	switch {
	case e.Golden > 0 && e.Rows > 0:
		on += " and " + counted(e.Golden, "golden row")
	case e.Golden > 0:
		on = counted(e.Golden, "golden row")
	}
	first := results[slices.IndexFunc(results, func(r trimtab.GateResult) bool { return r.Metric != schemaMetric || len(results) == 1 })]
	return trimtab.VerdictPass, fmt.Sprintf("all demands are met on %s: %s", on, first.Why)
}

// reasons says why, once for all demands with one and the same reason.
func reasons(results []trimtab.GateResult) (out []string) {
	names := map[string][]string{}
	var order []string
	for _, r := range results {
		name := r.Gate
		if r.Slice != "" {
			name += " where " + r.Slice
		}
		if names[r.Why] == nil {
			order = append(order, r.Why)
		}
		names[r.Why] = append(names[r.Why], name)
	}
	for _, why := range order {
		out = append(out, strings.Join(names[why], ", ")+": "+why)
	}
	return out
}

// join prints the first texts of one kind; many demands may have one cause.
func join(texts []string) string {
	const most = 3
	if len(texts) > most {
		return strings.Join(texts[:most], "; ") + fmt.Sprintf("; and %d more", len(texts)-most)
	}
	return strings.Join(texts, "; ")
}
