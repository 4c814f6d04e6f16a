package evaluate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Which rows show how good a version is.
const (
	// Answered: the rows that the version answered itself.
	Answered = "answered"
	// Scored: the newest rows that are new to the version, whoever answered them, scored with it.
	Scored = "scored"
)

// Limits of a sample. Answered rows cost a number each, scored ones their inputs.
const (
	maxAnswered = 400_000
	maxScored   = 60_000
)

// SampleRequest says whose rows are wanted. Everything but Model and Version may be left out.
type SampleRequest struct {
	Model   trimtab.ModelName
	Version trimtab.Version
	// Against is a second version, scored on the same rows: then they are always scored, and new to both.
	Against trimtab.Version
	// Source is Answered or Scored; "" is Answered when the version has served in a mature window.
	Source string
	// Endpoint is where the rows were served; "" is that of the model's first monitor by name, else its first endpoint.
	Endpoint string
}

// Survey is a sample that has been found and not been read. Digest names what it would be made of: equal digests, equal samples.
type Survey struct {
	Source   string
	Endpoint string // "" when nothing serves the model
	Monitor  string
	Task     Task // "" until rows are read, when nothing says it
	From, To trimtab.Time
	Until    trimtab.Time // up to which the versions had learnt; 0: nobody knows
	Why      string       // why there can be no rows, "" when there may be
	Digest   trimtab.Digest

	pass    *pass
	windows []trimtab.WindowResult // mature ones of the span, nil without a monitor
	holds   []trimtab.Hold
}

// Sample is labelled rows with the score of a version on each, in the order of event time. Counts are of rows of the
// span: of the version's own when Source is Answered.
type Sample struct {
	Rows       *Rows
	Task       Task
	Seen       int64   // predictions
	Unlabelled int64   // without a label that can be judged
	Held       int64   // kept out by an incident or a contract
	Refused    int64   // that a version gave no score
	Share      float64 // of the rows kept, by a digest of their ids; 1 when all are
	Why        string  // why there are no rows
}

// Survey finds where rows that show a version's quality lie. Nothing served, or nothing that the version may be tested
// with, is no error: Why says it.
func (r *Runner) Survey(ctx context.Context, q SampleRequest) (f Survey, err error) {
	defer trimtab.Wrap(&err, "evaluate.Survey(%s/%d)", q.Model, q.Version)
	if q.Source != "" && q.Source != Answered && q.Source != Scored {
		return f, trimtab.Errorf(trimtab.Invalid, "rows", "rows %q: expected %q or %q", q.Source, Answered, Scored)
	}
	s := &pass{Runner: r, ws: trimtab.CallOf(ctx).Workspace, model: q.Model, against: q.Against}
	if s.version, err = r.cfg.Models.Version(ctx, q.Model, q.Version); err != nil {
		return f, err
	}
	if q.Against != 0 {
		if _, err := r.cfg.Models.Version(ctx, q.Model, q.Against); err != nil {
			return f, err
		}
	}
	f.pass = s
	if f.Endpoint, f.Monitor, err = s.watched(ctx, q.Endpoint); err != nil || f.Endpoint == "" {
		f.Why = "no endpoint serves this model"
		return f, err
	}
	if s.state, err = r.cfg.States.State(ctx, f.Endpoint); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return f, err
	}
	f.From, f.To = math.MinInt64, s.mark()
	if s.monitor != nil {
		f.Task = Task(s.monitor.Performance.Task)
		if f.windows, err = s.lately(ctx, q); err != nil {
			return f, err
		}
		if len(f.windows) == 0 {
			f.Why = "no window of monitor " + f.Monitor + " has matured yet: labels are still to come"
			return f, nil
		}
		f.From, f.To = f.windows[0].Start, f.windows[len(f.windows)-1].End
	}
	s.task = f.Task
	own := slices.DeleteFunc(slices.Clone(f.windows), func(w trimtab.WindowResult) bool { return !slices.Contains(w.Versions, q.Version) })
	f.Source = cmp.Or(q.Source, Scored)
	if q.Source == "" && len(own) > 0 {
		f.Source = Answered
	}
	if q.Against != 0 {
		f.Source = Scored
	}
	if err := f.narrow(ctx, q, own); err != nil || f.Why != "" {
		return f, err
	}
	if f.holds, err = r.cfg.Holds.Holds(ctx, f.Endpoint); err != nil {
		return f, err
	}
	return f, f.name(q)
}

