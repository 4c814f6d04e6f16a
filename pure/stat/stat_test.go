package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

func rows(n int, seed uint64) (y []bool, p, w []float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		y = append(y, r.Float64() < 0.3)
		p = append(p, math.Round(r.Float64()*1000)/1000)
		w = append(w, r.Float64()*3)
	}
	return y, p, w
}

// The same rows in any split and any order give the same number; 1e-12 is promised, and this is nearly the last bit.
func TestBatchSplit(t *testing.T) {
	y, p, w := rows(20_000, 7)
	for i := range p {
		p[i] = math.Pow(p[i], 8) // over many magnitudes
	}
	var whole Losses
	whole.AddAll(y, p, w)
	var werr Errors
	for i := range p {
		werr.Add(1e4+p[i], 1e4+p[len(p)-1-i], w[i])
	}
	for _, size := range []int{1, 3, 1000, 7777} {
		var l Losses
		var e Errors
		for lo := 0; lo < len(y); lo += size {
			hi := min(len(y), lo+size)
			var part Losses
			part.AddAll(y[lo:hi], p[lo:hi], w[lo:hi])
			var err Errors
			for i := lo; i < hi; i++ {
				err.Add(1e4+p[i], 1e4+p[len(p)-1-i], w[i])
			}
			// The later rows first.
			part.Merge(l)
			l = part
			err.Merge(e)
			e = err
		}
		for name, pair := range map[string][2]float64{
			"log-loss": {l.LogLoss(), whole.LogLoss()}, "its error": {l.LogLossSE(), whole.LogLossSE()}, "Brier": {l.Brier(), whole.Brier()},
			"MSE": {e.MSE(), werr.MSE()}, "R2": {e.R2(), werr.R2()}, "bias": {e.Bias(), werr.Bias()},
		} {
			if d := math.Abs(pair[0] - pair[1]); d > 1e-15*math.Abs(pair[1]) {
				t.Errorf("batches of %d: %s %.17g, at once %.17g", size, name, pair[0], pair[1])
			}
		}
		if l.Count() != 20_000 || e.Count() != 20_000 || e.MaxError() != werr.MaxError() {
			t.Error("count or largest error")
		}
	}
}

func TestSum(t *testing.T) {
	var s Sum
	for _, x := range []float64{1e100, 1, -1e100, 1e-30} {
		s.Add(x)
	}
	// 1e100 + 1 does not fit into two float64; what remains is what twice the digits keep.
	if s.Value() != 1e-30 && s.Value() != 1 {
		t.Errorf("%v", s.Value())
	}
	s = Sum{}
	for range 10_000_000 / 100 {
		s.Add(0.1)
	}
	if s.Value() != 10_000.000000000000555 {
		t.Errorf("%.17g", s.Value())
	}
	for _, test := range []struct{ in []float64 }{{[]float64{1, math.Inf(1), 2}}, {[]float64{math.Inf(1), math.Inf(1)}}} {
		s = Sum{}
		for _, x := range test.in {
			s.Add(x)
		}
		if !math.IsInf(s.Value(), 1) {
			t.Errorf("%v: %v", test.in, s.Value())
		}
	}
	s.Add(math.Inf(-1))
	s.Add(1)
	if v := s.Value(); v == v {
		t.Errorf("inf - inf = %v", v)
	}
}

// AUC by its definition over all pairs.
func TestAUCDefinition(t *testing.T) {
	for seed := range uint64(20) {
		y, p, w := rows(60, seed)
		for i := range p {
			p[i] = math.Round(p[i] * 10)
		}
		var above, pairs float64
		for i := range y {
			for j := range y {
				if !y[i] || y[j] {
					continue
				}
				pairs += w[i] * w[j]
				switch {
				case p[i] > p[j]:
					above += w[i] * w[j]
				case p[i] == p[j]:
					above += w[i] * w[j] / 2
				}
			}
		}
		if got := AUC(y, p, w); !near(got, above/pairs) {
			t.Errorf("seed %d: %v, want %v", seed, got, above/pairs)
		}
		a, _ := DeLong(y, p)
		if b := AUC(y, p, nil); a != b {
			t.Errorf("seed %d: DeLong's %v, AUC %v", seed, a, b)
		}
	}
}

