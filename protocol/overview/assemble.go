package overview

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/spec"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// Bounds of an answer.
const (
	maxOfEach  = 50   // models, endpoints, monitors, pipelines
	maxWindows = 2000 // of all monitors together, at most 200 of one
	maxRuns    = 12
	maxChanges = 12
)

// declared is what the resources of a project say.
type declared struct {
	models    map[trimtab.ModelName]trimtab.ModelSpec
	pipelines []string
	sources   map[string]string // by pipeline, the source of its first data step
	policies  []string
	endpoints map[string]trimtab.EndpointSpec
	monitors  map[string]trimtab.MonitorSpec
	count     view.OverviewDeclared
}

// Overview puts the answer together for the project of the context's call.
func (s *Service) Overview(ctx context.Context) (o view.Overview, err error) {
	defer trimtab.Wrap(&err, "Overview")
	c := &s.cfg
	// The head is read before everything else, so that the answer holds at least
	// what the journal says up to it.
	head, err := c.Journal.Head(ctx)
	if err != nil {
		return o, err
	}
	o.Server = view.Server{Version: c.Version, Project: trimtab.CallOf(ctx).Workspace, Now: c.Clock(), Journal: head}
	d, err := s.declared(ctx)
	if err != nil {
		return o, err
	}
	o.Declared = d.count
	if err := s.runs(ctx, &o); err != nil {
		return o, err
	}
	if err := s.models(ctx, &o, d); err != nil {
		return o, err
	}
	if err := s.learnt(ctx, &o, d); err != nil {
		return o, err
	}
	if err := s.endpoints(ctx, &o, d); err != nil {
		return o, err
	}
	if err := s.monitors(ctx, &o, d); err != nil {
		return o, err
	}
	if err := s.pipelines(ctx, &o, d); err != nil {
		return o, err
	}
	if err := s.loop(ctx, &o, d); err != nil {
		return o, err
	}
	if err := s.changes(ctx, &o); err != nil {
		return o, err
	}
	connect(&o)
	var parked []view.Parked
	if c.Parked != nil {
		if parked, err = c.Parked(ctx); err != nil {
			return o, err
		}
	}
	o.Attention = view.Attend(o, parked)
	return o, nil
}

func (s *Service) declared(ctx context.Context) (d declared, err error) {
	all, err := s.cfg.Resources.List(ctx, "")
	if err != nil {
		return d, err
	}
	d = declared{models: map[trimtab.ModelName]trimtab.ModelSpec{}, endpoints: map[string]trimtab.EndpointSpec{}, monitors: map[string]trimtab.MonitorSpec{}, sources: map[string]string{}, count: view.DeclaredOf(all)}
	for _, r := range all {
		var into any
		switch r.Kind {
		case trimtab.KindModel:
			into = new(trimtab.ModelSpec)
		case trimtab.KindEndpoint:
			into = new(trimtab.EndpointSpec)
		case trimtab.KindMonitor:
			into = new(trimtab.MonitorSpec)
		case trimtab.KindPipeline:
			d.pipelines = append(d.pipelines, r.Name)
			into = new(trimtab.PipelineSpec)
		case trimtab.KindRetrainPolicy:
			d.policies = append(d.policies, r.Name)
			continue
		default:
			continue
		}
		err := json.Unmarshal(r.Spec, into)
		if err == nil {
			into, err = spec.WithDefaults(r.Kind, r.Name, into)
		}
		if err != nil {
			return d, &trimtab.Error{Kind: trimtab.Internal, Subject: r.Ref(), Msg: "the stored spec does not decode", Err: err}
		}
		switch s := into.(type) {
		case *trimtab.ModelSpec:
			d.models[trimtab.ModelName(r.Name)] = *s
		case *trimtab.PipelineSpec:
			for _, step := range s.Steps {
				if step.Dataset != nil {
					d.sources[r.Name] = step.Dataset.Source
					break
				}
			}
		case *trimtab.EndpointSpec:
			d.endpoints[r.Name] = *s
		case *trimtab.MonitorSpec:
			d.monitors[r.Name] = *s
		}
	}
	slices.Sort(d.pipelines)
	slices.Sort(d.policies)
	return d, nil
}

