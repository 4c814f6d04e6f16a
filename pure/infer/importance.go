package infer

import (
	"fmt"
	"math"
)

// Importance says how much a model's trees use a feature, as the library itself counts it from the file.
type Importance struct {
	Feature int    // place in the order of the model
	Name    string // as trained, "" when the model has none
	// Splits counts the splits by the feature: importance_type "split" of LightGBM, "weight" of XGBoost.
	Splits int64
	// Gain is by how much those splits lowered the training loss, summed: "gain" of LightGBM, "total_gain" of XGBoost.
	Gain float64
	// Cover is what XGBoost sums as "total_cover": the second derivatives of the rows that came by. For LightGBM it is the
	// number of training rows that came by, which its file counts in each node.
	Cover float64
}

// Importances reads the importance of every feature, in model order, from a model file; those that no tree uses are
// among them with zeros. It is what feature_importance of a LightGBM Booster and get_score of an XGBoost one answer,
// but that XGBoost sums in float32. known is false when the file does not hold what is needed, as files of some tools
// leave gains away: then nothing is returned. Errors are those of Load; opt.BestIteration cuts as it does there.
func Importances(data []byte, format Format, opt Options) (all []Importance, known bool, err error) {
	opt.Limits = opt.Limits.withDefaults()
	m, err := Load(data, format, opt) // what cannot be loaded is refused with its reason
	if err != nil {
		return nil, false, err
	}
	all = make([]Importance, len(m.Features()))
	for i, f := range m.Features() {
		all[i].Feature, all[i].Name = i, f.Name
	}
	switch format {
	case FormatLightGBMText:
		known, err = lgbImportances(all, data, opt)
	case FormatXGBoostJSON, FormatXGBoostUBJ:
		known, err = xgbImportances(all, data, format, opt)
	}
	if err != nil || !known {
		return nil, false, err
	}
	return all, true, nil
}

// lgbImportances counts splits that gained anything, as GBDT::FeatureImportance does.
func lgbImportances(all []Importance, data []byte, opt Options) (known bool, err error) {
	text, err := parseLGB(data, opt.Limits)
	if err != nil {
		return false, err
	}
	for i := range text.trees {
		s := &text.trees[i]
		leaves, err := s.integer("num_leaves", 1, opt.Limits.Nodes)
		if err != nil {
			return false, err
		}
		inner := leaves - 1
		if inner == 0 {
			continue
		}
		if _, ok := s.keys["split_gain"]; !ok {
			return false, nil
		}
		features, err := s.integers("split_feature", inner, 0, int64(len(all)-1))
		if err != nil {
			return false, err
		}
		gains, err := s.float64s("split_gain", inner)
		if err != nil {
			return false, err
		}
		var rows []float64
		if _, ok := s.keys["internal_count"]; ok {
			if rows, err = s.float64s("internal_count", inner); err != nil {
				return false, err
			}
		}
		for k, f := range features {
			if !(gains[k] > 0) {
				continue
			}
			a := &all[f]
			a.Splits++
			a.Gain += float64(float32(gains[k])) // LightGBM holds gains as float32
			if rows != nil {
				a.Cover += rows[k]
			}
		}
	}
	return true, nil
}

// xgbImportances sums over the nodes that are reached from the roots; others were pruned.
func xgbImportances(all []Importance, data []byte, format Format, opt Options) (known bool, err error) {
	parse := parseJSON
	if format == FormatXGBoostUBJ {
		parse = parseUBJ
	}
	doc, err := parse(data)
	if err != nil {
		return false, err
	}
	learner := doc.get("learner")
	booster := learner.get("gradient_booster")
	model := booster.get("model")
	if inner := booster.get("gbtree"); inner != nil {
		model = inner.get("model")
	}
	trees, err := model.get("trees").list("trees")
	if err != nil {
		return false, err
	}
	count := len(trees)
	if opt.BestIteration {
		limit, err := bestIteration(learner.get("attributes"))
		if err != nil {
			return false, err
		}
		if limit >= 0 {
			m := &xgbModel{}
			if err := m.shape(learner, opt.Limits); err != nil {
				return false, err
			}
			if count, err = m.cut(model, limit, count); err != nil {
				return false, err
			}
		}
	}
	for i := range trees[:min(count, len(trees))] {
		if known, err := xgbTreeImportances(all, &trees[i], fmt.Sprintf("trees[%d]", i), opt.Limits); err != nil || !known {
			return false, err
		}
	}
	return true, nil
}

func xgbTreeImportances(all []Importance, v *value, path string, limits Limits) (known bool, err error) {
	gain, cover := v.get("loss_changes"), v.get("sum_hessian")
	if gain == nil || cover == nil {
		return false, nil
	}
	n, err := v.get("tree_param").get("num_nodes").integer(path+".num_nodes", 1, limits.Nodes)
	if err != nil {
		return false, err
	}
	ints := func(key string, low, high int64) (out []int64) {
		if err == nil {
			out, err = v.get(key).integers(path+"."+key, n, low, high)
		}
		return out
	}
	left := ints("left_children", -1, int64(n-1))
	right := ints("right_children", -1, int64(n-1))
	feature := ints("split_indices", math.MinInt32, math.MaxUint32)
	if err != nil {
		return false, err
	}
	gains, err := gain.float32s(path+".loss_changes", n)
	if err != nil {
		return false, err
	}
	covers, err := cover.float32s(path+".sum_hessian", n)
	if err != nil {
		return false, err
	}
	// Load has refused trees in which a node is reached twice, so this ends.
	for queue := []int64{0}; len(queue) > 0; {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if left[at] < 0 {
			continue
		}
		a := &all[feature[at]]
		a.Splits++
		a.Gain += float64(gains[at])
		a.Cover += float64(covers[at])
		queue = append(queue, right[at], left[at])
	}
	return true, nil
}
