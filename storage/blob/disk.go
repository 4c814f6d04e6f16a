package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/trimtab/trimtab"
)

// Names inside the folder of a Disk; docs/format/blob.md describes them.
const (
	objectsDir = "objects"
	tempDir    = "tmp"
	formatFile = "FORMAT"
	formatLine = "trimtab blob 1\n"
)

// Disk is a Store in a folder of the local file system, reached through an
// os.Root so that no name can lead out of it. One process at a time uses the
// folder; the lock on the data folder sees to that.
type Disk struct {
	root *os.Root
	sync func(*os.File) error

	// folders[i] is set once objects/<i in hex> is known to be on stable
	// storage.
	folders [256]atomic.Bool

	// broken is set for good when a folder could not be synced: the kernel may
	// have dropped the change and report success the next time, so that only a
	// fresh start can tell what is really there.
	broken atomic.Pointer[error]
}

// OpenDisk opens the store in a folder, which it creates if need be, and clears
// away what interrupted Puts have left. It refuses a folder that a newer format
// has written. The caller closes the Disk when no method is running any more.
func OpenDisk(dir string) (_ *Disk, err error) {
	defer trimtab.Wrap(&err, "blob.OpenDisk(%s)", dir)
	if err := makeDurable(dir); err != nil {
		return nil, fault(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault(err)
	}
	d := &Disk{root: root, sync: (*os.File).Sync}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return d, nil
}

// makeDurable creates a folder and its parents as far as they are missing, each
// of them on stable storage before anything is put inside.
func makeDurable(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDurable(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Close releases the folder. Readers that are open stay usable.
func (d *Disk) Close() error { return d.root.Close() }

func (d *Disk) prepare() error {
	for _, name := range []string{objectsDir, tempDir} {
		if err := d.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fault(err)
		}
	}
	if err := d.checkFormat(); err != nil {
		return err
	}
	if err := d.syncFolder("."); err != nil {
		return err
	}
	left, err := d.names(tempDir)
	if err != nil {
		return fault(err)
	}
	for _, name := range left {
		if err := d.root.RemoveAll(tempDir + "/" + name); err != nil {
			return fault(err)
		}
	}
	return nil
}

// checkFormat writes the format file of a new folder and compares that of an
// old one.
func (d *Disk) checkFormat() error {
	have, err := d.root.ReadFile(formatFile)
	if err == nil && string(have) != formatLine && len(have) > 0 {
		return trimtab.Errorf(trimtab.Unsupported, "object store", "the objects are in format %.40q, this program reads %q; use the version that wrote them", have, formatLine)
	}
	if err == nil && len(have) > 0 {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault(err)
	}
	// Absent, or empty after a crash between creation and write.
	f, err := d.root.Create(formatFile)
	if err != nil {
		return fault(err)
	}
	_, err = io.WriteString(f, formatLine)
	if err == nil {
		err = d.sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fault(err)
	}
	return nil
}

// Put implements Store. The bytes pass once through SHA-256 into a file of a
// random name, which gets its real name when they are on stable storage.
func (d *Disk) Put(ctx context.Context, r io.Reader) (digest trimtab.Digest, size int64, err error) {
	defer trimtab.Wrap(&err, "blob.Put")
	if broken := d.broken.Load(); broken != nil {
		return "", 0, *broken
	}
	if ctx.Err() != nil {
		return "", 0, canceled(ctx)
	}
	temp := tempDir + "/" + rand.Text()
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", 0, fault(err)
	}
	placed := false
	defer func() {
		if !placed {
			// What cannot be removed now is swept when the folder is opened.
			_ = d.root.Remove(temp)
		}
	}()
	digest, size, err = d.fill(ctx, f, r)
	if err != nil {
		return "", 0, err
	}
	if placed, err = d.place(temp, digest, size); err != nil {
		return "", 0, err
	}
	return digest, size, nil
}

// fill writes r into f, which it closes, and makes it durable.
func (d *Disk) fill(ctx context.Context, f *os.File, r io.Reader) (trimtab.Digest, int64, error) {
	hash := sha256.New()
	size, err := copyContext(ctx, io.MultiWriter(hash, writer{f}), r)
	if err == nil {
		if err = f.Chmod(0o400); err == nil {
			err = d.sync(f)
		}
		if err != nil {
			err = fault(err)
		}
	}
	if closing := f.Close(); err == nil && closing != nil {
		err = fault(closing)
	}
	if err != nil {
		return "", 0, err
	}
	return trimtab.DigestFrom([sha256.Size]byte(hash.Sum(nil))), size, nil
}

// place gives a finished file its name, unless the object is there already, and
// makes the name durable. It reports whether the temporary name is gone.
func (d *Disk) place(temp string, digest trimtab.Digest, size int64) (bool, error) {
	folder, name, err := objectPath(digest)
	if err != nil {
		return false, err
	}
	if err := d.makeFolder(folder, digest); err != nil {
		return false, err
	}
	placed := false
	have, err := d.root.Lstat(name)
	if err == nil && have.Mode().IsRegular() && have.Size() == size {
		now := time.Now()
		err = d.root.Chtimes(name, now, now)
	}
	// An object of the wrong size is damaged and is replaced by the good bytes.
	// One that vanished before its time was set has been deleted meanwhile.
	if err != nil || !have.Mode().IsRegular() || have.Size() != size {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, fault(err)
		}
		if err := d.root.Rename(temp, name); err != nil {
			return false, fault(err)
		}
		placed = true
	}
	// Also when the object was there: whoever put it may not have come to this
	// line yet, and this Put answers for the bytes as well.
	return placed, d.syncFolder(folder)
}

