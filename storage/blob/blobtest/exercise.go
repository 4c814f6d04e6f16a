package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/blob"
)

// Exercise runs the whole contract of blob.Store against empty stores that the
// constructor makes. The constructor registers the clean-up of its store.
func Exercise(t *testing.T, open func(t *testing.T) blob.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, blob.Store)
	}{
		{"RoundTrip", roundTrip},
		{"Idempotent", idempotent},
		{"ConcurrentSamePuts", concurrentSamePuts},
		{"ConcurrentOtherPuts", concurrentOtherPuts},
		{"ReaderFails", readerFails},
		{"Cancelled", cancelled},
		{"CancelledMidway", cancelledMidway},
		{"Missing", absent},
		{"MalformedDigest", malformedDigest},
		{"Seek", seek},
		{"ReadAt", readAt},
		{"DeleteWhileOpen", deleteWhileOpen},
		{"DeleteAndPutAgain", deleteAndPutAgain},
		{"List", list},
		{"ListStopsEarly", listStopsEarly},
		{"Verify", verify},
		{"Limit", limit},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// noise is reproducible content.
func noise(seed uint64, size int) []byte {
	p := make([]byte, size)
	var s [32]byte
	s[0], s[1] = byte(seed), byte(seed>>8)
	_, _ = rand.NewChaCha8(s).Read(p)
	return p
}

func put(t testing.TB, s blob.Store, p []byte) trimtab.Digest {
	t.Helper()
	d, size, err := s.Put(t.Context(), bytes.NewReader(p))
	if err != nil {
		t.Fatalf("Put of %d bytes: %v", len(p), err)
	}
	if want := trimtab.DigestOf(p); d != want {
		t.Fatalf("Put of %d bytes: digest %s, want %s", len(p), d, want)
	}
	if size != int64(len(p)) {
		t.Fatalf("Put of %d bytes: size %d", len(p), size)
	}
	return d
}

func get(t testing.TB, s blob.Store, d trimtab.Digest) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), d)
	if err != nil {
		t.Fatalf("Open(%s): %v", d, err)
	}
	defer r.Close()
	p, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", d, err)
	}
	if r.Size() != int64(len(p)) {
		t.Errorf("%s has Size %d and %d bytes", d, r.Size(), len(p))
	}
	return p
}

func digests(t testing.TB, s blob.Store) []trimtab.Digest {
	t.Helper()
	var all []trimtab.Digest
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		all = append(all, info.Digest)
	}
	return all
}

func wantEmpty(t testing.TB, s blob.Store) {
	t.Helper()
	if all := digests(t, s); len(all) != 0 {
		t.Errorf("the store has %v, want nothing", all)
	}
}

func wantKind(t testing.TB, what string, err error, kind trimtab.Kind) {
	t.Helper()
	if !trimtab.IsKind(err, kind) {
		t.Errorf("%s: %v is not of kind %v", what, err, kind)
	}
}

func roundTrip(t *testing.T, s blob.Store) {
	// Around the sizes of buffers, and one well above any of them.
	for i, size := range []int{0, 1, 511, 32 << 10, 256<<10 - 1, 256 << 10, 256<<10 + 1, 1<<20 + 17, 24 << 20} {
		p := noise(uint64(i), size)
		d := put(t, s, p)
		if got := get(t, s, d); !bytes.Equal(got, p) {
			t.Errorf("%d bytes came back as %d others", size, len(got))
		}
		info, err := s.Stat(t.Context(), d)
		if err != nil {
			t.Fatalf("Stat: %v", err)
		}
		if info.Digest != d || info.Size != int64(size) || info.Time.IsZero() {
			t.Errorf("Stat of %d bytes = %+v", size, info)
		}
	}
	// Readers that hand out bytes in odd ways.
	p := noise(99, 100_000)
	for _, r := range []io.Reader{iotest.OneByteReader(bytes.NewReader(p[:1000])), iotest.HalfReader(bytes.NewReader(p)), iotest.DataErrReader(bytes.NewReader(p))} {
		d, size, err := s.Put(t.Context(), r)
		if err != nil {
			t.Fatalf("Put: %v", err)
		}
		if want := trimtab.DigestOf(p[:size]); d != want {
			t.Errorf("%T: %s, want %s", r, d, want)
		}
	}
}

