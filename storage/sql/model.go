package sql

import (
	"context"
	dbsql "database/sql"
	"errors"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

func noModel(name trimtab.ModelName) error {
	return trimtab.Errorf(trimtab.NotFound, "model "+string(name), "Registered Model with name=%s not found", name)
}

func modelTaken(name trimtab.ModelName) error {
	return trimtab.Errorf(trimtab.Exists, "model "+string(name), "Registered Model (name=%s) already exists.", name)
}

const modelColumns = "r.name, r.description, r.created, r.updated, r.last_version"

func scanModel(row interface{ Scan(...any) error }, ws trimtab.Workspace, more ...any) (trimtab.RegisteredModel, error) {
	m := trimtab.RegisteredModel{Workspace: ws}
	err := row.Scan(append([]any{&m.Name, &m.Description, &m.Created, &m.Updated, &m.LastVersion}, more...)...)
	return m, err
}

// load reads a model with aliases and tags.
func (r *Models) load(s *session, name trimtab.ModelName, lock string) (trimtab.RegisteredModel, error) {
	ws := trimtab.CallOf(s.ctx).Workspace
	m, err := scanModel(s.Row("SELECT "+modelColumns+" FROM models r WHERE r.workspace = ? AND r.name = ?"+lock, string(ws), string(name)), ws)
	if errors.Is(err, dbsql.ErrNoRows) {
		return m, noModel(name)
	}
	if err != nil {
		return m, err
	}
	return m, r.children(s, []*trimtab.RegisteredModel{&m})
}

// children reads aliases and tags of models of the request's workspace.
func (r *Models) children(s *session, all []*trimtab.RegisteredModel) error {
	ws := trimtab.CallOf(s.ctx).Workspace
	byName := make(map[trimtab.ModelName]*trimtab.RegisteredModel, len(all))
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = string(m.Name)
		byName[m.Name] = m
		m.Aliases, m.Tags = map[trimtab.Alias]trimtab.Version{}, map[string]string{}
	}
	list := s.engine.list(names)
	rows, err := s.Rows("SELECT c.name, c.alias, c.version FROM "+s.engine.strs()+" p CROSS JOIN aliases c WHERE c.workspace = ? AND c.name = p.id", list, string(ws))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var name trimtab.ModelName
		var alias trimtab.Alias
		var v trimtab.Version
		err := rows.Scan(&name, &alias, &v)
		if err == nil {
			byName[name].Aliases[alias] = v
		}
		return err
	})
	if err != nil {
		return err
	}
	rows, err = s.Rows("SELECT c.name, c.key, c.value FROM "+s.engine.strs()+" p CROSS JOIN model_tags c WHERE c.workspace = ? AND c.name = p.id", list, string(ws))
	return collect(rows, err, func(rows *dbsql.Rows) error {
		var name trimtab.ModelName
		var t trimtab.Tag
		err := rows.Scan(&name, &t.Key, &t.Value)
		if err == nil {
			byName[name].Tags[t.Key] = t.Value
		}
		return err
	})
}

// record journals a change of a model and stores its columns with the entry.
func (r *Models) record(tx *Tx, m trimtab.RegisteredModel, c trimtab.Change) error {
	if c.Before == c.After && c.Before != "" {
		return nil
	}
	entry, err := tx.Journal(m.Workspace, c)
	if err != nil || entry == "" {
		return err
	}
	_, err = tx.Exec("UPDATE models SET description = ?, updated = ?, last_version = ?, is_prompt = ?, entry = ? WHERE workspace = ? AND name = ?",
		m.Description, int64(m.Updated), int64(m.LastVersion), isPrompt(m.Tags), string(entry), string(m.Workspace), string(m.Name))
	return err
}

// isPrompt is 1 for what MLflow keeps as a prompt.
func isPrompt(tags map[string]string) int64 {
	if strings.EqualFold(tags[filter.PromptTag], "true") {
		return 1
	}
	return 0
}

