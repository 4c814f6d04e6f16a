package api

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// Plane is the data plane as pages see it: the endpoints that this process serves. An
// endpoint that it has not taken up yet is NotFound.
type Plane interface {
	// Routes fills in what is loaded for an endpoint and what a request looks like; open is its open rollout.
	Routes(ctx context.Context, p *view.EndpointPage, open *trimtab.Rollout)
	// Example is a request to try an endpoint with.
	Example(ctx context.Context, endpoint string) (view.EndpointExample, error)
	// Try scores a request without logging or counting it; version 0 is the one that answers.
	Try(ctx context.Context, endpoint string, body []byte, version trimtab.Version) (view.EndpointTrial, error)
	// Requests counts what a version was asked since the server started, and what it failed.
	Requests(ctx context.Context, endpoint string, version trimtab.Version) (requests, errors int64)
	// Recent is the traffic of the last steps that are over; of all endpoints without a name, then with all steps.
	Recent(ctx context.Context, endpoint string, steps int) view.RecentTraffic
}

// EndpointStates reads the states of all endpoints of a project at once, by name.
type EndpointStates interface {
	States(ctx context.Context) (map[string]trimtab.EndpointState, error)
	AllSettlements(ctx context.Context) (map[string][]trimtab.Settlement, error)
}

// EndpointPages is what the pages of endpoints and rollouts read beside the other
// parts. A Plane that is nil answers Unsupported.
type EndpointPages struct {
	Plane   Plane
	States  EndpointStates
	Windows interface {
		// Recent returns the newest windows of a monitor that start before a moment, in order of time.
		Recent(ctx context.Context, monitor string, before trimtab.Time, limit int) ([]trimtab.WindowResult, error)
	}
	Stop <-chan struct{} // closed when streams have to end
}

const (
	maxEndpoints = 500
	maxRollouts  = 50
)

// endpointPages are the pages of endpoints: all, one, and what can be tried on it.
func (t *table) endpointPages() {
	add(t, operation{id: "listEndpointLines", method: "GET", path: "/pages/endpoints", summary: "List endpoints with whether what is declared is live, and whether it works", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.EndpointList, error) { return t.endpointLines(ctx) })
	add(t, operation{id: "getEndpointPage", method: "GET", path: "/pages/endpoints/{name}", summary: "Show an endpoint with its routes, its rollouts and what answered when", auth: route.Reader},
		func(ctx context.Context, in *EndpointIn) (view.EndpointPage, error) {
			return t.endpointPage(ctx, in.Name)
		})
	add(t, operation{id: "getEndpointExample", method: "GET", path: "/endpoints/{name}/example", summary: "A request to try an endpoint with: the last logged row, or typed zero values", auth: route.Reader},
		func(ctx context.Context, in *EndpointIn) (view.EndpointExample, error) {
			if t.cfg.EndpointPages.Plane == nil {
				return view.EndpointExample{}, absent("data plane")
			}
			e, err := t.cfg.EndpointPages.Plane.Example(ctx, in.Name)
			return e, t.waiting(ctx, in.Name, err)
		})
	add(t, operation{id: "tryEndpoint", method: "POST", path: "/endpoints/{name}/try", summary: "Score a request of MLflow's protocol; it is neither logged nor counted", auth: route.Reader, maxBody: 1 << 20},
		func(ctx context.Context, in *struct {
			EndpointIn
			Version trimtab.Version `query:"version" minimum:"0" doc:"A version that is loaded for the endpoint; without it the one that answers."`
			Body    json.RawMessage
		}) (view.EndpointTrial, error) {
			if t.cfg.EndpointPages.Plane == nil {
				return view.EndpointTrial{}, absent("data plane")
			}
			r, err := t.cfg.EndpointPages.Plane.Try(ctx, in.Name, in.Body, in.Version)
			return r, t.waiting(ctx, in.Name, err)
		})
}