func idempotent(t *testing.T, s blob.Store) {
	p := noise(1, 5000)
	d := put(t, s, p)
	before, err := s.Stat(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if again := put(t, s, p); again != d {
		t.Errorf("the second Put gave %s, the first %s", again, d)
	}
	after, err := s.Stat(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if after.Time.Before(before.Time) {
		t.Errorf("the second Put made the object older: %v, then %v", before.Time, after.Time)
	}
	if all := digests(t, s); len(all) != 1 {
		t.Errorf("the store has %v, want one object", all)
	}
}

func concurrentSamePuts(t *testing.T, s blob.Store) {
	p := noise(2, 300_000)
	want := trimtab.DigestOf(p)
	var start, done sync.WaitGroup
	start.Add(1)
	for range 16 {
		done.Go(func() {
			start.Wait()
			d, size, err := s.Put(t.Context(), bytes.NewReader(p))
			if err != nil || d != want || size != int64(len(p)) {
				t.Errorf("Put = %s, %d, %v", d, size, err)
				return
			}
			// What was put is there at once, whoever else is putting it.
			if err := blob.Verify(t.Context(), s, d); err != nil {
				t.Errorf("Verify after Put: %v", err)
			}
		})
	}
	start.Done()
	done.Wait()
	if all := digests(t, s); len(all) != 1 {
		t.Errorf("the store has %d objects, want one", len(all))
	}
}

func concurrentOtherPuts(t *testing.T, s blob.Store) {
	var done sync.WaitGroup
	const writers, each = 8, 10
	for w := range writers {
		done.Go(func() {
			for i := range each {
				p := noise(uint64(1000+w*each+i), 10_000+w*each+i)
				d, _, err := s.Put(t.Context(), bytes.NewReader(p))
				if err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				if err := blob.Verify(t.Context(), s, d); err != nil {
					t.Errorf("Verify: %v", err)
				}
			}
		})
	}
	done.Wait()
	if all := digests(t, s); len(all) != writers*each {
		t.Errorf("the store has %d objects, want %d", len(all), writers*each)
	}
}

func readerFails(t *testing.T, s blob.Store) {
	cause := errors.New("the line went dead")
	for _, size := range []int{0, 1, 1 << 20} {
		p := noise(3, size)
		d, n, err := s.Put(t.Context(), io.MultiReader(bytes.NewReader(p), iotest.ErrReader(cause)))
		if !errors.Is(err, cause) {
			t.Errorf("after %d bytes: %v does not wrap the reader's error", size, err)
		}
		if d != "" || n != 0 {
			t.Errorf("after %d bytes: %q and %d beside the error", size, d, n)
		}
		if _, err := s.Stat(t.Context(), trimtab.DigestOf(p)); !trimtab.IsKind(err, trimtab.NotFound) {
			t.Errorf("after %d bytes: Stat of the part: %v, want NotFound", size, err)
		}
	}
	denied := trimtab.Errorf(trimtab.Denied, "upload", "no")
	_, _, err := s.Put(t.Context(), iotest.ErrReader(denied))
	wantKind(t, "a reader's own kind", err, trimtab.Denied)
	if _, _, err := s.Put(t.Context(), stuck{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that never gives a byte: %v", err)
	}
	wantEmpty(t, s)
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func cancelled(t *testing.T, s blob.Store) {
	d := put(t, s, noise(4, 10))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := s.Put(ctx, strings.NewReader("never"))
	wantKind(t, "Put", err, trimtab.Canceled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v does not wrap context.Canceled", err)
	}
	_, err = s.Open(ctx, d)
	wantKind(t, "Open", err, trimtab.Canceled)
	_, err = s.Stat(ctx, d)
	wantKind(t, "Stat", err, trimtab.Canceled)
	wantKind(t, "Delete", s.Delete(ctx, d), trimtab.Canceled)
	err = nil
	for _, err = range s.List(ctx) {
	}
	wantKind(t, "List", err, trimtab.Canceled)
	if all := digests(t, s); !slices.Equal(all, []trimtab.Digest{d}) {
		t.Errorf("the store has %v, want %s alone", all, d)
	}
}

func cancelledMidway(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the client hung up")
	reads := 0
	endless := readerFunc(func(p []byte) (int, error) {
		if reads++; reads == 5 {
			cancel(cause)
		}
		return len(p), nil
	})
	_, _, err := s.Put(ctx, endless)
	wantKind(t, "Put", err, trimtab.Canceled)
	if !errors.Is(err, cause) {
		t.Errorf("Put: %v does not wrap the cause", err)
	}
	wantEmpty(t, s)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func absent(t *testing.T, s blob.Store) {
	put(t, s, []byte("something else"))
	d := trimtab.DigestOf([]byte("nobody put this"))
	_, err := s.Open(t.Context(), d)
	wantKind(t, "Open", err, trimtab.NotFound)
	_, err = s.Stat(t.Context(), d)
	wantKind(t, "Stat", err, trimtab.NotFound)
	wantKind(t, "Verify", blob.Verify(t.Context(), s, d), trimtab.NotFound)
	if err := s.Delete(t.Context(), d); err != nil {
		t.Errorf("Delete: %v, want no error", err)
	}
}

func malformedDigest(t *testing.T, s blob.Store) {
	good := put(t, s, []byte("x"))
	for _, d := range []trimtab.Digest{"", "x", "sha256:", trimtab.Digest(good.Hex()), good[:70], good + "0",
		trimtab.Digest(strings.ToUpper(string(good))), "sha256:" + trimtab.Digest(strings.Repeat("../", 21)+"a"), "sha1:" + good[7:],
		"sha256:" + trimtab.Digest(strings.Repeat("0", 63)) + "\x00"} {
		_, err := s.Open(t.Context(), d)
		wantKind(t, fmt.Sprintf("Open(%q)", d), err, trimtab.Invalid)
		_, err = s.Stat(t.Context(), d)
		wantKind(t, fmt.Sprintf("Stat(%q)", d), err, trimtab.Invalid)
		wantKind(t, fmt.Sprintf("Delete(%q)", d), s.Delete(t.Context(), d), trimtab.Invalid)
	}
}

func seek(t *testing.T, s blob.Store) {
	p := noise(5, 100_000)
	r, err := s.Open(t.Context(), put(t, s, p))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, step := range []struct {
		offset int64
		whence int
		at     int64
	}{{1000, io.SeekStart, 1000}, {500, io.SeekCurrent, 1600}, {-100, io.SeekEnd, 99_900}, {0, io.SeekStart, 0}, {0, io.SeekEnd, 100_000}} {
		at, err := r.Seek(step.offset, step.whence)
		if err != nil || at != step.at {
			t.Fatalf("Seek(%d, %d) = %d, %v, want %d", step.offset, step.whence, at, err, step.at)
		}
		part := make([]byte, 100)
		n, err := io.ReadFull(r, part)
		if step.at == int64(len(p)) {
			if err != io.EOF {
				t.Errorf("read at the end: %v, want EOF", err)
			}
			continue
		}
		if err != nil || !bytes.Equal(part[:n], p[step.at:step.at+100]) {
			t.Errorf("100 bytes at %d are wrong (%d read, %v)", step.at, n, err)
		}
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek to before the start succeeds")
	}
}

func readAt(t *testing.T, s blob.Store) {
	p := noise(6, 1<<20)
	r, err := s.Open(t.Context(), put(t, s, p))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var done sync.WaitGroup
	for i := range 8 {
		done.Go(func() {
			part := make([]byte, 4096)
			for at := int64(i) * 4096; at < int64(len(p)); at += 8 * 4096 {
				if _, err := r.ReadAt(part, at); err != nil || !bytes.Equal(part, p[at:at+4096]) {
					t.Errorf("4096 bytes at %d are wrong (%v)", at, err)
					return
				}
			}
		})
	}
	done.Wait()
	if n, err := r.ReadAt(make([]byte, 10), int64(len(p))-4); n != 4 || err != io.EOF {
		t.Errorf("ReadAt across the end = %d, %v, want 4 and EOF", n, err)
	}
}

func deleteWhileOpen(t *testing.T, s blob.Store) {
	p := noise(7, 1<<20)
	d := put(t, s, p)
	r, err := s.Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	half := make([]byte, len(p)/2)
	if _, err := io.ReadFull(r, half); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), d); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	rest, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(append(half, rest...), p) {
		t.Errorf("the open object changed by its deletion (%v)", err)
	}
	_, err = s.Open(t.Context(), d)
	wantKind(t, "Open afterwards", err, trimtab.NotFound)
	wantEmpty(t, s)
}

func deleteAndPutAgain(t *testing.T, s blob.Store) {
	p := noise(8, 1000)
	d := put(t, s, p)
	for range 3 {
		if err := s.Delete(t.Context(), d); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		wantEmpty(t, s)
		put(t, s, p)
	}
	if got := get(t, s, d); !bytes.Equal(got, p) {
		t.Error("the object came back changed")
	}
}

func list(t *testing.T, s blob.Store) {
	wantEmpty(t, s)
	began := time.Now().Add(-time.Minute)
	sizes := map[trimtab.Digest]int64{}
	for i := range 300 { // more than there can be folders of two digits
		sizes[put(t, s, fmt.Appendf(nil, "object %d", i))] = int64(len(fmt.Sprintf("object %d", i)))
	}
	var last trimtab.Digest
	seen := 0
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if info.Digest <= last {
			t.Errorf("%s comes after %s", info.Digest, last)
		}
		if size, ok := sizes[info.Digest]; !ok || size != info.Size || info.Time.Before(began) {
			t.Errorf("List gave %+v, size should be %d", info, size)
		}
		last = info.Digest
		seen++
	}
	if seen != len(sizes) {
		t.Errorf("List gave %d objects, want %d", seen, len(sizes))
	}
	// A list is taken anew each time it is ranged over, and deleting while it
	// runs is how garbage is collected.
	all := s.List(t.Context())
	for info, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), info.Digest); err != nil {
			t.Fatal(err)
		}
	}
	for info := range all {
		t.Fatalf("%s is still there", info.Digest)
	}
}

