package serving

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/pure/schema"
)

// Config is what the routes answer with.
type Config struct {
	Server *serve.Server
	// Version is the version of MLflow whose scoring protocol is spoken, as /version answers it.
	Version string
	// MaxLabels bounds the body of labels in bytes; 0 is 64 MiB.
	MaxLabels int64
}

// Routes are the routes of all endpoints.
func Routes(cfg Config) []route.Route {
	if cfg.MaxLabels == 0 {
		cfg.MaxLabels = 64 << 20
	}
	f := &front{cfg}
	r := func(method, path string, auth route.AuthClass, handle func(w http.ResponseWriter, r *http.Request) error) route.Route {
		return route.Route{Method: method, Pattern: "/endpoints/{name}" + path, Auth: auth, Via: "serving", Fail: WriteError, Handle: handle}
	}
	score := r("POST", "/invocations", route.Writer, f.invocations)
	score.Raw = true // bounded by the endpoint's own limit
	labels := r("POST", "/labels", route.Writer, f.labels)
	labels.MaxBody = cfg.MaxLabels
	return []route.Route{score, labels,
		r("GET", "/ping", route.Reader, f.ping), r("GET", "/health", route.Reader, f.ping), r("GET", "/version", route.Reader, f.version)}
}

type front struct{ cfg Config }

func (f *front) endpoint(r *http.Request) (*serve.Endpoint, error) {
	return f.cfg.Server.Endpoint(trimtab.CallOf(r.Context()).Workspace, r.PathValue("name"))
}

// ping answers 200 while a version is loaded.
func (f *front) ping(w http.ResponseWriter, r *http.Request) error {
	e, err := f.endpoint(r)
	if err != nil {
		return err
	}
	c, err := e.Begin()
	if err != nil {
		return err
	}
	c.Discard()
	w.Header().Set("Content-Type", "application/json")
	_, err = io.WriteString(w, "\n")
	return err
}

func (f *front) version(w http.ResponseWriter, r *http.Request) error {
	if _, err := f.endpoint(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := io.WriteString(w, f.cfg.Version)
	return err
}

// buffers are bodies and answers of requests.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

const maxKeep = 4 << 20

func keep(b *[]byte) {
	if cap(*b) <= maxKeep {
		buffers.Put(b)
	}
}

// read reads a body of at most limit bytes into b.
func read(w http.ResponseWriter, r *http.Request, limit int64, b []byte) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, route.TooLarge(limit)
	}
	if n := r.ContentLength; n >= 0 {
		if int64(cap(b)) < n {
			b = make([]byte, n)
		}
		b = b[:n]
		if _, err := io.ReadFull(r.Body, b); err != nil {
			return nil, bodyError(err)
		}
		return b, nil
	}
	body := http.MaxBytesReader(w, r.Body, limit)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, bodyError(err)
		}
	}
}

func bodyError(err error) error {
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return route.TooLarge(e.Limit)
	}
	return &trimtab.Error{Kind: trimtab.Canceled, Subject: "request", Msg: "the request's body ended early", Err: err}
}

func (f *front) invocations(w http.ResponseWriter, r *http.Request) (err error) {
	e, err := f.endpoint(r)
	if err != nil {
		return err
	}
	meta, err := serve.ReadMeta(r.Header.Get, trimtab.CallOf(r.Context()).RequestID)
	if err != nil {
		return err
	}
	c, err := e.Begin()
	if err != nil {
		return err
	}
	defer func() { c.End(err) }()
	in := buffers.Get().(*[]byte)
	defer keep(in)
	body, err := read(w, r, e.MaxBody(), (*in)[:0])
	if err != nil {
		return err
	}
	*in = body
	if err := c.Invocations(r.Context(), body, r.Header.Get("Content-Type"), meta); err != nil {
		return err
	}
	out := buffers.Get().(*[]byte)
	defer keep(out)
	*out, err = appendPredictions((*out)[:0], c)
	if err != nil {
		return err
	}
	h := w.Header()
	version, variant := c.Headers()
	h[serve.VersionHeader] = version
	if variant != nil {
		h[serve.VariantHeader] = variant
	}
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(*out))}
	_, _ = w.Write(*out) // a client that went away has no use for the error
	return nil
}

var jsonType = []string{"application/json"}

// appendPredictions writes the answer as MLflow prints an array: a list of
// numbers, or of lists. Every number is printed so that it reads back to the
// same float64; a float32 as the float64 that it equals.
func appendPredictions(b []byte, c *serve.Call) ([]byte, error) {
	m := c.Model()
	flat, labels := m.Flat(), m.Labels()
	b = append(b, `{"predictions": [`...)
	for i := range c.Rows() {
		if i > 0 {
			b = append(b, ", "...)
		}
		if !flat {
			b = append(b, '[')
		}
		for k, v := range c.Row(i) {
			if k > 0 {
				b = append(b, ", "...)
			}
			if labels {
				b = strconv.AppendInt(b, int64(v), 10)
				continue
			}
			var ok bool
			if b, ok = schema.AppendFloat(b, v); !ok {
				return nil, trimtab.Errorf(trimtab.Invalid, "request", "row %d: the model answers %v, which JSON cannot hold", i, v)
			}
		}
		if !flat {
			b = append(b, ']')
		}
	}
	return append(b, "]}"...), nil
}

// codes are MLflow's error codes by kind.
var codes = map[trimtab.Kind]string{
	trimtab.Internal:        "INTERNAL_ERROR",
	trimtab.NotFound:        "RESOURCE_DOES_NOT_EXIST",
	trimtab.Exists:          "RESOURCE_ALREADY_EXISTS",
	trimtab.Invalid:         "BAD_REQUEST",
	trimtab.Conflict:        "RESOURCE_CONFLICT",
	trimtab.Unauthenticated: "UNAUTHENTICATED",
	trimtab.Denied:          "PERMISSION_DENIED",
	trimtab.Precondition:    "INVALID_STATE",
	trimtab.Exhausted:       "REQUEST_LIMIT_EXCEEDED",
	trimtab.Unavailable:     "TEMPORARILY_UNAVAILABLE",
	trimtab.Canceled:        "CANCELLED",
	trimtab.Unsupported:     "NOT_IMPLEMENTED",
}

// WriteError writes an error in MLflow's shape; an unreadable content type is 415 in plain text, as MLflow has it.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	h := w.Header()
	if t, ok := errors.AsType[*schema.ContentTypeError](err); ok {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusUnsupportedMediaType)
		_, _ = io.WriteString(w, t.Error())
		return
	}
	b := append([]byte(`{"error_code": `), strconv.Quote(codes[trimtab.KindOf(err)])...)
	b = append(b, `, "message": `...)
	b = schema.AppendString(b, strings.TrimSpace(route.Message(err)))
	b = append(b, '}')
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	route.SetRetryAfter(h, err)
	w.WriteHeader(route.Status(err))
	if r.Method != http.MethodHead {
		_, _ = w.Write(b)
	}
}
