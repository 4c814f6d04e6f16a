package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

// documented is a row of a table of docs/declare.md.
type documented struct{ typ, fallback, meaning string }

// TestDocs keeps the tables of docs/declare.md and the schema equal: every field
// has its row and every row its field, and required fields, allowed values and
// defaults are those of the program.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/declare.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := readTables(string(text))
	head := map[string]documented{}
	for name, row := range tables["Every document"] {
		head[name] = row
	}
	for _, k := range trimtab.Kinds {
		raw, err := Schema(k)
		if err != nil {
			t.Fatal(err)
		}
		var doc schemaNode
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		spec := doc.Properties["spec"]
		delete(doc.Properties, "spec")
		above := map[string]schemaField{"spec": {}}
		doc.walk("", above)
		compareDocs(t, "Every document", head, above)
		want := map[string]schemaField{}
		spec.walk("", want)
		compareDocs(t, k, tables[k], want)
		compareDefaults(t, k, tables[k], want)
	}
}

// schemaNode is what of a JSON Schema says which fields there are.
type schemaNode struct {
	Type       string                 `json:"type"`
	Properties map[string]*schemaNode `json:"properties"`
	Items      *schemaNode            `json:"items"`
	Required   []string               `json:"required"`
	Enum       []string               `json:"enum"`
	Pattern    string                 `json:"pattern"`
}

// schemaField is a field without fields of its own.
type schemaField struct {
	schemaNode
	required bool
}

func (n *schemaNode) walk(path string, out map[string]schemaField) {
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		p, at := n.Properties[name], join(path, name)
		switch {
		case len(p.Properties) > 0:
			p.walk(at, out)
		case p.Items != nil && len(p.Items.Properties) > 0:
			p.Items.walk(at+"[]", out)
		default:
			out[at] = schemaField{*p, slices.Contains(n.Required, name)}
		}
	}
}

func readTables(text string) map[string]map[string]documented {
	out := map[string]map[string]documented{}
	section := ""
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(title)
			out[section] = map[string]documented{}
		}
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if section == "" || len(cells) != 4 || !strings.HasPrefix(cells[0], "| `") {
			// An empty cell is written "| |", which leaves one separator less.
			cells = strings.Split(strings.ReplaceAll(strings.TrimSpace(line), "| |", "| - |"), " | ")
		}
		if section == "" || len(cells) != 4 || !strings.HasPrefix(cells[0], "| `") {
			continue
		}
		out[section][strings.Trim(cells[0], "|` ")] = documented{cells[1], strings.TrimSpace(cells[2]), cells[3]}
	}
	return out
}

var quotedWord = regexp.MustCompile("`([^`]+)`")

func codes(cell string) (out []string) {
	for _, m := range quotedWord.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

func compareDocs(t *testing.T, section string, rows map[string]documented, want map[string]schemaField) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if _, ok := want[name]; !ok {
			t.Errorf("docs/declare.md, %s: %s is documented and is no field", section, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		row, ok := rows[name]
		f := want[name]
		if !ok {
			t.Errorf("docs/declare.md, %s: the field %s is not documented", section, name)
			continue
		}
		if strings.HasSuffix(row.typ, ", required") != f.required {
			t.Errorf("docs/declare.md, %s: %s is %q, required in the schema: %v", section, name, row.typ, f.required)
		}
		if got := codes(row.typ); !slices.Equal(got, f.Enum) {
			t.Errorf("docs/declare.md, %s: %s may be %v, in the schema %v", section, name, got, f.Enum)
		}
		kind, _, _ := strings.Cut(row.typ, ",")
		expect := map[string]string{"array": "list", "object": "map", "integer": "number", "number": "number", "string": "text"}[f.Type]
		if f.Pattern == durationPattern {
			expect = "duration"
		}
		if len(f.Enum) == 0 && expect != "" && kind != expect {
			t.Errorf("docs/declare.md, %s: %s is a %s, in the schema a %s", section, name, kind, expect)
		}
		if len(strings.TrimSpace(strings.Trim(row.meaning, "|"))) < 5 {
			t.Errorf("docs/declare.md, %s: %s has no meaning", section, name)
		}
	}
}

// compareDefaults fills the smallest spec of the kind: what appears is a default.
func compareDefaults(t *testing.T, k string, rows map[string]documented, want map[string]schemaField) {
	t.Helper()
	smallest := map[string]string{
		trimtab.KindDataSource: `{"path":"rows.csv","eventTime":"happened"}`,
		trimtab.KindPipeline: `{"steps":[{"name":"run","run":"true","retry":{"max":0}},
			{"name":"data","dataset":{"source":"s","asOf":"2013-01-01"}},{"name":"promote","promote":{"model":"m","alias":"a"}}]}`,
	}[k]
	if smallest == "" {
		smallest = "{}"
	}
	s := New(k)
	if err := json.Unmarshal([]byte(smallest), s); err != nil {
		t.Fatal(err)
	}
	filled, err := WithDefaults(k, "NAME", s)
	if err != nil {
		t.Fatal(err)
	}
	before, after := leaves(t, s), leaves(t, filled)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		fallback := rows[name].fallback
		got, filled := after[name]
		if _, given := before[name]; given {
			filled = false
		}
		switch shown := codes(fallback); {
		case filled && (fallback == "" || fallback == "-"):
			t.Errorf("docs/declare.md, %s: %s has the default %s", k, name, got)
		case len(shown) == 1 && (!filled || shown[0] != got):
			t.Errorf("docs/declare.md, %s: %s has the default %q, the table says %q", k, name, got, shown[0])
		}
	}
}

// leaves gives each value of a spec by its path, with [] for any index.
func leaves(t *testing.T, v any) map[string]string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch x := v.(type) {
		case map[string]any:
			for name, value := range x {
				walk(join(path, name), value)
			}
		case []any:
			var words []string
			for _, item := range x {
				if _, object := item.(map[string]any); object {
					walk(path+"[]", item)
					continue
				}
				words = append(words, fmt.Sprint(item))
			}
			if words != nil {
				out[path] = "[" + strings.Join(words, ", ") + "]"
			}
		case float64:
			out[path] = strings.TrimSuffix(fmt.Sprintf("%.2f", x), ".00")
		case string:
			if x != "" {
				out[path] = x
			}
		}
	}
	walk("", tree)
	return out
}
