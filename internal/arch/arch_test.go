package arch

import (
	"bufio"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/trimtab/trimtab"

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath, Dir                    string
	Imports, TestImports, XTestImports []string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

func (p pkg) rel() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports,GoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// rank of a package by its place in the tree; -1 for what stands outside the floors.
func rank(rel string) int {
	switch {
	case rel == "" || strings.HasPrefix(rel, "pure/"):
		return 0
	case rel == "storage/journal", rel == "storage/blob", rel == "storage/traffic", rel == "lifecycle/control":
		return 1
	case strings.HasPrefix(rel, "storage/blob/"), strings.HasPrefix(rel, "storage/traffic/"):
		return 1
	case strings.HasPrefix(rel, "storage/sql"), strings.HasPrefix(rel, "lifecycle/"):
		return 2
	case strings.HasPrefix(rel, "protocol/"), rel == "ui":
		return 3
	case rel == "app":
		return 4
	case rel == "cli":
		return 5
	case strings.HasPrefix(rel, "cmd/"):
		return 6
	}
	return -1
}

// beside lists the imports that the ranks alone would forbid: of the same rank, and why.
var beside = map[string][]string{
	"pure/schema":           {"pure/table"},
	"pure/infer":            {"pure/schema", "pure/table"},
	"pure/boost":            {"pure/stat"},
	"pure/profile":          {"pure/table", "pure/stat"},
	"pure/diagnose":         {"pure/table", "pure/stat"},
	"lifecycle/plan":        {"lifecycle/spec"},
	"storage/blob/blobtest": {"storage/blob"},
	"protocol/mlflow":       {"protocol/route"},
	"protocol/api":          {"protocol/route"},
	"protocol/oip":          {"protocol/route"},
	"protocol/serving":      {"protocol/route"},
	"protocol/overview":     {"protocol/route"},
	"ui":                    {"protocol/route"},
	"storage/sql/sqltest":   {"storage/sql"},
}

func TestImportRanks(t *testing.T) {
	for _, p := range packages(t) {
		from := p.rel()
		r := rank(from)
		if r < 0 {
			continue
		}
		check := func(imports []string, test bool) {
			for _, imp := range imports {
				to, ours := strings.CutPrefix(imp, module)
				if !ours {
					continue
				}
				to = strings.TrimPrefix(to, "/")
				if to == from || slices.Contains(beside[from], to) {
					continue
				}
				q := rank(to)
				switch {
				case q < 0: // internal/testkit and the like
					if !test {
						t.Errorf("%s imports %s, which is for tests", from, to)
					}
				case strings.HasPrefix(from, "pure/"):
					t.Errorf("%s imports %s: pure packages import neither the root nor each other", from, to)
				case q > r && test, q >= r && !test:
					t.Errorf("%s (rank %d) imports %s (rank %d): a package imports only lower ranks", from, r, to, q)
				}
			}
		}
		check(p.Imports, false)
		check(p.TestImports, true)
		check(p.XTestImports, true)
	}
}

func TestRootImportsTheStandardLibraryOnly(t *testing.T) {
	for _, p := range packages(t) {
		if p.rel() != "" {
			continue
		}
		for _, imp := range p.Imports {
			if strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
				t.Errorf("the root package imports %s", imp)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		var docs []string
		for _, f := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, f), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			if file.Doc != nil {
				docs = append(docs, file.Doc.Text())
			}
		}
		switch {
		case len(p.GoFiles) == 0:
		case len(docs) == 0:
			t.Errorf("%s has no package comment", p.ImportPath)
		case len(docs) > 1:
			t.Errorf("%s has %d package comments", p.ImportPath, len(docs))
		case strings.Count(docs[0], ". ")+strings.Count(docs[0], ".\n") < 3:
			t.Errorf("%s: the package comment says what it owns and what it refuses in three sentences or more", p.ImportPath)
		}
	}
}

func TestDirectoryNames(t *testing.T) {
	banned := []string{"util", "utils", "common", "helpers", "models", "services", "base", "types", "pkg"}
	filepath.WalkDir(root(t), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch d.Name() {
		case ".git", "node_modules", "testdata", ".venv", ".build":
			return filepath.SkipDir
		}
		if name == filepath.Join(root(t), "ui", "src") {
			return filepath.SkipDir // folders of pages are named after what people see: models
		}
		if slices.Contains(banned, d.Name()) {
			t.Errorf("%s: a directory is named after an idea of the product", name)
		}
		return nil
	})
}

// TestModules holds go.mod against allow.txt, where each direct module has a line that says why.
func TestModules(t *testing.T) {
	allowed := map[string]bool{}
	f, err := os.Open("allow.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, why, _ := strings.Cut(line, " ")
		if strings.TrimSpace(why) == "" {
			t.Errorf("allow.txt: %s has no reason", name)
		}
		allowed[name] = false
	}
	raw, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, "// indirect") || !strings.Contains(line, " v") || strings.HasPrefix(line, "module") {
			continue
		}
		name := strings.Fields(strings.TrimPrefix(line, "require "))[0]
		if _, ok := allowed[name]; !ok {
			t.Errorf("go.mod requires %s: add it to allow.txt with the reason, or do without", name)
		}
		allowed[name] = true
	}
	for name, used := range allowed {
		if !used {
			t.Errorf("allow.txt lists %s, go.mod does not", name)
		}
	}
}

// TestNoStandardLogger: facts are attributes of slog records.
func TestNoStandardLogger(t *testing.T) {
	for _, p := range packages(t) {
		if rank(p.rel()) < 0 {
			continue
		}
		for _, f := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, f), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := call.X.(*ast.Ident); ok && x.Name == "log" && x.Obj == nil && strings.HasPrefix(call.Sel.Name, "Print") {
					t.Errorf("%s uses log.%s: the program logs through slog", path.Join(p.rel(), f), call.Sel.Name)
				}
				return true
			})
		}
	}
}
