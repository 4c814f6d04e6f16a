package retrain

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/storage/traffic"
)

// pass is one look at one policy.
type pass struct {
	*Policies
	declared
	mark  trimtab.Time
	clock bool // the clock moves the watermark
	log   *traffic.Log
	// from the store, the newest first
	rollouts []trimtab.Rollout
	served   trimtab.Version
}

// soon is when a policy looks again at what it waits for and nobody announces.
const soon = 20 * time.Millisecond

func (p *Policies) reconcile(ctx context.Context, key string) (control.Result, error) {
	at := split(key)
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("policy"), Workspace: at.ws})
	r, err := p.cfg.Resources.Get(ctx, trimtab.KindRetrainPolicy, at.name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return control.Result{}, nil
	}
	if err != nil {
		return control.Result{}, err
	}
	d, err := p.resolve(ctx, r)
	if err != nil {
		return control.Result{}, err
	}
	if d.problem != "" {
		return control.Result{}, p.report(ctx, at.name, Status{Conditions: []trimtab.Condition{{Type: "Ready", Reason: "Incomplete", Message: d.problem}}})
	}
	s := &pass{Policies: p, declared: d}
	return s.run(ctx)
}

func (s *pass) run(ctx context.Context) (control.Result, error) {
	var err error
	if s.log, err = s.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: s.ws, Name: s.monitor.Endpoint}); err != nil {
		return control.Result{}, err
	}
	state, err := s.cfg.States.State(ctx, s.monitor.Endpoint)
	if err != nil {
		return control.Result{}, err
	}
	lateness := s.endpoint.AllowedLateness
	if lateness == 0 {
		lateness = trimtab.Duration(time.Hour)
	}
	s.clock = state.Mode != trimtab.DrivenMode
	s.mark = state.WatermarkAt(s.cfg.Clock(), lateness)
	if ok, err := s.preceded(ctx); err != nil || !ok {
		return control.Result{After: soon}, err
	}
	for {
		if err := s.refresh(ctx); err != nil {
			return control.Result{}, err
		}
		if err := s.repair(ctx); err != nil {
			return control.Result{}, err
		}
		wait, detail, moved, err := s.carryOn(ctx)
		if err != nil {
			return control.Result{}, err
		}
		if moved {
			continue
		}
		if wait == trimtab.WaitProcess || wait == trimtab.WaitHuman {
			return control.Result{After: time.Second}, s.settle(ctx, wait, detail)
		}
		decided, err := s.next(ctx)
		if err != nil {
			return control.Result{}, err
		}
		if !decided {
			break
		}
	}
	if err := s.settle(ctx, trimtab.WaitEventTime, ""); err != nil {
		return control.Result{}, err
	}
	if err := s.cfg.Crash("settled"); err != nil {
		return control.Result{}, err
	}
	status := Status{Through: s.mark, Served: s.served, Conditions: []trimtab.Condition{{Type: "Ready", Status: true}}}
	if newest, err := s.cfg.Decisions.List(ctx, trimtab.DocumentQuery{Scope: s.name, Limit: 1}); err != nil {
		return control.Result{}, err
	} else if len(newest) > 0 {
		status.Decision = newest[0].ID
	}
	if err := s.report(ctx, s.name, status); err != nil {
		return control.Result{}, err
	}
	if s.clock {
		return control.Result{After: time.Minute}, nil
	}
	return control.Result{}, nil
}

// preceded reports whether the monitors of the endpoint and its rollouts have come
// through the watermark: a policy decides on what they found.
func (s *pass) preceded(ctx context.Context) (bool, error) {
	if s.clock {
		return true, nil // monitors do not settle by the clock: windows are read as they are closed
	}
	all, err := s.cfg.States.Settlements(ctx, s.monitor.Endpoint)
	if err != nil {
		return false, err
	}
	seen := false
	for _, x := range all {
		kind, name, _ := strings.Cut(x.Listener, "/")
		switch {
		case kind == "monitor" && name == s.spec.Monitor:
			seen = true
		case kind != "rollout":
			continue
		}
		if x.Through < s.mark || x.Wait == trimtab.WaitProcess {
			return false, nil
		}
	}
	return seen, nil
}

// refresh reads what serves now.
func (s *pass) refresh(ctx context.Context) error {
	var err error
	if s.rollouts, err = s.cfg.History.List(ctx, trimtab.DocumentQuery{Scope: s.monitor.Endpoint}); err != nil {
		return err
	}
	alias := s.endpoint.Model.Alias
	if alias == "" {
		alias = "champion"
	}
	champion, err := s.cfg.Models.Champion(ctx, s.endpoint.Model.Name, alias)
	if err != nil {
		return err
	}
	s.served = trimtab.ServedVersion(s.rollouts, champion)
	return nil
}

