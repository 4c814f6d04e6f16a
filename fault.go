package trimtab

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// FaultKind says what a fault does to the rows of a replay.
type FaultKind string

// The kinds of faults. The first group changes cells of a column, the second whole rows or labels.
const (
	FaultUnit     FaultKind = "unit"     // times a factor, plus an offset: another unit of measure
	FaultShift    FaultKind = "shift"    // plus a constant
	FaultSign     FaultKind = "sign"     // the other sign
	FaultTruncate FaultKind = "truncate" // rounded to n digits behind the point
	FaultConstant FaultKind = "constant" // one value, such as the sentinel -999
	FaultNulls    FaultKind = "nulls"    // no value
	FaultSwap     FaultKind = "swap"     // the values of two columns exchanged
	FaultFreeze   FaultKind = "freeze"   // stuck at the last value before
	FaultShuffle  FaultKind = "shuffle"  // values exchanged among the rows

	FaultDelay     FaultKind = "delay"     // later than they happened
	FaultDuplicate FaultKind = "duplicate" // twice
	FaultDrop      FaultKind = "drop"      // never
)

// FaultTarget is what a fault works on: a column (the zero value), rows or labels.
type FaultTarget string

const (
	OnColumn FaultTarget = ""
	OnRows   FaultTarget = "rows"
	OnLabels FaultTarget = "labels"
)

// Fault is a fault that a replay injects for a drill. It has one text, which is
// also its JSON and YAML:
//
//	KIND COLUMN|rows|labels PARAMETERS [SHARE%] [FROM..TO]
//	unit wind_speed x1.609344 2013-04-08..2013-04-15
//
// FROM and TO bound the event time of the rows that can be hit, TO not included;
// either may be left out. The share is of those rows; without one all are hit.
// Names and values with blanks, and columns named rows or labels, stand in double
// quotes. Faults are comparable: equal ones hit the same rows of a source.
type Fault struct {
	Kind    FaultKind
	On      FaultTarget
	Column  string   // with OnColumn
	Other   string   // swap: the other column
	Factor  float64  // unit
	Offset  float64  // unit, shift
	Digits  int      // truncate
	Value   string   // constant
	Delay   Duration // delay
	Fresh   bool     // duplicate: the second one has an id of its own
	Percent float64  // share of the rows, 0: all
	From    Time     // of event time, 0: open
	To      Time     // not included, 0: open
}

// Limits of faults.
const (
	MaxFaults      = 32
	maxFaultText   = 1000
	maxFaultDelay  = Duration(3660 * 24 * time.Hour)
	maxFaultDigits = 15
)

// faultKind is how one kind is written.
type faultKind struct {
	kind  FaultKind
	on    []FaultTarget
	usage string
}

var faultKinds = []faultKind{
	{FaultUnit, []FaultTarget{OnColumn}, "unit COLUMN xFACTOR [+OFFSET]"},
	{FaultShift, []FaultTarget{OnColumn}, "shift COLUMN +NUMBER"},
	{FaultSign, []FaultTarget{OnColumn}, "sign COLUMN"},
	{FaultTruncate, []FaultTarget{OnColumn}, "truncate COLUMN DIGITS"},
	{FaultConstant, []FaultTarget{OnColumn}, "constant COLUMN VALUE"},
	{FaultNulls, []FaultTarget{OnColumn}, "nulls COLUMN"},
	{FaultSwap, []FaultTarget{OnColumn}, "swap COLUMN COLUMN"},
	{FaultFreeze, []FaultTarget{OnColumn}, "freeze COLUMN"},
	{FaultShuffle, []FaultTarget{OnColumn}, "shuffle COLUMN"},
	{FaultDelay, []FaultTarget{OnRows, OnLabels}, "delay rows|labels DURATION"},
	{FaultDuplicate, []FaultTarget{OnRows}, "duplicate rows [fresh]"},
	{FaultDrop, []FaultTarget{OnRows, OnLabels}, "drop rows|labels"},
}

// FaultSyntax lists how each kind of fault is written.
func FaultSyntax() []string {
	var out []string
	for _, k := range faultKinds {
		out = append(out, k.usage)
	}
	return out
}

// String is the fault's text; ParseFault reads it back.
func (f Fault) String() string {
	b := []string{string(f.Kind)}
	if f.On == OnColumn {
		b = append(b, faultWord(f.Column))
	} else {
		b = append(b, string(f.On))
	}
	signed := func(v float64) string {
		if v < 0 {
			return faultNumber(v)
		}
		return "+" + faultNumber(v)
	}
	switch f.Kind {
	case FaultUnit:
		b = append(b, "x"+faultNumber(f.Factor))
		if f.Offset != 0 {
			b = append(b, signed(f.Offset))
		}
	case FaultShift:
		b = append(b, signed(f.Offset))
	case FaultTruncate:
		b = append(b, strconv.Itoa(f.Digits))
	case FaultConstant:
		b = append(b, faultWord(f.Value))
	case FaultSwap:
		b = append(b, faultWord(f.Other))
	case FaultDelay:
		b = append(b, f.Delay.String())
	case FaultDuplicate:
		if f.Fresh {
			b = append(b, "fresh")
		}
	}
	if f.Percent != 0 {
		b = append(b, faultNumber(f.Percent)+"%")
	}
	if f.From != 0 || f.To != 0 {
		b = append(b, faultTime(f.From)+".."+faultTime(f.To))
	}
	return strings.Join(b, " ")
}

