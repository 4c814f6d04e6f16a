package view

import (
	"cmp"
	"slices"

	"github.com/trimtab/trimtab"
)

// EndpointList is the page of all endpoints of a project. LeftOut counts those that
// are not shown.
type EndpointList struct {
	Items   []EndpointLine `json:"items"`
	LeftOut int            `json:"leftOut,omitempty"`
}

// EndpointLine is an endpoint on one line. Sync says whether what is declared is what
// is live, Health whether it works: two questions, of which neither answers the other.
// Target is the version that the alias names, Serving the one that answers; 0 for none.
type EndpointLine struct {
	Name    string            `json:"name"`
	Model   trimtab.ModelName `json:"model"`
	Alias   trimtab.Alias     `json:"alias"`
	Target  trimtab.Version   `json:"target"`
	Serving trimtab.Version   `json:"serving"`
	Since   trimtab.Time      `json:"since,omitzero"` // of Serving
	Sync    EndpointSync      `json:"sync"`
	Health  EndpointHealth    `json:"health"`
	Reason  string            `json:"reason,omitempty"` // of Health
	Message string            `json:"message,omitempty"`

	Rollout   string               `json:"rollout,omitempty"` // the open one
	Stage     trimtab.RolloutState `json:"stage,omitempty"`
	Candidate trimtab.Version      `json:"candidate,omitempty"` // that the rollout brings
	Share     float64              `json:"share,omitempty"`     // of requests that it answers

	Mode      trimtab.WatermarkMode `json:"mode"`
	Watermark trimtab.Time          `json:"watermark,omitzero"`
	LiveSince trimtab.Time          `json:"liveSince,omitzero"`
	Holder    string                `json:"holder,omitempty"` // of the replay lease
	Waits     []EndpointWait        `json:"waits"`            // for a person or for work under way

	Predictions int64 `json:"predictions"` // logged
	Labels      int64 `json:"labels"`
	Dropped     int64 `json:"dropped,omitempty"`
	Lost        int64 `json:"lost,omitempty"`
	Late        int64 `json:"late,omitempty"`
	Duplicates  int64 `json:"duplicates,omitempty"`
	Quarantined int64 `json:"quarantined,omitempty"`
}

// EndpointSync says whether what is declared is what is live.
type EndpointSync string

const (
	SyncLive      EndpointSync = "live"      // the version that the alias names answers
	SyncRolling   EndpointSync = "rolling"   // a rollout is under way
	SyncBehind    EndpointSync = "behind"    // another version answers, and no rollout explains it
	SyncUnnamed   EndpointSync = "unnamed"   // the alias names no version
	SyncUndecided EndpointSync = "undecided" // a rollout waits for a person
)

// EndpointWait is how far a listener of an endpoint has come, and what it waits for.
type EndpointWait struct {
	Listener string       `json:"listener"`
	Through  trimtab.Time `json:"through,omitzero"`
	Wait     trimtab.Wait `json:"wait"`
	Detail   string       `json:"detail,omitempty"`
}

// EndpointFacts is what the line of an endpoint is made of. Endpoint holds what the
// data plane says; Rollouts are the open ones.
type EndpointFacts struct {
	Endpoint Endpoint
	Target   trimtab.Version
	Rollout  *trimtab.Rollout
}

// OfEndpoint puts the line of an endpoint together.
func OfEndpoint(f EndpointFacts) EndpointLine {
	v := f.Endpoint
	h := OverviewEndpoint{Target: f.Target}.With(v)
	e := EndpointLine{Name: v.Name, Model: v.Model, Alias: v.Alias, Target: f.Target, Serving: v.Version, Since: v.Since,
		Health: h.State, Reason: h.Reason, Message: h.Message, Mode: cmp.Or(v.State.Mode, trimtab.ClockMode), Watermark: v.Watermark,
		LiveSince: v.State.LiveSince, Holder: v.State.Holder, Waits: []EndpointWait{},
		Predictions: v.Counts["predictions"], Labels: v.Counts["labels"], Dropped: v.Counts["dropped"], Lost: v.Counts["lost"],
		Late: v.Counts["late"], Duplicates: v.Counts["duplicates"], Quarantined: v.Counts["quarantined"]}
	if r := f.Rollout; r != nil {
		e.Rollout, e.Stage, e.Candidate, e.Share = r.ID, r.State, r.To, r.Share
	}
	switch {
	case f.Rollout != nil && f.Rollout.State == trimtab.RolloutHeld:
		e.Sync = SyncUndecided
	case f.Rollout != nil && f.Rollout.State != trimtab.RolloutBaking:
		e.Sync = SyncRolling
	case f.Target == 0:
		e.Sync = SyncUnnamed
	case v.Version == f.Target:
		e.Sync = SyncLive
	default:
		e.Sync = SyncBehind
	}
	for _, s := range v.Settled {
		if s.Wait == trimtab.WaitHuman || s.Wait == trimtab.WaitProcess {
			e.Waits = append(e.Waits, EndpointWait{Listener: s.Listener, Through: s.Through, Wait: s.Wait, Detail: s.Detail})
		}
	}
	return e
}

