package retrain

import (
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/boost"
	"github.com/trimtab/trimtab/pure/stat"
)

// stream cuts the labelled rows into windows. Before the first lies an empty one: nobody knows what the model has learnt
// from, and all rows are taken as new to it.
func (b *bookkeeping) stream() []*Rows {
	if b.streamed != nil {
		return b.streamed
	}
	r := b.records
	first := b.spans[0]
	out := []*Rows{{Start: first.start - (first.end - first.start), End: first.start}}
	for _, s := range b.spans {
		w := &Rows{Start: s.start, End: s.end}
		var at []int
		for i := s.lo; i < s.hi; i++ {
			if math.IsNaN(r.Label[i]) {
				continue
			}
			at = append(at, i)
			w.Time = append(w.Time, r.Time[i])
			w.Label = append(w.Label, r.Label[i])
			w.Score = append(w.Score, r.Score[i])
			w.Held = append(w.Held, b.isHeld(i))
		}
		if len(at) == 0 {
			continue
		}
		for _, f := range b.features {
			c := boost.Feature{Name: f.Name, Categorical: f.Categorical, Values: make([]float64, len(at))}
			for k, i := range at {
				c.Values[k] = f.Values[i]
			}
			w.Features = append(w.Features, c)
		}
		out = append(out, w)
	}
	b.streamed = out
	return out
}

// cures measures every cure on every window, as made anew before it, and asks what the model as it is needs at the end.
func (b *bookkeeping) cures(a *Advice, say func(string)) error {
	windows := b.stream()[1:]
	at := map[trimtab.Time]*AdvisedWindow{}
	for i := range a.Windows {
		at[a.Windows[i].Start] = &a.Windows[i]
	}
	total := map[trimtab.Action][]trimtab.GainBlock{}
	why := map[trimtab.Action]string{}
	var st trimtab.PolicyState
	a.Now = AdvisedNow{Action: trimtab.DoNothing, Reason: "nothing: no window has labels"}
	memo := &Memo{}
	b.asked.Policy.Mode = "advise"
	losses, rows := map[trimtab.Action]float64{}, map[trimtab.Action]float64{} // of the windows in which a cure was measured
	for j, w := range windows {
		if j%10 == 0 {
			say("measuring cures: " + date(w.Start))
		}
		e, err := Measure(Question{Task: a.Task, Trained: windows[0].Start, Probe: len(b.features) > 0, Recalibrate: true, Memo: memo}, w, windows[:max(0, j-a.Delay)])
		if err != nil {
			return err
		}
		for _, m := range e.Measured {
			if len(m.Blocks) == 0 {
				why[m.Action] = m.Why
				continue
			}
			total[m.Action] = merge(total[m.Action], m.Blocks)
			losses[m.Action] += e.Loss * float64(e.Rows)
			rows[m.Action] += float64(e.Rows)
			with := e.Loss - spanOf(m.Blocks, 1).mean
			if v := at[w.Start]; v != nil && v.Loss != nil && !math.IsNaN(with) {
				if m.Action == trimtab.DoRecalibrate {
					v.Recalibrated = &with
				} else {
					v.Retrained = &with
				}
			}
		}
		border := w.End
		res, err := Decide(b.asked.Policy, st, e, Facts{Policy: "advise", At: border, Window: w.End.Sub(w.Start)})
		if err != nil {
			return err
		}
		st = res.State
		d := res.Decision
		if d.Action != trimtab.DoNothing && a.Now.Since == 0 {
			a.Now.Since = d.At
		}
		a.Now.Action, a.Now.Reason = d.Action, d.Reason
	}
	for _, action := range []trimtab.Action{trimtab.DoRecalibrate, trimtab.DoRetrain} {
		c := AdvisedCure{Action: action, Estimated: action == trimtab.DoRetrain, Why: why[action]}
		if blocks := total[action]; len(blocks) > 0 {
			s := spanOf(blocks, len(windows))
			c.Rows, c.Share, c.Why = int(s.rows), s.mean*rows[action]/losses[action], ""
			c.Saved = &Value{s.mean, s.mean, s.mean}
			if s.df > 0 {
				i := stat.TInterval(s.mean, s.stderr, s.df, 0.95)
				c.Saved = &Value{s.mean, i.Lo, i.Hi}
			}
		} else if len(b.features) == 0 && action == trimtab.DoRetrain {
			c.Why = "no inputs were given: what a retrain would bring cannot be estimated; give them with --inputs"
		}
		a.Cures = append(a.Cures, c)
	}
	return nil
}

// policy walks a policy in mode auto through the records.
func (b *bookkeeping) policy(a *Advice) error {
	windows := b.stream()
	spec := b.asked.Policy
	if len(b.features) == 0 {
		spec.Actions = []string{string(trimtab.DoRecalibrate)}
	}
	out, err := Simulate(Stream{Task: a.Task, Windows: windows, First: 1, Delay: a.Delay}, &onTop{task: a.Task}, spec)
	if err != nil {
		return err
	}
	p := &a.Policy
	p.Changes = []AdvisedChange{}
	p.Loss, p.Frozen = out.Loss/out.Rows, out.Frozen/out.Rows
	p.Total, p.Cost, p.Unit = out.Frozen-out.Loss, out.Cost, spec.Costs.Currency
	if p.Unit == "" {
		p.Unit = "loss"
	}
	if out.DF > 0 {
		i := stat.TInterval(out.Gain, out.StdErr, out.DF, 0.95)
		p.Saved = &Value{out.Gain, i.Lo, i.Hi}
	}
	reasons := map[trimtab.Time]trimtab.Decision{}
	for _, d := range out.Decisions {
		reasons[d.At] = d
	}
	for _, e := range out.Events {
		end := windows[e.Window].End
		d := reasons[end]
		c := AdvisedChange{At: end, Action: e.Action, Accepted: e.Accepted, Why: d.Reason}
		if !e.Accepted {
			c.Why = d.Outcome
		}
		p.Estimated = p.Estimated || e.Action == trimtab.DoRetrain && e.Accepted
		p.Changes = append(p.Changes, c)
	}
	return nil
}

// onTop stands in for a pipeline: first the model that made the recorded scores, later a probe on top of these scores.
type onTop struct {
	task    Task
	started bool
}

// Train returns the recorded model first; then what a probe learns from the windows, or the recorded model again where
// they are too few rows.
func (t *onTop) Train(_ trimtab.Time, windows []*Rows) (Predictor, error) {
	if !t.started {
		t.started = true
		return asRecorded{}, nil
	}
	l := gather(t.task, windows, 0, math.MinInt64, 2*probeMaxRows, 0, true)
	if l.rows < probeMinRows || len(l.features) == 0 {
		return asRecorded{}, nil
	}
	m, err := fitProbe(t.task, l)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "training", "%v", err)
	}
	l.label, l.score, l.margin, l.weight = nil, nil, nil, nil
	for k := range l.features {
		l.features[k].Values = nil
	}
	return probed{t.task, m, l}, nil
}

type asRecorded struct{}

func (asRecorded) Score(rows *Rows) ([]float64, error) { return rows.Score, nil }

type probed struct {
	task  Task
	model *boost.Model
	shape lesson
}

func (p probed) Score(rows *Rows) ([]float64, error) {
	return probeScores(p.task, p.model, p.shape, rows, rows.Score), nil
}
