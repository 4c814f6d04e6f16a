package view

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// ChangeSet is one apply as the journal has it: the entries of one request. ID is
// the index of its first entry.
type ChangeSet struct {
	ID        int64        `json:"id"`
	Time      trimtab.Time `json:"time"`
	Actor     string       `json:"actor"`
	Via       string       `json:"via,omitempty"`
	RequestID string       `json:"requestId,omitempty"`
	Manager   string       `json:"manager,omitempty"`   // in whose name; "" when the states are not kept
	Inventory string       `json:"inventory,omitempty"` // the source that was applied
	Created   int          `json:"created"`
	Updated   int          `json:"updated"`
	Deleted   int          `json:"deleted"`
	Replaced  int          `json:"replaced"`
	Lines     []ChangeLine `json:"lines"`
}

// ChangeLine is one resource of an apply. Verb is "create", "update", "replace" or
// "delete".
type ChangeLine struct {
	Verb  string `json:"verb"`
	Kind  string `json:"kind"` // as it is declared: "Endpoint"
	Name  string `json:"name"`
	Index int64  `json:"index"` // of its (last) journal entry

	Before trimtab.Digest `json:"-"` // of the state before, "" for none
	After  trimtab.Digest `json:"-"` // of the state after, "" for none
}

// Ref is the resource's address for people.
func (l ChangeLine) Ref() string { return trimtab.Resource{Kind: l.Kind, Name: l.Name}.Ref() }

// ChangeSets groups entries, which come newest first, into applies, newest first.
// Entries of one request at one moment by one actor are one apply.
func ChangeSets(entries []trimtab.Entry) []ChangeSet {
	out := []ChangeSet{}
	var last *trimtab.Entry
	for i := range entries {
		e := &entries[i]
		if last == nil || last.RequestID != e.RequestID || last.Time != e.Time || last.Actor.ID != e.Actor.ID {
			out = append(out, ChangeSet{Time: e.Time, Actor: e.Actor.ID, Via: e.Actor.Via, RequestID: e.RequestID, Lines: []ChangeLine{}})
		}
		set := &out[len(out)-1]
		set.ID = e.Index
		set.add(*e)
		last = e
	}
	for i := range out {
		slices.Reverse(out[i].Lines)
		out[i].count()
	}
	return out
}

// add puts an entry before those that followed it: a delete before a create of the
// same name is a replacement.
func (s *ChangeSet) add(e trimtab.Entry) {
	_, verb, _ := strings.Cut(e.Action, ".")
	line := ChangeLine{Verb: verb, Kind: kindOf(e.Object.Kind), Name: e.Object.Name, Index: e.Index, Before: e.Before, After: e.After}
	if i := slices.IndexFunc(s.Lines, func(l ChangeLine) bool { return l.Kind == line.Kind && l.Name == line.Name }); i >= 0 {
		later := &s.Lines[i]
		if verb == string(trimtab.DeleteVerb) && later.Verb == string(trimtab.CreateVerb) {
			later.Verb = "replace"
		}
		later.Before = line.Before
		return
	}
	s.Lines = append(s.Lines, line)
}

func (s *ChangeSet) count() {
	for _, l := range s.Lines {
		switch l.Verb {
		case "create":
			s.Created++
		case "delete":
			s.Deleted++
		case "replace":
			s.Replaced++
		default:
			s.Updated++
		}
	}
}

// kindOf is the declared kind of an object of the journal.
func kindOf(lower string) string {
	for _, k := range trimtab.Kinds {
		if strings.EqualFold(k, lower) {
			return k
		}
	}
	return lower
}

// From fills in whose apply it was by the states that are kept.
func (s *ChangeSet) From(states map[trimtab.Digest]trimtab.Resource) {
	for _, l := range s.Lines {
		if r, ok := states[l.After]; ok {
			s.Manager, s.Inventory = r.Manager, r.Inventory
			return
		}
	}
	for _, l := range s.Lines {
		if r, ok := states[l.Before]; ok && s.Inventory == "" {
			s.Inventory = r.Inventory // only deletes: in whose name is not recorded
		}
	}
}

// ChangesPage is a page of applies, newest first, with what is known of each source
// of declarations. Next is where the next page begins, 0 at the end.
type ChangesPage struct {
	Items   []ChangeSet    `json:"items"`
	Next    int64          `json:"next,omitempty"`
	Sources []ChangeSource `json:"sources"`
}

// ChangeSource is a source of declarations: what it declared last, and what others
// have changed of it since. What its files say now the server cannot know.
type ChangeSource struct {
	Inventory string        `json:"inventory"`
	Manager   string        `json:"manager"`
	Resources int           `json:"resources"`
	Last      trimtab.Time  `json:"last,omitzero"` // when it last changed one of them
	Drift     []ChangeDrift `json:"drift"`
}

