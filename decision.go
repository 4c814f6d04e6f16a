package trimtab

// Action is what the loop can do.
type Action string

const (
	DoNothing      Action = "nothing"
	DoRecalibrate  Action = "recalibrate"
	DoRetrain      Action = "retrain"
	DoPromoteOlder Action = "promoteOlder"
	DoRollBack     Action = "rollback"
	DoQuarantine   Action = "quarantine"
)

// DecisionState is how far a decision has been carried out.
type DecisionState string

const (
	DecisionNoted     DecisionState = "noted"     // nothing to do, or nothing allowed
	DecisionAdvised   DecisionState = "advised"   // mode advise: a person may do it
	DecisionAwaiting  DecisionState = "awaiting"  // mode approve: waits for a person
	DecisionTraining  DecisionState = "training"  // the pipeline runs
	DecisionGating    DecisionState = "gating"    //
	DecisionRollout   DecisionState = "rollout"   // handed over to the rollout
	DecisionDone      DecisionState = "done"      // promoted
	DecisionRejected  DecisionState = "rejected"  // by the gate, the rollout or a person
	DecisionFailed    DecisionState = "failed"    // the cure could not be made
	DecisionCancelled DecisionState = "cancelled" // paused, or superseded
)

// Ended reports whether nothing more will happen.
func (s DecisionState) Ended() bool {
	switch s {
	case DecisionNoted, DecisionAdvised, DecisionDone, DecisionRejected, DecisionFailed, DecisionCancelled:
		return true
	}
	return false
}

// Fact is one input of a decision: a number with its name, or a text.
type Fact struct {
	Name  string  `json:"name"`
	Value float64 `json:"value,omitzero"`
	Text  string  `json:"text,omitzero"`
}

// Alternative is one thing that could have been done: what it has brought so far
// in pairs with what is served, and what it is expected to bring.
type Alternative struct {
	Action  Action  `json:"action"`
	Version Version `json:"version,omitzero"` // of promoteOlder
	Windows int     `json:"windows,omitzero"`
	Rows    int64   `json:"rows,omitzero"`
	// Gain is the mean loss saved per row so far, with its block-robust standard error.
	Gain   float64 `json:"gain"`
	StdErr float64 `json:"stderr,omitzero"`
	// Expected is the loss (or money) saved over the horizon, Cost what it takes, Net their difference.
	Expected float64 `json:"expected"`
	Cost     float64 `json:"cost"`
	Net      float64 `json:"net"`
	Chosen   bool    `json:"chosen,omitzero"`
	Why      string  `json:"why,omitzero"` // why it was not chosen
}

// Guard is one condition that must hold before the loop acts.
type Guard struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Why    string `json:"why,omitzero"`
}

// Decision is what a policy decided at one border, "nothing" too, with all that it
// knew. What became of it is added as it happens.
type Decision struct {
	Workspace    Workspace     `json:"ws"`
	ID           string        `json:"id"` // POLICY@BORDER
	Policy       string        `json:"policy"`
	Endpoint     string        `json:"endpoint"`
	At           Time          `json:"at"`     // the border
	Window       Time          `json:"window"` // start of the newest mature window
	Served       Version       `json:"served"`
	Mode         string        `json:"mode"`
	Strategy     string        `json:"strategy"`
	Action       Action        `json:"action"`
	Version      Version       `json:"version,omitzero"` // of promoteOlder
	State        DecisionState `json:"state"`
	Reason       string        `json:"reason"`
	Command      string        `json:"command,omitzero"` // what does it by hand
	Facts        []Fact        `json:"facts,omitempty"`
	Alternatives []Alternative `json:"alternatives,omitempty"`
	Guards       []Guard       `json:"guards,omitempty"`
	Incidents    []string      `json:"incidents,omitempty"` // open at that moment
	PolicyDigest Digest        `json:"policyDigest"`

	Approver   string        `json:"approver,omitzero"`
	Run        PipelineRunID `json:"run,omitzero"`
	Candidate  Version       `json:"candidate,omitzero"`
	Evaluation string        `json:"evaluation,omitzero"`
	Rollout    string        `json:"rollout,omitzero"`
	Outcome    string        `json:"outcome,omitzero"` // one sentence
	// Realised is the gain per row measured after the promotion, once known.
	Realised *Fact `json:"realised,omitempty"`
}

// DecisionID names the decision of a policy at a border.
func DecisionID(policy string, at Time) string {
	return policy + "@" + at.Go().Format("20060102T150405")
}

// Object names the decision in the journal.
func (d Decision) Object() Object { return Object{Kind: "decision", Name: d.ID} }

// Head is how the document is listed.
func (d Decision) Head() Head {
	return Head{Scope: d.Policy, At: d.At, State: string(d.State), Open: !d.State.Ended()}
}

// To moves the decision to a state; a final one stays.
func (d Decision) To(state DecisionState, outcome string) (Decision, Change, error) {
	if d.State == state {
		return d, Change{}, nil
	}
	if d.State.Ended() && d.State != DecisionAdvised {
		return d, Change{}, Errorf(Precondition, d.Object().String(), "decision %s is %s", d.ID, d.State)
	}
	old := d
	d.State, d.Outcome = state, outcome
	return d, Changed("decision."+string(state), &old, d, outcome), nil
}
