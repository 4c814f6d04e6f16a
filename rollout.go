package trimtab

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RolloutSpec declares how a new version takes over an endpoint. Stages that are
// absent are skipped; with none the version takes over at once. All spans are
// event time.
type RolloutSpec struct {
	Shadow *ShadowSpec `json:"shadow,omitempty"`
	Canary *CanarySpec `json:"canary,omitempty"`
	// Bake keeps comparing after the promotion and rolls back when the new version is worse. Default 0s.
	Bake Duration `json:"bake,omitempty"`
	// Look is how often the tests look, at most at every border. Default: a tenth of the stage.
	Look Duration `json:"look,omitempty"`
	// MaxFor ends a stage that stays undecided. Default: four times the stage.
	MaxFor Duration `json:"maxFor,omitempty"`
	// OnInconclusive is what happens then: "hold" (default: wait for a person), "rollback" or "promote".
	OnInconclusive string        `json:"onInconclusive,omitempty"`
	Limits         RolloutLimits `json:"limits,omitzero"`
	Confidence     float64       `json:"confidence,omitempty"` // of all tests of a rollout together; default 0.95
}

// ShadowSpec answers each request with the old version and scores it with both.
type ShadowSpec struct {
	For     Duration `json:"for"`
	MinRows int64    `json:"minRows,omitempty"` // default 500
}

// CanarySpec gives a growing share of requests to the new version. A unit that is
// in a step stays in every later one.
type CanarySpec struct {
	Steps   []float64 `json:"steps"` // shares: [0.05, 0.25, 0.5]
	Each    Duration  `json:"each"`
	MinRows int64     `json:"minRows,omitempty"` // answered by the new version in a step; default 100
	// Key is the input column whose value decides which version answers; default the request id.
	Key string `json:"key,omitempty"`
}

// RolloutLimits are margins of non-inferiority: how much worse the new version may be.
type RolloutLimits struct {
	// Loss: of the mean loss per row (log-loss, or squared error relative to the old version's), as a share of it. Default 0.02.
	Loss float64 `json:"loss,omitempty"`
	// ErrorRate: of the share of requests that fail. Default 0.002.
	ErrorRate float64 `json:"errorRate,omitempty"`
	// ScoreShift: of the score's distribution, as the largest distance of the two distribution functions. Default 0.2.
	ScoreShift float64 `json:"scoreShift,omitempty"`
	// Disagreement: share of rows on which binary decisions at 0.5 may differ. Default 0.2.
	Disagreement float64 `json:"disagreement,omitempty"`
	// LatencyP99 is absolute; 0: none.
	LatencyP99 Duration `json:"latencyP99,omitempty"`
}

// RolloutState is where a rollout stands.
type RolloutState string

const (
	RolloutShadow     RolloutState = "shadow"
	RolloutCanary     RolloutState = "canary"
	RolloutPromoting  RolloutState = "promoting" // the alias is being moved
	RolloutBaking     RolloutState = "baking"    // promoted, still compared
	RolloutPromoted   RolloutState = "promoted"
	RolloutHeld       RolloutState = "held"        // undecided: a person decides
	RolloutRolling    RolloutState = "rollingBack" // the alias is being moved back
	RolloutRolledBack RolloutState = "rolledBack"
	RolloutSuperseded RolloutState = "superseded" // another version came meanwhile
)

// Ended reports whether the state is final.
func (s RolloutState) Ended() bool {
	return s == RolloutPromoted || s == RolloutRolledBack || s == RolloutSuperseded
}

// Look is one look of one sequential test: estimate and anytime-valid bounds of
// how much worse the new version is, against the limit.
type Look struct {
	At       Time    `json:"at"`
	Stage    string  `json:"stage"`
	Test     string  `json:"test"` // "loss" "errors" "scoreShift" "disagreement" "latency" "sampleRatio"
	N        int64   `json:"n"`
	Estimate float64 `json:"estimate"`
	Lo       float64 `json:"lo"`
	Hi       float64 `json:"hi"`
	Limit    float64 `json:"limit"`
	Verdict  string  `json:"verdict"` // "promote" "hold" "rollback" "inconclusive"
	Why      string  `json:"why,omitzero"`
}

