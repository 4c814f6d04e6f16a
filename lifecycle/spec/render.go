package spec

import (
	"encoding/json"

	"github.com/goccy/go-yaml"

	"github.com/trimtab/trimtab"
)

// Manifest is the document form of a resource, as files have it.
type Manifest struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Metadata   trimtab.Metadata `json:"metadata"`
	Spec       any              `json:"spec,omitempty"`
	Status     json.RawMessage  `json:"status,omitempty"`
}

// ManifestOf puts a resource into document form. With full, each default is
// spelled out. The spec is ordered as its struct.
func ManifestOf(r trimtab.Resource, full bool) (Manifest, error) {
	m := Manifest{APIVersion: trimtab.APIVersion, Kind: r.Kind,
		Metadata: trimtab.Metadata{Name: r.Name, Project: r.Workspace, Labels: r.Labels, Annotations: r.Annotations}}
	s := New(r.Kind)
	if s == nil {
		return m, trimtab.Errorf(trimtab.Invalid, r.Ref(), "unknown kind %q", r.Kind)
	}
	if err := json.Unmarshal(r.Spec, s); err != nil {
		return m, trimtab.Errorf(trimtab.Invalid, r.Ref(), "%s: the spec can not be read: %v", r.Ref(), err)
	}
	if full {
		filled, err := WithDefaults(r.Kind, r.Name, s)
		if err != nil {
			return m, err
		}
		s = filled
	}
	m.Spec = s
	return m, nil
}

// YAML encodes anything with JSON tags as YAML, in the order of its fields.
func YAML(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return yaml.JSONToYAML(raw)
}

// Render writes the resources as one multi-document YAML with every default spelled out.
func Render(resources []trimtab.Resource) ([]byte, error) {
	var out []byte
	for i, r := range resources {
		if i > 0 {
			out = append(out, "---\n"...)
		}
		m, err := ManifestOf(r, true)
		if err != nil {
			return nil, err
		}
		doc, err := YAML(m)
		if err != nil {
			return nil, err
		}
		out = append(out, doc...)
	}
	return out, nil
}
