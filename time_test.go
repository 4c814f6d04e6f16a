package trimtab

import (
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		in   string
		want time.Duration
		err  string
	}{
		{"90s", 90 * time.Second, ""},
		{"7d", 7 * day, ""},
		{"2w", 14 * day, ""},
		{"-2d", -2 * day, ""},
		{"106751d", 106751 * day, ""}, // the last whole day of 64 bits of nanoseconds
		{"106752d", 0, "longer than 292 years"},
		{"-106752d", 0, "longer than 292 years"},
		{"213504d", 0, "longer than 292 years"}, // 64 bits wrapped around say 25 minutes
		{"99999999999999999999w", 0, "longer than 292 years"},
		{"1.5d", 0, "is no duration"},
		{"d", 0, "is no duration"},
		{"", 0, "is no duration"},
	} {
		got, err := ParseDuration(c.in)
		switch {
		case c.err == "" && (err != nil || time.Duration(got) != c.want):
			t.Errorf("%q: %v, %v; want %v", c.in, got, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q: %v, %v; want error %q", c.in, got, err, c.err)
		}
	}
}
