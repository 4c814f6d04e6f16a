package blob

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

func openDisk(t testing.TB, dir string) *Disk {
	t.Helper()
	d, err := OpenDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// files are all files below dir, as paths relative to it.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func put(t testing.TB, s Store, text string) trimtab.Digest {
	t.Helper()
	d, _, err := s.Put(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDiskLayout(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	put(t, d, "hello")
	// The digest of "hello" as sha256sum prints it.
	want := "[FORMAT objects/2c/f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824]"
	if got := fmt.Sprint(files(t, dir)); got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	info, err := os.Stat(filepath.Join(dir, "objects/2c/f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"))
	if err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("object has mode %v, %v, want it read-only for its owner", info.Mode(), err)
	}
	if format, _ := os.ReadFile(filepath.Join(dir, "FORMAT")); string(format) != "trimtab blob 1\n" {
		t.Errorf("FORMAT holds %q", format)
	}
}

func TestDiskMakesItsFolders(t *testing.T) {
	dir := t.TempDir()
	put(t, openDisk(t, filepath.Join(dir, "a", "b", "c")), "x")
	t.Chdir(dir)
	put(t, openDisk(t, "d/e"), "x")
	if got := len(files(t, dir)); got != 4 { // twice FORMAT and an object
		t.Errorf("%d files, want 4", got)
	}
}

func TestDiskSweepsLeftovers(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	kept := put(t, d, "kept")
	d.Close()
	for _, name := range []string{"tmp/HALFOBJECT", "tmp/other"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d = openDisk(t, dir)
	if got := files(t, filepath.Join(dir, "tmp")); len(got) != 0 {
		t.Errorf("leftovers: %v", got)
	}
	if err := Verify(t.Context(), d, kept); err != nil {
		t.Error(err)
	}
}

func TestDiskLeavesNothingOfAFailedPut(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	broken := errors.New("broken")
	_, _, err := d.Put(t.Context(), failing{err: broken})
	if !errors.Is(err, broken) {
		t.Errorf("Put: %v", err)
	}
	if got := files(t, dir); len(got) != 1 { // FORMAT
		t.Errorf("files left: %v", got)
	}
}

type failing struct{ err error }

func (f failing) Read(p []byte) (int, error) { return len(p) / 2, f.err }

func TestDiskFormat(t *testing.T) {
	dir := t.TempDir()
	openDisk(t, dir).Close()
	name := filepath.Join(dir, "FORMAT")
	if err := os.WriteFile(name, []byte("trimtab blob 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenDisk(dir)
	if !trimtab.IsKind(err, trimtab.Unsupported) || !strings.Contains(trimtab.Message(err), "trimtab blob 2") {
		t.Errorf("a newer format: %v", err)
	}
	// A crash right after the file was made.
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	openDisk(t, dir)
	if format, _ := os.ReadFile(name); string(format) != formatLine {
		t.Errorf("FORMAT holds %q", format)
	}
	if _, err := OpenDisk(name); err == nil {
		t.Error("a file opens as a store")
	}
}

// TestDiskFailsEachSync fails the syncs of one Put one after the other.
func TestDiskFailsEachSync(t *testing.T) {
	syncs := 0
	for n := 1; ; n++ {
		dir := t.TempDir()
		d := openDisk(t, dir)
		count := 0
		d.sync = func(f *os.File) error {
			if count++; count == n {
				return syscall.EIO
			}
			return f.Sync()
		}
		_, _, err := d.Put(t.Context(), strings.NewReader("x"))
		if count < n {
			if err != nil {
				t.Errorf("without a failure: %v", err)
			}
			break
		}
		syncs++
		if !errors.Is(err, syscall.EIO) || !trimtab.IsKind(err, trimtab.Internal) {
			t.Errorf("sync %d failed, Put said %v", n, err)
		}
		// The sync of a file concerns the file alone; that of a folder puts
		// everything behind it in doubt.
		_, _, err = d.Put(t.Context(), strings.NewReader("y"))
		if folder := n > 1; folder != errors.Is(err, syscall.EIO) {
			t.Errorf("after sync %d failed, the next Put said %v", n, err)
		}
		d.Close()
		d = openDisk(t, dir)
		put(t, d, "x")
	}
	if syncs != 3 { // the file, the folder of folders, the folder of the object
		t.Errorf("a Put syncs %d times, want 3", syncs)
	}
}

func TestDiskSyncsTheFolderOfAnObjectThatIsThere(t *testing.T) {
	d := openDisk(t, t.TempDir())
	put(t, d, "x")
	count := 0
	d.sync = func(f *os.File) error { count++; return f.Sync() }
	put(t, d, "x")
	if count != 2 {
		t.Errorf("%d syncs, want those of the file and of its folder", count)
	}
}

func TestDiskCorruption(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	digest := put(t, d, "hello")
	name := filepath.Join(dir, "objects", digest.Hex()[:2], digest.Hex()[2:])
	spoil := func(text string) {
		t.Helper()
		if err := errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	spoil("hellp")
	if err := Verify(t.Context(), d, digest); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a changed byte: %v", err)
	}
	spoil("hell")
	if err := Verify(t.Context(), d, digest); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a lost byte: %v", err)
	}
	// Putting the bytes again mends an object of the wrong size.
	put(t, d, "hello")
	if err := Verify(t.Context(), d, digest); err != nil {
		t.Errorf("after the second Put: %v", err)
	}
	if err := errors.Join(os.Remove(name), os.Mkdir(name, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), digest); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a folder in place of the object: %v", err)
	}
}

func TestDiskStaysInItsFolder(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	d := openDisk(t, dir)
	digest := put(t, d, "hello")
	name := filepath.Join(dir, "objects", digest.Hex()[:2], digest.Hex()[2:])
	if err := errors.Join(os.Remove(name), os.Symlink(outside, name)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), digest); err == nil {
		t.Error("a link leads out of the folder")
	}
	put(t, d, "hello")
	if err := Verify(t.Context(), d, digest); err != nil {
		t.Errorf("Put over the link: %v", err)
	}
	if text, _ := os.ReadFile(outside); string(text) != "secret" {
		t.Errorf("the file outside holds %q", text)
	}
}

func TestDiskPassesOverForeignFiles(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	digest := put(t, d, "hello")
	for _, name := range []string{"objects/README", "objects/" + digest.Hex()[:2] + "/.notes"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for info, err := range d.List(t.Context()) {
		if err != nil || info.Digest != digest {
			t.Errorf("List gave %v, %v", info, err)
		}
	}
}

func TestDiskRenewsTime(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	digest := put(t, d, "hello")
	name := filepath.Join(dir, "objects", digest.Hex()[:2], digest.Hex()[2:])
	old := time.Date(2013, 3, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	put(t, d, "hello")
	if info, err := d.Stat(t.Context(), digest); err != nil || !info.Time.After(old) {
		t.Errorf("Stat = %+v, %v, want a newer time than %v", info, err, old)
	}
}

func TestFaultKinds(t *testing.T) {
	for _, tt := range []struct {
		err  error
		kind trimtab.Kind
	}{
		{&os.PathError{Op: "write", Err: syscall.ENOSPC}, trimtab.Exhausted},
		{syscall.EDQUOT, trimtab.Exhausted},
		{syscall.EMFILE, trimtab.Unavailable},
		{syscall.EIO, trimtab.Internal},
	} {
		if got := trimtab.KindOf(fault(tt.err)); got != tt.kind {
			t.Errorf("%v is %v, want %v", tt.err, got, tt.kind)
		}
	}
}

// TestMain doubles as the program that TestDiskKilled kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("BLOB_WRITER"); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// writeUntilKilled puts objects for ever and prints each digest when its Put
// has returned.
func writeUntilKilled(dir string) {
	d, err := OpenDisk(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	done := make(chan trimtab.Digest)
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				p := bytes.Repeat(fmt.Appendf(nil, "%d %d %d\n", os.Getpid(), w, i), 1+i%3000)
				digest, _, err := d.Put(context.Background(), bytes.NewReader(p))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				done <- digest
			}
		}()
	}
	for digest := range done {
		fmt.Println(digest)
	}
}

// TestDiskKilled kills a writing process and checks that every acknowledged
// object is whole and that nothing else is visible.
func TestDiskKilled(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	dir := t.TempDir()
	acknowledged := map[trimtab.Digest]bool{}
	for round := range rounds {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "BLOB_WRITER="+dir)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if digest := trimtab.Digest(lines.Text()); digest.Hex() != "" {
				acknowledged[digest] = true
			}
			if n == 3+7*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
			t.Fatalf("the writer ended with %v, not by the kill: %s", err, &stderr)
		}
		d := openDisk(t, dir)
		if got := files(t, filepath.Join(dir, "tmp")); len(got) != 0 {
			t.Errorf("round %d: leftovers %v", round, got)
		}
		there := map[trimtab.Digest]bool{}
		for info, err := range d.List(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			there[info.Digest] = true
			if err := Verify(t.Context(), d, info.Digest); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
		for digest := range acknowledged {
			if !there[digest] {
				t.Errorf("round %d: %s was acknowledged and is lost", round, digest)
			}
		}
		d.Close()
	}
}

func BenchmarkPut(b *testing.B) {
	d := openDisk(b, b.TempDir())
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			p := make([]byte, size)
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				copy(p, fmt.Sprintf("%d %d", size, i))
				if _, _, err := d.Put(b.Context(), bytes.NewReader(p)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
