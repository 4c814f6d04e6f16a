package stat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPairedDeLongGoldens(t *testing.T) {
	var g []struct {
		Y       []bool
		A, B    []float64
		Block   []int
		AUC     [2]float64
		Cov     [2][2]float64
		SE, P   float64
		Blocked float64
	}
	inference(t, "paired", &g)
	if len(g) != 3 {
		t.Fatal("cases missing")
	}
	for i, c := range g {
		got := PairedDeLong(c.Y, c.A, c.B)
		if !close9(got.A, c.AUC[0]) || !close9(got.B, c.AUC[1]) || !close9(got.SE, c.SE) || !close9(got.P(), c.P) {
			t.Errorf("%d: %+v P %v, want %v %v %v", i, got, got.P(), c.AUC, c.SE, c.P)
		}
		for j := range 4 {
			if !close9(got.Covariance[j/2][j%2], c.Cov[j/2][j%2]) {
				t.Errorf("%d: covariance %v, want %v", i, got.Covariance, c.Cov)
			}
		}
		if _, v := DeLong(c.Y, c.A); !close9(v, got.Covariance[0][0]) {
			t.Errorf("%d: variance %v, unpaired %v", i, got.Covariance[0][0], v)
		}
		if got := PairedDeLongBlocks(c.Y, c.A, c.B, c.Block); !close9(got.SE, c.Blocked) {
			t.Errorf("%d: by blocks %v, want %v", i, got.SE, c.Blocked)
		}
		blocks := make([]Block, len(c.Y))
		for k, v := range PairedAUCValues(c.Y, c.A, c.B) {
			blocks[c.Block[k]].Add(v)
		}
		// The sandwich of unequal blocks differs a little from Obuchowski's plain one.
		if mean, se, _ := BlockMean(blocks); !close9(mean, got.Difference) || math.Abs(se/c.Blocked-1) > 0.05 {
			t.Errorf("%d: as values %v ± %v, want %v ± %v", i, mean, se, got.Difference, c.Blocked)
		}
		swapped := PairedDeLong(c.Y, c.B, c.A)
		if swapped.Difference != -got.Difference || swapped.SE != got.SE {
			t.Errorf("%d: swapped %+v, was %+v", i, swapped, got)
		}
		if same := PairedDeLong(c.Y, c.A, c.A); same.SE != 0 || same.Z() != 0 || same.P() != 1 || same.Interval(0) != (Interval{}) {
			t.Errorf("%d: with itself %+v", i, same)
		}
	}
	if v := PairedAUCValues([]bool{true, true}, []float64{1, 2}, []float64{2, 1}); v != nil {
		t.Errorf("values of one class: %v", v)
	}
	one := PairedDeLong([]bool{true, true}, []float64{1, 2}, []float64{2, 1})
	single := PairedDeLong([]bool{true, false}, []float64{1, 2}, []float64{2, 1})
	block := PairedDeLongBlocks([]bool{true, false, true, false}, []float64{1, 2, 3, 4}, []float64{2, 1, 4, 3}, []int{7, 7, 7, 7})
	for name, v := range map[string]float64{"one class": one.Difference, "single rows": single.SE, "NaN": PairedDeLong([]bool{true, false}, []float64{1, math.NaN()}, []float64{2, 1}).A, "one block": block.SE} {
		if v == v {
			t.Errorf("%s: %v, want NaN", name, v)
		}
	}
	if single.A != 0 || single.B != 1 || block.Difference != 0.5 {
		t.Errorf("%+v, %+v", single, block)
	}
}

