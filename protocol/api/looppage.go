package api

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// LoopSpanIn says what of an endpoint's history is shown.
type LoopSpanIn struct {
	EndpointIn
	Monitor string `query:"monitor" doc:"Whose windows; without it the one that a policy decides on."`
	From    string `query:"from" doc:"Windows from here on."`
	To      string `query:"to" doc:"Windows before."`
	Points  int    `query:"points" minimum:"1" maximum:"2000" default:"1000" doc:"More windows than this are put together, neighbours into one point."`
}

// LoopFindIn says which decisions or incidents are listed, a page at a time.
type LoopFindIn struct {
	ProjectIn
	Endpoint string `query:"endpoint" doc:"Only of this endpoint."`
	After    string `query:"after" doc:"The page after this token."`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most."`
}

func (t *table) loopPages() {
	memory := &loopMemory{}
	add(t, operation{id: "listLoops", method: "GET", path: "/loop/endpoints", summary: "List the policies of the loop with what each has brought", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.LoopList, error) { return t.loopList(ctx, memory) })
	add(t, operation{id: "getLoopPage", method: "GET", path: "/loop/endpoints/{name}", summary: "Show the loop of an endpoint in its event time, columnar", auth: route.Reader},
		func(ctx context.Context, in *LoopSpanIn) (view.LoopPage, error) {
			h, err := t.loopHistory(ctx, memory, in)
			if err != nil {
				return view.LoopPage{}, err
			}
			return view.LoopPageOf(h, in.Points), nil
		})
	add(t, operation{id: "getLoopColumn", method: "GET", path: "/loop/endpoints/{name}/columns/{column}", summary: "Show how far one column has moved, window by window", auth: route.Reader},
		func(ctx context.Context, in *struct {
			LoopSpanIn
			Column string `path:"column"`
		}) (view.LoopColumnPage, error) {
			h, err := t.loopHistory(ctx, memory, &in.LoopSpanIn)
			if err != nil {
				return view.LoopColumnPage{}, err
			}
			return view.ColumnPageOf(h, in.Column, in.Points)
		})
	add(t, operation{id: "findDecisions", method: "GET", path: "/loop/decisions", summary: "List decisions in short, a page at a time, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			LoopFindIn
			Policy string `query:"policy" doc:"Only of this policy."`
			State  string `query:"state" doc:"Only in this state, such as awaiting or done; several with commas."`
			Acted  bool   `query:"acted" doc:"Only those that ask for something to be done."`
		}) (view.DecisionList, error) {
			return t.decisionList(ctx, in.LoopFindIn, in.Policy, in.State, in.Acted)
		})
	add(t, operation{id: "explainDecision", method: "GET", path: "/loop/decisions/{id}", summary: "Show a decision with the gate, the rollout and the records that belong to it", auth: route.Reader},
		func(ctx context.Context, in *DecisionIn) (view.DecisionPage, error) {
			return t.decisionPage(ctx, in.ID)
		})
	add(t, operation{id: "findIncidents", method: "GET", path: "/loop/incidents", summary: "List incidents in short, a page at a time, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			LoopFindIn
			Kind  string `query:"kind" doc:"Only of this kind, such as dataFault."`
			State string `query:"state" enum:"open,closed,holds" doc:"Only open ones, only closed ones, or only those that hold rows."`
		}) (view.IncidentList, error) {
			return t.incidentList(ctx, in.LoopFindIn, in.Kind, in.State)
		})
	add(t, operation{id: "explainIncident", method: "GET", path: "/loop/incidents/{id}", summary: "Show an incident with the windows it touches and what was decided", auth: route.Reader},
		func(ctx context.Context, in *IncidentIn) (view.IncidentPage, error) {
			return t.incidentPage(ctx, memory, in.ID)
		})
}

// watching are the monitors of each endpoint and the policies of each monitor.
type watching struct {
	monitors map[string]trimtab.MonitorSpec
	policies []trimtab.Resource
	decides  map[string][]string // policies by monitor
}

