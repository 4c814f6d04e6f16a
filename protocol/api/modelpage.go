package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/evaluate"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// ModelFinder reads registered models and versions page by page. Versions are those that are not deleted, the newest first.
type ModelFinder interface {
	FindModels(ctx context.Context, text string, limit int, after trimtab.PageToken) ([]trimtab.RegisteredModel, trimtab.PageToken, error)
	FindVersions(ctx context.Context, name trimtab.ModelName, limit int, after trimtab.PageToken) ([]trimtab.ModelVersion, trimtab.PageToken, error)
	// Newest gives the highest version of each of the models and stages, in one query.
	Newest(ctx context.Context, names []trimtab.ModelName) (map[trimtab.ModelName][]trimtab.ModelVersion, error)
	Version(ctx context.Context, name trimtab.ModelName, v trimtab.Version) (trimtab.ModelVersion, error)
	// Children are the versions that were made of v by the loop.
	Children(ctx context.Context, name trimtab.ModelName, v trimtab.Version) ([]trimtab.ModelVersion, error)
	// Beside are the numbers of the versions before and after, 0 for none.
	Beside(ctx context.Context, name trimtab.ModelName, v trimtab.Version) (before, after trimtab.Version, err error)
}

// ModelFiles reads what versions are made of.
type ModelFiles interface {
	Manifest(ctx context.Context, d trimtab.Digest) (trimtab.Manifest, error)
	// Card is what the files say; Invalid when they are no model that MLflow has written.
	Card(ctx context.Context, m trimtab.Manifest) (view.VersionCard, error)
	// Lineage: ok is false when nobody knows what the version has learnt from.
	Lineage(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (l trimtab.Lineage, ok bool, err error)
}

// Samples finds the rows that show how good a version is.
type Samples interface {
	Survey(ctx context.Context, q evaluate.SampleRequest) (evaluate.Survey, error)
}

// ModelPages is what the pages of models ask. Finder nil answers Unsupported.
type ModelPages struct {
	Finder  ModelFinder
	Files   ModelFiles
	Samples Samples
	Windows RecentWindows

	memory *modelMemory
}

// Limits of the pages of models.
const (
	lineTrend       = 24  // windows of a line of the list
	pageWindows     = 500 // of a model's page
	pageMoves       = 200
	maxQuality      = 20 // endpoints whose quality is drawn
	pageEvaluations = 1000
	cardEvaluations = 20
)

// VersionIn names a version.
type VersionIn struct {
	ModelIn
	Version int64 `path:"version" minimum:"1"`
}

func (t *table) modelPages() {
	t.cfg.Models.memory = newModelMemory()
	add(t, operation{id: "findModels", method: "GET", path: "/catalog/models", summary: "Find registered models, with what serves them and how good it is", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			PageIn
			Query string `query:"q" maxLength:"200" doc:"Only models with this text in their name or description."`
		}) (view.ModelCatalog, error) {
			return t.modelCatalog(ctx, in.Query, in.Limit, trimtab.PageToken(in.After))
		})
	add(t, operation{id: "getModelPage", method: "GET", path: "/catalog/models/{name}", summary: "Show a registered model: aliases with their moves, endpoints, quality, its newest versions", auth: route.Reader},
		func(ctx context.Context, in *ModelIn) (view.ModelPage, error) {
			return t.modelPage(ctx, trimtab.ModelName(in.Name))
		})
	add(t, operation{id: "findVersions", method: "GET", path: "/catalog/models/{name}/versions", summary: "List the versions of a model, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ModelIn
			PageIn
		}) (view.VersionLines, error) {
			name := trimtab.ModelName(in.Name)
			if t.cfg.Models.Finder == nil {
				return view.VersionLines{}, absent("registry")
			}
			served, err := t.serves(ctx)
			if err != nil {
				return view.VersionLines{}, err
			}
			spans, _, err := t.spans(ctx, served.of[name])
			if err != nil {
				return view.VersionLines{}, err
			}
			return t.versionLines(ctx, name, spans, in.Limit, trimtab.PageToken(in.After))
		})
	add(t, operation{id: "getVersionPage", method: "GET", path: "/catalog/models/{name}/versions/{version}", summary: "Show a model version: card, lineage, evaluations, where it serves", auth: route.Reader},
		func(ctx context.Context, in *VersionIn) (view.VersionPage, error) {
			return t.versionPage(ctx, trimtab.ModelName(in.Name), trimtab.Version(in.Version))
		})
	add(t, operation{id: "getVersionPerformance", method: "GET", path: "/catalog/models/{name}/versions/{version}/performance", summary: "Measure a model version on logged rows with labels", auth: route.Reader},
		func(ctx context.Context, in *struct {
			VersionIn
			Rows     string `query:"rows" doc:"answered: rows that it answered itself. scored: rows that are new to it, scored now. Without it the first, when it has served." example:"answered"`
			Endpoint string `query:"endpoint" doc:"Where the rows were served; without it at the first that has a monitor."`
			Against  int64  `query:"against" minimum:"0" doc:"Another version, scored on the same rows."`
		}) (view.Performance, error) {
			return t.performance(ctx, evaluate.SampleRequest{Model: trimtab.ModelName(in.Name), Version: trimtab.Version(in.Version), Against: trimtab.Version(in.Against), Source: in.Rows, Endpoint: in.Endpoint})
		})
}

