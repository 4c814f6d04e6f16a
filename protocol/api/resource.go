package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/spec"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

func (t *table) resources() {
	add(t, operation{id: "listResources", method: "GET", path: "/resources", summary: "List declared resources", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Kind string `query:"kind" doc:"Only this kind."`
		}) (view.List[view.Resource], error) {
			var out view.List[view.Resource]
			kind := ""
			if in.Kind != "" {
				var err error
				if kind, err = kindNamed(in.Kind); err != nil {
					return out, err
				}
			}
			all, err := t.cfg.Resources.List(ctx, kind)
			out.Items = make([]view.Resource, 0, len(all))
			for _, r := range all {
				out.Items = append(out.Items, view.OfResource(r))
			}
			return out, err
		})
	add(t, operation{id: "getResource", method: "GET", path: "/resources/{kind}/{name}", summary: "Show a declared resource", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Kind string `path:"kind"`
			Name string `path:"name"`
		}) (view.Resource, error) {
			kind, err := kindNamed(in.Kind)
			if err != nil {
				return view.Resource{}, err
			}
			r, err := t.cfg.Resources.Get(ctx, kind, in.Name)
			return view.OfResource(r), err
		})
	add(t, operation{id: "plan", method: "POST", path: "/plan", summary: "Say what an apply would do", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Body view.Proposal
		}) (plan.Answer, error) {
			answer, _, err := t.plan(ctx, in.Body)
			return answer, err
		})
	add(t, operation{id: "apply", method: "POST", path: "/apply", summary: "Make the declarations true", auth: route.Writer},
		func(ctx context.Context, in *struct {
			ProjectIn
			Body view.Proposal
		}) (plan.Answer, error) {
			return t.apply(ctx, in.Body)
		})
}

func kindNamed(typed string) (string, error) {
	kind, meant, ok := spec.Kind(typed)
	if ok {
		return kind, nil
	}
	hint := ""
	if meant != "" {
		hint = fmt.Sprintf("; did you mean %s?", strings.ToLower(meant))
	}
	return "", trimtab.Errorf(trimtab.NotFound, "kind "+typed, "unknown kind %q: expected one of %s%s", typed, strings.Join(trimtab.Kinds, ", "), hint)
}

// plan computes the plan of a proposal against what is there now.
func (t *table) plan(ctx context.Context, p view.Proposal) (answer plan.Answer, desired []trimtab.Resource, err error) {
	if len(p.Delete) > 0 && len(p.Resources) > 0 {
		return answer, nil, trimtab.Errorf(trimtab.Invalid, "request", "a proposal declares resources or deletes some, not both")
	}
	desired, err = declared(ctx, p.Resources)
	if err != nil {
		return answer, nil, err
	}
	live, err := t.cfg.Resources.List(ctx, "")
	if err != nil {
		return answer, nil, err
	}
	facts, err := t.facts(ctx, live)
	if err != nil {
		return answer, nil, err
	}
	opt := plan.Options{Workspace: trimtab.CallOf(ctx).Workspace, Manager: p.Manager, Inventory: p.Inventory, Prune: p.Prune}
	if opt.Manager == "" {
		opt.Manager = "api"
	}
	if len(p.Delete) > 0 {
		refs, err := references(p.Delete)
		if err != nil {
			return answer, nil, err
		}
		answer.Plan, err = plan.Removal(refs, live, facts, opt)
		return answer, nil, err
	}
	answer.Plan = plan.Diff(desired, live, facts, opt)
	answer.Missing, err = t.missing(ctx, desired)
	return answer, desired, err
}

func (t *table) apply(ctx context.Context, p view.Proposal) (plan.Answer, error) {
	answer, desired, err := t.plan(ctx, p)
	if err != nil {
		return answer, err
	}
	if p.Expect != "" && p.Expect != answer.Digest {
		return answer, trimtab.Errorf(trimtab.Conflict, "plan", "the plan is stale: the server has changed since it was made; plan again")
	}
	if len(answer.Missing) > 0 {
		return answer, trimtab.Errorf(trimtab.Precondition, "blob "+string(answer.Missing[0]), "%d files that the declarations name are not on the server (%s, …): upload them first", len(answer.Missing), answer.Missing[0].Short())
	}
	return answer, t.cfg.Resources.Apply(ctx, answer.Writes(desired))
}

