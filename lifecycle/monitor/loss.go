package monitor

import (
	"cmp"
	"context"
	"encoding/json"
	"hash/fnv"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/storage/traffic"
)

// keepVersions is how many versions are scored besides those that answer, unless a policy says otherwise.
const keepVersions = 8

// declaredBy is what the policies of a monitor say about comparisons: how many older
// versions stay candidates, and the column whose equal values are rows that depend
// on each other, "" for days. Of several policies the first by name with a column.
func (s *pass) declaredBy(ctx context.Context) (keep int, block string, err error) {
	keep = keepVersions
	all, err := s.cfg.Resources.Everywhere(ctx, trimtab.KindRetrainPolicy)
	for _, r := range all {
		var p trimtab.RetrainPolicySpec
		if r.Workspace != s.ws || json.Unmarshal(r.Spec, &p) != nil || p.Monitor != s.name {
			continue
		}
		keep = max(keep, p.Keep)
		if block == "" {
			block = p.Block
		}
	}
	return keep, block, err
}

// blockBits: values of a block column are spread over 32 blocks, as where policies decide.
const blockBits = 5

// blockOf is the block of a value: Fibonacci hashing of its FNV-1a digest.
func blockOf(text string) int64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return int64(h.Sum64() * 0x9E3779B97F4A7C15 >> (64 - blockBits))
}

// comparison scores retained versions on the rows of a window, in pairs with what was served.
type comparison struct {
	s        *pass
	binary   bool
	block    string // column of the blocks, "" for days
	versions []*versionTally
}

// versionTally gathers the losses of one version.
type versionTally struct {
	version trimtab.Version
	trained trimtab.Time
	lost    bool // it cannot be scored
	rows    int64
	loss    stat.Sum
	gain    stat.Sum
	blocks  map[int64]*blockTally
}

type blockTally struct {
	n         float64
	sum, sum2 stat.Sum
}

// scores prepares the comparison of a window: with no scorer, only of versions that answered every row.
func (s *pass) scores(ctx context.Context, w step) (*comparison, error) {
	c := &comparison{s: s, binary: s.spec.Performance.Task != "regression"}
	keep, block, err := s.declaredBy(ctx)
	if err != nil {
		return nil, err
	}
	c.block = block
	versions, err := s.retained(ctx, w, keep)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		t := &versionTally{version: v, blocks: map[int64]*blockTally{}}
		if s.cfg.Models != nil {
			l, ok, err := s.cfg.Models.Lineage(ctx, s.endpoint.Model.Name, v)
			switch {
			case trimtab.IsKind(err, trimtab.NotFound):
				t.lost = true
			case err != nil:
				return nil, err
			case ok:
				t.trained = l.Until
			}
		}
		c.versions = append(c.versions, t)
	}
	return c, nil
}

// wanted reports whether inputs are needed.
func (c *comparison) wanted() bool {
	return len(c.versions) > 0 && (c.s.cfg.Scorer != nil || c.block != "")
}

// retained lists the versions that stay candidates at a border: those that answered
// in the window, then those of rollouts begun before the border, then those that
// answered in earlier windows, the newest first. The first that ever served stays: it
// shows what would have been without a loop.
func (s *pass) retained(ctx context.Context, w step, keep int) ([]trimtab.Version, error) {
	answered := map[trimtab.Version]bool{}
	for j, err := range s.log.Window(ctx, w.start, w.end, w.at) {
		if err != nil {
			return nil, err
		}
		answered[j.Version] = true
	}
	var out []trimtab.Version
	for v := range answered {
		if v != 0 {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	keep += len(out)
	add := func(v trimtab.Version) {
		if v != 0 && !slices.Contains(out, v) && len(out) < keep {
			out = append(out, v)
		}
	}
	rollouts, err := s.begun(ctx, w.at)
	if err != nil {
		return nil, err
	}
	for _, r := range rollouts {
		if r.Ended == 0 || r.Ended >= w.at || r.State == trimtab.RolloutPromoted {
			add(r.To)
		}
		add(r.From)
	}
	earlier, err := s.cfg.Windows.Recent(ctx, s.name, w.start, 4*keepVersions)
	if err != nil {
		return nil, err
	}
	first := firstServed(rollouts, earlier)
	for _, x := range slices.Backward(earlier) {
		for _, v := range slices.Backward(x.Versions) {
			add(v)
		}
	}
	if first != 0 && !slices.Contains(out, first) {
		out = append(out, first)
	}
	slices.Sort(out)
	return out, nil
}

// firstServed is the first version that served as far as records go back: before
// all rollouts, else the oldest one that is still scored. rollouts come the newest first.
func firstServed(rollouts []trimtab.Rollout, earlier []trimtab.WindowResult) trimtab.Version {
	for _, r := range slices.Backward(rollouts) {
		if r.From != 0 {
			return r.From
		}
		if r.State == trimtab.RolloutPromoted {
			return r.To
		}
	}
	for _, x := range slices.Backward(earlier) {
		if len(x.Scores) > 0 {
			return x.Scores[0].Version
		}
	}
	return 0
}

// begun lists the rollouts of the endpoint that began before a border, the newest first.
func (s *pass) begun(ctx context.Context, at trimtab.Time) ([]trimtab.Rollout, error) {
	if s.cfg.Rollouts == nil {
		return nil, nil
	}
	all, err := s.cfg.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: s.spec.Endpoint, To: at})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b trimtab.Rollout) int { return cmp.Compare(b.Begun, a.Begun) })
	return all, nil
}