// Rollout is one change of the version that answers an endpoint. From is served
// until the promotion, and again after a roll back. Share is the share of requests
// that To answers now.
type Rollout struct {
	Workspace Workspace    `json:"ws"`
	ID        string       `json:"id"` // ENDPOINT.ORDINAL
	Endpoint  string       `json:"endpoint"`
	Model     ModelName    `json:"model"`
	Alias     Alias        `json:"alias"`
	From      Version      `json:"from"`
	To        Version      `json:"to"`
	Origin    string       `json:"origin"` // "alias" (somebody moved it) | "policy" | "person"
	Cause     string       `json:"cause"`  // decision, entry or reason
	Salt      string       `json:"salt"`
	Spec      RolloutSpec  `json:"spec"`
	State     RolloutState `json:"state"`
	Step      int          `json:"step,omitzero"` // of the canary
	Share     float64      `json:"share,omitzero"`
	Begun     Time         `json:"begun"`
	Since     Time         `json:"since"` // beginning of the stage or step
	// Promoted is the moment from which To answers everything, 0 before that.
	Promoted Time   `json:"promoted,omitzero"`
	Looked   Time   `json:"looked,omitzero"` // the last look
	Looks    []Look `json:"looks,omitempty"` // the newest of each test and stage
	Verdict  string `json:"verdict,omitzero"`
	Reason   string `json:"reason,omitzero"`
	Ended    Time   `json:"ended,omitzero"`
}

// RolloutID names the n-th rollout of an endpoint, counted from 1.
func RolloutID(endpoint string, n int) string { return endpoint + "." + strconv.Itoa(n) }

// Object names the rollout in the journal.
func (r Rollout) Object() Object { return Object{Kind: "rollout", Name: r.ID} }

// Head is how the document is listed.
func (r Rollout) Head() Head {
	return Head{Scope: r.Endpoint, At: r.Begun, State: string(r.State), Open: !r.State.Ended()}
}

// Ordinal is the n of RolloutID, 0 when the id is none.
func (r Rollout) Ordinal() int {
	n, err := strconv.Atoi(r.ID[strings.LastIndexByte(r.ID, '.')+1:])
	if err != nil {
		return 0
	}
	return n
}

// RolloutEndpoint is the endpoint that a rollout id names, "" when it is none.
func RolloutEndpoint(id string) string {
	i := strings.LastIndexByte(id, '.')
	return id[:max(i, 0)]
}

// Answers is the version that answers the share of requests that To does not.
func (r Rollout) Answers() Version {
	switch r.State {
	case RolloutPromoting, RolloutBaking, RolloutPromoted:
		return r.To
	}
	return r.From
}

// First is the state in which a rollout of the spec begins.
func (s RolloutSpec) First() (RolloutState, float64) {
	switch {
	case s.Shadow != nil && s.Shadow.For > 0:
		return RolloutShadow, 0
	case s.Canary != nil && len(s.Canary.Steps) > 0:
		return RolloutCanary, s.Canary.Steps[0]
	}
	return RolloutPromoting, 1
}

// NewRollout makes the n-th rollout of an endpoint, at event time at.
func NewRollout(endpoint string, n int, model ModelName, alias Alias, from, to Version, spec RolloutSpec, salt, origin, cause string, at Time) (Rollout, Change) {
	r := Rollout{ID: RolloutID(endpoint, n), Endpoint: endpoint, Model: model, Alias: cmp.Or(alias, "champion"), From: from, To: to,
		Origin: origin, Cause: cause, Salt: salt, Spec: spec, Begun: at, Since: at}
	r.State, r.Share = spec.First()
	return r, Changed("rollout.begin", nil, r, cause)
}

// Move moves the rollout to a state with the share that To answers then.
func (r Rollout) Move(state RolloutState, step int, share float64, at Time, reason string) (Rollout, Change, error) {
	if r.State.Ended() {
		return r, Change{}, Errorf(Precondition, r.Object().String(), "rollout %s is %s", r.ID, r.State)
	}
	if r.State == state && r.Step == step {
		return r, Change{}, nil
	}
	old := r
	r.State, r.Step, r.Share, r.Since, r.Reason = state, step, share, at, reason
	if r.Promoted == 0 && (state == RolloutBaking || state == RolloutPromoted) {
		r.Promoted = at
	}
	if state.Ended() {
		r.Ended = at
	}
	return r, Changed(fmt.Sprintf("rollout.%s", state), &old, r, reason), nil
}

