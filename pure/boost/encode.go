package boost

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The format of an encoded model, all numbers little-endian, floats as their 64 bits:
//
//	8 bytes  "ttboost" and the version, 1
//	u8       objective: 0 logistic, 1 squared
//	f64      base
//	u32      number of features, then each: u16 length of the name, name; f64 gain;
//	         u8 0 numeric or 1 categorical; if 1, u8 number of codes, then each u16, ascending
//	u32      number of trees, then each: u16 number of nodes, then each node, the root first
//
// A node is u16 the distance to its left child, the right one following that; 0 marks a leaf, which goes on with f64 its
// value. A split goes on with u16 its feature and, if that is numeric, u8 1 if missing values go left and f64 the
// largest number that goes left; if it is categorical, the bits of the bins that go left, bin 0 (missing) first, in as
// many bytes as the feature has bins, eight to a byte, those left over 0.
const magic = "ttboost\x01"

// MaxEncoded is the most bytes Decode takes.
const MaxEncoded = 1 << 28

const (
	maxName  = 4096
	maxNodes = 2*MaxLeaves - 1
)

// Encode returns the model as bytes that Decode reads back; equal models have equal bytes.
func (m *Model) Encode() []byte {
	le := binary.LittleEndian
	float := func(b []byte, x float64) []byte { return le.AppendUint64(b, math.Float64bits(x)) }
	flag := func(b []byte, x bool) []byte {
		if x {
			return append(b, 1)
		}
		return append(b, 0)
	}
	b := flag([]byte(magic), m.objective == Squared)
	b = float(b, m.base)
	b = le.AppendUint32(b, uint32(len(m.inputs)))
	for i := range m.inputs {
		in := &m.inputs[i]
		b = le.AppendUint16(b, uint16(len(in.name)))
		b = append(b, in.name...)
		b = float(b, m.gain[i])
		if b = flag(b, in.categorical); in.categorical {
			b = append(b, uint8(len(in.codes)))
			for _, c := range in.codes {
				b = le.AppendUint16(b, c)
			}
		}
	}
	b = le.AppendUint32(b, uint32(len(m.trees)))
	for k := range m.trees {
		t := &m.trees[k]
		b = le.AppendUint16(b, uint16(len(t.nodes)))
		for i := range t.nodes {
			n := &t.nodes[i]
			if n.left < 0 {
				b = float(le.AppendUint16(b, 0), n.value)
				continue
			}
			b = le.AppendUint16(b, uint16(int(n.left)-i))
			b = le.AppendUint16(b, uint16(n.feature))
			if in := &m.inputs[n.feature]; in.categorical {
				for k := range setBytes(in) {
					b = append(b, uint8(t.sets[n.set][k/8]>>(k%8*8)))
				}
			} else {
				b = float(flag(b, n.missingLeft), n.value)
			}
		}
	}
	return b
}

func setBytes(in *input) int { return (len(in.codes) + 1 + 7) / 8 }

