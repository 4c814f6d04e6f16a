package infer

import (
	"fmt"
	"math"
	"strings"
)

// lgbObjective is how LightGBM turns the sum of the leaves into its answer, in double throughout.
type lgbObjective struct {
	name    string
	link    lgbLink
	sigmoid float64
	classes int
}

type lgbLink uint8

const (
	lgbIdentity lgbLink = iota
	lgbSquare           // undoes the square root of "regression sqrt"
	lgbSigmoid
	lgbExp
	lgbSoftmax
)

// lgbObjectives are the objectives whose answers have been compared bit for bit.
var lgbObjectives = map[string]lgbLink{
	"":              lgbIdentity, // a custom objective
	"binary":        lgbSigmoid,
	"cross_entropy": lgbSigmoid,
	"fair":          lgbIdentity,
	"gamma":         lgbExp,
	"huber":         lgbIdentity,
	"lambdarank":    lgbIdentity,
	"mape":          lgbIdentity,
	"multiclass":    lgbSoftmax,
	"multiclassova": lgbSigmoid,
	"poisson":       lgbExp,
	"quantile":      lgbIdentity,
	"rank_xendcg":   lgbIdentity,
	"regression":    lgbIdentity,
	"regression_l1": lgbIdentity,
	"tweedie":       lgbExp,
}

// lgbObjectiveOf reads the objective line: a name and settings such as "sigmoid:1".
func lgbObjectiveOf(text string, line int) (lgbObjective, error) {
	fields := strings.Fields(text)
	o := lgbObjective{sigmoid: 1}
	if len(fields) > 0 {
		o.name = fields[0]
	}
	where := fmt.Sprintf("line %d", line)
	link, known := lgbObjectives[o.name]
	if !known {
		return o, &Unsupported{Construct: "objective " + o.name, Where: where}
	}
	o.link = link
	if o.name == "binary" {
		o.classes = 2
	}
	for _, field := range fields[min(1, len(fields)):] {
		key, value, _ := strings.Cut(field, ":")
		switch key {
		case "sqrt":
			if o.name != "regression" && o.name != "regression_l1" {
				return o, &Unsupported{Construct: "sqrt of objective " + o.name, Where: where}
			}
			o.link = lgbSquare
		case "sigmoid":
			if o.link != lgbSigmoid {
				return o, &Unsupported{Construct: "sigmoid of objective " + o.name, Where: where}
			}
			v, ok := plainDecimal(value)
			if !ok {
				return o, &Unsupported{Construct: "sigmoid " + value, Where: where}
			}
			o.sigmoid = v
		case "num_class", "alpha", "fair_c", "tweedie_variance_power":
			// num_class stands in the header too; the others matter in training alone.
		default:
			return o, &Unsupported{Construct: fmt.Sprintf("setting %s of objective %s", field, o.name), Where: where}
		}
	}
	return o, nil
}

// plainDecimal reads digits with at most one point as LightGBM's own Atof does: the whole part plus the
// fraction's digits divided by their power of ten, which is not always the nearest double. Other spellings
// and more than 15 digits, where Atof would round on the way, are refused.
func plainDecimal(s string) (v float64, ok bool) {
	whole, fraction, point := strings.Cut(s, ".")
	if len(s) > 16 || whole == "" || point && fraction == "" {
		return 0, false
	}
	digits := func(s string) (v float64, ok bool) {
		for _, c := range s {
			if c < '0' || c > '9' {
				return 0, false
			}
			v = float64(v*10) + float64(c-'0')
		}
		return v, true
	}
	if v, ok = digits(whole); !ok {
		return 0, false
	}
	f, ok := digits(fraction)
	power := 1.0
	for range fraction {
		power *= 10
	}
	v += float64(f / power)
	return v, ok && v > 0
}

// transform writes the outputs of rows of margins, groups to a row. dst and margins may be the same.
func (o *lgbObjective) transform(dst, margins []float64, groups int) {
	switch o.link {
	case lgbIdentity:
		copy(dst, margins)
	case lgbSquare:
		for i, m := range margins {
			switch {
			case m > 0:
				dst[i] = float64(m * m)
			case m < 0:
				dst[i] = -float64(m * m)
			default:
				dst[i] = float64(0*m) * m // not plainly 0: NaN stays NaN
			}
		}
	case lgbSigmoid:
		for i, m := range margins {
			dst[i] = 1 / (1 + exp(float64(-o.sigmoid*m)))
		}
	case lgbExp:
		for i, m := range margins {
			dst[i] = exp(m)
		}
	case lgbSoftmax:
		for ; len(margins) > 0; margins, dst = margins[groups:], dst[groups:] {
			softmax64(dst[:groups], margins[:groups])
		}
	}
}

func softmax64(dst, row []float64) {
	top := row[0]
	for _, m := range row[1:] {
		top = math.Max(top, m)
	}
	var sum float64
	for k, m := range row {
		dst[k] = exp(m - top)
		sum += dst[k]
	}
	for k := range dst {
		dst[k] /= sum
	}
}
