package traffic

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"
	"sort"

	"github.com/trimtab/trimtab"
)

// key stands for a request id in the indexes: the first 16 bytes of its SHA-256,
// so that ids of any length cost the same and nobody can make two collide.
type key [16]byte

func keyOf(id []byte) key {
	sum := sha256.Sum256(id)
	return key(sum[:16])
}

// known is one known label of an id.
type known struct {
	value float64
	at    trimtab.Time // known-at
	mark  trimtab.Time // watermark when it came
	null  bool
}

// memIndex indexes the rows of a piece that is not sealed. A prediction has its
// event time; an id may have several labels, chained from the newest back.
type memIndex struct {
	times  map[key]trimtab.Time
	newest map[key]int32
	chain  []chained
}

type chained struct {
	known
	before int32
}

func newMemIndex(k kind) *memIndex {
	if k == labels {
		return &memIndex{newest: map[key]int32{}}
	}
	return &memIndex{times: map[key]trimtab.Time{}}
}

func (x *memIndex) addLabel(k key, l known) {
	before, ok := x.newest[k]
	if !ok {
		before = -1
	}
	x.newest[k] = int32(len(x.chain))
	x.chain = append(x.chain, chained{l, before})
}

// labelsOf calls visit with the labels of k, the newest first, until it returns false.
func (x *memIndex) labelsOf(k key, visit func(known) bool) bool {
	i, ok := x.newest[k]
	for ok && i >= 0 {
		if !visit(x.chain[i].known) {
			return false
		}
		i = x.chain[i].before
	}
	return true
}

// An index file begins with "TTIDX", the kind and the version; then entry size,
// fence spacing, count, size of the Bloom filter; the filter; the fences; the
// CRC32C of all that; the entries, sorted by key.
const (
	indexHead       = 32
	fenceEvery      = 128
	bloomBits       = 10 // a row
	bloomProbes     = 7
	predictionEntry = 16 + 8
	labelEntry      = 16 + 8 + 8 + 8 + 8
)

func entrySize(k kind) int {
	if k == labels {
		return labelEntry
	}
	return predictionEntry
}

// entries returns the index as sorted index-file entries. Labels of one id keep their order of arrival.
func (x *memIndex) entries(k kind) []byte {
	size := entrySize(k)
	var out []byte
	if k == predictions {
		out = make([]byte, 0, len(x.times)*size)
		for id, t := range x.times {
			out = append(out, id[:]...)
			out = binary.LittleEndian.AppendUint64(out, uint64(t))
		}
	} else {
		type pair struct {
			k key
			i int32
		}
		pairs := make([]pair, 0, len(x.chain))
		for id, i := range x.newest {
			for ; i >= 0; i = x.chain[i].before {
				pairs = append(pairs, pair{id, i})
			}
		}
		slices.SortFunc(pairs, func(a, b pair) int {
			if c := bytes.Compare(a.k[:], b.k[:]); c != 0 {
				return c
			}
			return int(a.i) - int(b.i)
		})
		out = make([]byte, 0, len(pairs)*size)
		for _, p := range pairs {
			l := x.chain[p.i].known
			out = append(out, p.k[:]...)
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(l.value))
			out = binary.LittleEndian.AppendUint64(out, uint64(l.at))
			out = binary.LittleEndian.AppendUint64(out, uint64(l.mark))
			flags := uint64(0)
			if l.null {
				flags = labelNull
			}
			out = binary.LittleEndian.AppendUint64(out, flags)
		}
		return out
	}
	n := len(out) / size
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return bytes.Compare(out[a*size:a*size+16], out[b*size:b*size+16])
	})
	sorted := make([]byte, 0, len(out))
	for _, i := range order {
		sorted = append(sorted, out[i*size:(i+1)*size]...)
	}
	return sorted
}

// appendIndexFile encodes sorted entries as an index file.
func appendIndexFile(b []byte, k kind, entries []byte) []byte {
	size := entrySize(k)
	n := len(entries) / size
	bloom := make([]byte, (n*bloomBits+7)/8+8)
	var fences []byte
	for i := range n {
		e := entries[i*size:]
		bloomSet(bloom, key(e[:16]))
		if i%fenceEvery == 0 {
			fences = append(fences, e[:8]...)
		}
	}
	start := len(b)
	b = append(b, "TTIDX"...)
	b = append(b, byte(k))
	b = binary.LittleEndian.AppendUint16(b, formatVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = binary.LittleEndian.AppendUint32(b, fenceEvery)
	b = binary.LittleEndian.AppendUint64(b, uint64(n))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(bloom)))
	b = append(b, bloom...)
	b = append(b, fences...)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
	return append(b, entries...)
}

func bloomSet(bloom []byte, k key) {
	h1, h2 := binary.LittleEndian.Uint64(k[:]), binary.LittleEndian.Uint64(k[8:])|1
	bits := uint64(len(bloom)) * 8
	for range bloomProbes {
		bloom[h1%bits/8] |= 1 << (h1 % bits % 8)
		h1 += h2
	}
}

