package mlflow

import (
	"errors"
	"io"
	"net/http"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/pure/filter"
)

// code is an error_code of MLflow with its HTTP status.
type code struct {
	name   string
	status int
}

// codes is the one table from kinds to MLflow's codes. MLflow's clients repeat a
// request after 408, 429, 500, 502, 503 and 504, seven times and whatever the
// method; so nothing that will fail again in the same way has one of these.
var codes = map[trimtab.Kind]code{
	trimtab.Internal:        {"INTERNAL_ERROR", http.StatusInternalServerError},
	trimtab.NotFound:        {"RESOURCE_DOES_NOT_EXIST", http.StatusNotFound},
	trimtab.Exists:          {"RESOURCE_ALREADY_EXISTS", http.StatusBadRequest},
	trimtab.Invalid:         {"INVALID_PARAMETER_VALUE", http.StatusBadRequest},
	trimtab.Conflict:        {"RESOURCE_CONFLICT", http.StatusConflict},
	trimtab.Unauthenticated: {"UNAUTHENTICATED", http.StatusUnauthorized},
	trimtab.Denied:          {"PERMISSION_DENIED", http.StatusForbidden},
	trimtab.Precondition:    {"BAD_REQUEST", http.StatusBadRequest},
	trimtab.Exhausted:       {"REQUEST_LIMIT_EXCEEDED", http.StatusTooManyRequests},
	trimtab.Unavailable:     {"TEMPORARILY_UNAVAILABLE", http.StatusServiceUnavailable},
	trimtab.Canceled:        {"CANCELLED", 499},
	trimtab.Unsupported:     {"NOT_IMPLEMENTED", http.StatusNotImplemented},
}

// noEndpoint marks the answer to a path that this server does not serve.
var noEndpoint = errors.New("no such endpoint")

func codeOf(err error) code {
	if errors.Is(err, noEndpoint) {
		return code{"ENDPOINT_NOT_FOUND", http.StatusNotFound}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return code{"INVALID_PARAMETER_VALUE", http.StatusRequestEntityTooLarge}
	}
	if _, ok := errors.AsType[*filter.SyntaxError](err); ok {
		return codes[trimtab.Invalid]
	}
	return codes[trimtab.KindOf(err)]
}

func message(err error) string {
	if bad, ok := errors.AsType[*filter.SyntaxError](err); ok {
		return bad.Error()
	}
	return route.Message(err)
}

// fail writes an error as MLflow does.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	c := codeOf(err)
	d := newDoc()
	d.begin()
	d.str("error_code", c.name)
	d.str("message", message(err))
	d.end()
	route.SetRetryAfter(w.Header(), err)
	if c.status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "1")
	}
	d.send(w, r, c.status)
}

// nothingHere answers what this server does not serve.
func nothingHere(_ http.ResponseWriter, r *http.Request) error {
	e := trimtab.Errorf(trimtab.NotFound, r.URL.Path, "API endpoint %s %s is not served here", r.Method, r.URL.Path)
	e.Err = noEndpoint
	return e
}

func invalid(subject, format string, args ...any) error {
	return trimtab.Errorf(trimtab.Invalid, subject, format, args...)
}

// bodyError says what reading a body ran into.
func bodyError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return trimtab.Errorf(trimtab.Invalid, "body", "the request ended before its announced length")
	}
	return err
}
