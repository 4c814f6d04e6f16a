package replay

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// dueColumn is the moment at which a row is sent, when that is not its event time.
const dueColumn = "trimtab_due"

// drill applies faults to rows and labels. What it does to a row depends on the
// source, the faults before it and the row's id alone, so that batches and kills
// change nothing: what freeze and shuffle need of other rows is read beforehand.
type drill struct {
	faults []trimtab.Fault
	seeds  []uint64
	kept   []kept // by fault
	names  Columns
	id     string // the endpoint's own column of request ids, "" when ids are row ids
	last   trimtab.Time
	reach  []trimtab.FaultReach // counted when it is there
}

// kept is what a fault holds of rows other than the one that it hits.
type kept struct {
	values *table.Column
	row    map[uint64]int // shuffle: by hash of the row id, the row of values that it gets
}

func newDrill(faults []trimtab.Fault, names Columns, id string) *drill {
	d := &drill{faults: faults, names: names, id: id, kept: make([]kept, len(faults))}
	for _, f := range faults {
		d.seeds = append(d.seeds, hashText(f.String()))
	}
	return d
}

// count begins to count what is hit.
func (d *drill) count() {
	d.reach = make([]trimtab.FaultReach, len(d.faults))
	for i, f := range d.faults {
		d.reach[i].Fault = f
	}
}

// onRows reports whether rows differ from the source's.
func (d *drill) onRows() bool {
	return slices.ContainsFunc(d.faults, func(f trimtab.Fault) bool { return f.On != trimtab.OnLabels })
}

// longest is how many milliseconds behind its event time a row may be sent.
func (d *drill) longest() (all trimtab.Time) {
	for _, f := range d.faults {
		if f.Kind == trimtab.FaultDelay && f.On == trimtab.OnRows {
			all += trimtab.Time(f.Delay / 1e6) // nanoseconds of all faults together could not be counted
		}
	}
	return all
}

func hashText(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s)) // never fails
	return mix(h.Sum64())
}

// mix is the finalizer of MurmurHash3, by which every bit decides about every other.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Salts of the decisions of one fault that are independent of each other.
const (
	saltShare uint64 = (iota + 1) << 40
	saltOrder
	saltFresh
)

// chosen reports whether fault i hits a row of its span.
func (d *drill) chosen(i int, row uint64) bool {
	p := d.faults[i].Percent
	return p == 0 || float64(mix(row^d.seeds[i]+saltShare)>>11)/(1<<53) < p/100
}

// faultBatch is a batch of rows with what faults ask about them.
type faultBatch struct {
	*table.Table
	times  *table.Column
	hashes []uint64 // of row ids
}

func (d *drill) batch(t *table.Table) (b faultBatch, err error) {
	ids := t.Column(d.names.ID)
	b = faultBatch{Table: t, times: t.Column(d.names.EventTime), hashes: make([]uint64, t.Rows())}
	if ids == nil || ids.Type != table.String || b.times == nil || b.times.Type != table.Datetime {
		return b, trimtab.Errorf(trimtab.Internal, "replay", "the source gives no columns %s and %s", d.names.ID, d.names.EventTime)
	}
	for i := range b.hashes {
		b.hashes[i] = hashText(ids.Strings[i])
	}
	return b, nil
}

// hits yields the rows that fault i hits.
func (d *drill) hits(i int, b faultBatch) iter.Seq[int] {
	return func(yield func(int) bool) {
		f := d.faults[i]
		for r := range b.hashes {
			if !f.Covers(milliseconds(b.times, r)) {
				continue
			}
			if d.reach != nil {
				d.reach[i].InSpan++
			}
			if d.chosen(i, b.hashes[r]) && !yield(r) {
				return
			}
		}
	}
}

// placed is one row to send: a row of a batch, when, and whether it is a second one with an id of its own.
type placed struct {
	row   int
	due   int64 // nanoseconds
	fresh uint64
}

// place applies the faults of whole rows: which rows of a batch go out, how often and when.
func (d *drill) place(b faultBatch) []placed {
	out := make([]placed, 0, len(b.hashes))
	var some []placed
	for r := range b.hashes {
		at := b.times.Int64s[r]
		some = append(some[:0], placed{row: r, due: at})
		for i, f := range d.faults {
			if f.On != trimtab.OnRows || !f.Covers(milliseconds(b.times, r)) || len(some) == 0 {
				continue
			}
			if d.reach != nil {
				d.reach[i].InSpan++
			}
			if !d.chosen(i, b.hashes[r]) {
				continue
			}
			if d.reach != nil {
				d.reach[i].Hit++
			}
			switch f.Kind {
			case trimtab.FaultDrop:
				some = some[:0]
			case trimtab.FaultDelay:
				for k := range some {
					some[k].due = later(some[k].due, f.Delay)
				}
			case trimtab.FaultDuplicate:
				for _, p := range slices.Clone(some) {
					if f.Fresh {
						p.fresh = mix(b.hashes[r] ^ d.seeds[i] + saltFresh + p.fresh)
					}
					some = append(some, p)
				}
			}
		}
		d.last = max(d.last, milliseconds(b.times, r))
		for _, p := range some {
			d.last = max(d.last, trimtab.Time(p.due/1e6))
		}
		out = append(out, some...)
	}
	return out
}

// later moves a moment in nanoseconds, at most to the last one that there is.
func later(at int64, d trimtab.Duration) int64 {
	if at > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return at + int64(d)
}

