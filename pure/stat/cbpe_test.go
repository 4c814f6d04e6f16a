package stat

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

func (e CBPEEstimate) byName() map[string]Expected {
	return map[string]Expected{
		"accuracy": e.Accuracy, "precision": e.Precision, "recall": e.Recall, "specificity": e.Specificity, "f1": e.F1, "roc_auc": e.AUC,
		"average precision": e.AveragePrecision, "log-loss": e.LogLoss, "brier": e.Brier, "positives": e.Positives,
	}
}

// testdata/cbpe.json is written by cbpe.py beside it, with NannyML 0.13.1.
func TestCBPEGoldens(t *testing.T) {
	b, err := os.ReadFile("testdata/cbpe.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name           string
		Score, Current []float64
		Y              []bool
		Needs          bool
		Want, Rounded  map[string]float64
		ECE            [][3]float64
		Sampling       map[string]float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 3 {
		t.Fatal("cases missing")
	}
	for _, c := range cases {
		f, err := FitCBPE(c.Y, c.Score, CBPEOptions{})
		if err != nil || f.Calibrated != c.Needs {
			t.Fatalf("%s: calibrated %v %v, NannyML %v", c.Name, f.Calibrated, err, c.Needs)
		}
		e := f.Estimate(c.Current, nil, 0)
		got := e.byName()
		got["roc_auc_exact"], got["ap_exact"] = e.AUC, e.AveragePrecision
		for k, want := range c.Want {
			if !close9(got[k].Value, want) {
				t.Errorf("%s: %s %.17g, want %.17g", c.Name, k, got[k].Value, want)
			}
		}
		p := make([]float64, len(c.Current))
		for i, s := range c.Current {
			p[i] = f.Probability(s)
		}
		if auc, ap := NannyMLCurves(p, c.Current); !close9(auc, c.Rounded["roc_auc"]) || !close9(ap, c.Rounded["ap"]) {
			t.Errorf("%s: %v %v, want %v", c.Name, auc, ap, c.Rounded)
		}
		for _, v := range c.ECE {
			if got := ECEByRank(c.Y[:int(v[1])], c.Score[:int(v[1])], int(v[0])); !close9(got, v[2]) {
				t.Errorf("%s: ECE %v, want %v", c.Name, got, v)
			}
		}
		predicted := make([]bool, len(c.Score))
		for i, s := range c.Score {
			predicted[i] = s >= 0.5
		}
		for k, s := range SamplingErrors(c.Y, predicted, c.Score) {
			if got := s.At(len(c.Current)); !close9(got, c.Sampling[k]) {
				t.Errorf("%s: sampling error of %s %v, want %v", c.Name, k, got, c.Sampling[k])
			}
		}
	}
}

// cbpeRows draws rows whose scores mean less than they say.
func cbpeRows(r *rand.Rand, n int, shift float64) (y []bool, score []float64) {
	for range n {
		u := -0.8 + shift + 1.2*r.NormFloat64()
		y = append(y, r.Float64() < logistic(u))
		score = append(score, logistic(1.6*u+0.3))
	}
	return y, score
}

// Intervals hold what is measured once the labels are known, with a shift of inputs, for windows of a few dozen rows and
// for references no larger than the window.
func TestCBPECovers(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 1))
	trials := reduced(2000)
	for _, test := range []struct {
		name           string
		reference, now int
		shift          float64
		floor          float64
	}{{"window of 500", 4000, 500, 0.5, 0.93}, {"window of 40", 4000, 40, 0, 0.92}, {"small reference", 500, 1000, 0.2, 0.91}} {
		inside, defined := map[string]int{}, map[string]int{}
		wide := 0.0
		for range trials {
			y, s := cbpeRows(r, test.reference, 0)
			f, err := FitCBPE(y, s, CBPEOptions{})
			if err != nil {
				t.Fatal(err)
			}
			y, s = cbpeRows(r, test.now, test.shift)
			e := f.Estimate(s, nil, 0)
			m := ConfusionAt(y, s, nil, 0.5)
			truth := map[string]float64{
				"accuracy": m.Accuracy(), "precision": m.Precision(), "recall": m.Recall(), "specificity": m.Specificity(), "f1": m.F1(), "roc_auc": AUC(y, s, nil),
				"average precision": AveragePrecision(y, s, nil), "log-loss": LogLoss(y, s, nil), "brier": Brier(y, s, nil),
				"positives": (m.TruePositives() + m.FalseNegatives()) / float64(test.now),
			}
			for k, v := range e.byName() {
				if truth[k] != truth[k] || v.CI.Lo != v.CI.Lo {
					continue
				}
				defined[k]++
				if v.CI.Lo <= truth[k]+1e-12 && truth[k]-1e-12 <= v.CI.Hi {
					inside[k]++
				}
			}
			wide += (e.Accuracy.CI.Hi - e.Accuracy.CI.Lo) / (2 * 1.96 * e.Accuracy.SE)
		}
		t.Logf("%s: interval of accuracy %.2f of ±1.96 SE", test.name, wide/float64(trials))
		for k, n := range defined {
			share := float64(inside[k]) / float64(n)
			t.Logf("%s: %-18s %.4f of %d", test.name, k, share, n)
			slack := 4 * math.Sqrt(0.05*0.95/float64(n))
			if share < test.floor-slack {
				t.Errorf("%s: %s covered %.4f", test.name, k, share)
			}
		}
	}
}

