package boost

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/trimtab/trimtab/pure/stat"
)

// golden is testdata/golden.json, written by testdata/generate.py with LightGBM 4.7.0.
type golden struct {
	Train, Test int
	Cases       map[string]goldenCase
}

type goldenCase struct {
	Options struct {
		Objective string
		MinLeaf   int     `json:"min_leaf"`
		CatSmooth float64 `json:"cat_smooth"`
		CatL2     float64 `json:"cat_l2"`
		Most      int     `json:"max_cat_threshold"`
	}
	Same    bool
	Cat     []int
	AUC     float64
	LogLoss float64 `json:"log_loss"`
	RMSE    float64
	Sums    []float64
	Margin  []float64
}

// problem is a data set, made as generate.py makes it.
type problem struct {
	x          [][]float64
	y, w, init []float64
}

func uniform(seed, column uint64, n int) []float64 {
	u := make([]float64, n)
	for i := range u {
		u[i] = share(draw(seed, column, uint64(i)))
	}
	return u
}

// each computes a column row by row.
func each(n int, f func(i int) float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = f(i)
	}
	return v
}

func when(yes bool, x float64) float64 {
	if yes {
		return x
	}
	return 0
}

func numeric(seed uint64, n int) (x [][]float64, z []float64) {
	for k := range uint64(8) {
		x = append(x, uniform(seed, k, n))
	}
	return x, each(n, func(i int) float64 {
		product := float64((x[1][i] - 0.5) * (x[2][i] - 0.5))
		return float64(3*(x[0][i]-0.5)) + float64(8*product) + when(x[3][i] > 0.7, 1)
	})
}

func label(seed uint64, z []float64) []float64 {
	u := uniform(seed, 100, len(z))
	return each(len(z), func(i int) float64 {
		return when(u[i] < 0.5+float64(0.5*(z[i]/(1+math.Abs(z[i])))), 1)
	})
}

// lose makes values missing where u is below p.
func lose(v, u []float64, p float64) []float64 {
	return each(len(v), func(i int) float64 {
		if u[i] < p {
			return math.NaN()
		}
		return v[i]
	})
}

func problems(n, train int) map[string]problem {
	all := map[string]problem{}

	x, z := numeric(1, n)
	all["numeric"] = problem{x: x, y: label(1, z)}

	x, _ = numeric(2, n)
	effect, u, v, d := uniform(2, 200, 40), uniform(2, 10, n), uniform(2, 11, n), uniform(2, 12, n)
	c := each(n, func(i int) float64 { return math.Floor(40 * float64(u[i]*v[i])) })
	d = each(n, func(i int) float64 { return math.Floor(6 * d[i]) })
	z = each(n, func(i int) float64 {
		return float64(6*(effect[int(c[i])]-0.5)) + when(d[i] == 1 || d[i] == 4, 1) + float64(2*(x[0][i]-0.5))
	})
	all["categorical"] = problem{x: [][]float64{c, d, x[0], x[1], x[2]}, y: label(2, z)}

	x, z = numeric(3, n)
	u = uniform(3, 20, n)
	y := label(3, each(n, func(i int) float64 { return z[i] + when(u[i] < 0.3, 2) }))
	x[0], x[1] = lose(x[0], u, 0.3), lose(x[1], uniform(3, 21, n), 0.2)
	all["missing"] = problem{x: x, y: y}

	x, z = numeric(4, n)
	u, y = uniform(4, 30, n), label(4, z)
	w := each(n, func(i int) float64 { return 1.5 - when(u[i] < 0.4, 1.25) })
	for i := range train {
		if w[i] < 1 {
			y[i] = 1 - y[i]
		}
	}
	all["weighted"] = problem{x: x, y: y, w: w}

	x, _ = numeric(5, n)
	u = uniform(5, 100, n)
	y = each(n, func(i int) float64 {
		square := float64((x[2][i] - 0.5) * (x[2][i] - 0.5))
		return float64(10*float64(x[0][i]*x[1][i])) + float64(5*square) + (u[i] - 0.5)
	})
	all["regression"] = problem{x: x, y: y}

	x, z = numeric(6, n)
	all["init"] = problem{x: x, y: label(6, z), init: each(n, func(i int) float64 { return 3 * (x[0][i] - 0.5) })}

	raw, z := numeric(7, n)
	x = nil
	for _, v := range raw {
		x = append(x, each(n, func(i int) float64 { return math.Floor(50 * v[i]) }))
	}
	u = uniform(7, 100, n)
	y = each(n, func(i int) float64 { return float64(x[0][i]*x[1][i])/250 + x[2][i]/50 + (u[i] - 0.5) })
	all["same regression"] = problem{x: x, y: y}
	all["same logistic"] = problem{x: x, y: label(7, z)}
	e1, e2, u, v, w := uniform(7, 200, 40), uniform(7, 201, 9), uniform(7, 100, n), uniform(7, 40, n), uniform(7, 41, n)
	c = each(n, func(i int) float64 { return math.Floor(40 * v[i]) })
	d = each(n, func(i int) float64 { return math.Floor(9 * w[i]) })
	all["same categorical"] = problem{x: [][]float64{c, d, x[0], x[1], x[2]}, y: each(n, func(i int) float64 {
		return float64(4*float64(e1[int(c[i])]*e2[int(d[i])])) + (u[i] - 0.5)
	})}
	x = append([][]float64(nil), x...)
	x[0], x[3] = lose(x[0], uniform(7, 20, n), 0.2), lose(x[3], uniform(7, 23, n), 0.2)
	all["same missing"] = problem{x: x, y: y}
	return all
}