func faultNumber(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// faultTime leaves the time of day out at midnight.
func faultTime(t Time) string {
	s := t.String()
	return strings.TrimSuffix(s, "T00:00:00Z")
}

// faultWord quotes what would be read as something else.
func faultWord(s string) string {
	if s == "" || s == string(OnRows) || s == string(OnLabels) || strconv.Quote(s) != `"`+s+`"` || strings.ContainsFunc(s, unicode.IsSpace) {
		return strconv.Quote(s)
	}
	return s
}

// MarshalText is String.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is ParseFault.
func (f *Fault) UnmarshalText(p []byte) error {
	v, err := ParseFault(string(p))
	*f = v
	return err
}

// faultToken is a word of a fault's text.
type faultToken struct {
	text   string
	quoted bool
}

func faultTokens(s string) (out []faultToken, err error) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeftFunc(s, unicode.IsSpace) {
		if s[0] == '"' {
			q, err := strconv.QuotedPrefix(s)
			if err != nil {
				return nil, fmt.Errorf("the quote at %s does not end", s)
			}
			text, err := strconv.Unquote(q)
			if err != nil {
				return nil, fmt.Errorf("%s is no quoted text", q)
			}
			out, s = append(out, faultToken{text, true}), s[len(q):]
			if s != "" && !unicode.IsSpace([]rune(s)[0]) {
				return nil, fmt.Errorf("a blank is missing behind %s", q)
			}
			continue
		}
		n := strings.IndexFunc(s, unicode.IsSpace)
		if n < 0 {
			n = len(s)
		}
		out, s = append(out, faultToken{s[:n], false}), s[n:]
	}
	return out, nil
}

// ParseFault reads the text of a fault. "sentinel" is another word for constant.
func ParseFault(text string) (f Fault, err error) {
	fail := func(format string, args ...any) (Fault, error) {
		shown := text
		if len(shown) > maxFaultText {
			shown = strings.ToValidUTF8(shown[:60], "") + "…"
		}
		return Fault{}, Errorf(Invalid, "fault", "fault %q: %s", shown, fmt.Sprintf(format, args...))
	}
	if len(text) > maxFaultText {
		return fail("it is longer than %d bytes", maxFaultText)
	}
	words, err := faultTokens(text)
	if err != nil {
		return fail("%v", err)
	}
	if len(words) == 0 {
		return fail("it is empty; expected one such as `unit wind_speed x1.609344 2013-04-08..2013-04-15`")
	}
	f.Kind = FaultKind(words[0].text)
	if f.Kind == "sentinel" {
		f.Kind = FaultConstant
	}
	i := slices.IndexFunc(faultKinds, func(k faultKind) bool { return k.kind == f.Kind })
	if i < 0 {
		var names []string
		for _, k := range faultKinds {
			names = append(names, string(k.kind))
		}
		return fail("there is no kind %q%s; the kinds are %s", words[0].text, DidYouMean(words[0].text, names), strings.Join(names, ", "))
	}
	k := faultKinds[i]
	if len(words) < 2 {
		return fail("expected `%s [SHARE%%] [FROM..TO]`", k.usage)
	}
	if on := FaultTarget(words[1].text); !words[1].quoted && (on == OnRows || on == OnLabels) {
		f.On = on
	} else if f.Column = words[1].text; f.Column == "" {
		return fail("the column has no name")
	}
	if !slices.Contains(k.on, f.On) {
		if f.On == OnColumn {
			return fail("%s does not work on a column; expected `%s`", f.Kind, k.usage)
		}
		return fail("%s does not work on %s (a column of that name stands in double quotes); expected `%s`", f.Kind, f.On, k.usage)
	}
	rest, missing, err := f.parameters(words[2:])
	if err != nil {
		return fail("%v", err)
	}
	if missing {
		return fail("a parameter is missing; expected `%s [SHARE%%] [FROM..TO]`", k.usage)
	}
	for _, w := range rest {
		share, isShare := strings.CutSuffix(w.text, "%")
		from, to, isSpan := strings.Cut(w.text, "..")
		switch {
		case w.quoted:
			return fail("%q is one word too many; expected `%s [SHARE%%] [FROM..TO]`", w.text, k.usage)
		case isShare && f.Percent == 0:
			if f.Percent, err = faultFloat(share); err != nil || f.Percent <= 0 || f.Percent > 100 {
				return fail("%s is no share; expected more than 0%% and at most 100%%", w.text)
			}
		case isSpan && f.From == 0 && f.To == 0:
			if err := f.span(from, to); err != nil {
				return fail("%s", Message(err))
			}
		default:
			return fail("%q is one word too many; expected `%s [SHARE%%] [FROM..TO]`", w.text, k.usage)
		}
	}
	if f.Percent == 100 {
		f.Percent = 0
	}
	return f, nil
}

