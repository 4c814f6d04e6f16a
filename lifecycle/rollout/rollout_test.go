package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/rollout"
)

func small(t *testing.T) *world { return newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")) }

func shadow() *trimtab.RolloutSpec {
	return &trimtab.RolloutSpec{Shadow: &trimtab.ShadowSpec{For: trimtab.Duration(24 * time.Hour)}}
}

func (w *world) reconcile(c *rollout.Rollouts, name string) {
	w.t.Helper()
	w.check(c.Reconcile(context.Background(), trimtab.DefaultWorkspace, name))
}

// settled is what the rollouts of the endpoint wait for.
func (w *world) settled(name string) trimtab.Settlement {
	w.t.Helper()
	all, err := w.db.Endpoints.Settlements(context.Background(), name)
	w.check(err)
	if len(all) == 0 {
		return trimtab.Settlement{}
	}
	return all[0]
}

// plane is a data plane.
type plane struct {
	loaded  error
	aborted []string
}

func (p *plane) Loaded(trimtab.Workspace, string, trimtab.Version) error { return p.loaded }
func (p *plane) Abort(ws trimtab.Workspace, endpoint string) error {
	p.aborted = append(p.aborted, endpoint)
	return nil
}

// TestLoading keeps a border unsettled while the candidate is being loaded, and goes back
// when it never will be.
func TestLoading(t *testing.T) {
	w := small(t)
	p := &plane{loaded: trimtab.Errorf(trimtab.Unavailable, "version", "a moment")}
	cfg := w.config()
	cfg.Plane = p
	c := rollout.New(cfg)
	w.declare("e", shadow())
	w.alias("e", 1)
	w.reconcile(c, "e")
	w.alias("e", 2)
	w.reconcile(c, "e")
	if s := w.settled("e"); s.Wait != trimtab.WaitProcess || !strings.Contains(s.Detail, "being loaded") {
		t.Errorf("settled %+v", s)
	}
	p.loaded = nil
	w.reconcile(c, "e")
	if s := w.settled("e"); s.Wait != trimtab.WaitEventTime || s.Through != began {
		t.Errorf("settled %+v", s)
	}
	p.loaded = trimtab.Errorf(trimtab.Unsupported, "version", "no such flavour")
	w.reconcile(c, "e")
	r := w.all("e")[1]
	if r.State != trimtab.RolloutRolledBack || !strings.Contains(r.Reason, "no such flavour") || w.points("e") != 1 {
		t.Errorf("%+v, alias %d", r, w.points("e"))
	}
	incidents, err := w.db.Incidents.List(context.Background(), trimtab.DocumentQuery{Scope: "e"})
	if w.check(err); len(incidents) != 1 || incidents[0].Kind != trimtab.RolledBack {
		t.Errorf("incidents %+v", incidents)
	}
}

// broken is a store that is down.
type broken struct {
	rollout.Documents[trimtab.Rollout]
}

func (broken) Move(context.Context, string, func(*trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error)) (trimtab.Rollout, error) {
	return trimtab.Rollout{}, trimtab.Errorf(trimtab.Unavailable, "database", "the database is down")
}

// TestRollBackReachesTheDataPlaneFirst works while nothing can be recorded.
func TestRollBackReachesTheDataPlaneFirst(t *testing.T) {
	w := small(t)
	w.declare("new.york", shadow())
	w.alias("new.york", 1)
	w.reconcile(rollout.New(w.config()), "new.york")
	w.alias("new.york", 2)
	w.reconcile(rollout.New(w.config()), "new.york")
	p := &plane{}
	cfg := w.config()
	cfg.Plane, cfg.Rollouts = p, broken{cfg.Rollouts}
	_, err := rollout.New(cfg).RollBack(context.Background(), "new.york.2", "it hurts")
	if !trimtab.IsKind(err, trimtab.Unavailable) || len(p.aborted) != 1 || p.aborted[0] != "new.york" {
		t.Errorf("%v, aborted %v", err, p.aborted)
	}
}

// TestConsumer marks a border as unsettled before an entry counts as read, and knows from
// the entry what answered before the first rollout.
func TestConsumer(t *testing.T) {
	w := small(t)
	c := rollout.New(w.config())
	handle := c.Consumer().Handle
	w.declare("e", shadow())
	w.alias("e", 1)
	read := int64(0)
	follow := func() {
		t.Helper()
		entries, err := w.db.Journal.Entries(context.Background(), read, 1000)
		w.check(err)
		w.check(handle(context.Background(), entries))
		read = entries[len(entries)-1].Index
	}
	w.alias("e", 2) // before anybody looked
	follow()
	if all := w.all("e"); len(all) != 1 || all[0].To != 1 || all[0].State != trimtab.RolloutPromoted {
		t.Fatalf("rollouts %+v", all)
	}
	if s := w.settled("e"); s.Wait != trimtab.WaitProcess || s.Through != began {
		t.Errorf("settled %+v", s)
	}
	w.reconcile(c, "e")
	if r := w.open("e"); r == nil || r.From != 1 || r.To != 2 || r.Origin != "alias" {
		t.Fatalf("open %+v", r)
	}
	if s := w.settled("e"); s.Wait != trimtab.WaitEventTime {
		t.Errorf("settled %+v", s)
	}
	follow() // its own entries give no work
	if s := w.settled("e"); s.Wait != trimtab.WaitEventTime {
		t.Errorf("settled %+v", s)
	}
	if _, err := c.Hold(context.Background(), "e.2", "wait"); err != nil {
		t.Fatal(err)
	}
	follow()
	if s := w.settled("e"); s.Wait != trimtab.WaitProcess {
		t.Errorf("settled %+v", s)
	}
	w.reconcile(c, "e")
	if s := w.settled("e"); s.Wait != trimtab.WaitHuman || !strings.Contains(s.Detail, "trimtab rollout promote e.2") {
		t.Errorf("settled %+v", s)
	}
}

// TestBegin is idempotent by cause and refuses what cannot be.
func TestBegin(t *testing.T) {
	w := small(t)
	ctx := context.Background()
	c := rollout.New(w.config())
	w.declare("e", shadow())
	w.alias("e", 1)
	w.reconcile(c, "e")
	first, err := c.Begin(ctx, "e", 2, "policy", "p@1", began)
	if w.check(err); first.ID != "e.2" || first.From != 1 || first.State != trimtab.RolloutShadow || first.Salt == "" || first.Spec.Shadow.MinRows != 500 {
		t.Errorf("%+v", first)
	}
	again, err := c.Begin(ctx, "e", 2, "policy", "p@1", began)
	if w.check(err); again.ID != first.ID || len(w.all("e")) != 2 {
		t.Errorf("began again as %+v", again)
	}
	for _, x := range []struct {
		name   string
		to     trimtab.Version
		origin string
		want   trimtab.Kind
	}{
		{"another is under way", 3, "policy", trimtab.Conflict},
		{"the same version", 2, "person", trimtab.Conflict},
		{"it serves", 1, "person", trimtab.Precondition},
		{"no such version", 9, "person", trimtab.NotFound},
	} {
		if _, err := c.Begin(ctx, "e", x.to, x.origin, x.name, began); !trimtab.IsKind(err, x.want) {
			t.Errorf("%s: %v, want %s", x.name, err, x.want)
		}
	}
	if _, err := c.Begin(ctx, "nowhere", 1, "person", "x", began); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("no endpoint: %v", err)
	}
	// A person may: the other one ends.
	third, err := c.Begin(ctx, "e", 3, "person", "it is urgent", began)
	w.check(err)
	all := w.all("e")
	if third.ID != "e.3" || third.From != 1 || all[1].State != trimtab.RolloutSuperseded || third.Begun <= all[1].Begun {
		t.Errorf("%+v after %+v", third, all[1])
	}
}

