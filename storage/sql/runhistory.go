package sql

import (
	"crypto/sha256"
	dbsql "database/sql"
	"encoding/binary"
	"hash"
	"math"

	"github.com/trimtab/trimtab"
)

// histories returns, by run, the digest of every point that a run has logged:
// SHA-256 over each key in order (its length as eight bytes, its bytes, in front
// of its first point) and each point in the order (step, time, value): step and
// time as int64, the value's bits, one byte that says NaN; all little-endian. A
// run without points has none. The points are streamed, in one query.
func histories(s *session, rids []int64) (map[int64]trimtab.Digest, error) {
	out := map[int64]trimtab.Digest{}
	if len(rids) == 0 {
		return out, nil
	}
	st := &statement{engine: s.engine}
	st.add("SELECT s.rid, s.key, p.step, p.time, p.value, p.nan FROM series s JOIN points p ON p.series = s.id WHERE ")
	if len(rids) == 1 { // at the end of a run: in the order of the indexes, without a sort
		st.add("s.rid = ?", rids[0])
	} else {
		st.among("s.rid", rids)
	}
	st.add(" ORDER BY s.rid, s.key, p.step, p.time, p.value, p.nan")
	rows, err := st.rows(s)
	var h hash.Hash
	var at int64
	var key string
	begun := false
	end := func() {
		if begun {
			out[at] = trimtab.DigestFrom([sha256.Size]byte(h.Sum(nil)))
		}
	}
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var rid, step, time, nan int64
		var k string
		var value float64
		if err := rows.Scan(&rid, &k, &step, &time, &value, &nan); err != nil {
			return err
		}
		var b []byte
		if fresh := !begun || rid != at; fresh || k != key {
			if fresh {
				end()
				h, at, begun = sha256.New(), rid, true
			}
			key = k
			b = append(binary.LittleEndian.AppendUint64(b, uint64(len(k))), k...)
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(step))
		b = binary.LittleEndian.AppendUint64(b, uint64(time))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(value))
		h.Write(append(b, byte(nan)))
		return nil
	})
	end()
	return out, err
}