// Under is the state whose tests apply: that of a held rollout is the stage in which it was held.
func (r Rollout) Under() RolloutState {
	switch {
	case r.State != RolloutHeld:
		return r.State
	case r.Share > 0:
		return RolloutCanary
	}
	return RolloutShadow
}

// Stage is the length of the present stage in event time, 0 when it has none.
func (r Rollout) Stage() time.Duration {
	switch r.Under() {
	case RolloutShadow:
		if r.Spec.Shadow != nil {
			return time.Duration(r.Spec.Shadow.For)
		}
	case RolloutCanary:
		if r.Spec.Canary != nil {
			return time.Duration(r.Spec.Canary.Each)
		}
	case RolloutBaking:
		return time.Duration(r.Spec.Bake)
	}
	return 0
}

// Ends is when the present stage has lasted as long as declared, and when it ends
// at the latest if it stays undecided. Both are 0 when the state has no stage.
func (r Rollout) Ends() (at, latest Time) {
	stage := r.Stage()
	if stage <= 0 {
		return 0, 0
	}
	longest := time.Duration(r.Spec.MaxFor)
	if longest <= 0 {
		longest = 4 * stage
	}
	return r.Since.Add(stage), r.Since.Add(max(longest, stage))
}

// NextLook is the first moment after t at which the tests look: every Look since the
// stage began, at its end and at its latest end. It is 0 when the state has no stage.
func (r Rollout) NextLook(t Time) Time {
	end, latest := r.Ends()
	if end == 0 {
		return 0
	}
	t = max(t, r.Since)
	every := max(Time(r.Spec.Every(r.Stage())/time.Millisecond), 1)
	next := r.Since + ((t-r.Since)/every+1)*every
	for _, border := range []Time{end, latest} {
		if border > t {
			next = min(next, border)
		}
	}
	return next
}

// Every is the span between two looks in a stage of the given length.
func (s RolloutSpec) Every(stage time.Duration) time.Duration {
	if s.Look > 0 {
		return time.Duration(s.Look)
	}
	return stage / 10
}

// WithDefaults fills in what the spec leaves out.
func (s RolloutSpec) WithDefaults() RolloutSpec {
	if s.Shadow != nil {
		shadow := *s.Shadow
		shadow.MinRows = cmp.Or(shadow.MinRows, 500)
		s.Shadow = &shadow
	}
	if s.Canary != nil {
		canary := *s.Canary
		canary.Steps = slices.Clone(canary.Steps)
		canary.MinRows = cmp.Or(canary.MinRows, 100)
		s.Canary = &canary
	}
	s.OnInconclusive = cmp.Or(s.OnInconclusive, "hold")
	s.Confidence = cmp.Or(s.Confidence, 0.95)
	s.Limits.Loss = cmp.Or(s.Limits.Loss, 0.02)
	s.Limits.ErrorRate = cmp.Or(s.Limits.ErrorRate, 0.002)
	s.Limits.ScoreShift = cmp.Or(s.Limits.ScoreShift, 0.2)
	s.Limits.Disagreement = cmp.Or(s.Limits.Disagreement, 0.2)
	return s
}

// ServedVersion is the version that answers an endpoint: that of the open rollout,
// if there is one, else the one that the alias points to (0: none). rollouts come
// the newest first.
func ServedVersion(rollouts []Rollout, alias Version) Version {
	for _, r := range rollouts {
		if !r.State.Ended() {
			return r.Answers()
		}
	}
	return alias
}

// RetainedVersions are the versions of an endpoint that stay candidates: those that
// have served it, the newest service first, without the one that serves now, at
// most keep of them. The first that ever served is always among them: it shows what
// would have been without a loop. rollouts come the newest first.
func RetainedVersions(rollouts []Rollout, served Version, keep int) []Version {
	seen := map[Version]bool{served: true, 0: true}
	var out []Version
	first := Version(0)
	for i := len(rollouts) - 1; i >= 0 && first == 0; i-- {
		if first = rollouts[i].From; first == 0 && rollouts[i].State == RolloutPromoted {
			first = rollouts[i].To
		}
	}
	add := func(v Version) {
		room := keep
		if first != served && !seen[first] && v != first {
			room-- // for the first
		}
		if !seen[v] && len(out) < room {
			seen[v] = true
			out = append(out, v)
		}
	}
	for _, r := range rollouts {
		if r.State == RolloutPromoted || r.State == RolloutBaking {
			add(r.To)
		}
		add(r.From)
	}
	add(first)
	return out
}
