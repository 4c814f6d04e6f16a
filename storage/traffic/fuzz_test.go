package traffic

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func seedLog(t testing.TB, k kind) []byte {
	b := appendFileHead(nil, k, 1)
	frame := func(p []byte) {
		start := len(b)
		b = append(beginFrame(b), p...)
		endFrame(b, start)
	}
	if k == labels {
		frame(appendLabels(nil, &LabelBatch{Labels: []Label{{ID: "a", Value: 1, KnownAt: 2}, {ID: "b", Null: true, KnownAt: 3}}, Watermark: 4}, []int{0, 1}))
		return b
	}
	batch := rows(0, 3, day)
	frame(appendSchema(nil, 0, batch.schema()))
	frame(appendBatch(nil, 0, batch, nil))
	batch.IDs, batch.Prefix, batch.EventTimes = nil, "r", batch.EventTimes[:1]
	frame(appendBatch(nil, 0, batch, nil))
	batch.Prefix, batch.Quarantine = "q", []string{"", "rule", ""}
	frame(appendBatch(nil, 0, batch, nil))
	return b
}

// FuzzOpenLog opens arbitrary bytes as a log: it never panics, what it accepts
// opens a second time to the same rows, and the reader of rows agrees with the index.
func FuzzOpenLog(f *testing.F) {
	for _, k := range []kind{predictions, labels} {
		b := seedLog(f, k)
		f.Add(b, k == labels)
		f.Add(b[:len(b)-3], k == labels)
		b = bytes.Clone(b)
		b[len(b)-5] ^= 4
		f.Add(b, k == labels)
	}
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, b []byte, isLabels bool) {
		k := predictions
		if isLabels {
			k = labels
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "00000001.log")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		p, _, err := openPiece(dir, k, "00000001", log)
		if err != nil {
			return
		}
		if err := p.release(); err != nil {
			t.Fatal(err)
		}
		// Damage with nothing but unreadable frames behind it is cut only now: no row depends on it.
		q, _, err := openPiece(dir, k, "00000001", log)
		if err != nil || q.size > p.size || q.rows != p.rows {
			t.Fatalf("second open: %v, %d bytes (first %d), %d rows (first %d)", err, q.size, p.size, q.rows, p.rows)
		}
		if err := q.release(); err != nil {
			t.Fatal(err)
		}
		v := view{dir: dir, kind: k, id: "00000001", size: q.size, schemas: q.schemas, rows: q.rows}
		n := int64(0)
		for tab, err := range v.tables(t.Context(), func(string) bool { return true }) {
			if err != nil {
				t.Fatal(err)
			}
			if err := tab.Check(); err != nil {
				return // a schema that names a column twice is no table
			}
			n += int64(tab.Rows())
		}
		if n < q.rows {
			t.Fatalf("%d rows read, %d indexed", n, q.rows)
		}
	})
}

// FuzzPayload decodes arbitrary payloads directly, past the checksum.
func FuzzPayload(f *testing.F) {
	batch := rows(0, 3, day)
	f.Add(appendBatch(nil, 0, batch, nil))
	held := rows(0, 3, day)
	held.Quarantine = []string{"", "wind <= 200", ""}
	f.Add(appendBatch(nil, 0, held, nil))
	f.Add(appendSchema(nil, 0, batch.schema())[1:])
	f.Add(appendLabels(nil, &LabelBatch{Labels: []Label{{ID: "a", Value: 1, KnownAt: 2}}}, []int{0})[1:])
	f.Fuzz(func(t *testing.T, p []byte) {
		var r record
		if r.decode(p, []*schema{batch.schema()}, true) == nil {
			var again record
			q := appendBatch(nil, 0, r.batch(), nil)
			if err := again.decode(q, []*schema{batch.schema()}, true); err != nil || again.rows != r.rows || !slices.Equal(again.batch().Quarantine, r.batch().Quarantine) {
				t.Fatalf("re-encoded: %v", err)
			}
		}
		var lr labelRecord
		_ = lr.decode(p)
		d := &decoder{b: p}
		d.schema()
	})
}

func FuzzIndex(f *testing.F) {
	x := newMemIndex(predictions)
	for _, id := range []string{"a", "b", "c"} {
		x.times[keyOf([]byte(id))] = 7
	}
	f.Add(appendIndexFile(nil, predictions, x.entries(predictions)))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "x.idx")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := openIndexFile(path, predictions)
		if err != nil {
			return
		}
		if _, _, err := d.time(keyOf([]byte("a"))); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if err := d.file.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
