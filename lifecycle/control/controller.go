package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
)

// Result is what a reconciler wants next. The zero Result waits for the next Add.
type Result struct {
	After time.Duration // come back after this long at the latest; 0 = only when added
}

// Config describes a controller. Zero fields mean the documented defaults.
type Config struct {
	Name string
	// Reconcile brings the thing with the key nearer to what it should be. It is
	// never run twice at once for one key. It must be idempotent.
	Reconcile func(ctx context.Context, key string) (Result, error)
	// Report is told when a key fails, and once when it works again: the caller
	// keeps it as a condition of the thing. It may be nil.
	Report     func(ctx context.Context, key string, c trimtab.Condition)
	Workers    int           // default 4
	MinBackoff time.Duration // after the first error; doubles; default 200 ms
	MaxBackoff time.Duration // default 1 min
	Clock      trimtab.Clock // default the system's
	Log        *slog.Logger  // default discards
}

// Stats counts what a controller has done since it was made.
type Stats struct {
	Done, Failed, Panicked int64
	Waiting                int // keys that wait for a worker now
}

// Controller works through keys. It is safe for concurrent use.
type Controller struct {
	cfg   Config
	queue *queue

	mu     sync.Mutex
	tries  map[string]int // errors in a row, guarded by mu
	timers map[string]*timer
	stats  Stats
	closed bool
}

// timer is the pending wake-up of a key.
type timer struct {
	at time.Time
	t  *time.Timer
}

// New makes a controller that does nothing before Run. Keys may be added before.
func New(cfg Config) *Controller {
	if cfg.Workers <= 0 {
		cfg.Workers = 4
	}
	if cfg.MinBackoff <= 0 {
		cfg.MinBackoff = 200 * time.Millisecond
	}
	if cfg.MaxBackoff <= 0 {
		cfg.MaxBackoff = time.Minute
	}
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Controller{cfg: cfg, queue: newQueue(), tries: map[string]int{}, timers: map[string]*timer{}}
}

// Add asks for a key to be reconciled soon. A key that already waits is not
// added again; one that is being worked on is worked on once more.
func (c *Controller) Add(keys ...string) {
	for _, k := range keys {
		c.queue.add(k)
	}
}

// AddAfter asks for a key to be reconciled after d. Of several wishes the earliest counts.
func (c *Controller) AddAfter(key string, d time.Duration) {
	if d <= 0 {
		c.Add(key)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	at := time.Now().Add(d)
	if t := c.timers[key]; t != nil {
		if !t.at.After(at) {
			return
		}
		t.t.Stop()
	}
	t := &timer{at: at}
	t.t = time.AfterFunc(d, func() {
		c.mu.Lock()
		if c.timers[key] == t {
			delete(c.timers, key)
		}
		c.mu.Unlock()
		c.queue.add(key)
	})
	c.timers[key] = t
}

// Stats returns the counts.
func (c *Controller) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Waiting = c.queue.waiting()
	return s
}

// Run works through keys until ctx ends, then lets the workers finish what they
// are at and returns nil. It is called once.
func (c *Controller) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.queue.close)
	defer stop()
	var wg sync.WaitGroup
	for range c.cfg.Workers {
		wg.Go(func() {
			for {
				key, ok := c.queue.take()
				if !ok {
					return
				}
				c.work(ctx, key)
				c.queue.done(key)
			}
		})
	}
	wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, t := range c.timers {
		t.t.Stop()
	}
	return nil
}

func (c *Controller) work(ctx context.Context, key string) {
	result, err := c.reconcile(ctx, key)
	if err != nil && ctx.Err() != nil {
		return // the program stops; what was cut off is taken up at the next start
	}
	c.mu.Lock()
	failed := c.tries[key]
	if err == nil {
		delete(c.tries, key)
		c.stats.Done++
	} else {
		c.tries[key]++
		c.stats.Failed++
	}
	c.mu.Unlock()
	if err == nil {
		if failed > 0 {
			c.report(ctx, key, trimtab.Condition{Type: "Reconciled", Status: true, Since: c.cfg.Clock()})
		}
		if result.After > 0 {
			c.AddAfter(key, result.After)
		}
		return
	}
	cond := trimtab.Condition{Type: "Reconciled", Reason: "Error", Message: trimtab.Message(err), Since: c.cfg.Clock()}
	if final, ok := errors.AsType[*terminal](err); ok {
		c.cfg.Log.ErrorContext(ctx, "reconciling failed for good", "controller", c.cfg.Name, "key", key, "error", final.err)
		cond.Reason, cond.Message = "Terminal", trimtab.Message(final.err)
		c.report(ctx, key, cond)
		return
	}
	if _, ok := errors.AsType[*panicked](err); ok {
		cond.Reason = "Panic"
	}
	wait := c.backoff(failed)
	c.cfg.Log.WarnContext(ctx, "reconciling failed", "controller", c.cfg.Name, "key", key, "error", err, "tries", failed+1, "retry_in", wait)
	c.report(ctx, key, cond)
	c.AddAfter(key, wait)
}

func (c *Controller) report(ctx context.Context, key string, cond trimtab.Condition) {
	if c.cfg.Report == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			c.cfg.Log.ErrorContext(ctx, "reporting a condition panicked", "controller", c.cfg.Name, "key", key, "panic", r)
		}
	}()
	c.cfg.Report(ctx, key, cond)
}

// reconcile turns a panic into an error.
func (c *Controller) reconcile(ctx context.Context, key string) (result Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.mu.Lock()
			c.stats.Panicked++
			c.mu.Unlock()
			c.cfg.Log.ErrorContext(ctx, "reconciling panicked", "controller", c.cfg.Name, "key", key, "panic", r, "stack", string(debug.Stack()))
			err = &panicked{r}
		}
	}()
	return c.cfg.Reconcile(ctx, key)
}

// backoff is the wait after n errors before this one: doubling, with the last
// half left to chance so that keys that failed together do not return together.
func (c *Controller) backoff(n int) time.Duration {
	d := c.cfg.MaxBackoff
	if n < 30 {
		d = min(d, c.cfg.MinBackoff<<n)
	}
	return d/2 + rand.N(d/2+1)
}

type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

type terminal struct{ err error }

func (t *terminal) Error() string { return t.err.Error() }
func (t *terminal) Unwrap() error { return t.err }

// Terminal marks an error that trying again cannot cure: the key is not tried
// again until it is added, and the condition's reason is "Terminal". nil stays nil.
func Terminal(err error) error {
	if err == nil {
		return nil
	}
	return &terminal{err}
}
