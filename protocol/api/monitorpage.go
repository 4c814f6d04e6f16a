package api

import (
	"context"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// NewestWindows reads the newest windows of a monitor that start before a moment (0:
// all), at most limit of them, in order of time.
type NewestWindows interface {
	Recent(ctx context.Context, monitor string, before trimtab.Time, limit int) ([]trimtab.WindowResult, error)
}

// MonitorReader reads the rows of a window again.
type MonitorReader interface {
	Distribution(ctx context.Context, w trimtab.WindowResult, against *trimtab.WindowResult, column string) (monitor.Distribution, error)
	Outcome(ctx context.Context, w trimtab.WindowResult) (monitor.Outcome, error)
}

// Watch is what the pages about monitors and data read beside the loop. A part that is
// nil answers Unsupported.
type Watch struct {
	Windows   NewestWindows
	Reader    MonitorReader
	Contracts Documents[trimtab.ContractResult]
	Snapshots Snapshots
	Looker    Looker
	KeptOut   KeptOut
	Failing   Failing
}

// Snapshots lists snapshots.
type Snapshots interface {
	Page(ctx context.Context, source string, limit int, after trimtab.PageToken) ([]trimtab.Snapshot, trimtab.PageToken, error)
	Newest(ctx context.Context) (newest []trimtab.Snapshot, counts map[string]int64, err error)
	Get(ctx context.Context, source string, digest trimtab.Digest) (trimtab.Snapshot, error)
}

// Looker shows what snapshots look like.
type Looker interface {
	Look(ctx context.Context, digest, against trimtab.Digest) (dataset.SnapshotLook, error)
}

// KeptOut reads rows that are kept out of what is learnt.
type KeptOut interface {
	KeptOut(ctx context.Context, q dataset.KeptOutQuery) (dataset.KeptOutRows, error)
}

// Failing reads the failing rows of contracts.
type Failing interface {
	Failing(ctx context.Context, digest trimtab.Digest, rule string, after int64, limit int) (contract.FailingPage, error)
}

// Limits of one answer.
const (
	sparkWindows    = 20     // of a line of the matrix
	windowCells     = 30_000 // windows times columns of a monitor's page
	mostWindows     = 500
	pastPoints      = 400 // of all windows
	fewestWindows   = 30
	openIncidents   = 1000
	monitorIncident = 300
)

// MonitorWindow is a window of a monitor with what its rows say when they are read again.
type MonitorWindow struct {
	Window  view.WindowFacts         `json:"window"`
	Outcome monitor.Outcome          `json:"outcome"`
	Judged  []trimtab.ContractResult `json:"judged"` // by the contracts of the endpoint, without their examples of rules that are kept
}

func (t *table) monitorPages() {
	add(t, operation{id: "listMonitors", method: "GET", path: "/monitors", summary: "List monitors with the newest value of every signal, trouble first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			PageIn
		}) (view.MonitorTable, error) {
			return t.monitorTable(ctx, min(in.Limit, 200), in.After)
		})
	add(t, operation{id: "getMonitor", method: "GET", path: "/monitors/{name}", summary: "Show the newest windows of a monitor by columns", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name   string `path:"name"`
			Before string `query:"before" doc:"Only windows that start before this moment."`
		}) (view.MonitorPage, error) {
			before, _, err := times(in.Before, "")
			if err != nil {
				return view.MonitorPage{}, err
			}
			return t.monitorPage(ctx, in.Name, before)
		})
	add(t, operation{id: "getWindow", method: "GET", path: "/monitors/{name}/windows/{start}", summary: "Show a window: what was found, and what became of its predictions", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name  string `path:"name"`
			Start string `path:"start" doc:"Where the window starts." example:"2013-04-08T00:00:00Z"`
		}) (MonitorWindow, error) {
			return t.monitorWindow(ctx, in.Name, in.Start)
		})
	add(t, operation{id: "getDistribution", method: "GET", path: "/monitors/{name}/distribution", summary: "Show how a column is spread in a window, its reference and another window", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name    string `path:"name"`
			Window  string `query:"window" required:"true" doc:"Where the window starts." example:"2013-04-08T00:00:00Z"`
			Against string `query:"against" doc:"Where another window starts."`
			Column  string `query:"column" required:"true"`
		}) (monitor.Distribution, error) {
			return t.distribution(ctx, in.Name, in.Window, in.Against, in.Column)
		})
}

// contractsOf names the contracts by what they are about: "endpoint/NAME" or "source/NAME".
func (t *table) contractsOf(ctx context.Context) (map[string][]string, error) {
	all, err := t.cfg.Resources.List(ctx, trimtab.KindDataContract)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, r := range all {
		s, err := declaredSpec[trimtab.DataContractSpec](r)
		if err != nil {
			return nil, err
		}
		about := "source/" + s.Source
		if s.Endpoint != "" {
			about = "endpoint/" + s.Endpoint
		}
		out[about] = append(out[about], r.Name)
	}
	return out, nil
}