// served is what endpoints, monitors and policies declare of models.
type served struct {
	of       map[trimtab.ModelName][]view.ModelService
	monitors map[string]trimtab.MonitorSpec
	models   map[trimtab.ModelName]trimtab.Resource
}

// serves reads what serves which model: four lists, however many models are asked for.
func (t *table) serves(ctx context.Context) (s served, err error) {
	s = served{map[trimtab.ModelName][]view.ModelService{}, map[string]trimtab.MonitorSpec{}, map[trimtab.ModelName]trimtab.Resource{}}
	lists := map[string][]trimtab.Resource{}
	for _, kind := range []string{trimtab.KindEndpoint, trimtab.KindMonitor, trimtab.KindRetrainPolicy, trimtab.KindModel} {
		if lists[kind], err = t.cfg.Resources.List(ctx, kind); err != nil {
			return s, err
		}
		slices.SortFunc(lists[kind], func(a, b trimtab.Resource) int { return cmp.Compare(a.Name, b.Name) })
	}
	watching, deciding := map[string][]string{}, map[string][]string{}
	for _, r := range lists[trimtab.KindMonitor] {
		m, err := declaredSpec[trimtab.MonitorSpec](r)
		if err != nil {
			return s, err
		}
		s.monitors[r.Name] = m
		watching[m.Endpoint] = append(watching[m.Endpoint], r.Name)
	}
	for _, r := range lists[trimtab.KindRetrainPolicy] {
		p, err := declaredSpec[trimtab.RetrainPolicySpec](r)
		if err != nil {
			return s, err
		}
		deciding[p.Monitor] = append(deciding[p.Monitor], r.Name)
	}
	for _, r := range lists[trimtab.KindModel] {
		s.models[trimtab.ModelName(r.Name)] = r
	}
	var open []trimtab.Rollout
	if t.cfg.Loop.Rollouts != nil {
		if open, err = t.cfg.Loop.Rollouts.List(ctx, trimtab.DocumentQuery{Open: true, Limit: farBack}); err != nil {
			return s, err
		}
	}
	for _, r := range lists[trimtab.KindEndpoint] {
		e, err := declaredSpec[trimtab.EndpointSpec](r)
		if err != nil {
			return s, err
		}
		x := view.ModelService{Endpoint: r.Name, Alias: cmp.Or(e.Model.Alias, "champion"), Rollout: e.Rollout != nil, Monitors: watching[r.Name]}
		for _, m := range x.Monitors {
			x.Policies = append(x.Policies, deciding[m]...)
		}
		for _, o := range open {
			if o.Endpoint == r.Name {
				x.Open = o.ID
			}
		}
		if t.cfg.Serving != nil {
			now := view.Endpoint{Name: r.Name}
			if err := t.cfg.Serving.Serving(ctx, &now); err != nil {
				return s, err
			}
			x.Version = now.Version
		}
		s.of[e.Model.Name] = append(s.of[e.Model.Name], x)
	}
	return s, nil
}