// waiting tells an endpoint that is declared and has not been taken up yet from one that does not exist.
func (t *table) waiting(ctx context.Context, name string, err error) error {
	if trimtab.IsKind(err, trimtab.NotFound) {
		if v := (view.Endpoint{Name: name}); t.cfg.Serving != nil && t.cfg.Serving.Serving(ctx, &v) == nil && v.URL != "" {
			return err // it is served: something else was not found
		}
		if _, declared := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, name); declared == nil {
			return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "endpoint " + name, Msg: "endpoint " + name + " is being taken up", RetryAfter: time.Second}
		}
	}
	return err
}

// targets are the versions that the aliases of endpoints name.
func (t *table) targets(ctx context.Context, specs map[string]trimtab.EndpointSpec) (map[string]trimtab.Version, error) {
	out := map[string]trimtab.Version{}
	if t.cfg.Registry == nil {
		return out, nil
	}
	models := map[trimtab.ModelName]trimtab.RegisteredModel{}
	for _, s := range specs {
		models[s.Model.Name] = trimtab.RegisteredModel{}
	}
	if len(models) > 20 {
		all, err := t.cfg.Registry.Models(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			models[m.Name] = m
		}
	} else {
		for name := range models {
			m, err := t.cfg.Registry.Model(ctx, name)
			if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
				return nil, err
			}
			models[name] = m
		}
	}
	for name, s := range specs {
		out[name] = models[s.Model.Name].Aliases[s.Model.Alias]
	}
	return out, nil
}

func (t *table) endpointLines(ctx context.Context) (view.EndpointList, error) {
	out := view.EndpointList{Items: []view.EndpointLine{}}
	all, err := t.cfg.Resources.List(ctx, trimtab.KindEndpoint)
	if err != nil {
		return out, err
	}
	slices.SortFunc(all, func(a, b trimtab.Resource) int { return cmp.Compare(a.Name, b.Name) })
	out.LeftOut = max(0, len(all)-maxEndpoints)
	specs := map[string]trimtab.EndpointSpec{}
	for _, r := range all[:len(all)-out.LeftOut] {
		if specs[r.Name], err = declaredSpec[trimtab.EndpointSpec](r); err != nil {
			return out, err
		}
	}
	var states map[string]trimtab.EndpointState
	var settled map[string][]trimtab.Settlement
	if s := t.cfg.EndpointPages.States; s != nil {
		if states, err = s.States(ctx); err != nil {
			return out, err
		}
		if settled, err = s.AllSettlements(ctx); err != nil {
			return out, err
		}
	}
	targets, err := t.targets(ctx, specs)
	if err != nil {
		return out, err
	}
	rollouts, err := t.openRollouts(ctx, "")
	if err != nil {
		return out, err
	}
	now := t.cfg.Clock()
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		s := specs[name]
		v := view.Endpoint{Name: name, Model: s.Model.Name, Alias: s.Model.Alias, State: states[name], Settled: settled[name]}
		v.Watermark = v.State.WatermarkAt(now, s.AllowedLateness)
		if t.cfg.Serving != nil {
			if err := t.cfg.Serving.Serving(ctx, &v); err != nil {
				return out, err
			}
		}
		out.Items = append(out.Items, view.OfEndpoint(view.EndpointFacts{Endpoint: v, Target: targets[name], Rollout: rollouts[name]}))
	}
	return out, nil
}

// openRollouts are the open rollouts, of one endpoint or of all, by endpoint.
func (t *table) openRollouts(ctx context.Context, endpoint string) (map[string]*trimtab.Rollout, error) {
	out := map[string]*trimtab.Rollout{}
	if t.cfg.Loop.Rollouts == nil {
		return out, nil
	}
	open, err := t.cfg.Loop.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: endpoint, Open: true, Limit: 1000})
	for i := range open {
		out[open[i].Endpoint] = &open[i]
	}
	return out, err
}

