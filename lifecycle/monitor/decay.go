package monitor

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// How much worse a metric must be to matter, beside that it is no chance.
const (
	decayShare = 0.02  // of a loss, of what was expected
	decayPoint = 0.005 // of a metric between 0 and 1
)

// verdict is what one window says of its quality.
type verdict struct {
	metric          string
	value, expected float64
	limit           float64 // of chance
	worse, known    bool
	against         string
}

// judged says whether the quality of a closed window is worse than it should be: than
// its scores let expect, or, without such an estimate, than the first windows of the
// version's service. The first metric that either knows decides.
func judged(w trimtab.WindowResult, metrics []string, first []trimtab.WindowResult, level float64) verdict {
	for _, m := range metrics {
		q, ok := find(w.Quality, m)
		if !ok || math.IsNaN(q.Value) {
			continue
		}
		if e, ok := find(w.Estimated, m); ok && e.HasInterval && w.Reliable != nil && *w.Reliable {
			v := verdict{metric: m, value: q.Value, expected: e.Value, known: true, against: "what its scores let expect"}
			if v.limit = e.Lo; lessIsBetter(m) {
				v.limit = e.Hi
			}
			return v.compare()
		}
		if v, ok := againstFirst(w, q, first, level); ok {
			return v.compare()
		}
	}
	return verdict{}
}

// againstFirst compares a metric with its values in the first windows of the service.
func againstFirst(w trimtab.WindowResult, q trimtab.Quality, first []trimtab.WindowResult, level float64) (v verdict, ok bool) {
	var values []float64
	var noise float64
	for _, x := range first {
		if f, ok := find(x.Quality, q.Metric); ok && x.Start != w.Start {
			values = append(values, f.Value)
			noise += f.StdErr * f.StdErr
		}
	}
	n := float64(len(values))
	if n == 0 || slices.ContainsFunc(first, func(x trimtab.WindowResult) bool { return x.Start == w.Start }) {
		return v, false
	}
	var sum stat.Sum
	for _, x := range values {
		sum.Add(x)
	}
	mean := sum.Value() / n
	// Windows differ by their own errors and by more: the greater of the two is taken.
	spread := max(noise/n, q.StdErr*q.StdErr)
	if n >= 2 {
		between := 0.0
		for _, x := range values {
			between += (x - mean) * (x - mean)
		}
		spread = max(spread, between/(n-1))
	}
	if spread == 0 {
		return v, false
	}
	d := stat.Z(level) * math.Sqrt(spread*(1+1/n))
	v = verdict{metric: q.Metric, value: q.Value, expected: mean, limit: mean - d, known: true, against: "its first windows"}
	if lessIsBetter(q.Metric) {
		v.limit = mean + d
	}
	return v, true
}

func (v verdict) compare() verdict {
	if lessIsBetter(v.metric) {
		v.worse = v.value > v.limit && v.value-v.expected > decayShare*math.Abs(v.expected)
	} else {
		v.worse = v.value < v.limit && v.expected-v.value > decayPoint
	}
	return v
}

func lessIsBetter(metric string) bool {
	switch metric {
	case "auc", "accuracy", "r2":
		return false
	}
	return true
}

// lasting counts the windows, among the last few up to and with the newest, that have something, and where that began.
// is says it of a window; ok false stops there.
func lasting(of int, windows []trimtab.WindowResult, is func(w trimtab.WindowResult) (found, ok bool)) (n int, begin trimtab.Time) {
	for k, w := range slices.Backward(windows) {
		if len(windows)-k > of {
			break
		}
		found, ok := is(w)
		if !ok {
			break
		}
		if found {
			n++
			begin = w.Start
		}
	}
	return n, begin
}

// quietSince is the start of the last windows that would confirm something.
func quietSince(of int, windows []trimtab.WindowResult) trimtab.Time {
	return windows[max(0, len(windows)-of)].Start
}

