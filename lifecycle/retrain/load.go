package retrain

import (
	"context"
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/boost"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// maxLesson bounds the rows of earlier windows that are read for one border; the
// newest windows come first. Cures are fitted on fewer.
const maxLesson = 60_000

// evidence measures every cure on a window, from the log.
func (s *pass) evidence(ctx context.Context, st trimtab.PolicyState, w trimtab.WindowResult) (Evidence, error) {
	q := Question{Task: s.task, Served: s.served, Probe: true, Recalibrate: true}
	if s.served == 0 {
		return Evidence{Start: w.Start, End: w.End, Task: s.task, Loss: math.NaN()}, nil
	}
	if st.Served == s.served && st.Trained != 0 {
		q.Trained = st.Trained
	} else if l, ok, err := s.cfg.Models.Lineage(ctx, s.endpoint.Model.Name, s.served); err != nil {
		return Evidence{}, err
	} else if ok {
		q.Trained = l.Until
	}
	var err error
	if q.Takes, err = s.takes(ctx, w.Start); err != nil {
		return Evidence{}, err
	}
	holds, err := s.holds(ctx)
	if err != nil {
		return Evidence{}, err
	}
	window, err := s.load(ctx, w, holds)
	if err != nil {
		return Evidence{}, err
	}
	for _, v := range append(trimtab.RetainedVersions(s.rollouts, s.served, s.spec.Keep), s.served) {
		if v == s.served {
			if err := s.scoreServed(ctx, window); err != nil {
				return Evidence{}, err
			}
			continue
		}
		err := s.score(ctx, window, v)
		if unscorable(err) {
			s.cfg.Log.WarnContext(ctx, "an older version cannot be scored", "project", s.ws, "policy", s.name, "version", v, "error", err)
			continue // it is no candidate
		}
		if err != nil {
			return Evidence{}, err
		}
		q.Older = append(q.Older, v)
	}
	earlier, err := s.earlier(ctx, w, q.Trained, holds)
	if err != nil {
		return Evidence{}, err
	}
	return Measure(q, &window.Rows, earlier)
}

// earlier reads the windows before w since the served version was trained, oldest first.
func (s *pass) earlier(ctx context.Context, w trimtab.WindowResult, trained trimtab.Time, holds []trimtab.Hold) ([]*Rows, error) {
	var out []*Rows
	rows := 0
	err := s.recent(ctx, w.Start, func(x trimtab.WindowResult) (bool, error) {
		switch {
		case x.End <= trained:
			return false, nil
		case x.End > w.Start:
			return true, nil
		}
		l, err := s.load(ctx, x, holds)
		if err != nil {
			return false, err
		}
		if err := s.scoreServed(ctx, l); err != nil {
			return false, err
		}
		rows += l.Len()
		out = append(out, &l.Rows)
		return rows < maxLesson, nil
	})
	slices.Reverse(out)
	return out, err
}

// holds are the spans of the endpoint that are kept out of what is learnt.
func (s *pass) holds(ctx context.Context) ([]trimtab.Hold, error) {
	var out []trimtab.Hold
	all, err := s.cfg.Incidents.List(ctx, trimtab.DocumentQuery{Scope: s.monitor.Endpoint, Limit: 10_000})
	for _, i := range all {
		if h, ok := i.Held(); ok {
			out = append(out, h)
		}
	}
	return out, err
}

// logged are the labelled rows of a window with what else is known of them.
type logged struct {
	Rows
	inputs     *table.Table
	answered   []trimtab.Version
	quarantine []string
	mu         sync.Mutex // guards Versions while it is filled
}

// load reads a window as it was known at its border, from the cache when it is there.
func (s *pass) load(ctx context.Context, w trimtab.WindowResult, holds []trimtab.Hold) (*logged, error) {
	border := w.End.Add(time.Duration(s.monitor.LabelMaturity))
	key := cacheKey{s.ws, s.monitor.Endpoint, w.Start, w.End, border, s.spec.Block}
	l := s.rows.get(key)
	if l == nil {
		l = &logged{Rows: Rows{Start: w.Start, End: w.End, Versions: map[trimtab.Version][]float64{}}}
		if err := s.fill(ctx, l, border); err != nil {
			return nil, err
		}
		s.rows.put(key, l)
	}
	l.Held = make([]bool, l.Len())
	for i, t := range l.Time {
		rule := ""
		if l.quarantine != nil {
			rule = l.quarantine[i]
		}
		l.Held[i] = trimtab.HeldRow(holds, t, rule) != ""
	}
	return l, nil
}

// fill reads the labelled rows from the log.
func (s *pass) fill(ctx context.Context, l *logged, knownBy trimtab.Time) error {
	var parts []*traffic.Rows
	for rows, err := range s.log.Tables(ctx, traffic.Query{Start: l.Start, End: l.End, KnownBy: knownBy, Inputs: true}) {
		if err != nil {
			return err
		}
		parts = append(parts, rows)
	}
	var keep [][]int
	for _, p := range parts {
		var at []int
		for i, ok := range p.HasLabel {
			if ok && !math.IsNaN(p.Label[i]) && (s.task != Binary || p.Label[i] == 0 || p.Label[i] == 1) {
				at = append(at, i)
				l.Time = append(l.Time, p.EventTimes[i])
				l.Label = append(l.Label, p.Label[i])
				l.Score = append(l.Score, p.Score[i])
				l.answered = append(l.answered, p.Versions[i])
				l.quarantine = append(l.quarantine, p.Quarantine[i])
			}
		}
		keep = append(keep, at)
	}
	if len(parts) == 0 || parts[0].Inputs == nil {
		return nil
	}
	l.inputs = table.Blank(len(l.Label))
	for j := range parts[0].Inputs.Columns { // all batches of an answer have the same columns
		whole := parts[0].Inputs.Columns[j].Take(keep[0])
		for k := 1; k < len(parts); k++ {
			if err := whole.Extend(parts[k].Inputs.Columns[j].Take(keep[k])); err != nil {
				return err
			}
		}
		l.inputs.Columns = append(l.inputs.Columns, whole)
		l.Features = append(l.Features, featureOf(whole))
		if s.spec.Block != "" && whole.Name == s.spec.Block {
			l.Block = make([]uint64, len(l.Label))
			for i := range l.Block {
				l.Block[i] = hashOf(whole.Text(i))
			}
		}
	}
	return nil
}

// featureOf is a column as trees see it: numbers as they are, texts as codes that
// are the same in every window. Two texts that share a code cost the probe little.
func featureOf(c *table.Column) boost.Feature {
	f := boost.Feature{Name: c.Name, Values: make([]float64, c.Len()), Categorical: c.Type == table.String}
	if !f.Categorical {
		c.Floats(f.Values, 1)
		return f
	}
	for i := range f.Values {
		f.Values[i] = math.NaN()
		if !c.Missing(i) {
			f.Values[i] = float64(hashOf(c.Strings[i]) % (boost.MaxCode + 1))
		}
	}
	return f
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// score makes sure that the rows have the scores of a version.
func (s *pass) score(ctx context.Context, l *logged, v trimtab.Version) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Versions[v] != nil {
		return nil
	}
	if l.own(v) == l.Len() { // also of no rows
		l.Versions[v] = append([]float64{}, l.Score...)
		return nil
	}
	if l.inputs == nil {
		return trimtab.Errorf(trimtab.Precondition, "endpoint "+s.monitor.Endpoint, "the log of endpoint %s holds no inputs", s.monitor.Endpoint)
	}
	scores, err := s.cfg.Scorer.Score(ctx, s.ws, s.endpoint.Model.Name, v, l.inputs)
	if err != nil {
		return err
	}
	if len(scores) != l.Len() {
		return trimtab.Errorf(trimtab.Internal, "version", "version %d gave %d scores for %d rows", v, len(scores), l.Len())
	}
	l.Versions[v] = scores
	return nil
}

// unscorable reports whether an error says that a version gives no scores for logged
// rows, whenever it is asked.
func unscorable(err error) bool {
	switch trimtab.KindOf(err) {
	case trimtab.NotFound, trimtab.Unsupported, trimtab.Invalid, trimtab.Precondition:
		return err != nil
	}
	return false
}

// scoreServed is score for what serves now. Where it cannot be asked, the rows that it
// has answered itself are all that witness.
func (s *pass) scoreServed(ctx context.Context, l *logged) error {
	err := s.score(ctx, l, s.served)
	if !unscorable(err) {
		return err
	}
	scores := make([]float64, l.Len())
	for i, a := range l.answered {
		scores[i] = math.NaN()
		if a == s.served {
			scores[i] = l.Score[i]
		}
	}
	s.cfg.Log.WarnContext(ctx, "the served version cannot be scored: only the rows that it answered itself count", "project", s.ws, "policy", s.name,
		"version", s.served, "window", l.Start, "rows", l.Len(), "answered", l.own(s.served), "error", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Versions[s.served] = scores
	return nil
}

// own counts the rows that a version has answered itself.
func (l *logged) own(v trimtab.Version) (n int) {
	for _, a := range l.answered {
		if a == v {
			n++
		}
	}
	return n
}

type cacheKey struct {
	ws         trimtab.Workspace
	endpoint   string
	start, end trimtab.Time
	knownBy    trimtab.Time
	block      string
}

// rowCache keeps windows that were read lately: each border reads the ones before
// it again. Cells are bounded, not windows. It is safe for concurrent use.
type rowCache struct {
	mu    sync.Mutex
	kept  map[cacheKey]*logged // guarded by mu, as all below
	order []cacheKey
	cells int
}

// maxCells bounds the cache to some 200 MB.
const maxCells = 25 << 20

func (l *logged) cells() int { return l.Len() * (2*len(l.Features) + 8) }

func (c *rowCache) get(k cacheKey) *logged {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.kept[k]; l != nil {
		if i := slices.Index(c.order, k); i >= 0 {
			c.order = append(slices.Delete(c.order, i, i+1), k)
		}
		return l
	}
	return nil
}

func (c *rowCache) put(k cacheKey, l *logged) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[cacheKey]*logged{}
	}
	c.kept[k] = l
	c.order = append(c.order, k)
	c.cells += l.cells()
	for c.cells > maxCells && len(c.order) > 1 {
		old := c.order[0]
		c.order = c.order[1:]
		c.cells -= c.kept[old].cells()
		delete(c.kept, old)
	}
}
