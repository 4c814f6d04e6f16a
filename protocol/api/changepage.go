package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// ChangeLog reads how declarations changed.
type ChangeLog interface {
	// Declared and DeclaredFrom read the entries by which declarations changed:
	// before an index (0: the end) newest first, or from one on oldest first.
	Declared(ctx context.Context, before int64, limit int) ([]trimtab.Entry, error)
	DeclaredFrom(ctx context.Context, from int64, limit int) ([]trimtab.Entry, error)
	ByObject(ctx context.Context, kind, name string, limit int) ([]trimtab.Entry, error)
	// States are the kept states by the digests of the entries.
	States(ctx context.Context, digests []trimtab.Digest) (map[trimtab.Digest]trimtab.Resource, error)
}

const (
	changeEntries = 2_000  // entries that one page of applies is made of at most
	changeLines   = 12     // resources of an apply that a list names
	mostChanges   = 10_000 // entries of one apply
	mostDrift     = 20     // resources whose drift is looked up field by field
)

// ChangeIn names an apply by the index of its first journal entry.
type ChangeIn struct {
	ProjectIn
	ID int64 `path:"id" minimum:"1"`
}

// undoBody agrees to a plan that leads back.
type undoBody struct {
	Manager string         `json:"manager,omitempty"`
	Expect  trimtab.Digest `json:"expect,omitempty"`
}

func (t *table) changePages() {
	add(t, operation{id: "listChanges", method: "GET", path: "/changes", summary: "List applies, newest first, and what differs from what was declared last", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Limit  int   `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many applies at most."`
			Before int64 `query:"before" minimum:"0" doc:"Only applies before this index; 0 begins at the end."`
		}) (view.ChangesPage, error) {
			return t.changes(ctx, in.Before, in.Limit)
		})
	add(t, operation{id: "getChange", method: "GET", path: "/changes/{id}", summary: "Show an apply with what it changed", auth: route.Reader},
		func(ctx context.Context, in *ChangeIn) (view.ChangePage, error) {
			page, _, err := t.change(ctx, in.ID)
			return page, err
		})
	add(t, operation{id: "planUndo", method: "POST", path: "/changes/{id}/undo/plan", summary: "Say what the way back from an apply would do", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ChangeIn
			Body undoBody
		}) (view.ChangePlan, error) {
			out, _, _, err := t.undo(ctx, in.ID, in.Body.Manager)
			return out, err
		})
	add(t, operation{id: "undo", method: "POST", path: "/changes/{id}/undo", summary: "Go back to what was declared before an apply", auth: route.Writer},
		func(ctx context.Context, in *struct {
			ChangeIn
			Body undoBody
		}) (view.ChangePlan, error) {
			out, p, desired, err := t.undo(ctx, in.ID, in.Body.Manager)
			if err != nil {
				return out, err
			}
			return out, t.agreed(ctx, plan.Answer{Plan: p}, desired, in.Body.Expect)
		})
	add(t, operation{id: "planText", method: "POST", path: "/changes/plan", summary: "Say what an apply of declarations in YAML would do", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Body view.ChangeRequest
		}) (view.ChangePlan, error) {
			out, _, _, err := t.planText(ctx, in.Body)
			return out, err
		})
	add(t, operation{id: "applyText", method: "POST", path: "/changes/apply", summary: "Apply declarations in YAML", auth: route.Writer},
		func(ctx context.Context, in *struct {
			ProjectIn
			Body view.ChangeRequest
		}) (view.ChangePlan, error) {
			out, answer, desired, err := t.planText(ctx, in.Body)
			if err != nil {
				return out, err
			}
			for _, p := range out.Problems {
				if p.Severity == "error" {
					return out, trimtab.Errorf(trimtab.Invalid, "declarations", "%s", p.Summary)
				}
			}
			return out, t.agreed(ctx, answer, desired, in.Body.Expect)
		})
}

// agreed applies a plan that a person has seen: a plan without an expectation, and
// one that is not as expected, is refused.
func (t *table) agreed(ctx context.Context, answer plan.Answer, desired []trimtab.Resource, expect trimtab.Digest) error {
	switch {
	case expect == "":
		return trimtab.Errorf(trimtab.Invalid, "request", "expect is missing: the digest of the plan that was agreed to")
	case expect != answer.Digest:
		return trimtab.Errorf(trimtab.Conflict, "plan", "the plan is stale: the server has changed since it was made; plan again")
	case len(answer.Missing) > 0:
		return trimtab.Errorf(trimtab.Precondition, "blob "+string(answer.Missing[0]), "%d files that the declarations name are not on the server: apply them with the command line, which sends them", len(answer.Missing))
	}
	return t.cfg.Resources.Apply(ctx, answer.Writes(desired))
}

