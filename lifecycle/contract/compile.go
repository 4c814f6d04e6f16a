package contract

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Checker is a compiled contract. It is safe for concurrent use.
type Checker struct {
	name    string
	spec    trimtab.DataContractSpec // with defaults
	columns []string                 // all columns that some rule looks at
	key     []int                    // of them
	rules   []*rule                  // in the order in which they are told
	pool    scratchPool
}

// rule is one demand. Its test looks at one sheet and names rows.
type rule struct {
	name, column     string
	severity, onFail string
	allowed          float64
	expected         string
	col              int  // in columns, -1 for none
	door             bool // judged on each row alone
	named            bool // its failing rows are failing rows
	test             test
	value            func(s *sheet, row int) string // of a failing row, for people

	quarantine string // how a quarantined row is logged
}

// blocks reports whether OnFail counts.
func (r *rule) blocks() bool { return r.severity == trimtab.SeverityError }

// Compile compiles a contract; name stands in messages and in the names of
// quarantined rows. A contract that cannot be judged is an Invalid error that lists
// everything that is wrong with it: patterns and relations with their place.
func Compile(name string, spec trimtab.DataContractSpec) (*Checker, error) {
	c := &compiler{Checker: &Checker{name: name, spec: spec.WithDefaults()}, index: map[string]int{}}
	for _, column := range sortedKeys(c.spec.Columns) {
		c.column(column, c.spec.Columns[column])
	}
	c.keyRule()
	for i, r := range c.spec.Rules {
		c.relation(i, r)
	}
	if r := c.spec.RowCount; r != nil {
		c.add(&rule{name: "rowCount", expected: rowCountText(r), severity: trimtab.SeverityError, onFail: c.spec.OnFail, col: -1, test: wholeSet{}})
	}
	if r := c.spec.Freshness; r != nil {
		c.add(&rule{name: "freshness", expected: "newest row at most " + r.MaxAge.String() + " old", severity: trimtab.SeverityError, onFail: c.spec.OnFail, col: -1, test: wholeSet{}})
	}
	if len(c.rules) == 0 && len(c.problems) == 0 {
		c.problem("the contract demands nothing: expected columns, key, rules, rowCount or freshness")
	}
	if len(c.problems) > 0 {
		return nil, trimtab.Errorf(trimtab.Invalid, "datacontract "+name, "DataContract %q: %s", name, strings.Join(c.problems, "\n"))
	}
	return c.Checker, nil
}

// Name is the name of the contract.
func (c *Checker) Name() string { return c.name }

// Spec is the contract with its defaults filled in.
func (c *Checker) Spec() trimtab.DataContractSpec { return c.spec }

// Columns lists the columns that the contract looks at.
func (c *Checker) Columns() []string { return slices.Clone(c.columns) }

type compiler struct {
	*Checker
	index    map[string]int
	problems []string
}

func (c *compiler) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// use returns the position of a column, which from now on is looked at.
func (c *compiler) use(column string) int {
	i, ok := c.index[column]
	if !ok {
		i = len(c.columns)
		c.index[column] = i
		c.columns = append(c.columns, column)
	}
	return i
}

func (c *compiler) add(r *rule) {
	r.quarantine = trimtab.QuarantineRule(c.name, r.name)
	if len(r.quarantine) > traffic.MaxRule {
		c.problem("the rule %.60q… has a name of %d bytes, expected at most %d", r.name, len(r.quarantine), traffic.MaxRule)
	}
	if why := trimtab.CleanText(r.quarantine); why != "" {
		c.problem("the rule %q: its name %s", r.name, why)
	}
	if slices.ContainsFunc(c.rules, func(o *rule) bool { return o.name == r.name }) {
		c.problem("the rule %q stands twice", r.name)
	}
	c.rules = append(c.rules, r)
}

