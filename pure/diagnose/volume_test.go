package diagnose

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

const dayLong = 86_400_000

// daily makes windows of whole days from a rate: counts scatter around it more than chance, by the week and by the day.
func daily(r *rand.Rand, windows, days int, scatter float64, rate func(day int) float64) (out []Flow) {
	for w := range windows {
		f := Flow{Begin: int64(w*days) * dayLong, Bin: dayLong, Count: make([]float64, days)}
		level := math.Exp(scatter * r.NormFloat64())
		for i := range days {
			f.Count[i] = poisson(r, rate(w*days+i)*level*math.Exp(scatter*r.NormFloat64()))
		}
		out = append(out, f)
	}
	return out
}

// poisson is near enough for counts above a few.
func poisson(r *rand.Rand, mean float64) float64 {
	return max(0, math.Round(mean+math.Sqrt(mean)*r.NormFloat64()))
}

// weekly has a weekend.
func weekly(day int) float64 {
	if day%7 >= 5 {
		return 300
	}
	return 1000
}

func times(f Flow, lo, hi int, factor float64) Flow {
	f.Count = slices.Clone(f.Count)
	for i := lo; i < hi; i++ {
		f.Count[i] = math.Round(f.Count[i] * factor)
	}
	return f
}

func TestCompare(t *testing.T) {
	flat := func(int) float64 { return 500 }
	closed := func(day int) float64 { // on Sundays nobody comes
		if day%7 == 6 {
			return 0
		}
		return 200
	}
	for _, x := range []struct {
		name    string
		days    int
		history int
		scatter float64
		rate    func(int) float64
		lo, hi  int
		factor  float64
		want    string // span and whether fewer, "" for nothing
	}{
		{"as usual", 7, 8, 0.05, weekly, 0, 7, 1, ""},
		{"half of a week", 7, 8, 0.05, weekly, 0, 7, 0.5, "0-7 fewer"},
		{"half of it after three weeks", 7, 3, 0.05, weekly, 0, 7, 0.5, "0-7 fewer"},
		{"half of it after two weeks", 7, 2, 0.05, weekly, 0, 7, 0.5, "unknown"},
		{"half from Wednesday on", 7, 8, 0.05, weekly, 3, 7, 0.5, "3-7 fewer"},
		{"nothing for two days of a month", 28, 4, 0.05, weekly, 24, 26, 0, "24-26 fewer"},
		{"nothing for a day of a month", 28, 4, 0.05, weekly, 10, 11, 0, ""},
		{"half of two days of a month", 28, 4, 0.05, weekly, 8, 10, 0.5, ""},
		{"half of a month", 28, 4, 0.05, weekly, 14, 28, 0.5, "14-28 fewer"},
		{"twice as many", 7, 8, 0.05, weekly, 0, 7, 2, "0-7 more"},
		{"a tenth more", 7, 8, 0.05, weekly, 0, 7, 1.1, ""},
		{"a tenth fewer", 7, 8, 0.05, weekly, 0, 7, 0.9, ""},
		{"half where windows differ by half", 7, 8, 0.5, flat, 0, 7, 0.5, ""},
		{"closed on Sundays", 7, 8, 0.05, closed, 0, 7, 1, ""},
		{"closed on Sundays, days as windows", 1, 14, 0.05, closed, 0, 1, 1, ""},
	} {
		r := rand.New(rand.NewPCG(7, 1))
		all := daily(r, x.history+1, x.days, x.scatter, x.rate)
		now := times(all[x.history], x.lo, x.hi, x.factor)
		c, ok := Compare(all[:x.history], now, 0.2)
		got := ""
		switch {
		case !ok:
			got = "unknown"
		case c.Hi > 0 && c.Fewer():
			got = fmt.Sprintf("%d-%d fewer", c.Lo, c.Hi)
		case c.Hi > 0:
			got = fmt.Sprintf("%d-%d more", c.Lo, c.Hi)
		}
		if got != x.want {
			t.Errorf("%s: %q, want %q: %+v", x.name, got, x.want, c)
		}
	}
}

