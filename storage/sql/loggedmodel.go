package sql

import (
	"cmp"
	"context"
	dbsql "database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// loggedRow is a logged model with what only its row knows.
type loggedRow struct {
	trimtab.LoggedModel
	mid   int64
	entry trimtab.EntryID
}

const loggedColumns = "r.mid, r.id, r.experiment, r.name, r.type, r.source_run, r.status, r.message, r.lifecycle, r.created, r.updated, r.artifact_uri, r.entry"

func scanLogged(row interface{ Scan(...any) error }, ws trimtab.Workspace, more ...any) (loggedRow, error) {
	m := loggedRow{LoggedModel: trimtab.LoggedModel{Workspace: ws}}
	var experiment int64
	err := row.Scan(append([]any{&m.mid, &m.ID, &experiment, &m.Name, &m.Type, &m.SourceRun, &m.Status, &m.Message, &m.Lifecycle, &m.Created, &m.Updated, &m.ArtifactURI, &m.entry}, more...)...)
	m.Experiment = experimentID(experiment)
	return m, err
}

func noLoggedModel(id trimtab.LoggedModelID) error {
	return trimtab.Errorf(trimtab.NotFound, "logged model "+string(id), "Logged model with ID '%s' not found.", id)
}

// load reads an active logged model without its children; a deleted one is NotFound.
func (l *LoggedModels) load(s *session, id trimtab.LoggedModelID, lock string) (loggedRow, error) {
	ws := trimtab.CallOf(s.ctx).Workspace
	m, err := scanLogged(s.Row("SELECT "+loggedColumns+" FROM logged_models r WHERE r.workspace = ? AND r.id = ?"+lock, string(ws), string(id)), ws)
	if errors.Is(err, dbsql.ErrNoRows) || err == nil && m.Lifecycle != trimtab.Active {
		return m, noLoggedModel(id)
	}
	return m, err
}

// record journals a change and stores the governed columns with the entry.
func (l *LoggedModels) record(tx *Tx, m *loggedRow, c trimtab.Change) error {
	if c.Before == c.After {
		return nil
	}
	entry, err := tx.Journal(m.Workspace, c)
	if err != nil || entry == "" {
		return err
	}
	m.entry = entry
	_, err = tx.Exec("UPDATE logged_models SET status = ?, message = ?, lifecycle = ?, updated = ?, entry = ? WHERE mid = ?",
		string(m.Status), m.Message, string(m.Lifecycle), int64(m.Updated), string(entry), m.mid)
	return err
}

// Create adds a logged model to an active experiment with its params and tags,
// and gives it an id and a place for artifacts where it has none. With an
// idempotency key that the workspace has seen, it returns the model of the first
// time and changes nothing.
func (l *LoggedModels) Create(ctx context.Context, model trimtab.LoggedModel, idempotency string) (out trimtab.LoggedModel, err error) {
	defer trimtab.Wrap(&err, "LoggedModels.Create(%s)", model.Name)
	if model.Experiment == trimtab.DefaultExperiment {
		if err := l.db.Experiments.born(ctx); err != nil {
			return out, err
		}
	}
	err = l.db.write(ctx, governed, func(tx *Tx) error {
		m, err := l.insert(tx, model, idempotency)
		if err != nil {
			return err
		}
		all := []*loggedRow{&m}
		err = l.children(&tx.session, all)
		out = m.LoggedModel
		return err
	})
	return out, err
}

func (l *LoggedModels) insert(tx *Tx, model trimtab.LoggedModel, idempotency string) (loggedRow, error) {
	if idempotency != "" {
		if m, err := l.again(tx, idempotency); err != nil || m.mid != 0 {
			return m, err
		}
	}
	exp, err := l.db.Experiments.writable(&tx.session, model.Experiment, tx.engine.forShare())
	if err != nil {
		return loggedRow{}, err
	}
	if model.ID == "" {
		model.ID = tx.db.cfg.Random.LoggedModelID()
	}
	if model.Name == "" {
		model.Name = tx.db.cfg.Random.Name()
	}
	if model.Status == "" {
		model.Status = trimtab.LoggedModelPending
	}
	if model.ArtifactURI == "" {
		model.ArtifactURI = exp.ArtifactLocation + "/models/" + string(model.ID) + "/artifacts"
	}
	model.Workspace, model.Lifecycle = tx.Workspace(), trimtab.Active
	if model.Created == 0 {
		model.Created = tx.Now()
	}
	model.Updated = model.Created
	m := loggedRow{LoggedModel: model}
	experiment, _ := number(model.Experiment)
	err = tx.Row(`INSERT INTO logged_models (workspace, id, experiment, name, type, source_run, status, message, lifecycle, created, updated, artifact_uri, idempotency, entry)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '') ON CONFLICT DO NOTHING RETURNING mid`,
		string(model.Workspace), string(model.ID), experiment, model.Name, model.Type, string(model.SourceRun), string(model.Status), model.Message, string(model.Lifecycle),
		int64(model.Created), int64(model.Updated), model.ArtifactURI, idempotency).Scan(&m.mid)
	if errors.Is(err, dbsql.ErrNoRows) {
		if idempotency != "" { // another request with the key was quicker
			if m, err := l.again(tx, idempotency); err != nil || m.mid != 0 {
				return m, err
			}
		}
		return m, trimtab.Errorf(trimtab.Exists, model.Object().String(), "Logged model with ID '%s' already exists.", model.ID)
	}
	if err != nil {
		return m, err
	}
	if err := l.record(tx, &m, model.Change("loggedModel.create", nil)); err != nil {
		return m, err
	}
	if err := l.putParams(tx, m, model.Params); err != nil {
		return m, err
	}
	for _, key := range sortedKeys(model.Tags) {
		if err := l.putTag(tx, m.mid, trimtab.Tag{Key: key, Value: model.Tags[key]}); err != nil {
			return m, err
		}
	}
	return m, nil
}

// again finds the model of an idempotency key; mid is 0 when there is none.
func (l *LoggedModels) again(tx *Tx, idempotency string) (loggedRow, error) {
	ws := tx.Workspace()
	m, err := scanLogged(tx.Row("SELECT "+loggedColumns+" FROM logged_models r WHERE r.workspace = ? AND r.idempotency = ? AND r.idempotency <> ''", string(ws), idempotency), ws)
	if errors.Is(err, dbsql.ErrNoRows) {
		return loggedRow{}, nil
	}
	return m, err
}

// Get returns an active logged model with params, tags and metrics. Absence is NotFound.
func (l *LoggedModels) Get(ctx context.Context, id trimtab.LoggedModelID) (out trimtab.LoggedModel, err error) {
	defer trimtab.Wrap(&err, "LoggedModels.Get(%s)", id)
	err = l.db.read(ctx, func(q *Query) error {
		m, err := l.load(&q.session, id, "")
		if err != nil {
			return err
		}
		err = l.children(&q.session, []*loggedRow{&m})
		out = m.LoggedModel
		return err
	})
	return out, err
}

// change loads a logged model under its lock and runs fn, which may change it.
func (l *LoggedModels) change(ctx context.Context, c class, id trimtab.LoggedModelID, fn func(tx *Tx, m *loggedRow) error) error {
	return l.db.write(ctx, c, func(tx *Tx) error {
		m, err := l.load(&tx.session, id, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		return fn(tx, &m)
	})
}

// Finalize sets the status and returns the model as Get does. A model that is
// ready freezes the versions that wait for its artifacts.
func (l *LoggedModels) Finalize(ctx context.Context, id trimtab.LoggedModelID, status trimtab.LoggedModelStatus) (out trimtab.LoggedModel, err error) {
	defer trimtab.Wrap(&err, "LoggedModels.Finalize(%s, %s)", id, status)
	err = l.change(ctx, governed, id, func(tx *Tx, m *loggedRow) error {
		old := m.LoggedModel
		m.Status, m.Updated = status, tx.Now()
		if err := l.record(tx, m, m.Change("loggedModel.finalize", &old)); err != nil {
			return err
		}
		if status == trimtab.LoggedModelReady {
			if err := l.db.Versions.freezeWaiting(tx, trimtab.LoggedModelTree(id)); err != nil {
				return err
			}
		}
		err := l.children(&tx.session, []*loggedRow{m})
		out = m.LoggedModel
		return err
	})
	return out, err
}

// Delete marks a logged model deleted; no method finds it afterwards.
func (l *LoggedModels) Delete(ctx context.Context, id trimtab.LoggedModelID) (err error) {
	defer trimtab.Wrap(&err, "LoggedModels.Delete(%s)", id)
	return l.change(ctx, governed, id, func(tx *Tx, m *loggedRow) error {
		old := m.LoggedModel
		m.Lifecycle, m.Updated = trimtab.Deleted, tx.Now()
		return l.record(tx, m, m.Change("loggedModel.delete", &old))
	})
}

// SetTags sets tags.
func (l *LoggedModels) SetTags(ctx context.Context, id trimtab.LoggedModelID, tags []trimtab.Tag) (err error) {
	defer trimtab.Wrap(&err, "LoggedModels.SetTags(%s)", id)
	return l.change(ctx, measured, id, func(tx *Tx, m *loggedRow) error {
		for _, t := range tags {
			if err := l.putTag(tx, m.mid, t); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *LoggedModels) putTag(tx *Tx, mid int64, t trimtab.Tag) error {
	_, err := tx.Exec("INSERT INTO logged_model_tags (mid, key, value) VALUES (?, ?, ?) ON CONFLICT (mid, key) DO UPDATE SET value = excluded.value", mid, t.Key, t.Value)
	return err
}

// DeleteTag removes a tag; one that is absent is NotFound.
func (l *LoggedModels) DeleteTag(ctx context.Context, id trimtab.LoggedModelID, key string) (err error) {
	defer trimtab.Wrap(&err, "LoggedModels.DeleteTag(%s, %s)", id, key)
	return l.change(ctx, measured, id, func(tx *Tx, m *loggedRow) error {
		gone, err := tx.Exec("DELETE FROM logged_model_tags WHERE mid = ? AND key = ?", m.mid, key)
		if err == nil && gone == 0 {
			return trimtab.Errorf(trimtab.NotFound, "tag "+key, "No tag with key '%s' found for model with ID '%s'.", key, id)
		}
		return err
	})
}

// LogParams adds params. A param keeps its first value: the error for another
// one is Invalid and lists every conflict.
func (l *LoggedModels) LogParams(ctx context.Context, id trimtab.LoggedModelID, params []trimtab.Param) (err error) {
	defer trimtab.Wrap(&err, "LoggedModels.LogParams(%s)", id)
	return l.change(ctx, measured, id, func(tx *Tx, m *loggedRow) error { return l.putParams(tx, *m, params) })
}

func (l *LoggedModels) putParams(tx *Tx, m loggedRow, params []trimtab.Param) error {
	var conflicts []string
	for _, p := range params {
		n, err := tx.Exec("INSERT INTO logged_model_params (mid, key, value) VALUES (?, ?, ?) ON CONFLICT (mid, key) DO NOTHING", m.mid, p.Key, p.Value)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		var old string
		if err := tx.Row("SELECT value FROM logged_model_params WHERE mid = ? AND key = ?", m.mid, p.Key).Scan(&old); err != nil {
			return err
		}
		if old != p.Value {
			conflicts = append(conflicts, "Param with key='"+p.Key+"' was already logged with value='"+old+"' for model ID='"+string(m.ID)+"'. Attempted logging new value '"+p.Value+"'.")
		}
	}
	if len(conflicts) > 0 {
		return trimtab.Errorf(trimtab.Invalid, m.Object().String(), "Changing param values is not allowed. %s", strings.Join(conflicts, " "))
	}
	return nil
}

// putMetrics adds those points of a run's batch that were measured of logged
// models. A model that the workspace does not have is Invalid: the batch as a
// whole is refused.
func (l *LoggedModels) putMetrics(tx *Tx, run trimtab.RunID, points []point) error {
	var mine []point
	ids := map[string]int64{}
	for _, p := range points {
		if p.metric.Model != "" {
			mine = append(mine, p)
			ids[string(p.metric.Model)] = 0
		}
	}
	if len(mine) == 0 {
		return nil
	}
	rows, err := tx.Rows("SELECT r.id, r.mid FROM "+tx.engine.strs()+" p CROSS JOIN logged_models r WHERE r.workspace = ? AND r.id = p.id AND r.lifecycle = 'active'",
		tx.engine.list(sortedKeys(ids)), string(tx.Workspace()))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var id string
		var mid int64
		err := rows.Scan(&id, &mid)
		ids[id] = mid
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range sortedKeys(ids) {
		if ids[id] == 0 {
			return noLoggedModel(trimtab.LoggedModelID(id))
		}
	}
	slices.SortStableFunc(mine, func(a, b point) int {
		return cmp.Or(cmp.Compare(ids[string(a.metric.Model)], ids[string(b.metric.Model)]), strings.Compare(a.metric.Key, b.metric.Key),
			strings.Compare(a.metric.DatasetName, b.metric.DatasetName), strings.Compare(a.metric.DatasetDigest, b.metric.DatasetDigest), comparePoints(a, b))
	})
	for _, p := range mine {
		m := p.metric
		if _, err := tx.Exec(`INSERT INTO logged_model_metrics (mid, key, dataset_name, dataset_digest, run_id, step, time, value, nan)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			ids[string(m.Model)], m.Key, m.DatasetName, m.DatasetDigest, string(run), m.Step, int64(m.Time), p.value, p.nan); err != nil {
			return err
		}
	}
	return nil
}

// children reads params, tags and metrics of a page of logged models. Of each
// metric on each data set, the latest point by step, time and value is shown.
func (l *LoggedModels) children(s *session, all []*loggedRow) error {
	byID := make(map[int64]*loggedRow, len(all))
	mids := make([]int64, len(all))
	for i, m := range all {
		mids[i] = m.mid
		byID[m.mid] = m
		m.Params, m.Tags, m.Metrics = nil, map[string]string{}, nil
	}
	list := s.engine.list(mids)
	from := " FROM " + s.engine.numbers() + " p CROSS JOIN "
	rows, err := s.Rows("SELECT c.mid, c.key, c.value"+from+"logged_model_params c WHERE c.mid = p.id ORDER BY c.mid, c.key", list)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var mid int64
		var p trimtab.Param
		err := rows.Scan(&mid, &p.Key, &p.Value)
		if err == nil {
			byID[mid].Params = append(byID[mid].Params, p)
		}
		return err
	})
	if err != nil {
		return err
	}
	rows, err = s.Rows("SELECT c.mid, c.key, c.value"+from+"logged_model_tags c WHERE c.mid = p.id", list)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var mid int64
		var t trimtab.Tag
		err := rows.Scan(&mid, &t.Key, &t.Value)
		if err == nil {
			byID[mid].Tags[t.Key] = t.Value
		}
		return err
	})
	if err != nil {
		return err
	}
	rows, err = s.Rows(`SELECT c.mid, c.key, c.dataset_name, c.dataset_digest, c.run_id, c.step, c.time, c.value, c.nan`+from+`logged_model_metrics c WHERE c.mid = p.id
		ORDER BY c.mid, c.key, c.dataset_name, c.dataset_digest, c.step, c.time, c.value, c.nan`, list)
	return collect(rows, err, func(rows *dbsql.Rows) error {
		var mid, nan int64
		var m trimtab.Metric
		if err := rows.Scan(&mid, &m.Key, &m.DatasetName, &m.DatasetDigest, &m.Run, &m.Step, &m.Time, &m.Value, &nan); err != nil {
			return err
		}
		row := byID[mid]
		m.Model = row.ID
		m = withNaN(m, nan)
		if n := len(row.Metrics); n > 0 && row.Metrics[n-1].Key == m.Key && row.Metrics[n-1].DatasetName == m.DatasetName && row.Metrics[n-1].DatasetDigest == m.DatasetDigest {
			row.Metrics[n-1] = m
			return nil
		}
		row.Metrics = append(row.Metrics, m)
		return nil
	})
}