// Rows of one block share luck; by rows the test of two equal scores calls a difference far too often, by blocks not.
func TestPairedDeLongBlocksCover(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	trials := reduced(2000)
	byRows, byBlocks := 0, 0
	for range trials {
		var y []bool
		var a, b []float64
		var block []int
		for g := range 30 {
			// Which score is right more often differs from block to block.
			tilt := r.NormFloat64()
			for range 20 {
				positive := r.Float64() < 0.4
				s := -0.5
				if positive {
					s = 0.5
				}
				y, block = append(y, positive), append(block, g)
				common := r.NormFloat64()
				a, b = append(a, s*(1+tilt)+common), append(b, s*(1-tilt)+common)
			}
		}
		if ci := PairedDeLong(y, a, b).Interval(0); ci.Lo > 0 || ci.Hi < 0 {
			byRows++
		}
		if ci := PairedDeLongBlocks(y, a, b, block).Interval(0); ci.Lo > 0 || ci.Hi < 0 {
			byBlocks++
		}
	}
	rows, blocks := float64(byRows)/float64(trials), float64(byBlocks)/float64(trials)
	t.Logf("false differences by rows %.3f, by blocks %.3f", rows, blocks)
	if blocks > allowed(trials)+0.01 || rows < 0.2 {
		t.Errorf("by rows %v, by blocks %v", rows, blocks)
	}
}

func TestExactGoldens(t *testing.T) {
	var g struct {
		Clopper [][5]float64 `json:"clopper_pearson"`
		McNemar [][3]float64
		FDR     [][2][]float64
	}
	inference(t, "exact", &g)
	if len(g.Clopper) != 18 || len(g.McNemar) != 8 || len(g.FDR) != 3 {
		t.Fatal("cases missing")
	}
	for _, c := range g.Clopper {
		if ci := ClopperPearson(c[0], c[1], c[2]); !close9(ci.Lo, c[3]) || !close9(ci.Hi, c[4]) {
			t.Errorf("%v: %v", c, ci)
		}
	}
	for _, c := range g.McNemar {
		if p := McNemar(int64(c[0]), int64(c[1])); !close9(p, c[2]) {
			t.Errorf("%v: %v", c, p)
		}
	}
	for _, c := range g.FDR {
		for i, q := range BenjaminiHochberg(c[0]) {
			if !close9(q, c[1][i]) {
				t.Errorf("%v: %v, want %v", c[0][i], q, c[1][i])
			}
		}
	}
	q := BenjaminiHochberg([]float64{0.01, math.NaN(), 0.04})
	if !near(q[0], 0.02) || q[1] == q[1] || !near(q[2], 0.04) || len(BenjaminiHochberg(nil)) != 0 {
		t.Errorf("%v", q)
	}
	if McNemar(30, 30) != 1 || McNemar(0, 0) != 1 || McNemar(30, 31) != 1 {
		t.Error("no difference")
	}
	if v := McNemar(-1, 2); v == v {
		t.Errorf("negative: %v", v)
	}
	if ci := ClopperPearson(3, 2, 0); ci.Lo == ci.Lo {
		t.Errorf("%v", ci)
	}
}

func TestBCaGoldens(t *testing.T) {
	var g []struct {
		Values, Jack     []float64
		Estimate, Lo, Hi float64
	}
	inference(t, "bca", &g)
	if len(g) != 2 {
		t.Fatal("cases missing")
	}
	for i, c := range g {
		values := append([]float64(nil), c.Values...)
		slices.Sort(values)
		ci := bca(values, c.Estimate, c.Jack, 0.025)
		if !close9(ci.Lo, c.Lo) || !close9(ci.Hi, c.Hi) {
			t.Errorf("%d: %v, want %v %v", i, ci, c.Lo, c.Hi)
		}
	}
}

