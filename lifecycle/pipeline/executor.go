package pipeline

import (
	"context"
	"io"
	"time"

	"github.com/trimtab/trimtab"
)

// Executor runs attempts somewhere. Everything is named by the attempt's id, so
// that each call may be repeated: by the same engine, or by the next one after a
// crash. It is safe for concurrent use.
type Executor interface {
	// Start starts the attempt of the order unless it was started before. token is
	// called, while the executor holds the attempt's name and nothing has started,
	// for the secret that goes into the step's environment; its error ends Start.
	Start(ctx context.Context, order Order, token func() (string, error)) error
	// Observe reports what is to be seen of an attempt. Whoever sees it lost has
	// made sure that it never runs again.
	Observe(ctx context.Context, id trimtab.AttemptID) (Observation, error)
	// Kill asks the attempt to end, "canceled" or "timeout" being the cause that
	// its exit will name. One that has not started never will.
	Kill(ctx context.Context, id trimtab.AttemptID, cause string) error
	// Collect opens what the attempt left at a path below its output folder: a
	// file, or, for a path that ends in a slash, a folder as a tar. It is NotFound
	// when there is nothing.
	Collect(ctx context.Context, id trimtab.AttemptID, path string) (io.ReadCloser, error)
	// Log opens what the attempt has printed so far; reading on at the end may
	// find more. It is NotFound before the attempt's first sign of life.
	Log(ctx context.Context, id trimtab.AttemptID) (io.ReadSeekCloser, error)
	// Forget removes what the attempt worked with; log and exit stay.
	Forget(ctx context.Context, id trimtab.AttemptID) error
}

// Order is all that an executor needs to run an attempt.
type Order struct {
	Attempt trimtab.AttemptID `json:"attempt"`
	Argv    []string          `json:"argv"`
	Env     map[string]string `json:"env"` // of the step; what every process needs is the executor's to add
	Code    trimtab.Digest    `json:"code,omitempty"`
	Lock    string            `json:"lock,omitempty"`        // lock file inside the code
	EnvID   string            `json:"environment,omitempty"` // names the environment built from Lock
	Inputs  []Input           `json:"inputs,omitempty"`
	Timeout trimtab.Duration  `json:"timeout"`
}

// Input is a file, or a folder packed as a tar, that is laid below the step's input folder.
type Input struct {
	Path   string         `json:"path"`
	Digest trimtab.Digest `json:"digest"`
	Folder bool           `json:"folder,omitempty"`
}

// Sight is what an observation saw.
type Sight string

const (
	Absent  Sight = "absent" // nothing has started
	Running Sight = "running"
	Exited  Sight = "exited" // for good; Cause says how
)

// Causes for which an attempt exited other than by its own program's end.
const (
	CauseLost     = "lost"     // it vanished
	CauseTimeout  = "timeout"  // it took longer than allowed
	CauseCanceled = "canceled" // it was asked to end
	CauseError    = "error"    // its program could not be started
)

// Observation is what is to be seen of an attempt.
type Observation struct {
	Sight   Sight        `json:"sight,omitempty"`
	Code    int          `json:"code"`
	Cause   string       `json:"cause,omitempty"`
	Message string       `json:"message,omitempty"` // for people: why, or the last line it printed
	Since   trimtab.Time `json:"since,omitempty"`   // when the step's own program began; 0 while it is being prepared
	Ended   trimtab.Time `json:"ended,omitempty"`
}

const (
	defaultTimeout = time.Hour
	killGrace      = 5 * time.Second  // between SIGTERM and SIGKILL
	killSlack      = 30 * time.Second // by which the engine lets the executor enforce a timeout itself
)