// TestWithoutStages promotes at once where nothing is declared, and records what clients
// do from then on.
func TestWithoutStages(t *testing.T) {
	w := small(t)
	c := rollout.New(w.config())
	w.declare("e", nil)
	w.alias("e", 1)
	w.reconcile(c, "e")
	if all := w.all("e"); len(all) != 0 {
		t.Errorf("an endpoint without rollouts has %+v", all)
	}
	if names, err := c.Listeners(context.Background(), trimtab.DefaultWorkspace, "e"); err != nil || len(names) != 0 {
		t.Errorf("listeners %v, %v", names, err)
	}
	_, err := c.Begin(context.Background(), "e", 2, "policy", "p@1", began)
	w.check(err)
	if names, err := c.Listeners(context.Background(), trimtab.DefaultWorkspace, "e"); err != nil || len(names) != 1 || names[0] != "rollout/e" {
		t.Errorf("listeners %v, %v", names, err)
	}
	w.reconcile(c, "e")
	if r := w.all("e")[0]; r.State != trimtab.RolloutPromoted || r.From != 1 || w.points("e") != 2 {
		t.Errorf("%+v, alias %d", r, w.points("e"))
	}
	w.alias("e", 3)
	w.reconcile(c, "e")
	if r := w.all("e")[1]; r.State != trimtab.RolloutPromoted || r.From != 2 || r.To != 3 {
		t.Errorf("%+v", r)
	}
}

