package infer

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// loadedGoldens calls f with every model of the committed sets and with the rows it is tested on.
func loadedGoldens(t *testing.T, f func(t *testing.T, m Model, x []float64, rows int)) {
	t.Helper()
	sets, _ := filepath.Glob("testdata/*/cases.json")
	for _, path := range sets {
		dir := filepath.Dir(path)
		x, rows, _ := loadRows(t, dir)
		for _, c := range loadCases(t, dir) {
			if c.Frame == nil {
				t.Run(filepath.Base(dir)+"/"+c.Name, func(t *testing.T) { f(t, loadGolden(t, dir, c), x, rows) })
			}
		}
	}
}

// TestBatchEqualsSingle: how rows are grouped must not show in any bit.
func TestBatchEqualsSingle(t *testing.T) {
	loadedGoldens(t, func(t *testing.T, m Model, x []float64, rows int) {
		rows = min(rows, 500)
		n, k := len(m.Features()), m.Outputs()
		want := make([]float64, rows*k)
		one := m.NewScratch(1)
		for r := range rows {
			m.Predict(want[r*k:(r+1)*k], x[r*n:(r+1)*n], 1, one)
		}
		for _, batch := range []int{2, 7, 8, 9, 15, 64, 65, 100, 500} {
			s := m.NewScratch(batch)
			got := make([]float64, rows*k)
			for r := 0; r < rows; r += batch {
				c := min(batch, rows-r)
				m.Predict(got[r*k:(r+c)*k], x[r*n:(r+c)*n], c, s)
			}
			for i := range got {
				if math.Float64bits(got[i]) != math.Float64bits(want[i]) && (got[i] == got[i] || want[i] == want[i]) {
					t.Fatalf("batch %d: output %d = %x, want %x", batch, i, got[i], want[i])
				}
			}
		}
	})
}

func TestNoAllocation(t *testing.T) {
	loadedGoldens(t, func(t *testing.T, m Model, x []float64, rows int) {
		for _, rows := range []int{1, 100} {
			dst, s := make([]float64, rows*m.Margins()), m.NewScratch(rows)
			x := x[:rows*len(m.Features())]
			if n := testing.AllocsPerRun(3, func() {
				m.Predict(dst[:rows*m.Outputs()], x, rows, s)
				m.Margin(dst, x, rows, s)
			}); n != 0 {
				t.Errorf("%d rows: %v allocations", rows, n)
			}
		}
	})
}

// miniXGB is an XGBoost model of single leaves, one tree per group, written with the given parts.
type miniXGB struct {
	version, base, objective, booster string
	classes, targets, vector          int
	leaf                              string
	more                              string // members of the model
}

func (c miniXGB) String() string {
	if c.version == "" {
		c.version = "3,2,0"
	}
	if c.booster == "" {
		c.booster = "gbtree"
	}
	if c.leaf == "" {
		c.leaf = "0E0"
	}
	groups := max(c.classes, c.targets, 1)
	tree := fmt.Sprintf(`{"default_left":[0],"left_children":[-1],"right_children":[-1],"split_conditions":[%s],"split_indices":[0],"tree_param":{"num_nodes":"1","size_leaf_vector":"%d"}}`, c.leaf, c.vector)
	var info []string
	for g := range groups {
		info = append(info, fmt.Sprint(g))
	}
	return fmt.Sprintf(`{"learner":{"attributes":{},"feature_names":[],"feature_types":[],"gradient_booster":{"model":{%s"gbtree_model_param":{"num_parallel_tree":"1","num_trees":"%d"},"tree_info":[%s],"trees":[%s]},"name":%q},`+
		`"learner_model_param":{"base_score":%q,"num_class":"%d","num_feature":"1","num_target":"%d"},"objective":{"name":%q}},"version":[%s]}`,
		c.more, groups, strings.Join(info, ","), strings.Repeat(tree+",", groups-1)+tree, c.booster, c.base, c.classes, max(c.targets, 1), c.objective, c.version)
}

