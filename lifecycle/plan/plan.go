package plan

import (
	"encoding/json"

	"github.com/trimtab/trimtab"
)

// Verb is what a plan does with one resource. A replacement deletes the resource
// and creates another of the same name.
type Verb string

const (
	Create  Verb = "create"
	Update  Verb = "update"
	Replace Verb = "replace"
	Delete  Verb = "delete"
	None    Verb = "none"
)

// FieldChange is one differing field. Old is absent for a new field, New for one
// that goes. Items of lists that have names are addressed by them: "spec.steps[train].run".
type FieldChange struct {
	Path string          `json:"path"`
	Old  json.RawMessage `json:"old,omitempty"`
	New  json.RawMessage `json:"new,omitempty"`
}

// Action is what happens to one resource. Generation and UID are those of the
// live resource that the decision was made on, zero for a new one.
type Action struct {
	Verb       Verb          `json:"verb"`
	Kind       string        `json:"kind"`
	Name       string        `json:"name"`
	Fields     []FieldChange `json:"fields,omitempty"`
	Reason     string        `json:"reason,omitempty"` // why it is replaced, adopted or deleted
	Generation int64         `json:"generation,omitempty"`
	UID        string        `json:"uid,omitempty"`
}

// Ref is the resource's address for people.
func (a Action) Ref() string { return trimtab.Resource{Kind: a.Kind, Name: a.Name}.Ref() }

// Drift is a resource of this inventory that another manager has changed since.
// Fields lead from the declared to the live value.
type Drift struct {
	Kind    string        `json:"kind"`
	Name    string        `json:"name"`
	Manager string        `json:"manager"`
	At      trimtab.Time  `json:"at,omitempty"`
	Fields  []FieldChange `json:"fields"`
}

// Effect is what follows from the actions. Kind is "pipeline", "endpoint",
// "monitor", "model", "source" or "reference"; Subject the address of the resource.
type Effect struct {
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Unknown is what the server cannot know yet.
type Unknown struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Plan is what an apply would do. Actions stand in the order of their execution;
// those of verb none are not listed. Digest covers everything that is decided,
// with the generations it was decided on, and not the effects: they move with
// the facts.
type Plan struct {
	Workspace trimtab.Workspace `json:"workspace"`
	Manager   string            `json:"manager"`
	Inventory string            `json:"inventory"`
	Prune     bool              `json:"prune,omitempty"`
	Actions   []Action          `json:"actions,omitempty"`
	Drift     []Drift           `json:"drift,omitempty"`
	Effects   []Effect          `json:"effects,omitempty"`
	Unknown   []Unknown         `json:"unknown,omitempty"`
	Unchanged int               `json:"unchanged"`
	Digest    trimtab.Digest    `json:"digest"`
}

// Empty reports whether an apply would change nothing.
func (p Plan) Empty() bool { return len(p.Actions) == 0 }

// Count counts the actions of a verb.
func (p Plan) Count(v Verb) int {
	n := 0
	for _, a := range p.Actions {
		if a.Verb == v {
			n++
		}
	}
	return n
}

// Answer is a plan with the objects that its declarations name and the server's
// blob store lacks; they are uploaded before an apply.
type Answer struct {
	Plan
	Missing []trimtab.Digest `json:"missing,omitempty"`
}

// Options say in whose name and within which bounds a plan is made.
type Options struct {
	Workspace trimtab.Workspace
	Manager   string // who declares: "cli", "api", …
	Inventory string // the source of the declarations; prune stays inside it
	Prune     bool   // delete what the inventory has and the declarations no longer name
}

// Facts are what the server knows beyond the declarations. A nil map means that
// it was not looked up, and then effects say so.
type Facts struct {
	// Models are the registered models with the versions their aliases point to.
	Models map[trimtab.ModelName]map[trimtab.Alias]trimtab.Version
	// Pipelines are the last runs by pipeline.
	Pipelines map[string]LastRun
	// Windows counts the closed windows by monitor.
	Windows map[string]int
	// Live names the endpoints that have answered requests, and Driven those that a replay drives.
	Live, Driven map[string]bool
}

// LastRun is what is known of the last run of a pipeline.
type LastRun struct {
	ID    trimtab.PipelineRunID
	State trimtab.PipelineState
	Took  map[string]trimtab.Duration // by step
}

// Writes turns the plan into the writes of one transaction. desired must be the
// declarations that the plan was made of.
func (p Plan) Writes(desired []trimtab.Resource) []trimtab.ResourceWrite {
	byRef := map[string]trimtab.Resource{}
	for _, r := range desired {
		r.Workspace, r.Manager, r.Inventory = p.Workspace, p.Manager, p.Inventory
		byRef[r.Ref()] = r
	}
	var out []trimtab.ResourceWrite
	for _, a := range p.Actions {
		gone := trimtab.ResourceWrite{Verb: trimtab.DeleteVerb, Resource: trimtab.Resource{Workspace: p.Workspace, Kind: a.Kind, Name: a.Name}, ExpectGeneration: a.Generation}
		switch a.Verb {
		case Create:
			out = append(out, trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: byRef[a.Ref()]})
		case Update:
			out = append(out, trimtab.ResourceWrite{Verb: trimtab.UpdateVerb, Resource: byRef[a.Ref()], ExpectGeneration: a.Generation})
		case Replace:
			out = append(out, gone, trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: byRef[a.Ref()]})
		case Delete:
			out = append(out, gone)
		}
	}
	return out
}

// digest covers the decision and what it was decided on.
func (p Plan) digest(desired []trimtab.Resource) trimtab.Digest {
	return trimtab.StateDigest(struct {
		Workspace, Manager, Inventory string
		Actions                       []Action
		Writes                        []trimtab.ResourceWrite
	}{string(p.Workspace), p.Manager, p.Inventory, p.Actions, p.Writes(desired)})
}
