package traffic

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/trimtab/trimtab"
)

// tape is one of the two logs of an endpoint: a row of pieces of which the last
// may be open.
type tape struct {
	dir      string
	kind     kind
	endpoint Endpoint
	cfg      *Config

	// mu guards all below and the pieces.
	mu     sync.Mutex
	pieces []*piece // oldest first; the slice is replaced, never changed in place
	open   *piece   // the last of pieces, nil when none is open
	next   int      // number of the next piece
	broken error    // an fsync or a repair failed: nothing more is written
	buf    []byte
}

// openTape reads what is in dir, which need not exist.
func openTape(dir string, k kind, ep Endpoint, cfg *Config) (_ *tape, cut int64, err error) {
	t := &tape{dir: dir, kind: k, endpoint: ep, cfg: cfg, next: 1}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, 0, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	has := map[string]bool{}
	var ids []string
	for _, f := range files {
		name := f.Name()
		if strings.HasSuffix(name, ".tmp") {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return nil, 0, err
			}
			continue
		}
		has[name] = true
		id, ext, _ := strings.Cut(name, ".")
		n, err := strconv.Atoi(id)
		if err != nil || len(id) != 8 || (ext != "log" && ext != "json") {
			continue
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
		t.next = max(t.next, n+1)
	}
	slices.Sort(ids)
	for i, id := range ids {
		var p *piece
		if has[id+".json"] {
			if p, err = openSealed(dir, k, id, cfg.Log); err != nil {
				return nil, cut, err
			}
			if has[id+".log"] { // the process died between the seal and the removal
				if err := os.Remove(filepath.Join(dir, id+".log")); err != nil {
					return nil, cut, err
				}
			}
		} else {
			var n int64
			if p, n, err = openPiece(dir, k, id, cfg.Log); err != nil {
				return nil, cut, err
			}
			cut += n
			if i == len(ids)-1 {
				t.open = p
			}
		}
		t.pieces = append(t.pieces, p)
	}
	return t, cut, nil
}

func (t *tape) close() error {
	t.mu.Lock()
	pieces := t.pieces
	if t.broken == nil {
		t.broken = trimtab.Errorf(trimtab.Unavailable, "endpoint "+t.endpoint.Name, "the traffic log is closed")
	}
	t.mu.Unlock()
	var errs []error
	for _, p := range pieces {
		if p.sealed != nil {
			errs = append(errs, p.sealed.index.file.Close())
			continue
		}
		t.mu.Lock()
		size := p.size
		t.mu.Unlock()
		errs = append(errs, p.sync(t, size), p.release())
	}
	return errors.Join(errs...)
}

// writable returns the open piece, making one when there is none. t.mu is held.
func (t *tape) writable() (*piece, error) {
	if t.broken != nil {
		return nil, &trimtab.Error{Kind: trimtab.Unavailable, Subject: "endpoint " + t.endpoint.Name, Err: t.broken,
			Msg: fmt.Sprintf("the %s of endpoint %s cannot be logged: the disk failed; start the server again once it is sound", t.kind, t.endpoint.Name)}
	}
	if t.open != nil {
		return t.open, nil
	}
	p, err := createPiece(t.dir, t.kind, fmt.Sprintf("%08d", t.next), t.cfg.Clock())
	if err != nil {
		return nil, t.unwritable(err)
	}
	t.next++
	t.open = p
	t.pieces = append(slices.Clip(t.pieces), p)
	return p, nil
}

func (t *tape) unwritable(err error) error {
	return &trimtab.Error{Op: "traffic", Kind: trimtab.Unavailable, Subject: "endpoint " + t.endpoint.Name, Err: err,
		Msg: fmt.Sprintf("the %s of endpoint %s cannot be logged: the disk refused the write", t.kind, t.endpoint.Name)}
}

// append writes bytes to the open piece; what was written in part is taken back. t.mu is held.
func (t *tape) append(p *piece, b []byte) error {
	if _, err := p.file.Write(b); err != nil {
		if e := p.file.Truncate(p.size); e != nil {
			t.broken = errors.Join(err, e)
		} else if _, e := p.file.Seek(p.size, 0); e != nil {
			t.broken = errors.Join(err, e)
		}
		return t.unwritable(err)
	}
	p.size += int64(len(b))
	return nil
}