func (s *Service) runs(ctx context.Context, o *view.Overview) error {
	o.Runs = []view.OverviewRun{}
	recent, err := s.cfg.Runs.Recent(ctx, maxRuns)
	if err != nil {
		return err
	}
	for _, r := range recent[:min(len(recent), maxRuns)] {
		o.Runs = append(o.Runs, runOf(r))
	}
	return nil
}

func (s *Service) models(ctx context.Context, o *view.Overview, d declared) error {
	o.Models = []view.OverviewModel{}
	registered, more, err := s.cfg.Models(ctx, maxOfEach)
	if err != nil {
		return err
	}
	seen := map[trimtab.ModelName]bool{}
	for _, m := range registered {
		seen[m.Name] = true
	}
	// A declared model that nobody has registered yet is shown as such. When not
	// all registered ones are known, it cannot be told apart from one further on.
	for name := range d.models {
		if !seen[name] && !more {
			registered = append(registered, trimtab.RegisteredModel{Name: name})
		}
	}
	served := map[trimtab.ModelName]bool{}
	for _, e := range d.endpoints {
		served[e.Model.Name] = true
	}
	slices.SortFunc(registered, func(a, b trimtab.RegisteredModel) int {
		if served[a.Name] != served[b.Name] {
			if served[a.Name] {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Updated, a.Updated), strings.Compare(string(a.Name), string(b.Name)))
	})
	shown := registered[:min(len(registered), maxOfEach)]
	o.LeftOut.Models, o.LeftOut.More = len(registered)-len(shown), more
	for _, m := range shown {
		spec := d.models[m.Name]
		out := view.OverviewModel{Name: m.Name, Description: cmp.Or(m.Description, spec.Description), Task: spec.Task, Aliases: []view.OverviewAlias{}, Endpoints: []string{}, Monitors: []string{}}
		for alias, version := range m.Aliases {
			out.Aliases = append(out.Aliases, view.OverviewAlias{Name: alias, Version: version})
		}
		slices.SortFunc(out.Aliases, func(a, b view.OverviewAlias) int { return strings.Compare(string(a.Name), string(b.Name)) })
		if m.LastVersion > 0 {
			if out.Latest, err = s.latest(ctx, m.Name, o.Runs); err != nil {
				return err
			}
		}
		o.Models = append(o.Models, out)
	}
	return nil
}

// latest is the newest version of a model; nil when all have been deleted.
func (s *Service) latest(ctx context.Context, name trimtab.ModelName, runs []view.OverviewRun) (*view.OverviewVersion, error) {
	all, err := s.cfg.Versions.Latest(ctx, name, nil)
	if trimtab.IsKind(err, trimtab.NotFound) || err == nil && len(all) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := slices.MaxFunc(all, func(a, b trimtab.ModelVersion) int { return cmp.Compare(a.Version, b.Version) })
	out := &view.OverviewVersion{Version: v.Version, Status: v.Status, Created: v.Created, User: v.User, Run: v.Run}
	out.PipelineRun, out.Step = attemptOf(v.Attempt)
	for _, r := range runs {
		if r.ID == v.Run {
			out.RunName = r.Name
		}
	}
	return out, nil
}

func (s *Service) monitors(ctx context.Context, o *view.Overview, d declared) error {
	o.Monitors = []view.OverviewMonitor{}
	names := sortedKeys(d.monitors)
	o.LeftOut.Monitors = max(0, len(names)-maxOfEach)
	names = names[:min(len(names), maxOfEach)]
	each := min(200, maxWindows/max(1, len(names)))
	recent := s.cfg.Windows.Recent
	if slim, ok := s.cfg.Windows.(SlimWindows); ok {
		recent = slim.Slim
	}
	for _, name := range names {
		spec := d.monitors[name]
		total, err := s.cfg.Windows.Count(ctx, name)
		if err != nil {
			return err
		}
		results, err := recent(ctx, name, 0, each)
		if err != nil {
			return err
		}
		m := view.OverviewMonitor{
			Name: name, Endpoint: spec.Endpoint, Model: d.endpoints[spec.Endpoint].Model.Name, Window: spec.Window,
			Task: spec.Performance.Task, Metrics: spec.Performance.Metrics, Confidence: spec.Performance.Confidence, Total: total, Windows: []view.OverviewWindow{},
		}
		for _, w := range results {
			m.Windows = append(m.Windows, windowOf(w, spec.Window))
		}
		o.Monitors = append(o.Monitors, m)
	}
	return s.events(ctx, o)
}

