package trimtab

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind classifies an error for programs. The list is closed: each protocol
// maps it to its wire codes in one table.
type Kind uint8

const (
	Internal        Kind = iota // a defect or a broken machine; its text never leaves the server
	NotFound                    // the subject does not exist
	Exists                      // the subject exists already
	Invalid                     // the request can never succeed as it stands
	Conflict                    // the state moved meanwhile; read again and retry
	Unauthenticated             // no or bad credentials
	Denied                      // credentials are good, the act is not allowed
	Precondition                // the state of the subject does not allow the act
	Exhausted                   // a limit or quota is reached
	Unavailable                 // try again later
	Canceled                    // the caller went away or asked to stop
	Unsupported                 // a construct or route that this server does not serve
)

var kindNames = [...]string{"internal", "not found", "exists", "invalid", "conflict", "unauthenticated",
	"denied", "precondition", "exhausted", "unavailable", "canceled", "unsupported"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

// Error is the one error type that crosses package borders. Msg is written for
// the person who made the request and says what to do; Err and Op are for the
// operator's log. Subject names the thing, for example "run 3f…" or
// "model flights version 2".
type Error struct {
	Op         string
	Kind       Kind
	Subject    string
	Msg        string
	Err        error
	RetryAfter time.Duration // with Unavailable and Exhausted: when to try again; 0 = unknown
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	switch {
	case e.Msg != "":
		b.WriteString(e.Msg)
	case e.Subject != "":
		b.WriteString(e.Subject + ": " + e.Kind.String())
	default:
		b.WriteString(e.Kind.String())
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of a kind whose message is meant for the user.
func Errorf(kind Kind, subject, format string, args ...any) *Error {
	return &Error{Kind: kind, Subject: subject, Msg: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of the outermost Error in err's chain, Internal for
// any other error and for nil.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// IsKind reports whether err is an Error of that kind. It is false for nil.
func IsKind(err error, kind Kind) bool {
	if err == nil {
		return false
	}
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}

// Message returns the text that may be shown to the user: the message of the
// outermost Error that has one, and a neutral sentence for internal errors.
func Message(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Internal {
		if e.Msg != "" {
			return e.Msg
		}
		if inner, ok := errors.AsType[*Error](e.Err); ok {
			return Message(inner)
		}
		return e.Subject + ": " + e.Kind.String()
	}
	return "internal error; the server's log has the details under this request id"
}

// Wrap adds the name of the failing function and its key arguments to *err,
// keeping kind and message. Exported functions of the store and the slices
// defer it as their first line.
func Wrap(err *error, format string, args ...any) {
	if *err == nil {
		return
	}
	*err = &wrapped{op: fmt.Sprintf(format, args...), err: *err}
}

type wrapped struct {
	op  string
	err error
}

func (w *wrapped) Error() string { return w.op + ": " + w.err.Error() }
func (w *wrapped) Unwrap() error { return w.err }