// recentWindows reads the newest windows that start before a moment (0: all), in order of time.
type recentWindows interface {
	Recent(ctx context.Context, monitor string, before trimtab.Time, limit int) ([]trimtab.WindowResult, error)
}

// windowPiece is how many windows are decoded at once: with a hundred columns each, they are large.
const windowPiece = 500

// lately are the mature windows that a sample may be taken from, oldest first: read from the newest backwards, until the
// version's service lies behind, or what it has learnt from begins, or there are rows enough to score.
func (s *pass) lately(ctx context.Context, q SampleRequest) ([]trimtab.WindowResult, error) {
	reader, ok := s.cfg.Windows.(recentWindows)
	if !ok {
		return s.mature(ctx, s.mark())
	}
	l, _, err := s.cfg.Models.Lineage(ctx, q.Model, q.Version)
	if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return nil, err
	}
	var out []trimtab.WindowResult
	rows, own, before, mark := int64(0), false, trimtab.Time(0), s.mark()
	for {
		piece, err := reader.Recent(ctx, s.spec.Monitor, before, windowPiece)
		if err != nil || len(piece) == 0 {
			return out, err
		}
		var kept []trimtab.WindowResult
		answered := false
		for _, w := range piece {
			if !w.Closed() || s.border(w) > mark {
				continue
			}
			w.Drift, w.Scores, w.Calibration, w.Estimated = nil, nil, nil, nil // large, and not asked for
			answered = answered || slices.Contains(w.Versions, q.Version)
			if w.Start >= l.Until {
				rows += w.Rows
			}
			kept = append(kept, w)
		}
		out = append(kept, out...)
		enough := (q.Source == Scored || q.Against != 0) && rows >= maxScored
		if len(piece) < windowPiece || own && !answered || piece[0].End <= l.Until || enough {
			return out, nil
		}
		own, before = own || answered, piece[0].Start
	}
}

// watched finds the endpoint whose rows are taken, with its monitor; "" when nothing serves the model.
func (s *pass) watched(ctx context.Context, wanted string) (endpoint, monitor string, err error) {
	monitors, err := s.cfg.Resources.List(ctx, trimtab.KindMonitor)
	if err != nil {
		return "", "", err
	}
	slices.SortFunc(monitors, func(a, b trimtab.Resource) int { return cmp.Compare(a.Name, b.Name) })
	endpoints, err := s.cfg.Resources.List(ctx, trimtab.KindEndpoint)
	if err != nil {
		return "", "", err
	}
	slices.SortFunc(endpoints, func(a, b trimtab.Resource) int { return cmp.Compare(a.Name, b.Name) })
	serves := map[string]trimtab.EndpointSpec{}
	for _, x := range endpoints {
		var e trimtab.EndpointSpec
		if err := json.Unmarshal(x.Spec, &e); err != nil {
			return "", "", &trimtab.Error{Kind: trimtab.Internal, Subject: x.Ref(), Err: err}
		}
		if e.Model.Name == s.model && (wanted == "" || wanted == x.Name) {
			serves[x.Name] = e
			endpoint = cmp.Or(endpoint, x.Name)
		}
	}
	if wanted != "" && endpoint == "" {
		return "", "", trimtab.Errorf(trimtab.Invalid, "endpoint "+wanted, "endpoint %s does not serve model %s", wanted, s.model)
	}
	for _, x := range monitors {
		var m trimtab.MonitorSpec
		if err := json.Unmarshal(x.Spec, &m); err != nil {
			return "", "", &trimtab.Error{Kind: trimtab.Internal, Subject: x.Ref(), Err: err}
		}
		if e, ok := serves[m.Endpoint]; ok {
			m = m.WithDefaults()
			s.monitor, s.endpoint, s.spec.Monitor = &m, e, x.Name
			return m.Endpoint, x.Name, nil
		}
	}
	s.endpoint = serves[endpoint]
	return endpoint, "", nil
}

