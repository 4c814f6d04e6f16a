package trimtab

import (
	"testing"
	"time"
)

func TestBlackoutCovers(t *testing.T) {
	at := func(s string) Time {
		v, err := ParseTime(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		from, to, at string
		want         bool
	}{
		{"2026-12-20", "2027-01-06", "2026-12-19T23:59:59Z", false},
		{"2026-12-20", "2027-01-06", "2026-12-20", true},
		{"2026-12-20", "2027-01-06", "2027-01-05T23:59:59Z", true},
		{"2026-12-20", "2027-01-06", "2027-01-06", false}, // the end of a span of times is not in it
		{"12-20", "01-06", "2031-12-25", true},            // over the turn of the year
		{"12-20", "01-06", "2031-01-06T23:00:00Z", true},  // the last day of a yearly span is in it
		{"12-20", "01-06", "2031-01-07", false},
		{"12-20", "01-06", "2031-07-01", false},
		{"07-01", "07-31", "2031-07-31T12:00:00Z", true},
		{"07-01", "07-31", "2031-08-01", false},
	} {
		got, err := Blackout{From: c.from, To: c.to}.Covers(at(c.at))
		if err != nil || got != c.want {
			t.Errorf("%s..%s at %s: %v, %v", c.from, c.to, c.at, got, err)
		}
	}
	for _, b := range []Blackout{{}, {From: "12-20", To: "2026-01-06"}, {From: "2026-01-06", To: "2026-01-06"}, {From: "13-01", To: "13-02"}, {From: "x", To: "y"}} {
		if _, err := b.Covers(0); !IsKind(err, Invalid) {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

func FuzzBlackout(f *testing.F) {
	f.Add("12-20", "01-06", int64(0))
	f.Add("2026-12-20", "2027-01-06", int64(1798000000000))
	f.Add("02-30", "9999999999999999", int64(-1))
	f.Fuzz(func(t *testing.T, from, to string, at int64) {
		b := Blackout{From: from, To: to}
		_, now := b.Covers(Time(at))
		_, later := b.Covers(Time(at).Add(time.Hour))
		if (now == nil) != (later == nil) {
			t.Errorf("%q..%q can be read at one time and not at another: %v, %v", from, to, now, later)
		}
	})
}

func TestDecisionMoves(t *testing.T) {
	d := Decision{ID: DecisionID("p", 0), State: DecisionAwaiting}
	d, c, err := d.To(DecisionTraining, "approved")
	if err != nil || d.State != DecisionTraining || c.Action != "decision.training" {
		t.Fatal(d, c, err)
	}
	if _, c, err := d.To(DecisionTraining, "again"); err != nil || c.Action != "" {
		t.Errorf("the same state again is a change: %+v, %v", c, err)
	}
	d, _, err = d.To(DecisionRejected, "lost")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.To(DecisionRollout, ""); !IsKind(err, Precondition) {
		t.Errorf("a rejected decision goes on: %v", err)
	}
	if a, _, err := (Decision{State: DecisionAdvised}).To(DecisionTraining, "approved"); err != nil || a.State != DecisionTraining {
		t.Errorf("what was advised cannot be done: %v", err)
	}
}
