package client

import (
	"context"
	"net/url"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// Find says which records are listed, the newest first; zero fields leave them all.
type Find struct {
	Policy   string // of decisions
	Endpoint string
	Kind     string // of incidents
	Acted    bool   // decisions that ask for something
	Open     bool
	From, To trimtab.Time
	Limit    int // 0: 50
}

func (f Find) query() url.Values {
	q := query("policy", f.Policy, "endpoint", f.Endpoint, "kind", f.Kind, "from", f.From.String(), "to", f.To.String(), "limit", number(f.Limit))
	if f.Open {
		q.Set("open", "true")
	}
	if f.Acted {
		q.Set("acted", "true")
	}
	return q
}

// Decisions lists what policies decided.
func (c *Client) Decisions(ctx context.Context, f Find) ([]trimtab.Decision, error) {
	return list[trimtab.Decision](ctx, c, "/decisions", f)
}

// Decision shows a decision; NotFound when there is none.
func (c *Client) Decision(ctx context.Context, id string) (out trimtab.Decision, err error) {
	err = c.call(ctx, request{method: "GET", path: "/decisions/" + url.PathEscape(id), again: true}, &out)
	return out, err
}

// DecideOn says "approve" or "reject" of a decision. Saying it twice is the same.
func (c *Client) DecideOn(ctx context.Context, id, verb, reason string) (trimtab.Decision, error) {
	return say[trimtab.Decision](ctx, c, "/decisions/", id, verb, reason)
}

// Incidents lists what is or was wrong.
func (c *Client) Incidents(ctx context.Context, f Find) ([]trimtab.Incident, error) {
	return list[trimtab.Incident](ctx, c, "/incidents", f)
}

// Incident shows an incident; NotFound when there is none.
func (c *Client) Incident(ctx context.Context, id string) (out trimtab.Incident, err error) {
	err = c.call(ctx, request{method: "GET", path: "/incidents/" + url.PathEscape(id), again: true}, &out)
	return out, err
}

// MoveIncident says "acknowledge", "release" or "close" of an incident. Saying it twice is the same.
func (c *Client) MoveIncident(ctx context.Context, id, verb, reason string) (trimtab.Incident, error) {
	return say[trimtab.Incident](ctx, c, "/incidents/", id, verb, reason)
}

// Rollouts lists changes of the version that answers.
func (c *Client) Rollouts(ctx context.Context, f Find) ([]trimtab.Rollout, error) {
	return list[trimtab.Rollout](ctx, c, "/rollouts", f)
}

// Rollout shows a rollout; NotFound when there is none.
func (c *Client) Rollout(ctx context.Context, id string) (out trimtab.Rollout, err error) {
	err = c.call(ctx, request{method: "GET", path: "/rollouts/" + url.PathEscape(id), again: true}, &out)
	return out, err
}

// MoveRollout says "promote", "rollback", "hold" or "resume" of a rollout. It is sent
// once: a rollout that was moved meanwhile is not what the person saw. A roll back
// may be sent again.
func (c *Client) MoveRollout(ctx context.Context, id, verb, reason string) (out trimtab.Rollout, err error) {
	err = c.call(ctx, request{method: "POST", path: "/rollouts/" + url.PathEscape(id) + "/" + verb, body: map[string]string{"reason": reason}, again: verb == "rollback"}, &out)
	return out, err
}

// Loop shows whether the loop is paused, and where each policy stands.
func (c *Client) Loop(ctx context.Context) (out view.Loop, err error) {
	err = c.call(ctx, request{method: "GET", path: "/loop", again: true}, &out)
	return out, err
}

// PauseLoop says what is paused or resumed: one policy, or, without Policy, the loop
// of the project, or with All of every project.
type PauseLoop struct {
	Policy string `json:"policy,omitempty"`
	All    bool   `json:"all,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// PauseLoop pauses or resumes. Doing it twice is the same.
func (c *Client) PauseLoop(ctx context.Context, paused bool, p PauseLoop) ([]trimtab.Pause, error) {
	path := "/loop/resume"
	if paused {
		path = "/loop/pause"
	}
	var out view.List[trimtab.Pause]
	err := c.call(ctx, request{method: "POST", path: path, body: p, again: true}, &out)
	return out.Items, err
}

// CloseBreaker lets a policy act again whose cures failed several times in a row.
func (c *Client) CloseBreaker(ctx context.Context, policy, reason string) (out view.LoopPolicy, err error) {
	err = c.call(ctx, request{method: "POST", path: "/loop/closebreaker", body: map[string]string{"policy": policy, "reason": reason}, again: true}, &out)
	return out, err
}

// Timeline shows what happened at an endpoint in its event time; zero times leave a
// side open, monitor "" is the one that a policy decides on.
func (c *Client) Timeline(ctx context.Context, endpoint, monitor string, from, to trimtab.Time) (out view.Timeline, err error) {
	err = c.call(ctx, request{method: "GET", path: "/endpoints/" + url.PathEscape(endpoint) + "/timeline",
		query: query("monitor", monitor, "from", from.String(), "to", to.String()), again: true}, &out)
	return out, err
}

func list[T any](ctx context.Context, c *Client, path string, f Find) ([]T, error) {
	var out view.List[T]
	err := c.call(ctx, request{method: "GET", path: path, query: f.query(), again: true}, &out)
	return out.Items, err
}

func say[T any](ctx context.Context, c *Client, path, id, verb, reason string) (out T, err error) {
	err = c.call(ctx, request{method: "POST", path: path + url.PathEscape(id) + "/" + verb, body: map[string]string{"reason": reason}, again: true}, &out)
	return out, err
}
