package boost_test

import (
	"fmt"

	"github.com/trimtab/trimtab/pure/boost"
)

// A probe asks whether a few trees on top of a served score would do better than the score: here they find that it is
// too high by night.
func ExampleTrain() {
	var hour, score, label []float64
	for i := range 2400 {
		h, day := i%24, i/24
		hour, score = append(hour, float64(h)), append(score, 0) // a log-odds of 0: one in two
		yes := 0.0
		if h >= 6 && day%2 == 0 || h < 6 && day%10 == 0 {
			yes = 1
		}
		label = append(label, yes)
	}
	probe, err := boost.Train(boost.Data{
		Features: []boost.Feature{{Name: "hour", Values: hour}},
		Label:    label,
		Init:     score,
	}, boost.Options{Trees: 40, Leaves: 2, Rate: 0.3})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := []boost.Feature{{Name: "hour", Values: []float64{3, 15}}}
	fmt.Printf("%.2f\n", probe.Predict(now, []float64{0, 0}, nil))
	// Output: [0.10 0.50]
}
