package retrain

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Replay asks what a policy would have done over recorded windows.
type Replay struct {
	Policy  string          `json:"policy"`            // its name, for people
	Spec    json.RawMessage `json:"spec"`              // a RetrainPolicySpec
	Monitor string          `json:"monitor,omitempty"` // whose windows; "" is the policy's own
	Since   trimtab.Time    `json:"since"`
	Until   trimtab.Time    `json:"until,omitempty"` // 0: the newest window
}

// Replayed is what a policy would have done, beside what happened. Losses are per labelled clean row.
type Replayed struct {
	Policy   string            `json:"policy"`
	Monitor  string            `json:"monitor"`
	Endpoint string            `json:"endpoint"`
	Task     Task              `json:"task"`
	From     trimtab.Time      `json:"from"`
	To       trimtab.Time      `json:"to"`
	Windows  int               `json:"windows"`
	Rows     float64           `json:"rows"`
	Unit     string            `json:"unit"` // of costs
	Would    Tally             `json:"would"`
	Did      Tally             `json:"did"`
	Saved    *Value            `json:"saved,omitempty"` // loss per row against what happened, in pairs, by blocks; nil when its error is unknown
	Changes  []ReplayedChange  `json:"changes"`
	Happened []ReplayedChange  `json:"happened"`
	First    trimtab.Version   `json:"first"`    // with what the replay begins
	Recorded []trimtab.Version `json:"recorded"` // versions whose recorded scores stood in for retrains
}

// Tally counts what was done and what came of it.
type Tally struct {
	Loss           float64 `json:"loss"`
	Cost           float64 `json:"cost"` // at the prices of the replayed policy
	Retrains       int     `json:"retrains"`
	Rejected       int     `json:"rejected"` // retrains that did not pass the gate
	Recalibrations int     `json:"recalibrations"`
	Promotions     int     `json:"promotions"` // of older versions, roll backs too
	// FalseAlarms are changes that did not help, and challengers that were rejected.
	FalseAlarms int `json:"falseAlarms"`
	// Estimated is the share of rows answered by versions that never were, whose scores a probe estimates; all others
	// are measured.
	Estimated float64 `json:"estimated"`
}

// ReplayedChange is something that was, or would have been, done.
type ReplayedChange struct {
	At        trimtab.Time    `json:"at"`
	Action    trimtab.Action  `json:"action"`
	Accepted  bool            `json:"accepted"`
	Version   trimtab.Version `json:"version,omitzero"` // recorded one that it led to, 0 when there is none
	Estimated bool            `json:"estimated,omitempty"`
	Why       string          `json:"why"`
}

// replayCells bounds the rows of a replay, which are held in memory at once.
const replayCells = 4 * maxCells

