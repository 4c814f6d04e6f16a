package traffic

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// sealedMeta is the file ID.json of a sealed piece: its presence is the seal.
type sealedMeta struct {
	Format  int            `json:"format"`
	Digest  trimtab.Digest `json:"digest"` // of ID.parquet
	Rows    int64          `json:"rows"`
	First   int64          `json:"first"` // milliseconds
	Last    int64          `json:"last"`
	OnTime  int64          `json:"onTime"` // first event time of a row that was not late, 0 when all were
	Bytes   int64          `json:"bytes"`
	Created int64          `json:"created"`
	Sealed  int64          `json:"sealed"`
}

// seal turns a frozen piece into Parquet, index and meta, in that order, and
// removes the log. A crash between any two steps leaves a piece that opens: as a
// log before the meta is there, as sealed after.
func (t *tape) seal(ctx context.Context, p *piece) error {
	t.mu.Lock()
	size := p.size
	t.mu.Unlock()
	if err := p.sync(t, size); err != nil {
		return err
	}
	base := filepath.Join(t.dir, p.id)
	v := view{dir: t.dir, kind: t.kind, id: p.id, size: size, schemas: p.schemas, rows: p.rows, first: p.first, last: p.last}
	fields := labelFields
	if t.kind == predictions {
		fields = fieldsOf(p.schemas)
	}
	meta := sealedMeta{Format: rowsVersion, Rows: p.rows, First: int64(p.first), Last: int64(p.last), OnTime: int64(p.onTime),
		Created: int64(p.created), Sealed: int64(t.cfg.Clock())}
	var err error
	if meta.Digest, meta.Bytes, err = writeTables(ctx, base+".parquet", fields, v); err != nil {
		return err
	}
	if err := writeFile(base+".idx", appendIndexFile(nil, t.kind, p.index.entries(t.kind))); err != nil {
		return err
	}
	f, err := os.Open(base + ".idx")
	if err != nil {
		return err
	}
	index, err := openIndex(f, t.kind)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	body, err := json.Marshal(meta)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if err := writeFile(base+".json", body); err != nil {
		return errors.Join(err, f.Close())
	}
	t.mu.Lock()
	p.sealed = &sealed{meta: meta, index: index}
	p.index = nil
	t.mu.Unlock()
	return errors.Join(p.release(), os.Remove(base+".log"))
}

// writeTables writes the rows of a view as a Parquet file that appears whole or not at all.
func writeTables(ctx context.Context, path string, fields []table.Field, v view) (_ trimtab.Digest, size int64, err error) {
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(path+".tmp"))
		}
	}()
	sum := sha256.New()
	out := bufio.NewWriterSize(&tee{f: f, sum: sum.Write, size: &size}, 256<<10)
	w, err := table.NewParquetWriter(out, fields, parquetOptions)
	if err != nil {
		return "", 0, err
	}
	rows := int64(0)
	for t, e := range v.tables(ctx, func(string) bool { return true }) {
		if e != nil {
			err = e
			return "", 0, err
		}
		if err = w.Write(t); err != nil {
			return "", 0, err
		}
		rows += int64(t.Rows())
	}
	if rows != v.rows {
		err = fmt.Errorf("traffic log %s holds %d rows, its index %d", path, rows, v.rows)
		return "", 0, err
	}
	if err = w.Close(); err != nil {
		return "", 0, err
	}
	if err = out.Flush(); err != nil {
		return "", 0, err
	}
	if err = f.Sync(); err != nil {
		return "", 0, err
	}
	if err = f.Close(); err != nil {
		return "", 0, err
	}
	if err = os.Rename(path+".tmp", path); err != nil {
		return "", 0, err
	}
	return trimtab.DigestFrom([sha256.Size]byte(sum.Sum(nil))), size, syncDir(filepath.Dir(path))
}

type tee struct {
	f    *os.File
	sum  func([]byte) (int, error)
	size *int64
}

func (t *tee) Write(p []byte) (int, error) {
	n, err := t.f.Write(p)
	_, _ = t.sum(p[:n]) // a hash never fails
	*t.size += int64(n)
	return n, err
}

