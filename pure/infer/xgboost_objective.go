package infer

import "math"

// xgbObjective is how XGBoost turns the sum of the leaves into its answer, in float32 throughout.
type xgbObjective struct {
	name  string
	link  xgbLink
	start xgbStart
}

type xgbLink uint8

const (
	linkIdentity xgbLink = iota
	linkSigmoid
	linkExp
	linkHinge
	linkSoftmax // probabilities
	linkArgmax  // the index of the greatest margin
)

// xgbStart is how a base_score, stored as an output, becomes a margin.
type xgbStart uint8

const (
	startIdentity xgbStart = iota
	startLogit
	startLog
)

// xgbObjectives are the objectives whose answers have been compared bit for bit.
var xgbObjectives = []xgbObjective{
	{"binary:hinge", linkHinge, startIdentity},
	{"binary:logistic", linkSigmoid, startLogit},
	{"binary:logitraw", linkIdentity, startIdentity},
	{"count:poisson", linkExp, startLog},
	{"multi:softmax", linkArgmax, startIdentity},
	{"multi:softprob", linkSoftmax, startIdentity},
	{"rank:map", linkIdentity, startIdentity},
	{"rank:ndcg", linkIdentity, startIdentity},
	{"rank:pairwise", linkIdentity, startIdentity},
	{"reg:absoluteerror", linkIdentity, startIdentity},
	{"reg:gamma", linkExp, startLog},
	{"reg:logistic", linkSigmoid, startLogit},
	{"reg:pseudohubererror", linkIdentity, startIdentity},
	{"reg:quantileerror", linkIdentity, startIdentity},
	{"reg:squarederror", linkIdentity, startIdentity},
	{"reg:squaredlogerror", linkIdentity, startIdentity},
	{"reg:tweedie", linkExp, startLog},
	{"survival:aft", linkExp, startLog},
	{"survival:cox", linkExp, startLog},
}

func xgbObjectiveNamed(name string) (xgbObjective, bool) {
	for _, o := range xgbObjectives {
		if o.name == name {
			return o, true
		}
	}
	return xgbObjective{}, false
}

// margin turns a base_score into a margin, or reports that it has none. clamp is set from 3.2 on.
func (o xgbObjective) margin(score float32, clamp bool) (m float32, ok bool) {
	switch o.start {
	case startLogit:
		if clamp {
			const eps = 1e-6
			score = min(max(score, float32(eps)), float32(1)-float32(eps))
		}
		if !(score > 0 && score < 1) {
			return 0, false
		}
		return -logf(float32(1/score) - 1), true
	case startLog:
		return logf(score), score > 0
	}
	return score, true
}

// outputs is the number of values per row after the transform of groups margins.
func (o xgbObjective) outputs(groups int) int {
	if o.link == linkArgmax {
		return 1
	}
	return groups
}

// transform writes the outputs of rows of margins, groups to a row. It may overwrite margins.
func (o xgbObjective) transform(dst []float64, margins []float32, groups int) {
	switch o.link {
	case linkIdentity:
		for i, m := range margins {
			dst[i] = float64(m)
		}
	case linkSigmoid:
		for i, m := range margins {
			dst[i] = float64(sigmoid32(m))
		}
	case linkExp:
		for i, m := range margins {
			dst[i] = float64(expf(m))
		}
	case linkHinge:
		for i, m := range margins {
			dst[i] = 0
			if m > 0 {
				dst[i] = 1
			}
		}
	case linkSoftmax:
		for ; len(margins) > 0; margins, dst = margins[groups:], dst[groups:] {
			softmax32(dst[:groups], margins[:groups])
		}
	case linkArgmax:
		for i := range len(margins) / groups {
			best := 0
			row := margins[i*groups : (i+1)*groups]
			for k, m := range row {
				if m > row[best] {
					best = k
				}
			}
			dst[i] = float64(best)
		}
	}
}

// sigmoid32 keeps XGBoost's steps: the argument is cut so that expf stays finite, and a float32 1e-16 is
// added to the denominator, where it can only matter below.
func sigmoid32(x float32) float32 {
	x = -x
	if x > 88.7 {
		x = 88.7
	}
	e := float32(expf(x) + 1)
	e = float32(e + 1e-16)
	return 1 / e
}

// softmax32 sums in double and divides in float32.
func softmax32(dst []float64, row []float32) {
	top := row[0]
	for _, m := range row[1:] {
		top = max(top, m)
	}
	var sum float64
	for k, m := range row {
		row[k] = expf(m - top)
		sum += float64(row[k])
	}
	total := float32(sum)
	for k, m := range row {
		dst[k] = float64(float32(m / total))
	}
}

// infinite tells a value that float32 cannot hold.
func infinite(x float64) bool { return math.IsInf(float64(float32(x)), 0) }
