package monitor

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/profile"
)

// scoreColumn is the name of the score among the columns that drift; an input of this name comes before it.
const scoreColumn = "score"

// baseline is what windows are compared with.
type baseline struct {
	name    string // as in [trimtab.ColumnDrift.Reference]
	profile *profile.Profile
	blocks  *profile.Blocks // successive parts of it, nil when they are too few to tell how they differ
}

// compare says how far the counts of a window lie from the baseline, column by column.
func compare(b *baseline, counts *profile.Counts, spec trimtab.DriftSpec, columns []string) ([]trimtab.ColumnDrift, error) {
	// The limits that go with the PSI: both grow with the square of a movement.
	scale := math.Sqrt(spec.Effect / 0.005)
	opt := profile.CompareOptions{Alpha: spec.FDR, EffectPSI: spec.Effect, EffectShare: min(0.02*scale, 0.5), EffectSpecial: min(0.005*scale, 0.5), Columns: columns}
	if b.blocks != nil {
		opt.Blocks, opt.Alone = b.blocks.Counts, b.blocks.Alone
	}
	report, err := profile.Compare(b.profile, nil, counts, opt)
	if err != nil {
		return nil, err
	}
	var out []trimtab.ColumnDrift
	for _, d := range report.Columns {
		out = append(out, trimtab.ColumnDrift{
			Column: d.Column, PSI: sane(d.PSI), Noise: sane(d.NoiseLimit), Effect: sane(d.EffectLimit), P: sane(d.P), Q: sane(d.Q),
			Missing: sane(d.Missing.Current), Unseen: sane(d.Unseen.Current), Below: sane(d.Below.Current), Above: sane(d.Above.Current),
			State: string(d.State), Why: d.Why, Reference: b.name,
		})
	}
	return out, nil
}

// persist makes the states of a window those of it and the windows before it:
// drift needs some of the last ones to agree, against the same reference. earlier
// come oldest first.
func persist(now []trimtab.ColumnDrift, earlier []trimtab.WindowResult, confirm, of int) {
	for n := range now {
		d := &now[n]
		history := []profile.State{profile.State(d.State)}
		for _, w := range slices.Backward(earlier) {
			x, ok := columnDrift(w.Drift, d.Column)
			if !ok || x.Reference != d.Reference || len(history) >= of {
				break
			}
			history = append(history, alone(x))
		}
		slices.Reverse(history)
		if state := string(profile.Persist(history, confirm, of)); state != d.State {
			d.State, d.Alone = state, d.State
		}
	}
}

func columnDrift(all []trimtab.ColumnDrift, column string) (trimtab.ColumnDrift, bool) {
	n := slices.IndexFunc(all, func(d trimtab.ColumnDrift) bool { return d.Column == column })
	if n < 0 {
		return trimtab.ColumnDrift{}, false
	}
	return all[n], true
}

// alone is the state of a window by itself.
func alone(d trimtab.ColumnDrift) profile.State {
	if d.Alone != "" {
		return profile.State(d.Alone)
	}
	return profile.State(d.State)
}

// confirmed lists the columns that drift.
func confirmed(all []trimtab.ColumnDrift) (columns []string) {
	for _, d := range all {
		if d.State == string(profile.Drifted) {
			columns = append(columns, d.Column)
		}
	}
	return columns
}

// drifted turns the states of a window into incidents: one for all columns of the
// monitor, which opens when drift is confirmed and closes when none is left.
// Windows without rows keep it as it is.
func (s *pass) drifted(w step, now []trimtab.ColumnDrift, earlier []trimtab.WindowResult, open []trimtab.Incident, source string) []move {
	columns := confirmed(now)
	silent := !slices.ContainsFunc(now, func(d trimtab.ColumnDrift) bool { return alone(d) != profile.Unknown })
	for _, i := range open {
		switch {
		case len(columns) > 0:
			return []move{widenIncident(i.ID, columns, w.at, cause(now, columns))}
		case !silent:
			// It has ended when none of the windows that would confirm it has it.
			for n, x := range slices.Backward(append(slices.Clip(earlier), trimtab.WindowResult{Drift: now})) {
				if !moved(x, i.Columns) {
					continue
				}
				if len(earlier)-n < s.spec.Drift.Of {
					return nil
				}
				return []move{closeIncident(i.ID, max(x.End, i.Begin), w.at, "no column drifts any more")}
			}
			return []move{closeIncident(i.ID, max(w.start, i.Begin), w.at, "no column drifts any more")}
		}
		return nil
	}
	if len(columns) == 0 {
		return nil
	}
	begin := w.start
	for n, x := range slices.Backward(earlier) {
		if len(earlier)-n >= s.spec.Drift.Of {
			break
		}
		if moved(x, columns) {
			begin = x.Start
		}
	}
	i := trimtab.Incident{
		ID: trimtab.IncidentID(s.spec.Endpoint, trimtab.Drift, what(s.name, nil), begin), Kind: trimtab.Drift, Endpoint: s.spec.Endpoint, Monitor: s.name,
		Columns: columns, Severity: trimtab.Info, Begin: begin, Found: w.at, Cause: cause(now, columns),
		Remedy: "nothing by itself: drift informs; what is done depends on the measured quality",
	}
	if source != "" {
		i.Evidence = append(i.Evidence, trimtab.Evidence{Name: sourceEvidence, Text: source})
	}
	for _, c := range columns {
		d, _ := columnDrift(now, c)
		i.Evidence = append(i.Evidence, trimtab.Evidence{Name: "psi " + c, Value: d.PSI, Limit: d.Effect, Text: d.Why})
	}
	return []move{openIncident(i)}
}

// moved reports whether one of the columns drifts in a window taken by itself.
func moved(w trimtab.WindowResult, columns []string) bool {
	return slices.ContainsFunc(columns, func(c string) bool {
		d, ok := columnDrift(w.Drift, c)
		return ok && alone(d) == profile.Drifted
	})
}

// sourceEvidence names the data source whose drift an incident is.
const sourceEvidence = "source"

// cause is one sentence about the columns that drift.
func cause(now []trimtab.ColumnDrift, columns []string) string {
	const shown = 5
	names := strings.Join(columns[:min(len(columns), shown)], ", ")
	if more := len(columns) - shown; more > 0 {
		names = fmt.Sprintf("%s and %d more", names, more)
	}
	d, _ := columnDrift(now, columns[0])
	return fmt.Sprintf("moved against the %s: %s", d.Reference, names)
}

// widenIncident adds columns to an open incident.
func widenIncident(id string, columns []string, at trimtab.Time, text string) move {
	return move{id, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old == nil || old.Closed != 0 {
			return trimtab.Incident{}, trimtab.Change{}, nil
		}
		i := *old
		i.Columns = slices.Clone(old.Columns)
		for _, c := range columns {
			if !slices.Contains(i.Columns, c) {
				i.Columns = append(i.Columns, c)
			}
		}
		if len(i.Columns) == len(old.Columns) {
			return i, trimtab.Change{}, nil
		}
		return i, trimtab.Changed("incident.widen", old, i, text), nil
	}}
}
