package retrain

import (
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/boost"
)

// Predictor scores rows by their features: probabilities, or values.
type Predictor interface {
	Score(rows *Rows) ([]float64, error)
}

// Trainer makes the model that the pipeline would make from what was known as of a moment: the clean rows of the
// windows it is given, all of which end by then. It may also fetch a recorded version of that moment.
type Trainer interface {
	Train(asOf trimtab.Time, windows []*Rows) (Predictor, error)
}

// Stream is what a simulation walks through: windows in order of time. Score and Versions of the windows are ignored.
type Stream struct {
	Task    Task
	Windows []*Rows
	// First is the window in which the first model goes into service; it learns from those before.
	First int
	// Delay is how many windows it takes until the labels of a window are known.
	Delay int
	// Takes says what a training as of a moment would take, when a model serves that was trained as of another; nil is
	// everything.
	Takes func(asOf, trained trimtab.Time) Takes
}

// Event is an action of a simulation, or an attempt.
type Event struct {
	Window   int // in which it was decided
	Action   trimtab.Action
	Version  trimtab.Version // that was in service afterwards
	Accepted bool
	Gate     *Gated // of a retrain
}

// Simulated is what a policy did with a stream. Losses are summed over clean rows since First.
type Simulated struct {
	Decisions []trimtab.Decision
	Verdicts  []Verdict
	Events    []Event
	Served    []trimtab.Version // per window since First

	Rows                       float64
	Loss                       float64 // of what was served
	Frozen                     float64 // of the first model, never changed
	Cost                       float64 // of all actions
	Retrains, Rejected         int
	Recalibrations, Promotions int     // promotions: of older versions, roll backs too
	Gain, StdErr, DF           float64 // loss saved per row against the frozen model, error by blocks
	State                      trimtab.PolicyState
}

// version is one that a simulation holds: a trained predictor, and a correction on top.
type version struct {
	base       int // index into predictors
	calibrator Calibrator
	trained    trimtab.Time
}

type simulation struct {
	rule
	stream   Stream
	trainer  Trainer
	spec     trimtab.RetrainPolicySpec
	bases    []Predictor
	scores   []map[int][]float64 // by base, by window
	versions map[trimtab.Version]version
	calib    map[trimtab.Version]map[int][]float64
	next     trimtab.Version
	memo     *Memo
	pool     []trimtab.Version // candidates besides what is served, newest last
}

// Simulate walks a policy through a stream, as mode auto would: it serves, measures each window when its labels are
// known, decides, and carries out what was decided, training through t. The same stream, trainer and policy give the
// same result.
func Simulate(stream Stream, t Trainer, spec trimtab.RetrainPolicySpec) (Simulated, error) {
	return standard.simulate(stream, t, spec, nil)
}

func (r rule) simulate(stream Stream, t Trainer, spec trimtab.RetrainPolicySpec, memo *Memo) (out Simulated, err error) {
	defer trimtab.Wrap(&err, "retrain.Simulate")
	if err := stream.Task.Validate(); err != nil {
		return out, err
	}
	if stream.First < 1 || stream.First >= len(stream.Windows) || stream.Delay < 0 {
		return out, trimtab.Errorf(trimtab.Invalid, "stream", "a simulation of %d windows begins at window %d with a delay of %d: expected a first window between 1 and %d and a delay of 0 or more",
			len(stream.Windows), stream.First, stream.Delay, len(stream.Windows)-1)
	}
	for i, w := range stream.Windows {
		if err := w.Check(stream.Task); err != nil {
			return out, err
		}
		if i > 0 && w.Start < stream.Windows[i-1].End {
			return out, trimtab.Errorf(trimtab.Invalid, "window "+w.Start.String(), "window %s begins before the one before it ends", w.Start)
		}
	}
	spec.Mode = "auto"
	s := &simulation{rule: r, stream: stream, trainer: t, spec: spec, versions: map[trimtab.Version]version{}, calib: map[trimtab.Version]map[int][]float64{}, memo: memo}
	return s.run()
}