// TestBaseScore holds what XGBoost 1.7.6, 2.1.4, 3.1.3 and 3.2.0 answer for models of one zero leaf.
func TestBaseScore(t *testing.T) {
	const refused = "refused"
	for _, c := range []struct {
		base, objective string
		groups          int
		library         string
		want            string
	}{
		{"1E-7", "binary:logistic", 1, "1.7.6", "[-0x1.01e3b8p+04]"},
		{"1E-7", "binary:logistic", 1, "2.1.4", "[-0x1.01e3b8p+04]"},
		{"1E-7", "binary:logistic", 1, "3.1.3", "[-0x1.01e3b8p+04]"},
		{"1E-7", "binary:logistic", 1, "3.2.0", "[-0x1.ba18a8p+03]"},
		{"[1E-7]", "binary:logistic", 1, "", "[-0x1.ba18a8p+03]"},
		{"[1E-7]", "binary:logistic", 1, "3.1.3", "[-0x1.01e3b8p+04]"},
		{"[1E-7]", "binary:logistic", 1, "2.1.4", refused},
		{"0", "binary:logistic", 1, "2.1.4", refused},
		{"0", "binary:logistic", 1, "3.2.0", "[-0x1.ba18a8p+03]"},
		{"1E0", "binary:logistic", 1, "3.1.3", refused},
		{"1E0", "binary:logistic", 1, "3.2.0", "[0x1.b7d85ap+03]"},
		{"9.999999E-1", "binary:logistic", 1, "1.7.6", "[0x1.fe2804p+03]"},
		{"9.999999E-1", "binary:logistic", 1, "3.2.0", "[0x1.b7d85ap+03]"},
		{"1E-40", "binary:logistic", 1, "3.1.3", "[-Inf]"},
		{"[2E-1]", "binary:logistic", 1, "3.2.0", "[-0x1.62e43p+00]"},
		{"2E-1", "multi:softprob", 3, "1.7.6", "[0x1.99999ap-03 0x1.99999ap-03 0x1.99999ap-03]"},
		{"2E-1", "multi:softprob", 3, "3.2.0", "[0x1.99999ap-03 0x1.99999ap-03 0x1.99999ap-03]"},
		{"[2E-1,1E-1,4E-1]", "multi:softprob", 3, "3.1.3", "[0x1.99999ap-03 0x1.99999ap-04 0x1.99999ap-02]"},
		{"-1E0", "reg:gamma", 1, "3.2.0", refused},
		{"1E-1", "binary:hinge", 1, "3.2.0", "[0x1.99999ap-04]"},
		{"2E0", "binary:logitraw", 1, "1.7.6", "[0x1p+01]"},
	} {
		mini := miniXGB{base: c.base, objective: c.objective}
		if c.groups > 1 {
			mini.classes = c.groups
		}
		m, err := Load([]byte(mini.String()), FormatXGBoostJSON, Options{LibraryVersion: c.library})
		got := refused
		if err == nil {
			margins := make([]float64, m.Margins())
			m.Margin(margins, []float64{0}, 1, m.NewScratch(1))
			got = fmt.Sprintf("%x", margins)
		} else if u := (*Unsupported)(nil); !errors.As(err, &u) {
			t.Errorf("%s %s: %v", c.base, c.library, err)
		}
		if got != c.want {
			t.Errorf("%s %s under %s = %s, want %s (%v)", c.objective, c.base, c.library, got, c.want, err)
		}
	}
	m, err := Load([]byte(miniXGB{base: "[3E-1,2E0]", objective: "reg:squarederror", targets: 2}.String()), FormatXGBoostJSON, Options{})
	if err != nil || m.Outputs() != 2 {
		t.Fatal(err)
	}
	got := make([]float64, 2)
	m.Predict(got, []float64{1}, 1, m.NewScratch(1))
	if float32(got[0]) != 0.3 || got[1] != 2 {
		t.Errorf("two targets: %v", got)
	}
}

const miniLGB = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=a b
feature_infos=[0:1] 0:1:2
tree_sizes=300

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
threshold=0.5 0
decision_type=2 1
left_child=-1 -2
right_child=1 -3
leaf_value=1 2 3
cat_boundaries=0 1
cat_threshold=5
is_linear=0
shrinkage=1


end of trees

parameters:
[categorical_feature: 1]
end of parameters

