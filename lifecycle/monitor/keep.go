package monitor

import "sync"

// keep holds on to what was made last, at most a number of things: what was known at a border never changes, so that
// nothing in it grows old. It is safe for concurrent use.
type keep[K comparable, V any] struct {
	most  int
	mu    sync.Mutex
	kept  map[K]V // guarded by mu, as is order
	order []K
}

func (x *keep[K, V]) get(k K) (V, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	v, ok := x.kept[k]
	return v, ok
}

func (x *keep[K, V]) put(k K, v V) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.kept == nil {
		x.kept = map[K]V{}
	}
	if _, ok := x.kept[k]; !ok {
		x.order = append(x.order, k)
	}
	x.kept[k] = v
	for len(x.order) > x.most {
		delete(x.kept, x.order[0])
		x.order = x.order[1:]
	}
}
