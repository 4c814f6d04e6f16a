package serve

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/infer"
	"github.com/trimtab/trimtab/pure/table"
)

// worker is the memory of one request.
type worker struct {
	scratch *infer.Scratch
	x       []float64
	raw     []float64
	answer  []float64
}

func (m *Model) worker() *worker {
	if w, ok := m.workers.Get().(*worker); ok {
		return w
	}
	return &worker{scratch: m.model.NewScratch(1)}
}

func sized(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// maxKeep bounds the memory that a worker keeps for the next request, in numbers.
const maxKeep = 1 << 20

func (m *Model) release(w *worker) {
	if cap(w.x) <= maxKeep && cap(w.answer) <= maxKeep {
		m.workers.Put(w)
	}
}

// Score answers a table whose columns are those of the signature in order; dst is
// reused when it is large enough. The result has Width numbers a row, row-major.
// An input that the library itself would refuse is Invalid and named.
func (m *Model) Score(dst []float64, t *table.Table) ([]float64, error) {
	w := m.worker()
	defer m.release(w)
	if err := m.predict(w, t); err != nil {
		return nil, err
	}
	n := t.Rows()
	dst = sized(dst, n*m.width)
	if !m.scored() {
		copy(dst, w.answer)
		return dst, nil
	}
	for i := range n {
		copy(dst[i*m.width:(i+1)*m.width], w.answer[i*len(m.names):])
	}
	return dst, nil
}

// predict fills w.answer with the logged outputs of each row: the answer, and the score when there is one.
func (m *Model) predict(w *worker, t *table.Table) error {
	n, k := t.Rows(), len(m.model.Features())
	if n == 0 {
		w.answer = w.answer[:0]
		return nil
	}
	w.x = sized(w.x, n*k)
	if err := m.matrix(w.x, t); err != nil {
		return err
	}
	if err := m.model.CheckFinite(w.x, n); err != nil {
		if bad, ok := errors.AsType[*infer.NotFinite](err); ok {
			return trimtab.Errorf(trimtab.Invalid, "request", "column %q, row %d: expected a number that float32 holds, since XGBoost's DMatrix refuses others, got %v", m.Inputs()[bad.Column].Name, bad.Row, bad.Value)
		}
		return trimtab.Errorf(trimtab.Invalid, "request", "%s", err)
	}
	if m.calibrated != nil {
		m.recalibrate(w, n)
		return nil
	}
	if m.Output == Margin {
		w.answer = sized(w.answer, n*m.width)
		m.model.Margin(w.answer, w.x, n, w.scratch)
		return nil
	}
	if !m.labels && !m.scored() {
		w.answer = sized(w.answer, n*m.width)
		m.model.Predict(w.answer, w.x, n, w.scratch)
		return nil
	}
	outs := m.model.Outputs()
	w.raw = sized(w.raw, n*outs)
	m.model.Predict(w.raw, w.x, n, w.scratch)
	w.answer = sized(w.answer, n*len(m.names))
	for i := range n {
		row, out := w.raw[i*outs:(i+1)*outs], w.answer[i*len(m.names):]
		switch {
		case m.labels && outs == 1:
			out[0], out[1] = 0, row[0]
			if row[0] > 0.5 {
				out[0] = 1
			}
		case m.labels:
			best := 0
			for c, p := range row {
				if p > row[best] {
					best = c
				}
			}
			out[0] = float64(best)
		default: // both probabilities of a scikit-learn wrapper, whose first is computed in float32
			out[0], out[1], out[2] = float64(1-float32(row[0])), row[0], row[0]
		}
	}
	return nil
}

// recalibrate fills w.answer from the corrected score of each row. Such a model answers one number a row, or the two
// probabilities of a class and of its absence.
func (m *Model) recalibrate(w *worker, n int) {
	k := len(m.names)
	w.raw, w.answer = sized(w.raw, n), sized(w.answer, n*k)
	m.model.Predict(w.raw, w.x, n, w.scratch)
	for i, p := range w.raw {
		out := w.answer[i*k:]
		if m.Output == Margin {
			out[0] = m.calibrated.margin(p)
			continue
		}
		p = m.calibrated.score(p)
		switch {
		case m.labels:
			out[0], out[1] = 0, p
			if p > 0.5 {
				out[0] = 1
			}
		case m.width == 2:
			out[0], out[1], out[2] = 1-p, p, p
		default:
			out[0] = p
		}
	}
}

// matrix writes the columns of t row-major as the features of the model.
func (m *Model) matrix(x []float64, t *table.Table) error {
	features := m.model.Features()
	columns := t.Columns
	if m.inputs == nil {
		var err error
		if columns, err = m.match(t); err != nil {
			return err
		}
	}
	if len(columns) != len(features) {
		return trimtab.Errorf(trimtab.Invalid, "request", "the request has %d columns, the model takes %d", len(columns), len(features))
	}
	k := len(features)
	for j := range features {
		f, c := &features[j], columns[j]
		if c.Type != table.String && f.Numbers == nil {
			if !c.Floats(x[j:], k) {
				return trimtab.Errorf(trimtab.Invalid, "request", "column %q is of type %s, expected a number", c.Name, c.Type)
			}
			continue
		}
		if err := m.codes(x[j:], k, f, c); err != nil {
			return err
		}
	}
	return nil
}

// codes writes the category codes of a column.
func (m *Model) codes(x []float64, stride int, f *infer.Feature, c *table.Column) error {
	for i, at := 0, 0; i < c.Len(); i, at = i+1, at+stride {
		x[at] = math.NaN()
		if c.Missing(i) {
			continue
		}
		var ok bool
		if c.Type == table.String {
			x[at], ok = f.Code(c.Strings[i])
		} else {
			v, _ := c.Float(i)
			x[at], ok = f.CodeNumber(v)
		}
		if !ok && m.model.Kind() == infer.XGBoost {
			return trimtab.Errorf(trimtab.Invalid, "request", "column %q, row %d: expected a category of the training data, since XGBoost refuses others, got %q", c.Name, i, c.Text(i))
		}
	}
	return nil
}

// match finds the columns of a model without signature: by name when it has them,
// by position when the request has none or, as LightGBM does, others altogether.
// Names of which only some are known are a mistake, whatever their number.
func (m *Model) match(t *table.Table) ([]*table.Column, error) {
	features := m.model.Features()
	out := make([]*table.Column, 0, len(features))
	missing := ""
	for i := range features {
		if c := t.Column(features[i].Name); c != nil && features[i].Name != "" {
			out = append(out, c)
		} else if missing == "" {
			missing = features[i].Name
		}
	}
	if len(out) != len(features) {
		switch {
		case len(t.Columns) != len(features):
			return nil, trimtab.Errorf(trimtab.Invalid, "request", "expected the %d columns of the model: %s; got %d", len(features), m.featureList(), len(t.Columns))
		case len(out) > 0 || missing != "" && m.model.Kind() == infer.XGBoost && !unnamed(t):
			return nil, trimtab.Errorf(trimtab.Invalid, "request", "column %q: missing: expected the columns of the model: %s", missing, m.featureList())
		}
		out = t.Columns
	}
	for i, c := range out {
		if err := fits(&features[i], c.Name, c.Type); err != nil {
			return nil, trimtab.Errorf(trimtab.Invalid, "request", "%s", trimtab.Message(err))
		}
	}
	return out, nil
}

// unnamed reports whether the columns have the names that those of a request without names get.
func unnamed(t *table.Table) bool {
	for i, c := range t.Columns {
		if c.Name != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

func (m *Model) featureList() string {
	s := ""
	for i, f := range m.Inputs() {
		if i == 8 {
			return s + fmt.Sprintf(" and %d more", len(m.model.Features())-8)
		}
		if i > 0 {
			s += ", "
		}
		s += f.Name
	}
	return s
}
