package stat

import "math"

// KolmogorovTail returns the probability that the largest distance between the distribution function of n values and
// that of the distribution they were drawn from exceeds d. It is exact where that is feasible and precise to about
// 1e-10 elsewhere, after Simard and L'Ecuyer (J. Statist. Software 39, 2011), whose choice of methods it follows.
func KolmogorovTail(n int64, d float64) float64 {
	t, x := float64(n)*d, float64(n)*d*d
	switch {
	case n < 1 || d != d:
		return math.NaN()
	case d >= 1:
		return 0
	case t <= 0.5:
		return 1
	case t <= 1: // Ruben and Gambino
		return 1 - math.Exp(logRootedFactorial(n)+float64(n)*math.Log(2*t-1))
	case t >= float64(n)-1:
		return 2 * math.Pow(1-d, float64(n))
	case d >= 0.5 || n <= 140 && x > 4 || n > 140 && x >= 2.2:
		return min(1, 2*smirnovTail(n, d)) // the two sides hardly ever meet
	case n <= 140 || n <= 100_000 && t*math.Sqrt(d) <= 1.4:
		return 1 - durbin(n, d)
	}
	return 1 - pelzGood(n, d)
}

// logRootedFactorial is log(n!/n^n).
func logRootedFactorial(n int64) float64 {
	x := float64(n)
	return stirlingError(x) + math.Log(2*math.Pi*x)/2 - x
}

// smirnovTail is the one-sided probability (Birnbaum and Tingey, Ann. Math. Statist. 22, 1951): a sum over binomial
// probabilities, each by Loader's saddle point, which keeps its digits for large n.
func smirnovTail(n int64, d float64) float64 {
	var sum Sum
	fn := float64(n)
	for j := int64(0); ; j++ {
		p := d + float64(j)/fn
		if p >= 1 {
			break
		}
		sum.Add(d / p * binomial(float64(j), fn, p, 1-d-float64(j)/fn))
	}
	return sum.Value()
}

// binomial is the probability of j successes in n trials of probability p = 1-q.
func binomial(j, n, p, q float64) float64 {
	switch {
	case j == 0:
		return math.Exp(n * math.Log1p(-p))
	case j == n:
		return math.Exp(n * math.Log(p))
	}
	l := stirlingError(n) - stirlingError(j) - stirlingError(n-j) - deviance(j, n*p) - deviance(n-j, n*q)
	return math.Exp(l) * math.Sqrt(n/(2*math.Pi*j*(n-j)))
}

// durbin is the distribution function by powers of Durbin's matrix (Marsaglia, Tsang and Wang, J. Statist. Software 8,
// 2003).
func durbin(n int64, d float64) float64 {
	t := float64(n) * d
	k := int(math.Ceil(t))
	h := float64(k) - t
	m := 2*k - 1
	a := make([][]float64, m)
	for i := range a {
		a[i] = make([]float64, m)
		for j := range a[i] {
			if i-j+1 >= 0 {
				a[i][j] = 1
			}
		}
	}
	for i := range a {
		p := math.Pow(h, float64(i+1))
		a[i][0] -= p
		a[m-1][m-1-i] -= p
	}
	// The corner loses both powers and regains what was taken twice.
	a[m-1][0] = 1 - 2*math.Pow(h, float64(m))
	if 2*h-1 > 0 {
		a[m-1][0] += math.Pow(2*h-1, float64(m))
	}
	for i := range a {
		for j := range a[i] {
			for g := 2; g <= i-j+1; g++ {
				a[i][j] /= float64(g)
			}
		}
	}
	p, exponent := power(a, n)
	v := p[k-1][k-1]
	for i := int64(1); i <= n; i++ {
		v *= float64(i) / float64(n)
		if v < 1e-140 {
			v *= 1e140
			exponent -= 140
		}
	}
	return v * math.Pow(10, float64(exponent))
}

// power raises a matrix, scaled by a power of ten.
func power(a [][]float64, n int64) (out [][]float64, exponent int) {
	m := len(a)
	out = make([][]float64, m)
	for i := range out {
		out[i] = make([]float64, m)
		out[i][i] = 1
	}
	scale := 0
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			out = product(out, a)
			exponent += scale
		}
		a = product(a, a)
		scale *= 2
		if a[m/2][m/2] > 1e140 {
			for i := range a {
				for j := range a[i] {
					a[i][j] *= 1e-140
				}
			}
			scale += 140
		}
	}
	return out, exponent
}