// EndpointPage is one endpoint on a page.
type EndpointPage struct {
	Endpoint   EndpointLine        `json:"endpoint"`
	URL        string              `json:"url,omitempty"`
	Flavor     string              `json:"flavor,omitempty"` // of the version that answers
	Library    string              `json:"library,omitempty"`
	Conditions []EndpointCondition `json:"conditions"`
	Listeners  []EndpointWait      `json:"listeners"`
	Declared   EndpointDeclared    `json:"declared"`
	Routes     []EndpointRoute     `json:"routes"`
	Columns    []EndpointColumn    `json:"columns"` // that a request has
	Outputs    []string            `json:"outputs"`
	Rollouts   []RolloutLine       `json:"rollouts"`          // newest first, at most 50
	Rollout    *RolloutPage        `json:"rollout,omitempty"` // the newest
	Services   []EndpointService   `json:"services"`          // newest first
	Policies   []EndpointPolicy    `json:"policies"`
	LoopPaused string              `json:"loopPaused,omitempty"` // who paused the loop of the project and why
	Monitors   []string            `json:"monitors"`
	Changes    []AuditEntry        `json:"changes"` // of the declaration, newest first
}

// EndpointCondition is one of the conditions of an endpoint.
type EndpointCondition struct {
	Type    string       `json:"type"`
	Status  bool         `json:"status"`
	Reason  string       `json:"reason,omitempty"`
	Message string       `json:"message,omitempty"`
	Since   trimtab.Time `json:"since,omitzero"`
}

// EndpointDeclared is what is declared of an endpoint, with its defaults.
type EndpointDeclared struct {
	Generation      int64        `json:"generation"`
	Updated         trimtab.Time `json:"updated,omitzero"`
	Manager         string       `json:"manager,omitempty"`
	Output          string       `json:"output,omitempty"`
	Durability      string       `json:"durability,omitempty"`
	RequestID       string       `json:"requestId,omitempty"` // column
	EventTime       string       `json:"eventTime,omitempty"` // column
	AllowedLateness string       `json:"allowedLateness,omitempty"`
	MaxRows         int          `json:"maxRows,omitempty"`
	MaxBodySize     int64        `json:"maxBodySize,omitempty"`
	Rollout         bool         `json:"rollout"` // a new version is rolled out in stages
}

// EndpointRoute is a version that is loaded for an endpoint. Role is "answers",
// "canary", "shadow" or "spare"; Share is that of the requests it answers.
type EndpointRoute struct {
	Version  trimtab.Version `json:"version"`
	Role     string          `json:"role"`
	Share    float64         `json:"share"`
	Flavor   string          `json:"flavor,omitempty"`
	Scored   int64           `json:"scored,omitempty"` // requests in the shadow since the server started
	Failed   int64           `json:"failed,omitempty"` // of them
	Problem  string          `json:"problem,omitempty"`
	Requests int64           `json:"requests"` // asked since the server started
	Errors   int64           `json:"errors"`
}

// EndpointColumn is an input column of a request. Values are the categories that the model knows, at most 200.
type EndpointColumn struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Required bool     `json:"required"`
	Values   []string `json:"values,omitempty"`
}

// EndpointService is a span in which one version answered; To is absent while it still does.
type EndpointService struct {
	Version trimtab.Version `json:"version"`
	From    trimtab.Time    `json:"from,omitzero"`
	To      trimtab.Time    `json:"to,omitzero"`
	Why     string          `json:"why"`
	Rollout string          `json:"rollout,omitempty"` // by which it came
}

// EndpointPolicy is a policy whose monitor watches the endpoint.
type EndpointPolicy struct {
	Name   string `json:"name"`
	Mode   string `json:"mode"`
	Paused string `json:"paused,omitempty"` // who paused it and why
}

// PausedBy says who paused and why, "" when nothing is paused.
func PausedBy(p *trimtab.Pause) string {
	switch {
	case p == nil || !p.Paused:
		return ""
	case p.Reason != "" && p.By != "":
		return p.By + ": " + p.Reason
	}
	return cmp.Or(p.By, p.Reason, "paused")
}

// ServicesOf lists who answered when, from the rollouts of an endpoint, newest first.
func ServicesOf(rollouts []trimtab.Rollout) []EndpointService {
	out := []EndpointService{}
	for _, s := range services(rollouts, nil) {
		e := EndpointService{Version: s.Version, From: s.From, To: s.To, Why: s.Why}
		for _, r := range rollouts {
			if s.From != 0 && (r.To == s.Version && (r.Promoted == s.From || r.Since == s.From) || r.From == s.Version && r.Ended == s.From) {
				e.Rollout = r.ID
			}
		}
		out = append(out, e)
	}
	slices.Reverse(out)
	return out
}

// EndpointExample is a row to try an endpoint with: the last one that was logged, or one of typed zero values.
type EndpointExample struct {
	Source    string       `json:"source"` // "logged" | "model" | "zero"
	At        trimtab.Time `json:"at,omitzero"`
	ID        string       `json:"id,omitempty"`
	Body      string       `json:"body"` // for /invocations
	V2        string       `json:"v2"`   // for /v2/models/NAME/infer
	EventTime string       `json:"eventTime,omitempty"`
}

// EndpointTrial is what a version answered to a request that was neither logged nor
// counted. Values are row by row, one for each of Outputs.
type EndpointTrial struct {
	Version trimtab.Version `json:"version"`
	Rows    int             `json:"rows"`
	Outputs []string        `json:"outputs"`
	Values  []Figure        `json:"values"`
	Micros  int64           `json:"micros"`
}