// features names columns, cat being the places of those that are categorical.
func features(x [][]float64, cat ...int) []Feature {
	f := make([]Feature, len(x))
	for k, v := range x {
		f[k] = Feature{Name: "x" + strconv.Itoa(k), Values: v}
	}
	for _, k := range cat {
		f[k].Categorical = true
	}
	return f
}

// rows cuts features to rows lo to hi.
func rows(f []Feature, lo, hi int) []Feature {
	f = append([]Feature(nil), f...)
	for k := range f {
		f[k].Values = f[k].Values[lo:hi]
	}
	return f
}

func cut(v []float64, lo, hi int) []float64 {
	if v == nil {
		return nil
	}
	return v[lo:hi]
}

func sum(v []float64) (s float64) {
	for _, x := range v {
		if x == x {
			s += x
		}
	}
	return s
}

// TestAgainstLightGBM holds the quality on fresh rows against LightGBM's with the same options: not worse by more than
// 0.004 of AUC, 0.004 of log-loss or 1 % of RMSE, nor better by more than that, which would be another problem. Where
// nothing but rounding should differ, margins must agree to 1e-5.
func TestAgainstLightGBM(t *testing.T) {
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	all := problems(g.Train+g.Test, g.Train)
	if len(g.Cases) != len(all) {
		t.Fatalf("%d cases, %d problems", len(g.Cases), len(all))
	}
	for name, want := range g.Cases {
		t.Run(name, func(t *testing.T) {
			p := all[name]
			columns := append(append([][]float64(nil), p.x...), p.y)
			if p.w != nil {
				columns = append(columns, p.w)
			}
			for k, v := range columns {
				if s := sum(v); s != want.Sums[k] {
					t.Fatalf("column %d sums to %v, in generate.py to %v", k, s, want.Sums[k])
				}
			}
			n, end := g.Train, g.Train+g.Test
			f := features(p.x, want.Cat...)
			m, err := Train(Data{Features: rows(f, 0, n), Label: p.y[:n], Weight: cut(p.w, 0, n), Init: cut(p.init, 0, n)},
				Options{
					Objective: want.Options.Objective, MinLeaf: max(1, want.Options.MinLeaf), Trees: 30,
					CatSmooth: want.Options.CatSmooth, CatL2: want.Options.CatL2, MaxCatThreshold: want.Options.Most,
				})
			if err != nil {
				t.Fatal(err)
			}
			fresh, init, truth := rows(f, n, end), cut(p.init, n, end), p.y[n:]
			margin := m.Margin(fresh, init, nil)
			if m.Objective() == Squared {
				var e float64
				for i, v := range margin {
					e += (v - truth[i]) * (v - truth[i])
				}
				e = math.Sqrt(e / float64(len(truth)))
				t.Logf("RMSE %.5f, LightGBM %.5f", e, want.RMSE)
				if math.Abs(e/want.RMSE-1) > 0.01 {
					t.Errorf("RMSE %v, LightGBM %v", e, want.RMSE)
				}
			} else {
				yes := make([]bool, len(truth))
				for i, v := range truth {
					yes[i] = v == 1
				}
				prob := m.Predict(fresh, init, nil)
				auc, loss := stat.AUC(yes, prob, nil), stat.LogLoss(yes, prob, nil)
				t.Logf("AUC %.5f, LightGBM %.5f; log-loss %.5f, LightGBM %.5f", auc, want.AUC, loss, want.LogLoss)
				if math.Abs(auc-want.AUC) > 0.004 || math.Abs(loss-want.LogLoss) > 0.004 {
					t.Errorf("AUC %v and log-loss %v, LightGBM %v and %v", auc, loss, want.AUC, want.LogLoss)
				}
			}
			var off float64
			for i, v := range want.Margin {
				off = max(off, math.Abs(margin[i]-v))
			}
			t.Logf("largest difference of margins %.2g", off)
			if want.Same && off > 1e-5 {
				t.Errorf("a margin differs by %v", off)
			}
		})
	}
}
