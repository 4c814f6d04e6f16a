package trimtab

// RunStatus is MLflow's status of a run.
type RunStatus string

const (
	RunRunning   RunStatus = "RUNNING"
	RunScheduled RunStatus = "SCHEDULED"
	RunFinished  RunStatus = "FINISHED"
	RunFailed    RunStatus = "FAILED"
	RunKilled    RunStatus = "KILLED"
)

// Ended reports whether the status is final for the person who waits; a run can
// still be set running again.
func (s RunStatus) Ended() bool { return s == RunFinished || s == RunFailed || s == RunKilled }

// Valid reports whether s is one of the five.
func (s RunStatus) Valid() bool {
	return s == RunRunning || s == RunScheduled || s.Ended()
}

// Run is one execution that logs. Its governed state is identity, name, user,
// status, times and lifecycle. Params, metrics, tags and inputs are measured:
// written without an entry each, sealed by Seal when the run ends.
type Run struct {
	Workspace  Workspace    `json:"ws"`
	ID         RunID        `json:"id"`
	Experiment ExperimentID `json:"experiment"`
	Name       string       `json:"name"`
	User       string       `json:"user,omitzero"`
	Status     RunStatus    `json:"status"`
	Start      Time         `json:"start"`
	End        Time         `json:"end,omitzero"`
	Lifecycle  Lifecycle    `json:"lifecycle"`
	// Seal is the digest of params, tags, inputs and latest metrics at the last end.
	Seal Digest `json:"seal,omitzero"`
	// Attempt is the pipeline attempt that owns the run, "" for people's runs.
	Attempt AttemptID `json:"attempt,omitzero"`

	ArtifactURI string            `json:"-"`
	Params      map[string]string `json:"-"`
	Tags        map[string]string `json:"-"`
	Metrics     []Metric          `json:"-"` // the latest of each key, ordered by key
	Inputs      []DatasetInput    `json:"-"`
	ModelInputs []ModelInput      `json:"-"`
	Outputs     []ModelOutput     `json:"-"`
}

// Object names the run in the journal.
func (r Run) Object() Object { return Object{Kind: "run", Name: string(r.ID)} }

func (r Run) change(action string, before *Run) Change {
	c := Change{Action: action, Object: r.Object(), After: StateDigest(r)}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	if r.Seal != "" {
		c.Refs = []Ref{{Kind: "run-data", Digest: r.Seal}}
	}
	return c
}

// Create makes the change that records a new run.
func (r Run) Create() (Run, Change, error) {
	r.Lifecycle = Active
	if r.Status == "" {
		r.Status = RunRunning
	}
	return r, r.change("run.create", nil), nil
}

// RunUpdate is what runs/update may change; nil fields stay.
type RunUpdate struct {
	Status *RunStatus
	End    *Time
	Name   *string
}

// Update changes status, end and name of an active run.
func (r Run) Update(u RunUpdate) (Run, Change, error) {
	if err := r.Writable(); err != nil {
		return r, Change{}, err
	}
	old := r
	if u.Status != nil {
		if !u.Status.Valid() {
			return r, Change{}, Errorf(Invalid, r.Object().String(), "Invalid run status: '%s'", *u.Status)
		}
		r.Status = *u.Status
	}
	if u.End != nil {
		r.End = *u.End
	}
	if u.Name != nil && *u.Name != "" {
		r.Name = *u.Name
	}
	return r, r.change("run.update", &old), nil
}

// Sealed records the digest of the run's measured data.
func (r Run) Sealed(data Digest) (Run, Change, error) {
	old := r
	r.Seal = data
	return r, r.change("run.seal", &old), nil
}

// Delete marks the run deleted. Deleting twice changes nothing new.
func (r Run) Delete() (Run, Change, error) {
	old := r
	r.Lifecycle = Deleted
	return r, r.change("run.delete", &old), nil
}

// Restore brings the run back.
func (r Run) Restore() (Run, Change, error) {
	old := r
	r.Lifecycle = Active
	return r, r.change("run.restore", &old), nil
}

// Writable reports whether the run may be written.
func (r Run) Writable() error {
	if r.Lifecycle != Active {
		return Errorf(Invalid, r.Object().String(), "The run %s must be in the 'active' state. Current state is %s.", r.ID, r.Lifecycle)
	}
	return nil
}
