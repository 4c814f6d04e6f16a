package traffic

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/trimtab/trimtab"
)

// encoded is a batch ready to be written: the frame but for its head and schema number, and what the index needs.
type encoded struct {
	frame     []byte
	schema    *schema
	keys      []key
	times     []trimtab.Time
	watermark trimtab.Time
	held      []bool // one a row; empty when no row is quarantined
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
	e.held = e.held[:0]
	for _, rule := range b.Quarantine {
		e.held = append(e.held, rule != "")
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

	quarantined int64 // of the logged ones
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
		if len(e.held) > 0 && e.held[i] {
			r.quarantined++
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
	if err := r.decode(frame[frameHead:], []*schema{e.schema}, true); err != nil {
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
