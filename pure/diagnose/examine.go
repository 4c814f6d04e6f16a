package diagnose

import (
	"fmt"
	"sort"

	"github.com/trimtab/trimtab/pure/table"
)

// exam is one examination of current rows.
type exam struct {
	r     *Reference
	n     int
	times []int64
	cols  []*current // by column of the reference, nil when the current rows lack it
	fits  [][]uint8  // by relation: the group of what is expected, nil for other relations

	found []suspect
}

// current is one column of the current rows.
type current struct {
	vals  []float64
	group []uint8
	last  []int32 // the row before that has a value, -1 when there is none
	src   *table.Column
}

// suspect is a finding in the making.
type suspect struct {
	Finding
	cols  []int
	span  span
	proof proof
}

// Examine names the faults of the current rows, the surest first; nil when there are none, or fewer rows than
// Options.MinRows. It returns an error only for a sample that is none: no table, or times that are absent or unsorted.
// Columns that the reference lacks are ignored.
//
// Windows may be examined one after another: a fault that began in an earlier window has Begin 0, one that is still on
// at the last row has End 0, and Healed tells that the rows after End are right again.
func (r *Reference) Examine(s Sample) ([]Finding, error) {
	if err := s.check("current rows"); err != nil {
		return nil, err
	}
	x := &exam{r: r, n: s.Table.Rows(), times: s.Times, cols: make([]*current, len(r.columns))}
	x.schema(s.Table)
	x.volume(s)
	if x.n >= r.opt.MinRows {
		parallel(len(r.columns), func(i int) {
			if c := s.Table.Column(r.columns[i].name); c != nil && alike(r.columns[i].typ, c.Type) {
				x.cols[i] = r.columns[i].read(c)
			}
		})
		x.fits = make([][]uint8, len(r.relations))
		parallel(len(r.relations), func(i int) {
			if l := r.relations[i]; l.inputs != nil && !x.needs(l, l.a, nil) {
				x.fits[i] = l.grouped(l.predict(x.n, func(c int) []float64 { return x.cols[c].vals }))
			}
		})
		x.repeated(s.Table)
		each := make([][]suspect, len(r.columns))
		parallel(len(r.columns), func(i int) {
			if x.cols[i] != nil {
				each[i] = x.alone(i)
			}
		})
		for _, list := range each {
			x.found = append(x.found, list...)
		}
		x.together()
	}
	return x.report(), nil
}

func alike(a, b table.Type) bool {
	kind := func(t table.Type) int {
		switch {
		case textual(t):
			return 1
		case t == table.Datetime:
			return 2
		}
		return 0
	}
	return kind(a) == kind(b)
}

func (k *known) read(c *table.Column) *current {
	v := &current{vals: numbers(c, k.dict), src: c}
	v.group = make([]uint8, len(v.vals))
	v.last = make([]int32, len(v.vals))
	last := int32(-1)
	for i, x := range v.vals {
		v.group[i], v.last[i] = absent, last
		if x == x {
			v.group[i] = uint8(bin(k.coarse, x))
			last = int32(i)
		}
	}
	return v
}

func (x *exam) schema(t *table.Table) {
	for _, k := range x.r.columns {
		c := t.Column(k.name)
		cause := ""
		switch {
		case c == nil:
			cause = fmt.Sprintf("The column is absent; the reference has it as %s.", k.typ)
		case !alike(k.typ, c.Type):
			cause = fmt.Sprintf("The column is of type %s; in the reference it is %s.", c.Type, k.typ)
		default:
			continue
		}
		s := suspect{span: span{0, x.n}}
		s.Finding = Finding{Columns: []string{k.name}, Kind: Schema, Cause: cause, Bad: int64(x.n)}
		s.proof.add("type", "columns of another shape", 1, 0, 1)
		x.found = append(x.found, s)
	}
}

// alone looks for the faults that show in a column by itself.
func (x *exam) alone(c int) []suspect {
	var list []suspect
	list = append(list, x.missing(c)...)
	if x.r.columns[c].idle {
		return list
	}
	list = append(list, x.frozen(c)...)
	if x.r.columns[c].text {
		return list
	}
	parts := x.parts(c)
	list = append(list, x.sentinel(c, parts)...)
	list = append(list, x.clipped(c, parts)...)
	list = append(list, x.truncated(c, parts)...)
	return list
}

// report makes findings of what is left after contradictions are settled.
func (x *exam) report() []Finding {
	var list []Finding
	for _, s := range x.settle() {
		f := s.Finding
		f.Evidence = s.proof.list
		f.Confidence = s.proof.confidence()
		if f.Kind != Volume {
			f.Rows = int64(s.span.rows())
			if f.Rows > 0 {
				f.Share = float64(f.Bad) / float64(f.Rows)
			}
			if s.span.lo > 0 {
				f.Begin = x.times[s.span.lo]
			}
			if s.span.hi < x.n {
				f.End = x.times[s.span.hi]
				f.Healed = true
			}
		}
		if f.Confidence < 0.3 {
			continue
		}
		list = append(list, f)
	}
	order(list)
	return list
}

// settle drops what a surer finding explains: of one column in one stretch one finding remains, and what binds it to
// others does not speak against those. Findings of one kind in several columns at one time become one.
func (x *exam) settle() []suspect {
	sort.SliceStable(x.found, func(i, j int) bool {
		a, b := &x.found[i], &x.found[j]
		return a.weight() > b.weight()
	})
	var kept []suspect
next:
	for _, s := range x.found {
		for i := range kept {
			k := &kept[i]
			if len(s.cols) == 0 || len(k.cols) == 0 || !s.span.meets(k.span) {
				continue
			}
			if s.Kind == k.Kind && (s.Kind == Missing || s.Kind == Frozen) && s.span == k.span {
				k.cols = append(k.cols, s.cols...)
				k.Columns = append(k.Columns, s.Columns...)
				k.Bad = max(k.Bad, s.Bad)
				continue next
			}
			if overlap(s.cols, k.cols) && (s.span.within(k.span) > 0.5 || k.span.within(s.span) > 0.5) {
				continue next
			}
		}
		kept = append(kept, s)
	}
	return kept
}

// weight ranks findings about the same rows: the surer first, among the sure the one that explains more rows.
func (s *suspect) weight() float64 {
	c := s.proof.confidence()
	if c >= 0.85 { // these undo the fault and find all as it was: more than others explain
		switch s.Kind {
		case Swapped:
			return 3 + c
		case Unit, Sign, Recoded:
			return 2 + c
		}
	}
	return min(s.proof.confidence(), 0.95) + 0.04*float64(s.Bad)/float64(max(1, s.span.rows()))
}

func overlap(a, b []int) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}