func (t *table) watching(ctx context.Context) (w watching, err error) {
	w = watching{monitors: map[string]trimtab.MonitorSpec{}, decides: map[string][]string{}}
	all, err := t.cfg.Resources.List(ctx, trimtab.KindMonitor)
	if err != nil {
		return w, err
	}
	for _, r := range all {
		if w.monitors[r.Name], err = declaredSpec[trimtab.MonitorSpec](r); err != nil {
			return w, err
		}
	}
	if w.policies, err = t.cfg.Resources.List(ctx, trimtab.KindRetrainPolicy); err != nil {
		return w, err
	}
	for _, r := range w.policies {
		s, err := declaredSpec[trimtab.RetrainPolicySpec](r)
		if err != nil {
			return w, err
		}
		w.decides[s.Monitor] = append(w.decides[s.Monitor], r.Name)
	}
	return w, nil
}

// loopParts reports whether this server has what the pages of the loop are made of.
func (t *table) loopParts() error {
	loop := t.cfg.Loop
	if t.cfg.Windows == nil || loop.Decisions == nil || loop.Incidents == nil || loop.Rollouts == nil || loop.Policies == nil || loop.Pauses == nil {
		return absent("loop")
	}
	return nil
}

func (t *table) loopHistory(ctx context.Context, memory *loopMemory, in *LoopSpanIn) (h view.LoopHistory, err error) {
	if err := t.loopParts(); err != nil {
		return h, err
	}
	if h.From, h.To, err = times(in.From, in.To); err != nil {
		return h, err
	}
	if h.From != 0 && h.To != 0 && h.To <= h.From {
		return h, trimtab.Errorf(trimtab.Invalid, "span", "the span ends at %s, before or where it begins", h.To)
	}
	r, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, in.Name)
	if err != nil {
		return h, err
	}
	s, err := declaredSpec[trimtab.EndpointSpec](r)
	if err != nil {
		return h, err
	}
	h.Endpoint, h.Model = in.Name, s.Model.Name
	h.Monitor, err = t.monitorOf(ctx, in.Name, in.Monitor)
	watched := !trimtab.IsKind(err, trimtab.Precondition) // an endpoint that no monitor watches has an empty page
	if err != nil && watched {
		return h, err
	}
	w, err := t.watching(ctx)
	if err != nil {
		return h, err
	}
	for name, s := range w.monitors {
		if s.Endpoint == in.Name {
			h.Monitors = append(h.Monitors, name)
		}
	}
	slices.Sort(h.Monitors)
	if h.Monitors == nil {
		h.Monitors = []string{}
	}
	h.Spec = w.monitors[h.Monitor]
	if h.Watermark, err = t.watermark(ctx, in.Name); err != nil {
		return h, err
	}
	policy := ""
	if all := w.decides[h.Monitor]; len(all) > 0 {
		policy = all[0]
		for _, r := range w.policies {
			if r.Name == policy {
				p, err := t.policyView(ctx, r)
				if err != nil {
					return h, err
				}
				h.Policy = &p
			}
		}
	}
	if h.Pause, err = t.pause(ctx, trimtab.LoopPause); err != nil {
		return h, err
	}
	m := remembered{}
	if watched {
		if m, err = memory.of(ctx, &t.cfg, h.Monitor, policy); err != nil {
			return h, err
		}
	}
	h.Windows, h.Columns, h.Decisions, h.Borders = m.windows, m.columns, m.acted, m.borders
	if h.Incidents, err = t.cfg.Loop.Incidents.List(ctx, trimtab.DocumentQuery{To: h.To, Limit: farBack}); err != nil {
		return h, err
	}
	h.Incidents = slices.DeleteFunc(h.Incidents, func(i trimtab.Incident) bool { return !concerns(i, in.Name) })
	h.Rollouts, err = t.cfg.Loop.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: in.Name, To: h.To, Limit: farBack})
	return h, err
}

// maxLoops bounds the rows of the list of loops.
const maxLoops = 200

