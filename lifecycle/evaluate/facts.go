package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// maxRows bounds the rows of an evaluation that are held in memory.
const maxRows = 5_000_000

// served is the version that the challenger is compared with: the one that answers the endpoint now, or the one that
// the alias points to when the suite names another alias or no monitor.
func (s *pass) served(ctx context.Context) (trimtab.Version, error) {
	version, err := s.cfg.Models.Champion(ctx, s.model, s.spec.Against)
	if err != nil || s.monitor == nil {
		return version, err
	}
	alias := s.endpoint.Model.Alias
	if alias == "" {
		alias = "champion"
	}
	if s.spec.Against != alias {
		return version, nil
	}
	rollouts, err := s.cfg.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: s.monitor.Endpoint})
	slices.SortStableFunc(rollouts, func(a, b trimtab.Rollout) int { return b.Ordinal() - a.Ordinal() })
	return trimtab.ServedVersion(rollouts, version), err
}

// facts gathers what the suite judges.
func (s *pass) facts(ctx context.Context) (Facts, error) {
	f := Facts{Task: s.task, Against: s.against, Seed: s.seed()}
	var err error
	if s.spec.Fresh != nil {
		if f.Fresh, f.NoFresh, err = s.fresh(ctx); err != nil {
			return f, err
		}
	}
	if s.spec.Golden != nil {
		if f.Golden, err = s.golden(ctx); err != nil {
			return f, err
		}
	}
	if f.Schema, err = s.signatures(ctx); err != nil {
		return f, err
	}
	f.Refusal = s.refusal
	if s.spec.MaxLatency > 0 && s.sample != nil {
		f.Latency, f.Timed, err = s.latency(ctx)
	}
	return f, err
}

// signatures compares what the versions take.
func (s *pass) signatures(ctx context.Context) ([]string, error) {
	if s.spec.Schema == "any" || s.against == 0 {
		return nil, nil
	}
	challenger, err := s.cfg.Models.Signature(ctx, s.model, s.version.Version)
	if err != nil {
		return nil, err
	}
	champion, err := s.cfg.Models.Signature(ctx, s.model, s.against)
	if err != nil {
		return nil, err
	}
	if s.spec.Schema == "equal" {
		return Different(challenger, champion), nil
	}
	return Narrower(challenger, champion), nil
}

// trained is the moment up to which the challenger had learnt; ok is false when nobody knows. What is registered while
// the clock moves the endpoint cannot have learnt from later rows.
func (s *pass) trained(ctx context.Context) (trimtab.Time, bool, error) {
	l, ok, err := s.cfg.Models.Lineage(ctx, s.model, s.version.Version)
	if err != nil || ok {
		return l.Until, ok, err
	}
	if s.state.Mode != trimtab.DrivenMode {
		return s.version.Created, s.version.Created != 0, nil
	}
	return 0, false, nil
}

// fresh reads the newest mature windows, without what the challenger has learnt from and what is kept out. Without
// rows it says why.
func (s *pass) fresh(ctx context.Context) (*Rows, string, error) {
	until, ok, err := s.trained(ctx)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, fmt.Sprintf("nobody knows until when version %d has learnt, so no row is known to be new to it: set the tag %s of the version", s.version.Version, trimtab.TrainedUntilTag), nil
	}
	windows, err := s.mature(ctx, s.at)
	if err != nil {
		return nil, "", err
	}
	if len(windows) == 0 {
		return nil, fmt.Sprintf("no window of monitor %s has matured by %s", s.spec.Monitor, s.at), nil
	}
	newest := windows[len(windows)-1]
	windows = slices.DeleteFunc(windows, func(w trimtab.WindowResult) bool { return w.End <= until })
	if len(windows) == 0 {
		return nil, fmt.Sprintf("version %d has learnt until %s, and the newest mature window ended at %s: no row is new to it", s.version.Version, until, newest.End), nil
	}
	windows = windows[max(len(windows)-s.spec.Fresh.Windows, 0):]
	rows := &Rows{Start: max(windows[0].Start, until), End: newest.End}
	holds, err := s.cfg.Holds.Holds(ctx, s.monitor.Endpoint)
	if err != nil {
		return nil, "", err
	}
	log, err := s.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: s.ws, Name: s.monitor.Endpoint})
	if err != nil {
		return nil, "", err
	}
	kept := 0
	for batch, err := range log.Tables(ctx, traffic.Query{Start: rows.Start, End: rows.End, KnownBy: s.at, Inputs: true}) {
		if err != nil {
			return nil, "", err
		}
		var keep []int
		for i := range batch.Len() {
			switch {
			case !inside(windows, batch.EventTimes[i]):
			case trimtab.HeldRow(holds, batch.EventTimes[i], batch.Quarantine[i]) != "":
				kept++
			case batch.HasLabel[i] && s.labelled(batch.Label[i]):
				keep = append(keep, i)
			}
		}
		if len(keep) == 0 {
			continue
		}
		if err := s.add(ctx, rows, pick(batch.EventTimes, keep), pick(batch.Label, keep), pick(batch.Versions, keep), pick(batch.Score, keep), batch.Inputs.Take(keep)); err != nil {
			return nil, "", err
		}
	}
	why := fmt.Sprintf("no row from %s to %s has a label", rows.Start, rows.End)
	if kept > 0 {
		why += fmt.Sprintf(" and is not held (%d are)", kept)
	}
	return rows, why, nil
}

