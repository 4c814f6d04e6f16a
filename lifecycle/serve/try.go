package serve

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Trial is what a version answers to a request that counts for nothing.
type Trial struct {
	Version trimtab.Version
	Rows    int
	Names   []string  // of the outputs
	Values  []float64 // row by row, len(Names) a row; NaN for a missing number
	Took    time.Duration
}

// Try answers a request of MLflow's scoring protocol without logging or counting it
// and without asking who drives the endpoint: a replayed endpoint can be asked, and
// an endpoint that is not live stays so. version 0 is the one that answers now;
// another one is NotFound unless it is loaded beside it. No data contract is
// applied. The error of a bad request is Invalid.
func (e *Endpoint) Try(body []byte, contentType string, version trimtab.Version) (Trial, error) {
	s, err := e.current()
	if err != nil {
		return Trial{}, err
	}
	m := s.model
	if version != 0 {
		if m = s.loaded(version); m == nil {
			return Trial{}, trimtab.Errorf(trimtab.NotFound, "endpoint "+e.Name, "version %d is not loaded by endpoint %s", version, e.Name)
		}
	}
	begun, cfg := time.Now(), e.config.Load()
	q := sent{body: body, contentType: contentType}
	var inputs table.Table
	t, d, err := q.read(m, &inputs, cfg)
	if d != nil {
		defer m.decoders.Put(d)
	}
	if err != nil {
		return Trial{}, requestError(err)
	}
	if t.Rows() > cfg.maxRows {
		return Trial{}, trimtab.Errorf(trimtab.Invalid, "request", "the request has %d rows, endpoint %s takes %d at once", t.Rows(), e.Name, cfg.maxRows)
	}
	w := m.worker()
	defer m.release(w)
	if err := m.predict(w, t); err != nil {
		return Trial{}, err
	}
	return Trial{Version: m.Version, Rows: t.Rows(), Names: slices.Clone(m.names), Values: slices.Clone(w.answer), Took: time.Since(begun)}, nil
}

// loaded is a version that is loaded for the endpoint, nil when it is not.
func (t *served) loaded(v trimtab.Version) *Model {
	for _, m := range []*Model{t.model, t.candidate, t.fallback} {
		if m != nil && m.Version == v {
			return m
		}
	}
	return nil
}

// LoadedVersions are the versions that are loaded for the endpoint: first the one that
// answers, then that of an open rollout, then what answered before.
func (e *Endpoint) LoadedVersions() []*Model {
	s := e.served.Load()
	if s == nil {
		return nil
	}
	var out []*Model
	for _, m := range []*Model{s.model, s.candidate, s.fallback} {
		if m != nil && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// Example is the serving input that the model was logged with, nil without one.
func (m *Model) Example() []byte { return slices.Clone(m.example) }

// Required reports whether a request must have a column. Without a signature all are.
func (m *Model) Required(column string) bool {
	for _, c := range m.Signature.Inputs.Columns {
		if c.Name == column {
			return c.Required
		}
	}
	return true
}

// Categories are the values that the model knows of a column, as text, nil when it is not one of categories.
func (m *Model) Categories(column string) []string {
	for i := range m.model.Features() {
		if f := &m.model.Features()[i]; f.Name == column {
			return slices.Clone(f.Categories)
		}
	}
	return nil
}