// Replay walks a policy through the recorded windows of its monitor as mode auto would, changing nothing. A retrain takes
// the version that was trained at that moment, when there is one: then its scores are measured; else a probe estimates
// it. progress is told how many windows were read; nil is not.
func (p *Policies) Replay(ctx context.Context, q Replay, progress func(done, of int)) (out Replayed, err error) {
	defer trimtab.Wrap(&err, "retrain.Replay(%s)", q.Policy)
	var spec trimtab.RetrainPolicySpec
	if err := json.Unmarshal(q.Spec, &spec); err != nil {
		return out, trimtab.Errorf(trimtab.Invalid, "policy "+q.Policy, "the policy cannot be read: %v", err)
	}
	if q.Monitor != "" {
		spec.Monitor = q.Monitor
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return out, err
	}
	ws := trimtab.CallOf(ctx).Workspace
	d, err := p.resolve(ctx, trimtab.Resource{Workspace: ws, Name: q.Policy, Spec: raw})
	if err != nil {
		return out, err
	}
	if d.problem != "" {
		return out, trimtab.Errorf(trimtab.Precondition, "policy "+q.Policy, "policy %s cannot be replayed: %s", q.Policy, d.problem)
	}
	s := &pass{Policies: p, declared: d}
	if s.log, err = p.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: ws, Name: d.monitor.Endpoint}); err != nil {
		return out, err
	}
	if err := s.refresh(ctx); err != nil {
		return out, err
	}
	all, err := p.cfg.Windows.List(ctx, d.spec.Monitor)
	if err != nil {
		return out, err
	}
	all = slices.DeleteFunc(all, func(w trimtab.WindowResult) bool {
		return w.Start < q.Since || q.Until != 0 && w.End > q.Until || w.Labelled == 0
	})
	if len(all) < 3 {
		return out, trimtab.Errorf(trimtab.Precondition, "monitor "+d.spec.Monitor, "monitor %s has recorded %s with labels in this span: at least 3 are needed", d.spec.Monitor, windows(len(all)))
	}
	decisions, err := p.cfg.Decisions.List(ctx, trimtab.DocumentQuery{From: all[0].Start})
	if err != nil {
		return out, err
	}
	r := &replayed{pass: s, ctx: ctx, at: map[trimtab.Time]*logged{}, made: map[trimtab.Time]trimtab.Version{}, learnt: map[trimtab.Version]taught{}}
	if err := r.read(all, progress); err != nil {
		return out, err
	}
	if err := r.versions(decisions); err != nil {
		return out, err
	}
	pipeline, err := s.recipe(ctx)
	if err != nil {
		return out, err
	}
	r.stream.Takes = func(asOf, trained trimtab.Time) Takes { return pipeline.takes(asOf, r.learnt[r.made[trained]]) }
	out = Replayed{Policy: q.Policy, Monitor: d.spec.Monitor, Endpoint: d.monitor.Endpoint, Task: d.task, From: all[0].Start, To: all[len(all)-1].End, Windows: len(all),
		Changes: []ReplayedChange{}, Happened: []ReplayedChange{}, Recorded: []trimtab.Version{}, First: r.first}
	if err := r.walk(&out); err != nil {
		return out, err
	}
	r.tell(&out, decisions)
	return out, nil
}

// replayed is one walk through recorded windows.
type replayed struct {
	*pass
	ctx      context.Context // of the call, which the walk does not outlive
	stream   Stream
	at       map[trimtab.Time]*logged
	first    trimtab.Version
	recorded []trimtab.Lineage
	begun    bool
	took     []trimtab.Version                // by retrain, in their order; 0 for a probe
	made     map[trimtab.Time]trimtab.Version // by the moment of the training; 0 for a probe, of which nobody knows what it forgets
	learnt   map[trimtab.Version]taught
}

// read loads the windows, behind an empty one: what the first version has learnt lies before it.
func (r *replayed) read(all []trimtab.WindowResult, progress func(done, of int)) error {
	holds, err := r.holds(r.ctx)
	if err != nil {
		return err
	}
	length := all[0].End - all[0].Start
	r.stream = Stream{Task: r.task, First: 1, Delay: int((trimtab.Time(time.Duration(r.monitor.LabelMaturity)/time.Millisecond) + length - 1) / length)}
	r.stream.Windows = []*Rows{{Start: all[0].Start - length, End: all[0].Start}}
	r.first = all[0].Served
	cells := 0
	for i, w := range all {
		l, err := r.load(r.ctx, w, holds)
		if err != nil {
			return err
		}
		if cells += l.cells(); cells > replayCells {
			return trimtab.Errorf(trimtab.Exhausted, "monitor "+r.spec.Monitor, "the rows until %s are more than can be replayed at once: choose a shorter span with --since and --until", w.Start)
		}
		if r.first == 0 && len(l.answered) > 0 {
			r.first = l.answered[0]
		}
		r.at[w.Start] = l
		if progress != nil {
			progress(i+1, len(all))
		}
	}
	for _, w := range all {
		l := r.at[w.Start]
		if err := r.score(r.ctx, l, r.first); err != nil {
			return err
		}
		rows := l.Rows
		rows.Score, rows.Versions = l.Versions[r.first], nil
		r.stream.Windows = append(r.stream.Windows, &rows)
	}
	return nil
}

