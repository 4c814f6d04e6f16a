package sql

import (
	"context"
	dbsql "database/sql"
	"errors"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// number is the id as the column has it; ok is false for what no experiment has.
func number(id trimtab.ExperimentID) (int64, bool) {
	n, err := strconv.ParseInt(string(id), 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == string(id)
}

func experimentID(n int64) trimtab.ExperimentID {
	return trimtab.ExperimentID(strconv.FormatInt(n, 10))
}

func noExperiment(id trimtab.ExperimentID) error {
	return trimtab.Errorf(trimtab.NotFound, "experiment "+string(id), "No Experiment with id=%s exists", id)
}

// Create adds an experiment and gives it its id, and a place for artifacts
// unless it has one. A name that is taken, also by a deleted experiment, Exists.
func (x *Experiments) Create(ctx context.Context, e trimtab.Experiment) (out trimtab.Experiment, err error) {
	defer trimtab.Wrap(&err, "Experiments.Create(%s)", e.Name)
	if err := x.born(ctx); err != nil {
		return out, err
	}
	err = x.db.write(ctx, governed, func(tx *Tx) error {
		var n int64
		err := tx.Row("INSERT INTO counters (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value",
			"experiment/"+string(tx.Workspace())).Scan(&n)
		if err != nil {
			return err
		}
		e := e
		e.ID = experimentID(n)
		out, err = x.insert(tx, e)
		return err
	})
	return out, err
}

// insert writes a new experiment that has its id.
func (x *Experiments) insert(tx *Tx, e trimtab.Experiment) (trimtab.Experiment, error) {
	e.Workspace = tx.Workspace()
	if e.ArtifactLocation == "" {
		e.ArtifactLocation = "mlflow-artifacts:/" + string(e.ID)
	}
	if e.Created == 0 {
		e.Created = tx.Now()
	}
	e.Updated = e.Created
	e, c, err := e.Create()
	if err != nil {
		return e, err
	}
	n, _ := number(e.ID)
	added, err := tx.Exec("INSERT INTO experiments (workspace, id, name, artifact_location, lifecycle, created, updated, entry) VALUES (?, ?, ?, ?, ?, ?, ?, '') ON CONFLICT (workspace, name) DO NOTHING",
		string(e.Workspace), n, e.Name, e.ArtifactLocation, string(e.Lifecycle), int64(e.Created), int64(e.Updated))
	if err != nil {
		return e, err
	}
	if added == 0 {
		return e, nameTaken(e.Name)
	}
	for _, key := range sortedKeys(e.Tags) {
		if err := x.putTag(tx, n, trimtab.Tag{Key: key, Value: e.Tags[key]}); err != nil {
			return e, err
		}
	}
	return e, x.record(tx, e, c)
}

func nameTaken(name string) error {
	return trimtab.Errorf(trimtab.Exists, "experiment "+name, "Experiment(name=%s) already exists.", name)
}

// record journals a change and stores the entry with the row.
func (x *Experiments) record(tx *Tx, e trimtab.Experiment, c trimtab.Change) error {
	entry, err := tx.Journal(e.Workspace, c)
	if err != nil || entry == "" {
		return err
	}
	n, _ := number(e.ID)
	_, err = tx.Exec("UPDATE experiments SET name = ?, lifecycle = ?, updated = ?, entry = ? WHERE workspace = ? AND id = ?",
		e.Name, string(e.Lifecycle), int64(e.Updated), string(entry), string(e.Workspace), n)
	return err
}

// born makes the default experiment of the request's workspace when it is not there yet.
func (x *Experiments) born(ctx context.Context) error {
	there := false
	err := x.db.read(ctx, func(q *Query) (err error) {
		there, err = hasDefault(&q.session)
		return err
	})
	if err != nil || there {
		return err
	}
	return x.db.write(ctx, governed, func(tx *Tx) error {
		// Two requests may come here at once: the counter's row is their lock.
		if _, err := tx.Exec("INSERT INTO counters (name, value) VALUES (?, 0) ON CONFLICT (name) DO UPDATE SET value = counters.value", "experiment/"+string(tx.Workspace())); err != nil {
			return err
		}
		if there, err := hasDefault(&tx.session); err != nil || there {
			return err
		}
		_, err := x.insert(tx, trimtab.Experiment{ID: trimtab.DefaultExperiment, Name: "Default"})
		return err
	})
}

func hasDefault(s *session) (bool, error) {
	var n int64
	err := s.Row("SELECT COUNT(*) FROM experiments WHERE workspace = ? AND id = 0", string(trimtab.CallOf(s.ctx).Workspace)).Scan(&n)
	return n > 0, err
}

const experimentColumns = "r.id, r.name, r.artifact_location, r.lifecycle, r.created, r.updated"

func scanExperiment(row interface{ Scan(...any) error }, ws trimtab.Workspace, more ...any) (trimtab.Experiment, error) {
	e := trimtab.Experiment{Workspace: ws, Tags: map[string]string{}}
	var n int64
	err := row.Scan(append([]any{&n, &e.Name, &e.ArtifactLocation, &e.Lifecycle, &e.Created, &e.Updated}, more...)...)
	e.ID = experimentID(n)
	return e, err
}

// load reads an experiment without its tags.
func (x *Experiments) load(s *session, id trimtab.ExperimentID, lock string) (trimtab.Experiment, error) {
	ws := trimtab.CallOf(s.ctx).Workspace
	n, ok := number(id)
	if !ok {
		return trimtab.Experiment{}, noExperiment(id)
	}
	e, err := scanExperiment(s.Row("SELECT "+experimentColumns+" FROM experiments r WHERE r.workspace = ? AND r.id = ?"+lock, string(ws), n), ws)
	if errors.Is(err, dbsql.ErrNoRows) {
		return e, noExperiment(id)
	}
	return e, err
}

// writable is load for what must be active.
func (x *Experiments) writable(s *session, id trimtab.ExperimentID, lock string) (trimtab.Experiment, error) {
	e, err := x.load(s, id, lock)
	if err == nil && e.Lifecycle != trimtab.Active {
		return e, trimtab.Errorf(trimtab.Invalid, e.Object().String(), "The experiment %s must be in the 'active' state. Current state is %s.", id, e.Lifecycle)
	}
	return e, err
}

// Get returns an experiment with its tags, whatever its lifecycle stage. Absence is NotFound.
func (x *Experiments) Get(ctx context.Context, id trimtab.ExperimentID) (e trimtab.Experiment, err error) {
	defer trimtab.Wrap(&err, "Experiments.Get(%s)", id)
	get := func(q *Query) error {
		if e, err = x.load(&q.session, id, ""); err != nil {
			return err
		}
		return x.tags(&q.session, []*trimtab.Experiment{&e})
	}
	err = x.db.read(ctx, get)
	if id == trimtab.DefaultExperiment && trimtab.IsKind(err, trimtab.NotFound) {
		if err = x.born(ctx); err == nil {
			err = x.db.read(ctx, get)
		}
	}
	return e, err
}

// ByName returns the experiment of that name, whatever its lifecycle stage. Absence is NotFound.
func (x *Experiments) ByName(ctx context.Context, name string) (e trimtab.Experiment, err error) {
	defer trimtab.Wrap(&err, "Experiments.ByName(%s)", name)
	if err := x.born(ctx); err != nil {
		return e, err
	}
	err = x.db.read(ctx, func(q *Query) error {
		ws := trimtab.CallOf(ctx).Workspace
		if e, err = scanExperiment(q.Row("SELECT "+experimentColumns+" FROM experiments r WHERE r.workspace = ? AND r.name = ?", string(ws), name), ws); err != nil {
			if errors.Is(err, dbsql.ErrNoRows) {
				return trimtab.Errorf(trimtab.NotFound, "experiment "+name, "Could not find experiment with name '%s'", name)
			}
			return err
		}
		return x.tags(&q.session, []*trimtab.Experiment{&e})
	})
	return e, err
}

// tags reads the tags of experiments of one workspace.
func (x *Experiments) tags(s *session, all []*trimtab.Experiment) error {
	byID := make(map[int64]*trimtab.Experiment, len(all))
	ids := make([]int64, len(all))
	for i, e := range all {
		ids[i], _ = number(e.ID)
		byID[ids[i]] = e
	}
	rows, err := s.Rows("SELECT t.experiment, t.key, t.value FROM "+s.engine.numbers()+" p CROSS JOIN experiment_tags t WHERE t.workspace = ? AND t.experiment = p.id",
		s.engine.list(ids), string(trimtab.CallOf(s.ctx).Workspace))
	return collect(rows, err, func(rows *dbsql.Rows) error {
		var n int64
		var t trimtab.Tag
		if err := rows.Scan(&n, &t.Key, &t.Value); err != nil {
			return err
		}
		byID[n].Tags[t.Key] = t.Value
		return nil
	})
}

// change loads an experiment, applies a rule and writes what it says.
func (x *Experiments) change(ctx context.Context, id trimtab.ExperimentID, rule func(tx *Tx, e trimtab.Experiment) (trimtab.Experiment, trimtab.Change, error)) error {
	return x.db.write(ctx, governed, func(tx *Tx) error {
		e, err := x.load(&tx.session, id, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		e, c, err := rule(tx, e)
		if err != nil {
			return err
		}
		return x.record(tx, e, c)
	})
}

// Rename gives an active experiment a name that no other has.
func (x *Experiments) Rename(ctx context.Context, id trimtab.ExperimentID, name string) (err error) {
	defer trimtab.Wrap(&err, "Experiments.Rename(%s, %s)", id, name)
	err = x.change(ctx, id, func(tx *Tx, e trimtab.Experiment) (trimtab.Experiment, trimtab.Change, error) {
		if e.Name == name && e.Lifecycle == trimtab.Active {
			return e, trimtab.Change{}, nil
		}
		return e.Rename(name, tx.Now())
	})
	if isUnique(err) {
		return nameTaken(name)
	}
	return err
}

// Delete marks an experiment and its runs deleted.
func (x *Experiments) Delete(ctx context.Context, id trimtab.ExperimentID) (err error) {
	defer trimtab.Wrap(&err, "Experiments.Delete(%s)", id)
	return x.change(ctx, id, func(tx *Tx, e trimtab.Experiment) (trimtab.Experiment, trimtab.Change, error) {
		e, c, err := e.Delete(tx.Now())
		if err == nil {
			err = x.db.Runs.follow(tx, id, trimtab.Active, trimtab.Run.Delete)
		}
		return e, c, err
	})
}

// Restore brings a deleted experiment back, and all of its runs.
func (x *Experiments) Restore(ctx context.Context, id trimtab.ExperimentID) (err error) {
	defer trimtab.Wrap(&err, "Experiments.Restore(%s)", id)
	return x.change(ctx, id, func(tx *Tx, e trimtab.Experiment) (trimtab.Experiment, trimtab.Change, error) {
		e, c, err := e.Restore(tx.Now())
		if err == nil {
			err = x.db.Runs.follow(tx, id, trimtab.Deleted, trimtab.Run.Restore)
		}
		return e, c, err
	})
}

// SetTag sets a tag of an active experiment.
func (x *Experiments) SetTag(ctx context.Context, id trimtab.ExperimentID, tag trimtab.Tag) (err error) {
	defer trimtab.Wrap(&err, "Experiments.SetTag(%s, %s)", id, tag.Key)
	if id == trimtab.DefaultExperiment {
		if err := x.born(ctx); err != nil {
			return err
		}
	}
	return x.db.write(ctx, measured, func(tx *Tx) error {
		if _, err := x.writable(&tx.session, id, ""); err != nil {
			return err
		}
		n, _ := number(id)
		return x.putTag(tx, n, tag)
	})
}

func (x *Experiments) putTag(tx *Tx, n int64, tag trimtab.Tag) error {
	_, err := tx.Exec("INSERT INTO experiment_tags (workspace, experiment, key, value) VALUES (?, ?, ?, ?) ON CONFLICT (workspace, experiment, key) DO UPDATE SET value = excluded.value",
		string(tx.Workspace()), n, tag.Key, tag.Value)
	return err
}

// DeleteTag removes a tag of an active experiment; one that is absent is NotFound.
func (x *Experiments) DeleteTag(ctx context.Context, id trimtab.ExperimentID, key string) (err error) {
	defer trimtab.Wrap(&err, "Experiments.DeleteTag(%s, %s)", id, key)
	return x.db.write(ctx, measured, func(tx *Tx) error {
		if _, err := x.writable(&tx.session, id, ""); err != nil {
			return err
		}
		n, _ := number(id)
		gone, err := tx.Exec("DELETE FROM experiment_tags WHERE workspace = ? AND experiment = ? AND key = ?", string(tx.Workspace()), n, key)
		if err == nil && gone == 0 {
			return trimtab.Errorf(trimtab.NotFound, "tag "+key, "No tag with name: %s in experiment with id %s", key, id)
		}
		return err
	})
}

// Search returns a page of experiments with their tags.
func (x *Experiments) Search(ctx context.Context, query ExperimentQuery) (out []trimtab.Experiment, next trimtab.PageToken, err error) {
	defer trimtab.Wrap(&err, "Experiments.Search()")
	if err := x.born(ctx); err != nil {
		return nil, "", err
	}
	ws := trimtab.CallOf(ctx).Workspace
	stages := query.Lifecycle
	if len(stages) == 0 {
		stages = []trimtab.Lifecycle{trimtab.Active}
	}
	names := make([]string, 0, 2)
	for _, l := range stages {
		names = append(names, string(l))
	}
	slices.Sort(names)
	orders := filter.Experiments.Complete(query.Order)
	err = x.db.read(ctx, func(q *Query) error {
		out = nil
		next, err = search{
			noun: "experiments", columns: experimentColumns,
			from: "experiments r WHERE r.workspace = ? AND r.lifecycle IN (?, ?)", args: []any{string(ws), names[0], names[len(names)-1]},
			fields: experimentField, terms: attributeTerms(experimentField, map[string]string{"experiment_id": "r.id"}),
			filter: query.Filter, orders: orders, limit: query.Limit, after: query.After,
			scope: scope("experiments", ws, query.Filter, orders, names),
			scan: func(rows *dbsql.Rows, place ...any) error {
				e, err := scanExperiment(rows, ws, place...)
				out = append(out, e)
				return err
			},
		}.run(q)
		if err != nil || len(out) == 0 {
			return err
		}
		return x.tags(&q.session, pointers(out))
	})
	return out, next, err
}

// experimentField finds the fields of experiments for the filter language.
func experimentField(e filter.Entity, key string) (field, bool) {
	switch e {
	case filter.Tag:
		return field{expr: "c.value", from: "experiment_tags c WHERE c.workspace = r.workspace AND c.experiment = r.id AND c.key = ?", args: []any{key}}, true
	case filter.Attribute:
		switch key {
		case "name":
			return field{expr: "r.name"}, true
		case "creation_time":
			return field{kind: integerField, expr: "r.created"}, true
		case "last_update_time":
			return field{kind: integerField, expr: "r.updated"}, true
		case "experiment_id":
			return field{kind: integerField, expr: "r.id"}, true
		}
	}
	return field{}, false
}
