package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runDrift runs the command by itself and returns its exit code and what it printed.
func runDrift(t *testing.T, args ...string) (exit int, out, complaint string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &application{env: Env{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" }}}
	cmd := a.driftCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.Flags().StringVarP(&a.output, "output", "o", "", "")
	cmd.SetArgs(args)
	exit = a.finish(t.Context(), cmd.ExecuteContext(t.Context()))
	return exit, stdout.String(), stderr.String()
}

func TestDrift(t *testing.T) {
	dir := t.TempDir()
	write := func(name, head string, row func(i int) string) string {
		var b strings.Builder
		b.WriteString(head + "\n")
		for i := range 2000 {
			b.WriteString(row(i) + "\n")
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	digit := func(i int) string { return string(rune('0' + i*7%10)) }
	then := write("then.csv", "size,colour", func(i int) string { return digit(i) + "," + []string{"red", "blue"}[i%2] })
	now := write("now.csv", "size,colour,taste", func(i int) string { return digit(i) + "," + []string{"red", "grey"}[i%2] + ",sweet" })
	stored := filepath.Join(dir, "then.json")

	for _, c := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{then, then}, exitOK, "0 columns of 2 drifted"},
		{[]string{then, now}, exitDrift, "not in the reference: taste"},
		{[]string{then, now, "--columns", "size"}, exitOK, "0 columns of 1 drifted"},
		{[]string{then, now, "--except", "colour", "-o", "json"}, exitOK, `"state": "ok"`},
		{[]string{then, "--profile-out", stored}, exitOK, "wrote the profile of 2,000 rows"},
		{[]string{stored, now}, exitDrift, `category "grey" is new`},
		{[]string{then, now, "--method", "evidently"}, exitDrift, "evidently:jensenshannon"},
		{[]string{stored, now, "--method", "evidently"}, exitError, "the peers' methods want its rows"},
		{[]string{then, now, "--method", "whylogs"}, exitError, "--method whylogs: expected trimtab"},
		{[]string{then, now, "--columns", "weight"}, exitError, `no column "weight", it has size, colour`},
		{[]string{then, stored}, exitError, "only as REFERENCE"},
		{[]string{filepath.Join(dir, "nothing.parquet"), now}, exitError, "cannot be read"},
		{[]string{then, now, "--days", "size"}, exitError, "expected a column of times"},
		{[]string{then, now, "--alpha", "0"}, exitError, "--alpha 0"},
		{[]string{then}, exitError, "CURRENT is missing"},
	} {
		exit, out, complaint := runDrift(t, c.args...)
		if exit != c.exit || !strings.Contains(out+complaint, c.want) {
			t.Errorf("drift %s: exit %d, want %d with %q:\n%s%s", strings.Join(c.args, " "), exit, c.exit, c.want, out, complaint)
		}
	}
}