// state is what the policy remembers.
func (s *pass) state(ctx context.Context) (trimtab.PolicyState, error) {
	st, err := s.cfg.Policies.Get(ctx, s.name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return trimtab.PolicyState{Policy: s.name}, nil
	}
	return st, err
}

// remember puts a new state. It is a function of the old one, and equal states write nothing.
func (s *pass) remember(ctx context.Context, action string, rule func(trimtab.PolicyState) trimtab.PolicyState) error {
	_, err := s.cfg.Policies.Move(ctx, s.name, func(old *trimtab.PolicyState) (trimtab.PolicyState, trimtab.Change, error) {
		st := trimtab.PolicyState{Policy: s.name}
		if old != nil {
			st = *old
		}
		next := rule(st)
		if old != nil && trimtab.StateDigest(next) == trimtab.StateDigest(*old) {
			return next, trimtab.Change{}, nil
		}
		return next, trimtab.Changed(action, old, next, ""), nil
	})
	return err
}

// due lists the closed windows that the policy has not decided on, oldest first.
func (s *pass) due(ctx context.Context, through trimtab.Time) ([]trimtab.WindowResult, error) {
	all, err := s.cfg.Windows.List(ctx, s.spec.Monitor)
	if err != nil {
		return nil, err
	}
	maturity := time.Duration(s.monitor.LabelMaturity)
	return slices.DeleteFunc(all, func(w trimtab.WindowResult) bool {
		return w.End <= through || !w.Closed() || w.End.Add(maturity) > s.mark
	}), nil
}

// repair finishes a border of which the decision was recorded and the state was not.
func (s *pass) repair(ctx context.Context) error {
	s.people.Lock()
	defer s.people.Unlock()
	st, err := s.state(ctx)
	if err != nil {
		return err
	}
	windows, err := s.due(ctx, st.Through)
	if err != nil || len(windows) == 0 {
		return err
	}
	id := trimtab.DecisionID(s.name, s.borderOf(windows[0]))
	if _, err := s.cfg.Decisions.Get(ctx, id); trimtab.IsKind(err, trimtab.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	return s.decide(ctx, st, windows[0])
}

func (s *pass) borderOf(w trimtab.WindowResult) trimtab.Time {
	return w.End.Add(time.Duration(s.monitor.LabelMaturity))
}

// next decides on the oldest window that is due; false when there is none.
func (s *pass) next(ctx context.Context) (bool, error) {
	s.people.Lock()
	defer s.people.Unlock()
	st, err := s.state(ctx)
	if err != nil {
		return false, err
	}
	windows, err := s.due(ctx, st.Through)
	if err != nil || len(windows) == 0 {
		return false, err
	}
	return true, s.decide(ctx, st, windows[0])
}

// decide records the decision on one window, and then what the policy remembers of it.
func (s *pass) decide(ctx context.Context, st trimtab.PolicyState, w trimtab.WindowResult) error {
	facts, err := s.facts(ctx, w)
	if err != nil {
		return err
	}
	evidence, err := s.evidence(ctx, st, w)
	if err != nil {
		return err
	}
	result, err := Decide(s.spec, st, evidence, facts)
	if err != nil {
		return control.Terminal(err)
	}
	d := result.Decision
	if d.Action == trimtab.DoRecalibrate {
		for _, m := range evidence.Measured {
			if m.Action == trimtab.DoRecalibrate {
				d.Facts = append(d.Facts, trimtab.Fact{Name: factSlope, Value: m.Calibrator.Slope}, trimtab.Fact{Name: factIntercept, Value: m.Calibrator.Intercept})
			}
		}
	}
	if _, err := s.cfg.Decisions.Move(ctx, d.ID, func(old *trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
		if old != nil {
			return *old, trimtab.Change{}, nil
		}
		return d, trimtab.Changed("decision."+string(d.State), nil, d, d.Reason), nil
	}); err != nil {
		return err
	}
	if err := s.cfg.Crash("decided"); err != nil {
		return err
	}
	if err := s.verdict(ctx, result.Verdict, facts.At); err != nil {
		return err
	}
	if err := s.remember(ctx, "policyState.decide", func(trimtab.PolicyState) trimtab.PolicyState { return result.State }); err != nil {
		return err
	}
	s.cfg.Log.InfoContext(ctx, "decided", "project", s.ws, "policy", s.name, "window", s.monitor.Window.Label(w.Start), "action", d.Action, "reason", d.Reason)
	return s.cfg.Crash("remembered")
}

// Names of facts in which a decision carries the recalibration that it is about.
const (
	factSlope     = "slope"
	factIntercept = "intercept"
)

// facts is what the border knows besides the evidence.
func (s *pass) facts(ctx context.Context, w trimtab.WindowResult) (Facts, error) {
	f := Facts{Workspace: s.ws, Policy: s.name, Endpoint: s.monitor.Endpoint, At: s.borderOf(w), Digest: s.digest, Window: s.window,
		Command: "trimtab decisions approve " + trimtab.DecisionID(s.name, s.borderOf(w))}
	open, err := s.cfg.Decisions.List(ctx, trimtab.DocumentQuery{Scope: s.name, Open: true, To: f.At})
	if err != nil {
		return f, err
	}
	if len(open) > 0 {
		f.InFlight = open[0].ID
	}
	for _, r := range s.rollouts {
		if f.InFlight == "" && !r.State.Ended() {
			f.InFlight = "rollout " + r.ID
		}
	}
	if f.Paused, err = s.paused(ctx); err != nil {
		return f, err
	}
	incidents, err := s.cfg.Incidents.List(ctx, trimtab.DocumentQuery{Open: true})
	if err != nil {
		return f, err
	}
	for _, i := range incidents {
		if i.Endpoint != s.monitor.Endpoint && !slices.Contains(i.Also, s.monitor.Endpoint) || i.Found > f.At {
			continue
		}
		switch {
		case i.Kind == trimtab.DataFault && i.Hold && !i.Released:
			f.Faults = append(f.Faults, i.ID)
		case i.Kind == trimtab.LabelsStopped:
			f.Immature = i.Cause
		}
	}
	slices.Sort(f.Faults)
	if t := s.spec.Threshold; t != nil {
		all, err := s.cfg.Windows.List(ctx, s.spec.Monitor)
		if err != nil {
			return f, err
		}
		for _, x := range all {
			if x.End > w.End {
				break
			}
			for _, q := range append(slices.Clip(x.Quality), x.Calibration...) {
				if q.Metric == t.Metric {
					f.Quality = append(f.Quality, q.Value)
				}
			}
		}
	}
	return f, nil
}

// paused says who has paused the loop or this policy, "" when nobody has.
func (s *pass) paused(ctx context.Context) (string, error) {
	for _, name := range []string{"loop", s.name} {
		x, err := s.cfg.Pauses.Get(ctx, name)
		if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return "", err
		}
		if x.Paused {
			why := "by " + x.By
			if x.Reason != "" {
				why += ": " + x.Reason
			}
			return why, nil
		}
	}
	return "", nil
}

