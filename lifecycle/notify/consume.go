package notify

import (
	"context"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// Consumer turns entries of the journal into deliveries: one for each channel that
// wants to know, named by channel and entry, so that handling an entry again is the
// same delivery. What happened before a channel was declared is not told in it.
func (n *Notifier) Consumer() control.Consumer {
	return control.Consumer{Name: actor, Handle: func(ctx context.Context, entries []trimtab.Entry) error {
		declared := map[trimtab.Workspace][]channel{}
		for _, e := range entries {
			if err := n.handle(ctx, e, declared); err != nil {
				return err
			}
		}
		return nil
	}}
}

// channel is a declared channel.
type channel struct {
	name    string
	created trimtab.Time
	spec    trimtab.ChannelSpec
}

func (n *Notifier) handle(ctx context.Context, e trimtab.Entry, declared map[trimtab.Workspace][]channel) error {
	if e.Object.Kind == "channel" {
		delete(declared, e.Workspace)
		n.controller.Add(key(e.Workspace, e.Object.Name)) // a receiver that was put right is tried at once
		return nil
	}
	if !slices.Contains(told[e.Object.Kind], e.Action) {
		return nil
	}
	ctx = call(ctx, e.Workspace)
	all, known := declared[e.Workspace]
	if !known {
		var err error
		if all, err = n.channels(ctx); err != nil {
			return err
		}
		declared[e.Workspace] = all
	}
	all = slices.DeleteFunc(slices.Clone(all), func(c channel) bool { return c.created > e.Time })
	if len(all) == 0 {
		return nil
	}
	note, err := n.compose(ctx, e)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	for _, c := range all {
		if !note.wanted(c.spec) {
			continue
		}
		if err := n.enqueue(ctx, e, c, note); err != nil {
			return err
		}
	}
	return nil
}

// channels are the declared ones of the caller's project. One whose declaration
// cannot be read is left out and logged: the others are told all the same.
func (n *Notifier) channels(ctx context.Context) ([]channel, error) {
	all, err := n.cfg.Resources.List(ctx, trimtab.KindChannel)
	if err != nil {
		return nil, err
	}
	var out []channel
	for _, r := range all {
		spec, err := specOf(r)
		if err != nil {
			n.cfg.Log.ErrorContext(ctx, "a channel cannot be read", "channel", r.Name, "error", err)
			continue
		}
		out = append(out, channel{r.Name, r.Created, spec})
	}
	return out, nil
}

func (n *Notifier) compose(ctx context.Context, e trimtab.Entry) (notice, error) {
	switch e.Object.Kind {
	case "incident":
		i, err := n.cfg.Incidents.Get(ctx, e.Object.Name)
		return ofIncident(i, e.Action, n.cfg.URL), err
	case "decision":
		d, err := n.cfg.Decisions.Get(ctx, e.Object.Name)
		return ofDecision(d, e.Action, n.cfg.URL), err
	}
	r, err := n.cfg.Rollouts.Get(ctx, e.Object.Name)
	return ofRollout(r, e.Action, n.cfg.URL), err
}

func (n *Notifier) enqueue(ctx context.Context, e trimtab.Entry, c channel, note notice) error {
	if err := n.cfg.Crash("before the delivery is written"); err != nil {
		return err
	}
	d := note.Delivery
	d.Channel, d.State, d.Entry, d.Created = c.name, trimtab.DeliveryPending, e.Index, n.cfg.Clock()
	d.ID = c.name + "/" + d.Group + "/" + string(e.ID)
	d.NotBefore = d.Created.Add(time.Duration(c.spec.GroupWait))
	d, err := n.cfg.Deliveries.Move(ctx, d.ID, func(old *trimtab.Delivery) (trimtab.Delivery, trimtab.Change, error) {
		if old != nil {
			return *old, trimtab.Change{}, nil
		}
		return d, trimtab.Changed("delivery.queue", nil, d, d.Title), nil
	})
	if err != nil {
		return err
	}
	if err := n.cfg.Crash("after the delivery is written"); err != nil {
		return err
	}
	if d.State == trimtab.DeliveryPending {
		n.controller.AddAfter(key(e.Workspace, c.name), d.NotBefore.Sub(n.cfg.Clock()))
	}
	return nil
}
