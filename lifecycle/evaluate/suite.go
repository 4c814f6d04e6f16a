package evaluate

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/trimtab/trimtab"
)

// declared reads the spec of a resource.
func (r *Runner) declared(ctx context.Context, kind, name string, spec any) error {
	x, err := r.cfg.Resources.Get(ctx, kind, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return trimtab.Errorf(trimtab.NotFound, kind+" "+name, "there is no %s %q: declare it and apply", kind, name)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(x.Spec, spec); err != nil {
		return &trimtab.Error{Kind: trimtab.Internal, Subject: x.Ref(), Err: err}
	}
	return nil
}

// only finds the suite of a model when there is no choice, else its monitor.
func (r *Runner) only(ctx context.Context, model trimtab.ModelName) (suite, monitor string, err error) {
	names := func(kind string, of func(body []byte) (trimtab.ModelName, error)) (out []string, err error) {
		all, err := r.cfg.Resources.List(ctx, kind)
		for _, x := range all {
			name, err := of(x.Spec)
			if err != nil {
				return nil, &trimtab.Error{Kind: trimtab.Internal, Subject: x.Ref(), Err: err}
			}
			if name == model {
				out = append(out, x.Name)
			}
		}
		return out, err
	}
	suites, err := names(trimtab.KindEvaluationSuite, func(body []byte) (trimtab.ModelName, error) {
		var s trimtab.EvaluationSuiteSpec
		err := json.Unmarshal(body, &s)
		return s.Model, err
	})
	if err != nil || len(suites) == 1 {
		return strings.Join(suites, ""), "", err
	}
	if len(suites) > 1 {
		return "", "", trimtab.Errorf(trimtab.Invalid, "suite", "model %s has the suites %s: name one", model, strings.Join(suites, ", "))
	}
	monitors, err := names(trimtab.KindMonitor, func(body []byte) (trimtab.ModelName, error) {
		var m trimtab.MonitorSpec
		if err := json.Unmarshal(body, &m); err != nil {
			return "", err
		}
		var e trimtab.EndpointSpec
		if err := r.declared(ctx, trimtab.KindEndpoint, m.Endpoint, &e); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return "", err
		}
		return e.Model.Name, nil
	})
	switch {
	case err != nil || len(monitors) == 1:
		return "", strings.Join(monitors, ""), err
	case len(monitors) > 1:
		return "", "", trimtab.Errorf(trimtab.Invalid, "monitor", "model %s has no suite, and its endpoints have the monitors %s: name one", model, strings.Join(monitors, ", "))
	}
	return "", "", trimtab.Errorf(trimtab.NotFound, "evaluationsuite", "there is no EvaluationSuite for model %s, and no Monitor of an endpoint that serves it: declare one and apply", model)
}

// resolve reads the suite with what it refers to.
func (r *Runner) resolve(ctx context.Context, q Request) (*pass, error) {
	s := &pass{Runner: r, ws: trimtab.CallOf(ctx).Workspace, model: q.Model}
	name := q.Suite
	if name != "" {
		if err := r.declared(ctx, trimtab.KindEvaluationSuite, name, &s.spec); err != nil {
			return nil, err
		}
		if s.spec.Model != q.Model {
			return nil, trimtab.Errorf(trimtab.Invalid, "evaluationsuite "+name, "EvaluationSuite %q is for model %s, not for model %s", name, s.spec.Model, q.Model)
		}
		if s.spec.Fresh != nil && s.spec.Monitor == "" {
			return nil, trimtab.Errorf(trimtab.Invalid, "evaluationsuite "+name, "EvaluationSuite %q takes fresh rows and names no monitor", name)
		}
	} else {
		name = builtIn + q.Monitor
		s.spec.Monitor = q.Monitor
	}
	if s.spec.Monitor != "" {
		s.monitor = &trimtab.MonitorSpec{}
		if err := r.declared(ctx, trimtab.KindMonitor, s.spec.Monitor, s.monitor); err != nil {
			return nil, err
		}
		*s.monitor = s.monitor.WithDefaults()
		if err := r.declared(ctx, trimtab.KindEndpoint, s.monitor.Endpoint, &s.endpoint); err != nil {
			return nil, err
		}
		if s.endpoint.Model.Name != q.Model {
			return nil, trimtab.Errorf(trimtab.Invalid, "monitor "+s.spec.Monitor, "Monitor %q watches endpoint %q, which serves model %s, not model %s", s.spec.Monitor, s.monitor.Endpoint, s.endpoint.Model.Name, q.Model)
		}
		var err error
		if s.state, err = r.cfg.States.State(ctx, s.monitor.Endpoint); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return nil, err
		}
	}
	if err := s.tasked(ctx); err != nil {
		return nil, err
	}
	if q.Suite == "" {
		s.spec = trimtab.BuiltInSuite(string(s.task))
		s.spec.Model, s.spec.Monitor = q.Model, q.Monitor
	}
	s.spec = s.spec.WithDefaults()
	s.digest = trimtab.StateDigest(s.spec)
	var err error
	if s.version, err = r.cfg.Models.Version(ctx, q.Model, q.Version); err != nil {
		return nil, err
	}
	if s.version.Manifest == "" {
		return nil, trimtab.Errorf(trimtab.Precondition, s.version.Object().String(), "version %d of model %s is not complete: its files are frozen when the run that made it ends", q.Version, q.Model)
	}
	if s.at = q.At; s.at == 0 {
		if s.at, err = s.newest(ctx); err != nil {
			return nil, err
		}
	}
	if s.monitor != nil {
		if mark := s.mark(); s.at > mark {
			return nil, trimtab.Errorf(trimtab.Precondition, "endpoint "+s.monitor.Endpoint, "endpoint %s has come to %s: what will be known by %s cannot be evaluated yet", s.monitor.Endpoint, mark, s.at)
		}
	}
	s.against, err = s.served(ctx)
	s.id = trimtab.EvaluationID(name, q.Model, q.Version, s.at)
	return s, err
}

// tasked finds what the model predicts: as the monitor says, or the model's declaration, or the metrics that are asked.
func (s *pass) tasked(ctx context.Context) error {
	if s.monitor != nil {
		s.task = Task(s.monitor.Performance.Task)
	} else {
		var m trimtab.ModelSpec
		if err := s.declared(ctx, trimtab.KindModel, string(s.model), &m); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return err
		}
		s.task = Task(m.Task)
	}
	if s.task == "" {
		s.task = Binary
		for _, g := range s.spec.Gates {
			if m := metrics[g.Metric]; m != nil {
				s.task = m.task
			}
		}
	}
	for _, g := range s.spec.Gates {
		if m := metrics[g.Metric]; m == nil || m.task != s.task {
			return trimtab.Errorf(trimtab.Invalid, "evaluation suite", "the suite asks for %s, which is no metric of a %s model", g.Metric, s.task)
		}
	}
	return nil
}
