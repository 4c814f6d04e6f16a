package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// RowID names a row of a source: 32 hexadecimal digits of the SHA-256 over the
// source's name and the texts of its key, each with its length before it. It is
// the same whatever file format or column type the key came in.
func RowID(source string, key ...string) string {
	sum := rowHash(nil, source, key)
	return hex.EncodeToString(sum[:])
}

type rowSum [16]byte

// rowHash uses buf as working memory.
func rowHash(buf []byte, source string, key []string) rowSum {
	buf = binary.AppendUvarint(buf[:0], uint64(len(source)))
	buf = append(buf, source...)
	for _, k := range key {
		buf = binary.AppendUvarint(buf, uint64(len(k)))
		buf = append(buf, k...)
	}
	sum := sha256.Sum256(buf)
	return rowSum(sum[:16])
}

// keys reads the key of each row of a batch.
type keys struct {
	source string
	cols   []*table.Column
	texts  []string
	buf    []byte
}

func newKeys(source string, spec trimtab.SourceSpec, t *table.Table) *keys {
	k := &keys{source: source, texts: make([]string, len(spec.Key))}
	for _, name := range spec.Key {
		k.cols = append(k.cols, t.Column(name))
	}
	return k
}

// sum is the row's id; row is its number in the file, for the error.
func (k *keys) sum(i int, row int64) (rowSum, error) {
	for j, c := range k.cols {
		if c.Null(i) {
			return rowSum{}, trimtab.Errorf(trimtab.Invalid, "datasource "+k.source, "row %d of DataSource %q has no value in the key column %q", row+1, k.source, c.Name)
		}
		k.texts[j] = c.Text(i)
	}
	return rowHash(k.buf, k.source, k.texts), nil
}

// twice is the error of a key that two rows share; i is the second row in its batch.
func (k *keys) twice(i int, first, second int64) error {
	var parts []string
	for _, c := range k.cols {
		parts = append(parts, c.Name+"="+strconv.Quote(c.Text(i)))
	}
	return trimtab.Errorf(trimtab.Invalid, "datasource "+k.source, "rows %d and %d of DataSource %q have the same key (%s); a key names one row", first+1, second+1, k.source, strings.Join(parts, ", "))
}

// counts prints counts by reason, sorted.
func counts(m map[string]int64) string {
	if len(m) == 0 {
		return "none"
	}
	var parts []string
	for reason, n := range m {
		parts = append(parts, strconv.FormatInt(n, 10)+" "+reason)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
