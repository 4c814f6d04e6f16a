package infer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// lgbModel answers for LightGBM's tree boosters.
type lgbModel struct {
	*forest[int64]
	version    string
	inputs     []Feature
	objective  lgbObjective
	groups     int
	iterations float64 // to divide by, or 0 for a plain sum
}

func (m *lgbModel) Kind() Kind          { return LightGBM }
func (m *lgbModel) Version() string     { return m.version }
func (m *lgbModel) Features() []Feature { return m.inputs }
func (m *lgbModel) Outputs() int        { return m.groups }
func (m *lgbModel) Margins() int        { return m.groups }
func (m *lgbModel) NumClass() int       { return m.objective.classes }
func (m *lgbModel) Objective() string   { return m.objective.name }
func (m *lgbModel) Float32Output() bool { return false }

func (m *lgbModel) CheckFinite([]float64, int) error { return nil }

func (m *lgbModel) NewScratch(rows int) *Scratch {
	return &Scratch{owner: m, f64: m.lanes(rows)}
}

func (m *lgbModel) Predict(dst, x []float64, rows int, s *Scratch) {
	m.Margin(dst, x, rows, s)
	if m.iterations != 0 {
		for i := range dst {
			dst[i] /= m.iterations
		}
	}
	m.objective.transform(dst, dst, m.groups)
}

func (m *lgbModel) Margin(dst, x []float64, rows int, s *Scratch) {
	s.check(m, dst, x, rows, m.groups, m.features)
	for rows > 0 {
		n := m.sum(dst, x, rows, s)
		dst, x, rows = dst[n*m.groups:], x[n*m.features:], rows-n
	}
}

// sum adds up the leaves of the first rows of x, as many as the scratch holds, from zero and in the order
// of the trees, and returns how many.
func (m *lgbModel) sum(dst, x []float64, rows int, s *Scratch) (n int) {
	stride := len(m.slots)
	n = min(rows, len(s.f64.keys)/stride)
	dst = dst[:n*m.groups]
	clear(dst)
	for r := range n {
		prepare64(m.forest, x[r*m.features:(r+1)*m.features], s.f64.keys[r*stride:(r+1)*stride])
	}
	if n < width {
		for r := range n {
			m.trees(s.f64.keys[r*stride:(r+1)*stride], s.f64.leaves)
			row := dst[r*m.groups : (r+1)*m.groups]
			for t, g := range m.forest.groups {
				row[g] += math.Float64frombits(uint64(s.f64.leaves[t]))
			}
		}
		return n
	}
	for t, g := range m.forest.groups {
		m.rows(t, n, s.f64.keys, s.f64.leaves)
		for r := range n {
			dst[r*m.groups+int(g)] += math.Float64frombits(uint64(s.f64.leaves[r]))
		}
	}
	return n
}

// loadLightGBM reads what Booster.save_model writes.
func loadLightGBM(data []byte, opt Options) (Model, error) {
	text, err := parseLGB(data, opt.Limits)
	if err != nil {
		return nil, err
	}
	h := &text.header
	if !h.alone["tree"] {
		return nil, &FormatError{Line: 1, What: "no line \"tree\"", Want: "a LightGBM tree model"}
	}
	m := &lgbModel{}
	version, err := h.field("version")
	if err != nil {
		return nil, err
	}
	if m.version = version.text; m.version != "v3" && m.version != "v4" {
		return nil, &Unsupported{Construct: "LightGBM text format " + m.version, Where: fmt.Sprintf("line %d", version.line)}
	}
	classes, err := h.integer("num_class", 1, maxGroups)
	if err != nil {
		return nil, err
	}
	if m.groups, err = h.integer("num_tree_per_iteration", 1, maxGroups); err != nil {
		return nil, err
	}
	if m.groups != classes {
		return nil, &Unsupported{Construct: fmt.Sprintf("%d trees per iteration of %d classes", m.groups, classes), Where: "header"}
	}
	if len(text.trees)%m.groups != 0 {
		return nil, &FormatError{Line: 1, What: fmt.Sprintf("%d trees", len(text.trees)), Want: fmt.Sprintf("a multiple of %d", m.groups)}
	}
	objective := h.keys["objective"]
	if m.objective, err = lgbObjectiveOf(objective.text, objective.line); err != nil {
		return nil, err
	}
	if m.groups > 1 {
		switch m.objective.name {
		case "multiclass", "multiclassova", "":
			m.objective.classes = classes
		default:
			return nil, &Unsupported{Construct: fmt.Sprintf("%d classes under %s", classes, m.objective.name), Where: "header"}
		}
	}
	if h.alone["average_output"] {
		m.iterations = float64(len(text.trees) / m.groups)
	}
	if err := m.readFeatures(text, opt.Limits); err != nil {
		return nil, err
	}
	b := newBuilder[int64](len(m.inputs), opt.Limits)
	for i := range text.trees {
		tree, err := lgbTree(&text.trees[i], opt.Limits)
		if err != nil {
			return nil, err
		}
		if problem := b.add(tree, i%m.groups); problem != "" {
			return nil, &FormatError{Line: text.trees[i].line, What: fmt.Sprintf("tree %d: %s", i, problem), Want: "a tree within the limits"}
		}
	}
	f, problem := b.finish()
	if problem != "" {
		return nil, &FormatError{Line: 1, What: problem, Want: "a model within the limits"}
	}
	m.forest = f
	for _, c := range f.categorise {
		m.inputs[c.feature].Categorical = true
	}
	return m, nil
}