// Create adds a model with its tags. A name that is taken Exists.
func (r *Models) Create(ctx context.Context, model trimtab.RegisteredModel) (out trimtab.RegisteredModel, err error) {
	defer trimtab.Wrap(&err, "Models.Create(%s)", model.Name)
	err = r.db.write(ctx, governed, func(tx *Tx) error {
		m := model
		m.Workspace, m.LastVersion, m.Aliases = tx.Workspace(), 0, map[trimtab.Alias]trimtab.Version{}
		if m.Created == 0 {
			m.Created = tx.Now()
		}
		m.Updated = m.Created
		m.Tags = copied(m.Tags)
		added, err := tx.Exec("INSERT INTO models (workspace, name, description, created, updated, last_version, entry) VALUES (?, ?, ?, ?, ?, 0, '') ON CONFLICT DO NOTHING",
			string(m.Workspace), string(m.Name), m.Description, int64(m.Created), int64(m.Updated))
		if err != nil {
			return err
		}
		if added == 0 {
			return modelTaken(m.Name)
		}
		for _, key := range sortedKeys(m.Tags) {
			if err := r.putTag(tx, m.Name, key, m.Tags[key]); err != nil {
				return err
			}
		}
		out = m
		return r.record(tx, m, m.Change("model.create", nil))
	})
	return out, err
}

// copied returns a copy of tags, so that a state before and one after are two.
func copied(tags map[string]string) map[string]string {
	out := make(map[string]string, len(tags)+1)
	for k, v := range tags {
		out[k] = v
	}
	return out
}

func (r *Models) putTag(tx *Tx, name trimtab.ModelName, key, value string) error {
	_, err := tx.Exec("INSERT INTO model_tags (workspace, name, key, value) VALUES (?, ?, ?, ?) ON CONFLICT (workspace, name, key) DO UPDATE SET value = excluded.value",
		string(tx.Workspace()), string(name), key, value)
	return err
}

// Get returns a model with aliases and tags. Absence is NotFound.
func (r *Models) Get(ctx context.Context, name trimtab.ModelName) (m trimtab.RegisteredModel, err error) {
	defer trimtab.Wrap(&err, "Models.Get(%s)", name)
	err = r.db.read(ctx, func(q *Query) error {
		m, err = r.load(&q.session, name, "")
		return err
	})
	return m, err
}

