package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Status is what the server writes as the status of an Endpoint.
type Status struct {
	Model    trimtab.ModelName `json:"model,omitempty"`
	Alias    trimtab.Alias     `json:"alias,omitempty"`
	Version  trimtab.Version   `json:"version,omitempty"` // that answers now
	Manifest trimtab.Digest    `json:"manifest,omitempty"`
	Flavor   string            `json:"flavor,omitempty"`
	Library  string            `json:"library,omitempty"`
	Since    trimtab.Time      `json:"since,omitempty"` // when it began to answer

	// Of a rollout: the newest one that has been taken into account, and what it has led to.
	Rollout   string               `json:"rollout,omitempty"`
	Stage     trimtab.RolloutState `json:"stage,omitempty"`
	Candidate trimtab.Version      `json:"candidate,omitempty"` // loaded beside the version that answers
	Share     float64              `json:"share,omitempty"`     // of requests that the candidate answers

	Conditions []trimtab.Condition `json:"conditions,omitempty"`
}

// Conditions of an endpoint.
const (
	Ready     = "Ready"     // it answers
	NoVersion = "NoVersion" // the alias points to nothing
	Loaded    = "Loaded"    // the version that should answer is the one that answers

	RolloutLoad = "RolloutLoad" // the version that the open rollout brings is loaded
	Aborted     = "Aborted"     // the open rollout was stopped in this process
)

// Status returns what was last found, and nil before that.
func (e *Endpoint) Status() *Status { return e.status.Load() }

// Run loads what is declared and follows it until ctx ends. It is called once.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var shadow sync.WaitGroup
	shadow.Go(func() { s.shadow.run(ctx) })
	defer shadow.Wait()
	defer cancel()
	return s.controller.Follow(ctx, 30*time.Second, s.Resync)
}

// Resync looks at every declared endpoint again, and at every one that is served.
func (s *Server) Resync(ctx context.Context) error {
	declared, err := s.cfg.Resources.Everywhere(ctx, trimtab.KindEndpoint)
	if err != nil {
		return err
	}
	for _, r := range declared {
		s.controller.Add(place{r.Workspace, r.Name}.key())
	}
	for _, e := range s.all() {
		s.controller.Add(place{e.Workspace, e.Name}.key())
	}
	return nil
}

// Consumer follows the journal: what is declared, where aliases point, the states
// of endpoints and their rollouts. All but declarations are in effect before the
// entry counts as read, so that a settled border means that they are.
func (s *Server) Consumer() control.Consumer {
	return control.Consumer{Name: "serve", Handle: func(ctx context.Context, entries []trimtab.Entry) error {
		var states, routes, aliases []place
		for _, entry := range entries {
			switch entry.Object.Kind {
			case "endpoint":
				s.controller.Add(place{entry.Workspace, entry.Object.Name}.key())
			case "registeredModel", "modelVersion":
				for _, e := range s.all() {
					if model, _ := e.Model(); e.Workspace == entry.Workspace && string(model) == entry.Object.Name {
						aliases = appendNew(aliases, place{e.Workspace, e.Name})
					}
				}
			case "endpointState":
				states = appendNew(states, place{entry.Workspace, entry.Object.Name})
			case "rollout":
				if i := strings.LastIndexByte(entry.Object.Name, '.'); i > 0 {
					routes = appendNew(routes, place{entry.Workspace, entry.Object.Name[:i]})
				}
			}
		}
		for _, p := range states {
			if e, err := s.Endpoint(p.ws, p.name); err == nil {
				if _, err := e.loadState(ctx); err != nil {
					return err
				}
			}
		}
		for _, p := range aliases {
			if result, err := s.reconcile(ctx, p.key()); err != nil || result.After > 0 {
				s.controller.Add(p.key()) // a version that cannot be loaded yet holds nobody up
			}
		}
		for _, p := range routes {
			result, err := s.reconcile(ctx, p.key())
			if err != nil {
				return err
			}
			if result.After > 0 {
				s.controller.Add(p.key())
			}
		}
		return nil
	}}
}

