package infer

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// importanceCase is an entry of testdata/importance.json, which importance.py writes with the libraries themselves.
type importanceCase struct {
	Dir, Name, Format   string
	Splits, Gain, Cover []float64
}

func TestImportanceGoldens(t *testing.T) {
	b, err := os.ReadFile("testdata/importance.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []importanceCase
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	used := 0
	for _, c := range cases {
		t.Run(c.Dir+"/"+c.Name, func(t *testing.T) {
			data := gunzip(t, filepath.Join("testdata", c.Dir, c.Name+".model.gz"))
			all, known, err := Importances(data, goldenFormats[c.Format], Options{})
			if err != nil || !known {
				t.Fatalf("known %v, %v", known, err)
			}
			if len(all) != len(c.Splits) {
				t.Fatalf("%d features, the library has %d", len(all), len(c.Splits))
			}
			// XGBoost adds float32 values in float32, LightGBM float64 values in the same order.
			tolerance := 1e-12
			if c.Cover != nil {
				tolerance = 2e-6
			}
			near := func(got, want float64) bool { return math.Abs(got-want) <= tolerance*math.Abs(want) }
			for i, a := range all {
				if a.Feature != i || float64(a.Splits) != c.Splits[i] || !near(a.Gain, c.Gain[i]) || c.Cover != nil && !near(a.Cover, c.Cover[i]) {
					t.Errorf("feature %d: %+v, want %v splits, gain %v, cover %v", i, a, c.Splits[i], c.Gain[i], c.Cover)
				}
				used += int(a.Splits)
			}
		})
	}
	if len(cases) < 50 || used < 1000 {
		t.Errorf("%d cases with %d splits are too few to show anything", len(cases), used)
	}
}

func TestImportancesUnknown(t *testing.T) {
	data := gunzip(t, "testdata/lightgbm-3.3.5/binary.model.gz")
	text := string(data)
	var without []byte
	for line := range strings.Lines(text) {
		if len(line) < 11 || line[:11] != "split_gain=" {
			without = append(without, line...)
		}
	}
	all, known, err := Importances(without, FormatLightGBMText, Options{})
	if all != nil || known || err != nil {
		t.Errorf("%d importances, known %v, %v of a file without gains", len(all), known, err)
	}
	if _, _, err := Importances([]byte("tree\n"), FormatLightGBMText, Options{}); err == nil {
		t.Error("a torn file gave no error")
	}
}