func (t *table) changes(ctx context.Context, before int64, limit int) (out view.ChangesPage, err error) {
	out.Items, out.Sources = []view.ChangeSet{}, []view.ChangeSource{}
	if t.cfg.Changes == nil {
		return out, absent("journal of changes")
	}
	entries, err := t.cfg.Changes.Declared(ctx, before, changeEntries)
	if err != nil {
		return out, err
	}
	sets := view.ChangeSets(entries)
	if len(entries) == changeEntries && len(sets) > 1 {
		sets = sets[:len(sets)-1] // its beginning may lie on the next page
	}
	cut := len(sets) > limit || len(entries) == changeEntries
	sets = sets[:min(limit, len(sets))]
	if cut {
		out.Next = sets[len(sets)-1].ID
	}
	var digests []trimtab.Digest
	for _, s := range sets {
		for _, l := range s.Lines[:min(3, len(s.Lines))] { // one that is kept says it for all
			digests = append(digests, cmp.Or(l.After, l.Before))
		}
	}
	states, err := t.cfg.Changes.States(ctx, digests)
	if err != nil {
		return out, err
	}
	live, err := t.cfg.Resources.List(ctx, "")
	if err != nil {
		return out, err
	}
	for _, r := range live { // applies older than the table of states
		states[trimtab.StateDigest(r)] = r
	}
	for i := range sets {
		sets[i].From(states)
		sets[i].Lines = sets[i].Lines[:min(changeLines, len(sets[i].Lines))]
	}
	out.Items = append(out.Items, sets...)
	if before == 0 {
		out.Sources = view.Sources(live)
		err = t.drift(ctx, live, out.Sources)
	}
	return out, err
}

// drift looks up, field by field, what others have changed of what a source
// declared last.
func (t *table) drift(ctx context.Context, live []trimtab.Resource, sources []view.ChangeSource) error {
	looked := 0
	for i := range sources {
		for j := range sources[i].Drift {
			d := &sources[i].Drift[j]
			if looked++; looked > mostDrift {
				return nil
			}
			entries, err := t.cfg.Changes.ByObject(ctx, strings.ToLower(d.Kind), d.Name, 50)
			if err != nil {
				return err
			}
			var digests []trimtab.Digest
			for _, e := range entries {
				digests = append(digests, e.After, e.Before)
			}
			states, err := t.cfg.Changes.States(ctx, digests)
			if err != nil {
				return err
			}
			now := live[slices.IndexFunc(live, func(r trimtab.Resource) bool { return r.Kind == d.Kind && r.Name == d.Name })]
			for _, digest := range digests {
				if declared, ok := states[digest]; ok && declared.Manager == sources[i].Manager {
					d.Known, d.Fields = true, changeFields(plan.Fields(declared, now))
					break
				}
			}
		}
	}
	return nil
}

func changeFields(in []plan.FieldChange) []view.ChangeField {
	out := []view.ChangeField{}
	for _, f := range in {
		out = append(out, view.ChangeField{Path: f.Path, Old: string(f.Old), New: string(f.New)})
	}
	return out
}

// was is what an apply changed, as far as the states are kept.
type was struct {
	set    view.ChangeSet
	states map[trimtab.Digest]trimtab.Resource
	live   []trimtab.Resource
}

// change reads one apply.
func (t *table) change(ctx context.Context, id int64) (out view.ChangePage, w was, err error) {
	out.Actions = []view.ChangeAction{}
	if t.cfg.Changes == nil {
		return out, w, absent("journal of changes")
	}
	entries, err := t.cfg.Changes.DeclaredFrom(ctx, id, mostChanges)
	if err != nil {
		return out, w, err
	}
	slices.Reverse(entries)
	before, err := t.cfg.Changes.Declared(ctx, id, 1)
	if err != nil {
		return out, w, err
	}
	sets := view.ChangeSets(append(entries, before...)) // one that the entry goes on with begins earlier
	if len(before) > 0 && len(sets) > 0 && sets[len(sets)-1].ID == before[0].Index && len(sets[len(sets)-1].Lines) == 1 {
		sets = sets[:len(sets)-1]
	}
	if len(sets) == 0 || sets[len(sets)-1].ID != id {
		return out, w, trimtab.Errorf(trimtab.NotFound, "change", "no apply begins with journal entry %d", id)
	}
	w.set = sets[len(sets)-1]
	var digests []trimtab.Digest
	for _, l := range w.set.Lines {
		digests = append(digests, l.Before, l.After)
	}
	if w.states, err = t.cfg.Changes.States(ctx, digests); err != nil {
		return out, w, err
	}
	if w.live, err = t.cfg.Resources.List(ctx, ""); err != nil {
		return out, w, err
	}
	now := map[string]trimtab.Digest{}
	for _, r := range w.live {
		now[r.Ref()] = trimtab.StateDigest(r)
		if _, ok := w.states[now[r.Ref()]]; !ok {
			w.states[now[r.Ref()]] = r
		}
	}
	w.set.From(w.states)
	kept := 0
	for _, l := range w.set.Lines {
		a := view.ChangeAction{Verb: l.Verb, Kind: l.Kind, Name: l.Name, Index: l.Index, Fields: []view.ChangeField{}}
		before, knew := w.states[l.Before]
		after, knows := w.states[l.After]
		if a.Known = (knew || l.Before == "") && (knows || l.After == ""); a.Known && l.After != "" {
			a.Fields = changeFields(plan.Fields(before, after))
		}
		if knew || l.Before == "" {
			kept++
		}
		switch is, there := now[l.Ref()]; {
		case l.After == "" && there:
			a.Since = "declared again"
		case l.After != "" && !there:
			a.Since = "deleted"
		case is != l.After:
			a.Since = "changed"
		}
		out.Actions = append(out.Actions, a)
	}
	out.Set = w.set
	if kept == 0 {
		out.Undo = "what was declared before this apply is not kept: it was made by an older trimtab"
	}
	return out, w, nil
}

