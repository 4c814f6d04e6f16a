package replay

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

const (
	leaseFor    = time.Minute
	renewEvery  = 15 * time.Second
	checkpoints = 20 // requests between two records of progress
	// maxTail bounds how far behind the last row a label may be known and still move
	// the watermark there: one row of the year 2099 closes nothing.
	maxTail = 400 * 24 * time.Hour
)

// drive is one replay under way.
type drive struct {
	*Replays
	x         trimtab.Replay
	fence     int64
	place     place
	rows      *rowStream
	labels    *labelStream
	lastRow   trimtab.Time // of the last row sent
	lastKnown trimtab.Time // of all labels
	final     trimtab.Time
	border    trimtab.Time
	renewed   trimtab.Time
	drill     *drill        // nil without faults
	refusal   string        // why the endpoint refused the first row that it refused
	unsaved   int           // requests since the last record of progress
	skew      time.Duration // how far ahead of its watermark the endpoint takes event times; 0: as far as no border lies
}

// drive runs the replay from where it stands to its end.
func (r *Replays) drive(ctx context.Context, x trimtab.Replay) error {
	d := &drive{Replays: r, x: x}
	if err := d.begin(ctx); err != nil {
		return err
	}
	defer func() {
		d.rows.stop()
		d.labels.stop()
	}()
	for {
		o, err := d.offer(ctx)
		if err != nil {
			return err
		}
		a := schedule(d.place, o)
		if err := d.renew(ctx); err != nil {
			return err
		}
		switch a.do {
		case sendRows:
			err = d.sendRows(ctx, a.until)
		case sendLabels:
			err = d.sendLabels(ctx, a.until)
		case advance:
			err = d.advance(ctx, a.until)
		case settle:
			err = d.settle(ctx, a.until)
		case finish:
			return d.finish(ctx)
		}
		if err == nil {
			err = d.cfg.Crash(string(a.do))
		}
		if err != nil {
			return err
		}
	}
}

// begin takes the lease and opens the source where the replay stands.
func (d *drive) begin(ctx context.Context) error {
	spec, err := d.cfg.Source.Source(ctx, d.x.Source)
	if err != nil {
		return cure(err)
	}
	if spec.Digest != d.x.Data {
		return &fatal{trimtab.Errorf(trimtab.Conflict, "datasource "+d.x.Source, "source %s has other data than when the replay began (%s, now %s): start another replay", d.x.Source, d.x.Data.Short(), spec.Digest.Short())}
	}
	endpoint, err := d.endpoint(ctx, d.x.Endpoint)
	if err != nil {
		return cure(err)
	}
	id := requestID(endpoint, spec)
	if len(d.x.Faults) > 0 {
		if d.drill, err = d.rehearse(ctx, d.x, spec, id); err != nil {
			return cure(err)
		}
	}
	d.skew = time.Duration(endpoint.MaxSkew)
	state, err := d.cfg.States.Move(ctx, d.x.Endpoint, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.AcquireLease(holder(d.x), d.cfg.Clock(), leaseFor)
	})
	if trimtab.IsKind(err, trimtab.Precondition) {
		return &fatal{err}
	}
	if err != nil {
		return err
	}
	d.moved(state)
	d.fence, d.renewed = state.Fence, d.cfg.Clock()
	d.place = place{position: d.x.Position, watermark: state.Watermark}
	if err := d.cfg.Crash("lease"); err != nil {
		return err
	}

	all, known, err := d.allLabels(ctx)
	if err != nil {
		return cure(err)
	}
	d.lastKnown = known
	d.labels = &labelStream{pull: *newPull(all), names: d.cfg.Columns, id: id}
	d.rows = &rowStream{pull: *newPull(d.allRows(ctx, d.x.Position)), names: d.cfg.Columns, id: id}
	for { // what was known at the position has been sent
		at, ok, err := d.labels.peek()
		if err != nil {
			return cure(err)
		}
		if !ok || at > d.place.position {
			break
		}
		d.labels.at++
	}
	return nil
}

// allRows gives the rows as they are sent, those before position left out.
func (d *drive) allRows(ctx context.Context, position trimtab.Time) iter.Seq2[*table.Table, error] {
	if d.drill == nil || !d.drill.onRows() {
		return d.cfg.Source.Rows(ctx, d.x.Source, max(d.x.From, position), d.x.To)
	}
	x := d.x
	x.Position = position
	return d.drill.rows(d.cfg.Source.Rows(ctx, x.Source, d.drill.firstDue(x), x.To), position)
}

