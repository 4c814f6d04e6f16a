package diagnose

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

// rainfall makes hours with the rain of their day, in inches: dry on most days, and with a long tail.
func rainfall(days int, seed uint64) Sample {
	rng := rand.New(rand.NewPCG(seed, 3))
	rain, load := table.NewColumn("rain", table.Float64, 24*days), table.NewColumn("load", table.Float64, 24*days)
	s := Sample{Table: &table.Table{Columns: []*table.Column{rain, load}}}
	for day := range days {
		fell := 0.0
		if rng.Float64() < 0.4 {
			fell = math.Round(100*0.15*math.Exp(rng.NormFloat64())) / 100
		}
		for h := range 24 {
			s.Times = append(s.Times, int64(day*24+h)*hour)
			rain.AppendFloat64(fell)
			load.AppendFloat64(100 + 30*math.Sin(float64(h)/24*2*math.Pi) + 5*rng.NormFloat64())
		}
	}
	return s
}

// A wet week is no change of unit, though it lies as far beyond what was seen as one: it is a few values, each of them
// repeated for every hour of its day.
func TestFewDaysAreNoUnit(t *testing.T) {
	all := rainfall(181, 1)
	ref, err := Fit(Sample{Table: all.Table.Slice(0, 150*24), Times: all.Times[:150*24]}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	examine := func(do func(day int, inches float64) float64) (held []Finding) {
		month := rainfall(181, 1)
		rain := floats(month.Table, "rain")
		for i := 150 * 24; i < 181*24; i++ {
			rain[i] = do(i/24-150, rain[i])
		}
		found, err := ref.Examine(Sample{Table: month.Table.Slice(150*24, 181*24), Times: month.Times[150*24:]})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if f.Confidence >= 0.9 {
				held = append(held, f)
			}
		}
		return held
	}
	wet := map[int]float64{16: 6.3, 20: 9, 21: 0.9, 22: 2.7, 23: 7.6}
	if f := examine(func(day int, inches float64) float64 {
		if 15 < day && day < 24 {
			return wet[day]
		}
		return inches
	}); len(f) > 0 {
		t.Errorf("a wet week: %+v", f)
	}
	if f := examine(func(_ int, inches float64) float64 { return 25.4 * inches }); len(f) != 1 || f[0].Kind != Unit || f[0].Factor != 25.4 {
		t.Errorf("a month in millimetres: %+v", f)
	}
}
