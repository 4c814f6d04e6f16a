package registry

import (
	"context"
	"encoding/json"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// Declarations reads what was declared.
type Declarations interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
}

// DeclaredModels are the registered models that declarations are about.
type DeclaredModels interface {
	Create(ctx context.Context, m trimtab.RegisteredModel) (trimtab.RegisteredModel, error)
	Get(ctx context.Context, name trimtab.ModelName) (trimtab.RegisteredModel, error)
	Update(ctx context.Context, name trimtab.ModelName, description string) (trimtab.RegisteredModel, error)
	SetTag(ctx context.Context, name trimtab.ModelName, tag trimtab.Tag) error
}

// Declared follows the declared Models: each is registered, with the description
// and tags that it declares. Deleting a declaration leaves the registered model
// and its versions alone, and tags that nobody declares are nobody's business.
func Declared(resources Declarations, models DeclaredModels) control.Consumer {
	return control.Consumer{Name: "registry", Handle: func(ctx context.Context, entries []trimtab.Entry) error {
		for _, e := range entries {
			if e.Object.Kind != "model" || e.After == "" {
				continue
			}
			in := trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("registry"), Workspace: e.Workspace})
			if err := declare(in, resources, models, e.Object.Name); err != nil {
				return err
			}
		}
		return nil
	}}
}

// declare makes one registered model what its declaration says, whatever was done before.
func declare(ctx context.Context, resources Declarations, models DeclaredModels, name string) error {
	r, err := resources.Get(ctx, trimtab.KindModel, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	var spec trimtab.ModelSpec
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return &trimtab.Error{Kind: trimtab.Internal, Subject: r.Ref(), Err: err}
	}
	m, err := models.Get(ctx, trimtab.ModelName(name))
	if trimtab.IsKind(err, trimtab.NotFound) {
		m, err = models.Create(ctx, trimtab.RegisteredModel{Name: trimtab.ModelName(name), Description: spec.Description, Tags: spec.Tags})
		if trimtab.IsKind(err, trimtab.Exists) {
			m, err = models.Get(ctx, trimtab.ModelName(name))
		}
	}
	if err != nil {
		return err
	}
	if spec.Description != "" && m.Description != spec.Description {
		if _, err := models.Update(ctx, m.Name, spec.Description); err != nil {
			return err
		}
	}
	for key, value := range spec.Tags {
		if m.Tags[key] == value {
			continue
		}
		if err := models.SetTag(ctx, m.Name, trimtab.Tag{Key: key, Value: value}); err != nil {
			return err
		}
	}
	return nil
}
