package sql

import (
	"context"
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// Search returns a page of active logged models with params, tags and metrics.
func (l *LoggedModels) Search(ctx context.Context, query LoggedModelQuery) (out []trimtab.LoggedModel, next trimtab.PageToken, err error) {
	defer trimtab.Wrap(&err, "LoggedModels.Search(%d experiments)", len(query.Experiments))
	ws := trimtab.CallOf(ctx).Workspace
	orders := filter.LoggedModels.Complete(query.Order)
	err = l.db.read(ctx, func(q *Query) error {
		var found []*loggedRow
		next, err = search{
			noun: "logged models", columns: loggedColumns,
			from: "logged_models r WHERE r.workspace = ? AND r.lifecycle = 'active'", args: []any{string(ws)},
			also: func(st *statement) {
				st.add(" AND ")
				st.experiments("r.experiment", numbersOf(query.Experiments))
				if len(query.Datasets) > 0 && !mentionsMetric(query.Filter) {
					st.add(" AND EXISTS (SELECT 1 FROM logged_model_metrics c WHERE c.mid = r.mid")
					scope, args := onDatasets(query.Datasets)
					st.add(scope+")", args...)
				}
			},
			fields: loggedFields(query.Datasets), terms: loggedTerms,
			filter: query.Filter, orders: orders, limit: query.Limit, after: query.After,
			scope: scope("logged models", ws, query.Filter, orders, query.Experiments, query.Datasets),
			scan: func(rows *dbsql.Rows, place ...any) error {
				m, err := scanLogged(rows, ws, place...)
				found = append(found, &m)
				return err
			},
		}.run(q)
		if err != nil {
			return err
		}
		if err := l.children(&q.session, found); err != nil {
			return err
		}
		out = make([]trimtab.LoggedModel, len(found))
		for i, m := range found {
			out[i] = m.LoggedModel
		}
		return nil
	})
	return out, next, err
}

func mentionsMetric(e filter.Expr) bool {
	return !filter.Walk(e, func(x filter.Expr) bool {
		entity := filter.Attribute
		switch x := x.(type) {
		case filter.Cmp:
			entity = x.Entity
		case filter.In:
			entity = x.Entity
		case filter.Between:
			entity = x.Entity
		case filter.IsNull:
			entity = x.Entity
		}
		return entity != filter.Metric
	})
}

// onDatasets is the condition that a metric was measured on one of the data sets.
func onDatasets(refs []DatasetRef) (text string, args []any) {
	if len(refs) == 0 {
		return "", nil
	}
	text = " AND ("
	for i, d := range refs {
		if i > 0 {
			text += " OR "
		}
		if d.Digest == "" {
			text, args = text+"c.dataset_name = ?", append(args, d.Name)
		} else {
			text, args = text+"(c.dataset_name = ? AND c.dataset_digest = ?)", append(args, d.Name, d.Digest)
		}
	}
	return text + ")", args
}

// loggedFields finds the fields of logged models for the filter language. The
// points of a metric are its values: one that fits is enough.
func loggedFields(datasets []DatasetRef) fields {
	scope, args := onDatasets(datasets)
	return func(e filter.Entity, key string) (field, bool) {
		switch e {
		case filter.Metric:
			return field{kind: floatField, expr: "c.value", nan: "c.nan", from: "logged_model_metrics c WHERE c.mid = r.mid AND c.key = ?" + scope, args: append([]any{key}, args...)}, true
		case filter.Param:
			return field{expr: "c.value", from: "logged_model_params c WHERE c.mid = r.mid AND c.key = ?", args: []any{key}}, true
		case filter.Tag:
			return field{expr: "c.value", from: "logged_model_tags c WHERE c.mid = r.mid AND c.key = ?", args: []any{key}}, true
		case filter.Attribute:
			return loggedAttribute(key)
		}
		return field{}, false
	}
}

func loggedAttribute(key string) (field, bool) {
	switch key {
	case "name":
		return field{expr: "r.name"}, true
	case "model_id":
		return field{expr: "r.id"}, true
	case "model_type":
		return field{expr: "r.type", absent: "(r.type = '')"}, true
	case "status":
		// Filters name the status as MLflow's entity does, rows hold the wire's name.
		return field{expr: "REPLACE(REPLACE(r.status, 'LOGGED_MODEL_UPLOAD_', ''), 'LOGGED_MODEL_', '')"}, true
	case "source_run_id":
		return field{expr: "r.source_run", absent: "(r.source_run = '')"}, true
	case "experiment_id":
		return field{expr: "CAST(r.experiment AS TEXT)"}, true
	case "creation_timestamp":
		return field{kind: integerField, expr: "r.created"}, true
	case "last_updated_timestamp":
		return field{kind: integerField, expr: "r.updated"}, true
	}
	return field{}, false
}

var loggedAttributeTerms = attributeTerms(loggedFields(nil), map[string]string{"experiment_id": "r.experiment", "status": "r.status"})

// loggedTerms orders by an attribute, or by the latest point of a metric: real
// values, NaN, missing, whatever the direction.
func loggedTerms(o filter.Order) []term {
	if o.Entity != filter.Metric {
		terms := loggedAttributeTerms(o)
		for i := range terms {
			if o.Key == "experiment_id" {
				terms[i].kind = integerField
			}
		}
		return terms
	}
	where, args := "c.mid = r.mid AND c.key = ?", []any{o.Key}
	if o.DatasetName != "" {
		scope, more := onDatasets([]DatasetRef{{Name: o.DatasetName, Digest: o.DatasetDigest}})
		where, args = where+scope, append(args, more...)
	}
	latest := func(column, missing string) string {
		return "COALESCE((SELECT c." + column + " FROM logged_model_metrics c WHERE " + where + " ORDER BY c.time DESC, c.step DESC, c.value DESC, c.nan DESC LIMIT 1), " + missing + ")"
	}
	return []term{
		{kind: integerField, expr: latest("nan", "2"), args: args},
		{kind: floatField, expr: latest("value", "0"), args: args, desc: o.Descending},
	}
}
