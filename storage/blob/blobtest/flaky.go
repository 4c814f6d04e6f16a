package blobtest

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/blob"
)

// ErrInjected is the error of a [Flaky] store that names no other.
var ErrInjected = errors.New("injected failure")

// Flaky is a store that fails on demand; the fields are set before use. It is
// safe for concurrent use, and Calls tells a test that enumerates failures when
// it has come to the end.
type Flaky struct {
	blob.Store

	// AtCall is the number of the call that fails, counted from 1 over all
	// methods; 0 for none. A failing Put has read nothing.
	AtCall int64
	// AtByte is the number of the byte, counted from 1 over all reads of Puts
	// and of opened objects, in whose place the error comes; 0 for none. Reads
	// after it fail as well.
	AtByte int64
	// Err is the error; nil means ErrInjected.
	Err error

	calls, bytes atomic.Int64
}

// Calls is the number of calls so far.
func (f *Flaky) Calls() int64 { return f.calls.Load() }

// Bytes is the number of bytes that went through so far.
func (f *Flaky) Bytes() int64 { return f.bytes.Load() }

func (f *Flaky) failure() error {
	if f.Err != nil {
		return f.Err
	}
	return ErrInjected
}

func (f *Flaky) call() error {
	if f.calls.Add(1) == f.AtCall {
		return f.failure()
	}
	return nil
}

// Put implements blob.Store.
func (f *Flaky) Put(ctx context.Context, r io.Reader) (trimtab.Digest, int64, error) {
	if err := f.call(); err != nil {
		return "", 0, err
	}
	return f.Store.Put(ctx, readerOf(f, r))
}

// Open implements blob.Store.
func (f *Flaky) Open(ctx context.Context, d trimtab.Digest) (blob.Reader, error) {
	if err := f.call(); err != nil {
		return nil, err
	}
	r, err := f.Store.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	return flakyReader{r, f}, nil
}

// Stat implements blob.Store.
func (f *Flaky) Stat(ctx context.Context, d trimtab.Digest) (blob.Info, error) {
	if err := f.call(); err != nil {
		return blob.Info{}, err
	}
	return f.Store.Stat(ctx, d)
}

// Delete implements blob.Store.
func (f *Flaky) Delete(ctx context.Context, d trimtab.Digest) error {
	if err := f.call(); err != nil {
		return err
	}
	return f.Store.Delete(ctx, d)
}

// List implements blob.Store.
func (f *Flaky) List(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if err := f.call(); err != nil {
			yield(blob.Info{}, err)
			return
		}
		f.Store.List(ctx)(yield)
	}
}

// pass counts n bytes and returns how many of them come before the failure.
func (f *Flaky) pass(n int) (int, error) {
	after := f.bytes.Add(int64(n))
	if f.AtByte == 0 || after < f.AtByte {
		return n, nil
	}
	return max(0, n-int(after-f.AtByte)-1), f.failure()
}

func readerOf(f *Flaky, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if passed, failed := f.pass(n); failed != nil {
			return passed, failed
		}
		return n, err
	})
}

type flakyReader struct {
	blob.Reader
	f *Flaky
}

func (r flakyReader) Read(p []byte) (int, error) { return readerOf(r.f, r.Reader).Read(p) }

func (r flakyReader) ReadAt(p []byte, at int64) (int, error) {
	n, err := r.Reader.ReadAt(p, at)
	if passed, failed := r.f.pass(n); failed != nil {
		return passed, failed
	}
	return n, err
}
