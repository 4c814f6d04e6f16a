package infer

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// xgbModel answers for XGBoost's gbtree and dart boosters.
type xgbModel struct {
	*forest[int32]
	version   string
	inputs    []Feature
	objective xgbObjective
	classes   int
	groups    int
	base      []float32 // margin to start from, per group
	inPlace   bool
}

func (m *xgbModel) Kind() Kind          { return XGBoost }
func (m *xgbModel) Version() string     { return m.version }
func (m *xgbModel) Features() []Feature { return m.inputs }
func (m *xgbModel) Outputs() int        { return m.objective.outputs(m.groups) }
func (m *xgbModel) Margins() int        { return m.groups }
func (m *xgbModel) NumClass() int       { return m.classes }
func (m *xgbModel) Objective() string   { return m.objective.name }
func (m *xgbModel) Float32Output() bool { return true }

func (m *xgbModel) NewScratch(rows int) *Scratch {
	return &Scratch{owner: m, f32: m.lanes(rows), sum32: make([]float32, block*m.groups)}
}

func (m *xgbModel) Predict(dst, x []float64, rows int, s *Scratch) {
	outputs := m.Outputs()
	s.check(m, dst, x, rows, outputs, m.features)
	for rows > 0 {
		n, margins := m.sum(x, rows, s)
		m.objective.transform(dst[:n*outputs], margins, m.groups)
		dst, x, rows = dst[n*outputs:], x[n*m.features:], rows-n
	}
}

func (m *xgbModel) Margin(dst, x []float64, rows int, s *Scratch) {
	s.check(m, dst, x, rows, m.groups, m.features)
	for rows > 0 {
		n, margins := m.sum(x, rows, s)
		for i, v := range margins {
			dst[i] = float64(v)
		}
		dst, x, rows = dst[n*m.groups:], x[n*m.features:], rows-n
	}
}

// sum adds up the leaves of the first rows of x, as many as the scratch holds, and returns how many. Each
// margin starts from the base score and takes the trees in order, one float32 addition each.
func (m *xgbModel) sum(x []float64, rows int, s *Scratch) (n int, margins []float32) {
	stride := len(m.slots)
	n = min(rows, len(s.f32.keys)/stride)
	margins = s.sum32[:n*m.groups]
	for r := range n {
		prepare32(m.forest, x[r*m.features:(r+1)*m.features], s.f32.keys[r*stride:(r+1)*stride])
		copy(margins[r*m.groups:], m.base)
	}
	if n < width {
		for r := range n {
			m.trees(s.f32.keys[r*stride:(r+1)*stride], s.f32.leaves)
			row := margins[r*m.groups : (r+1)*m.groups]
			for t, g := range m.forest.groups {
				row[g] += math.Float32frombits(uint32(s.f32.leaves[t]))
			}
		}
		return n, margins
	}
	for t, g := range m.forest.groups {
		m.rows(t, n, s.f32.keys, s.f32.leaves)
		for r := range n {
			margins[r*m.groups+int(g)] += math.Float32frombits(uint32(s.f32.leaves[r]))
		}
	}
	return n, margins
}

func (m *xgbModel) CheckFinite(x []float64, rows int) error {
	if m.inPlace {
		return nil
	}
	for i, v := range x[:rows*m.features] {
		if infinite(v) {
			return &NotFinite{Row: i / m.features, Column: i % m.features, Value: v}
		}
	}
	return nil
}