// allLabels holds the labels of the span, in order, and finds the last known-at.
func (d *drive) allLabels(ctx context.Context) (seq iter.Seq2[*table.Table, error], last trimtab.Time, err error) {
	var all []*table.Table
	for t, err := range d.cfg.Source.Labels(ctx, d.x.Source, d.x.From, d.x.To) {
		if err != nil {
			return nil, 0, err
		}
		all = append(all, t)
	}
	if d.drill != nil {
		if all, err = d.drill.labels(all); err != nil {
			return nil, 0, err
		}
	}
	for _, t := range all {
		if c := t.Column(d.cfg.Columns.KnownAt); c != nil && t.Rows() > 0 {
			last = max(last, milliseconds(c, t.Rows()-1))
		}
	}
	return func(yield func(*table.Table, error) bool) {
		for _, t := range all {
			if !yield(t, nil) {
				return
			}
		}
	}, last, nil
}

func (d *drive) moved(s trimtab.EndpointState) {
	if d.cfg.Moved != nil {
		d.cfg.Moved(s)
	}
}

// offer looks at what comes next.
func (d *drive) offer(ctx context.Context) (o offer, err error) {
	if o.row, o.hasRow, err = d.rows.peek(); err != nil {
		return o, cure(err)
	}
	if o.label, o.hasLabel, err = d.labels.peek(); err != nil {
		return o, cure(err)
	}
	if !o.hasRow && d.final == 0 {
		if d.final, err = d.end(ctx); err != nil {
			return o, err
		}
	}
	o.final = d.final
	if d.border <= d.place.watermark {
		after := d.place.watermark
		if after == 0 {
			if after = o.row; !o.hasRow {
				after = d.lastRow
			}
		}
		if d.border, err = d.cfg.Listeners.Border(ctx, d.x.Workspace, d.x.Endpoint, after); err != nil {
			return o, err
		}
	}
	o.border = d.border
	// The endpoint refuses what lies further ahead of its watermark than this.
	if d.skew > 0 && d.place.watermark != 0 {
		if reach := d.place.watermark.Add(d.skew); o.border == 0 || reach < o.border {
			o.border = reach
		}
	}
	return o, nil
}

// end finds where the watermark ends: the last window that holds a row is closed,
// and every label is known.
func (d *drive) end(ctx context.Context) (trimtab.Time, error) {
	switch {
	case d.drill != nil && d.drill.onRows():
		// The last rows may be dropped, and others be due after all that are left.
		for _, err := range d.drill.rows(d.rowsOf(ctx, d.x)(0), trimtab.Time(1<<63-1)) {
			if err != nil {
				return 0, cure(err)
			}
		}
		d.lastRow = d.drill.last
	case d.lastRow == 0: // resumed behind the last row
		for t, err := range d.cfg.Source.Rows(ctx, d.x.Source, d.x.From, d.x.To) {
			if err != nil {
				return 0, cure(err)
			}
			if c := t.Column(d.cfg.Columns.EventTime); c != nil && t.Rows() > 0 {
				d.lastRow = milliseconds(c, t.Rows()-1)
			}
		}
	}
	if d.lastRow == 0 {
		return 0, noRows(d.x)
	}
	closing, err := d.cfg.Listeners.Closing(ctx, d.x.Workspace, d.x.Endpoint, d.lastRow)
	if err != nil {
		return 0, err
	}
	final := max(closing, d.lastRow+1)
	if d.lastKnown <= d.lastRow.Add(maxTail) {
		final = max(final, d.lastKnown)
	}
	return final, nil
}

func (d *drive) renew(ctx context.Context) error {
	now := d.cfg.Clock()
	if now.Sub(d.renewed) < renewEvery {
		return nil
	}
	s, err := d.cfg.States.Move(ctx, d.x.Endpoint, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		s, err := s.Renew(d.fence, d.cfg.Clock(), leaseFor)
		return s, trimtab.Change{}, err
	})
	if err != nil {
		return err
	}
	d.moved(s)
	d.renewed = now
	return nil
}

func (d *drive) sendRows(ctx context.Context, until trimtab.Time) error {
	t, lo, hi := d.rows.take(until, d.cfg.BatchRows)
	if err := d.post(ctx, "invocations", lo, hi, func(b []byte, lo, hi int) []byte { return appendFrame(b, t, lo, hi) }, &d.x.Rows); err != nil {
		return err
	}
	d.lastRow = milliseconds(d.rows.times, hi-1)
	d.unsaved++
	next, ok, err := d.rows.peek()
	if err != nil {
		return cure(err)
	}
	// Between rows of one event time there is no place to resume from.
	if !ok || next > d.lastRow {
		d.place.position = d.lastRow + 1
	}
	return d.checkpoint(ctx)
}