// modelsOf are the models that endpoints serve.
func (t *table) modelsOf(ctx context.Context) (map[string]trimtab.ModelName, error) {
	all, err := t.cfg.Resources.List(ctx, trimtab.KindEndpoint)
	if err != nil {
		return nil, err
	}
	out := map[string]trimtab.ModelName{}
	for _, r := range all {
		s, err := declaredSpec[trimtab.EndpointSpec](r)
		if err != nil {
			return nil, err
		}
		out[r.Name] = s.Model.Name
	}
	return out, nil
}

func (t *table) monitorTable(ctx context.Context, limit int, after string) (out view.MonitorTable, err error) {
	w := t.cfg.Watch
	if w.Windows == nil || w.Contracts == nil || t.cfg.Loop.Incidents == nil {
		return out, absent("monitor")
	}
	all, err := t.cfg.Resources.List(ctx, trimtab.KindMonitor)
	if err != nil {
		return out, err
	}
	slices.SortFunc(all, func(a, b trimtab.Resource) int { return strings.Compare(a.Name, b.Name) })
	scope := "monitors/" + string(trimtab.CallOf(ctx).Workspace)
	if after != "" {
		var name string
		if err := trimtab.PageToken(after).Keys(scope, &name); err != nil {
			return out, err
		}
		all = slices.DeleteFunc(all, func(r trimtab.Resource) bool { return r.Name <= name })
	}
	var next trimtab.PageToken
	if len(all) > limit {
		all = all[:limit]
		next = trimtab.NewPageToken(scope, all[limit-1].Name)
	}
	models, err := t.modelsOf(ctx)
	if err != nil {
		return out, err
	}
	contracts, err := t.contractsOf(ctx)
	if err != nil {
		return out, err
	}
	open, err := t.cfg.Loop.Incidents.List(ctx, trimtab.DocumentQuery{Open: true, Limit: openIncidents})
	if err != nil {
		return out, err
	}
	judged := map[string][][]trimtab.ContractResult{} // by endpoint: several monitors may watch one
	var lines []view.MonitorLine
	for _, r := range all {
		f := view.MonitorFacts{Name: r.Name}
		if f.Spec, err = declaredSpec[trimtab.MonitorSpec](r); err != nil {
			return out, err
		}
		f.Spec = f.Spec.WithDefaults()
		f.Model = models[f.Spec.Endpoint]
		if f.Windows, err = newestOf(ctx, w.Windows, r.Name, 0, sparkWindows); err != nil {
			return out, err
		}
		for _, i := range open {
			if concerns(i, f.Spec.Endpoint) {
				f.Incidents = append(f.Incidents, i)
			}
		}
		results, ok := judged[f.Spec.Endpoint]
		if !ok {
			for _, name := range contracts["endpoint/"+f.Spec.Endpoint] {
				found, err := w.Contracts.List(ctx, trimtab.DocumentQuery{Scope: name, Limit: sparkWindows})
				if err != nil {
					return out, err
				}
				results = append(results, found)
			}
			judged[f.Spec.Endpoint] = results
		}
		f.Contracts = results
		lines = append(lines, view.LineOf(f))
	}
	return view.MonitorTableOf(lines, next), nil
}

func (t *table) monitorPage(ctx context.Context, name string, before trimtab.Time) (out view.MonitorPage, err error) {
	w := t.cfg.Watch
	if w.Windows == nil || t.cfg.Loop.Incidents == nil {
		return out, absent("monitor")
	}
	r, err := t.cfg.Resources.Get(ctx, trimtab.KindMonitor, name)
	if err != nil {
		return out, err
	}
	f := view.MonitorFacts{Name: name}
	if f.Spec, err = declaredSpec[trimtab.MonitorSpec](r); err != nil {
		return out, err
	}
	f.Spec = f.Spec.WithDefaults()
	// How wide a window is says how many of them make an answer.
	newest, err := newestOf(ctx, w.Windows, name, before, 1)
	if err != nil {
		return out, err
	}
	limit := mostWindows
	if len(newest) == 1 {
		limit = min(max(windowCells/max(len(newest[0].Drift), 1), fewestWindows), mostWindows)
	}
	if f.Windows, err = newestOf(ctx, w.Windows, name, before, limit+1); err != nil {
		return out, err
	}
	more := len(f.Windows) > limit
	if more {
		f.Windows = f.Windows[1:]
	}
	models, err := t.modelsOf(ctx)
	if err != nil {
		return out, err
	}
	f.Model = models[f.Spec.Endpoint]
	contracts, err := t.contractsOf(ctx)
	if err != nil {
		return out, err
	}
	q := trimtab.DocumentQuery{Scope: f.Spec.Endpoint, Limit: monitorIncident}
	if n := len(f.Windows); n > 0 && before != 0 {
		q.To = f.Windows[n-1].End
	}
	if f.Incidents, err = t.cfg.Loop.Incidents.List(ctx, q); err != nil {
		return out, err
	}
	f.Incidents = slices.DeleteFunc(f.Incidents, func(i trimtab.Incident) bool { return watchedBy(i) && i.Monitor != name })
	out = view.MonitorPageOf(f, contracts["endpoint/"+f.Spec.Endpoint], more)
	if more || before != 0 {
		out.Past, err = pastOf(ctx, w.Windows, name, f)
	}
	return out, err
}

