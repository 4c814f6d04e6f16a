package infer_test

import (
	"fmt"
	"math"
	"os"

	"github.com/trimtab/trimtab/pure/infer"
)

func Example() {
	data, err := os.ReadFile("testdata/example.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	format, err := infer.Detect(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	model, err := infer.Load(data, format, infer.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	features := model.Features()
	code, known := features[1].Code("green")
	fmt.Println(model.Kind(), model.Objective(), features[0].Name, features[1].Name, code, known)

	rows := []float64{
		0.2, code,
		math.NaN(), code,
	}
	out := make([]float64, 2*model.Outputs())
	model.Predict(out, rows, 2, model.NewScratch(2))
	fmt.Println(out)
	// Output:
	// lightgbm binary size colour 1 true
	// [0.7310585786300049 0.8807970779778823]
}
