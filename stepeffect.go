package trimtab

// StepEffect is what the move of a step takes along in its transaction, so that
// a step, its attempt, the versions it registered and its MLflow run never
// contradict each other. The list is closed: PutAttempt, SettleVersions, EndMLflowRun.
type StepEffect interface{ stepEffect() }

// PutAttempt writes the attempt as it stands; an entry is recorded when its
// governed state differs from the stored one.
type PutAttempt struct{ Attempt Attempt }

// SettleVersions makes the versions that the attempt registered visible to aliases.
type SettleVersions struct{ Attempt AttemptID }

// EndMLflowRun ends the attempt's MLflow run with a status; a run that is gone or
// deleted is left alone.
type EndMLflowRun struct {
	Run    RunID
	Status RunStatus
}

func (PutAttempt) stepEffect()     {}
func (SettleVersions) stepEffect() {}
func (EndMLflowRun) stepEffect()   {}

// Change makes the journal change of an action that leads from before (nil for a new one) to a.
func (a Attempt) Change(before *Attempt) Change {
	c := Change{Action: "attempt." + string(a.State), Object: a.Object(), After: StateDigest(a), Reason: a.Reason}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}
