package mlflow

import (
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/registry"
)

// modelName is the name of a registered model.
func (f *form) modelName(field string) trimtab.ModelName {
	name := trimtab.ModelName(f.need(field))
	if f.err() == nil {
		if err := registry.CheckName(name); err != nil {
			f.fail(err)
		}
	}
	return name
}

func (s *server) createModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	m := trimtab.RegisteredModel{Name: trimtab.ModelName(f.need("name")), Tags: f.tagMap("tags"), Description: f.str("description")}
	if err := f.err(); err != nil {
		return err
	}
	m, err := s.Registry.CreateModel(r.Context(), m)
	return sendModel(w, r, m, nil, err)
}

func (s *server) getModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name := f.modelName("name")
	if err := f.err(); err != nil {
		return err
	}
	m, err := s.Models.Get(r.Context(), name)
	if err != nil {
		return err
	}
	return s.sendWithLatest(w, r, m)
}

// sendWithLatest sends a model with the latest versions of its stages.
func (s *server) sendWithLatest(w http.ResponseWriter, r *http.Request, m trimtab.RegisteredModel) error {
	latest, err := s.Registry.LatestVersions(r.Context(), m.Name, nil)
	return sendModel(w, r, m, latest, err)
}

func sendModel(w http.ResponseWriter, r *http.Request, m trimtab.RegisteredModel, latest []trimtab.ModelVersion, err error) error {
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.object("registered_model")
		d.model(m, latest)
		d.end()
	})
}

// model writes the fields of a registered model.
func (d *doc) model(m trimtab.RegisteredModel, latest []trimtab.ModelVersion) {
	d.str("name", string(m.Name))
	d.num("creation_timestamp", int64(m.Created))
	d.num("last_updated_timestamp", int64(m.Updated))
	d.strIf("description", m.Description)
	if len(latest) > 0 {
		d.list("latest_versions")
		for _, v := range latest {
			d.begin()
			d.version(v)
			d.end()
		}
		d.endList()
	}
	d.pairs("tags", m.Tags)
	if len(m.Aliases) > 0 {
		d.list("aliases")
		for _, a := range slices.Sorted(maps.Keys(m.Aliases)) {
			d.begin()
			d.str("alias", string(a))
			d.str("version", strconv.FormatInt(int64(m.Aliases[a]), 10))
			d.end()
		}
		d.endList()
	}
}

func (s *server) updateModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, description := f.modelName("name"), f.str("description")
	if err := f.err(); err != nil {
		return err
	}
	m, err := s.Models.Update(r.Context(), name, description)
	if err != nil {
		return err
	}
	return s.sendWithLatest(w, r, m)
}

func (s *server) renameModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, to := f.modelName("name"), trimtab.ModelName(f.need("new_name"))
	if err := f.err(); err != nil {
		return err
	}
	m, err := s.Registry.RenameModel(r.Context(), name, to)
	if err != nil {
		return err
	}
	return s.sendWithLatest(w, r, m)
}

func (s *server) deleteModel(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name := f.modelName("name")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Models.Delete(r.Context(), name); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) setModelTag(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name := f.modelName("name")
	tag := trimtab.Tag{Key: f.need("key"), Value: f.str("value")}
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Registry.SetModelTag(r.Context(), name, tag); err != nil {
		return err
	}
	return empty(w, r)
}

// deleteModelTag removes a tag; one that is not there is no error in MLflow.
func (s *server) deleteModelTag(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, key := f.modelName("name"), f.need("key")
	if err := f.err(); err != nil {
		return err
	}
	if err := registry.CheckTagKey(key); err != nil {
		return err
	}
	if _, err := s.Models.Get(r.Context(), name); err != nil {
		return err
	}
	if err := s.Models.DeleteTag(r.Context(), name, key); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return err
	}
	return empty(w, r)
}

func (s *server) latestVersions(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, stages := f.modelName("name"), f.strings("stages")
	if err := f.err(); err != nil {
		return err
	}
	if _, err := s.Models.Get(r.Context(), name); err != nil {
		return err
	}
	found, err := s.Registry.LatestVersions(r.Context(), name, stages)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) { d.versions(found) })
}

func (s *server) setAlias(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, alias, v := f.modelName("name"), trimtab.Alias(f.need("alias")), f.version("version")
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Registry.SetAlias(r.Context(), name, alias, v); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) dropAlias(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, alias := f.modelName("name"), trimtab.Alias(f.need("alias"))
	if err := f.err(); err != nil {
		return err
	}
	if err := s.Models.DropAlias(r.Context(), name, alias); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) getByAlias(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, alias := f.modelName("name"), trimtab.Alias(f.need("alias"))
	if err := f.err(); err != nil {
		return err
	}
	v, err := s.Registry.ByAlias(r.Context(), name, alias)
	return sendVersion(w, r, v, err)
}
