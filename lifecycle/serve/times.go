package serve

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// times counts durations in steps of a fifth to a quarter, from a microsecond to
// some 18 minutes; what is longer counts as that. It is safe for concurrent use.
type times [128]atomic.Int64

// stepUnit is the length of the shortest step.
const stepUnit = 1024 * time.Nanosecond

func (t *times) add(d time.Duration) {
	x := uint64(max(d, 0) / stepUnit)
	i := int(x)
	if n := bits.Len64(x); n > 2 {
		shift := n - 3
		i = 4*shift + int(x>>shift) // four steps in every doubling
	}
	t[min(i, len(t)-1)].Add(1)
}

// quantile is the end of the step in which the share q of all durations has been reached; 0 without any.
func (t *times) quantile(q float64) time.Duration {
	var counts [len(t)]int64
	total := int64(0)
	for i := range t {
		counts[i] = t[i].Load()
		total += counts[i]
	}
	if total == 0 {
		return 0
	}
	rank := int64(math.Ceil(q * float64(total)))
	for i, n := range counts {
		if rank -= n; rank <= 0 {
			if i < 4 {
				return time.Duration(i+1) * stepUnit
			}
			return time.Duration((4+i%4+1)<<(i/4-1)) * stepUnit
		}
	}
	return 0
}
