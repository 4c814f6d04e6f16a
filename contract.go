package trimtab

import (
	"cmp"
	"slices"
)

// DataContractSpec declares what rows must look like: of a source, or of what an
// endpoint is asked. Exactly one of Source and Endpoint is given.
type DataContractSpec struct {
	Source   string `json:"source,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`

	Columns map[string]ColumnRule `json:"columns,omitempty"`
	// Key columns name a row: together they are unique and never missing.
	Key       []string       `json:"key,omitempty"`
	Rules     []RelationRule `json:"rules,omitempty"`
	RowCount  *RowCountRule  `json:"rowCount,omitempty"`
	Freshness *FreshnessRule `json:"freshness,omitempty"`
	// OnFail says what happens to a row that breaks a rule of severity error: "report"
	// (default), "quarantine" (answered, and never learnt from nor measured until
	// released) or "reject" (refused; of a source: its snapshot fails).
	OnFail string `json:"onFail,omitempty"`
}

// ColumnRule is what one column must keep. Absent fields demand nothing.
type ColumnRule struct {
	Type string `json:"type,omitempty"` // "bool" "integer" "float" "string" "datetime"
	// Required: the column must be there at all. Default true.
	Required *bool `json:"required,omitempty"`
	// MaxMissing is the share of rows without a value that is allowed, 0 to 1; absent: any.
	// 0 makes each row without a value a failing row; above 0 it is a demand on sets alone.
	MaxMissing *float64 `json:"maxMissing,omitempty"`
	Min        *float64 `json:"min,omitempty"`
	Max        *float64 `json:"max,omitempty"`
	// MaxOutside is the share of values beyond Min and Max that is allowed. Default 0.
	// It lets a set of rows pass; a row with such a value is a failing row all the same.
	MaxOutside float64  `json:"maxOutside,omitempty"`
	InSet      []string `json:"inSet,omitempty"`
	// MaxUnknown is the share of values outside InSet that is allowed. Default 0.
	MaxUnknown float64 `json:"maxUnknown,omitempty"`
	Pattern    string  `json:"pattern,omitempty"` // RE2, must match the whole text
	Unique     bool    `json:"unique,omitempty"`
	MinLength  int     `json:"minLength,omitempty"`
	MaxLength  int     `json:"maxLength,omitempty"`

	Severity string `json:"severity,omitempty"` // "error" (default) | "warning"
	OnFail   string `json:"onFail,omitempty"`   // overrides the contract's
}

// RelationRule relates columns of one row by a CEL expression that must be true:
// "arrival >= departure". A row where a column is missing is not judged unless the
// expression asks with has(). Integers beside floats count as floats. Columns that
// are not declared under columns take part with the type they have in the data.
type RelationRule struct {
	Name string `json:"name"`
	Expr string `json:"expr"`
	// MaxFailed is the share of rows that may break it. Default 0.
	MaxFailed float64 `json:"maxFailed,omitempty"`
	Severity  string  `json:"severity,omitempty"`
	OnFail    string  `json:"onFail,omitempty"`
}

// RowCountRule bounds how many rows there are: absolutely, and against the median
// of the windows before.
type RowCountRule struct {
	Min int64 `json:"min,omitempty"`
	Max int64 `json:"max,omitempty"`
	// Within is the relative distance from the median of the last Windows windows that is allowed: 0.4 is 40 %.
	Within  float64 `json:"within,omitempty"`
	Windows int     `json:"windows,omitempty"` // default 4
}

// FreshnessRule bounds the age of the newest row.
type FreshnessRule struct {
	MaxAge Duration `json:"maxAge"`
}

// RuleResult is what one rule found in one set of rows. Rule is
// "COLUMN.maxMissing", "COLUMN.range", "COLUMN.inSet", "key", "rule NAME", ….
type RuleResult struct {
	Rule     string  `json:"rule"`
	Column   string  `json:"column,omitempty"`
	Severity string  `json:"severity,omitempty"`
	OnFail   string  `json:"onFail,omitempty"`
	Rows     int64   `json:"rows"`   // judged
	Failed   int64   `json:"failed"` // of them
	Allowed  float64 `json:"allowed,omitempty"`
	Passed   bool    `json:"passed"`
	Expected string  `json:"expected,omitempty"`
	// Examples are the first failing rows: key and value.
	Examples []FailedRow `json:"examples,omitempty"`
}

// FailedRow is one row that breaks a rule.
type FailedRow struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ContractResult is what a contract found in one set of rows: a document per
// snapshot and per closed window.
type ContractResult struct {
	Workspace Workspace    `json:"ws"`
	Contract  string       `json:"contract"`
	Subject   string       `json:"subject"` // "snapshot sha256:…", "window 2013-03-04"
	At        Time         `json:"at"`
	Rows      int64        `json:"rows"`
	Failed    int64        `json:"failed"` // rows that break at least one rule
	Passed    bool         `json:"passed"`
	Results   []RuleResult `json:"results"`
	// FailingRows is the digest of a Parquet object with every failing row, its key, rule and value; "" when none.
	FailingRows Digest `json:"failingRows,omitzero"`
}

// Object names the result in the journal.
func (r ContractResult) Object() Object {
	return Object{Kind: "contractResult", Name: r.Contract + "/" + r.Subject}
}

// Head is how the document is listed.
func (r ContractResult) Head() Head {
	return Head{Scope: r.Contract, At: r.At, Open: !r.Passed}
}

// Names of OnFail: what happens to a row that breaks a rule of severity error.
const (
	OnFailReport     = "report"     // it is counted and named, nothing else
	OnFailQuarantine = "quarantine" // answered, and never learnt from nor measured until released
	OnFailReject     = "reject"     // refused
)

// Severities of a contract's rules.
const (
	SeverityError   = "error"   // the contract is broken, and OnFail counts
	SeverityWarning = "warning" // it is told and changes nothing
)

// WithDefaults returns the contract with every default filled in; s stays as it is.
func (s DataContractSpec) WithDefaults() DataContractSpec {
	s.OnFail = cmp.Or(s.OnFail, OnFailReport)
	columns := make(map[string]ColumnRule, len(s.Columns))
	for name, r := range s.Columns {
		r.Severity, r.OnFail = cmp.Or(r.Severity, SeverityError), cmp.Or(r.OnFail, s.OnFail)
		if r.Required == nil {
			yes := true
			r.Required = &yes
		}
		columns[name] = r
	}
	s.Columns = columns
	s.Rules = slices.Clone(s.Rules)
	for i := range s.Rules {
		r := &s.Rules[i]
		r.Severity, r.OnFail = cmp.Or(r.Severity, SeverityError), cmp.Or(r.OnFail, s.OnFail)
	}
	if s.RowCount != nil {
		rows := *s.RowCount
		rows.Windows = cmp.Or(rows.Windows, 4)
		s.RowCount = &rows
	}
	return s
}

// QuarantineRule is the name under which a row that breaks a rule of a contract is
// logged as quarantined, and which the incident that holds it bears.
func QuarantineRule(contract, rule string) string { return contract + "/" + rule }

// ContractWindow is a window of an endpoint that has ended, for contracts to judge: the
// rows with Start <= event time < End, at the border At.
type ContractWindow struct {
	Monitor, Endpoint string
	Start, End, At    Time
	// Quarantined counts the rows that a contract quarantined.
	Quarantined int64
	// History are the numbers of rows of the windows before, the newest last.
	History []int64
}
