package traffic

import (
	"math/rand/v2"
	"testing"
)

func TestLastIsOfTheNewestEventTime(t *testing.T) {
	_, l := open(t, t.TempDir(), func(c *Config) { c.SealRows = 40 })
	if r, err := l.Last(t.Context()); r != nil || err != nil {
		t.Fatalf("of an empty log: %v, %v", r, err)
	}
	all := events(rand.New(rand.NewPCG(1, 2)), 300)
	newest := all[0].at
	x := map[string]float64{}
	for _, e := range all {
		newest = max(newest, e.at)
		x[e.id] = e.x
	}
	send(t, l, all, 50, false)
	r, err := l.Last(t.Context())
	if err != nil || r == nil || r.Len() != 1 || r.EventTimes[0] != newest {
		t.Fatalf("got %+v, %v; want one row of %s", r, err, newest)
	}
	if got, _ := r.Inputs.Column("x").Float(0); got != x[r.IDs[0]] {
		t.Errorf("x of %s is %v, want %v", r.IDs[0], got, x[r.IDs[0]])
	}
}
