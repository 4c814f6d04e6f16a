package diagnose

import (
	"math"
	"slices"
	"testing"
)

// TestStuckColumnsBlameNoOther: while one column stands still, those that went with
// it are not taken for changed or swapped, however they drift.
func TestStuckColumnsBlameNoOther(t *testing.T) {
	all := plant(12_600)
	ref, err := Fit(Sample{Table: all.Table.Slice(0, 12_000), Times: all.Times[:12_000]}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		value float64
		drift float64 // of a, which c goes with
	}{{"stuck", 44, 1}, {"stuck in a cold month", 44, 0.7}, {"-999", -999, 1}, {"-999 in a cold month", -999, 0.7}} {
		t.Run(c.name, func(t *testing.T) {
			now := plant(12_600)
			s := Sample{Table: now.Table.Slice(12_000, 12_600), Times: now.Times[12_000:]}
			a, load := floats(s.Table, "a"), floats(s.Table, "c")
			for i := range a {
				a[i] = math.Round(10*a[i]*c.drift) / 10
				load[i] = c.value
			}
			found, err := ref.Examine(s)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(found, func(f Finding) bool { return slices.Equal(f.Columns, []string{"c"}) && f.Confidence >= 0.9 }) {
				t.Errorf("c stands still and is not found: %+v", found)
			}
			for _, f := range found {
				if !slices.Equal(f.Columns, []string{"c"}) {
					t.Errorf("%v %s x%v, confidence %v, by %+v", f.Columns, f.Kind, f.Factor, f.Confidence, f.Evidence)
				}
			}
		})
	}
}
