package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/profile"
	"github.com/trimtab/trimtab/pure/table"
)

// exitDrift is the exit code of drift when a column drifted.
const exitDrift = 2

// driftCall is what a drift command was asked for.
type driftCall struct {
	reference, current string
	columns, except    []string
	method             string
	profileOut         string
	days               string
	alpha              float64
}

func (a *application) driftCommand() *cobra.Command {
	var call driftCall
	cmd := &cobra.Command{
		Use:   "drift REFERENCE CURRENT",
		Short: "Compare two files of rows column by column",
		Long: `Say for each column of two CSV or Parquet files whether the current rows differ from the
reference by more than chance and by enough to matter.

REFERENCE is a file of rows, or a profile (.json) that an earlier call wrote with
--profile-out: a profile is small, and stands for its rows. CURRENT is a file of rows.

A column drifts when its difference can hardly be chance, counted over all columns
(Benjamini-Hochberg, --alpha), and is above an effect limit. Missing values, values that
are no number, values below and above the range of the reference and values that it never
had are watched by themselves. A column is suspect when chance is not quite ruled out.
PSI is shown beside NOISE, which chance alone rarely exceeds with so many rows, and
LIMIT, from which on it matters. Leave identifiers and times out with --except: they
always differ.

Rows of one day resemble each other, so that a week differs from a year by more than its
number of rows suggests. With --days COLUMN, a column of times, the days of the reference
tell by how much, and the limits widen.

Columns to be scored by Evidently's or NannyML's rules, with their thresholds:
--method evidently, --method nannyml, or one of their methods, --method evidently:psi.

Exit code 0: no column drifts; 2: one does; 1: an error.`,
		Example: `  trimtab drift january.parquet february.parquet
  trimtab drift train.csv today.csv --except id,created -o json
  trimtab drift year.parquet week.parquet --days created
  trimtab drift train.parquet --profile-out train.json
  trimtab drift train.json today.parquet --columns age,income,score`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && call.profileOut != "" {
				return nil
			}
			return exactly("REFERENCE", "CURRENT")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			call.reference = args[0]
			if len(args) > 1 {
				call.current = args[1]
			}
			return a.drift(call)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&call.columns, "columns", nil, "compare only these columns")
	f.StringSliceVar(&call.except, "except", nil, "leave these columns out")
	f.StringVar(&call.method, "method", "trimtab", "trimtab, or a peer's rules: "+strings.Join(profile.Peers(), ", "))
	f.StringVar(&call.days, "days", "", "column of times by whose days rows hang together")
	f.StringVar(&call.profileOut, "profile-out", "", "write the profile of the reference to this file (.json)")
	f.Float64Var(&call.alpha, "alpha", 0.01, "share of false alarms accepted among the columns said to drift")
	return cmd
}

func (a *application) drift(call driftCall) error {
	if call.alpha <= 0 || call.alpha >= 0.2 {
		return usage{fmt.Errorf("--alpha %v: expected a number between 0 and 0.2", call.alpha)}
	}
	if call.method != "trimtab" {
		return a.driftByPeer(call)
	}
	if call.current != "" {
		if err := rowsFile(call.current); err != nil {
			return err
		}
	}
	p, err := call.referenceProfile()
	if err != nil {
		return err
	}
	if call.profileOut != "" {
		if err := writeProfile(p, call.profileOut); err != nil {
			return err
		}
		a.progress("wrote the profile of %s rows to %s", thousands(p.Rows), call.profileOut)
		if call.current == "" {
			return nil
		}
	}
	blocks := &profile.Blocks{}
	if call.days != "" {
		if !slices.Contains(call.columns, call.days) {
			call.except = append(call.except, call.days)
		}
		if blocks, err = call.dayCounts(p); err != nil {
			return err
		}
	}
	columns, err := call.chosen(p)
	if err != nil {
		return err
	}
	counts := p.NewCounts()
	have := map[string]bool{}
	var extra []string
	for t, err := range batches(call.current) {
		if err == nil && len(have) == 0 {
			for _, f := range t.Fields() {
				have[f.Name] = true
				if p.Column(f.Name) == nil && !slices.Contains(call.except, f.Name) {
					extra = append(extra, f.Name)
				}
			}
		}
		if err == nil {
			err = p.CountInto(counts, t)
		}
		if err != nil {
			return invalidRows(call.current, err)
		}
	}
	report, err := profile.Compare(p, nil, counts, profile.CompareOptions{Alpha: call.alpha, Columns: columns, Blocks: blocks.Counts, Alone: blocks.Alone})
	if err != nil {
		return trimtab.Errorf(trimtab.Invalid, call.current, "%v", err)
	}
	for i := range report.Columns {
		if d := &report.Columns[i]; !have[d.Column] && d.Rows > 0 {
			d.Why = "the column is missing"
		}
	}
	if err := a.show(report, func(w io.Writer) error { return a.driftTable(w, report, extra) }); err != nil {
		return err
	}
	if report.State == profile.Drifted {
		return code(exitDrift)
	}
	return nil
}