// time returns the event time of a logged prediction. t.mu is held.
func (t *tape) time(k key) (at trimtab.Time, ok bool, err error) {
	for _, p := range slices.Backward(t.pieces) {
		if p.sealed != nil {
			if at, ok, err = p.sealed.index.time(k); ok || err != nil {
				return at, ok, err
			}
			continue
		}
		if at, ok := p.index.times[k]; ok {
			return at, true, nil
		}
	}
	return 0, false, nil
}

// labelsOf calls visit with the labels of k, the newest first, until it returns false. t.mu is held.
func (t *tape) labelsOf(k key, visit func(known) bool) error {
	for _, p := range slices.Backward(t.pieces) {
		if p.sealed == nil {
			if !p.index.labelsOf(k, visit) {
				return nil
			}
			continue
		}
		more, err := p.sealed.index.labelsOf(k, visit)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// full reports whether the open piece is to be frozen. t.mu is held.
func (t *tape) full(p *piece, now trimtab.Time) bool {
	return p.rows >= t.cfg.SealRows || p.size >= t.cfg.SealBytes || (p.rows > 0 && now.Sub(p.created) >= t.cfg.SealAge)
}

// freeze ends the open piece, so that the next write begins another one. t.mu is held.
func (t *tape) freeze() { t.open = nil }

// encoded is a batch ready to be written: the frame but for its head and schema number, and what the index needs.
type encoded struct {
	frame     []byte
	schema    *schema
	keys      []key
	times     []trimtab.Time
	watermark trimtab.Time
}

// encode fills e from b, reusing its memory.
func (e *encoded) encode(b *Batch, s *schema) error {
	n := b.Rows()
	e.schema, e.watermark = s, b.Watermark
	e.keys, e.times = e.keys[:0], e.times[:0]
	var id [MaxID + 24]byte
	for i := range n {
		e.keys = append(e.keys, keyOf(b.id(id[:0], i)))
		e.times = append(e.times, b.eventTime(i))
	}
	e.frame = appendBatch(beginFrame(e.frame[:0]), 0, b, nil)
	if len(e.frame)-frameHead > maxFrame {
		return trimtab.Errorf(trimtab.Invalid, "predictions", "a batch takes %d bytes in the log, the limit is %d; send fewer rows at once", len(e.frame)-frameHead, maxFrame)
	}
	return nil
}

// Receipt says what became of a batch.
type Receipt struct {
	Rows       int64 // logged now
	Duplicates int64 // not logged: their id was logged before
	Late       int64 // of the logged ones, those before the watermark
}

// write logs the rows of e whose id is new; they are durable once the returned piece is synced up to the returned size.
func (t *tape) write(e *encoded) (r Receipt, p *piece, upto int64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, err = t.writable(); err != nil {
		return r, nil, 0, err
	}
	number := p.schemaNumber(e.schema)
	if number == -2 {
		t.freeze()
		if p, err = t.writable(); err != nil {
			return r, nil, 0, err
		}
		number = -1
	}
	var keep []int
	for i, k := range e.keys {
		_, twice, err := t.time(k)
		if err != nil {
			t.forget(p, e, keep, i)
			return Receipt{}, nil, 0, t.unwritable(err)
		}
		if twice {
			if r.Duplicates == 0 {
				keep = append(make([]int, 0, len(e.keys)), upTo(i)...)
			}
			r.Duplicates++
			continue
		}
		if r.Duplicates > 0 {
			keep = append(keep, i)
		}
		p.index.times[k] = e.times[i]
	}
	if r.Duplicates == int64(len(e.keys)) {
		return r, p, p.size, nil
	}
	frame := e.frame
	if r.Duplicates > 0 {
		if frame, err = subset(e, keep); err != nil {
			t.forget(p, e, keep, len(e.keys))
			return Receipt{}, nil, 0, err
		}
	} else {
		keep = nil
	}
	fresh := number < 0
	if fresh {
		number = len(p.schemas)
		t.buf = appendSchema(beginFrame(t.buf[:0]), number, e.schema)
		endFrame(t.buf, 0)
	}
	binary.LittleEndian.PutUint32(frame[frameHead+1:], uint32(number))
	endFrame(frame, 0)
	if fresh {
		t.buf = append(t.buf, frame...)
		frame = t.buf
	}
	if err := t.append(p, frame); err != nil {
		t.forget(p, e, keep, len(e.keys))
		return Receipt{}, nil, 0, err
	}
	if fresh {
		p.schemas = append(slices.Clip(p.schemas), e.schema)
		p.current = number
	}
	for i := range e.keys {
		if keep != nil && (len(keep) == 0 || keep[0] != i) {
			continue
		}
		if keep != nil {
			keep = keep[1:]
		}
		p.span(e.times[i], e.watermark)
		r.Rows++
		if e.times[i] < e.watermark {
			r.Late++
		}
	}
	upto = p.size
	if t.full(p, t.cfg.Clock()) {
		t.freeze()
	}
	return r, p, upto, nil
}

// forget takes the first n keys of e out of the index again; keep lists the ones that were put in, nil for all.
func (t *tape) forget(p *piece, e *encoded, keep []int, n int) {
	if keep == nil {
		keep = upTo(n)
	}
	for _, i := range keep {
		delete(p.index.times, e.keys[i])
	}
}

// subset encodes anew the given rows of e.
func subset(e *encoded, rows []int) ([]byte, error) {
	var r record
	frame := slices.Clone(e.frame)
	binary.LittleEndian.PutUint32(frame[frameHead+1:], 0)
	if err := r.decode(frame[frameHead+1:], []*schema{e.schema}, true); err != nil {
		return nil, fmt.Errorf("traffic: a batch does not read back: %w", err)
	}
	return appendBatch(beginFrame(nil), 0, r.batch(), rows), nil
}

// writeLabels logs labels; an exact repetition is counted and not kept. matched
// returns the event time of a logged prediction.
func (t *tape) writeLabels(b *LabelBatch, matched func(key) (trimtab.Time, bool, error)) (r LabelReceipt, p *piece, upto int64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, err = t.writable(); err != nil {
		return r, nil, 0, err
	}
	type added struct {
		k key
		l known
	}
	var keep []int
	var news []added
	inBatch := map[key][]known{}
	var id [MaxID + 24]byte
	for i := range b.Labels {
		l := &b.Labels[i]
		k := keyOf(append(id[:0], l.ID...))
		n := known{value: l.Value, at: l.KnownAt, mark: b.Watermark, null: l.Null}
		at, ok, err := matched(k)
		if err != nil {
			return LabelReceipt{}, nil, 0, t.unwritable(err)
		}
		if ok {
			r.Matched++
			if at < b.ClosedBefore {
				r.Late++
			}
		} else {
			r.Unmatched++
		}
		before, same := false, false
		see := func(o known) bool {
			before = true
			same = same || (o.value == n.value && o.at == n.at && o.null == n.null)
			return !same
		}
		for _, o := range slices.Backward(inBatch[k]) {
			if !see(o) {
				break
			}
		}
		if !same {
			if err := t.labelsOf(k, see); err != nil {
				return LabelReceipt{}, nil, 0, t.unwritable(err)
			}
		}
		if before {
			r.Repeated++
		}
		if same {
			continue
		}
		inBatch[k] = append(inBatch[k], n)
		keep = append(keep, i)
		news = append(news, added{k, n})
	}
	if len(keep) == 0 {
		return r, p, p.size, nil
	}
	t.buf = appendLabels(beginFrame(t.buf[:0]), b, keep)
	endFrame(t.buf, 0)
	if err := t.append(p, t.buf); err != nil {
		return LabelReceipt{}, nil, 0, err
	}
	r.kept = int64(len(keep))
	for j, i := range keep {
		p.index.addLabel(news[j].k, news[j].l)
		p.span(b.Labels[i].EventTime, 0)
	}
	upto = p.size
	if t.full(p, t.cfg.Clock()) {
		t.freeze()
	}
	return r, p, upto, nil
}

// manifest says whose folder it is.
type manifest struct {
	Format    int               `json:"format"`
	Workspace trimtab.Workspace `json:"workspace"`
	Endpoint  string            `json:"endpoint"`
}

// writeFile makes a file appear whole and durably, or not at all.
func writeFile(path string, body []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func readManifest(dir string) (m manifest, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "endpoint.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%s: %w", dir, err)
	}
	if m.Format != formatVersion {
		return m, fmt.Errorf("%s: has format version %d, this program reads %d", dir, m.Format, formatVersion)
	}
	return m, nil
}
