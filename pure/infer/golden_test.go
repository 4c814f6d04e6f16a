package infer

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goldenCase is an entry of cases.json, which internal/testkit/golden/infer/generate.py writes.
type goldenCase struct {
	Name    string
	Format  string
	Library string
	Width   int
	Rows    int
	Margins int
	Outputs int
	DMatrix bool    // answers of the DMatrix path, rows without infinities
	Frame   [][]any // a data frame that goes through the model's encoder instead of rows.gz
}

var goldenFormats = map[string]Format{"json": FormatXGBoostJSON, "ubj": FormatXGBoostUBJ, "text": FormatLightGBMText}

func loadCases(t testing.TB, dir string) (cases []goldenCase) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// loadRows decodes rows.gz; its layout is described in generate.py.
func loadRows(t testing.TB, dir string) (x []float64, rows, columns int) {
	t.Helper()
	data := gunzip(t, filepath.Join(dir, "rows.gz"))
	u32 := func() int { v := binary.LittleEndian.Uint32(data); data = data[4:]; return int(v) }
	rows, columns = u32(), u32()
	pools := make([][]float64, columns)
	for c := range pools {
		pools[c] = make([]float64, u32())
		for i := range pools[c] {
			pools[c][i] = math.Float64frombits(binary.LittleEndian.Uint64(data))
			data = data[8:]
		}
	}
	x = make([]float64, rows*columns)
	for c := range columns {
		for r := range rows {
			x[r*columns+c] = pools[c][binary.LittleEndian.Uint16(data)]
			data = data[2:]
		}
	}
	if len(data) != 0 {
		t.Fatalf("%s: %d bytes left", dir, len(data))
	}
	return x, rows, columns
}

// encodeFrame turns the cells of a data frame into model input, as a caller does.
func encodeFrame(frame [][]any, features []Feature) (x []float64) {
	for _, row := range frame {
		for c, cell := range row {
			f := &features[c]
			switch v := cell.(type) {
			case nil:
				x = append(x, math.NaN())
			case string:
				code, _ := f.Code(v)
				x = append(x, code)
			case float64:
				if f.Categories != nil {
					v, _ = f.CodeNumber(v)
				}
				x = append(x, v)
			}
		}
	}
	return x
}

func loadGolden(t testing.TB, dir string, c goldenCase) Model {
	t.Helper()
	data := gunzip(t, filepath.Join(dir, c.Name+".model.gz"))
	format, err := Detect(data)
	if err != nil || format != goldenFormats[c.Format] {
		t.Fatalf("Detect = %q, %v, want %q", format, err, goldenFormats[c.Format])
	}
	m, err := Load(data, format, Options{InPlace: !c.DMatrix})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// checkGolden compares every margin and output of a set with the bits that Python answered.
func checkGolden(t *testing.T, dir string) {
	shared, rows, _ := loadRows(t, dir)
	for _, c := range loadCases(t, dir) {
		t.Run(c.Name, func(t *testing.T) {
			m := loadGolden(t, dir, c)
			if m.Margins() != c.Margins || m.Outputs() != c.Outputs {
				t.Fatalf("margins %d, outputs %d, want %d, %d", m.Margins(), m.Outputs(), c.Margins, c.Outputs)
			}
			x := shared
			switch {
			case c.Frame != nil:
				x, rows = encodeFrame(c.Frame, m.Features()), len(c.Frame)
			case c.DMatrix:
				x = slices.Clone(x)
				for i, v := range x {
					if infinite(v) {
						x[i] = math.NaN()
					}
				}
			}
			if rows != c.Rows {
				t.Fatalf("%d rows, want %d", rows, c.Rows)
			}
			want := gunzip(t, filepath.Join(dir, c.Name+".out.gz"))
			if len(want) != c.Width*rows*(c.Margins+c.Outputs) {
				t.Fatalf("golden of %d bytes", len(want))
			}
			s := m.NewScratch(rows)
			compare := func(what string, got []float64) {
				bad := 0
				for i, g := range got {
					var w float64
					if c.Width == 4 {
						w = float64(math.Float32frombits(binary.LittleEndian.Uint32(want)))
					} else {
						w = math.Float64frombits(binary.LittleEndian.Uint64(want))
					}
					want = want[c.Width:]
					if math.Float64bits(g) != math.Float64bits(w) && (g == g || w == w) {
						if bad++; bad <= 3 {
							row := i / (len(got) / rows)
							n := len(x) / rows
							t.Errorf("%s %d: %x, want %x; row %v", what, i, g, w, x[row*n:(row+1)*n])
						}
					}
				}
				if bad > 0 {
					t.Errorf("%s: %d of %d differ", what, bad, len(got))
				}
			}
			got := make([]float64, rows*m.Margins())
			m.Margin(got, x, rows, s)
			compare("margin", got)
			got = make([]float64, rows*m.Outputs())
			m.Predict(got, x, rows, s)
			compare("output", got)
		})
	}
}

// TestGolden checks the committed sets of old library versions.
func TestGolden(t *testing.T) {
	sets, err := filepath.Glob("testdata/*/cases.json")
	if err != nil || len(sets) == 0 {
		t.Fatal("no golden sets", err)
	}
	models := 0
	for _, path := range sets {
		dir := filepath.Dir(path)
		models += len(loadCases(t, dir))
		t.Run(filepath.Base(dir), func(t *testing.T) { checkGolden(t, dir) })
	}
	if models < 20 {
		t.Errorf("%d golden models, want at least 20", models)
	}
}

// TestLive trains and predicts with the libraries that the Python named by TRIMTAB_PYTHON_INFER has, and
// checks the fresh set. It is skipped without one, unless TRIMTAB_REQUIRE names python.
func TestLive(t *testing.T) {
	python := os.Getenv("TRIMTAB_PYTHON_INFER")
	if python == "" {
		if strings.Contains(os.Getenv("TRIMTAB_REQUIRE"), "python") {
			t.Fatal("TRIMTAB_REQUIRE names python, but TRIMTAB_PYTHON_INFER names no interpreter")
		}
		t.Skip("TRIMTAB_PYTHON_INFER is not set")
	}
	for _, family := range []Kind{XGBoost, LightGBM} {
		t.Run(string(family), func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(python, "../../internal/testkit/golden/infer/generate.py", "--family", string(family), "--out", dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Logf("%s %s", family, loadCases(t, dir)[0].Library)
			checkGolden(t, dir)
		})
	}
}
