package trimtab

import (
	"strings"
	"time"
)

// EndpointSpec declares a served model. Git names an alias, never a version, so
// an automatic promotion never fights Git.
type EndpointSpec struct {
	Model   EndpointModel   `json:"model"`
	Logging EndpointLogging `json:"logging,omitzero"`
	// AllowedLateness: in clock mode the watermark is now minus this. Default 1h.
	AllowedLateness Duration `json:"allowedLateness,omitempty"`
	// MaxSkew: an event time further ahead of the watermark (driven) or of now
	// (clock) is rejected and counted. Default 1h in clock mode, 400d in driven mode.
	MaxSkew Duration       `json:"maxSkew,omitempty"`
	Limits  EndpointLimits `json:"limits,omitzero"`
	// Rollout: how a new version takes over; absent: at once, when the alias moves.
	Rollout *RolloutSpec `json:"rollout,omitempty"`
}

// EndpointModel names what is served.
type EndpointModel struct {
	Name  ModelName `json:"name"`
	Alias Alias     `json:"alias,omitempty"` // default "champion"
	// Output is "predict" (what mlflow.pyfunc.load_model(...).predict answers, the
	// default), "proba" or "margin".
	Output string `json:"output,omitempty"`
}

// EndpointLogging says where request id and event time stand in a request, and
// how durable the log of predictions is.
type EndpointLogging struct {
	RequestID  string `json:"requestId,omitempty"`  // column
	EventTime  string `json:"eventTime,omitempty"`  // column
	Durability string `json:"durability,omitempty"` // "async" (default) | "durable" | "off"
}

// EndpointLimits bounds requests.
type EndpointLimits struct {
	MaxRows     int   `json:"maxRows,omitempty"`     // default 10000
	MaxBodySize int64 `json:"maxBodySize,omitempty"` // default 10 MiB
}

// WatermarkMode says what moves an endpoint's watermark.
type WatermarkMode string

const (
	// ClockMode: now minus the allowed lateness, traffic or not.
	ClockMode WatermarkMode = "clock"
	// DrivenMode: only the holder of the replay lease moves it.
	DrivenMode WatermarkMode = "driven"
)

// EndpointState is the part of an endpoint that moves by itself. Watermark is
// used in driven mode. The lease is a fencing token: Fence grows with every
// acquisition, and an advance with an older fence is refused.
type EndpointState struct {
	Workspace  Workspace     `json:"ws"`
	Endpoint   string        `json:"endpoint"`
	Mode       WatermarkMode `json:"mode"`
	Watermark  Time          `json:"watermark,omitzero"`
	Holder     string        `json:"holder,omitzero"`
	Fence      int64         `json:"fence,omitzero"`
	LeaseUntil Time          `json:"-"`
	// LiveSince is the arrival of the first request that was not replayed, 0 when there was none.
	LiveSince Time `json:"liveSince,omitzero"`
}

// Object names the state in the journal.
func (s EndpointState) Object() Object { return Object{Kind: "endpointState", Name: s.Endpoint} }

func (s EndpointState) change(action string, before *EndpointState) Change {
	c := Change{Action: action, Object: s.Object(), After: StateDigest(s)}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}

// AcquireLease gives the replay lease to holder for d. It is refused while
// another holder's lease runs, and on an endpoint with live traffic.
func (s EndpointState) AcquireLease(holder string, now Time, d time.Duration) (EndpointState, Change, error) {
	if s.LiveSince != 0 {
		return s, Change{}, Errorf(Precondition, "endpoint "+s.Endpoint, "endpoint %s has live traffic since %s: replay would mix history with the present; replay into another endpoint", s.Endpoint, s.LiveSince)
	}
	if s.Holder != "" && s.Holder != holder && s.LeaseUntil > now {
		return s, Change{}, Errorf(Conflict, "endpoint "+s.Endpoint, "endpoint %s is being replayed by %s until %s; wait, or stop that replay", s.Endpoint, s.Holder, s.LeaseUntil)
	}
	old := s
	s.Mode, s.Holder, s.LeaseUntil = DrivenMode, holder, now.Add(d)
	s.Fence++
	return s, s.change("endpoint.lease.acquire", &old), nil
}

// Renew extends the lease of the holder of fence; no journal entry.
func (s EndpointState) Renew(fence int64, now Time, d time.Duration) (EndpointState, error) {
	if s.Holder == "" || s.Fence != fence {
		return s, Errorf(Conflict, "endpoint "+s.Endpoint, "the replay lease %d of endpoint %s is lost: lease %d was given meanwhile", fence, s.Endpoint, s.Fence)
	}
	s.LeaseUntil = now.Add(d)
	return s, nil
}

