package sql

import (
	"cmp"
	"context"
	dbsql "database/sql"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// runData is the measured data of a run in the form whose digest is its seal:
// canonical JSON, metrics ordered by key, inputs by name and digest, models by
// step and id. Values are text, since JSON has no NaN and readers differ about
// the last digit of numbers.
type runData struct {
	Params  map[string]string `json:"params,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
	Metrics []sealedMetric    `json:"metrics,omitempty"` // the latest of each key
	History trimtab.Digest    `json:"history,omitempty"` // of all points: see histories
	Inputs  []sealedInput     `json:"inputs,omitempty"`
	Models  []sealedModel     `json:"models,omitempty"`
}

type sealedMetric struct {
	Key   string       `json:"key"`
	Value string       `json:"value"` // shortest decimal form that reads back equal, or NaN
	Step  int64        `json:"step"`
	Time  trimtab.Time `json:"time"`
}

type sealedInput struct {
	Name       string            `json:"name"`
	Digest     string            `json:"digest"`
	SourceType string            `json:"sourceType,omitempty"`
	Source     string            `json:"source,omitempty"`
	Schema     string            `json:"schema,omitempty"`
	Profile    string            `json:"profile,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
}

type sealedModel struct {
	Direction string                `json:"direction"`
	Model     trimtab.LoggedModelID `json:"model"`
	Step      int64                 `json:"step"`
}

// sealOf is the digest of the measured data of a run that has its children.
func sealOf(r trimtab.Run, history trimtab.Digest) trimtab.Digest {
	d := runData{Params: r.Params, Tags: r.Tags, History: history}
	for _, m := range r.Metrics {
		value := "NaN"
		if !math.IsNaN(m.Value) {
			value = strconv.FormatFloat(m.Value, 'g', -1, 64)
		}
		d.Metrics = append(d.Metrics, sealedMetric{Key: m.Key, Value: value, Step: m.Step, Time: m.Time})
	}
	slices.SortFunc(d.Metrics, func(a, b sealedMetric) int { return strings.Compare(a.Key, b.Key) })
	for _, in := range r.Inputs {
		x := sealedInput{Name: in.Dataset.Name, Digest: in.Dataset.Digest, SourceType: in.Dataset.SourceType, Source: in.Dataset.Source,
			Schema: in.Dataset.Schema, Profile: in.Dataset.Profile, Tags: map[string]string{}}
		for _, t := range in.Tags {
			x.Tags[t.Key] = t.Value
		}
		d.Inputs = append(d.Inputs, x)
	}
	slices.SortFunc(d.Inputs, func(a, b sealedInput) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Digest, b.Digest))
	})
	for _, in := range r.ModelInputs {
		d.Models = append(d.Models, sealedModel{Direction: modelInput, Model: in.Model})
	}
	for _, o := range r.Outputs {
		d.Models = append(d.Models, sealedModel{Direction: modelOutput, Model: o.Model, Step: o.Step})
	}
	slices.SortFunc(d.Models, func(a, b sealedModel) int {
		return cmp.Or(strings.Compare(a.Direction, b.Direction), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Model, b.Model))
	})
	return trimtab.StateDigest(d)
}

// seal records the digest of the measured data of a run whose row is locked and
// whose children are loaded. Equal data is not recorded again.
func (r *Runs) seal(tx *Tx, row *runRow) error {
	history, err := histories(&tx.session, []int64{row.rid})
	if err != nil {
		return err
	}
	if digest := sealOf(row.Run, history[row.rid]); digest != row.Seal {
		if err := r.apply(tx, row, func(run trimtab.Run) (trimtab.Run, trimtab.Change, error) { return run.Sealed(digest) }); err != nil {
			return err
		}
	}
	_, err = tx.Exec("UPDATE runs SET dirty = 0 WHERE rid = ?", row.rid)
	return err
}

// touch marks a sealed run as written since.
func (r *Runs) touch(tx *Tx, row *runRow) error {
	if row.dirty != 0 {
		return nil
	}
	row.dirty = 2
	_, err := tx.Exec("UPDATE runs SET dirty = 2 WHERE rid = ? AND dirty = 0", row.rid)
	return err
}

// SealDirty seals anew up to limit finished runs of all workspaces that were
// written after their end, and returns how many it did. It is for a loop in the
// background: the seal follows the write within its period.
func (r *Runs) SealDirty(ctx context.Context, limit int) (n int, err error) {
	defer trimtab.Wrap(&err, "Runs.SealDirty(%d)", limit)
	type key struct {
		ws trimtab.Workspace
		id trimtab.RunID
	}
	var found []key
	err = r.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT workspace, id FROM runs WHERE dirty = 2 ORDER BY rid LIMIT ?", int64(limit))
		return collect(rows, err, func(rows *dbsql.Rows) error {
			var k key
			err := rows.Scan(&k.ws, &k.id)
			found = append(found, k)
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	for _, k := range found {
		call := trimtab.CallOf(ctx)
		call.Workspace = k.ws
		sealed := false
		err := r.db.write(trimtab.WithCall(ctx, call), governed, func(tx *Tx) error {
			sealed = false
			row, err := r.load(&tx.session, k.id, tx.engine.forUpdate())
			if err != nil || row.dirty != 2 {
				return err
			}
			if err := r.children(&tx.session, []*runRow{&row}, everything); err != nil {
				return err
			}
			sealed = true
			return r.seal(tx, &row)
		})
		if err != nil {
			return n, err
		}
		if sealed {
			n++
		}
	}
	return n, nil
}
