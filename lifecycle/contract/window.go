package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Judge judges a window of an endpoint that has ended by all its contracts, keeps the
// results and opens, continues or closes the incidents of their rules. rows are all
// rows of the window with their inputs, the quarantined ones too; they are read once,
// and not at all when the endpoint has no contract and no quarantined row. Judging a
// window again changes nothing; judged with other rows its result is replaced. The
// answer depends on the rows, the window and what is declared alone. Of an endpoint
// with several monitors one has its windows judged. The workspace is that of the call.
func (c *Contracts) Judge(ctx context.Context, w trimtab.ContractWindow, rows iter.Seq2[*traffic.Rows, error]) (out []trimtab.ContractResult, err error) {
	defer trimtab.Wrap(&err, "contract.Judge(%s, %s)", w.Endpoint, w.Start)
	ws := trimtab.CallOf(ctx).Workspace
	if err := c.Resync(ctx); err != nil { // what is declared now, not what the journal has told yet
		return nil, err
	}
	checkers, err := c.of(place{ws, trimtab.KindEndpoint, w.Endpoint})
	if err != nil {
		return nil, err
	}
	if len(checkers) == 0 && w.Quarantined == 0 {
		return nil, c.incidents(ctx, w, nil) // nothing to read the rows for
	}
	held, total := map[string]int64{}, int64(0)
	batches := func(yield func(Batch, error) bool) {
		for r, err := range rows {
			if err != nil {
				yield(Batch{}, err)
				return
			}
			total += int64(r.Len())
			for _, rule := range r.Quarantine {
				if rule != "" {
					held[rule]++
				}
			}
			b := Batch{Table: r.Inputs, IDs: r.IDs}
			if b.Table == nil {
				b.Table = table.Blank(r.Len())
			}
			for _, t := range r.EventTimes {
				b.Newest = max(b.Newest, t)
			}
			if !yield(b, nil) {
				return
			}
		}
	}
	found, err := c.judge(ctx, checkers, Options{}, Facts{Now: w.End, History: w.History}, batches)
	if err != nil {
		return nil, err
	}
	for i := range found {
		r := &found[i]
		r.Workspace, r.Subject, r.At = ws, "window "+w.Start.String(), w.End
		if w.Monitor != "" {
			r.Subject += " of " + w.Monitor
		}
		if err := c.keep(ctx, *r); err != nil {
			return nil, err
		}
	}
	return found, c.incidents(ctx, w, findings(checkers, found, held, total))
}

// Snapshot judges a snapshot of a source by all contracts of the source and keeps the
// results. A broken rule of onFail reject is a Precondition error: the snapshot must
// not be used. The workspace is that of the call.
func (c *Contracts) Snapshot(ctx context.Context, s trimtab.Snapshot, rows iter.Seq2[*table.Table, error]) (out []trimtab.ContractResult, err error) {
	defer trimtab.Wrap(&err, "contract.Snapshot(%s)", s.Source)
	ws := trimtab.CallOf(ctx).Workspace
	if err := c.Resync(ctx); err != nil { // what is declared now, not what the journal has told yet
		return nil, err
	}
	checkers, err := c.of(place{ws, trimtab.KindDataSource, s.Source})
	if err != nil {
		return nil, err
	}
	if len(checkers) == 0 {
		return nil, nil
	}
	opt := Options{}
	if r, err := c.cfg.Resources.Get(ctx, trimtab.KindDataSource, s.Source); err == nil {
		var spec trimtab.SourceSpec
		if json.Unmarshal(r.Spec, &spec) == nil {
			opt.EventTime = spec.EventTime
			opt.Text = spec.Endpoint == "" && (spec.Format == "csv" || spec.Format == "" && strings.HasSuffix(strings.ToLower(spec.Path), ".csv"))
		}
	} else if !trimtab.IsKind(err, trimtab.NotFound) {
		return nil, err
	}
	batches := func(yield func(Batch, error) bool) {
		for t, err := range rows {
			if !yield(Batch{Table: t}, err) || err != nil {
				return
			}
		}
	}
	found, err := c.judge(ctx, checkers, opt, Facts{Now: s.AsOf}, batches)
	if err != nil {
		return nil, err
	}
	for i := range found {
		r := &found[i]
		r.Workspace, r.Subject, r.At = ws, "snapshot "+string(s.Digest), s.AsOf
		if err := c.keep(ctx, *r); err != nil {
			return nil, err
		}
	}
	for _, r := range found {
		for _, x := range r.Results {
			if !x.Passed && x.Severity == trimtab.SeverityError && x.OnFail == trimtab.OnFailReject {
				return found, trimtab.Errorf(trimtab.Precondition, "datasource "+s.Source, "the rows of DataSource %q break the contract %s: %s", s.Source, r.Contract, broken(x))
			}
		}
	}
	return found, nil
}

