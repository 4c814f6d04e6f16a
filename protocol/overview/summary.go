package overview

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// fine are the actions that are steps of something larger: the list of recent
// changes shows the larger thing, the journal shows all.
var fine = []string{"policyState.decide", "policyState.settle", "window.estimate", "contractResult.put", "incident.widen", "decision.noted",
	"run.seal", "segment.seal", "endpoint.watermark.advance", "endpoint.lease.acquire", "endpoint.lease.release",
	"step.starting", "step.waiting", "loggedModel.finalize", "model.version.add",
}

// changeOf turns an entry into a line for people; false for a fine one.
func changeOf(e trimtab.Entry) (view.OverviewChange, bool) {
	if slices.Contains(fine, e.Action) || strings.HasPrefix(e.Action, "attempt.") {
		return view.OverviewChange{}, false
	}
	c := view.OverviewChange{
		Index: e.Index, Time: e.Time, Action: e.Action, Kind: e.Object.Kind, Name: e.Object.Name, Version: e.Object.Version, Count: 1,
		Detail: e.Reason, Actor: cmp.Or(e.Actor.ID, string(e.Actor.Kind)), Via: e.Actor.Via,
	}
	var moved trimtab.AliasMoved
	if strings.HasPrefix(e.Action, "model.alias.") && json.Unmarshal(e.Data, &moved) == nil && moved.Alias != "" {
		switch {
		case moved.To == 0:
			c.Detail = fmt.Sprintf("%s no longer points to version %d", moved.Alias, moved.From)
		case moved.From == 0:
			c.Detail = fmt.Sprintf("%s points to version %d", moved.Alias, moved.To)
		default:
			c.Detail = fmt.Sprintf("%s moves from version %d to %d", moved.Alias, moved.From, moved.To)
		}
	}
	return c, true
}

// continues reports whether an older change is one more of the same.
func continues(c, older view.OverviewChange) bool {
	return c.Action == older.Action && c.Kind == older.Kind && c.Name == older.Name && c.Actor == older.Actor
}

// runMetrics picks the n metrics that say most, in that order.
func runMetrics(all []trimtab.Metric, n int) (shown []view.RunMetric, more int) {
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b trimtab.Metric) int {
		return cmp.Or(cmp.Compare(view.MetricRank(a.Key), view.MetricRank(b.Key)), strings.Compare(a.Key, b.Key))
	})
	shown = []view.RunMetric{}
	for _, m := range sorted[:min(n, len(sorted))] {
		shown = append(shown, view.RunMetric{Key: m.Key, Value: view.Figure(m.Value)})
	}
	return shown, len(all) - len(shown)
}

// attemptOf splits the name of an attempt into its pipeline run and step.
func attemptOf(id trimtab.AttemptID) (run trimtab.PipelineRunID, step string) {
	first := strings.IndexByte(string(id), '.')
	last := strings.LastIndexByte(string(id), '.')
	if first < 0 || last <= first {
		return "", ""
	}
	return trimtab.PipelineRunID(id[:first]), string(id[first+1 : last])
}

func windowOf(w trimtab.WindowResult, by trimtab.Window) view.OverviewWindow {
	out := view.OverviewWindow{
		Label: by.Label(w.Start), Start: w.Start, End: w.End, Versions: slices.Clone(w.Versions), Rows: w.Rows, Labelled: w.Labelled,
		Late: w.Late, Quality: []view.OverviewQuality{}, Reason: w.Reason, Computed: w.Computed,
		Early: !w.Closed(), Held: w.Held,
	}
	for _, d := range w.Drift {
		if d.State == "drift" {
			out.Drift = append(out.Drift, d.Column)
		}
	}
	if out.Versions == nil {
		out.Versions = []trimtab.Version{}
	}
	for _, q := range w.Quality {
		x := view.OverviewQuality{Metric: q.Metric, Value: view.Figure(q.Value)}
		if q.HasInterval {
			lo, hi := view.Figure(q.Lo), view.Figure(q.Hi)
			x.Lo, x.Hi = &lo, &hi
		}
		out.Quality = append(out.Quality, x)
	}
	return out
}

func pipelineOf(r trimtab.PipelineRun) view.OverviewPipeline {
	p := view.OverviewPipeline{ID: r.ID, Pipeline: r.Pipeline, State: r.State, Reason: r.Reason, Cause: r.Cause, Created: r.Created, Ended: r.Ended, Steps: []view.OverviewStep{}}
	for _, s := range r.Steps {
		p.Steps = append(p.Steps, view.OverviewStep{Name: s.Name, State: s.State, Attempt: s.Attempt, Reason: s.Reason, Started: s.Started, Ended: s.Ended})
	}
	return p
}

func replayOf(r trimtab.Replay) view.OverviewReplay {
	return view.OverviewReplay{
		ID: r.ID, Endpoint: r.Endpoint, Source: r.Source, From: r.From, To: r.To, Position: r.Position, State: r.State, Reason: r.Reason,
		Rows: r.Rows, Labels: r.Labels, Failed: r.Failed, Created: r.Created, Ended: r.Ended,
	}
}

func runOf(r trimtab.Run) view.OverviewRun {
	out := view.OverviewRun{ID: r.ID, Name: r.Name, Experiment: r.Experiment, User: r.User, Status: r.Status, Start: r.Start, End: r.End}
	out.PipelineRun, out.Step = attemptOf(r.Attempt)
	out.Metrics, out.More = runMetrics(r.Metrics, 3)
	return out
}
