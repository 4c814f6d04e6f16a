package serve

import (
	"errors"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

var noon = time.Date(2026, 1, 2, 12, 0, 1, 0, time.UTC)

func TestRecentCountsByStep(t *testing.T) {
	var r recent
	for i := range 10 {
		r.add(noon, time.Duration(i+1)*time.Millisecond, 2, nil)
	}
	r.add(noon.Add(RecentStep), time.Second, 1, trimtab.Errorf(trimtab.Invalid, "request", "no"))
	r.add(noon.Add(RecentStep), time.Second, 1, trimtab.Errorf(trimtab.Conflict, "request", "no"))
	r.add(noon.Add(RecentStep), time.Second, 1, errors.New("no"))

	got, some := r.read(3, stepOf(noon.Add(2*RecentStep)), 4)
	if !some || got.Version != 3 || len(got.Counts) != 4 {
		t.Fatalf("read %+v, %v", got, some)
	}
	want := []RecentCounts{{}, {Requests: 10, Rows: 20}, {Requests: 3, Invalid: 1, Refused: 1, Failed: 1}, {}}
	for i := range want {
		if got.Counts[i] != want[i] {
			t.Errorf("step %d: %+v, want %+v", i, got.Counts[i], want[i])
		}
	}
	if at := trimtab.Time(noon.Truncate(RecentStep).UnixMilli()); got.Starts[1] != at {
		t.Errorf("step 1 begins at %s, want %s", got.Starts[1], at)
	}
	if p := got.Quantile(0.5, 0, 4); p < 4*time.Millisecond || p > 6500*time.Microsecond {
		t.Errorf("median of 1 to 10 ms is %s", p)
	}
	if p := got.Quantile(0.99, 2, 4); p != 0 {
		t.Errorf("requests that failed have the duration %s", p)
	}
	if c := got.Sum(0, 4); c.Requests != 13 || c.Failed != 1 {
		t.Errorf("sum %+v", c)
	}
	if _, some := r.read(3, stepOf(noon.Add(RecentSteps*RecentStep+2*RecentStep)), RecentSteps); some {
		t.Error("what is older than the room is still told")
	}
}

// A slot is used again after 15 minutes, and a clock that was set back spoils nothing.
func TestRecentOverwrites(t *testing.T) {
	var r recent
	later := noon.Add(RecentSteps * RecentStep)
	r.add(noon, time.Millisecond, 1, nil)
	r.add(later, time.Millisecond, 1, nil)
	r.add(noon, time.Millisecond, 1, nil)
	got, _ := r.read(1, stepOf(later), RecentSteps)
	if c := got.Sum(0, RecentSteps); c.Requests != 1 {
		t.Errorf("%d requests, want 1", c.Requests)
	}
}

func TestDurationSteps(t *testing.T) {
	end := time.Duration(0)
	for i := range durationSteps {
		lo, hi := durationBounds(i)
		if lo != end || hi <= lo {
			t.Fatalf("step %d is %s to %s, the one before ends at %s", i, lo, hi, end)
		}
		end = hi
		if durationStep(lo) != i || durationStep(hi-1) != i {
			t.Errorf("step %d, %s to %s: its ends are in steps %d and %d", i, lo, hi, durationStep(lo), durationStep(hi-1))
		}
	}
	if end < 10*time.Second {
		t.Errorf("the last step ends at %s", end)
	}
	if durationStep(-1) != 0 || durationStep(time.Hour) != durationSteps-1 {
		t.Error("durations beyond the ends are not in the end steps")
	}
}

func TestRecentAllocatesNothing(t *testing.T) {
	var r recent
	refused := trimtab.Errorf(trimtab.Invalid, "request", "no")
	at := noon
	if n := testing.AllocsPerRun(1000, func() {
		at = at.Add(3 * time.Second) // slots are taken over as well
		r.add(at, time.Millisecond, 3, nil)
		r.add(at, time.Millisecond, 3, refused)
	}); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}
