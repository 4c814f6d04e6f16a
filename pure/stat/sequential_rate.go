package stat

import "math"

// RatePrior is what is believed of a rate before the first trial: the parameters of a beta distribution. It must be
// chosen before the data are seen, from an earlier window for example; a wrong one costs power and never validity. The
// zero value means Jeffreys' (1/2, 1/2).
type RatePrior struct{ A, B float64 }

// PriorOf returns a prior from k of n trials seen earlier, taken as if they had been at most limit trials, as rates move
// from one period to the next.
func PriorOf(k, n, limit float64) RatePrior {
	f := 1.0
	if n > limit {
		f = limit / n
	}
	return RatePrior{0.5 + k*f, 0.5 + (n-k)*f}
}

func (p RatePrior) parameters() (a, b float64) {
	if p == (RatePrior{}) {
		return 0.5, 0.5
	}
	return p.A, p.B
}

func validRate(k, n float64, prior RatePrior) bool {
	a, b := prior.parameters()
	return k >= 0 && k <= n && !math.IsInf(n, 1) && a > 0 && b > 0 && !math.IsInf(a, 1) && !math.IsInf(b, 1)
}

// rateEvidence is the evidence against "the rate is p": the beta mixture over the likelihood at p (Robbins, Annals of
// Mathematical Statistics 41, 1970), which is the density of the prior at p over that of the posterior.
func rateEvidence(k, n float64, prior RatePrior, p float64) float64 {
	a, b := prior.parameters()
	switch {
	case p <= 0 && k > 0, p >= 1 && k < n:
		return math.Inf(1) // impossible under the null
	case p <= 0:
		return logBetaRatio(a, b+n, a, b)
	case p >= 1:
		return logBetaRatio(a+n, b, a, b)
	}
	// The common factors 1/p and 1/(1-p) of the densities cancel.
	return logBetaKernel(p, 1-p, a, b) - logBetaKernel(p, 1-p, a+k, b+n-k)
}

// logBetaRatio returns log(B(a, b)/B(c, d)).
func logBetaRatio(a, b, c, d float64) float64 {
	// log B(a,b) = log(x^a·y^b) - kernel, at x = a/(a+b) where the kernel is simple.
	at := func(a, b float64) float64 {
		x, y := a/(a+b), b/(a+b)
		return a*math.Log(x) + b*math.Log(y) - logBetaKernel(x, y, a, b)
	}
	return at(a, b) - at(c, d)
}

// Rate returns the confidence sequence of a rate with k successes in n trials: all rates that the beta-binomial mixture
// does not refuse. It is exact at every n, for rates near 0 and 1 too. Tune is not used; the prior takes its place.
// [0, 1] without trials; NaN for k outside of [0, n] or parameters of the prior that are not above 0.
func (s Sequential) Rate(k, n float64, prior RatePrior) Interval {
	limit := Threshold(s.alpha())
	if !validRate(k, n, prior) || limit != limit {
		return Interval{math.NaN(), math.NaN()}
	}
	if n == 0 {
		return Interval{0, 1}
	}
	// The evidence is convex in the rate and lowest at k/n.
	top := k / n
	inside := func(p float64) bool { return rateEvidence(k, n, prior, p) < limit }
	ci := Interval{0, 1}
	if k > 0 {
		ci.Lo = border(0, top, inside)
	}
	if k < n {
		ci.Hi = border(1, top, inside)
	}
	return ci
}

// border returns the last point from out to in where inside is false; in itself is inside, and so may out be.
func border(out, in float64, inside func(float64) bool) float64 {
	if inside(out) {
		return out
	}
	for range 200 {
		mid := out + (in-out)/2
		if mid == out || mid == in {
			break
		}
		if inside(mid) {
			in = mid
		} else {
			out = mid
		}
	}
	return out
}

// RateAbove returns the evidence against "the rate is at most limit" after k successes in n trials, the prior cut to the
// rates above the limit. RateAbove(n-k, n, 1-limit, …) is the evidence against "at least limit". 0 without trials; NaN
// as Rate, and for a limit outside of (0, 1).
func RateAbove(k, n, limit float64, prior RatePrior) float64 {
	if !validRate(k, n, prior) || !(limit > 0 && limit < 1) {
		return math.NaN()
	}
	if n == 0 {
		return 0
	}
	a, b := prior.parameters()
	_, before := betaTails(limit, 1-limit, a, b)
	_, after := betaTails(limit, 1-limit, a+k, b+n-k)
	if before == 0 {
		return 0 // a prior with nothing above the limit never speaks for it
	}
	if after < 1e-290 {
		// So far below the limit the posterior's tail is its density over the slope of the log of that.
		slope := (b+n-k-1)/(1-limit) - (a+k-1)/limit
		return logBetaDensity(limit, a, b) - math.Log(slope) - math.Log(before)
	}
	return rateEvidence(k, n, prior, limit) + math.Log(after) - math.Log(before)
}

// Arm counts trials of one side of a comparison: K successes (errors, for example) in N, and the prior of its rate.
type Arm struct {
	K, N  float64
	Prior RatePrior
}