// column compiles the rules of one column.
func (c *compiler) column(name string, r trimtab.ColumnRule) {
	col := c.use(name)
	add := func(what, expected string, t test, set func(*rule)) {
		x := &rule{name: name + "." + what, column: name, severity: r.Severity, onFail: r.OnFail, expected: expected,
			col: col, door: true, named: true, test: t, value: cellValue(col)}
		if set != nil {
			set(x)
		}
		c.add(x)
	}
	if *r.Required {
		add("required", "the column is there", absent{col}, func(x *rule) { x.named = false })
	}
	if r.Type != "" {
		t := typeOf(r.Type)
		if t == 0 {
			c.problem("column %s: %q is no type: expected bool, integer, float, string or datetime", name, r.Type)
			return
		}
		add("type", r.Type, typed{col, t}, nil)
	}
	if r.MaxMissing != nil {
		switch share := *r.MaxMissing; {
		case share == 0:
			add("maxMissing", "no missing values", missing{col}, nil)
		case !(share > 0 && share <= 1):
			c.problem("column %s: maxMissing %v is no share: expected 0 to 1", name, share)
		default:
			add("maxMissing", "at most "+percent(share)+" missing", missing{col}, func(x *rule) {
				x.allowed, x.door, x.named = share, false, false
			})
		}
	}
	if r.Min != nil || r.Max != nil {
		t := newRanged(col, r.Min, r.Max)
		add("range", rangeText(r), t, func(x *rule) { x.allowed = r.MaxOutside })
	}
	if len(r.InSet) > 0 {
		add("inSet", setText(r.InSet), newMember(col, r.InSet), func(x *rule) { x.allowed = r.MaxUnknown })
	}
	if r.Pattern != "" {
		if re, err := regexp.Compile(`\A(?:` + r.Pattern + `)\z`); err != nil {
			c.problem("column %s: the pattern %q: %v", name, r.Pattern, err)
		} else {
			add("pattern", "matches "+r.Pattern, matching{col, re}, nil)
		}
	}
	if r.MinLength > 0 || r.MaxLength > 0 {
		if r.MaxLength > 0 && r.MinLength > r.MaxLength {
			c.problem("column %s: maxLength %d lies below minLength %d", name, r.MaxLength, r.MinLength)
		}
		add("length", lengthText(r), long{col, r.MinLength, r.MaxLength}, nil)
	}
	if r.Unique {
		add("unique", "each value once", newRepeated(col), func(x *rule) { x.door = false })
	}
}

// keyRule compiles the key: two rules in one, of which only the missing part is
// judged at the door.
func (c *compiler) keyRule() {
	if len(c.spec.Key) == 0 {
		return
	}
	var cols []int
	for i, name := range c.spec.Key {
		if slices.Contains(c.spec.Key[:i], name) {
			c.problem("the key names column %s twice", name)
			return
		}
		cols = append(cols, c.use(name))
	}
	c.key = cols
	c.add(&rule{name: "key", severity: trimtab.SeverityError, onFail: c.spec.OnFail, col: -1, door: true, named: true,
		expected: "unique and never missing: " + strings.Join(c.spec.Key, ", "), test: newRepeated(cols...).asKey(),
		value: func(s *sheet, row int) string { return s.texts(cols, row) }})
}

func typeOf(name string) kind {
	switch name {
	case "bool":
		return boolKind
	case "integer":
		return intKind
	case "float":
		return floatKind
	case "string":
		return textKind
	case "datetime":
		return timeKind
	}
	return 0
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func percent(share float64) string { return strconv.FormatFloat(100*share, 'g', 6, 64) + " %" }

func rangeText(r trimtab.ColumnRule) string {
	switch {
	case r.Min == nil:
		return "at most " + number(*r.Max)
	case r.Max == nil:
		return "at least " + number(*r.Min)
	}
	return number(*r.Min) + " to " + number(*r.Max)
}

func lengthText(r trimtab.ColumnRule) string {
	switch {
	case r.MaxLength == 0:
		return fmt.Sprintf("at least %d characters", r.MinLength)
	case r.MinLength == 0:
		return fmt.Sprintf("at most %d characters", r.MaxLength)
	}
	return fmt.Sprintf("%d to %d characters", r.MinLength, r.MaxLength)
}

func setText(set []string) string {
	const most = 8
	if len(set) <= most {
		return "one of " + strings.Join(set, ", ")
	}
	return fmt.Sprintf("one of %s and %d more", strings.Join(set[:most], ", "), len(set)-most)
}

func rowCountText(r *trimtab.RowCountRule) string {
	var parts []string
	switch {
	case r.Min > 0 && r.Max > 0:
		parts = append(parts, fmt.Sprintf("%d to %d rows", r.Min, r.Max))
	case r.Min > 0:
		parts = append(parts, fmt.Sprintf("at least %d rows", r.Min))
	case r.Max > 0:
		parts = append(parts, fmt.Sprintf("at most %d rows", r.Max))
	}
	if r.Within > 0 {
		parts = append(parts, fmt.Sprintf("within %s of the median of the last %d windows", percent(r.Within), r.Windows))
	}
	return strings.Join(parts, ", ")
}
