package retrain

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// Takes is what a training takes and what the served version has learnt: a model that is trained anew on a window of the
// past forgets what lies before it, and a probe on top of the served score forgets nothing. The zero value is a training
// that takes everything.
type Takes struct {
	// From is the event time from which rows are taken; 0: all.
	From trimtab.Time
	// Most is how many rows are taken at most, the newest; 0: all.
	Most int
	// Learnt is how many rows taught what is served, from the event time Since on; 0: nobody knows.
	Learnt int
	Since  trimtab.Time
}

// Taught tells what versions were trained on. [Models] may know it.
type Taught interface {
	// RowsOf is the size of the snapshot that l names and the event time from which it took rows, 0 for all; no rows
	// when nobody knows.
	RowsOf(ctx context.Context, l trimtab.Lineage) (rows int64, from trimtab.Time, err error)
}

// recipe is the pipeline by which a policy trains, with the params that it gives.
type recipe struct {
	spec   trimtab.PipelineSpec
	params map[string]string
	asOf   string // the param that says as of when
}

// recipe is that of the policy; nil when it names no pipeline, or one that is not declared: its training will fail,
// and say so.
func (s *pass) recipe(ctx context.Context) (*recipe, error) {
	if s.spec.Pipeline == "" {
		return nil, nil
	}
	r, err := s.cfg.Resources.Get(ctx, trimtab.KindPipeline, s.spec.Pipeline)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := &recipe{params: map[string]string{}, asOf: s.spec.AsOfParam}
	if err := json.Unmarshal(r.Spec, &t.spec); err != nil {
		return nil, &trimtab.Error{Kind: trimtab.Internal, Subject: r.Ref(), Msg: "the stored spec does not decode", Err: err}
	}
	maps.Copy(t.params, t.spec.Params)
	maps.Copy(t.params, s.spec.Params)
	return t, nil
}

// takes is what a run as of a moment would take, beside a version that learnt rows from since on; nil takes everything.
func (t *recipe) takes(asOf trimtab.Time, learnt taught) Takes {
	if t == nil {
		return Takes{}
	}
	params := maps.Clone(t.params)
	params[t.asOf] = asOf.String()
	from, known := takenFrom(t.spec, params)
	if known && from == 0 {
		return Takes{}
	}
	out := Takes{From: from, Learnt: int(learnt.rows), Since: learnt.since}
	if !known {
		out.Most = out.Learnt // the next training takes about as many as the last one
	}
	return out
}

// taught is what a version was trained on: no rows when nobody knows.
type taught struct {
	rows  int64
	since trimtab.Time
}

// taught is what the version of a lineage was trained on.
func (s *pass) taught(ctx context.Context, l trimtab.Lineage) (out taught, err error) {
	if m, ok := s.cfg.Models.(Taught); ok {
		out.rows, out.since, err = m.RowsOf(ctx, l)
	}
	return out, err
}

// takes is what the policy's pipeline would take as of a moment.
func (s *pass) takes(ctx context.Context, asOf trimtab.Time) (Takes, error) {
	t, err := s.recipe(ctx)
	if err != nil || t == nil {
		return Takes{}, err
	}
	l, _, err := s.cfg.Models.Lineage(ctx, s.endpoint.Model.Name, s.served)
	if err != nil {
		return Takes{}, err
	}
	learnt, err := s.taught(ctx, l)
	return t.takes(asOf, learnt), err
}

// takenFrom is the first moment whose rows a run of the pipeline with these params takes; of several data sets the
// earliest, and 0 for all. known is false when the declaration does not tell.
func takenFrom(spec trimtab.PipelineSpec, params map[string]string) (from trimtab.Time, known bool) {
	for _, step := range spec.Steps {
		if step.Dataset == nil {
			continue
		}
		at, ok := beginOf(*step.Dataset, params)
		if !ok {
			return 0, false
		}
		if !known || at < from {
			from = at
		}
		known = true
	}
	return from, known
}

func beginOf(d trimtab.DatasetSpec, params map[string]string) (trimtab.Time, bool) {
	for _, field := range []*string{&d.AsOf, &d.From, &d.To, &d.Window} {
		w, err := trimtab.ParseTemplate(*field)
		if err != nil {
			return 0, false
		}
		if *field, err = w.Expand(func(ref string) (string, bool) {
			name, ok := strings.CutPrefix(ref, "params.")
			v, given := params[name]
			return v, ok && given
		}); err != nil {
			return 0, false
		}
	}
	if d.Window == "" {
		if d.From == "" {
			return 0, true
		}
		from, err := trimtab.ParseTime(d.From)
		return max(from, 0), err == nil
	}
	end := d.AsOf
	if d.To != "" {
		end = d.To
	}
	to, err := trimtab.ParseTime(end)
	if err != nil {
		return 0, false
	}
	w, err := trimtab.ParseDuration(d.Window)
	return max(to.Add(-time.Duration(w)), 0), err == nil
}

// forgets is by how much a model that is trained anew knows less than the served one with a probe on top, as a share of
// what half of the probe's rows would teach less than all of them. What a model loses for want of rows falls about as
// their number (half of m rows lose 1/m more than all of them), so a training on n rows loses 1/n where the probe loses
// 1/(learnt+m). rate is the clean rows per unit of time since the served version was trained, lesson what the probe is
// fitted on, asOf the moment of the training.
func (t Takes) forgets(trained, asOf trimtab.Time, rate float64, lesson int) float64 {
	if t.Learnt <= 0 || lesson <= 0 {
		return 0
	}
	knows, learns := float64(t.Learnt+lesson), math.Inf(1)
	if t.From > 0 {
		learns = rate * float64(asOf-max(t.From, trained))
		switch {
		case t.From <= t.Since:
			learns += float64(t.Learnt)
		case t.From < trained:
			learns += min(float64(t.Learnt), rate*float64(trained-t.From))
		}
	}
	if t.Most > 0 {
		learns = min(learns, float64(t.Most))
	}
	if !(learns < knows*(1-1e-9)) { // what rounding leaves of nothing
		return 0
	}
	return min(float64(lesson)/max(learns, 1)-float64(lesson)/knows, 1)
}
