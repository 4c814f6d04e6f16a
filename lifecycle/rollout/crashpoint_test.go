package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/rollout"
)

var errCrash = errors.New("killed here")

// crashing makes the n-th effect of the controller fail, before or after it; so do all
// later ones, for the process is dead.
type crashing struct {
	calls, at int
	after     bool
}

func (c *crashing) around(f func() error) error {
	c.calls++
	switch {
	case c.at == 0 || c.calls < c.at:
		return f()
	case c.calls == c.at && c.after:
		if err := f(); err != nil {
			return err
		}
	}
	return errCrash
}

type crashingStates struct {
	*crashing
	rollout.States
}

func (c crashingStates) Settle(ctx context.Context, s trimtab.Settlement) error {
	return c.around(func() error { return c.States.Settle(ctx, s) })
}

type crashingAliases struct {
	*crashing
	rollout.Aliases
}

func (c crashingAliases) SetAlias(ctx context.Context, m trimtab.ModelName, move trimtab.MoveAlias) (out trimtab.RegisteredModel, err error) {
	err = c.around(func() error { out, err = c.Aliases.SetAlias(ctx, m, move); return err })
	return out, err
}

type crashingDocuments[T trimtab.Document] struct {
	*crashing
	rollout.Documents[T]
}

func (c crashingDocuments[T]) Move(ctx context.Context, name string, rule func(old *T) (T, trimtab.Change, error)) (out T, err error) {
	err = c.around(func() error { out, err = c.Documents.Move(ctx, name, rule); return err })
	return out, err
}

// life is one endpoint that lives through a story in which the controller may be killed.
type life struct {
	*world
	name  string
	c     *rollout.Rollouts
	crash *crashing
	now   trimtab.Time
	s     stream
	// restarted counts kills.
	restarted int
}

func (l *life) start() {
	cfg := l.config()
	cfg.States = crashingStates{l.crash, cfg.States}
	cfg.Aliases = crashingAliases{l.crash, cfg.Aliases}
	cfg.Rollouts = crashingDocuments[trimtab.Rollout]{l.crash, cfg.Rollouts}
	cfg.Incidents = crashingDocuments[trimtab.Incident]{l.crash, cfg.Incidents}
	l.c = rollout.New(cfg)
}

// try does something until it is not killed on the way.
func (l *life) try(f func() error) {
	l.t.Helper()
	err := f()
	if errors.Is(err, errCrash) {
		l.crash.at = 0
		l.restarted++
		l.start()
		err = f()
	}
	l.check(err)
}

// reconcile hands the endpoint to the consumer, as after a restart, and passes over it.
func (l *life) reconcile() {
	l.t.Helper()
	l.try(func() error { return l.c.Reconcile(context.Background(), trimtab.DefaultWorkspace, l.name) })
	settled, err := l.db.Endpoints.Settlements(context.Background(), l.name)
	l.check(err)
	if len(settled) != 1 || settled[0].Through != l.now || settled[0].Wait == trimtab.WaitProcess || settled[0].Listener != rollout.Listener(l.name) {
		l.t.Fatalf("at %s: settled %+v", l.now, settled)
	}
}

func (l *life) days(n float64) {
	l.t.Helper()
	for to := l.now + trimtab.Time(n*24)*hour; l.now < to; {
		border, err := l.c.Border(context.Background(), trimtab.DefaultWorkspace, l.name, l.now)
		l.check(err)
		if border == 0 || border > to {
			border = to
		}
		l.send(l.name, &l.s, l.now, border)
		l.advance(l.name, border)
		l.now = border
		l.reconcile()
	}
}

