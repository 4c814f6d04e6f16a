package serve

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// standing says which versions answer an endpoint. It is decided from records alone.
type standing struct {
	stable trimtab.Version // answers; 0: nothing does
	// next answers the share that the rollout gives it, or is scored in its shadow; 0: none.
	next trimtab.Version
	// spare is kept loaded behind a version that has been promoted, while it may still be rolled back; 0: none.
	spare   trimtab.Version
	share   float64
	stage   trimtab.RolloutState // of the rollout below; "" without one
	rollout string               // the newest one that has been taken into account
	salt    string
	key     string
}

// open reports whether a rollout is under way.
func (s *standing) open() bool { return s.stage != "" && !s.stage.Ended() }

// shadows reports whether the next version is scored beside each answer.
func (s *standing) shadows() bool {
	return s.next != 0 && s.share == 0 && (s.stage == trimtab.RolloutShadow || s.stage == trimtab.RolloutHeld)
}

// known is what is known when it is decided which versions answer.
type known struct {
	declared bool              // the endpoint declares a rollout
	alias    trimtab.Version   // that the alias points to, 0 for none
	rollouts []trimtab.Rollout // of the endpoint and its model, in any order
	serving  trimtab.Version   // what answers now, or did before the process began; 0 for none
	rollout  string            // the rollout that was last taken into account …
	ended    bool              // … and whether it had ended then
	aborted  string            // the rollout that was stopped in this process
}

// stand decides which versions answer. An open rollout decides alone. Without one
// the alias does, at once, unless rollouts are declared: then a version that the
// alias names answers only when none did, and what the last rollout has ended with
// answers once it has ended.
func (k known) stand() standing {
	r := newest(k.rollouts)
	if r != nil && !r.State.Ended() && (r.From != 0 || r.To != 0) {
		return opened(r, k.aborted == r.ID)
	}
	s := standing{stable: k.alias}
	if r != nil {
		s.rollout, s.stage = r.ID, r.State
	}
	if !k.declared || k.alias == 0 {
		return s
	}
	if r != nil && !(k.rollout == r.ID && k.ended) {
		if v := r.Answers(); v != 0 {
			s.stable = v
			return s
		}
	}
	if k.serving != 0 {
		s.stable = k.serving
	}
	return s
}

func opened(r *trimtab.Rollout, aborted bool) standing {
	s := standing{rollout: r.ID, stage: r.State, salt: r.Salt, stable: r.Answers()}
	if r.Spec.Canary != nil {
		s.key = r.Spec.Canary.Key
	}
	switch {
	case r.From == 0:
		s.stable = r.To
	case aborted || r.State == trimtab.RolloutRolling:
		s.stable = r.From
	case s.stable == r.To:
		s.spare = r.From
	default:
		s.next, s.share = r.To, r.Share
	}
	return s
}

// newest is the rollout that was begun last: the one with the greatest ordinal.
func newest(all []trimtab.Rollout) *trimtab.Rollout {
	var out *trimtab.Rollout
	best := 0
	for i := range all {
		id := all[i].ID
		n, err := strconv.Atoi(id[strings.LastIndexByte(id, '.')+1:])
		if err == nil && (out == nil || n > best) {
			out, best = &all[i], n
		}
	}
	return out
}

// Buckets is the number of parts in which units are spread.
const Buckets = 10_000

// Bucket is the part, from 0, that a unit falls into. The next version answers the
// first parts, so that a unit that it answers is one that it answers at every
// larger share. Another salt spreads units anew.
func Bucket(salt, unit string) int {
	b := make([]byte, 0, 96)
	b = append(append(append(b, salt...), ':'), unit...)
	return int(murmur3(b) % Buckets)
}

// parts is the number of buckets that make a share.
func parts(share float64) int {
	return int(math.Round(min(max(share, 0), 1) * Buckets))
}

// murmur3 is MurmurHash3_x86_32 with seed 0, by Austin Appleby (public domain).
func murmur3(b []byte) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	h, n := uint32(0), uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		h ^= bits.RotateLeft32(k*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	k := uint32(0)
	for i := len(b) - 1; i >= 0; i-- {
		k = k<<8 | uint32(b[i])
	}
	h ^= bits.RotateLeft32(k*c1, 15) * c2
	h ^= n
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}