// driftTable prints what drifted first.
func (a *application) driftTable(w io.Writer, report *profile.Report, extra []string) error {
	rank := func(s profile.State) int {
		return slices.Index([]profile.State{profile.Drifted, profile.Suspect, profile.Unknown, profile.OK}, s)
	}
	rows := slices.Clone(report.Columns)
	slices.SortStableFunc(rows, func(x, y profile.Drift) int {
		if d := rank(x.State) - rank(y.State); d != 0 {
			return d
		}
		if x.State != profile.OK {
			switch {
			case x.Q < y.Q:
				return -1
			case x.Q > y.Q:
				return 1
			}
		}
		return 0
	})
	g := grid{head: []string{"COLUMN", "STATE", "PSI#", "NOISE#", "LIMIT#", "CHANCE#", "WHY"}}
	if a.wide() {
		g.head = []string{"COLUMN", "STATE", "PSI#", "NOISE#", "LIMIT#", "CHANCE#", "JS#", "KS#", "SHIFT#", "MISSING#", "UNSEEN#", "BELOW#", "ABOVE#", "WHY"}
	}
	number := func(v float64) string { return fmt.Sprintf("%.4f", v) }
	share := func(s profile.Share) string { return fmt.Sprintf("%.4f", s.Current) }
	for _, d := range rows {
		cells := []string{d.Column, string(d.State), number(d.PSI), number(d.NoiseLimit), number(d.EffectLimit), chance(d.Q)}
		if a.wide() {
			cells = append(cells, number(d.JS), number(d.KS), fmt.Sprintf("%+.2f", d.MeanShift), share(d.Missing), share(d.Unseen), share(d.Below), share(d.Above))
		}
		g.add(append(cells, d.Why)...)
	}
	if err := a.table(w, g, "no columns to compare"); err != nil {
		return err
	}
	if len(extra) > 0 {
		fmt.Fprintf(w, "\nnot in the reference: %s\n", strings.Join(extra, ", "))
	}
	_, err := fmt.Fprintf(w, "\n%s of %d drifted, %d suspect; %s rows against %s\n",
		counted(report.Drifted, "column"), len(rows), report.Suspect, thousands(report.Rows), thousands(report.ReferenceRows))
	return err
}

// chance prints a probability; far down the digits mean nothing.
func chance(q float64) string {
	if q < 1e-99 {
		return "<1e-99"
	}
	return fmt.Sprintf("%.2g", q)
}

// chosen returns the columns to compare, nil for all.
func (call driftCall) chosen(p *profile.Profile) ([]string, error) {
	names := call.columns
	if names == nil && call.except == nil {
		return nil, nil
	}
	known := func(flag string, names []string) error {
		for _, n := range names {
			if p.Column(n) == nil {
				var have []string
				for _, c := range p.Columns {
					have = append(have, c.Name)
				}
				return usage{fmt.Errorf("%s: the reference has no column %q, it has %s", flag, n, strings.Join(have, ", "))}
			}
		}
		return nil
	}
	if err := errors.Join(known("--columns", call.columns), known("--except", call.except)); err != nil {
		return nil, err
	}
	if names == nil {
		for _, c := range p.Columns {
			names = append(names, c.Name)
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(call.except, n) }), nil
}

// referenceProfile reads a stored profile, or makes one of the rows of a file.
func (call driftCall) referenceProfile() (*profile.Profile, error) {
	if strings.EqualFold(filepath.Ext(call.reference), ".json") {
		f, err := os.Open(call.reference)
		if err != nil {
			return nil, trimtab.Errorf(trimtab.NotFound, call.reference, "the profile cannot be read: %v", err)
		}
		defer f.Close()
		p, err := profile.Read(f)
		if err != nil {
			return nil, trimtab.Errorf(trimtab.Invalid, call.reference, "%s: %v", call.reference, err)
		}
		return p, nil
	}
	b := profile.NewBuilder(profile.Options{})
	for t, err := range batches(call.reference) {
		if err == nil {
			err = b.Add(t)
		}
		if err != nil {
			return nil, invalidRows(call.reference, err)
		}
	}
	p, err := b.Finish()
	if err != nil {
		return nil, invalidRows(call.reference, err)
	}
	return p, nil
}

func invalidRows(path string, err error) error {
	if _, ok := errors.AsType[usage](err); ok {
		return err
	}
	if _, ok := errors.AsType[*trimtab.Error](err); ok {
		return err
	}
	return trimtab.Errorf(trimtab.Invalid, path, "%s: %v", path, err)
}

func writeProfile(p *profile.Profile, path string) error {
	if !strings.EqualFold(filepath.Ext(path), ".json") {
		return usage{fmt.Errorf("--profile-out %s: expected a name that ends with .json", path)}
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	temp := path + ".part"
	defer os.Remove(temp)
	if err := os.WriteFile(temp, append(raw, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// batches reads the rows of a file; a CSV file as a whole, because the type of a column follows from all its rows.
func batches(path string) iter.Seq2[*table.Table, error] {
	return func(yield func(*table.Table, error) bool) {
		if err := rowsFile(path); err != nil {
			yield(nil, err)
			return
		}
		f, err := os.Open(path)
		if err != nil {
			yield(nil, trimtab.Errorf(trimtab.NotFound, path, "the rows cannot be read: %v", err))
			return
		}
		defer f.Close()
		if strings.EqualFold(filepath.Ext(path), ".csv") {
			yield(table.ReadCSV(f, table.CSVOptions{}))
			return
		}
		info, err := f.Stat()
		if err != nil {
			yield(nil, err)
			return
		}
		p, err := table.OpenParquet(f, info.Size(), table.ParquetOptions{})
		if err != nil {
			yield(nil, err)
			return
		}
		none := true
		for t, err := range p.Batches() {
			none = false
			if !yield(t, err) || err != nil {
				return
			}
		}
		if none {
			yield(table.Empty(p.Fields(), 0), nil)
		}
	}
}

// rowsFile refuses a name that is of no file of rows.
func rowsFile(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".parquet":
		return nil
	}
	return usage{fmt.Errorf("%s: expected a name that ends with .csv or .parquet; a stored profile (.json) only as REFERENCE", path)}
}
