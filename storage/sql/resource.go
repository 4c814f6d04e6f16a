package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/trimtab/trimtab"
)

const resourceColumns = "workspace, kind, name, uid, generation, labels, annotations, spec, manager, inventory, created, updated, status, entry"

// List returns the declared resources of a kind, "" for all, in the order of
// kinds and names.
func (h *Resources) List(ctx context.Context, kind string) (out []trimtab.Resource, err error) {
	defer trimtab.Wrap(&err, "Resources.List(%s)", kind)
	err = h.db.read(ctx, func(q *Query) error {
		query, args := "SELECT "+resourceColumns+" FROM resources WHERE workspace = ?", []any{string(trimtab.CallOf(ctx).Workspace)}
		if kind != "" {
			query, args = query+" AND kind = ?", append(args, kind)
		}
		rows, err := q.Rows(query+" ORDER BY kind, name", args...)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			r, _, err := scanResource(rows)
			out = append(out, r)
			return err
		})
	})
	slices.SortStableFunc(out, func(a, b trimtab.Resource) int {
		return slices.Index(trimtab.Kinds, a.Kind) - slices.Index(trimtab.Kinds, b.Kind)
	})
	return out, err
}

// Everywhere returns the declared resources of a kind in all workspaces, for controllers.
func (h *Resources) Everywhere(ctx context.Context, kind string) (out []trimtab.Resource, err error) {
	defer trimtab.Wrap(&err, "Resources.Everywhere(%s)", kind)
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT "+resourceColumns+" FROM resources WHERE kind = ? ORDER BY workspace, name", kind)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			r, _, err := scanResource(rows)
			out = append(out, r)
			return err
		})
	})
	return out, err
}

// Get returns one declared resource; NotFound when there is none.
func (h *Resources) Get(ctx context.Context, kind, name string) (r trimtab.Resource, err error) {
	defer trimtab.Wrap(&err, "Resources.Get(%s, %s)", kind, name)
	err = h.db.read(ctx, func(q *Query) error {
		r, err = getResource(&q.session, trimtab.CallOf(ctx).Workspace, kind, name, "")
		return err
	})
	return r, err
}

// Apply makes all the writes in one transaction, or none. A resource that is not
// as its writer saw it is a Conflict. A write that changes nothing leaves no entry.
func (h *Resources) Apply(ctx context.Context, writes []trimtab.ResourceWrite) (err error) {
	defer trimtab.Wrap(&err, "Resources.Apply(%d)", len(writes))
	if len(writes) == 0 {
		return nil
	}
	return h.db.write(ctx, governed, func(tx *Tx) error {
		for _, w := range writes {
			if err := tx.applyResource(w); err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *Tx) applyResource(w trimtab.ResourceWrite) error {
	w.Resource.Workspace = tx.Workspace()
	r := w.Resource
	var live *trimtab.Resource
	found, err := getResource(&tx.session, r.Workspace, r.Kind, r.Name, tx.engine.forUpdate())
	switch {
	case err == nil:
		live = &found
	case !trimtab.IsKind(err, trimtab.NotFound):
		return err
	}
	next, change, err := w.On(live, tx.db.cfg.Random.RequestID(), tx.Now())
	if err != nil || change.Action == "" {
		return err
	}
	entry, err := tx.Journal(r.Workspace, change)
	if err != nil {
		return err
	}
	if err := tx.keepStates(live, next); err != nil {
		return err
	}
	if next == nil {
		_, err = tx.Exec("DELETE FROM resources WHERE workspace = ? AND kind = ? AND name = ?", string(r.Workspace), r.Kind, r.Name)
		return err
	}
	labels, annotations := encodeMap(next.Labels), encodeMap(next.Annotations)
	if live == nil {
		_, err = tx.Exec("INSERT INTO resources ("+resourceColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}', ?)",
			string(next.Workspace), next.Kind, next.Name, next.UID, next.Generation, labels, annotations, string(next.Spec),
			next.Manager, next.Inventory, int64(next.Created), int64(next.Updated), string(entry))
		if isUnique(err) {
			return trimtab.Errorf(trimtab.Conflict, r.Ref(), "%s was created meanwhile; plan again", r.Ref())
		}
		return err
	}
	_, err = tx.Exec("UPDATE resources SET generation = ?, labels = ?, annotations = ?, spec = ?, manager = ?, inventory = ?, updated = ?, entry = ? WHERE workspace = ? AND kind = ? AND name = ?",
		next.Generation, labels, annotations, string(next.Spec), next.Manager, next.Inventory, int64(next.Updated), string(entry),
		string(next.Workspace), next.Kind, next.Name)
	return err
}

// SetStatus stores what a controller says of a resource. It is observed, not
// governed: no entry. NotFound when the resource is gone.
func (h *Resources) SetStatus(ctx context.Context, kind, name string, status json.RawMessage) (err error) {
	defer trimtab.Wrap(&err, "Resources.SetStatus(%s, %s)", kind, name)
	return h.db.write(ctx, measured, func(tx *Tx) error {
		n, err := tx.Exec("UPDATE resources SET status = ? WHERE workspace = ? AND kind = ? AND name = ?", string(status), string(tx.Workspace()), kind, name)
		if err == nil && n == 0 {
			return noResource(kind, name)
		}
		return err
	})
}

func getResource(s *session, ws trimtab.Workspace, kind, name, lock string) (trimtab.Resource, error) {
	r, _, err := scanResource(s.Row("SELECT "+resourceColumns+" FROM resources WHERE workspace = ? AND kind = ? AND name = ?"+lock, string(ws), kind, name))
	if errors.Is(err, dbsql.ErrNoRows) {
		return r, noResource(kind, name)
	}
	return r, err
}

func noResource(kind, name string) error {
	ref := trimtab.Resource{Kind: kind, Name: name}.Ref()
	return trimtab.Errorf(trimtab.NotFound, ref, "%s is not declared", ref)
}

func scanResource(row interface{ Scan(...any) error }) (r trimtab.Resource, entry trimtab.EntryID, err error) {
	var labels, annotations, spec, status string
	var created, updated int64
	if err := row.Scan((*string)(&r.Workspace), &r.Kind, &r.Name, &r.UID, &r.Generation, &labels, &annotations, &spec,
		&r.Manager, &r.Inventory, &created, &updated, &status, (*string)(&entry)); err != nil {
		return r, "", err
	}
	r.Created, r.Updated = trimtab.Time(created), trimtab.Time(updated)
	r.Spec, r.Status = json.RawMessage(spec), json.RawMessage(status)
	if err := decodeMap(labels, &r.Labels); err != nil {
		return r, entry, err
	}
	return r, entry, decodeMap(annotations, &r.Annotations)
}

// encodeMap writes labels as a JSON object with sorted keys; an empty map is "".
func encodeMap(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	raw, err := json.Marshal(m)
	if err != nil {
		panic("sql: a map of texts does not encode: " + err.Error())
	}
	return string(raw)
}

func decodeMap(text string, into *map[string]string) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}
