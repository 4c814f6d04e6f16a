package contract

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/pure/table"
)

// ProposeOptions say how a contract is proposed. Zero fields mean the defaults given.
type ProposeOptions struct {
	Name     string // of the contract; default "rows"
	Source   string // what it is about; default a source of the contract's name
	Endpoint string
	// EventTime orders the rows; default the first column of times, else their order.
	EventTime string
	// Splits is the number of parts, in the order of time, that the rules are tried on; default 5.
	Splits int
	Text   bool // the rows were read from text without types
}

// Proposal is a contract with its evidence.
type Proposal struct {
	Name      string                   `json:"name"`
	Spec      trimtab.DataContractSpec `json:"spec"`
	Rows      int                      `json:"rows"`
	Columns   []ColumnEvidence         `json:"columns"`             // in the order of the data
	Key       string                   `json:"key,omitempty"`       // why the key is one
	Relations map[string]string        `json:"relations,omitempty"` // why each relation
	EventTime string                   `json:"eventTime,omitempty"` // the column that the parts were ordered by
	Splits    int                      `json:"splits"`
	Outliers  []Outlier                `json:"outliers,omitempty"`
	Result    trimtab.ContractResult   `json:"result"` // of the rows themselves
}

// ColumnEvidence is why the rules of a column are as they are.
type ColumnEvidence struct {
	Column string   `json:"column"`
	Why    []string `json:"why,omitempty"`
	// Tried and Broke count the parts that the rules, made of the parts before alone,
	// were tried on, and those that broke one of them.
	Tried int `json:"tried"`
	Broke int `json:"broke"`
}

// Outlier is a value far from all others: the proposal does not make room for it.
type Outlier struct {
	Column string `json:"column"`
	Value  string `json:"value"`
	Row    int    `json:"row"`          // from 0
	At     string `json:"at,omitempty"` // its time, else its key
	Rows   int    `json:"rows"`         // rows with such values
}

func (o Outlier) String() string {
	at := fmt.Sprintf("in row %d", o.Row+1)
	if o.At != "" {
		at = "at " + o.At
	}
	n := "1 row"
	if o.Rows > 1 {
		n = fmt.Sprintf("%d rows", o.Rows)
	}
	return fmt.Sprintf("%s %s %s, %s: outside; check the unit or the sensor", o.Column, o.Value, at, n)
}

// leastRows is the number of rows from which "always" and "never" are believed.
const leastRows = 100

// Propose proposes a contract for rows and tries it on them: what it proposes passes
// on the rows that it was made of, but for the outliers that it names. The rules of a
// column are tried in the order of time too, each part by what the parts before say;
// a rule that would have failed more often than not is left out. No rows are Invalid.
func Propose(t *table.Table, opt ProposeOptions) (*Proposal, error) {
	opt.Name = cmp.Or(opt.Name, "rows")
	if opt.Splits <= 0 {
		opt.Splits = 5
	}
	if t.Rows() == 0 || len(t.Columns) == 0 {
		return nil, trimtab.Errorf(trimtab.Invalid, "rows", "there are no rows to propose a contract from")
	}
	t = withTimes(t, opt.Text)
	if opt.EventTime == "" {
		opt.EventTime = timeColumn(t)
	} else if c := t.Column(opt.EventTime); c == nil || c.Type != table.Datetime {
		return nil, trimtab.Errorf(trimtab.Invalid, "rows", "column %q is no column of times", opt.EventTime)
	}
	original := t
	var order []int
	if c := t.Column(opt.EventTime); c != nil {
		order = inOrder(c)
		t = t.Take(order)
	}
	p := &Proposal{Name: opt.Name, Rows: t.Rows(), EventTime: opt.EventTime, Splits: min(opt.Splits, t.Rows()/leastRows), Relations: map[string]string{}}
	p.Spec = trimtab.DataContractSpec{Source: opt.Source, Endpoint: opt.Endpoint, Columns: map[string]trimtab.ColumnRule{}}
	if opt.Source == "" && opt.Endpoint == "" {
		p.Spec.Source = opt.Name
	}
	key := ""
	for _, c := range t.Columns {
		if why := isKey(c); why != "" {
			p.Spec.Key, p.Key, key = []string{c.Name}, why, c.Name
			break
		}
	}
	at := func(row int) string {
		if c := t.Column(opt.EventTime); c != nil && !c.Missing(row) {
			return c.Text(row)
		}
		if c := t.Column(key); c != nil && !c.Missing(row) {
			return shown(c.Text(row))
		}
		return ""
	}
	for _, c := range t.Columns {
		f := fit(c)
		e := ColumnEvidence{Column: c.Name}
		f, e.Tried, e.Broke = p.walk(c, f)
		e.Why = f.why
		p.Spec.Columns[c.Name] = f.rule
		p.Columns = append(p.Columns, e)
		for _, row := range f.outliers {
			o := Outlier{Column: c.Name, Value: c.Text(row), Row: row, At: at(row), Rows: len(f.outliers)}
			if order != nil {
				o.Row = order[row]
			}
			if p.name(o, f, c) {
				break
			}
		}
	}
	p.relations(t)
	return p, p.try(original, opt)
}