func (t *table) loopList(ctx context.Context, memory *loopMemory) (out view.LoopList, err error) {
	out = view.LoopList{Items: []view.LoopRow{}, Unwatched: []string{}}
	if err := t.loopParts(); err != nil {
		return out, err
	}
	if out.Pause, err = t.pause(ctx, trimtab.LoopPause); err != nil {
		return out, err
	}
	w, err := t.watching(ctx)
	if err != nil {
		return out, err
	}
	open, err := t.cfg.Loop.Incidents.List(ctx, trimtab.DocumentQuery{Open: true, Limit: farBack})
	if err != nil {
		return out, err
	}
	kept := map[string]bool{}
	for _, r := range w.policies[:min(len(w.policies), maxLoops)] {
		row := view.LoopRow{Spark: []view.Figure{}}
		if row.Policy, err = t.policyView(ctx, r); err != nil {
			return out, err
		}
		endpoint := row.Policy.Endpoint
		kept[endpoint] = true
		if endpoint != "" {
			m, err := memory.of(ctx, &t.cfg, row.Policy.Monitor, r.Name)
			if err != nil {
				return out, err
			}
			rollouts, err := t.cfg.Loop.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: endpoint, Limit: farBack})
			if err != nil {
				return out, err
			}
			if row.Watermark, err = t.watermark(ctx, endpoint); err != nil {
				return out, err
			}
			row.Complete(m.windows, m.acted, rollouts, w.monitors[row.Policy.Monitor].Performance.Task)
			for _, i := range open {
				if concerns(i, endpoint) && i.Severity != trimtab.Info {
					row.Incidents++
				}
			}
		}
		out.Items = append(out.Items, row)
	}
	endpoints, err := t.cfg.Resources.List(ctx, trimtab.KindEndpoint)
	for _, r := range endpoints {
		if !kept[r.Name] && len(out.Unwatched) < maxLoops {
			out.Unwatched = append(out.Unwatched, r.Name)
		}
	}
	return out, err
}

// pageMark is where a list goes on: after the item of that name among those of that time.
type pageMark struct {
	at   trimtab.Time
	name string
}

func (m pageMark) token() trimtab.PageToken {
	return trimtab.PageToken(strconv.FormatInt(int64(m.at), 10) + "," + m.name)
}

func readMark(token string) (m pageMark, err error) {
	if token == "" {
		return m, nil
	}
	at, name, ok := strings.Cut(token, ",")
	n, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || name == "" {
		return m, trimtab.Errorf(trimtab.Invalid, "after", "%q is no page token: expected one that a list has answered with", token)
	}
	return pageMark{trimtab.Time(n), name}, nil
}

// foundIn bounds what one page reads through when few records fit its filter.
const foundIn = 5_000

// page reads a page of documents after a mark: those that keep takes, at most limit.
// Documents come the newest first, then by name. Next is "" at the end; a page that
// read much and found little has a next one all the same.
func page[T trimtab.Document](ctx context.Context, from Documents[T], q trimtab.DocumentQuery, after string, limit int, keep func(T) bool) (out []T, next trimtab.PageToken, err error) {
	mark, err := readMark(after)
	if err != nil {
		return nil, "", err
	}
	const piece = 250
	q.Limit = piece
	for read := 0; ; {
		if mark.name != "" {
			q.To = mark.at + 1
		}
		all, err := from.List(ctx, q)
		if err != nil {
			return nil, "", err
		}
		before := mark
		for _, d := range all {
			at, name := d.Head().At, d.Object().Name
			if mark.name != "" && (at > mark.at || at == mark.at && name <= mark.name) {
				continue
			}
			if keep(d) {
				if len(out) == limit {
					return out, mark.token(), nil
				}
				out = append(out, d)
			}
			mark = pageMark{at, name}
		}
		read += len(all)
		switch {
		case len(all) < q.Limit:
			return out, "", nil
		case mark == before:
			q.Limit *= 2 // more documents of one moment than a piece holds
			if q.Limit > farBack {
				return out, "", trimtab.Errorf(trimtab.Internal, "list", "more than %d records have the time %s", farBack/2, mark.at)
			}
		case read >= foundIn:
			return out, mark.token(), nil
		}
	}
}

func (t *table) endpointNames(ctx context.Context) ([]string, error) {
	all, err := t.cfg.Resources.List(ctx, trimtab.KindEndpoint)
	out := []string{}
	for _, r := range all {
		out = append(out, r.Name)
	}
	return out, err
}