func (s *simulation) run() (out Simulated, err error) {
	first := s.stream.First
	served, err := s.train(first)
	if err != nil {
		return out, err
	}
	st := trimtab.PolicyState{Served: served, Trained: s.versions[served].trained, Since: s.stream.Windows[first].Start}
	var against []trimtab.GainBlock
	for i := first; i < len(s.stream.Windows); i++ {
		w := s.stream.Windows[i]
		scores, err := s.score(served, i)
		if err != nil {
			return out, err
		}
		frozen, err := s.score(1, i)
		if err != nil {
			return out, err
		}
		out.Served = append(out.Served, served)
		against = merge(against, Pair(s.stream.Task, w, frozen, scores))
		for r, y := range w.Label {
			if !w.held(r) && !math.IsNaN(scores[r]) && !math.IsNaN(frozen[r]) {
				out.Rows++
				out.Loss += s.stream.Task.Loss(y, scores[r])
				out.Frozen += s.stream.Task.Loss(y, frozen[r])
			}
		}
		j := i - s.stream.Delay
		if j < first || i == len(s.stream.Windows)-1 { // what is decided behind the last window serves nobody
			continue
		}
		served, st, err = s.border(&out, served, st, i, j)
		if err != nil {
			return out, err
		}
	}
	total := spanOf(against, len(out.Served))
	out.Gain, out.StdErr, out.DF, out.State = total.mean, total.stderr, total.df, st
	return out, nil
}

// border decides after window i, when window j is the newest with labels.
func (s *simulation) border(out *Simulated, served trimtab.Version, st trimtab.PolicyState, i, j int) (trimtab.Version, trimtab.PolicyState, error) {
	at := s.stream.Windows[i].End
	newest := s.stream.Windows[j]
	length := newest.End.Sub(newest.Start)
	older := s.candidates(served)
	view := make([]*Rows, 0, j+1)
	for k := s.stream.First; k <= j; k++ {
		w := *s.stream.Windows[k]
		w.Score, w.Versions = nil, map[trimtab.Version][]float64{}
		vs := []trimtab.Version{served}
		if k == j {
			vs = append(vs, older...)
		}
		for _, v := range vs {
			scores, err := s.score(v, k)
			if err != nil {
				return 0, st, err
			}
			w.Versions[v] = scores
		}
		view = append(view, &w)
	}
	takes := Takes{}
	if s.stream.Takes != nil {
		takes = s.stream.Takes(newest.Start, s.versions[served].trained)
	}
	e, err := Measure(Question{Task: s.stream.Task, Served: served, Takes: takes, Trained: s.versions[served].trained, Older: older,
		Probe: allowed(s.spec, trimtab.DoRetrain), Recalibrate: allowed(s.spec, trimtab.DoRecalibrate), Memo: s.memo, Calibrator: s.versions[served].calibrator}, view[len(view)-1], view[:len(view)-1])
	if err != nil {
		return 0, st, err
	}
	res, err := s.decide(s.spec, st, e, Facts{Policy: "simulated", At: at, Window: length, Gate: &Demand{Bars: []Bar{{Errors: standard.gate}}}})
	if err != nil {
		return 0, st, err
	}
	st = res.State
	out.Decisions = append(out.Decisions, res.Decision)
	if res.Verdict != nil {
		out.Verdicts = append(out.Verdicts, *res.Verdict)
	}
	d := &out.Decisions[len(out.Decisions)-1]
	if d.Action == trimtab.DoNothing {
		return served, st, nil
	}
	costs := CostsOf(s.spec, length, st.Rows/float64(max(st.Windows, 1)), st.Loss/st.Rows)
	ev := Event{Window: i, Action: d.Action, Version: served, Accepted: true}
	next := served
	switch d.Action {
	case trimtab.DoRecalibrate:
		next = s.recalibrated(served, e)
		out.Recalibrations++
	case trimtab.DoPromoteOlder, trimtab.DoRollBack:
		next = d.Version
		out.Promotions++
	case trimtab.DoRetrain:
		if next, err = s.train(j); err != nil {
			return 0, st, err
		}
		challenger, err := s.score(next, j)
		if err != nil {
			return 0, st, err
		}
		g := Gate(s.stream.Task, newest, view[len(view)-1].Versions[served], challenger)
		ev.Gate, ev.Accepted = &g, g.Passed
		d.Facts = append(d.Facts, trimtab.Fact{Name: FactChallenger, Value: finite(g.Gain)})
		d.Outcome = g.Sentence
		if g.Passed {
			out.Retrains++
		} else {
			out.Rejected++
		}
	}
	d.State = trimtab.DecisionDone
	if !ev.Accepted {
		d.State = trimtab.DecisionRejected
		out.Cost += costs.Reject
		st = Rejected(s.spec, st, *d, at, length)
		out.Events = append(out.Events, ev)
		return served, st, nil
	}
	out.Cost += costs.Of(d.Action)
	d.Candidate = next
	var verdict *Verdict
	st, verdict = Promoted(s.spec, st, *d, next, s.versions[next].trained, at, length)
	if verdict != nil {
		out.Verdicts = append(out.Verdicts, *verdict)
	}
	s.retire(served, next)
	ev.Version = next
	out.Events = append(out.Events, ev)
	return next, st, nil
}

