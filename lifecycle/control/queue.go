package control

import "sync"

// queue holds keys that wait. A key waits at most once; while it is being
// worked on, adding it makes it wait again only after done.
type queue struct {
	mu     sync.Mutex
	ready  *sync.Cond
	keys   []string            // guarded by mu, as all below
	queued map[string]struct{} // in keys, or wanted again once done
	busy   map[string]struct{} // being worked on
	closed bool
}

func newQueue() *queue {
	q := &queue{queued: map[string]struct{}{}, busy: map[string]struct{}{}}
	q.ready = sync.NewCond(&q.mu)
	return q
}

func (q *queue) add(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, waits := q.queued[key]; waits || q.closed {
		return
	}
	q.queued[key] = struct{}{}
	if _, busy := q.busy[key]; !busy {
		q.keys = append(q.keys, key)
		q.ready.Signal()
	}
}

// take waits for a key; ok is false once the queue is closed.
func (q *queue) take() (key string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.keys) == 0 && !q.closed {
		q.ready.Wait()
	}
	if q.closed {
		return "", false
	}
	key = q.keys[0]
	q.keys[0] = ""
	q.keys = q.keys[1:]
	delete(q.queued, key)
	q.busy[key] = struct{}{}
	return key, true
}

func (q *queue) done(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, key)
	if _, again := q.queued[key]; again && !q.closed {
		q.keys = append(q.keys, key)
		q.ready.Signal()
	}
}

func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.queued)
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.ready.Broadcast()
}