// readFeatures reads names and category encoders.
func (m *lgbModel) readFeatures(text *lgbText, limits Limits) error {
	last, err := text.header.integer("max_feature_idx", 0, limits.Features-1)
	if err != nil {
		return err
	}
	m.inputs = make([]Feature, last+1)
	names, err := text.header.field("feature_names")
	if err != nil {
		return err
	}
	list := strings.Split(names.text, " ")
	if len(list) != len(m.inputs) {
		return &FormatError{Line: names.line, What: fmt.Sprintf("%d feature_names", len(list)), Want: strconv.Itoa(len(m.inputs))}
	}
	for i, name := range list {
		m.inputs[i].Name = name
	}
	// A categorical feature's range is written as codes, "0:3:1", a numerical one's as "[low:high]".
	infos := strings.Fields(text.header.keys["feature_infos"].text)
	if len(infos) != len(m.inputs) {
		infos = nil // informative only: older tools leave them out
	}
	var coded []int
	for i, info := range infos {
		if info != "none" && !strings.HasPrefix(info, "[") {
			m.inputs[i].Categorical = true
			coded = append(coded, i)
		}
	}
	if declared, ok := text.parameters["categorical_feature"]; ok {
		if all, ok := columnList(declared, len(m.inputs)); ok && len(all) >= len(coded) {
			coded = all
		}
	}
	return m.encoders(text, coded, infos)
}

// columnList reads "2,3,4". It reports false for names and anything else.
func columnList(text string, features int) (columns []int, ok bool) {
	if text == "" {
		return nil, true
	}
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 0 || n >= features {
			return nil, false
		}
		columns = append(columns, n)
	}
	return columns, true
}

// encoders gives the category lists of the training data frame, which come in the order of its category
// columns, to the features they belong to. The file does not say which those are: it is known when there
// are as many lists as categorical features, and when the codes seen in training fit the lists.
func (m *lgbModel) encoders(text *lgbText, columns []int, infos []string) error {
	source := bytes.TrimSpace(text.categories)
	if len(source) == 0 || string(source) == "null" {
		return nil
	}
	var lists [][]any
	d := json.NewDecoder(bytes.NewReader(source))
	d.UseNumber()
	if err := d.Decode(&lists); err != nil || d.InputOffset() != int64(len(source)) {
		return &FormatError{Line: text.catLine, What: "pandas_categorical that is no list of lists", Want: "[[...], ...]"}
	}
	if len(lists) == 0 {
		return nil
	}
	if len(lists) != len(columns) {
		return &Unsupported{Construct: fmt.Sprintf("pandas_categorical of %d columns beside %d categorical features, which leaves open which is which", len(lists), len(columns)), Where: fmt.Sprintf("line %d", text.catLine)}
	}
	for i, list := range lists {
		names, numbers, ok := categoryList(list)
		if !ok {
			return &Unsupported{Construct: "categories that are neither all texts nor all numbers", Where: fmt.Sprintf("line %d, list %d", text.catLine, i)}
		}
		if infos != nil && !codesWithin(infos[columns[i]], len(list)) {
			return &Unsupported{Construct: fmt.Sprintf("pandas_categorical list %d, of %d categories, which does not fit the codes of feature %d", i, len(list), columns[i]), Where: fmt.Sprintf("line %d", text.catLine)}
		}
		m.inputs[columns[i]].setCategories(names, numbers)
	}
	return nil
}

// codesWithin tells whether the codes in a feature's range, "0:3:-1", are places in a list of n.
func codesWithin(info string, n int) bool {
	if info == "none" || strings.HasPrefix(info, "[") {
		return true
	}
	for field := range strings.SplitSeq(info, ":") {
		if code, err := strconv.Atoi(field); err != nil || code >= n {
			return false
		}
	}
	return true
}