// train makes the version that has learnt what lies before window j.
func (s *simulation) train(j int) (trimtab.Version, error) {
	asOf := s.stream.Windows[j].Start
	p, err := s.trainer.Train(asOf, s.stream.Windows[:j])
	if err != nil {
		return 0, err
	}
	s.bases = append(s.bases, p)
	s.scores = append(s.scores, map[int][]float64{})
	return s.add(version{base: len(s.bases) - 1, calibrator: Identity, trained: asOf}), nil
}

func (s *simulation) add(v version) trimtab.Version {
	s.next++
	s.versions[s.next] = v
	s.calib[s.next] = map[int][]float64{}
	return s.next
}

func (s *simulation) recalibrated(served trimtab.Version, e Evidence) trimtab.Version {
	old := s.versions[served]
	for _, m := range e.Measured {
		if m.Action == trimtab.DoRecalibrate {
			old.calibrator = m.Calibrator.After(old.calibrator)
		}
	}
	return s.add(old)
}

// score is that of a version on a window, computed once.
func (s *simulation) score(v trimtab.Version, i int) ([]float64, error) {
	if scores, ok := s.calib[v][i]; ok {
		return scores, nil
	}
	ver := s.versions[v]
	scores, ok := s.scores[ver.base][i]
	if !ok {
		var err error
		if scores, err = s.bases[ver.base].Score(s.stream.Windows[i]); err != nil {
			return nil, err
		}
		if len(scores) != s.stream.Windows[i].Len() {
			return nil, trimtab.Errorf(trimtab.Invalid, "version "+versionText(v), "version %d gives %d scores for %d rows", v, len(scores), s.stream.Windows[i].Len())
		}
		s.scores[ver.base][i] = scores
	}
	if ver.calibrator != Identity {
		out := make([]float64, len(scores))
		for k, p := range scores {
			out[k] = ver.calibrator.Score(s.stream.Task, p)
		}
		scores = out
	}
	s.calib[v][i] = scores
	return scores, nil
}

func (s *simulation) keep() int {
	if s.spec.Keep > 0 {
		return s.spec.Keep
	}
	return DefaultKeep
}

func (s *simulation) candidates(served trimtab.Version) []trimtab.Version {
	if !allowed(s.spec, trimtab.DoPromoteOlder) && !allowed(s.spec, trimtab.DoRollBack) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.pool), func(v trimtab.Version) bool { return v == served })
}

// retire keeps what was served among the candidates, the newest of them.
func (s *simulation) retire(old, next trimtab.Version) {
	s.pool = slices.DeleteFunc(s.pool, func(v trimtab.Version) bool { return v == old || v == next })
	s.pool = append(s.pool, old)
	if n := len(s.pool) - s.keep(); n > 0 {
		s.pool = s.pool[n:]
	}
}

// BoostTrainer trains gradient boosted trees on the newest clean rows: the stand-in where no pipeline can be run, as in
// advise.
type BoostTrainer struct {
	Task  Task
	Trees int // default 80
	Rows  int // at most; default 40000
}

// Train fits on the windows; it fails when they hold no clean rows or no features.
func (t BoostTrainer) Train(asOf trimtab.Time, windows []*Rows) (Predictor, error) {
	most, trees := t.Rows, t.Trees
	if most <= 0 {
		most = 40000
	}
	if trees <= 0 {
		trees = wholeTrees
	}
	plain := make([]*Rows, len(windows))
	for i, w := range windows {
		c := *w
		c.Score = make([]float64, w.Len()) // nothing is served yet: all rows count
		plain[i] = &c
	}
	l := gather(t.Task, plain, 0, math.MinInt64, most, 0, true)
	if l.rows == 0 || len(l.features) == 0 {
		return nil, trimtab.Errorf(trimtab.Precondition, "training", "nothing to train on before %s: no clean labelled rows with features", asOf)
	}
	m, err := fitWhole(t.Task, l, trees)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "training", "%v", err)
	}
	l.label, l.score, l.margin, l.weight = nil, nil, nil, nil
	for k := range l.features {
		l.features[k].Values = nil
	}
	return boosted{t.Task, m, l}, nil
}

type boosted struct {
	task  Task
	model *boost.Model
	shape lesson
}

func (b boosted) Score(rows *Rows) ([]float64, error) {
	out := b.model.Margin(shaped(b.shape, rows), nil, nil)
	for i := range out {
		out[i] = b.task.score(out[i])
	}
	return out, nil
}
