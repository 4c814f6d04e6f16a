package sql

import (
	"context"
	dbsql "database/sql"
	"strings"

	"github.com/trimtab/trimtab"
)

// Named is an object that is called as somebody asked. Parent is the experiment of
// a run; Text is the name that people gave to what has an id.
type Named struct {
	Kind, Name, Parent, Text string
}

// findable are the tables in which names are looked up: the rows that are searched,
// what each gives, and their order, the newest first where age says something.
var findable = []struct {
	kind, columns, from, name, order string
}{
	{"model", "r.name, '', ''", "models r WHERE r.workspace = ?", "r.name", "r.name"},
	{"resource", "r.kind, r.name, ''", "resources r WHERE r.workspace = ?", "r.name", "r.kind, r.name"},
	{"experiment", "CAST(r.id AS TEXT), '', r.name", "experiments r WHERE r.workspace = ? AND r.lifecycle = 'active'", "r.name", "r.name"},
	{"run", "r.id, CAST(r.experiment AS TEXT), r.name", "runs r WHERE r.workspace = ? AND r.experiment >= 0 AND r.lifecycle = 'active'", "r.name", "r.start_time DESC, r.id"},
	{"document", "r.kind, r.name, ''", "documents r WHERE r.workspace = ? AND r.kind IN ('decision', 'incident', 'rollout')", "r.name", "r.kind, r.name DESC"},
}

// Find returns objects of the workspace whose name holds a text, without regard to
// case, at most limit of each sort. Runs are also found by the beginning of their id.
func (db *DB) Find(ctx context.Context, text string, limit int) (out []Named, err error) {
	defer trimtab.Wrap(&err, "Find(%s)", text)
	ws := string(trimtab.CallOf(ctx).Workspace)
	// The pattern language has no escape: a % that was typed would match anything, a _ any letter, which is near enough.
	text = strings.ReplaceAll(text, "%", "")
	err = db.read(ctx, func(q *Query) error {
		out = nil
		for _, f := range findable {
			s := statement{engine: db.engine}
			s.add("SELECT "+f.columns+" FROM "+f.from+" AND (", ws)
			s.like(f.name, "%"+text+"%", true)
			if f.kind == "run" {
				s.add(" OR r.id LIKE ?", text+"%")
			}
			s.add(") ORDER BY "+f.order+" LIMIT ?", int64(limit))
			rows, err := q.Rows(s.text.String(), s.args...)
			err = collect(rows, err, func(rows *dbsql.Rows) error {
				n := Named{Kind: f.kind}
				var a, b string
				err := rows.Scan(&a, &b, &n.Text)
				if f.kind == "resource" || f.kind == "document" {
					n.Kind, n.Name = a, b
				} else {
					n.Name, n.Parent = a, b
				}
				out = append(out, n)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Projects returns every workspace in which something was declared or tracked.
func (db *DB) Projects(ctx context.Context) (out []trimtab.Workspace, err error) {
	defer trimtab.Wrap(&err, "Projects()")
	err = db.read(ctx, func(q *Query) error {
		out = nil
		rows, err := q.Rows("SELECT workspace FROM resources UNION SELECT workspace FROM experiments UNION SELECT workspace FROM models ORDER BY 1")
		return collect(rows, err, func(rows *dbsql.Rows) error {
			var ws trimtab.Workspace
			err := rows.Scan(&ws)
			out = append(out, ws)
			return err
		})
	})
	return out, err
}
