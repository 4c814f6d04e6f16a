package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trimtab/trimtab"
)

// Journal is what consumers need of the journal.
type Journal interface {
	Entries(ctx context.Context, after int64, limit int) ([]trimtab.Entry, error)
	Cursor(ctx context.Context, consumer string) (int64, error)
	Advance(ctx context.Context, consumer string, idx int64) error
	Park(ctx context.Context, consumer string, idx int64, reason string) error
	Wait(ctx context.Context, after int64) error
}

// Consumer follows the journal under a name that its cursor is kept by. Handle
// gets entries in order, each at least once, and must be idempotent. An error
// hands it the same entries again; an entry that it fails on Tries times alone is
// parked, and the next ones go on. An error of kind Unavailable or Canceled is no
// try: it is repeated until it passes.
type Consumer struct {
	Name   string
	Handle func(ctx context.Context, entries []trimtab.Entry) error
	Tries  int // default 5
	Batch  int // default 256
}

// Consume runs consumers until ctx ends; then it returns nil. Each goes at its own pace.
func Consume(ctx context.Context, journal Journal, log *slog.Logger, consumers ...Consumer) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range consumers {
		if c.Tries <= 0 {
			c.Tries = 5
		}
		if c.Batch <= 0 {
			c.Batch = 256
		}
		f := &follower{Consumer: c, journal: journal, log: log.With("consumer", c.Name)}
		group.Go(func() error { return f.run(ctx) })
	}
	return group.Wait()
}

type follower struct {
	Consumer
	journal Journal
	log     *slog.Logger
	pause   time.Duration // of the present run of errors
}

func (f *follower) run(ctx context.Context) error {
	cursor, known := int64(0), false
	for ctx.Err() == nil {
		var err error
		if !known {
			if cursor, err = f.journal.Cursor(ctx, f.Name); err == nil {
				known = true
			}
		}
		if err == nil {
			cursor, err = f.next(ctx, cursor)
		}
		if err == nil {
			f.pause = 0
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		f.log.WarnContext(ctx, "following the journal failed", "cursor", cursor, "error", err)
		f.rest(ctx)
	}
	return nil
}

// next waits for entries after the cursor, handles them and returns the new cursor.
func (f *follower) next(ctx context.Context, cursor int64) (int64, error) {
	if err := f.journal.Wait(ctx, cursor); err != nil {
		return cursor, err
	}
	entries, err := f.journal.Entries(ctx, cursor, f.Batch)
	if err != nil || len(entries) == 0 {
		return cursor, err
	}
	if err := f.handle(ctx, entries); err == nil {
		return f.advance(ctx, cursor, entries[len(entries)-1].Index)
	} else if passing(err) || ctx.Err() != nil {
		return cursor, err
	}
	for _, e := range entries { // one of them is poison: one by one from here
		if err := f.alone(ctx, e); err != nil {
			return cursor, err
		}
		if cursor, err = f.advance(ctx, cursor, e.Index); err != nil {
			return cursor, err
		}
	}
	return cursor, nil
}

// alone handles one entry until it works or is parked.
func (f *follower) alone(ctx context.Context, e trimtab.Entry) error {
	for try := 1; ; try++ {
		err := f.handle(ctx, []trimtab.Entry{e})
		switch {
		case err == nil:
			f.pause = 0
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case passing(err):
			try--
		case try >= f.Tries:
			f.log.ErrorContext(ctx, "a journal entry is parked", "index", e.Index, "action", e.Action, "object", e.Object.String(), "error", err)
			f.pause = 0
			return f.journal.Park(ctx, f.Name, e.Index, err.Error())
		}
		f.rest(ctx)
	}
}

func (f *follower) advance(ctx context.Context, from, to int64) (int64, error) {
	if err := f.journal.Advance(ctx, f.Name, to); err != nil {
		return from, err
	}
	return to, nil
}

// rest waits longer after each error in a row, 10 s at most.
func (f *follower) rest(ctx context.Context) {
	f.pause = min(max(2*f.pause, 50*time.Millisecond), 10*time.Second)
	t := time.NewTimer(f.pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (f *follower) handle(ctx context.Context, entries []trimtab.Entry) (err error) {
	defer func() {
		if r := recover(); r != nil {
			f.log.ErrorContext(ctx, "a consumer panicked", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f.Handle(ctx, entries)
}

// passing reports whether the error says nothing about the entry.
func passing(err error) bool {
	return trimtab.IsKind(err, trimtab.Unavailable) || trimtab.IsKind(err, trimtab.Canceled) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
