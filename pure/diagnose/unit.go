package diagnose

import (
	"math"
	"sync"
)

// change is a map from right values to values as they came: factor × value + offset.
type change struct {
	name           string
	factor, offset float64
}

func (u change) undo(y float64) float64 { return (y - u.offset) / u.factor }

// units are the usual confusions, each in the one direction; the other is made from it. Factors are exact by
// definition of the units (NIST SP 811, appendix B.8) or rounded to 9 digits.
var units = []struct {
	from, to       string
	factor, offset float64
}{
	{"mph", "km/h", 1.609344, 0},
	{"mph", "m/s", 0.44704, 0},
	{"mph", "knots", 0.868976242, 0},
	{"km/h", "m/s", 1 / 3.6, 0},
	{"km/h", "knots", 0.539956803, 0},
	{"m/s", "knots", 1.94384449, 0},
	{"°C", "°F", 1.8, 32},
	{"°C", "K", 1, 273.15},
	{"°F", "K", 1 / 1.8, 459.67 / 1.8},
	{"feet", "metres", 0.3048, 0},
	{"inches", "cm", 2.54, 0},
	{"inches", "mm", 25.4, 0},
	{"yards", "metres", 0.9144, 0},
	{"nautical miles", "km", 1.852, 0},
	{"nautical miles", "miles", 1.15077945, 0},
	{"feet", "inches", 12, 0},
	{"feet", "cm", 30.48, 0},
	{"pounds", "kg", 0.45359237, 0},
	{"ounces", "g", 28.349523125, 0},
	{"stone", "kg", 6.35029318, 0},
	{"inHg", "hPa", 33.8638867, 0},
	{"mmHg", "hPa", 1.33322387, 0},
	{"psi", "kPa", 6.89475729, 0},
	{"US gallons", "litres", 3.785411784, 0},
	{"acres", "hectares", 0.40468564224, 0},
	{"square feet", "square metres", 0.09290304, 0},
	{"square miles", "square km", 2.58998811, 0},
	{"kWh", "MJ", 3.6, 0},
	{"kcal", "kJ", 4.184, 0},
	{"horsepower", "kW", 0.745699872, 0},
	{"minutes", "seconds", 60, 0},
	{"hours", "seconds", 3600, 0},
	{"days", "hours", 24, 0},
	{"days", "minutes", 1440, 0},
	{"days", "seconds", 86400, 0},
	{"weeks", "days", 7, 0},
	{"degrees", "radians", math.Pi / 180, 0},
	{"tens", "ones", 10, 0},
	{"fraction", "percent", 100, 0},
	{"thousands", "ones", 1000, 0},
	{"ten thousands", "ones", 1e4, 0},
	{"hundred thousands", "ones", 1e5, 0},
	{"millions", "ones", 1e6, 0},
	{"billions", "ones", 1e9, 0},
}

// changes lists the table in both directions.
var changes = sync.OnceValue(func() []change {
	var list []change
	for _, u := range units {
		list = append(list,
			change{u.from + " -> " + u.to, u.factor, u.offset},
			change{u.to + " -> " + u.from, 1 / u.factor, -u.offset / u.factor})
	}
	return list
})
