package track

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/trimtab/trimtab"
)

// Tags that MLflow gives a meaning.
const (
	RunNameTag      = "mlflow.runName"
	ModelHistoryTag = "mlflow.log-model.history"
)

// CreateRun makes a run of experiment, user, name, start and tags. A run
// without name gets one; the name stands in the tag mlflow.runName too, and a
// name and a tag that differ are refused. A pipeline step that repeats the
// request gets the run that the first one made.
func (t *Tracker) CreateRun(ctx context.Context, r trimtab.Run) (trimtab.Run, error) {
	tagged := r.Tags[RunNameTag]
	if r.Name != "" && tagged != "" && r.Name != tagged {
		return r, invalid("run", "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='%s', mlflow.runName='%s').", r.Name, tagged)
	}
	tags := make(map[string]string, len(r.Tags)+1)
	for key, value := range r.Tags {
		if err := checkLength("key", key, MaxKey); err != nil {
			return r, err
		}
		tags[key] = cut(value, MaxTagValue)
	}
	if r.Name == "" {
		r.Name = tagged
	}
	attempt, same := sameRequest(ctx, struct {
		Experiment trimtab.ExperimentID
		Name, User string
		Start      int64
		Tags       map[string]string
	}{r.Experiment, r.Name, r.User, int64(r.Start), tags})
	if r.Name == "" {
		r.Name = t.cfg.Random.Name()
	}
	r.Name = cut(r.Name, MaxTagValue)
	tags[RunNameTag] = r.Name
	r.Tags, r.Attempt = tags, attempt
	return t.cfg.Runs.Create(ctx, r, same)
}

// SetTag sets a tag of an active run. The tag of the name renames the run; an
// empty name changes nothing.
func (t *Tracker) SetTag(ctx context.Context, id trimtab.RunID, tag trimtab.Tag) error {
	if err := checkTag(&tag, "key"); err != nil {
		return err
	}
	if tag.Key == RunNameTag {
		return t.rename(ctx, id, tag.Value)
	}
	return t.cfg.Runs.SetTag(ctx, id, tag)
}

func (t *Tracker) rename(ctx context.Context, id trimtab.RunID, name string) error {
	_, err := t.cfg.Runs.Update(ctx, id, trimtab.RunUpdate{Name: &name})
	return err
}

// LogParam logs one param of an active run.
func (t *Tracker) LogParam(ctx context.Context, id trimtab.RunID, p trimtab.Param) error {
	if err := checkParam(&p, "key"); err != nil {
		return err
	}
	return t.cfg.Runs.LogBatch(ctx, id, trimtab.RunBatch{Params: []trimtab.Param{p}})
}

// LogMetric logs one point of an active run.
func (t *Tracker) LogMetric(ctx context.Context, id trimtab.RunID, m trimtab.Metric) error {
	if err := checkMetric(&m, func(field string) string { return field }); err != nil {
		return err
	}
	return t.cfg.Runs.LogBatch(ctx, id, trimtab.RunBatch{Metrics: []trimtab.Metric{m}})
}

// LogInputs records which data sets and logged models a run read. Of data sets
// of equal name and digest the first counts.
func (t *Tracker) LogInputs(ctx context.Context, id trimtab.RunID, datasets []trimtab.DatasetInput, models []trimtab.ModelInput) error {
	kept := make([]trimtab.DatasetInput, 0, len(datasets))
	for _, in := range datasets {
		if err := checkDataset(in); err != nil {
			return err
		}
		same := func(k trimtab.DatasetInput) bool {
			return k.Dataset.Name == in.Dataset.Name && k.Dataset.Digest == in.Dataset.Digest
		}
		if !slices.ContainsFunc(kept, same) {
			kept = append(kept, in)
		}
	}
	return t.cfg.Runs.LogInputs(ctx, id, kept, models)
}

func checkDataset(in trimtab.DatasetInput) error {
	d := in.Dataset
	for _, c := range []struct {
		what, value string
		limit       int
	}{
		{"name", d.Name, MaxDatasetName}, {"digest", d.Digest, MaxDatasetDigest}, {"source", d.Source, MaxDatasetSource},
		{"schema", d.Schema, MaxDatasetSchema}, {"profile", d.Profile, MaxDatasetProfile},
	} {
		if err := checkLength(c.what, c.value, c.limit); err != nil {
			return err
		}
	}
	for _, tag := range in.Tags {
		if err := checkLength("key", tag.Key, MaxInputTagKey); err != nil {
			return err
		}
		if err := checkLength("value", tag.Value, MaxInputTagValue); err != nil {
			return err
		}
	}
	return nil
}

// modelRecord is what the tag mlflow.log-model.history says of one model.
type modelRecord struct {
	RunID        json.RawMessage            `json:"run_id,omitempty"`
	ArtifactPath json.RawMessage            `json:"artifact_path,omitempty"`
	Created      json.RawMessage            `json:"utc_time_created,omitempty"`
	ModelUUID    json.RawMessage            `json:"model_uuid,omitempty"`
	Flavors      map[string]json.RawMessage `json:"flavors"`
}

// RecordModel appends a model, given as the JSON of its MLmodel file, to the
// history that clients before MLflow 3 keep in a tag of the run. Two such
// requests for one run at the same moment may lose one of the two lines, as in
// MLflow; the model itself is in the artifact tree either way.
func (t *Tracker) RecordModel(ctx context.Context, id trimtab.RunID, model []byte) error {
	var rec modelRecord
	var present map[string]json.RawMessage
	if json.Unmarshal(model, &present) != nil || json.Unmarshal(model, &rec) != nil {
		return invalid("model_json", "Malformed model info. \n %s \n is not a valid JSON.", model)
	}
	var missing []string
	for _, field := range []string{"artifact_path", "flavors", "run_id", "utc_time_created"} {
		if _, ok := present[field]; !ok {
			missing = append(missing, field)
		}
	}
	if len(missing) > 0 {
		return invalid("model_json", "Model json is missing mandatory fields: %s", PythonList(missing))
	}
	for name, flavor := range rec.Flavors {
		var fields map[string]json.RawMessage
		if json.Unmarshal(flavor, &fields) == nil && fields != nil {
			delete(fields, "config")
			slim, err := json.Marshal(fields)
			if err != nil {
				return invalid("model_json", "flavor %s: %v", name, err)
			}
			rec.Flavors[name] = slim
		}
	}
	r, err := t.cfg.Runs.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := r.Writable(); err != nil {
		return err
	}
	var history []json.RawMessage
	if old := r.Tags[ModelHistoryTag]; old != "" {
		if err := json.Unmarshal([]byte(old), &history); err != nil {
			return invalid("run "+string(id), "the tag %s of run %s is not the list of models it should be; delete the tag", ModelHistoryTag, id)
		}
	}
	line, err := json.Marshal(rec)
	if err != nil {
		return invalid("model_json", "Malformed model info: %v", err)
	}
	value, err := json.Marshal(append(history, line))
	if err != nil {
		return invalid("model_json", "Malformed model info: %v", err)
	}
	return t.cfg.Runs.SetTag(ctx, id, trimtab.Tag{Key: ModelHistoryTag, Value: string(value)})
}
