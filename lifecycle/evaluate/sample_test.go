package evaluate_test

import (
	"math"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/evaluate"
)

// answered writes into the windows of a world which version answered in them.
func (w *world) answered(versions ...trimtab.Version) {
	w.t.Helper()
	all, err := w.db.Windows.List(w.t.Context(), "e")
	w.check(err)
	for i, x := range all {
		x.Versions, x.Revision = versions[i:i+1], x.Revision+1
		w.check(w.db.Windows.Put(w.t.Context(), x))
	}
}

func (w *world) sample(q evaluate.SampleRequest) (evaluate.Survey, *evaluate.Sample) {
	w.t.Helper()
	q.Model = "m"
	f, err := w.runner().Survey(w.t.Context(), q)
	w.check(err)
	s, err := f.Read(w.t.Context())
	w.check(err)
	return f, s
}

// reached moves the endpoint of a world to the border of a week.
func (w *world) reached(week int) {
	w.t.Helper()
	state, err := w.db.Endpoints.Move(w.t.Context(), "e", func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.AcquireLease("test", 1, 1e12)
	})
	w.check(err)
	_, err = w.db.Endpoints.Move(w.t.Context(), "e", func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.Advance(state.Fence, border(week))
	})
	w.check(err)
}

func TestSampleAnswered(t *testing.T) {
	w := newWorld(t)
	w.serve(3, 20)
	w.answered(1, 1, 1)
	w.reached(2)
	f, s := w.sample(evaluate.SampleRequest{Version: 1})
	if f.Source != evaluate.Answered || f.Endpoint != "e" || f.Monitor != "e" || s.Task != evaluate.Binary || s.Share != 1 {
		t.Errorf("%+v %+v", f, s)
	}
	if s.Seen != 420 || s.Rows.Len() != 420 || s.Refused+s.Held+s.Unlabelled != 0 || w.scored != 0 {
		t.Errorf("%+v, %d rows, %d scored", s, s.Rows.Len(), w.scored)
	}
	// Rows that are held, and windows that have not matured, are left out.
	w.holds = []trimtab.Hold{{Endpoint: "e", From: f.From, To: f.From + day, Incident: "i"}}
	g, s := w.sample(evaluate.SampleRequest{Version: 1})
	if s.Held != 20 || s.Rows.Len() != 400 || g.Digest == f.Digest {
		t.Errorf("held %d, %d rows, digests equal: %v", s.Held, s.Rows.Len(), g.Digest == f.Digest)
	}
	if again, _ := w.sample(evaluate.SampleRequest{Version: 1}); again.Digest != g.Digest {
		t.Error("the same sample has two digests")
	}
	// What has never answered is scored on what is new to it.
	w.trained[2] = f.From + 14*day
	f, s = w.sample(evaluate.SampleRequest{Version: 2})
	if f.Source != evaluate.Scored || f.From != w.trained[2] || s.Rows.Len() != 140 || w.scored == 0 {
		t.Errorf("%+v, %d rows", f, s.Rows.Len())
	}
	if _, s = w.sample(evaluate.SampleRequest{Version: 2, Source: evaluate.Answered}); !strings.Contains(s.Why, "answered no row") || s.Rows.Len() != 0 {
		t.Errorf("%q, %d rows", s.Why, s.Rows.Len())
	}
}

func TestSampleSaysWhyNot(t *testing.T) {
	w := newWorld(t)
	if _, s := w.sample(evaluate.SampleRequest{Version: 1}); s.Why != "no endpoint serves this model" {
		t.Errorf("%q", s.Why)
	}
	w.serve(2, 20)
	// In clock mode what is registered has learnt nothing of what comes later, and these rows came before.
	if _, s := w.sample(evaluate.SampleRequest{Version: 1}); !strings.Contains(s.Why, "no row with a mature label is new") {
		t.Errorf("%q, %d rows", s.Why, s.Rows.Len())
	}
	w.reached(1)
	for _, c := range []struct {
		version trimtab.Version
		trained trimtab.Time
		why     string
	}{
		{2, 0, "nobody knows until when version 2 has learnt"},
		{3, border(5), "no row with a mature label is new"},
	} {
		if c.trained != 0 {
			w.trained[c.version] = c.trained
		}
		if _, s := w.sample(evaluate.SampleRequest{Version: c.version}); !strings.Contains(s.Why, c.why) {
			t.Errorf("version %d: %q", c.version, s.Why)
		}
	}
	if _, err := w.runner().Survey(t.Context(), evaluate.SampleRequest{Model: "m", Version: 1, Source: "all"}); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("%v", err)
	}
	if _, err := w.runner().Survey(t.Context(), evaluate.SampleRequest{Model: "m", Version: 1, Endpoint: "other"}); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("%v", err)
	}
	if _, err := w.runner().Survey(t.Context(), evaluate.SampleRequest{Model: "m", Version: 9}); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("%v", err)
	}
}

