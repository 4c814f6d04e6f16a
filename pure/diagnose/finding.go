package diagnose

import (
	"cmp"
	"slices"
	"strings"
)

// The kinds of fault.
const (
	Missing   = "missing"   // values are absent
	Unit      = "unit"      // one affine map with a factor from the table of units, or a power of ten
	Scale     = "scale"     // one factor that is in no table
	Sign      = "sign"      // the sign is turned
	Shift     = "shift"     // a constant is added
	Swapped   = "swapped"   // two columns have changed places
	Frozen    = "frozen"    // one value, stuck
	Sentinel  = "sentinel"  // a stand-in value such as -999
	Clipped   = "clipped"   // cut off at a bound
	Truncated = "truncated" // rounded or cut to a coarser grain
	Shuffled  = "shuffled"  // values belong to other rows
	Recoded   = "recoded"   // categories are written otherwise, or codes have changed places
	Duplicate = "duplicate" // rows come twice
	Volume    = "volume"    // rows stopped coming, or come much rarer
	Schema    = "schema"    // a column is absent or has another type
	Changed   = "changed"   // implausible, but nothing known explains it
)

// Finding is one fault in a span of the current rows.
type Finding struct {
	Columns []string // empty when it is about rows
	Kind    string

	// Begin and End are sharp event times within the current rows: the first row that is wrong and the first that is
	// right again. 0: the fault was on already at the first row, or is still on at the last.
	Begin, End int64

	Rows  int64   // rows of the span
	Bad   int64   // of them wrong, as far as rows can be told apart; for volume: rows that are absent, estimated
	Share float64 // Bad of Rows

	Factor, Offset float64 // for unit, scale, sign, shift: value as it came = Factor × right value + Offset
	Unit           string  // "mph -> km/h", "" where the factor is in no table

	Cause    string // one sentence
	Evidence []Evidence

	// Confidence is in 0 to 1 and scaled so that good rows almost never reach 0.9, however they drift.
	Confidence float64

	Healed bool // the rows after End are right again
}

// Evidence is one reason: a statistic, its value on the rows in question, and the most (or least) that the reference
// lets expect.
type Evidence struct {
	Name         string
	Value, Limit float64
}

// proof gathers evidence: each kind of reason counts once, by its strongest statistic, and reasons are independent.
type proof struct {
	most  float64 // of the confidence, when it is above 0
	list  []Evidence
	doubt map[string]float64 // by kind of reason: 1 minus its strength
}

func (p *proof) add(reason, name string, value, limit, strength float64) {
	if strength <= 0 {
		return
	}
	p.list = append(p.list, Evidence{name, value, limit})
	if p.doubt == nil {
		p.doubt = map[string]float64{}
	}
	if d, ok := p.doubt[reason]; !ok || 1-strength < d {
		p.doubt[reason] = 1 - strength
	}
}

func (p *proof) confidence() float64 {
	d := 1.0
	keys := make([]string, 0, len(p.doubt))
	for k := range p.doubt {
		keys = append(keys, k)
	}
	slices.Sort(keys) // products in one order: the same result to the last bit
	for _, k := range keys {
		d *= p.doubt[k]
	}
	if p.most > 0 {
		return min(1-d, p.most)
	}
	return 1 - d
}

func order(f []Finding) {
	slices.SortStableFunc(f, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(b.Confidence, a.Confidence),
			strings.Compare(strings.Join(a.Columns, "\x00"), strings.Join(b.Columns, "\x00")),
			strings.Compare(a.Kind, b.Kind))
	})
}
