package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"

	"github.com/trimtab/trimtab"
)

// versionRow is a version with what only its row knows.
type versionRow struct {
	trimtab.ModelVersion
	entry trimtab.EntryID
}

const versionColumns = `r.name, r.version, r.source, r.tree, r.tree_path, r.run_id, r.logged_model, r.run_link, r.description, r.user_id,
	r.stage, r.status, r.manifest, r.attempt, r.settled, r.created, r.updated, r.entry`

func scanVersion(row interface{ Scan(...any) error }, ws trimtab.Workspace, more ...any) (versionRow, error) {
	v := versionRow{ModelVersion: trimtab.ModelVersion{Workspace: ws, Tags: map[string]string{}}}
	var settled int64
	err := row.Scan(append([]any{&v.Model, &v.Version, &v.Source, &v.Tree, &v.TreePath, &v.Run, &v.LoggedModel, &v.RunLink, &v.Description, &v.User,
		&v.Stage, &v.Status, &v.Manifest, &v.Attempt, &settled, &v.Created, &v.Updated, &v.entry}, more...)...)
	v.Settled = settled != 0
	return v, err
}

func noVersion(name trimtab.ModelName, n trimtab.Version) error {
	return trimtab.Errorf(trimtab.NotFound, trimtab.ModelVersion{Model: name, Version: n}.Object().String(), "Model Version (name=%s, version=%d) not found", name, n)
}

// rows reads versions with tags and aliases.
func (v *Versions) rows(s *session, query string, args ...any) ([]versionRow, error) {
	var all []versionRow
	ws := trimtab.CallOf(s.ctx).Workspace
	rows, err := s.Rows("SELECT "+versionColumns+" FROM versions r "+query, args...)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		row, err := scanVersion(rows, ws)
		all = append(all, row)
		return err
	})
	if err != nil || len(all) == 0 {
		return all, err
	}
	return all, v.children(s, pointers(all))
}

// load reads a version that is not deleted; lock has effect on its row alone.
func (v *Versions) load(s *session, name trimtab.ModelName, n trimtab.Version, lock string) (trimtab.ModelVersion, error) {
	all, err := v.rows(s, "WHERE r.workspace = ? AND r.name = ? AND r.version = ?"+lock, string(trimtab.CallOf(s.ctx).Workspace), string(name), int64(n))
	if err != nil {
		return trimtab.ModelVersion{}, err
	}
	if len(all) == 0 || all[0].Deleted() {
		return trimtab.ModelVersion{}, noVersion(name, n)
	}
	return all[0].ModelVersion, nil
}

// all reads every version of a model, deleted ones too.
func (v *Versions) all(tx *Tx, name trimtab.ModelName) ([]versionRow, error) {
	return v.rows(&tx.session, "WHERE r.workspace = ? AND r.name = ? ORDER BY r.version"+tx.engine.forUpdate(), string(tx.Workspace()), string(name))
}

// children reads tags and aliases of versions of the request's workspace.
func (v *Versions) children(s *session, all []*versionRow) error {
	type key struct {
		name trimtab.ModelName
		n    trimtab.Version
	}
	ws := trimtab.CallOf(s.ctx).Workspace
	byKey := make(map[key]*versionRow, len(all))
	names, numbers := make([]string, len(all)), make([]int64, len(all))
	for i, x := range all {
		names[i], numbers[i] = string(x.Model), int64(x.Version)
		byKey[key{x.Model, x.Version}] = x
	}
	table, args := s.engine.pairs(names, numbers)
	args = append(args, string(ws))
	rows, err := s.Rows("SELECT c.name, c.version, c.key, c.value FROM "+table+" p CROSS JOIN version_tags c WHERE c.workspace = ? AND c.name = p.name AND c.version = p.number", args...)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var k key
		var t trimtab.Tag
		err := rows.Scan(&k.name, &k.n, &t.Key, &t.Value)
		if err == nil {
			byKey[k].Tags[t.Key] = t.Value
		}
		return err
	})
	if err != nil {
		return err
	}
	rows, err = s.Rows("SELECT c.name, c.version, c.alias FROM "+table+" p CROSS JOIN aliases c WHERE c.workspace = ? AND c.name = p.name AND c.version = p.number ORDER BY c.alias", args...)
	return collect(rows, err, func(rows *dbsql.Rows) error {
		var k key
		var a trimtab.Alias
		err := rows.Scan(&k.name, &k.n, &a)
		if err == nil {
			byKey[k].Aliases = append(byKey[k].Aliases, a)
		}
		return err
	})
}

