package blob

import (
	"context"
	"io"

	"github.com/trimtab/trimtab"
)

// Limit returns s with objects of at most max bytes. A Put of more is refused
// with Exhausted as soon as the byte too many is read, and leaves nothing. A max
// below 0 is taken as 0.
func Limit(s Store, max int64) Store {
	if max < 0 {
		max = 0
	}
	return &limited{s, max}
}

type limited struct {
	Store
	max int64
}

func (l *limited) Put(ctx context.Context, r io.Reader) (trimtab.Digest, int64, error) {
	return l.Store.Put(ctx, &bounded{r: r, left: l.max, max: l.max})
}

// bounded passes on at most left bytes and turns the next one into an error.
type bounded struct {
	r         io.Reader
	left, max int64
	err       error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if int64(len(p))-1 > b.left {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		err = trimtab.Errorf(trimtab.Exhausted, "object", "the object is larger than the limit of %d bytes", b.max)
	}
	b.left -= int64(n)
	b.err = err
	return n, err
}
