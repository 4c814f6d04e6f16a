package app

import (
	"context"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

// modelPages is what the pages of models ask.
func (s *server) modelPages() api.ModelPages {
	return api.ModelPages{Finder: modelFinder{s.db}, Files: modelFiles{s}, Samples: s.evaluator(), Windows: s.db.Windows}
}

// modelFinder reads the registry page by page.
type modelFinder struct{ db *sql.DB }

func attribute(key string, op filter.Op, value filter.Value) filter.Expr {
	return filter.Cmp{Entity: filter.Attribute, Key: key, Op: op, Value: value}
}

// FindModels takes those that were changed last first. In the text, % and _ stand for other characters, as in every
// search of the registry.
func (f modelFinder) FindModels(ctx context.Context, text string, limit int, after trimtab.PageToken) ([]trimtab.RegisteredModel, trimtab.PageToken, error) {
	q := sql.ModelQuery{Limit: limit, After: after}
	if text != "" {
		like := filter.Text("%" + text + "%")
		q.Filter = filter.Or{Exprs: []filter.Expr{attribute("name", filter.ILikeOp, like), attribute("description", filter.ILikeOp, like)}}
	}
	return f.db.Models.Search(ctx, q)
}

func (f modelFinder) FindVersions(ctx context.Context, name trimtab.ModelName, limit int, after trimtab.PageToken) ([]trimtab.ModelVersion, trimtab.PageToken, error) {
	return f.db.Versions.Search(ctx, f.versions(name, nil, true, limit, after))
}

// versions asks for versions of a model that meet a condition as well.
func (f modelFinder) versions(name trimtab.ModelName, also filter.Expr, down bool, limit int, after trimtab.PageToken) sql.VersionQuery {
	return sql.VersionQuery{Filter: filter.All(attribute("name", filter.Equal, filter.Text(string(name))), also), Prompts: filter.WithPrompts,
		Order: []filter.Order{{Entity: filter.Attribute, Key: "version_number", Descending: down}}, Limit: limit, After: after}
}

func (f modelFinder) Newest(ctx context.Context, names []trimtab.ModelName) (map[trimtab.ModelName][]trimtab.ModelVersion, error) {
	return f.db.Versions.LatestOf(ctx, names)
}

func (f modelFinder) Version(ctx context.Context, name trimtab.ModelName, v trimtab.Version) (trimtab.ModelVersion, error) {
	return f.db.Versions.Get(ctx, name, v)
}

func (f modelFinder) Children(ctx context.Context, name trimtab.ModelName, v trimtab.Version) ([]trimtab.ModelVersion, error) {
	parent := filter.Cmp{Entity: filter.Tag, Key: trimtab.ParentTag, Op: filter.Equal, Value: filter.Text(strconv.FormatInt(int64(v), 10))}
	all, _, err := f.db.Versions.Search(ctx, f.versions(name, parent, false, 100, ""))
	return all, err
}

func (f modelFinder) Beside(ctx context.Context, name trimtab.ModelName, v trimtab.Version) (before, after trimtab.Version, err error) {
	for _, side := range []struct {
		op   filter.Op
		down bool
		into *trimtab.Version
	}{{filter.Less, true, &before}, {filter.Greater, false, &after}} {
		found, _, err := f.db.Versions.Search(ctx, f.versions(name, attribute("version_number", side.op, filter.Number(float64(v))), side.down, 1, ""))
		if err != nil {
			return 0, 0, err
		}
		if len(found) > 0 {
			*side.into = found[0].Version
		}
	}
	return before, after, nil
}

// modelFiles reads what versions are made of.
type modelFiles struct{ *server }

func (f modelFiles) Manifest(ctx context.Context, d trimtab.Digest) (trimtab.Manifest, error) {
	return f.db.Artifacts.Manifest(ctx, d)
}

// Card is the card of a version as it is shown.
func (f modelFiles) Card(ctx context.Context, m trimtab.Manifest) (view.VersionCard, error) {
	c, err := serve.ReadCard(ctx, serve.Frozen(m, f.blobs))
	out := view.VersionCard{Flavors: c.Flavors, Flavor: c.Flavor, NotServed: c.NotServed, Library: c.Library, Objective: c.Objective, Classes: c.Classes, MLflow: c.MLflow, Python: c.Python,
		Inputs: view.FieldsOf(c.Signature.Inputs), Outputs: view.FieldsOf(c.Signature.Outputs), Params: view.ParamsOf(c.Signature.Params), BadSignature: c.BadSignature,
		Importances: view.ImportancesOf(c.Importances), NoImportance: c.NoImportance, Calibration: []view.VersionCalibration{}, Requirements: view.RequirementsOf(c.Requirements)}
	if out.Flavors == nil {
		out.Flavors = []string{}
	}
	if c.Calibration != nil {
		out.Scale = c.Calibration.Kind
		for _, s := range append(slices.Clip(c.Calibration.Before), c.Calibration.Step) {
			out.Calibration = append(out.Calibration, view.VersionCalibration{A: view.Figure(s.A), B: view.Figure(s.B)})
		}
	}
	return out, err
}
