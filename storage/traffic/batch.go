package traffic

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Batch is what one request was answered: rows of one version, all inputs after
// enforcement, and the outputs. The log copies what it keeps; the caller may
// reuse everything when the call returns.
type Batch struct {
	// IDs holds one request id a row. When it is nil, row i is Prefix/i.
	IDs    []string
	Prefix string
	// EventTimes holds one event time a row, or one for all.
	EventTimes []trimtab.Time
	Arrival    trimtab.Time
	// Watermark is the endpoint's watermark when the request was taken: a row
	// whose event time lies before it is late, and it belongs to no window that
	// was closed by then.
	Watermark  trimtab.Time
	Version    trimtab.Version
	Variant    string
	Propensity float64 // with which the version was chosen; 0 counts as 1
	Inputs     *table.Table
	// OutputNames and Outputs are the answer, row-major. An output named "score"
	// is what quality is measured on; else the first one is.
	OutputNames []string
	Outputs     []float64
	// Quarantine holds, per row, the contract rule that quarantines it, "" for none;
	// nil quarantines nothing. Such a row is kept beside its rule, so that those who
	// learn and measure can leave it out until a person releases it.
	Quarantine []string
}

// ScoreOutput is the name of the output on which quality is measured when the
// answer itself is a class label.
const ScoreOutput = "score"

// Rows is the number of rows of the batch.
func (b *Batch) Rows() int {
	if len(b.OutputNames) == 0 {
		return 0
	}
	return len(b.Outputs) / len(b.OutputNames)
}

// id appends the request id of row i.
func (b *Batch) id(dst []byte, i int) []byte {
	if b.IDs != nil {
		return append(dst, b.IDs[i]...)
	}
	dst = append(dst, b.Prefix...)
	dst = append(dst, '/')
	return strconv.AppendInt(dst, int64(i), 10)
}

func (b *Batch) eventTime(i int) trimtab.Time {
	if len(b.EventTimes) == 1 {
		return b.EventTimes[0]
	}
	return b.EventTimes[i]
}

// check reports what keeps the batch from being logged.
func (b *Batch) check() error {
	bad := func(format string, args ...any) error {
		return trimtab.Errorf(trimtab.Invalid, "predictions", format, args...)
	}
	n := b.Rows()
	switch {
	case len(b.OutputNames) == 0 || len(b.Outputs) != n*len(b.OutputNames):
		return bad("a batch of %d outputs does not fit %d output names", len(b.Outputs), len(b.OutputNames))
	case n > maxRows:
		return bad("a batch has %d rows, the limit is %d", n, maxRows)
	case b.IDs != nil && len(b.IDs) != n:
		return bad("a batch of %d rows has %d request ids", n, len(b.IDs))
	case len(b.EventTimes) != n && len(b.EventTimes) != 1:
		return bad("a batch of %d rows has %d event times", n, len(b.EventTimes))
	case b.Quarantine != nil && len(b.Quarantine) != n:
		return bad("a batch of %d rows has %d quarantine rules", n, len(b.Quarantine))
	case b.Inputs != nil && b.Inputs.Rows() != n:
		return bad("a batch of %d rows has %d rows of inputs", n, b.Inputs.Rows())
	case b.IDs == nil && b.Prefix == "":
		return bad("a batch has neither request ids nor a prefix")
	case len(b.Prefix) > MaxID-20:
		return bad("request id %.40q… has %d bytes, the limit is %d", b.Prefix, len(b.Prefix), MaxID-20)
	}
	for i, id := range b.IDs {
		if id == "" {
			return bad("row %d has no request id", i)
		}
		if len(id) > MaxID {
			return bad("the request id of row %d has %d bytes, the limit is %d", i, len(id), MaxID)
		}
		if why := trimtab.CleanText(id); why != "" {
			return bad("the request id of row %d %s", i, why)
		}
	}
	for i, rule := range b.Quarantine {
		if len(rule) > MaxRule {
			return bad("the quarantine rule of row %d has %d bytes, the limit is %d", i, len(rule), MaxRule)
		}
		if why := trimtab.CleanText(rule); why != "" {
			return bad("the quarantine rule of row %d %s", i, why)
		}
	}
	if why := trimtab.CleanText(b.Prefix); why != "" {
		return bad("the request id %s", why)
	}
	return nil
}

