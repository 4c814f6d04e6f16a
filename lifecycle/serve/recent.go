package serve

import (
	"maps"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
)

// The recent past of a version is kept in memory: so many steps, of so many seconds each.
const (
	RecentStep  = 5 * time.Second
	RecentSteps = 180 // 15 minutes
)

// durationSteps are the steps in which recent durations are counted: four in every
// doubling from 16 microseconds to 16 seconds, shorter ones in the first.
const (
	durationSteps = 80
	durationUnit  = 4096 * time.Nanosecond
)

// recent counts what a version has answered lately, step by step. Older steps are
// overwritten in place, so that a request allocates nothing. It is safe for
// concurrent use; the zero value is empty.
type recent struct {
	// mu guards slots: a request holds it for a few additions.
	mu    sync.Mutex
	slots [RecentSteps]slot
}

// slot is one step. at is its number since 1970; a slot of another number is of the past.
type slot struct {
	at int64
	RecentCounts
	durations [durationSteps]uint32
}

// RecentCounts are the requests that a version answered in a span: with rows, or
// with an error by the request (Invalid), by the state of the endpoint (Refused)
// or by the server (Failed).
type RecentCounts struct {
	Requests, Rows, Invalid, Refused, Failed int64
}

func stepOf(at time.Time) int64 { return at.UnixNano() / int64(RecentStep) }

// add counts one request that ended at a moment.
func (r *recent) add(at time.Time, took time.Duration, rows int, err error) {
	n := stepOf(at)
	r.mu.Lock()
	s := &r.slots[n%RecentSteps]
	if s.at != n {
		if s.at > n { // the clock was set back: what is newer stays
			r.mu.Unlock()
			return
		}
		*s = slot{at: n}
	}
	s.Requests++
	switch {
	case err == nil:
		s.Rows += int64(rows)
		s.durations[durationStep(took)]++
	case trimtab.KindOf(err) == trimtab.Invalid:
		s.Invalid++
	case trimtab.KindOf(err) == trimtab.Conflict:
		s.Refused++
	default:
		s.Failed++
	}
	r.mu.Unlock()
}

// durationStep is the step of a duration.
func durationStep(d time.Duration) int {
	x := uint64(max(d, 0) / durationUnit)
	n := bits.Len64(x)
	if n <= 2 {
		return 0
	}
	shift := n - 3
	return min(4*shift+int(x>>shift)-4, durationSteps-1)
}

// durationBounds are where a step begins and ends.
func durationBounds(i int) (lo, hi time.Duration) {
	edge := func(i int) time.Duration { return time.Duration(4+i%4) << (i / 4) * durationUnit }
	if i > 0 {
		lo = edge(i)
	}
	return lo, edge(i + 1)
}

// Recent is the recent past of a version, or of several taken together. Starts[i]
// is the beginning of step i, oldest first, without gaps; a step without requests
// has counts of 0.
type Recent struct {
	Version   trimtab.Version // 0: of several
	Starts    []trimtab.Time
	Counts    []RecentCounts
	durations [][durationSteps]uint32
}

// Quantile is the duration within which the share q of the requests was answered
// that steps from up to to (excluded) had, within its step by proportion; 0 without any.
func (r *Recent) Quantile(q float64, from, to int) time.Duration {
	var counts [durationSteps]int64
	total := int64(0)
	for _, d := range r.durations[max(from, 0):max(to, 0)] {
		for i, n := range d {
			counts[i] += int64(n)
			total += int64(n)
		}
	}
	if total == 0 {
		return 0
	}
	rank := q * float64(total)
	for i, n := range counts {
		if n > 0 && rank <= float64(n) {
			lo, hi := durationBounds(i)
			return lo + time.Duration(float64(hi-lo)*rank/float64(n))
		}
		rank -= float64(n)
	}
	return 0 // not reached: the ranks of all steps add up to the total
}

// Sum adds up the counts of steps from up to to (excluded).
func (r *Recent) Sum(from, to int) (c RecentCounts) {
	for _, x := range r.Counts[max(from, 0):max(to, 0)] {
		c.add(x)
	}
	return c
}

func (c *RecentCounts) add(x RecentCounts) {
	c.Requests += x.Requests
	c.Rows += x.Rows
	c.Invalid += x.Invalid
	c.Refused += x.Refused
	c.Failed += x.Failed
}

// Add adds what another version of the same steps answered.
func (r *Recent) Add(x Recent) {
	for i := range r.Counts {
		r.Counts[i].add(x.Counts[i])
		for k, n := range x.durations[i] {
			r.durations[i][k] += n
		}
	}
}

// newRecent makes the empty recent past of n steps up to the one numbered last.
func newRecent(v trimtab.Version, last int64, n int) Recent {
	out := Recent{Version: v, Starts: make([]trimtab.Time, n), Counts: make([]RecentCounts, n), durations: make([][durationSteps]uint32, n)}
	for i := range n {
		out.Starts[i] = trimtab.Time((last - int64(n) + 1 + int64(i)) * int64(RecentStep/time.Millisecond))
	}
	return out
}

// read copies the last n steps up to the one numbered last. some is false when none had a request.
func (r *recent) read(v trimtab.Version, last int64, n int) (out Recent, some bool) {
	out = newRecent(v, last, n)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range n {
		at := last - int64(n) + 1 + int64(i)
		if s := &r.slots[at%RecentSteps]; s.at == at && s.Requests > 0 {
			out.Counts[i], out.durations[i], some = s.RecentCounts, s.durations, true
		}
	}
	return out, some
}

// Recent returns what the versions of an endpoint answered in the last n steps (at
// most RecentSteps), the present one included, the oldest version first and only
// versions that had a request; and all of them together.
func (e *Endpoint) Recent(now time.Time, n int) (all Recent, versions []Recent) {
	n = min(max(n, 1), RecentSteps)
	last := stepOf(now)
	all = newRecent(0, last, n)
	if counted := e.counted.Load(); counted != nil {
		for _, v := range sortedVersions(*counted) {
			if r, some := (*counted)[v].recent.read(v, last, n); some {
				versions = append(versions, r)
				all.Add(r)
			}
		}
	}
	return all, versions
}

func sortedVersions(m map[trimtab.Version]*meters) []trimtab.Version {
	return slices.Sorted(maps.Keys(m))
}
