package api

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/spec"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// planText plans declarations that come as text. It reads them by the rules of the
// command line. Files are not sent along: a source or a pipeline that names the
// same file as what is declared keeps the one that was sent then.
func (t *table) planText(ctx context.Context, in view.ChangeRequest) (out view.ChangePlan, answer plan.Answer, desired []trimtab.Resource, err error) {
	project := trimtab.CallOf(ctx).Workspace
	set, problems := spec.Read("declarations", []byte(in.Text), project)
	live, err := t.cfg.Resources.List(ctx, "")
	if err != nil {
		return out, answer, nil, err
	}
	var notes []string
	p := view.Proposal{Manager: cmp.Or(in.Manager, "api")}
	for _, d := range set.Documents {
		if d.Resource.Workspace != project {
			problems = append(problems, spec.Diagnostic{Severity: spec.SevError, Line: d.Line, Summary: d.Resource.Ref() + " belongs to project " + string(d.Resource.Workspace), Expected: "declarations of project " + string(project) + ": leave metadata.project out, or go to that project"})
			continue
		}
		note, problem := keepFile(d, live)
		if problem != "" {
			problems = append(problems, spec.Diagnostic{Severity: spec.SevError, Line: d.Line, Summary: problem, Expected: "`trimtab apply`, which sends the files"})
		}
		if note != "" {
			notes = append(notes, note)
		}
		if problems.HasErrors() {
			continue
		}
		raw, err := spec.Canonical(d.Resource.Kind, d.Resource.Name, d.Spec)
		if err != nil {
			return out, answer, nil, err
		}
		p.Resources = append(p.Resources, view.Declaration{Kind: d.Resource.Kind, Name: d.Resource.Name, Labels: d.Resource.Labels, Annotations: d.Resource.Annotations, Spec: raw})
	}
	inventories := inventoriesOf(set, live)
	p.Inventory = cmp.Or(in.Inventory, inventories[0])
	if problems.HasErrors() {
		out = changePlan(answer, nil)
	} else if answer, desired, err = t.plan(ctx, p); err != nil {
		if !trimtab.IsKind(err, trimtab.Invalid) {
			return out, answer, nil, err
		}
		problems = append(problems, spec.Diagnostic{Severity: spec.SevError, Summary: trimtab.Message(err)})
		out, answer = changePlan(plan.Answer{}, nil), plan.Answer{}
	} else {
		out = changePlan(answer, notes)
		outside(&out)
	}
	out.Inventory, out.Inventories = p.Inventory, inventories
	for _, d := range problems {
		out.Problems = append(out.Problems, view.ChangeProblem{Severity: string(d.Severity), Summary: d.Summary, Detail: d.Detail, Path: d.Path,
			Line: d.Line, Column: d.Column, EndColumn: d.EndColumn, Excerpt: d.Excerpt, Expected: d.Expected, DidYouMean: d.DidYouMean})
	}
	return out, answer, desired, nil
}

// outside says that a plan changes what another manager declares: that is no return
// to what was declared, and the manager will see it as drift.
func outside(p *view.ChangePlan) {
	owner, _, ok := strings.Cut(p.Inventory, ":")
	if !ok || owner == p.Manager || len(p.Actions) == 0 {
		return
	}
	p.Drift = []view.ChangeDrift{}
	for i := range p.Actions {
		if p.Actions[i].Verb == string(plan.Update) {
			p.Actions[i].Reason = ""
		}
	}
	p.Notes = append(p.Notes, "It belongs to "+p.Inventory+": unless the files there say the same, the next apply of them shows this as drift and takes it back")
}

// keepFile fills the digest of a file that a document names and that is not sent.
func keepFile(d spec.Document, live []trimtab.Resource) (note, problem string) {
	ref := d.Resource.Ref()
	i := slices.IndexFunc(live, func(r trimtab.Resource) bool { return r.Ref() == ref })
	fill := func(what, path string, into *trimtab.Digest, had func(raw json.RawMessage) (string, trimtab.Digest)) (string, string) {
		if path == "" || *into != "" {
			return "", ""
		}
		if i >= 0 {
			if was, digest := had(live[i].Spec); was == path && digest != "" {
				*into = digest
				return ref + ": its " + what + " " + path + " stays as it was sent last (" + digest.Short() + ")", ""
			}
		}
		return "", ref + " names the " + what + " " + path + ", which the browser cannot send"
	}
	switch s := d.Spec.(type) {
	case *trimtab.SourceSpec:
		return fill("file", s.Path, &s.Digest, func(raw json.RawMessage) (string, trimtab.Digest) {
			var old trimtab.SourceSpec
			_ = json.Unmarshal(raw, &old)
			return old.Path, old.Digest
		})
	case *trimtab.PipelineSpec:
		if s.Code == nil {
			return "", ""
		}
		return fill("code", s.Code.Path, &s.Code.Digest, func(raw json.RawMessage) (string, trimtab.Digest) {
			var old trimtab.PipelineSpec
			if json.Unmarshal(raw, &old) != nil || old.Code == nil {
				return "", ""
			}
			return old.Code.Path, old.Code.Digest
		})
	}
	return "", ""
}

// ownInventory is the source of what is declared in the browser and was not there before.
const ownInventory = "ui:"

// inventoriesOf lists the sources that declarations come from as they stand, the
// one with most of them first, then that of the browser.
func inventoriesOf(set spec.Set, live []trimtab.Resource) []string {
	count := map[string]int{}
	var out []string
	for _, d := range set.Documents {
		for _, r := range live {
			if r.Ref() == d.Resource.Ref() && r.Inventory != "" {
				if count[r.Inventory]++; count[r.Inventory] == 1 {
					out = append(out, r.Inventory)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Or(count[b]-count[a], strings.Compare(a, b)) })
	if !slices.Contains(out, ownInventory) {
		out = append(out, ownInventory)
	}
	return out
}