// sameSchema reports whether the batch has the columns of s.
func (b *Batch) sameSchema(s *schema) bool {
	n := 0
	if b.Inputs != nil {
		n = len(b.Inputs.Columns)
	}
	if n != len(s.inputs) || len(b.OutputNames) != len(s.outputs) {
		return false
	}
	for i := range n {
		if c := b.Inputs.Columns[i]; c.Name != s.inputs[i].Name || c.Type != s.inputs[i].Type {
			return false
		}
	}
	for i, name := range b.OutputNames {
		if name != s.outputs[i] {
			return false
		}
	}
	return true
}

func (b *Batch) schema() *schema {
	s := &schema{outputs: append([]string(nil), b.OutputNames...)}
	if b.Inputs != nil {
		s.inputs = b.Inputs.Fields()
	}
	return s
}

const (
	idList   = 0
	idPrefix = 1
)

var identity = func() []int {
	r := make([]int, 1024)
	for i := range r {
		r[i] = i
	}
	return r
}()

func upTo(n int) []int {
	if n <= len(identity) {
		return identity[:n]
	}
	r := make([]int, n)
	for i := range r {
		r[i] = i
	}
	return r
}

// appendBatch encodes the given rows of b, all of them when rows is nil.
func appendBatch(dst []byte, number int, b *Batch, rows []int) []byte {
	all := rows == nil
	if all {
		rows = upTo(b.Rows())
	}
	held := b.quarantined(rows)
	if held {
		dst = append(dst, payloadQuarantined)
	} else {
		dst = append(dst, payloadPredictions)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(number)) // fixed width: filled in when the frame is written
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	dst = binary.AppendVarint(dst, int64(b.Arrival))
	dst = binary.AppendVarint(dst, int64(b.Watermark))
	dst = binary.AppendVarint(dst, int64(b.Version))
	dst = appendText(dst, b.Variant)
	p := b.Propensity
	if p == 0 {
		p = 1
	}
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(p))
	if all && b.IDs == nil {
		dst = append(dst, idPrefix)
		dst = appendText(dst, b.Prefix)
	} else {
		dst = append(dst, idList)
		var id [MaxID + 24]byte
		for _, i := range rows {
			dst = binary.AppendUvarint(dst, uint64(i))
			s := b.id(id[:0], i)
			dst = binary.AppendUvarint(dst, uint64(len(s)))
			dst = append(dst, s...)
		}
	}
	if len(b.EventTimes) == 1 {
		dst = append(dst, timeSame)
		dst = binary.AppendVarint(dst, int64(b.EventTimes[0]))
	} else if all {
		dst = appendTimes(dst, b.EventTimes)
	} else {
		times := make([]trimtab.Time, len(rows))
		for k, i := range rows {
			times[k] = b.EventTimes[i]
		}
		dst = appendTimes(dst, times)
	}
	if b.Inputs != nil {
		for _, c := range b.Inputs.Columns {
			dst = appendColumn(dst, c, rows)
		}
	}
	w := len(b.OutputNames)
	for _, i := range rows {
		for _, v := range b.Outputs[i*w : (i+1)*w] {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
		}
	}
	if held {
		dst = appendRules(dst, b.Quarantine, rows)
	}
	return dst
}

// record is a decoded prediction frame. Its slices are reused by the next decode.
type record struct {
	schema     *schema
	rows       int
	arrival    trimtab.Time
	watermark  trimtab.Time
	version    trimtab.Version
	variant    string
	propensity float64
	ids        [][]byte
	ordinals   []int
	times      []trimtab.Time
	inputs     []*table.Column // nil unless asked for
	outputs    []float64
	rules      []string // names, the first of them "": of no rule
	ruled      []int    // one number of a rule a row; empty when no row is quarantined

	// from and to, unless both are 0, are the event times that matter: of a payload
	// without a row in [from, to) nothing is decoded behind its times.
	from, to trimtab.Time

	idMemory []byte
}

// errOutside says that no row of a payload lies in the span that matters.
var errOutside = errors.New("no row lies in the span")

