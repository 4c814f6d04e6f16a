package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/trimtab/trimtab"
)

// Store is a set of objects named by the SHA-256 of their bytes. All methods
// are safe for concurrent use. A digest that is not well-formed is an Invalid
// error in every method.
type Store interface {
	// Put reads r to its end and keeps the bytes. When it returns without an
	// error they survive a crash of process and machine; when it returns one,
	// nothing of them is visible. An error of r is returned so that errors.Is
	// and trimtab.KindOf still see it. Putting bytes that are there already
	// succeeds and renews their Info.Time. The context is looked at between
	// reads; a read of r that blocks is not interrupted.
	Put(ctx context.Context, r io.Reader) (d trimtab.Digest, size int64, err error)

	// Open returns the object for reading; the caller closes it. It is NotFound
	// when there is none. An object that is deleted while it is open stays
	// readable.
	Open(ctx context.Context, d trimtab.Digest) (Reader, error)

	// Stat describes the object; NotFound when there is none.
	Stat(ctx context.Context, d trimtab.Digest) (Info, error)

	// Delete removes the object. It is no error if there is none. After a crash
	// of the machine a deleted object may be back.
	Delete(ctx context.Context, d trimtab.Digest) error

	// List yields all objects in the order of their digests. Objects put or
	// deleted meanwhile may be missing or present. After an error, which comes
	// with a zero Info, it ends.
	List(ctx context.Context) iter.Seq2[Info, error]
}

// Reader reads one object. Read and Seek share a position and are for one
// goroutine; ReadAt may be used by many.
type Reader interface {
	io.ReadSeekCloser
	io.ReaderAt
	// Size is the number of bytes of the object.
	Size() int64
}

// Info describes an object.
type Info struct {
	Digest trimtab.Digest
	Size   int64
	// Time is when the object was last put. A collector leaves an object alone
	// until it is older than the longest time between a Put and the commit of
	// the row that refers to it.
	Time time.Time
}

// ErrCorrupt is in the chain of the error that says that an object's bytes are
// not those that its name stands for.
var ErrCorrupt = errors.New("the object is corrupt")

// Verify reads the object and checks its bytes against its name. The error is
// NotFound when there is no object and has ErrCorrupt in its chain when the
// bytes differ.
func Verify(ctx context.Context, s Store, d trimtab.Digest) (err error) {
	defer trimtab.Wrap(&err, "blob.Verify(%s)", d.Short())
	r, err := s.Open(ctx, d)
	if err != nil {
		return err
	}
	defer r.Close()
	hash := sha256.New()
	n, err := copyContext(ctx, hash, r)
	if err != nil {
		return err
	}
	if got := trimtab.DigestFrom([sha256.Size]byte(hash.Sum(nil))); got != d {
		return &trimtab.Error{Kind: trimtab.Internal, Subject: subject(d), Err: fmt.Errorf("%w: %d bytes with digest %s are stored as %s", ErrCorrupt, n, got, d)}
	}
	return nil
}

func subject(d trimtab.Digest) string { return "object " + d.Short() }

func notFound(d trimtab.Digest) error {
	return trimtab.Errorf(trimtab.NotFound, subject(d), "there is no object %s", d)
}

// canceled classifies the end of a context.
func canceled(ctx context.Context) error {
	return &trimtab.Error{Kind: trimtab.Canceled, Msg: "the transfer was cancelled", Err: context.Cause(ctx)}
}
