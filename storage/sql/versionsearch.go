package sql

import (
	"context"
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// Search returns a page of versions with tags and aliases, without deleted ones.
func (v *Versions) Search(ctx context.Context, query VersionQuery) (out []trimtab.ModelVersion, next trimtab.PageToken, err error) {
	defer trimtab.Wrap(&err, "Versions.Search()")
	ws := trimtab.CallOf(ctx).Workspace
	orders := filter.ModelVersions.Complete(query.Order)
	err = v.db.read(ctx, func(q *Query) error {
		var found []versionRow
		next, err = search{
			noun: "model versions", columns: versionColumns,
			from: "versions r WHERE r.workspace = ? AND r.stage <> ?" + prompts(query.Prompts), args: []any{string(ws), trimtab.DeletedStage},
			fields: versionField, terms: attributeTerms(versionField, nil),
			filter: query.Filter, orders: orders, limit: query.Limit, after: query.After,
			scope: scope("versions", ws, query.Filter, orders, query.Prompts),
			scan: func(rows *dbsql.Rows, place ...any) error {
				row, err := scanVersion(rows, ws, place...)
				found = append(found, row)
				return err
			},
		}.run(q)
		if err != nil {
			return err
		}
		if err := v.children(&q.session, pointers(found)); err != nil {
			return err
		}
		out = make([]trimtab.ModelVersion, len(found))
		for i, row := range found {
			out[i] = row.ModelVersion
		}
		return nil
	})
	return out, next, err
}

// versionField finds the fields of versions for the filter language.
func versionField(e filter.Entity, key string) (field, bool) {
	switch e {
	case filter.Tag:
		return field{expr: "c.value", from: "version_tags c WHERE c.workspace = r.workspace AND c.name = r.name AND c.version = r.version AND c.key = ?", args: []any{key}}, true
	case filter.Attribute:
		switch key {
		case "name":
			return field{expr: "r.name"}, true
		case "version_number":
			return field{kind: integerField, expr: "r.version"}, true
		case "run_id":
			return field{expr: "r.run_id", absent: "(r.run_id = '')"}, true
		case "source_path":
			return field{expr: "r.source", absent: "(r.source = '')"}, true
		case "alias":
			return field{expr: "c.alias", from: "aliases c WHERE c.workspace = r.workspace AND c.name = r.name AND c.version = r.version"}, true
		case "current_stage":
			return field{expr: "r.stage"}, true
		case "description":
			return field{expr: "r.description", absent: "(r.description = '')"}, true
		case "creation_timestamp":
			return field{kind: integerField, expr: "r.created"}, true
		case "last_updated_timestamp":
			return field{kind: integerField, expr: "r.updated"}, true
		}
	}
	return field{}, false
}