// Screen judges rows of a source one by one, as Check does those of an endpoint: rows
// that a contract quarantines do not belong into a snapshot. rows has per row the rule,
// "" for none; it is nil when no row is quarantined.
func (c *Contracts) Screen(ws trimtab.Workspace, source string, t *table.Table) (rows []string, err error) {
	checkers, err := c.of(place{ws, trimtab.KindDataSource, source})
	if err != nil {
		return nil, err
	}
	for _, checker := range checkers {
		found, _ := checker.door(t, trimtab.OnFailQuarantine) // a rule that rejects refuses the whole snapshot instead
		for i, rule := range found {
			if rows == nil {
				rows = make([]string, t.Rows())
			}
			if rows[i] == "" {
				rows[i] = rule
			}
		}
	}
	return rows, nil
}

// judge runs the rows once through all contracts.
func (c *Contracts) judge(ctx context.Context, checkers []*Checker, opt Options, f Facts, batches iter.Seq2[Batch, error]) (out []trimtab.ContractResult, err error) {
	passes, sinks := make([]*Pass, len(checkers)), make([]*kept, len(checkers))
	for i, checker := range checkers {
		sinks[i] = &kept{ctx: ctx, blobs: c.cfg.Blobs}
		own := opt
		if c.cfg.Blobs != nil {
			own.Sink = sinks[i].add
		}
		passes[i] = checker.Begin(own)
	}
	defer func() {
		for i := range sinks {
			if err != nil {
				_, _ = passes[i].Finish(f) // lets its workers end; its answer is not wanted
				_, _ = sinks[i].done(err)
			}
		}
	}()
	for b, err := range batches {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for _, p := range passes {
			if err := p.Add(b); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range passes {
		r, err := p.Finish(f)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	for i := range out {
		if out[i].FailingRows, err = sinks[i].done(nil); err != nil {
			return nil, err
		}
	}
	return out, c.cfg.Crash("failing rows")
}

// keep records a result.
func (c *Contracts) keep(ctx context.Context, r trimtab.ContractResult) error {
	if c.cfg.Results == nil {
		return nil
	}
	_, err := c.cfg.Results.Move(ctx, r.Object().Name, func(old *trimtab.ContractResult) (trimtab.ContractResult, trimtab.Change, error) {
		if old != nil && trimtab.StateDigest(*old) == trimtab.StateDigest(r) {
			return r, trimtab.Change{}, nil
		}
		change := trimtab.Changed("contractResult.put", old, r, verdict(r))
		if r.FailingRows != "" {
			change.Refs = []trimtab.Ref{{Kind: "failingRows", Digest: r.FailingRows}}
		}
		return r, change, nil
	})
	if err != nil {
		return err
	}
	return c.cfg.Crash("result")
}

// verdict says in a line what a contract found.
func verdict(r trimtab.ContractResult) string {
	if r.Passed {
		return ""
	}
	var parts []string
	for _, x := range r.Results {
		if !x.Passed && x.Severity == trimtab.SeverityError {
			parts = append(parts, x.Rule)
		}
	}
	return "breaks " + strings.Join(parts, ", ")
}

// broken says how a rule was broken, for people.
func broken(x trimtab.RuleResult) string {
	s := fmt.Sprintf("%s: %d of %d rows", x.Rule, x.Failed, x.Rows)
	if x.Rule == "rowCount" || x.Rule == "freshness" {
		s = x.Rule
	}
	if len(x.Examples) > 0 {
		e := x.Examples[0]
		if e.Key != "" {
			s += fmt.Sprintf(", first %s at %s", e.Value, e.Key)
		} else {
			s += ": " + e.Value
		}
	}
	return s + " (expected " + x.Expected + ")"
}
