package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// fixed are the fields that cannot change in place: what was computed under the
// old value means something else under the new one.
var fixed = map[string][]string{
	trimtab.KindDataSource: {"spec.key", "spec.eventTime"},
	trimtab.KindMonitor:    {"spec.endpoint", "spec.window"},
}

// Diff compares the declarations with the live resources of the same project.
// desired and live are not changed; specs must be canonical.
func Diff(desired, live []trimtab.Resource, facts Facts, opt Options) Plan {
	p := Plan{Workspace: opt.Workspace, Manager: opt.Manager, Inventory: opt.Inventory, Prune: opt.Prune}
	have := map[string]trimtab.Resource{}
	for _, r := range live {
		have[r.Ref()] = r
	}
	declared := map[string]bool{}
	for _, d := range desired {
		declared[d.Ref()] = true
		l, exists := have[d.Ref()]
		if !exists {
			p.Actions = append(p.Actions, Action{Verb: Create, Kind: d.Kind, Name: d.Name, Fields: fields(trimtab.Resource{}, d)})
			continue
		}
		a := Action{Verb: None, Kind: d.Kind, Name: d.Name, Fields: fields(l, d), Generation: l.Generation, UID: l.UID}
		if len(a.Fields) > 0 {
			a.Verb = Update
			if l.Inventory == opt.Inventory && l.Manager != opt.Manager {
				p.Drift = append(p.Drift, Drift{Kind: d.Kind, Name: d.Name, Manager: l.Manager, At: l.Updated, Fields: fields(d, l)})
				a.Reason = "returns to what is declared"
			}
		}
		if path := immovable(d.Kind, a.Fields); path != "" {
			a.Verb, a.Reason = Replace, path+" cannot change in place"
		}
		if l.Inventory != opt.Inventory {
			if a.Verb == None {
				a.Verb = Update
			}
			a.Reason = strings.TrimPrefix(a.Reason+"; adopted from "+cmp.Or(l.Inventory, "no inventory"), "; ")
		}
		if a.Verb == None {
			p.Unchanged++
			continue
		}
		p.Actions = append(p.Actions, a)
	}
	if opt.Prune && opt.Inventory != "" {
		for _, l := range live {
			if l.Inventory == opt.Inventory && !declared[l.Ref()] {
				p.Actions = append(p.Actions, Action{Verb: Delete, Kind: l.Kind, Name: l.Name, Generation: l.Generation, UID: l.UID, Reason: "no longer declared"})
			}
		}
	}
	finish(&p, desired, live, facts)
	return p
}

// Removal plans the deletion of named resources; prune plays no part. A name
// that is not there is NotFound.
func Removal(refs []trimtab.Object, live []trimtab.Resource, facts Facts, opt Options) (Plan, error) {
	p := Plan{Workspace: opt.Workspace, Manager: opt.Manager, Inventory: opt.Inventory}
	for _, ref := range refs {
		i := slices.IndexFunc(live, func(r trimtab.Resource) bool { return r.Kind == ref.Kind && r.Name == ref.Name })
		if i < 0 {
			address := trimtab.Resource{Kind: ref.Kind, Name: ref.Name}.Ref()
			return p, trimtab.Errorf(trimtab.NotFound, address, "%s is not declared in project %s", address, opt.Workspace)
		}
		a := Action{Verb: Delete, Kind: ref.Kind, Name: ref.Name, Generation: live[i].Generation, UID: live[i].UID}
		if !slices.ContainsFunc(p.Actions, func(b Action) bool { return b.Ref() == a.Ref() }) {
			p.Actions = append(p.Actions, a)
		}
	}
	finish(&p, nil, live, facts)
	return p, nil
}

// finish orders the actions and adds what follows from them.
func finish(p *Plan, desired, live []trimtab.Resource, facts Facts) {
	place := func(a Action) int {
		i := slices.Index(trimtab.Kinds, a.Kind)
		if a.Verb == Delete {
			return 2*len(trimtab.Kinds) - i // after everything else, dependents first
		}
		return i
	}
	slices.SortStableFunc(p.Actions, func(a, b Action) int {
		return cmp.Or(place(a)-place(b), strings.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(p.Drift, func(a, b Drift) int {
		return cmp.Or(slices.Index(trimtab.Kinds, a.Kind)-slices.Index(trimtab.Kinds, b.Kind), strings.Compare(a.Name, b.Name))
	})
	w := newWorld(p, desired, live, facts)
	w.effects()
	p.Digest = p.digest(desired)
}

func immovable(kind string, changes []FieldChange) string {
	for _, c := range changes {
		for _, path := range fixed[kind] {
			if c.Path == path || strings.HasPrefix(c.Path, path+"[") {
				return path
			}
		}
	}
	return ""
}

// Stale explains why a plan made now is not the plan that was saved: it names
// the first difference.
func Stale(saved, now Plan) string {
	byRef := map[string]Action{}
	for _, a := range now.Actions {
		byRef[a.Ref()] = a
	}
	for _, a := range saved.Actions {
		b, ok := byRef[a.Ref()]
		switch {
		case !ok:
			return fmt.Sprintf("%s: there is nothing to %s any more", a.Ref(), a.Verb)
		case a.UID != b.UID:
			return fmt.Sprintf("%s was created or replaced meanwhile", a.Ref())
		case a.Generation != b.Generation:
			return fmt.Sprintf("%s is at generation %d, the plan saw %d", a.Ref(), b.Generation, a.Generation)
		case a.Verb != b.Verb:
			return fmt.Sprintf("%s: the plan would %s it, now it would be to %s", a.Ref(), a.Verb, b.Verb)
		}
		delete(byRef, a.Ref())
	}
	for _, a := range now.Actions {
		if _, extra := byRef[a.Ref()]; extra {
			return fmt.Sprintf("%s is now to %s as well", a.Ref(), a.Verb)
		}
	}
	return "a declared value differs"
}
