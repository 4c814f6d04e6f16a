package serve

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// manyRollouts is how many of the newest rollouts of an endpoint are looked at: the newest one decides.
const manyRollouts = 20

// know gathers what decides which versions answer. champion is the version that the alias points to.
func (e *Endpoint) know(ctx context.Context, cfg *config) (k known, champion trimtab.ModelVersion, err error) {
	model := cfg.spec.Model.Name
	k.declared = cfg.spec.Rollout != nil
	champion, err = e.server.cfg.Versions.ByAlias(ctx, model, cfg.alias)
	if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return k, champion, err
	}
	if err == nil {
		k.alias = champion.Version
	}
	if e.server.cfg.Rollouts != nil {
		all, err := e.server.cfg.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: e.Name, Limit: manyRollouts})
		if err != nil {
			return k, champion, err
		}
		for _, r := range all {
			if r.Model == model {
				k.rollouts = append(k.rollouts, r)
			}
		}
	}
	last := e.last.Load()
	k.rollout, k.ended = last.rollout, last.ended
	if last.model == model {
		k.serving = last.version
	}
	e.swap.Lock()
	k.aborted = e.aborted
	e.swap.Unlock()
	return k, champion, nil
}

// follow makes the versions answer that the alias and the rollouts of the endpoint name.
func (e *Endpoint) follow(ctx context.Context) (control.Result, error) {
	e.moving.Lock()
	defer e.moving.Unlock()
	cfg := e.config.Load()
	model := cfg.spec.Model.Name
	k, champion, err := e.know(ctx, cfg)
	if err != nil {
		return control.Result{}, err
	}
	s := k.stand()
	if s.stable == 0 {
		e.put(nil)
		e.failures.Store(nil)
		return control.Result{}, e.report(ctx, condition(NoVersion, true, "NoVersion", ""),
			condition(Ready, false, "NoVersion", fmt.Sprintf("alias %s of model %s points to no version: register one and move the alias", cfg.alias, model)))
	}
	now := e.served.Load()
	l := loading{endpoint: e, cfg: cfg, champion: champion, now: now, failures: map[trimtab.Version]error{}}
	stable, err := l.model(ctx, s.stable)
	if err != nil {
		e.failures.Store(&l.failures)
		return e.unserved(ctx, s.stable, now, err)
	}
	t := &served{standing: s, model: stable, since: e.server.cfg.Clock(), meters: e.metersOf(s.stable)}
	if now != nil && now.model == stable {
		t.since = now.since
	}
	result := control.Result{}
	conditions := []trimtab.Condition{condition(Ready, true, "", ""), condition(Loaded, true, "", "")}
	if s.next != 0 {
		next, failed := l.model(ctx, s.next)
		if failed == nil && s.share > 0 {
			if failed = sameAnswer(stable, next); failed != nil {
				l.failures[s.next] = failed
			}
		}
		if failed == nil {
			t.candidate, t.candidateMeters, t.parts, t.alike = next, e.metersOf(s.next), parts(s.share), sameInputs(stable, next)
			conditions = append(conditions, condition(RolloutLoad, true, "", ""))
		} else {
			reason, retry := whyNot(failed)
			conditions = append(conditions, condition(RolloutLoad, false, reason,
				fmt.Sprintf("version %d of model %s, which rollout %s brings, cannot be served: %s", s.next, model, s.rollout, trimtab.Message(failed))))
			result.After = retry.After
			err = retry.err
			e.server.cfg.Log.WarnContext(ctx, "the version of a rollout cannot be served", "project", e.Workspace, "endpoint", e.Name, "model", model, "version", s.next, "rollout", s.rollout, "error", failed)
		}
	}
	if s.spare != 0 {
		if spare, failed := l.model(ctx, s.spare); failed == nil {
			t.fallback, t.fallbackMeters = spare, e.metersOf(s.spare)
		} else {
			e.server.cfg.Log.WarnContext(ctx, "the version to fall back on cannot be loaded", "project", e.Workspace, "endpoint", e.Name, "model", model, "version", s.spare, "rollout", s.rollout, "error", failed)
		}
	}
	e.failures.Store(&l.failures)
	aborted := e.put(t.headed())
	if aborted {
		conditions = append(conditions, condition(Aborted, true, "Aborted", fmt.Sprintf("rollout %s was stopped: version %d answers", s.rollout, e.served.Load().model.Version)))
	}
	e.last.Store(&lastServed{model: model, version: e.served.Load().model.Version, rollout: s.rollout, ended: s.stage.Ended()})
	if now == nil || now.model != stable {
		e.server.cfg.Log.InfoContext(ctx, "version serves", "project", e.Workspace, "endpoint", e.Name, "model", model, "version", s.stable, "flavor", stable.Flavor)
	}
	if e := e.report(ctx, conditions...); e != nil {
		return control.Result{}, e
	}
	return result, err
}

