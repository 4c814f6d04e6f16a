package evaluate

import (
	"fmt"
	"math"
	"strconv"
)

// short prints a number with four digits that tell.
func short(v float64) string {
	if v != 0 && math.Abs(v) < 1e-4 || math.Abs(v) >= 1e6 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	digits := 4
	if math.Abs(v) >= 100 {
		digits = 2
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	for len(text) > 1 && text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	if text[len(text)-1] == '.' {
		text = text[:len(text)-1]
	}
	return text
}

func signed(v float64) string {
	if v >= 0 {
		return "+" + short(v)
	}
	return short(v)
}

func direction(diff float64) string {
	switch {
	case diff > 0:
		return "better by " + short(diff)
	case diff < 0:
		return "worse by " + short(-diff)
	}
	return "equal"
}

func counted[N int64 | float64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%v %ss", n, noun)
}
