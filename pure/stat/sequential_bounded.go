package stat

import "math"

// bets are the stakes over which the bounded methods mix, as shares of the greatest that cannot ruin: from a 1,000th,
// for small effects in many rows, to nearly all. Each step is a factor of √2, so that the best stake is never far.
var bets = func() (v []float64) {
	for b := 0.95; b > 0.0009; b /= math.Sqrt2 {
		v = append(v, b)
	}
	return v
}()

// Bounded returns the confidence sequence of the mean of n values within [lo, hi] from their sum and sum of squares:
// an empirical Bernstein bound, exact at every n without any assumption but the range. It is the mixture over stakes of
// the sub-exponential process of Howard, Ramdas, McAuliffe and Sekhon (Annals of Statistics 49, 2021, theorem 4) with the
// predictions fixed at guess, which makes it a function of sums: the width follows the spread around guess, so a guess
// near the mean (that of an earlier window; 0 for a paired difference) is worth having, and must be made before the data
// are seen. The whole range without values; NaN for a range that is none, or a guess outside of it, or a variance below
// 0.
func (s Sequential) Bounded(n, sum, sum2, lo, hi, guess float64) Interval {
	alpha := s.alpha()
	width := hi - lo
	if !(width > 0) || math.IsInf(width, 1) || !(guess >= lo && guess <= hi) || alpha != alpha || !(n >= 0) || sum != sum || sum2 != sum2 || math.IsInf(n, 1) {
		return Interval{math.NaN(), math.NaN()}
	}
	if n == 0 {
		return Interval{lo, hi}
	}
	// In units of the range: the spread around the guess, and by how much the mean can be off.
	spread := (sum2 - 2*guess*sum + n*guess*guess) / (width * width)
	if spread < -1e-9*n {
		return Interval{math.NaN(), math.NaN()}
	}
	d := s.bernstein(max(spread, 0), math.Log(2/alpha)) * width / n
	mean := sum / n
	return Interval{max(mean-d, lo), min(mean+d, hi)}
}

// bernstein returns the deviation of a sum that the mixture of exp(b·s - v·(-log(1-b) - b)) refuses at the threshold.
func (s Sequential) bernstein(v, limit float64) float64 {
	evidence := func(x float64) float64 {
		return mixBets(func(b float64) float64 { return b*x - v*(-math.Log1p(-b)-b) })
	}
	hi := 1.0
	for evidence(hi) < limit {
		hi *= 2
	}
	lo := 0.0
	for range 100 {
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		if evidence(mid) < limit {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// mixBets returns the log of the mean over stakes of exp(f).
func mixBets(f func(b float64) float64) float64 {
	most := math.Inf(-1)
	var logs [64]float64
	for i, b := range bets {
		logs[i] = f(b)
		most = max(most, logs[i])
	}
	if math.IsInf(most, 0) || most != most {
		return most
	}
	var sum float64
	for i := range bets {
		sum += math.Exp(logs[i] - most)
	}
	return most + math.Log(sum/float64(len(bets)))
}

// Bet gathers evidence against "the mean of values within [lo, hi] is at most limit" by betting (Waudby-Smith and
// Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86, 2024): each stake's capital is multiplied
// with 1 + stake·(x - limit), and capital is the mean over a fixed set of stakes. No variance is assumed or estimated,
// and it is exact at every row. Order and grouping of rows do not matter beyond rounding: bets may be merged. To bet
// against "at least", negate values, range and limit.
type Bet struct {
	lo, hi, limit float64
	log           []Sum
	bad           bool
}

// NewBet returns a bet without rows. A range that is none, or a limit that is not inside of it, gives NaN evidence.
func NewBet(lo, hi, limit float64) *Bet {
	return &Bet{lo: lo, hi: hi, limit: limit, log: make([]Sum, len(bets)), bad: !(lo < limit && limit < hi) || math.IsInf(hi-lo, 1)}
}

// Add adds a value; one outside of the range, or NaN, makes the evidence NaN for good, as it is not what was promised.
func (b *Bet) Add(x float64) {
	if !(x >= b.lo && x <= b.hi) {
		b.bad = true
		return
	}
	u := (x - b.limit) / (b.limit - b.lo) // at least -1
	for i, stake := range bets {
		b.log[i].Add(math.Log1p(stake * u))
	}
}

// Merge adds the rows of a bet on the same range and limit; another one makes the evidence NaN.
func (b *Bet) Merge(o *Bet) {
	if o.bad || o.lo != b.lo || o.hi != b.hi || o.limit != b.limit {
		b.bad = true
		return
	}
	for i := range b.log {
		b.log[i].Merge(o.log[i])
	}
}

// Evidence returns the log of the capital that started as 1.
func (b *Bet) Evidence() float64 {
	if b.bad {
		return math.NaN()
	}
	i := -1
	return mixBets(func(float64) float64 { i++; return b.log[i].Value() })
}

// CDFBand returns the half width of a band around the empirical distribution function of n values that holds the true
// function everywhere and at all n >= start at once (Howard and Ramdas, "Sequential estimation of quantiles with
// applications to A/B testing and best-arm identification", Bernoulli 28, 2022, theorem 2 with A = 0.85). Two samples
// differ when their functions are apart by more than the sum of their bands at half the error each. +Inf for n below
// start; NaN for a start below 1.
func (s Sequential) CDFBand(n, start float64) float64 {
	alpha := s.alpha()
	if !(start >= 1) || n != n || alpha != alpha {
		return math.NaN()
	}
	if n < start {
		return math.Inf(1)
	}
	return bandFactor * math.Sqrt((math.Log1p(math.Log(n/start))+bandConstant(alpha))/n)
}

const bandFactor = 0.85

// bandConstant returns the least C whose error 4·exp(-γ²C)·(1 + 1/((γ²-1)·log η)), γ² = 2/η·(A - √(2(η-1)/C))², is at
// most alpha for some η in (1, 2A²).
func bandConstant(alpha float64) float64 {
	failure := func(c float64) float64 {
		best := math.Inf(1)
		const steps = 400
		for i := 1; i < steps; i++ {
			eta := 1 + (2*bandFactor*bandFactor-1)*float64(i)/steps
			rest := bandFactor - math.Sqrt(2*(eta-1)/c)
			g := 2 / eta * rest * rest
			if rest > 0 && g > 1 {
				best = min(best, 4*math.Exp(-g*c)*(1+1/((g-1)*math.Log(eta))))
			}
		}
		return best
	}
	lo, hi := 0.1, 1.0
	for failure(hi) > alpha {
		hi *= 2
	}
	for range 60 {
		if mid := (lo + hi) / 2; failure(mid) > alpha {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// CDFDifference returns the band that the two-sample comparison of CDFBand needs: distribution functions of na and nb
// values that are apart by more than it, anywhere, differ. Distances at fixed points, as borders of bins, are as good.
func (s Sequential) CDFDifference(na, nb, start float64) float64 {
	half := Sequential{Level: 1 - s.alpha()/2}
	return half.CDFBand(na, start) + half.CDFBand(nb, start)
}
