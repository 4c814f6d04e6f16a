package stat

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// inference reads one part of testdata/inference.json, written by inference.py beside it.
func inference(t *testing.T, part string, into any) {
	t.Helper()
	b, err := os.ReadFile("testdata/inference.json")
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(parts[part], into); err != nil {
		t.Fatalf("%s: %v", part, err)
	}
}

// close9 compares with the relative tolerance of 1e-9, small numbers too.
func close9(got, want float64) bool {
	return got == want || math.Abs(got-want) <= 1e-9*math.Abs(want) || math.Abs(got-want) < 1e-15
}

func TestQuantileGoldens(t *testing.T) {
	var g struct{ T, Beta, Normal [][]float64 }
	inference(t, "quantiles", &g)
	if len(g.T) != 81 || len(g.Beta) != 54 || len(g.Normal) != 7 {
		t.Fatal("cases missing")
	}
	for _, c := range g.T {
		if q := TQuantile(c[0], c[1]); !close9(q, c[2]) || !close9(TCDF(c[2]/2, c[1]), c[3]) {
			t.Errorf("t %v: quantile %.17g, CDF %.17g", c, q, TCDF(c[2]/2, c[1]))
		}
	}
	for _, c := range g.Beta {
		if q := BetaQuantile(c[0], c[1], c[2]); !close9(q, c[3]) {
			t.Errorf("beta %v: quantile %.17g", c, q)
		}
		if q := BetaCDF(c[3], c[1], c[2]); !close9(q, c[4]) {
			t.Errorf("beta %v: CDF %.17g", c, q)
		}
		// At a = 1e6 scipy's log density is off by 1.5e-9 (against mpmath with 40 digits), ours by less than 1e-10.
		if d := logBetaDensity(c[3], c[1], c[2]); !close9(d, c[5]) && math.Abs(d-c[5]) > 2e-9 {
			t.Errorf("beta %v: log density %.17g", c, d)
		}
	}
	for _, c := range g.Normal {
		if q := NormalQuantile(c[0]); !close9(q, c[1]) || !close9(NormalCDF(c[1]/2), c[2]) {
			t.Errorf("normal %v: quantile %.17g", c, q)
		}
	}
}

func TestQuantileEnds(t *testing.T) {
	inf := math.Inf(1)
	for name, pair := range map[string][2]float64{
		"t at 0": {TQuantile(0, 3), -inf}, "t at 1": {TQuantile(1, 3), inf}, "t in the middle": {TQuantile(0.5, 3), 0},
		"normal t": {TQuantile(0.975, inf), 1.959963984540054}, "t CDF": {TCDF(-inf, 3), 0}, "t CDF above": {TCDF(inf, 3), 1},
		"beta at 0": {BetaQuantile(0, 2, 3), 0}, "beta at 1": {BetaQuantile(1, 2, 3), 1}, "beta below": {BetaCDF(-1, 2, 3), 0}, "beta above": {BetaCDF(2, 2, 3), 1},
		"unknown error": {TInterval(1, inf, 0, 0).Hi, inf}, "no error": {TInterval(1, 0, 4, 0).Lo, 1},
		// 12.706 is the printed table's value for one degree of freedom.
		"table": {math.Round(TInterval(0, 1, 1, 0.95).Hi*1000) / 1000, 12.706},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-15 {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	nan := math.NaN()
	for name, v := range map[string]float64{
		"t of 2": TQuantile(2, 3), "t of NaN": TQuantile(nan, 3), "df 0": TQuantile(0.9, 0), "df -1": TCDF(1, -1), "beta of -1": BetaQuantile(-1, 2, 2),
		"parameter 0": BetaQuantile(0.5, 0, 2), "infinite parameter": BetaCDF(0.5, inf, 2), "level": TInterval(0, 1, 3, 1).Lo, "NaN": BetaCDF(nan, 1, 1),
	} {
		if v == v {
			t.Errorf("%s is %v, want NaN", name, v)
		}
	}
}
