package serve

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/pure/table"
)

// TestCalibratorIsPython compares with what calibrated.py answers, bit for bit. The
// golden is made by testdata/calibrated.py with numpy 2.4.6.
func TestCalibratorIsPython(t *testing.T) {
	raw, err := os.ReadFile("testdata/calibrated.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Kind         string
		Steps        []Step
		Scores, Want []string
	}
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) < 14 {
		t.Fatal(len(cases), err)
	}
	number := func(s string) float64 {
		n, err := strconv.ParseUint(s, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return math.Float64frombits(n)
	}
	for _, c := range cases {
		k := calibrator{c.Kind == Logit, c.Steps}
		for i, s := range c.Scores {
			p, want := number(s), number(c.Want[i])
			if got := k.score(p); math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Fatalf("%s %v of %v: %v, want %v", c.Kind, c.Steps, p, got, want)
			}
		}
	}
}

// TestCalibratorIsStat: a version answers what the policy expected of it when it fitted the two numbers.
func TestCalibratorIsStat(t *testing.T) {
	for i := range 2001 {
		p := float64(i) / 2000
		for _, s := range []Step{{0, 1}, {0.3, 0.8}, {-2, 0.1}, {1.5, 10}} {
			for kind, other := range map[string]string{Logit: stat.Logistic, Linear: stat.Linear} {
				k := calibrator{kind == Logit, []Step{s}}
				want := stat.Calibrator{Kind: other, Intercept: s.A, Slope: s.B}.Apply(p)
				// 360 is the largest logit here: its last bit is 6e-14.
				if got := k.score(p); math.Abs(got-want) > 1e-13*math.Abs(want) {
					t.Fatalf("%s %v of %v: %v, want %v", kind, s, p, got, want)
				}
			}
		}
	}
	for i := range 5000 {
		x := math.Exp((float64(i) - 2500) / 70)
		if got, want := ln(x), math.Log(x); math.Abs(got-want) > 4e-16*math.Abs(want) {
			t.Fatalf("ln %v: %v, want %v", x, got, want)
		}
		if x := -float64(i) * 0.14; math.Abs(expNegative(x)-math.Exp(x)) > 5e-16*math.Exp(x) {
			t.Fatalf("exp %v: %v, want %v", x, expNegative(x), math.Exp(x))
		}
	}
}

// parent reads a golden folder that mlflow has written.
func parent(t testing.TB, name string) map[string]string {
	t.Helper()
	folder := filepath.Join("..", "..", "protocol", "serving", "testdata", "mlflow", name, "model")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(b)
	}
	return out
}

// child makes the recalibrated version of a folder.
func child(t testing.TB, from map[string]string, c Calibration) map[string]string {
	t.Helper()
	changed, err := Child(t.Context(), files(from), c)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for path, body := range from {
		out[path] = body
	}
	for path, body := range changed {
		out[path] = string(body)
	}
	return out
}

// rowsFor are rows that a model takes: whole numbers, which every column can be.
func rowsFor(m *Model, n int) *table.Table {
	out := table.Blank(n)
	for k, f := range m.Inputs() {
		c := table.NewColumn(f.Name, table.Float64, n)
		for i := range n {
			c.AppendFloat64(float64((i*7+k*3)%11 - 2))
		}
		out.Columns = append(out.Columns, c)
	}
	return out
}

