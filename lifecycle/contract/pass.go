package contract

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Failure is one row that breaks one rule.
type Failure struct{ Key, Rule, Value string }

// Options of a pass. Zero fields mean the defaults given.
type Options struct {
	// Text says that the rows were read from text without types (CSV): a column of
	// texts holds what its texts read as.
	Text bool
	// EventTime names the column of the time of a row, for freshness: a datetime, ISO
	// 8601 text, or milliseconds since 1970. Without it Batch.Newest counts.
	EventTime string
	// Examples is the number of failing rows that a result shows per rule; default 5.
	Examples int
	// Sink is given every failing row, in the order of the batches, within one by rule.
	// Its error ends the pass.
	Sink func(Failure) error
	// Workers is the number of batches judged at once; default the number of cores.
	Workers int
}

// Batch is some of the rows of a set.
type Batch struct {
	Table  *table.Table
	IDs    []string     // how rows are called when the contract has no key; nil: by number
	Newest trimtab.Time // the newest event time among the rows, 0 when it is not known
}

// Facts are what is known besides the rows.
type Facts struct {
	Now     trimtab.Time // the moment that ages are measured at
	History []int64      // rows of the sets before, the newest last
}

// Pass judges one set of rows in one pass. It is used by one goroutine.
type Pass struct {
	c      *Checker
	opt    Options
	rows   int64
	failed int64
	newest trimtab.Time
	tally  []tally
	seen   []seen // of rules that look for repeats
	queue  []*part
	err    error
}

// tally is what one rule found so far.
type tally struct {
	judged, failed int64
	examples       []trimtab.FailedRow
	broken         error
}

// part is one batch and what was found in it.
type part struct {
	sheet  sheet
	first  int64
	newest trimtab.Time
	judged []int
	bad    [][]int32
	broken []error
	sums   [][]digest // of rules that look for repeats
	whole  [][]bool
	done   chan struct{}
}

// Begin begins a pass.
func (c *Checker) Begin(opt Options) *Pass {
	if opt.Examples <= 0 {
		opt.Examples = 5
	}
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	return &Pass{c: c, opt: opt, tally: make([]tally, len(c.rules)), seen: make([]seen, len(c.rules))}
}

// Add judges a batch. Its table belongs to the pass until Finish. The first error, of
// the sink, is returned from then on.
func (p *Pass) Add(b Batch) error {
	if p.err != nil {
		return p.err
	}
	if b.IDs != nil && len(b.IDs) != b.Table.Rows() {
		return trimtab.Errorf(trimtab.Internal, "datacontract "+p.c.name, "%d names for %d rows", len(b.IDs), b.Table.Rows())
	}
	x := &part{first: p.rows, newest: b.Newest, done: make(chan struct{})}
	x.sheet.text, x.sheet.ids = p.opt.Text, b.IDs
	p.c.lay(&x.sheet, b.Table)
	p.rows += int64(x.sheet.rows)
	if p.opt.EventTime != "" {
		x.newest = max(x.newest, newestIn(b.Table.Column(p.opt.EventTime)))
	}
	go func() {
		defer close(x.done)
		p.c.judge(x)
	}()
	p.queue = append(p.queue, x)
	if len(p.queue) >= p.opt.Workers {
		p.merge()
	}
	return p.err
}

// judge looks at one batch by every rule.
func (c *Checker) judge(x *part) {
	n := len(c.rules)
	x.judged, x.bad, x.broken, x.sums, x.whole = make([]int, n), make([][]int32, n), make([]error, n), make([][]digest, n), make([][]bool, n)
	for k, r := range c.rules {
		x.sheet.broken = nil
		x.judged[k], x.bad[k] = r.test.judge(&x.sheet, nil)
		x.broken[k] = x.sheet.broken
		if t, ok := r.test.(repeated); ok {
			x.sums[k], x.whole[k] = t.digests(&x.sheet)
		}
	}
}

// merge takes the oldest batch over.
func (p *Pass) merge() {
	x := p.queue[0]
	p.queue = p.queue[1:]
	<-x.done
	if p.err != nil {
		return
	}
	p.newest = max(p.newest, x.newest)
	var failing []bool // rows of the batch that break some rule
	for k, r := range p.c.rules {
		t := &p.tally[k]
		bad := x.bad[k]
		if x.sums[k] != nil {
			bad = p.repeats(k, x, bad)
			if x.judged[k] == 0 {
				for _, ok := range x.whole[k] {
					if ok {
						x.judged[k]++
					}
				}
			}
		}
		t.judged += int64(x.judged[k])
		t.failed += int64(len(bad))
		if x.broken[k] != nil && t.broken == nil {
			t.broken = x.broken[k]
		}
		if !r.named || x.broken[k] != nil || len(bad) == 0 {
			continue
		}
		if failing == nil {
			failing = make([]bool, x.sheet.rows)
		}
		for _, i := range bad {
			if !failing[i] {
				failing[i] = true
				p.failed++
			}
		}
		p.tell(t, r, x, bad)
	}
}

