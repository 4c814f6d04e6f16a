package control

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trimtab/trimtab"
)

// run starts a controller inside a synctest bubble and returns its stop.
func run(c *Controller) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	return func() { cancel(); <-done }
}

func TestKeysCoalesceAndNeverRunTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		busy, runs := map[string]bool{}, map[string]int{}
		c := New(Config{Workers: 8, Reconcile: func(ctx context.Context, key string) (Result, error) {
			mu.Lock()
			if busy[key] {
				t.Errorf("%s runs twice at once", key)
			}
			busy[key] = true
			runs[key]++
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			busy[key] = false
			mu.Unlock()
			return Result{}, nil
		}})
		for range 10 {
			c.Add("a", "b") // before Run: each waits once
		}
		stop := run(c)
		time.Sleep(500 * time.Millisecond)
		for range 10 {
			c.Add("a") // while a is worked on: once more, later
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if runs["a"] != 2 || runs["b"] != 1 {
			t.Errorf("a ran %d times, b %d; want 2 and 1", runs["a"], runs["b"])
		}
		stop()
	})
}

func TestErrorsBackOffAndAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		var conds []trimtab.Condition
		c := New(Config{MinBackoff: time.Second, MaxBackoff: 4 * time.Second,
			Reconcile: func(ctx context.Context, key string) (Result, error) {
				at = append(at, time.Since(start))
				switch len(at) {
				case 1, 2, 4:
					return Result{}, errors.New("the disk is slow")
				case 3:
					panic("a defect")
				}
				return Result{}, nil
			},
			Report: func(ctx context.Context, key string, cond trimtab.Condition) { conds = append(conds, cond) }})
		stop := run(c)
		c.Add("k")
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(at) != 5 {
			t.Fatalf("ran %d times, want 5", len(at))
		}
		for i, lo := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 2 * time.Second} {
			if d := at[i+1] - at[i]; d < lo || d > 2*lo {
				t.Errorf("wait %d was %v, want %v to %v", i, d, lo, 2*lo)
			}
		}
		if len(conds) != 5 || conds[2].Reason != "Panic" || conds[0].Reason != "Error" || conds[0].Status || !conds[4].Status {
			t.Errorf("conditions %+v", conds)
		}
		if s := c.Stats(); s.Done != 1 || s.Failed != 4 || s.Panicked != 1 || s.Waiting != 0 {
			t.Errorf("stats %+v", s)
		}
		stop()
	})
}

func TestTerminalErrorsWaitForAnAdd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		var cond trimtab.Condition
		c := New(Config{
			Reconcile: func(ctx context.Context, key string) (Result, error) {
				runs++
				return Result{}, Terminal(trimtab.Errorf(trimtab.Unsupported, "x", "flavor x is not served"))
			},
			Report: func(ctx context.Context, key string, c trimtab.Condition) { cond = c }})
		stop := run(c)
		c.Add("k")
		time.Sleep(time.Hour)
		if runs != 1 || cond.Reason != "Terminal" || cond.Message != "flavor x is not served" {
			t.Errorf("ran %d times with %+v", runs, cond)
		}
		c.Add("k")
		synctest.Wait()
		if runs != 2 {
			t.Errorf("ran %d times after another Add, want 2", runs)
		}
		stop()
	})
}

func TestTheEarliestWishCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		c := New(Config{Reconcile: func(ctx context.Context, key string) (Result, error) {
			at = append(at, time.Since(start))
			if len(at) == 1 {
				return Result{After: 10 * time.Second}, nil
			}
			return Result{}, nil
		}})
		stop := run(c)
		c.AddAfter("k", time.Minute)
		c.AddAfter("k", 5*time.Second)
		c.AddAfter("k", time.Hour)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(at) != 2 || at[0] != 5*time.Second || at[1] != 15*time.Second {
			t.Errorf("ran at %v, want 5s and 15s", at)
		}
		stop()
		c.AddAfter("k", time.Second) // after the end: nothing, and no timer stays behind
	})
}
