package pipeline

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/trimtab/trimtab"
)

// limits bound what is read from a tar.
type limits struct {
	files int
	bytes int64
}

var (
	codeLimits  = limits{files: 10_000, bytes: 64 << 20}
	inputLimits = limits{files: 1_000_000, bytes: 1 << 40}
)

// walkTar reads a tar of files and folders in order. Anything else in it, a name
// that leads outside, and more than the limits are Invalid.
func walkTar(r io.Reader, lim limits, visit func(name string, folder bool, size int64, body io.Reader) error) error {
	t := tar.NewReader(r)
	files, total := 0, int64(0)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return trimtab.Errorf(trimtab.Invalid, "packed folder", "the packed folder cannot be read: %v", err)
		}
		name, err := trimtab.ArtifactPath(h.Name)
		if err != nil || name == "" || path.IsAbs(h.Name) {
			return trimtab.Errorf(trimtab.Invalid, "packed folder", "the packed folder has a file %q outside of it", h.Name)
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir {
			return trimtab.Errorf(trimtab.Invalid, "packed folder", "%q in the packed folder is neither file nor folder", h.Name)
		}
		files++
		if total += h.Size; files > lim.files || h.Size < 0 || total > lim.bytes {
			return trimtab.Errorf(trimtab.Invalid, "packed folder", "the packed folder is too large: at most %d files and %d MiB", lim.files, lim.bytes>>20)
		}
		if err := visit(name, h.Typeflag == tar.TypeDir, h.Size, t); err != nil {
			return err
		}
	}
}

// unpack writes a tar below a folder. No name can lead out of it.
func unpack(ctx context.Context, r io.Reader, root *os.Root, lim limits, mode fs.FileMode) error {
	return walkTar(r, lim, func(name string, folder bool, size int64, body io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if folder {
			return root.MkdirAll(name, 0o755)
		}
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		return writeBelow(root, name, body, mode)
	})
}

func writeBelow(root *os.Root, name string, body io.Reader, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Close())
}

// epoch is the time of every packed file, so that equal files pack to equal bytes.
var epoch = time.Unix(0, 0).UTC()

func tarFile(t *tar.Writer, name string, size int64, executable bool, body io.Reader) error {
	mode := int64(0o644)
	if executable {
		mode = 0o755
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: mode, ModTime: epoch, Format: tar.FormatPAX}); err != nil {
		return err
	}
	n, err := io.Copy(t, io.LimitReader(body, size))
	if err == nil && n != size {
		err = trimtab.Errorf(trimtab.Conflict, name, "%s changed while it was read", name)
	}
	return err
}

// tarFolder packs the files below dir in the order of their names.
func tarFolder(w io.Writer, root *os.Root, dir string) error {
	t := tar.NewWriter(w)
	err := fs.WalkDir(root.FS(), dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		name := p
		if dir != "." {
			name = p[len(dir)+1:]
		}
		if d.IsDir() {
			return t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755, ModTime: epoch, Format: tar.FormatPAX})
		}
		f, err := root.Open(p) // a link is followed as long as it stays below root
		if err != nil && d.Type()&fs.ModeSymlink != 0 {
			return badLink(p)
		}
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return trimtab.Errorf(trimtab.Precondition, p, "%s is no regular file and cannot be kept", p)
		}
		return tarFile(t, name, info.Size(), info.Mode()&0o100 != 0, f)
	})
	return errors.Join(err, t.Close())
}

func badLink(name string) error {
	return trimtab.Errorf(trimtab.Precondition, name, "the step left a link at $OUT/%s that leads outside or nowhere; leave the file itself", name)
}
