package control

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trimtab/trimtab"
)

// memory is a journal in memory.
type memory struct {
	mu      sync.Mutex
	entries []trimtab.Entry
	cursor  map[string]int64
	parked  []int64
	changed chan struct{}
	fail    error // of Advance
}

func newMemory(n int) *memory {
	m := &memory{cursor: map[string]int64{}, changed: make(chan struct{})}
	m.add(n)
	return m
}

func (m *memory) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		m.entries = append(m.entries, trimtab.Entry{Index: int64(len(m.entries) + 1)})
	}
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) Entries(ctx context.Context, after int64, limit int) ([]trimtab.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.entries[after:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (m *memory) Cursor(ctx context.Context, c string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursor[c], nil
}

func (m *memory) Advance(ctx context.Context, c string, idx int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.cursor[c] = idx
	return nil
}

func (m *memory) Park(ctx context.Context, c string, idx int64, reason string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parked = append(m.parked, idx)
	return nil
}

func (m *memory) Wait(ctx context.Context, after int64) error {
	for {
		m.mu.Lock()
		head, changed := int64(len(m.entries)), m.changed
		m.mu.Unlock()
		if head > after {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestPoisonParksAndBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(10)
		var seen []int64
		down := 3
		poison := Consumer{Name: "poison", Tries: 3, Batch: 4, Handle: func(ctx context.Context, entries []trimtab.Entry) error {
			for _, e := range entries {
				switch e.Index {
				case 3:
					panic("cannot read this")
				case 6:
					return errors.New("cannot read this either")
				case 8:
					if down > 0 {
						down--
						return trimtab.Errorf(trimtab.Unavailable, "peer", "the peer is down")
					}
				}
				seen = append(seen, e.Index)
			}
			return nil
		}}
		other := 0
		healthy := Consumer{Name: "healthy", Handle: func(ctx context.Context, entries []trimtab.Entry) error {
			other += len(entries)
			return nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- Consume(ctx, m, nil, poison, healthy) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		m.add(2)
		synctest.Wait()
		if m.cursor["poison"] != 12 || m.cursor["healthy"] != 12 || other != 12 {
			t.Errorf("cursors %v, healthy handled %d", m.cursor, other)
		}
		if !slices.Equal(m.parked, []int64{3, 6}) {
			t.Errorf("parked %v, want 3 and 6", m.parked)
		}
		slices.Sort(seen)
		if got := slices.Compact(seen); !slices.Equal(got, []int64{1, 2, 4, 5, 7, 8, 9, 10, 11, 12}) {
			t.Errorf("handled %v", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestEntriesComeAgainWhenTheCursorCannotMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(3)
		m.fail = errors.New("no disk")
		times := 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- Consume(ctx, m, nil, Consumer{Name: "c", Handle: func(ctx context.Context, entries []trimtab.Entry) error {
				if len(entries) != 3 || entries[0].Index != 1 {
					t.Errorf("got %v", entries)
				}
				times++
				return nil
			}})
		}()
		time.Sleep(time.Second)
		m.mu.Lock()
		m.fail = nil
		m.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if times < 2 || m.cursor["c"] != 3 || len(m.parked) != 0 {
			t.Errorf("handled %d times, cursor %d, parked %v", times, m.cursor["c"], m.parked)
		}
		cancel()
		<-done
	})
}
