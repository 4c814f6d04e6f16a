package api

import (
	"context"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

func (t *table) timeline() {
	add(t, operation{id: "getTimeline", method: "GET", path: "/endpoints/{name}/timeline", summary: "Show what happened at an endpoint in its event time, window by window", auth: route.Reader},
		func(ctx context.Context, in *struct {
			EndpointIn
			Monitor string `query:"monitor" doc:"Whose windows; without it the one that a policy decides on."`
			From    string `query:"from" doc:"Windows from here on."`
			To      string `query:"to" doc:"Windows before."`
		}) (view.Timeline, error) {
			from, to, err := times(in.From, in.To)
			if err != nil {
				return view.Timeline{}, err
			}
			if from != 0 && to != 0 && to <= from {
				return view.Timeline{}, trimtab.Errorf(trimtab.Invalid, "span", "the span ends at %s, before or where it begins", to)
			}
			h, err := t.historyOf(ctx, in.Name, in.Monitor, from, to)
			if err != nil {
				return view.Timeline{}, err
			}
			return view.TimelineOf(h).Within(from, to), nil
		})
}

// historyOf gathers what is recorded of an endpoint.
func (t *table) historyOf(ctx context.Context, endpoint, monitor string, from, to trimtab.Time) (h view.History, err error) {
	loop := t.cfg.Loop
	if t.cfg.Windows == nil || loop.Decisions == nil || loop.Incidents == nil || loop.Rollouts == nil {
		return h, absent("monitor")
	}
	if _, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, endpoint); err != nil {
		return h, err
	}
	if monitor, err = t.monitorOf(ctx, endpoint, monitor); err != nil {
		return h, err
	}
	h = view.History{Endpoint: endpoint, Monitor: monitor}
	if h.Windows, err = t.cfg.Windows.List(ctx, monitor); err != nil {
		return h, err
	}
	h.Windows = slices.DeleteFunc(h.Windows, func(w trimtab.WindowResult) bool {
		return w.End <= from || to != 0 && w.Start >= to
	})
	q := trimtab.DocumentQuery{From: from, To: to, Limit: farBack}
	if h.Decisions, err = loop.Decisions.List(ctx, q); err != nil {
		return h, err
	}
	h.Decisions = slices.DeleteFunc(h.Decisions, func(d trimtab.Decision) bool { return d.Endpoint != endpoint })
	if h.Incidents, err = loop.Incidents.List(ctx, q); err != nil {
		return h, err
	}
	h.Incidents = slices.DeleteFunc(h.Incidents, func(i trimtab.Incident) bool { return !concerns(i, endpoint) })
	// Which version served at first is said by the rollouts before the span.
	h.Rollouts, err = loop.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: endpoint, To: to, Limit: farBack})
	return h, err
}

// monitorOf is the monitor whose windows are shown: the given one, the one that a
// policy decides on, or the first on the endpoint.
func (t *table) monitorOf(ctx context.Context, endpoint, monitor string) (string, error) {
	all, err := t.cfg.Resources.List(ctx, trimtab.KindMonitor)
	if err != nil {
		return "", err
	}
	var names []string
	for _, r := range all {
		s, err := declaredSpec[trimtab.MonitorSpec](r)
		if err != nil {
			return "", err
		}
		if s.Endpoint == endpoint {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return "", trimtab.Errorf(trimtab.Precondition, "endpoint "+endpoint, "no monitor watches endpoint %s: declare one, its windows are the lines of a timeline", endpoint)
	case monitor != "" && !slices.Contains(names, monitor):
		return "", trimtab.Errorf(trimtab.Invalid, "monitor "+monitor, "monitor %s does not watch endpoint %s: expected %s", monitor, endpoint, strings.Join(names, " or "))
	case monitor != "":
		return monitor, nil
	}
	policies, err := t.cfg.Resources.List(ctx, trimtab.KindRetrainPolicy)
	if err != nil {
		return "", err
	}
	for _, r := range policies {
		s, err := declaredSpec[trimtab.RetrainPolicySpec](r)
		if err != nil {
			return "", err
		}
		if slices.Contains(names, s.Monitor) {
			return s.Monitor, nil
		}
	}
	return names[0], nil
}
