package contract

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// finding is what a window says of one rule.
type finding struct {
	contract, rule string
	held           string // the name under which the rule quarantines
	column         string
	result         trimtab.RuleResult
	rows           int64 // of the window
	breach         bool
	hold           bool   // the incident releases quarantined rows
	cause          string // for people
}

// findings lists what a window says of every rule of severity error, and of rules that
// quarantined rows of it and that no contract has any more.
//
// A rule is in breach when its set did not pass, or when it quarantined a row of the
// window: no row is held without an incident that says so and that can release it.
func findings(checkers []*Checker, results []trimtab.ContractResult, held map[string]int64, rows int64) []finding {
	var out []finding
	known := map[string]bool{}
	for i, c := range checkers {
		for k, x := range results[i].Results {
			r := c.rules[k]
			if !r.blocks() {
				continue
			}
			known[r.quarantine] = true
			n := held[r.quarantine]
			f := finding{contract: c.name, rule: r.name, held: r.quarantine, column: r.column, result: x, rows: rows,
				breach: !x.Passed || n > 0, hold: n > 0 || r.door && r.onFail == trimtab.OnFailQuarantine,
				cause: "contract " + c.name + ": " + broken(x)}
			if x.Passed && x.Failed == 0 && n > 0 {
				f.result.Failed = n
				f.cause = fmt.Sprintf("contract %s: %s quarantined %d rows by what it demanded before", c.name, r.name, n)
			}
			out = append(out, f)
		}
	}
	for _, name := range sortedKeys(held) {
		if known[name] {
			continue
		}
		contract, rule, _ := strings.Cut(name, "/")
		out = append(out, finding{contract: contract, rule: rule, held: name, rows: rows, breach: true, hold: true,
			result: trimtab.RuleResult{Rule: rule, Rows: rows, Failed: held[name], Passed: true},
			cause:  fmt.Sprintf("contract %s: %s quarantined %d rows before it was taken back", contract, rule, held[name])})
	}
	return out
}

// through names the end of the last window that an incident has taken in, so that a
// window judged twice counts once.
const through = "through"

// manyShare is the share of failing rows from which a breach is critical.
const manyShare = 0.05

// incidents opens, continues and closes the incidents of an endpoint's rules: one for
// each rule while it lasts, whichever monitor's window judges it.
func (c *Contracts) incidents(ctx context.Context, w trimtab.ContractWindow, found []finding) error {
	if c.cfg.Incidents == nil {
		return nil
	}
	all, err := c.cfg.Incidents.List(ctx, trimtab.DocumentQuery{Scope: w.Endpoint, Open: true, Limit: math.MaxInt32})
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(i trimtab.Incident) bool { return i.Kind != trimtab.Breach })
	for _, f := range found {
		i := slices.IndexFunc(all, func(o trimtab.Incident) bool { return o.Rule == f.held })
		switch {
		case i >= 0 && f.breach:
			err = c.move(ctx, all[i].ID, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) { return f.proceed(old, w) })
		case i >= 0:
			err = c.close(ctx, all[i].ID, w, "")
		case f.breach:
			n := f.open(w)
			err = c.move(ctx, n.ID, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
				if old != nil { // this window was judged before, and the breach has ended since
					return *old, trimtab.Change{}, nil
				}
				return n, trimtab.Changed("incident.open", nil, n, n.Cause), nil
			})
		}
		if err != nil {
			return err
		}
	}
	for _, o := range all {
		if !slices.ContainsFunc(found, func(f finding) bool { return f.held == o.Rule }) {
			if err := c.close(ctx, o.ID, w, "no contract demands it any more"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Contracts) move(ctx context.Context, id string, rule func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error)) error {
	if _, err := c.cfg.Incidents.Move(ctx, id, rule); err != nil {
		return err
	}
	return c.cfg.Crash("incident")
}

// close ends an incident where a window without a breach begins.
func (c *Contracts) close(ctx context.Context, id string, w trimtab.ContractWindow, note string) error {
	return c.move(ctx, id, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old == nil || w.Start < reached(*old) {
			return trimtab.Incident{}, trimtab.Change{}, nil // an old window says nothing of the end
		}
		return old.Close(w.Start, w.At, note)
	})
}

// open is the incident of a rule that is broken from this window on.
func (f finding) open(w trimtab.ContractWindow) trimtab.Incident {
	n := trimtab.Incident{ID: trimtab.IncidentID(w.Endpoint, trimtab.Breach, slug(f.contract, f.rule), w.Start), Kind: trimtab.Breach,
		Endpoint: w.Endpoint, Monitor: w.Monitor, Begin: w.Start, Found: w.At, Rule: f.held, Hold: f.hold, Cause: f.cause,
		Remedy: "correct the data, or change the contract if what it demands is no longer true"}
	if f.column != "" {
		n.Columns = []string{f.column}
	}
	if f.hold {
		n.Remedy += "; release the rows if they are right after all"
	}
	f.take(&n, w)
	return n
}

// proceed takes a further window into an incident.
func (f finding) proceed(old *trimtab.Incident, w trimtab.ContractWindow) (trimtab.Incident, trimtab.Change, error) {
	if old == nil || old.Closed != 0 || w.End <= reached(*old) {
		return trimtab.Incident{}, trimtab.Change{}, nil
	}
	n := *old
	n.Hold = n.Hold || f.hold
	f.take(&n, w)
	return n, trimtab.Changed("incident.continue", old, n, f.cause), nil
}

// take counts a window's rows.
func (f finding) take(n *trimtab.Incident, w trimtab.ContractWindow) {
	x := f.result
	n.Rows += f.rows
	n.Bad += x.Failed
	share := 0.0
	if x.Rows > 0 {
		share = float64(x.Failed) / float64(x.Rows)
	}
	severity := trimtab.Info
	if !x.Passed {
		if severity = trimtab.Warning; share >= manyShare && x.Rule != "rowCount" && x.Rule != "freshness" {
			severity = trimtab.Critical
		}
	}
	if n.Severity != trimtab.Critical && (n.Severity != trimtab.Warning || severity == trimtab.Critical) { // it never falls while it lasts
		n.Severity = severity
	}
	n.Evidence = []trimtab.Evidence{{Name: "failed", Value: share, Limit: x.Allowed, Text: f.cause}, {Name: through, Value: float64(w.End), Text: w.End.String()}}
}

// reached is the end of the last window that an incident has taken in.
func reached(i trimtab.Incident) trimtab.Time {
	for _, e := range i.Evidence {
		if e.Name == through {
			return trimtab.Time(e.Value)
		}
	}
	return i.Begin
}

// slug makes a contract's rule a part of an incident's name, which stands in
// addresses: other signs become dashes, and then a digest keeps names apart.
func slug(contract, rule string) string {
	text := contract + "." + rule
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, text)
	if clean == text {
		return clean
	}
	return clean[:min(len(clean), 100)] + "-" + trimtab.DigestOf([]byte(text)).Hex()[:6]
}