func appendNew(all []place, p place) []place {
	if slices.Contains(all, p) {
		return all
	}
	return append(all, p)
}

// Refresh takes the state of an endpoint over at once: for one who has just moved it in this process.
func (s *Server) Refresh(state trimtab.EndpointState) {
	if e, err := s.Endpoint(state.Workspace, state.Endpoint); err == nil {
		e.keepState(state)
	}
}

// Reconcile brings one endpoint to what is declared and returns when it is done: for tests and commands.
func (s *Server) Reconcile(ctx context.Context, ws trimtab.Workspace, name string) error {
	_, err := s.reconcile(ctx, place{ws, name}.key())
	return err
}

func (s *Server) reconcile(ctx context.Context, key string) (control.Result, error) {
	ws, name, _ := strings.Cut(key, "/")
	p := place{trimtab.Workspace(ws), name}
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("serve"), Workspace: p.ws})
	r, err := s.cfg.Resources.Get(ctx, trimtab.KindEndpoint, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		s.drop(p)
		return control.Result{}, nil
	}
	if err != nil {
		return control.Result{}, err
	}
	var spec trimtab.EndpointSpec
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return control.Result{}, control.Terminal(fmt.Errorf("endpoint %s: %w", name, err))
	}
	e := (*s.table.Load())[p]
	if e == nil {
		log, err := s.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: p.ws, Name: name})
		if err != nil {
			return control.Result{}, err
		}
		e = &Endpoint{Workspace: p.ws, Name: name, server: s, log: log}
		e.config.Store(newConfig(r.Generation, spec))
		e.last.Store(before(r.Status))
		if _, err := e.loadState(ctx); err != nil {
			return control.Result{}, err
		}
		e = s.put(p, e)
	} else {
		e.config.Store(newConfig(r.Generation, spec))
		if _, err := e.loadState(ctx); err != nil {
			return control.Result{}, err
		}
	}
	return e.follow(ctx)
}

// before reads from a stored status what was served before this process began.
func before(status json.RawMessage) *lastServed {
	var st Status
	if len(status) == 0 || json.Unmarshal(status, &st) != nil {
		return &lastServed{} // a status that cannot be read is as none: it is written anew
	}
	return &lastServed{model: st.Model, version: st.Version, rollout: st.Rollout, ended: st.Stage.Ended()}
}

func condition(typ string, status bool, reason, message string) trimtab.Condition {
	return trimtab.Condition{Type: typ, Status: status, Reason: reason, Message: message}
}

// report keeps the status and stores it when it has changed.
func (e *Endpoint) report(ctx context.Context, conditions ...trimtab.Condition) error {
	model, alias := e.Model()
	st := &Status{Model: model, Alias: alias}
	if s := e.served.Load(); s != nil {
		st.Version, st.Manifest, st.Flavor, st.Library, st.Since = s.model.Version, s.model.Manifest, s.model.Flavor, s.model.Library, s.since
		st.Rollout, st.Stage = s.rollout, s.stage
		if s.candidate != nil {
			st.Candidate, st.Share = s.candidate.Version, s.share
		}
	}
	old := e.status.Load()
	for i := range conditions {
		conditions[i].Since = e.server.cfg.Clock()
		if old == nil {
			continue
		}
		for _, o := range old.Conditions {
			if o.Type == conditions[i].Type && o.Status == conditions[i].Status {
				conditions[i].Since = o.Since
			}
		}
	}
	st.Conditions = conditions
	body, err := json.Marshal(st)
	if err != nil {
		return err
	}
	if old != nil {
		if before, err := json.Marshal(old); err == nil && string(before) == string(body) {
			return nil
		}
	}
	e.status.Store(st)
	err = e.server.cfg.Resources.SetStatus(ctx, trimtab.KindEndpoint, e.Name, body)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil
	}
	return err
}