func (t *table) endpointPage(ctx context.Context, name string) (p view.EndpointPage, err error) {
	r, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, name)
	if err != nil {
		return p, err
	}
	s, err := declaredSpec[trimtab.EndpointSpec](r)
	if err != nil {
		return p, err
	}
	v, err := t.endpoint(ctx, r)
	if err != nil {
		return p, err
	}
	v.Alias = s.Model.Alias
	targets, err := t.targets(ctx, map[string]trimtab.EndpointSpec{name: s})
	if err != nil {
		return p, err
	}
	var rollouts []trimtab.Rollout
	if t.cfg.Loop.Rollouts != nil {
		if rollouts, err = t.cfg.Loop.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: name, Limit: farBack}); err != nil {
			return p, err
		}
	}
	p = view.EndpointPage{URL: v.URL, Conditions: []view.EndpointCondition{}, Listeners: []view.EndpointWait{}, Routes: []view.EndpointRoute{}, Columns: []view.EndpointColumn{},
		Outputs: []string{}, Rollouts: []view.RolloutLine{}, Services: view.ServicesOf(rollouts), Policies: []view.EndpointPolicy{}, Monitors: []string{}, Changes: []view.AuditEntry{}}
	var open *trimtab.Rollout
	for i := range rollouts {
		if !rollouts[i].State.Ended() {
			open = &rollouts[i]
			break
		}
	}
	p.Endpoint = view.OfEndpoint(view.EndpointFacts{Endpoint: v, Target: targets[name], Rollout: open})
	p.Declared = view.EndpointDeclared{Generation: r.Generation, Updated: r.Updated, Manager: r.Manager, Output: s.Model.Output, Durability: s.Logging.Durability, RequestID: s.Logging.RequestID,
		EventTime: s.Logging.EventTime, AllowedLateness: s.AllowedLateness.String(), MaxRows: s.Limits.MaxRows, MaxBodySize: s.Limits.MaxBodySize, Rollout: s.Rollout != nil}
	for _, c := range v.Conditions {
		p.Conditions = append(p.Conditions, view.EndpointCondition{Type: c.Type, Status: c.Status, Reason: c.Reason, Message: c.Message, Since: c.Since})
	}
	for _, x := range v.Settled {
		p.Listeners = append(p.Listeners, view.EndpointWait{Listener: x.Listener, Through: x.Through, Wait: x.Wait, Detail: x.Detail})
	}
	for _, x := range rollouts[:min(len(rollouts), maxRollouts)] {
		p.Rollouts = append(p.Rollouts, view.OfRollout(x))
	}
	if len(rollouts) > 0 {
		newest, err := t.rolloutPage(ctx, rollouts[0])
		if err != nil {
			return p, err
		}
		p.Rollout = &newest
	}
	if t.cfg.EndpointPages.Plane != nil {
		t.cfg.EndpointPages.Plane.Routes(ctx, &p, open)
	}
	if err := t.watchers(ctx, name, &p); err != nil {
		return p, err
	}
	changes, err := t.cfg.Journal.ByObject(ctx, r.Object().Kind, name, 10)
	for _, e := range changes {
		p.Changes = append(p.Changes, view.AuditEntryOf(e))
	}
	return p, err
}

// watchers are the monitors of an endpoint and the policies that decide on them.
func (t *table) watchers(ctx context.Context, endpoint string, p *view.EndpointPage) error {
	monitors, err := t.cfg.Resources.List(ctx, trimtab.KindMonitor)
	if err != nil {
		return err
	}
	for _, r := range monitors {
		s, err := declaredSpec[trimtab.MonitorSpec](r)
		if err != nil {
			return err
		}
		if s.Endpoint == endpoint {
			p.Monitors = append(p.Monitors, r.Name)
		}
	}
	policies, err := t.cfg.Resources.List(ctx, trimtab.KindRetrainPolicy)
	if err != nil || t.cfg.Loop.Pauses == nil {
		return err
	}
	for _, r := range policies {
		s, err := declaredSpec[trimtab.RetrainPolicySpec](r)
		if err != nil {
			return err
		}
		if !slices.Contains(p.Monitors, s.Monitor) {
			continue
		}
		pause, err := t.pause(ctx, r.Name)
		if err != nil {
			return err
		}
		p.Policies = append(p.Policies, view.EndpointPolicy{Name: r.Name, Mode: s.Mode, Paused: view.PausedBy(pause)})
	}
	pause, err := t.pause(ctx, trimtab.LoopPause)
	p.LoopPaused = view.PausedBy(pause)
	return err
}
