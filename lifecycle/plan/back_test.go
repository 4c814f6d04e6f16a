package plan

import (
	"encoding/json"
	"testing"

	"github.com/trimtab/trimtab"
)

// The way back from an apply restores, creates again and deletes, in the order of
// an apply, and leaves alone what is as it was.
func TestBack(t *testing.T) {
	r := func(kind, name, spec string, generation int64) trimtab.Resource {
		return trimtab.Resource{Kind: kind, Name: name, Spec: json.RawMessage(spec), Generation: generation, UID: name, Manager: "cli", Inventory: "cli:x"}
	}
	live := []trimtab.Resource{
		r(trimtab.KindModel, "m", `{"task":"regression"}`, 2), r(trimtab.KindModel, "new", `{}`, 1), r(trimtab.KindEndpoint, "same", `{"model":{"name":"m"}}`, 1),
	}
	desired := []trimtab.Resource{r(trimtab.KindModel, "m", `{"task":"binary"}`, 1), r(trimtab.KindModel, "gone", `{}`, 1), r(trimtab.KindEndpoint, "same", `{"model":{"name":"m"}}`, 1)}
	p := Back(desired, []trimtab.Object{{Kind: trimtab.KindModel, Name: "new"}, {Kind: trimtab.KindModel, Name: "gone before"}}, live, Facts{}, Options{Workspace: "default", Manager: "ui", Inventory: "cli:x", Prune: true})
	var got []string
	for _, a := range p.Actions {
		got = append(got, string(a.Verb)+" "+a.Ref()+" "+a.Reason)
	}
	want := []string{"create model/gone ", "update model/m returns to what it was", "delete model/new model/new was not there"}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("actions %q, want %q", got, want)
	}
	if p.Unchanged != 1 || len(p.Drift) != 0 || p.Digest == "" {
		t.Errorf("%d unchanged, drift %v, digest %q", p.Unchanged, p.Drift, p.Digest)
	}
	writes := p.Writes(desired)
	if len(writes) != 3 || writes[1].ExpectGeneration != 2 || writes[1].Resource.Inventory != "cli:x" || writes[1].Resource.Manager != "ui" || writes[2].Verb != trimtab.DeleteVerb {
		t.Errorf("writes %+v", writes)
	}
}
