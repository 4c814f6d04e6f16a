package api

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/evaluate"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// performance measures a version on logged rows. What has been measured before is not read again: samples of equal
// digests are equal.
func (t *table) performance(ctx context.Context, q evaluate.SampleRequest) (view.Performance, error) {
	p := view.Performance{Model: q.Model, Version: q.Version, Against: q.Against, Metrics: []view.PerformanceMetric{}}
	parts := t.cfg.Models
	if parts.Samples == nil {
		return p, absent("gate")
	}
	if q.Against == q.Version {
		return p, trimtab.Errorf(trimtab.Invalid, "against", "version %d is compared with itself: name another one", q.Version)
	}
	f, err := parts.Samples.Survey(ctx, q)
	if err != nil {
		return p, err
	}
	if f.Why != "" {
		p.Why, p.Task = f.Why, string(f.Task)
		p.Rows = view.PerformanceRows{Source: f.Source, Endpoint: f.Endpoint, Monitor: f.Monitor, Until: f.Until}
		return p, nil
	}
	return parts.memory.performance(ctx, f.Digest, func(ctx context.Context) (view.Performance, error) {
		s, err := f.Read(ctx)
		if err != nil {
			return p, err
		}
		return performanceOf(p, f, s), nil
	})
}

// performanceOf puts an answer together.
func performanceOf(p view.Performance, f evaluate.Survey, s *evaluate.Sample) view.Performance {
	p.Task, p.Why, p.Digest = string(s.Task), s.Why, f.Digest
	p.Rows = view.PerformanceRows{Source: f.Source, Endpoint: f.Endpoint, Monitor: f.Monitor, Until: f.Until, Used: int64(s.Rows.Len()),
		Seen: s.Seen, Unlabelled: s.Unlabelled, Held: s.Held, Refused: s.Refused, Share: view.Figure(s.Share)}
	if s.Rows.Len() == 0 {
		return p
	}
	p.Rows.From, p.Rows.To = s.Rows.Start, s.Rows.End
	for _, m := range s.Measures(0) {
		p.Metrics = append(p.Metrics, view.PerformanceMetric{Metric: m.Metric, Value: view.Figure(m.Value), Lo: known(m.Lo), Hi: known(m.Hi), Other: known(m.Other), Diff: known(m.Diff), DiffLo: known(m.DiffLo), DiffHi: known(m.DiffHi)})
	}
	r := s.Rows
	if s.Task == evaluate.Regression {
		p.Regression = view.RegressionOf(r.Label, r.Challenger)
		if r.Champion != nil {
			p.AgainstRegression = view.RegressionOf(r.Label, r.Champion)
		}
		return p
	}
	if p.Binary = view.BinaryOf(r.Label, r.Challenger); p.Binary == nil {
		p.Why = "its scores are no probabilities: there is a score outside of 0 to 1"
	}
	if r.Champion != nil {
		p.AgainstBinary = view.BinaryOf(r.Label, r.Champion)
	}
	return p
}

func known(v float64) *view.Figure {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	f := view.Figure(v)
	return &f
}

// modelMemory keeps what was read of versions: cards by the digest of their files, performances by the digest of what
// they were made of. Both are small; the least recently made go first. It is safe for concurrent use.
type modelMemory struct {
	mu    sync.Mutex
	cards map[trimtab.Digest]view.VersionCard // guarded by mu, as all below
	made  []trimtab.Digest
	known map[trimtab.Digest]*measured
	asked []trimtab.Digest
}

// measured is a performance that is known, or being made until ready is closed.
type measured struct {
	ready chan struct{}
	value view.Performance // set before ready is closed, with err
	err   error
}

const (
	keptCards        = 64
	keptPerformances = 48
)

func newModelMemory() *modelMemory {
	return &modelMemory{cards: map[trimtab.Digest]view.VersionCard{}, known: map[trimtab.Digest]*measured{}}
}

func (m *modelMemory) card(d trimtab.Digest, read func() (view.VersionCard, error)) (view.VersionCard, error) {
	m.mu.Lock()
	c, ok := m.cards[d]
	m.mu.Unlock()
	if ok {
		return c, nil
	}
	c, err := read()
	if err != nil {
		return c, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.cards[d]; !ok {
		m.cards[d] = c
		m.made = append(m.made, d)
		if len(m.made) > keptCards {
			delete(m.cards, m.made[0])
			m.made = slices.Delete(m.made, 0, 1)
		}
	}
	return c, nil
}

// performance makes a performance once: who asks meanwhile waits for it. A failure is not kept, and one who leaves
// while he makes it fails those that wait with him; they ask again.
func (m *modelMemory) performance(ctx context.Context, d trimtab.Digest, measure func(context.Context) (view.Performance, error)) (view.Performance, error) {
	for {
		m.mu.Lock()
		e := m.known[d]
		if e == nil {
			e = &measured{ready: make(chan struct{})}
			m.known[d] = e
			m.mu.Unlock()
			e.value, e.err = measure(ctx)
			m.mu.Lock()
			if e.err != nil {
				delete(m.known, d)
			} else {
				m.asked = append(m.asked, d)
				if len(m.asked) > keptPerformances {
					delete(m.known, m.asked[0])
					m.asked = slices.Delete(m.asked, 0, 1)
				}
			}
			m.mu.Unlock()
			close(e.ready)
			return e.value, e.err
		}
		m.mu.Unlock()
		select {
		case <-e.ready:
		case <-ctx.Done():
			return view.Performance{}, ctx.Err()
		}
		if e.err == nil {
			return e.value, nil
		}
	}
}
