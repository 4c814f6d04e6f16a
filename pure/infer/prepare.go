package infer

import "math"

// prepare32 derives the keys of a row under XGBoost's rules: round to float32, NaN is missing.
func prepare32(f *forest[int32], x []float64, keys []int32) {
	keys[0] = math.MinInt32
	for i := f.kindEnd[slotConstant]; i < f.kindEnd[slotLeft]; i++ {
		keys[i] = orMissing32(x[f.slots[i].feature], math.MinInt32)
	}
	for i := f.kindEnd[slotLeft]; i < f.kindEnd[slotRight]; i++ {
		keys[i] = orMissing32(x[f.slots[i].feature], math.MaxInt32)
	}
	sets := f.kindEnd[slotCategory-1]
	for i := range f.categorise {
		c := &f.categorise[i]
		v := float32(x[c.feature])
		place := c.other()
		switch {
		case v != v:
			place = c.missing()
		case v >= 0 && v < 1<<24:
			place = c.place(uint32(v))
		}
		keys[sets+i] = int32(place - categoryBias)
	}
}

func orMissing32(x float64, missing int32) int32 {
	v := float32(x)
	if v != v {
		return missing
	}
	return key32(v)
}

// zeroThreshold is LightGBM's kZeroThreshold: the float32 nearest to 1e-35, as a double.
const zeroThreshold = 0x1.a95a5cp-117

// prepare64 derives the keys of a row under LightGBM's rules: what is at most zeroThreshold from zero is
// zero; what NaN and zero mean depends on the node.
func prepare64(f *forest[int64], x []float64, keys []int64) {
	keys[0] = math.MinInt64
	for i := f.kindEnd[slotConstant]; i < f.kindEnd[slotLeft]; i++ {
		keys[i] = orMissing64(x[f.slots[i].feature], math.MinInt64)
	}
	for i := f.kindEnd[slotLeft]; i < f.kindEnd[slotRight]; i++ {
		keys[i] = orMissing64(x[f.slots[i].feature], math.MaxInt64)
	}
	for i := f.kindEnd[slotRight]; i < f.kindEnd[slotZero]; i++ {
		keys[i] = orMissing64(x[f.slots[i].feature], 0)
	}
	for i := f.kindEnd[slotZero]; i < f.kindEnd[slotZeroLeft]; i++ {
		keys[i] = orZero64(x[f.slots[i].feature], math.MinInt64)
	}
	for i := f.kindEnd[slotZeroLeft]; i < f.kindEnd[slotZeroRight]; i++ {
		keys[i] = orZero64(x[f.slots[i].feature], math.MaxInt64)
	}
	sets := f.kindEnd[slotCategory-1]
	for i := range f.categorise {
		c := &f.categorise[i]
		v := x[c.feature]
		place := c.other()
		switch {
		case v != v:
			place = c.missing()
		case v > -1 && v < 1<<31: // C truncates toward zero: -0.5 is code 0
			place = c.place(uint32(int64(v)))
		}
		keys[sets+i] = int64(place - categoryBias)
	}
}

func orMissing64(v float64, missing int64) int64 {
	if v != v {
		return missing
	}
	if math.Abs(v) <= zeroThreshold {
		return 0
	}
	return key64(v)
}

func orZero64(v float64, missing int64) int64 {
	if v != v || math.Abs(v) <= zeroThreshold {
		return missing
	}
	return key64(v)
}
