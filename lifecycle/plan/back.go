package plan

import (
	"fmt"
	"slices"

	"github.com/trimtab/trimtab"
)

// Fields lists what differs between two states of a resource, sorted by path; a
// state that is zero has no fields.
func Fields(old, now trimtab.Resource) []FieldChange { return fields(old, now) }

// Back plans the way back from an apply: desired are the states to return to, gone
// the resources that were not there. What is gone already needs no action.
func Back(desired []trimtab.Resource, gone []trimtab.Object, live []trimtab.Resource, facts Facts, opt Options) Plan {
	opt.Prune = false
	p := Diff(desired, live, Facts{}, opt)
	for i := range p.Actions {
		if p.Actions[i].Verb == Update {
			p.Actions[i].Reason = "returns to what it was"
		}
	}
	for _, o := range gone {
		i := slices.IndexFunc(live, func(r trimtab.Resource) bool { return r.Kind == o.Kind && r.Name == o.Name })
		if i < 0 {
			continue
		}
		p.Actions = append(p.Actions, Action{Verb: Delete, Kind: o.Kind, Name: o.Name, Generation: live[i].Generation, UID: live[i].UID,
			Reason: fmt.Sprintf("%s was not there", live[i].Ref())})
	}
	p.Effects, p.Unknown, p.Drift = nil, nil, nil
	finish(&p, desired, live, facts)
	return p
}
