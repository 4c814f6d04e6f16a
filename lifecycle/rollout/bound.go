package rollout

import (
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

const (
	// someDays is from how many days on the spread between days is looked at, manyDays
	// from how many on it is trusted as it is.
	someDays, manyDays = 5, 10
	// leastBlocks is how many blocks there must be before anything is bounded.
	leastBlocks = 4
	tune        = 24 // blocks for which the bounds are narrowest: the hours of a day
)

// widened is by how much the error by hours is widened before manyDays, by the number of
// days: rows of one day are alike in ways that the hours of that day cannot show.
var widened = [manyDays]float64{3, 3, 3, 2.5, 2.5, 2, 2, 2, 2, 2}

const day = trimtab.Time(24 * 3600 * 1000)

// bounds returns the mean of the parts, its standard error and its confidence sequence at
// error alpha; ok is false while the blocks are too few to say anything.
//
// The error of the mean is the greater one of two: by short blocks, and by days. Until
// ten days are in, the former is widened, and the latter counts from the fifth day on,
// widened as the error of so few is uncertain.
func bounds(parts []Part, begun trimtab.Time, alpha float64) (mean, se float64, ci stat.Interval, ok bool) {
	fine := make([]stat.Block, len(parts))
	var days []stat.Block
	last := trimtab.Time(-1)
	for i, p := range parts {
		fine[i] = p.Block
		if d := (p.At - begun) / day; d != last || len(days) == 0 {
			days, last = append(days, stat.Block{}), d
		}
		days[len(days)-1].Merge(p.Block)
	}
	var df float64
	mean, se, df = stat.BlockMean(fine)
	if !finite(mean) || !finite(se) || len(fine) < leastBlocks {
		return mean, se, stat.Interval{Lo: math.Inf(-1), Hi: math.Inf(1)}, false
	}
	if n := len(days); n < manyDays {
		se *= widened[n]
	}
	if n := len(days); n >= someDays {
		_, wide, dayDF := stat.BlockMean(days)
		if n < manyDays {
			wide *= stat.TQuantile(1-alpha/2, dayDF) / stat.Z(1-alpha)
		}
		if finite(wide) && wide > se {
			if se = wide; n >= manyDays {
				df = dayDF
			}
		}
	}
	ci = stat.Sequential{Level: 1 - alpha, Tune: tune}.T(df+1, mean, se, df)
	return mean, se, ci, finite(ci.Lo) && finite(ci.Hi)
}
