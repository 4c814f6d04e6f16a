package infer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// The benchmarks evaluate random models of 100 trees over 20 features: XGBoost's default shape (depth 6,
// grown by depth) and LightGBM's (31 leaves, grown by leaf), the latter also with a third of the splits on
// a feature of 100 categories.
const benchFeatures = 20

// randomTree grows a tree of leaves leaves, always splitting the oldest leaf (by depth) or any (by leaf).
func randomTree[K ordered](r *rand.Rand, leaves int, byLeaf bool, split func(*branch[K]), leaf func() K) []branch[K] {
	tree := []branch[K]{{leaf: true, key: leaf()}}
	open := []int{0}
	for n := 1; n < leaves; n++ {
		pick := 0
		if byLeaf {
			pick = r.IntN(len(open))
		}
		at := open[pick]
		open = append(open[:pick:pick], open[pick+1:]...)
		tree = append(tree, branch[K]{leaf: true, key: leaf()}, branch[K]{leaf: true, key: leaf()})
		tree[at] = branch[K]{feature: int32(r.IntN(benchFeatures)), left: len(tree) - 2, right: len(tree) - 1}
		split(&tree[at])
		open = append(open, len(tree)-2, len(tree)-1)
	}
	return tree
}

func benchXGB(b *testing.B) Model {
	r := rand.New(rand.NewPCG(1, 2))
	build := newBuilder[int32](benchFeatures, Limits{}.withDefaults())
	for range 100 {
		build.add(randomTree(r, 64, false, func(t *branch[int32]) {
			t.kind, t.key = slotLeft+slotKind(r.IntN(2)), lastBelow(float32(r.NormFloat64()))
		}, func() int32 { return int32(math.Float32bits(float32(r.NormFloat64()) / 100)) }), 0)
	}
	f, problem := build.finish()
	if problem != "" {
		b.Fatal(problem)
	}
	o, _ := xgbObjectiveNamed("binary:logistic")
	return &xgbModel{forest: f, inputs: make([]Feature, benchFeatures), objective: o, groups: 1, base: []float32{0}}
}

func benchLGB(b *testing.B, sets bool) Model {
	r := rand.New(rand.NewPCG(1, 2))
	build := newBuilder[int64](benchFeatures, Limits{}.withDefaults())
	for range 100 {
		build.add(randomTree(r, 31, true, func(t *branch[int64]) {
			t.kind, t.key = slotLeft+slotKind(r.IntN(3)), key64(r.NormFloat64())
			if sets && r.IntN(3) == 0 {
				t.kind, t.feature, t.missingRight = slotCategory, 0, true
				for code := range uint32(100) {
					if r.IntN(2) == 0 {
						t.codes = append(t.codes, code)
					}
				}
			} else if sets && t.feature == 0 {
				t.feature = 1
			}
		}, func() int64 { return int64(math.Float64bits(r.NormFloat64() / 100)) }), 0)
	}
	f, problem := build.finish()
	if problem != "" {
		b.Fatal(problem)
	}
	o, _ := lgbObjectiveOf("binary sigmoid:1", 1)
	return &lgbModel{forest: f, inputs: make([]Feature, benchFeatures), objective: o, groups: 1}
}

func BenchmarkPredict(b *testing.B) {
	for _, c := range []struct {
		name string
		m    Model
	}{{"xgboost", benchXGB(b)}, {"lightgbm", benchLGB(b, false)}, {"lightgbm-categorical", benchLGB(b, true)}} {
		for _, rows := range []int{1, 1000} {
			b.Run(fmt.Sprintf("%s/rows=%d", c.name, rows), func(b *testing.B) {
				r := rand.New(rand.NewPCG(3, 4))
				const pool = 20000 // rows that differ, so that no branch is learnt by heart
				x := make([]float64, pool*benchFeatures)
				for i := range x {
					if x[i] = r.NormFloat64(); i%benchFeatures == 0 {
						x[i] = float64(r.IntN(110))
					} else if r.IntN(10) == 0 {
						x[i] = math.NaN()
					}
				}
				dst, s := make([]float64, rows), c.m.NewScratch(rows)
				b.ReportAllocs()
				at := 0
				for b.Loop() {
					c.m.Predict(dst, x[at*benchFeatures:(at+rows)*benchFeatures], rows, s)
					if at += rows; at+rows > pool {
						at = 0
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
			})
		}
	}
}
