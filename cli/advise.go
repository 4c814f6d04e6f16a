package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/retrain"
	"github.com/trimtab/trimtab/pure/table"
)

// exitPays is the exit code of advise when something is to be done.
const exitPays = 2

// mostAdvised bounds the cells of a file that is read as a whole.
const mostAdvised = 400_000_000

type adviseCall struct {
	predictions, labels, inputs string
	columns                     retrain.Columns
	task, window, html          string
}

func (a *application) adviseCommand() *cobra.Command {
	var call adviseCall
	cmd := &cobra.Command{
		Use:   "advise --predictions FILE",
		Short: "Say from files alone whether a model decayed, why, and what would have paid",
		Long: `Look back over what a model predicted and what came of it, without a server and without a
pipeline: did the model decay, and when; was it the data; would a cure have paid?

FILE is CSV or Parquet and holds a time and a score per row; the label too, unless
--labels names a file of its own, and the inputs of the model, unless --inputs does. Files
are joined by id. Columns with usual names are found; name others with --id, --time,
--score and --label. A file that ` + "`trimtab endpoint export`" + ` wrote can be taken as it is.

Recalibration is measured: fitted on earlier rows, applied to later ones. A retrain is
estimated by a probe: small trees on top of the recorded score, which learn only from
earlier rows. Rows under a fault of the data witness nothing.

Exit code 0: nothing is to be done. 2: something would pay. 1: error.`,
		Example: `  trimtab advise --predictions year.parquet
  trimtab advise --predictions scores.csv --labels outcomes.csv --inputs features.parquet
  trimtab advise --predictions year.parquet --score p_late --label late --html advice.html
  trimtab endpoint export flights --out flights.parquet && trimtab advise --predictions flights.parquet`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if call.predictions == "" {
				return usage{fmt.Errorf("--predictions FILE is missing: `%s`", cmd.UseLine())}
			}
			return a.advise(call)
		},
	}
	f := cmd.Flags()
	f.StringVar(&call.predictions, "predictions", "", "CSV or Parquet file of predictions")
	f.StringVar(&call.labels, "labels", "", "file of labels, joined by id (default: in the file of predictions)")
	f.StringVar(&call.inputs, "inputs", "", "file of the model's inputs, joined by id (default: in the file of predictions)")
	f.StringVar(&call.columns.ID, "id", "", "column that joins the files")
	f.StringVar(&call.columns.Time, "time", "", "column of event times")
	f.StringVar(&call.columns.Score, "score", "", "column of scores: probabilities, or predicted values")
	f.StringVar(&call.columns.Label, "label", "", "column of labels: 0 and 1, or numbers")
	f.StringSliceVar(&call.columns.Except, "except", nil, "columns that are no inputs of the model")
	f.StringVar(&call.task, "task", "", "binary or regression (default: as labels and scores are)")
	f.StringVar(&call.window, "window", "7d", "length of the windows: 1h, 1d, 7d, month")
	f.StringVar(&call.html, "html", "", "write the advice as one HTML file too, which needs nothing besides itself")
	return cmd
}

func (a *application) advise(call adviseCall) error {
	read := func(path string) (*table.Table, error) {
		if path == "" {
			return nil, nil
		}
		a.progress("reading %s", path)
		return wholeFile(path)
	}
	predictions, err := read(call.predictions)
	if err != nil {
		return err
	}
	labels, err := read(call.labels)
	if err != nil {
		return err
	}
	inputs, err := read(call.inputs)
	if err != nil {
		return err
	}
	records, err := retrain.RecordsOf(predictions, labels, inputs, call.columns)
	if err != nil {
		return err
	}
	a.progress("taking %s for the time, %s for the score, %s for the label", records.Names["time"], records.Names["score"], records.Names["label"])
	advice, err := retrain.Advise(records, retrain.Asked{Task: retrain.Task(call.task), Window: trimtab.Window(call.window),
		Progress: func(what string) { a.progress("%s", what) }})
	if err != nil {
		return err
	}
	if call.html != "" {
		var page bytes.Buffer
		if err := advice.HTML(&page); err != nil {
			return err
		}
		if err := os.WriteFile(call.html, page.Bytes(), 0o644); err != nil {
			return trimtab.Errorf(trimtab.Invalid, call.html, "the page cannot be written: %v", err)
		}
		a.progress("wrote %s", call.html)
	}
	if err := a.show(advice, func(w io.Writer) error {
		_, err := io.WriteString(w, advice.Text())
		return err
	}); err != nil {
		return err
	}
	if advice.Pays {
		return code(exitPays)
	}
	return nil
}

// wholeFile reads all rows of a CSV or Parquet file.
func wholeFile(path string) (*table.Table, error) {
	var whole *table.Table
	for t, err := range batches(path) {
		if err == nil && whole == nil {
			whole = table.Empty(t.Fields(), 0)
		}
		if err == nil {
			err = whole.Append(t)
		}
		if err != nil {
			return nil, invalidRows(path, err)
		}
		if cells := whole.Rows() * max(1, len(whole.Columns)); cells > mostAdvised {
			return nil, trimtab.Errorf(trimtab.Exhausted, path, "%s holds more than %d cells: leave out columns or rows that are not needed", path, mostAdvised)
		}
	}
	if whole == nil || whole.Rows() == 0 {
		return nil, trimtab.Errorf(trimtab.Invalid, path, "%s holds no rows", path)
	}
	return whole, nil
}
