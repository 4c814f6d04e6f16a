package serve

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/infer"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
)

// files is a model folder in memory.
func files(m map[string]string) Files {
	return func(_ context.Context, path string) ([]byte, error) {
		if s, ok := m[path]; ok {
			return []byte(s), nil
		}
		return nil, fs.ErrNotExist
	}
}

// golden reads a model of the goldens that pure/infer compares with Python.
func golden(t testing.TB, path string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "pure", "infer", "testdata", path+".model.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// xgboost is a folder as mlflow.xgboost.log_model writes it.
func xgboost(data, class, inputs string) map[string]string {
	signature := "signature: null\n"
	if inputs != "" {
		signature = "signature:\n  inputs: '" + inputs + "'\n  outputs: null\n  params: null\n"
	}
	return map[string]string{
		"MLmodel": `flavors:
  python_function:
    data: model.ubj
    loader_module: mlflow.xgboost
    python_version: 3.11.2
  xgboost:
    code: null
    data: model.ubj
    model_class: ` + class + `
    model_format: ubj
    xgb_version: 2.1.4
mlflow_version: 3.17.2
` + signature,
		"model.ubj":        data,
		"requirements.txt": "mlflow==3.17.2\nxgboost==2.1.4\n",
	}
}

// width is the number of features of the golden models.
const width = 6

func columns(n int) *table.Table {
	t := &table.Table{}
	for k := range width {
		c := table.NewColumn(fmt.Sprint(k), table.Float64, n)
		for i := range n {
			c.AppendFloat64(float64((i*7+k*3)%11)/3 - 1.5)
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// reference answers the same rows with the evaluator alone.
func reference(t *testing.T, data string, opt infer.Options, margin bool, rows int) []float64 {
	t.Helper()
	format, err := infer.Detect([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	m, err := infer.Load([]byte(data), format, opt)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, rows*width)
	for k, c := range columns(rows).Columns {
		c.Floats(x[k:], width)
	}
	if margin {
		out := make([]float64, rows*m.Margins())
		m.Margin(out, x, rows, m.NewScratch(rows))
		return out
	}
	out := make([]float64, rows*m.Outputs())
	m.Predict(out, x, rows, m.NewScratch(rows))
	return out
}

func TestAnswers(t *testing.T) {
	const rows = 50
	for _, c := range []struct {
		name, golden, class, output string
		width                       int
		labels                      bool
		names                       string
		want                        func(predict, margin []float64) []float64
	}{
		{"booster", "logistic", "xgboost.core.Booster", "", 1, false, "prediction", func(p, m []float64) []float64 { return p }},
		{"booster proba", "logistic", "xgboost.core.Booster", Proba, 1, false, "prediction", func(p, m []float64) []float64 { return p }},
		{"booster margin", "logistic", "xgboost.core.Booster", Margin, 1, false, "prediction", func(p, m []float64) []float64 { return m }},
		{"classifier answers labels", "logistic", "xgboost.sklearn.XGBClassifier", "", 1, true, "prediction score", func(p, m []float64) []float64 {
			var out []float64
			for _, v := range p {
				if v > 0.5 {
					out = append(out, 1)
				} else {
					out = append(out, 0)
				}
			}
			return out
		}},
		{"classifier proba", "logistic", "xgboost.sklearn.XGBClassifier", Proba, 2, false, "prediction_0 prediction_1 score", func(p, m []float64) []float64 {
			var out []float64
			for _, v := range p {
				out = append(out, float64(1-float32(v)), v)
			}
			return out
		}},
		{"classes", "softprob", "xgboost.sklearn.XGBClassifier", "", 1, true, "prediction", func(p, m []float64) []float64 {
			var out []float64
			k := len(p) / rows
			for i := range rows {
				best := 0
				for c := range k {
					if p[i*k+c] > p[i*k+best] {
						best = c
					}
				}
				out = append(out, float64(best))
			}
			return out
		}},
		{"regressor", "squared", "xgboost.sklearn.XGBRegressor", "", 1, false, "prediction", func(p, m []float64) []float64 { return p }},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := golden(t, "xgboost-2.1.4/"+c.golden)
			m, err := Load(t.Context(), files(xgboost(data, c.class, "")), Options{Output: c.output})
			if err != nil {
				t.Fatal(err)
			}
			wrapper := !strings.HasSuffix(c.class, "Booster")
			opt := infer.Options{LibraryVersion: "2.1.4", InPlace: wrapper, BestIteration: wrapper}
			want := c.want(reference(t, data, opt, false, rows), reference(t, data, opt, true, rows))
			got, err := m.Score(nil, columns(rows))
			if err != nil {
				t.Fatal(err)
			}
			if m.Width() != c.width || m.Labels() != c.labels || strings.Join(m.names, " ") != c.names {
				t.Errorf("width %d, labels %v, names %v", m.Width(), m.Labels(), m.names)
			}
			if len(got) != len(want) {
				t.Fatalf("%d numbers, want %d", len(got), len(want))
			}
			for i := range got {
				if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
					t.Fatalf("number %d: %v, want %v", i, got[i], want[i])
				}
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	logistic := golden(t, "xgboost-2.1.4/logistic")
	six := `[{"type":"double","name":"a","required":true},{"type":"double","name":"b","required":true},{"type":"double","name":"c","required":true},{"type":"double","name":"d","required":true},{"type":"double","name":"e","required":true},{"type":"double","name":"f","required":true}]`
	with := func(change func(map[string]string)) map[string]string {
		m := xgboost(logistic, "xgboost.core.Booster", six)
		if change != nil {
			change(m)
		}
		return m
	}
	edit := func(old, new string) func(map[string]string) {
		return func(m map[string]string) {
			if !strings.Contains(m["MLmodel"], old) {
				t.Fatalf("MLmodel lacks %q", old)
			}
			m["MLmodel"] = strings.ReplaceAll(m["MLmodel"], old, new)
		}
	}
	for _, c := range []struct {
		name   string
		files  map[string]string
		output string
		kind   trimtab.Kind
		want   string
	}{
		{"no MLmodel", map[string]string{}, "", trimtab.Invalid, "no file MLmodel"},
		{"damaged MLmodel", map[string]string{"MLmodel": "flavors: ["}, "", trimtab.Invalid, "cannot be read"},
		{"no pyfunc", map[string]string{"MLmodel": "flavors: {xgboost: {data: x}}"}, "", trimtab.Unsupported, "no flavor python_function"},
		{"sklearn", with(edit("mlflow.xgboost", "mlflow.sklearn")), "", trimtab.Unsupported, "flavor sklearn is not served natively"},
		{"python model", with(edit("mlflow.xgboost", "mlflow.pyfunc.model")), "", trimtab.Unsupported, "flavor python_function is not served natively"},
		{"pickle", with(edit("model.ubj", "model.pkl")), "", trimtab.Unsupported, "Python objects (model.pkl), which this server never opens"},
		{"skops", with(edit("model.ubj", "model.skops")), "", trimtab.Unsupported, "Python objects (model.skops), which this server never opens"},
		{"ranker", with(edit("core.Booster", "sklearn.XGBRanker")), "", trimtab.Unsupported, "XGBRanker is not served natively"},
		{"file missing", with(func(m map[string]string) { delete(m, "model.ubj") }), "", trimtab.Invalid, "names the file model.ubj, which is not there"},
		{"file of another library", with(func(m map[string]string) { m["model.ubj"] = golden(t, "lightgbm-3.3.5/binary") }), "", trimtab.Invalid, "is a model of lightgbm"},
		{"no model at all", with(func(m map[string]string) { m["model.ubj"] = "hello" }), "", trimtab.Invalid, "cannot be loaded"},
		{"unsupported construct", with(func(m map[string]string) {
			m["model.ubj"] = strings.Replace(logistic, `"binary:logistic"`, `"binary:mine"`, -1)
		}), "", trimtab.Unsupported, "binary:mine"},
		{"signature of another width", xgboost(logistic, "xgboost.core.Booster", `[{"type":"double","name":"a","required":true}]`), "", trimtab.Invalid, "1 columns, the model 6 features"},
		{"text without categories", with(edit(`"double","name":"c"`, `"string","name":"c"`)), "", trimtab.Unsupported, `column "c" holds text`},
		{"a date", with(edit(`"double","name":"c"`, `"datetime","name":"c"`)), "", trimtab.Unsupported, `column "c" is of type datetime`},
		{"damaged signature", with(edit(`[{"type"`, `[{"typ"`)), "", trimtab.Invalid, "signature"},
		{"no such output", with(nil), "votes", trimtab.Invalid, `output "votes"`},
		{"probabilities of a regression", xgboost(golden(t, "xgboost-2.1.4/squared"), "xgboost.core.Booster", ""), Proba, trimtab.Unsupported, "has no probabilities"},
	} {
		_, err := Load(t.Context(), files(c.files), Options{Output: c.output})
		if !trimtab.IsKind(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v (%s), want %s %q", c.name, err, trimtab.KindOf(err), c.kind, c.want)
		}
	}
	broken := errors.New("disk on fire")
	if _, err := Load(t.Context(), func(context.Context, string) ([]byte, error) { return nil, broken }, Options{}); !errors.Is(err, broken) {
		t.Errorf("an error of the store is lost: %v", err)
	}
}

func TestScoreRefuses(t *testing.T) {
	m, err := Load(t.Context(), files(xgboost(golden(t, "xgboost-2.1.4/logistic"), "xgboost.core.Booster", "")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	infinite := columns(3)
	infinite.Columns[2].Float64s[1] = math.Inf(1)
	text := columns(2)
	text.Columns[1] = table.NewColumn("1", table.String, 2)
	text.Columns[1].AppendString("a")
	text.Columns[1].AppendString("b")
	narrow := columns(2)
	narrow.Columns = narrow.Columns[:5]
	for name, tab := range map[string]*table.Table{`column "2", row 1: expected a number that float32 holds`: infinite, "text": text, "expected the 6 columns of the model": narrow} {
		if _, err := m.Score(nil, tab); !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnsignedColumns: without a signature columns are found by the names of the
// features; names of which only some are known answer nothing.
func TestUnsignedColumns(t *testing.T) {
	folder := xgboost(golden(t, "xgboost-3.2.0-frame/frame"), "xgboost.core.Booster", "")
	for name, text := range folder {
		if name != "model.ubj" {
			folder[name] = strings.ReplaceAll(text, "2.1.4", "3.2.0")
		}
	}
	m, err := Load(t.Context(), files(folder), Options{})
	if err != nil {
		t.Fatal(err)
	}
	named := func(change func(i int, name string) string) *table.Table {
		out := &table.Table{}
		for i, f := range m.Inputs() {
			c := table.NewColumn(change(i, f.Name), table.Float64, 1)
			c.AppendNull() // some are categories
			out.Columns = append(out.Columns, c)
		}
		return out
	}
	for _, c := range []struct {
		name   string
		change func(i int, name string) string
		want   string // "" = answered
	}{
		{"by name", func(_ int, name string) string { return name }, ""},
		{"without names", func(i int, _ string) string { return fmt.Sprint(i) }, ""},
		{"one unknown", func(i int, name string) string {
			if i == 1 {
				return "unknown"
			}
			return name
		}, fmt.Sprintf("column %q: missing", m.Inputs()[1].Name)},
		{"all unknown", func(i int, _ string) string { return fmt.Sprint("unknown ", i) }, fmt.Sprintf("column %q: missing", m.Inputs()[0].Name)},
	} {
		_, err := m.Score(nil, named(c.change))
		if c.want == "" && err != nil || c.want != "" && (!trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestPinnedVersion(t *testing.T) {
	requirements := []byte("mlflow==3.17.2\n  XGBoost == 2.1.4 ; python_version > '3.8'\nlightgbm>=4\nxgboost-ray==1\n")
	for library, want := range map[string]string{"xgboost": "2.1.4", "lightgbm": "", "numpy": ""} {
		if got := pinnedVersion(requirements, library); got != want {
			t.Errorf("%s: %q, want %q", library, got, want)
		}
	}
	if got := pinnedVersion([]byte("xgboost-cpu==3.2.0"), "xgboost"); got != "3.2.0" {
		t.Errorf("xgboost-cpu: %q", got)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "MLmodel"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := Folder(dir)
	if b, err := read(t.Context(), "MLmodel"); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := read(t.Context(), "../secret"); err == nil {
		t.Error("a file outside of the folder was read")
	}
	if _, err := read(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

// TestNoAllocation holds the hot path to its promise: no memory is got for a row.
func TestNoAllocation(t *testing.T) {
	for _, class := range []string{"xgboost.core.Booster", "xgboost.sklearn.XGBClassifier"} {
		m, err := Load(t.Context(), files(xgboost(golden(t, "xgboost-2.1.4/logistic"), class, "")), Options{})
		if err != nil {
			t.Fatal(err)
		}
		m.inputs = m.Inputs() // as with a signature: columns by position
		for _, rows := range []int{1, 100} {
			tab, w := columns(rows), m.worker()
			if err := m.predict(w, tab); err != nil {
				t.Fatal(err)
			}
			if n := testing.AllocsPerRun(100, func() {
				if err := m.predict(w, tab); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%s: %d rows: %v allocations", class, rows, n)
			}
		}
	}
}

// FuzzMLmodel parses arbitrary bytes as MLmodel: an error, never a panic.
func FuzzMLmodel(f *testing.F) {
	f.Add([]byte(xgboost("", "xgboost.core.Booster", `[{"type":"double","name":"a"}]`)["MLmodel"]))
	f.Add([]byte("flavors: {python_function: {loader_module: mlflow.lightgbm, data: x}, lightgbm: {model_class: lightgbm.basic.Booster}}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMLmodel(b)
		if err != nil {
			return
		}
		_, _ = m.flavor()
		if s, err := m.signature(); err == nil {
			_, _ = s.NewDecoder(schema.Options{})
		}
	})
}
