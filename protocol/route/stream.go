package route

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
)

// Events is a stream of server-sent events. Its methods are safe for
// concurrent use.
type Events struct {
	r  *http.Request
	rc *http.ResponseController

	mu sync.Mutex // guards w
	w  http.ResponseWriter
}

// sendTimeout bounds one write, so that a client that stopped reading does not
// hold its goroutine for ever.
const sendTimeout = 30 * time.Second

// Stream begins a stream of server-sent events: headers are sent at once. It
// fails when the connection cannot be flushed, and then nothing has been sent.
func Stream(w http.ResponseWriter, r *http.Request) (*Events, error) {
	e := &Events{r: r, w: w, rc: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies that buffer would hold events back
	if err := e.rc.Flush(); err != nil {
		return nil, &trimtab.Error{Op: "stream", Kind: trimtab.Unsupported, Msg: "this connection cannot carry a stream of events", Err: fmt.Errorf("%w: %w", errNoStream, err)}
	}
	return e, nil
}

// Done is closed when the client has gone or the server stops.
func (e *Events) Done() <-chan struct{} { return e.r.Context().Done() }

// Send writes one event and flushes it. name and id may be empty; data is
// encoded as JSON. An error means that the stream has ended.
func (e *Events) Send(name, id string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("event %s: %w", name, err)
	}
	var b strings.Builder
	if id != "" {
		b.WriteString("id: " + line(id) + "\n")
	}
	if name != "" {
		b.WriteString("event: " + line(name) + "\n")
	}
	b.WriteString("data: ")
	b.Write(body) // JSON holds no line break
	b.WriteString("\n\n")
	return e.write(b.String())
}

// Beat writes a comment, which keeps proxies from closing an idle stream.
func (e *Events) Beat() error { return e.write(": \n\n") }

func (e *Events) write(s string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.r.Context().Err(); err != nil {
		return err
	}
	// A writer that knows no deadline (a test's) is written to without one.
	_ = e.rc.SetWriteDeadline(time.Now().Add(sendTimeout))
	if _, err := e.w.Write([]byte(s)); err != nil {
		return err
	}
	return e.rc.Flush()
}

// LastEventID is the id of the last event that a client that comes back has seen, "" on its first visit.
func LastEventID(r *http.Request) string { return r.Header.Get("Last-Event-ID") }

func line(s string) string { return strings.NewReplacer("\n", " ", "\r", " ", "\x00", " ").Replace(s) }