func TestBootstrap(t *testing.T) {
	y, p, _ := rows(300, 11)
	q := make([]float64, len(p))
	block, strata := make([]int, len(p)), make([]int, len(p))
	for i := range p {
		q[i] = p[i] * p[i]
		block[i] = i / 10
		if y[i] {
			strata[i] = 1
		}
	}
	positives := 0
	for _, v := range y {
		if v {
			positives++
		}
	}
	brier := func(rows []int) float64 {
		var a, b Sum
		for _, i := range rows {
			d := p[i]
			e := q[i]
			if y[i] {
				d, e = 1-d, 1-e
			}
			a.Add(d * d)
			b.Add(e * e)
		}
		return (b.Value() - a.Value()) / float64(len(rows))
	}
	one := Bootstrap{Resamples: 500, Seed: 4}.Run(300, brier)
	if again := (Bootstrap{Resamples: 500, Seed: 4}).Run(300, brier); again != one {
		t.Errorf("%+v, then %+v", one, again)
	}
	if other := (Bootstrap{Resamples: 500, Seed: 5}).Run(300, brier); other == one {
		t.Error("another seed changes nothing")
	}
	// The error of a mean is known.
	var m Mean
	for i := range p {
		m.Add(brier([]int{i}), 1)
	}
	if !near(one.Estimate, m.Mean()) || math.Abs(one.SE/m.SE()-1) > 0.12 {
		t.Errorf("%+v, want %v ± %v", one, m.Mean(), m.SE())
	}
	bc := Bootstrap{Resamples: 500, Seed: 4, BCa: true}.Run(300, brier)
	if bc.CI == one.CI || math.Abs(bc.CI.Lo-one.CI.Lo) > one.SE || bc.SE != one.SE {
		t.Errorf("BCa %+v, percentile %+v", bc, one)
	}
	// Strata keep their sizes; blocks come whole.
	Bootstrap{Resamples: 20, Strata: strata}.Run(300, func(rows []int) float64 {
		k := 0
		for _, i := range rows {
			k += strata[i]
		}
		if k != positives || len(rows) != 300 {
			t.Errorf("%d positives of %d", k, len(rows))
		}
		return 1
	})
	Bootstrap{Resamples: 20, Blocks: block}.Run(300, func(rows []int) float64 {
		count := map[int]int{}
		for _, i := range rows {
			count[block[i]]++
		}
		for g, k := range count {
			if k%10 != 0 {
				t.Errorf("%d rows of block %d", k, g)
			}
		}
		return 1
	})
	if got := (Bootstrap{Blocks: block, Strata: strata}).Run(300, brier); !got.BlocksSplit || got.Estimate == got.Estimate {
		t.Errorf("split blocks: %+v", got)
	}
	// An AUC of rare positives is often not defined, unless by strata.
	rare := func(rows []int) float64 {
		k := 0.0
		for _, i := range rows {
			if i < 2 {
				k++
			}
		}
		if k == 0 {
			return math.NaN()
		}
		return k
	}
	if got := (Bootstrap{Resamples: 200}).Run(300, rare); got.Undefined < 10 || got.CI.Lo == got.CI.Lo {
		t.Errorf("%+v", got)
	}
	if got := (Bootstrap{}).Run(0, func([]int) float64 { return math.NaN() }); got.CI.Lo == got.CI.Lo {
		t.Errorf("nothing: %+v", got)
	}
	if got := (Bootstrap{}).Run(1, func([]int) float64 { return 3 }); got.Estimate != 3 || got.CI.Lo == got.CI.Lo {
		t.Errorf("one row: %+v", got)
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		lo, hi, margin float64
		want           Verdict
	}{
		{0.01, 0.02, 0.005, Superior}, {-0.004, 0.02, 0.005, NonInferior}, {-0.01, 0.02, 0.005, Inconclusive}, {-0.02, -0.006, 0.005, Inferior},
		{-0.02, -0.004, 0.005, Inconclusive}, {0, 0, 0, Inconclusive}, {0, 0, 0.001, NonInferior}, {math.NaN(), 1, 0.1, Inconclusive}, {1, 2, -1, Inconclusive},
		{math.Inf(-1), math.Inf(1), 0.1, Inconclusive}, {0.1, 0.2, math.NaN(), Inconclusive},
	} {
		if got := Compare(Interval{c.lo, c.hi}, c.margin); got != c.want {
			t.Errorf("[%v, %v] with %v: %s, want %s", c.lo, c.hi, c.margin, got, c.want)
		}
	}
	inf := math.Inf(1)
	// 1.812461 is the printed table's quantile of 0.95 for 10 degrees of freedom.
	for _, c := range [][5]float64{{1.8124611228107335, 1, 10, 0, 0.05}, {1, inf, 0, 0, 1}, {1, 0, 3, 0, 0}, {0, 0, 3, 0, 1}, {0.8124611228107335, 1, 10, -1, 0.05}} {
		if got := AboveP(c[0], c[1], c[2], c[3]); math.Abs(got-c[4]) > 1e-10 {
			t.Errorf("%v: %v", c, got)
		}
	}
	if v := AboveP(1, -1, 1, 0); v == v {
		t.Errorf("%v", v)
	}
}
