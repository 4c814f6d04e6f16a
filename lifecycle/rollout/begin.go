package rollout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/trimtab/trimtab"
)

// Begin puts a version into service, in the stages that the endpoint declares, or at
// once when it declares none. Of one origin and cause there is one rollout: beginning
// it again returns it as it stands. at is the event time of the decision; the rollout
// begins there, or where the endpoint's watermark stands if that is later.
//
// A version that serves already, or that is not complete, is a Precondition. So is a
// rollout that is under way, as a Conflict, unless it is baking, or a person begins
// this one: then the other ends.
func (c *Rollouts) Begin(ctx context.Context, endpoint string, to trimtab.Version, origin, cause string, at trimtab.Time) (r trimtab.Rollout, err error) {
	defer trimtab.Wrap(&err, "Rollouts.Begin(%s, %d)", endpoint, to)
	p := place{trimtab.CallOf(ctx).Workspace, endpoint}
	h := c.of(p)
	h.Lock()
	defer h.Unlock()
	s, err := c.pass(ctx, p, h)
	if err != nil {
		return r, err
	}
	for _, old := range s.rollouts {
		if old.Origin == origin && old.Cause == cause {
			return old, nil
		}
	}
	served := s.served()
	if open := openOf(s.rollouts); open != nil {
		if origin == "policy" && open.State != trimtab.RolloutBaking {
			return r, trimtab.Errorf(trimtab.Conflict, open.Object().String(), "rollout %s to version %d is %s: another can begin when it has ended", open.ID, open.To, open.State)
		}
		if open.State == trimtab.RolloutPromoting || open.State == trimtab.RolloutRolling {
			return r, trimtab.Errorf(trimtab.Conflict, open.Object().String(), "rollout %s is %s: try again in a moment", open.ID, open.State)
		}
		if open.To == to {
			return r, trimtab.Errorf(trimtab.Conflict, open.Object().String(), "rollout %s to version %d is %s already", open.ID, open.To, open.State)
		}
	}
	if to == served {
		return r, trimtab.Errorf(trimtab.Precondition, "endpoint "+endpoint, "version %d answers endpoint %s already", to, endpoint)
	}
	if err := s.ready(ctx, to); err != nil {
		return r, err
	}
	if open := openOf(s.rollouts); open != nil {
		if err := s.end(ctx, *open, fmt.Sprintf("version %d came meanwhile: %s", to, cause)); err != nil {
			return r, err
		}
	}
	s.at = max(s.at, at)
	r, err = s.open(ctx, served, to, origin, cause)
	c.controller.Add(p.key())
	return r, err
}

// ready reports why an alias could not point to the version.
func (s *pass) ready(ctx context.Context, to trimtab.Version) error {
	v, err := s.cfg.Versions.Get(ctx, s.spec.Model.Name, to)
	switch {
	case err != nil:
		return err
	case v.Manifest == "":
		return trimtab.Errorf(trimtab.Precondition, v.Object().String(), "version %d of model %s is not complete: its files are frozen when the run that made it ends", to, s.spec.Model.Name)
	case v.Attempt != "" && !v.Settled:
		return trimtab.Errorf(trimtab.Precondition, v.Object().String(), "version %d of model %s was registered by step %s, which has not succeeded", to, s.spec.Model.Name, v.Attempt)
	}
	return nil
}

// open writes a new rollout. The first version of an endpoint takes over directly.
func (s *pass) open(ctx context.Context, from, to trimtab.Version, origin, cause string) (trimtab.Rollout, error) {
	return s.write(ctx, from, to, origin, cause, "")
}

// direct records a version that answers without a rollout: the first one.
func (s *pass) direct(ctx context.Context, v trimtab.Version) (trimtab.Rollout, error) {
	return s.write(ctx, 0, v, "alias", "it answered first", "nothing answered before")
}

// write writes a new rollout, as one that has ended already if it is given a reason.
func (s *pass) write(ctx context.Context, from, to trimtab.Version, origin, cause, ended string) (trimtab.Rollout, error) {
	var spec trimtab.RolloutSpec
	if from != 0 && s.spec.Rollout != nil {
		spec = s.spec.Rollout.WithDefaults()
	}
	n, at := 1, s.at
	if len(s.all) > 0 {
		newest := s.all[0]
		n = newest.Ordinal() + 1
		at = max(at, newest.Begun+1) // lists go by this time
	} else if ended != "" {
		// Nothing was asked before it: it serves from the beginning, also when history is replayed later.
		at = 0
	}
	r, change := trimtab.NewRollout(s.name, n, s.spec.Model.Name, s.spec.Model.Alias, from, to, spec, salt(s.name, n, at), origin, cause, at)
	if ended != "" {
		r.State, r.Share, r.Reason, r.Ended, r.Salt = trimtab.RolloutPromoted, 1, ended, at, "" // it divides nothing
		change = trimtab.Changed("rollout.promoted", nil, r, ended)
	}
	r, err := s.cfg.Rollouts.Move(ctx, r.ID, func(old *trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
		if old != nil {
			return *old, trimtab.Change{}, errStale
		}
		return r, change, nil
	})
	if err != nil {
		return r, err
	}
	s.cfg.Log.InfoContext(ctx, "rollout begins", "project", s.ws, "endpoint", s.name, "rollout", r.ID, "from", from, "to", to, "state", r.State, "origin", origin, "cause", cause)
	return r, s.cfg.Crash("begun")
}

// salt makes the assignment of requests a function of which rollout it is, and of
// the event time at which it begins. What a version's files say of the hour and the
// run in which they were written has no part in it: history that is replayed again
// assigns its requests again in the same way.
func salt(endpoint string, n int, at trimtab.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d\n", endpoint, n, at))
	return hex.EncodeToString(sum[:8])
}
