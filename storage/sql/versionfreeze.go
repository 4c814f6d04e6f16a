package sql

import (
	dbsql "database/sql"
	"errors"
	"strings"

	"github.com/trimtab/trimtab"
)

// freezeNew freezes the tree of a version that is being made, unless it is
// empty and still being written.
func (v *Versions) freezeNew(tx *Tx, x *trimtab.ModelVersion) error {
	closed, err := v.closed(tx, x.Tree)
	if err != nil {
		return err
	}
	m, err := manifest(&tx.session, x.Workspace, x.Tree, x.TreePath)
	if err != nil {
		return err
	}
	if len(m) == 0 && !closed {
		x.Status = versionPending
		return nil
	}
	x.Manifest, err = keep(tx, m)
	return err
}

// closed reports whether nobody is expected to write to a tree any more: its run
// has ended, its logged model is ready, or there is neither. The row is held, so
// that a version cannot slip between that end and the freezing it brings.
func (v *Versions) closed(tx *Tx, tree trimtab.TreeID) (bool, error) {
	kind, id, _ := strings.Cut(string(tree), "/")
	var status string
	var err error
	switch kind {
	case "run":
		err = tx.Row("SELECT status FROM runs WHERE workspace = ? AND id = ?"+tx.engine.forShare(), string(tx.Workspace()), id).Scan(&status)
	case "model":
		err = tx.Row("SELECT status FROM logged_models WHERE workspace = ? AND id = ?"+tx.engine.forShare(), string(tx.Workspace()), id).Scan(&status)
	default:
		return true, nil
	}
	if errors.Is(err, dbsql.ErrNoRows) {
		return true, nil
	}
	return trimtab.RunStatus(status).Ended() || trimtab.LoggedModelStatus(status) == trimtab.LoggedModelReady, err
}

// freezeWaiting freezes the versions that wait for a tree, whatever it holds now.
func (v *Versions) freezeWaiting(tx *Tx, tree trimtab.TreeID) error {
	all, err := v.rows(&tx.session, "WHERE r.workspace = ? AND r.tree = ? AND r.manifest = '' AND r.tree <> '' AND r.stage <> ? ORDER BY r.name, r.version"+tx.engine.forUpdate(),
		string(tx.Workspace()), string(tree), trimtab.DeletedStage)
	if err != nil {
		return err
	}
	for _, row := range all {
		m, err := manifest(&tx.session, row.Workspace, row.Tree, row.TreePath)
		if err != nil {
			return err
		}
		digest, err := keep(tx, m)
		if err != nil {
			return err
		}
		frozen, c, err := row.Freeze(digest, tx.Now())
		if err != nil {
			return err
		}
		row.ModelVersion = frozen
		if err := v.record(tx, row, c); err != nil {
			return err
		}
	}
	return nil
}