// settle records how far the policy has come. By the clock no border is settled.
func (s *pass) settle(ctx context.Context, wait trimtab.Wait, detail string) error {
	x := trimtab.Settlement{Workspace: s.ws, Endpoint: s.monitor.Endpoint, Listener: Listener(s.name), Through: s.mark, Wait: wait, Detail: detail}
	if s.clock {
		x.Through = 0
	}
	return s.cfg.States.Settle(ctx, x)
}

func (p *Policies) report(ctx context.Context, policy string, st Status) error {
	body, err := json.Marshal(st)
	if err != nil {
		return err
	}
	err = p.cfg.Resources.SetStatus(ctx, trimtab.KindRetrainPolicy, policy, body)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil
	}
	return err
}

// verdict records what became of an earlier promise.
func (s *pass) verdict(ctx context.Context, v *Verdict, at trimtab.Time) error {
	if v == nil {
		return nil
	}
	d, err := s.cfg.Decisions.Move(ctx, v.Decision, func(old *trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
		if old == nil || old.Realised != nil {
			return trimtab.Decision{}, trimtab.Change{}, nil
		}
		next := *old
		next.Realised = &v.Realised
		return next, trimtab.Changed("decision.realised", old, next, v.Sentence), nil
	})
	if err != nil || v.Helped || d.ID == "" {
		return err
	}
	id := trimtab.IncidentID(s.monitor.Endpoint, trimtab.DidNotHelp, string(d.Action), d.At)
	_, err = s.cfg.Incidents.Move(ctx, id, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old != nil {
			return *old, trimtab.Change{}, nil
		}
		i := trimtab.Incident{ID: id, Kind: trimtab.DidNotHelp, Endpoint: s.monitor.Endpoint, Monitor: s.spec.Monitor, Severity: trimtab.Info,
			Begin: d.At, Found: at, End: at, Closed: at, Cause: fmt.Sprintf("decision %s: %s", d.ID, v.Sentence), Remedy: "nothing: the next promise of a retrain is believed less"}
		return i, trimtab.Changed("incident.open", nil, i, i.Cause), nil
	})
	return err
}
