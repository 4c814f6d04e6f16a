package retrain

import (
	"context"
	"encoding/json"
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// Demand is what the gate asks of a challenger, so far as it can be foreseen: on the window that is decided on, the only
// one that is new to a model which is trained as of its beginning.
type Demand struct {
	// MinRows and MinPositives are the least that it compares on; of a binary task as many negatives.
	MinRows, MinPositives int64
	// Bars are what the loss that it saves must clear, each of them.
	Bars []Bar
}

// Bar is one demand on the loss that a challenger saves per row: so many standard errors, less a margin.
type Bar struct {
	Errors, Margin float64
	// Root says that the margin is one of the root of the loss.
	Root bool
}

// passes is the chance that a challenger which truly saves gain per row passes, on a window whose mean saving has a
// standard error and whose served version has a mean loss.
func (d *Demand) passes(gain, stderr, loss float64) float64 {
	chance := 1.0
	if d == nil || !(stderr > 0) || math.IsInf(stderr, 1) {
		return chance
	}
	for _, b := range d.Bars {
		margin := b.Margin
		if b.Root {
			margin *= 2 * math.Sqrt(max(loss, 0))
		}
		chance = min(chance, stat.NormalTail(b.Errors-(margin+gain)/stderr))
	}
	return chance
}

// demand reads the policy's gate. Demands on other metrics than the loss, on golden rows and on slices cannot be
// foreseen from what a probe saves; slices that are too small are not judged.
func (s *pass) demand(ctx context.Context) (*Demand, error) {
	if s.spec.Gate == "" {
		return demandOf(trimtab.BuiltInSuite(string(s.task))), nil
	}
	r, err := s.cfg.Resources.Get(ctx, trimtab.KindEvaluationSuite, s.spec.Gate)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil, nil // the evaluation will say so
	}
	if err != nil {
		return nil, err
	}
	var spec trimtab.EvaluationSuiteSpec
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return nil, &trimtab.Error{Kind: trimtab.Internal, Subject: r.Ref(), Msg: "the stored spec does not decode", Err: err}
	}
	if spec.Monitor != "" && spec.Monitor != s.spec.Monitor {
		return nil, nil // judged on other windows
	}
	return demandOf(spec), nil
}

func demandOf(spec trimtab.EvaluationSuiteSpec) *Demand {
	spec = spec.WithDefaults()
	if spec.Fresh == nil {
		return nil
	}
	d := &Demand{MinRows: spec.Fresh.MinRows, MinPositives: spec.Fresh.MinPositives}
	for _, g := range spec.Gates {
		root := g.Metric == "rmse"
		if g.On != "fresh" || g.Severity != "block" || g.Metric != "log_loss" && !root {
			continue
		}
		if g.Better != nil {
			d.Bars = append(d.Bars, Bar{Errors: *g.Better})
		}
		if g.NonInferior != nil {
			d.Bars = append(d.Bars, Bar{Errors: stat.NormalQuantile((1 + spec.Confidence) / 2), Margin: *g.NonInferior, Root: root})
		}
	}
	return d
}