// The interval covers the truth as often as it says: normal scores one deviation apart have AUC Φ(1/√2). 2,000 samples
// at 95 % miss 100 times, give or take 9.7; 4 deviations are allowed, and the interval is known to be a little narrow.
func TestAUCIntervalCovers(t *testing.T) {
	truth := 0.5 * math.Erfc(-0.5)
	r := rand.New(rand.NewPCG(3, 3))
	miss := 0
	for range 2000 {
		var y []bool
		var s []float64
		for i := range 200 {
			y = append(y, i%2 == 0)
			v := r.NormFloat64()
			if i%2 == 0 {
				v++
			}
			s = append(s, v)
		}
		if _, ci := AUCInterval(y, s, AUCOptions{}); truth < ci.Lo || truth > ci.Hi {
			miss++
		}
	}
	if miss < 61 || miss > 139 {
		t.Errorf("%d of 2000 intervals miss the truth", miss)
	}
}

func TestUndefined(t *testing.T) {
	nan := math.NaN()
	yes, no := []bool{true, true}, []bool{false, false}
	both := []bool{true, false}
	p := []float64{0.3, 0.4}
	interval := func(y []bool, p []float64, logit bool) float64 {
		_, ci := AUCInterval(y, p, AUCOptions{Logit: logit})
		return ci.Lo
	}
	loss := func(y []bool, p, w []float64) float64 {
		var l Losses
		l.AddAll(y, p, w)
		return l.LogLoss()
	}
	_, single := DeLong(both, p)
	regression := func(y, p, w []float64) float64 {
		var e Errors
		e.AddAll(y, p, w)
		return e.R2() + e.MAE() + e.MaxError()
	}
	at := func(y []bool, p, w []float64) Confusion { return ConfusionAt(y, p, w, 0.5) }
	for name, got := range map[string]float64{
		"AUC of positives": AUC(yes, p, nil), "AUC of negatives": AUC(no, p, nil), "AUC of nothing": AUC(nil, nil, nil),
		"AUC with NaN": AUC(both, []float64{nan, 1}, nil), "AUC with a NaN weight": AUC(both, p, []float64{1, nan}),
		"AUC with a negative weight": AUC(both, p, []float64{1, -1}), "AUC without weight": AUC(both, p, []float64{0, 1}),
		"variance of single rows": single, "interval of single rows": interval(both, p, false), "logit of a perfect one": interval([]bool{true, true, false, false}, []float64{4, 3, 2, 1}, true),
		"AP of negatives": AveragePrecision(no, p, nil), "AP with NaN": AveragePrecision(both, []float64{nan, 1}, nil), "AP with a NaN weight": AveragePrecision(both, p, []float64{1, nan}),
		"log-loss of nothing": loss(nil, nil, nil), "log-loss of NaN": loss(both, []float64{nan, 1}, nil), "log-loss of 1.5": loss(both, []float64{1.5, 1}, nil),
		"log-loss of a negative weight": loss(both, p, []float64{-1, 1}), "Brier of -0.1": Brier(both, []float64{-0.1, 0.5}, nil),
		"precision": at(both, p, nil).Precision(), "recall": at(no, p, nil).Recall(), "F1": at(no, p, nil).F1(), "accuracy": Confusion{}.Accuracy(),
		"specificity": at(yes, p, nil).Specificity(), "accuracy with NaN": at(both, []float64{nan, 1}, nil).Accuracy(),
		"precision with NaN": at(both, []float64{nan, 1}, nil).Precision(), "recall with NaN": at(both, []float64{1, nan}, nil).Recall(),
		"R2 of one row": regression([]float64{1}, []float64{1}, nil), "errors with NaN": regression([]float64{1, 2, nan}, []float64{1, 2, 3}, nil),
		"errors with a NaN weight": regression([]float64{1, 2, 3}, []float64{1, 2, 3}, []float64{1, nan, 1}),
		"mean of nothing":          Mean{}.Mean(), "SE of one": func() float64 { var m Mean; m.Add(1, 1); return m.SE() }(),
		"Wilson of none": Wilson(0, 0, 0).Lo, "Wilson of too many": Wilson(3, 2, 0).Hi,
	} {
		if got == got {
			t.Errorf("%s is %v, want NaN", name, got)
		}
	}
}

