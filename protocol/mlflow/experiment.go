package mlflow

import (
	"net/http"

	"github.com/trimtab/trimtab"
)

func (s *server) createExperiment(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	e := trimtab.Experiment{Name: f.need("name"), ArtifactLocation: f.str("artifact_location"), Tags: f.tagMap("tags")}
	if err := f.err(); err != nil {
		return err
	}
	e, err := s.Tracker.CreateExperiment(r.Context(), e)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) { d.str("experiment_id", string(e.ID)) })
}

func (s *server) getExperiment(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.experimentID("experiment_id")
	if err := f.err(); err != nil {
		return err
	}
	e, err := s.Experiments.Get(r.Context(), id)
	return sendExperiment(w, r, e, err)
}

func (s *server) getExperimentByName(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name := f.need("experiment_name")
	if err := f.err(); err != nil {
		return err
	}
	e, err := s.Experiments.ByName(r.Context(), name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		err = trimtab.Errorf(trimtab.NotFound, "experiment "+name, "Could not find experiment with name '%s'", name)
	}
	return sendExperiment(w, r, e, err)
}

func sendExperiment(w http.ResponseWriter, r *http.Request, e trimtab.Experiment, err error) error {
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.object("experiment")
		d.experiment(e)
		d.end()
	})
}

// experiment writes the fields of an experiment.
func (d *doc) experiment(e trimtab.Experiment) {
	d.str("experiment_id", string(e.ID))
	d.str("name", e.Name)
	d.str("artifact_location", e.ArtifactLocation)
	d.str("lifecycle_stage", string(e.Lifecycle))
	d.num("last_update_time", int64(e.Updated))
	d.num("creation_time", int64(e.Created))
	d.pairs("tags", e.Tags)
	d.str("workspace", string(e.Workspace))
}

func (s *server) updateExperiment(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id, name := f.experimentID("experiment_id"), f.need("new_name")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Tracker.RenameExperiment(r.Context(), id, name); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) deleteExperiment(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.experimentID("experiment_id")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Experiments.Delete(r.Context(), id); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) restoreExperiment(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.experimentID("experiment_id")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Experiments.Restore(r.Context(), id); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) setExperimentTag(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := f.experimentID("experiment_id")
	tag := trimtab.Tag{Key: f.need("key"), Value: f.str("value")}
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Tracker.SetExperimentTag(r.Context(), id, tag); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) deleteExperimentTag(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id, key := f.experimentID("experiment_id"), f.need("key")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Experiments.DeleteTag(r.Context(), id, key); err != nil {
		return err
	}
	return empty(w, r)
}
