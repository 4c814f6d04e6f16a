package route

import (
	"net/http"
	"strings"
)

// AuthClass says who may call a route. The zero value is no class: a table with
// such a route is refused.
type AuthClass uint8

const (
	unclassified AuthClass = iota
	// Public routes are answered without credentials: health, version.
	Public
	// Reader routes change nothing.
	Reader
	// Writer routes change something, and are closed to pipeline steps.
	Writer
	// Attempt routes change something, and are open to pipeline steps as well:
	// what a training script needs of tracking and registry.
	Attempt
)

var classNames = [...]string{"", "public", "reader", "writer", "attempt"}

func (c AuthClass) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return ""
}

// DefaultMaxBody is the limit of a body where a route names none: 10 MiB.
const DefaultMaxBody = 10 << 20

// Route is one line of the table.
type Route struct {
	// Method is one HTTP method. "" answers every method: it is for a subtree
	// in which everything that no other route serves gets the same refusal.
	Method string
	// Pattern is a path of net/http's ServeMux, without method and host.
	Pattern string
	Auth    AuthClass
	// MaxBody bounds the request's body in bytes; 0 is DefaultMaxBody. A larger
	// body is refused with 413, before it is read where its length is announced.
	MaxBody int64
	// Raw says that the handler streams the body and bounds it by itself; MaxBody
	// then applies only when it is set.
	Raw bool
	// Via is the way by which the actor came, for the journal: "mlflow", "api".
	Via string
	// Fail writes an error that Handle returned or that was found before it; nil
	// is WriteError. It must write a status.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
	// Handle answers. An error it returns before it has written anything is
	// given to Fail; after that the connection is cut, so that no client takes
	// half an answer for a whole one.
	Handle func(w http.ResponseWriter, r *http.Request) error
}

// pattern is the spelling that ServeMux takes.
func (r Route) pattern() string { return strings.TrimSpace(r.Method + " " + r.Pattern) }

func (r Route) limit() int64 {
	switch {
	case r.MaxBody > 0:
		return r.MaxBody
	case r.Raw:
		return 0
	}
	return DefaultMaxBody
}

func (r Route) fail(w http.ResponseWriter, req *http.Request, err error) {
	if r.Fail != nil {
		r.Fail(w, req, err)
		return
	}
	WriteError(w, req, err)
}
