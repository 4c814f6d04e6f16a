package journal

import (
	"bytes"
	"strings"

	"github.com/trimtab/trimtab"
)

// Search says which entries of a workspace are wanted, newest first. Empty fields
// want all.
type Search struct {
	Before     int64        // only entries with a smaller index; 0 begins at the end
	Kind, Name string       // of the object, as they are
	Action     string       // begins so: "rollout" or "rollout.look"
	Actor      string       // is in the actor's id, in any case of letters
	Text       string       // is in the entry's body, in any case of letters
	From, To   trimtab.Time // From <= time < To; 0 leaves that side open
	Limit      int
}

// Match reports whether an entry is wanted by what only its body tells.
func (s Search) Match(e trimtab.Entry, body []byte) bool {
	if !strings.HasPrefix(e.Action, s.Action) {
		return false
	}
	if s.Actor != "" && !strings.Contains(strings.ToLower(e.Actor.ID), strings.ToLower(s.Actor)) && !strings.EqualFold(string(e.Actor.Kind), s.Actor) {
		return false
	}
	return s.Text == "" || bytes.Contains(bytes.ToLower(body), bytes.ToLower([]byte(s.Text)))
}

// Found is a page of a search. Next is where the following page begins, 0 when
// there is none. A search looks at a bounded number of entries: a page may be
// short, even empty, and still have a next one; Looked says how many were looked at.
type Found struct {
	Entries []trimtab.Entry
	Next    int64
	Looked  int
}