// shownOutliers is the number of outliers of a column that are named one by one.
const shownOutliers = 3

// name adds an outlier; done is true when the others of the column go without saying.
func (p *Proposal) name(o Outlier, f fitted, c *table.Column) (done bool) {
	n := 0
	for _, x := range p.Outliers {
		if x.Column == o.Column {
			n++
		}
	}
	same := !slices.ContainsFunc(f.outliers, func(row int) bool { return c.Text(row) != o.Value })
	if !same && len(f.outliers) <= shownOutliers {
		o.Rows = 1
	}
	p.Outliers = append(p.Outliers, o)
	return same || n+1 == shownOutliers
}

// try judges the rows by the proposal. A rule that they break is left out, unless by
// outliers that are named.
func (p *Proposal) try(t *table.Table, opt ProposeOptions) error {
	for {
		c, err := Compile(p.Name, p.Spec)
		if err != nil {
			return err
		}
		pass := c.Begin(Options{Text: opt.Text})
		const size = 65_536
		for lo := 0; lo < t.Rows(); lo += size {
			if err := pass.Add(Batch{Table: t.Slice(lo, min(lo+size, t.Rows()))}); err != nil {
				return err
			}
		}
		if p.Result, err = pass.Finish(Facts{}); err != nil {
			return err
		}
		i := slices.IndexFunc(p.Result.Results, func(x trimtab.RuleResult) bool { return !x.Passed && !p.excused(x) })
		if i < 0 {
			return nil
		}
		if !p.drop(p.Result.Results[i]) {
			return trimtab.Errorf(trimtab.Internal, "rows", "the proposed rule %s fails on the rows it was made of", p.Result.Results[i].Rule)
		}
	}
}

// excused reports whether a rule fails for outliers alone.
func (p *Proposal) excused(x trimtab.RuleResult) bool {
	if !strings.HasSuffix(x.Rule, ".range") {
		return false
	}
	return slices.ContainsFunc(p.Outliers, func(o Outlier) bool { return o.Column == x.Column })
}

// drop leaves a rule out.
func (p *Proposal) drop(x trimtab.RuleResult) bool {
	if name, ok := strings.CutPrefix(x.Rule, "rule "); ok {
		n := len(p.Spec.Rules)
		p.Spec.Rules = slices.DeleteFunc(p.Spec.Rules, func(r trimtab.RelationRule) bool { return r.Name == name })
		return len(p.Spec.Rules) < n
	}
	if x.Rule == "key" {
		was := len(p.Spec.Key) > 0
		p.Spec.Key = nil
		return was
	}
	r, ok := p.Spec.Columns[x.Column]
	if !ok || !without(&r, strings.TrimPrefix(x.Rule, x.Column+".")) {
		return false
	}
	p.Spec.Columns[x.Column] = r
	return true
}

