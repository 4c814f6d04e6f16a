package mlflow

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/track"
)

// doc is a JSON answer that grows from left to right. Integers are numbers,
// unset fields are left out, enums stand by name, and a number that is none is
// a string, as protobuf's JSON has it. Writing it by hand costs a tenth of
// reflection, and a page of runs has tens of thousands of fields.
type doc struct{ b []byte }

var docs = sync.Pool{New: func() any { return &doc{b: make([]byte, 0, 4096)} }}

func newDoc() *doc {
	d := docs.Get().(*doc)
	d.b = d.b[:0]
	return d
}

// maxKeptDoc is the size beyond which a buffer is not kept for the next answer.
const maxKeptDoc = 1 << 20

// send writes the answer and gives the buffer back; d is not to be used again.
func (d *doc) send(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(d.b)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// The client that has gone cannot be told anything else.
		_, _ = w.Write(d.b)
	}
	if cap(d.b) <= maxKeptDoc {
		docs.Put(d)
	}
}

// comma separates what follows from what stands before it.
func (d *doc) comma() {
	if n := len(d.b); n > 0 {
		if c := d.b[n-1]; c != '{' && c != '[' && c != ':' {
			d.b = append(d.b, ',')
		}
	}
}

func (d *doc) key(k string) {
	d.comma()
	d.b = append(d.b, '"')
	d.b = append(d.b, k...)
	d.b = append(d.b, '"', ':')
}

// begin and end enclose an object, as an element or after key.
func (d *doc) begin() { d.comma(); d.b = append(d.b, '{') }
func (d *doc) end()   { d.b = append(d.b, '}') }

// list and endList enclose an array under a key.
func (d *doc) list(k string) { d.key(k); d.b = append(d.b, '[') }
func (d *doc) endList()      { d.b = append(d.b, ']') }

func (d *doc) object(k string) { d.key(k); d.b = append(d.b, '{') }

func (d *doc) str(k, v string) { d.key(k); d.text(v) }

func (d *doc) strIf(k, v string) {
	if v != "" {
		d.str(k, v)
	}
}

func (d *doc) num(k string, v int64) { d.key(k); d.b = strconv.AppendInt(d.b, v, 10) }

func (d *doc) boolean(k string, v bool) { d.key(k); d.b = strconv.AppendBool(d.b, v) }

func (d *doc) float(k string, v float64) {
	d.key(k)
	switch {
	case math.IsNaN(v):
		d.b = append(d.b, `"NaN"`...)
	case math.IsInf(v, 1):
		d.b = append(d.b, `"Infinity"`...)
	case math.IsInf(v, -1):
		d.b = append(d.b, `"-Infinity"`...)
	default:
		d.b = track.AppendFloat(d.b, v)
	}
}

// text appends a string value.
func (d *doc) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			d.slowText(s)
			return
		}
	}
	d.b = append(d.b, '"')
	d.b = append(d.b, s...)
	d.b = append(d.b, '"')
}

func (d *doc) slowText(s string) {
	raw, err := json.Marshal(s)
	if err != nil { // a string always encodes
		raw = []byte(`""`)
	}
	d.b = append(d.b, raw...)
}

// pairs writes a map as a list of objects with key and value, sorted by key;
// nothing when the map is empty.
func (d *doc) pairs(k string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	d.list(k)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		d.pair(key, m[key])
	}
	d.endList()
}

func (d *doc) pair(key, value string) {
	d.begin()
	d.str("key", key)
	d.str("value", value)
	d.end()
}

// tagList writes tags in their order; nothing when there are none.
func (d *doc) tagList(k string, tags []trimtab.Tag) {
	if len(tags) == 0 {
		return
	}
	d.list(k)
	for _, t := range tags {
		d.pair(t.Key, t.Value)
	}
	d.endList()
}

// token writes the token of the next page, if there is one.
func (d *doc) token(t trimtab.PageToken) { d.strIf("next_page_token", string(t)) }

// empty answers an empty object.
func empty(w http.ResponseWriter, r *http.Request) error {
	d := newDoc()
	d.begin()
	d.end()
	d.send(w, r, http.StatusOK)
	return nil
}

// answer sends one object that write fills.
func answer(w http.ResponseWriter, r *http.Request, write func(d *doc)) error {
	d := newDoc()
	d.begin()
	write(d)
	d.end()
	d.send(w, r, http.StatusOK)
	return nil
}
