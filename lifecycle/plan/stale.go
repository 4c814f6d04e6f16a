package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// pipeline says which steps of a pipeline become stale: their own declaration,
// the code, the environment, a param or a source they read has changed, or a
// step whose output they read is stale.
func (w *world) pipeline(ref string) {
	now := full[trimtab.PipelineSpec](w.after[ref])
	name := w.after[ref].Name
	old, existed := w.before[ref]
	if !existed {
		w.effect("pipeline", ref, "is new; start it with `trimtab pipeline run %s`", name)
		return
	}
	was := full[trimtab.PipelineSpec](old)
	reasons := w.stale(was, now)
	if len(reasons) == 0 {
		return
	}
	last, known := w.facts.Pipelines[name]
	if w.facts.Pipelines != nil && !known {
		return // it has never run: nothing was computed that could be stale
	}
	var fresh []string
	byReason := map[string][]string{}
	var order []string
	var took time.Duration
	for _, s := range now.Steps {
		why, stale := reasons[s.Name]
		if !stale {
			if s.Promote == nil { // a promotion is judged anew by every run
				fresh = append(fresh, s.Name)
			}
			continue
		}
		if byReason[why] == nil {
			order = append(order, why)
		}
		byReason[why] = append(byReason[why], s.Name)
		took += time.Duration(last.Took[s.Name])
	}
	var parts []string
	for _, why := range order {
		parts = append(parts, list("step", byReason[why])+" ("+why+")")
	}
	text := "the next run executes again " + strings.Join(parts, ", ")
	if took > 0 {
		text += fmt.Sprintf("; they took %s", took.Round(time.Second))
	}
	if len(fresh) > 0 {
		text += "; " + list("step", fresh) + " can come from the cache"
	}
	w.effect("pipeline", ref, "%s", text)
}

// stale gives each stale step its reason.
func (w *world) stale(was, now trimtab.PipelineSpec) map[string]string {
	out := map[string]string{}
	oldSteps := map[string]trimtab.StepSpec{}
	for _, s := range was.Steps {
		oldSteps[s.Name] = s
	}
	changedParams := map[string]bool{}
	for k := range merged(was.Params, now.Params) {
		a, hadA := was.Params[k]
		b, hadB := now.Params[k]
		if a != b || hadA != hadB {
			changedParams["params."+k] = true
		}
	}
	for _, s := range now.Steps {
		old, existed := oldSteps[s.Name]
		switch {
		case !existed:
			out[s.Name] = "new"
		case trimtab.StateDigest(identity(old)) != trimtab.StateDigest(identity(s)):
			out[s.Name] = "changed"
		case s.Run != "" && trimtab.StateDigest(was.Code) != trimtab.StateDigest(now.Code):
			out[s.Name] = "its code changed"
		case s.Run != "" && trimtab.StateDigest(was.Env) != trimtab.StateDigest(now.Env):
			out[s.Name] = "its environment changed"
		}
		if out[s.Name] != "" {
			continue
		}
		for _, path := range slices.Sorted(maps.Keys(s.Templates())) {
			for _, r := range trimtab.Refs(s.Templates()[path]) {
				if changedParams[r] && out[s.Name] == "" {
					out[s.Name] = "param " + strings.TrimPrefix(r, "params.") + " changed"
				}
			}
		}
		if s.Dataset == nil {
			continue
		}
		for _, name := range []string{s.Dataset.Source, s.Dataset.Served} {
			source := trimtab.Resource{Kind: trimtab.KindDataSource, Name: name}.Ref()
			if before, ok := w.before[source]; ok && out[s.Name] == "" && string(before.Spec) != string(w.after[source].Spec) {
				out[s.Name] = "source " + name + " changed"
			}
		}
	}
	for range now.Steps { // once per step is enough for every chain
		for _, s := range now.Steps {
			if out[s.Name] != "" {
				continue
			}
			for _, from := range slices.Sorted(maps.Values(s.Inputs)) {
				step, _, _ := strings.Cut(from, ".")
				if out[step] != "" {
					out[s.Name] = "reads " + step
					break
				}
			}
		}
	}
	return out
}

// identity is the part of a step that decides what it computes.
func identity(s trimtab.StepSpec) trimtab.StepSpec {
	s.Needs, s.Timeout, s.Retry, s.Cache = nil, 0, nil, ""
	return s
}

func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}

func list(noun string, names []string) string {
	switch len(names) {
	case 1:
		return noun + " " + names[0]
	}
	return noun + "s " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
