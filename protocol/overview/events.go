package overview

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

const (
	// heartbeat is how often a stream without news writes a comment.
	heartbeat = 15 * time.Second
	// progressEvery is how often a stream looks at running replays, whose progress no entry records.
	progressEvery = time.Second
	// catchUp bounds how many entries are told one by one; beyond it a page
	// reads everything anyway, and one notice says so.
	catchUp = 500
	// maxStreams bounds the open streams of a server.
	maxStreams = 256
)

// serveEvents streams notices: one for each journal entry of the project from
// the present on, or from the Last-Event-ID on. The first notice has kind
// "head" and says where the journal stands.
func (s *Service) serveEvents(w http.ResponseWriter, r *http.Request) error {
	r, err := inProject(r)
	if err != nil {
		return err
	}
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		return &trimtab.Error{Kind: trimtab.Exhausted, Subject: "events", Msg: "too many pages follow this server; close some of them", RetryAfter: 5 * time.Second}
	}
	defer s.streams.Add(-1)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if s.cfg.Stop != nil {
		go func() {
			select {
			case <-s.cfg.Stop:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	head, err := s.cfg.Journal.Head(ctx)
	if err != nil {
		return err
	}
	out, err := route.Stream(w, r)
	if err != nil {
		return err
	}
	f := &follower{s: s, out: out, after: head, project: trimtab.CallOf(ctx).Workspace, told: time.Now()}
	first := view.Notice{Index: head, Kind: "head"}
	if id := route.LastEventID(r); id != "" {
		seen, err := strconv.ParseInt(id, 10, 64)
		if err != nil || seen < 0 || seen > head || head-seen > catchUp {
			first.Kind = "reset"
		} else {
			f.after = seen
		}
	}
	if err := out.Send("", strconv.FormatInt(f.after, 10), first); err != nil {
		return nil // the client has gone, which is how a stream ends
	}
	f.findReplays(ctx)
	for f.next(ctx) == nil {
	}
	return nil
}

// follower is one stream. It is used by one goroutine.
type follower struct {
	s       *Service
	out     *route.Events
	after   int64
	project trimtab.Workspace
	replays []trimtab.Replay // that run, as they stood when last told
	told    time.Time        // when the last byte was written
}

// next waits for news and tells it. An error ends the stream.
func (f *follower) next(ctx context.Context) error {
	patience := heartbeat
	if len(f.replays) > 0 {
		patience = progressEvery
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	err := f.s.cfg.Journal.Wait(waiting, f.after)
	cancel()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		if err := f.progress(ctx); err != nil {
			return err
		}
		return f.beat()
	case err != nil:
		return err
	}
	entries, err := f.s.cfg.Journal.Entries(ctx, f.after, catchUp)
	if err != nil {
		return err
	}
	look := false
	for _, e := range entries {
		f.after = e.Index
		if e.Workspace != f.project {
			continue
		}
		if e.Object.Kind == "replay" || e.Object.Kind == "endpoint" {
			look = true
		}
		if err := f.out.Send("", strconv.FormatInt(e.Index, 10), view.OfNotice(e)); err != nil {
			return err
		}
		f.told = time.Now()
	}
	if look {
		f.findReplays(ctx)
	}
	return f.beat()
}

// progress tells of replays that came further without an entry.
func (f *follower) progress(ctx context.Context) error {
	for i, old := range f.replays {
		now, err := f.s.cfg.Replays.Last(ctx, old.Endpoint)
		if err != nil || now.ID != old.ID || now.Rows == old.Rows && now.Labels == old.Labels && now.Position == old.Position {
			continue // an entry tells of everything but progress
		}
		f.replays[i] = now
		f.told = time.Now()
		if err := f.out.Send("", "", view.Notice{Index: f.after, Kind: "replay", Name: string(now.ID)}); err != nil {
			return err
		}
	}
	return nil
}

// beat keeps proxies from closing a stream that had nothing to say.
func (f *follower) beat() error {
	if time.Since(f.told) < heartbeat {
		return nil
	}
	f.told = time.Now()
	return f.out.Beat()
}

// findReplays looks which replays run; what cannot be read is looked at again with the next entry.
func (f *follower) findReplays(ctx context.Context) {
	f.replays = nil
	endpoints, err := f.s.cfg.Resources.List(ctx, trimtab.KindEndpoint)
	if err != nil {
		return
	}
	for _, e := range endpoints[:min(len(endpoints), maxOfEach)] {
		if r, err := f.s.cfg.Replays.Last(ctx, e.Name); err == nil && r.State == "running" {
			f.replays = append(f.replays, r)
		}
	}
}
