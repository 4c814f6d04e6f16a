package trimtab

import (
	"encoding/json"
	"slices"
	"strconv"
)

// PipelineSpec declares steps and what they run in.
type PipelineSpec struct {
	Description string            `json:"description,omitempty"`
	Params      map[string]string `json:"params,omitempty"`     // defaults; a run may override them
	Experiment  string            `json:"experiment,omitempty"` // MLflow experiment of its runs; default the pipeline's name
	Code        *CodeSpec         `json:"code,omitempty"`
	Env         *EnvSpec          `json:"env,omitempty"`
	Steps       []StepSpec        `json:"steps"`
}

// CodeSpec is the folder of the pipeline's code; apply packs it and fills Digest.
type CodeSpec struct {
	Path   string `json:"path"`
	Digest Digest `json:"digest,omitempty"` // of the packed tar
}

// EnvSpec is the Python environment of the steps.
type EnvSpec struct {
	Lock string `json:"lock,omitempty"` // a uv.lock (with its pyproject.toml) inside the code folder
}

// StepSpec is one step: exactly one of Run, Dataset, Promote.
type StepSpec struct {
	Name    string       `json:"name"`
	Needs   []string     `json:"needs,omitempty"`
	Run     string       `json:"run,omitempty"` // a command line; {{ params.x }} is replaced, word by word
	Dataset *DatasetSpec `json:"dataset,omitempty"`
	Promote *PromoteSpec `json:"promote,omitempty"`

	// Inputs maps a file name below $IN to "STEP.OUTPUT".
	Inputs map[string]string `json:"inputs,omitempty"`
	// Outputs maps a name to a path below $OUT (a trailing slash means a folder).
	Outputs map[string]string `json:"outputs,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
	Timeout Duration          `json:"timeout,omitempty"` // default 1h
	Retry   *RetrySpec        `json:"retry,omitempty"`
	Cache   string            `json:"cache,omitempty"`   // "auto" (default) | "off" | "refresh"
	Effects string            `json:"effects,omitempty"` // "none" | "idempotent" (default) | "external"
}

// RetrySpec says after which causes a step is tried again, and how often.
type RetrySpec struct {
	Max     int      `json:"max"`
	Backoff Duration `json:"backoff,omitempty"` // before the second attempt; doubles; default 1s
	On      []string `json:"causes,omitempty"`  // "lost" "timeout" "error" "exit:N"; default lost, exit:75
}

// PromoteSpec points an alias to the version that this pipeline run registered.
type PromoteSpec struct {
	Model ModelName `json:"model"`
	Alias Alias     `json:"alias"`
	When  string    `json:"when,omitempty"` // "absent" | "always" (default)
}

// PipelineState is the state of a pipeline run.
type PipelineState string

const (
	PipelinePending   PipelineState = "pending"
	PipelineRunning   PipelineState = "running"
	PipelineCanceling PipelineState = "canceling"
	PipelineSucceeded PipelineState = "succeeded"
	PipelineFailed    PipelineState = "failed"
	PipelineCanceled  PipelineState = "canceled"
)

// Ended reports whether the state is final.
func (s PipelineState) Ended() bool {
	return s == PipelineSucceeded || s == PipelineFailed || s == PipelineCanceled
}

// PipelineRun is one execution of a pipeline's spec, frozen at its start.
type PipelineRun struct {
	Workspace  Workspace         `json:"ws"`
	ID         PipelineRunID     `json:"id"`
	Pipeline   string            `json:"pipeline"`
	Generation int64             `json:"generation"`
	Spec       json.RawMessage   `json:"spec"` // PipelineSpec
	Params     map[string]string `json:"params,omitempty"`
	State      PipelineState     `json:"state"`
	Reason     string            `json:"reason,omitzero"`  // why it failed or was cancelled
	Cause      string            `json:"cause,omitzero"`   // what started it
	Cache      string            `json:"cache,omitzero"`   // "off" | "refresh" override for the whole run
	RetryOf    PipelineRunID     `json:"retryOf,omitzero"` // the failed run whose good steps it took over
	Created    Time              `json:"created"`
	Ended      Time              `json:"ended,omitzero"`

	Steps []Step `json:"-"`
}

// Object names the run in the journal.
func (r PipelineRun) Object() Object { return Object{Kind: "pipelineRun", Name: string(r.ID)} }

// Change makes the journal change of an action that leads from before (nil for a new one) to r.
func (r PipelineRun) Change(action string, before *PipelineRun) Change {
	c := Change{Action: action, Object: r.Object(), After: StateDigest(r), Reason: r.Reason}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}

// To moves the run to a state. Terminal is terminal.
func (r PipelineRun) To(state PipelineState, reason string, now Time) (PipelineRun, Change, error) {
	allowed := map[PipelineState][]PipelineState{
		PipelinePending:   {PipelineRunning, PipelineCanceling, PipelineCanceled, PipelineFailed},
		PipelineRunning:   {PipelineCanceling, PipelineSucceeded, PipelineFailed},
		PipelineCanceling: {PipelineCanceled, PipelineSucceeded, PipelineFailed},
	}
	if !slices.Contains(allowed[r.State], state) {
		return r, Change{}, Errorf(Precondition, r.Object().String(), "pipeline run %s is %s; it cannot become %s", r.ID, r.State, state)
	}
	old := r
	r.State, r.Reason = state, reason
	if state.Ended() {
		r.Ended = now
	}
	return r, r.Change("pipelineRun."+string(state), &old), nil
}

// StepState is the state of a step.
type StepState string

const (
	StepWaiting   StepState = "waiting"  // for its needs, or for its backoff
	StepStarting  StepState = "starting" // the intent of attempt N is committed
	StepRunning   StepState = "running"
	StepSucceeded StepState = "succeeded"
	StepCached    StepState = "cached" // succeeded with the outputs of an equal earlier step
	StepFailed    StepState = "failed"
	StepCanceled  StepState = "canceled"
	StepSkipped   StepState = "skipped" // a step that it needs did not succeed
)

// Ended reports whether the state is final.
func (s StepState) Ended() bool {
	switch s {
	case StepSucceeded, StepCached, StepFailed, StepCanceled, StepSkipped:
		return true
	}
	return false
}

// Good reports whether steps that need this one may start.
func (s StepState) Good() bool { return s == StepSucceeded || s == StepCached }

// Step is one step of a pipeline run. Attempt is the number of the newest
// attempt, 0 before the first.
type Step struct {
	Workspace Workspace         `json:"ws"`
	Run       PipelineRunID     `json:"run"`
	Name      string            `json:"name"`
	Ordinal   int               `json:"ordinal"`
	State     StepState         `json:"state"`
	Attempt   int               `json:"attempt,omitzero"`
	CacheKey  Digest            `json:"cacheKey,omitzero"`
	CachedOf  AttemptID         `json:"cachedOf,omitzero"`
	Outputs   map[string]Digest `json:"outputs,omitempty"`
	Reason    string            `json:"reason,omitzero"`
	NotBefore Time              `json:"notBefore,omitzero"` // backoff
	Started   Time              `json:"started,omitzero"`
	Ended     Time              `json:"ended,omitzero"`
}

// Object names the step in the journal.
func (s Step) Object() Object {
	return Object{Kind: "step", Name: string(s.Run) + "." + s.Name}
}

// AttemptID is the name of the step's newest attempt.
func (s Step) AttemptID() AttemptID { return NewAttemptID(s.Run, s.Name, s.Attempt) }

// Change makes the journal change of an action that leads from before (nil for a new one) to s.
func (s Step) Change(action string, before *Step) Change {
	c := Change{Action: action, Object: s.Object(), After: StateDigest(s), Reason: s.Reason}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}

var stepMoves = map[StepState][]StepState{
	StepWaiting:  {StepStarting, StepCached, StepCanceled, StepSkipped, StepFailed},
	StepStarting: {StepRunning, StepWaiting, StepSucceeded, StepFailed, StepCanceled},
	StepRunning:  {StepWaiting, StepSucceeded, StepFailed, StepCanceled},
}

// To moves the step to a state; from is the attempt the caller acts for, and a
// result of another attempt is refused (the fence). StepStarting begins the
// next attempt: from is the present number and the new state carries from+1.
func (s Step) To(state StepState, from int, reason string, now Time) (Step, Change, error) {
	if s.Attempt != from {
		return s, Change{}, Errorf(Conflict, s.Object().String(), "step %s.%s is at attempt %d; a result of attempt %d is refused", s.Run, s.Name, s.Attempt, from)
	}
	if !slices.Contains(stepMoves[s.State], state) {
		return s, Change{}, Errorf(Precondition, s.Object().String(), "step %s.%s is %s; it cannot become %s", s.Run, s.Name, s.State, state)
	}
	old := s
	s.State, s.Reason = state, reason
	switch {
	case state == StepStarting:
		s.Attempt++
		s.NotBefore = 0
		if s.Started == 0 {
			s.Started = now
		}
	case state.Ended():
		s.Ended = now
	}
	return s, s.Change("step."+string(state), &old), nil
}

// AttemptState is the state of one attempt of a step.
type AttemptState string

const (
	AttemptStarting  AttemptState = "starting"
	AttemptRunning   AttemptState = "running"
	AttemptSucceeded AttemptState = "succeeded"
	AttemptFailed    AttemptState = "failed"
	AttemptTimeout   AttemptState = "timeout"
	AttemptLost      AttemptState = "lost" // its process vanished without an exit file
	AttemptCanceled  AttemptState = "canceled"
)

// Attempt is one try of a step. TokenHash is the SHA-256 (hex) of its attempt
// token: writes with the token of an attempt that is not the step's newest, or
// that has ended, are refused.
type Attempt struct {
	Workspace Workspace     `json:"ws"`
	Run       PipelineRunID `json:"run"`
	Step      string        `json:"step"`
	N         int           `json:"n"`
	State     AttemptState  `json:"state"`
	MLflowRun RunID         `json:"mlflowRun,omitzero"`
	TokenHash string        `json:"-"`
	Exit      int           `json:"exit,omitzero"`
	Reason    string        `json:"reason,omitzero"`
	Started   Time          `json:"started"`
	Ended     Time          `json:"ended,omitzero"`
}

// ID is the attempt's name.
func (a Attempt) ID() AttemptID { return NewAttemptID(a.Run, a.Step, a.N) }

// Object names the attempt in the journal.
func (a Attempt) Object() Object {
	return Object{Kind: "attempt", Name: string(a.Run) + "." + a.Step, Version: strconv.Itoa(a.N)}
}

// Live reports whether the attempt may still write.
func (a Attempt) Live() bool { return a.State == AttemptStarting || a.State == AttemptRunning }
