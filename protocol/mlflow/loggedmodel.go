package mlflow

import (
	"net/http"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/track"
)

// loggedModelID is the id in the path; the body's, when there is one, must agree.
func loggedModelID(r *http.Request, f *form) trimtab.LoggedModelID {
	id := f.segment(r, "model_id")
	if f.query == nil {
		if other := f.str("model_id"); other != "" && other != id {
			f.fail(invalid("model_id", "The path names the logged model '%s' and the request '%s'", id, other))
		}
	}
	return trimtab.LoggedModelID(id)
}

// segment is a part of the request's path.
func (f *form) segment(r *http.Request, name string) string {
	s := r.PathValue(name)
	if why := trimtab.CleanText(s); why != "" {
		f.fail(notText(name, why))
	}
	return s
}

func (s *server) createLoggedModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	m := trimtab.LoggedModel{
		Experiment: f.experimentID("experiment_id"), Name: f.str("name"), Type: f.str("model_type"),
		SourceRun: trimtab.RunID(f.str("source_run_id")), Params: f.params("params"), Tags: f.tagMap("tags"),
	}
	if err := f.err(); err != nil {
		return err
	}
	m, err := s.Tracker.CreateLoggedModel(r.Context(), m)
	return sendLoggedModel(w, r, m, err)
}

func (s *server) getLoggedModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := loggedModelID(r, f)
	deleted := f.query != nil && f.boolean("allow_deleted")
	if err := f.err(); err != nil {
		return err
	}
	m, err := s.LoggedModels.Get(r.Context(), id)
	if err == nil && m.Lifecycle == trimtab.Deleted && !deleted {
		err = trimtab.Errorf(trimtab.NotFound, "logged model "+string(id), "Logged model with ID '%s' not found.", id)
	}
	return sendLoggedModel(w, r, m, err)
}

func sendLoggedModel(w http.ResponseWriter, r *http.Request, m trimtab.LoggedModel, err error) error {
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.object("model")
		d.loggedModel(m)
		d.end()
	})
}

// loggedModel writes the fields of a logged model.
func (d *doc) loggedModel(m trimtab.LoggedModel) {
	d.object("info")
	d.str("model_id", string(m.ID))
	d.str("experiment_id", string(m.Experiment))
	d.str("name", m.Name)
	d.num("creation_timestamp_ms", int64(m.Created))
	d.num("last_updated_timestamp_ms", int64(m.Updated))
	d.str("artifact_uri", m.ArtifactURI)
	d.str("status", string(m.Status))
	d.str("model_type", m.Type)
	d.str("source_run_id", string(m.SourceRun))
	d.strIf("status_message", m.Message)
	d.pairs("tags", m.Tags)
	d.end()
	d.object("data")
	if len(m.Params) > 0 {
		d.list("params")
		for _, p := range m.Params {
			d.pair(p.Key, p.Value)
		}
		d.endList()
	}
	if len(m.Metrics) > 0 {
		d.list("metrics")
		for _, x := range m.Metrics {
			x.Model = m.ID
			d.begin()
			d.metric(x)
			d.end()
		}
		d.endList()
	}
	d.end()
}

func (s *server) finalizeLoggedModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := loggedModelID(r, f)
	status := f.enum("status", 1, string(trimtab.LoggedModelPending), string(trimtab.LoggedModelReady), string(trimtab.LoggedModelFailed))
	if status == "" {
		f.missing("status")
	}
	if err := f.err(); err != nil {
		return err
	}
	m, err := s.LoggedModels.Finalize(r.Context(), id, trimtab.LoggedModelStatus(status))
	return sendLoggedModel(w, r, m, err)
}

func (s *server) deleteLoggedModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := loggedModelID(r, f)
	if err := f.err(); err != nil {
		return err
	}
	if err := s.LoggedModels.Delete(r.Context(), id); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) setLoggedModelTags(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id, tags := loggedModelID(r, f), f.tags("tags")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Tracker.SetLoggedModelTags(r.Context(), id, tags); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) deleteLoggedModelTag(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := loggedModelID(r, f)
	key := f.segment(r, "tag_key")
	if err := f.err(); err != nil {
		return err
	}
	err := s.LoggedModels.DeleteTag(r.Context(), id, key)
	if trimtab.IsKind(err, trimtab.NotFound) {
		if _, gone := s.LoggedModels.Get(r.Context(), id); gone == nil {
			err = trimtab.Errorf(trimtab.NotFound, "tag "+key, "No tag with key %s found for model with ID %s.", track.PythonString(key), track.PythonString(string(id)))
		}
	}
	if err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) logLoggedModelParams(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id, params := loggedModelID(r, f), f.params("params")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Tracker.LogLoggedModelParams(r.Context(), id, params); err != nil {
		return err
	}
	return empty(w, r)
}