// modelCatalog is a page of the list of models.
func (t *table) modelCatalog(ctx context.Context, text string, limit int, after trimtab.PageToken) (view.ModelCatalog, error) {
	out := view.ModelCatalog{Items: []view.ModelLine{}}
	p := t.cfg.Models
	if p.Finder == nil {
		return out, absent("registry")
	}
	models, next, err := p.Finder.FindModels(ctx, text, min(limit, 200), after)
	if err != nil {
		return out, err
	}
	out.Next = next
	served, err := t.serves(ctx)
	if err != nil {
		return out, err
	}
	names := make([]trimtab.ModelName, len(models))
	for i, m := range models {
		names[i] = m.Name
	}
	newest, err := p.Finder.Newest(ctx, names)
	if err != nil {
		return out, err
	}
	for _, m := range models {
		line := view.ModelLine{Name: m.Name, Description: m.Description, Versions: m.LastVersion, Aliases: []view.OverviewAlias{}, Serves: served.of[m.Name], Tags: m.Tags, Updated: m.Updated}
		if line.Serves == nil {
			line.Serves = []view.ModelService{}
		}
		for alias, version := range m.Aliases {
			line.Aliases = append(line.Aliases, view.OverviewAlias{Name: alias, Version: version})
		}
		slices.SortFunc(line.Aliases, func(a, b view.OverviewAlias) int { return cmp.Compare(a.Name, b.Name) })
		for _, v := range newest[m.Name] {
			if v.Created >= line.Newest {
				line.Newest, line.Status = v.Created, v.Status
			}
		}
		if r, ok := served.models[m.Name]; ok {
			spec, err := declaredSpec[trimtab.ModelSpec](r)
			if err != nil {
				return out, err
			}
			line.Task, line.Labels, line.Description = spec.Task, r.Labels, cmp.Or(m.Description, spec.Description)
		}
		if line.Quality, line.Trend, err = t.headline(ctx, served, line.Serves); err != nil {
			return out, err
		}
		out.Items = append(out.Items, line)
	}
	return out, nil
}

// headline is the newest quality of a model; only models that are watched are asked for.
func (t *table) headline(ctx context.Context, s served, services []view.ModelService) (*view.Headline, []view.Figure, error) {
	if t.cfg.Models.Windows == nil {
		return nil, nil, nil
	}
	for _, x := range services {
		for _, m := range x.Monitors {
			windows, err := newestOf(ctx, t.cfg.Models.Windows, m, 0, lineTrend)
			if err != nil {
				return nil, nil, err
			}
			spec := s.monitors[m]
			h, trend := view.ModelHeadlineOf(view.ModelQualityOf(x.Endpoint, m, spec.Performance.Metrics, windows, nil, lineTrend), spec.Window, lineTrend)
			if h != nil {
				return h, trend, nil
			}
		}
	}
	return nil, nil, nil
}

// spans are the spans of service of each endpoint, and the rollouts that they come from.
func (t *table) spans(ctx context.Context, services []view.ModelService) (map[string][]view.Service, map[string][]trimtab.WindowResult, error) {
	spans, all := map[string][]view.Service{}, map[string][]trimtab.WindowResult{}
	for _, x := range services {
		var rollouts []trimtab.Rollout
		var windows []trimtab.WindowResult
		var err error
		if t.cfg.Loop.Rollouts != nil {
			if rollouts, err = t.cfg.Loop.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: x.Endpoint, Limit: farBack}); err != nil {
				return nil, nil, err
			}
		}
		if len(x.Monitors) > 0 && t.cfg.Models.Windows != nil {
			if windows, err = newestOf(ctx, t.cfg.Models.Windows, x.Monitors[0], 0, pageWindows); err != nil {
				return nil, nil, err
			}
		}
		all[x.Endpoint] = windows
		spans[x.Endpoint] = view.Served(rollouts, windows)
		if len(spans[x.Endpoint]) == 0 && x.Version != 0 {
			spans[x.Endpoint] = []view.Service{{Version: x.Version, Why: "it answers now"}}
		}
	}
	return spans, all, nil
}

func (t *table) versionLines(ctx context.Context, name trimtab.ModelName, spans map[string][]view.Service, limit int, after trimtab.PageToken) (view.VersionLines, error) {
	out := view.VersionLines{Items: []view.VersionLine{}}
	versions, next, err := t.cfg.Models.Finder.FindVersions(ctx, name, limit, after)
	if err != nil {
		return out, err
	}
	out.Next = next
	var evaluations []trimtab.Evaluation
	if t.cfg.Evaluations != nil {
		if evaluations, err = t.cfg.Evaluations.List(ctx, trimtab.DocumentQuery{Scope: string(name), Limit: pageEvaluations}); err != nil {
			return out, err
		}
	}
	for _, v := range versions {
		out.Items = append(out.Items, view.VersionLineOf(v, evaluations, spans))
	}
	return out, nil
}