// record journals a change of a version and stores its columns with the entry.
func (v *Versions) record(tx *Tx, row versionRow, c trimtab.Change) error {
	if c.Before == c.After && c.Before != "" {
		return nil
	}
	entry, err := tx.Journal(row.Workspace, c)
	if err != nil || entry == "" {
		return err
	}
	_, err = tx.Exec(`UPDATE versions SET source = ?, tree = ?, tree_path = ?, run_id = ?, logged_model = ?, run_link = ?, description = ?, user_id = ?,
		stage = ?, status = ?, manifest = ?, settled = ?, is_prompt = ?, updated = ?, entry = ? WHERE workspace = ? AND name = ? AND version = ?`,
		row.Source, string(row.Tree), row.TreePath, string(row.Run), string(row.LoggedModel), row.RunLink, row.Description, row.User,
		row.Stage, row.Status, string(row.Manifest), flag(row.Settled), isPrompt(row.Tags), int64(row.Updated), string(entry),
		string(row.Workspace), string(row.Model), int64(row.Version))
	return err
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// The values of ModelVersion.Status.
const (
	versionReady   = "READY"
	versionPending = "PENDING_REGISTRATION"
)

// Create adds a version to a model under the next number and freezes its tree:
// the version owns the manifest from then on. A tree that is empty while its run
// or logged model is still being written waits for the end of that, see
// Runs.Update and LoggedModels.Finalize. With an idempotency key that the
// workspace has seen, it returns the version of the first time and changes nothing.
func (v *Versions) Create(ctx context.Context, version trimtab.ModelVersion, idempotency string) (out trimtab.ModelVersion, err error) {
	defer trimtab.Wrap(&err, "Versions.Create(%s)", version.Model)
	err = v.db.write(ctx, governed, func(tx *Tx) error {
		out, err = v.insert(tx, version, idempotency)
		return err
	})
	return out, err
}

func (v *Versions) insert(tx *Tx, x trimtab.ModelVersion, idempotency string) (trimtab.ModelVersion, error) {
	// The lock on the model orders its versions, and requests of one key.
	m, err := v.db.Models.load(&tx.session, x.Model, tx.engine.forUpdate())
	if err != nil {
		return x, err
	}
	if idempotency != "" {
		all, err := v.rows(&tx.session, "WHERE r.workspace = ? AND r.idempotency = ? AND r.idempotency <> ''", string(m.Workspace), idempotency)
		if err != nil {
			return x, err
		}
		if len(all) > 0 {
			return all[0].ModelVersion, nil
		}
	}
	old := m
	m.LastVersion++
	m.Updated = tx.Now()
	x.Workspace, x.Version, x.Settled, x.Aliases = m.Workspace, m.LastVersion, false, nil
	x.Status = versionReady
	if x.Created == 0 {
		x.Created = tx.Now()
	}
	x.Updated = x.Created
	if x.Stage == "" {
		x.Stage = "None"
	}
	x.Tags = copied(x.Tags)
	if x.Tree != "" && x.Manifest == "" { // a version made of another one has its manifest
		if err := v.freezeNew(tx, &x); err != nil {
			return x, err
		}
	}
	if _, err := tx.Exec(`INSERT INTO versions (workspace, name, version, source, tree, tree_path, run_id, logged_model, run_link, description, user_id,
		stage, status, manifest, attempt, settled, created, updated, idempotency, entry) VALUES (?, ?, ?, '', '', '', '', '', '', '', '', '', '', '', ?, 0, ?, ?, ?, '')`,
		string(x.Workspace), string(x.Model), int64(x.Version), string(x.Attempt), int64(x.Created), int64(x.Updated), idempotency); err != nil {
		return x, err
	}
	for _, key := range sortedKeys(x.Tags) {
		if err := v.putTag(tx, x.Model, x.Version, key, x.Tags[key]); err != nil {
			return x, err
		}
	}
	if err := v.record(tx, versionRow{ModelVersion: x}, x.Change("model.version.create", nil)); err != nil {
		return x, err
	}
	return x, v.db.Models.record(tx, m, m.Change("model.version.add", &old))
}

func (v *Versions) putTag(tx *Tx, name trimtab.ModelName, n trimtab.Version, key, value string) error {
	_, err := tx.Exec("INSERT INTO version_tags (workspace, name, version, key, value) VALUES (?, ?, ?, ?, ?) ON CONFLICT (workspace, name, version, key) DO UPDATE SET value = excluded.value",
		string(tx.Workspace()), string(name), int64(n), key, value)
	return err
}

// Get returns a version with tags and aliases. Absence, also by deletion, is NotFound.
func (v *Versions) Get(ctx context.Context, name trimtab.ModelName, n trimtab.Version) (out trimtab.ModelVersion, err error) {
	defer trimtab.Wrap(&err, "Versions.Get(%s, %d)", name, n)
	err = v.db.read(ctx, func(q *Query) error {
		out, err = v.load(&q.session, name, n, "")
		return err
	})
	return out, err
}

// change loads a version and its model under the model's lock and runs fn,
// which returns the action and the version as it shall be; "" changes nothing.
func (v *Versions) change(ctx context.Context, name trimtab.ModelName, n trimtab.Version, fn func(tx *Tx, x trimtab.ModelVersion) (string, trimtab.ModelVersion, error)) (out trimtab.ModelVersion, err error) {
	err = v.db.write(ctx, governed, func(tx *Tx) error {
		if err := tx.Row("SELECT name FROM models WHERE workspace = ? AND name = ?"+tx.engine.forUpdate(), string(tx.Workspace()), string(name)).Scan(new(string)); err != nil {
			if errors.Is(err, dbsql.ErrNoRows) {
				return noModel(name)
			}
			return err
		}
		old, err := v.load(&tx.session, name, n, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		action, x, err := fn(tx, old)
		if err != nil {
			return err
		}
		out = x
		if action == "" {
			return nil
		}
		return v.record(tx, versionRow{ModelVersion: x}, x.Change(action, &old))
	})
	return out, err
}

// Update sets the description and returns the version.
func (v *Versions) Update(ctx context.Context, name trimtab.ModelName, n trimtab.Version, description string) (out trimtab.ModelVersion, err error) {
	defer trimtab.Wrap(&err, "Versions.Update(%s, %d)", name, n)
	return v.change(ctx, name, n, func(tx *Tx, x trimtab.ModelVersion) (string, trimtab.ModelVersion, error) {
		x.Description, x.Updated = description, tx.Now()
		return "model.version.update", x, nil
	})
}

// SetTag sets a tag.
func (v *Versions) SetTag(ctx context.Context, name trimtab.ModelName, n trimtab.Version, tag trimtab.Tag) (err error) {
	defer trimtab.Wrap(&err, "Versions.SetTag(%s, %d, %s)", name, n, tag.Key)
	_, err = v.change(ctx, name, n, func(tx *Tx, x trimtab.ModelVersion) (string, trimtab.ModelVersion, error) {
		x.Tags, x.Updated = copied(x.Tags), tx.Now()
		x.Tags[tag.Key] = tag.Value
		return "model.version.tag.set", x, v.putTag(tx, name, n, tag.Key, tag.Value)
	})
	return err
}

// DeleteTag removes a tag; one that is absent changes nothing.
func (v *Versions) DeleteTag(ctx context.Context, name trimtab.ModelName, n trimtab.Version, key string) (err error) {
	defer trimtab.Wrap(&err, "Versions.DeleteTag(%s, %d, %s)", name, n, key)
	_, err = v.change(ctx, name, n, func(tx *Tx, x trimtab.ModelVersion) (string, trimtab.ModelVersion, error) {
		x.Tags, x.Updated = copied(x.Tags), tx.Now()
		delete(x.Tags, key)
		_, err := tx.Exec("DELETE FROM version_tags WHERE workspace = ? AND name = ? AND version = ? AND key = ?", string(x.Workspace), string(name), int64(n), key)
		return "model.version.tag.delete", x, err
	})
	return err
}

// Transition moves a version to a stage, which must be spelled canonically, and
// returns it. With archive, the other versions in that stage go to Archived.
func (v *Versions) Transition(ctx context.Context, name trimtab.ModelName, n trimtab.Version, stage string, archive bool) (out trimtab.ModelVersion, err error) {
	defer trimtab.Wrap(&err, "Versions.Transition(%s, %d, %s)", name, n, stage)
	return v.change(ctx, name, n, func(tx *Tx, x trimtab.ModelVersion) (string, trimtab.ModelVersion, error) {
		if archive {
			others, err := v.rows(&tx.session, "WHERE r.workspace = ? AND r.name = ? AND r.stage = ? AND r.version <> ? ORDER BY r.version", string(x.Workspace), string(name), stage, int64(n))
			if err != nil {
				return "", x, err
			}
			for _, o := range others {
				old := o.ModelVersion
				o.Stage, o.Updated = "Archived", tx.Now()
				if err := v.record(tx, o, o.Change("model.version.stage", &old)); err != nil {
					return "", x, err
				}
			}
		}
		x.Stage, x.Updated = stage, tx.Now()
		_, err := tx.Exec("UPDATE models SET updated = ? WHERE workspace = ? AND name = ?", int64(tx.Now()), string(x.Workspace), string(name))
		return "model.version.stage", x, err
	})
}

// redactedVersion is the Data of model.version.delete: what the version was.
type redactedVersion struct {
	Manifest trimtab.Digest `json:"manifest,omitempty"`
	Run      trimtab.RunID  `json:"run,omitempty"`
}

// Delete marks a version deleted, drops the aliases that point to it, and
// forgets where it came from. Its number is never given again.
func (v *Versions) Delete(ctx context.Context, name trimtab.ModelName, n trimtab.Version) (err error) {
	defer trimtab.Wrap(&err, "Versions.Delete(%s, %d)", name, n)
	return v.db.Models.change(ctx, name, func(tx *Tx, m trimtab.RegisteredModel) error {
		x, err := v.load(&tx.session, name, n, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		for _, alias := range x.Aliases {
			if m, err = v.db.Models.dropAlias(tx, m, alias); err != nil {
				return err
			}
		}
		ws, old := string(m.Workspace), x
		if _, err := tx.Exec("DELETE FROM version_tags WHERE workspace = ? AND name = ? AND version = ?", ws, string(name), int64(n)); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE versions SET idempotency = '' WHERE workspace = ? AND name = ? AND version = ?", ws, string(name), int64(n)); err != nil {
			return err
		}
		x = trimtab.ModelVersion{Workspace: x.Workspace, Model: x.Model, Version: x.Version, Stage: trimtab.DeletedStage, Status: x.Status, Attempt: x.Attempt,
			Settled: x.Settled, Created: x.Created, Updated: tx.Now(), Tags: map[string]string{}}
		c := x.Change("model.version.delete", &old)
		if c.Data, err = json.Marshal(redactedVersion{Manifest: old.Manifest, Run: old.Run}); err != nil {
			return err
		}
		return v.record(tx, versionRow{ModelVersion: x}, c)
	})
}

// SettleAttempt makes the versions that a pipeline attempt registered visible to
// aliases: it has succeeded. Doing it again changes nothing.
func (v *Versions) SettleAttempt(ctx context.Context, attempt trimtab.AttemptID) (err error) {
	defer trimtab.Wrap(&err, "Versions.SettleAttempt(%s)", attempt)
	return v.db.write(ctx, governed, func(tx *Tx) error { return v.settle(tx, attempt) })
}

// settle is SettleAttempt within a transaction.
func (v *Versions) settle(tx *Tx, attempt trimtab.AttemptID) error {
	all, err := v.rows(&tx.session, "WHERE r.workspace = ? AND r.attempt = ? AND r.attempt <> '' AND r.settled = 0 AND r.stage <> ? ORDER BY r.name, r.version"+tx.engine.forUpdate(),
		string(tx.Workspace()), string(attempt), trimtab.DeletedStage)
	if err != nil {
		return err
	}
	for _, row := range all {
		old := row.ModelVersion
		row.Settled, row.Updated = true, tx.Now()
		if err := v.record(tx, row, row.Change("model.version.settle", &old)); err != nil {
			return err
		}
	}
	return nil
}