func (t *table) decisionList(ctx context.Context, in LoopFindIn, policy, states string, acted bool) (out view.DecisionList, err error) {
	out = view.DecisionList{Items: []view.DecisionLine{}, Endpoints: []string{}}
	if t.cfg.Loop.Decisions == nil {
		return out, absent("policies")
	}
	wanted := strings.FieldsFunc(states, func(r rune) bool { return r == ',' })
	all, next, err := page(ctx, t.cfg.Loop.Decisions, trimtab.DocumentQuery{Scope: policy}, in.After, in.Limit, func(d trimtab.Decision) bool {
		return (in.Endpoint == "" || d.Endpoint == in.Endpoint) && (!acted || d.Action != trimtab.DoNothing) && (len(wanted) == 0 || slices.Contains(wanted, string(d.State)))
	})
	if err != nil {
		return out, err
	}
	for _, d := range all {
		out.Items = append(out.Items, view.OfDecisionLine(d))
	}
	out.Next = next
	if out.Endpoints, err = t.endpointNames(ctx); err != nil {
		return out, err
	}
	open, err := t.cfg.Loop.Decisions.List(ctx, trimtab.DocumentQuery{Open: true})
	for _, d := range open {
		if d.State == trimtab.DecisionAwaiting {
			out.Waiting++
		}
	}
	return out, err
}

func (t *table) incidentList(ctx context.Context, in LoopFindIn, kind, state string) (out view.IncidentList, err error) {
	out = view.IncidentList{Items: []view.IncidentLine{}, Endpoints: []string{}, Kinds: view.IncidentKinds}
	if t.cfg.Loop.Incidents == nil {
		return out, absent("monitor")
	}
	all, next, err := page(ctx, Documents[trimtab.Incident](t.cfg.Loop.Incidents), trimtab.DocumentQuery{Open: state == "open"}, in.After, in.Limit, func(i trimtab.Incident) bool {
		return (in.Endpoint == "" || concerns(i, in.Endpoint)) && (kind == "" || string(i.Kind) == kind) &&
			(state != "closed" || i.Closed != 0) && (state != "holds" || i.Hold && !i.Released)
	})
	if err != nil {
		return out, err
	}
	for _, i := range all {
		out.Items = append(out.Items, view.OfIncidentLine(i))
	}
	out.Next = next
	if out.Endpoints, err = t.endpointNames(ctx); err != nil {
		return out, err
	}
	open, err := t.cfg.Loop.Incidents.List(ctx, trimtab.DocumentQuery{Open: true})
	out.Open = len(open)
	return out, err
}

// maxEntries bounds the records of one object that a page shows.
const maxEntries = 50

func (t *table) decisionPage(ctx context.Context, id string) (p view.DecisionPage, err error) {
	loop := t.cfg.Loop
	if err := t.loopParts(); err != nil {
		return p, err
	}
	d, err := loop.Decisions.Get(ctx, id)
	if err != nil {
		return p, err
	}
	p = view.DecisionPage{Decision: view.DecisionRecord(d), Options: view.OptionsOf(d), Incidents: []view.IncidentLine{}, Consequences: []view.IncidentLine{}, Commands: view.DecisionCommands(d)}
	absentIsFine := func(err error) error {
		if trimtab.IsKind(err, trimtab.NotFound) {
			return nil
		}
		return err
	}
	if d.Evaluation != "" && t.cfg.Evaluations != nil {
		e, err := t.cfg.Evaluations.Get(ctx, d.Evaluation)
		if err == nil {
			p.Evaluation = &e
		} else if absentIsFine(err) != nil {
			return p, err
		}
	}
	if d.Rollout != "" {
		r, err := loop.Rollouts.Get(ctx, d.Rollout)
		if err == nil {
			p.Rollout = view.OfDecisionRollout(r)
		} else if absentIsFine(err) != nil {
			return p, err
		}
	}
	if d.Run != "" && t.cfg.PipelineRuns != nil {
		r, err := t.cfg.PipelineRuns.GetRun(ctx, d.Run)
		if err == nil {
			p.RunState = string(r.State)
		} else if absentIsFine(err) != nil {
			return p, err
		}
	}
	if r, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, d.Endpoint); err == nil {
		s, err := declaredSpec[trimtab.EndpointSpec](r)
		if err != nil {
			return p, err
		}
		p.Model = s.Model.Name
	} else if absentIsFine(err) != nil {
		return p, err
	}
	if r, err := t.cfg.Resources.Get(ctx, trimtab.KindRetrainPolicy, d.Policy); err == nil {
		s, err := declaredSpec[trimtab.RetrainPolicySpec](r)
		if err != nil {
			return p, err
		}
		p.Limits = view.LimitsOf(r, s, d)
	} else if absentIsFine(err) != nil {
		return p, err
	}
	for _, name := range []string{trimtab.LoopPause, d.Policy} {
		pause, err := t.pause(ctx, name)
		if err != nil {
			return p, err
		}
		p.Paused = cmp.Or(p.Paused, view.PausedBy(pause))
	}
	for _, id := range d.Incidents[:min(len(d.Incidents), maxEntries)] {
		i, err := loop.Incidents.Get(ctx, id)
		if err == nil {
			p.Incidents = append(p.Incidents, view.OfIncidentLine(i))
		} else if absentIsFine(err) != nil {
			return p, err
		}
	}
	later, err := loop.Incidents.List(ctx, trimtab.DocumentQuery{Scope: d.Endpoint, From: d.At, Limit: farBack})
	if err != nil {
		return p, err
	}
	for _, i := range later {
		if view.FollowsFrom(i, d) {
			p.Consequences = append(p.Consequences, view.OfIncidentLine(i))
		}
	}
	entries, err := t.cfg.Journal.ByObject(ctx, "decision", d.ID, maxEntries)
	if err != nil {
		return p, err
	}
	p.Entries = view.OfLoopEntries(entries)
	p.Before, p.After, err = t.neighbours(ctx, d)
	return p, err
}