// narrow cuts the span to what the version may be judged by.
func (f *Survey) narrow(ctx context.Context, q SampleRequest, own []trimtab.WindowResult) error {
	if f.Source == Answered {
		told := slices.ContainsFunc(f.windows, func(w trimtab.WindowResult) bool { return len(w.Versions) > 0 })
		switch {
		case len(own) > 0:
			f.windows, f.From, f.To = own, own[0].Start, own[len(own)-1].End
		case told:
			f.Why = fmt.Sprintf("version %d has answered no row of a window whose labels have matured", q.Version)
		}
		return nil
	}
	for _, v := range []trimtab.Version{q.Version, q.Against} {
		if v == 0 {
			continue
		}
		l, ok, err := f.pass.cfg.Models.Lineage(ctx, q.Model, v)
		if err != nil {
			return err
		}
		if !ok && f.pass.state.Mode == trimtab.DrivenMode {
			f.Why = fmt.Sprintf("nobody knows until when version %d has learnt, so no row is known to be new to it: set the tag %s of the version", v, trimtab.TrainedUntilTag)
			return nil
		}
		if !ok {
			x, err := f.pass.cfg.Models.Version(ctx, q.Model, v)
			if err != nil {
				return err
			}
			l.Until = x.Created // what is registered while the clock runs cannot have learnt from later rows
		}
		f.Until = max(f.Until, l.Until)
	}
	if f.To <= f.Until {
		f.Why = fmt.Sprintf("no row with a mature label is new: what was learnt reaches to %s, mature labels to %s", f.Until, f.To)
		return nil
	}
	f.From = max(f.From, f.Until)
	if f.windows == nil {
		return nil
	}
	// The newest windows, until they hold enough.
	f.windows = slices.DeleteFunc(f.windows, func(w trimtab.WindowResult) bool { return w.End <= f.Until })
	rows := int64(0)
	for i := len(f.windows) - 1; i > 0; i-- {
		if rows += f.windows[i].Rows; rows >= maxScored*3/4 {
			f.windows = f.windows[i:]
			break
		}
	}
	f.From = max(f.From, f.windows[0].Start)
	return nil
}

// name digests what the sample depends on.
func (f *Survey) name(q SampleRequest) error {
	log, err := f.log()
	if err != nil {
		return err
	}
	stats := log.Stats()
	f.Digest = trimtab.StateDigest(struct {
		Workspace            trimtab.Workspace
		Request              SampleRequest
		Source, Endpoint     string
		Task                 Task
		Manifest             trimtab.Digest
		From, To             trimtab.Time
		Rows, Labels, Hidden int64
		Holds                []trimtab.Hold
		Windows              []trimtab.Time
	}{f.pass.ws, q, f.Source, f.Endpoint, f.Task, f.pass.version.Manifest, f.From, f.To, stats.Rows, stats.Labels, stats.Quarantined, f.holds, starts(f.windows)})
	return nil
}

func starts(windows []trimtab.WindowResult) (out []trimtab.Time) {
	for _, w := range windows {
		out = append(out, w.Start)
	}
	return out
}

func (f *Survey) log() (*traffic.Log, error) {
	return f.pass.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: f.pass.ws, Name: f.Endpoint})
}