// put swaps the table of what answers, nil for nothing. A rollout that was stopped
// meanwhile stays stopped, which is reported.
func (e *Endpoint) put(t *served) (aborted bool) {
	e.swap.Lock()
	defer e.swap.Unlock()
	if t == nil {
		e.served.Store(nil)
		return false
	}
	switch {
	case e.aborted == "":
	case t.rollout != e.aborted || !t.open() || t.stage == trimtab.RolloutRolling:
		e.aborted = ""
	default:
		t, aborted = t.abandoned(), true
	}
	if now := e.served.Load(); now == nil || !now.same(t) {
		e.served.Store(t)
	}
	return aborted
}

// Abort stops the open rollout of an endpoint in this process at once: the version
// from before answers everything, whatever the database says or whether it
// answers. It stays so until the rollout is rolled back, ends, or another one
// comes. Precondition when there is nothing to stop or to fall back on.
func (s *Server) Abort(ws trimtab.Workspace, endpoint string) error {
	e, err := s.Endpoint(ws, endpoint)
	if err != nil {
		return err
	}
	e.swap.Lock()
	defer e.swap.Unlock()
	t := e.served.Load()
	switch {
	case t == nil || !t.open():
		return trimtab.Errorf(trimtab.Precondition, "endpoint "+endpoint, "endpoint %s has no rollout under way", endpoint)
	case t.spare != 0 && t.fallback == nil:
		return trimtab.Errorf(trimtab.Precondition, "endpoint "+endpoint, "version %d of endpoint %s, which answered before, is not loaded", t.spare, endpoint)
	}
	e.aborted = t.rollout
	e.served.Store(t.abandoned())
	s.cfg.Log.Warn("a rollout is stopped", "project", ws, "endpoint", endpoint, "rollout", t.rollout)
	s.controller.Add(place{ws, endpoint}.key())
	return nil
}

// Loaded reports whether a version is ready to answer for an endpoint: nil when it
// is, else what kept it from being loaded: Invalid and Unsupported say that it
// never will be. NotFound when there is no such endpoint, Unavailable while nobody
// has tried.
func (s *Server) Loaded(ws trimtab.Workspace, endpoint string, version trimtab.Version) error {
	e, err := s.Endpoint(ws, endpoint)
	if err != nil {
		return err
	}
	if failures := e.failures.Load(); failures != nil {
		if err := (*failures)[version]; err != nil {
			return err
		}
	}
	if t := e.served.Load(); t != nil {
		for _, m := range []*Model{t.model, t.candidate, t.fallback} {
			if m != nil && m.Version == version {
				return nil
			}
		}
	}
	return trimtab.Errorf(trimtab.Unavailable, "endpoint "+endpoint, "version %d is not loaded by endpoint %s", version, endpoint)
}

// retry says when and why to look again.
type retry struct {
	control.Result
	err error
}

// whyNot sorts the error of a load: the reason of a condition, and whether to try again.
func whyNot(err error) (reason string, r retry) {
	switch trimtab.KindOf(err) {
	case trimtab.Unsupported:
		return "Unsupported", r
	case trimtab.Invalid:
		return "LoadFailed", r // only another version helps, and that comes with an entry
	case trimtab.Precondition:
		return "LoadFailed", retry{Result: control.Result{After: frozenSoon}}
	}
	return "LoadFailed", retry{err: err}
}

