package trimtab

import (
	"bytes"
	"maps"
)

// Verb is what is done to a declared resource.
type Verb string

const (
	CreateVerb Verb = "create"
	UpdateVerb Verb = "update"
	DeleteVerb Verb = "delete"
)

// ResourceWrite is one line of an apply. ExpectGeneration is the generation that
// the decision was made on; 0 takes any.
type ResourceWrite struct {
	Verb             Verb
	Resource         Resource
	ExpectGeneration int64
}

// On applies the write to the live resource, nil when there is none. It returns
// the new state, nil after a delete, and the change; a write that changes
// nothing returns an empty Change. A live resource that is not as the writer saw
// it is a Conflict. uid names a new resource.
func (w ResourceWrite) On(live *Resource, uid string, now Time) (*Resource, Change, error) {
	r := w.Resource
	stale := func(format string, args ...any) (*Resource, Change, error) {
		return nil, Change{}, Errorf(Conflict, r.Ref(), "%s "+format+"; plan again", append([]any{r.Ref()}, args...)...)
	}
	switch {
	case w.Verb == CreateVerb && live != nil:
		return stale("was created meanwhile")
	case w.Verb != CreateVerb && live == nil:
		return stale("was deleted meanwhile")
	case live != nil && w.ExpectGeneration != 0 && live.Generation != w.ExpectGeneration:
		return stale("changed meanwhile: it is at generation %d, the plan saw %d", live.Generation, w.ExpectGeneration)
	}
	switch w.Verb {
	case CreateVerb:
		r.UID, r.Generation, r.Created, r.Updated, r.Status = uid, 1, now, now, nil
		return &r, r.Change("create", nil), nil
	case DeleteVerb:
		c := live.Change("delete", live)
		c.After = ""
		return nil, c, nil
	case UpdateVerb:
		next := *live
		next.Labels, next.Annotations, next.Manager, next.Inventory = r.Labels, r.Annotations, r.Manager, r.Inventory
		sameSpec := bytes.Equal(live.Spec, r.Spec)
		if sameSpec && maps.Equal(live.Labels, r.Labels) && maps.Equal(live.Annotations, r.Annotations) && live.Manager == r.Manager && live.Inventory == r.Inventory {
			return live, Change{}, nil
		}
		if !sameSpec {
			next.Spec = r.Spec
			next.Generation++
		}
		next.Updated = now
		return &next, next.Change("update", live), nil
	}
	return nil, Change{}, Errorf(Invalid, r.Ref(), "unknown verb %q: expected create, update or delete", string(w.Verb))
}
