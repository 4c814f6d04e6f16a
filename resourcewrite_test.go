package trimtab

import (
	"encoding/json"
	"testing"
)

func TestResourceWrite(t *testing.T) {
	spec := func(s string) json.RawMessage { return json.RawMessage(s) }
	live := Resource{Workspace: "default", Kind: KindModel, Name: "m", UID: "u", Generation: 3, Spec: spec(`{"task":"binary"}`), Manager: "cli", Inventory: "cli:a", Created: 5}
	with := func(change func(*Resource)) Resource {
		r := live
		change(&r)
		return r
	}
	for _, tc := range []struct {
		name       string
		write      ResourceWrite
		live       *Resource
		kind       Kind
		action     string
		generation int64
	}{
		{"create", ResourceWrite{CreateVerb, live, 0}, nil, 0, "model.create", 1},
		{"create what exists", ResourceWrite{CreateVerb, live, 0}, &live, Conflict, "", 0},
		{"update nothing", ResourceWrite{UpdateVerb, live, 3}, &live, 0, "", 3},
		{"update a label", ResourceWrite{UpdateVerb, with(func(r *Resource) { r.Labels = map[string]string{"a": "b"} }), 3}, &live, 0, "model.update", 3},
		{"update the spec", ResourceWrite{UpdateVerb, with(func(r *Resource) { r.Spec = spec(`{}`) }), 3}, &live, 0, "model.update", 4},
		{"update at any generation", ResourceWrite{UpdateVerb, with(func(r *Resource) { r.Spec = spec(`{}`) }), 0}, &live, 0, "model.update", 4},
		{"update what moved", ResourceWrite{UpdateVerb, live, 2}, &live, Conflict, "", 0},
		{"update what is gone", ResourceWrite{UpdateVerb, live, 3}, nil, Conflict, "", 0},
		{"delete", ResourceWrite{DeleteVerb, live, 3}, &live, 0, "model.delete", 0},
		{"delete what moved", ResourceWrite{DeleteVerb, live, 2}, &live, Conflict, "", 0},
		{"delete what is gone", ResourceWrite{DeleteVerb, live, 3}, nil, Conflict, "", 0},
		{"no verb", ResourceWrite{"replace", live, 3}, &live, Invalid, "", 0},
	} {
		next, change, err := tc.write.On(tc.live, "new", 9)
		if tc.kind != 0 {
			if !IsKind(err, tc.kind) {
				t.Errorf("%s: error %v, want kind %s", tc.name, err, tc.kind)
			}
			continue
		}
		if err != nil || change.Action != tc.action {
			t.Errorf("%s: action %q, error %v, want %q", tc.name, change.Action, err, tc.action)
			continue
		}
		if next == nil {
			if tc.generation != 0 || change.After != "" || change.Before != StateDigest(live) {
				t.Errorf("%s: nothing is left, change %+v", tc.name, change)
			}
			continue
		}
		if next.Generation != tc.generation {
			t.Errorf("%s: generation %d, want %d", tc.name, next.Generation, tc.generation)
		}
		if change.Action != "" && change.After != StateDigest(*next) {
			t.Errorf("%s: the change does not record the state", tc.name)
		}
	}
}