// Read reads the sample. Without rows it says why.
func (f *Survey) Read(ctx context.Context) (out *Sample, err error) {
	defer trimtab.Wrap(&err, "evaluate.Read(%s/%d)", f.pass.model, f.pass.version.Version)
	out = &Sample{Rows: &Rows{Start: f.From, End: f.To}, Task: f.Task, Share: 1, Why: f.Why}
	if f.Why != "" {
		return out, nil
	}
	log, err := f.log()
	if err != nil {
		return nil, err
	}
	scored, limit := f.Source == Scored, maxAnswered
	if scored {
		limit = maxScored
	}
	if f.pass.against != 0 {
		out.Rows.Champion = []float64{}
	}
	var ids []uint64
	var shift uint
	// Without a task every finite label counts: what it is shows when all have been seen.
	s := *f.pass
	s.task = cmp.Or(f.Task, Regression)
	for batch, err := range log.Tables(ctx, traffic.Query{Start: f.From, End: f.To, Inputs: scored}) {
		if err != nil {
			return nil, err
		}
		var keep []int
		for i := range batch.Len() {
			if f.Source == Answered && batch.Versions[i] != s.version.Version || f.windows != nil && !within(f.windows, batch.EventTimes[i]) {
				continue
			}
			out.Seen++
			switch h := spread(batch.IDs[i]); {
			case trimtab.HeldRow(f.holds, batch.EventTimes[i], batch.Quarantine[i]) != "":
				out.Held++
			case !batch.HasLabel[i] || !s.labelled(batch.Label[i]):
				out.Unlabelled++
			case kept(h, shift):
				keep, ids = append(keep, i), append(ids, h)
			}
		}
		if len(keep) == 0 {
			continue
		}
		var inputs *table.Table
		score := pick(batch.Score, keep)
		if scored {
			inputs = batch.Inputs.Take(keep)
			err = s.add(ctx, out.Rows, pick(batch.EventTimes, keep), pick(batch.Label, keep), pick(batch.Versions, keep), score, inputs)
			if err != nil {
				return nil, err
			}
		} else {
			out.Rows.Time, out.Rows.Label = append(out.Rows.Time, pick(batch.EventTimes, keep)...), append(out.Rows.Label, pick(batch.Label, keep)...)
			out.Rows.Challenger = append(out.Rows.Challenger, score...)
		}
		for out.Rows.Len() > limit {
			shift++
			var at []int
			for i, h := range ids {
				if kept(h, shift) {
					at = append(at, i)
				}
			}
			out.Rows, ids = out.Rows.take(at), pick(ids, at)
		}
	}
	out.Share = 1 / float64(uint64(1)<<shift)
	out.finish(s.refusal, f)
	return out, nil
}

// finish leaves out the rows without a score and finds out what the labels are.
func (x *Sample) finish(refusal string, f *Survey) {
	var keep []int
	for i, v := range x.Rows.Challenger {
		if !math.IsNaN(v) && (x.Rows.Champion == nil || !math.IsNaN(x.Rows.Champion[i])) {
			keep = append(keep, i)
		}
	}
	if x.Refused = int64(x.Rows.Len() - len(keep)); x.Refused > 0 {
		x.Rows = x.Rows.take(keep)
	}
	if x.Task == "" && x.Rows.Len() > 0 {
		x.Task = Binary
		for i, y := range x.Rows.Label {
			if p := x.Rows.Challenger[i]; y != 0 && y != 1 || p < 0 || p > 1 {
				x.Task = Regression
				break
			}
		}
	}
	if n := x.Rows.Len(); n > 0 {
		x.Rows.Start, x.Rows.End = x.Rows.Time[0], x.Rows.Time[n-1]
		return
	}
	switch {
	case refusal != "":
		x.Why = "the version refuses every row: " + refusal
	case x.Seen == 0 && f.Source == Answered:
		x.Why = "the version has answered no row of this span"
	case x.Seen == 0:
		x.Why = "no row of this span was logged"
	default:
		x.Why = fmt.Sprintf("none of %d rows has a label that counts: %d have none, %d are held", x.Seen, x.Unlabelled, x.Held)
	}
}

// within is inside for windows in order of time.
func within(windows []trimtab.WindowResult, t trimtab.Time) bool {
	i, found := slices.BinarySearchFunc(windows, t, func(w trimtab.WindowResult, t trimtab.Time) int { return cmp.Compare(w.Start, t) })
	if found {
		return t < windows[i].End
	}
	return i > 0 && t < windows[i-1].End
}

// spread is a digest of an id, equal in all 64 bits.
func spread(id string) uint64 {
	f := fnv.New64a()
	f.Write([]byte(id))
	h := f.Sum64()
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9 // the finaliser of splitmix64
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func kept(h uint64, shift uint) bool { return shift == 0 || h>>(64-shift) == 0 }