func TestShapePanics(t *testing.T) {
	for name, f := range map[string]func(){
		"AUC":              func() { AUC([]bool{true}, nil, nil) },
		"weights":          func() { AUC([]bool{true}, []float64{1}, []float64{}) },
		"DeLong":           func() { DeLong([]bool{true}, nil) },
		"AveragePrecision": func() { AveragePrecision([]bool{true}, nil, nil) },
		"LogLoss":          func() { LogLoss([]bool{true}, nil, nil) },
		"ConfusionAt":      func() { ConfusionAt([]bool{true}, nil, nil, 0) },
		"Errors":           func() { new(Errors).AddAll([]float64{1}, nil, nil) },
	} {
		func() {
			defer func() {
				if r := recover(); r != "stat: slices of different lengths" {
					t.Errorf("%s: %v", name, r)
				}
			}()
			f()
		}()
	}
}

// A weight of 2 is the row twice, for everything that is a mean or a share.
func TestWeightIsRepetition(t *testing.T) {
	y, p, _ := rows(50, 5)
	var w, p2 []float64
	var y2 []bool
	for i := range y {
		k := i % 4
		w = append(w, float64(k))
		for range k {
			y2, p2 = append(y2, y[i]), append(p2, p[i])
		}
	}
	for name, pair := range map[string][2]float64{
		"AUC": {AUC(y, p, w), AUC(y2, p2, nil)}, "AP": {AveragePrecision(y, p, w), AveragePrecision(y2, p2, nil)},
		"log-loss": {LogLoss(y, p, w), LogLoss(y2, p2, nil)}, "Brier": {Brier(y, p, w), Brier(y2, p2, nil)},
		"F1": {ptr(ConfusionAt(y, p, w, 0.5)).F1(), ptr(ConfusionAt(y2, p2, nil, 0.5)).F1()},
	} {
		if !near(pair[0], pair[1]) {
			t.Errorf("%s: %v weighted, %v repeated", name, pair[0], pair[1])
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestConfusionMerge(t *testing.T) {
	y, p, w := rows(100, 9)
	whole := ConfusionAt(y, p, w, 0.5)
	part := ConfusionAt(y[60:], p[60:], w[60:], 0.5)
	part.Merge(ConfusionAt(y[:60], p[:60], w[:60], 0.5))
	if whole.TruePositives() != part.TruePositives() || whole.FalsePositives() != part.FalsePositives() || whole.TrueNegatives() != part.TrueNegatives() || whole.FalseNegatives() != part.FalseNegatives() {
		t.Errorf("%v, want %v", part, whole)
	}
}

func TestMeanFarFromZero(t *testing.T) {
	var m Mean
	for _, x := range []float64{1e9 + 1, 1e9 + 2, 1e9 + 3} {
		m.Add(x, 1)
	}
	// Deviation 1, over √3.
	if m.Mean() != 1e9+2 || !near(m.SE(), 1/math.Sqrt(3)) || m.Count() != 3 || m.Weight() != 3 {
		t.Errorf("%v ± %v", m.Mean(), m.SE())
	}
	var v Mean
	for _, x := range []float64{1e9 + 1, 1e9 + 2, 1e9 + 3} {
		v.Add(x, 0.1) // a common factor of the weights changes nothing
	}
	if !near(v.Mean(), 1e9+2) || !near(v.SE(), m.SE()) {
		t.Errorf("%v ± %v", v.Mean(), v.SE())
	}
}

func TestLosses32(t *testing.T) {
	l := Losses{Eps: Eps32}
	l.Add(false, 1, 1)
	if want := 23 * math.Ln2; !near(l.LogLoss(), want) {
		t.Errorf("%v, want %v", l.LogLoss(), want)
	}
}

func TestAddAllocates(t *testing.T) {
	var l Losses
	var e Errors
	if n := testing.AllocsPerRun(100, func() { l.Add(true, 0.3, 1); e.Add(1, 2, 1) }); n != 0 {
		t.Errorf("a row allocates %v times", n)
	}
}

func BenchmarkDeLong100k(b *testing.B) {
	y, p, _ := rows(100_000, 1)
	b.ReportAllocs()
	for b.Loop() {
		DeLong(y, p)
	}
}