// TestEndpointChanges ends what is open when the endpoint goes, or serves another model.
func TestEndpointChanges(t *testing.T) {
	w := small(t)
	c := rollout.New(w.config())
	ctx := context.Background()
	for _, name := range []string{"gone", "other"} {
		w.declare(name, shadow())
		w.alias(name, 1)
		w.reconcile(c, name)
		w.alias(name, 2)
		w.reconcile(c, name)
	}
	live, err := w.db.Resources.Get(ctx, trimtab.KindEndpoint, "gone")
	w.check(err)
	w.check(w.db.Resources.Apply(ctx, []trimtab.ResourceWrite{{Verb: trimtab.DeleteVerb, Resource: live}}))
	w.reconcile(c, "gone")
	if r := w.all("gone")[1]; r.State != trimtab.RolloutSuperseded {
		t.Errorf("%+v", r)
	}
	live, err = w.db.Resources.Get(ctx, trimtab.KindEndpoint, "other")
	w.check(err)
	live.Spec = encode(t, trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "gone", Alias: "champion"}, Rollout: shadow()})
	w.check(w.db.Resources.Apply(ctx, []trimtab.ResourceWrite{{Verb: trimtab.UpdateVerb, Resource: live}}))
	w.reconcile(c, "other")
	all := w.all("other")
	if all[1].State != trimtab.RolloutSuperseded || len(all) != 3 || all[2].Model != "gone" || all[2].State != trimtab.RolloutPromoted || all[2].From != 0 {
		t.Errorf("%+v", all)
	}
}

// TestByTheClock begins a stage at the present and looks when the watermark comes there.
func TestByTheClock(t *testing.T) {
	w := small(t)
	ctx := context.Background()
	now := began
	cfg := w.config()
	cfg.Clock = func() trimtab.Time { return now }
	m := &meter{}
	cfg.Meter = m
	c := rollout.New(cfg)
	w.apply("e", shadow(), trimtab.CreateVerb)
	_, err := w.db.Models.Create(ctx, trimtab.RegisteredModel{Name: "e"})
	w.check(err)
	for range 2 {
		_, err := w.db.Versions.Create(ctx, trimtab.ModelVersion{Model: "e"}, "")
		w.check(err)
	}
	w.alias("e", 1)
	w.reconcile(c, "e")
	w.alias("e", 2)
	w.reconcile(c, "e")
	s := &stream{perHour: 40, seed: 3, delay: 0}
	look := func() *trimtab.Rollout {
		from := now
		now += 24 * hour / 10
		w.send("e", s, from, now)
		w.reconcile(c, "e")
		return w.open("e")
	}
	if r := look(); r.Begun < began || r.Looked != 0 {
		t.Fatalf("looked %s, though the watermark lags an hour behind: %+v", r.Looked, r)
	}
	m.p99 = time.Millisecond
	if r := look(); r.Looked == 0 || len(r.Looks) != 4 {
		t.Fatalf("%+v", r)
	}
	if x := w.settled("e"); x.Through != 0 {
		t.Errorf("by the clock, border %s is settled", x.Through)
	}
	m.errors = 400 // of 1,000 requests since the stage began
	m.requests = 1000
	look()
	if r := w.all("e")[1]; r.State != trimtab.RolloutRolledBack || !strings.Contains(r.Reason, "fails on") {
		t.Errorf("%+v", r)
	}
}

// meter counts for version 2 alone.
type meter struct {
	requests, errors int64
	p99              time.Duration
}

func (m *meter) Requests(_ trimtab.Workspace, _ string, v trimtab.Version) (int64, int64, time.Duration) {
	if v == 2 {
		return m.requests, m.errors, m.p99
	}
	return 5000, 0, time.Millisecond
}

