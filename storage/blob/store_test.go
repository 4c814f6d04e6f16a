package blob_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/blob/blobtest"
)

func openDisk(t *testing.T) blob.Store {
	t.Helper()
	d, err := blob.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return d
}

func TestDisk(t *testing.T) { blobtest.Exercise(t, openDisk) }

// The decorators keep the contract of what they decorate.
func TestLimited(t *testing.T) {
	blobtest.Exercise(t, func(t *testing.T) blob.Store { return blob.Limit(openDisk(t), 1<<62) })
}

func TestFlakyAtRest(t *testing.T) {
	blobtest.Exercise(t, func(t *testing.T) blob.Store { return &blobtest.Flaky{Store: openDisk(t)} })
}

func TestFlakyCalls(t *testing.T) {
	own := trimtab.Errorf(trimtab.Unavailable, "object store", "away")
	for n := int64(1); n <= 6; n++ {
		f := &blobtest.Flaky{Store: openDisk(t), AtCall: n, Err: own}
		var failed []string
		note := func(what string, err error) {
			if err != nil {
				failed = append(failed, what)
				if !errors.Is(err, own) {
					t.Errorf("call %d: %s: %v", n, what, err)
				}
			}
		}
		d := trimtab.DigestOf([]byte("x"))
		if _, _, err := f.Store.Put(t.Context(), strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
		_, _, err := f.Put(t.Context(), strings.NewReader("x"))
		note("Put", err)
		r, err := f.Open(t.Context(), d)
		note("Open", err)
		if err == nil {
			r.Close()
		}
		_, err = f.Stat(t.Context(), d)
		note("Stat", err)
		for _, err := range f.List(t.Context()) {
			note("List", err)
		}
		note("Delete", f.Delete(t.Context(), d))
		want := []string{"Put", "Open", "Stat", "List", "Delete", ""}[n-1]
		if got := strings.Join(failed, " "); got != want {
			t.Errorf("call %d: %q failed, want %q", n, got, want)
		}
		if f.Calls() != 5 {
			t.Errorf("%d calls counted, want 5", f.Calls())
		}
	}
}

func TestFlakyBytes(t *testing.T) {
	p := bytes.Repeat([]byte("0123456789"), 100)
	for _, at := range []int64{1, 500, 1000} {
		f := &blobtest.Flaky{Store: openDisk(t), AtByte: at}
		if _, _, err := f.Put(t.Context(), bytes.NewReader(p)); !errors.Is(err, blobtest.ErrInjected) {
			t.Errorf("Put failing at byte %d: %v", at, err)
		}
		for info := range f.Store.List(t.Context()) {
			t.Errorf("%s is there after a Put that failed at byte %d", info.Digest, at)
		}
		d, _, err := f.Store.Put(t.Context(), bytes.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		g := &blobtest.Flaky{Store: f.Store, AtByte: at}
		r, err := g.Open(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if !errors.Is(err, blobtest.ErrInjected) || !bytes.Equal(got, p[:at-1]) {
			t.Errorf("reading with a failure at byte %d gave %d bytes and %v", at, len(got), err)
		}
		if _, err := r.ReadAt(make([]byte, 10), 0); !errors.Is(err, blobtest.ErrInjected) {
			t.Errorf("ReadAt after the failure: %v", err)
		}
		r.Close()
	}
	f := &blobtest.Flaky{Store: openDisk(t), AtByte: int64(len(p)) + 1}
	if _, _, err := f.Put(t.Context(), bytes.NewReader(p)); err != nil {
		t.Errorf("Put that ends before the failing byte: %v", err)
	}
}
