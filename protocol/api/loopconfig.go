package api

import (
	"context"

	"github.com/trimtab/trimtab"
)

// Documents reads the records of one kind, the newest first.
type Documents[T trimtab.Document] interface {
	Get(ctx context.Context, name string) (T, error)
	List(ctx context.Context, q trimtab.DocumentQuery) ([]T, error)
}

// Incidents are records that a person can move as well.
type Incidents interface {
	Documents[trimtab.Incident]
	Move(ctx context.Context, name string, rule func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error)) (trimtab.Incident, error)
}

// Decider does what people say about the loop. The person is the caller.
type Decider interface {
	Approve(ctx context.Context, id, reason string) (trimtab.Decision, error)
	Reject(ctx context.Context, id, reason string) (trimtab.Decision, error)
	CloseBreaker(ctx context.Context, policy, reason string) (trimtab.PolicyState, error)
	// Pause pauses or resumes the whole loop of the project, name "", or one policy.
	Pause(ctx context.Context, name string, paused bool, reason string) (trimtab.Pause, error)
	// PauseAll does it in every project.
	PauseAll(ctx context.Context, paused bool, reason string) ([]trimtab.Pause, error)
}

// Roller does what people say about an open rollout. All need a reason.
type Roller interface {
	Promote(ctx context.Context, id, reason string) (trimtab.Rollout, error)
	RollBack(ctx context.Context, id, reason string) (trimtab.Rollout, error)
	Hold(ctx context.Context, id, reason string) (trimtab.Rollout, error)
	Resume(ctx context.Context, id, reason string) (trimtab.Rollout, error)
}

// Loop is the closed loop as people see it. A part that is nil answers Unsupported.
type Loop struct {
	Decisions Documents[trimtab.Decision]
	Incidents Incidents
	Rollouts  Documents[trimtab.Rollout]
	Policies  Documents[trimtab.PolicyState]
	Pauses    Documents[trimtab.Pause]
	Decider   Decider
	Roller    Roller
}

// FindIn says which records are listed.
type FindIn struct {
	ProjectIn
	Endpoint string `query:"endpoint" doc:"Only of this endpoint."`
	Open     bool   `query:"open" doc:"Only those on which somebody or something still has to act."`
	From     string `query:"from" doc:"Event time from here on."`
	To       string `query:"to" doc:"Event time before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many items at most."`
}

func (f FindIn) query(scope string) (trimtab.DocumentQuery, error) {
	from, to, err := times(f.From, f.To)
	return trimtab.DocumentQuery{Scope: scope, Open: f.Open, From: from, To: to, Limit: f.Limit}, err
}

// farBack bounds what is read where records must be sorted out after they were listed.
const farBack = 10_000
