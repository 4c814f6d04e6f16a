package trimtab

// Lifecycle is the stage of a thing that can be deleted and restored.
type Lifecycle string

const (
	Active  Lifecycle = "active"
	Deleted Lifecycle = "deleted"
)

// Experiment groups runs. Its governed state is everything but the tags.
type Experiment struct {
	Workspace        Workspace    `json:"ws"`
	ID               ExperimentID `json:"id"`
	Name             string       `json:"name"`
	ArtifactLocation string       `json:"artifactLocation,omitzero"`
	Lifecycle        Lifecycle    `json:"lifecycle"`
	Created          Time         `json:"created"`
	Updated          Time         `json:"-"`

	Tags map[string]string `json:"-"`
}

// Object names the experiment in the journal.
func (e Experiment) Object() Object { return Object{Kind: "experiment", Name: string(e.ID)} }

func (e Experiment) change(action string, before *Experiment) Change {
	c := Change{Action: action, Object: e.Object(), After: StateDigest(e)}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}

// Create makes the change that records a new experiment.
func (e Experiment) Create() (Experiment, Change, error) {
	e.Lifecycle = Active
	return e, e.change("experiment.create", nil), nil
}

// Rename gives an active experiment another name.
func (e Experiment) Rename(name string, now Time) (Experiment, Change, error) {
	if e.Lifecycle != Active {
		return e, Change{}, Errorf(Invalid, e.Object().String(), "Cannot rename experiment in non-active lifecycle stage. Current stage: %s", e.Lifecycle)
	}
	old := e
	e.Name, e.Updated = name, now
	return e, e.change("experiment.rename", &old), nil
}

// Delete marks the experiment deleted; the store marks its runs with it.
func (e Experiment) Delete(now Time) (Experiment, Change, error) {
	if e.Lifecycle == Deleted {
		return e, Change{}, Errorf(NotFound, e.Object().String(), "No Experiment with id=%s exists", e.ID)
	}
	old := e
	e.Lifecycle, e.Updated = Deleted, now
	return e, e.change("experiment.delete", &old), nil
}

// Restore brings a deleted experiment back.
func (e Experiment) Restore(now Time) (Experiment, Change, error) {
	if e.Lifecycle == Active {
		return e, Change{}, Errorf(NotFound, e.Object().String(), "No deleted Experiment with id=%s exists", e.ID)
	}
	old := e
	e.Lifecycle, e.Updated = Active, now
	return e, e.change("experiment.restore", &old), nil
}