// undo plans the way back from an apply.
func (t *table) undo(ctx context.Context, id int64, manager string) (out view.ChangePlan, p plan.Plan, desired []trimtab.Resource, err error) {
	page, w, err := t.change(ctx, id)
	if err != nil {
		return out, p, nil, err
	}
	if page.Undo != "" {
		return out, p, nil, trimtab.Errorf(trimtab.Precondition, "change", "the apply cannot be undone: %s", page.Undo)
	}
	var gone []trimtab.Object
	var notes, inventories []string
	belongs := func(inventory string) {
		if !slices.Contains(inventories, inventory) {
			inventories = append(inventories, inventory)
		}
	}
	for i, l := range w.set.Lines {
		if since := page.Actions[i].Since; since == "changed" {
			notes = append(notes, l.Ref()+" was changed after this apply: that change goes as well")
		}
		before, ok := w.states[l.Before]
		switch {
		case l.Before == "":
			gone = append(gone, trimtab.Object{Kind: l.Kind, Name: l.Name})
			for _, r := range w.live {
				if r.Ref() == l.Ref() {
					belongs(r.Inventory)
				}
			}
		case !ok:
			notes = append(notes, l.Ref()+" stays as it is: what it was before is not kept")
		default:
			desired = append(desired, before)
			belongs(before.Inventory)
		}
	}
	if len(inventories) > 1 {
		return out, p, nil, trimtab.Errorf(trimtab.Unsupported, "change", "the apply touched resources of several sources (%s): go back by declaring what should be", strings.Join(inventories, ", "))
	}
	live, err := t.cfg.Resources.List(ctx, "")
	if err != nil {
		return out, p, nil, err
	}
	facts, err := t.facts(ctx, live)
	if err != nil {
		return out, p, nil, err
	}
	opt := plan.Options{Workspace: trimtab.CallOf(ctx).Workspace, Manager: cmp.Or(manager, "api"), Inventory: strings.Join(inventories, "")}
	p = plan.Back(desired, gone, live, facts, opt)
	out = changePlan(plan.Answer{Plan: p}, notes)
	return out, p, desired, nil
}

// changePlan writes a plan for people.
func changePlan(a plan.Answer, notes []string) view.ChangePlan {
	out := view.ChangePlan{Manager: a.Manager, Inventory: a.Inventory, Inventories: []string{}, Actions: []view.ChangeAction{}, Drift: []view.ChangeDrift{},
		Effects: []view.ChangeEffect{}, Unknown: []view.ChangeEffect{}, Notes: notes, Problems: []view.ChangeProblem{}, Unchanged: a.Unchanged, Missing: len(a.Missing), Digest: a.Digest}
	if out.Notes == nil {
		out.Notes = []string{}
	}
	for _, x := range a.Actions {
		out.Actions = append(out.Actions, view.ChangeAction{Verb: string(x.Verb), Kind: x.Kind, Name: x.Name, Reason: x.Reason, Known: true, Fields: changeFields(x.Fields)})
	}
	for _, d := range a.Drift {
		out.Drift = append(out.Drift, view.ChangeDrift{Kind: d.Kind, Name: d.Name, Manager: d.Manager, At: d.At, Known: true, Fields: changeFields(d.Fields)})
	}
	for _, e := range a.Effects {
		out.Effects = append(out.Effects, view.ChangeEffect{Subject: e.Subject, Text: e.Text})
	}
	for _, u := range a.Unknown {
		out.Unknown = append(out.Unknown, view.ChangeEffect{Subject: u.Subject, Text: u.Text})
	}
	if a.Missing != nil {
		out.Notes = append(out.Notes, fmt.Sprintf("%d files that the declarations name are not on the server: apply them with the command line, which sends them", len(a.Missing)))
	}
	return out
}
