package serving

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// labels takes labels and answers how many were matched, unmatched, repeated and
// late. They are durable when it answers.
func (f *front) labels(w http.ResponseWriter, r *http.Request) error {
	e, err := f.endpoint(r)
	if err != nil {
		return err
	}
	meta, err := serve.ReadMeta(r.Header.Get, "")
	if err != nil {
		return err
	}
	labels, err := readLabels(r)
	if err != nil {
		return err
	}
	receipt, err := e.Labels(r.Context(), labels, meta.Fence)
	if err != nil {
		return err
	}
	body, err := json.Marshal(receipt)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(append(body, '\n'))
	return err
}

func invalid(format string, args ...any) error {
	return trimtab.Errorf(trimtab.Invalid, "labels", format, args...)
}

// readLabels reads a body of labels by its content type.
func readLabels(r *http.Request) ([]traffic.Label, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Type") == "" {
		kind, err = "application/json", nil
	}
	if err != nil {
		return nil, invalid("the content type %q cannot be read", r.Header.Get("Content-Type"))
	}
	switch kind {
	case "application/json", "application/x-www-form-urlencoded": // curl -d sends the second when it is told nothing
		return jsonLabels(r.Body)
	case "text/csv":
		return csvLabels(r.Body)
	case "multipart/form-data":
		return formLabels(multipart.NewReader(r.Body, params["boundary"]))
	}
	return nil, invalid("the content type %q is not read; expected application/json, text/csv or multipart/form-data with a file \"labels\"", kind)
}

// formLabels reads the file "labels" of a form: CSV, or JSON when its name or type says so.
func formLabels(m *multipart.Reader) ([]traffic.Label, error) {
	for {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, invalid("the form has no file \"labels\": send it as curl -F labels=@labels.csv")
		}
		if err != nil {
			return nil, formError(err)
		}
		if p.FormName() != "labels" {
			continue
		}
		if strings.HasSuffix(p.FileName(), ".json") || strings.HasPrefix(p.Header.Get("Content-Type"), "application/json") {
			return jsonLabels(p)
		}
		return csvLabels(p)
	}
}

func formError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyError(err)
	}
	return invalid("the form cannot be read: %s", err)
}

// jsonLabel is one label of a list.
type jsonLabel struct {
	ID        *string      `json:"id"`
	Value     labelValue   `json:"value"`
	EventTime trimtab.Time `json:"event_time"`
	KnownAt   trimtab.Time `json:"known_at"`
}

// labelValue is a number, a boolean or null; null takes a label back.
type labelValue struct {
	value     float64
	null, set bool
}

func (v *labelValue) UnmarshalJSON(p []byte) error {
	v.set = true
	switch string(p) {
	case "null":
		v.null = true
		return nil
	case "true":
		v.value = 1
		return nil
	case "false":
		return nil
	}
	n, err := strconv.ParseFloat(string(p), 64)
	if err != nil {
		return invalid("the value %s of a label is no number; expected a number, true, false or null", p)
	}
	v.value = n
	return nil
}

// jsonColumns is the form with one list per field, or with the list of labels under a name.
type jsonColumns struct {
	Labels     []jsonLabel    `json:"labels"`
	IDs        []string       `json:"ids"`
	Values     []labelValue   `json:"values"`
	EventTimes []trimtab.Time `json:"event_times"`
	KnownAts   []trimtab.Time `json:"known_ats"`
}