// loadXGBoost reads the document that Booster.save_model writes.
func loadXGBoost(doc *value, opt Options) (Model, error) {
	learner, err := doc.get("learner").object("learner")
	if err != nil {
		return nil, err
	}
	m := &xgbModel{inPlace: opt.InPlace}
	written, err := doc.get("version").integers("version", 3, 0, 1000)
	if err != nil {
		return nil, err
	}
	running := [2]int64{written[0], written[1]}
	m.version = fmt.Sprintf("%d.%d.%d", written[0], written[1], written[2])
	if opt.LibraryVersion != "" {
		if running, err = versionPair(opt.LibraryVersion); err != nil {
			return nil, err
		}
		m.version = opt.LibraryVersion
	}
	if running[0] < 1 || running[0] == 1 && running[1] < 3 {
		return nil, &Unsupported{Construct: "XGBoost before 1.3, which adds base_score last", Where: "version " + m.version}
	}
	if err := m.shape(learner, opt.Limits); err != nil {
		return nil, err
	}
	if err := m.baseScore(learner.get("learner_model_param"), running); err != nil {
		return nil, err
	}
	booster, err := learner.get("gradient_booster").object("gradient_booster")
	if err != nil {
		return nil, err
	}
	name, err := booster.get("name").str("gradient_booster.name")
	if err != nil {
		return nil, err
	}
	model, drop := booster.get("model"), (*value)(nil)
	switch name {
	case "gbtree":
	case "dart":
		if drop = booster.get("weight_drop"); drop == nil {
			drop = model.get("weight_drop")
		}
		if drop == nil {
			return nil, drop.wrong("gradient_booster.weight_drop", "an array of numbers")
		}
		if inner := booster.get("gbtree"); inner != nil {
			model = inner.get("model")
		}
	default:
		return nil, &Unsupported{Construct: "booster " + name, Where: "gradient_booster.name"}
	}
	if model, err = model.object("gradient_booster.model"); err != nil {
		return nil, err
	}
	if err := m.encoder(model.get("cats")); err != nil {
		return nil, err
	}
	limit := -1
	if opt.BestIteration {
		if limit, err = bestIteration(learner.get("attributes")); err != nil {
			return nil, err
		}
	}
	if err := m.readTrees(model, drop, limit, opt.Limits); err != nil {
		return nil, err
	}
	return m, nil
}

func versionPair(text string) ([2]int64, error) {
	var v [2]int64
	parts := strings.SplitN(text, ".", 3)
	for i := range min(2, len(parts)) {
		n, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil {
			return v, &FormatError{What: fmt.Sprintf("library version %q", text), Want: "a version such as 3.2.0"}
		}
		v[i] = int64(n)
	}
	return v, nil
}

// shape reads objective, features and groups.
func (m *xgbModel) shape(learner *value, limits Limits) error {
	param, err := learner.get("learner_model_param").object("learner_model_param")
	if err != nil {
		return err
	}
	if m.classes, err = param.get("num_class").integer("num_class", 0, maxGroups); err != nil {
		return err
	}
	features, err := param.get("num_feature").integer("num_feature", 1, limits.Features)
	if err != nil {
		return err
	}
	targets := 1
	if v := param.get("num_target"); v != nil {
		if targets, err = v.integer("num_target", 0, maxGroups); err != nil {
			return err
		}
	}
	if m.classes > 1 && targets > 1 {
		return &Unsupported{Construct: "several targets of several classes", Where: "learner_model_param"}
	}
	m.groups = max(m.classes, targets, 1)

	name, err := learner.get("objective").get("name").str("objective.name")
	if err != nil {
		return err
	}
	known := false
	if m.objective, known = xgbObjectiveNamed(name); !known {
		return &Unsupported{Construct: "objective " + name, Where: "objective.name"}
	}
	switch multi := m.objective.link == linkSoftmax || m.objective.link == linkArgmax; {
	case multi && m.classes < 1:
		return &FormatError{What: fmt.Sprintf("num_class %d of %s", m.classes, name), Want: "at least 1"}
	case !multi && m.classes > 1:
		return &Unsupported{Construct: fmt.Sprintf("%d classes under %s", m.classes, name), Where: "learner_model_param"}
	case !multi:
		if m.classes = 0; strings.HasPrefix(name, "binary:") {
			m.classes = 2
		}
	}

	m.inputs = make([]Feature, features)
	for key, set := range map[string]func(f *Feature, text string){
		"feature_names": func(f *Feature, text string) { f.Name = text },
		"feature_types": func(f *Feature, text string) { f.Categorical = text == "c" },
	} {
		v := learner.get(key)
		if v == nil {
			continue
		}
		texts, err := v.texts(key)
		if err != nil {
			return err
		}
		if len(texts) != 0 && len(texts) != features {
			return &FormatError{Offset: v.off, What: fmt.Sprintf("%d %s", len(texts), key), Want: fmt.Sprintf("none or %d", features)}
		}
		for i, text := range texts {
			set(&m.inputs[i], text)
		}
	}
	return nil
}