// Decode reads a model that Encode wrote; any other bytes are a *FormatError. It keeps no reference to data.
func Decode(data []byte) (*Model, error) {
	if len(data) > MaxEncoded {
		return nil, &FormatError{What: fmt.Sprintf("%d bytes", len(data)), Want: span(0, MaxEncoded)}
	}
	r := &reader{data: data}
	if string(r.take(len(magic))) != magic {
		r.fail("other bytes", "the beginning of a model of version 1")
	}
	m := &Model{objective: Logistic}
	if r.flag("objective") {
		m.objective = Squared
	}
	m.base = r.finite("base")
	r.features(m)
	trees := r.length("trees", int(r.u32()), 0, MaxTrees, 2+2+8)
	for range trees {
		if t := r.tree(m); r.err == nil {
			m.trees = append(m.trees, t)
		}
	}
	if r.err == nil && len(r.data) > r.at {
		r.fail(fmt.Sprintf("%d more bytes", len(r.data)-r.at), "the end")
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// reader reads from data; after its first failure everything it returns is zero.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) fail(what, want string) {
	if r.err == nil {
		r.err = &FormatError{Offset: r.at, What: what, Want: want}
	}
}

// take returns the next n bytes, nil if there are not as many.
func (r *reader) take(n int) []byte {
	if r.err == nil && len(r.data)-r.at < n {
		r.fail("the end", fmt.Sprintf("%d more bytes", n))
	}
	if r.err != nil {
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *reader) number(size int) (x uint64) {
	for i, b := range r.take(size) {
		x |= uint64(b) << (8 * i)
	}
	return x
}

func (r *reader) u16() int    { return int(r.number(2)) }
func (r *reader) u32() uint32 { return uint32(r.number(4)) }

func (r *reader) float() float64 { return math.Float64frombits(r.number(8)) }

func (r *reader) finite(name string) float64 {
	x := r.float()
	if !finite(x) {
		r.fail(fmt.Sprintf("%s %v", name, x), "a finite number")
	}
	return x
}

func (r *reader) flag(name string) bool {
	x := r.number(1)
	if x > 1 {
		r.fail(fmt.Sprintf("%s %d", name, x), "0 or 1")
	}
	return x == 1
}

// length checks a count of things of at least size bytes each, so that no more is allotted than bytes are there.
func (r *reader) length(name string, n, least, most, size int) int {
	if n < least || n > most {
		r.fail(fmt.Sprintf("%d %s", n, name), span(least, most))
	}
	if r.err == nil && n > (len(r.data)-r.at)/size {
		r.fail(fmt.Sprintf("%d %s in the %d bytes left", n, name, len(r.data)-r.at), "as many as are there")
	}
	if r.err != nil {
		return 0
	}
	return n
}

func (r *reader) features(m *Model) {
	n := r.length("features", int(r.u32()), 1, MaxFeatures, 2+8+1)
	m.inputs, m.gain = make([]input, n), make([]float64, n)
	names := make(map[string]bool, n)
	for i := range n {
		in := &m.inputs[i]
		in.name = string(r.take(r.length("bytes of a name", r.u16(), 0, maxName, 1)))
		if names[in.name] && r.err == nil {
			r.fail(fmt.Sprintf("a second feature %q", in.name), "unique names")
		}
		names[in.name] = true
		if m.gain[i] = r.finite("gain"); m.gain[i] < 0 {
			r.fail(fmt.Sprintf("gain %v", m.gain[i]), "0 or more")
		}
		if in.categorical = r.flag("kind of feature"); !in.categorical {
			continue
		}
		codes := r.length("codes", int(r.number(1)), 0, MaxBins, 2)
		for k := range codes {
			c := uint16(r.number(2))
			if k > 0 && c <= in.codes[k-1] {
				r.fail(fmt.Sprintf("code %d after %d", c, in.codes[k-1]), "ascending codes")
			}
			in.codes = append(in.codes, c)
		}
	}
}

func (r *reader) tree(m *Model) tree {
	count := r.length("nodes", r.u16(), 1, maxNodes, 2+2+1)
	t := tree{nodes: make([]node, count)}
	child := make([]bool, count) // has a parent
	for i := range t.nodes {
		n := &t.nodes[i]
		if i > 0 && !child[i] {
			r.fail(fmt.Sprintf("node %d of no parent", i), "a child of a node before it")
		}
		step := r.u16()
		if step == 0 {
			*n = node{left: -1, value: r.finite("leaf value")}
			continue
		}
		left := i + step
		if r.err != nil || left+1 >= count || child[left] || child[left+1] {
			r.fail(fmt.Sprintf("node %d with children %d and %d", i, left, left+1), "two nodes of the tree without another parent")
			return t
		}
		child[left], child[left+1] = true, true
		*n = node{left: int32(left), right: int32(left + 1), feature: int32(r.u16())}
		if int(n.feature) >= len(m.inputs) {
			r.fail(fmt.Sprintf("feature %d", n.feature), span(0, len(m.inputs)-1))
			return t
		}
		in := &m.inputs[n.feature]
		if !in.categorical {
			n.missingLeft = r.flag("direction")
			if n.value = r.float(); n.value != n.value {
				r.fail("a threshold that is not a number", "a number")
			}
			continue
		}
		var set binSet
		for k, b := range r.take(setBytes(in)) {
			set[k/8] |= uint64(b) << (k % 8 * 8)
		}
		for bin := len(in.codes) + 1; bin < 8*setBytes(in); bin++ {
			if set.has(uint8(bin)) {
				r.fail(fmt.Sprintf("bin %d of a feature of %d codes", bin, len(in.codes)), "no more bins than codes and missing")
			}
		}
		n.set = int32(len(t.sets))
		n.missingLeft = set.has(0)
		t.sets = append(t.sets, set)
	}
	return t
}
