package registry

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/trimtab/trimtab"
)

// shelf is a registry and its declarations in memory.
type shelf struct {
	spec   map[string]trimtab.ModelSpec
	models map[trimtab.ModelName]trimtab.RegisteredModel
	writes int
}

func (s *shelf) Get(_ context.Context, kind, name string) (trimtab.Resource, error) {
	spec, ok := s.spec[name]
	if !ok {
		return trimtab.Resource{}, trimtab.Errorf(trimtab.NotFound, name, "not declared")
	}
	raw, _ := json.Marshal(spec)
	return trimtab.Resource{Kind: kind, Name: name, Spec: raw}, nil
}

type shelfModels struct{ *shelf }

func (s shelfModels) Create(_ context.Context, m trimtab.RegisteredModel) (trimtab.RegisteredModel, error) {
	s.writes++
	m.Tags = maps.Clone(m.Tags)
	s.models[m.Name] = m
	return m, nil
}

func (s shelfModels) Get(_ context.Context, name trimtab.ModelName) (trimtab.RegisteredModel, error) {
	m, ok := s.models[name]
	if !ok {
		return m, trimtab.Errorf(trimtab.NotFound, string(name), "not registered")
	}
	return m, nil
}

func (s shelfModels) Update(_ context.Context, name trimtab.ModelName, description string) (trimtab.RegisteredModel, error) {
	s.writes++
	m := s.models[name]
	m.Description = description
	s.models[name] = m
	return m, nil
}

func (s shelfModels) SetTag(_ context.Context, name trimtab.ModelName, tag trimtab.Tag) error {
	s.writes++
	m := s.models[name]
	m.Tags = maps.Clone(m.Tags)
	m.Tags[tag.Key] = tag.Value
	s.models[name] = m
	return nil
}

func TestDeclaredModelIsRegisteredOnce(t *testing.T) {
	s := &shelf{spec: map[string]trimtab.ModelSpec{"m": {Description: "d", Tags: map[string]string{"a": "1"}}}, models: map[trimtab.ModelName]trimtab.RegisteredModel{}}
	follow := Declared(s, shelfModels{s})
	applied := trimtab.Entry{Change: trimtab.Change{Action: "model.create", Object: trimtab.Object{Kind: "model", Name: "m"}, After: "x"}}
	other := trimtab.Entry{Change: trimtab.Change{Action: "model.alias.set", Object: trimtab.Object{Kind: "registeredModel", Name: "n"}, After: "x"}}
	for range 3 { // at least once, so equal entries change nothing
		if err := follow.Handle(t.Context(), []trimtab.Entry{applied, other}); err != nil {
			t.Fatal(err)
		}
	}
	if m := s.models["m"]; s.writes != 1 || m.Description != "d" || m.Tags["a"] != "1" || len(s.models) != 1 {
		t.Fatalf("after an apply: %d writes, %+v", s.writes, s.models)
	}
	s.spec["m"] = trimtab.ModelSpec{Description: "e", Tags: map[string]string{"a": "2"}}
	s.models["m"].Tags["theirs"] = "kept"
	if err := follow.Handle(t.Context(), []trimtab.Entry{applied}); err != nil {
		t.Fatal(err)
	}
	if m := s.models["m"]; m.Description != "e" || m.Tags["a"] != "2" || m.Tags["theirs"] != "kept" {
		t.Errorf("after a change: %+v", m)
	}
	delete(s.spec, "m")
	gone := applied
	gone.After = ""
	if err := follow.Handle(t.Context(), []trimtab.Entry{gone, applied}); err != nil || len(s.models) != 1 {
		t.Errorf("after a delete: %v, %+v", err, s.models)
	}
}
