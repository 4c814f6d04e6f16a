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

// Headers of an answer, in the form in which they are keys of http.Header.
const (
	VersionHeader = "X-Model-Version" // that answered; "1, 2" when two versions share the rows
	VariantHeader = "X-Variant"       // during a rollout: stable, canary or both
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

// Call is one request on its way. It is bound to the versions that were current
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
	rows     int
	pinned   bool
	ended    bool
	sent     sent
	split    split
	blame    *meters // of the version that failed, nil when none did
}

// sent is a request as it came, for a version that reads it in another way.
type sent struct {
	body        []byte
	contentType string
	tensors     []schema.Tensor // of V2, in place of body
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

// Pin keeps a rollout from choosing the version: the one that was asked for by number answers.
func (c *Call) Pin() { c.pinned = true }

// Model is the version that answers this call: until it is answered, and when two
// versions share its rows, the one that answers what a rollout does not give away.
func (c *Call) Model() *Model {
	if c.split.by == byCandidate {
		return c.served.candidate
	}
	return c.served.model
}

// Float32 reports whether all answers of the call are float32 values.
func (c *Call) Float32() bool {
	if c.split.by == byBoth {
		return c.served.model.Float32() && c.served.candidate.Float32()
	}
	return c.Model().Float32()
}

// Headers are the values of the headers that tell which version answered, and as
// what; of both versions when they share the rows. variant is nil without a rollout.
// They are shared and must not be changed.
func (c *Call) Headers() (version, variant []string) {
	s, by := c.served, c.split.by
	if c.pinned && s.variant != "" {
		return s.versions[by], pinnedHeader
	}
	return s.versions[by], s.variants[by]
}

var pinnedHeader = []string{Pinned}

// End gives the memory back and counts the call; failed is the error it was answered with, nil for none.
func (c *Call) End(failed error) {
	if c.ended {
		return
	}
	c.ended = true
	took, s := time.Since(c.begun), c.served
	if c.split.by != byModel {
		c.endSplit(took, failed)
	} else {
		s.meters.observe(took, c.rows, failed)
	}
	if c.decoder != nil {
		s.model.decoders.Put(c.decoder)
	}
	s.model.release(c.worker)
	c.reset()
	calls.Put(c)
}

// reset keeps the memory that the next call may use.
func (c *Call) reset() {
	ids, times, split := c.ids, c.times, c.split
	clear(ids)
	*c = Call{ids: ids[:0], times: times[:0], ended: true, split: splitMemory(split)}
}

// Invocations decodes the body of MLflow's scoring protocol and answers it.
func (c *Call) Invocations(ctx context.Context, body []byte, contentType string, meta Meta) error {
	d, err := c.served.model.decoder()
	if err != nil {
		return err
	}
	c.decoder = d
	rq, err := d.Invocations(body, contentType)
	if err != nil {
		return requestError(err)
	}
	c.sent = sent{body: body, contentType: contentType}
	return c.answer(ctx, rq, meta)
}

// Tensors takes the inputs of a V2 request and answers them.
func (c *Call) Tensors(ctx context.Context, inputs []schema.Tensor, meta Meta) error {
	rq, err := c.served.model.Signature.FromTensors(inputs, schema.Options{})
	if err != nil {
		return trimtab.Errorf(trimtab.Invalid, "request", "%s", err)
	}
	c.sent = sent{tensors: inputs}
	return c.answer(ctx, rq, meta)
}

// decoder returns a decoder of requests for the model; it goes back into m.decoders.
func (m *Model) decoder() (*schema.Decoder, error) {
	if d, ok := m.decoders.Get().(*schema.Decoder); ok {
		return d, nil
	}
	d, err := m.Signature.NewDecoder(schema.Options{})
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "request", "%s", err)
	}
	return d, nil
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

// answer answers a decoded request: who may send is checked, a version predicts,
// and the rows are handed to the log before the call returns.
func (c *Call) answer(ctx context.Context, rq *schema.Request, meta Meta) error {
	e, s := c.endpoint, c.served
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
	if s.model.inputs == nil {
		t = s.model.withoutMarks(&c.inputs, t, cfg)
	}
	b := &c.batch
	if contracts := e.server.cfg.Contracts; contracts != nil && c.rows > 0 {
		if b.Quarantine, err = contracts.Check(e.Workspace, e.Name, t); err != nil {
			return err
		}
		e.countQuarantine(b.Quarantine)
	}
	b.Arrival, b.Watermark = now, mark
	if s.candidate != nil && s.parts > 0 && !c.pinned && c.rows > 0 && c.assign(rq) {
		return c.answerSplit(ctx, t, meta, cfg)
	}
	if err := c.ask(s.model, s.meters, c.worker, t); err != nil {
		return err
	}
	if c.rows == 0 {
		return nil
	}
	if s.candidate != nil && s.shadows() {
		e.server.shadow.offer(s, cfg, c.sent)
	}
	b.Version, b.Variant, b.Propensity = s.model.Version, s.variant, s.propensity
	if c.pinned && s.variant != "" {
		b.Variant, b.Propensity = Pinned, 1
	}
	b.Inputs, b.OutputNames, b.Outputs = t, s.model.names, c.worker.answer
	return c.log(ctx, b, meta, cfg)
}

// ask lets a version predict and counts what came of it.
func (c *Call) ask(m *Model, counts *meters, w *worker, t *table.Table) error {
	counts.asked.Add(1)
	err := m.predict(w, t)
	if err != nil {
		counts.faults.Add(1)
		c.blame = counts
	}
	return err
}

// log hands answered rows to the log as durably as the endpoint or a replay wants them.
func (c *Call) log(ctx context.Context, b *traffic.Batch, meta Meta, cfg *config) error {
	var err error
	switch {
	case meta.Fence != 0 || cfg.durability == "durable":
		_, err = c.endpoint.log.Append(ctx, b)
	case cfg.durability != "off":
		_, err = c.endpoint.log.Enqueue(b) // a full queue drops and counts
	}
	return err
}

// Rows is the number of rows answered.
func (c *Call) Rows() int { return c.rows }

// Row is the answer of row i: Width numbers, valid until End.
func (c *Call) Row(i int) []float64 {
	m, w := c.served.model, c.worker
	if c.split.by != byModel {
		m, w, i = c.answered(i)
	}
	k := len(m.names)
	return w.answer[i*k : i*k+m.width]
}

// withoutMarks takes the columns of id and event time out of a table that no signature orders; into is its memory.
func (m *Model) withoutMarks(into, t *table.Table, cfg *config) *table.Table {
	into.Columns = into.Columns[:0]
	for _, col := range t.Columns {
		switch col.Name {
		case traffic.ReplayIDColumn, traffic.ReplayTimeColumn:
			continue
		case cfg.spec.Logging.RequestID, cfg.spec.Logging.EventTime:
			if !m.hasFeature(col.Name) {
				continue
			}
		}
		into.Columns = append(into.Columns, col)
	}
	if len(into.Columns) == 0 {
		return t
	}
	return into
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
	c.reset()
	calls.Put(c)
}
