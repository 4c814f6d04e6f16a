package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/profile"
	"github.com/trimtab/trimtab/pure/table"
)

// peerReport is what a peer's rules say of two files.
type peerReport struct {
	Method  string          `json:"method"`
	Drifted int             `json:"drifted"`
	Columns []profile.Score `json:"columns"`
	Skipped []skippedColumn `json:"skipped,omitempty"`
}

// skippedColumn is a column that the method does not apply to.
type skippedColumn struct {
	Column string `json:"column"`
	Why    string `json:"why"`
}

// driftByPeer scores columns by the rules of Evidently or NannyML, which want both files as a whole.
func (a *application) driftByPeer(call driftCall) error {
	method, err := profile.ParseMethod(call.method)
	if err != nil {
		return usage{fmt.Errorf("--method %s: expected trimtab, %s", call.method, strings.Join(profile.Peers(), ", "))}
	}
	if call.days != "" {
		return usage{errors.New("--days goes with --method trimtab: the peers take rows to be independent")}
	}
	if call.profileOut != "" || call.current == "" {
		return usage{errors.New("--profile-out goes with --method trimtab: the peers keep no profile")}
	}
	if strings.HasSuffix(strings.ToLower(call.reference), ".json") {
		return usage{fmt.Errorf("--method %s: REFERENCE is a profile, the peers' methods want its rows", call.method)}
	}
	ref, err := wholeTable(call.reference)
	if err != nil {
		return err
	}
	cur, err := wholeTable(call.current)
	if err != nil {
		return err
	}
	for _, name := range slices.Concat(call.columns, call.except) {
		if ref.Column(name) == nil {
			return usage{fmt.Errorf("the reference has no column %q", name)}
		}
	}
	report := peerReport{Method: method.String()}
	for _, c := range ref.Columns {
		if call.columns != nil && !slices.Contains(call.columns, c.Name) || slices.Contains(call.except, c.Name) {
			continue
		}
		d := cur.Column(c.Name)
		if d == nil {
			report.Skipped = append(report.Skipped, skippedColumn{c.Name, "the current rows lack it"})
			continue
		}
		s, err := method.Compare(c, d)
		if err != nil {
			why := err.Error()
			if e, ok := errors.AsType[*profile.Error](err); ok {
				why = e.Msg
			}
			report.Skipped = append(report.Skipped, skippedColumn{c.Name, why})
			continue
		}
		if s.Drift {
			report.Drifted++
		}
		report.Columns = append(report.Columns, s)
	}
	err = a.show(report, func(w io.Writer) error {
		g := grid{head: []string{"COLUMN", "METHOD", "SCORE#", "THRESHOLD#", "DRIFT"}}
		for _, s := range report.Columns {
			limit := "-"
			if s.Threshold != nil {
				limit = fmt.Sprintf("%.4g", *s.Threshold)
			}
			value := fmt.Sprintf("%.4g", s.Value)
			if s.PValue {
				value = "p " + value
			}
			g.add(s.Column, s.Method, value, limit, map[bool]string{true: "drift", false: "no"}[s.Drift])
		}
		if err := a.table(w, g, "no column that the method applies to"); err != nil {
			return err
		}
		for _, s := range report.Skipped {
			fmt.Fprintf(w, "left out: %s: %s\n", s.Column, s.Why)
		}
		_, err := fmt.Fprintf(w, "\n%s of %d drifted by the rules of %s\n", counted(report.Drifted, "column"), len(report.Columns), report.Method)
		return err
	})
	if err == nil && report.Drifted > 0 {
		return code(exitDrift)
	}
	return err
}

// wholeTable reads a file of rows as one table.
func wholeTable(path string) (*table.Table, error) {
	whole := &table.Table{}
	for t, err := range batches(path) {
		if err == nil {
			err = whole.Append(t)
		}
		if err != nil {
			return nil, invalidRows(path, err)
		}
	}
	if len(whole.Columns) == 0 {
		return nil, trimtab.Errorf(trimtab.Invalid, path, "%s: no columns", path)
	}
	return whole, nil
}
