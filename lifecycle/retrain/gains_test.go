package retrain

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestItemsKeepWhatTheyMerge: whatever is merged, rows and sums of what is kept are those of the newest windows.
func TestItemsKeepWhatTheyMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var items []trimtab.GainItem
	var sums, rows []float64
	for w := range 300 {
		var blocks []trimtab.GainBlock
		total, n := 0.0, 0.0
		for d := range 7 {
			b := trimtab.GainBlock{Key: int64(7*w + d), N: float64(1 + rng.IntN(50)), Sum: rng.NormFloat64()}
			b.Sum2 = b.Sum * b.Sum
			blocks = append(blocks, b)
			total, n = total+b.Sum, n+b.N
		}
		sums, rows = append(sums, total), append(rows, n)
		items = extend(items, trimtab.Time(7*w)*day, trimtab.Time(7*w+7)*day, blocks)
		kept, sum, count, blocksKept := 0, 0.0, 0.0, 0
		last := int64(math.MinInt64)
		for i, it := range items {
			if i > 0 && it.Start != items[i-1].End {
				t.Fatalf("window %d: item %d begins at %s, the one before ends at %s", w, i, it.Start, items[i-1].End)
			}
			kept += it.Windows
			blocksKept += len(it.Blocks)
			for _, b := range it.Blocks {
				if b.Key <= last {
					t.Fatalf("window %d: keys are not ascending", w)
				}
				last, sum, count = b.Key, sum+b.Sum, count+b.N
			}
		}
		if kept < min(w+1, 2*largestItem) {
			t.Fatalf("window %d: only %d windows are kept", w, kept)
		}
		wantSum, wantRows := 0.0, 0.0
		for i := w; i > w-kept; i-- {
			wantSum, wantRows = wantSum+sums[i], wantRows+rows[i]
		}
		if math.Abs(sum-wantSum) > 1e-9 || count != wantRows {
			t.Fatalf("window %d: %d windows hold %v in %v rows, want %v in %v", w, kept, sum, count, wantSum, wantRows)
		}
		all := spans(items)
		if got := all[len(all)-1]; got.windows != kept || math.Abs(got.sum-wantSum) > 1e-9 {
			t.Fatalf("window %d: the longest span has %d windows and %v", w, got.windows, got.sum)
		}
		if blocksKept > 250 {
			t.Fatalf("window %d: %d blocks are kept", w, blocksKept)
		}
	}
	raw, err := json.Marshal(items)
	if err != nil || len(raw) > 32<<10 {
		t.Errorf("the gains of one cure take %d bytes (%v)", len(raw), err)
	}
}

// TestBlocksOfADayAcrossWindows: hourly windows of one day are one block, whatever their number.
func TestBlocksOfADayAcrossWindows(t *testing.T) {
	var items []trimtab.GainItem
	for h := range 24 {
		items = extend(items, trimtab.Time(h), trimtab.Time(h+1), []trimtab.GainBlock{{Key: 15000, N: 10, Sum: 1, Sum2: 1}})
	}
	all := spans(items)
	if last := all[len(all)-1]; last.blocks != 1 || !math.IsInf(last.stderr, 1) || last.df != 0 {
		t.Errorf("a day of hourly windows has %d blocks and the error %v", last.blocks, last.stderr)
	}
}

// TestHourlyWindowsAreRemembered: a month of days is kept, whatever the length of a window.
func TestHourlyWindowsAreRemembered(t *testing.T) {
	var items []trimtab.GainItem
	const hour = day / 24
	for h := range 24 * 90 {
		start := trimtab.Time(h) * hour
		items = extend(items, start, start+hour, []trimtab.GainBlock{{Key: int64(start / day), N: 10, Sum: 1, Sum2: 1}})
	}
	if span := items[len(items)-1].End - items[0].Start; span < 28*day {
		t.Errorf("%d hours are kept", span/hour)
	}
	if len(items) > 60 {
		t.Errorf("%d items", len(items))
	}
}
