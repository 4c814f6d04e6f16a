package stat

import "math"

// Sequential makes intervals and evidence that may be looked at after every row: with probability Level the true value
// lies in all intervals that are ever computed while data come in, so looking often, and stopping when the answer
// pleases, costs nothing. In exchange they are wider than intervals for one look, at their best by a half.
//
// Evidence is the logarithm of an e-value: a number whose expectation is at most 1 under the null hypothesis, at every
// look and at every stopping time. The null is refused at error α once the evidence reaches Threshold(α), at any look
// (Ville's inequality); evidence of independent data for one null adds; exp(-evidence), cut to 1, is a p-value.
//
// The zero value is ready for use: level 0.95, and narrowest at about 100 observations.
type Sequential struct {
	Level float64 // 0 means DefaultLevel; one that is outside of (0, 1) gives NaN
	// Tune is the number of observations (rows, or blocks where blocks are observed) for which the interval is
	// narrowest; the choice is to be made before the data are seen, and being wrong by a factor of 4 costs about a
	// tenth of the width. 0 means 100.
	Tune float64
}

// Threshold returns the evidence that refuses a null hypothesis at error alpha: -log(alpha).
func Threshold(alpha float64) float64 { return -math.Log(alpha) }

func (s Sequential) alpha() float64 {
	if s.Level == 0 {
		return 1 - DefaultLevel
	}
	if !(s.Level > 0 && s.Level < 1) {
		return math.NaN()
	}
	return 1 - s.Level
}

// ratio returns how often the variance of the mixing distribution is that of the mean of n observations. With
// κ = -2·log α + log(1 - 2·log α) at n = Tune the interval is narrowest there (Waudby-Smith et al., to second order).
func (s Sequential) ratio(n float64) float64 {
	tune := s.Tune
	if tune == 0 {
		tune = 100
	}
	if !(tune > 0) {
		return math.NaN()
	}
	l := -2 * math.Log(s.alpha())
	return n / tune * (l + math.Log1p(l))
}

// Mean returns the confidence sequence of a mean from the number of observations, their mean and their variance (divided
// by n or n-1 alike): the asymptotic one of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas ("Time-uniform central limit
// theory and asymptotic confidence sequences", Annals of Statistics 52, 2024, theorem 2.2), for independent observations
// of any distribution with a variance, once there are some dozens, of skewed ones some hundreds. With a variance that is known to bound the
// observations in the sense of sub-Gaussian tails, ((hi-lo)/2)² for values within [lo, hi], it is Robbins' normal
// mixture and holds exactly at every n (Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 49, 2021, equation
// 14). The whole line for n below 1, NaN for a variance below 0.
func (s Sequential) Mean(n, mean, variance float64) Interval {
	return s.T(n, mean, math.Sqrt(variance/n), math.Inf(1))
}

// T returns the confidence sequence of a mean that is given with its standard error and the error's degrees of freedom,
// as BlockMean has them; n is the number of independent observations or blocks. For blocks with normal means of equal
// variance it is exact from the second block on (the t-test martingale of Lai, Annals of Statistics 4, 1976, with a
// normal mixture over the standardised effect: Wang and Ramdas, "Anytime-valid t-tests and confidence sequences for
// Gaussian means with unknown variance", arXiv 2310.03722); degrees of freedom of +Inf give Mean. The whole line while the data are
// too few for any bound, df <= 0 or an infinite se among them.
func (s Sequential) T(n, mean, se, df float64) Interval {
	r, alpha := s.ratio(n), s.alpha()
	switch {
	case mean != mean || se != se || r != r || df != df || alpha != alpha || se < 0:
		return Interval{math.NaN(), math.NaN()}
	case df <= 0 || n < 1 || math.IsInf(se, 1):
		return Interval{math.Inf(-1), math.Inf(1)}
	case se == 0:
		return Interval{mean, mean}
	}
	d := math.Inf(1)
	if math.IsInf(df, 1) {
		d = math.Sqrt((1 + r) / r * 2 * (math.Log1p(r)/2 - math.Log(alpha)))
	} else {
		// The evidence of (df+1)/2 · log((1+t²/df)/(1+t²/(df·(1+r)))) - log(1+r)/2 reaches the threshold where
		grow := math.Exp((math.Log1p(r)/2 - math.Log(alpha)) / ((df + 1) / 2))
		if grow < 1+r {
			d = math.Sqrt(df * (grow - 1) / (1 - grow/(1+r)))
		}
	}
	return Interval{mean - d*se, mean + d*se}
}

