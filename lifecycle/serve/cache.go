package serve

import (
	"context"
	"errors"
	"sync"

	"github.com/trimtab/trimtab"
)

// modelCache keeps the models that were used last, bounded by memory. The zero
// value is ready; it is safe for concurrent use.
type modelCache struct {
	limit int64 // bytes; 0: defaultCache

	mu    sync.Mutex
	kept  map[trimtab.Digest]*cached // guarded by mu, as all below
	bytes int64
	tick  int64
}

// defaultCache bounds the models that are kept to score logged rows.
const defaultCache = 256 << 20

// cached is a model that is loaded, or being loaded until ready is closed.
type cached struct {
	ready chan struct{}
	model *Model // set before ready is closed, with err
	err   error
	used  int64
}

// get returns the model of a manifest, loading it when it is not kept. Callers that
// want the same model at once wait for one load. A failed load is not remembered.
func (c *modelCache) get(ctx context.Context, d trimtab.Digest, load func(context.Context) (*Model, error)) (*Model, error) {
	for {
		c.mu.Lock()
		if c.kept == nil {
			c.kept = map[trimtab.Digest]*cached{}
		}
		c.tick++
		e := c.kept[d]
		if e == nil {
			e = &cached{ready: make(chan struct{}), used: c.tick}
			c.kept[d] = e
			c.mu.Unlock()
			return c.fill(ctx, d, e, load)
		}
		e.used = c.tick
		c.mu.Unlock()
		select {
		case <-e.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if e.err == nil {
			return e.model, nil
		}
		if !trimtab.IsKind(e.err, trimtab.Canceled) && !errors.Is(e.err, context.Canceled) && !errors.Is(e.err, context.DeadlineExceeded) {
			return nil, e.err
		}
		// The one who loaded has left; try again for this caller.
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

func (c *modelCache) fill(ctx context.Context, d trimtab.Digest, e *cached, load func(context.Context) (*Model, error)) (*Model, error) {
	m, err := load(ctx)
	c.mu.Lock()
	e.model, e.err = m, err
	if err != nil {
		delete(c.kept, d)
	} else {
		c.bytes += m.bytes
		c.evict(e)
	}
	c.mu.Unlock()
	close(e.ready)
	return m, err
}

// evict drops the models that were not used for longest until the rest fits; keep
// stays even when it is too large by itself.
func (c *modelCache) evict(keep *cached) {
	limit := c.limit
	if limit == 0 {
		limit = defaultCache
	}
	for c.bytes > limit {
		var oldest trimtab.Digest
		for d, e := range c.kept {
			if e != keep && e.model != nil && (oldest == "" || e.used < c.kept[oldest].used) {
				oldest = d
			}
		}
		if oldest == "" {
			return
		}
		c.bytes -= c.kept[oldest].model.bytes
		delete(c.kept, oldest)
	}
}
