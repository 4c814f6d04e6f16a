package trimtab

import (
	"encoding/json"
	"strings"
)

// APIVersion is the version of the declared kinds.
const APIVersion = "trimtab.dev/v1alpha1"

// Declared kinds that this version of the program knows, in the order in which
// apply creates them.
const (
	KindProject         = "Project"
	KindChannel         = "Channel"
	KindDataSource      = "DataSource"
	KindDataContract    = "DataContract"
	KindModel           = "Model"
	KindPipeline        = "Pipeline"
	KindEndpoint        = "Endpoint"
	KindMonitor         = "Monitor"
	KindEvaluationSuite = "EvaluationSuite"
	KindRetrainPolicy   = "RetrainPolicy"
)

// Kinds lists the declared kinds in the order in which apply creates them.
var Kinds = []string{KindProject, KindChannel, KindDataSource, KindModel, KindPipeline, KindEndpoint, KindDataContract, KindMonitor, KindEvaluationSuite, KindRetrainPolicy}

// Plural is the lowercase plural under which a kind stands in URLs and commands.
func Plural(kind string) string {
	lower := strings.ToLower(kind)
	if stem, ok := strings.CutSuffix(lower, "y"); ok {
		return stem + "ies"
	}
	return lower + "s"
}

// Metadata is what every declared thing carries.
type Metadata struct {
	Name        string            `json:"name"`
	Project     Workspace         `json:"project,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Resource is a declared thing as the server keeps it. Spec is canonical JSON of
// the kind's spec struct with its defaults left out. Generation counts changes of
// the spec. Inventory names the source that declared it ("cli:examples/flights"):
// prune stays inside one inventory.
type Resource struct {
	Workspace   Workspace         `json:"ws"`
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	UID         string            `json:"uid"`
	Generation  int64             `json:"generation"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Spec        json.RawMessage   `json:"spec"`
	Manager     string            `json:"manager,omitzero"`
	Inventory   string            `json:"inventory,omitzero"`
	Created     Time              `json:"created"`
	Updated     Time              `json:"-"`

	Status json.RawMessage `json:"-"`
}

// Object names the resource in the journal.
func (r Resource) Object() Object { return Object{Kind: strings.ToLower(r.Kind), Name: r.Name} }

// Ref is the resource's address for people: "endpoint/flights".
func (r Resource) Ref() string { return strings.ToLower(r.Kind) + "/" + r.Name }

// Change makes the journal change of an action that leads from before (nil for a new one) to r.
func (r Resource) Change(verb string, before *Resource) Change {
	c := Change{Action: strings.ToLower(r.Kind) + "." + verb, Object: r.Object(), After: StateDigest(r)}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}

// Condition is one line of a status: what holds, since when, and why.
type Condition struct {
	Type    string `json:"type"`   // "Ready", "NoVersion", …
	Status  bool   `json:"status"` //
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	Since   Time   `json:"since,omitempty"`
}

// ProjectSpec declares a workspace.
type ProjectSpec struct {
	Description string `json:"description,omitempty"`
}

// ModelSpec declares a registered model.
type ModelSpec struct {
	Description string `json:"description,omitempty"`
	// Task is "binary" or "regression": which quality metrics apply.
	Task string            `json:"task,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
}
