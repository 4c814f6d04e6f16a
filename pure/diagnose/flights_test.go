package diagnose

import (
	"os"
	"testing"
)

// TestFlights walks weeks of the flights of 2013 where the example's data are present: good weeks hold nothing, and of
// the weeks after it each of some faults is found with its kind and its column.
func TestFlights(t *testing.T) {
	const path = "../../examples/flights/data/flights.parquet"
	if _, err := os.Stat(path); err != nil {
		t.Skip("the example's data are absent")
	}
	s := load(t, path, "flights", "scheduled", "flight_id", "late", "known_at")
	week := int64(7 * 24 * hour)
	at := func(ms int64) int {
		n := 0
		for n < len(s.Times) && s.Times[n] < ms {
			n++
		}
		return n
	}
	faulty := []struct {
		column, kind string
		do           func(float64) float64
	}{
		{"wind_speed", Unit, func(x float64) float64 { return 1.609344 * x }},
		{"temp", Unit, func(x float64) float64 { return (x - 32) / 1.8 }},
		{"distance", Unit, func(x float64) float64 { return 1.609344 * x }},
		{"pressure", Unit, func(x float64) float64 { return x * 0.0295299830714 }},
		{"visib", Unit, func(x float64) float64 { return 1.609344 * x }},
		{"humid", Unit, func(x float64) float64 { return x / 100 }},
		{"plane_seats", Sentinel, func(float64) float64 { return -999 }},
	}
	start := s.Times[0]
	for _, weeks := range []int64{9, 23} {
		cut := at(start + weeks*week)
		ref, err := Fit(s.slice(max(0, cut-60_000), cut), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for w := range int64(2) {
			lo, hi := at(start+(weeks+w)*week), at(start+(weeks+w+1)*week)
			found, err := ref.Examine(s.slice(lo, hi))
			if err != nil {
				t.Fatal(err)
			}
			if len(found) > 0 && found[0].Confidence >= holdAt {
				t.Errorf("week %d, known to week %d, is good and held: %s", weeks+w, weeks, show(found[0]))
			}
			if w > 0 {
				continue
			}
			for _, f := range faulty {
				bad := copied(s.Table.Slice(lo, hi))
				v := bad.Column(f.column).Float64s
				for i, x := range v {
					v[i] = f.do(x)
				}
				found, err := ref.Examine(Sample{Table: bad, Times: s.Times[lo:hi]})
				if err != nil {
					t.Fatal(err)
				}
				if len(found) == 0 || found[0].Confidence < holdAt || found[0].Kind != f.kind || found[0].Columns[0] != f.column {
					text := "nothing"
					if len(found) > 0 {
						text = show(found[0])
					}
					t.Errorf("week %d: %s: want %s, found %s", weeks, f.column, f.kind, text)
				}
			}
		}
	}
}