// versions finds the trained versions that a retrain can take, with the moments up to which they have learnt.
func (r *replayed) versions(decisions []trimtab.Decision) error {
	seen := map[trimtab.Version]bool{0: true}
	look := func(v trimtab.Version) error {
		if seen[v] {
			return nil
		}
		seen[v] = true
		l, ok, err := r.cfg.Models.Lineage(r.ctx, r.endpoint.Model.Name, v)
		if trimtab.IsKind(err, trimtab.NotFound) {
			return nil
		}
		if err != nil || !ok {
			return err
		}
		if r.learnt[v], err = r.taught(r.ctx, l); err != nil {
			return err
		}
		if v != r.first && l.Parent == 0 && l.Until != 0 {
			l.Version = v
			r.recorded = append(r.recorded, l)
		}
		return nil
	}
	if err := look(r.first); err != nil {
		return err
	}
	for _, x := range r.rollouts {
		if err := look(x.To); err != nil {
			return err
		}
		if err := look(x.From); err != nil {
			return err
		}
	}
	for _, d := range decisions {
		if d.Endpoint == r.monitor.Endpoint && d.Action == trimtab.DoRetrain {
			if err := look(d.Candidate); err != nil {
				return err
			}
		}
	}
	return nil
}

// Train returns the first version, then the version that was trained within the window before asOf, else a probe.
func (r *replayed) Train(asOf trimtab.Time, windows []*Rows) (Predictor, error) {
	if !r.begun {
		r.begun = true
		r.made[asOf] = r.first
		return asRecorded{}, nil
	}
	var best trimtab.Lineage
	for _, l := range r.recorded {
		if l.Until <= asOf && l.Until > asOf.Add(-r.window) && l.Until > best.Until {
			best = l
		}
	}
	if best.Version != 0 && len(windows) > 0 {
		v := measuredVersion{r, best.Version}
		if _, err := v.Score(windows[len(windows)-1]); err == nil {
			r.took = append(r.took, best.Version)
			r.made[asOf] = best.Version
			return v, nil
		}
	}
	r.took = append(r.took, 0)
	probe := onTop{task: r.task, started: true}
	return probe.Train(asOf, windows)
}

// measuredVersion is a version that was trained.
type measuredVersion struct {
	r *replayed
	v trimtab.Version
}

func (m measuredVersion) Score(rows *Rows) ([]float64, error) {
	l := m.r.at[rows.Start]
	if l == nil { // the empty window before the first
		return make([]float64, rows.Len()), nil
	}
	if err := m.r.score(m.r.ctx, l, m.v); err != nil {
		return nil, err
	}
	return l.Versions[m.v], nil
}