// modelPage is a registered model with what became of it.
func (t *table) modelPage(ctx context.Context, name trimtab.ModelName) (p view.ModelPage, err error) {
	if t.cfg.Models.Finder == nil || t.cfg.Registry == nil {
		return p, absent("registry")
	}
	s, err := t.serves(ctx)
	if err != nil {
		return p, err
	}
	m, err := t.cfg.Registry.Model(ctx, name)
	declared, isDeclared := s.models[name]
	if err != nil && !(trimtab.IsKind(err, trimtab.NotFound) && isDeclared) {
		return p, err
	}
	p = view.ModelPage{Name: name, Description: m.Description, Created: m.Created, Updated: m.Updated, Tags: m.Tags, Declared: isDeclared, Services: s.of[name], Quality: []view.ModelQuality{}}
	if p.Services == nil {
		p.Services = []view.ModelService{}
	}
	if isDeclared {
		spec, err := declaredSpec[trimtab.ModelSpec](declared)
		if err != nil {
			return p, err
		}
		p.Task, p.Description = spec.Task, cmp.Or(m.Description, spec.Description)
	}
	entries, err := t.cfg.Journal.ByObject(ctx, m.Object().Kind, string(name), farBack)
	if err != nil {
		return p, err
	}
	p.Moves = view.MovesOf(entries)
	p.Aliases = view.AliasesOf(m, p.Moves)
	p.More = len(p.Moves) > pageMoves || len(entries) == farBack
	p.Moves = p.Moves[:min(len(p.Moves), pageMoves)]
	spans, windows, err := t.spans(ctx, p.Services)
	if err != nil {
		return p, err
	}
	each := max(20, 4*pageWindows/max(1, len(p.Services))) // of many endpoints fewer windows: an answer stays small
	for _, x := range p.Services {
		if len(x.Monitors) > 0 && len(p.Quality) < maxQuality {
			spec := s.monitors[x.Monitors[0]]
			p.Quality = append(p.Quality, view.ModelQualityOf(x.Endpoint, x.Monitors[0], spec.Performance.Metrics, windows[x.Endpoint], spans[x.Endpoint], min(each, pageWindows)))
			p.Task = cmp.Or(p.Task, spec.Performance.Task)
		}
	}
	p.Versions, err = t.versionLines(ctx, name, spans, 100, "")
	return p, err
}

// versionPage is a version as a card.
func (t *table) versionPage(ctx context.Context, name trimtab.ModelName, number trimtab.Version) (p view.VersionPage, err error) {
	parts := t.cfg.Models
	if parts.Finder == nil {
		return p, absent("registry")
	}
	v, err := parts.Finder.Version(ctx, name, number)
	if err != nil {
		return p, err
	}
	s, err := t.serves(ctx)
	if err != nil {
		return p, err
	}
	services := s.of[name]
	spans, windows, err := t.spans(ctx, services)
	if err != nil {
		return p, err
	}
	evaluations := []trimtab.Evaluation{}
	if t.cfg.Evaluations != nil {
		all, err := t.cfg.Evaluations.List(ctx, trimtab.DocumentQuery{Scope: string(name), Limit: pageEvaluations})
		if err != nil {
			return p, err
		}
		for _, e := range all {
			if e.Version == number && len(evaluations) < cardEvaluations {
				evaluations = append(evaluations, e)
			}
		}
	}
	p = view.VersionPage{Line: view.VersionLineOf(v, evaluations, spans), Model: name, Source: v.Source, Tags: v.Tags, Manifest: v.Manifest,
		Files: []view.VersionFile{}, Evaluations: evaluations, Measured: []view.VersionMeasured{}, Children: []view.VersionChild{}, Services: services, Reproduce: []string{}}
	if p.Services == nil {
		p.Services = []view.ModelService{}
	}
	if err := t.versionFiles(ctx, v, &p); err != nil {
		return p, err
	}
	if err := t.lineage(ctx, v, &p); err != nil {
		return p, err
	}
	for _, x := range services {
		p.Measured = append(p.Measured, view.MeasuredOf(number, p.Lineage.Until, windows[x.Endpoint])...)
	}
	children, err := parts.Finder.Children(ctx, name, number)
	if err != nil {
		return p, err
	}
	for _, c := range children {
		origin, _ := view.OriginOf(c)
		p.Children = append(p.Children, view.VersionChild{Version: c.Version, Origin: origin, Created: c.Created})
	}
	p.Before, p.After, err = parts.Finder.Beside(ctx, name, number)
	p.Reproduce = reproduce(p)
	return p, err
}