func listStopsEarly(t *testing.T, s blob.Store) {
	for i := range 5 {
		put(t, s, []byte{byte(i)})
	}
	seen := 0
	for range s.List(t.Context()) {
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 {
		t.Errorf("%d objects seen before the break, want 2", seen)
	}
}

func verify(t *testing.T, s blob.Store) {
	d := put(t, s, noise(9, 700_000))
	if err := blob.Verify(t.Context(), s, d); err != nil {
		t.Errorf("Verify: %v", err)
	}
	empty := put(t, s, nil)
	if err := blob.Verify(t.Context(), s, empty); err != nil {
		t.Errorf("Verify of the empty object: %v", err)
	}
}

func limit(t *testing.T, s blob.Store) {
	const most = 300_000
	l := blob.Limit(s, most)
	p := noise(10, most+1)
	if _, size, err := l.Put(t.Context(), bytes.NewReader(p[:most])); err != nil || size != most {
		t.Errorf("an object at the limit: %d, %v", size, err)
	}
	if err := l.Delete(t.Context(), trimtab.DigestOf(p[:most])); err != nil {
		t.Fatal(err)
	}
	_, _, err := l.Put(t.Context(), bytes.NewReader(p))
	wantKind(t, "one byte more", err, trimtab.Exhausted)
	if got := trimtab.Message(err); !strings.Contains(got, "300000 bytes") {
		t.Errorf("the message %q does not name the limit", got)
	}
	endless := readerFunc(func(p []byte) (int, error) { return len(p), nil })
	_, _, err = l.Put(t.Context(), endless)
	wantKind(t, "an endless reader", err, trimtab.Exhausted)
	wantEmpty(t, s)

	none := blob.Limit(s, 0)
	if _, _, err := none.Put(t.Context(), strings.NewReader("")); err != nil {
		t.Errorf("the empty object below a limit of 0: %v", err)
	}
	_, _, err = none.Put(t.Context(), strings.NewReader("x"))
	wantKind(t, "a byte above a limit of 0", err, trimtab.Exhausted)
}
