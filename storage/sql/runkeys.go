package sql

import (
	"context"
	dbsql "database/sql"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// RunKey is a key that runs of an experiment have logged, and how many of them
// have it, the deleted ones included.
type RunKey struct {
	Kind filter.Entity // Metric, Param or Tag
	Key  string
	Runs int64
}

// RunKeyQuery searches the keys of an experiment. Without Kinds it finds all
// three; each word of Search, in any case of letters, is in the key.
type RunKeyQuery struct {
	Experiment trimtab.ExperimentID
	Kinds      []filter.Entity
	Search     string
	Limit      int
	After      trimtab.PageToken
}

// AllKeys returns every key of one kind of an experiment, in no order: for the
// choice of the few that say most.
func (r *Runs) AllKeys(ctx context.Context, id trimtab.ExperimentID, kind filter.Entity) (out []RunKey, err error) {
	defer trimtab.Wrap(&err, "Runs.AllKeys(%s, %s)", id, kind)
	n, ok := number(id)
	if !ok {
		return nil, nil
	}
	err = r.db.read(ctx, func(q *Query) error {
		out = nil
		rows, err := q.Rows("SELECT k.key, k.run_count FROM run_keys k WHERE k.workspace = ? AND k.experiment = ? AND k.kind = ? AND k.run_count > 0",
			string(trimtab.CallOf(ctx).Workspace), n, kind.String())
		key := RunKey{Kind: kind}
		return collect(rows, err, func(rows *dbsql.Rows) error {
			err := rows.Scan(&key.Key, &key.Runs)
			out = append(out, key)
			return err
		})
	})
	return out, err
}

// maxWords bounds the words of a search: each is one more condition on each key.
const maxWords = 8

// Keys returns a page of the keys, those that most runs have first. It reads the
// catalogue and no values. Absence of the experiment is no error: it has no keys.
func (r *Runs) Keys(ctx context.Context, query RunKeyQuery) (out []RunKey, next trimtab.PageToken, err error) {
	defer trimtab.Wrap(&err, "Runs.Keys(%s, %q)", query.Experiment, query.Search)
	if err := checkLimit("keys", query.Limit); err != nil {
		return nil, "", err
	}
	kinds := query.Kinds
	if len(kinds) == 0 {
		kinds = []filter.Entity{filter.Metric, filter.Param, filter.Tag}
	}
	words := strings.Fields(query.Search)
	if len(words) > maxWords {
		return nil, "", trimtab.Errorf(trimtab.Invalid, "search", "%d words, keys are searched for at most %d at once", len(words), maxWords)
	}
	ws := trimtab.CallOf(ctx).Workspace
	terms := []term{{kind: integerField, expr: "k.run_count", desc: true}, {kind: textField, expr: "k.key"}, {kind: textField, expr: "k.kind"}}
	sc := scope("keys", ws, nil, nil, query.Experiment, kinds, words)
	after, err := placeOf(query.After, sc, terms)
	if err != nil {
		return nil, "", err
	}
	n, ok := number(query.Experiment)
	if !ok {
		return nil, "", nil
	}
	err = r.db.read(ctx, func(q *Query) error {
		out, next = nil, ""
		st := &statement{engine: q.engine}
		st.add("SELECT k.run_count, k.key, k.kind FROM run_keys k WHERE k.workspace = ? AND k.experiment = ? AND k.run_count > 0 AND k.kind IN (", string(ws), n)
		for i, kind := range kinds {
			if i > 0 {
				st.add(", ")
			}
			st.add("?", kind.String())
		}
		st.add(")")
		for _, word := range words {
			if why := trimtab.CleanText(word); why != "" {
				return trimtab.Errorf(trimtab.Invalid, "search", "the word %q %s", word, why)
			}
			st.add(" AND ")
			st.contains("k.key", word)
		}
		if after != nil {
			st.add(" AND ")
			st.beyond(terms, after)
		}
		st.orderBy(terms)
		st.add(" LIMIT ?", int64(query.Limit)+1)
		last := newPlace(terms)
		rows, err := st.rows(&q.session)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			if len(out) == query.Limit {
				next = last.token(sc)
				return nil
			}
			if err := rows.Scan(last...); err != nil {
				return err
			}
			out = append(out, RunKey{Runs: last.value(0).(int64), Key: last.value(1).(string), Kind: entityOf(last.value(2).(string))})
			return nil
		})
	})
	return out, next, err
}

// contains appends the condition that a word is in a text, in any case of letters.
func (s *statement) contains(expr, word string) {
	if s.engine == postgresEngine {
		s.add("POSITION(lower(CAST(? AS TEXT)) IN lower("+expr+")) > 0", word)
		return
	}
	s.add("INSTR(lower("+expr+"), lower(?)) > 0", word)
}

func entityOf(kind string) filter.Entity {
	switch kind {
	case filter.Metric.String():
		return filter.Metric
	case filter.Param.String():
		return filter.Param
	}
	return filter.Tag
}

// newKeys are the keys that a write brings to a run.
type newKeys struct{ metrics, params, tags []string }

// countKeys adds by to the count of each key in the catalogue. Many writers share
// its rows, so it comes last in a transaction, and takes them in one order.
func (r *Runs) countKeys(tx *Tx, experiment trimtab.ExperimentID, keys newKeys, by int64) error {
	n, _ := number(experiment)
	for _, part := range []struct {
		kind filter.Entity
		keys []string
	}{{filter.Metric, keys.metrics}, {filter.Param, keys.params}, {filter.Tag, keys.tags}} {
		if len(part.keys) == 0 {
			continue
		}
		sorted := slices.Sorted(slices.Values(part.keys))
		const count = ` ON CONFLICT (workspace, experiment, kind, key) DO UPDATE SET run_count = run_keys.run_count + excluded.run_count`
		if tx.Postgres() && len(sorted) > 1 {
			if _, err := tx.Exec(`INSERT INTO run_keys (workspace, experiment, kind, key, run_count) SELECT CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT), u.key, CAST(? AS BIGINT) FROM unnest(CAST(? AS TEXT[])) AS u (key)`+count,
				string(tx.Workspace()), n, part.kind.String(), by, sorted); err != nil {
				return err
			}
			continue
		}
		for _, key := range sorted {
			if _, err := tx.Exec("INSERT INTO run_keys (workspace, experiment, kind, key, run_count) VALUES (?, ?, ?, ?, ?)"+count, string(tx.Workspace()), n, part.kind.String(), key, by); err != nil {
				return err
			}
		}
	}
	return nil
}