// TestChild: a child answers its parent's answer, corrected; a child's child corrects that.
func TestChild(t *testing.T) {
	for _, c := range []struct {
		folder, kind, output string
		want                 func(k *calibrator, p float64) []float64 // of the parent's score
	}{
		{"lightgbm_tensor", Logit, Predict, func(k *calibrator, p float64) []float64 { return []float64{k.score(p)} }},
		{"xgboost_booster", Logit, Predict, func(k *calibrator, p float64) []float64 { return []float64{k.score(p)} }},
		{"xgboost_booster", Logit, Margin, func(k *calibrator, p float64) []float64 { return []float64{k.margin(p)} }},
		{"xgboost_classifier", Logit, Predict, func(k *calibrator, p float64) []float64 {
			if k.score(p) > 0.5 {
				return []float64{1}
			}
			return []float64{0}
		}},
		{"xgboost_classifier", Logit, Proba, func(k *calibrator, p float64) []float64 { return []float64{1 - k.score(p), k.score(p)} }},
		{"xgboost_regressor", Linear, Predict, func(k *calibrator, p float64) []float64 { return []float64{k.score(p)} }},
	} {
		t.Run(c.folder+" "+c.output, func(t *testing.T) {
			from := parent(t, c.folder)
			load := func(f map[string]string, output string) *Model {
				t.Helper()
				m, err := Load(t.Context(), files(f), Options{Output: output})
				if err != nil {
					t.Fatal(err)
				}
				return m
			}
			m := load(from, Predict)
			rows := rowsFor(m, 30)
			scores := func(m *Model) []float64 {
				t.Helper()
				out := make([]float64, rows.Rows())
				picked, err := m.pick(rows)
				if err == nil {
					w := m.worker()
					defer m.release(w)
					err = m.scoreAll(w, out, picked)
				}
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			first, second := Step{0.4, 0.7}, Step{-0.1, 1.3}
			one := child(t, from, Calibration{Kind: c.kind, Step: first, Parent: "m/1"})
			two := child(t, one, Calibration{Kind: c.kind, Step: second, Parent: "m/2"})
			for steps, folder := range map[*calibrator]map[string]string{{c.kind == Logit, []Step{first}}: one, {c.kind == Logit, []Step{first, second}}: two} {
				served := load(folder, c.output)
				if served.Float32() {
					t.Error("corrected answers are float64")
				}
				got, err := func() ([]float64, error) {
					picked, err := served.pick(rows)
					if err != nil {
						return nil, err
					}
					if served.inputs != nil {
						rq, err := served.Signature.Cast(picked, schema.Options{})
						if err != nil {
							return nil, err
						}
						picked = rq.Table
					}
					return served.Score(nil, picked)
				}()
				if err != nil {
					t.Fatal(err)
				}
				var want []float64
				for _, p := range scores(m) {
					want = append(want, c.want(steps, p)...)
				}
				for i := range got {
					if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
						t.Fatalf("%d steps, number %d: %v, want %v", len(steps.steps), i, got[i], want[i])
					}
				}
				if len(got) != len(want) {
					t.Fatalf("%d numbers, want %d", len(got), len(want))
				}
			}
			if got := strings.Count(two["MLmodel"], "loader_module: trimtab_calibrated"); got != 1 || strings.Count(two["MLmodel"], "\n") < strings.Count(from["MLmodel"], "\n") {
				t.Errorf("MLmodel:\n%s", two["MLmodel"])
			}
		})
	}
}

func TestChildRefuses(t *testing.T) {
	booster := parent(t, "xgboost_booster")
	edit := func(old, new string) map[string]string {
		out := child(t, booster, Calibration{Kind: Logit, Step: Step{0, 2}})
		for path := range out {
			out[path] = strings.ReplaceAll(out[path], old, new)
		}
		return out
	}
	for _, c := range []struct {
		name string
		from map[string]string
		c    Calibration
		want string
	}{
		{"a regression has no logit", parent(t, "xgboost_regressor"), Calibration{Kind: Logit, Step: Step{0, 1}}, "answers no single probability"},
		{"a probability is no number", booster, Calibration{Kind: Linear, Step: Step{0, 1}}, "answers no single number"},
		{"classes", parent(t, "xgboost_classes"), Calibration{Kind: Logit, Step: Step{0, 1}}, "answers no single probability"},
		{"no kind", booster, Calibration{Step: Step{0, 1}}, `kind ""`},
		{"not finite", booster, Calibration{Kind: Logit, Step: Step{math.NaN(), 1}}, "expected finite numbers"},
		{"too steep", booster, Calibration{Kind: Logit, Step: Step{0, 20}}, "the logit would leave"},
		{"another kind than the parent's", child(t, booster, Calibration{Kind: Logit, Step: Step{0, 2}}), Calibration{Kind: Linear, Step: Step{0, 1}}, "it takes no kind linear"},
		{"damaged numbers", edit(`"b": 2`, `"b": "2"`), Calibration{Kind: Logit}, "cannot be read"},
		{"an unknown field", edit(`"b": 2`, `"b": 2, "c": 3`), Calibration{Kind: Logit}, "unknown field"},
		{"labels of a booster", edit(`"b": 2`, `"b": 2, "labels": true`), Calibration{Kind: Logit}, "says labels"},
		{"another loader", edit(`"mlflow.xgboost"`, `"os"`), Calibration{Kind: Logit}, "flavor os is not served"},
	} {
		_, err := Child(t.Context(), files(c.from), c.c)
		if err == nil || !strings.Contains(trimtab.Message(err), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	lost := child(t, booster, Calibration{Kind: Logit, Step: Step{0, 2}})
	delete(lost, CalibrationFile)
	if _, err := Load(t.Context(), files(lost), Options{}); !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), "there is no file "+CalibrationFile) {
		t.Errorf("without the file: %v", err)
	}
	number := child(t, parent(t, "xgboost_regressor"), Calibration{Kind: Linear, Step: Step{0, 2}})
	if _, err := Load(t.Context(), files(number), Options{Output: Margin}); !trimtab.IsKind(err, trimtab.Unsupported) {
		t.Errorf("the margin of a corrected number: %v", err)
	}
}