// Two versions on the same rows: new to both, those that either refuses left out and counted.
func TestSampleAgainst(t *testing.T) {
	w := newWorld(t)
	w.serve(3, 60)
	w.reached(2)
	w.trained[1], w.trained[2], w.trained[5] = 1, border(0), 1
	f, s := w.sample(evaluate.SampleRequest{Version: 2, Against: 1})
	if f.Until != border(0) || f.Source != evaluate.Scored || s.Rows.Len() == 0 || len(s.Rows.Champion) != s.Rows.Len() {
		t.Fatalf("%+v, %d rows", f, s.Rows.Len())
	}
	measured := map[string]evaluate.Measure{}
	for _, m := range s.Measures(0.95) {
		measured[m.Metric] = m
	}
	if m := measured["log_loss"]; !(m.Lo < m.Value && m.Value < m.Hi) || !(m.Diff > 0 && m.DiffLo > 0 && m.DiffHi > m.Diff) || !(m.Other > m.Value) {
		t.Errorf("%+v", m)
	}
	if m := measured["auc"]; !(m.Lo < m.Value && m.Value < m.Hi) || !(m.DiffLo < m.Diff && m.Diff < m.DiffHi) {
		t.Errorf("%+v", m)
	}
	if m := measured["ece"]; math.IsNaN(m.Other) || !math.IsNaN(m.DiffLo) {
		t.Errorf("%+v", m)
	}
	if _, s := w.sample(evaluate.SampleRequest{Version: 5, Against: 1}); s.Refused != 840 || s.Rows.Len() != 420 {
		t.Errorf("refused %d, %d rows", s.Refused, s.Rows.Len())
	}
}

// Scoring takes the newest windows that hold enough rows, not all that are new.
func TestSampleTakesTheNewest(t *testing.T) {
	w := newWorld(t)
	w.serve(5, 4)
	all, err := w.db.Windows.List(t.Context(), "e")
	w.check(err)
	for _, x := range all { // as if each window were large
		x.Rows, x.Revision = 30_000, x.Revision+1
		w.check(w.db.Windows.Put(t.Context(), x))
	}
	w.reached(4)
	w.trained[2] = 1
	f, s := w.sample(evaluate.SampleRequest{Version: 2})
	if f.From != border(4)-15*day || s.Rows.Len() != 56 {
		t.Errorf("from %s, %d rows", f.From, s.Rows.Len())
	}
}

// However many windows there are, those that count are found: of an old service, and the newest for what never served.
func TestSampleOfManyWindows(t *testing.T) {
	w := newWorld(t)
	w.serve(2, 4)
	w.answered(1, 2)
	first, _ := trimtab.Window("7d").Bounds(began)
	for i := range 1100 { // later windows, in which version 3 answered
		start := first + trimtab.Time(14+i)*day
		w.check(w.db.Windows.Put(t.Context(), trimtab.WindowResult{Monitor: "e", Endpoint: "e", Start: start, End: start + day, Through: start + day, Rows: 100, Versions: []trimtab.Version{3}}))
	}
	w.reached(400)
	w.trained[4] = first + 1000*day
	if f, s := w.sample(evaluate.SampleRequest{Version: 1}); f.Source != evaluate.Answered || f.From != first || s.Rows.Len() != 28 {
		t.Errorf("%+v, %d rows", f, s.Rows.Len())
	}
	if f, _ := w.sample(evaluate.SampleRequest{Version: 3}); f.Source != evaluate.Answered || f.From != first+14*day {
		t.Errorf("%+v", f)
	}
	if f, _ := w.sample(evaluate.SampleRequest{Version: 4}); f.Source != evaluate.Scored || f.From != w.trained[4] {
		t.Errorf("%+v", f)
	}
}