func bloomHas(bloom []byte, k key) bool {
	h1, h2 := binary.LittleEndian.Uint64(k[:]), binary.LittleEndian.Uint64(k[8:])|1
	bits := uint64(len(bloom)) * 8
	for range bloomProbes {
		if bloom[h1%bits/8]&(1<<(h1%bits%8)) == 0 {
			return false
		}
		h1 += h2
	}
	return true
}

// diskIndex looks ids up in an index file. The filter and every 128th key are in
// memory, about two bytes a row; a lookup that passes the filter reads one block.
type diskIndex struct {
	file   *os.File
	kind   kind
	size   int
	count  int64
	bloom  []byte
	fences []uint64
	base   int64 // where the entries begin
}

// openIndex reads the head of an index file, which it takes over: Close closes it.
func openIndex(f *os.File, k kind) (*diskIndex, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, indexHead)
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("index %s: %w", f.Name(), err)
	}
	bad := func(why string) (*diskIndex, error) { return nil, fmt.Errorf("index %s: %s", f.Name(), why) }
	if string(head[:5]) != "TTIDX" || head[5] != byte(k) || binary.LittleEndian.Uint16(head[6:]) != formatVersion {
		return bad("is no index of this kind and version")
	}
	x := &diskIndex{file: f, kind: k, size: int(binary.LittleEndian.Uint32(head[8:]))}
	every := binary.LittleEndian.Uint32(head[12:])
	count, bloom := binary.LittleEndian.Uint64(head[16:]), binary.LittleEndian.Uint64(head[24:])
	if x.size != entrySize(k) || every != fenceEvery {
		return bad("has an unknown layout")
	}
	if count > uint64(st.Size()) || bloom > uint64(st.Size()) || bloom == 0 {
		return bad("is shorter than it says")
	}
	fences := (count + fenceEvery - 1) / fenceEvery
	x.count, x.base = int64(count), indexHead+int64(bloom+fences*8+4)
	if x.base+x.count*int64(x.size) != st.Size() {
		return bad("is shorter or longer than it says")
	}
	rest := make([]byte, x.base-indexHead)
	if _, err := f.ReadAt(rest, indexHead); err != nil && err != io.EOF {
		return nil, fmt.Errorf("index %s: %w", f.Name(), err)
	}
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, rest[:len(rest)-4])
	if sum != binary.LittleEndian.Uint32(rest[len(rest)-4:]) {
		return bad("its checksum is wrong")
	}
	x.bloom = rest[:bloom:bloom]
	x.fences = make([]uint64, fences)
	for i := range x.fences {
		x.fences[i] = binary.BigEndian.Uint64(rest[bloom+uint64(i)*8:])
	}
	return x, nil
}

// find calls visit with every entry of k in order.
func (x *diskIndex) find(k key, visit func(entry []byte)) error {
	if x.count == 0 || !bloomHas(x.bloom, k) {
		return nil
	}
	prefix := binary.BigEndian.Uint64(k[:])
	block := sort.Search(len(x.fences), func(i int) bool { return x.fences[i] >= prefix })
	if block > 0 {
		block--
	}
	buf := make([]byte, fenceEvery*x.size)
	for ; block < len(x.fences); block++ {
		first := int64(block) * fenceEvery
		n := min(fenceEvery, x.count-first)
		p := buf[:int(n)*x.size]
		if _, err := x.file.ReadAt(p, x.base+first*int64(x.size)); err != nil {
			return fmt.Errorf("index %s: %w", x.file.Name(), err)
		}
		i := sort.Search(int(n), func(i int) bool { return bytes.Compare(p[i*x.size:i*x.size+16], k[:]) >= 0 })
		for ; i < int(n); i++ {
			e := p[i*x.size : (i+1)*x.size]
			if key(e[:16]) != k {
				return nil
			}
			visit(e)
		}
	}
	return nil
}

func (x *diskIndex) time(k key) (t trimtab.Time, ok bool, err error) {
	err = x.find(k, func(e []byte) { t, ok = trimtab.Time(binary.LittleEndian.Uint64(e[16:])), true })
	return t, ok, err
}

// labelsOf calls visit with the labels of k, the newest first, until it returns false.
func (x *diskIndex) labelsOf(k key, visit func(known) bool) (bool, error) {
	var found []known
	err := x.find(k, func(e []byte) {
		found = append(found, known{
			value: math.Float64frombits(binary.LittleEndian.Uint64(e[16:])),
			at:    trimtab.Time(binary.LittleEndian.Uint64(e[24:])),
			mark:  trimtab.Time(binary.LittleEndian.Uint64(e[32:])),
			null:  binary.LittleEndian.Uint64(e[40:])&labelNull != 0,
		})
	})
	for _, l := range slices.Backward(found) {
		if !visit(l) {
			return false, err
		}
	}
	return true, err
}
