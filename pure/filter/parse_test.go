package filter

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMeaning holds what the vectors leave open: precedence, joining, quoting.
func TestMeaning(t *testing.T) {
	tests := []struct {
		dialect *Dialect
		text    string
		want    string // canonical form; "" for everything
	}{
		{Runs, "AND", ""},
		{Runs, " and AND ", ""},
		{Runs, "metrics.a>1 OR metrics.b>1 AND metrics.c>1", "metrics.a > 1 OR metrics.b > 1 AND metrics.c > 1"},
		{Runs, "(metrics.a>1 OR metrics.b>1) AND metrics.c>1", "(metrics.a > 1 OR metrics.b > 1) AND metrics.c > 1"},
		{Runs, "(metrics.a>1 OR metrics.b>1) metrics.c>1", "(metrics.a > 1 OR metrics.b > 1) AND metrics.c > 1"},
		{Runs, "((metrics.a>1 AND (metrics.b>1)) AND metrics.c>1)", "metrics.a > 1 AND metrics.b > 1 AND metrics.c > 1"},
		{Runs, "metrics.a>1 or (metrics.b>1 or metrics.c>1)", "metrics.a > 1 OR metrics.b > 1 OR metrics.c > 1"},
		{Runs, "NOT metrics.a>1 AND metrics.b>1", "NOT metrics.a > 1 AND metrics.b > 1"},
		{Runs, "not(metrics.a>1 AND metrics.b>1)", "NOT (metrics.a > 1 AND metrics.b > 1)"},
		{Runs, "NOT NOT status='x'", "NOT NOT status = 'x'"},
		{Runs, "metrics.a BETWEEN 1 AND 2 AND metrics.b not between -1 and 0.5", "metrics.a BETWEEN 1 AND 2 AND metrics.b NOT BETWEEN -1 AND 0.5"},
		{Runs, "end_time is null AND dataset.name IS NOT NULL", "end_time IS NULL AND datasets.name IS NOT NULL"},
		{Runs, "tags.x not ilike 'a' AND tags.x NOT IN('a',)", "tags.x NOT ILIKE 'a' AND tags.x NOT IN ('a')"},
		{Runs, "metrics.a >=1metrics.b", "error"},
		{Runs, "metrics.a=-1 AND metrics.b=+.5 AND metrics.c = -inf AND metrics.d != nan", "metrics.a = -1 AND metrics.b = .5 AND metrics.c = -Infinity AND metrics.d != NaN"},
		{Runs, "`status`='x'\"user_id\"='y'", "status = 'x' AND user_id = 'y'"},
		{Runs, "\"params\".\"a`b\" = '\"'", "params.\"a`b\" = '\"'"},
		{Runs, "params.a = \"a\"\"b\"", "params.a = 'a\"\"b'"},
		{Runs, "params.a = ''''", "params.a = ''''"},
		{Runs, `params.a = 'C:\' AND params.b = 'x'`, `params.a = 'C:\' AND params.b = 'x'`},
		{Runs, "metrics.and > 1 AND metrics.in > 1 OR tags.or='x'", "metrics.and > 1 AND metrics.in > 1 OR tags.or = 'x'"},
		{Runs, "metrics.日本 > 1", "metrics.日本 > 1"},
		{Runs, "tags.a\u00a0= 'x'", "tags.a = 'x'"},
		{Runs, "run_id IN (\"a\"\n,\t'b' )", "run_id IN ('a', 'b')"},
		{LoggedModels, "params.lr=0.1 AND params.n = -3e5 AND (name = x)", "params.lr = '0.1' AND params.n = '-3e5' AND name = 'x'"},
		{LoggedModels, "name IN (a, b)", "name IN ('a', 'b')"},
		{LoggedModels, "AND name = x AND AND name = y", "name = 'x' AND name = 'y'"},
		{LoggedModels, "name = x name = y", "error"},
		{LoggedModels, "name = AND", "error"},
		{LoggedModels, "name = resnet-50", "error"},
		{ModelVersions, "version IN ('1', 2)", "version_number IN (1, 2)"},
		{ModelVersions, "version_number = 'abc'", "error"},
	}
	for _, tt := range tests {
		e, err := Parse(tt.dialect, tt.text)
		var got string
		switch {
		case err != nil:
			got = "error"
			inside(t, err, tt.text)
		case e != nil:
			got = e.String()
			reparses(t, tt.dialect, e)
		}
		if got != tt.want {
			t.Errorf("Parse(%s, %q) = %s (%v), want %s", tt.dialect.Name(), tt.text, got, err, tt.want)
		}
	}
}

