package mlflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/track"
)

// err is the first error of the getters.
func (f *form) err() error { return *f.bad }

func (f *form) fail(err error) {
	if *f.bad == nil {
		*f.bad = err
	}
}

func (f *form) place(name string) string {
	if f.path == "" {
		return name
	}
	return f.path + "." + name
}

// raw finds a field by its name or, as protobuf does, by its name in camel case.
// A null is absent.
func (f *form) raw(name string) (json.RawMessage, bool) {
	if f.query != nil {
		if v, ok := f.query[name]; ok && len(v) > 0 {
			return json.RawMessage(track.Quoted(v[0])), true
		}
		return nil, false
	}
	v, ok := f.fields[name]
	if alias := camel(name); alias != name {
		if other, both := f.fields[alias]; both {
			if ok {
				f.fail(invalid(name, "Request specifies both '%s' and '%s'; provide only one of them.", name, alias))
			}
			v, ok = other, true
		}
	}
	if !ok || string(v) == "null" {
		return nil, false
	}
	return v, true
}

func camel(name string) string {
	if !strings.Contains(name, "_") {
		return name
	}
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}

func (f *form) has(name string) bool { _, ok := f.raw(name); return ok }

func (f *form) missing(name string) {
	f.fail(invalid(name, "Missing value for required parameter '%s'.%s", f.place(name), seeDocs))
}

// wrong is MLflow's sentence for a value of the wrong type or out of range.
func (f *form) wrong(name string, raw json.RawMessage) {
	f.fail(invalid(name, "Invalid value %s for parameter '%s' supplied:  Hint: Value was of type '%s'.%s", compact(raw), f.place(name), pythonType(raw), seeDocs))
}

// maxQuoted bounds how much of a wrong value is repeated in a message.
const maxQuoted = 1000

func compact(raw json.RawMessage) string {
	out := string(raw)
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		out = track.Quoted(s)
	} else if b, err := trimtab.Canonical(raw); err == nil {
		out = string(b)
	}
	if len(out) > maxQuoted {
		out = strings.ToValidUTF8(out[:maxQuoted], "") + "…"
	}
	return out
}

func pythonType(raw []byte) string {
	switch {
	case len(raw) == 0:
		return "NoneType"
	case raw[0] == '"':
		return "str"
	case raw[0] == '{':
		return "dict"
	case raw[0] == '[':
		return "list"
	case raw[0] == 't', raw[0] == 'f':
		return "bool"
	case raw[0] == 'n':
		return "NoneType"
	case bytes.ContainsAny(raw, ".eE"):
		return "float"
	}
	return "int"
}

// str is a string that may be absent or empty.
func (f *form) str(name string) string { s, _ := f.given(name); return s }

// given is a string and whether it was sent.
func (f *form) given(name string) (string, bool) {
	raw, ok := f.raw(name)
	if !ok {
		return "", false
	}
	s, ok := text(raw)
	if !ok {
		f.wrong(name, raw)
		return "", false
	}
	if why := trimtab.CleanText(s); why != "" {
		f.fail(notText(f.place(name), why))
	}
	return s, true
}

