package infer

import (
	"fmt"
	"math"
)

// readTrees reads the trees of a gbtree model. drop is the weights of a dart booster, or nil; limit the
// number of boosting rounds to keep, or negative for all.
func (m *xgbModel) readTrees(model, drop *value, limit int, limits Limits) error {
	param := model.get("gbtree_model_param")
	count, err := param.get("num_trees").integer("num_trees", 0, limits.Trees)
	if err != nil {
		return err
	}
	trees, err := model.get("trees").list("trees")
	if err != nil {
		return err
	}
	if len(trees) != count {
		return &FormatError{What: fmt.Sprintf("%d trees", len(trees)), Want: fmt.Sprintf("%d, as num_trees says", count)}
	}
	groups, err := model.get("tree_info").integers("tree_info", count, 0, int64(m.groups-1))
	if err != nil {
		return err
	}
	var weights []float32
	if drop != nil {
		if weights, err = drop.float32s("weight_drop", count); err != nil {
			return err
		}
	}
	if limit >= 0 {
		if count, err = m.cut(model, limit, count); err != nil {
			return err
		}
	}
	b := newBuilder[int32](len(m.inputs), limits)
	for i := range count {
		path := fmt.Sprintf("trees[%d]", i)
		tree, err := xgbTree(&trees[i], path, limits)
		if err != nil {
			return err
		}
		if weights != nil {
			m.weigh(tree, weights[i], m.base[groups[i]])
		}
		if problem := b.add(tree, int(groups[i])); problem != "" {
			return &FormatError{Offset: trees[i].off, What: path + ": " + problem, Want: "a tree within the limits"}
		}
	}
	f, problem := b.finish()
	if problem != "" {
		return &FormatError{What: problem, Want: "a model within the limits"}
	}
	m.forest = f
	for _, c := range f.categorise {
		m.inputs[c.feature].Categorical = true
	}
	return nil
}

// cut returns the number of trees of the first limit rounds.
func (m *xgbModel) cut(model *value, limit, count int) (int, error) {
	if v := model.get("iteration_indptr"); v != nil {
		starts, err := v.integers("iteration_indptr", -1, 0, int64(count))
		if err != nil || limit >= len(starts) {
			return count, err
		}
		return int(starts[limit]), nil
	}
	parallel, err := model.get("gbtree_model_param").get("num_parallel_tree").integer("num_parallel_tree", 0, math.MaxInt32)
	if err != nil {
		return 0, err
	}
	return min(count, limit*max(parallel, 1)*m.groups), nil
}

// weigh applies the weight of a dart tree to its leaves, in float32, exactly as it would be at prediction.
// inplace_predict runs each tree from the base score and takes that off again, which costs some bits.
func (m *xgbModel) weigh(tree []branch[int32], weight, base float32) {
	for i := range tree {
		if t := &tree[i]; t.leaf {
			leaf := math.Float32frombits(uint32(t.key))
			if m.inPlace {
				leaf = float32(base+leaf) - base
			}
			t.key = int32(math.Float32bits(float32(leaf * weight)))
		}
	}
}

// xgbTree reads one tree. Nodes that pruning has deleted stay in the arrays and are reached from nowhere.
func xgbTree(v *value, path string, limits Limits) ([]branch[int32], error) {
	param := v.get("tree_param")
	n, err := param.get("num_nodes").integer(path+".num_nodes", 1, limits.Nodes)
	if err != nil {
		return nil, err
	}
	if size := param.get("size_leaf_vector"); size != nil {
		k, err := size.integer(path+".size_leaf_vector", 0, math.MaxInt32)
		if err != nil {
			return nil, err
		}
		if k > 1 {
			return nil, &Unsupported{Construct: "multi_output_tree (leaves that are vectors)", Where: path}
		}
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
	missing := ints("default_left", 0, 1)
	if err != nil {
		return nil, err
	}
	cond, err := v.get("split_conditions").float32s(path+".split_conditions", n)
	if err != nil {
		return nil, err
	}
	kinds, sets := make([]int64, n), map[int64][]uint32{}
	if v.get("split_type") != nil {
		if kinds = ints("split_type", 0, 1); err != nil {
			return nil, err
		}
		if sets, err = xgbSets(v, path, n); err != nil {
			return nil, err
		}
	}
	tree := make([]branch[int32], n)
	for i := range tree {
		t := &tree[i]
		if left[i] < 0 {
			*t = branch[int32]{leaf: true, key: int32(math.Float32bits(cond[i]))}
			continue
		}
		t.left, t.right = int(left[i]), int(right[i])
		if t.feature = int32(feature[i]); feature[i] > math.MaxInt32 {
			t.feature = -1 // a deleted node; add refuses it when it is reached
		}
		switch {
		case kinds[i] == 1:
			t.kind, t.codes, t.listedRight, t.missingRight = slotCategory, sets[int64(i)], true, missing[i] == 0
		case missing[i] == 1:
			t.kind, t.key = slotLeft, lastBelow(cond[i])
		default:
			t.kind, t.key = slotRight, lastBelow(cond[i])
		}
	}
	return tree, nil
}

// lastBelow is the greatest key that x < cond lets through. No number is below NaN; a missing value that
// goes left still is.
func lastBelow(cond float32) int32 {
	if cond != cond {
		return math.MinInt32
	}
	return key32(cond) - 1
}

// xgbSets reads the category sets of a tree by node.
func xgbSets(v *value, path string, n int) (map[int64][]uint32, error) {
	ints := func(key string, count int, low, high int64) ([]int64, error) {
		return v.get(key).integers(path+"."+key, count, low, high)
	}
	nodes, err := ints("categories_nodes", -1, 0, int64(n-1))
	if err != nil {
		return nil, err
	}
	codes, err := ints("categories", -1, 0, 1<<24-1)
	if err != nil {
		return nil, err
	}
	starts, err := ints("categories_segments", len(nodes), 0, int64(len(codes)))
	if err != nil {
		return nil, err
	}
	sizes, err := ints("categories_sizes", len(nodes), 0, int64(len(codes)))
	if err != nil {
		return nil, err
	}
	all := make([]uint32, len(codes))
	for i, c := range codes {
		all[i] = uint32(c)
	}
	sets := make(map[int64][]uint32, len(nodes))
	for i, node := range nodes {
		end := starts[i] + sizes[i]
		if end > int64(len(all)) {
			return nil, &FormatError{Offset: v.off, What: fmt.Sprintf("%s: categories %d to %d of %d", path, starts[i], end, len(all)), Want: "segments within categories"}
		}
		sets[node] = all[starts[i]:end:end]
	}
	return sets, nil
}