func (d *Disk) makeFolder(folder string, digest trimtab.Digest) error {
	known := &d.folders[folderIndex(digest)]
	if known.Load() {
		return nil
	}
	if err := d.root.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fault(err)
	}
	if err := d.syncFolder(objectsDir); err != nil {
		return err
	}
	known.Store(true)
	return nil
}

func (d *Disk) syncFolder(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return fault(err)
	}
	err = d.sync(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		return nil
	}
	err = &trimtab.Error{Kind: trimtab.Internal, Subject: "object store", Err: fmt.Errorf("the folder %s could not be made durable, check the disk and restart: %w", name, err)}
	d.broken.CompareAndSwap(nil, &err)
	return err
}

// Open implements Store.
func (d *Disk) Open(ctx context.Context, digest trimtab.Digest) (_ Reader, err error) {
	defer trimtab.Wrap(&err, "blob.Open(%s)", digest.Short())
	if ctx.Err() != nil {
		return nil, canceled(ctx)
	}
	_, name, err := objectPath(digest)
	if err != nil {
		return nil, err
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, missing(err, digest)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: %s is no regular file", ErrCorrupt, name)
	}
	if err != nil {
		return nil, errors.Join(fault(err), f.Close())
	}
	return &file{f, info.Size()}, nil
}

// Stat implements Store.
func (d *Disk) Stat(ctx context.Context, digest trimtab.Digest) (_ Info, err error) {
	defer trimtab.Wrap(&err, "blob.Stat(%s)", digest.Short())
	if ctx.Err() != nil {
		return Info{}, canceled(ctx)
	}
	_, name, err := objectPath(digest)
	if err != nil {
		return Info{}, err
	}
	info, err := d.root.Lstat(name)
	if err != nil {
		return Info{}, missing(err, digest)
	}
	return Info{Digest: digest, Size: info.Size(), Time: info.ModTime()}, nil
}

// Delete implements Store.
func (d *Disk) Delete(ctx context.Context, digest trimtab.Digest) (err error) {
	defer trimtab.Wrap(&err, "blob.Delete(%s)", digest.Short())
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	_, name, err := objectPath(digest)
	if err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault(err)
	}
	return nil
}

// List implements Store. Files whose name is no digest are not objects and are
// passed over.
func (d *Disk) List(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		fail := func(err error) {
			trimtab.Wrap(&err, "blob.List")
			yield(Info{}, err)
		}
		for i := range 256 {
			folder := fmt.Sprintf("%s/%02x", objectsDir, i)
			names, err := d.names(folder)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				fail(fault(err))
				return
			}
			for _, name := range names {
				if ctx.Err() != nil {
					fail(canceled(ctx))
					return
				}
				digest := trimtab.Digest(fmt.Sprintf("sha256:%02x%s", i, name))
				if digest.Hex() == "" {
					continue
				}
				info, err := d.root.Lstat(folder + "/" + name)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					fail(fault(err))
					return
				}
				if !yield(Info{Digest: digest, Size: info.Size(), Time: info.ModTime()}, nil) {
					return
				}
			}
		}
		if ctx.Err() != nil {
			fail(canceled(ctx))
		}
	}
}

// names are the sorted names in a folder.
func (d *Disk) names(folder string) ([]string, error) {
	entries, err := fs.ReadDir(d.root.FS(), folder)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// objectPath is where an object lies: its folder and its full name.
func objectPath(d trimtab.Digest) (folder, name string, err error) {
	hex := d.Hex()
	if hex == "" {
		return "", "", trimtab.Errorf(trimtab.Invalid, "object", "%.80q is no digest; one is written sha256: and 64 hexadecimal digits in lower case", string(d))
	}
	folder = objectsDir + "/" + hex[:2]
	return folder, folder + "/" + hex[2:], nil
}

func folderIndex(d trimtab.Digest) int {
	digit := func(c byte) int {
		if c >= 'a' {
			return int(c-'a') + 10
		}
		return int(c - '0')
	}
	hex := d.Hex()
	return digit(hex[0])<<4 | digit(hex[1])
}

type file struct {
	*os.File
	size int64
}

func (f *file) Size() int64 { return f.size }

// writer marks the errors of the file as ours, so that they are told apart
// from those of the reader.
type writer struct{ f *os.File }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = fault(err)
	}
	return n, err
}

// fault classifies an error of the file system.
func fault(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &trimtab.Error{Kind: trimtab.Exhausted, Subject: "object store", Msg: "there is no space left for objects on the server's disk", Err: err}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "object store", Msg: "the server has too many files open, try again", Err: err}
	}
	return &trimtab.Error{Kind: trimtab.Internal, Subject: "object store", Err: err}
}

func missing(err error, d trimtab.Digest) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notFound(d)
	}
	return fault(err)
}

// buffers hold the pieces in which bytes are moved. 256 KiB keep the number of
// system calls and hash calls small without mattering beside the memory of a
// request.
var buffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// copyContext copies until r ends or ctx is done.
func copyContext(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	buffer := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(buffer)
	var total int64
	idle := 0
	for {
		if ctx.Err() != nil {
			return total, canceled(ctx)
		}
		n, err := r.Read(buffer[:])
		if n > 0 {
			idle = 0
			if _, err := w.Write(buffer[:n]); err != nil {
				return total, err
			}
			total += int64(n)
		}
		switch {
		case err == io.EOF:
			return total, nil
		case err != nil:
			return total, err
		case n == 0:
			// The reader of bufio gives up after as many empty reads.
			if idle++; idle >= 100 {
				return total, io.ErrNoProgress
			}
		}
	}
}
