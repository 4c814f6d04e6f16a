package trimtab

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseFault(t *testing.T) {
	day := func(d int) Time { return TimeOf(time.Date(2013, 4, d, 0, 0, 0, 0, time.UTC)) }
	for _, c := range []struct {
		text  string
		want  Fault
		again string // the canonical text; "" when it is the same
	}{
		{"unit wind_speed x1.609344 2013-04-08..2013-04-15", Fault{Kind: FaultUnit, Column: "wind_speed", Factor: 1.609344, From: day(8), To: day(15)}, ""},
		{"unit temp x1.8 +32", Fault{Kind: FaultUnit, Column: "temp", Factor: 1.8, Offset: 32}, ""},
		{"unit temp x0.5 -17.5 10%", Fault{Kind: FaultUnit, Column: "temp", Factor: 0.5, Offset: -17.5, Percent: 10}, ""},
		{"shift temp -5 2013-04-08..", Fault{Kind: FaultShift, Column: "temp", Offset: -5, From: day(8)}, ""},
		{"sign temp ..2013-04-08T07:30:00Z", Fault{Kind: FaultSign, Column: "temp", To: day(8).Add(7*time.Hour + 30*time.Minute)}, ""},
		{"truncate temp 0", Fault{Kind: FaultTruncate, Column: "temp"}, ""},
		{"truncate temp -1", Fault{Kind: FaultTruncate, Column: "temp", Digits: -1}, ""},
		{"constant temp -999 5%", Fault{Kind: FaultConstant, Column: "temp", Value: "-999", Percent: 5}, ""},
		{"sentinel temp -999", Fault{Kind: FaultConstant, Column: "temp", Value: "-999"}, "constant temp -999"},
		{`constant "wind dir" "N E"`, Fault{Kind: FaultConstant, Column: "wind dir", Value: "N E"}, ""},
		{`constant dir 5%`, Fault{Kind: FaultConstant, Column: "dir", Value: "5%"}, ""},
		{`constant dir ""`, Fault{Kind: FaultConstant, Column: "dir"}, ""},
		{"  nulls\ttemp  100% ", Fault{Kind: FaultNulls, Column: "temp"}, "nulls temp"},
		{"nulls temp 7%", Fault{Kind: FaultNulls, Column: "temp", Percent: 7}, ""},
		{`nulls "labels"`, Fault{Kind: FaultNulls, Column: "labels"}, ""},
		{"swap origin dest", Fault{Kind: FaultSwap, Column: "origin", Other: "dest"}, ""},
		{"freeze temp 2013-04-08T00:00:00Z..2013-04-15", Fault{Kind: FaultFreeze, Column: "temp", From: day(8), To: day(15)}, "freeze temp 2013-04-08..2013-04-15"},
		{"shuffle temp", Fault{Kind: FaultShuffle, Column: "temp"}, ""},
		{"delay rows 36h 30%", Fault{Kind: FaultDelay, On: OnRows, Delay: Duration(36 * time.Hour), Percent: 30}, ""},
		{"delay labels 2d", Fault{Kind: FaultDelay, On: OnLabels, Delay: Duration(48 * time.Hour)}, ""},
		{"duplicate rows 5% 2013-04-08..2013-04-15", Fault{Kind: FaultDuplicate, On: OnRows, Percent: 5, From: day(8), To: day(15)}, ""},
		{"duplicate rows fresh 5%", Fault{Kind: FaultDuplicate, On: OnRows, Fresh: true, Percent: 5}, ""},
		{"drop labels 2013-04-08..2013-04-15 50%", Fault{Kind: FaultDrop, On: OnLabels, Percent: 50, From: day(8), To: day(15)}, "drop labels 50% 2013-04-08..2013-04-15"},
	} {
		got, err := ParseFault(c.text)
		if err != nil || got != c.want {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", c.text, got, err, c.want)
		}
		want := c.again
		if want == "" {
			want = c.text
		}
		if got.String() != want {
			t.Errorf("%s is written %s, want %s", c.text, got, want)
		}
		b, err := json.Marshal([]Fault{got})
		var back []Fault
		if err != nil || json.Unmarshal(b, &back) != nil || back[0] != got {
			t.Errorf("%s: over JSON %s: %+v", c.text, b, back)
		}
	}
}

func TestParseFaultRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "it is empty",
		"unti wind x2":                       `there is no kind "unti", did you mean "unit"?; the kinds are unit, shift, sign`,
		"unit":                               "expected `unit COLUMN xFACTOR [+OFFSET] [SHARE%] [FROM..TO]`",
		"unit wind":                          "a parameter is missing; expected `unit COLUMN",
		"unit wind 1.6":                      `"1.6" is no factor; expected one such as x1.609344`,
		"unit wind xinf":                     `"xinf" is no factor`,
		"unit wind x2 +a":                    `"+a" is no offset`,
		"shift wind 5":                       `"5" is no number to add; expected one such as +5`,
		`shift wind ""`:                      `"" is no number to add`,
		"truncate wind 99":                   `"99" is no number of digits`,
		"swap wind wind":                     "swap needs two columns",
		"nulls wind 0%":                      "0% is no share",
		"nulls wind 130%":                    "130% is no share",
		"nulls wind 5% 6%":                   `"6%" is one word too many`,
		"nulls wind much":                    `"much" is one word too many; expected ` + "`nulls COLUMN [SHARE%] [FROM..TO]`",
		`nulls ""`:                           "the column has no name",
		`nulls "wind`:                        "does not end",
		`nulls "wind"5%`:                     "a blank is missing",
		"nulls wind ..":                      "is not bounded",
		"nulls wind 1970-01-01..":            "is not bounded",
		"nulls wind 2013-04-31..":            `"2013-04-31" is no time`,
		"nulls wind 2013-05..":               `"2013-05" is no time`,
		"sign a 2013-04-08..2013-04":         `"2013-04" is no time`,
		"sign a 2013-04-08..2013-04-08":      "is empty",
		"nulls labels":                       "nulls does not work on labels (a column of that name stands in double quotes)",
		"drop wind":                          "drop does not work on a column; expected `drop rows|labels",
		"duplicate labels":                   "duplicate does not work on labels",
		"delay rows soon":                    `"soon" is no duration`,
		"delay rows -2d":                     "a delay of -2d",
		"delay rows 999w":                    "a delay of 999w",
		"delay rows 5us":                     "whole milliseconds",
		"nulls " + strings.Repeat("x", 2000): "longer than 1000 bytes",
	} {
		f, err := ParseFault(text)
		if !IsKind(err, Invalid) || !strings.Contains(Message(err), want) || f != (Fault{}) {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestCheckFaults(t *testing.T) {
	parse := func(texts ...string) (out []Fault) {
		for _, s := range texts {
			f, err := ParseFault(s)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, f)
		}
		return out
	}
	from, _ := ParseTime("2013-04-01")
	to, _ := ParseTime("2013-05-01")
	for name, c := range map[string]struct {
		faults []Fault
		want   string
	}{
		"inside":    {parse("nulls a 2013-04-08..2013-04-15", "nulls a 2013-04-09..2013-04-15"), ""},
		"reaching":  {parse("nulls a 2013-03-08..2013-04-15", "nulls a 2013-04-30..2013-06-01"), ""},
		"open":      {parse("nulls a 2013-03-08..", "nulls a ..2013-06-01"), ""},
		"before":    {parse("nulls a ..2013-04-01"), "lies outside the replay, which goes from 2013-04-01T00:00:00Z to 2013-05-01T00:00:00Z"},
		"behind":    {parse("nulls a 2013-05-01.."), "lies outside the replay"},
		"twice":     {parse("nulls a 5%", "sign a", "nulls a 5%"), "is given twice"},
		"many":      {make([]Fault, MaxFaults+1), "33 faults; a replay takes at most 32"},
		"malformed": {[]Fault{{Kind: FaultNulls, Column: "a", Value: "b"}}, "has fields that its kind does not know"},
		"nothing":   {[]Fault{{}}, "there is no kind"},
	} {
		err := CheckFaults(c.faults, from, to)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(Message(err), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	for _, s := range []string{"unit a x1.5 +3 5% 2013-04-08..", `constant "a b" ""`, "duplicate rows fresh", "delay labels 1.5h", `swap "rows" b ..2013-04-08T00:00:00.5Z`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseFault(s)
		if err != nil {
			if !IsKind(err, Invalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		again, err := ParseFault(v.String())
		if err != nil || again != v {
			t.Errorf("%q is %+v, written %q, read %+v: %v", s, v, v.String(), again, err)
		}
	})
}