// With all outcomes at hand: the interval of accuracy is that of the exact distribution, by convolution, or up to one
// count wider at either side.
func TestCBPEPoissonBinomial(t *testing.T) {
	r := rand.New(rand.NewPCG(42, 1))
	for range 20 {
		n := 30 + r.IntN(200)
		var p []float64
		exact := []float64{1}
		ratio := cbpeRatio{z: Z(0.95)}
		for range n {
			v := math.Pow(r.Float64(), 2)
			p = append(p, v)
			next := make([]float64, len(exact)+1)
			for k, m := range exact {
				next[k] += m * (1 - v)
				next[k+1] += m * v
			}
			exact = next
			ratio.m1 += v
			ratio.v1 += v * (1 - v)
			ratio.k1 += v * (1 - v) * (1 - 2*v)
		}
		e := ratio.expect(ratio.m1/float64(n), float64(n), func(x float64) (a, b, c float64) { return 1, 0, x * float64(n) })
		lo, hi := 0, 0
		for sum, k := 0.0, 0; k <= n; k++ {
			sum += exact[k]
			if sum < 0.025 {
				lo = k + 1
			}
			if sum < 0.975 {
				hi = k + 1
			}
		}
		gotLo, gotHi := e.CI.Lo*float64(n), e.CI.Hi*float64(n)
		if !(gotLo <= float64(lo)+0.2 && gotLo > float64(lo)-1.3 && gotHi >= float64(hi)-0.2 && gotHi < float64(hi)+1.3) {
			t.Errorf("%d rows: [%v, %v], exact [%d, %d]", n, gotLo, gotHi, lo, hi)
		}
	}
}

func TestCBPEWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(43, 1))
	y, s := cbpeRows(r, 20_000, 0)
	f, err := FitCBPE(y, s, CBPEOptions{Threshold: 0.4})
	if err != nil {
		t.Fatal(err)
	}
	_, s = cbpeRows(r, 6000, 0.3)
	whole, a, b := f.NewWindow(), f.NewWindow(), f.NewWindow()
	for i, v := range s {
		whole.Add(v, v >= 0.4)
		if i%5 == 0 {
			a.Add(v, v >= 0.4)
		} else {
			b.Add(v, v >= 0.4)
		}
	}
	b.Merge(a)
	exact, one, two := f.Estimate(s, nil, 0), whole.Estimate(0), b.Estimate(0)
	for k, e := range exact.byName() {
		w, m := one.byName()[k], two.byName()[k]
		if math.Abs(w.Value-m.Value) > 1e-14 || math.Abs(w.CI.Lo-m.CI.Lo) > 1e-12 {
			t.Errorf("%s: %v at once, %v merged", k, w, m)
		}
		tolerance := 1e-12
		if k == "roc_auc" || k == "average precision" {
			tolerance = 0.06 * e.SE
		}
		if math.Abs(w.Value-e.Value) > tolerance || math.Abs(w.SE/e.SE-1) > 0.01 {
			t.Errorf("%s: binned %v, exact %v", k, w, e)
		}
	}
	if !exact.Reliable || exact.Outside > 0.001 || exact.Effective < 10_000 || exact.Rows != 6000 {
		t.Errorf("%+v", exact)
	}
	far := make([]float64, 500)
	for i := range far {
		far[i] = 0.999999
	}
	if e := f.Estimate(far, nil, 0); e.Reliable {
		t.Errorf("beyond the reference: %+v", e)
	}
	if n := testing.AllocsPerRun(100, func() { whole.Add(0.3, false) }); n != 0 {
		t.Errorf("a row allocates %v times", n)
	}
	// Order of the rows and of tied ones does not matter; given predictions count.
	tied := []float64{0.2, 0.2, 0.2, 0.9, 0.9}
	x := f.Estimate(tied, []bool{true, false, false, true, false}, 0)
	z := f.Estimate([]float64{0.9, 0.2, 0.2, 0.9, 0.2}, []bool{false, false, false, true, true}, 0)
	if x != z || x.TruePositives+x.FalsePositives != 2 {
		t.Errorf("%+v, %+v", x, z)
	}
	b2, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseCBPE(b2)
	if err != nil || back.Estimate(s, nil, 0) != exact {
		t.Errorf("stored and read: %v", err)
	}
	stored := back.NewWindow()
	stored.Add(0.3, false)
	stored.Merge(b)
	if e := stored.Estimate(0); e.Rows != 6001 {
		t.Errorf("merged with a stored one: %+v", e)
	}
}