// TestBordersOfOthers lets the watermark rest where other listeners want to look, and the
// rows come in other batches: the rollout looks at its own borders, and finds the same.
func TestBordersOfOthers(t *testing.T) {
	w := small(t)
	stories := make([]string, 2)
	for i, extra := range []bool{false, true} {
		name := fmt.Sprintf("e%d", i)
		c := rollout.New(w.config())
		w.declare(name, shadow())
		w.alias(name, 1)
		w.reconcile(c, name)
		w.alias(name, 2)
		w.reconcile(c, name)
		s := &stream{perHour: 40, seed: 5}
		for now := began; w.open(name) != nil; {
			next, err := c.Border(context.Background(), trimtab.DefaultWorkspace, name, now)
			w.check(err)
			if extra && next-now > hour { // another listener wants to look in between
				next = now + hour
			}
			w.send(name, s, now, next)
			w.advance(name, next)
			w.reconcile(c, name)
			now = next
		}
		r := w.all(name)[1]
		r.Salt = ""
		stories[i] = strings.ReplaceAll(string(encode(t, r)), name, "NAME")
	}
	if stories[0] != stories[1] {
		t.Errorf("borders of others change a rollout:\n%s%s", stories[0], stories[1])
	}
}

// TestKeys counts values of the declared key, not rows: what one customer asks says once
// where the customer went.
func TestKeys(t *testing.T) {
	w := small(t)
	for _, key := range []string{"", "v3"} {
		name := "by" + key
		c := rollout.New(w.config())
		w.declare(name, &trimtab.RolloutSpec{Canary: &trimtab.CanarySpec{Steps: []float64{0.5}, Each: trimtab.Duration(24 * time.Hour), Key: key}})
		w.alias(name, 1)
		w.reconcile(c, name)
		w.alias(name, 2)
		w.reconcile(c, name)
		s := &stream{perHour: 40, seed: 5, share: 0.9, quality: map[trimtab.Version]quality{3: {bias: 1000}}} // version 3 says 1 of every row
		for now := began; now < began+24*hour; {
			next, err := c.Border(context.Background(), trimtab.DefaultWorkspace, name, now)
			w.check(err)
			w.send(name, s, now, next)
			w.advance(name, next)
			w.reconcile(c, name)
			now = next
		}
		for _, l := range w.all(name)[1].Looks {
			if l.Test != "sampleRatio" {
				continue
			}
			if key == "" && (l.N != 960 || l.Verdict != rollout.Inconclusive) || key != "" && (l.N != 1 || l.Verdict == rollout.Inconclusive) {
				t.Errorf("key %q: %+v", key, l)
			}
		}
	}
}

// TestManyRows reads no more than the first rows of the rollout and of the present stage.
func TestManyRows(t *testing.T) {
	t.Cleanup(rollout.LimitRows(600))
	w := small(t)
	c := rollout.New(w.config())
	w.declare("e", &trimtab.RolloutSpec{Shadow: &trimtab.ShadowSpec{For: trimtab.Duration(24 * time.Hour)},
		Canary: &trimtab.CanarySpec{Steps: []float64{0.5}, Each: trimtab.Duration(24 * time.Hour)}})
	w.alias("e", 1)
	w.reconcile(c, "e")
	w.alias("e", 2)
	w.reconcile(c, "e")
	s := &stream{perHour: 40, seed: 5}
	for now := began; now < began+48*hour; {
		next, err := c.Border(context.Background(), trimtab.DefaultWorkspace, "e", now)
		w.check(err)
		w.send("e", s, now, next)
		w.advance("e", next)
		w.reconcile(c, "e")
		now = next
	}
	r := w.all("e")[1]
	got := map[string]int64{}
	for _, l := range r.Looks {
		got[l.Stage+" "+l.Test] = l.N
	}
	if r.State != trimtab.RolloutPromoted || got["shadow errors"] != 600 || got["canary 1 of 1 errors"] != 1200 || got["canary 1 of 1 sampleRatio"] != 600 {
		t.Errorf("%s, rows %v", r.State, got)
	}
}

// TestCrashHook stops a pass where it is asked to.
func TestCrashHook(t *testing.T) {
	w := small(t)
	cfg := w.config()
	cfg.Crash = func(point string) error { return errCrash }
	w.declare("e", shadow())
	w.alias("e", 1)
	if err := rollout.New(cfg).Reconcile(context.Background(), trimtab.DefaultWorkspace, "e"); !errors.Is(err, errCrash) {
		t.Error(err)
	}
}
