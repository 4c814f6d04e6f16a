package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"github.com/trimtab/trimtab"
)

// MaxFileSize bounds one declaration file, in bytes.
const MaxFileSize = 1 << 20

// maxFiles bounds a folder: more declaration files are surely a wrong folder.
const maxFiles = 10_000

// Options say how a set is loaded; the zero value is what the commands use.
type Options struct {
	// Project is the project of documents that name none; default "default".
	Project trimtab.Workspace
	// SkipFiles leaves out the check that the files and folders named by
	// sources and pipelines exist, for declarations that are read elsewhere.
	SkipFiles bool
}

// Document is one declared thing. Resource holds the canonical spec; Spec is
// the pointer to the root struct that it was decoded into, Dir the folder that
// relative paths start from.
type Document struct {
	Resource trimtab.Resource
	Spec     any
	File     string
	Line     int
	Dir      string

	at, keyAt map[string]span
}

// Set is what files and folders declare, in the order in which apply creates it.
type Set struct {
	Documents []Document
	Files     []string
}

// Resources lists the declared resources.
func (s Set) Resources() []trimtab.Resource {
	out := make([]trimtab.Resource, len(s.Documents))
	for i, d := range s.Documents {
		out[i] = d.Resource
	}
	return out
}

// Load reads declarations from files and folders. A folder gives its *.yaml,
// *.yml and *.json files at every depth except below hidden folders and
// folders named node_modules or .venv; files that are no declarations there
// (without apiVersion of this program) are left alone, whereas a file that is
// named itself must be one. The set holds what could be read; it must not be
// used when the diagnostics have errors.
func Load(paths []string, opt Options) (Set, Diagnostics) {
	l := &loader{opt: opt, lines: map[string][]string{}}
	if l.opt.Project == "" {
		l.opt.Project = trimtab.DefaultWorkspace
	}
	for _, p := range paths {
		l.path(p)
	}
	return l.finish(paths)
}

// finish looks at the set as a whole and brings documents and diagnostics into order.
func (l *loader) finish(paths []string) (Set, Diagnostics) {
	if len(l.set.Documents) == 0 && len(l.diagnostics) == 0 {
		l.diagnostics = append(l.diagnostics, Diagnostic{Severity: SevError, File: strings.Join(paths, " "), Summary: "there are no declarations here",
			Expected: "files that end with .yaml, .yml or .json and begin with apiVersion: " + trimtab.APIVersion})
	}
	l.crossCheck()
	slices.SortStableFunc(l.set.Documents, func(a, b Document) int {
		return slices.Index(trimtab.Kinds, a.Resource.Kind) - slices.Index(trimtab.Kinds, b.Resource.Kind)
	})
	slices.SortStableFunc(l.diagnostics, func(a, b Diagnostic) int {
		if a.File != b.File {
			return slices.Index(l.order, a.File) - slices.Index(l.order, b.File)
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return l.set, l.diagnostics
}

type loader struct {
	opt         Options
	set         Set
	diagnostics Diagnostics
	order       []string
	lines       map[string][]string
}

func (l *loader) add(d Diagnostic, file string, at span) {
	d.File, d.Line, d.Column, d.EndColumn = file, at.line, at.column, at.end
	if lines := l.lines[file]; at.line > 0 && at.line <= len(lines) {
		d.Excerpt = lines[at.line-1]
		if width := utf8.RuneCountInString(d.Excerpt); d.EndColumn > width+1 {
			d.EndColumn = max(d.Column+1, width+1)
		}
		if len(d.Excerpt) > 200 {
			d.Excerpt = strings.ToValidUTF8(d.Excerpt[:200], "") + "…"
		}
	}
	l.diagnostics = append(l.diagnostics, d)
}

func (l *loader) fileProblem(file, summary, expected string) {
	l.order = append(l.order, file)
	l.add(Diagnostic{Severity: SevError, Summary: summary, Expected: expected}, file, span{})
}

func (l *loader) path(p string) {
	info, err := os.Stat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.fileProblem(p, "there is no such file or folder", "a declaration file, or a folder of them")
	case err != nil:
		l.fileProblem(p, "the file can not be read: "+reason(err), "")
	case info.IsDir():
		l.folder(p)
	default:
		l.file(p, true)
	}
}

// reason is the cause of a file error without the path, which the place shows.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

func (l *loader) folder(dir string) {
	count := 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			l.fileProblem(p, "the folder can not be read: "+reason(err), "")
			return nil
		}
		name := d.Name()
		if d.IsDir() {
			if p != dir && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "__pycache__") {
				return fs.SkipDir
			}
			return nil
		}
		switch strings.ToLower(filepath.Ext(name)) {
		case ".yaml", ".yml", ".json":
		default:
			return nil
		}
		if count++; count > maxFiles {
			l.fileProblem(dir, fmt.Sprintf("the folder holds more than %d YAML and JSON files", maxFiles), "a folder of declarations")
			return fs.SkipAll
		}
		l.file(p, false)
		return nil
	})
	if err != nil {
		l.fileProblem(dir, "the folder can not be read: "+reason(err), "")
	}
}

