package traffic

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/trimtab/trimtab"
)

// piece is one segment of a log: open (appended to), frozen (complete, about to
// be sealed) or sealed. Everything but the sync state is guarded by the tape's mutex.
type piece struct {
	id      string
	created trimtab.Time
	rows    int64
	first   trimtab.Time // span of event times
	last    trimtab.Time
	onTime  trimtab.Time // the first event time of a row that was not late, 0 when all were

	// open and frozen
	version int // of the file's format
	file    *os.File
	size    int64
	index   *memIndex
	schemas []*schema
	current int // number of the schema used last

	sealed *sealed // nil until the piece is sealed

	// syncMu guards synced and failed. It is taken before the tape's mutex.
	syncMu sync.Mutex
	synced int64
	failed error
}

// sealed is a piece in its final form.
type sealed struct {
	meta  sealedMeta
	index *diskIndex
}

// span counts a row with event time t that came when the watermark stood at mark.
func (p *piece) span(t, mark trimtab.Time) {
	if t >= mark && (p.onTime == 0 || t < p.onTime) {
		p.onTime = t
	}
	if p.rows == 0 || t < p.first {
		p.first = t
	}
	if p.rows == 0 || t > p.last {
		p.last = t
	}
	p.rows++
}

// schemaNumber returns the number of s in the piece, -1 when it was not declared,
// -2 when its columns contradict those of another schema of the piece.
func (p *piece) schemaNumber(s *schema) int {
	if p.current < len(p.schemas) && p.schemas[p.current] == s {
		return p.current
	}
	for i, o := range p.schemas {
		if o == s || o.equal(s) {
			p.schemas[i] = s
			p.current = i
			return i
		}
	}
	for _, o := range p.schemas {
		for _, f := range s.inputs {
			for _, g := range o.inputs {
				if f.Name == g.Name && f.Type != g.Type {
					return -2
				}
			}
		}
	}
	return -1
}

// createPiece makes an empty log file and its entry in the folder durable.
func createPiece(dir string, k kind, id string, now trimtab.Time) (_ *piece, err error) {
	f, err := os.OpenFile(filepath.Join(dir, id+".log"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(appendFileHead(nil, k, now)); err != nil {
		return nil, err
	}
	if err = f.Sync(); err != nil {
		return nil, err
	}
	if err = syncDir(dir); err != nil {
		return nil, err
	}
	return &piece{id: id, created: now, version: rowsVersion, file: f, size: fileHead, synced: fileHead, index: newMemIndex(k)}, nil
}

// openPiece reads a log file back: its index, schemas and span. A torn tail is
// cut off. A damaged frame with sound frames behind it was never acknowledged or
// is damage of the disk; it is skipped and the rest is kept.
func openPiece(dir string, k kind, id string, log *slog.Logger) (p *piece, cut int64, err error) {
	f, err := os.OpenFile(filepath.Join(dir, id+".log"), os.O_RDWR, 0)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("traffic log %s: %w", f.Name(), err), f.Close())
		}
	}()
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	end := st.Size()
	p = &piece{id: id, created: trimtab.TimeOf(st.ModTime()), file: f, index: newMemIndex(k)}
	if end < fileHead {
		// The process died while it made the file: nothing in it was acknowledged.
		if _, err = f.WriteAt(appendFileHead(nil, k, p.created), 0); err != nil {
			return nil, 0, err
		}
		end, cut = fileHead, end
		if err = f.Truncate(end); err != nil {
			return nil, 0, err
		}
	}
	head := make([]byte, fileHead)
	if _, err = f.ReadAt(head, 0); err != nil {
		return nil, 0, err
	}
	if err = checkFileHead(head, k); err != nil {
		return nil, 0, err
	}
	p.version = int(binary.LittleEndian.Uint16(head[6:]))
	p.created = trimtab.Time(binary.LittleEndian.Uint64(head[8:]))
	good := int64(fileHead)
	for at := int64(fileHead); at < end; {
		fr := newFrameReader(io.NewSectionReader(f, at, end-at), at, end)
		var bad *damage
		for {
			payload, err := fr.next()
			if err == nil {
				if e := p.load(k, payload); e != nil {
					err = &damage{fr.offset - frameHead - int64(len(payload)), e.Error()}
				}
			}
			if errors.Is(err, io.EOF) {
				good = fr.offset
				break
			}
			if errors.As(err, &bad) {
				break
			}
			if err != nil {
				return nil, 0, err
			}
			good = fr.offset
		}
		if bad == nil {
			break
		}
		next := resume(f, bad.offset, end)
		if next == 0 {
			cut += end - bad.offset
			good = bad.offset
			log.Warn("torn tail of a traffic log cut", "file", f.Name(), "bytes", end-bad.offset, "reason", bad.reason)
			break
		}
		log.Error("damaged frame in a traffic log skipped", "file", f.Name(), "offset", bad.offset, "bytes", next-bad.offset, "reason", bad.reason)
		at = next
	}
	if good < end {
		if err = f.Truncate(good); err != nil {
			return nil, 0, err
		}
	}
	if err = f.Sync(); err != nil {
		return nil, 0, err
	}
	if _, err = f.Seek(good, io.SeekStart); err != nil {
		return nil, 0, err
	}
	p.size, p.synced = good, good
	return p, cut, nil
}

