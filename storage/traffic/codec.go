package traffic

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Payload kinds: the first byte of a payload.
const (
	payloadSchema      = 1
	payloadPredictions = 2
	payloadLabels      = 3
	// payloadQuarantined is payloadPredictions with the rule of each row behind it.
	payloadQuarantined = 4
)

// Limits of one frame. They bound memory when a damaged or foreign file is read.
const (
	maxRows    = 1 << 20
	maxColumns = 10_000
	maxWidth   = 10_000
	// MaxID bounds a request id in bytes.
	MaxID   = 512
	maxText = 32 << 20
)

// schema says what the columns of prediction frames are. A file declares each
// of its schemas in a frame of its own before the first use.
type schema struct {
	inputs  []table.Field
	outputs []string
}

func (s *schema) equal(o *schema) bool {
	if len(s.inputs) != len(o.inputs) || len(s.outputs) != len(o.outputs) {
		return false
	}
	for i := range s.inputs {
		if s.inputs[i] != o.inputs[i] {
			return false
		}
	}
	for i := range s.outputs {
		if s.outputs[i] != o.outputs[i] {
			return false
		}
	}
	return true
}

func appendSchema(b []byte, number int, s *schema) []byte {
	b = append(b, payloadSchema)
	b = binary.AppendUvarint(b, uint64(number))
	b = binary.AppendUvarint(b, uint64(len(s.inputs)))
	for _, f := range s.inputs {
		b = appendText(b, f.Name)
		b = append(b, byte(f.Type))
	}
	b = binary.AppendUvarint(b, uint64(len(s.outputs)))
	for _, name := range s.outputs {
		b = appendText(b, name)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decoder reads a payload; the first failure sticks.
type decoder struct {
	b   []byte
	err error
}

var errShort = errors.New("the payload ends too early")

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

func (d *decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || n > len(d.b) {
		d.err = errShort
		return nil
	}
	p := d.b[:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) byte() byte {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) uvarint(limit uint64, what string) int {
	if d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.err = errShort
		return 0
	}
	if v > limit {
		d.fail("%s is %d, the limit is %d", what, v, limit)
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

func (d *decoder) varint() int64 {
	if d.err != nil {
		return 0
	}
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.err = errShort
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) float() float64 {
	if p := d.take(8); p != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(p))
	}
	return 0
}

func (d *decoder) text(limit uint64, what string) []byte {
	return d.take(d.uvarint(limit, "the length of "+what))
}

func (d *decoder) schema() (number int, s *schema) {
	number = d.uvarint(1<<20, "the schema number")
	s = &schema{}
	n := d.uvarint(maxColumns, "the number of inputs")
	for range n {
		if d.err != nil {
			return number, s
		}
		f := table.Field{Name: string(d.text(maxText, "a column name")), Type: table.Type(d.byte())}
		if !f.Type.Known() {
			d.fail("column %q has the unknown type %d", f.Name, f.Type)
		}
		s.inputs = append(s.inputs, f)
	}
	n = d.uvarint(maxWidth, "the number of outputs")
	for range n {
		if d.err != nil {
			return number, s
		}
		s.outputs = append(s.outputs, string(d.text(maxText, "an output name")))
	}
	d.end()
	return number, s
}

func (d *decoder) end() {
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes follow the end of the payload", len(d.b))
	}
}

// times reads rows event times.
func (d *decoder) times(into []trimtab.Time, rows int) []trimtab.Time {
	into = into[:0]
	switch mode := d.byte(); mode {
	case timeSame:
		t := trimtab.Time(d.varint())
		for range rows {
			into = append(into, t)
		}
	case timeDeltas:
		var t int64
		for range rows {
			t += d.varint()
			into = append(into, trimtab.Time(t))
			if d.err != nil {
				return into
			}
		}
	default:
		d.fail("the event times have the unknown mode %d", mode)
	}
	return into
}

const (
	timeSame   = 0
	timeDeltas = 1
)

func appendTimes(b []byte, times []trimtab.Time) []byte {
	same := true
	for _, t := range times {
		if t != times[0] {
			same = false
			break
		}
	}
	if same {
		b = append(b, timeSame)
		return binary.AppendVarint(b, int64(times[0]))
	}
	b = append(b, timeDeltas)
	last := int64(0)
	for _, t := range times {
		b = binary.AppendVarint(b, int64(t)-last)
		last = int64(t)
	}
	return b
}

// column reads the values of one column and appends them to into, or skips them when into is nil.
func (d *decoder) column(typ table.Type, rows int, into *table.Column) {
	var valid []byte
	switch flag := d.byte(); flag {
	case 0:
	case 1:
		valid = d.take((rows + 7) / 8)
	default:
		d.fail("the validity of a column has the unknown mode %d", flag)
	}
	if d.err != nil {
		return
	}
	ok := func(i int) bool { return valid == nil || valid[i/8]&(1<<(i%8)) != 0 }
	width := map[table.Type]int{table.Bool: 1, table.Int32: 4, table.Float32: 4, table.Int64: 8, table.Datetime: 8, table.Float64: 8}[typ]
	if width > 0 {
		p := d.take(rows * width)
		if d.err != nil || into == nil {
			return
		}
		for i := range rows {
			if !ok(i) {
				into.AppendNull()
				continue
			}
			v := p[i*width:]
			switch typ {
			case table.Bool:
				into.AppendBool(v[0] != 0)
			case table.Int32:
				into.AppendInt32(int32(binary.LittleEndian.Uint32(v)))
			case table.Float32:
				into.AppendFloat32(math.Float32frombits(binary.LittleEndian.Uint32(v)))
			case table.Float64:
				into.AppendFloat64(math.Float64frombits(binary.LittleEndian.Uint64(v)))
			default:
				into.AppendInt64(int64(binary.LittleEndian.Uint64(v)))
			}
		}
		return
	}
	for i := range rows {
		p := d.text(maxText, "a value")
		if d.err != nil {
			return
		}
		switch {
		case into == nil:
		case !ok(i):
			into.AppendNull()
		case typ == table.String:
			into.AppendString(string(p))
		default:
			into.AppendBytes(append([]byte(nil), p...))
		}
	}
}

func appendColumn(b []byte, c *table.Column, rows []int) []byte {
	nulls := false
	for _, i := range rows {
		if c.Null(i) {
			nulls = true
			break
		}
	}
	if !nulls {
		b = append(b, 0)
	} else {
		b = append(b, 1)
		at := len(b)
		b = append(b, make([]byte, (len(rows)+7)/8)...)
		for k, i := range rows {
			if !c.Null(i) {
				b[at+k/8] |= 1 << (k % 8)
			}
		}
	}
	for _, i := range rows {
		switch c.Type {
		case table.Bool:
			v := byte(0)
			if c.Bools[i] {
				v = 1
			}
			b = append(b, v)
		case table.Int32:
			b = binary.LittleEndian.AppendUint32(b, uint32(c.Int32s[i]))
		case table.Int64, table.Datetime:
			b = binary.LittleEndian.AppendUint64(b, uint64(c.Int64s[i]))
		case table.Float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(c.Float32s[i]))
		case table.Float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(c.Float64s[i]))
		case table.String:
			b = appendText(b, c.Strings[i])
		case table.Bytes:
			b = binary.AppendUvarint(b, uint64(len(c.Bytes[i])))
			b = append(b, c.Bytes[i]...)
		}
	}
	return b
}