func categoryList(list []any) (names []string, numbers []float64, ok bool) {
	names = make([]string, len(list))
	for i, item := range list {
		switch v := item.(type) {
		case string:
			names[i] = v
		case json.Number:
			n, err := v.Float64()
			if err != nil {
				return nil, nil, false
			}
			names[i], numbers = v.String(), append(numbers, n)
		default:
			return nil, nil, false
		}
	}
	return names, numbers, len(numbers) == 0 || len(numbers) == len(list)
}

// The bits of decision_type: categorical, default left, and two bits of what counts as missing.
const (
	lgbCategorical = 1
	lgbDefaultLeft = 2
)

// lgbTree reads one tree. Its inner nodes are branches 0 to leaves-2, its leaves follow.
func lgbTree(s *lgbSection, limits Limits) ([]branch[int64], error) {
	leaves, err := s.integer("num_leaves", 1, limits.Nodes)
	if err != nil {
		return nil, err
	}
	where := fmt.Sprintf("tree %d", s.number)
	if f, ok := s.keys["is_linear"]; ok && f.text != "0" {
		return nil, &Unsupported{Construct: "linear_tree", Where: where}
	}
	values, err := s.float64s("leaf_value", leaves)
	if err != nil {
		return nil, err
	}
	inner := leaves - 1
	tree := make([]branch[int64], inner+leaves)
	for i, v := range values {
		tree[inner+i] = branch[int64]{leaf: true, key: int64(math.Float64bits(v))}
	}
	if inner == 0 {
		return tree, nil
	}
	ints := func(key string, n int, low, high int64) (out []int64) {
		if err == nil {
			out, err = s.integers(key, n, low, high)
		}
		return out
	}
	feature := ints("split_feature", inner, 0, math.MaxInt32)
	decision := ints("decision_type", inner, 0, 15)
	left := ints("left_child", inner, -int64(leaves), int64(inner)-1)
	right := ints("right_child", inner, -int64(leaves), int64(inner)-1)
	if err != nil {
		return nil, err
	}
	threshold, err := s.float64s("threshold", inner)
	if err != nil {
		return nil, err
	}
	sets, err := lgbSets(s)
	if err != nil {
		return nil, err
	}
	child := func(n int64) int {
		if n < 0 {
			return inner + int(^n)
		}
		return int(n)
	}
	for i := range inner {
		t := &tree[i]
		*t = branch[int64]{feature: int32(feature[i]), left: child(left[i]), right: child(right[i])}
		if decision[i]&lgbCategorical != 0 {
			n := threshold[i]
			if n < 0 || n >= float64(len(sets)) || n != math.Trunc(n) {
				return nil, &FormatError{Line: s.line, What: fmt.Sprintf("%s, node %d: category set %v of %d", where, i, n, len(sets)), Want: "the number of a set"}
			}
			t.kind, t.codes, t.listedRight, t.missingRight = slotCategory, sets[int(n)], false, true
			continue
		}
		t.key = key64(threshold[i])
		toLeft := decision[i]&lgbDefaultLeft != 0
		switch missing := decision[i] >> 2; {
		case missing == 0:
			t.kind = slotZero
		case missing == 1 && toLeft:
			t.kind = slotZeroLeft
		case missing == 1:
			t.kind = slotZeroRight
		case missing == 2 && toLeft:
			t.kind = slotLeft
		case missing == 2:
			t.kind = slotRight
		default:
			return nil, &FormatError{Line: s.line, What: fmt.Sprintf("%s, node %d: decision_type %d", where, i, decision[i]), Want: "a missing type of None, Zero or NaN"}
		}
	}
	return tree, nil
}

// lgbSets reads the category sets of a tree: bits of 32-bit words, cut at boundaries.
func lgbSets(s *lgbSection) ([][]uint32, error) {
	count, err := s.integer("num_cat", 0, math.MaxInt32-1)
	if err != nil || count == 0 {
		return nil, err
	}
	bounds, err := s.integers("cat_boundaries", count+1, 0, 1<<26)
	if err != nil {
		return nil, err
	}
	words, err := s.integers("cat_threshold", int(bounds[count]), 0, math.MaxUint32)
	if err != nil {
		return nil, err
	}
	sets := make([][]uint32, count)
	for i := range sets {
		if bounds[i] > bounds[i+1] {
			return nil, &FormatError{Line: s.line, What: "cat_boundaries decrease", Want: "increasing boundaries"}
		}
		for w, word := range words[bounds[i]:bounds[i+1]] {
			for bit := range 32 {
				if word>>bit&1 == 1 {
					sets[i] = append(sets[i], uint32(w*32+bit))
				}
			}
		}
	}
	return sets, nil
}