// without drops one rule of a column.
func without(r *trimtab.ColumnRule, what string) bool {
	switch what {
	case "type":
		r.Type = ""
	case "maxMissing":
		r.MaxMissing = nil
	case "range":
		r.Min, r.Max, r.MaxOutside = nil, nil, 0
	case "inSet":
		r.InSet, r.MaxUnknown = nil, 0
	case "pattern":
		r.Pattern = ""
	case "length":
		r.MinLength, r.MaxLength = 0, 0
	case "unique":
		r.Unique = false
	default:
		return false
	}
	return true
}

// walk tries the rules of a column in the order of time: those made of the parts
// before are tried on the next part. f are the rules made of all; those that would
// have failed are loosened, or left out when they would have failed mostly.
func (p *Proposal) walk(c *table.Column, f fitted) (out fitted, tried, broke int) {
	if p.Splits < 2 {
		return f, 0, 0
	}
	part := func(i int) *table.Column { return c.Slice(0, i*c.Len()/p.Splits) }
	failures := map[string]int{}
	worst := 0.0 // share of values that no part before had
	for i := 1; i < p.Splits; i++ {
		past := fit(part(i))
		next := c.Slice(part(i).Len(), part(i+1).Len())
		one, err := Compile("c", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{c.Name: past.rule}})
		if err != nil {
			continue
		}
		t, err := table.New(next)
		if err != nil {
			continue
		}
		pass := one.Begin(Options{Workers: 1})
		if pass.Add(Batch{Table: t}) != nil {
			continue
		}
		r, err := pass.Finish(Facts{})
		if err != nil {
			continue
		}
		tried++
		failed := false
		for _, x := range r.Results {
			if x.Passed || strings.HasSuffix(x.Rule, ".range") && x.Failed <= int64(f.outliersIn(part(i).Len(), part(i+1).Len())) {
				continue // the outliers that are named broke it
			}
			what := strings.TrimPrefix(x.Rule, c.Name+".")
			failures[what]++
			failed = true
			if what == "inSet" {
				worst = max(worst, float64(x.Failed)/float64(x.Rows))
			}
		}
		if failed {
			broke++
		}
	}
	out = f
	for _, what := range sortedKeys(failures) {
		n := failures[what]
		switch {
		case what == "range" && f.loose != nil:
			out.rule.Min, out.rule.Max = f.loose(out.rule)
			out.say("the range was outgrown in %d of %d parts, so it has a margin", n, tried)
		case what == "inSet" && len(out.rule.InSet) == 0:
			// The values have outgrown a set; another rule took its place.
		case what == "inSet" && worst <= 0.05:
			out.rule.MaxUnknown = roundUp(2 * worst)
			out.say("new values came in %d of %d parts", n, tried)
		case what == "maxMissing" && out.rule.MaxMissing != nil && *out.rule.MaxMissing > 0:
			out.say("more was missing than before in %d of %d parts", n, tried)
		case 2*n > tried && what != "type":
			if without(&out.rule, what) {
				out.say("no %s: what came before would have failed %d of %d parts", what, n, tried)
			}
		default:
			out.say("%s: what came before would have failed %d of %d parts", what, n, tried)
		}
	}
	return out, tried, broke
}

