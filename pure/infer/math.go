package infer

import "math"

// The functions in this file reproduce glibc's exp, expf and logf to the last bit. The algorithms are
// those of the ARM optimized routines that glibc has used since 2.28: a table lookup for the high bits and
// a short polynomial for the rest. The tables are computed (see math_test.go); the polynomials and the
// sixteen reciprocals of logf are minimax coefficients, facts of those functions that no formula gives.
// Products are wrapped in conversions or written as explicit FMA, so that no compiler decides which.

const (
	expBits = 7 // exp has 1<<expBits table entries; expf uses every fourth of them
	expN    = 1 << expBits

	roundShift = 0x1.8p52 // adding it rounds a double to an integer in its low mantissa bits

	expInvLn2   = 0x1.71547652b82fep0 * expN
	expNegLn2Hi = -0x1.62e42fefa0000p-8
	expNegLn2Lo = -0x1.cf79abc9e3b3ap-47
	expC2       = 0x1.ffffffffffdbdp-2
	expC3       = 0x1.555555555543cp-3
	expC4       = 0x1.55555cf172b91p-5
	expC5       = 0x1.1111167a4d017p-7
)

// exp is glibc's double exp as compiled with fused multiply-add.
func exp(x float64) float64 {
	top := uint32(math.Float64bits(x)>>52) & 0x7ff
	far := false
	if top-0x3c9 >= 0x408-0x3c9 { // |x| below 2^-54, or 512 and more, or not a number
		if top-0x3c9 >= 0x80000000 {
			return 1 + x
		}
		if top >= 0x409 { // 1024 and more
			switch {
			case math.IsInf(x, -1):
				return 0
			case top == 0x7ff:
				return 1 + x
			case x < 0:
				return 0
			}
			return math.Inf(1)
		}
		far = true
	}
	kd := math.FMA(expInvLn2, x, roundShift)
	ki := math.Float64bits(kd)
	kd -= roundShift
	r := math.FMA(kd, expNegLn2Lo, math.FMA(kd, expNegLn2Hi, x))
	e := &expTable[ki%expN]
	bits := e.bits + ki<<(52-expBits)
	r2 := float64(r * r)
	poly := math.FMA(r2, math.FMA(r, expC3, expC2), e.tail+r)
	poly = math.FMA(float64(r2*r2), math.FMA(r, expC5, expC4), poly)
	if far {
		return expFar(poly, bits, ki)
	}
	scale := math.Float64frombits(bits)
	return math.FMA(scale, poly, scale)
}

// expFar finishes exp where the scale itself may overflow or the result is subnormal.
func expFar(poly float64, bits, ki uint64) float64 {
	if ki&0x80000000 == 0 {
		scale := math.Float64frombits(bits - 1009<<52)
		return float64(0x1p1009 * math.FMA(scale, poly, scale))
	}
	// The product is used twice here, across a branch, and glibc's build does not fuse it into either sum.
	scale := math.Float64frombits(bits + 1022<<52)
	product := float64(scale * poly)
	y := scale + product
	if y < 1 {
		// Rounds to the precision of the subnormal result before scaling, so that it is rounded once.
		low := scale - y + product
		high := 1 + y
		low = 1 - high + y + low
		y = (high + low) - 1
		if y == 0 {
			y = 0 // never -0
		}
	}
	return float64(0x1p-1022 * y)
}

const (
	expfN      = 32
	expfInvLn2 = 0x1.71547652b82fep0 * expfN
	expfC0     = 0x1.c6af84b912394p-5 / expfN / expfN / expfN
	expfC1     = 0x1.ebfce50fac4f3p-3 / expfN / expfN
	expfC2     = 0x1.62e42ff0c52d6p-1 / expfN
)

// expf is glibc's float exp.
func expf(x float32) float32 {
	top := math.Float32bits(x) >> 20 & 0x7ff
	if top >= 0x42b { // |x| is 88 and more, or not a number
		switch {
		case math.IsInf(float64(x), -1):
			return 0
		case top >= 0x7f8:
			return x + x
		case x > 0x1.62e42ep6:
			return float32(math.Inf(1))
		case x < -0x1.9fe368p6:
			return 0
		}
	}
	z := float64(expfInvLn2 * float64(x))
	kd := z + roundShift
	ki := math.Float64bits(kd)
	kd -= roundShift
	r := z - kd
	s := math.Float64frombits(expTable[ki%expfN*(expN/expfN)].bits + ki<<47)
	p := float64(expfC0*r) + expfC1
	r2 := float64(r * r)
	y := float64(expfC2*r) + 1
	y = float64(p*r2) + y
	return float32(float64(y * s))
}

const (
	logfOffset = 0x3f330000
	logfA0     = -0x1.00ea348b88334p-2
	logfA1     = 0x1.5575b0be00b6ap-2
	logfA2     = -0x1.ffffef20a4123p-2
)

// logfInverse holds about 1/c for a c near the middle of each sixteenth of the mantissa's range.
var logfInverse = [16]float64{
	0x1.661ec79f8f3bep+0, 0x1.571ed4aaf883dp+0, 0x1.49539f0f010b0p+0, 0x1.3c995b0b80385p+0,
	0x1.30d190c8864a5p+0, 0x1.25e227b0b8ea0p+0, 0x1.1bb4a4a1a343fp+0, 0x1.12358f08ae5bap+0,
	0x1.0953f419900a7p+0, 0x1.0000000000000p+0, 0x1.e608cfd9a47acp-1, 0x1.ca4b31f026aa0p-1,
	0x1.b2036576afce6p-1, 0x1.9c2d163a1aa2dp-1, 0x1.886e6037841edp-1, 0x1.767dcf5534862p-1,
}

// logf is glibc's float log. The order of the subtraction keeps the logarithm of 1 a positive zero.
func logf(x float32) float32 {
	ix := math.Float32bits(x)
	if ix == 0x3f800000 {
		return 0
	}
	if ix-0x00800000 >= 0x7f800000-0x00800000 { // zero, subnormal, negative, infinite or not a number
		switch {
		case x == 0:
			return float32(math.Inf(-1))
		case ix == 0x7f800000:
			return x
		case ix>>31 == 1 || x != x:
			return float32(math.NaN())
		}
		ix = math.Float32bits(float32(x*0x1p23)) - 23<<23
	}
	t := ix - logfOffset
	i := t >> 19 % 16
	k := int32(t) >> 23
	z := float64(math.Float32frombits(ix - t&0xff800000))
	r := math.FMA(z, logfInverse[i], -1)
	y0 := math.FMA(float64(k), math.Ln2, logfTable[i])
	r2 := float64(r * r)
	y := math.FMA(logfA1, r, logfA2)
	y = math.FMA(logfA0, r2, y)
	return float32(math.FMA(y, r2, y0+r))
}
