package spec

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

var errorComment = regexp.MustCompile(`(ERROR|WARNING) "([^"]+)"`)

// TestFixtures reads testdata/bad/*.yaml, in which each problem is announced by
// a comment on its line: # ERROR "regexp". Problems of whole documents are
// announced on the line where the document begins.
func TestFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, got := Load([]string{file}, Options{})
			used := make([]bool, len(got))
			for i, line := range strings.Split(string(raw), "\n") {
				for _, m := range errorComment.FindAllStringSubmatch(line, -1) {
					re := regexp.MustCompile(m[2])
					found := false
					for j, d := range got {
						text := d.Summary + "; expected " + d.Expected + "; did you mean " + d.DidYouMean
						if !used[j] && d.Line == i+1 && strings.EqualFold(string(d.Severity), m[1]) && re.MatchString(text) {
							used[j], found = true, true
							break
						}
					}
					if !found {
						t.Errorf("line %d: no %s matches %q", i+1, m[1], m[2])
					}
				}
			}
			for j, d := range got {
				if !used[j] {
					t.Errorf("line %d:%d: unannounced: %s (expected %s)", d.Line, d.Column, d.Summary, d.Expected)
				}
				if d.Line > 0 && (d.Column < 1 || d.EndColumn <= d.Column) {
					t.Errorf("line %d: columns %d to %d", d.Line, d.Column, d.EndColumn)
				}
			}
		})
	}
}

