package overview

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// maxEvents bounds the documents of one kind that are read for the events of all
// monitors together.
const maxEvents = 500

// learnt says of each model which data its newest version learnt from and how it was
// evaluated last.
func (s *Service) learnt(ctx context.Context, o *view.Overview, d declared) error {
	if len(o.Models) == 0 {
		return nil
	}
	newest, counts := map[string]trimtab.Snapshot{}, map[string]int64{}
	if s.cfg.Snapshots != nil && len(d.sources) > 0 {
		all, n, err := s.cfg.Snapshots.Newest(ctx)
		if err != nil {
			return err
		}
		for _, x := range all {
			newest[x.Source] = x
		}
		counts = n
	}
	for i := range o.Models {
		m := &o.Models[i]
		if m.Latest == nil {
			continue
		}
		if id := taughtBy(m.Latest, o.Runs); id != "" && len(newest) > 0 {
			run, err := s.cfg.Pipelines.GetRun(ctx, id)
			if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
				return err
			}
			if x, ok := newest[d.sources[run.Pipeline]]; ok {
				m.Data = &view.OverviewData{Source: x.Source, To: x.To, Rows: x.Rows, Digest: x.Digest, Created: x.Created, Snapshots: counts[x.Source]}
			}
		}
		if s.cfg.Loop.Evaluated == nil {
			continue
		}
		all, err := s.cfg.Loop.Evaluated.List(ctx, trimtab.DocumentQuery{Scope: string(m.Name), Limit: 1})
		if err != nil {
			return err
		}
		for _, e := range all {
			m.Evaluated = &view.OverviewGate{ID: e.ID, Suite: e.Suite, Version: e.Version, Against: e.Against, Verdict: e.Verdict, At: e.At}
		}
	}
	return nil
}

// taughtBy is the pipeline run that a version learnt in: the one that registered it
// or, for a version made of another, the one of its run; "" when that is not known.
func taughtBy(v *view.OverviewVersion, runs []view.OverviewRun) trimtab.PipelineRunID {
	if v.PipelineRun != "" {
		return v.PipelineRun
	}
	for _, r := range runs {
		if r.ID == v.Run {
			return r.PipelineRun
		}
	}
	return ""
}

// events puts what happened at each endpoint beside the windows of its monitors.
func (s *Service) events(ctx context.Context, o *view.Overview) error {
	l := s.cfg.Loop
	if l.Decisions == nil || l.Incidents == nil || l.Rollouts == nil {
		return nil
	}
	var from trimtab.Time
	for _, m := range o.Monitors {
		if len(m.Windows) > 0 && (from == 0 || m.Windows[0].Start < from) {
			from = m.Windows[0].Start
		}
	}
	if from == 0 {
		return nil
	}
	q := trimtab.DocumentQuery{From: from, Limit: maxEvents}
	decisions, err := l.Decisions.List(ctx, q)
	if err != nil {
		return err
	}
	incidents, err := l.Incidents.List(ctx, q)
	if err != nil {
		return err
	}
	rollouts, err := l.Rollouts.List(ctx, q)
	if err != nil {
		return err
	}
	for i := range o.Monitors {
		m := &o.Monitors[i]
		if len(m.Windows) == 0 {
			continue
		}
		h := view.History{Endpoint: m.Endpoint, Monitor: m.Name}
		for _, d := range decisions {
			if d.Endpoint == m.Endpoint {
				h.Decisions = append(h.Decisions, d)
			}
		}
		for _, x := range incidents {
			if x.Endpoint == m.Endpoint || slices.Contains(x.Also, m.Endpoint) {
				h.Incidents = append(h.Incidents, x)
			}
		}
		for _, r := range rollouts {
			if r.Endpoint == m.Endpoint {
				h.Rollouts = append(h.Rollouts, r)
			}
		}
		events := view.EventsOf(h)
		for _, r := range h.Rollouts {
			if r.Promoted != 0 {
				events = append(events, view.TimelineEvent{At: r.Promoted, Kind: "deploy", ID: r.ID, Text: fmt.Sprintf("version %d promoted", r.To)})
			}
		}
		slices.SortStableFunc(events, func(a, b view.TimelineEvent) int { return cmp.Compare(a.At, b.At) })
		for _, e := range events {
			if e.At >= m.Windows[0].Start && e.At <= m.Windows[len(m.Windows)-1].End {
				m.Events = append(m.Events, e)
			}
		}
	}
	return nil
}