// tell shows the first failing rows and hands all to the sink.
func (p *Pass) tell(t *tally, r *rule, x *part, bad []int32) {
	for _, i := range bad {
		show := len(t.examples) < p.opt.Examples
		if !show && p.opt.Sink == nil {
			return
		}
		key, value := x.sheet.name(int(i), x.first), r.value(&x.sheet, int(i))
		if show {
			t.examples = append(t.examples, trimtab.FailedRow{Key: key, Value: value})
		}
		if p.opt.Sink != nil {
			if p.err = p.opt.Sink(Failure{key, r.name, value}); p.err != nil {
				return
			}
		}
	}
}

// repeats adds the rows whose value or key came before.
func (p *Pass) repeats(k int, x *part, bad []int32) []int32 {
	out := bad[:len(bad):len(bad)]
	for i, d := range x.sums[k] {
		if x.whole[k][i] && !p.seen[k].add(d) {
			out = append(out, int32(i))
		}
	}
	slices.Sort(out)
	return out
}

// Finish judges the set. The result says nothing of what it is about: workspace,
// subject, moment and the object of failing rows are the caller's.
func (p *Pass) Finish(f Facts) (trimtab.ContractResult, error) {
	for len(p.queue) > 0 {
		p.merge()
	}
	if p.err != nil {
		return trimtab.ContractResult{}, p.err
	}
	out := trimtab.ContractResult{Contract: p.c.name, Rows: p.rows, Failed: p.failed, Passed: true, Results: make([]trimtab.RuleResult, len(p.c.rules))}
	for k, r := range p.c.rules {
		t := p.tally[k]
		x := trimtab.RuleResult{Rule: r.name, Column: r.column, Severity: r.severity, OnFail: r.onFail, Rows: t.judged, Failed: t.failed,
			Allowed: r.allowed, Expected: r.expected, Examples: t.examples}
		switch r.name {
		case "rowCount":
			p.countRows(&x, f)
		case "freshness":
			p.age(&x, f)
		default:
			x.Passed = float64(t.failed) <= r.allowed*float64(t.judged)
		}
		if t.broken != nil {
			x.Passed, x.Examples = false, []trimtab.FailedRow{{Value: "cannot be judged: " + trimtab.Message(t.broken)}}
		}
		out.Passed = out.Passed && (x.Passed || !r.blocks())
		out.Results[k] = x
	}
	return out, nil
}

// countRows judges the number of rows. The distance from the median is judged once
// there are as many sets before as the rule looks at.
func (p *Pass) countRows(x *trimtab.RuleResult, f Facts) {
	r := p.c.spec.RowCount
	x.Rows, x.Passed = p.rows, p.rows >= r.Min && (r.Max == 0 || p.rows <= r.Max)
	got := fmt.Sprintf("%d rows", p.rows)
	if r.Within > 0 && len(f.History) >= r.Windows && r.Windows > 0 {
		m := median(f.History[len(f.History)-r.Windows:])
		if d := float64(p.rows) - m; d > r.Within*m || -d > r.Within*m {
			x.Passed = false
			got += ", median before " + number(m)
		}
	}
	if !x.Passed {
		x.Failed, x.Examples = 1, []trimtab.FailedRow{{Value: got}}
	}
}

// age judges the newest row.
func (p *Pass) age(x *trimtab.RuleResult, f Facts) {
	x.Rows, x.Passed = p.rows, true
	switch limit := time.Duration(p.c.spec.Freshness.MaxAge); {
	case p.newest == 0 || f.Now == 0:
		x.Passed, x.Failed = false, 1
		x.Examples = []trimtab.FailedRow{{Value: "cannot be judged: no row has a time"}}
	case f.Now.Sub(p.newest) > limit:
		x.Passed, x.Failed = false, 1
		x.Examples = []trimtab.FailedRow{{Value: fmt.Sprintf("newest row of %s, %s before %s", p.newest, trimtab.Duration(f.Now.Sub(p.newest)), f.Now)}}
	}
}

func median(v []int64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	if n%2 == 1 {
		return float64(s[n/2])
	}
	return (float64(s[n/2-1]) + float64(s[n/2])) / 2
}

// newestIn is the newest moment in a column, 0 when it has none.
func newestIn(c *table.Column) (newest trimtab.Time) {
	if c == nil {
		return 0
	}
	for i := range c.Len() {
		if t, ok := moment(c, i); ok {
			newest = max(newest, t)
		}
	}
	return newest
}

// moment reads row i of a column of times.
func moment(c *table.Column, i int) (trimtab.Time, bool) {
	if c.Null(i) {
		return 0, false
	}
	switch c.Type {
	case table.Datetime:
		return trimtab.TimeOf(time.Unix(0, c.Int64s[i])), true
	case table.Int64:
		return trimtab.Time(c.Int64s[i]), true
	case table.String:
		ns, err := table.ParseDatetime(c.Strings[i])
		return trimtab.TimeOf(time.Unix(0, ns)), err == nil
	}
	return 0, false
}