// live tells the story: a client's move that is promoted; a policy's rollout that bakes
// and is rolled back; a person's promotion, which closes the incident.
func (w *world) live(name string, at int, after bool) (story string, effects int) {
	w.t.Helper()
	ctx := context.Background()
	l := &life{world: w, name: name, crash: &crashing{at: at, after: after}, now: began, s: stream{perHour: 20, seed: 11, quality: map[trimtab.Version]quality{}}}
	l.start()
	w.declare(name, &trimtab.RolloutSpec{Canary: &trimtab.CanarySpec{Steps: []float64{0.5}, Each: trimtab.Duration(24 * time.Hour)},
		Bake: trimtab.Duration(4 * 24 * time.Hour), Look: trimtab.Duration(24 * time.Hour)})
	w.alias(name, 1)
	l.reconcile()
	l.days(1)
	w.alias(name, 2)
	l.reconcile()
	l.days(1.5)
	l.try(func() error {
		_, err := l.c.Begin(ctx, name, 3, "policy", "weekly@1", l.now)
		return err
	})
	l.reconcile()
	l.days(1)
	l.s.quality[3] = quality{noise: 4}
	l.days(3)
	w.alias(name, 4)
	l.reconcile()
	l.try(func() error {
		_, err := l.c.Promote(ctx, name+".4", "we know better")
		if trimtab.IsKind(err, trimtab.Precondition) && l.restarted > 0 {
			return nil // it was recorded before the kill
		}
		return err
	})
	l.reconcile()
	l.s.quality[3] = quality{noise: 0.5}
	l.days(1)
	var out strings.Builder
	for _, r := range w.all(name) {
		r.Salt = "" // it names the endpoint
		out.Write(encode(w.t, r))
	}
	incidents, err := w.db.Incidents.List(ctx, trimtab.DocumentQuery{Scope: name})
	w.check(err)
	for _, i := range incidents {
		out.Write(encode(w.t, i))
	}
	fmt.Fprintf(&out, "alias %d\n", w.points(name))
	for _, e := range w.journal(name) {
		if e.Object.Name == name && e.Action == "model.alias.set" || strings.HasPrefix(e.Object.Name, name+".") {
			fmt.Fprintf(&out, "%s %s %s %s\n", e.Action, e.Object, e.Actor.ID, e.Reason)
		}
	}
	return strings.ReplaceAll(out.String(), name, "NAME"), l.crash.calls
}

// journal reads every entry, behind a mark of its own: an entry may come into order late.
func (w *world) journal(name string) (out []trimtab.Entry) {
	w.t.Helper()
	ctx := context.Background()
	_, err := w.db.Pauses.Move(ctx, "mark-"+name, func(old *trimtab.Pause) (trimtab.Pause, trimtab.Change, error) {
		next := trimtab.Pause{Name: "mark-" + name}
		return next, trimtab.Changed("pause.set", old, next, ""), nil
	})
	w.check(err)
	for after := int64(0); ; {
		w.check(w.db.Journal.Wait(ctx, after))
		entries, err := w.db.Journal.Entries(ctx, after, 1000)
		w.check(err)
		for _, e := range entries {
			after = e.Index
			if e.Object.Name == "mark-"+name {
				return out
			}
			out = append(out, e)
		}
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := trimtab.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// TestKilledAnywhere kills the controller before and after every effect that it has: the
// records, the alias and the journal are the same as without a kill.
func TestKilledAnywhere(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		want, effects := w.live("whole", 0, false)
		for _, say := range []string{`"state":"promoted"`, `"state":"rolledBack"`, "alias 4", "model.alias.set", "incident.close", "rollout.baking", "version 3 came meanwhile", "promoted by local: we know better"} {
			if !strings.Contains(want, say) {
				t.Fatalf("the story lacks %q:\n%s", say, want)
			}
		}
		if again, _ := w.live("again", 0, false); again != want {
			t.Fatal("the story differs from itself:\n", cmp.Diff(want, again))
		}
		step := 1
		if testing.Short() {
			step = 7
		}
		for n := 1; n <= effects; n += step {
			for _, after := range []bool{false, true} {
				got, _ := w.live(fmt.Sprintf("k%d%t", n, after), n, after)
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("killed at effect %d of %d (after it: %t), the story differs:\n%s", n, effects, after, d)
				}
			}
		}
		t.Logf("%d effects", effects)
	})
}
