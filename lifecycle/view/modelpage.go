package view

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// ModelCatalog is a page of registered models. Its lists are never null.
type ModelCatalog struct {
	Items []ModelLine       `json:"items"`
	Next  trimtab.PageToken `json:"next,omitempty"`
}

// ModelLine is a registered model in the list of all. Quality is the newest window of the first monitor of its endpoints
// that has the monitor's first metric.
type ModelLine struct {
	Name        trimtab.ModelName `json:"name"`
	Description string            `json:"description,omitempty"`
	Task        string            `json:"task,omitempty"`
	Versions    trimtab.Version   `json:"versions"` // the highest number ever given
	Newest      trimtab.Time      `json:"newest,omitzero"`
	Status      string            `json:"status,omitempty"` // of the newest version
	Aliases     []OverviewAlias   `json:"aliases"`
	Serves      []ModelService    `json:"serves"`
	Quality     *Headline         `json:"quality,omitempty"`
	Trend       []Figure          `json:"trend,omitempty"` // of the metric, window by window, the newest last
	Labels      map[string]string `json:"labels,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Updated     trimtab.Time      `json:"updated,omitzero"`
}

// ModelService is an endpoint that serves a model. Version answers now, 0 for none. Rollout tells that a move of the
// alias begins a rollout instead of taking over at once; Open is the one that is under way.
type ModelService struct {
	Endpoint string          `json:"endpoint"`
	Alias    trimtab.Alias   `json:"alias"`
	Version  trimtab.Version `json:"version,omitempty"`
	Rollout  bool            `json:"rollout,omitempty"`
	Open     string          `json:"open,omitempty"`
	Monitors []string        `json:"monitors,omitempty"`
	Policies []string        `json:"policies,omitempty"`
}

// ModelPage is a registered model with what became of it. Lists are never null.
type ModelPage struct {
	Name        trimtab.ModelName `json:"name"`
	Description string            `json:"description,omitempty"`
	Task        string            `json:"task,omitempty"`
	Declared    bool              `json:"declared,omitempty"` // a Model resource says description and task
	Created     trimtab.Time      `json:"created,omitzero"`
	Updated     trimtab.Time      `json:"updated,omitzero"`
	Tags        map[string]string `json:"tags,omitempty"`
	Aliases     []ModelAlias      `json:"aliases"`
	Moves       []AliasMove       `json:"moves"` // the newest first
	More        bool              `json:"more,omitempty"`
	Services    []ModelService    `json:"services"`
	Quality     []ModelQuality    `json:"quality"`
	Versions    VersionLines      `json:"versions"` // the first page
}

// ModelAlias is an alias with the move that brought it where it is. Since, Actor and Reason are absent when that move
// lies further back than is read.
type ModelAlias struct {
	Name    trimtab.Alias   `json:"name"`
	Version trimtab.Version `json:"version"`
	Since   trimtab.Time    `json:"since,omitzero"`
	Actor   string          `json:"actor,omitempty"`
	Reason  string          `json:"reason,omitempty"`
}

// AliasMove is a move of an alias as the journal has it. From is 0 when it was new, To 0 when it was dropped. Rollout
// and Decision are what moved it, where the reason names one.
type AliasMove struct {
	Index    int64           `json:"index"`
	Time     trimtab.Time    `json:"time"`
	Alias    trimtab.Alias   `json:"alias"`
	From     trimtab.Version `json:"from,omitempty"`
	To       trimtab.Version `json:"to,omitempty"`
	Actor    string          `json:"actor"`
	Reason   string          `json:"reason,omitempty"`
	Rollout  string          `json:"rollout,omitempty"`
	Decision string          `json:"decision,omitempty"`
}

// ModelQuality is the quality of what was served at an endpoint over event time, and which version it was.
type ModelQuality struct {
	Endpoint string               `json:"endpoint"`
	Monitor  string               `json:"monitor"`
	Metric   string               `json:"metric"`
	Windows  []ModelQualityWindow `json:"windows"`
	Spans    []Service            `json:"spans"`
}

// ModelQualityWindow is a window of a monitor with the value of its first metric, null without one.
type ModelQualityWindow struct {
	Start    trimtab.Time      `json:"start"`
	End      trimtab.Time      `json:"end"`
	Value    *Figure           `json:"value,omitempty"`
	Lo       *Figure           `json:"lo,omitempty"`
	Hi       *Figure           `json:"hi,omitempty"`
	Rows     int64             `json:"rows"`
	Versions []trimtab.Version `json:"versions,omitempty"`
}

// VersionLines is a page of versions, the newest first.
type VersionLines struct {
	Items []VersionLine     `json:"items"`
	Next  trimtab.PageToken `json:"next,omitempty"`
}

// The origins of a version.
const (
	OriginTrained      = "trained"      // by a step of a pipeline
	OriginRecalibrated = "recalibrated" // the loop corrected its parent's score
	OriginCopied       = "copied"       // of another version
	OriginRegistered   = "registered"   // by a person or a program, from a run or elsewhere
)

// VersionLine is a version in the list of all. Gate is its newest evaluation; Lead the metric that this looked at first
// with the difference to what it was compared with.
type VersionLine struct {
	Version     trimtab.Version       `json:"version"`
	Status      string                `json:"status"`
	Stage       string                `json:"stage,omitempty"`
	Created     trimtab.Time          `json:"created"`
	User        string                `json:"user,omitempty"`
	Description string                `json:"description,omitempty"`
	Origin      string                `json:"origin"`
	Parent      string                `json:"parent,omitempty"` // MODEL/VERSION of what it was made of
	Run         trimtab.RunID         `json:"run,omitempty"`
	PipelineRun trimtab.PipelineRunID `json:"pipelineRun,omitempty"`
	Step        string                `json:"step,omitempty"`
	Aliases     []trimtab.Alias       `json:"aliases,omitempty"`
	Gate        *VersionGate          `json:"gate,omitempty"`
	Spans       []VersionSpan         `json:"spans,omitempty"` // in which it answered, oldest first
}

// VersionGate is an evaluation in short.
type VersionGate struct {
	ID      string          `json:"id"`
	Suite   string          `json:"suite"`
	Verdict string          `json:"verdict"`
	Reason  string          `json:"reason,omitempty"`
	At      trimtab.Time    `json:"at,omitzero"`
	Against trimtab.Version `json:"against,omitempty"`
	Metric  string          `json:"metric,omitempty"`
	Value   *Figure         `json:"value,omitempty"`
	Diff    *Figure         `json:"diff,omitempty"`
	Lo      *Figure         `json:"lo,omitempty"`
	Hi      *Figure         `json:"hi,omitempty"`
}

// VersionSpan is a span in which a version answered at an endpoint. From is absent when it did from the beginning, To
// when it still does.
type VersionSpan struct {
	Endpoint string       `json:"endpoint"`
	From     trimtab.Time `json:"from,omitzero"`
	To       trimtab.Time `json:"to,omitzero"`
	Why      string       `json:"why,omitempty"`
}

// MovesOf reads the moves of aliases from journal entries of a registered model, which come newest first.
func MovesOf(entries []trimtab.Entry) []AliasMove {
	out := []AliasMove{}
	for _, e := range entries {
		if e.Action != "model.alias.set" && e.Action != "model.alias.delete" {
			continue
		}
		var moved trimtab.AliasMoved
		if json.Unmarshal(e.Data, &moved) != nil {
			continue // an entry that says nothing of what was moved
		}
		m := AliasMove{Index: e.Index, Time: e.Time, Alias: moved.Alias, From: moved.From, To: moved.To, Actor: actorText(e.Actor), Reason: e.Reason}
		m.Rollout, _ = strings.CutPrefix(e.Reason, "rollout ")
		if m.Rollout == e.Reason {
			m.Rollout = ""
		}
		m.Decision, _ = strings.CutPrefix(e.Reason, "decision ")
		if m.Decision == e.Reason {
			m.Decision = ""
		}
		out = append(out, m)
	}
	return out
}

// actorText names an actor for people.
func actorText(a trimtab.Actor) string {
	if a.Kind == trimtab.ControllerActor {
		return "trimtab (" + a.ID + ")"
	}
	return a.ID
}

// AliasesOf are the aliases of a model by name, with the newest of the moves that ends where each is now.
func AliasesOf(m trimtab.RegisteredModel, moves []AliasMove) []ModelAlias {
	out := []ModelAlias{}
	for name, version := range m.Aliases {
		a := ModelAlias{Name: name, Version: version}
		for _, move := range moves {
			if move.Alias == name {
				if move.To == version {
					a.Since, a.Actor, a.Reason = move.Time, move.Actor, move.Reason
				}
				break
			}
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b ModelAlias) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// OriginOf says where a version comes from, and of which other one it was made.
func OriginOf(v trimtab.ModelVersion) (origin, parent string) {
	if n, err := strconv.ParseInt(v.Tags[trimtab.ParentTag], 10, 64); err == nil && n > 0 {
		return OriginRecalibrated, string(v.Model) + "/" + strconv.FormatInt(n, 10)
	}
	if v.Attempt != "" {
		return OriginTrained, ""
	}
	if rest, ok := strings.CutPrefix(v.Source, "models:/"); ok && strings.Contains(rest, "/") {
		return OriginCopied, rest
	}
	return OriginRegistered, ""
}

// VersionLineOf is a version in short. evaluations are those of its model, the newest first; spans those of all versions by endpoint.
func VersionLineOf(v trimtab.ModelVersion, evaluations []trimtab.Evaluation, spans map[string][]Service) VersionLine {
	out := VersionLine{Version: v.Version, Status: v.Status, Stage: v.Stage, Created: v.Created, User: v.User, Description: v.Description, Run: v.Run, Aliases: v.Aliases}
	if out.Stage == "None" {
		out.Stage = ""
	}
	slices.Sort(out.Aliases)
	out.Origin, out.Parent = OriginOf(v)
	out.PipelineRun, out.Step = stepOf(v.Attempt)
	for _, e := range evaluations {
		if e.Version == v.Version {
			g := VersionGateOf(e)
			out.Gate = &g
			break
		}
	}
	out.Spans = SpansOf(v.Version, spans)
	return out
}

// stepOf parts the id of an attempt.
func stepOf(a trimtab.AttemptID) (trimtab.PipelineRunID, string) {
	run, rest, ok := strings.Cut(string(a), ".")
	if !ok {
		return "", ""
	}
	if i := strings.LastIndexByte(rest, '.'); i >= 0 {
		rest = rest[:i]
	}
	return trimtab.PipelineRunID(run), rest
}

// SpansOf are the spans in which a version answered, oldest first.
func SpansOf(v trimtab.Version, spans map[string][]Service) (out []VersionSpan) {
	for endpoint, all := range spans {
		for _, s := range all {
			if s.Version == v {
				out = append(out, VersionSpan{Endpoint: endpoint, From: s.From, To: s.To, Why: s.Why})
			}
		}
	}
	slices.SortFunc(out, func(a, b VersionSpan) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	return out
}

// Served are the spans of service at an endpoint, oldest first: from the rollouts, or, where there are none, from
// the versions that answered in the windows.
func Served(rollouts []trimtab.Rollout, windows []trimtab.WindowResult) []Service {
	return services(rollouts, windows)
}

// VersionGateOf shortens an evaluation to the first metric that it measured.
func VersionGateOf(e trimtab.Evaluation) VersionGate {
	g := VersionGate{ID: e.ID, Suite: e.Suite, Verdict: e.Verdict, Reason: e.Reason, At: e.At, Against: e.Against}
	for _, r := range e.Results {
		if r.Metric == "schema" || r.Metric == "latency" || r.Slice != "" {
			continue
		}
		g.Metric, g.Value = r.Metric, figure(r.Challenger)
		if e.Against != 0 && r.StdErr > 0 {
			g.Diff, g.Lo, g.Hi = figure(r.Diff), figure(r.Lo), figure(r.Hi)
		}
		break
	}
	return g
}

func figure(v float64) *Figure {
	f := Figure(v)
	return &f
}

// ModelQualityOf is the first of the metrics over the windows of a monitor, at most the newest of them as many as most says.
func ModelQualityOf(endpoint, monitor string, metrics []string, windows []trimtab.WindowResult, spans []Service, most int) ModelQuality {
	q := ModelQuality{Endpoint: endpoint, Monitor: monitor, Windows: []ModelQualityWindow{}, Spans: spans}
	q.Metric = leadMetric(windows)
	if len(metrics) > 0 {
		q.Metric = metrics[0]
	}
	for _, w := range windows[max(0, len(windows)-most):] {
		x := ModelQualityWindow{Start: w.Start, End: w.End, Rows: w.Rows, Versions: w.Versions}
		for _, m := range w.Quality {
			if m.Metric == q.Metric {
				x.Value = figure(m.Value)
				if m.HasInterval {
					x.Lo, x.Hi = figure(m.Lo), figure(m.Hi)
				}
			}
		}
		q.Windows = append(q.Windows, x)
	}
	return q
}

// ModelHeadlineOf is the newest window that has a value, with the values of the windows before; nil for none.
func ModelHeadlineOf(q ModelQuality, window trimtab.Window, most int) (*Headline, []Figure) {
	var h *Headline
	var trend []Figure
	for _, w := range slices.Backward(q.Windows) {
		if w.Value == nil {
			continue
		}
		if h == nil {
			h = &Headline{Monitor: q.Monitor, Window: window.Label(w.Start), Metric: OverviewQuality{Metric: q.Metric, Value: *w.Value, Lo: w.Lo, Hi: w.Hi}}
		}
		if len(trend) < most {
			trend = append(trend, *w.Value)
		}
	}
	slices.Reverse(trend)
	return h, trend
}
