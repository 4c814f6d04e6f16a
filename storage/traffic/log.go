package traffic

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/trimtab/trimtab"
)

// Log is the traffic of one endpoint.
type Log struct {
	store       *Store
	endpoint    Endpoint
	predictions *tape
	labels      *tape
	cut         int64
	last        atomic.Pointer[schema] // of the batch before: batches mostly look alike
	sealing     sync.Mutex

	rows, lateRows, quarantined, duplicates, dropped, lost, labelRows atomic.Int64
}

// Stats counts since the log was opened, except Rows and Labels, which count all that is kept.
type Stats struct {
	Rows   int64 // predictions kept
	Labels int64 // label records kept
	Late   int64
	// Quarantined counts the rows logged with a quarantine rule.
	Quarantined int64
	Duplicates  int64
	Dropped     int64 // asynchronous rows that found the queue full
	Lost        int64 // asynchronous rows that could not be written
	Queued      int   // asynchronous batches that wait, of all endpoints
	CutBytes    int64 // of torn tails, cut when the log was opened
}

// Stats returns the counts.
func (l *Log) Stats() Stats {
	return Stats{Rows: l.rows.Load(), Labels: l.labelRows.Load(), Late: l.lateRows.Load(), Quarantined: l.quarantined.Load(), Duplicates: l.duplicates.Load(),
		Dropped: l.dropped.Load(), Lost: l.lost.Load(), Queued: len(l.store.queue), CutBytes: l.cut}
}

func (l *Log) count() {
	for _, p := range l.predictions.pieces {
		l.rows.Add(p.rows)
	}
	for _, p := range l.labels.pieces {
		l.labelRows.Add(p.rows)
	}
}

func (l *Log) schema(b *Batch) *schema {
	if s := l.last.Load(); s != nil && b.sameSchema(s) {
		return s
	}
	s := b.schema()
	l.last.Store(s)
	return s
}

func (l *Log) encode(b *Batch) (*encoded, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	e := l.store.free.Get().(*encoded)
	if err := e.encode(b, l.schema(b)); err != nil {
		l.store.free.Put(e)
		return nil, err
	}
	return e, nil
}

// Append logs the batch durably: when it returns without error, its rows are on
// the disk. Rows whose id was logged before are counted and not logged again.
// Once writing has begun it is not cancelled.
func (l *Log) Append(ctx context.Context, b *Batch) (r Receipt, err error) {
	if err := ctx.Err(); err != nil {
		return r, err
	}
	e, err := l.encode(b)
	if err != nil || len(e.keys) == 0 {
		return r, err
	}
	r, p, upto, err := l.write(e)
	l.store.free.Put(e)
	if err != nil {
		return Receipt{}, err
	}
	if err := p.sync(l.predictions, upto); err != nil {
		return Receipt{}, l.predictions.unwritable(err)
	}
	return r, nil
}

func (l *Log) write(e *encoded) (Receipt, *piece, int64, error) {
	r, p, upto, err := l.predictions.write(e)
	l.rows.Add(r.Rows)
	l.lateRows.Add(r.Late)
	l.quarantined.Add(r.quarantined)
	l.duplicates.Add(r.Duplicates)
	return r, p, upto, err
}

// Enqueue logs the batch asynchronously: Run writes it soon. It reports false
// when the queue is full, and the rows are dropped and counted; a batch that can
// never be logged is an error.
func (l *Log) Enqueue(b *Batch) (bool, error) {
	e, err := l.encode(b)
	if err != nil {
		return false, err
	}
	n := len(e.keys)
	if n == 0 {
		l.store.free.Put(e)
		return true, nil
	}
	// One batch always fits, however large, so that a large one is not dropped for ever.
	size := int64(len(e.frame))
	if waiting := l.store.bytes.Add(size); waiting == size || waiting <= l.store.cfg.QueueBytes {
		select {
		case l.store.queue <- queued{l, e}:
			return true, nil
		default:
		}
	}
	l.store.bytes.Add(-size)
	l.store.free.Put(e)
	l.dropped.Add(int64(n))
	return false, nil
}

func (l *Log) drain(e *encoded) {
	n := len(e.keys)
	l.store.bytes.Add(-int64(len(e.frame)))
	if _, _, _, err := l.write(e); err != nil {
		l.lost.Add(int64(n))
		l.store.cfg.Log.Error("predictions could not be logged", "endpoint", l.endpoint.Name, "rows", n, "error", err)
	}
	l.store.free.Put(e)
}

func (l *Log) flush() error {
	t := l.predictions
	t.mu.Lock()
	pieces := t.pieces
	t.mu.Unlock()
	for _, p := range pieces {
		t.mu.Lock()
		size, done := p.size, p.sealed != nil
		t.mu.Unlock()
		if done {
			continue
		}
		if err := p.sync(t, size); err != nil {
			return err
		}
	}
	return nil
}

// AppendLabels logs labels durably and counts them.
func (l *Log) AppendLabels(ctx context.Context, b *LabelBatch) (r LabelReceipt, err error) {
	if err := ctx.Err(); err != nil {
		return r, err
	}
	if err := b.check(); err != nil {
		return r, err
	}
	if len(b.Labels) == 0 {
		return r, nil
	}
	t := l.predictions
	r, p, upto, err := l.labels.writeLabels(b, func(k key) (trimtab.Time, bool, error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.time(k)
	})
	if err != nil {
		return LabelReceipt{}, err
	}
	l.labelRows.Add(r.kept)
	if err := p.sync(l.labels, upto); err != nil {
		return LabelReceipt{}, l.labels.unwritable(err)
	}
	return r, nil
}

// seal seals both logs. Seals of one endpoint never overlap.
func (l *Log) seal(ctx context.Context, all bool) error {
	l.sealing.Lock()
	defer l.sealing.Unlock()
	if err := l.predictions.settle(ctx, all); err != nil {
		return err
	}
	return l.labels.settle(ctx, all)
}
