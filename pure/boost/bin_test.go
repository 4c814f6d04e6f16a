package boost

import (
	"math"
	"slices"
	"testing"
)

func TestBorders(t *testing.T) {
	for _, c := range []struct {
		sorted string
		bins   int
		want   []float64
	}{
		{"aabbc", 3, []float64{'a', 'b', 'c'}},
		{"abcdefgh", 4, []float64{'b', 'd', 'f', 'h'}},
		{"abcdeeeeeeeeeeeef", 4, []float64{'d', 'e', 'f'}},
		{"abceeeeeeeeeeeeeef", 4, []float64{'c', 'e', 'f'}},
		{"aaaaaaaaaaaabcdef", 3, []float64{'a', 'c', 'f'}},
		{"", 3, nil},
		{"aaaa", 2, []float64{'a'}},
	} {
		v := make([]float64, len(c.sorted))
		for i := range c.sorted {
			v[i] = float64(c.sorted[i])
		}
		if got := borders(v, c.bins); !slices.Equal(got, c.want) {
			t.Errorf("borders of %q in %d bins: %v, want %v", c.sorted, c.bins, got, c.want)
		}
	}
}

// TestBins: whatever the distribution, bins are no more than asked for, and each value lies in the one between its borders.
func TestBins(t *testing.T) {
	for n := 1; n < 3000; n = n*3 + 1 {
		for bins := 2; bins <= MaxBins; bins = bins*3 - 1 {
			v := uniform(uint64(n), uint64(bins), n)
			for i := range v {
				if i%3 > 0 {
					v[i] = math.Floor(5*v[i]) / 5
				}
			}
			b, err := Bin([]Feature{{Name: "v", Values: v}}, bins)
			if err != nil {
				t.Fatal(err)
			}
			c := b.columns[0]
			if len(c.upper) > bins || !slices.IsSorted(c.upper) || c.upper[len(c.upper)-1] != slices.Max(v) {
				t.Fatalf("%d values in %d bins: borders %v", n, bins, c.upper)
			}
			for i, x := range v {
				at := int(c.bins[i])
				if at == 0 || x > c.upper[at-1] || at > 1 && x <= c.upper[at-2] {
					t.Fatalf("%v in bin %d of %v", x, at, c.upper)
				}
			}
		}
	}
}