// unserved reports that the version that should answer cannot: what answered goes on.
func (e *Endpoint) unserved(ctx context.Context, version trimtab.Version, now *served, err error) (control.Result, error) {
	model, _ := e.Model()
	e.server.cfg.Log.WarnContext(ctx, "a version cannot be served", "project", e.Workspace, "endpoint", e.Name, "model", model, "version", version, "error", err)
	why := fmt.Sprintf("version %d of model %s cannot be served: %s", version, model, trimtab.Message(err))
	reason, retry := whyNot(err)
	conditions := []trimtab.Condition{condition(Loaded, false, reason, why), condition(Ready, now != nil, "", "")}
	if now == nil {
		conditions[1].Reason, conditions[1].Message = reason, why
	}
	if err := e.report(ctx, conditions...); err != nil {
		return control.Result{}, err
	}
	return retry.Result, retry.err
}

// loading loads the versions of one look, each once.
type loading struct {
	endpoint *Endpoint
	cfg      *config
	champion trimtab.ModelVersion
	now      *served // whose models are taken over
	failures map[trimtab.Version]error
}

// model returns a version ready to answer: the one that is loaded already, where it is the same.
func (l *loading) model(ctx context.Context, version trimtab.Version) (*Model, error) {
	m, err := l.load(ctx, version)
	if trimtab.IsKind(err, trimtab.NotFound) { // the version or its files are gone, and no number is given twice
		err = trimtab.Errorf(trimtab.Invalid, "model version", "%s", trimtab.Message(err))
	}
	if err != nil {
		l.failures[version] = err
	}
	return m, err
}

func (l *loading) load(ctx context.Context, version trimtab.Version) (*Model, error) {
	v := l.champion
	if v.Version != version {
		var err error
		if v, err = l.endpoint.server.cfg.Versions.Get(ctx, l.cfg.spec.Model.Name, version); err != nil {
			return nil, err
		}
	}
	if l.now != nil {
		for _, m := range []*Model{l.now.model, l.now.candidate, l.now.fallback} {
			if m != nil && m.Name == v.Model && m.Version == v.Version && m.Manifest == v.Manifest && m.Output == l.cfg.output {
				return m, nil
			}
		}
	}
	return l.endpoint.load(ctx, v, l.cfg)
}

// metersOf returns the counters of a version behind this endpoint; they outlive its service.
func (e *Endpoint) metersOf(v trimtab.Version) *meters {
	for {
		old := e.counted.Load()
		if old != nil && (*old)[v] != nil {
			return (*old)[v]
		}
		next := map[trimtab.Version]*meters{}
		if old != nil {
			maps.Copy(next, *old)
		}
		next[v] = e.server.newMeters(e, v)
		if e.counted.CompareAndSwap(old, &next) {
			return next[v]
		}
	}
}

// Counts is how many requests a version of the endpoint has been asked to answer in
// this process, and how many of these it failed: requests that were wrong by
// themselves, before a version was chosen, are not among them.
func (e *Endpoint) Counts(v trimtab.Version) (requests, errors int64) {
	if all := e.counted.Load(); all != nil && (*all)[v] != nil {
		m := (*all)[v]
		return m.asked.Load(), m.faults.Load()
	}
	return 0, 0
}

// Requests is what Counts says of a version, and the time within which it answers
// 99 of 100 requests, at most a quarter too long; 0 before the first one. All are 0
// for an endpoint that is not declared.
func (s *Server) Requests(ws trimtab.Workspace, endpoint string, v trimtab.Version) (requests, errors int64, p99 time.Duration) {
	e, err := s.Endpoint(ws, endpoint)
	if err != nil {
		return 0, 0, 0
	}
	requests, errors = e.Counts(v)
	if requests > 0 {
		p99 = (*e.counted.Load())[v].times.quantile(0.99)
	}
	return requests, errors, p99
}

// ShadowCounts is how many requests a version was asked to answer in the shadow of another one, and how many of these it failed.
func (e *Endpoint) ShadowCounts(v trimtab.Version) (requests, errors int64) {
	if all := e.counted.Load(); all != nil && (*all)[v] != nil {
		m := (*all)[v]
		return m.shadowed.Load(), m.shadowFaults.Load()
	}
	return 0, 0
}
