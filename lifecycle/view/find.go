package view

import "github.com/trimtab/trimtab"

// Find is what is called as somebody typed, at most some dozens, those first that
// begin with it.
type Find struct {
	Found []Found `json:"found"`
}

// Found is one object by its kind, as the journal names kinds. Parent is what it
// belongs to: the experiment of a run, the endpoint of a policy. Text is what
// people call it, where that is not its name.
type Found struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Parent string `json:"parent,omitempty"`
	Text   string `json:"text,omitempty"`
}

// Projects are the projects of a server by name; "default" is always there.
type Projects struct {
	Projects []trimtab.Workspace `json:"projects"`
}
