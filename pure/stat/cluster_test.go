package stat

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// full says that simulations run at the size that their figures are stated for; by default they run a fraction of it.
func full() bool { return os.Getenv("TRIMTAB_FULL") != "" }

func reduced(n int) int {
	if full() {
		return n
	}
	return n / 20
}

// For single values and for equal blocks the numbers are the classic ones: deviation of values, or of block means.
func TestBlockMeanClassic(t *testing.T) {
	x := []float64{3, 1, 4, 1, 5, 9}
	var single []Block
	var m Mean
	for _, v := range x {
		var b Block
		b.Add(v)
		single = append(single, b)
		m.Add(v, 1)
	}
	mean, se, df := BlockMean(single)
	if !near(mean, m.Mean()) || !near(se, m.SE()) || !near(df, 5) {
		t.Errorf("single values: %v ± %v with %v; want %v ± %v with 5", mean, se, df, m.Mean(), m.SE())
	}
	var pairs []Block
	var means Mean
	for i := 0; i < len(x); i += 2 {
		var b Block
		b.Add(x[i])
		b.Add(x[i+1])
		pairs = append(pairs, b, Block{})
		means.Add((x[i]+x[i+1])/2, 1)
	}
	mean, se, df = BlockMean(pairs)
	if !near(mean, means.Mean()) || !near(se, means.SE()) || !near(df, 2) {
		t.Errorf("equal blocks: %v ± %v with %v; want %v ± %v with 2", mean, se, df, means.Mean(), means.SE())
	}
}

// The shortcuts of BlockMean against the definition with whole matrices: the weighed squares of residual totals, and
// Satterthwaite's degrees of freedom from the covariances of the residual totals.
func TestBlockMeanDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 50 {
		var blocks []Block
		for range 2 + r.IntN(7) {
			var b Block
			shift := r.NormFloat64()
			for range 1 + r.IntN(12) {
				b.Add(10 + shift + r.NormFloat64())
			}
			blocks = append(blocks, b)
		}
		rho := BlockCorrelation(blocks)
		g := len(blocks)
		s := make([]float64, g)
		var n, sum, total float64
		for i, b := range blocks {
			s[i] = b.N * (1 + rho*(b.N-1))
			n, sum, total = n+b.N, sum+b.Sum, total+s[i]
		}
		// P = I - u·1', Ω = diag(s), cov = P Ω P'.
		p := func(i, k int) float64 {
			v := -blocks[i].N / n
			if i == k {
				v++
			}
			return v
		}
		cov := func(i, j int) (v float64) {
			for k := range s {
				v += p(i, k) * s[k] * p(j, k)
			}
			return v
		}
		var v, spread float64
		for i, b := range blocks {
			ci := s[i] / cov(i, i)
			e := b.Sum - b.N*sum/n
			v += ci * e * e
			for j := range blocks {
				spread += ci * s[j] / cov(j, j) * cov(i, j) * cov(i, j)
			}
		}
		mean, se, df := BlockMean(blocks)
		wantDF := min(max(total*total/spread, 1), float64(g-1))
		if !near(mean, sum/n) || math.Abs(se-math.Sqrt(v)/n) > 1e-12 || math.Abs(df-wantDF) > 1e-8 {
			t.Fatalf("%v: %v ± %v with %v, want %v ± %v with %v", blocks, mean, se, df, sum/n, math.Sqrt(v)/n, wantDF)
		}
	}
}

