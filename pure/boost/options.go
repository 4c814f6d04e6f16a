package boost

import "math"

// The objectives of a fit.
const (
	Logistic = "logistic" // labels 0 or 1; a margin is a log-odds, a prediction a probability
	Squared  = "squared"  // any finite label; margin and prediction are the same
)

// Limits of a fit and of a decoded model.
const (
	MaxFeatures = 1 << 14
	MaxRows     = 1 << 28
	MaxTrees    = 10_000
	MaxLeaves   = 1024
	MaxBins     = 255       // of one feature, without the bin of missing values
	MaxCode     = 1<<16 - 1 // largest code of a category

	maxMagnitude = 1e60    // of a label, margin or weight, so that squares of their sums stay finite
	maxCells     = 1 << 25 // cells of all histograms alive at once: 800 MB
	minHessian   = 1e-3    // least sum of second derivatives of a leaf, as in LightGBM
)

// Options say how to fit. A zero field means its default; a negative L2, MinGain, CatSmooth or CatL2 means none.
type Options struct {
	Objective string // Logistic by default
	Trees     int    // 50
	Leaves    int    // most leaves of a tree: 15
	MinLeaf   int    // least sum of weights in a leaf, the number of rows without weights: 20
	Bins      int    // most bins of a feature: 255; TrainBinned has them already and ignores this

	Rate    float64 // factor on every tree: 0.1
	L2      float64 // added to the sum of second derivatives of each leaf: 1
	MinGain float64 // a split must gain more than this: 0

	FeatureShare float64 // share of the features that each tree may use, at least one: 1
	RowShare     float64 // share of the rows that each tree is fitted on, drawn row by row: 1
	Seed         uint64  // of those two draws

	CatSmooth       float64 // added to a category's second derivatives when sorting; rarer ones are not split off: 10
	CatL2           float64 // added to L2 in splits of categories: 10
	MaxCatThreshold int     // most categories on the smaller side of a split: 32
}

// settled returns the options with defaults in place of zeros, or what is wrong with them.
func (o Options) settled() (Options, error) {
	if o.Objective == "" {
		o.Objective = Logistic
	}
	if o.Objective != Logistic && o.Objective != Squared {
		return o, bad(`"logistic" or "squared"`, "objective %q", o.Objective)
	}
	for _, f := range []struct {
		name             string
		p                *int
		def, least, most int
	}{
		{"Trees", &o.Trees, 50, 1, MaxTrees},
		{"Leaves", &o.Leaves, 15, 2, MaxLeaves},
		{"MinLeaf", &o.MinLeaf, 20, 1, MaxRows},
		{"Bins", &o.Bins, MaxBins, 2, MaxBins},
		{"MaxCatThreshold", &o.MaxCatThreshold, 32, 1, MaxBins},
	} {
		if *f.p == 0 {
			*f.p = f.def
		}
		if *f.p < f.least || *f.p > f.most {
			return o, bad(span(f.least, f.most), "option %s is %d", f.name, *f.p)
		}
	}
	for _, f := range []struct {
		name string
		p    *float64
		def  float64
	}{
		{"Rate", &o.Rate, 0.1},
		{"FeatureShare", &o.FeatureShare, 1},
		{"RowShare", &o.RowShare, 1},
	} {
		if *f.p == 0 {
			*f.p = f.def
		}
		if !(*f.p > 0 && *f.p <= 1) {
			return o, bad("above 0 and at most 1", "option %s is %v", f.name, *f.p)
		}
	}
	for _, f := range []struct {
		name string
		p    *float64
		def  float64
	}{
		{"L2", &o.L2, 1},
		{"MinGain", &o.MinGain, 0},
		{"CatSmooth", &o.CatSmooth, 10},
		{"CatL2", &o.CatL2, 10},
	} {
		if *f.p != *f.p || math.Abs(*f.p) > maxMagnitude {
			return o, bad("a number of at most 1e60", "option %s is %v", f.name, *f.p)
		}
		switch {
		case *f.p == 0:
			*f.p = f.def
		case *f.p < 0:
			*f.p = 0
		}
	}
	return o, nil
}