// file reads one file. A file that was found in a folder, not named, and that
// does not speak of this program is left alone.
func (l *loader) file(p string, named bool) {
	if slices.Contains(l.set.Files, p) {
		return
	}
	info, err := os.Stat(p)
	if err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0 {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		l.fileProblem(p, "the file can not be read: "+reason(err), "")
		return
	}
	if info.Size() > MaxFileSize {
		if named || strings.ToLower(filepath.Ext(p)) != ".json" {
			l.fileProblem(p, fmt.Sprintf("the file has %d bytes", info.Size()), fmt.Sprintf("at most %d bytes", MaxFileSize))
		}
		return
	}
	data, err := os.ReadFile(p)
	if err != nil {
		l.fileProblem(p, "the file can not be read: "+reason(err), "")
		return
	}
	if !named && !bytes.Contains(data, []byte("trimtab.dev/")) {
		return
	}
	l.Source(p, filepath.Dir(p), data)
}

// Source reads the documents of one file's content.
func (l *loader) Source(name, dir string, data []byte) {
	l.order = append(l.order, name)
	l.set.Files = append(l.set.Files, name)
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if why := trimtab.CleanText(string(data)); why != "" {
		l.add(Diagnostic{Severity: SevError, Summary: "the file " + why, Expected: "YAML or JSON in UTF-8"}, name, span{})
		return
	}
	l.lines[name] = strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	for _, text := range documents(l.lines[name]) {
		l.document(name, dir, text)
	}
}

// documents splits the lines of a file at its document markers, so that a
// syntax error of one document does not hide the problems of the others. Each
// text begins with as many empty lines as stand before it, which keeps line
// numbers true.
func documents(lines []string) []string {
	var out []string
	begin := 0
	emit := func(end int) {
		body := lines[begin:end]
		for _, line := range body {
			t := strings.TrimSpace(line)
			// A body of nothing but comments and directives is no document.
			if t != "" && !strings.HasPrefix(t, "#") && !strings.HasPrefix(line, "%") {
				out = append(out, strings.Repeat("\n", begin)+strings.Join(body, "\n")+"\n")
				return
			}
		}
	}
	for i, line := range lines {
		if line == "---" || strings.HasPrefix(line, "--- ") || line == "..." {
			emit(i)
			begin = i + 1
		}
	}
	emit(len(lines))
	return out
}

func (l *loader) document(file, dir, text string) {
	problem := func(at span, summary, expected string) {
		l.add(Diagnostic{Severity: SevError, Summary: summary, Expected: expected}, file, at)
	}
	tokens := lexer.Tokenize(text)
	if t := tooDeep(tokens); t != nil {
		problem(spanOf(t), "the document is nested too deeply", fmt.Sprintf("at most %d levels", maxDepth))
		return
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, message := span{}, err.Error()
		if se, ok := errors.AsType[yaml.Error](err); ok {
			at, message = spanOf(se.GetToken()), se.GetMessage()
		}
		problem(at, "the YAML can not be read: "+message, "")
		return
	}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		b := &builder{report: problem, anchors: map[string]ast.Node{}}
		root := b.build(doc.Body, 0)
		if root == nil || b.stopped {
			return
		}
		l.resource(file, dir, root)
	}
}

// head is what every document has above its spec.
type head struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Metadata   trimtab.Metadata `json:"metadata"`
}

