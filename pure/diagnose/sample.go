package diagnose

import (
	"fmt"
	"slices"

	"github.com/trimtab/trimtab/pure/table"
)

// Sample is rows in the order of their event times. Begin and End, milliseconds like Times, say which span of time the
// rows stand for, so that rows that are absent at its edges can be seen; 0 means the first and the last time. The span
// is half open.
type Sample struct {
	Table *table.Table
	Times []int64 // milliseconds, ascending, one a row

	Begin, End int64
}

func (s Sample) check(what string) error {
	if s.Table == nil {
		return fmt.Errorf("diagnose: %s: no table", what)
	}
	if err := s.Table.Check(); err != nil {
		return fmt.Errorf("diagnose: %s: %w", what, err)
	}
	if len(s.Times) != s.Table.Rows() {
		return fmt.Errorf("diagnose: %s: %d rows and %d times; one time a row is needed", what, s.Table.Rows(), len(s.Times))
	}
	if !slices.IsSorted(s.Times) {
		return fmt.Errorf("diagnose: %s: times are not in ascending order", what)
	}
	return nil
}

// Options steer Fit; zero fields mean the defaults given.
type Options struct {
	MaxRows int // the latest rows of the reference that are used, default 400,000
	Blocks  int // most stretches into which the reference is cut as its noise base, default 256
	MinRows int // fewest rows of which a finding is made, default 30
}

func (o Options) defaults() Options {
	if o.MaxRows <= 0 {
		o.MaxRows = 400_000
	}
	if o.Blocks <= 0 {
		o.Blocks = 256
	}
	if o.MinRows <= 0 {
		o.MinRows = 30
	}
	return o
}
