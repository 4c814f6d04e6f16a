package serve

import (
	"context"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// admit says whether the endpoint takes this request, and returns the state it
// was taken in. A driven endpoint takes only what bears its replay lease; the
// first live request of another one is recorded before it is answered.
func (e *Endpoint) admit(ctx context.Context, meta Meta) (*trimtab.EndpointState, error) {
	s := e.state.Load()
	if s == nil {
		var err error
		if s, err = e.loadState(ctx); err != nil {
			return nil, err
		}
	}
	if meta.Fence != 0 {
		if s.Fence != meta.Fence || s.Holder == "" { // the lease may be newer than what this process knows
			var err error
			if s, err = e.loadState(ctx); err != nil {
				return nil, err
			}
		}
		if s.Fence != meta.Fence || s.Holder == "" {
			e.server.refused.WithLabelValues(string(e.Workspace), e.Name, "fence").Inc()
			return nil, trimtab.Errorf(trimtab.Conflict, "endpoint "+e.Name, "the replay lease %d of endpoint %s is lost: lease %d was given meanwhile, or it was released", meta.Fence, e.Name, s.Fence)
		}
		return s, nil
	}
	if s.Mode == trimtab.DrivenMode {
		e.server.refused.WithLabelValues(string(e.Workspace), e.Name, "driven").Inc()
		return nil, trimtab.Errorf(trimtab.Conflict, "endpoint "+e.Name, "endpoint %s is driven by replay and takes no live traffic: declare another endpoint for it", e.Name)
	}
	if s.LiveSince == 0 {
		return e.goLive(ctx)
	}
	return s, nil
}

// goLive records the first live request durably.
func (e *Endpoint) goLive(ctx context.Context) (*trimtab.EndpointState, error) {
	e.live.Lock()
	defer e.live.Unlock()
	if s := e.state.Load(); s != nil && s.LiveSince != 0 {
		return s, nil
	}
	// The caller's cancellation must not leave it open whether the endpoint is live.
	s, err := e.server.cfg.States.Move(e.call(context.WithoutCancel(ctx)), e.Name, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.FirstLive(e.server.cfg.Clock())
	})
	if trimtab.IsKind(err, trimtab.Precondition) {
		if _, e2 := e.loadState(ctx); e2 != nil {
			return nil, e2
		}
		return nil, trimtab.Errorf(trimtab.Conflict, "endpoint "+e.Name, "%s", trimtab.Message(err))
	}
	if err != nil {
		return nil, err
	}
	e.keepState(s)
	return &s, nil
}

// identify finds request id and event time of each row and fills them into the batch.
func (c *Call) identify(rq *schema.Request, meta Meta, cfg *config, state *trimtab.EndpointState, now, mark trimtab.Time) error {
	n := c.rows
	idColumn, timeColumn := cfg.spec.Logging.RequestID, cfg.spec.Logging.EventTime
	ids := find(rq, idColumn)
	times := find(rq, timeColumn)
	if meta.Fence != 0 {
		if r := find(rq, traffic.ReplayIDColumn); r != nil {
			ids, idColumn = r, traffic.ReplayIDColumn
		}
		if r := find(rq, traffic.ReplayTimeColumn); r != nil {
			times, timeColumn = r, traffic.ReplayTimeColumn
		}
	}
	b := &c.batch
	if ids != nil {
		c.ids = c.ids[:0]
		for i := range n {
			id := ids.Text(i)
			if id == "" {
				return trimtab.Errorf(trimtab.Invalid, "request", "column %q, row %d: the request id is missing", idColumn, i)
			}
			c.ids = append(c.ids, id)
		}
		b.IDs = c.ids
		if b.IDs == nil {
			b.IDs = []string{}
		}
	} else {
		b.Prefix = meta.RequestID
		if b.Prefix == "" {
			b.Prefix = c.endpoint.server.cfg.Random.RequestID()
		}
	}
	c.times = c.times[:0]
	switch {
	case times != nil:
		for i := range n {
			t, err := timeOf(times, i)
			if err != nil {
				return trimtab.Errorf(trimtab.Invalid, "request", "column %q, row %d: expected an event time, got %q", timeColumn, i, times.Text(i))
			}
			c.times = append(c.times, t)
		}
	case meta.EventTime != 0:
		c.times = append(c.times, meta.EventTime)
	case state.Mode == trimtab.DrivenMode:
		return trimtab.Errorf(trimtab.Invalid, "request", "a replayed request needs event times: a column %s, or the header %s", traffic.ReplayTimeColumn, EventTimeHeader)
	default:
		c.times = append(c.times, now)
	}
	b.EventTimes = c.times
	limit, from := now.Add(cfg.skewClock), "the present"
	if state.Mode == trimtab.DrivenMode {
		limit, from = mark.Add(cfg.skewDriven), "the watermark"
		if mark == 0 {
			return nil // nothing has set the watermark yet
		}
	}
	for i, t := range c.times {
		if t > limit {
			c.endpoint.server.refused.WithLabelValues(string(c.endpoint.Workspace), c.endpoint.Name, "skew").Add(float64(n))
			return trimtab.Errorf(trimtab.Invalid, "request", "row %d: the event time %s lies too far ahead of %s: the latest accepted is %s (spec.maxSkew)", i, t, from, limit)
		}
	}
	return nil
}

// find looks a column up, first among those that are no inputs.
func find(rq *schema.Request, name string) *table.Column {
	if name == "" {
		return nil
	}
	if rq.Extra != nil {
		if c := rq.Extra.Column(name); c != nil {
			return c
		}
	}
	return rq.Table.Column(name)
}

// timeOf reads a moment from a column: a datetime, text, or whole milliseconds since 1970.
func timeOf(c *table.Column, i int) (trimtab.Time, error) {
	if c.Null(i) {
		return 0, strconv.ErrSyntax
	}
	var t trimtab.Time
	switch c.Type {
	case table.Datetime:
		t = trimtab.TimeOf(time.Unix(0, c.Int64s[i]))
	case table.String:
		if ns, err := table.ParseDatetime(c.Strings[i]); err == nil {
			t = trimtab.TimeOf(time.Unix(0, ns))
		} else if t, err = trimtab.ParseTime(c.Strings[i]); err != nil {
			return 0, err
		}
	case table.Int64:
		t = trimtab.Time(c.Int64s[i])
	case table.Float64:
		t = trimtab.Time(c.Float64s[i])
		if float64(t) != c.Float64s[i] {
			return 0, strconv.ErrSyntax
		}
	default:
		return 0, strconv.ErrSyntax
	}
	if t == 0 {
		return 0, strconv.ErrSyntax
	}
	return t, nil
}