// change loads a model under its lock and runs fn, which writes what it changes.
func (r *Models) change(ctx context.Context, name trimtab.ModelName, fn func(tx *Tx, m trimtab.RegisteredModel) error) error {
	return r.db.write(ctx, governed, func(tx *Tx) error {
		m, err := r.load(&tx.session, name, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		return fn(tx, m)
	})
}

// Update sets the description.
func (r *Models) Update(ctx context.Context, name trimtab.ModelName, description string) (out trimtab.RegisteredModel, err error) {
	defer trimtab.Wrap(&err, "Models.Update(%s)", name)
	err = r.change(ctx, name, func(tx *Tx, m trimtab.RegisteredModel) error {
		old := m
		m.Description, m.Updated = description, tx.Now()
		out = m
		return r.record(tx, m, m.Change("model.update", &old))
	})
	return out, err
}

// SetTag sets a tag.
func (r *Models) SetTag(ctx context.Context, name trimtab.ModelName, tag trimtab.Tag) (err error) {
	defer trimtab.Wrap(&err, "Models.SetTag(%s, %s)", name, tag.Key)
	return r.change(ctx, name, func(tx *Tx, m trimtab.RegisteredModel) error {
		old := m
		m.Tags, m.Updated = copied(m.Tags), tx.Now()
		m.Tags[tag.Key] = tag.Value
		if err := r.putTag(tx, name, tag.Key, tag.Value); err != nil {
			return err
		}
		return r.record(tx, m, m.Change("model.tag.set", &old))
	})
}

// DeleteTag removes a tag; one that is absent changes nothing.
func (r *Models) DeleteTag(ctx context.Context, name trimtab.ModelName, key string) (err error) {
	defer trimtab.Wrap(&err, "Models.DeleteTag(%s, %s)", name, key)
	return r.change(ctx, name, func(tx *Tx, m trimtab.RegisteredModel) error {
		old := m
		m.Tags, m.Updated = copied(m.Tags), tx.Now()
		delete(m.Tags, key)
		if _, err := tx.Exec("DELETE FROM model_tags WHERE workspace = ? AND name = ? AND key = ?", string(m.Workspace), string(name), key); err != nil {
			return err
		}
		return r.record(tx, m, m.Change("model.tag.delete", &old))
	})
}

// SetAlias moves an alias as the rule RegisteredModel.MoveAlias allows and
// returns the model. Setting what is set changes nothing.
func (r *Models) SetAlias(ctx context.Context, name trimtab.ModelName, move trimtab.MoveAlias) (out trimtab.RegisteredModel, err error) {
	defer trimtab.Wrap(&err, "Models.SetAlias(%s, %s, %d)", name, move.Alias, move.To)
	err = r.change(ctx, name, func(tx *Tx, m trimtab.RegisteredModel) error {
		to, err := r.db.Versions.load(&tx.session, name, move.To, "")
		if err != nil {
			return err
		}
		m, c, err := m.MoveAlias(move, to, tx.Now())
		if err != nil {
			return err
		}
		out = m
		if c.Action == "" {
			return nil
		}
		if _, err := tx.Exec("INSERT INTO aliases (workspace, name, alias, version, cause) VALUES (?, ?, ?, ?, ?) ON CONFLICT (workspace, name, alias) DO UPDATE SET version = excluded.version, cause = excluded.cause",
			string(m.Workspace), string(name), string(move.Alias), int64(move.To), move.Cause); err != nil {
			return err
		}
		return r.record(tx, m, c)
	})
	return out, err
}

// DropAlias removes an alias; one that is absent changes nothing.
func (r *Models) DropAlias(ctx context.Context, name trimtab.ModelName, alias trimtab.Alias) (err error) {
	defer trimtab.Wrap(&err, "Models.DropAlias(%s, %s)", name, alias)
	return r.change(ctx, name, func(tx *Tx, m trimtab.RegisteredModel) error {
		_, err := r.dropAlias(tx, m, alias)
		return err
	})
}

func (r *Models) dropAlias(tx *Tx, m trimtab.RegisteredModel, alias trimtab.Alias) (trimtab.RegisteredModel, error) {
	m, c, err := m.DropAlias(alias, tx.Now())
	if err != nil || c.Action == "" {
		return m, err
	}
	if _, err := tx.Exec("DELETE FROM aliases WHERE workspace = ? AND name = ? AND alias = ?", string(m.Workspace), string(m.Name), string(alias)); err != nil {
		return m, err
	}
	return m, r.record(tx, m, c)
}

// Delete removes a model with its versions, tags and aliases. Their journal
// entries stay. A model of that name made later begins at version 1.
func (r *Models) Delete(ctx context.Context, name trimtab.ModelName) (err error) {
	defer trimtab.Wrap(&err, "Models.Delete(%s)", name)
	return r.change(ctx, name, func(tx *Tx, m trimtab.RegisteredModel) error {
		versions, err := r.db.Versions.all(tx, name)
		if err != nil {
			return err
		}
		for _, v := range versions {
			if _, err := tx.Journal(m.Workspace, trimtab.Change{Action: "model.version.delete", Object: v.Object(), Before: trimtab.StateDigest(v.ModelVersion)}); err != nil {
				return err
			}
		}
		for _, table := range []string{"aliases", "version_tags", "versions", "model_tags", "models"} {
			if _, err := tx.Exec("DELETE FROM "+table+" WHERE workspace = ? AND name = ?", string(m.Workspace), string(name)); err != nil {
				return err
			}
		}
		_, err = tx.Journal(m.Workspace, trimtab.Change{Action: "model.delete", Object: m.Object(), Before: trimtab.StateDigest(m)})
		return err
	})
}
