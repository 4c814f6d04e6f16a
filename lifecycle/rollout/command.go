package rollout

import (
	"context"
	"fmt"

	"github.com/trimtab/trimtab"
)

// Promote ends the watching of an open rollout: its version takes over now. It needs a
// reason; a rollout that has promoted or ended is a Precondition.
func (c *Rollouts) Promote(ctx context.Context, id, reason string) (trimtab.Rollout, error) {
	return c.command(ctx, id, "promoted", reason, func(r trimtab.Rollout, at trimtab.Time, why string) (trimtab.Rollout, trimtab.Change, error) {
		if !watched(r) {
			return r, trimtab.Change{}, unfit(r, "promoted")
		}
		return r.Move(trimtab.RolloutPromoting, r.Step, 1, at, why)
	})
}

// RollBack lets the old version answer everything again. The data plane of this process
// obeys before anything is recorded, so it works while the database does not; the error
// says then that it is not recorded. A bake can be rolled back too; a rollout that has
// ended is a Precondition.
func (c *Rollouts) RollBack(ctx context.Context, id, reason string) (trimtab.Rollout, error) {
	if reason == "" {
		return trimtab.Rollout{}, noReason(id)
	}
	if c.cfg.Plane != nil {
		if err := c.cfg.Plane.Abort(trimtab.CallOf(ctx).Workspace, trimtab.RolloutEndpoint(id)); err != nil {
			c.cfg.Log.WarnContext(ctx, "the data plane stops nothing at once; it follows the record", "rollout", id, "error", err)
		}
	}
	return c.command(ctx, id, "rolled back", reason, func(r trimtab.Rollout, at trimtab.Time, why string) (trimtab.Rollout, trimtab.Change, error) {
		if r.State == trimtab.RolloutRolling {
			return r, trimtab.Change{}, nil
		}
		if r.State.Ended() || r.From == 0 {
			return r, trimtab.Change{}, unfit(r, "rolled back")
		}
		return r.Move(trimtab.RolloutRolling, r.Step, 0, at, why)
	})
}

// Hold keeps a stage as it is until Resume, Promote or RollBack; the tests go on and
// still roll back.
func (c *Rollouts) Hold(ctx context.Context, id, reason string) (trimtab.Rollout, error) {
	return c.command(ctx, id, "held", reason, func(r trimtab.Rollout, at trimtab.Time, why string) (trimtab.Rollout, trimtab.Change, error) {
		if r.State == trimtab.RolloutHeld {
			return r, trimtab.Change{}, nil
		}
		if !watched(r) {
			return r, trimtab.Change{}, unfit(r, "held")
		}
		return r.Move(trimtab.RolloutHeld, r.Step, r.Share, at, why)
	})
}

// Resume begins the stage anew in which a rollout was held.
func (c *Rollouts) Resume(ctx context.Context, id, reason string) (trimtab.Rollout, error) {
	return c.command(ctx, id, "resumed", reason, func(r trimtab.Rollout, at trimtab.Time, why string) (trimtab.Rollout, trimtab.Change, error) {
		if r.State != trimtab.RolloutHeld {
			return r, trimtab.Change{}, unfit(r, "resumed")
		}
		return r.Move(r.Under(), r.Step, r.Share, at, why)
	})
}

func watched(r trimtab.Rollout) bool {
	return r.State == trimtab.RolloutShadow || r.State == trimtab.RolloutCanary || r.State == trimtab.RolloutHeld
}

func unfit(r trimtab.Rollout, what string) error {
	hint := ""
	switch {
	case r.State.Ended() || r.State == trimtab.RolloutBaking:
		hint = fmt.Sprintf("; an alias that is moved begins another: trimtab model alias set %s %s VERSION", r.Model, r.Alias)
		if r.State == trimtab.RolloutBaking {
			hint = "; it can be rolled back"
		}
	}
	return trimtab.Errorf(trimtab.Precondition, r.Object().String(), "rollout %s is %s and cannot be %s%s", r.ID, r.State, what, hint)
}

func noReason(id string) error {
	return trimtab.Errorf(trimtab.Invalid, "rollout "+id, "a decision about a rollout needs a reason: it is recorded")
}

// command moves the rollout as a person asks and lets a pass do the rest. It waits for
// no pass that is under way.
func (c *Rollouts) command(ctx context.Context, id, what, reason string, rule func(r trimtab.Rollout, at trimtab.Time, why string) (trimtab.Rollout, trimtab.Change, error)) (r trimtab.Rollout, err error) {
	defer trimtab.Wrap(&err, "Rollouts(%s, %s)", id, what)
	if reason == "" {
		return r, noReason(id)
	}
	who := trimtab.CallOf(ctx)
	p := place{who.Workspace, trimtab.RolloutEndpoint(id)}
	at, err := c.effective(ctx, p)
	if err != nil {
		return r, err
	}
	why := fmt.Sprintf("%s by %s: %s", what, who.Actor.ID, reason)
	r, err = c.cfg.Rollouts.Move(ctx, id, func(old *trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
		if old == nil {
			return r, trimtab.Change{}, trimtab.Errorf(trimtab.NotFound, "rollout "+id, "there is no rollout %s", id)
		}
		next, change, err := rule(*old, max(at, old.Since), why)
		if err != nil || change.Action == "" {
			return next, change, err
		}
		next.Verdict = Person
		return next, trimtab.Changed(change.Action, old, next, why), nil
	})
	if err != nil {
		return r, err
	}
	if err := c.cfg.Crash("commanded"); err != nil {
		return r, err
	}
	c.controller.Add(p.key())
	return r, nil
}

// effective is the event time from which a command takes effect.
func (c *Rollouts) effective(ctx context.Context, p place) (trimtab.Time, error) {
	state, err := c.cfg.States.State(ctx, p.name)
	if err != nil {
		return 0, err
	}
	if state.Mode == trimtab.DrivenMode {
		return state.Watermark, nil
	}
	return c.cfg.Clock(), nil
}