// A row-wise error fails on correlated rows; the block error covers, with few blocks and unequal ones too. 20,000
// samples (1,000 by default) at 95 %; the bounds leave 4 deviations of the count below what is asked, as with few
// unequal correlated blocks the approximate degrees of freedom cost up to 1.5 points.
func TestBlockMeanCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, test := range []struct {
		name  string
		sizes []int
		rho   float64
		floor float64
	}{
		{"two equal", []int{50, 50}, 0.2, 0.94},
		{"seven days", []int{40, 50, 45, 60, 30, 20, 55}, 0.1, 0.935},
		{"seven days, independent", []int{40, 50, 45, 60, 30, 20, 55}, 0, 0.94},
		{"one large", []int{400, 20, 20, 20, 20, 20}, 0.3, 0.92},
		{"one large, independent", []int{400, 20, 20, 20, 20, 20}, 0, 0.935},
		{"thirty", []int{5, 9, 33, 17, 2, 8, 21, 40, 3, 1, 60, 12, 14, 9, 9, 8, 30, 22, 11, 6, 7, 13, 5, 2, 19, 28, 6, 4, 10, 16}, 0.2, 0.935},
	} {
		trials := reduced(20_000)
		hit, rowwise := 0, 0
		for range trials {
			var blocks []Block
			var rows Mean
			for _, n := range test.sizes {
				var b Block
				shift := math.Sqrt(test.rho) * r.NormFloat64()
				for range n {
					x := shift + math.Sqrt(1-test.rho)*r.NormFloat64()
					b.Add(x)
					rows.Add(x, 1)
				}
				blocks = append(blocks, b)
			}
			mean, se, df := BlockMean(blocks)
			if ci := TInterval(mean, se, df, 0.95); ci.Lo <= 0 && ci.Hi >= 0 {
				hit++
			}
			if ci := NormalInterval(rows.Mean(), rows.SE(), 0.95); ci.Lo <= 0 && ci.Hi >= 0 {
				rowwise++
			}
		}
		share := float64(hit) / float64(trials)
		t.Logf("%-24s %.4f (by rows %.4f)", test.name, share, float64(rowwise)/float64(trials))
		slack := 4 * math.Sqrt(0.05*0.95/float64(trials))
		if share < test.floor-slack || share > 0.999 {
			t.Errorf("%s: covers %.4f", test.name, share)
		}
	}
}

func TestBlockCorrelation(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, rho := range []float64{0, 0.05, 0.4} {
		var blocks []Block
		for range 4000 {
			var b Block
			shift := math.Sqrt(rho) * r.NormFloat64()
			for range 1 + r.IntN(20) {
				b.Add(5 + shift + math.Sqrt(1-rho)*r.NormFloat64())
			}
			blocks = append(blocks, b)
		}
		if got := BlockCorrelation(blocks); math.Abs(got-rho) > 0.02 {
			t.Errorf("%v, want %v", got, rho)
		}
		_, se, _ := BlockMean(blocks)
		if got := BlockError(blocks, rho); math.Abs(got/se-1) > 0.05 {
			t.Errorf("error with the known correlation %v, without %v", got, se)
		}
	}
}

func TestBlockMeanAbsent(t *testing.T) {
	one := []Block{{N: 3, Sum: 6, Sum2: 14}}
	mean, se, df := BlockMean(one)
	if mean != 2 || !math.IsInf(se, 1) || df != 0 {
		t.Errorf("one block: %v ± %v with %v", mean, se, df)
	}
	for name, blocks := range map[string][]Block{
		"nothing": nil, "empty": {{}, {}}, "NaN": {{N: 1, Sum: math.NaN()}, {N: 1}}, "negative": {{N: -1}, {N: 2}}, "infinite": {{N: 1, Sum2: math.Inf(1)}, {N: 1}},
	} {
		mean, se, df := BlockMean(blocks)
		if mean == mean || se == se || df == df {
			t.Errorf("%s: %v ± %v with %v", name, mean, se, df)
		}
	}
	if mean, se, df := BlockMean([]Block{{N: 2, Sum: 2, Sum2: 2}, {N: 2, Sum: 2, Sum2: 2}}); mean != 1 || se != 0 || df != 1 {
		t.Errorf("equal values: %v ± %v with %v", mean, se, df)
	}
	if v := BlockError(one, 2); v == v {
		t.Errorf("a correlation of 2 gives %v", v)
	}
	if v := BlockError(one, 1); !math.IsInf(v, 1) {
		t.Errorf("one block of equal values gives %v", v)
	}
}
