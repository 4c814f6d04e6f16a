package sql

import (
	"context"
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// prompts is the condition for a choice of prompts.
func prompts(mode filter.PromptMode) string {
	if mode == filter.WithPrompts {
		return ""
	}
	return " AND r.is_prompt = 0"
}

// Search returns a page of models with aliases and tags.
func (r *Models) Search(ctx context.Context, query ModelQuery) (out []trimtab.RegisteredModel, next trimtab.PageToken, err error) {
	defer trimtab.Wrap(&err, "Models.Search()")
	ws := trimtab.CallOf(ctx).Workspace
	orders := filter.RegisteredModels.Complete(query.Order)
	err = r.db.read(ctx, func(q *Query) error {
		out = nil
		next, err = search{
			noun: "registered models", columns: modelColumns,
			from: "models r WHERE r.workspace = ?" + prompts(query.Prompts), args: []any{string(ws)},
			fields: modelField, terms: attributeTerms(modelField, nil),
			filter: query.Filter, orders: orders, limit: query.Limit, after: query.After,
			scope: scope("models", ws, query.Filter, orders, query.Prompts),
			scan: func(rows *dbsql.Rows, place ...any) error {
				m, err := scanModel(rows, ws, place...)
				out = append(out, m)
				return err
			},
		}.run(q)
		if err != nil || len(out) == 0 {
			return err
		}
		return r.children(&q.session, pointers(out))
	})
	return out, next, err
}

// modelField finds the fields of registered models for the filter language.
func modelField(e filter.Entity, key string) (field, bool) {
	switch e {
	case filter.Tag:
		return field{expr: "c.value", from: "model_tags c WHERE c.workspace = r.workspace AND c.name = r.name AND c.key = ?", args: []any{key}}, true
	case filter.Attribute:
		switch key {
		case "name":
			return field{expr: "r.name"}, true
		case "description":
			return field{expr: "r.description", absent: "(r.description = '')"}, true
		case "alias":
			return field{expr: "c.alias", from: "aliases c WHERE c.workspace = r.workspace AND c.name = r.name"}, true
		case "creation_timestamp":
			return field{kind: integerField, expr: "r.created"}, true
		case "last_updated_timestamp":
			return field{kind: integerField, expr: "r.updated"}, true
		}
	}
	return field{}, false
}