// decode reads a prediction payload. Inputs are decoded into new columns when
// asked for.
func (r *record) decode(p []byte, schemas []*schema, inputs bool) error {
	d := &decoder{b: p}
	what := d.byte()
	if d.err == nil && what != payloadPredictions && what != payloadQuarantined {
		d.fail("it has the kind %d, expected predictions", what)
	}
	number := 0
	if p := d.take(4); p != nil {
		number = int(binary.LittleEndian.Uint32(p))
	}
	if d.err == nil && number >= len(schemas) {
		d.fail("schema %d was not declared before", number)
	}
	r.rows = d.uvarint(maxRows, "the number of rows")
	r.arrival = trimtab.Time(d.varint())
	r.watermark = trimtab.Time(d.varint())
	r.version = trimtab.Version(d.varint())
	if v := d.text(MaxID, "the variant"); string(v) != r.variant {
		r.variant = string(v)
	}
	r.propensity = d.float()
	if d.err != nil {
		return d.err
	}
	r.schema = schemas[number]
	// Every row has at least its outputs, so that the claimed number of rows is bounded by what follows.
	if r.rows == 0 {
		return errors.New("it holds no rows")
	}
	if len(r.schema.outputs) == 0 || r.rows > len(d.b)/(8*len(r.schema.outputs)) {
		return errShort
	}
	r.ids, r.ordinals, r.idMemory = r.ids[:0], r.ordinals[:0], r.idMemory[:0]
	switch mode := d.byte(); mode {
	case idPrefix:
		prefix := d.text(MaxID, "the request id")
		ends := make([]int, r.rows)
		for i := range r.rows {
			r.idMemory = append(r.idMemory, prefix...)
			r.idMemory = append(r.idMemory, '/')
			r.idMemory = strconv.AppendInt(r.idMemory, int64(i), 10)
			ends[i] = len(r.idMemory)
		}
		from := 0
		for i, end := range ends {
			r.ids = append(r.ids, r.idMemory[from:end])
			r.ordinals = append(r.ordinals, i)
			from = end
		}
	case idList:
		for range r.rows {
			r.ordinals = append(r.ordinals, d.uvarint(maxRows, "the row ordinal"))
			r.ids = append(r.ids, d.text(MaxID+24, "a request id"))
			if d.err != nil {
				return d.err
			}
		}
	default:
		d.fail("the request ids have the unknown mode %d", mode)
	}
	r.times = d.times(r.times, r.rows)
	r.inputs, r.outputs, r.rules, r.ruled = r.inputs[:0], r.outputs[:0], r.rules[:0], r.ruled[:0]
	if d.err == nil && (r.from != 0 || r.to != 0) && !slices.ContainsFunc(r.times, func(t trimtab.Time) bool { return t >= r.from && t < r.to }) {
		return errOutside
	}
	for _, f := range r.schema.inputs {
		var into *table.Column
		if inputs && d.err == nil {
			into = table.NewColumn(f.Name, f.Type, r.rows)
			r.inputs = append(r.inputs, into)
		}
		d.column(f.Type, r.rows, into)
	}
	n := r.rows * len(r.schema.outputs)
	raw := d.take(n * 8)
	if what == payloadQuarantined {
		r.rules, r.ruled = d.quarantine(r.rules, r.ruled, r.rows)
	}
	d.end()
	if d.err != nil {
		return d.err
	}
	for i := range n {
		r.outputs = append(r.outputs, math.Float64frombits(binary.LittleEndian.Uint64(raw[i*8:])))
	}
	return nil
}

// batch turns the record back into a batch, sharing memory.
func (r *record) batch() *Batch {
	b := &Batch{EventTimes: r.times, Arrival: r.arrival, Watermark: r.watermark, Version: r.version, Variant: r.variant,
		Propensity: r.propensity, OutputNames: r.schema.outputs, Outputs: r.outputs, IDs: make([]string, len(r.ids))}
	for i, id := range r.ids {
		b.IDs[i] = string(id)
	}
	if len(r.inputs) > 0 {
		b.Inputs = &table.Table{Columns: r.inputs}
	}
	if len(r.ruled) > 0 {
		b.Quarantine = make([]string, r.rows)
		for i := range b.Quarantine {
			b.Quarantine[i] = r.rule(i)
		}
	}
	return b
}
