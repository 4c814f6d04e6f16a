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
	p.passing.Lock()
	defer p.passing.Unlock()
	at := split(key)
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("policy"), Workspace: at.ws})
	r, err := p.cfg.Resources.Get(ctx, trimtab.KindRetrainPolicy, at.name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return control.Result{}, p.abandon(ctx, at.name)
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
	wait, detail := trimtab.WaitEventTime, ""
	for {
		if err := s.catchUp(ctx); err != nil {
			return control.Result{}, err
		}
		var moved bool
		if wait, detail, moved, err = s.carryOn(ctx); err != nil {
			return control.Result{}, err
		}
		if moved {
			continue
		}
		if err := s.breaker(ctx); err != nil {
			return control.Result{}, err
		}
		if s.mustWait(wait) && !s.clock {
			break // no later window comes before it is through
		}
		// By the clock time goes on meanwhile: what windows say is noted, and nothing else is begun.
		decided, err := s.next(ctx)
		if err != nil {
			return control.Result{}, err
		}
		if !decided {
			break
		}
	}
	if err := s.settle(ctx, wait, detail); err != nil {
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
	switch {
	case s.mustWait(wait):
		return control.Result{After: time.Second}, nil
	case s.clock:
		return control.Result{After: time.Minute}, nil
	}
	return control.Result{}, nil
}

func (s *pass) mustWait(w trimtab.Wait) bool {
	return w == trimtab.WaitProcess || w == trimtab.WaitHuman
}

// catchUp brings what the pass knows and what the policy remembers up to what is recorded.
func (s *pass) catchUp(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.refresh, s.follow, s.repair, s.undone} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// preceded reports whether all whose findings count have come through the watermark:
// the monitors of the endpoint, its rollouts, and, so that two policies of one endpoint
// always decide in the same order, the policies with lesser names.
func (s *pass) preceded(ctx context.Context) (bool, error) {
	if s.clock {
		return true, nil // nobody settles by the clock: windows are read as they are closed
	}
	monitors, err := s.cfg.Resources.Everywhere(ctx, trimtab.KindMonitor)
	if err != nil {
		return false, err
	}
	policies, err := s.read(ctx)
	if err != nil {
		return false, err
	}
	var before []string
	for _, r := range monitors {
		var spec trimtab.MonitorSpec
		if r.Workspace == s.ws && json.Unmarshal(r.Spec, &spec) == nil && spec.Endpoint == s.monitor.Endpoint && spec.Window.Validate() == nil {
			before = append(before, "monitor/"+r.Name)
		}
	}
	if s.endpoint.Rollout != nil {
		before = append(before, "rollout/"+s.monitor.Endpoint)
	}
	for at, d := range policies {
		if at.ws == s.ws && d.problem == "" && d.monitor.Endpoint == s.monitor.Endpoint && at.name < s.name {
			before = append(before, Listener(at.name))
		}
	}
	all, err := s.cfg.States.Settlements(ctx, s.monitor.Endpoint)
	if err != nil {
		return false, err
	}
	come := map[string]bool{}
	for _, x := range all {
		through := x.Through >= s.mark && x.Wait != trimtab.WaitProcess
		if strings.HasPrefix(x.Listener, "rollout/") && !through {
			return false, nil // one that is under way although none is declared any more
		}
		come[x.Listener] = through
	}
	return !slices.ContainsFunc(before, func(name string) bool { return !come[name] }), nil
}

// refresh reads what serves now.
func (s *pass) refresh(ctx context.Context) error {
	var err error
	alias := s.endpoint.Model.Alias
	if alias == "" {
		alias = "champion"
	}
	if s.rollouts, err = s.cfg.History.List(ctx, trimtab.DocumentQuery{Scope: s.monitor.Endpoint}); err != nil {
		return err
	}
	s.rollouts = slices.DeleteFunc(s.rollouts, func(r trimtab.Rollout) bool { // of what the endpoint served before
		return r.Model != s.endpoint.Model.Name || r.Alias != alias
	})
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
	var out []trimtab.WindowResult
	err := s.recent(ctx, 0, func(w trimtab.WindowResult) (bool, error) {
		if w.End > through && w.Closed() && s.borderOf(w) <= s.mark {
			out = append(out, w)
		}
		return w.End > through, nil
	})
	slices.Reverse(out)
	return out, err
}

// windowPage is how many windows are read at once: a year of hours is not read for the newest.
const windowPage = 32

// recent visits the windows that start before a moment, 0 for all, the newest first, for
// as long as visit wants more.
func (s *pass) recent(ctx context.Context, before trimtab.Time, visit func(trimtab.WindowResult) (more bool, err error)) error {
	for {
		page, err := s.cfg.Windows.Recent(ctx, s.spec.Monitor, before, windowPage)
		if err != nil {
			return err
		}
		for _, w := range slices.Backward(page) {
			if more, err := visit(w); err != nil || !more {
				return err
			}
		}
		if len(page) < windowPage || page[0].Start == 0 { // 0 would ask for all again
			return nil
		}
		before = page[0].Start
	}
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
	return s.decide(ctx, st, windows)
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
	return true, s.decide(ctx, st, windows)
}

// decide records the decision on the oldest of the windows that are due, and then what
// the policy remembers of it. With newer ones behind it, as of a policy that is declared
// late or has waited, the window witnesses and the newest decides: nobody trains a model
// as of last month while this month is known.
func (s *pass) decide(ctx context.Context, st trimtab.PolicyState, due []trimtab.WindowResult) error {
	w := due[0]
	facts, err := s.facts(ctx, w)
	if err != nil {
		return err
	}
	if len(due) > 1 && facts.Immature == "" {
		facts.Immature = fmt.Sprintf("labels of newer windows are there too, up to %s: the newest decides", s.monitor.Window.Label(due[len(due)-1].Start))
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
	kept, err := s.cfg.Decisions.Move(ctx, d.ID, func(old *trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
		if old != nil {
			return *old, trimtab.Change{}, nil
		}
		return d, trimtab.Changed("decision."+string(d.State), nil, d, d.Reason), nil
	})
	if err != nil {
		return err
	}
	if kept.Window != d.Window || kept.Endpoint != d.Endpoint {
		// The label maturity was shortened: an earlier window was decided on at this moment.
		s.cfg.Log.WarnContext(ctx, "two windows mature at one moment: the second is only remembered", "project", s.ws, "policy", s.name, "decision", d.ID)
	}
	if err := s.cfg.Crash("decided"); err != nil {
		return err
	}
	if err := s.verdict(ctx, result.Verdict, facts.At); err != nil {
		return err
	}
	if err := s.remember(ctx, "policyState.decide", func(now trimtab.PolicyState) trimtab.PolicyState {
		next := result.State
		if now.Broken != st.Broken { // a person closed the breaker meanwhile, in another process
			next.Broken, next.Failures = now.Broken, now.Failures
		}
		return next
	}); err != nil {
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
	open, err := s.cfg.Decisions.List(ctx, trimtab.DocumentQuery{Open: true})
	if err != nil {
		return f, err
	}
	for _, d := range open { // of other policies those of this border too: they come first
		if d.Endpoint == s.monitor.Endpoint && f.InFlight == "" && (d.At < f.At || d.At == f.At && d.Policy < s.name) {
			f.InFlight = d.ID
		}
	}
	for _, r := range s.rollouts {
		if f.InFlight == "" && !r.State.Ended() {
			f.InFlight = "rollout " + r.ID
		}
	}
	if f.Gate, err = s.demand(ctx); err != nil {
		return f, err
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
		if err := s.recent(ctx, w.End, func(x trimtab.WindowResult) (bool, error) {
			for _, q := range append(slices.Clip(x.Quality), x.Calibration...) {
				if q.Metric == t.Metric {
					f.Quality = append(f.Quality, q.Value)
				}
			}
			return len(f.Quality) < max(t.Windows, 2), nil
		}); err != nil {
			return f, err
		}
		slices.Reverse(f.Quality)
	}
	return f, nil
}

// paused says who has paused the loop or this policy, "" when nobody has.
func (s *pass) paused(ctx context.Context) (string, error) {
	for _, name := range []string{trimtab.LoopPause, s.name} {
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

// follow begins anew when the policy watches another endpoint than it decided for last.
// Limits hold on, and event time does: what ended before the last window is not decided on.
func (s *pass) follow(ctx context.Context) error {
	newest, err := s.cfg.Decisions.List(ctx, trimtab.DocumentQuery{Scope: s.name, Limit: 1})
	if err != nil || len(newest) == 0 || newest[0].Endpoint == s.monitor.Endpoint {
		return err
	}
	if err := s.remember(ctx, "policyState.moved", func(st trimtab.PolicyState) trimtab.PolicyState {
		return trimtab.PolicyState{Workspace: st.Workspace, Policy: s.name, Through: st.Through, CooldownUntil: st.CooldownUntil,
			Failures: st.Failures, Broken: st.Broken, Retrains: st.Retrains, Applied: st.Applied}
	}); err != nil {
		return err
	}
	return s.cfg.Crash("moved")
}

// undone learns that a cure was taken back after its promotion: it lost after all, and
// more evidence is asked next time, and later.
func (s *pass) undone(ctx context.Context) error {
	st, err := s.state(ctx)
	if err != nil || st.Watch == nil {
		return err
	}
	at := slices.IndexFunc(s.rollouts, func(r trimtab.Rollout) bool {
		return r.Origin == origin && r.Cause == st.Watch.Decision && r.State == trimtab.RolloutRolledBack
	})
	if at < 0 {
		return nil
	}
	d, err := s.cfg.Decisions.Get(ctx, st.Watch.Decision)
	if err != nil {
		return err
	}
	d.Action = trimtab.DoNothing // what it cost and what its gate found were noted at the promotion
	if err := s.remember(ctx, "policyState.rolledBack", func(st trimtab.PolicyState) trimtab.PolicyState {
		if st.Watch == nil || st.Watch.Decision != d.ID {
			return st
		}
		next := Rejected(s.spec, st, d, s.rollouts[at].Ended, s.window)
		next.Watch = nil
		return next
	}); err != nil {
		return err
	}
	return s.cfg.Crash("roll back remembered")
}

// breaker tells people that the circuit breaker is open, until one of them has closed it.
func (s *pass) breaker(ctx context.Context) error {
	st, err := s.state(ctx)
	if err != nil {
		return err
	}
	incidents, err := s.cfg.Incidents.List(ctx, trimtab.DocumentQuery{Scope: s.monitor.Endpoint, Open: true})
	if err != nil {
		return err
	}
	prefix := strings.TrimSuffix(trimtab.IncidentID(s.monitor.Endpoint, trimtab.LoopBroken, s.name, 0), trimtab.Time(0).Go().Format("20060102T150405"))
	told := false
	for _, i := range incidents {
		switch {
		case i.Kind != trimtab.LoopBroken || !strings.HasPrefix(i.ID, prefix):
		case st.Broken:
			told = true
		default:
			if _, err := s.cfg.Incidents.Move(ctx, i.ID, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
				return old.Close(max(s.mark, old.Begin), max(s.mark, old.Begin), "a person closed the circuit breaker")
			}); err != nil {
				return err
			}
		}
	}
	if !st.Broken || told {
		return nil
	}
	all, err := s.cfg.Decisions.List(ctx, trimtab.DocumentQuery{Scope: s.name})
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(d trimtab.Decision) bool { return d.ID == st.Applied })
	if at < 0 {
		return nil // it broke for another endpoint
	}
	d := all[at]
	id := trimtab.IncidentID(s.monitor.Endpoint, trimtab.LoopBroken, s.name, d.At)
	_, err = s.cfg.Incidents.Move(ctx, id, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old != nil {
			return *old, trimtab.Change{}, nil
		}
		i := trimtab.Incident{ID: id, Kind: trimtab.LoopBroken, Endpoint: s.monitor.Endpoint, Monitor: s.spec.Monitor, Severity: trimtab.Critical, Begin: d.At, Found: d.At,
			Cause:  fmt.Sprintf("%d cures of policy %s in a row could not be made, the last of decision %s", st.Failures, s.name, d.ID),
			Remedy: "find out why trainings fail, then close the circuit breaker of policy " + s.name}
		return i, trimtab.Changed("incident.open", nil, i, i.Cause), nil
	})
	if err != nil {
		return err
	}
	return s.cfg.Crash("breaker told")
}

// abandon ends what a policy has left open that is not declared any more. A rollout that
// it has begun goes on by itself.
func (p *Policies) abandon(ctx context.Context, policy string) error {
	open, err := p.cfg.Decisions.List(ctx, trimtab.DocumentQuery{Scope: policy, Open: true})
	if err != nil {
		return err
	}
	for _, d := range open {
		why := "the policy is not declared any more"
		if d.Rollout != "" {
			why += ": rollout " + d.Rollout + " goes on by itself"
		}
		if _, err := p.cfg.Decisions.Move(ctx, d.ID, func(old *trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
			return old.To(trimtab.DecisionCancelled, why)
		}); err != nil {
			return err
		}
		if err := p.cfg.Crash("decision cancelled"); err != nil {
			return err
		}
	}
	return nil
}
