package boost

import (
	"math"
	"testing"
)

func TestMath(t *testing.T) {
	for x := -700.0; x <= 700; x += 0.37 {
		if got, want := exp(x), math.Exp(x); math.Abs(got/want-1) > 1e-15 {
			t.Errorf("exp(%v) = %v, want %v", x, got, want)
		}
		if got, want := log(math.Exp(x)), x; math.Abs(got-want) > 2e-15*max(1, math.Abs(x)) {
			t.Errorf("log(exp(%v)) = %v", x, got)
		}
		if p, q := sigmoid(x), sigmoid(-x); !(p >= 0 && p <= 1) || math.Abs(p+q-1) > 1e-15 {
			t.Errorf("sigmoid(±%v) = %v and %v", x, p, q)
		}
	}
	for x := 0.001; x < 3; x *= 1.01 {
		if got, want := log(x), math.Log(x); math.Abs(got-want) > 1e-15 {
			t.Errorf("log(%v) = %v, want %v", x, got, want)
		}
	}
	if exp(0) != 1 || log(1) != 0 || sigmoid(0) != 0.5 {
		t.Error("exp(0), log(1), sigmoid(0):", exp(0), log(1), sigmoid(0))
	}
	for _, x := range []float64{math.Inf(1), 1e300, 701} {
		if p, q := sigmoid(x), sigmoid(-x); p != 1 || !(q > 0 && q < 1e-300) {
			t.Errorf("sigmoid(±%v) = %v and %v", x, p, q)
		}
	}
}

// TestDraw pins the numbers that draws are made of, as fits of old seeds must come out again. The numbers
// were computed with Python's integers.
func TestDraw(t *testing.T) {
	for _, c := range [][4]uint64{{1, 0, 0, 0x5e41ab087439611e}, {1, 2, 3, 0xee3bb459e9e297b}, {0, 0, 0, 0xa706dd2f4d197e6f}} {
		if got := draw(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("draw(%d, %d, %d) = %#x, want %#x", c[0], c[1], c[2], got, c[3])
		}
	}
}