func TestCBPEAbsent(t *testing.T) {
	r := rand.New(rand.NewPCG(44, 1))
	y, s := cbpeRows(r, 400, 0)
	f, err := FitCBPE(y, s, CBPEOptions{Calibrate: "always"})
	if err != nil || !f.Calibrated {
		t.Fatal(err)
	}
	if f, err := FitCBPE(y, s, CBPEOptions{Calibrate: "never"}); err != nil || f.Calibrated || f.Probability(0.37) != 0.37 {
		t.Errorf("never: %v %v", f, err)
	}
	other, _ := FitCBPE(y[:300], s[:300], CBPEOptions{})
	mixed := f.NewWindow()
	mixed.Merge(other.NewWindow())
	bad := f.NewWindow()
	bad.Add(math.NaN(), false)
	for name, e := range map[string]CBPEEstimate{"nothing": f.Estimate(nil, nil, 0), "NaN": f.Estimate([]float64{0.1, math.NaN()}, nil, 0), "two references": mixed.Estimate(0), "NaN in a window": bad.Estimate(0), "above 1": f.Estimate([]float64{2}, nil, 0)} {
		if e.Accuracy.Value == e.Accuracy.Value || e.AUC.CI.Lo == e.AUC.CI.Lo || e.Reliable {
			t.Errorf("%s: %+v", name, e)
		}
	}
	e := f.Estimate([]float64{0.1, 0.2}, nil, 0)
	if e.Precision.Value == e.Precision.Value || e.Accuracy.Value != e.Accuracy.Value {
		t.Errorf("nothing predicted: %+v", e)
	}
	// Certain scores leave nothing to chance.
	sure := &CBPE{Threshold: 0.5, Counts: []int64{100}, Hi: 1}
	sure.prepare()
	if e := sure.Estimate([]float64{0, 0, 1, 1}, nil, 0); e.Accuracy != (Expected{1, 0, Interval{1, 1}}) || e.AUC.Value != 1 {
		t.Errorf("certain: %+v", e)
	}
	// All of one class, and perfect scores, are left as they are.
	perfect := make([]bool, len(s))
	for i := range s {
		perfect[i] = s[i] > 0.5
	}
	for name, y := range map[string][]bool{"one class": make([]bool, len(s)), "perfect": perfect} {
		if f, err := FitCBPE(y, s, CBPEOptions{}); err != nil || f.Calibrated {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"few": second(FitCBPE(y[:10], s[:10], CBPEOptions{})), "option": second(FitCBPE(y, s, CBPEOptions{Calibrate: "maybe"})),
		"score": second(FitCBPE(y[:20], append(append([]float64(nil), s[:19]...), 1.5), CBPEOptions{})),
		"json":  second(ParseCBPE([]byte(`{`))), "empty": second(ParseCBPE([]byte(`{}`))),
		"counts":  second(ParseCBPE([]byte(`{"calibrator":{"kind":"isotonic","x":[0],"y":[0]},"edges":[0.5],"counts":[1],"lo":0,"hi":1}`))),
		"zero":    second(ParseCBPE([]byte(`{"calibrator":{"kind":"isotonic","x":[0],"y":[0]},"edges":[],"counts":[0],"lo":0,"hi":1}`))),
		"edges":   second(ParseCBPE([]byte(`{"calibrator":{"kind":"isotonic","x":[0],"y":[0]},"edges":[0.5,0.5],"counts":[1,1,1],"lo":0,"hi":1}`))),
		"range":   second(ParseCBPE([]byte(`{"calibrator":{"kind":"isotonic","x":[0],"y":[0]},"edges":[],"counts":[1],"lo":0,"hi":2}`))),
		"linear":  second(ParseCBPE([]byte(`{"calibrator":{"kind":"linear","slope":1},"edges":[],"counts":[1],"lo":0,"hi":1}`))),
		"outside": second(ParseCBPE([]byte(`{"calibrator":{"kind":"isotonic","x":[0],"y":[2]},"edges":[],"counts":[1],"lo":0,"hi":1}`))),
	} {
		if !errors.Is(err, ErrCBPE) || !strings.HasPrefix(err.Error(), "stat: CBPE: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzParseCBPE(f *testing.F) {
	f.Add([]byte(`{"threshold":0.5,"calibrated":true,"calibrator":{"kind":"isotonic","x":[0,1],"y":[0,1]},"edges":[0.5],"counts":[3,4],"lo":0,"hi":1}`))
	f.Add([]byte(`{"calibrator":{"kind":"logistic","slope":-1e300},"edges":[],"counts":[1],"lo":0,"hi":0}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCBPE(b)
		if err != nil {
			return
		}
		e := c.Estimate([]float64{0, 0.1, 0.5, 0.5, 1}, nil, 0)
		if v := e.Accuracy.Value; !(v >= 0 && v <= 1) {
			t.Fatalf("%s: %+v", b, e)
		}
	})
}

func BenchmarkCBPE1M(b *testing.B) {
	r := rand.New(rand.NewPCG(45, 1))
	y, s := cbpeRows(r, 100_000, 0)
	f, err := FitCBPE(y, s, CBPEOptions{})
	if err != nil {
		b.Fatal(err)
	}
	_, s = cbpeRows(r, 1_000_000, 0.3)
	b.Run("rows", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f.Estimate(s, nil, 0)
		}
	})
	b.Run("window", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w := f.NewWindow()
			for _, v := range s {
				w.Add(v, v >= 0.5)
			}
			w.Estimate(0)
		}
	})
}