// maxHeld bounds the rows that wait in memory until they are due.
const maxHeld = 5_000_000

// waiting is what of one batch is not due yet.
type waiting struct {
	t     *table.Table
	first int64 // when the first of it is due
}

// rows applies all faults to a stream of rows in the order of event time; what
// comes out is in the order in which it is due, with dueColumn. Rows due before
// from are left out. Delayed rows are held until then.
func (d *drill) rows(seq iter.Seq2[*table.Table, error], from trimtab.Time) iter.Seq2[*table.Table, error] {
	return func(yield func(*table.Table, error) bool) {
		var held []waiting
		n := 0 // rows held
		release := func(until int64) (*table.Table, error) {
			ready := &table.Table{}
			keep := held[:0]
			for _, w := range held {
				if w.first <= until {
					due, later := split(w.t, until)
					if err := ready.Append(due); err != nil {
						return nil, err
					}
					n -= due.Rows()
					w = hold(later)
				}
				if w.t.Rows() > 0 {
					keep = append(keep, w)
				}
			}
			held = keep
			return inOrder(ready), nil
		}
		for t, err := range seq {
			if err != nil {
				yield(nil, err)
				return
			}
			if t.Rows() == 0 {
				continue
			}
			out, err := d.expand(t, from)
			if err == nil && out.Rows() > 0 {
				held = append(held, hold(out))
				n += out.Rows()
			}
			var ready *table.Table
			if err == nil {
				ready, err = release(t.Column(d.names.EventTime).Int64s[t.Rows()-1])
			}
			if err == nil && n > maxHeld {
				err = trimtab.Errorf(trimtab.Invalid, "fault", "more than %d delayed rows wait at once, which is too many to hold: delay a smaller share, or by less", maxHeld)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if ready.Rows() > 0 && !yield(ready, nil) {
				return
			}
		}
		ready, err := release(math.MaxInt64)
		if err != nil {
			yield(nil, err)
			return
		}
		if ready.Rows() > 0 {
			yield(ready, nil)
		}
	}
}

// expand makes the rows that a batch of the source becomes.
func (d *drill) expand(t *table.Table, from trimtab.Time) (*table.Table, error) {
	b, err := d.cells(t, len(d.faults))
	if err != nil {
		return nil, err
	}
	all := d.place(b)
	due := table.NewColumn(dueColumn, table.Datetime, len(all))
	rows := make([]int, 0, len(all))
	var fresh []placed // row: in the new table
	for _, p := range all {
		if from != 0 && trimtab.Time(p.due/1e6) < from {
			continue
		}
		if p.fresh != 0 {
			fresh = append(fresh, placed{row: len(rows), fresh: p.fresh})
		}
		rows = append(rows, p.row)
		due.AppendInt64(p.due)
	}
	out := b.Take(rows)
	ids := out.Column(cmp.Or(d.id, d.names.ID))
	for _, p := range fresh {
		if ids.Type == table.Int64 {
			ids.Int64s[p.row] = -1 - int64(p.fresh>>11) // exact in JSON, and no id that a source would give
		} else {
			ids.Strings[p.row] = fmt.Sprintf("%s~%08x", ids.Strings[p.row], p.fresh>>32)
		}
	}
	out.Columns = append(out.Columns, due)
	return out, nil
}

func hold(t *table.Table) waiting {
	w := waiting{t: t, first: math.MaxInt64}
	for _, at := range t.Column(dueColumn).Int64s {
		w.first = min(w.first, at)
	}
	return w
}

// split parts rows that are due by until from later ones.
func split(t *table.Table, until int64) (ready, later *table.Table) {
	var now, then []int
	for i, at := range t.Column(dueColumn).Int64s {
		if at <= until {
			now = append(now, i)
		} else {
			then = append(then, i)
		}
	}
	return t.Take(now), t.Take(then)
}

// inOrder sorts rows by when they are due; rows of one moment stay as they stand in the source.
func inOrder(t *table.Table) *table.Table {
	due := t.Column(dueColumn)
	if due == nil || slices.IsSorted(due.Int64s) {
		return t
	}
	order := make([]int, t.Rows())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(due.Int64s[a], due.Int64s[b]) })
	return t.Take(order)
}

// labels applies the faults of labels to all labels of the replay.
func (d *drill) labels(all []*table.Table) ([]*table.Table, error) {
	if !slices.ContainsFunc(d.faults, func(f trimtab.Fault) bool { return f.On == trimtab.OnLabels }) {
		return all, nil
	}
	whole := &table.Table{}
	for _, t := range all {
		if err := whole.Append(t); err != nil {
			return nil, err
		}
	}
	if whole.Rows() == 0 {
		return all, nil
	}
	b, err := d.batch(whole)
	if err != nil {
		return nil, err
	}
	known := whole.Column(d.names.KnownAt)
	gone := make([]bool, len(b.hashes))
	for i, f := range d.faults {
		if f.On != trimtab.OnLabels {
			continue
		}
		for r := range d.hits(i, b) {
			if gone[r] {
				continue
			}
			if d.reach != nil {
				d.reach[i].Hit++
			}
			if f.Kind == trimtab.FaultDrop {
				gone[r] = true
			} else {
				known.Int64s[r] = later(known.Int64s[r], f.Delay)
			}
		}
	}
	var order []int
	for r := range gone {
		if !gone[r] {
			order = append(order, r)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(known.Int64s[a], known.Int64s[b]) })
	return []*table.Table{whole.Take(order)}, nil
}