// baseScore reads the intercept, one number or since 3.1 a bracketed list, and links it to a margin as the
// running version does.
func (m *xgbModel) baseScore(param *value, running [2]int64) error {
	v := param.get("base_score")
	text, err := v.str("base_score")
	if err != nil {
		return err
	}
	since := func(major, minor int64) bool {
		return running[0] > major || running[0] == major && running[1] >= minor
	}
	list, bracketed := strings.CutPrefix(text, "[")
	if bracketed {
		if !since(3, 1) {
			return &Unsupported{Construct: "base_score " + text + " under XGBoost " + m.version + ", which misreads it", Where: "learner_model_param.base_score"}
		}
		if list, bracketed = strings.CutSuffix(list, "]"); !bracketed {
			return &FormatError{Offset: v.off, What: fmt.Sprintf("base_score %q", text), Want: "a number or a bracketed list"}
		}
	}
	fields := strings.Split(list, ",")
	if len(fields) != 1 && len(fields) != m.groups {
		return &FormatError{Offset: v.off, What: fmt.Sprintf("%d base scores", len(fields)), Want: fmt.Sprintf("1 or %d", m.groups)}
	}
	m.base = make([]float32, m.groups)
	for g := range m.base {
		field := fields[min(g, len(fields)-1)]
		score, ok := parseFloat(field, 32)
		if !ok || math.IsNaN(score) || math.IsInf(score, 0) {
			return &FormatError{Offset: v.off, What: fmt.Sprintf("base_score %q", field), Want: "a finite number"}
		}
		if m.base[g], ok = m.objective.margin(float32(score), since(3, 2)); !ok {
			return &Unsupported{Construct: fmt.Sprintf("base_score %s of %s under XGBoost %s", field, m.objective.name, m.version), Where: "learner_model_param.base_score"}
		}
	}
	return nil
}

func bestIteration(attributes *value) (int, error) {
	v := attributes.get("best_iteration")
	if v == nil {
		return -1, nil
	}
	n, err := v.integer("attributes.best_iteration", 0, math.MaxInt32)
	return n + 1, err
}

// encoder reads the categories of the training data frame, which XGBoost keeps since 3.1.
func (m *xgbModel) encoder(cats *value) error {
	if cats == nil || cats.get("enc") == nil {
		return nil
	}
	enc, err := cats.get("enc").list("cats.enc")
	if err != nil || len(enc) == 0 {
		return err
	}
	if len(enc) != len(m.inputs) {
		return &FormatError{Offset: cats.off, What: fmt.Sprintf("cats.enc of %d features", len(enc)), Want: strconv.Itoa(len(m.inputs))}
	}
	for i := range enc {
		e, path := &enc[i], fmt.Sprintf("cats.enc[%d]", i)
		values := e.get("values")
		if values == nil || values.count == 0 {
			if o := e.get("offsets"); o != nil && o.count > 1 {
				return &Unsupported{Construct: "a category that is an empty text", Where: path}
			}
			continue
		}
		var text []string
		var numbers []float64
		if e.get("offsets") == nil {
			codes, err := values.integers(path+".values", -1, -1<<53, 1<<53)
			if err != nil {
				return err
			}
			for _, n := range codes {
				text, numbers = append(text, strconv.FormatInt(n, 10)), append(numbers, float64(n))
			}
		} else if text, err = encodedTexts(e, path); err != nil {
			return err
		}
		m.inputs[i].setCategories(text, numbers)
	}
	return nil
}

// encodedTexts cuts one run of bytes at offsets. XGBoost 3.1 and 3.2 compute the offsets in characters and
// not in bytes, so that what they compare for other than ASCII is no longer the category.
func encodedTexts(e *value, path string) ([]string, error) {
	chars, err := e.get("values").integers(path+".values", -1, -128, 255)
	if err != nil {
		return nil, err
	}
	offsets, err := e.get("offsets").integers(path+".offsets", -1, 0, int64(len(chars)))
	if err != nil {
		return nil, err
	}
	var run bytes.Buffer
	for _, c := range chars {
		if c < 0 || c > 127 {
			return nil, &Unsupported{Construct: "a category text outside ASCII, which XGBoost's encoder cuts apart", Where: path}
		}
		run.WriteByte(byte(c))
	}
	var texts []string
	for k := 1; k < len(offsets); k++ {
		if offsets[k] < offsets[k-1] {
			return nil, &FormatError{Offset: e.off, What: path + ".offsets decrease", Want: "increasing offsets"}
		}
		texts = append(texts, string(run.Bytes()[offsets[k-1]:offsets[k]]))
	}
	return texts, nil
}
