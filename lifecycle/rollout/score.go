package rollout

import (
	"context"
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/traffic"
)

// scoreCache keeps the scores of rows that the version did not answer itself: each look
// of a rollout reads the rows again. It holds one rollout, and no more rows than a look
// reads.
type scoreCache struct {
	rollout string
	scores  map[string][2]float64
}

// of returns the scores of a rollout, none when another one was kept.
func (c *scoreCache) of(r trimtab.Rollout) map[string][2]float64 {
	if c.rollout != r.ID || c.scores == nil || len(c.scores) > 2*maxRows {
		c.rollout, c.scores = r.ID, map[string][2]float64{}
	}
	return c.scores
}

func (h *held) forget() { h.scores, h.live = scoreCache{}, liveBase{} }

// score fills in what both versions say of each row: what was answered, where the
// version did, else what it says of the logged inputs now.
func (s *pass) score(ctx context.Context, log *traffic.Log, r trimtab.Rollout, rows []light) error {
	cache := s.kept.scores.of(r)
	missing := map[string]bool{}
	first, last := trimtab.Time(0), trimtab.Time(0)
	for _, x := range rows {
		if _, known := cache[x.id]; known || x.bad {
			continue
		}
		if len(missing) == 0 {
			first = x.time
		}
		first, last = min(first, x.time), max(last, x.time)
		missing[x.id] = true
	}
	if len(missing) > 0 {
		if err := s.fill(ctx, log, r, missing, first, last+1, cache); err != nil {
			return err
		}
	}
	for i := range rows {
		x := &rows[i]
		if x.bad {
			continue
		}
		both := cache[x.id]
		x.from, x.to = both[0], both[1]
		if x.version == r.From {
			x.from = x.score
		}
		if x.version == r.To {
			x.to = x.score
		}
	}
	return nil
}

// fill scores the rows whose ids are missing.
func (s *pass) fill(ctx context.Context, log *traffic.Log, r trimtab.Rollout, missing map[string]bool, start, end trimtab.Time, into map[string][2]float64) error {
	for batch, err := range log.Tables(ctx, traffic.Query{Start: start, End: end, KnownBy: s.mark, Inputs: true}) {
		if err != nil {
			return err
		}
		var at []int
		for i, id := range batch.IDs {
			if missing[id] {
				at = append(at, i)
			}
		}
		if len(at) == 0 {
			continue
		}
		from, err := s.scoresOf(ctx, r, r.From, batch, at)
		if err != nil {
			return err
		}
		to, err := s.scoresOf(ctx, r, r.To, batch, at)
		if err != nil {
			return err
		}
		for k, i := range at {
			into[batch.IDs[i]] = [2]float64{from[k], to[k]}
		}
	}
	return nil
}

// scoresOf scores the rows of a batch that the version did not answer, NaN for the
// others, and for all when the version cannot take such inputs: that is a finding, not
// a failure of the look.
func (s *pass) scoresOf(ctx context.Context, r trimtab.Rollout, v trimtab.Version, batch *traffic.Rows, at []int) ([]float64, error) {
	out := make([]float64, len(at))
	var rows, place []int
	for k, i := range at {
		out[k] = math.NaN()
		if batch.Versions[i] != v {
			rows, place = append(rows, i), append(place, k)
		}
	}
	if len(rows) == 0 || batch.Inputs == nil {
		return out, nil
	}
	scores, err := s.cfg.Scorer.Score(ctx, s.ws, r.Model, v, batch.Inputs.Take(rows))
	switch trimtab.KindOf(err) {
	case trimtab.Invalid, trimtab.Unsupported, trimtab.Precondition, trimtab.NotFound:
		s.cfg.Log.WarnContext(ctx, "a version cannot score what was served", "project", s.ws, "endpoint", s.name, "rollout", r.ID, "version", v, "rows", len(rows), "error", err)
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if len(scores) != len(rows) {
		return nil, trimtab.Errorf(trimtab.Internal, r.Object().String(), "version %d gave %d scores for %d rows", v, len(scores), len(rows))
	}
	for k, score := range scores {
		out[place[k]] = score
	}
	return out, nil
}
