package rollout

import (
	"fmt"
	"math"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// The verdicts of a look, and Person for a rollout that somebody decided.
const (
	Promote      = "promote"  // proven to be within the limit
	Watch        = "hold"     // nothing proven yet
	RollBack     = "rollback" // proven to be worse than the limit
	Inconclusive = "inconclusive"
	Person       = "person"
)

const (
	// tests is into how many equal parts 1 - confidence is split: loss, disagreement, scoreShift, errors, sampleRatio.
	tests = 5
	// leaning is how many standard errors above its limit a loss must lie for a stage not to
	// be passed, though nothing is proven: of two equal versions one in 50 waits for a look.
	leaning = 2
	// ratioSlack is how far the share may be off, relative to the smaller side, before it matters.
	ratioSlack = 0.1
	// ratioPrior is the concentration that finds deviations of some percent within a few hundred units.
	ratioPrior = 500
	// farthest is where bounds are cut: a loss eleven times as high needs no more digits.
	farthest = 10
)

// Observation is what is known at a look: sums over the rows with an event time since
// the rollout began, as known by then. Rows that are held or quarantined are not in it.
type Observation struct {
	Sums
	// Stage counts the rows of the present stage that both versions were asked for, and
	// Answered those that the new version answered.
	Stage, Answered int64
	// FromUnits and ToUnits count what was assigned to either side in the present canary
	// step: rows, or values of the declared key.
	FromUnits, ToUnits int64
	// Live are requests since the stage began; only where the clock moves the endpoint.
	Live *Live
	// Paused says why the loop does not advance; "" when it does.
	Paused string
	// At is the moment from which a change takes effect; 0: the moment of the look.
	At trimtab.Time
}

// Live counts requests by version.
type Live struct {
	From, To   Requests
	LatencyP99 time.Duration // of the new version, 0 when not known
}

// Requests are those of one version.
type Requests struct{ Count, Errors int64 }

// judge makes the looks of all tests that apply to the present stage.
func judge(r trimtab.Rollout, o Observation, now trimtab.Time) []trimtab.Look {
	alpha := (1 - r.Spec.Confidence) / tests
	var out []trimtab.Look
	add := func(l trimtab.Look) {
		l.At, l.Stage = now, stageName(r)
		for _, v := range []*float64{&l.Estimate, &l.Lo, &l.Hi, &l.Limit} {
			*v = round(*v)
		}
		out = append(out, l)
	}
	byLoss, known := lossLook(r, o, alpha)
	add(byLoss)
	differ := func(l trimtab.Look) trimtab.Look { return excuse(l, byLoss, known, r.To < r.From) }
	if o.Binary {
		mean, _, ci, ok := bounds(o.Flips, r.Begun, alpha)
		add(differ(weigh(trimtab.Look{Test: "disagreement", N: o.Rows, Estimate: mean, Limit: r.Spec.Limits.Disagreement}, stat.Interval{Lo: max(ci.Lo, 0), Hi: min(ci.Hi, 1)}, ok)))
	}
	add(differ(shiftLook(r, o, alpha)))
	add(errorLook(r, o, alpha))
	if o.Live != nil && r.Spec.Limits.LatencyP99 > 0 {
		add(latencyLook(r, o))
	}
	if r.Under() == trimtab.RolloutCanary && r.Share < 1 {
		add(ratioLook(r, o, alpha))
	}
	return out
}

// standing is what the labels say of the loss, short of a proof.
type standing int

const (
	unknown standing = iota // no labels, or too few
	within                  // the estimate is within the limit
	beyond                  // the estimate is beyond the limit
	better                  // within it by two standard errors, or proven
	likely                  // beyond it by two standard errors
)

// excuse weighs a look that finds the versions to differ against what the labels say: a
// version that is better may decide and score as it likes, it was made because the old
// one is wrong by now. Where labels know nothing, to differ is harm, unless the rollout
// goes back to an older version: it has served before, and is to differ.
func excuse(l, byLoss trimtab.Look, known standing, back bool) trimtab.Look {
	if l.Verdict != RollBack {
		return l
	}
	switch {
	case back && known != beyond && known != likely:
		l.Verdict, l.Why = Watch, "beyond the limit, but the version has served before"
	case known == better:
		l.Verdict, l.Why = Watch, "beyond the limit, but by the labels no worse"
	case known == within && byLoss.Verdict != RollBack:
		l.Verdict = Inconclusive
		l.Why = fmt.Sprintf("%s is beyond its limit, and the labels do not tell yet whether that is harm", l.Test)
	}
	return l
}

// weigh gives the verdict of bounds against the limit.
func weigh(l trimtab.Look, ci stat.Interval, ok bool) trimtab.Look {
	if !finite(l.Estimate) {
		l.Estimate = 0
	}
	l.Lo, l.Hi, l.Verdict = min(max(ci.Lo, -farthest), farthest), max(min(ci.Hi, farthest), -farthest), Watch
	switch {
	case !ok:
		l.Why = "too few rows to say anything"
	case ci.Lo > l.Limit:
		l.Verdict = RollBack
	case ci.Hi < l.Limit:
		l.Verdict = Promote
	}
	return l
}

// lossLook judges the loss since the rollout began and, with half of the error each,
// since the stage began: what goes wrong only in service would else hide behind the
// stages before.
func lossLook(r trimtab.Rollout, o Observation, alpha float64) (trimtab.Look, standing) {
	if r.Since <= r.Begun {
		return ratioOfLoss(r, o.Loss, r.Begun, alpha)
	}
	whole, known := ratioOfLoss(r, o.Loss, r.Begun, alpha/2)
	stage, now := ratioOfLoss(r, o.StageLoss, r.Since, alpha/2)
	if whole.Verdict != RollBack && (stage.Verdict == RollBack || now == likely && known != likely) {
		return stage, now
	}
	return whole, known
}

func ratioOfLoss(r trimtab.Rollout, x Ratio, begun trimtab.Time, alpha float64) (trimtab.Look, standing) {
	l := trimtab.Look{Test: "loss", N: x.N, Estimate: x.Value, Limit: r.Spec.Limits.Loss, Verdict: Watch}
	if x.N == 0 {
		l.Lo, l.Hi, l.Why = -1, farthest, "no labels are known yet: the stage goes by the other tests"
		return l, unknown
	}
	_, se, ci, ok := bounds(x.Parts, begun, alpha)
	// A loss cannot fall by more than all of it.
	l = weigh(l, stat.Interval{Lo: max(x.Value+ci.Lo, -1), Hi: x.Value + ci.Hi}, ok)
	switch above := x.Value - l.Limit; {
	case !ok:
		return l, unknown
	case l.Verdict == RollBack:
		return l, likely
	case l.Verdict == Promote || above < -leaning*se:
		return l, better
	case above > leaning*se:
		l.Verdict = Inconclusive
		l.Why = fmt.Sprintf("the loss of version %d is %s higher, which is likely but not proven", r.To, percent(x.Value))
		return l, likely
	case above > 0:
		return l, beyond
	}
	return l, within
}

func shiftLook(r trimtab.Rollout, o Observation, alpha float64) trimtab.Look {
	l := trimtab.Look{Test: "scoreShift", N: o.Rows, Limit: r.Spec.Limits.ScoreShift}
	ci, all := stat.Interval{Lo: 0, Hi: 0}, len(o.Shift) > 0
	for _, at := range o.Shift {
		// A distance is above the limit on either side: the error is split over all points.
		mean, _, one, ok := bounds(at, r.Begun, alpha/points)
		if !ok {
			all = false
			one = stat.Interval{Lo: -1, Hi: 1}
		}
		l.Estimate = max(l.Estimate, math.Abs(mean))
		ci.Lo = max(ci.Lo, one.Lo, -one.Hi)
		ci.Hi = max(ci.Hi, min(max(one.Hi, -one.Lo), 1))
	}
	if len(o.Shift) == 0 {
		ci.Hi = 1
	}
	return weigh(l, ci, all)
}

func errorLook(r trimtab.Rollout, o Observation, alpha float64) trimtab.Look {
	from := stat.Arm{K: float64(o.FromFails), N: float64(o.Rows)}
	to := stat.Arm{K: float64(o.ToFails), N: float64(o.Rows)}
	if o.Live != nil {
		from.K, from.N = from.K+float64(o.Live.From.Errors), from.N+float64(o.Live.From.Count)
		to.K, to.N = to.K+float64(o.Live.To.Errors), to.N+float64(o.Live.To.Count)
	}
	l := trimtab.Look{Test: "errors", N: int64(to.N), Limit: r.Spec.Limits.ErrorRate}
	if from.N == 0 || to.N == 0 {
		return weigh(l, stat.Interval{Lo: -1, Hi: 1}, false)
	}
	l.Estimate = to.K/to.N - from.K/from.N
	ci := stat.Sequential{Level: 1 - alpha}.RateDifference(from, to)
	l = weigh(l, ci, finite(ci.Lo) && finite(ci.Hi))
	if l.Verdict == Watch && ci.Lo > 0 && l.Estimate > l.Limit {
		l.Verdict = RollBack
	}
	return l
}

func latencyLook(r trimtab.Rollout, o Observation) trimtab.Look {
	seconds := o.Live.LatencyP99.Seconds()
	l := trimtab.Look{Test: "latency", N: o.Live.To.Count, Estimate: seconds, Lo: seconds, Hi: seconds, Limit: time.Duration(r.Spec.Limits.LatencyP99).Seconds(), Verdict: Promote}
	switch {
	case o.Live.LatencyP99 == 0 || o.Live.To.Count < 100:
		l.Verdict, l.Why = Watch, "fewer than 100 requests"
	case seconds > l.Limit:
		l.Verdict = RollBack
	}
	return l
}

func ratioLook(r trimtab.Rollout, o Observation, alpha float64) trimtab.Look {
	n := float64(o.FromUnits + o.ToUnits)
	l := trimtab.Look{Test: "sampleRatio", N: o.FromUnits + o.ToUnits, Limit: r.Share, Verdict: Watch, Hi: 1}
	if n == 0 {
		l.Why = "no rows in the step"
		return l
	}
	l.Estimate = float64(o.ToUnits) / n
	ci := stat.Sequential{Level: 1 - alpha}.Rate(float64(o.ToUnits), n, stat.RatePrior{A: ratioPrior * r.Share, B: ratioPrior * (1 - r.Share)})
	l.Lo, l.Hi = ci.Lo, ci.Hi
	off := math.Abs(l.Estimate-r.Share) > ratioSlack*min(r.Share, 1-r.Share)
	evidence := stat.SampleRatio([]float64{float64(o.FromUnits), float64(o.ToUnits)}, []float64{1 - r.Share, r.Share}, ratioPrior)
	if off && evidence >= stat.Threshold(alpha) {
		l.Verdict = Inconclusive
		l.Why = fmt.Sprintf("version %d answers %s of the step, its share is %s: the comparison cannot be trusted", r.To, percent(l.Estimate), percent(r.Share))
	}
	return l
}

// stageName is the stage as looks name it: "shadow", "canary 2 of 3", "baking".
func stageName(r trimtab.Rollout) string {
	if s := r.Under(); s != trimtab.RolloutCanary || r.Spec.Canary == nil {
		return string(s)
	}
	return fmt.Sprintf("canary %d of %d", r.Step+1, len(r.Spec.Canary.Steps))
}

// round keeps six digits: what is recorded is read by people, and equal to the last bit anyway.
func round(v float64) float64 {
	if v == 0 || !finite(v) {
		return 0
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

func percent(v float64) string {
	return fmt.Sprintf("%.3g %%", v*100)
}
