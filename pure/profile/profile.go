package profile

import (
	"sync"

	"github.com/trimtab/trimtab/pure/table"
)

// Kind is how a column is counted.
type Kind string

// Number columns (numbers and times) have ordered bins; Category columns (text and bool) a bin for each value; of
// Opaque ones (bytes) only missing values are counted.
const (
	Number   Kind = "number"
	Category Kind = "category"
	Opaque   Kind = "opaque"
)

// Limits of what a profile holds of a column.
const (
	MaxValues     = 4096  // distinct numbers up to which "never seen" is told for numbers
	MaxCategories = 1000  // categories with a bin of their own
	restBins      = 64    // bins of all other categories, by hash
	maxSeen       = 65536 // distinct categories up to which "never seen" is told
	longestText   = 256   // bytes of a category that are kept; a longer one is kept as its beginning and its hash
	fineBins      = 200   // distinct numbers up to which each has a bin of its own
	mostBins      = 512   // bins of a number column, as a limit on what is read
)

// Levels are the quantiles that a profile states.
var Levels = []float64{0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1}

// Profile is what a table looked like: the reference against whose edges windows are counted. It does not change.
type Profile struct {
	Rows    int64
	Columns []*Column

	id   string
	once sync.Once
}

// Column is the profile of one column. Values are those of the reference.
type Column struct {
	Name string
	Type table.Type
	Kind Kind

	// Reference are the reference's own counts. When the table was larger than what was retained, those of a Number
	// column are those of a sample (Sampled) and all else is still of every row.
	Reference ColumnCounts
	Sampled   bool

	Distinct int64 // distinct values; a lower bound when More
	More     bool
	Singles  int64 // values that occur once, and twice: what they tell about values still unseen is Unheard
	Pairs    int64

	Quantiles []float64 // of a Number column at Levels; nil without values

	// Edges bound the bins of a Number column: bin i is [Edges[i], Edges[i+1]), the last one closed. They are values
	// of the reference, the first its minimum, the last its maximum.
	Edges []float64
	// Values are all distinct numbers, ascending, when there are at most MaxValues; else nil.
	Values []float64
	// Categories name the bins of a Category column, the most frequent first. Rest holds the sorted hashes of those
	// without a bin; they share restBins bins.
	Categories []string
	Rest       []uint32

	// Coarse are the first bins of the coarse bins that distances are taken over: at most 20, of about equal shares
	// for numbers; for categories the frequent ones and, last, all others.
	Coarse []int

	index index
	once  sync.Once
}

// Bins returns the number of bins.
func (c *Column) Bins() int {
	switch {
	case c.Kind == Number && len(c.Edges) > 0:
		return len(c.Edges) - 1
	case c.Kind == Category && (len(c.Rest) > 0 || c.More):
		return len(c.Categories) + restBins
	case c.Kind == Category:
		return len(c.Categories)
	}
	return 0
}

// Tracks reports whether values that the reference never had are counted.
func (c *Column) Tracks() bool {
	return c.Kind == Number && c.Values != nil || c.Kind == Category && !c.More
}

// Unheard returns the share of rows of the reference's own distribution whose value the reference does not have: the
// share of its rows with a value that occurs once (Good and Turing), which is also the share that each row left out
// would have. Near 1 for a continuous column, 0 for one of few categories.
func (c *Column) Unheard() float64 {
	n := c.Reference.present()
	if n == 0 {
		return 0
	}
	return float64(c.Singles) / float64(n)
}

// Column returns the column with the name, nil when there is none.
func (p *Profile) Column(name string) *Column {
	for _, c := range p.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Reference returns the profile's own rows as counts, a copy.
func (p *Profile) Reference() *Counts {
	k := p.NewCounts()
	k.Rows = p.Rows
	for i, c := range p.Columns {
		k.Columns[i].merge(c.Reference)
	}
	return k
}