// parameters reads those of the kind and returns the words behind them.
func (f *Fault) parameters(words []faultToken) (rest []faultToken, missing bool, err error) {
	next := ""
	if len(words) > 0 {
		next = words[0].text
	}
	needs := f.Kind == FaultUnit || f.Kind == FaultShift || f.Kind == FaultTruncate || f.Kind == FaultConstant || f.Kind == FaultSwap || f.Kind == FaultDelay
	if needs && len(words) == 0 {
		return nil, true, nil
	}
	switch f.Kind {
	case FaultUnit:
		factor, ok := strings.CutPrefix(next, "x")
		if f.Factor, err = faultFloat(factor); !ok || err != nil {
			return nil, false, fmt.Errorf("%q is no factor; expected one such as x1.609344", next)
		}
		words = words[1:]
		if len(words) > 0 && (strings.HasPrefix(words[0].text, "+") || strings.HasPrefix(words[0].text, "-")) {
			if f.Offset, err = faultFloat(words[0].text); err != nil {
				return nil, false, fmt.Errorf("%q is no offset; expected one such as +32", words[0].text)
			}
			words = words[1:]
		}
		return words, false, nil
	case FaultShift:
		if f.Offset, err = faultFloat(next); err != nil || next[0] != '+' && next[0] != '-' {
			return nil, false, fmt.Errorf("%q is no number to add; expected one such as +5 or -2.5", next)
		}
	case FaultTruncate:
		if f.Digits, err = strconv.Atoi(next); err != nil || f.Digits < -maxFaultDigits || f.Digits > maxFaultDigits {
			return nil, false, fmt.Errorf("%q is no number of digits behind the point; expected -%d to %d", next, maxFaultDigits, maxFaultDigits)
		}
	case FaultConstant:
		f.Value = next
	case FaultSwap:
		if f.Other = next; f.Other == f.Column || f.Other == "" {
			return nil, false, fmt.Errorf("swap needs two columns, not %q twice", f.Column)
		}
	case FaultDelay:
		if f.Delay, err = ParseDuration(next); err != nil {
			return nil, false, fmt.Errorf("%s", Message(err))
		}
		if f.Delay <= 0 || f.Delay > maxFaultDelay || f.Delay%Duration(time.Millisecond) != 0 {
			return nil, false, fmt.Errorf("a delay of %s; expected whole milliseconds, more than none and at most %s", next, maxFaultDelay)
		}
	case FaultDuplicate:
		if f.Fresh = next == "fresh"; !f.Fresh {
			return words, false, nil
		}
	default:
		return words, false, nil
	}
	return words[1:], false, nil
}

func faultFloat(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err == nil && (math.IsInf(v, 0) || v != v) {
		err = strconv.ErrRange
	}
	return v + 0, err // no negative zero
}

func (f *Fault) span(from, to string) (err error) {
	if from != "" {
		if f.From, err = ParseTime(from); err != nil {
			return err
		}
	}
	if to != "" {
		if f.To, err = ParseTime(to); err != nil {
			return err
		}
	}
	if f.From == 0 && (from != "" || to == "") || f.To == 0 && to != "" {
		return Errorf(Invalid, "fault", "the span %q is not bounded by moments other than 1970-01-01", from+".."+to)
	}
	if f.To != 0 && f.From >= f.To {
		return Errorf(Invalid, "fault", "the span from %s to %s is empty", f.From, f.To)
	}
	return nil
}

// Covers reports whether event time t lies in the fault's span.
func (f Fault) Covers(t Time) bool { return (f.From == 0 || t >= f.From) && (f.To == 0 || t < f.To) }

// CheckFaults reports what is wrong with the faults of a replay of event times
// [from, to), 0 being open: too many, one twice, one that lies outside.
func CheckFaults(faults []Fault, from, to Time) error {
	if len(faults) > MaxFaults {
		return Errorf(Invalid, "fault", "%d faults; a replay takes at most %d", len(faults), MaxFaults)
	}
	for i, f := range faults {
		if again, err := ParseFault(f.String()); err != nil {
			return err
		} else if again != f {
			return Errorf(Invalid, "fault", "fault %q has fields that its kind does not know", f)
		}
		if slices.Contains(faults[:i], f) {
			return Errorf(Invalid, "fault", "fault %q is given twice: it would hit the same rows again", f)
		}
		if to != 0 && f.From >= to && f.From != 0 || from != 0 && f.To != 0 && f.To <= from {
			return Errorf(Invalid, "fault", "fault %q lies outside the replay, which goes from %s to %s", f, orOpen(from, "the beginning"), orOpen(to, "the end"))
		}
	}
	return nil
}

func orOpen(t Time, open string) string {
	if t == 0 {
		return open
	}
	return t.String()
}

// FaultReach is what a fault would hit: rows (or labels) in its span, and those of
// them whose row or cell it changes.
type FaultReach struct {
	Fault  Fault `json:"fault"`
	InSpan int64 `json:"inSpan"`
	Hit    int64 `json:"hit"`
}