// ReleaseLease gives the lease back; the endpoint stays in driven mode at its watermark.
func (s EndpointState) ReleaseLease(fence int64) (EndpointState, Change, error) {
	if s.Fence != fence || s.Holder == "" {
		return s, Change{}, nil
	}
	old := s
	s.Holder, s.LeaseUntil = "", 0
	return s, s.change("endpoint.lease.release", &old), nil
}

// Advance moves the watermark of a driven endpoint forward. Moving to where it
// stands changes nothing; backwards is refused.
func (s EndpointState) Advance(fence int64, to Time) (EndpointState, Change, error) {
	if s.Mode != DrivenMode || s.Fence != fence || s.Holder == "" {
		return s, Change{}, Errorf(Conflict, "endpoint "+s.Endpoint, "the watermark of endpoint %s is moved only by the holder of its replay lease", s.Endpoint)
	}
	if to < s.Watermark {
		return s, Change{}, Errorf(Invalid, "endpoint "+s.Endpoint, "the watermark of endpoint %s stands at %s and never moves back to %s", s.Endpoint, s.Watermark, to)
	}
	if to == s.Watermark {
		return s, Change{}, nil
	}
	old := s
	s.Watermark = to
	return s, s.change("endpoint.watermark.advance", &old), nil
}

// FirstLive records the first live request; later ones change nothing.
func (s EndpointState) FirstLive(at Time) (EndpointState, Change, error) {
	if s.LiveSince != 0 {
		return s, Change{}, nil
	}
	if s.Holder != "" || s.Mode == DrivenMode {
		return s, Change{}, Errorf(Precondition, "endpoint "+s.Endpoint, "endpoint %s is driven by a replay and takes no live traffic", s.Endpoint)
	}
	old := s
	s.LiveSince = at
	return s, s.change("endpoint.live", &old), nil
}

// WatermarkAt is the watermark as of now.
func (s EndpointState) WatermarkAt(now Time, lateness Duration) Time {
	if s.Mode == DrivenMode {
		return s.Watermark
	}
	return now.Add(-time.Duration(lateness))
}

// Wait is what a listener waits for at a border.
type Wait string

const (
	WaitNone      Wait = "none"
	WaitEventTime Wait = "untilEventTime"
	WaitRows      Wait = "untilRows"
	WaitProcess   Wait = "process"
	WaitHuman     Wait = "human"
)

// Settlement is how far one listener of an endpoint has come in event time.
type Settlement struct {
	Workspace Workspace `json:"ws"`
	Endpoint  string    `json:"endpoint"`
	Listener  string    `json:"listener"`
	Through   Time      `json:"through"`
	Wait      Wait      `json:"wait"`
	Detail    string    `json:"detail,omitzero"` // for human: the command that resolves it
}

// Settled reports whether every listener has settled border w: each has come
// through w and none waits for a process or a human. The first that has not is returned.
func Settled(w Time, all []Settlement) (bool, *Settlement) {
	for i := range all {
		s := &all[i]
		if s.Wait == WaitProcess || s.Wait == WaitHuman || s.Through < w {
			return false, s
		}
	}
	return true, nil
}

// Replay is one replay of a source through an endpoint: resumable, and
// idempotent by request id.
type Replay struct {
	Workspace Workspace `json:"ws"`
	ID        ReplayID  `json:"id"`
	Endpoint  string    `json:"endpoint"`
	Source    string    `json:"source"`
	Data      Digest    `json:"data"` // digest of the source's bytes: a resumed replay reads the same
	From      Time      `json:"from"`
	To        Time      `json:"to"`
	Faults    []Fault   `json:"faults,omitempty"` // of a drill: injected in this order, the source itself stays as it is
	State     string    `json:"state"`            // "running" | "succeeded" | "failed" | "canceled"
	Reason    string    `json:"reason,omitzero"`
	Created   Time      `json:"created"`
	Ended     Time      `json:"ended,omitzero"`

	// Position is the border up to which everything has been sent; rows and labels count what was sent.
	Position Time  `json:"-"`
	Rows     int64 `json:"-"`
	Labels   int64 `json:"-"`
	Failed   int64 `json:"-"`
}

// Object names the replay in the journal.
func (r Replay) Object() Object { return Object{Kind: "replay", Name: string(r.ID)} }

// Change makes the journal change of an action that leads from before (nil for a
// new one) to r. The entry that begins or resumes a drill names its faults.
func (r Replay) Change(action string, before *Replay) Change {
	c := Change{Action: action, Object: r.Object(), After: StateDigest(r), Reason: r.Reason}
	if r.Reason == "" && r.State == "running" && len(r.Faults) > 0 {
		texts := make([]string, len(r.Faults))
		for i, f := range r.Faults {
			texts[i] = f.String()
		}
		c.Reason = "drill: " + strings.Join(texts, "; ")
	}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}