// resume returns the offset of a sound frame behind the damaged one at offset, 0 when there is none.
func resume(f *os.File, offset, end int64) int64 {
	var head [frameHead]byte
	if _, err := f.ReadAt(head[:], offset); err != nil {
		return 0
	}
	next := offset + frameHead + int64(binary.LittleEndian.Uint32(head[:]))
	if next <= offset+frameHead || next >= end {
		return 0
	}
	fr := newFrameReader(io.NewSectionReader(f, next, end-next), next, end)
	if _, err := fr.next(); err != nil {
		return 0
	}
	return next
}

// load takes one payload into the index.
func (p *piece) load(k kind, payload []byte) error {
	switch what := payload[0]; {
	case what == payloadSchema && k == predictions:
		return p.declare(payload[1:])
	case (what == payloadPredictions || what == payloadQuarantined) && k == predictions:
		var r record
		if err := r.decode(payload, p.schemas, false); err != nil {
			return err
		}
		for i, id := range r.ids {
			x := keyOf(id)
			if _, ok := p.index.times[x]; !ok {
				p.index.times[x] = r.times[i]
				p.span(r.times[i], r.watermark)
			}
		}
		return nil
	case what == payloadLabels && k == labels:
		var r labelRecord
		if err := r.decode(payload[1:]); err != nil {
			return err
		}
		for i, id := range r.ids {
			l := r.labels[i]
			p.index.addLabel(keyOf(id), known{value: l.Value, at: l.KnownAt, mark: r.watermark, null: l.Null})
			p.span(l.EventTime, 0)
		}
		return nil
	default:
		return fmt.Errorf("it has the kind %d, which a log of %s does not hold", what, k)
	}
}

func (p *piece) declare(payload []byte) error {
	d := &decoder{b: payload}
	number, s := d.schema()
	if d.err != nil {
		return d.err
	}
	if number != len(p.schemas) {
		return fmt.Errorf("schema %d follows %d schemas", number, len(p.schemas))
	}
	p.schemas = append(p.schemas, s)
	return nil
}

// sync returns when the first upto bytes are on the disk. One fsync serves all that wait.
func (p *piece) sync(t *tape, upto int64) error {
	p.syncMu.Lock()
	defer p.syncMu.Unlock()
	if p.failed != nil {
		return p.failed
	}
	if p.synced >= upto {
		return nil
	}
	t.mu.Lock()
	size := p.size
	t.mu.Unlock()
	if err := p.file.Sync(); err != nil {
		// What the kernel did with the pages is unknown now; nothing more is acknowledged until the log is opened anew.
		p.failed = fmt.Errorf("traffic log %s: %w", p.file.Name(), err)
		t.mu.Lock()
		t.broken = p.failed
		t.mu.Unlock()
		return p.failed
	}
	p.synced = size
	return nil
}

// release marks the piece durable for good and closes its log file.
func (p *piece) release() error {
	p.syncMu.Lock()
	defer p.syncMu.Unlock()
	if p.file == nil {
		return nil
	}
	p.synced = math.MaxInt64
	return p.file.Close()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