// declared checks declarations and brings their specs into canonical form. All
// problems come at once.
func declared(ctx context.Context, in []view.Declaration) ([]trimtab.Resource, error) {
	var out []trimtab.Resource
	var problems spec.Diagnostics
	seen := map[string]bool{}
	for _, d := range in {
		r := trimtab.Resource{Workspace: trimtab.CallOf(ctx).Workspace, Kind: d.Kind, Name: d.Name, Labels: d.Labels, Annotations: d.Annotations, Spec: d.Spec}
		s, err := spec.Decode(r)
		if ds, ok := err.(spec.Diagnostics); ok {
			problems = append(problems, ds...)
			continue
		} else if err != nil {
			return nil, err
		}
		if seen[r.Ref()] {
			problems = append(problems, spec.Diagnostic{Severity: spec.SevError, Summary: r.Ref() + " is declared twice", Expected: "it once"})
			continue
		}
		seen[r.Ref()] = true
		if r.Kind == trimtab.KindDataContract {
			if err := contract.Validate(r.Name, r.Spec); err != nil {
				problems = append(problems, spec.Diagnostic{Severity: spec.SevError, Path: "spec", Summary: r.Ref() + ": " + trimtab.Message(err)})
				continue
			}
		}
		if r.Spec, err = spec.Canonical(r.Kind, r.Name, s); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if problems.HasErrors() {
		return nil, trimtab.Errorf(trimtab.Invalid, "declarations", "%s", problems.Error())
	}
	return out, nil
}

func references(refs []string) ([]trimtab.Object, error) {
	var out []trimtab.Object
	for _, ref := range refs {
		typed, name, ok := strings.Cut(ref, "/")
		if !ok || name == "" {
			return nil, trimtab.Errorf(trimtab.Invalid, "reference", "%q names no resource: expected KIND/NAME such as endpoint/flights", ref)
		}
		kind, err := kindNamed(typed)
		if err != nil {
			return nil, err
		}
		out = append(out, trimtab.Object{Kind: kind, Name: name})
	}
	return out, nil
}

// missing lists the digests that declarations name and the blob store lacks.
func (t *table) missing(ctx context.Context, desired []trimtab.Resource) ([]trimtab.Digest, error) {
	var out []trimtab.Digest
	if t.cfg.Blobs == nil {
		return nil, nil
	}
	for _, r := range desired {
		s, err := spec.Decode(r)
		if err != nil {
			return nil, err
		}
		for _, d := range spec.Digests(s) {
			if slices.Contains(out, d) {
				continue
			}
			_, err := t.cfg.Blobs.Stat(ctx, d)
			switch {
			case trimtab.IsKind(err, trimtab.NotFound):
				out = append(out, d)
			case err != nil:
				return nil, err
			}
		}
	}
	return out, nil
}

// facts gathers what effects are told by.
func (t *table) facts(ctx context.Context, live []trimtab.Resource) (plan.Facts, error) {
	var f plan.Facts
	if t.cfg.Registry != nil {
		models, err := t.cfg.Registry.Models(ctx)
		if err != nil {
			return f, err
		}
		f.Models = map[trimtab.ModelName]map[trimtab.Alias]trimtab.Version{}
		for _, m := range models {
			f.Models[m.Name] = m.Aliases
		}
	}
	now := t.cfg.Clock()
	for _, r := range live {
		var err error
		switch r.Kind {
		case trimtab.KindPipeline:
			err = t.lastRun(ctx, r.Name, &f)
		case trimtab.KindMonitor:
			if t.cfg.Windows != nil {
				var windows []trimtab.WindowResult
				if windows, err = t.cfg.Windows.List(ctx, r.Name); err == nil {
					set(&f.Windows, r.Name, len(windows))
				}
			}
		case trimtab.KindEndpoint:
			if t.cfg.Endpoints != nil {
				var s trimtab.EndpointState
				if s, err = t.cfg.Endpoints.State(ctx, r.Name); err == nil {
					set(&f.Live, r.Name, s.LiveSince != 0)
					set(&f.Driven, r.Name, s.Holder != "" && s.LeaseUntil > now)
				}
			}
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

func set[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

func (t *table) lastRun(ctx context.Context, pipeline string, f *plan.Facts) error {
	if t.cfg.PipelineRuns == nil {
		return nil
	}
	if f.Pipelines == nil {
		f.Pipelines = map[string]plan.LastRun{}
	}
	runs, _, err := t.cfg.PipelineRuns.ListRuns(ctx, pipeline, 1, "")
	if err != nil || len(runs) == 0 {
		return err
	}
	run, err := t.cfg.PipelineRuns.GetRun(ctx, runs[0].ID)
	if err != nil {
		return err
	}
	last := plan.LastRun{ID: run.ID, State: run.State, Took: map[string]trimtab.Duration{}}
	for _, s := range run.Steps {
		if s.Started != 0 && s.Ended != 0 {
			last.Took[s.Name] = trimtab.Duration(s.Ended.Sub(s.Started))
		}
	}
	f.Pipelines[pipeline] = last
	return nil
}