// versionFiles reads manifest and card.
func (t *table) versionFiles(ctx context.Context, v trimtab.ModelVersion, p *view.VersionPage) error {
	parts := t.cfg.Models
	if v.Manifest == "" {
		p.NoCard = "its files are frozen when the run that made it ends"
		return nil
	}
	if parts.Files == nil {
		p.NoCard = "this server keeps no files"
		return nil
	}
	manifest, err := parts.Files.Manifest(ctx, v.Manifest)
	if err != nil {
		return err
	}
	p.FilesOf(manifest)
	card, err := parts.memory.card(v.Manifest, func() (view.VersionCard, error) {
		return parts.Files.Card(ctx, manifest)
	})
	if trimtab.IsKind(err, trimtab.Invalid) || trimtab.IsKind(err, trimtab.Unsupported) {
		p.NoCard = trimtab.Message(err)
		return nil
	}
	p.Card = &card
	return err
}

// lineage tells what the version has learnt from, with the runs that made it.
func (t *table) lineage(ctx context.Context, v trimtab.ModelVersion, p *view.VersionPage) error {
	gone := func(err error) error { // what made a version may have been deleted since
		if trimtab.IsKind(err, trimtab.NotFound) {
			return nil
		}
		return err
	}
	if t.cfg.Models.Files != nil {
		l, ok, err := t.cfg.Models.Files.Lineage(ctx, v.Model, v.Version)
		if gone(err) != nil {
			return err
		}
		if err == nil {
			p.Lineage = view.VersionLineage{Known: ok, Until: l.Until, Parent: l.Parent, PipelineRun: l.Run, Snapshot: l.Snapshot, DataSource: l.Source, Label: l.Label}
		}
	}
	run := cmp.Or(p.Line.PipelineRun, p.Lineage.PipelineRun)
	if run != "" && t.cfg.PipelineRuns != nil {
		r, err := t.cfg.PipelineRuns.GetRun(ctx, run)
		if gone(err) != nil {
			return err
		}
		if err == nil {
			l := &p.Lineage
			l.Pipeline, l.PipelineRun, l.Cause, l.Params, l.Generation = r.Pipeline, r.ID, r.Cause, r.Params, r.Generation
			var spec trimtab.PipelineSpec
			if json.Unmarshal(r.Spec, &spec) == nil {
				if spec.Code != nil {
					l.Code = spec.Code.Digest
				}
				if spec.Env != nil {
					l.Lock = spec.Env.Lock
				}
			}
			for _, step := range r.Steps {
				if d := step.Outputs[trimtab.RowsOutput]; d != "" && d == l.Snapshot {
					l.Reason = step.Reason
				}
			}
		}
	}
	if v.Run != "" && t.cfg.Runs != nil {
		r, err := t.cfg.Runs.Get(ctx, v.Run)
		if gone(err) != nil {
			return err
		}
		if err == nil {
			p.RunFacts = view.RunFactsOf(r, t.experimentName(ctx, r.Experiment))
		}
	}
	return nil
}

// reproduce lists commands that make a version again, or fetch it.
func reproduce(p view.VersionPage) []string {
	out := []string{}
	l := p.Lineage
	if l.Pipeline != "" && p.Line.Origin == view.OriginTrained {
		command := "trimtab pipeline run " + quoted(l.Pipeline)
		for _, key := range slices.Sorted(keys(l.Params)) {
			command += " -p " + quoted(key+"="+l.Params[key])
		}
		out = append(out, command)
	}
	return append(out, fmt.Sprintf("mlflow artifacts download --artifact-uri %s --dst-path model", quoted("models:/"+string(p.Model)+"/"+strconv.FormatInt(int64(p.Line.Version), 10))))
}

func keys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// quoted is a word of a command line.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r == '-' || r == '_' || r == '.' || r == '/' || r == ':' || r == '=' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
