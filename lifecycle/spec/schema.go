package spec

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/trimtab/trimtab"
)

// Schema returns the JSON Schema (2020-12) of a kind's documents, or of the
// documents of all kinds for "". It is made from the Go types, so it never
// lags behind them. An unknown kind is NotFound.
func Schema(kindName string) ([]byte, error) {
	if kindName == "" {
		all := &jsonschema.Schema{Version: jsonschema.Version, Title: "trimtab declarations"}
		for _, k := range kinds {
			doc := documentSchema(k)
			doc.Version = ""
			all.OneOf = append(all.OneOf, doc)
		}
		return json.MarshalIndent(all, "", "  ")
	}
	k, ok := kindNamed(kindName)
	if !ok {
		return nil, trimtab.Errorf(trimtab.NotFound, "kind "+kindName, "unknown kind %q: expected one of %s", kindName, strings.Join(trimtab.Kinds, ", "))
	}
	return json.MarshalIndent(documentSchema(k), "", "  ")
}

const (
	durationPattern = `^-?(\d+[dw]|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+|0)$`
	namePattern     = `^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`
)

func documentSchema(k kind) *jsonschema.Schema {
	reflector := &jsonschema.Reflector{ExpandedStruct: true, DoNotReference: true, Anonymous: true, CommentMap: comments, Mapper: func(t reflect.Type) *jsonschema.Schema {
		switch t {
		case reflect.TypeFor[trimtab.Duration]():
			return &jsonschema.Schema{Type: "string", Pattern: durationPattern, Description: "A span of time: a number with a unit, such as 90s, 15m, 6h, 7d or 2w."}
		case reflect.TypeFor[trimtab.Window]():
			return &jsonschema.Schema{Type: "string", Description: "month, or a duration of at least a minute such as 1h, 1d or 7d, aligned to UTC."}
		case reflect.TypeFor[trimtab.Digest]():
			return &jsonschema.Schema{Type: "string", Pattern: digestForm.String(), Description: "Filled in by apply."}
		}
		return nil
	}}
	spec := reflector.ReflectFromType(reflect.TypeOf(k.fresh()).Elem())
	spec.Version = ""
	for path, allowed := range sorted(k.choice) {
		restrict(spec, path, allowed)
	}
	metadata := reflector.ReflectFromType(reflect.TypeFor[trimtab.Metadata]())
	metadata.Version = ""
	if name, ok := metadata.Properties.Get("name"); ok {
		name.Pattern = namePattern
	}
	doc := &jsonschema.Schema{Version: jsonschema.Version, Title: k.name, Type: "object", Properties: jsonschema.NewProperties(),
		Required: []string{"apiVersion", "kind", "metadata"}, AdditionalProperties: jsonschema.FalseSchema}
	if len(spec.Required) > 0 {
		doc.Required = append(doc.Required, "spec")
	}
	doc.Properties.Set("apiVersion", &jsonschema.Schema{Const: trimtab.APIVersion})
	doc.Properties.Set("kind", &jsonschema.Schema{Const: k.name})
	doc.Properties.Set("metadata", metadata)
	doc.Properties.Set("spec", spec)
	doc.Properties.Set("status", &jsonschema.Schema{Type: "object", Description: "Written by the server; ignored when applied."})
	return doc
}

// restrict puts the allowed values of a path into the schema.
func restrict(s *jsonschema.Schema, path string, allowed []string) {
	for part := range strings.SplitSeq(path, ".") {
		name, list := strings.CutSuffix(part, "[]")
		next, ok := s.Properties.Get(name)
		if !ok {
			panic("spec: a choice names the unknown path " + path)
		}
		s = next
		if list {
			s = s.Items
		}
	}
	for _, v := range allowed {
		s.Enum = append(s.Enum, v)
	}
}