// relations proposes what names suggest and every row keeps: that a minimum is not
// above its maximum, that a start is not after its end.
func (p *Proposal) relations(t *table.Table) {
	for _, pair := range [][2]string{{"min", "max"}, {"start", "end"}, {"begin", "end"}, {"low", "high"}, {"lower", "upper"}, {"first", "last"}, {"from", "to"}} {
		for _, a := range t.Columns {
			if !strings.Contains(strings.ToLower(a.Name), pair[0]) || !isIdent(a.Name) {
				continue
			}
			b := t.Column(strings.Replace(a.Name, pair[0], pair[1], 1))
			if b == nil || b == a || !isIdent(b.Name) || kindOf(a.Type) != kindOf(b.Type) || kindOf(a.Type) == textKind || kindOf(a.Type) == boolKind {
				continue
			}
			both, keep := 0, true
			for i := range t.Rows() {
				if a.Missing(i) || b.Missing(i) {
					continue
				}
				both++
				x, _ := a.Float(i)
				y, _ := b.Float(i)
				if a.Type == table.Datetime {
					keep = keep && a.Int64s[i] <= b.Int64s[i]
				} else {
					keep = keep && x <= y
				}
			}
			if keep && both >= leastRows {
				name := a.Name + "-" + b.Name
				p.Spec.Rules = append(p.Spec.Rules, trimtab.RelationRule{Name: name, Expr: a.Name + " <= " + b.Name})
				p.Relations[name] = fmt.Sprintf("in all of %d rows", both)
			}
		}
	}
}

// isIdent reports whether a column can stand in an expression as it is.
func isIdent(name string) bool {
	for i, r := range name {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return name != "" && !typeNames[name] && !slices.Contains([]string{"in", "true", "false", "null", "as", "break", "const", "continue", "else", "for", "function",
		"if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"}, name)
}

// isKey says why a column names rows, "" when it does not: texts or whole numbers,
// complete and without repeats.
func isKey(c *table.Column) string {
	if k := kindOf(c.Type); c.Len() < leastRows || c.Nulls() > 0 || k != textKind && k != intKind {
		return ""
	}
	var s seen
	for i := range c.Len() {
		if !s.add(one(c, i)) {
			return ""
		}
	}
	return fmt.Sprintf("%d rows, each value once", c.Len())
}

// withTimes reads columns of texts that are all times as times.
func withTimes(t *table.Table, text bool) *table.Table {
	if !text {
		return t
	}
	cols := slices.Clone(t.Columns)
	for k, c := range cols {
		if c.Type != table.String || c.Len() == c.Nulls() {
			continue
		}
		d := table.NewColumn(c.Name, table.Datetime, c.Len())
		for i := range c.Len() {
			if c.Null(i) {
				d.AppendNull()
				continue
			}
			ns, err := table.ParseDatetime(c.Strings[i])
			if err != nil {
				d = nil
				break
			}
			d.AppendInt64(ns)
		}
		if d != nil {
			cols[k] = d
		}
	}
	out, err := table.New(cols...)
	if err != nil {
		return t
	}
	return out
}

// timeColumn is the first column of times without a missing one, "" when there is none.
func timeColumn(t *table.Table) string {
	for _, c := range t.Columns {
		if c.Type == table.Datetime && c.Nulls() == 0 {
			return c.Name
		}
	}
	return ""
}

// inOrder lists the rows in the order of a column of times; those without one come last.
func inOrder(c *table.Column) []int {
	rows := make([]int, c.Len())
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int {
		if x, y := c.Null(a), c.Null(b); x || y {
			return cmp.Compare(boolInt(x), boolInt(y))
		}
		return cmp.Compare(c.Int64s[a], c.Int64s[b])
	})
	return rows
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// roundUp rounds a share up to two digits.
func roundUp(share float64) float64 {
	if share <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(share))-1)
	v, _ := strconv.ParseFloat(strconv.FormatFloat(math.Ceil(share/unit-1e-9)*unit, 'g', 2, 64), 64)
	return min(v, 1)
}

// missingBound is the share of missing values that is allowed: above what any tenth
// of the rows has shown, by what so many rows leave open (Wilson, 99.9 %).
func missingBound(c *table.Column) (overall, bound float64) {
	const parts = 10
	n, all := c.Len(), 0
	for k := range parts {
		lo, hi := k*n/parts, (k+1)*n/parts
		gone := 0
		for i := lo; i < hi; i++ {
			if c.Missing(i) {
				gone++
			}
		}
		all += gone
		if hi > lo {
			bound = max(bound, stat.Wilson(float64(gone), float64(hi-lo), 0.999).Hi)
		}
	}
	return float64(all) / float64(n), bound
}