// walk simulates, and compares with what was served row by row.
func (r *replayed) walk(out *Replayed) error {
	spec := r.spec
	spec.Mode = "auto"
	s := &simulation{rule: standard, stream: r.stream, trainer: r, spec: spec, versions: map[trimtab.Version]version{}, calib: map[trimtab.Version]map[int][]float64{}, memo: &Memo{}}
	for _, w := range r.stream.Windows {
		if err := w.Check(r.task); err != nil {
			return err
		}
	}
	sim, err := s.run()
	if err != nil {
		return err
	}
	var blocks []trimtab.GainBlock
	var estimated, rows, would, did float64
	for k, v := range sim.Served {
		i := r.stream.First + k
		w := r.stream.Windows[i]
		scores, err := s.score(v, i)
		if err != nil {
			return err
		}
		served := r.at[w.Start].Score
		blocks = merge(blocks, Pair(r.task, w, served, scores))
		_, probe := s.bases[s.versions[v].base].(probed)
		for n, y := range w.Label {
			if w.held(n) || math.IsNaN(scores[n]) || math.IsNaN(served[n]) {
				continue
			}
			rows++
			would += r.task.Loss(y, scores[n])
			did += r.task.Loss(y, served[n])
			if probe {
				estimated++
			}
		}
	}
	if rows == 0 {
		return trimtab.Errorf(trimtab.Precondition, "monitor "+r.spec.Monitor, "no labelled row of the span counts: all are held, or have no score")
	}
	out.Rows = rows
	out.Would = Tally{Loss: would / rows, Retrains: sim.Retrains, Rejected: sim.Rejected, Recalibrations: sim.Recalibrations, Promotions: sim.Promotions, FalseAlarms: sim.Rejected, Estimated: estimated / rows}
	out.Did = Tally{Loss: did / rows}
	for _, v := range sim.Verdicts {
		if !v.Helped {
			out.Would.FalseAlarms++
		}
	}
	if sp := spanOf(blocks, len(sim.Served)); sp.df > 0 {
		ci := stat.TInterval(sp.mean, sp.stderr, sp.df, 0.95)
		out.Saved = &Value{sp.mean, ci.Lo, ci.Hi}
	}
	reasons := map[trimtab.Time]trimtab.Decision{}
	for _, d := range sim.Decisions {
		reasons[d.At] = d
	}
	trained := 0
	for _, e := range sim.Events {
		d := reasons[r.stream.Windows[e.Window].End]
		c := ReplayedChange{At: d.At, Action: e.Action, Accepted: e.Accepted, Why: d.Reason}
		if !e.Accepted {
			c.Why = d.Outcome
		}
		if e.Action == trimtab.DoRetrain {
			if c.Version = r.took[trained]; c.Version != 0 {
				out.Recorded = append(out.Recorded, c.Version)
			}
			c.Estimated = c.Version == 0
			trained++
		}
		out.Changes = append(out.Changes, c)
	}
	return nil
}

// tell adds what happened, and prices both.
func (r *replayed) tell(out *Replayed, decisions []trimtab.Decision) {
	for _, d := range slices.Backward(decisions) { // they come the newest first
		if d.Endpoint != out.Endpoint || d.At < out.From || d.At > out.To || d.Action == trimtab.DoNothing {
			continue
		}
		accepted := d.State == trimtab.DecisionDone
		if !accepted && d.State != trimtab.DecisionRejected {
			continue // advised, cancelled, failed, or not over
		}
		t := &out.Did
		switch {
		case d.Action == trimtab.DoRetrain && !accepted:
			t.Rejected++
			t.FalseAlarms++
		case !accepted:
			continue
		case d.Action == trimtab.DoRetrain:
			t.Retrains++
		case d.Action == trimtab.DoRecalibrate:
			t.Recalibrations++
		default:
			t.Promotions++
		}
		if accepted && d.Realised != nil && d.Realised.Value <= 0 {
			t.FalseAlarms++
		}
		why := d.Reason
		if d.Outcome != "" {
			why = d.Outcome
		}
		out.Happened = append(out.Happened, ReplayedChange{At: d.At, Action: d.Action, Accepted: accepted, Version: d.Candidate, Why: why})
	}
	costs := CostsOf(r.spec, r.window, out.Rows/float64(out.Windows), out.Did.Loss)
	out.Unit = costs.Unit
	for _, t := range []*Tally{&out.Would, &out.Did} {
		t.Cost = float64(t.Retrains)*costs.Retrain + float64(t.Rejected)*costs.Reject + float64(t.Recalibrations)*costs.Recalibrate + float64(t.Promotions)*costs.Promote
	}
}

// sureness says how much of a tally is measured.
func (t Tally) sureness() string {
	switch {
	case t.Estimated == 0:
		return "measured"
	case t.Estimated == 1:
		return "estimated"
	}
	return fmt.Sprintf("%.0f %% estimated", 100*t.Estimated)
}
