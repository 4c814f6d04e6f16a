package retrain

import (
	"os"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestReport is the transcript of a simulated year: the concept turns in window 12.
func TestReport(t *testing.T) {
	o := newWorld(11, 1000)
	o.turn = func(w int) float64 {
		if w >= 12 {
			return 1
		}
		return 0
	}
	stream := Stream{Task: Binary, Windows: o.windows(20), First: 6}
	var spec trimtab.RetrainPolicySpec
	out, err := Simulate(stream, BoostTrainer{Task: Binary, Trees: 60}, spec)
	if err != nil {
		t.Fatal(err)
	}
	got := Report(stream, out, spec)
	const path = "testdata/report/year.txt"
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s differs (-rewrite writes it anew), %v:\n%s", path, err, got)
	}
}
