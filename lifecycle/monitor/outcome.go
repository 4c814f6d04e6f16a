package monitor

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Outcome is what became of the predictions of a window: whether what was predicted
// happened, how long labels took, and which rows are kept out and why.
type Outcome struct {
	Rows     int64 `json:"rows"`
	Labelled int64 `json:"labelled"` // of the rows that count
	Partial  bool  `json:"partial,omitempty"`
	// Curve says, from low predictions to high ones, what was predicted and what happened; nil without labels.
	Curve    []OutcomePoint   `json:"curve,omitempty"`
	Error    *float64         `json:"error,omitempty"` // expected calibration error of probabilities
	Lag      *LabelLag        `json:"lag,omitempty"`   // nil without labels
	Kept     []KeptOut        `json:"kept"`            // the most rows first
	Versions []VersionAnswers `json:"versions"`
}

// OutcomePoint is a group of rows with predictions near each other. Lo and Hi bound
// what happened with 95 %.
type OutcomePoint struct {
	Rows      int64   `json:"rows"`
	Predicted float64 `json:"predicted"`
	Observed  float64 `json:"observed"`
	Lo        float64 `json:"lo"`
	Hi        float64 `json:"hi"`
}

// LabelLag is how long after their event time labels became known, in milliseconds.
type LabelLag struct {
	Labels int64   `json:"labels"`
	P50    int64   `json:"p50"`
	P90    int64   `json:"p90"`
	P99    int64   `json:"p99"`
	Max    int64   `json:"max"`
	Within []int64 `json:"within"` // labels known within the 20 equal parts of Max
}

// KeptOut counts rows that are no part of figures, training or references: those of an
// Incident, or those that a contract quarantined under Rule.
type KeptOut struct {
	Incident string `json:"incident,omitempty"`
	Rule     string `json:"rule,omitempty"`
	Rows     int64  `json:"rows"`
}

// VersionAnswers counts the rows that a version answered.
type VersionAnswers struct {
	Version trimtab.Version `json:"version"`
	Rows    int64           `json:"rows"`
}

// Outcome reads the rows of a window again, with the labels that the window counted.
func (r *Reader) Outcome(ctx context.Context, w trimtab.WindowResult) (o Outcome, err error) {
	defer trimtab.Wrap(&err, "monitor.Outcome(%s, %s)", w.Monitor, w.Start)
	o.Kept, o.Versions = []KeptOut{}, []VersionAnswers{}
	s, err := r.pass(ctx, w.Monitor)
	if err != nil {
		return o, err
	}
	by := w.End
	if w.Closed() {
		by = max(w.Through, w.End)
	}
	known, err := s.known(ctx, by)
	if err != nil {
		return o, err
	}
	holds := known.holds(spanOf(w.Start, w.End))
	kept, versions := map[KeptOut]int64{}, map[trimtab.Version]int64{}
	var score, label []float64
	var lags []int64
	for rows, err := range s.log.Tables(ctx, traffic.Query{Start: w.Start, End: w.End, KnownBy: by, MaxRows: maxShown}) {
		if err != nil {
			return o, err
		}
		o.Rows += int64(rows.Len())
		for i, t := range rows.EventTimes {
			versions[rows.Versions[i]]++
			if holds.of(t, rows.Quarantine[i]) != counts {
				kept[keptBy(holds, t, rows.Quarantine[i])]++
				continue
			}
			if !rows.HasLabel[i] {
				continue
			}
			lags = append(lags, int64(rows.LabelKnownAt[i]-t))
			if finite(rows.Score[i]) && finite(rows.Label[i]) {
				score, label = append(score, rows.Score[i]), append(label, rows.Label[i])
			}
		}
	}
	o.Labelled, o.Partial = int64(len(lags)), o.Rows >= maxShown
	o.Lag = lagOf(lags)
	if s.spec.Performance.Task == "binary" {
		o.Curve, o.Error = happened(score, label)
	} else {
		o.Curve = averaged(score, label)
	}
	for k, n := range kept {
		k.Rows = n
		o.Kept = append(o.Kept, k)
	}
	slices.SortFunc(o.Kept, func(a, b KeptOut) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.Rule, b.Rule))
	})
	for v, n := range versions {
		o.Versions = append(o.Versions, VersionAnswers{v, n})
	}
	slices.SortFunc(o.Versions, func(a, b VersionAnswers) int { return cmp.Compare(a.Version, b.Version) })
	return o, nil
}

