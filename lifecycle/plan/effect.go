package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/spec"
)

// world is what there will be after the apply, beside what there is.
type world struct {
	p      *Plan
	facts  Facts
	before map[string]trimtab.Resource
	after  map[string]trimtab.Resource
	order  []string // of after, in the order of kinds and names
}

func newWorld(p *Plan, desired, live []trimtab.Resource, facts Facts) *world {
	w := &world{p: p, facts: facts, before: map[string]trimtab.Resource{}, after: map[string]trimtab.Resource{}}
	for _, r := range live {
		w.before[r.Ref()], w.after[r.Ref()] = r, r
	}
	for _, r := range desired {
		w.after[r.Ref()] = r
	}
	for _, a := range p.Actions {
		if a.Verb == Delete {
			delete(w.after, a.Ref())
		}
	}
	for ref := range w.after {
		w.order = append(w.order, ref)
	}
	slices.SortFunc(w.order, func(a, b string) int {
		ra, rb := w.after[a], w.after[b]
		return cmp.Or(slices.Index(trimtab.Kinds, ra.Kind)-slices.Index(trimtab.Kinds, rb.Kind), strings.Compare(ra.Name, rb.Name))
	})
	return w
}

func (w *world) effect(kind, subject, format string, args ...any) {
	w.p.Effects = append(w.p.Effects, Effect{Kind: kind, Subject: subject, Text: fmt.Sprintf(format, args...)})
}

func (w *world) unknown(subject, format string, args ...any) {
	w.p.Unknown = append(w.p.Unknown, Unknown{Subject: subject, Text: fmt.Sprintf(format, args...)})
}

func (w *world) action(ref string) Action {
	i := slices.IndexFunc(w.p.Actions, func(a Action) bool { return a.Ref() == ref })
	if i < 0 {
		return Action{Verb: None}
	}
	return w.p.Actions[i]
}

func (w *world) effects() {
	for _, ref := range w.order {
		r := w.after[ref]
		switch r.Kind {
		case trimtab.KindPipeline:
			w.pipeline(ref)
		case trimtab.KindEndpoint:
			w.endpoint(ref)
		case trimtab.KindMonitor:
			w.monitor(ref)
		}
	}
	for _, a := range w.p.Actions {
		if a.Verb == Delete {
			w.deletion(a)
		}
	}
	w.references()
}

// decode reads a canonical spec; a spec that does not decode is empty, since
// the loader and the server have refused it before.
func decode[S any](r trimtab.Resource) S {
	var s S
	_ = json.Unmarshal(r.Spec, &s)
	return s
}

func full[S any](r trimtab.Resource) S {
	s := decode[S](r)
	filled, err := spec.WithDefaults(r.Kind, r.Name, &s)
	if err != nil {
		return s
	}
	return *filled.(*S)
}

func (w *world) endpoint(ref string) {
	a := w.action(ref)
	if a.Verb == None {
		return
	}
	now := full[trimtab.EndpointSpec](w.after[ref])
	name := w.after[ref].Name
	target := fmt.Sprintf("model %s@%s", now.Model.Name, now.Model.Alias)
	serves, certain := w.version(now.Model)
	if a.Verb == Create {
		switch {
		case !certain:
			w.unknown(ref, "which version %s points to", target)
		case serves == 0:
			w.effect("endpoint", ref, "answers 503 until alias %s of model %s points to a version", now.Model.Alias, now.Model.Name)
		default:
			w.effect("endpoint", ref, "loads %s, which is version %d now", target, serves)
		}
		return
	}
	old := full[trimtab.EndpointSpec](w.before[ref])
	if old.Model.Name != now.Model.Name || old.Model.Alias != now.Model.Alias {
		from, _ := w.version(old.Model)
		switch {
		case !certain:
			w.unknown(ref, "which version %s points to", target)
		case serves == 0:
			w.effect("endpoint", ref, "keeps answering with what it has loaded until alias %s of model %s points to a version", now.Model.Alias, now.Model.Name)
		default:
			w.effect("endpoint", ref, "rolls from %s to %s, with no request refused", versioned(old.Model, from), versioned(now.Model, serves))
		}
	}
	if old.Model.Output != now.Model.Output {
		w.effect("endpoint", ref, "answers with %s instead of %s from the next request on", now.Model.Output, old.Model.Output)
	}
	if old.Logging != now.Logging {
		w.effect("endpoint", ref, "logs new predictions as declared; logged ones stay as they are")
	}
	if old.AllowedLateness != now.AllowedLateness && !w.facts.Driven[name] {
		w.effect("endpoint", ref, "its watermark moves to now minus %s; closed windows stay closed", now.AllowedLateness)
	}
}

