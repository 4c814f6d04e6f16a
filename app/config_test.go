package app

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

func TestResolveDatabase(t *testing.T) {
	for _, c := range []struct{ database, shown, err string }{
		{"rows.db", "rows.db", ""},
		{"", "", ""},
		{"sqlite:///tmp/rows.db", "sqlite:///tmp/rows.db", ""},
		{"postgres://u@h/x", "postgres://u@h/x", ""},
		{"postgres://u:secret@h:1/x?sslmode=disable", "postgres://u:xxxxx@h:1/x?sslmode=disable", ""},
		{"postgresql://h/x?password=secret", "postgresql://h/x?password=xxxxx", ""},
		{"postgres://u:sec%ret@h/x", "(not shown: it does not parse and may hold a password)", ""},
		{"mysql://u:secret@h/x", "mysql://u:xxxxx@h/x", `no database of the kind "mysql"`},
		{"sqlite3://x", "sqlite3://x", `no database of the kind "sqlite3"`},
	} {
		_, origins, err := Resolve("", map[string]string{"database": c.database}, func(string) string { return "" })
		if c.err == "" && err != nil || c.err != "" && (!trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", c.database, err, c.err)
		}
		for _, o := range origins {
			if o.Name == "database" && o.Value != c.shown {
				t.Errorf("%s is shown as %s, want %s", c.database, o.Value, c.shown)
			}
		}
	}
}
