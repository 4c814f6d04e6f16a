package rollout

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"math"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// maxRows bounds what one look reads: the first rows since the rollout began, and the
// first ones of the present stage. What so many rows cannot show is smaller than what a
// rollout guards against.
var maxRows = 200_000

// light is a logged row without its inputs.
type light struct {
	id       string
	time     trimtab.Time
	version  trimtab.Version
	score    float64
	label    float64
	late     bool
	bad      bool // held or quarantined
	unit     uint64
	from, to float64
}

// observe reads what the log holds by the watermark.
func (s *pass) observe(ctx context.Context, r trimtab.Rollout) (Observation, error) {
	log, err := s.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: s.ws, Name: s.name})
	if err != nil {
		return Observation{}, err
	}
	holds, err := s.holds(ctx)
	if err != nil {
		return Observation{}, err
	}
	var o Observation
	rows, full, err := s.rows(ctx, log, r, r.Begun, holds)
	if err != nil {
		return o, err
	}
	if full && r.Since > r.Begun {
		// The newest stage is seen even when the ones before it filled the room.
		stage, _, err := s.rows(ctx, log, r, r.Since, holds)
		if err != nil {
			return o, err
		}
		for len(rows) > 0 && rows[len(rows)-1].time >= r.Since {
			rows = rows[:len(rows)-1]
		}
		rows = append(rows, stage...)
	}
	if err := s.score(ctx, log, r, rows); err != nil {
		return o, err
	}
	binary, err := s.binary(ctx, rows)
	if err != nil {
		return o, err
	}
	t := NewTally(r, binary)
	units := map[uint64]bool{}
	for _, x := range rows {
		stage := x.time >= r.Since
		// A late row may have been answered before the step began.
		if stage && !x.late && (x.version == r.From || x.version == r.To) && (x.unit == 0 || !units[x.unit]) {
			units[x.unit] = x.unit != 0
			if x.version == r.To {
				o.ToUnits++
			} else {
				o.FromUnits++
			}
		}
		if x.bad {
			continue
		}
		if stage {
			o.Stage++
			if x.version == r.To {
				o.Answered++
			}
		}
		t.Add(Row{Time: x.time, From: x.from, To: x.to, Label: x.label})
	}
	o.Sums = t.Sums(r.Since)
	o.Live = s.live(r)
	return o, nil
}

// rows reads rows with an event time from start to the watermark, without their inputs.
func (s *pass) rows(ctx context.Context, log *traffic.Log, r trimtab.Rollout, start trimtab.Time, holds []trimtab.Hold) (out []light, full bool, err error) {
	q := traffic.Query{Start: start, End: s.mark, KnownBy: s.mark, MaxRows: maxRows}
	key := ""
	if r.Under() == trimtab.RolloutCanary && r.Spec.Canary.Key != "" {
		key = r.Spec.Canary.Key
		q.Inputs, q.Columns = true, []string{key}
	}
	for batch, err := range log.Tables(ctx, q) {
		if err != nil {
			return nil, false, err
		}
		var units *table.Column
		if key != "" && batch.Inputs != nil {
			units = batch.Inputs.Column(key)
		}
		for i := range batch.IDs {
			x := light{id: batch.IDs[i], time: batch.EventTimes[i], version: batch.Versions[i], score: batch.Score[i], label: math.NaN(),
				late: batch.Late[i], bad: trimtab.HeldRow(holds, batch.EventTimes[i], batch.Quarantine[i]) != ""}
			if batch.HasLabel[i] {
				x.label = batch.Label[i]
			}
			if units != nil && !units.Missing(i) {
				h := fnv.New64a()
				h.Write([]byte(units.Text(i)))
				x.unit = max(h.Sum64(), 1)
			}
			out = append(out, x)
		}
	}
	return out, len(out) >= maxRows, nil
}

// holds are the spans of data faults as they were known at the border before: what a
// monitor finds at this very border may or may not have been written yet.
func (s *pass) holds(ctx context.Context) (out []trimtab.Hold, err error) {
	all, err := s.cfg.Incidents.List(ctx, trimtab.DocumentQuery{Scope: s.name})
	for _, i := range all {
		h, ok := i.Held()
		if !ok || s.driven && i.Found >= s.mark {
			continue
		}
		if s.driven && i.Closed >= s.mark {
			h.To = 0
		}
		out = append(out, h)
	}
	return out, err
}

// binary tells what the model predicts: as the model declares it, else as a monitor of
// the endpoint does, else as the rows look.
func (s *pass) binary(ctx context.Context, rows []light) (bool, error) {
	m, err := s.cfg.Resources.Get(ctx, trimtab.KindModel, string(s.spec.Model.Name))
	if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return false, err
	}
	var model trimtab.ModelSpec
	if err == nil && json.Unmarshal(m.Spec, &model) == nil && model.Task != "" {
		return model.Task == "binary", nil
	}
	monitors, err := s.cfg.Resources.Everywhere(ctx, trimtab.KindMonitor)
	if err != nil {
		return false, err
	}
	for _, m := range monitors {
		var spec trimtab.MonitorSpec
		if m.Workspace == s.ws && json.Unmarshal(m.Spec, &spec) == nil && spec.Endpoint == s.name && spec.Performance.Task != "" {
			return spec.Performance.Task == "binary", nil
		}
	}
	for _, x := range rows {
		if x.score < 0 || x.score > 1 || !math.IsNaN(x.label) && x.label != 0 && x.label != 1 {
			return false, nil
		}
	}
	return true, nil
}

// live counts requests since the stage began, where the clock moves the endpoint.
func (s *pass) live(r trimtab.Rollout) *Live {
	if s.driven || s.cfg.Meter == nil {
		return nil
	}
	fromCount, fromErrors, _ := s.cfg.Meter.Requests(s.ws, s.name, r.From)
	toCount, toErrors, p99 := s.cfg.Meter.Requests(s.ws, s.name, r.To)
	return s.kept.live.since(r, Requests{fromCount, fromErrors}, Requests{toCount, toErrors}, p99)
}

// liveBase is what the counters showed when a stage was first seen.
type liveBase struct {
	rollout  string
	begun    trimtab.Time
	from, to Requests
}

// since returns what was counted since the stage began, nothing at its first look.
func (b *liveBase) since(r trimtab.Rollout, from, to Requests, p99 time.Duration) *Live {
	if b.rollout != r.ID || b.begun != r.Since || from.Count < b.from.Count || to.Count < b.to.Count {
		*b = liveBase{r.ID, r.Since, from, to}
	}
	return &Live{LatencyP99: p99, From: Requests{from.Count - b.from.Count, from.Errors - b.from.Errors}, To: Requests{to.Count - b.to.Count, to.Errors - b.to.Errors}}
}