func (d *drive) sendLabels(ctx context.Context, until trimtab.Time) error {
	l, lo, hi := d.labels.take(until, d.cfg.BatchRows)
	if err := d.post(ctx, "labels", lo, hi, func(b []byte, lo, hi int) []byte { return appendLabels(b, l, lo, hi) }, &d.x.Labels); err != nil {
		return err
	}
	d.unsaved++
	return d.checkpoint(ctx)
}

// checkpoint records progress now and then, where no row or label before the position is open.
func (d *drive) checkpoint(ctx context.Context) error {
	if d.unsaved < checkpoints {
		return nil
	}
	label, ok, err := d.labels.peek()
	if err != nil {
		return cure(err)
	}
	if ok && label <= d.place.position {
		return nil
	}
	if d.lastRow >= d.place.position {
		return nil // rows of the position's own event time have gone out, others have not
	}
	return d.save(ctx)
}

func (d *drive) save(ctx context.Context) error {
	d.unsaved = 0
	if err := d.cfg.Store.Progress(ctx, d.x.ID, d.place.position, d.x.Rows, d.x.Labels, d.x.Failed); err != nil {
		return err
	}
	return d.cfg.Crash("progress")
}

// advance moves the watermark to a border before which everything has been sent.
func (d *drive) advance(ctx context.Context, to trimtab.Time) error {
	d.place.position = max(d.place.position, to)
	if err := d.save(ctx); err != nil {
		return err
	}
	s, err := d.cfg.States.Move(ctx, d.x.Endpoint, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.Advance(d.fence, to)
	})
	if err != nil {
		return err
	}
	d.moved(s)
	d.place.watermark, d.place.settled = to, false
	return nil
}

// settle waits until every listener has settled the border.
func (d *drive) settle(ctx context.Context, w trimtab.Time) error {
	names, err := d.cfg.Listeners.Listeners(ctx, d.x.Workspace, d.x.Endpoint)
	if err != nil {
		return err
	}
	pause := time.Millisecond
	told := false
	for {
		ok, held, err := d.cfg.States.Settled(ctx, d.x.Endpoint, w, names)
		if err != nil {
			return err
		}
		if ok {
			// What was decided here may want to look sooner than what was there before.
			d.place.settled, d.border = true, 0
			return nil
		}
		if held != nil && held.Wait == trimtab.WaitHuman && !told {
			told = true
			d.cfg.Log.InfoContext(ctx, "replay waits for a human", "replay", d.x.ID, "listener", held.Listener, "resolve", held.Detail)
		}
		if err := d.renew(ctx); err != nil {
			return err
		}
		if err := rest(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (d *drive) finish(ctx context.Context) error {
	if err := d.save(ctx); err != nil {
		return err
	}
	if d.x.Rows == 0 && d.x.Failed > 0 {
		if err := d.refused(ctx); err != nil {
			return err
		}
	}
	if err := d.release(ctx, d.x); err != nil {
		return err
	}
	if err := d.cfg.Crash("release"); err != nil {
		return err
	}
	_, err := d.Replays.end(ctx, d.x.ID, succeeded, "")
	if err == nil {
		d.cfg.Log.InfoContext(ctx, "replay done", "replay", d.x.ID, "endpoint", d.x.Endpoint, "rows", d.x.Rows, "labels", d.x.Labels, "failed", d.x.Failed)
	}
	return err
}

// refused fails a replay of which the endpoint took no row, with the reason of the
// first. After a restart the reason is asked for again.
func (d *drive) refused(ctx context.Context) error {
	if d.refusal == "" {
		for t, err := range d.allRows(ctx, 0) {
			if err != nil {
				return cure(err)
			}
			one := &rowStream{pull: pull{t: t}, names: d.cfg.Columns, id: d.rows.id}
			if _, _, err := one.peek(); err != nil {
				return cure(err)
			}
			err := d.deliver(ctx, "invocations", appendFrame(nil, one.out, 0, 1))
			if err == nil { // it takes rows by now
				d.x.Rows, d.x.Failed = 1, d.x.Failed-1
				return d.save(ctx)
			}
			if !trimtab.IsKind(err, trimtab.Invalid) {
				return err
			}
			d.refusal = trimtab.Message(err)
			break
		}
	}
	if d.refusal == "" { // no row was to be sent: only labels were refused
		return nil
	}
	return &fatal{trimtab.Errorf(trimtab.Invalid, "endpoint "+d.x.Endpoint, "endpoint %s refused every row; the first: %s", d.x.Endpoint, d.refusal)}
}

// errLost says that the lease is gone: another replay, or a cancellation, has taken over.
var errLost = errors.New("the replay lease is lost")
