package api

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/spec"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// IncidentIn names an incident.
type IncidentIn struct {
	ProjectIn
	ID string `path:"id" example:"flights.dataFault.unit.wind_speed.20130408T000000"`
}

func (t *table) incidents() {
	incidents := t.cfg.Loop.Incidents
	add(t, operation{id: "listIncidents", method: "GET", path: "/incidents", summary: "List what is or was wrong, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			FindIn
			Kind string `query:"kind" doc:"Only of this kind, such as dataFault."`
		}) (view.List[trimtab.Incident], error) {
			out := view.List[trimtab.Incident]{Items: []trimtab.Incident{}}
			if incidents == nil {
				return out, absent("monitor")
			}
			q, err := in.query("")
			if err != nil {
				return out, err
			}
			if in.Endpoint != "" || in.Kind != "" {
				q.Limit = farBack
			}
			all, err := incidents.List(ctx, q)
			for _, i := range all {
				if len(out.Items) == in.Limit {
					break
				}
				if (in.Endpoint == "" || concerns(i, in.Endpoint)) && (in.Kind == "" || string(i.Kind) == in.Kind) {
					out.Items = append(out.Items, i)
				}
			}
			return out, err
		})
	add(t, operation{id: "getIncident", method: "GET", path: "/incidents/{id}", summary: "Show an incident with its evidence", auth: route.Reader},
		func(ctx context.Context, in *IncidentIn) (trimtab.Incident, error) {
			if incidents == nil {
				return trimtab.Incident{}, absent("monitor")
			}
			return incidents.Get(ctx, in.ID)
		})
	move := func(verb, summary string, rule func(i trimtab.Incident, by, reason string, now trimtab.Time) (trimtab.Incident, trimtab.Change, error)) {
		add(t, operation{id: verb + "Incident", method: "POST", path: "/incidents/{id}/" + verb, summary: summary, auth: route.Writer},
			func(ctx context.Context, in *struct {
				IncidentIn
				Body reasonBody
			}) (trimtab.Incident, error) {
				if incidents == nil {
					return trimtab.Incident{}, absent("monitor")
				}
				i, err := incidents.Get(ctx, in.ID)
				if err != nil {
					return i, err
				}
				now, err := t.watermark(ctx, i.Endpoint)
				if err != nil {
					return i, err
				}
				return incidents.Move(ctx, in.ID, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
					if old == nil {
						return trimtab.Incident{}, trimtab.Change{}, trimtab.Errorf(trimtab.NotFound, "incident "+in.ID, "there is no incident %s", in.ID)
					}
					return rule(*old, trimtab.CallOf(ctx).Actor.ID, in.Body.Reason, max(now, old.Begin))
				})
			})
	}
	move("acknowledge", "Say that somebody has seen an open incident and looks after it", func(i trimtab.Incident, by, reason string, _ trimtab.Time) (trimtab.Incident, trimtab.Change, error) {
		return i.Acknowledge(by, reason)
	})
	move("release", "Let held rows be learnt from after all", func(i trimtab.Incident, by, reason string, _ trimtab.Time) (trimtab.Incident, trimtab.Change, error) {
		return i.Release(by, reason)
	})
	move("close", "End an open incident", func(i trimtab.Incident, _, reason string, now trimtab.Time) (trimtab.Incident, trimtab.Change, error) {
		if i.Closed != 0 {
			return i, trimtab.Change{}, nil
		}
		if reason == "" {
			return i, trimtab.Change{}, trimtab.Errorf(trimtab.Invalid, i.Object().String(), "closing an incident needs a reason: it is recorded")
		}
		end := i.End
		if end == 0 {
			end = now
		}
		return i.Close(end, now, reason)
	})
}

func concerns(i trimtab.Incident, endpoint string) bool {
	return i.Endpoint == endpoint || slices.Contains(i.Also, endpoint)
}

// watermark is how far event time has come at an endpoint: the clock's where none is known.
func (t *table) watermark(ctx context.Context, endpoint string) (trimtab.Time, error) {
	now := t.cfg.Clock()
	r, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, endpoint)
	if trimtab.IsKind(err, trimtab.NotFound) || t.cfg.Endpoints == nil {
		return now, nil
	}
	if err != nil {
		return 0, err
	}
	s, err := declaredSpec[trimtab.EndpointSpec](r)
	if err != nil {
		return 0, err
	}
	state, err := t.cfg.Endpoints.State(ctx, endpoint)
	return state.WatermarkAt(now, s.AllowedLateness), err
}

// declaredSpec reads a declared spec with its defaults filled in.
func declaredSpec[S any](r trimtab.Resource) (S, error) {
	var s S
	if err := json.Unmarshal(r.Spec, &s); err != nil {
		return s, &trimtab.Error{Kind: trimtab.Internal, Subject: r.Ref(), Msg: "the stored spec does not decode", Err: err}
	}
	filled, err := spec.WithDefaults(r.Kind, r.Name, &s)
	if err != nil {
		return s, err
	}
	return *filled.(*S), nil
}