// decayed turns measured quality into an incident, confirmed as drift is. history are
// the windows up to this one, this one last.
func (s *pass) decayed(w step, history, first []trimtab.WindowResult, open []trimtab.Incident) []move {
	metrics := metricsOf(s.spec.Performance)
	now := history[len(history)-1]
	is := func(x trimtab.WindowResult) (bool, bool) {
		return judged(x, metrics, first, s.spec.Performance.Confidence).worse, x.Closed() && x.Since == now.Since
	}
	n, begin := lasting(s.spec.Drift.Of, history, is)
	v := judged(now, metrics, first, s.spec.Performance.Confidence)
	if len(open) > 0 {
		if !v.known && now.Since <= open[0].Begin || n > 0 {
			return nil
		}
		return closeAll(open, max(quietSince(s.spec.Drift.Of, history), now.Since), w.at, "the quality is as expected again")
	}
	if n < s.spec.Drift.Confirm {
		return nil
	}
	text := fmt.Sprintf("%s is %.4g, worse than %.4g by %s, in %d of %d windows", v.metric, v.value, v.expected, v.against, s.spec.Drift.Confirm, s.spec.Drift.Of)
	if !v.worse {
		text = fmt.Sprintf("the quality was worse than expected in %d of %d windows", s.spec.Drift.Confirm, s.spec.Drift.Of)
	}
	i := trimtab.Incident{
		ID: trimtab.IncidentID(s.spec.Endpoint, trimtab.Decay, what(s.name, nil), begin), Kind: trimtab.Decay, Endpoint: s.spec.Endpoint, Monitor: s.name,
		Severity: trimtab.Warning, Begin: begin, Found: w.at, Cause: text,
		Remedy: "a retrain policy weighs what a cure would save; without one: train anew, or promote an older version that does better",
	}
	if v.known {
		i.Evidence = []trimtab.Evidence{{Name: v.metric, Value: sane(v.value), Limit: sane(v.limit)}}
	}
	return []move{openIncident(i)}
}

// How far calibration must be off to matter.
const (
	offSlope = 0.2 // from 1
	offLarge = 0.2 // log-odds
)

// miscalibrated reports whether a window's probabilities are off, by more than chance and by enough to matter.
func miscalibrated(w trimtab.WindowResult) (text string, q trimtab.Quality, off bool) {
	if q, ok := find(w.Calibration, calibrationLarge); ok && q.HasInterval {
		switch {
		case q.Lo > 0 && q.Value > offLarge:
			return "more happens than the scores say", q, true
		case q.Hi < 0 && q.Value < -offLarge:
			return "less happens than the scores say", q, true
		}
	}
	if q, ok := find(w.Calibration, calibrationSlope); ok && q.HasInterval {
		switch {
		case q.Hi < 1 && q.Value < 1-offSlope:
			return "the scores are too extreme", q, true
		case q.Lo > 1 && q.Value > 1+offSlope:
			return "the scores are too timid", q, true
		}
	}
	return "", trimtab.Quality{}, false
}

// calibrated turns calibration into an incident, confirmed as drift is.
func (s *pass) calibrated(w step, history []trimtab.WindowResult, open []trimtab.Incident) []move {
	now := history[len(history)-1]
	n, begin := lasting(s.spec.Drift.Of, history, func(x trimtab.WindowResult) (bool, bool) {
		_, _, off := miscalibrated(x)
		return off, x.Closed() && x.Since == now.Since
	})
	if len(open) > 0 {
		if n > 0 || len(now.Calibration) == 0 && now.Since <= open[0].Begin {
			return nil
		}
		return closeAll(open, max(quietSince(s.spec.Drift.Of, history), now.Since), w.at, "the scores mean what they say again")
	}
	if n < s.spec.Drift.Confirm {
		return nil
	}
	text, q, off := miscalibrated(now)
	if !off {
		text = "the scores did not mean what they say"
	}
	i := trimtab.Incident{
		ID: trimtab.IncidentID(s.spec.Endpoint, trimtab.Miscalibration, what(s.name, nil), begin), Kind: trimtab.Miscalibration, Endpoint: s.spec.Endpoint, Monitor: s.name,
		Severity: trimtab.Info, Begin: begin, Found: w.at, Cause: fmt.Sprintf("%s, in %d of %d windows", text, s.spec.Drift.Confirm, s.spec.Drift.Of),
		Remedy: "a recalibration corrects it without training anew",
	}
	if off {
		limit := 0.0
		if q.Metric == calibrationSlope {
			limit = 1
		}
		i.Evidence = []trimtab.Evidence{{Name: q.Metric, Value: sane(q.Value), Limit: limit, Text: fmt.Sprintf("%.3g to %.3g", q.Lo, q.Hi)}}
	}
	return []move{openIncident(i)}
}

func closeAll(open []trimtab.Incident, end, at trimtab.Time, note string) (out []move) {
	for _, i := range open {
		out = append(out, closeIncident(i.ID, max(end, i.Begin), at, note))
	}
	return out
}

// median of values; NaN of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	v := slices.Clone(values)
	slices.SortFunc(v, cmp.Compare)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
