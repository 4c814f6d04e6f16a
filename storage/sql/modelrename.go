package sql

import (
	"context"
	"encoding/json"

	"github.com/trimtab/trimtab"
)

// renamed is the Data of model.rename and model.version.rename.
type renamed struct {
	From trimtab.ModelName `json:"from"`
	To   trimtab.ModelName `json:"to"`
}

// Rename gives a model and all its versions another name, which must be free.
// The journal ends the history of the old name and begins one of the new.
func (r *Models) Rename(ctx context.Context, from, to trimtab.ModelName) (out trimtab.RegisteredModel, err error) {
	defer trimtab.Wrap(&err, "Models.Rename(%s, %s)", from, to)
	data, err := json.Marshal(renamed{from, to})
	if err != nil {
		return out, err
	}
	err = r.change(ctx, from, func(tx *Tx, m trimtab.RegisteredModel) error {
		out = m
		if from == to {
			return nil
		}
		old := m
		m.Name, m.Updated = to, tx.Now()
		var taken int64
		if err := tx.Row("SELECT COUNT(*) FROM models WHERE workspace = ? AND name = ?", string(m.Workspace), string(to)).Scan(&taken); err != nil {
			return err
		}
		if taken > 0 {
			return modelTaken(to)
		}
		versions, err := r.db.Versions.all(tx, from)
		if err != nil {
			return err
		}
		for _, table := range []string{"models", "model_tags", "aliases", "versions", "version_tags"} {
			if _, err := tx.Exec("UPDATE "+table+" SET name = ? WHERE workspace = ? AND name = ?", string(to), string(m.Workspace), string(from)); err != nil {
				return err
			}
		}
		both := func(gone trimtab.Object, before, after trimtab.Digest, here trimtab.Change) (trimtab.Change, error) {
			end := trimtab.Change{Action: here.Action, Object: gone, Before: before, Data: data}
			_, err := tx.Journal(m.Workspace, end)
			here.Before, here.Data = "", data
			return here, err
		}
		c := m.Change("model.rename", nil)
		c, err = both(old.Object(), trimtab.StateDigest(old), c.After, c)
		if err != nil {
			return err
		}
		if err := r.record(tx, m, c); err != nil {
			return err
		}
		for _, v := range versions {
			was := v
			v.Model, v.Updated = to, tx.Now()
			c := v.Change("model.version.rename", nil)
			if c, err = both(was.Object(), trimtab.StateDigest(was.ModelVersion), c.After, c); err != nil {
				return err
			}
			if err := r.db.Versions.record(tx, v, c); err != nil {
				return err
			}
		}
		out = m
		return nil
	})
	if isUnique(err) {
		return out, modelTaken(to)
	}
	return out, err
}
