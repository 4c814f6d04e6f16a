package schema

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

// goldenCase is a request and what MLflow made of it, by internal/testkit/golden/schema/generate.py with MLflow 3.17.2
// and pandas 3.1.1.
type goldenCase struct {
	Name, Body, Type string
	Signature        *string
	Error            string
	Columns          []string
	Rows             [][]*string
}

type goldenFile struct {
	Signatures []struct{ Inputs, Outputs, Params *string }
	Cases      []goldenCase
}

func goldens(t *testing.T) goldenFile {
	t.Helper()
	b, err := os.ReadFile("testdata/mlflow.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldenFile
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Cases) < 300 || len(g.Signatures) != 5 {
		t.Fatalf("%d cases and %d signatures", len(g.Cases), len(g.Signatures))
	}
	return g
}

// stricter lists the cases that MLflow takes and this package refuses, and why; doc.go states each rule.
var stricter = reasons(map[string]string{
	"MLflow makes any number, null and text a boolean": `boolean: two negative whole_float fraction exponent big int64_max beyond_int64 huge beyond_double
		tenth digits denormal float_denormal null nan inf text empty digits_text float_text blank_text date time zone base64 list object unicode`,
	"MLflow cuts off the fraction":           "integer: fraction tenth digits denormal float_denormal|long: fraction tenth digits denormal float_denormal|inputs fraction in: long",
	"MLflow wraps around":                    "integer: big int64_max beyond_int64 huge|long: beyond_int64 huge",
	"MLflow makes it infinite":               "float: huge beyond_double|double: beyond_double",
	"MLflow lets it through as it is":        `string: int zero minus_zero minus_zero_float two negative whole_float fraction exponent big int64_max beyond_int64 huge beyond_double tenth digits denormal float_denormal inf true false list object`,
	"MLflow cuts nanoseconds":                "datetime: fraction tenth digits denormal float_denormal",
	"MLflow makes it a missing or odd time":  "datetime: huge beyond_double inf empty",
	"MLflow skips what is not base64":        "binary: date zone",
	"pandas fills the row with null":         "split short: row",
	"pandas keeps a column of mixed objects": "untyped bool with: null|untyped number and: text",
})

// looser lists the cases that MLflow refuses and this package takes.
var looser = reasons(map[string]string{
	"a zone makes the time exact": "datetime: zone",
	"null is a value of bytes":    "binary: null nan",
})

// other lists the cases whose values differ.
var other = reasons(map[string]string{
	"an absent optional column is one of nulls": "split optional: absent",
})

// reasons turns reason -> "prefix: case case|prefix: case" into case -> reason.
func reasons(m map[string]string) map[string]string {
	out := map[string]string{}
	for why, groups := range m {
		for group := range strings.SplitSeq(groups, "|") {
			prefix, names, _ := strings.Cut(group, ": ")
			for name := range strings.FieldsSeq(names) {
				out[prefix+" "+name] = why
			}
		}
	}
	return out
}

func TestMLflow(t *testing.T) {
	met := map[string]bool{}
	for _, c := range goldens(t).Cases {
		met[c.Name] = true
		sig := Signature{}
		if c.Signature != nil {
			var err error
			if sig, err = ParseSignature(*c.Signature, "", ""); err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
		}
		r, err := sig.DecodeInvocations([]byte(c.Body), c.Type, Options{})
		var diff string
		list := other
		switch {
		case err != nil && c.Error == "":
			list, diff = stricter, "refused: "+err.Error()
		case err == nil && c.Error != "":
			list, diff = looser, "taken, MLflow says "+c.Error
		case err == nil:
			diff = difference(r.Table, c, sig)
		}
		if diff != "" && list[c.Name] == "" {
			t.Errorf("%s: %s\n%s", c.Name, diff, c.Body)
		}
		if why := stricter[c.Name] + looser[c.Name] + other[c.Name]; diff == "" && why != "" {
			t.Errorf("%s: listed as different (%s), but is not", c.Name, why)
		}
	}
	for _, list := range []map[string]string{stricter, looser, other} {
		for name := range list {
			if !met[name] {
				t.Errorf("%s is listed, but no such case was asked of MLflow", name)
			}
		}
	}
}

func difference(got *table.Table, c goldenCase, sig Signature) string {
	if got.Rows() != len(c.Rows) || len(got.Columns) != len(c.Columns) {
		return strconv.Itoa(got.Rows()) + " rows of " + strconv.Itoa(len(got.Columns)) + " columns, MLflow has " + strconv.Itoa(len(c.Rows)) + " of " + strconv.Itoa(len(c.Columns))
	}
	named := sig.Inputs.Empty() || len(sig.Inputs.Columns) > 0 && sig.Inputs.Columns[0].Named
	for k, col := range got.Columns {
		if named && col.Name != c.Columns[k] {
			return "column " + col.Name + ", MLflow has " + c.Columns[k]
		}
		for i := range col.Len() {
			w := c.Rows[i][k]
			if !equal(col, i, w) {
				want := "null"
				if w != nil {
					want = *w
				}
				return "row " + strconv.Itoa(i) + " of " + col.Name + ": " + col.Text(i) + ", MLflow has " + want
			}
		}
	}
	return ""
}

// equal compares bit for bit; pandas does not tell null from NaN.
func equal(c *table.Column, i int, want *string) bool {
	if want == nil || *want == "nan" {
		return c.Missing(i)
	}
	if c.Null(i) {
		return false
	}
	switch c.Type {
	case table.Float32, table.Float64:
		w, err := strconv.ParseFloat(*want, 64)
		v, ok := c.Float(i)
		return err == nil && ok && math.Float64bits(v) == math.Float64bits(w)
	case table.Datetime:
		return strconv.FormatInt(c.Int64s[i], 10) == *want
	case table.Bytes:
		return hex.EncodeToString(c.Bytes[i]) == *want
	}
	return c.Text(i) == *want
}

// Every signature that MLflow writes is printed back in MLflow's own text.
func TestSignatureRoundTrip(t *testing.T) {
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	for i, g := range goldens(t).Signatures {
		s, err := ParseSignature(text(g.Inputs), text(g.Outputs), text(g.Params))
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		in, out, par := s.Strings()
		// MLflow escapes what is not ASCII; both are the same JSON.
		if !sameJSON(in, text(g.Inputs)) || !sameJSON(out, text(g.Outputs)) || !sameJSON(par, text(g.Params)) {
			t.Errorf("%d:\n%s\n%s\n%s\nwant\n%s\n%s\n%s", i, in, out, par, text(g.Inputs), text(g.Outputs), text(g.Params))
		}
		if isASCII(text(g.Inputs)) && !strings.Contains(text(g.Inputs), `\u`) && in != text(g.Inputs) {
			t.Errorf("%d: %s\nwant %s", i, in, text(g.Inputs))
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again Signature
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatal(err)
		}
		if in2, out2, par2 := again.Strings(); in2 != in || out2 != out || par2 != par {
			t.Errorf("%d: %s does not read back", i, b)
		}
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func sameJSON(a, b string) bool {
	if a == "" || b == "" {
		return a == b
	}
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}
