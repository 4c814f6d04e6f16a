package monitor

import (
	"context"
	"fmt"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/storage/traffic"
)

const (
	leastEstimated = 200    // labelled rows that tell what a score means
	leastOfClass   = 20     // of either class among them
	maxEstimated   = 50_000 // the first ones are enough
)

// estimate says how good the answers of a window probably are, from the scores
// alone: as good as the same scores were in the first windows of the version that
// serves, whose labels have matured. So it is also what to expect if only inputs
// have moved, and not what they mean.
func (s *pass) estimate(ctx context.Context, w step, r *trimtab.WindowResult, known knowledge) error {
	if s.spec.Estimate.Off || s.spec.Performance.Task == "regression" || r.Served == 0 || r.Rows == r.Held+r.Quarantined {
		return nil
	}
	of, ok := firstOf(s.spec.Window, r.Since, w.start)
	if !ok {
		r.Unreliable = fmt.Sprintf("version %d has answered no whole window yet", r.Served)
		return nil
	}
	y, score, err := s.taught(ctx, w, r.Served, of, known)
	if err != nil {
		return err
	}
	positives := 0
	for _, v := range y {
		if v {
			positives++
		}
	}
	if n := len(y); n < leastEstimated || min(positives, n-positives) < leastOfClass {
		r.Unreliable = fmt.Sprintf("%d labelled rows of version %d are too few to tell what its scores mean", n, r.Served)
		return nil
	}
	c, err := stat.FitCBPE(y, score, stat.CBPEOptions{})
	if err != nil {
		r.Unreliable = err.Error()
		return nil
	}
	holds := known.holds(w.span)
	window, rows := c.NewWindow(), 0
	for j, err := range s.log.Window(ctx, w.start, w.end, w.end) {
		if err != nil {
			return err
		}
		if holds.of(j.EventTime, j.Quarantine) == counts {
			window.Add(j.Score, j.Score > 0.5)
			rows++
		}
	}
	e := window.Estimate(s.spec.Performance.Confidence)
	for _, m := range metricsOf(s.spec.Performance) {
		x, ok := map[string]stat.Expected{"auc": e.AUC, "log_loss": e.LogLoss, "brier": e.Brier, "accuracy": e.Accuracy}[m]
		if !ok || !finite(x.Value) {
			continue
		}
		quality(m, x.Value, x.SE, x.CI, "", &r.Estimated, new(note))
	}
	if len(r.Estimated) == 0 {
		r.Unreliable = "the scores are no probabilities between 0 and 1"
		return nil
	}
	if r.Reliable = &e.Reliable; !e.Reliable {
		r.Unreliable = fmt.Sprintf("%.1f%% of the scores lie outside of those that the version gave first, and the others resemble %.0f of its rows", 100*e.Outside, e.Effective)
	}
	return nil
}

// taught reads the labelled clean rows that a version answered in a span and has not learnt from.
func (s *pass) taught(ctx context.Context, w step, v trimtab.Version, of span, known knowledge) (y []bool, score []float64, err error) {
	if s.cfg.Models != nil {
		l, ok, err := s.cfg.Models.Lineage(ctx, s.endpoint.Model.Name, v)
		if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return nil, nil, err
		}
		if err == nil && ok {
			of.start = max(of.start, l.Until)
		}
	}
	if of.start >= of.end {
		return nil, nil, nil
	}
	holds := known.holds(of)
	for rows, err := range s.log.Tables(ctx, traffic.Query{Start: of.start, End: of.end, KnownBy: w.at}) {
		if err != nil {
			return nil, nil, err
		}
		for i, t := range rows.EventTimes {
			label, p := rows.Label[i], rows.Score[i]
			if rows.Versions[i] != v || !rows.HasLabel[i] || label != 0 && label != 1 || !(p >= 0 && p <= 1) || holds.of(t, rows.Quarantine[i]) != counts {
				continue
			}
			y, score = append(y, label == 1), append(score, p)
		}
		if len(y) >= maxEstimated {
			break
		}
	}
	return y, score, nil
}

// metricsOf are the metrics that a spec wants.
func metricsOf(spec trimtab.PerformanceSpec) []string {
	switch {
	case len(spec.Metrics) > 0:
		return spec.Metrics
	case spec.Task == "regression":
		return []string{"rmse", "mae", "r2"}
	}
	return []string{"auc", "log_loss", "brier", "accuracy"}
}

// find returns a metric of a list.
func find(all []trimtab.Quality, metric string) (trimtab.Quality, bool) {
	n := slices.IndexFunc(all, func(q trimtab.Quality) bool { return q.Metric == metric })
	if n < 0 {
		return trimtab.Quality{}, false
	}
	return all[n], true
}
