package mlflow

import (
	"net/http"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/track"
)

func (s *server) createRun(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	run := trimtab.Run{Experiment: f.experimentID("experiment_id"), User: f.str("user_id")}
	start, _ := f.integer("start_time")
	run.Start, run.Name, run.Tags = trimtab.Time(start), f.str("run_name"), f.tagMap("tags")
	if err := f.err(); err != nil {
		return err
	}
	run, err := s.Tracker.CreateRun(r.Context(), run)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.object("run")
		d.runSoFar(run)
		d.end()
	})
}

func (s *server) getRun(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.runID()
	if err := f.err(); err != nil {
		return err
	}
	run, err := s.Runs.Get(r.Context(), id)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.object("run")
		d.run(run)
		d.end()
	})
}

// run writes the fields of a run with all that belongs to it.
func (d *doc) run(r trimtab.Run) {
	d.runSoFar(r)
	d.object("outputs")
	if len(r.Outputs) > 0 {
		d.list("model_outputs")
		for _, o := range r.Outputs {
			d.begin()
			d.str("model_id", string(o.Model))
			d.num("step", o.Step)
			d.end()
		}
		d.endList()
	}
	d.end()
}

// runSoFar writes a run without outputs: what MLflow answers to its creation.
func (d *doc) runSoFar(r trimtab.Run) {
	d.object("info")
	d.runInfo(r)
	d.end()
	d.object("data")
	if len(r.Metrics) > 0 {
		d.list("metrics")
		for _, m := range r.Metrics {
			d.begin()
			d.metric(m)
			d.end()
		}
		d.endList()
	}
	d.pairs("params", r.Params)
	d.pairs("tags", r.Tags)
	d.end()
	d.object("inputs")
	d.inputs(r)
	d.end()
}

func (d *doc) inputs(r trimtab.Run) {
	if len(r.Inputs) > 0 {
		d.list("dataset_inputs")
		for _, in := range r.Inputs {
			d.begin()
			d.tagList("tags", in.Tags)
			d.object("dataset")
			d.str("name", in.Dataset.Name)
			d.str("digest", in.Dataset.Digest)
			d.str("source_type", in.Dataset.SourceType)
			d.str("source", in.Dataset.Source)
			d.strIf("schema", in.Dataset.Schema)
			d.strIf("profile", in.Dataset.Profile)
			d.end()
			d.end()
		}
		d.endList()
	}
	if len(r.ModelInputs) > 0 {
		d.list("model_inputs")
		for _, in := range r.ModelInputs {
			d.begin()
			d.str("model_id", string(in.Model))
			d.end()
		}
		d.endList()
	}
}

func (d *doc) runInfo(r trimtab.Run) {
	d.str("run_uuid", string(r.ID))
	d.str("experiment_id", string(r.Experiment))
	d.str("run_name", r.Name)
	d.str("user_id", r.User)
	d.str("status", string(r.Status))
	d.num("start_time", int64(r.Start))
	if r.End != 0 {
		d.num("end_time", int64(r.End))
	}
	d.str("artifact_uri", r.ArtifactURI)
	d.str("lifecycle_stage", string(r.Lifecycle))
	d.str("run_id", string(r.ID))
}

func (s *server) updateRun(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.runID()
	end, ended := f.integer("end_time")
	status := trimtab.RunStatus(f.enum("status", 1, "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"))
	name := f.str("run_name")
	if err := f.err(); err != nil {
		return err
	}
	var u trimtab.RunUpdate
	if status != "" {
		u.Status = &status
	}
	if ended {
		at := trimtab.Time(end)
		u.End = &at
	}
	if name != "" {
		u.Name = &name
	}
	run, err := s.Runs.Update(r.Context(), id, u)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.object("run_info")
		d.runInfo(run)
		d.end()
	})
}

func (s *server) deleteRun(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.runID()
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Runs.Delete(r.Context(), id); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) restoreRun(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.runID()
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Runs.Restore(r.Context(), id); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) logParam(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.runID()
	p := trimtab.Param{Key: f.need("key"), Value: f.str("value")}
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Tracker.LogParam(r.Context(), id, p); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) setTag(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.runID()
	tag := trimtab.Tag{Key: f.need("key"), Value: f.str("value")}
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Tracker.SetTag(r.Context(), id, tag); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) deleteTag(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id, key := f.runID(), f.need("key")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Runs.DeleteTag(r.Context(), id, key); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) logInputs(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.runID()
	var datasets []trimtab.DatasetInput
	for _, in := range f.objects("datasets") {
		o := in.object("dataset")
		if o == nil {
			in.missing("dataset")
			break
		}
		datasets = append(datasets, trimtab.DatasetInput{
			Tags: in.tags("tags"),
			Dataset: trimtab.Dataset{Name: o.str("name"), Digest: o.str("digest"), SourceType: o.str("source_type"),
				Source: o.str("source"), Schema: o.str("schema"), Profile: o.str("profile")},
		})
	}
	var models []trimtab.ModelInput
	for _, in := range f.objects("models") {
		models = append(models, trimtab.ModelInput{Model: trimtab.LoggedModelID(in.need("model_id"))})
	}
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Tracker.LogInputs(r.Context(), id, datasets, models); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) logOutputs(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.runID()
	if !f.has("models") {
		f.missing("models")
	}
	var models []trimtab.ModelOutput
	for _, out := range f.objects("models") {
		step, _ := out.integer("step")
		models = append(models, trimtab.ModelOutput{Model: trimtab.LoggedModelID(out.need("model_id")), Step: step})
	}
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Runs.LogOutputs(r.Context(), id, models); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) logModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id, model := f.runID(), f.need("model_json")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Tracker.RecordModel(r.Context(), id, []byte(model)); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) logBatch(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(r, track.MaxBatchBytes)
	if err != nil {
		return err
	}
	id, batch, err := decodeBatch(body)
	if err != nil {
		return err
	}
	if err := s.Tracker.LogBatch(r.Context(), id, batch); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) logMetric(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(r, track.MaxBatchBytes)
	if err != nil {
		return err
	}
	id, m, err := decodeMetric(body)
	if err != nil {
		return err
	}
	if err := s.Tracker.LogMetric(r.Context(), id, m); err != nil {
		return err
	}
	return empty(w, r)
}