func inside(windows []trimtab.WindowResult, t trimtab.Time) bool {
	return slices.ContainsFunc(windows, func(w trimtab.WindowResult) bool { return t >= w.Start && t < w.End })
}

// labelled reports whether a label can be judged.
func (s *pass) labelled(y float64) bool {
	return !math.IsNaN(y) && !math.IsInf(y, 0) && (s.task != Binary || y == 0 || y == 1)
}

// add scores rows with both versions. answered and logged are the versions that answered and what they said, nil when unknown.
func (s *pass) add(ctx context.Context, rows *Rows, times []trimtab.Time, label []float64, answered []trimtab.Version, logged []float64, inputs *table.Table) error {
	if rows.Len()+len(label) > maxRows {
		return trimtab.Errorf(trimtab.Precondition, "evaluation", "there are more than %d rows to evaluate on: take fewer windows", maxRows)
	}
	score := func(v trimtab.Version) ([]float64, error) {
		if len(answered) > 0 && !slices.ContainsFunc(answered, func(a trimtab.Version) bool { return a != v }) {
			return logged, nil
		}
		out, err := s.cfg.Scorer.Score(ctx, s.ws, s.model, v, inputs)
		switch {
		case trimtab.IsKind(err, trimtab.Invalid):
			if v == s.version.Version && s.refusal == "" {
				s.refusal = trimtab.Message(err)
			}
			out = make([]float64, len(label))
			for i := range out {
				out[i] = math.NaN()
			}
		case err != nil:
			return nil, err
		case len(out) != len(label):
			return nil, trimtab.Errorf(trimtab.Internal, "version", "version %d gave %d scores for %d rows", v, len(out), len(label))
		}
		return out, nil
	}
	challenger, err := score(s.version.Version)
	if err != nil {
		return err
	}
	rows.Time, rows.Label, rows.Challenger = append(rows.Time, times...), append(rows.Label, label...), append(rows.Challenger, challenger...)
	if s.against != 0 {
		champion, err := score(s.against)
		if err != nil {
			return err
		}
		rows.Champion = append(rows.Champion, champion...)
	}
	for _, x := range s.spec.Slices {
		c := inputs.Column(x.Column)
		if c == nil {
			continue
		}
		if rows.Slices == nil {
			rows.Slices = map[string]*table.Column{}
		}
		if rows.Slices[x.Column] == nil {
			rows.Slices[x.Column] = table.NewColumn(c.Name, c.Type, 0)
		}
		if before := rows.Slices[x.Column]; before.Len() < rows.Len() { // two suites may slice by one column twice
			if err := before.Extend(c); err != nil {
				return trimtab.Errorf(trimtab.Invalid, "column "+x.Column, "column %q: %v", x.Column, err)
			}
		}
	}
	if s.sample == nil {
		s.sample = inputs.Slice(0, min(inputs.Rows(), timedRows))
	}
	return nil
}

// Rows are timed one by one, each several times, and the best time counts: what else the machine does must not fail a model.
const (
	timedRows = 200
	rounds    = 5
)

// latency measures the slowest row of a sample. Rows that the version refuses are not timed.
func (s *pass) latency(ctx context.Context) (slowest time.Duration, timed int, err error) {
	for i := range s.sample.Rows() {
		row := s.sample.Slice(i, i+1)
		best := time.Duration(math.MaxInt64)
		for range rounds {
			began := s.cfg.Now()
			_, err := s.cfg.Scorer.Score(ctx, s.ws, s.model, s.version.Version, row)
			took := s.cfg.Now().Sub(began)
			if trimtab.IsKind(err, trimtab.Invalid) {
				best = -1
				break
			}
			if err != nil {
				return 0, 0, err
			}
			best = min(best, took)
		}
		if best >= 0 {
			timed++
			slowest = max(slowest, best)
		}
	}
	return slowest, timed, nil
}
