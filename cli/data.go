package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/pure/table"
)

// exitBroken is the exit code of data validate when the rows break a contract.
const exitBroken = 2

func (a *application) dataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Propose data contracts and judge files of rows by them",
		RunE:  needsSubcommand,
	}
	cmd.AddCommand(a.dataInferCommand(), a.dataValidateCommand())
	return cmd
}

// nulls are the texts that mean "no value" in a CSV file besides the empty one.
var nulls = []string{"NA", "N/A", "NaN", "nan", "null", "NULL"}

// rowFile is a file of rows.
type rowFile struct {
	path  string
	nulls []string
}

func (f rowFile) csv() bool { return strings.EqualFold(filepath.Ext(f.path), ".csv") }

func (f rowFile) bad(err error) error {
	if _, ok := errors.AsType[*table.Error](err); ok {
		return trimtab.Errorf(trimtab.Invalid, f.path, "%s: %v", f.path, err)
	}
	return err
}

// open opens the file; read takes the reader that it is.
func (f rowFile) open(read func(file *os.File, size int64) error) error {
	switch strings.ToLower(filepath.Ext(f.path)) {
	case ".csv", ".parquet":
	default:
		return usage{fmt.Errorf("%s: expected a name that ends with .csv or .parquet", f.path)}
	}
	file, err := os.Open(f.path)
	if err != nil {
		return trimtab.Errorf(trimtab.NotFound, f.path, "the rows cannot be read: %v", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return f.bad(read(file, info.Size()))
}

// whole reads all rows.
func (f rowFile) whole() (t *table.Table, err error) {
	err = f.open(func(file *os.File, size int64) error {
		if f.csv() {
			t, err = table.ReadCSV(file, table.CSVOptions{Nulls: f.nulls})
		} else {
			t, err = table.ReadParquet(file, size, table.ParquetOptions{})
		}
		return err
	})
	return t, err
}

// each hands the rows over in batches, of a Parquet file only the columns that are
// wanted and there. A CSV file is read whole: only all rows tell the types of its columns.
func (f rowFile) each(wanted []string, take func(*table.Table) error) error {
	return f.open(func(file *os.File, size int64) error {
		var batches iter.Seq2[*table.Table, error]
		if f.csv() {
			t, err := table.ReadCSV(file, table.CSVOptions{Nulls: f.nulls})
			if err != nil {
				return err
			}
			return inPieces(t, take)
		}
		p, err := table.OpenParquet(file, size, table.ParquetOptions{})
		if err != nil && len(wanted) == 0 {
			return err
		}
		if err == nil {
			there := []string{}
			for _, field := range p.Fields() {
				for _, name := range wanted {
					if field.Name == name {
						there = append(there, name)
					}
				}
			}
			if len(there) == 0 {
				return take(table.Blank(int(p.Rows())))
			}
			wanted = there
		}
		// Columns that cannot be read are no matter as long as no rule looks at them.
		if p, err = table.OpenParquet(file, size, table.ParquetOptions{Columns: wanted}); err != nil {
			return err
		}
		batches = p.Batches()
		for t, err := range batches {
			if err != nil {
				return err
			}
			if err := take(t); err != nil {
				return err
			}
		}
		return nil
	})
}

func inPieces(t *table.Table, take func(*table.Table) error) error {
	const size = 65_536
	if t.Rows() == 0 {
		return take(t)
	}
	for lo := 0; lo < t.Rows(); lo += size {
		if err := take(t.Slice(lo, min(lo+size, t.Rows()))); err != nil {
			return err
		}
	}
	return nil
}

func (a *application) dataInferCommand() *cobra.Command {
	var opt contract.ProposeOptions
	var empty []string
	cmd := &cobra.Command{
		Use:   "infer FILE",
		Short: "Propose a data contract from a file of rows",
		Long: `Propose a DataContract from the rows of a CSV or Parquet file, printed as a declaration
with its evidence as comments: types, missing values, ranges, sets, patterns, a key, and
relations that names suggest.

What it proposes holds for the rows it was made of, but for values far from all others:
those it names, and makes no room for. The rules are tried in the order of time too: what
the first parts of the rows propose is tried on the next. A range that was outgrown gets a
margin, a set that grew a tolerance, and a rule that would have failed more often than not
is left out.

Read it before you apply it: it knows these rows, and you know what they mean.`,
		Example: `  trimtab data infer rows.parquet > contract.yaml
  trimtab data infer rows.csv --endpoint flights --time scheduled
  trimtab data infer rows.csv -o json`,
		Args: exactly("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			f := rowFile{args[0], empty}
			t, err := f.whole()
			if err != nil {
				return err
			}
			opt.Text = f.csv()
			opt.Name = cmp.Or(opt.Name, opt.Endpoint, opt.Source, nameOf(args[0]))
			if why := trimtab.ValidResourceName(opt.Name); why != "" {
				return usage{fmt.Errorf("--name %q: %s", opt.Name, why)}
			}
			if opt.Source != "" && opt.Endpoint != "" {
				return usage{errors.New("a contract is about one source or one endpoint: give --source or --endpoint")}
			}
			p, err := contract.Propose(t, opt)
			if err != nil {
				return err
			}
			for _, o := range p.Outliers {
				a.progress("%s", o)
			}
			if a.output == "json" {
				return a.show(p, nil)
			}
			_, err = a.env.Out.Write(p.YAML(filepath.Base(args[0])))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.Name, "name", "", "name of the contract (default that of the file)")
	f.StringVar(&opt.Source, "source", "", "DataSource that the contract is about")
	f.StringVar(&opt.Endpoint, "endpoint", "", "Endpoint that the contract is about")
	f.StringVar(&opt.EventTime, "time", "", "column of times that orders the rows (default the first one)")
	f.IntVar(&opt.Splits, "splits", 5, "parts in the order of time that the rules are tried on")
	f.StringSliceVar(&empty, "null", nulls, "texts of a CSV file that mean \"no value\"")
	return cmd
}

var notInNames = regexp.MustCompile(`[^a-z0-9.-]+`)

// nameOf is a name for a contract after its file.
func nameOf(path string) string {
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return cmp.Or(strings.Trim(notInNames.ReplaceAllString(strings.ToLower(base), "-"), "-."), "rows")
}

func (a *application) dataValidateCommand() *cobra.Command {
	var from, failing, timeColumn, now string
	var empty []string
	var examples int
	cmd := &cobra.Command{
		Use:   "validate FILE --contract CONTRACT",
		Short: "Judge a file of rows by a data contract",
		Long: `Judge the rows of a CSV or Parquet file by a DataContract: one of a declaration file,
which needs no server, or one that was applied, by its name. When a file declares several
contracts, the rows are judged by each.

A rule within its tolerance passes; its rows are failing rows all the same. --failing
writes every failing row as Parquet: its key (or number), the rule and the value.

Exit code 0: the rows keep the contract; 2: they break it; 1: an error.`,
		Example: `  trimtab data validate rows.parquet --contract contract.yaml
  trimtab data validate rows.csv --contract flights -o json
  trimtab data validate rows.parquet --contract contract.yaml --failing failing.parquet`,
		Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if from == "" {
				return usage{fmt.Errorf("--contract is missing: `%s`", cmd.UseLine())}
			}
			at := trimtab.TimeOf(time.Now())
			if now != "" {
				var err error
				if at, err = trimtab.ParseTime(now); err != nil {
					return usage{fmt.Errorf("--now %q: expected a time such as 2013-02-12T08:00:00Z", now)}
				}
			}
			if failing != "" && sameFile(args[0], failing) {
				return usage{fmt.Errorf("--failing %s is the file of the rows: name another, or they would be lost", failing)}
			}
			checkers, err := a.contracts(cmd.Context(), from)
			if err != nil {
				return err
			}
			for _, c := range checkers {
				if c.Spec().Freshness != nil && timeColumn == "" {
					return usage{fmt.Errorf("the contract %s judges how old the newest row is: name the column of times with --time", c.Name())}
				}
			}
			f := rowFile{args[0], empty}
			opt := contract.Options{Text: f.csv(), EventTime: timeColumn, Examples: examples}
			results, n, err := judgeFile(f, checkers, opt, contract.Facts{Now: at}, failing)
			if err != nil {
				return err
			}
			if err := a.showJudged(args[0], results); err != nil {
				return err
			}
			if failing != "" {
				a.progress("wrote %s failing rows to %s", thousands(n), failing)
			}
			for _, r := range results {
				if !r.Passed {
					return code(exitBroken)
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "contract", "", "declaration file with the contract, or the name of one that was applied")
	f.StringVar(&failing, "failing", "", "Parquet file to write all failing rows to")
	f.StringVar(&timeColumn, "time", "", "column of the time of a row, for freshness")
	f.StringVar(&now, "now", "", "moment that ages are measured at (default the present)")
	f.IntVar(&examples, "examples", 5, "failing rows to show per rule")
	f.StringSliceVar(&empty, "null", nulls, "texts of a CSV file that mean \"no value\"")
	return cmd
}

// contracts compiles the contracts of a declaration file, or the one of that name on the server.
func (a *application) contracts(ctx context.Context, from string) (out []*contract.Checker, err error) {
	compile := func(r trimtab.Resource) error {
		var spec trimtab.DataContractSpec
		if err := json.Unmarshal(r.Spec, &spec); err != nil {
			return err
		}
		c, err := contract.Compile(r.Name, spec)
		out = append(out, c)
		return err
	}
	_, missing := os.Stat(from)
	ext := strings.ToLower(filepath.Ext(from))
	if missing != nil && ext != ".yaml" && ext != ".yml" && ext != ".json" {
		c, err := a.client()
		if err != nil {
			return nil, err
		}
		r, err := c.Resource(ctx, trimtab.KindDataContract, from)
		if err != nil {
			return nil, err
		}
		err = compile(r.Resource)
		return out, err
	}
	set, ds := a.load([]string{from})
	if ds.HasErrors() {
		return nil, ds
	}
	for _, d := range set.Documents {
		if d.Resource.Kind == trimtab.KindDataContract {
			if err := compile(d.Resource); err != nil {
				return nil, err
			}
		}
	}
	if len(out) == 0 {
		return nil, trimtab.Errorf(trimtab.Invalid, from, "%s declares no DataContract: `trimtab data infer FILE` proposes one", from)
	}
	return out, nil
}

// judgeFile judges a file by contracts and writes the failing rows to a file, unless it has no name.
func judgeFile(f rowFile, checkers []*contract.Checker, opt contract.Options, facts contract.Facts, failing string) (out []trimtab.ContractResult, n int64, err error) {
	var sink *contract.FailingRows
	if failing != "" {
		temp := failing + ".part"
		file, err := os.Create(temp)
		if err != nil {
			return nil, 0, err
		}
		defer os.Remove(temp)
		defer file.Close()
		if sink, err = contract.NewFailingRows(file); err != nil {
			return nil, 0, err
		}
		opt.Sink = sink.Add
	}
	wanted := []string{}
	passes := make([]*contract.Pass, len(checkers))
	for i, c := range checkers {
		passes[i] = c.Begin(opt)
		wanted = append(wanted, c.Columns()...)
	}
	if opt.EventTime != "" {
		wanted = append(wanted, opt.EventTime)
	}
	if err := f.each(unique(wanted), func(t *table.Table) error {
		if opt.EventTime != "" && t.Column(opt.EventTime) == nil {
			return usage{fmt.Errorf("--time %s: %s has no such column", opt.EventTime, f.path)}
		}
		for _, p := range passes {
			if err := p.Add(contract.Batch{Table: t}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, 0, err
	}
	for _, p := range passes {
		r, err := p.Finish(facts)
		if err != nil {
			return nil, 0, err
		}
		r.Subject, r.At = "file "+f.path, facts.Now
		out = append(out, r)
	}
	if sink == nil {
		return out, 0, nil
	}
	if err := sink.Close(); err != nil {
		return nil, 0, err
	}
	return out, sink.Rows(), os.Rename(failing+".part", failing)
}

// unique drops what came before.
func unique(all []string) []string {
	seen, out := map[string]bool{}, []string{}
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// showJudged prints what contracts found.
func (a *application) showJudged(file string, results []trimtab.ContractResult) error {
	return a.show(results, func(w io.Writer) error {
		for _, r := range results {
			g := grid{head: []string{"RULE", "EXPECTED", "ROWS#", "FAILED#", "ALLOWED", "", "FIRST FAILING"}}
			broken := 0
			for _, x := range r.Results {
				state := a.paint(w, green, "ok")
				switch {
				case !x.Passed && x.Severity == trimtab.SeverityWarning:
					state = a.paint(w, yellow, "warning")
				case !x.Passed:
					state = a.paint(w, red, "broken")
					broken++
				}
				if x.Passed && len(x.Examples) == 0 && !a.wide() {
					continue
				}
				allowed := ""
				if x.Allowed > 0 {
					allowed = strconv.FormatFloat(100*x.Allowed, 'g', 6, 64) + " %"
				}
				g.add(x.Rule, cut(x.Expected, 48), thousands(x.Rows), thousands(x.Failed), dash(allowed), state, dash(firstFailing(x)))
			}
			if len(g.rows) > 0 {
				if err := a.table(w, g, ""); err != nil {
					return err
				}
				fmt.Fprintln(w)
			}
			verdict := a.paint(w, green, "keeps")
			if !r.Passed {
				verdict = a.paint(w, red, "breaks")
			}
			if _, err := fmt.Fprintf(w, "%s %s the contract %s: %d of %d rules broken, %s of %s rows fail\n", file, verdict, r.Contract, broken, len(r.Results), thousands(r.Failed), thousands(r.Rows)); err != nil {
				return err
			}
		}
		return nil
	})
}

// firstFailing is the first failing row of a rule.
func firstFailing(x trimtab.RuleResult) string {
	if len(x.Examples) == 0 {
		return ""
	}
	e := x.Examples[0]
	line, _, _ := strings.Cut(e.Value, "\n")
	switch {
	case e.Key == "":
		return line
	case strings.HasPrefix(e.Key, "row "):
		return line + " in " + e.Key
	}
	return line + " at " + e.Key
}

// cut shortens a text for a column.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
