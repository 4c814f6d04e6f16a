package mlflow

import (
	"strconv"

	"github.com/trimtab/trimtab"
)

// decodeBatch reads the body of a log-batch. Nearly every batch is written by
// MLflow's own client in one plain form, which scanBatch reads in one pass;
// what is unusual or wrong is read again, field by field, and gets its sentence.
func decodeBatch(body []byte) (trimtab.RunID, trimtab.RunBatch, error) {
	if id, b, ok := scanBatch(body); ok {
		return id, b, nil
	}
	return readBatch(body)
}

func decodeMetric(body []byte) (trimtab.RunID, trimtab.Metric, error) {
	if id, m, ok := scanMetric(body); ok {
		return id, m, nil
	}
	return readMetric(body)
}

func readBatch(body []byte) (trimtab.RunID, trimtab.RunBatch, error) {
	f := &form{bad: new(error)}
	f.fields, *f.bad = object(body)
	var b trimtab.RunBatch
	id := f.runID()
	for _, o := range f.objects("metrics") {
		b.Metrics = append(b.Metrics, o.metricFields())
	}
	for _, o := range f.objects("params") {
		b.Params = append(b.Params, trimtab.Param{Key: o.need("key"), Value: o.str("value")})
	}
	for _, o := range f.objects("tags") {
		b.Tags = append(b.Tags, trimtab.Tag{Key: o.need("key"), Value: o.str("value")})
	}
	return id, b, f.err()
}

func readMetric(body []byte) (trimtab.RunID, trimtab.Metric, error) {
	f := &form{bad: new(error)}
	f.fields, *f.bad = object(body)
	id := f.runID()
	return id, f.metricFields(), f.err()
}

// metricFields reads a point; key, value and timestamp must be there.
func (f *form) metricFields() trimtab.Metric {
	m := trimtab.Metric{Key: f.need("key")}
	v, ok := f.float("value")
	if !ok && f.err() == nil {
		f.missing("value")
	}
	at, ok := f.integer("timestamp")
	if !ok && f.err() == nil {
		f.missing("timestamp")
	}
	step, _ := f.integer("step")
	m.Value, m.Time, m.Step = v, trimtab.Time(at), step
	m.Model = trimtab.LoggedModelID(f.str("model_id"))
	m.DatasetName, m.DatasetDigest = f.str("dataset_name"), f.str("dataset_digest")
	return m
}

// scanBatch reads a batch in the plain form: known fields, each once at most,
// keys and values that need no decoding, numbers as numbers. Anything else is
// not ok, and says nothing about whether the batch is right.
func scanBatch(body []byte) (id trimtab.RunID, b trimtab.RunBatch, ok bool) {
	s := &scanner{b: body, seen: make(map[string]string, 32)}
	var have [4]bool
	once := func(i int) bool { was := have[i]; have[i] = true; return !was }
	ok = s.object(func(key []byte) bool {
		switch string(key) {
		case "run_id":
			v, ok := s.str()
			id = trimtab.RunID(v)
			return ok && v != "" && once(0)
		case "metrics":
			return once(1) && s.array(func() bool {
				m, _, ok := s.metric(false)
				b.Metrics = append(b.Metrics, m)
				return ok
			})
		case "params":
			return once(2) && s.array(func() bool {
				k, v, ok := s.pair()
				b.Params = append(b.Params, trimtab.Param{Key: k, Value: v})
				return ok
			})
		case "tags":
			return once(3) && s.array(func() bool {
				k, v, ok := s.pair()
				b.Tags = append(b.Tags, trimtab.Tag{Key: k, Value: v})
				return ok
			})
		}
		return false
	}) && s.atEnd() && have[0]
	return id, b, ok
}

func scanMetric(body []byte) (trimtab.RunID, trimtab.Metric, bool) {
	s := &scanner{b: body}
	m, id, ok := s.metric(true)
	return id, m, ok && id != "" && s.atEnd()
}