pandas_categorical:[["x", "y", "z"]]
`

// TestRefusals: what is not answered exactly is refused by name, what is malformed with its place.
func TestRefusals(t *testing.T) {
	xgb := miniXGB{base: "5E-1", objective: "reg:squarederror"}
	with := func(change func(*miniXGB)) string { c := xgb; change(&c); return c.String() }
	lgb := func(old, new string) string {
		if !strings.Contains(miniLGB, old) {
			t.Fatalf("no %q to replace", old)
		}
		return strings.Replace(miniLGB, old, new, 1)
	}
	for _, c := range []struct{ name, text, want string }{
		{"xgboost as it is", xgb.String(), ""},
		{"gblinear", with(func(c *miniXGB) { c.booster = "gblinear" }), "booster gblinear is not supported"},
		{"objective", with(func(c *miniXGB) { c.objective = "reg:expectileerror" }), "objective reg:expectileerror is not supported"},
		{"vector leaves", with(func(c *miniXGB) { c.vector = 3 }), "multi_output_tree"},
		{"old version", with(func(c *miniXGB) { c.version = "1,2,0" }), "XGBoost before 1.3"},
		{"dart without weights", with(func(c *miniXGB) { c.booster = "dart" }), "weight_drop is absent"},
		{"classes", with(func(c *miniXGB) { c.classes = 3 }), "3 classes under reg:squarederror"},
		{"base score", with(func(c *miniXGB) { c.base = "half" }), `base_score "half"`},
		{"base score list", with(func(c *miniXGB) { c.base = "[1,2]" }), "2 base scores, want 1 or 1"},
		{"encoder", with(func(c *miniXGB) {
			c.more = `"cats":{"enc":[{"offsets":[0,1],"values":[-61]}]},`
		}), "a category text outside ASCII"},
		{"leaf", with(func(c *miniXGB) { c.leaf = "1E999" }), `split_conditions[0] is "1E999"`},
		{"word", with(func(c *miniXGB) { c.leaf = "nan" }), `"nan", want a number`},
		{"cut off", xgb.String()[:100], "offset 95: text without end"},
		{"no learner", `{"version":[3,2,0]}`, "learner is absent"},
		{"trailing", xgb.String() + "{}", "text after the document"},
		{"duplicate", strings.Replace(xgb.String(), `"attributes"`, `"learner_model_param"`, 1), "second key"},
		{"deep", `{"a":` + strings.Repeat("[", 100), "deep nesting"},
		{"binary", "binf\x00\x00", "old binary format"},
		{"pickle", "\x80\x04\x95", "unknown beginning"},
		{"empty", "", "unknown beginning"},

		{"lightgbm as it is", miniLGB, ""},
		{"linear", lgb("is_linear=0", "is_linear=1"), "linear_tree is not supported"},
		{"lightgbm objective", lgb("binary sigmoid:1", "cross_entropy_lambda"), "objective cross_entropy_lambda is not supported"},
		{"setting", lgb("sigmoid:1", "fancy:1"), "setting fancy:1 of objective binary"},
		{"sigmoid", lgb("sigmoid:1", "sigmoid:1e-05"), "sigmoid 1e-05 is not supported"},
		{"lightgbm version", lgb("version=v4", "version=v2"), "LightGBM text format v2"},
		{"lists", lgb(`[["x", "y", "z"]]`, `[["x"], ["y"]]`), "pandas_categorical of 2 columns beside 1"},
		{"codes", lgb("0:1:2", "0:1:7"), "does not fit the codes of feature 1"},
		{"mixed list", lgb(`"y"`, `3`), "neither all texts nor all numbers"},
		{"circle", lgb("right_child=1 -3", "right_child=0 -3"), "line 12: tree 0: node 0 is reached twice"},
		{"feature", lgb("split_feature=0 1", "split_feature=0 7"), "splits feature 7 of 2"},
		{"threshold", lgb("threshold=0.5 0", "threshold=0x1p-1 0"), `line 16: threshold: "0x1p-1" at place 0`},
		{"short", lgb("leaf_value=1 2 3", "leaf_value=1 2"), "leaf_value of 2 numbers, want 3"},
		{"set", lgb("threshold=0.5 0", "threshold=0.5 2"), "category set 2 of 1"},
		{"missing type", lgb("decision_type=2 1", "decision_type=14 1"), "decision_type 14"},
		{"no end", miniLGB[:300], "end of file, want end of trees"},
		{"order", lgb("Tree=0", "Tree=1"), "Tree=1, want Tree=0"},
		{"many leaves", lgb("num_leaves=3", "num_leaves=60000000"), "60000000 numbers"},
	} {
		format, err := Detect([]byte(c.text))
		if err == nil {
			_, err = Load([]byte(c.text), format, Options{})
		}
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		var u *Unsupported
		var f *FormatError
		if err != nil && !errors.As(err, &u) && !errors.As(err, &f) {
			t.Errorf("%s: untyped error %T", c.name, err)
		}
	}
}

func TestLimits(t *testing.T) {
	for name, limits := range map[string]Limits{
		"file of":           {Bytes: 10},
		"max_feature_idx":   {Features: 1},
		"num_leaves":        {Nodes: 2},
		"category sets of":  {SetBytes: 8},
		"more than 4 nodes": {Nodes: 4},
	} {
		_, err := Load([]byte(miniLGB), FormatLightGBMText, Options{Limits: limits})
		if f := (*FormatError)(nil); !errors.As(err, &f) || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: %v, want %q", limits, err, name)
		}
	}
}

func TestFeatures(t *testing.T) {
	m, err := Load([]byte(miniLGB), FormatLightGBMText, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := m.Features()
	if len(f) != 2 || f[0].Name != "a" || f[0].Categorical || f[0].Categories != nil || f[1].Name != "b" || !f[1].Categorical {
		t.Fatalf("%+v", f)
	}
	if code, ok := f[1].Code("z"); code != 2 || !ok {
		t.Errorf("z = %v, %v", code, ok)
	}
	if code, ok := f[1].Code("unseen"); !math.IsNaN(code) || ok {
		t.Errorf("unseen = %v, %v", code, ok)
	}
	if m.NumClass() != 2 || m.Objective() != "binary" || m.Kind() != LightGBM || m.Float32Output() || m.Outputs() != 1 {
		t.Error("facts", m.NumClass(), m.Objective(), m.Kind(), m.Float32Output(), m.Outputs())
	}
	m, err = Load([]byte(strings.Replace(miniLGB, `["x", "y", "z"]`, `[1.0, 20, 3.5]`, 1)), FormatLightGBMText, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f = m.Features()
	for text, want := range map[string]float64{"1": 0, "1.0": 0, "20.0": 1, "3.5": 2} {
		if code, ok := f[1].Code(text); code != want || !ok {
			t.Errorf("%s = %v, %v", text, code, ok)
		}
	}
	if _, ok := f[1].CodeNumber(2); ok {
		t.Error("2 is no category")
	}
}

func TestBestIteration(t *testing.T) {
	c := miniXGB{base: "0E0", objective: "reg:squarederror", leaf: "1E0"}
	text := strings.Replace(c.String(), `"num_trees":"1"`, `"num_trees":"3"`, 1)
	text = strings.Replace(text, `"tree_info":[0]`, `"tree_info":[0,0,0]`, 1)
	start := strings.Index(text, `"trees":[`) + len(`"trees":[`)
	end := strings.Index(text, `]},"name"`)
	text = text[:start] + strings.Repeat(text[start:end]+",", 2) + text[start:]
	text = strings.Replace(text, `"attributes":{}`, `"attributes":{"best_iteration":"1"}`, 1)
	for best, want := range map[bool]float64{false: 3, true: 2} {
		m, err := Load([]byte(text), FormatXGBoostJSON, Options{BestIteration: best})
		if err != nil {
			t.Fatal(err)
		}
		got := []float64{0}
		m.Predict(got, []float64{0}, 1, m.NewScratch(1))
		if got[0] != want {
			t.Errorf("best %v: %v, want %v", best, got[0], want)
		}
	}
}

func TestCheckFinite(t *testing.T) {
	text := []byte(miniXGB{base: "5E-1", objective: "reg:squarederror"}.String())
	m, err := Load(text, FormatXGBoostJSON, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var not *NotFinite
	if err := m.CheckFinite([]float64{1, math.NaN(), 1e39}, 3); !errors.As(err, &not) || not.Row != 2 || not.Column != 0 {
		t.Error(err)
	}
	if err := m.CheckFinite([]float64{1, math.NaN(), math.MaxFloat32}, 3); err != nil {
		t.Error(err)
	}
	if m, err = Load(text, FormatXGBoostJSON, Options{InPlace: true}); err != nil {
		t.Fatal(err)
	}
	if err := m.CheckFinite([]float64{math.Inf(1)}, 1); err != nil {
		t.Error(err)
	}
}

func TestScratchBelongsToModel(t *testing.T) {
	text := []byte(miniXGB{base: "5E-1", objective: "reg:squarederror"}.String())
	a, _ := Load(text, FormatXGBoostJSON, Options{})
	b, _ := Load(text, FormatXGBoostJSON, Options{})
	defer func() {
		if recover() == nil {
			t.Error("no panic for a foreign scratch")
		}
	}()
	a.Predict([]float64{0}, []float64{0}, 1, b.NewScratch(1))
}

// TestKeys: the mapped integers keep the order of numbers and leave the two extremes free.
func TestKeys(t *testing.T) {
	order := []float64{math.Inf(-1), -math.MaxFloat64, -1, -1e-300, -5e-324, 0, 5e-324, 1e-300, 1, math.MaxFloat64, math.Inf(1)}
	for i := 1; i < len(order); i++ {
		if key64(order[i-1]) >= key64(order[i]) {
			t.Errorf("%v and %v", order[i-1], order[i])
		}
	}
	if key64(math.Copysign(0, -1)) != key64(0) || key32(float32(math.Copysign(0, -1))) != key32(0) || key64(0) != 0 || key32(0) != 0 {
		t.Error("zeros differ")
	}
	if key64(math.Inf(-1)) == math.MinInt64 || key64(math.Inf(1)) == math.MaxInt64 ||
		key32(float32(math.Inf(-1)))-1 == math.MinInt32 || key32(float32(math.Inf(1))) == math.MaxInt32 {
		t.Error("an extreme is taken")
	}
	if zeroThreshold != float64(float32(1e-35)) {
		t.Error("zeroThreshold")
	}
}
