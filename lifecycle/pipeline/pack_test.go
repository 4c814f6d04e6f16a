package pipeline

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

func lay(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPackRespectsGitignore(t *testing.T) {
	top := t.TempDir()
	lay(t, top, map[string]string{
		".git/HEAD":                          "x",
		".gitignore":                         "*.log\n/examples/*/data/\n/other\nsecret.txt\n# comment\n\n/examples/flights/one.txt\n",
		"examples/.gitignore":                "cache/\n",
		"examples/flights/train.py":          "",
		"examples/flights/b.log":             "",
		"examples/flights/data/x":            "",
		"examples/flights/a/data/x":          "kept: the rule is anchored above",
		"examples/flights/one.txt":           "",
		"examples/flights/a/one.txt":         "kept: the rule is anchored above",
		"examples/flights/cache/x":           "",
		"examples/flights/a/cache/x":         "",
		"examples/flights/other/x":           "kept: anchored elsewhere",
		"examples/flights/.gitignore":        "!keep.log\n/top\nbuild/**/*.o\n*.tmp\n\\#odd\n",
		"examples/flights/keep.log":          "",
		"examples/flights/top":               "",
		"examples/flights/a/top":             "",
		"examples/flights/build/x.o":         "",
		"examples/flights/build/deep/er/x.o": "",
		"examples/flights/build/x.c":         "",
		"examples/flights/a/x.tmp":           "",
		"examples/flights/#odd":              "",
		"examples/flights/a/.gitignore":      "inner\n!x.tmp\n",
		"examples/flights/a/inner":           "",
		"examples/flights/inner":             "",
		"examples/flights/__pycache__/x.pyc": "",
		"examples/flights/.venv/x":           "",
		"examples/flights/m.pyc":             "",
		"examples/flights/secret.txt":        "",
		"examples/flights/.trimtabignore":    "testdata/\n",
		"examples/flights/testdata/year.txt": "",
	})
	p, err := Pack(filepath.Join(top, "examples", "flights"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".gitignore", ".trimtabignore", "a/.gitignore", "a/data/x", "a/one.txt", "a/top", "a/x.tmp", "build/x.c", "inner", "keep.log", "other/x", "train.py"}
	if !slices.Equal(p.Files, want) {
		t.Errorf("packed %q\nwant   %q", p.Files, want)
	}
}

func TestPackIsDeterministicAndUnpacksToTheSame(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	files := map[string]string{"z.py": "z", "a.py": "print(1)\n", "sub/dir/x": strings.Repeat("x", 10_000), "sub.py": "", "sub-2/y": "y"}
	lay(t, a, files)
	for _, name := range []string{"sub/dir/x", "sub-2/y", "sub.py", "z.py", "a.py"} { // in another order, at another time
		lay(t, b, map[string]string{name: files[name]})
		if err := os.Chtimes(filepath.Join(b, name), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	os.Chmod(filepath.Join(a, "a.py"), 0o700)
	os.Chmod(filepath.Join(b, "a.py"), 0o755)
	pa, err := Pack(a)
	if err != nil {
		t.Fatal(err)
	}
	pb, err := Pack(b)
	if err != nil {
		t.Fatal(err)
	}
	if pa.Digest != pb.Digest || !bytes.Equal(pa.Tar, pb.Tar) || pa.Digest != trimtab.DigestOf(pa.Tar) {
		t.Error("equal folders pack to different bytes")
	}
	os.Chmod(filepath.Join(b, "z.py"), 0o755)
	if pb, err = Pack(b); err != nil || pa.Digest == pb.Digest {
		t.Error("what can be executed does not count", err)
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := unpack(t.Context(), bytes.NewReader(pa.Tar), root, codeLimits, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		f, err := root.Open(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, _ := io.ReadAll(f); string(got) != text {
			t.Errorf("%s has %d bytes, want %d", name, len(got), len(text))
		}
		f.Close()
	}
}

func TestPackRefuses(t *testing.T) {
	empty, linked, outside := t.TempDir(), t.TempDir(), t.TempDir()
	lay(t, linked, map[string]string{"a.py": ""})
	if err := os.Symlink("/etc/passwd", filepath.Join(linked, "b")); err != nil {
		t.Fatal(err)
	}
	lay(t, outside, map[string]string{"a\\b": ""})
	for _, c := range []struct {
		dir  string
		kind trimtab.Kind
		want string
	}{
		{empty, trimtab.Invalid, "no files to pack"},
		{linked, trimtab.Invalid, "b is a link"},
		{outside, trimtab.Invalid, "backslash"},
		{filepath.Join(empty, "absent"), trimtab.NotFound, "there is no folder"},
	} {
		if _, err := Pack(c.dir); !trimtab.IsKind(err, c.kind) || !strings.Contains(trimtab.Message(err), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
}

// made makes a tar of headers; a file's content is its name.
func made(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg && h.Size == 0 {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			fmt.Fprint(w, h.Name)
		}
	}
	w.Close()
	return b.Bytes()
}

func TestUnpackRefusesWhatLeadsOutside(t *testing.T) {
	for _, c := range []struct {
		name string
		tar  []byte
		want string
	}{
		{"parent", made(t, tar.Header{Typeflag: tar.TypeReg, Name: "../x", Mode: 0o644}), "outside"},
		{"deep parent", made(t, tar.Header{Typeflag: tar.TypeReg, Name: "a/../../x", Mode: 0o644}), "outside"},
		{"absolute", made(t, tar.Header{Typeflag: tar.TypeReg, Name: "/etc/x", Mode: 0o644}), "outside"},
		{"symlink", made(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "x", Linkname: "/etc"}), "neither file nor folder"},
		{"hard link", made(t, tar.Header{Typeflag: tar.TypeLink, Name: "x", Linkname: "/etc/passwd"}), "neither file nor folder"},
		{"device", made(t, tar.Header{Typeflag: tar.TypeChar, Name: "x"}), "neither file nor folder"},
		{"twice", made(t, tar.Header{Typeflag: tar.TypeReg, Name: "x", Mode: 0o644}, tar.Header{Typeflag: tar.TypeReg, Name: "x", Mode: 0o644}), "exists"},
		{"too many", made(t, tar.Header{Typeflag: tar.TypeReg, Name: "x", Mode: 0o644}, tar.Header{Typeflag: tar.TypeReg, Name: "y", Mode: 0o644}, tar.Header{Typeflag: tar.TypeReg, Name: "z", Mode: 0o644}), "too large"},
		{"too large", made(t, tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("x", 90), Mode: 0o644}, tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("y", 20), Mode: 0o644}), "too large"},
		{"no tar", []byte("no tar at all, but long enough to be looked at"), "cannot be read"},
	} {
		dir := t.TempDir()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		err = unpack(t.Context(), bytes.NewReader(c.tar), root, limits{files: 2, bytes: 100}, 0o644)
		root.Close()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(made(f, tar.Header{Typeflag: tar.TypeReg, Name: "a/b", Mode: 0o644}, tar.Header{Typeflag: tar.TypeDir, Name: "c/"}))
	f.Add(made(f, tar.Header{Typeflag: tar.TypeReg, Name: "../x", Mode: 0o644}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		files := 0
		walkTar(bytes.NewReader(raw), limits{files: 10, bytes: 1 << 20}, func(name string, folder bool, size int64, body io.Reader) error {
			if files++; files > 10 || !filepath.IsLocal(name) {
				t.Errorf("%d: %q", files, name)
			}
			_, err := io.Copy(io.Discard, body)
			return err
		})
	})
}

func FuzzIgnore(f *testing.F) {
	f.Add("*.log\n!/a/**/b\n/x/\n", "a/b/c")
	f.Add("[", "a")
	f.Fuzz(func(t *testing.T, rules, name string) {
		if len(rules) > 1000 || len(name) > 200 || strings.Count(rules, "**") > 5 {
			return
		}
		parseIgnore([]byte(rules), "", "p/q").match(name, false)
		parseIgnore([]byte(rules), "a", "").match(name, true)
	})
}
