package profile

import (
	"math"
	"slices"
)

// sortFloats sorts values without NaN. Long ones go by the bits of the numbers, 11 at a time: several times as fast as
// comparing.
func sortFloats(v []float64) {
	const short = 1 << 12
	if len(v) < short {
		slices.Sort(v)
		return
	}
	const bits, passes = 11, 6
	keys := make([]uint64, len(v))
	var histogram [passes][1 << bits]uint32
	for i, x := range v {
		k := orderKey(x)
		keys[i] = k
		for p := range passes {
			histogram[p][k>>(p*bits)&(1<<bits-1)]++
		}
	}
	other := make([]uint64, len(v))
	for p := range passes {
		h := &histogram[p]
		if h[keys[0]>>(p*bits)&(1<<bits-1)] == uint32(len(v)) {
			continue // all alike
		}
		at := uint32(0)
		for i, n := range h {
			h[i] = at
			at += n
		}
		for _, k := range keys {
			d := k >> (p * bits) & (1<<bits - 1)
			other[h[d]] = k
			h[d]++
		}
		keys, other = other, keys
	}
	for i, k := range keys {
		v[i] = fromOrderKey(k)
	}
}

// orderKey maps numbers to integers of the same order.
func orderKey(x float64) uint64 {
	b := math.Float64bits(x)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

func fromOrderKey(k uint64) float64 {
	if k>>63 != 0 {
		return math.Float64frombits(k &^ (1 << 63))
	}
	return math.Float64frombits(^k)
}