// TestCompareShares compares labels with the rows that wait for them: fewer rows have fewer labels, and those of the last
// day have always had less time.
func TestCompareShares(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	made := func(keep func(day int) float64) (f Flow) {
		f = Flow{Bin: dayLong}
		for i := range 7 {
			n := poisson(r, 1000)
			share := 0.98
			if i == 6 {
				share = 0.4
			}
			f.Of, f.Count = append(f.Of, n), append(f.Count, math.Round(n*share*keep(i)))
		}
		return f
	}
	all := func(int) float64 { return 1 }
	var before []Flow
	for range 6 {
		before = append(before, made(all))
	}
	if c, ok := Compare(before, made(all), 0.2); !ok || c.Hi != 0 {
		t.Errorf("as usual: %+v", c)
	}
	few := made(all)
	for i := range few.Of {
		few.Of[i], few.Count[i] = math.Round(few.Of[i]/3), math.Round(few.Count[i]/3)
	}
	if c, _ := Compare(before, few, 0.2); c.Hi != 0 {
		t.Errorf("few rows with as many labels each: %+v", c)
	}
	if c, _ := Compare(before, made(func(int) float64 { return 0.5 }), 0.2); c.Lo != 0 || c.Hi != 7 || !c.Fewer() {
		t.Errorf("half of the labels: %+v", c)
	}
	if c, _ := Compare(before, made(func(i int) float64 { return map[bool]float64{true: 1, false: 0}[i < 4] }), 0.2); c.Lo != 4 || c.Hi != 7 || c.Count != 0 {
		t.Errorf("no labels from the fifth day on: %+v", c)
	}
}

// TestCompareOdd gives what tells nothing.
func TestCompareOdd(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	good := daily(r, 6, 7, 0.05, weekly)
	nan := Flow{Bin: dayLong, Count: []float64{math.NaN(), math.NaN()}}
	for name, x := range map[string]struct {
		before []Flow
		now    Flow
	}{
		"nothing":              {nil, Flow{}},
		"no bins":              {good, Flow{Bin: dayLong}},
		"no history":           {nil, good[0]},
		"unknown bins":         {good, nan},
		"unknown history":      {[]Flow{nan, nan, nan, nan}, good[0]},
		"other bins":           {good, Flow{Bin: dayLong / 24, Count: []float64{1, 2}}},
		"shares beside counts": {good, Flow{Bin: dayLong, Count: []float64{1}, Of: []float64{2}}},
		"half of the rows":     {good, Flow{Bin: dayLong, Count: []float64{1, 2}, Of: []float64{2}}},
		"nothing ever came":    {[]Flow{times(good[0], 0, 7, 0), times(good[1], 0, 7, 0), times(good[2], 0, 7, 0)}, good[3]},
	} {
		if c, ok := Compare(x.before, x.now, 0.2); ok || c.Hi != 0 {
			t.Errorf("%s: %v %+v", name, ok, c)
		}
	}
}

// TestCompareQuiet counts false alarms over simulated years: with weekends, growth, much scatter, and few rows.
func TestCompareQuiet(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	for _, x := range []struct {
		name    string
		scatter float64
		rate    func(day int) float64
	}{
		{"weekends", 0.05, weekly},
		{"scatter", 0.3, weekly},
		{"growth of a tenth a month", 0.05, func(d int) float64 { return 300 * math.Exp(float64(d)/300) }},
		{"the year", 0.05, func(d int) float64 { return 500 * (1 + 0.5*math.Sin(2*math.Pi*float64(d)/365)) }},
		{"few", 0.1, func(int) float64 { return 4 }},
	} {
		alarms, judged := 0, 0
		for range 20 {
			all := daily(r, 52, 7, x.scatter, x.rate)
			for i := range all {
				if c, ok := Compare(all[max(0, i-12):i], all[i], 0.2); ok {
					judged++
					if c.Hi > 0 {
						alarms++
					}
				}
			}
		}
		if judged < 900 || alarms*200 > judged {
			t.Errorf("%s: %d false alarms in %d windows", x.name, alarms, judged)
		}
	}
}