func (l *loader) resource(file, dir string, root *node) {
	doc := Document{File: file, Line: root.at.line, Dir: dir, at: map[string]span{}, keyAt: map[string]span{}}
	faulty := false
	seen := map[string]bool{}
	report := func(d Diagnostic, at span) {
		faulty = faulty || d.Severity == SevError
		seen[d.Path] = true
		l.add(d, file, at)
	}
	dec := &decoder{report: report, at: doc.at, keyAt: doc.keyAt}
	if root.shape != mapping {
		dec.problem("", root.at, "the document is "+root.describe(), "a mapping with apiVersion, kind, metadata and spec", "")
		return
	}
	var h head
	specNode := l.head(dec, root, &h)
	if h.APIVersion != "" && h.APIVersion != trimtab.APIVersion {
		dec.problem("apiVersion", doc.at["apiVersion"], fmt.Sprintf("apiVersion is %q", h.APIVersion), trimtab.APIVersion, "")
	}
	l.metadata(dec, h.Kind, &h.Metadata)
	k, known := kindNamed(h.Kind)
	if !known {
		if h.Kind != "" {
			_, meant, ok := Kind(h.Kind)
			if ok {
				meant, _, _ = Kind(h.Kind)
			}
			dec.problem("kind", doc.at["kind"], fmt.Sprintf("unknown kind %q", h.Kind), "one of "+strings.Join(trimtab.Kinds, ", "), meant)
		}
		return
	}
	s := k.fresh()
	if specNode == nil {
		specNode = &node{shape: mapping, at: doc.keyAt["kind"]}
	}
	dec.decode(specNode, "spec", reflect.ValueOf(s).Elem())
	c := &checker{report: func(d Diagnostic) {
		// One place has one problem: the first says it, what follows from it is noise.
		if !seen[d.Path] {
			report(d, doc.place(d.Path))
		}
	}}
	c.spec(k, s)
	if !l.opt.SkipFiles {
		c.files(dir, s)
	}
	workspace := h.Metadata.Project
	if h.Kind == trimtab.KindProject {
		workspace = trimtab.Workspace(h.Metadata.Name)
	}
	if workspace == "" {
		workspace = l.opt.Project
	}
	doc.Spec = s
	doc.Resource = trimtab.Resource{Workspace: workspace, Kind: h.Kind, Name: h.Metadata.Name, Labels: h.Metadata.Labels, Annotations: h.Metadata.Annotations}
	l.duplicate(doc, report)
	if canonical, err := Canonical(h.Kind, h.Metadata.Name, s); err == nil {
		doc.Resource.Spec = canonical
	} else if !faulty {
		dec.problem("spec", doc.at["spec"], "the spec can not be encoded: "+err.Error(), "", "")
	}
	l.set.Documents = append(l.set.Documents, doc)
}

// head decodes everything but the spec, and returns the spec's node.
func (l *loader) head(dec *decoder, root *node, h *head) *node {
	names := []string{"apiVersion", "kind", "metadata", "spec", "status"}
	var specNode *node
	rest := *root
	rest.entries = nil
	for _, e := range root.entries {
		switch {
		case e.key == "spec":
			dec.keyAt["spec"], specNode = e.at, e.value
		case e.key == "status":
			// What the server wrote: a document that `get -o yaml` printed can be applied again.
		case slices.Contains(names, e.key):
			rest.entries = append(rest.entries, e)
		default:
			dec.problem(e.key, e.at, fmt.Sprintf("unknown key %q in the document", e.key), "one of "+strings.Join(names[:4], ", "), trimtab.Nearest(e.key, names))
		}
	}
	dec.structure(&rest, "", reflect.ValueOf(h).Elem())
	return specNode
}

func (l *loader) metadata(dec *decoder, kind string, m *trimtab.Metadata) {
	if m.Name != "" {
		if why := trimtab.UsableName(kind, m.Name); why != "" {
			dec.problem("metadata.name", dec.at["metadata.name"], fmt.Sprintf("name %q can not be used", m.Name), why, "")
		}
	}
	if m.Project != "" {
		if err := m.Project.Validate(); err != nil {
			dec.problem("metadata.project", dec.at["metadata.project"], trimtab.Message(err), "", "")
		}
	}
	for field, values := range map[string]map[string]string{"labels": m.Labels, "annotations": m.Annotations} {
		limit := 1024
		if field == "labels" {
			limit = 63
		}
		for key, value := range sorted(values) {
			path := "metadata." + field + "." + key
			if key == "" || len(key) > 63 {
				dec.problem(path, dec.keyAt[path], fmt.Sprintf("key %q can not be used", key), "1 to 63 bytes", "")
			}
			if len(value) > limit {
				dec.problem(path, dec.at[path], fmt.Sprintf("the value has %d bytes", len(value)), fmt.Sprintf("at most %d bytes", limit), "")
			}
		}
	}
}

func (l *loader) duplicate(doc Document, report func(Diagnostic, span)) {
	for _, other := range l.set.Documents {
		a, b := other.Resource, doc.Resource
		if a.Workspace == b.Workspace && a.Kind == b.Kind && a.Name == b.Name && a.Name != "" {
			report(Diagnostic{Severity: SevError, Path: "metadata.name", Summary: fmt.Sprintf("%s is declared twice", b.Ref()),
				Expected: fmt.Sprintf("it once; the first stands at %s:%d", other.File, other.Line)}, doc.place("metadata.name"))
			return
		}
	}
}

// place finds where a path stands: its value, its key, or the nearest of its parents.
func (d Document) place(path string) span {
	if at, ok := d.at[path]; ok && at.line > 0 {
		return at
	}
	for {
		if at, ok := d.keyAt[path]; ok {
			return at
		}
		if at, ok := d.at[path]; ok && at.line > 0 {
			return at
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return span{line: d.Line, column: 1, end: 2}
		}
		path = path[:i]
	}
}