// ChangeDrift is a resource that is not as its source declared it last. Fields lead
// from the declared to the live value; they are absent when the declared state is
// not kept, and empty when only the manager differs.
type ChangeDrift struct {
	Kind    string        `json:"kind"`
	Name    string        `json:"name"`
	Manager string        `json:"manager"` // who changed it
	At      trimtab.Time  `json:"at,omitzero"`
	Known   bool          `json:"known"`
	Fields  []ChangeField `json:"fields"`
}

// ChangeField is one differing field. Old and New are JSON, "" for a field that is
// not there.
type ChangeField struct {
	Path string `json:"path"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// DeclaredOf counts live resources, and those that somebody else than their source changed last.
func DeclaredOf(live []trimtab.Resource) (d OverviewDeclared) {
	for _, s := range Sources(live) {
		d.Resources += s.Resources
		d.Changed += len(s.Drift)
	}
	return d
}

// Sources groups the live resources by the source that declared them.
func Sources(live []trimtab.Resource) []ChangeSource {
	out := []ChangeSource{}
	for _, r := range live {
		i := slices.IndexFunc(out, func(s ChangeSource) bool { return s.Inventory == r.Inventory })
		if i < 0 {
			// An inventory begins with the name of its manager: "cli:examples/flights".
			owner, _, ok := strings.Cut(r.Inventory, ":")
			if !ok {
				owner = r.Manager
			}
			out = append(out, ChangeSource{Inventory: r.Inventory, Manager: owner, Drift: []ChangeDrift{}})
			i = len(out) - 1
		}
		s := &out[i]
		s.Resources++
		if r.Manager == s.Manager {
			s.Last = max(s.Last, r.Updated)
		} else {
			s.Drift = append(s.Drift, ChangeDrift{Kind: r.Kind, Name: r.Name, Manager: r.Manager, At: r.Updated, Fields: []ChangeField{}})
		}
	}
	slices.SortStableFunc(out, func(a, b ChangeSource) int {
		return cmp.Or(len(b.Drift)-len(a.Drift), cmp.Compare(b.Last, a.Last), strings.Compare(a.Inventory, b.Inventory))
	})
	return out
}

// ChangePage is one apply with what it changed, as far as the states are kept.
type ChangePage struct {
	Set     ChangeSet      `json:"set"`
	Actions []ChangeAction `json:"actions"`
	Undo    string         `json:"undo,omitempty"` // why it cannot be undone, "" when it can
}

// ChangeAction is what happens, or happened, to one resource. Known is false when
// the states are not kept: then the fields are unknown. Since says what became of
// it after the apply: "" as it was applied, "changed" or "deleted".
type ChangeAction struct {
	Verb   string        `json:"verb"`
	Kind   string        `json:"kind"`
	Name   string        `json:"name"`
	Reason string        `json:"reason,omitempty"`
	Known  bool          `json:"known"`
	Since  string        `json:"since,omitempty"`
	Index  int64         `json:"index,omitempty"`
	Fields []ChangeField `json:"fields"`
}

// ChangeRequest is what the browser has planned or applied: declarations as YAML or
// JSON text, as files have them. Inventory "" stands for the source that most of
// them come from. Expect is the digest of the plan that was agreed to.
type ChangeRequest struct {
	Text      string         `json:"text" maxLength:"1048576"`
	Manager   string         `json:"manager,omitempty"`
	Inventory string         `json:"inventory,omitempty"`
	Expect    trimtab.Digest `json:"expect,omitempty"`
}

// ChangePlan is a plan for people. When Problems has errors there is no plan.
type ChangePlan struct {
	Manager     string          `json:"manager,omitempty"`
	Inventory   string          `json:"inventory,omitempty"`
	Inventories []string        `json:"inventories"` // that the declarations could belong to
	Actions     []ChangeAction  `json:"actions"`
	Drift       []ChangeDrift   `json:"drift"`
	Effects     []ChangeEffect  `json:"effects"`
	Unknown     []ChangeEffect  `json:"unknown"`
	Notes       []string        `json:"notes"`
	Problems    []ChangeProblem `json:"problems"`
	Unchanged   int             `json:"unchanged"`
	Missing     int             `json:"missing"` // files that the server lacks
	Digest      trimtab.Digest  `json:"digest,omitempty"`
}

// ChangeEffect is what follows from a plan.
type ChangeEffect struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// ChangeProblem is a problem of a declaration with its place in the text; line and
// column count from 1, 0 is the whole text.
type ChangeProblem struct {
	Severity   string `json:"severity"`
	Summary    string `json:"summary"`
	Detail     string `json:"detail,omitempty"`
	Path       string `json:"path,omitempty"`
	Line       int    `json:"line,omitempty"`
	Column     int    `json:"column,omitempty"`
	EndColumn  int    `json:"endColumn,omitempty"`
	Excerpt    string `json:"excerpt,omitempty"`
	Expected   string `json:"expected,omitempty"`
	DidYouMean string `json:"didYouMean,omitempty"`
}