// pastOf is all that a monitor has seen; nil where windows cannot be read slim.
func pastOf(ctx context.Context, from NewestWindows, name string, f view.MonitorFacts) (*view.MonitorPast, error) {
	slim, ok := from.(SlimWindows)
	if !ok {
		return nil, nil
	}
	metric := ""
	if m := f.Spec.Performance.Metrics; len(m) > 0 {
		metric = m[0]
	}
	var all []view.PastWindow
	if err := slim.EachSlim(ctx, name, 0, 0, func(w trimtab.WindowResult) { all = append(all, view.PastWindowOf(w, metric)) }); err != nil {
		return nil, err
	}
	slices.Reverse(all)
	return view.MonitorPastOf(all, metric, pastPoints), nil
}

// watchedBy reports whether an incident is the finding of one monitor, not a matter of the whole endpoint.
func watchedBy(i trimtab.Incident) bool {
	switch i.Kind {
	case trimtab.Drift, trimtab.Decay, trimtab.Miscalibration, trimtab.LabelsStopped, trimtab.TrafficStopped:
		return i.Monitor != ""
	}
	return false
}

// window reads one window of a monitor; NotFound when none starts there.
func (t *table) window(ctx context.Context, name, start string) (w trimtab.WindowResult, err error) {
	at, err := trimtab.ParseTime(start)
	if err != nil {
		return w, err
	}
	all, err := t.cfg.Watch.Windows.Recent(ctx, name, at+1, 1)
	if err != nil {
		return w, err
	}
	if len(all) == 0 || all[0].Start != at {
		return w, trimtab.Errorf(trimtab.NotFound, "window "+at.String(), "monitor %s has no window that starts at %s", name, at)
	}
	return all[0], nil
}

func (t *table) monitorWindow(ctx context.Context, name, start string) (out MonitorWindow, err error) {
	if t.cfg.Watch.Windows == nil || t.cfg.Watch.Reader == nil || t.cfg.Watch.Contracts == nil {
		return out, absent("monitor")
	}
	r, err := t.cfg.Resources.Get(ctx, trimtab.KindMonitor, name)
	if err != nil {
		return out, err
	}
	spec, err := declaredSpec[trimtab.MonitorSpec](r)
	if err != nil {
		return out, err
	}
	w, err := t.window(ctx, name, start)
	if err != nil {
		return out, err
	}
	out.Window = view.WindowFactsOf(w, spec.Window)
	if out.Outcome, err = t.cfg.Watch.Reader.Outcome(ctx, w); err != nil {
		return out, err
	}
	out.Judged = []trimtab.ContractResult{}
	contracts, err := t.contractsOf(ctx)
	if err != nil {
		return out, err
	}
	for _, c := range contracts["endpoint/"+w.Endpoint] {
		found, err := t.cfg.Watch.Contracts.List(ctx, trimtab.DocumentQuery{Scope: c, From: w.End, To: w.End + 1, Limit: 10})
		if err != nil {
			return out, err
		}
		for _, r := range found {
			r.Results = slices.DeleteFunc(slices.Clone(r.Results), func(x trimtab.RuleResult) bool { return x.Failed == 0 && x.Passed })
			out.Judged = append(out.Judged, r)
		}
	}
	return out, nil
}

func (t *table) distribution(ctx context.Context, name, window, against, column string) (d monitor.Distribution, err error) {
	if t.cfg.Watch.Windows == nil || t.cfg.Watch.Reader == nil {
		return d, absent("monitor")
	}
	w, err := t.window(ctx, name, window)
	if err != nil {
		return d, err
	}
	var other *trimtab.WindowResult
	if against != "" {
		x, err := t.window(ctx, name, against)
		if err != nil {
			return d, err
		}
		other = &x
	}
	return t.cfg.Watch.Reader.Distribution(ctx, w, other, column)
}
