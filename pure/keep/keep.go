// Package keep holds on to what was made last. What it keeps must never change for its key, such as what was known at a
// moment or what a digest names, so nothing in it grows old and nothing has to be told to forget. It bounds the number of
// things, not their size, and refuses to make anything itself: two askers may both miss, and both put the same.
package keep

import "sync"

// Last keeps the values that were put last, at most so many; New makes one. It is safe for concurrent use.
type Last[K comparable, V any] struct {
	most  int
	mu    sync.Mutex
	kept  map[K]V // guarded by mu, as is order
	order []K
}

// New returns an empty one that keeps at most most values.
func New[K comparable, V any](most int) *Last[K, V] {
	return &Last[K, V]{most: most, kept: map[K]V{}}
}

// Get returns what is kept under k; ok is false when nothing is.
func (x *Last[K, V]) Get(k K) (v V, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	v, ok = x.kept[k]
	return v, ok
}

// Put keeps v under k, and lets go of what was put first when that is one too many.
func (x *Last[K, V]) Put(k K, v V) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.kept[k]; !ok {
		x.order = append(x.order, k)
	}
	x.kept[k] = v
	for len(x.order) > x.most {
		delete(x.kept, x.order[0])
		x.order = x.order[1:]
	}
}
