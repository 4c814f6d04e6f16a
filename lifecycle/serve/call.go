package serve

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Meta is what a front knows of a request beside its body.
type Meta struct {
	RequestID string       // the id of the request: row i is ID/i when rows bring no ids of their own
	EventTime trimtab.Time // of all rows, 0 when the request names none
	Fence     int64        // of the replay lease, 0 for a live request
}

// Headers of a scoring request.
const (
	EventTimeHeader = "Trimtab-Event-Time"
	FenceHeader     = "Trimtab-Replay-Fence"
)

// ReadMeta reads what a request says in its headers, which get gives by name.
// requestID is the id that the request goes by.
func ReadMeta(get func(header string) string, requestID string) (m Meta, err error) {
	m.RequestID = requestID
	if v := get(EventTimeHeader); v != "" {
		if m.EventTime, err = trimtab.ParseTime(v); err != nil || m.EventTime == 0 {
			return m, trimtab.Errorf(trimtab.Invalid, "request", "header %s: %q is no time; expected RFC 3339 or milliseconds since 1970", EventTimeHeader, v)
		}
	}
	if v := get(FenceHeader); v != "" {
		if m.Fence, err = strconv.ParseInt(v, 10, 64); err != nil || m.Fence <= 0 {
			return m, trimtab.Errorf(trimtab.Invalid, "request", "header %s: %q is no lease; expected a positive number", FenceHeader, v)
		}
	}
	return m, nil
}

// Call is one request on its way. It is bound to the version that was current
// when it began; End gives its memory back, after which nothing of it is used.
type Call struct {
	endpoint *Endpoint
	served   *served
	begun    time.Time
	decoder  *schema.Decoder
	worker   *worker
	batch    traffic.Batch
	ids      []string
	times    []trimtab.Time
	inputs   table.Table
	request  schema.Request
	rows     int
	ended    bool
}

var calls = sync.Pool{New: func() any { return new(Call) }}

// Begin takes the version that answers now. Without one it is Unavailable and says why.
func (e *Endpoint) Begin() (*Call, error) {
	s, err := e.current()
	if err != nil {
		return nil, err
	}
	c := calls.Get().(*Call)
	c.endpoint, c.served, c.begun, c.ended = e, s, time.Now(), false
	c.worker = s.model.worker()
	return c, nil
}

// Model is the version that answers this call.
func (c *Call) Model() *Model { return c.served.model }

// End gives the memory back and counts the call; failed is the error it was answered with, nil for none.
func (c *Call) End(failed error) {
	if c.ended {
		return
	}
	c.ended = true
	c.served.meters.observe(time.Since(c.begun), c.rows, failed)
	m := c.served.model
	if c.decoder != nil {
		m.decoders.Put(c.decoder)
	}
	m.release(c.worker)
	ids, times := c.ids, c.times
	clear(ids)
	*c = Call{ids: ids[:0], times: times[:0], ended: true}
	calls.Put(c)
}

// Invocations decodes the body of MLflow's scoring protocol and answers it.
func (c *Call) Invocations(ctx context.Context, body []byte, contentType string, meta Meta) error {
	m := c.served.model
	if d, ok := m.decoders.Get().(*schema.Decoder); ok {
		c.decoder = d
	} else {
		d, err := m.Signature.NewDecoder(schema.Options{})
		if err != nil {
			return trimtab.Errorf(trimtab.Invalid, "request", "%s", err)
		}
		c.decoder = d
	}
	rq, err := c.decoder.Invocations(body, contentType)
	if err != nil {
		return requestError(err)
	}
	return c.Answer(ctx, rq, meta)
}

// requestError gives errors of the decoders the kind of a bad request; a content type stays as it is for the front.
func requestError(err error) error {
	if _, ok := errors.AsType[*schema.ContentTypeError](err); ok {
		return err
	}
	if trimtab.KindOf(err) != trimtab.Internal {
		return err
	}
	return trimtab.Errorf(trimtab.Invalid, "request", "%s", err.Error())
}

// Answer answers a decoded request: who may send is checked, the model predicts,
// and the rows are handed to the log before the call returns.
func (c *Call) Answer(ctx context.Context, rq *schema.Request, meta Meta) error {
	e := c.endpoint
	cfg := e.config.Load()
	c.rows = rq.Table.Rows()
	if c.rows > cfg.maxRows {
		return trimtab.Errorf(trimtab.Invalid, "request", "the request has %d rows, endpoint %s takes %d at once", c.rows, e.Name, cfg.maxRows)
	}
	state, err := e.admit(ctx, meta)
	if err != nil {
		return err
	}
	now := e.server.cfg.Clock()
	mark := state.WatermarkAt(now, cfg.lateness)
	if err := c.identify(rq, meta, cfg, state, now, mark); err != nil {
		return err
	}
	t := rq.Table
	if c.served.model.inputs == nil {
		t = c.withoutMarks(t, cfg)
	}
	if err := c.served.model.predict(c.worker, t); err != nil {
		return err
	}
	if c.rows == 0 || (cfg.durability == "off" && meta.Fence == 0) {
		return nil
	}
	m := c.served.model
	b := &c.batch
	b.Arrival, b.Watermark, b.Version, b.Propensity = now, mark, m.Version, 1
	b.Inputs, b.OutputNames, b.Outputs = t, m.names, c.worker.answer
	if meta.Fence != 0 || cfg.durability == "durable" {
		_, err := e.log.Append(ctx, b)
		return err
	}
	_, err = e.log.Enqueue(b) // a full queue drops and counts
	return err
}

// Rows is the number of rows answered.
func (c *Call) Rows() int { return c.rows }

// Row is the answer of row i: Width numbers, valid until End.
func (c *Call) Row(i int) []float64 {
	m := c.served.model
	w := len(m.names)
	return c.worker.answer[i*w : i*w+m.width]
}

// withoutMarks takes the columns of id and event time out of a table that no signature orders.
func (c *Call) withoutMarks(t *table.Table, cfg *config) *table.Table {
	c.inputs.Columns = c.inputs.Columns[:0]
	for _, col := range t.Columns {
		switch col.Name {
		case traffic.ReplayIDColumn, traffic.ReplayTimeColumn:
			continue
		case cfg.spec.Logging.RequestID, cfg.spec.Logging.EventTime:
			if !c.served.model.hasFeature(col.Name) {
				continue
			}
		}
		c.inputs.Columns = append(c.inputs.Columns, col)
	}
	if len(c.inputs.Columns) == 0 {
		return t
	}
	return &c.inputs
}

func (m *Model) hasFeature(name string) bool {
	for i := range m.model.Features() {
		if m.model.Features()[i].Name == name {
			return true
		}
	}
	return false
}

// Discard gives the memory back without counting a request.
func (c *Call) Discard() {
	c.served.model.release(c.worker)
	*c = Call{ended: true}
	calls.Put(c)
}