// pipelines takes the newest run of each pipeline. One list of the newest runs
// finds most of them; a declared pipeline that has not run lately is asked for.
func (s *Service) pipelines(ctx context.Context, o *view.Overview, d declared) error {
	o.Pipelines = []view.OverviewPipeline{}
	recent, _, err := s.cfg.Pipelines.ListRuns(ctx, "", maxOfEach, "")
	if err != nil {
		return err
	}
	full := len(recent) >= maxOfEach
	var newest []trimtab.PipelineRun
	seen := map[string]bool{}
	for _, r := range recent {
		// Of one pipeline, a second run is shown only while it still runs.
		if !seen[r.Pipeline] || !r.State.Ended() {
			newest = append(newest, r)
		}
		seen[r.Pipeline] = true
	}
	for _, name := range d.pipelines {
		if seen[name] {
			continue
		}
		if !full {
			o.NeverRun = append(o.NeverRun, name)
			continue
		}
		if len(newest) >= maxOfEach {
			o.LeftOut.Pipelines++
			continue
		}
		one, _, err := s.cfg.Pipelines.ListRuns(ctx, name, 1, "")
		if err != nil {
			return err
		}
		newest = append(newest, one...)
		if len(one) == 0 {
			o.NeverRun = append(o.NeverRun, name)
		}
	}
	for _, r := range newest {
		if len(r.Steps) == 0 {
			whole, err := s.cfg.Pipelines.GetRun(ctx, r.ID)
			if err != nil {
				return err
			}
			r = whole
		}
		p := pipelineOf(r)
		p.Deleted = !slices.Contains(d.pipelines, r.Pipeline)
		o.Pipelines = append(o.Pipelines, p)
	}
	slices.SortStableFunc(o.Pipelines, func(a, b view.OverviewPipeline) int {
		return cmp.Or(trueFirst(!a.State.Ended(), !b.State.Ended()), cmp.Compare(b.Created, a.Created))
	})
	return nil
}

func (s *Service) changes(ctx context.Context, o *view.Overview) error {
	o.Changes = []view.OverviewChange{}
	entries, err := s.cfg.Journal.Newest(ctx, 0, 20*maxChanges)
	if err != nil {
		return err
	}
	for _, e := range entries {
		c, ok := changeOf(e)
		if !ok {
			continue
		}
		if n := len(o.Changes); n > 0 && continues(o.Changes[n-1], c) {
			o.Changes[n-1].Count++
			continue
		}
		if len(o.Changes) == maxChanges {
			break
		}
		o.Changes = append(o.Changes, c)
	}
	return nil
}

// connect says at each model what serves and what watches it.
func connect(o *view.Overview) {
	for i := range o.Models {
		m := &o.Models[i]
		for _, e := range o.Endpoints {
			if e.Model == m.Name {
				m.Endpoints = append(m.Endpoints, e.Name)
			}
		}
		for _, mon := range o.Monitors {
			if mon.Model != m.Name || mon.Model == "" {
				continue
			}
			m.Monitors = append(m.Monitors, mon.Name)
			if h := headline(mon); h != nil && (m.Quality == nil || h.Computed > m.Quality.Computed) {
				m.Quality = h
			}
		}
	}
}

// headline is the first metric of a monitor in its newest window that has it; nil for none.
func headline(m view.OverviewMonitor) *view.Headline {
	for _, w := range slices.Backward(m.Windows) {
		for _, q := range w.Quality {
			if q.Metric == m.Metrics[0] {
				return &view.Headline{Monitor: m.Name, Window: w.Label, Metric: q, Computed: w.Computed}
			}
		}
	}
	return nil
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
