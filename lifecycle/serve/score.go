package serve

import (
	"context"
	"math"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Scorer scores logged inputs with any version of a model that is kept, whatever
// version answers now. It is safe for concurrent use.
type Scorer struct {
	server *Server
	cache  modelCache
}

// Scorer returns the scorer of this server; all callers share one cache of models.
func (s *Server) Scorer() *Scorer { return s.scorer }

// scoreRows is how many rows are scored at once: between two such batches a caller that has left is noticed.
const scoreRows = 8192

// Score returns the quality score of each row as traffic has it: the probability
// where the answer is a class label, else the first number of the answer. Inputs
// are found by name, whatever their order, and take the types of the version's
// signature value by value. A column that is missing is Invalid and named. A row
// that this version refuses while it answers others — a category that it does not
// know, a null in a column of whole numbers — has the score NaN; when it refuses
// all, the first refusal is the error.
func (x *Scorer) Score(ctx context.Context, ws trimtab.Workspace, model trimtab.ModelName, version trimtab.Version, inputs *table.Table) (scores []float64, err error) {
	defer trimtab.Wrap(&err, "serve.Score(%s, %d)", model, version)
	m, err := x.model(ctx, ws, model, version)
	if err != nil {
		return nil, err
	}
	t, err := m.pick(inputs)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.KindOf(err), "model version", "version %d of model %s cannot score these rows: %s", version, model, trimtab.Message(err))
	}
	n := t.Rows()
	scores = make([]float64, n)
	w := m.worker()
	defer m.release(w)
	answered, first := false, error(nil)
	for lo := 0; lo < n; lo += scoreRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		hi := min(lo+scoreRows, n)
		ok, err := m.scoreSome(w, scores[lo:hi], t.Slice(lo, hi))
		answered = answered || ok
		if first == nil {
			first = err
		}
		if err != nil && !trimtab.IsKind(err, trimtab.Invalid) {
			return nil, err
		}
	}
	if n > 0 && !answered {
		return nil, trimtab.Errorf(trimtab.Invalid, "model version", "version %d of model %s answers none of the %d rows: %s", version, model, n, trimtab.Message(first))
	}
	return scores, nil
}

// model finds a version among those loaded, or loads it.
func (x *Scorer) model(ctx context.Context, ws trimtab.Workspace, model trimtab.ModelName, version trimtab.Version) (*Model, error) {
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("serve"), Workspace: ws})
	v, err := x.server.cfg.Versions.Get(ctx, model, version)
	if err != nil {
		return nil, err
	}
	if v.Manifest == "" {
		return nil, notFrozen(v)
	}
	return x.cache.get(ctx, v.Manifest, func(ctx context.Context) (*Model, error) {
		return x.server.open(ctx, v, Predict)
	})
}

// pick finds the columns that the model takes by their names: logged inputs come in the order of their names.
func (m *Model) pick(t *table.Table) (*table.Table, error) {
	out := table.Blank(t.Rows())
	required := func(string) bool { return true }
	if cols := m.Signature.Inputs.Columns; m.inputs != nil && len(cols) > 0 && cols[0].Named {
		required = func(name string) bool {
			for i := range cols {
				if cols[i].Name == name {
					return cols[i].Required
				}
			}
			return true
		}
	}
	inputs := m.inputs
	if inputs == nil {
		inputs = m.Inputs()
	}
	for i, f := range inputs {
		c := t.Column(f.Name)
		if c == nil && m.inputs == nil {
			c = byPosition(t, i, len(inputs))
		}
		switch {
		case c != nil:
			out.Columns = append(out.Columns, c)
		case required(f.Name):
			return nil, trimtab.Errorf(trimtab.Invalid, "inputs", "column %q: missing: the version takes %s", f.Name, m.featureList())
		}
	}
	return out, nil
}

// byPosition finds input i of requests that named none: their columns were logged as "0", "1", ….
func byPosition(t *table.Table, i, n int) *table.Column {
	if len(t.Columns) != n {
		return nil
	}
	for k := range n {
		if t.Column(strconv.Itoa(k)) == nil {
			return nil
		}
	}
	return t.Column(strconv.Itoa(i))
}

// scoreSome scores rows into dst; those that are refused become NaN, and the first refusal is returned beside ok,
// which tells whether any row was answered. Refused rows are found by halving.
func (m *Model) scoreSome(w *worker, dst []float64, t *table.Table) (ok bool, err error) {
	if err = m.scoreAll(w, dst, t); err == nil {
		return len(dst) > 0, nil
	}
	if !trimtab.IsKind(err, trimtab.Invalid) {
		return false, err
	}
	n := len(dst)
	if n == 1 {
		dst[0] = math.NaN()
		return false, err
	}
	left, e1 := m.scoreSome(w, dst[:n/2], t.Slice(0, n/2))
	if e1 != nil && !trimtab.IsKind(e1, trimtab.Invalid) {
		return false, e1
	}
	right, e2 := m.scoreSome(w, dst[n/2:], t.Slice(n/2, n))
	if e2 != nil && !trimtab.IsKind(e2, trimtab.Invalid) {
		return false, e2
	}
	return left || right, err
}

// scoreAll scores rows into dst, all or none.
func (m *Model) scoreAll(w *worker, dst []float64, t *table.Table) error {
	if m.inputs != nil {
		rq, err := m.Signature.Cast(t, schema.Options{})
		if err != nil {
			return requestError(err)
		}
		t = rq.Table
	}
	if err := m.predict(w, t); err != nil {
		return err
	}
	k, at := len(m.names), 0
	for i, name := range m.names {
		if name == traffic.ScoreOutput {
			at = i
		}
	}
	for i := range dst {
		dst[i] = w.answer[i*k+at]
	}
	return nil
}