func TestDiagnosticText(t *testing.T) {
	_, ds := Load([]string{"testdata/bad/endpoint.yaml"}, Options{})
	var b bytes.Buffer
	if err := ds[:2].Write(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/diagnostics.txt", b.Bytes())
}

func TestGood(t *testing.T) {
	set, ds := Load([]string{"testdata/good"}, Options{})
	if len(ds) > 0 {
		t.Fatal(ds.Error())
	}
	var names []string
	for _, r := range set.Resources() {
		names = append(names, string(r.Workspace)+":"+r.Ref())
	}
	want := []string{"default:datasource/flights", "default:model/flights", "default:pipeline/train", "default:endpoint/flights", "default:monitor/quality", "default:monitor/quality-daily"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	var b bytes.Buffer
	for _, r := range set.Resources() {
		b.WriteString(r.Ref() + " " + string(r.Spec) + "\n")
	}
	golden(t, "testdata/canonical.txt", b.Bytes())
	rendered, err := Render(set.Resources())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/rendered.yaml", rendered)
}

// What render prints declares the same as what it was given.
func TestRenderedIsEqual(t *testing.T) {
	set, _ := Load([]string{"testdata/good"}, Options{})
	rendered, err := Render(set.Resources())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "all.yaml")
	if err := os.WriteFile(path, rendered, 0o600); err != nil {
		t.Fatal(err)
	}
	again, ds := Load([]string{path}, Options{SkipFiles: true})
	if len(ds) > 0 {
		t.Fatal(ds.Error())
	}
	if diff := cmp.Diff(set.Resources(), again.Resources()); diff != "" {
		t.Error(diff)
	}
}

// Files as editors and other programs write them.
func TestForms(t *testing.T) {
	const body = "kind: Project\nmetadata: {name: a}\nspec: {description: x}\n"
	head := "apiVersion: " + trimtab.APIVersion + "\n"
	for name, tc := range map[string]struct {
		text string
		want string // the description, "" when the file is refused
	}{
		"plain":         {head + body, "x"},
		"marker":        {"---\n" + head + body + "...\n", "x"},
		"directive":     {"%YAML 1.2\n---\n" + head + body, "x"},
		"byte order":    {"\ufeff" + head + body, "x"},
		"carriage":      {strings.ReplaceAll(head+body, "\n", "\r\n"), "x"},
		"comments":      {"# a\n---\n" + head + body + "---\n# nothing\n", "x"},
		"text marker":   {head + "kind: Project\nmetadata: {name: a}\nspec:\n  description: |-\n    --- x\n", "--- x"},
		"json":          {"{\n\t\"apiVersion\": \"" + trimtab.APIVersion + "\", \"kind\": \"Project\",\n\t\"metadata\": {\"name\": \"a\"}, \"spec\": {\"description\": \"caf\\u00e9 \\ud83d\\ude00 a\\/b\"}\n}", "café 😀 a/b"},
		"merged":        {head + "kind: Project\nmetadata: {name: a}\nspec:\n  <<: {description: y}\n  description: x\n", "x"},
		"empty":         {"", ""},
		"only comments": {"# nothing\n---\n# at all\n", ""},
		"not UTF-8":     {head + body + "# \xff\n", ""},
		"tab":           {head + "kind: Project\nmetadata:\n\tname: a\n", ""},
	} {
		path := filepath.Join(t.TempDir(), "a.yaml")
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		set, ds := Load([]string{path}, Options{})
		if tc.want == "" {
			if !ds.HasErrors() {
				t.Errorf("%s: accepted", name)
			}
			continue
		}
		if len(ds) > 0 || len(set.Documents) != 1 {
			t.Errorf("%s: %d documents, %v", name, len(set.Documents), ds)
			continue
		}
		if got := set.Documents[0].Spec.(*trimtab.ProjectSpec).Description; got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	set, _ := Load([]string{"testdata/good"}, Options{})
	for _, r := range set.Resources() {
		s, err := Decode(r)
		if err != nil {
			t.Fatalf("%s: %v", r.Ref(), err)
		}
		again, err := Canonical(r.Kind, r.Name, s)
		if err != nil || !bytes.Equal(again, r.Spec) {
			t.Errorf("%s: %s became %s (%v)", r.Ref(), r.Spec, again, err)
		}
	}
	for name, r := range map[string]trimtab.Resource{
		"unknown kind":  {Kind: "Endpiont", Name: "a", Spec: json.RawMessage(`{}`)},
		"unknown field": {Kind: "Endpoint", Name: "a", Spec: json.RawMessage(`{"model":{"name":"m"},"x":1}`)},
		"missing field": {Kind: "Monitor", Name: "a", Spec: json.RawMessage(`{"window":"1d"}`)},
		"bad name":      {Kind: "Project", Name: "A b", Spec: json.RawMessage(`{}`)},
		"bad value":     {Kind: "Endpoint", Name: "a", Spec: json.RawMessage(`{"model":{"name":"m","output":"x"}}`)},
		"no json":       {Kind: "Endpoint", Name: "a", Spec: json.RawMessage(`{`)},
	} {
		if _, err := Decode(r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLimits(t *testing.T) {
	head := "apiVersion: trimtab.dev/v1alpha1\nkind: Project\nmetadata: {name: a}\nspec:\n"
	bomb := head + "  a: &a [x, x, x, x, x, x, x, x, x]\n"
	for i := 'b'; i < 'm'; i++ {
		p := string(i - 1)
		bomb += "  " + string(i) + ": &" + string(i) + " [" + strings.Repeat("*"+p+", ", 8) + "*" + p + "]\n"
	}
	for name, text := range map[string]string{
		"deep flow":      head + "  description: " + strings.Repeat("[", 100_000),
		"deep sequence":  head + "  description:\n" + strings.Repeat("- ", 50_000),
		"deep mapping":   head + "  description: " + strings.Repeat("{a: ", 200) + "1" + strings.Repeat("}", 200),
		"many tags":      head + "  description: " + strings.Repeat("!a ", 50_000) + "x",
		"aliases":        bomb,
		"many aliases":   head + "  a: &a x\n  b: [" + strings.Repeat("*a, ", 200) + "*a]\n",
		"self reference": head + "  a: &a [*a]\n",
	} {
		l := &loader{opt: Options{SkipFiles: true}, lines: map[string][]string{}}
		l.Source("x.yaml", ".", []byte(text))
		if !l.diagnostics.HasErrors() {
			t.Errorf("%s: accepted", name)
		}
	}
	big := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(big, bytes.Repeat([]byte("# x\n"), MaxFileSize/4+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ds := Load([]string{big}, Options{}); !ds.HasErrors() {
		t.Error("a file above the limit was accepted")
	}
}

func TestSchema(t *testing.T) {
	for _, k := range append([]string{""}, trimtab.Kinds...) {
		raw, err := Schema(k)
		if err != nil {
			t.Fatal(k, err)
		}
		if !json.Valid(raw) {
			t.Errorf("%s: no JSON", k)
		}
		if k == trimtab.KindMonitor {
			golden(t, "testdata/monitor.schema.json", append(raw, '\n'))
		}
	}
	if _, err := Schema("Nothing"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("unknown kind: %v", err)
	}
}

func TestKindNames(t *testing.T) {
	for typed, want := range map[string]string{"endpoint": "Endpoint", "Endpoints": "Endpoint", "datasource": "DataSource", "sources": "DataSource", "PIPELINES": "Pipeline"} {
		if got, _, ok := Kind(typed); !ok || got != want {
			t.Errorf("%s: %q %v", typed, got, ok)
		}
	}
	if _, meant, ok := Kind("enpoint"); ok || meant != "Endpoint" {
		t.Errorf("enpoint: %q %v", meant, ok)
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (UPDATE_GOLDEN=1 rewrites it):\n%s", path, diff)
	}
}

// FuzzLoad finds panics and documents that are accepted but do not encode.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yaml", "testdata/good/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		l := &loader{opt: Options{SkipFiles: true, Project: "default"}, lines: map[string][]string{}}
		l.Source("x.yaml", ".", data)
		l.crossCheck()
		if l.diagnostics.HasErrors() {
			_ = l.diagnostics.Write(&bytes.Buffer{})
			return
		}
		for _, d := range l.set.Documents {
			if _, err := Decode(d.Resource); err != nil {
				t.Fatalf("accepted, but its canonical form is not: %v", err)
			}
		}
	})
}
