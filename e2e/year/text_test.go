package year

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/client"
)

// in is everything of the endpoint.
var in = client.Find{Endpoint: "flights", Limit: all}

// number shows four digits, and no sign where nothing but noise is left.
func number(x float64) string {
	if math.Abs(x) < 1e-9 {
		return "0"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

func signed(x float64) string {
	if s := number(x); s != "0" && s[0] != '-' {
		return "+" + s
	} else {
		return s
	}
}

func hour(t trimtab.Time, absent string) string {
	if t == 0 {
		return absent
	}
	return t.Go().Format("2006-01-02 15:04")
}

func day(t trimtab.Time) string { return t.Go().Format("2006-01-02") }

func join(versions []trimtab.Version) string {
	var out []string
	for _, v := range versions {
		out = append(out, strconv.FormatInt(int64(v), 10))
	}
	return strings.Join(out, "+")
}

func sorted(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }
