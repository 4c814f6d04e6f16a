package retrain

import (
	"math"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/boost"
)

// Rows are the labelled rows of one mature window, as they were logged. All slices have one value per row; Held, Block
// and Features may be absent.
type Rows struct {
	Start, End trimtab.Time
	Time       []trimtab.Time
	Label      []float64 // binary: 0 or 1
	Score      []float64 // as it was served then: a probability, or the predicted value
	// Versions holds the score of each retained version on these rows, that which is served now among them.
	Versions map[trimtab.Version][]float64
	Features []boost.Feature
	// Held marks rows under a data fault: they witness nothing and teach nothing.
	Held []bool
	// Block names the rows that depend on each other: equal values, one block. Absent: rows of one UTC day are one.
	Block []uint64
}

// Len is the number of rows, held ones too.
func (r *Rows) Len() int { return len(r.Label) }

// Clean is the number of rows that are not held.
func (r *Rows) Clean() int {
	n := r.Len()
	for _, h := range r.Held {
		if h {
			n--
		}
	}
	return n
}

func (r *Rows) held(i int) bool { return r.Held != nil && r.Held[i] }

// buckets bounds the blocks that a declared block column makes. Values are spread over so many; a bucket of independent
// blocks is itself a block, so errors stay valid.
const buckets = 32

const day = trimtab.Time(24 * time.Hour / time.Millisecond)

// key names the block of row i.
func (r *Rows) key(i int) int64 {
	if r.Block != nil {
		h := r.Block[i] * 0x9E3779B97F4A7C15 // Fibonacci hashing spreads near values
		return int64(h >> 59)                // the upper five bits: 32 buckets
	}
	t := r.Time[i]
	d := int64(t / day)
	if t < 0 && t%day != 0 {
		d--
	}
	return d
}

// score returns the scores of a version, those that were served when the version is 0, nil when they are not there.
func (r *Rows) score(v trimtab.Version) []float64 {
	if v == 0 {
		return r.Score
	}
	return r.Versions[v]
}

// Check reports the first thing about the rows that cannot be used.
func (r *Rows) Check(task Task) error {
	n := len(r.Label)
	name := "window " + r.Start.String()
	wrong := func(what string, have int) error {
		return trimtab.Errorf(trimtab.Invalid, name, "%s: %s has %d values, the labels are %d: one per row is expected", name, what, have, n)
	}
	if r.End <= r.Start {
		return trimtab.Errorf(trimtab.Invalid, name, "%s: it ends at %s, which is not after its start", name, r.End)
	}
	switch {
	case len(r.Time) != n:
		return wrong("time", len(r.Time))
	case r.Score != nil && len(r.Score) != n:
		return wrong("the served score", len(r.Score))
	case r.Held != nil && len(r.Held) != n:
		return wrong("held", len(r.Held))
	case r.Block != nil && len(r.Block) != n:
		return wrong("the block column", len(r.Block))
	}
	for v, s := range r.Versions {
		if len(s) != n {
			return wrong("the score of version "+versionText(v), len(s))
		}
	}
	for _, f := range r.Features {
		if len(f.Values) != n {
			return wrong("column "+f.Name, len(f.Values))
		}
	}
	for i, y := range r.Label {
		if math.IsNaN(y) || math.IsInf(y, 0) || task == Binary && y != 0 && y != 1 {
			return trimtab.Errorf(trimtab.Invalid, name, "%s: row %d has the label %v: expected %s", name, i, y, task.labels())
		}
	}
	return nil
}
