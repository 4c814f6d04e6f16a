package rollout

import (
	"context"
	"encoding/json"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// Consumer follows the journal: watermarks, endpoints, aliases, and rollouts that
// others begin or decide. Before an entry that gives work counts as read, the border
// is marked as unsettled.
func (c *Rollouts) Consumer() control.Consumer {
	return control.Consumer{Name: actor, Handle: func(ctx context.Context, entries []trimtab.Entry) error {
		own := trimtab.Controller(actor)
		read := false
		todo, order := map[place]bool{}, []place(nil) // whether the border must wait
		note := func(p place, wait bool) {
			if _, known := todo[p]; !known {
				order = append(order, p)
			}
			todo[p] = todo[p] || wait
		}
		for _, e := range entries {
			if e.Object.Kind == "endpoint" && !read || e.Object.Kind == "registeredModel" && len(*c.declared.Load()) == 0 {
				if _, err := c.read(ctx); err != nil {
					return err
				}
				read = true
			}
			switch e.Object.Kind {
			case "endpoint":
				note(place{e.Workspace, e.Object.Name}, true)
			case "endpointState":
				note(place{e.Workspace, e.Object.Name}, false) // not settled before the pass anyway
			case "registeredModel":
				if e.Actor == own {
					continue // within a pass, which settles when it is through
				}
				for p, spec := range *c.declared.Load() {
					if p.ws != e.Workspace || string(spec.Model.Name) != e.Object.Name {
						continue
					}
					if err := c.served(ctx, p, spec, e); err != nil {
						return err
					}
					note(p, true)
				}
			case "rollout":
				if e.Actor != own {
					note(place{e.Workspace, trimtab.RolloutEndpoint(e.Object.Name)}, true)
				}
			case "pause":
				for p, spec := range *c.declared.Load() {
					if p.ws == e.Workspace && spec.Rollout != nil {
						note(p, false)
					}
				}
			}
		}
		for _, p := range order {
			if todo[p] {
				if err := c.pend(ctx, p); err != nil {
					return err
				}
			}
			c.controller.Add(p.key())
		}
		return nil
	}}
}

// served records what answered before the first move of an alias that is seen: the
// entry knows it, the records do not.
func (c *Rollouts) served(ctx context.Context, p place, spec trimtab.EndpointSpec, e trimtab.Entry) error {
	var moved trimtab.AliasMoved
	if spec.Rollout == nil || e.Action != "model.alias.set" || json.Unmarshal(e.Data, &moved) != nil || moved.Alias != spec.Model.Alias || moved.From == 0 {
		return nil
	}
	h := c.of(p)
	h.Lock()
	defer h.Unlock()
	ctx = call(ctx, p.ws)
	s, err := c.pass(ctx, p, h)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil
	}
	if err != nil || len(s.rollouts) > 0 || s.current == moved.From {
		return err
	}
	_, err = s.direct(ctx, moved.From)
	return err
}

// pend marks the border as unsettled until a pass has gone over the endpoint.
func (c *Rollouts) pend(ctx context.Context, p place) error {
	spec, declared := (*c.declared.Load())[p]
	h := c.of(p)
	h.Lock() // a pass that is under way settles before this, not after
	defer h.Unlock()
	ctx = call(ctx, p.ws)
	if !declared || spec.Rollout == nil {
		all, err := c.history(ctx, p.name)
		if err != nil || openOf(all) == nil {
			return err // it settles nothing
		}
	}
	state, err := c.cfg.States.State(ctx, p.name)
	if err != nil {
		return err
	}
	x := trimtab.Settlement{Workspace: p.ws, Endpoint: p.name, Listener: Listener(p.name), Wait: trimtab.WaitProcess, Detail: "has a change to look at"}
	if state.Mode == trimtab.DrivenMode {
		x.Through = state.Watermark
	}
	return c.cfg.States.Settle(ctx, x)
}

// Listeners names the listener that must settle a border of the endpoint: one when it
// declares a rollout or has one open, else none.
func (c *Rollouts) Listeners(ctx context.Context, ws trimtab.Workspace, endpoint string) ([]string, error) {
	all, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	if all[place{ws, endpoint}].Rollout == nil {
		rollouts, err := c.history(call(ctx, ws), endpoint)
		if err != nil || openOf(rollouts) == nil {
			return nil, err
		}
	}
	return []string{Listener(endpoint)}, nil
}

// Border returns the first moment after t at which the open rollout of the endpoint is
// looked at, 0 when none is open or it waits for no time.
func (c *Rollouts) Border(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (trimtab.Time, error) {
	rollouts, err := c.history(call(ctx, ws), endpoint)
	if err != nil {
		return 0, err
	}
	if r := openOf(rollouts); r != nil {
		return r.NextLook(t), nil
	}
	return 0, nil
}