// TestErrors compares every message with testdata/errors.txt: the filters and
// orders that the vectors refuse, and those of testdata/bad.txt.
func TestErrors(t *testing.T) {
	var b strings.Builder
	show := func(id, dialect, text string, err error) {
		bad, ok := err.(*SyntaxError)
		if !ok {
			t.Errorf("%s %s %q: %v, want a *SyntaxError", id, dialect, text, err)
			return
		}
		inside(t, err, text)
		fmt.Fprintf(&b, "%s %s: %s\n", id, dialect, text)
		indent := len(id) + len(dialect) + 3 + bad.column - 1
		fmt.Fprintf(&b, "%s^%s\n\t%s\n\n", strings.Repeat(" ", indent), strings.Repeat("~", max(0, len([]rune(text[bad.Offset:bad.Offset+bad.Length]))-1)), bad)
	}
	all := vectors(t)
	for _, v := range all.Filters {
		if !v.Accept {
			_, err := Parse(dialect(t, v.Dialect), v.Filter)
			show(v.ID, v.Dialect, v.Filter, err)
		}
	}
	raw, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		name, text, _ := strings.Cut(line, ": ")
		if d, ok := strings.CutPrefix(name, "order "); ok {
			_, err := ParseOrder(dialect(t, d), []string{text})
			show("order", d, text, err)
			continue
		}
		_, err := Parse(dialect(t, name), text)
		show("bad", name, text, err)
	}
	for _, v := range all.Orders {
		if !v.Accept {
			_, err := ParseOrder(dialect(t, v.Dialect), v.OrderBy)
			if bad, ok := err.(*SyntaxError); ok {
				show(v.ID, v.Dialect, v.OrderBy[bad.Clause], err)
			} else {
				t.Errorf("%s %q: %v", v.ID, v.OrderBy, err)
			}
		}
	}
	const golden = "testdata/errors.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("messages differ from %s; run with -update when that is meant:\n%s", golden, diff)
	}
}

func TestLimits(t *testing.T) {
	clause := "metrics.a > 1"
	many := func(n int) string { return strings.Repeat(clause+" AND ", n-1) + clause }
	nested := func(n int) string { return strings.Repeat("(", n) + clause + strings.Repeat(")", n) }
	pad := func(n int) string { return "params.a = '" + strings.Repeat("x", n-len("params.a = ''")) + "'" }
	tests := []struct {
		name, text string
		ok         bool
	}{
		{"clauses at the limit", many(MaxClauses), true},
		{"one clause more", many(MaxClauses + 1), false},
		{"nesting at the limit", nested(MaxNesting - 1), true},
		{"nesting above it", nested(MaxNesting), false},
		{"NOTs above it", strings.Repeat("NOT ", MaxNesting) + clause, false},
		{"open parentheses", strings.Repeat("(", MaxLength), false},
		{"NOTs alone", strings.Repeat("NOT ", MaxLength/4), false},
		{"length at the limit", pad(MaxLength), true},
		{"one byte more", pad(MaxLength + 1), false},
		{"ANDs", strings.Repeat("AND ", MaxLength/4), true},
		{"signs", "metrics.a > " + strings.Repeat("e+", 30000), false},
	}
	for _, tt := range tests {
		e, err := Parse(Runs, tt.text)
		if (err == nil) != tt.ok {
			t.Errorf("%s: error %v, want ok = %v", tt.name, err, tt.ok)
		}
		if err != nil {
			inside(t, err, tt.text)
			if e != nil {
				t.Errorf("%s: an expression beside the error", tt.name)
			}
			if len(err.Error()) > 600 {
				t.Errorf("%s: the message has %d bytes", tt.name, len(err.Error()))
			}
		}
	}
	clauses := make([]string, MaxClauses+1)
	for i := range clauses {
		clauses[i] = fmt.Sprintf("metrics.m%d", i)
	}
	if _, err := ParseOrder(Runs, clauses[:MaxClauses]); err != nil {
		t.Errorf("%d clauses: %v", MaxClauses, err)
	}
	if _, err := ParseOrder(Runs, clauses); err == nil {
		t.Errorf("%d clauses pass", len(clauses))
	}
	if _, err := ParseOrder(Runs, []string{"metrics." + strings.Repeat("a", MaxLength)}); err == nil {
		t.Error("an over-long clause passes")
	}
}

func FuzzParse(f *testing.F) {
	all := vectors(f)
	for _, v := range all.Filters {
		f.Add(v.Filter)
	}
	for _, v := range all.Orders {
		f.Add(v.OrderBy[0])
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range Dialects() {
			e, err := Parse(d, text)
			if err != nil {
				inside(t, err, text)
			} else {
				reparses(t, d, e)
				SplitPrompts(e)
			}
			orders, err := ParseOrder(d, []string{text})
			if err != nil {
				inside(t, err, text)
				continue
			}
			spelled := orders[0].String()
			again, err := ParseOrder(d, []string{spelled})
			if len(spelled) <= MaxLength && (err != nil || again[0] != orders[0]) {
				t.Fatalf("order %q is spelled %q, which gives %v, %v", text, spelled, again, err)
			}
		}
	})
}
