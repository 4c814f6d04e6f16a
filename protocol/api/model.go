package api

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// ModelIn names a registered model.
type ModelIn struct {
	ProjectIn
	Name string `path:"name"`
}

func (t *table) registry() {
	add(t, operation{id: "listModels", method: "GET", path: "/models", summary: "List registered models", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.List[view.Model], error) {
			out := view.List[view.Model]{Items: []view.Model{}}
			if t.cfg.Registry == nil {
				return out, absent("registry")
			}
			models, err := t.cfg.Registry.Models(ctx)
			for _, m := range models {
				out.Items = append(out.Items, view.Model{RegisteredModel: m, Updated: m.Updated})
			}
			return out, err
		})
	add(t, operation{id: "getModel", method: "GET", path: "/models/{name}", summary: "Show a registered model with its versions", auth: route.Reader},
		func(ctx context.Context, in *ModelIn) (view.Model, error) {
			if t.cfg.Registry == nil {
				return view.Model{}, absent("registry")
			}
			m, err := t.cfg.Registry.Model(ctx, trimtab.ModelName(in.Name))
			if err != nil {
				return view.Model{}, err
			}
			return t.model(ctx, m)
		})
	add(t, operation{id: "moveAlias", method: "POST", path: "/models/{name}/aliases", summary: "Point an alias to a version, or remove it", auth: route.Writer},
		func(ctx context.Context, in *struct {
			ModelIn
			Body view.MoveAlias
		}) (view.Model, error) {
			if t.cfg.Registry == nil {
				return view.Model{}, absent("registry")
			}
			name, b := trimtab.ModelName(in.Name), in.Body
			if b.Version < 0 {
				return view.Model{}, trimtab.Errorf(trimtab.Invalid, "version", "version %d: expected a number from 1, or 0 to remove the alias", b.Version)
			}
			var m trimtab.RegisteredModel
			var err error
			if b.Version == 0 {
				if err = t.cfg.Registry.DropAlias(ctx, name, b.Alias); err == nil {
					m, err = t.cfg.Registry.Model(ctx, name)
				}
			} else {
				m, err = t.cfg.Registry.SetAlias(ctx, name, trimtab.MoveAlias{Alias: b.Alias, To: b.Version, From: b.From, Cause: b.Cause})
			}
			if err != nil {
				return view.Model{}, err
			}
			return t.model(ctx, m)
		})
}

func (t *table) model(ctx context.Context, m trimtab.RegisteredModel) (view.Model, error) {
	v := view.Model{RegisteredModel: m, Updated: m.Updated}
	versions, err := t.cfg.Registry.Versions(ctx, m.Name)
	for _, x := range versions {
		v.Versions = append(v.Versions, view.OfVersion(x))
	}
	return v, err
}