// RateDifference returns the confidence sequence of the rate of b minus the rate of a: all differences of pairs of rates
// that the product of the two beta-binomial mixtures does not refuse. It is exact at every look whatever share of the
// trials goes to either side, also when the share changes on the way (the projection of a joint sequence: Turner and
// Grünwald, "Exact anytime-valid confidence intervals for contingency tables and beyond", Statistics & Probability
// Letters 198, 2023). Priors from an earlier window make it narrower: with them a canary of a tenth of the trials is told
// from the other side in a third to a half of the trials. Both rates are taken as constant; where they move together from
// period to period, count each period by itself and add the evidence of RateDifferenceAbove. [-1, 1] without trials on a
// side; NaN as Rate.
func (s Sequential) RateDifference(a, b Arm) Interval {
	limit := Threshold(s.alpha())
	if !validRate(a.K, a.N, a.Prior) || !validRate(b.K, b.N, b.Prior) || limit != limit {
		return Interval{math.NaN(), math.NaN()}
	}
	if a.N == 0 || b.N == 0 {
		return Interval{-1, 1}
	}
	d := b.K/b.N - a.K/a.N
	inside := func(d float64) bool { return differenceEvidence(a, b, d) < limit }
	return Interval{border(-1, d, inside), border(1, d, inside)}
}

// RateDifferenceAbove returns the evidence against "the rate of b exceeds that of a by at most margin": at Threshold(α)
// the canary is worse, for K errors. Swapping the sides and the sign of the margin gives the evidence against "by at
// least margin": at Threshold(α) it is not inferior. Not above 0 while the observed difference is within the null.
func RateDifferenceAbove(a, b Arm, margin float64) float64 {
	switch {
	case !validRate(a.K, a.N, a.Prior) || !validRate(b.K, b.N, b.Prior) || !(margin >= -1 && margin <= 1):
		return math.NaN()
	case a.N == 0 || b.N == 0:
		return 0
	}
	d := b.K/b.N - a.K/a.N
	if d <= margin {
		return min(0, differenceEvidence(a, b, d))
	}
	return differenceEvidence(a, b, margin)
}

// differenceEvidence returns the least evidence against a pair of rates with the difference d. It is convex in d.
func differenceEvidence(a, b Arm, d float64) float64 {
	lo, hi := max(0, -d), min(1, 1-d) // of the rate of a
	f := func(p float64) float64 {
		return rateEvidence(a.K, a.N, a.Prior, p) + rateEvidence(b.K, b.N, b.Prior, p+d)
	}
	if lo >= hi {
		return f((lo + hi) / 2)
	}
	// Both terms are -k·log p - (n-k)·log(1-p) and a constant: the slope rises, its zero is bracketed.
	slope := func(p float64) float64 {
		q := min(max(p+d, 0), 1)
		return share(a.N-a.K, 1-p) - share(a.K, p) + share(b.N-b.K, 1-q) - share(b.K, q)
	}
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		if slope(mid) < 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return min(f(lo), f(hi))
}

// share returns k/p, with 0/0 as 0.
func share(k, p float64) float64 {
	if k == 0 {
		return 0
	}
	return k / p
}

// SampleRatio returns the evidence against "trials fall to the sides with these shares" from the counts of each side:
// the Dirichlet-multinomial mixture of Lindon and Malek ("Anytime-valid inference for multinomial count data", NeurIPS
// 2022), the prior centred on the shares with the given concentration (0 means 10,000, which finds deviations of a
// percent). When the shares change, as in the steps of a rollout, count each step by itself and add the evidence. 0
// without trials; NaN for negative counts, or shares that are not positive; shares are scaled to sum to 1.
func SampleRatio(counts, shares []float64, concentration float64) float64 {
	mustMatch(len(counts), len(shares))
	if concentration == 0 {
		concentration = 10_000
	}
	var n, whole Sum
	for i := range counts {
		if !(counts[i] >= 0) || !(shares[i] > 0) {
			return math.NaN()
		}
		n.Add(counts[i])
		whole.Add(shares[i])
	}
	if !(concentration > 0) || math.IsInf(n.Value()+whole.Value(), 1) {
		return math.NaN()
	}
	// The counts one side after the other, each a beta-binomial within those that remain: the same number, and built
	// from the terms that keep their digits.
	var e Sum
	rest, total := n.Value(), 0.0
	for i := 0; i+1 < len(counts) && rest > 0; i++ {
		p := shares[i] / whole.Value()
		total += p
		next := max(1-total, 0)
		k := min(counts[i], rest)
		q := p / (p + next)
		e.Add(rateEvidence(k, rest, RatePrior{concentration * p, concentration * next}, q))
		rest -= k
	}
	return e.Value()
}

// SameShares returns the evidence against "rows of both sides fall into the bins alike" from the counts of a and b in
// fixed bins, as of a score's histogram, when chance sends the given share of rows to b whatever they look like: within
// each bin the side is then a coin of that share, and the evidence of the bins' beta-binomial mixtures adds (Robbins, as
// in Rate; Lindon, Sanden and Shirikian use the idea for counts in "Rapid regression detection in software deployments
// through sequential testing", KDD 2022). It is exact at every look and costs about half the log of the count per bin, so
// a dozen bins are enough; they must have been fixed before. concentration is that of the prior around the share, 0 for
// a deviation of a quarter of the smaller side's share. Check SampleRatio beside it, as a wrong share speaks against
// alikeness too; when the share changes, count each step by itself and add. 0 without rows; NaN for negative counts or a
// share outside of (0, 1).
func SameShares(a, b []float64, share, concentration float64) float64 {
	mustMatch(len(a), len(b))
	if !(share > 0 && share < 1) || !(concentration >= 0) {
		return math.NaN()
	}
	if concentration == 0 {
		small := min(share, 1-share)
		concentration = 16 * (1 - small) / small
	}
	prior := RatePrior{concentration * share, concentration * (1 - share)}
	var e Sum
	for i := range a {
		switch {
		case !(a[i] >= 0) || !validRate(b[i], a[i]+b[i], prior):
			return math.NaN()
		case a[i]+b[i] > 0:
			e.Add(rateEvidence(b[i], a[i]+b[i], prior, share))
		}
	}
	return e.Value()
}