func text(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// need is a string that must be there and not be empty.
func (f *form) need(name string) string {
	s, ok := f.given(name)
	if (!ok || s == "") && f.err() == nil {
		f.missing(name)
	}
	return s
}

// runID is the id of a run, under one of its two names.
func (f *form) runID() trimtab.RunID {
	id := f.str("run_id")
	if id == "" {
		id = f.str("run_uuid")
	}
	if id == "" {
		f.missing("run_id")
	}
	return trimtab.RunID(id)
}

// experimentID is the id of an experiment: a number as text.
func (f *form) experimentID(name string) trimtab.ExperimentID {
	return f.asExperimentID(f.need(name))
}

func (f *form) asExperimentID(s string) trimtab.ExperimentID {
	if f.err() != nil {
		return ""
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n < 0 {
		f.fail(invalid("experiment", "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", s))
		return ""
	}
	return trimtab.ExperimentID(strconv.FormatInt(n, 10))
}

// integer is a whole number, as a number or as text.
func (f *form) integer(name string) (int64, bool) {
	raw, ok := f.raw(name)
	if !ok {
		return 0, false
	}
	n, ok := integer(raw)
	if !ok {
		f.wrong(name, raw)
	}
	return n, ok
}

func integer(raw json.RawMessage) (int64, bool) {
	s := string(raw)
	if t, ok := text(raw); ok {
		s = strings.TrimSpace(t)
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	if len(raw) == 0 || raw[0] == '"' {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64) // 1e3 and 5.0 are whole numbers too
	if err != nil || v != math.Trunc(v) || math.Abs(v) > 1<<53 {
		return 0, false
	}
	return int64(v), true
}

// float is a number, as a number or as text; NaN and the infinities are text.
func (f *form) float(name string) (float64, bool) {
	raw, ok := f.raw(name)
	if !ok {
		return 0, false
	}
	v, ok := float(raw)
	if !ok {
		f.wrong(name, raw)
	}
	return v, ok
}

func float(raw json.RawMessage) (float64, bool) {
	if s, ok := text(raw); ok {
		return floatText(strings.TrimSpace(s))
	}
	v, err := strconv.ParseFloat(string(raw), 64)
	if errors.Is(err, strconv.ErrRange) {
		return v, true // an infinity, which the metric's rule clamps
	}
	return v, err == nil
}

func floatText(s string) (float64, bool) {
	switch s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	if strings.ContainsAny(s, "xX_pPiInN") { // Go reads more than numbers
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil || errors.Is(err, strconv.ErrRange)
}

// boolean is true or false; in a query any case of the two words.
func (f *form) boolean(name string) bool {
	raw, ok := f.raw(name)
	if !ok {
		return false
	}
	if f.query != nil {
		s, _ := text(raw)
		switch strings.ToLower(s) {
		case "true":
			return true
		case "false":
			return false
		}
		f.fail(invalid(name, "Invalid boolean value: %s, must be 'true' or 'false'.", s))
		return false
	}
	switch string(raw) {
	case "true":
		return true
	case "false":
		return false
	}
	f.wrong(name, raw)
	return false
}

// strings is a list of strings.
func (f *form) strings(name string) []string {
	if f.query != nil {
		return f.query[name]
	}
	items := f.array(name)
	out := make([]string, 0, len(items))
	for _, raw := range items {
		s, ok := text(raw)
		if !ok {
			whole, _ := f.raw(name)
			f.wrong(name, whole)
			return nil
		}
		if why := trimtab.CleanText(s); why != "" {
			f.fail(notText(f.place(name), why))
		}
		out = append(out, s)
	}
	return out
}

func (f *form) array(name string) []json.RawMessage {
	raw, ok := f.raw(name)
	if !ok {
		return nil
	}
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		f.wrong(name, raw)
		return nil
	}
	return items
}

// objects is a list of objects.
func (f *form) objects(name string) []*form {
	items := f.array(name)
	out := make([]*form, 0, len(items))
	for i, raw := range items {
		var fields map[string]json.RawMessage
		if raw[0] != '{' || json.Unmarshal(raw, &fields) != nil {
			f.wrong(name+"["+strconv.Itoa(i)+"]", raw)
			return nil
		}
		out = append(out, &form{fields: fields, bad: f.bad, path: f.place(name) + "[" + strconv.Itoa(i) + "]"})
	}
	return out
}

// object is one object inside the request, nil when it is absent.
func (f *form) object(name string) *form {
	raw, ok := f.raw(name)
	if !ok {
		return nil
	}
	var fields map[string]json.RawMessage
	if raw[0] != '{' || json.Unmarshal(raw, &fields) != nil {
		f.wrong(name, raw)
		return nil
	}
	return &form{fields: fields, bad: f.bad, path: f.place(name)}
}

// tags is a list of objects with key and value.
func (f *form) tags(name string) []trimtab.Tag {
	items := f.objects(name)
	out := make([]trimtab.Tag, 0, len(items))
	for _, o := range items {
		key := o.str("key")
		out = append(out, trimtab.Tag{Key: key, Value: o.str("value")})
	}
	return out
}

// tagMap is tags as a map; of a key that occurs twice the last value counts.
func (f *form) tagMap(name string) map[string]string {
	items := f.tags(name)
	if len(items) == 0 {
		return nil
	}
	m := make(map[string]string, len(items))
	for _, t := range items {
		m[t.Key] = t.Value
	}
	return m
}

// params is tags as params.
func (f *form) params(name string) []trimtab.Param {
	items := f.tags(name)
	out := make([]trimtab.Param, len(items))
	for i, t := range items {
		out[i] = trimtab.Param(t)
	}
	return out
}

// enum is one of names, by name or by its number, which counts from first; ""
// when it is absent. MLflow passes over a name that it does not know; here that
// is an error, because whoever sends it expects something of it.
func (f *form) enum(name string, first int64, names ...string) string {
	raw, ok := f.raw(name)
	if !ok {
		return ""
	}
	if n, ok := integer(raw); ok {
		if n >= first && n < first+int64(len(names)) {
			return names[n-first]
		}
	} else if s, ok := text(raw); ok {
		for _, known := range names {
			if s == known {
				return known
			}
		}
	}
	f.fail(invalid(name, "Invalid value %s for parameter '%s' supplied: expected one of %s.%s", compact(raw), f.place(name), strings.Join(names, ", "), seeDocs))
	return ""
}
