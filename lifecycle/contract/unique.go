package contract

import (
	"hash/maphash"
	"math"

	"github.com/trimtab/trimtab/pure/table"
)

// digest stands for a value or a key: 128 bits, so that two different ones among
// billions never meet by chance. The single value of a number is its own digest.
type digest [2]uint64

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// repeated finds the values, or the combinations of values, that came before. What
// came before is kept by a pass; of one sheet it only makes the digests.
type repeated struct {
	cols []int
	key  bool // a missing part fails
}

func newRepeated(cols ...int) repeated { return repeated{cols: cols} }

func (t repeated) asKey() repeated { t.key = true; return t }

// judge finds rows with a missing part of the key.
func (t repeated) judge(s *sheet, bad []int32) (int, []int32) {
	if !t.key {
		return 0, bad
	}
	for i := range s.rows {
		if t.incomplete(s, i) {
			bad = append(bad, int32(i))
		}
	}
	return s.rows, bad
}

func (t repeated) incomplete(s *sheet, row int) bool {
	for _, k := range t.cols {
		if c := s.cols[k]; c == nil || c.Missing(row) {
			return true
		}
	}
	return false
}

// digests makes one digest a row; ok is false where a part is missing.
func (t repeated) digests(s *sheet) (sums []digest, ok []bool) {
	sums, ok = make([]digest, s.rows), make([]bool, s.rows)
	if len(t.cols) == 1 {
		c := s.cols[t.cols[0]]
		for i := range s.rows {
			if c != nil && !c.Missing(i) {
				sums[i], ok[i] = one(c, i), true
			}
		}
		return sums, ok
	}
	var h [2]maphash.Hash
	h[0].SetSeed(seeds[0])
	h[1].SetSeed(seeds[1])
	for i := range s.rows {
		if t.incomplete(s, i) {
			continue
		}
		h[0].Reset()
		h[1].Reset()
		for _, k := range t.cols {
			d := one(s.cols[k], i)
			maphash.WriteComparable(&h[0], d)
			maphash.WriteComparable(&h[1], d)
		}
		sums[i], ok[i] = digest{h[0].Sum64(), h[1].Sum64()}, true
	}
	return sums, ok
}

// one is the digest of a value that is not missing.
func one(c *table.Column, i int) digest {
	switch c.Type {
	case table.Bool:
		if c.Bools[i] {
			return digest{1}
		}
		return digest{}
	case table.Int32:
		return digest{uint64(int64(c.Int32s[i]))}
	case table.Int64, table.Datetime:
		return digest{uint64(c.Int64s[i])}
	case table.Float32:
		return digest{math.Float64bits(float64(c.Float32s[i]) + 0)} // -0 equals 0
	case table.Float64:
		return digest{math.Float64bits(c.Float64s[i] + 0)}
	case table.String:
		return digest{maphash.String(seeds[0], c.Strings[i]), maphash.String(seeds[1], c.Strings[i])}
	}
	return digest{maphash.Bytes(seeds[0], c.Bytes[i]), maphash.Bytes(seeds[1], c.Bytes[i])}
}

// seen is the set of what came before: open addressing, at most half full.
type seen struct {
	slots []digest
	n     int
	zero  bool // the digest of zeros, which marks a free slot, was added
}

// add reports whether d is new, and keeps it.
func (s *seen) add(d digest) bool {
	if d == (digest{}) {
		was := s.zero
		s.zero = true
		return !was
	}
	if 2*s.n >= len(s.slots) {
		s.grow()
	}
	for i := s.at(d); ; i = (i + 1) & (len(s.slots) - 1) {
		switch s.slots[i] {
		case digest{}:
			s.slots[i] = d
			s.n++
			return true
		case d:
			return false
		}
	}
}

func (s *seen) at(d digest) int {
	const golden = 0x9E3779B97F4A7C15
	h := (d[0] ^ d[1]) * golden
	return int((h ^ h>>32) & uint64(len(s.slots)-1))
}

func (s *seen) grow() {
	old := s.slots
	s.slots = make([]digest, max(1024, 2*len(old)))
	for _, d := range old {
		if d == (digest{}) {
			continue
		}
		i := s.at(d)
		for s.slots[i] != (digest{}) {
			i = (i + 1) & (len(s.slots) - 1)
		}
		s.slots[i] = d
	}
}