func jsonLabels(r io.Reader) ([]traffic.Label, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, formError(err)
	}
	first := strings.TrimLeft(string(b[:min(len(b), 64)]), " \t\r\n")
	if strings.HasPrefix(first, "[") {
		var list []jsonLabel
		if err := strict(b, &list); err != nil {
			return nil, err
		}
		return listLabels(list)
	}
	var c jsonColumns
	if err := strict(b, &c); err != nil {
		return nil, err
	}
	if c.Labels != nil && c.IDs == nil && c.Values == nil {
		return listLabels(c.Labels)
	}
	n := len(c.IDs)
	switch {
	case c.IDs == nil:
		return nil, invalid("expected a list of {\"id\", \"value\"}, or an object with \"ids\" and \"values\"")
	case len(c.Values) != n:
		return nil, invalid("there are %d ids and %d values", n, len(c.Values))
	case c.EventTimes != nil && len(c.EventTimes) != n:
		return nil, invalid("there are %d ids and %d event_times", n, len(c.EventTimes))
	case c.KnownAts != nil && len(c.KnownAts) != n:
		return nil, invalid("there are %d ids and %d known_ats", n, len(c.KnownAts))
	}
	out := make([]traffic.Label, n)
	for i := range out {
		// encoding/json hands null to a slice element's UnmarshalJSON as well.
		out[i] = traffic.Label{ID: c.IDs[i], Value: c.Values[i].value, Null: c.Values[i].null}
		if c.EventTimes != nil {
			out[i].EventTime = c.EventTimes[i]
		}
		if c.KnownAts != nil {
			out[i].KnownAt = c.KnownAts[i]
		}
	}
	return out, nil
}

func listLabels(list []jsonLabel) ([]traffic.Label, error) {
	out := make([]traffic.Label, len(list))
	for i, l := range list {
		if l.ID == nil || *l.ID == "" {
			return nil, invalid("label %d has no id", i)
		}
		if !l.Value.set {
			return nil, invalid("label %d (id %q) has no value; null takes a label back", i, *l.ID)
		}
		out[i] = traffic.Label{ID: *l.ID, Value: l.Value.value, Null: l.Value.null, EventTime: l.EventTime, KnownAt: l.KnownAt}
	}
	return out, nil
}

// strict decodes one JSON value without unknown fields.
func strict(b []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if trimtab.IsKind(err, trimtab.Invalid) {
			return err
		}
		return invalid("the labels cannot be read as JSON: %s; expected a list of objects with id, value, event_time and known_at", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return invalid("something follows the labels at byte %d", d.InputOffset())
	}
	return nil
}

// csvLabels reads columns id and value, and optionally event_time and known_at.
func csvLabels(r io.Reader) ([]traffic.Label, error) {
	t, err := table.ReadCSV(r, table.CSVOptions{Optional: true, Types: map[string]table.Type{"id": table.String, "value": table.Float64, "event_time": table.String, "known_at": table.String}})
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, bodyError(err)
		}
		return nil, invalid("the labels cannot be read as CSV: %s", err)
	}
	for _, c := range t.Columns {
		switch c.Name {
		case "id", "value", "event_time", "known_at":
		default:
			return nil, invalid("the column %q is not known; expected id, value, event_time and known_at", c.Name)
		}
	}
	ids, values, times, known := t.Column("id"), t.Column("value"), t.Column("event_time"), t.Column("known_at")
	if ids == nil || values == nil {
		return nil, invalid("the CSV needs a header with the columns id and value")
	}
	out := make([]traffic.Label, t.Rows())
	at := func(c *table.Column, i int) (trimtab.Time, error) {
		if c == nil || c.Null(i) || c.Strings[i] == "" {
			return 0, nil
		}
		v, err := trimtab.ParseTime(c.Strings[i])
		if err != nil {
			return 0, invalid("row %d, column %q: %s", i, c.Name, trimtab.Message(err))
		}
		return v, nil
	}
	for i := range out {
		l := &out[i]
		if ids.Null(i) || ids.Strings[i] == "" {
			return nil, invalid("row %d has no id", i)
		}
		l.ID = ids.Strings[i]
		if values.Null(i) {
			l.Null = true
		} else {
			l.Value = values.Float64s[i]
		}
		if l.EventTime, err = at(times, i); err != nil {
			return nil, err
		}
		if l.KnownAt, err = at(known, i); err != nil {
			return nil, err
		}
	}
	return out, nil
}
