package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// reconcile sends what is due to one channel. It ends at the first attempt that does
// not succeed: the receiver is probably away, and the rest waits for the next pass.
func (n *Notifier) reconcile(ctx context.Context, key string) (control.Result, error) {
	ws, name := split(key)
	ctx = call(ctx, ws)
	open, err := n.cfg.Deliveries.List(ctx, trimtab.DocumentQuery{Scope: name, Open: true})
	if err != nil {
		return control.Result{}, err
	}
	r, err := n.cfg.Resources.Get(ctx, trimtab.KindChannel, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return control.Result{}, n.abandon(ctx, ws, name, open)
	}
	if err != nil {
		return control.Result{}, err
	}
	spec, err := specOf(r)
	if err != nil {
		return control.Result{}, control.Terminal(err)
	}
	n.metrics.seen(ws, name)
	p := &pass{Notifier: n, ws: ws, name: name, spec: spec, line: n.line(key)}
	left, wait, err := p.send(ctx, bundles(open))
	if err != nil {
		return control.Result{}, err
	}
	n.metrics.pending.WithLabelValues(string(ws), name).Set(float64(left))
	if spec.Alertmanager != nil {
		again := p.repeat(ctx)
		if wait == 0 || again < wait {
			wait = again
		}
	}
	return control.Result{After: wait}, nil
}

// abandon ends the deliveries of a channel that is no longer declared.
func (n *Notifier) abandon(ctx context.Context, ws trimtab.Workspace, name string, open []trimtab.Delivery) error {
	for _, d := range open {
		if err := n.end(ctx, d, "the channel is no longer declared"); err != nil {
			return err
		}
	}
	n.metrics.gone(ws, name)
	n.mu.Lock()
	delete(n.lines, key(ws, name))
	n.mu.Unlock()
	return nil
}

// pass is one look at one channel.
type pass struct {
	*Notifier
	ws   trimtab.Workspace
	name string
	spec trimtab.ChannelSpec
	line *line // of this key alone: one pass at a time
}

// send sends the bundles that are due, and says how many deliveries are left and how
// long to wait for the next, 0 when there is none.
func (p *pass) send(ctx context.Context, all []bundle) (left int, wait time.Duration, err error) {
	for _, b := range all {
		left += len(b)
	}
	next := trimtab.Time(0)
	for _, b := range all {
		if due := b.due(); due > p.cfg.Clock() {
			if next == 0 || due < next {
				next = due
			}
			continue
		}
		if err := p.cfg.Crash("before sending"); err != nil {
			return left, 0, err
		}
		trouble := p.transmit(ctx, b.message(p.ws))
		if ctx.Err() != nil {
			return left, 0, ctx.Err()
		}
		if err := p.cfg.Crash("after sending"); err != nil {
			return left, 0, err
		}
		if trouble == nil {
			p.line.failures = 0
			if err := p.each(ctx, b, func(d trimtab.Delivery) (trimtab.Delivery, trimtab.Change, error) { return d.Arrived(p.cfg.Clock()) }); err != nil {
				return left, 0, err
			}
			left -= len(b)
			continue
		}
		if trimtab.IsKind(trouble, trimtab.Invalid) { // this message, not the receiver
			for _, d := range b {
				if err := p.end(ctx, d, trimtab.Message(trouble)); err != nil {
					return left, 0, err
				}
			}
			left -= len(b)
			continue
		}
		p.line.failures++
		wait, gone, err := p.putOff(ctx, b, trouble)
		return left - gone, wait, err
	}
	if next == 0 {
		return left, 0, nil
	}
	return left, max(next.Sub(p.cfg.Clock()), time.Millisecond), nil
}

// putOff lets a bundle wait after an attempt that did not succeed; what is older
// than the channel's patience is given up.
func (p *pass) putOff(ctx context.Context, b bundle, trouble error) (wait time.Duration, gone int, err error) {
	reason := trimtab.Message(trouble)
	now := p.cfg.Clock()
	pause := backoff(b.tries() + 1)
	wait = backoff(min(p.line.failures, 7))
	if e, ok := errors.AsType[*trimtab.Error](trouble); ok && e.RetryAfter > 0 {
		pause, wait = max(pause, e.RetryAfter), max(wait, e.RetryAfter)
	}
	p.cfg.Log.WarnContext(ctx, "a message was not taken", "project", p.ws, "channel", p.name, "group", b[0].Group, "tries", b.tries()+1, "reason", reason, "retry_in", pause)
	for _, d := range b {
		if now.Sub(d.Created) >= time.Duration(p.spec.GiveUp) {
			if err := p.end(ctx, d, fmt.Sprintf("given up after %s: %s", p.spec.GiveUp, reason)); err != nil {
				return 0, gone, err
			}
			gone++
			continue
		}
		if err := p.each(ctx, bundle{d}, func(d trimtab.Delivery) (trimtab.Delivery, trimtab.Change, error) {
			return d.Again(now.Add(pause), reason)
		}); err != nil {
			return 0, gone, err
		}
		p.metrics.count(p.ws, p.name, stateAgain)
	}
	return wait, gone, nil
}

// each moves deliveries in order, the oldest first.
func (p *pass) each(ctx context.Context, b bundle, move func(trimtab.Delivery) (trimtab.Delivery, trimtab.Change, error)) error {
	for _, d := range b {
		if err := p.move(ctx, d, move); err != nil {
			return err
		}
		if err := p.cfg.Crash("after noting what became of it"); err != nil {
			return err
		}
	}
	return nil
}

// end gives a delivery up.
func (n *Notifier) end(ctx context.Context, d trimtab.Delivery, reason string) error {
	n.cfg.Log.ErrorContext(ctx, "a message is given up", "project", d.Workspace, "channel", d.Channel, "delivery", d.ID, "reason", reason)
	return n.move(ctx, d, func(d trimtab.Delivery) (trimtab.Delivery, trimtab.Change, error) {
		return d.Fail(n.cfg.Clock(), reason)
	})
}

func (n *Notifier) move(ctx context.Context, d trimtab.Delivery, move func(trimtab.Delivery) (trimtab.Delivery, trimtab.Change, error)) error {
	state := ""
	next, err := n.cfg.Deliveries.Move(ctx, d.ID, func(old *trimtab.Delivery) (trimtab.Delivery, trimtab.Change, error) {
		if old == nil {
			return d, trimtab.Change{}, nil
		}
		next, change, err := move(*old)
		if state = ""; change.Action != "" {
			state = next.State
		}
		return next, change, err
	})
	if err == nil && state != "" && state != trimtab.DeliveryPending {
		n.metrics.count(cmp.Or(next.Workspace, d.Workspace), d.Channel, state)
	}
	return err
}