// openSealed opens a sealed piece; an index that is lost or damaged is made anew from the rows.
func openSealed(dir string, k kind, id string, log *slog.Logger) (*piece, error) {
	base := filepath.Join(dir, id)
	body, err := os.ReadFile(base + ".json")
	if err != nil {
		return nil, err
	}
	var m sealedMeta
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("%s.json: %w", base, err)
	}
	if err := checkVersion(m.Format); err != nil {
		return nil, fmt.Errorf("%s.json: %w", base, err)
	}
	p := &piece{id: id, created: trimtab.Time(m.Created), rows: m.Rows, first: trimtab.Time(m.First), last: trimtab.Time(m.Last), onTime: trimtab.Time(m.OnTime)}
	index, err := openIndexFile(base+".idx", k)
	if err != nil {
		log.Warn("index of a sealed traffic log is made anew", "file", base+".idx", "reason", err)
		x, e := indexOf(view{dir: dir, kind: k, id: id, sealed: true, rows: m.Rows})
		if e != nil {
			return nil, errors.Join(err, e)
		}
		if e := writeFile(base+".idx", appendIndexFile(nil, k, x.entries(k))); e != nil {
			return nil, errors.Join(err, e)
		}
		if index, err = openIndexFile(base+".idx", k); err != nil {
			return nil, err
		}
	}
	p.sealed = &sealed{meta: m, index: index}
	return p, nil
}

func openIndexFile(path string, k kind) (*diskIndex, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	x, err := openIndex(f, k)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return x, nil
}

// indexOf reads the index of a sealed piece from its rows.
func indexOf(v view) (*memIndex, error) {
	x := newMemIndex(v.kind)
	want := []string{ColumnID, ColumnEventTime, ColumnValue, ColumnKnownAt, ColumnWatermark}
	for t, err := range v.tables(context.Background(), func(name string) bool { return slices.Contains(want, name) }) {
		if err != nil {
			return nil, err
		}
		ids, times := t.Column(ColumnID), t.Column(ColumnEventTime)
		if ids == nil || times == nil {
			return nil, fmt.Errorf("traffic segment %s lacks the columns %s and %s", v.id, ColumnID, ColumnEventTime)
		}
		for i, id := range ids.Strings {
			k := keyOf([]byte(id))
			if v.kind == predictions {
				x.times[k] = timeAt(times, i)
				continue
			}
			l := known{at: timeAt(t.Column(ColumnKnownAt), i), mark: timeAt(t.Column(ColumnWatermark), i), null: true}
			if c := t.Column(ColumnValue); c != nil && !c.Null(i) {
				l.value, l.null = c.Float64s[i], false
			}
			x.addLabel(k, l)
		}
	}
	return x, nil
}

// segment is the record of a sealed piece. t.mu is not needed: a sealed piece never changes.
func (t *tape) segment(p *piece) trimtab.Segment {
	m := p.sealed.meta
	return trimtab.Segment{Workspace: t.endpoint.Workspace, Endpoint: t.endpoint.Name, Log: t.kind.String(), ID: p.id, Digest: m.Digest,
		Rows: m.Rows, First: trimtab.Time(m.First), Last: trimtab.Time(m.Last), Bytes: m.Bytes, Created: trimtab.Time(m.Sealed)}
}

// settle seals what is frozen, or full by now, and reports what was not reported yet.
func (t *tape) settle(ctx context.Context, all bool) error {
	t.mu.Lock()
	if p := t.open; p != nil && p.rows > 0 && (all || t.full(p, t.cfg.Clock())) {
		t.freeze()
	}
	pieces, open := t.pieces, t.open
	t.mu.Unlock()
	for _, p := range pieces {
		if p == open {
			continue
		}
		t.mu.Lock()
		done := p.sealed != nil
		t.mu.Unlock()
		if !done {
			if err := t.seal(ctx, p); err != nil {
				return fmt.Errorf("seal %s of endpoint %s: %w", t.kind, t.endpoint.Name, err)
			}
		}
		mark := filepath.Join(t.dir, p.id+".recorded")
		if _, err := os.Stat(mark); t.cfg.Sealed == nil || !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := t.cfg.Sealed(ctx, t.segment(p)); err != nil {
			return fmt.Errorf("record the sealed %s of endpoint %s: %w", t.kind, t.endpoint.Name, err)
		}
		if err := os.WriteFile(mark, nil, 0o640); err != nil {
			return err
		}
	}
	return nil
}
