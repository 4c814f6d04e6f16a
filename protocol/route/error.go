package route

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/trimtab/trimtab"
)

// statuses is the HTTP status of each kind, for protocols without codes of their own.
var statuses = map[trimtab.Kind]int{
	trimtab.Internal:        http.StatusInternalServerError,
	trimtab.NotFound:        http.StatusNotFound,
	trimtab.Exists:          http.StatusConflict,
	trimtab.Invalid:         http.StatusBadRequest,
	trimtab.Conflict:        http.StatusConflict,
	trimtab.Unauthenticated: http.StatusUnauthorized,
	trimtab.Denied:          http.StatusForbidden,
	trimtab.Precondition:    http.StatusPreconditionFailed,
	trimtab.Exhausted:       http.StatusTooManyRequests,
	trimtab.Unavailable:     http.StatusServiceUnavailable,
	trimtab.Canceled:        499, // the caller closed the request; nginx's number
	trimtab.Unsupported:     http.StatusNotImplemented,
}

// Status is the HTTP status of an error.
func Status(err error) int {
	if tooLarge(err) {
		return http.StatusRequestEntityTooLarge
	}
	if s, ok := statuses[trimtab.KindOf(err)]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// TooLarge is the error of a body beyond its limit: status 413.
func TooLarge(limit int64) error {
	e := trimtab.Errorf(trimtab.Invalid, "body", "the request's body is larger than %d bytes", limit)
	e.Err = &http.MaxBytesError{Limit: limit}
	return e
}

func tooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// Message is the text of an error for its caller. Beyond trimtab.Message it
// knows the error of a body that is too large, wherever it was met.
func Message(err error) string {
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return trimtab.Message(TooLarge(e.Limit))
	}
	return trimtab.Message(err)
}

// SetRetryAfter sets the header Retry-After, in whole seconds, at least one,
// when the error says how long to wait.
func SetRetryAfter(h http.Header, err error) {
	if e, ok := errors.AsType[*trimtab.Error](err); ok && e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.RetryAfter.Seconds())))))
	}
}

// WriteError writes an error as the table of statuses has it, with a JSON body
// of error, kind and requestId.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	body, _ := json.Marshal(struct {
		Error     string `json:"error"`
		Kind      string `json:"kind"`
		RequestID string `json:"requestId,omitempty"`
	}{Message(err), trimtab.KindOf(err).String(), w.Header().Get(RequestIDHeader)})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	SetRetryAfter(h, err)
	w.WriteHeader(Status(err))
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(body, '\n'))
	}
}
