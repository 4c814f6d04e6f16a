package mlflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/track"
)

// form is a request as its fields: of the JSON body, or of the query of a GET.
// The getters are called in the order in which MLflow checks the fields; the
// first that fails is the error of the request, and all later ones return zero.
type form struct {
	fields map[string]json.RawMessage
	query  url.Values
	path   string // of an element inside the request, "tags[0]"
	bad    *error // shared with the forms of the elements
}

const seeDocs = " See the API docs for more information about request parameters."

// read takes a request apart. A body that is a JSON string is decoded a second
// time, as old clients encode twice; an empty one is an empty object.
func read(r *http.Request) *form {
	f := &form{bad: new(error)}
	if r.Method == http.MethodGet && r.URL.RawQuery != "" {
		f.query, *f.bad = query(r)
		return f
	}
	body, err := readBody(r, 0)
	if err != nil {
		*f.bad = err
		return f
	}
	f.fields, *f.bad = object(body)
	return f
}

// query reads the query of a request, refusing one that does not decode or
// holds what no text can hold.
func query(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("query", "the query of the address cannot be read: %v", err)
	}
	for name, values := range q {
		for _, v := range values {
			if why := trimtab.CleanText(v); why != "" {
				return nil, notText(name, why)
			}
		}
	}
	return q, nil
}

func notText(name, why string) error {
	return invalid(name, "Invalid value for parameter %s supplied: the text %s", track.PythonString(name), why)
}

// readBody reads the body whole; limit, when not 0, bounds it more narrowly
// than the route does.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		header := r.Header.Get("Content-Type")
		if header == "" {
			return nil, invalid("content-type", "Bad Request. Content-Type header is missing.")
		}
		if kind, _, _ := mime.ParseMediaType(header); kind != "application/json" {
			return nil, invalid("content-type", "Bad Request. Content-Type must be one of ['application/json'].")
		}
	}
	if limit > 0 && r.ContentLength > limit {
		return nil, tooMuch(limit, r.ContentLength)
	}
	src := io.Reader(r.Body)
	if limit > 0 {
		src = io.LimitReader(src, limit+1)
	}
	var buf bytes.Buffer
	if n := r.ContentLength; n > 0 {
		buf.Grow(int(min(n, 1<<20)) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(src); err != nil {
		return nil, bodyError(err)
	}
	if limit > 0 && int64(buf.Len()) > limit {
		return nil, tooMuch(limit, int64(buf.Len()))
	}
	return buf.Bytes(), nil
}

func tooMuch(limit, size int64) error {
	return invalid("body", "Batched logging API requests must be at most %d bytes, got a request of size %d.", limit, size)
}

func object(body []byte) (map[string]json.RawMessage, error) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '"' {
		var inner string
		if err := json.Unmarshal(body, &inner); err != nil {
			return nil, notJSON(err)
		}
		body = bytes.TrimSpace([]byte(inner))
	}
	if len(body) == 0 || string(body) == "null" {
		return nil, nil
	}
	if body[0] != '{' && json.Valid(body) {
		return nil, invalid("body", "The request's body must be a JSON object, got a %s", pythonType(body))
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, notJSON(err)
	}
	return fields, nil
}

func notJSON(err error) error {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return invalid("body", "The request's body is not JSON: %v (byte %d)", s, s.Offset)
	}
	return invalid("body", "The request's body is not JSON: %v", err)
}