func product(a, b [][]float64) [][]float64 {
	m := len(a)
	c := make([][]float64, m)
	for i := range c {
		c[i] = make([]float64, m)
		for k, x := range a[i] {
			if x == 0 {
				continue
			}
			for j, y := range b[k] {
				c[i][j] += x * y
			}
		}
	}
	return c
}

// pelzGood is the distribution function by the expansion of Pelz and Good (J. R. Statist. Soc. B 38, 1976) in powers of
// 1/√n.
func pelzGood(n int64, d float64) float64 {
	z := d * math.Sqrt(float64(n))
	z2 := z * z
	z4 := z2 * z2
	z6 := z4 * z2
	p2 := math.Pi * math.Pi
	terms := int(math.Ceil(16*z/math.Pi)) + 2
	var k0, k1, k2, k3 Sum
	for k := range terms {
		c := float64(k) + 0.5
		c2 := c * c * p2 // (k+½)²π²
		e := math.Exp(-c2 / (2 * z2))
		k0.Add(e)
		k1.Add((c2 - z2) * e)
		k2.Add((6*z6 + 2*z4 + (2*z4-5*z2)*c2 + (1-2*z2)*c2*c2) * e)
		k3.Add((-30*z6 - 90*z6*z2 + (135*z4-96*z6)*c2 + (212*z4-60*z2)*c2*c2 + (5-30*z2)*c2*c2*c2) * e)
	}
	var l2, l3 Sum
	for k := 1; k <= terms; k++ {
		c2 := float64(k*k) * p2
		e := math.Exp(-c2 / (2 * z2))
		l2.Add(c2 * e)
		l3.Add((3*c2*z2 - c2*c2) * e)
	}
	root := math.Sqrt(2 * math.Pi)
	sn := math.Sqrt(float64(n))
	v := root / z * k0.Value()
	v += root / (6 * z4) * k1.Value() / sn
	v += (root/(72*z6*z)*k2.Value() - root/(36*z2*z)*l2.Value()) / (sn * sn)
	v += (root/(6480*z6*z4)*k3.Value() + root/(216*z6)*l3.Value()) / (sn * sn * sn)
	return v
}

// SmirnovTwoSample returns the two-sided p-value of the largest distance d between the distribution functions of n and
// m values without ties: exact when both are at most 10,000, as scipy has it, else that of KolmogorovTail for
// nm/(n+m) values. It also returns the distance as the multiple of 1/lcm(n, m) that it was rounded to when exact.
func SmirnovTwoSample(n, m int64, d float64) (p, exact float64) {
	if n < 1 || m < 1 || d != d {
		return math.NaN(), math.NaN()
	}
	if max(n, m) > 10_000 {
		a, b := float64(max(n, m)), float64(min(n, m))
		return max(0, min(1, KolmogorovTail(int64(math.RoundToEven(a*b/(a+b))), d))), d
	}
	g := gcd(n, m)
	lcm := n / g * m
	h := int64(math.RoundToEven(d * float64(lcm)))
	if h == 0 {
		return 1, 0
	}
	return outside(n/g, m/g, n, m, h), float64(h) / float64(lcm)
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// outside is the share of all paths of n steps right and m steps up that come to a distance of at least h from the
// diagonal. Cell (i, j) holds the share among the paths to (i, j); only sums of positive terms, so that a small share
// keeps its digits.
func outside(ng, mg, n, m, h int64) float64 {
	row := make([]float64, m+1) // row[j]: share for (i, j)
	for i := int64(0); i <= n; i++ {
		// Within the band |i·mg - j·ng| < h; beyond it the share is 1.
		lo := max(0, ceilDiv(i*mg-h+1, ng))
		hi := min(m, (i*mg+h-1)/ng)
		left := 1.0 // of (i, j-1)
		if lo > 0 {
			row[lo-1] = 1
		}
		for j := lo; j <= hi; j++ {
			below := row[j] // of (i-1, j)
			if i > 0 && (i-1)*mg-j*ng <= -h {
				below = 1
			}
			switch {
			case i == 0 && j == 0:
				left = 0
			case i == 0: // one path, which has been within so far
			case j == 0:
				left = below
			default:
				left = (float64(i)*below + float64(j)*left) / float64(i+j)
			}
			row[j] = left
		}
		if hi < m {
			row[hi+1] = 1
		}
	}
	return row[m]
}

func ceilDiv(a, b int64) int64 {
	if a <= 0 {
		return -(-a / b)
	}
	return (a + b - 1) / b
}