// TestCalibratedMLmodel: only what must change does, however MLflow has laid it out.
func TestCalibratedMLmodel(t *testing.T) {
	for _, c := range []struct{ name, text, want, code string }{
		{"plain", "flavors:\n  python_function:\n    data: m\n    loader_module: mlflow.xgboost\n  xgboost:\n    code: null\nx: 1\n",
			"flavors:\n  python_function:\n    loader_module: trimtab_calibrated\n    code: code\n    data: m\n  xgboost:\n    code: null\nx: 1\n", "code"},
		{"code of its own, first, at the end", "flavors:\n  python_function:\n    loader_module: a\n    code: mine/src\n", "flavors:\n  python_function:\n    loader_module: trimtab_calibrated\n    code: mine/src\n", "mine/src"},
		{"a value over lines", "flavors:\n  a: {}\n  python_function:\n    env:\n      code: x\n    code: null\n    loader_module:\n      mlflow.xgboost\n    z: 1\n",
			"flavors:\n  a: {}\n  python_function:\n    loader_module: trimtab_calibrated\n    code: code\n    env:\n      code: x\n    z: 1\n", "code"},
		{"in one line", "flavors: {python_function: {loader_module: a}}\n", "", ""},
		{"no flavor", "flavors:\n  a:\n    b: 1\n", "", ""},
		{"beside the flavors", "flavors:\npython_function:\n", "", ""},
		{"code outside", "flavors:\n  python_function:\n    loader_module: a\n    code: ../x\n", "", ""},
	} {
		got, code, err := calibratedMLmodel([]byte(c.text))
		if (err != nil) != (c.want == "") || string(got) != c.want || code != c.code {
			t.Errorf("%s: %q %q %v", c.name, got, code, err)
		}
	}
}

// FuzzCalibratedMLmodel: what comes out says what went in, but for loader and code; or nothing does.
func FuzzCalibratedMLmodel(f *testing.F) {
	f.Add([]byte("flavors:\n  python_function:\n    data: m\n    loader_module: mlflow.xgboost\n    code:\n"))
	f.Add([]byte("a: 1\nflavors:\n python_function:\n  loader_module: >\n   x\n b: 1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, _, err := calibratedMLmodel(b)
		if err == nil {
			if m, err := parseMLmodel(out); err != nil || !m.calibrated() {
				t.Errorf("%q: %v", out, err)
			}
		}
	})
}

// FuzzCalibration parses arbitrary bytes as a calibration: an error, or one that corrects a probability to one.
func FuzzCalibration(f *testing.F) {
	f.Add([]byte(`{"kind":"logit","a":0.1,"b":2,"parent":"m/1","loader":"mlflow.xgboost","before":[{"a":1,"b":-1}]}`), 0.5)
	f.Fuzz(func(t *testing.T, b []byte, p float64) {
		c, err := parseCalibration(b)
		if err != nil || c.Kind != Logit {
			return
		}
		k := calibrator{true, c.steps()}
		if p >= 0 && p <= 1 {
			if q := k.score(p); !(q >= 0 && q <= 1) {
				t.Errorf("%s of %v: %v", b, p, q)
			}
		}
	})
}
