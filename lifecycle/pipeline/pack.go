package pipeline

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// Packed is a folder as one tar. Equal files give equal bytes: names are sorted,
// times are zero, modes are 644 and 755.
type Packed struct {
	Tar    []byte
	Digest trimtab.Digest // of Tar
	Files  []string       // what is inside, sorted
}

// never is left out of every packed folder.
var never = []string{".git", ".hg", ".svn", ".venv", "__pycache__", "node_modules", ".DS_Store"}

// Pack packs a folder of code. What the .gitignore files of the folder, of those
// inside and of those above up to the repository's root leave out is left out. A
// link, or a file that is none, is Invalid and named; more than 64 MiB or 10,000
// files are too.
func Pack(dir string) (p Packed, err error) {
	defer trimtab.Wrap(&err, "pipeline.Pack(%s)", dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return p, trimtab.Errorf(trimtab.NotFound, dir, "there is no folder %s", dir)
		}
		return p, err
	}
	defer root.Close()
	rules, err := rulesAbove(dir)
	if err != nil {
		return p, err
	}
	w := &packer{root: root, rules: rules}
	w.tar = tar.NewWriter(&w.out)
	if err := w.folder("."); err != nil {
		return p, err
	}
	if err := w.tar.Close(); err != nil {
		return p, err
	}
	if len(w.files) == 0 {
		return p, trimtab.Errorf(trimtab.Invalid, dir, "the folder %s has no files to pack", dir)
	}
	return Packed{Tar: w.out.Bytes(), Digest: trimtab.DigestOf(w.out.Bytes()), Files: w.files}, nil
}

// rulesAbove reads the .gitignore files from the repository's root down to the
// folder above dir.
func rulesAbove(dir string) (ignoreRules, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	var all ignoreRules
	prefix := ""
	for at := abs; ; {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return all, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return nil, nil // no repository: nothing above counts
		}
		prefix = path.Join(filepath.Base(at), prefix)
		at = up
		text, err := readSmall(filepath.Join(at, ".gitignore"))
		if err != nil {
			return nil, err
		}
		all = slices.Concat(parseIgnore(text, "", prefix), all)
	}
}

// readSmall reads a file of at most 1 MiB; an absent one is empty.
func readSmall(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > 1<<20 || !info.Mode().IsRegular() {
		return nil, trimtab.Errorf(trimtab.Invalid, name, "%s is no file of at most 1 MiB", name)
	}
	return os.ReadFile(name)
}

type packer struct {
	root  *os.Root
	rules ignoreRules
	tar   *tar.Writer
	out   bytes.Buffer
	files []string
	size  int64
}

func (p *packer) folder(dir string) error {
	entries, err := fs.ReadDir(p.root.FS(), dir)
	if err != nil {
		return err
	}
	before := len(p.rules)
	for _, e := range entries {
		// The second has the form of the first: what Git keeps and no step needs.
		if (e.Name() == ".gitignore" || e.Name() == ".trimtabignore") && e.Type().IsRegular() {
			text, err := fs.ReadFile(p.root.FS(), path.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			base := dir
			if dir == "." {
				base = ""
			}
			p.rules = append(slices.Clip(p.rules), parseIgnore(text, base, "")...)
		}
	}
	defer func() { p.rules = p.rules[:before] }()
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if slices.Contains(never, e.Name()) || strings.HasSuffix(e.Name(), ".pyc") || p.rules.match(name, e.IsDir()) {
			continue
		}
		switch {
		case e.IsDir():
			err = p.folder(name)
		case e.Type().IsRegular():
			err = p.file(name)
		default:
			err = trimtab.Errorf(trimtab.Invalid, name, "%s is a link or no regular file and cannot be packed: replace it by what it points to, or leave it out with .gitignore", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) file(name string) error {
	if _, err := trimtab.ArtifactPath(name); err != nil {
		return err
	}
	f, err := p.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p.size += info.Size()
	if p.size > codeLimits.bytes || len(p.files) >= codeLimits.files {
		return trimtab.Errorf(trimtab.Invalid, name, "the folder is too large to be packed as code (at %s): at most %d files and %d MiB; leave data out with .gitignore", name, codeLimits.files, codeLimits.bytes>>20)
	}
	p.files = append(p.files, name)
	return tarFile(p.tar, name, info.Size(), info.Mode()&0o100 != 0, f)
}
