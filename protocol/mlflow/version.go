package mlflow

import (
	"net/http"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/registry"
)

// version is the number of a version; on the wire it is text.
func (f *form) version(name string) trimtab.Version {
	s := ""
	if raw, ok := f.raw(name); ok && raw[0] != '"' {
		if n, ok := integer(raw); ok {
			s = strconv.FormatInt(n, 10)
		}
	}
	if s == "" {
		s = f.need(name)
	}
	if f.err() != nil {
		return 0
	}
	v, err := registry.ParseVersion(s)
	if err != nil {
		f.fail(err)
	}
	return v
}

func (s *server) createVersion(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	n := registry.NewVersion{Model: trimtab.ModelName(f.need("name")), Source: f.need("source")}
	run, runGiven := f.given("run_id")
	n.Run, n.RunGiven = trimtab.RunID(run), runGiven
	n.Tags, n.RunLink, n.Description = f.tagMap("tags"), f.str("run_link"), f.str("description")
	model, modelGiven := f.given("model_id")
	n.LoggedModel, n.LoggedModelGiven = trimtab.LoggedModelID(model), modelGiven
	if err := f.err(); err != nil {
		return err
	}
	v, err := s.Registry.CreateVersion(r.Context(), n)
	return sendVersion(w, r, v, err)
}

func (s *server) getVersion(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, n := f.modelName("name"), f.version("version")
	if err := f.err(); err != nil {
		return err
	}
	v, err := s.Versions.Get(r.Context(), name, n)
	return sendVersion(w, r, v, err)
}

func sendVersion(w http.ResponseWriter, r *http.Request, v trimtab.ModelVersion, err error) error {
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.object("model_version")
		d.version(v)
		d.end()
	})
}

// version writes the fields of a version. Its status is always READY: MLflow's
// is, and clients wait minutes for it. That the files of a version are not
// frozen yet is to be seen in trimtab's own API.
func (d *doc) version(v trimtab.ModelVersion) {
	d.str("name", string(v.Model))
	d.str("version", strconv.FormatInt(int64(v.Version), 10))
	d.num("creation_timestamp", int64(v.Created))
	d.num("last_updated_timestamp", int64(v.Updated))
	d.strIf("user_id", v.User)
	d.str("current_stage", v.Stage)
	d.str("description", v.Description)
	d.str("source", v.Source)
	d.str("run_id", string(v.Run))
	d.str("status", "READY")
	d.pairs("tags", v.Tags)
	d.str("run_link", v.RunLink)
	if len(v.Aliases) > 0 {
		d.list("aliases")
		for _, a := range v.Aliases {
			d.comma()
			d.text(string(a))
		}
		d.endList()
	}
	d.strIf("model_id", string(v.LoggedModel))
}

func (d *doc) versions(found []trimtab.ModelVersion) {
	if len(found) == 0 {
		return
	}
	d.list("model_versions")
	for _, v := range found {
		d.begin()
		d.version(v)
		d.end()
	}
	d.endList()
}

func (s *server) updateVersion(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, n, description := f.modelName("name"), f.version("version"), f.str("description")
	if err := f.err(); err != nil {
		return err
	}
	v, err := s.Versions.Update(r.Context(), name, n, description)
	return sendVersion(w, r, v, err)
}

func (s *server) deleteVersion(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, n := f.modelName("name"), f.version("version")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Versions.Delete(r.Context(), name, n); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) transition(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, n, stage, archive := f.modelName("name"), f.version("version"), f.need("stage"), f.boolean("archive_existing_versions")
	if err := f.err(); err != nil {
		return err
	}
	v, err := s.Registry.Transition(r.Context(), name, n, stage, archive)
	return sendVersion(w, r, v, err)
}

func (s *server) setVersionTag(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, n := f.modelName("name"), f.version("version")
	tag := trimtab.Tag{Key: f.need("key"), Value: f.str("value")}
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Registry.SetVersionTag(r.Context(), name, n, tag); err != nil {
		return err
	}
	return empty(w, r)
}

// deleteVersionTag removes a tag; one that is not there is no error in MLflow.
func (s *server) deleteVersionTag(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, n, key := f.modelName("name"), f.version("version"), f.need("key")
	if err := f.err(); err != nil {
		return err
	}
	if err := registry.CheckTagKey(key); err != nil {
		return err
	}
	if _, err := s.Versions.Get(r.Context(), name, n); err != nil {
		return err
	}
	if err := s.Versions.DeleteTag(r.Context(), name, n, key); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return err
	}
	return empty(w, r)
}

func (s *server) downloadURI(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, n := f.modelName("name"), f.version("version")
	if err := f.err(); err != nil {
		return err
	}
	v, err := s.Versions.Get(r.Context(), name, n)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) { d.str("artifact_uri", registry.DownloadURI(v)) })
}
