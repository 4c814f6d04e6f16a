package traffic

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
)

// Endpoint names whose traffic it is.
type Endpoint struct {
	Workspace trimtab.Workspace
	Name      string
}

// Config says where the logs lie and when they are sealed. Zero fields mean the
// defaults given.
type Config struct {
	Dir   string        // required; made when absent
	Clock trimtab.Clock // default the system's
	Log   *slog.Logger  // default discards

	SealRows  int64         // rows of a segment, default 262,144
	SealBytes int64         // bytes of its log, default 256 MiB
	SealAge   time.Duration // default 24h

	Queue      int           // asynchronous batches that may wait, default 8,192
	QueueBytes int64         // bytes of them, default 32 MiB
	FlushEvery time.Duration // at most so long an asynchronous row stays without fsync; default 1s

	// Sealed records a sealed segment; it is called again after a crash, with the
	// same segment. nil: nobody is told.
	Sealed func(ctx context.Context, s trimtab.Segment) error
}

// Store holds the logs of all endpoints. A folder belongs to one Store at a time.
type Store struct {
	cfg   Config
	queue chan queued
	bytes atomic.Int64 // of what waits in queue
	free  sync.Pool    // *encoded

	// mu guards logs and closed.
	mu     sync.Mutex
	logs   map[Endpoint]*Log
	closed bool
}

type queued struct {
	log *Log
	e   *encoded
}

// Open opens the store and every log in its folder, cutting torn tails. Nothing
// runs in the background until Run.
func Open(cfg Config) (_ *Store, err error) {
	defer trimtab.Wrap(&err, "traffic.Open(%s)", cfg.Dir)
	if cfg.Dir == "" {
		return nil, trimtab.Errorf(trimtab.Invalid, "traffic", "the folder of the traffic logs is not given")
	}
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.SealRows = cmp.Or(cfg.SealRows, 262_144)
	cfg.SealBytes = cmp.Or(cfg.SealBytes, 256<<20)
	cfg.SealAge = cmp.Or(cfg.SealAge, 24*time.Hour)
	cfg.Queue = cmp.Or(cfg.Queue, 8192)
	cfg.QueueBytes = cmp.Or(cfg.QueueBytes, 32<<20)
	cfg.FlushEvery = cmp.Or(cfg.FlushEvery, time.Second)
	s := &Store{cfg: cfg, queue: make(chan queued, cfg.Queue), logs: map[Endpoint]*Log{}}
	s.free.New = func() any { return new(encoded) }
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, err
	}
	dirs, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		m, err := readManifest(filepath.Join(cfg.Dir, d.Name()))
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		if m.Format == 0 { // made, but its manifest not yet written: nothing was logged
			continue
		}
		ep := Endpoint{m.Workspace, m.Endpoint}
		if folder(ep) != d.Name() {
			return nil, errors.Join(fmt.Errorf("folder %s says that it is endpoint %s of project %s, whose folder is %s", d.Name(), m.Endpoint, m.Workspace, folder(ep)), s.Close())
		}
		if _, err := s.Endpoint(ep); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// folder is the name of an endpoint's folder: no text of a user is a file name.
func folder(ep Endpoint) string {
	sum := sha256.Sum256([]byte(string(ep.Workspace) + "/" + ep.Name))
	return hex.EncodeToString(sum[:])
}

// Endpoint returns the log of an endpoint, making it when there is none.
func (s *Store) Endpoint(ep Endpoint) (_ *Log, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.logs[ep]; l != nil {
		return l, nil
	}
	if s.closed {
		return nil, trimtab.Errorf(trimtab.Unavailable, "endpoint "+ep.Name, "the traffic store is closed")
	}
	defer trimtab.Wrap(&err, "traffic.Endpoint(%s/%s)", ep.Workspace, ep.Name)
	dir := filepath.Join(s.cfg.Dir, folder(ep))
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	if m.Format == 0 {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, err
		}
		body, err := json.Marshal(manifest{Format: formatVersion, Workspace: ep.Workspace, Endpoint: ep.Name})
		if err != nil {
			return nil, err
		}
		if err := writeFile(filepath.Join(dir, "endpoint.json"), body); err != nil {
			return nil, err
		}
		if err := syncDir(s.cfg.Dir); err != nil {
			return nil, err
		}
	}
	l := &Log{store: s, endpoint: ep}
	var cutP, cutL int64
	if l.predictions, cutP, err = openTape(filepath.Join(dir, "predictions"), predictions, ep, &s.cfg); err != nil {
		return nil, err
	}
	if l.labels, cutL, err = openTape(filepath.Join(dir, "labels"), labels, ep, &s.cfg); err != nil {
		return nil, errors.Join(err, l.predictions.close())
	}
	l.cut = cutP + cutL
	l.count()
	s.logs[ep] = l
	return l, nil
}

// all returns the logs in a fixed order.
func (s *Store) all() []*Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.logs), func(a, b *Log) int {
		return cmp.Or(cmp.Compare(a.endpoint.Workspace, b.endpoint.Workspace), cmp.Compare(a.endpoint.Name, b.endpoint.Name))
	})
}

// Run writes what Enqueue queued, flushes it, and seals segments, until ctx
// ends; then it drains the queue and flushes. It returns nil after that.
func (s *Store) Run(ctx context.Context) error {
	stop := make(chan struct{})
	var sealer sync.WaitGroup
	kick := make(chan struct{}, 1)
	sealer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-kick:
			}
			if err := s.Seal(ctx, false); err != nil && ctx.Err() == nil {
				s.cfg.Log.Error("traffic cannot be sealed", "error", err)
			}
		}
	})
	dirty := map[*Log]struct{}{}
	flush := func() {
		for l := range dirty {
			if err := l.flush(); err != nil {
				s.cfg.Log.Error("traffic cannot be flushed", "endpoint", l.endpoint.Name, "error", err)
			}
			delete(dirty, l)
		}
	}
	take := func(q queued) {
		q.log.drain(q.e)
		dirty[q.log] = struct{}{}
	}
	tick := time.NewTicker(s.cfg.FlushEvery)
	defer tick.Stop()
	for {
		select {
		case q := <-s.queue:
			take(q)
		case <-tick.C:
			flush()
			select {
			case kick <- struct{}{}:
			default:
			}
		case <-ctx.Done():
			for {
				select {
				case q := <-s.queue:
					take(q)
					continue
				default:
				}
				break
			}
			flush()
			close(stop)
			sealer.Wait()
			return nil
		}
	}
}

// Seal seals every log that is full or old enough, all of them that hold rows
// when all is set, and records the segments. It is idempotent.
func (s *Store) Seal(ctx context.Context, all bool) (err error) {
	defer trimtab.Wrap(&err, "traffic.Seal")
	var errs []error
	for _, l := range s.all() {
		errs = append(errs, l.seal(ctx, all))
	}
	return errors.Join(errs...)
}

// Close writes what is still queued, flushes and closes every log; a second Close
// does nothing. Run has returned before.
func (s *Store) Close() error {
	for len(s.queue) > 0 { // of requests that were answered while Run ended
		q := <-s.queue
		q.log.drain(q.e)
	}
	logs := s.all()
	s.mu.Lock()
	s.closed = true
	clear(s.logs)
	s.mu.Unlock()
	var errs []error
	for _, l := range logs {
		errs = append(errs, l.predictions.close(), l.labels.close())
	}
	return errors.Join(errs...)
}
