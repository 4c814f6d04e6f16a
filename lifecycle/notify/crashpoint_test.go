package notify_test

import (
	"errors"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

// Whatever the moment at which the program dies, every message arrives, a double has
// the id of the first, and no delivery is left open or written twice.
func TestEveryCrashPoint(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		reached := map[string]bool{}
		for n := 0; ; n++ {
			r := newReceiver(t)
			name := "hook" + string(rune('a'+n))
			w.crash = nil
			w.declare(name, webhook(r.URL))
			i, j := fault(name), fault("other"+name)
			w.open(i)
			w.open(j)
			count, died := 0, false
			w.crash = func(point string) error {
				count++
				if count == n+1 {
					died = true
					reached[point] = true
					return errCrash
				}
				return nil
			}
			work := func() error {
				if err := w.follow(); err != nil {
					return err
				}
				_, err := w.pass(10*time.Second, name)
				return err
			}
			err := work()
			if died != errors.Is(err, errCrash) {
				t.Fatalf("point %d: %v", n, err)
			}
			w.crash = nil
			w.restart()
			w.check(work())
			w.close(i)
			w.check(work())
			if got := w.states(name); got != "incident.open sent 1;incident.open sent 1;incident.close sent 1;" {
				t.Errorf("point %d: deliveries %s", n, got)
			}
			ids := map[string]string{}
			for k := range r.requests() {
				m := r.message(t, k)
				about := m.Group + " " + m.Event
				if ids[about] == "" {
					ids[about] = m.ID
				}
				if ids[about] != m.ID {
					t.Errorf("point %d: %s came with ids %s and %s", n, about, ids[about], m.ID)
				}
			}
			if len(ids) != 3 {
				t.Errorf("point %d: told %v, want 3 messages", n, ids)
			}
			// The next round has a channel of its own: this one goes.
			res, err := w.db.Resources.Get(w.ctx(), trimtab.KindChannel, name)
			w.check(err)
			w.check(w.db.Resources.Apply(w.ctx(), []trimtab.ResourceWrite{{Verb: trimtab.DeleteVerb, Resource: res}}))
			if !died {
				break
			}
		}
		if len(reached) != 5 {
			t.Errorf("died at %v, want all five points", reached)
		}
	})
}