// Above returns the evidence against "the mean is at most 0" for a mean as T takes it, from a mixture over effects above
// 0 (the half-normal of Robbins, and its analogue for t). It is -Inf never and 0 where nothing can be said: no degrees
// of freedom, an infinite error, n below 1. To test another value, subtract it from the mean; to test in the other
// direction, negate the mean. A standard error of 0 gives +Inf for a mean above 0 if degrees of freedom are there.
func (s Sequential) Above(n, mean, se, df float64) float64 {
	r := s.ratio(n)
	switch {
	case mean != mean || se != se || r != r || df != df || se < 0:
		return math.NaN()
	case df <= 0 || n < 1 || math.IsInf(se, 1):
		return 0
	case se == 0:
		switch {
		case mean > 0:
			return math.Inf(1)
		case mean < 0:
			return math.Inf(-1)
		}
		return -math.Log1p(r) / 2
	}
	t := mean / se
	if math.IsInf(df, 1) {
		return math.Ln2 - math.Log1p(r)/2 + t*t/2*r/(1+r) + logNormalCDF(t*math.Sqrt(r/(1+r)))
	}
	e := math.Ln2 - math.Log1p(r)/2 + (df+1)/2*(math.Log1p(t*t/df)-math.Log1p(t*t/(df*(1+r))))
	// The share of the mixture that lies above 0 once the data are seen.
	u := t * math.Sqrt(r/(1+r)*(df+1)/(df+t*t/(1+r)))
	if u >= 0 {
		return e + math.Log1p(-tUpper(u, df+1))
	}
	return e + math.Log(tUpper(-u, df+1))
}

// logNormalCDF keeps its digits where the probability underflows (Abramowitz and Stegun, 7.1.23).
func logNormalCDF(x float64) float64 {
	if x > -37 {
		return math.Log(math.Erfc(-x/math.Sqrt2) / 2)
	}
	xx := x * x
	return -xx/2 - math.Log(-x*math.Sqrt(2*math.Pi)) + math.Log1p(-1/xx+3/(xx*xx)-15/(xx*xx*xx))
}

// Lower returns the greatest value that Above refuses as an upper limit of the mean: a lower confidence sequence, tighter
// than the lower end of T at the same level. -Inf while there is none.
func (s Sequential) Lower(n, mean, se, df float64) float64 {
	ci := s.T(n, mean, se, df)
	if !(se > 0) || math.IsNaN(ci.Lo) || df <= 0 || n < 1 || math.IsInf(se, 1) {
		return ci.Lo
	}
	limit := Threshold(s.alpha())
	// Evidence as a function of t = (mean-value)/se rises; the two-sided bound starts the search where it is finite.
	hi := 1.0
	for s.Above(n, hi, 1, df) < limit {
		if hi *= 2; hi > 1e12 {
			return math.Inf(-1)
		}
	}
	lo := 0.0
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		if s.Above(n, mid, 1, df) < limit {
			lo = mid
		} else {
			hi = mid
		}
	}
	return mean - hi*se
}

// Upper is Lower in the other direction.
func (s Sequential) Upper(n, mean, se, df float64) float64 { return -s.Lower(n, -mean, se, df) }

// Blocks returns T for correlated values by blocks: blocks that come in one after the other are the observations, their
// sizes may differ, and BlockMean has the error. Tune counts blocks.
func (s Sequential) Blocks(blocks []Block) (mean float64, ci Interval) {
	mean, se, df := BlockMean(blocks)
	return mean, s.T(df+1, mean, se, df)
}

// BlocksAbove returns Above for correlated values by blocks: the evidence against "the mean is at most 0".
func (s Sequential) BlocksAbove(blocks []Block) float64 {
	mean, se, df := BlockMean(blocks)
	return s.Above(df+1, mean, se, df)
}