// version is what an alias points to; 0 when to nothing, certain is false when it was not looked up.
func (w *world) version(m trimtab.EndpointModel) (v trimtab.Version, certain bool) {
	if w.facts.Models == nil {
		return 0, false
	}
	return w.facts.Models[m.Name][m.Alias], true
}

func versioned(m trimtab.EndpointModel, v trimtab.Version) string {
	if v == 0 {
		return fmt.Sprintf("%s@%s (no version)", m.Name, m.Alias)
	}
	return fmt.Sprintf("%s@%s (version %d)", m.Name, m.Alias, v)
}

func (w *world) monitor(ref string) {
	a := w.action(ref)
	s := full[trimtab.MonitorSpec](w.after[ref])
	closed := ""
	if n := w.facts.Windows[w.after[ref].Name]; n > 0 {
		closed = fmt.Sprintf("; the %s computed so far stay recorded", count(n, "window"))
	}
	switch a.Verb {
	case Create:
		w.effect("monitor", ref, "begins to watch endpoint/%s in windows of %s", s.Endpoint, s.Window)
	case Replace:
		w.effect("monitor", ref, "starts over on endpoint/%s in windows of %s%s", s.Endpoint, s.Window, closed)
	case Update:
		old := full[trimtab.MonitorSpec](w.before[ref])
		x, y := trimtab.StateDigest(old), trimtab.StateDigest(s)
		if x != y {
			w.effect("monitor", ref, "judges windows that close from now on as declared%s", closed)
		}
	}
}

func (w *world) deletion(a Action) {
	switch a.Kind {
	case trimtab.KindEndpoint:
		w.effect("endpoint", a.Ref(), "stops answering at once; its log of predictions and labels stays")
		if w.facts.Driven[a.Name] {
			w.effect("endpoint", a.Ref(), "the replay that drives it fails")
		}
	case trimtab.KindModel:
		if n, known := w.facts.Models[trimtab.ModelName(a.Name)]; known {
			w.effect("model", a.Ref(), "the registered model with %s stays in the registry; only its declaration goes", count(len(n), "alias"))
		}
	case trimtab.KindMonitor:
		w.effect("monitor", a.Ref(), "no further window is computed; those computed stay recorded")
	case trimtab.KindPipeline:
		w.effect("pipeline", a.Ref(), "cannot be started any more; its runs and what they made stay")
	case trimtab.KindDataSource:
		w.effect("source", a.Ref(), "no further snapshot is taken; those taken stay")
	}
}

// references lists names that nothing declares: they may come to exist, but not by this plan.
func (w *world) references() {
	for _, ref := range w.order {
		r := w.after[ref]
		s := spec.New(r.Kind)
		if s == nil || json.Unmarshal(r.Spec, s) != nil {
			continue
		}
		touched := w.action(ref).Verb != None
		seen := map[string]bool{}
		for _, to := range spec.Refs(s) {
			address := trimtab.Resource{Kind: to.Kind, Name: to.Name}.Ref()
			if _, ok := w.after[address]; ok || seen[address] {
				continue
			}
			seen[address] = true
			if _, was := w.before[address]; was {
				w.effect("reference", ref, "refers to %s, which this plan deletes", address)
				continue
			}
			if !touched {
				continue
			}
			if to.Kind == trimtab.KindModel {
				if _, registered := w.facts.Models[trimtab.ModelName(to.Name)]; registered {
					continue
				}
			}
			w.unknown(ref, "%s is %s, which is neither declared nor known to the server", strings.TrimPrefix(to.Path, "spec."), address)
		}
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