// add scores a batch of rows. kept says which rows are in the figures.
func (c *comparison) add(ctx context.Context, rows *traffic.Rows, kept []bool) error {
	block := func(i int) int64 { return dayOf(rows.EventTimes[i]) }
	if c.block != "" && rows.Inputs != nil {
		if column := rows.Inputs.Column(c.block); column != nil {
			block = func(i int) int64 { return blockOf(column.Text(i)) }
		}
	}
	for _, t := range c.versions {
		if t.lost {
			continue
		}
		scores, err := c.score(ctx, t.version, rows)
		if trimtab.IsKind(err, trimtab.NotFound) || trimtab.IsKind(err, trimtab.Unsupported) || trimtab.IsKind(err, trimtab.Invalid) || trimtab.IsKind(err, trimtab.Precondition) {
			c.s.cfg.Log.WarnContext(ctx, "a retained version cannot be scored", "project", c.s.ws, "monitor", c.s.name, "version", t.version, "error", err)
			t.lost = true
			continue
		}
		if err != nil {
			return err
		}
		for i, p := range scores {
			if kept[i] && rows.HasLabel[i] && rows.EventTimes[i] >= t.trained {
				t.add(block(i), c.loss(rows.Label[i], rows.Score[i]), c.loss(rows.Label[i], p))
			}
		}
	}
	return nil
}

// score returns the scores of a version: what it answered, where it answered all of the rows.
func (c *comparison) score(ctx context.Context, v trimtab.Version, rows *traffic.Rows) ([]float64, error) {
	if !slices.ContainsFunc(rows.Versions, func(x trimtab.Version) bool { return x != v }) {
		return rows.Score, nil
	}
	if c.s.cfg.Scorer == nil || rows.Inputs == nil || len(rows.Inputs.Columns) == 0 {
		return nil, trimtab.Errorf(trimtab.Precondition, "endpoint "+c.s.spec.Endpoint, "the log holds no inputs to score")
	}
	scores, err := c.s.cfg.Scorer.Score(ctx, c.s.ws, c.s.endpoint.Model.Name, v, rows.Inputs)
	if err == nil && len(scores) != rows.Len() {
		err = trimtab.Errorf(trimtab.Internal, "version", "version %d gave %d scores for %d rows", v, len(scores), rows.Len())
	}
	return scores, err
}

// clip keeps one confident mistake from outweighing a window, as where policies decide: log-loss is cut at 9.2 nats.
const clip = 1e-4

// loss is what a prediction costs: log-loss, or the squared error. NaN for what has none.
func (c *comparison) loss(y, p float64) float64 {
	if !c.binary {
		return (y - p) * (y - p)
	}
	p = min(max(p, clip), 1-clip) // min and max keep NaN
	switch y {
	case 1:
		return -math.Log(p)
	case 0:
		return -math.Log1p(-p)
	}
	return math.NaN()
}

func (t *versionTally) add(block int64, served, own float64) {
	d := served - own
	if !finite(d) {
		return
	}
	t.rows++
	t.loss.Add(own)
	t.gain.Add(d)
	b := t.blocks[block]
	if b == nil {
		b = &blockTally{}
		t.blocks[block] = b
	}
	b.n++
	b.sum.Add(d)
	b.sum2.Add(d * d)
}

// losses are the results of the versions that could be scored on any row.
func (c *comparison) losses() (out []trimtab.VersionLoss) {
	for _, t := range c.versions {
		if t.lost || t.rows == 0 {
			continue
		}
		l := trimtab.VersionLoss{Version: t.version, Rows: t.rows, Loss: t.loss.Value() / float64(t.rows), Gain: t.gain.Value(), Trained: t.trained}
		for k, b := range t.blocks {
			l.Blocks = append(l.Blocks, trimtab.GainBlock{Key: k, N: b.n, Sum: b.sum.Value(), Sum2: b.sum2.Value()})
		}
		slices.SortFunc(l.Blocks, func(a, b trimtab.GainBlock) int { return cmp.Compare(a.Key, b.Key) })
		out = append(out, l)
	}
	return out
}

const dayMS = trimtab.Time(24 * 3600 * 1000)

// dayOf counts days since 1970, in UTC.
func dayOf(t trimtab.Time) int64 {
	d := int64(t / dayMS)
	if t%dayMS < 0 {
		d--
	}
	return d
}