// keptBy is what keeps a row out: the incident that holds its span comes before the rule.
func keptBy(holds rules, t trimtab.Time, rule string) KeptOut {
	for _, h := range holds {
		if h.Rule == "" && !h.Released && h.Covers(t) {
			return KeptOut{Incident: h.Incident}
		}
	}
	for _, h := range holds {
		if h.Rule == rule && h.Covers(t) {
			return KeptOut{Incident: h.Incident, Rule: rule}
		}
	}
	return KeptOut{Rule: rule}
}

// curvePoints is how many points a curve has.
const curvePoints = calibrationBins

// happened says how often what was predicted with a probability happened; nothing for scores that are none.
func happened(score, label []float64) ([]OutcomePoint, *float64) {
	y := make([]bool, len(label))
	for i, v := range label {
		y[i] = v >= 0.5
		if !(score[i] >= 0 && score[i] <= 1) {
			return nil, nil
		}
	}
	if len(y) == 0 {
		return nil, nil
	}
	bins := stat.NewReliability(stat.EqualMass(score, curvePoints))
	bins.AddAll(y, score, nil)
	var out []OutcomePoint
	for _, p := range bins.Curve(0.95) {
		out = append(out, OutcomePoint{Rows: int64(p.Weight), Predicted: p.Predicted, Observed: p.Observed, Lo: p.CI.Lo, Hi: p.CI.Hi})
	}
	ece := bins.ECE()
	if !finite(ece) {
		return out, nil
	}
	return out, &ece
}

// averaged is the mean of labels over that of predictions, in groups of about equal size.
func averaged(score, label []float64) (out []OutcomePoint) {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(score[a], score[b]), cmp.Compare(label[a], label[b])) })
	for g := range curvePoints {
		part := order[g*len(order)/curvePoints : (g+1)*len(order)/curvePoints]
		if len(part) == 0 {
			continue
		}
		n := float64(len(part))
		var p, y stat.Sum
		for _, i := range part {
			p.Add(score[i])
			y.Add(label[i])
		}
		mean, squares := y.Value()/n, 0.0
		for _, i := range part {
			squares += (label[i] - mean) * (label[i] - mean)
		}
		x := OutcomePoint{Rows: int64(len(part)), Predicted: p.Value() / n, Observed: mean, Lo: mean, Hi: mean}
		if len(part) > 1 {
			if d := stat.TQuantile(0.975, n-1) * math.Sqrt(squares/(n-1)/n); finite(d) {
				x.Lo, x.Hi = mean-d, mean+d
			}
		}
		out = append(out, x)
	}
	return out
}

// lagParts is into how many equal parts the times that labels take are divided.
const lagParts = 20

func lagOf(lags []int64) *LabelLag {
	if len(lags) == 0 {
		return nil
	}
	slices.Sort(lags)
	at := func(q float64) int64 { return lags[max(0, int(math.Ceil(q*float64(len(lags))))-1)] }
	l := &LabelLag{Labels: int64(len(lags)), P50: at(0.5), P90: at(0.9), P99: at(0.99), Max: lags[len(lags)-1], Within: make([]int64, lagParts)}
	for _, x := range lags {
		part := 0
		if l.Max > 0 && x > 0 {
			part = min(lagParts-1, int(float64(x)/float64(l.Max)*lagParts))
		}
		l.Within[part]++
	}
	return l
}
