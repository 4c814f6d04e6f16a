package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"
	"path"
	"strings"

	"github.com/trimtab/trimtab"
)

// Put says that the file at path of a tree has these bytes now. path must be
// clean, see trimtab.ArtifactPath; putting the same again changes nothing.
func (a *Artifacts) Put(ctx context.Context, tree trimtab.TreeID, path string, digest trimtab.Digest, size int64) (err error) {
	defer trimtab.Wrap(&err, "Artifacts.Put(%s, %s)", tree, path)
	return a.db.write(ctx, measured, func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO artifacts (workspace, tree, path, digest, size, updated) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (workspace, tree, path) DO UPDATE SET digest = excluded.digest, size = excluded.size, updated = excluded.updated WHERE artifacts.digest <> excluded.digest`,
			string(tx.Workspace()), string(tree), path, string(digest), size, int64(tx.Now()))
		return err
	})
}

// below is the condition for all files below a directory: "/" sorts just before "0".
const below = "path >= ? AND path < ?"

func bounds(dir string) (low, high string) { return dir + "/", dir + "0" }

// List returns the files below dir ("" for the whole tree), sorted by path. A
// tree or directory that does not exist has none.
func (a *Artifacts) List(ctx context.Context, tree trimtab.TreeID, dir string) (out []trimtab.Artifact, err error) {
	defer trimtab.Wrap(&err, "Artifacts.List(%s, %s)", tree, dir)
	err = a.db.read(ctx, func(q *Query) error {
		out, err = files(&q.session, trimtab.CallOf(ctx).Workspace, tree, dir)
		return err
	})
	return out, err
}

func files(s *session, ws trimtab.Workspace, tree trimtab.TreeID, dir string) (out []trimtab.Artifact, err error) {
	query, args := "SELECT path, size, digest FROM artifacts WHERE workspace = ? AND tree = ?", []any{string(ws), string(tree)}
	if dir != "" {
		low, high := bounds(dir)
		query, args = query+" AND "+below, append(args, low, high)
	}
	rows, err := s.Rows(query+" ORDER BY path", args...)
	return out, collect(rows, err, func(rows *dbsql.Rows) error {
		var f trimtab.Artifact
		err := rows.Scan(&f.Path, &f.Size, &f.Digest)
		out = append(out, f)
		return err
	})
}

func noArtifact(path string) error {
	return trimtab.Errorf(trimtab.NotFound, "artifact "+path, "No such artifact: '%s'", path)
}

// Get returns the file at path. Absence, also of a directory, is NotFound.
func (a *Artifacts) Get(ctx context.Context, tree trimtab.TreeID, path string) (f trimtab.Artifact, err error) {
	defer trimtab.Wrap(&err, "Artifacts.Get(%s, %s)", tree, path)
	err = a.db.read(ctx, func(q *Query) error {
		f, err = file(&q.session, trimtab.CallOf(ctx).Workspace, tree, path)
		return err
	})
	return f, err
}

func file(s *session, ws trimtab.Workspace, tree trimtab.TreeID, path string) (f trimtab.Artifact, err error) {
	f.Path = path
	err = s.Row("SELECT size, digest FROM artifacts WHERE workspace = ? AND tree = ? AND path = ?", string(ws), string(tree), path).Scan(&f.Size, &f.Digest)
	if errors.Is(err, dbsql.ErrNoRows) {
		return f, noArtifact(path)
	}
	return f, err
}

// Delete removes the file at path or all files below it; "" empties the tree.
// What is absent changes nothing.
func (a *Artifacts) Delete(ctx context.Context, tree trimtab.TreeID, path string) (err error) {
	defer trimtab.Wrap(&err, "Artifacts.Delete(%s, %s)", tree, path)
	return a.db.write(ctx, measured, func(tx *Tx) error {
		query, args := "DELETE FROM artifacts WHERE workspace = ? AND tree = ?", []any{string(tx.Workspace()), string(tree)}
		if path != "" {
			low, high := bounds(path)
			query, args = query+" AND (path = ? OR "+below+")", append(args, path, low, high)
		}
		_, err := tx.Exec(query, args...)
		return err
	})
}

// Manifest returns the frozen tree of a digest. Absence is NotFound.
func (a *Artifacts) Manifest(ctx context.Context, digest trimtab.Digest) (m trimtab.Manifest, err error) {
	defer trimtab.Wrap(&err, "Artifacts.Manifest(%s)", digest.Short())
	err = a.db.read(ctx, func(q *Query) error {
		var body []byte
		err := q.Row("SELECT body FROM manifests WHERE workspace = ? AND digest = ?", string(trimtab.CallOf(ctx).Workspace), string(digest)).Scan(&body)
		if errors.Is(err, dbsql.ErrNoRows) {
			return trimtab.Errorf(trimtab.NotFound, "manifest "+digest.Short(), "no version has the manifest %s", digest.Short())
		}
		if err != nil {
			return err
		}
		return json.Unmarshal(body, &m)
	})
	return m, err
}

// manifest freezes a tree below dir, or the single file at dir: paths become
// relative to it. The manifest of no files is empty.
func manifest(s *session, ws trimtab.Workspace, tree trimtab.TreeID, dir string) (trimtab.Manifest, error) {
	all, err := files(s, ws, tree, dir)
	if err != nil || dir == "" {
		return trimtab.NewManifest(all), err
	}
	for i := range all {
		all[i].Path = strings.TrimPrefix(all[i].Path, dir+"/")
	}
	if len(all) == 0 {
		f, err := file(s, ws, tree, dir)
		switch {
		case err == nil:
			f.Path = path.Base(dir)
			all = append(all, f)
		case !trimtab.IsKind(err, trimtab.NotFound):
			return nil, err
		}
	}
	return trimtab.NewManifest(all), nil
}

// keep stores a manifest under its digest.
func keep(tx *Tx, m trimtab.Manifest) (trimtab.Digest, error) {
	if m == nil {
		m = trimtab.Manifest{}
	}
	body, err := trimtab.Canonical(m)
	if err != nil {
		return "", err
	}
	digest := trimtab.DigestOf(body)
	_, err = tx.Exec("INSERT INTO manifests (workspace, digest, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", string(tx.Workspace()), string(digest), body)
	return digest, err
}
