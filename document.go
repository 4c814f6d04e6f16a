package trimtab

// A document is a governed record of the loop: an incident, a decision, a
// rollout, an evaluation. All are kept in one way: by kind and name, with their
// journal entry, listed by scope and time.
type Document interface {
	Object() Object // Kind and Name are its key
	Head() Head
}

// Head is what documents are listed by.
type Head struct {
	Scope string // the endpoint, policy, model … that it belongs to
	At    Time   // its event time
	State string
	Open  bool // somebody or something still has to act on it
}

// Changed makes the journal change of an action that leads from before (nil for a
// new one) to after. Reason is for people.
func Changed[T Document](action string, before *T, after T, reason string) Change {
	c := Change{Action: action, Object: after.Object(), After: StateDigest(after), Reason: reason}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}

// DocumentQuery says which documents of a kind are listed, the newest first.
type DocumentQuery struct {
	Scope string // "" for all
	Open  bool   // only open ones
	From  Time   // At >= From
	To    Time   // At < To; 0 is open
	Limit int    // 0: 1000
}