// metric reads a point; top says that it is the request itself and names its run.
func (s *scanner) metric(top bool) (m trimtab.Metric, run trimtab.RunID, ok bool) {
	var have [9]bool
	once := func(i int) bool { was := have[i]; have[i] = true; return !was }
	ok = s.object(func(key []byte) bool {
		var ok bool
		switch string(key) {
		case "key":
			m.Key, ok = s.str()
			return ok && m.Key != "" && once(0)
		case "value":
			m.Value, ok = s.float()
			return ok && once(1)
		case "timestamp":
			var at int64
			at, ok = s.integer()
			m.Time = trimtab.Time(at)
			return ok && once(2)
		case "step":
			m.Step, ok = s.integer()
			return ok && once(3)
		case "model_id":
			var v string
			v, ok = s.str()
			m.Model = trimtab.LoggedModelID(v)
			return ok && once(4)
		case "dataset_name":
			m.DatasetName, ok = s.str()
			return ok && once(5)
		case "dataset_digest":
			m.DatasetDigest, ok = s.str()
			return ok && once(6)
		case "run_id":
			var v string
			v, ok = s.str()
			run = trimtab.RunID(v)
			return ok && once(7)
		case "run_uuid": // MLflow's client sends both names
			if !top {
				return false
			}
			v, ok := s.str()
			if run != "" && v != string(run) {
				return false
			}
			if run == "" {
				run = trimtab.RunID(v)
			}
			return ok && once(8)
		}
		return false
	})
	return m, run, ok && have[0] && have[1] && have[2]
}

// pair reads an object with key and value.
func (s *scanner) pair() (key, value string, ok bool) {
	var haveKey, haveValue bool
	ok = s.object(func(name []byte) bool {
		var ok bool
		switch string(name) {
		case "key":
			was := haveKey
			key, ok = s.str()
			haveKey = ok && !was
			return haveKey && key != ""
		case "value":
			was := haveValue
			value, ok = s.str()
			haveValue = ok && !was
			return haveValue
		}
		return false
	})
	return key, value, ok && haveKey
}

// scanner reads JSON of the plain form from left to right.
type scanner struct {
	b    []byte
	i    int
	seen map[string]string // strings met before, so that a key is allocated once
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\n', '\r', '\t':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) take(c byte) bool {
	s.space()
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) atEnd() bool { s.space(); return s.i == len(s.b) }

func (s *scanner) object(field func(key []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		key, ok := s.bytes()
		if !ok || !s.take(':') || !field(key) {
			return false
		}
		if s.take(',') {
			continue
		}
		return s.take('}')
	}
}

func (s *scanner) array(element func() bool) bool {
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if s.take(',') {
			continue
		}
		return s.take(']')
	}
}

// bytes reads a string of printable ASCII without escapes, in place.
func (s *scanner) bytes() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	from := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[from : s.i-1], true
		case c < ' ', c == '\\', c >= 0x7f:
			return nil, false
		}
		s.i++
	}
	return nil, false
}

// maxSeen bounds how many strings are remembered.
const maxSeen = 256

func (s *scanner) str() (string, bool) {
	b, ok := s.bytes()
	if !ok || len(b) == 0 {
		return "", ok
	}
	if v, ok := s.seen[string(b)]; ok {
		return v, true
	}
	v := string(b)
	if s.seen != nil && len(s.seen) < maxSeen {
		s.seen[v] = v
	}
	return v, true
}

// number reads the characters of a JSON number.
func (s *scanner) number() ([]byte, bool) {
	s.space()
	from := s.i
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	digits := s.digits()
	if digits == 0 || digits > 1 && s.b[s.i-digits] == '0' {
		return nil, false
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if s.digits() == 0 {
			return nil, false
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if s.digits() == 0 {
			return nil, false
		}
	}
	return s.b[from:s.i], true
}

func (s *scanner) digits() int {
	from := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i - from
}

func (s *scanner) integer() (int64, bool) {
	b, ok := s.number()
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

func (s *scanner) float() (float64, bool) {
	s.space()
	if s.i < len(s.b) && s.b[s.i] == '"' {
		b, ok := s.bytes()
		if !ok {
			return 0, false
		}
		switch string(b) {
		case "NaN", "Infinity", "-Infinity":
			return floatText(string(b))
		}
		return 0, false
	}
	b, ok := s.number()
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}