// neighbours are the decisions of the same policy before and after one.
func (t *table) neighbours(ctx context.Context, d trimtab.Decision) (before, after string, err error) {
	older, err := t.cfg.Loop.Decisions.List(ctx, trimtab.DocumentQuery{Scope: d.Policy, To: d.At, Limit: 1})
	if err != nil {
		return "", "", err
	}
	if len(older) > 0 {
		before = older[0].ID
	}
	// Lists come the newest first: the next one is sought in growing spans.
	for span := trimtab.Time(1 << 28); span < 1<<45; span <<= 2 { // from three days on
		newer, err := t.cfg.Loop.Decisions.List(ctx, trimtab.DocumentQuery{Scope: d.Policy, From: d.At + 1, To: d.At + span, Limit: 1000})
		if err != nil {
			return "", "", err
		}
		if len(newer) > 0 {
			return before, newer[len(newer)-1].ID, nil
		}
	}
	return before, "", nil
}

func (t *table) incidentPage(ctx context.Context, memory *loopMemory, id string) (p view.IncidentPage, err error) {
	loop := t.cfg.Loop
	if err := t.loopParts(); err != nil {
		return p, err
	}
	i, err := loop.Incidents.Get(ctx, id)
	if err != nil {
		return p, err
	}
	model := ""
	if r, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, i.Endpoint); err == nil {
		s, err := declaredSpec[trimtab.EndpointSpec](r)
		if err != nil {
			return p, err
		}
		model = string(s.Model.Name)
	} else if !trimtab.IsKind(err, trimtab.NotFound) {
		return p, err
	}
	var windows []trimtab.WindowResult
	if i.Monitor != "" {
		w, err := t.watching(ctx)
		if err != nil {
			return p, err
		}
		policy := ""
		if all := w.decides[i.Monitor]; len(all) > 0 {
			policy = all[0]
		}
		m, err := memory.of(ctx, &t.cfg, i.Monitor, policy)
		if err != nil {
			return p, err
		}
		for _, x := range m.windows {
			windows = append(windows, x.WindowResult)
		}
	}
	decisions, err := loop.Decisions.List(ctx, trimtab.DocumentQuery{From: i.Begin, To: i.Closed + bit(i.Closed != 0), Limit: 500})
	if err != nil {
		return p, err
	}
	decisions = slices.DeleteFunc(decisions, func(d trimtab.Decision) bool { return !concerns(i, d.Endpoint) })
	entries, err := t.cfg.Journal.ByObject(ctx, "incident", i.ID, maxEntries)
	if err != nil {
		return p, err
	}
	return view.IncidentPageOf(i, model, windows, decisions, entries), nil
}

// bit is 1 when something holds: it makes an end inclusive where there is one.
func bit(holds bool) trimtab.Time {
	if holds {
		return 1
	}
	return 0
}
