package sql

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// contextTag names what a data set was used for, such as training.
const contextTag = "mlflow.data.context"

// The directions of a model's use by a run.
const (
	modelInput  = "input"
	modelOutput = "output"
)

// LogInputs records data sets and logged models that an active run read. A use
// that is recorded already gets the tags of the new one in addition.
func (r *Runs) LogInputs(ctx context.Context, id trimtab.RunID, inputs []trimtab.DatasetInput, models []trimtab.ModelInput) (err error) {
	defer trimtab.Wrap(&err, "Runs.LogInputs(%s)", id)
	inputs = slices.SortedStableFunc(slices.Values(inputs), func(a, b trimtab.DatasetInput) int {
		return strings.Compare(a.Dataset.Name+"\x00"+a.Dataset.Digest, b.Dataset.Name+"\x00"+b.Dataset.Digest)
	})
	return r.uses(ctx, id, func(tx *Tx, row runRow) error {
		for _, in := range inputs {
			if err := r.putInput(tx, row, in); err != nil {
				return err
			}
		}
		for _, m := range models {
			if err := r.putModel(tx, row, modelInput, m.Model, 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// LogOutputs records logged models that an active run made.
func (r *Runs) LogOutputs(ctx context.Context, id trimtab.RunID, models []trimtab.ModelOutput) (err error) {
	defer trimtab.Wrap(&err, "Runs.LogOutputs(%s)", id)
	return r.uses(ctx, id, func(tx *Tx, row runRow) error {
		for _, m := range models {
			if err := r.putModel(tx, row, modelOutput, m.Model, m.Step); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Runs) uses(ctx context.Context, id trimtab.RunID, put func(tx *Tx, row runRow) error) error {
	return r.db.write(ctx, measured, func(tx *Tx) error {
		row, err := r.load(&tx.session, id, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		if err := row.Writable(); err != nil {
			return err
		}
		if err := put(tx, row); err != nil {
			return err
		}
		return r.touch(tx, &row)
	})
}

func (r *Runs) putModel(tx *Tx, row runRow, direction string, model trimtab.LoggedModelID, step int64) error {
	_, err := tx.Exec("INSERT INTO run_models (rid, direction, model, step) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row.rid, direction, string(model), step)
	return err
}

func (r *Runs) putInput(tx *Tx, row runRow, in trimtab.DatasetInput) error {
	experiment, _ := number(row.Experiment)
	d := in.Dataset
	var dataset int64
	// The update changes nothing; it makes the row come back, and hold still.
	err := tx.Row(`INSERT INTO datasets (workspace, experiment, name, digest, source_type, source, schema, profile) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (workspace, experiment, name, digest) DO UPDATE SET name = excluded.name RETURNING id`,
		string(row.Workspace), experiment, d.Name, d.Digest, d.SourceType, d.Source, d.Schema, d.Profile).Scan(&dataset)
	if err != nil {
		return err
	}
	tags := map[string]string{}
	var old string
	rows, err := tx.Rows("SELECT tags FROM run_datasets WHERE rid = ? AND dataset = ?", row.rid, dataset)
	if err != nil {
		return err
	}
	found := rows.Next()
	if found {
		err = rows.Scan(&old)
	}
	if cerr := rows.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if found {
		var list []trimtab.Tag
		if err := json.Unmarshal([]byte(old), &list); err != nil {
			return err
		}
		for _, t := range list {
			tags[t.Key] = t.Value
		}
	}
	for _, t := range in.Tags {
		tags[t.Key] = t.Value
	}
	list := []trimtab.Tag{}
	for _, key := range sortedKeys(tags) {
		list = append(list, trimtab.Tag{Key: key, Value: tags[key]})
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	var use any
	if context, ok := tags[contextTag]; ok {
		use = context
	}
	_, err = tx.Exec("INSERT INTO run_datasets (rid, dataset, tags, context) VALUES (?, ?, ?, ?) ON CONFLICT (rid, dataset) DO UPDATE SET tags = excluded.tags, context = excluded.context",
		row.rid, dataset, string(raw), use)
	return err
}
