package serve

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab/pure/table"
)

// Bounds of what waits to be scored in the shadow: beyond them it is dropped and counted.
const (
	shadowQueue = 256
	shadowBytes = 64 << 20
)

// shadow scores requests with the version of a rollout after they have been
// answered. It tells whether that version answers and how fast; what it answers is
// discarded. No answer ever waits for it.
type shadow struct {
	queue chan shadowed
	bytes atomic.Int64 // that wait
}

// shadowed is one answered request.
type shadowed struct {
	served *served
	config *config
	sent   sent
	bytes  int64
}

// offer takes a copy of a request unless too many wait.
func (w *shadow) offer(s *served, cfg *config, q sent) {
	size := int64(len(q.body))
	for _, t := range q.tensors {
		size += int64(t.Data.Len()) * 8 // an estimate; texts are longer
	}
	if len(w.queue) >= cap(w.queue) || w.bytes.Load()+size > shadowBytes {
		s.candidateMeters.shadowDropped.Inc()
		return
	}
	q.body = slices.Clone(q.body) // the front uses it again; tensors are the request's own
	w.bytes.Add(size)
	select {
	case w.queue <- shadowed{s, cfg, q, size}:
	default:
		w.bytes.Add(-size)
		s.candidateMeters.shadowDropped.Inc()
	}
}

// run scores what waits until ctx ends.
func (w *shadow) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-w.queue:
			job.score()
			w.bytes.Add(-job.bytes)
		}
	}
}

func (j *shadowed) score() {
	m, counts, begun := j.served.candidate, j.served.candidateMeters, time.Now()
	var inputs table.Table
	t, d, err := j.sent.read(m, &inputs, j.config)
	if err == nil {
		w := m.worker()
		err = m.predict(w, t)
		m.release(w)
	}
	if d != nil {
		m.decoders.Put(d)
	}
	counts.shadowed.Add(1)
	if err != nil {
		counts.shadowFaults.Add(1)
		counts.shadowFailed.Inc()
	} else {
		counts.shadowOK.Inc()
	}
	counts.shadowSeconds.Observe(time.Since(begun).Seconds())
}
