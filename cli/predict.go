package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/pure/table"
)

// unsupportedRequest marks what predict cannot do exactly: exit code 3.
type unsupportedRequest struct{ error }

func (u unsupportedRequest) Unwrap() error { return u.error }

// maxModelFile bounds one file of a model that is read.
const maxModelFile = 2 << 30

func (a *application) predictCommand() *cobra.Command {
	var model, input, output, what string
	cmd := &cobra.Command{
		Use:   "predict --model MODEL --input FILE --output FILE",
		Short: "Score a file with a model, as an endpoint would",
		Long: `Score the rows of a CSV or Parquet file with the code that serves endpoints: the
answers are those of Python to the last bit. The model is a folder as MLflow writes it,
which needs no server, or models:/NAME@ALIAS or models:/NAME/VERSION of the server.
Columns are found by name; CSV gets 17 significant digits.

--what chooses the answer: predict is what mlflow.pyfunc.load_model(...).predict
answers, proba are probabilities, margin are raw margins.

Exit code 3: the model, or what is asked of it, is not served natively.`,
		Example: `  trimtab predict --model ./model --input rows.parquet --output out.parquet
  trimtab predict --model models:/flights@champion --input rows.csv --output out.csv --what proba`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for name, value := range map[string]string{"--model": model, "--input": input, "--output": output} {
				if value == "" {
					return usage{fmt.Errorf("%s is missing: `%s`", name, cmd.UseLine())}
				}
			}
			err := a.predict(cmd.Context(), model, input, output, what)
			if trimtab.IsKind(err, trimtab.Unsupported) {
				return unsupportedRequest{err}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&model, "model", "", "model folder, models:/NAME@ALIAS or models:/NAME/VERSION")
	f.StringVar(&input, "input", "", "rows to score: .csv or .parquet")
	f.StringVar(&output, "output", "", "file to write: .csv or .parquet")
	f.StringVar(&what, "what", "predict", "predict, proba or margin")
	return cmd
}

func (a *application) predict(ctx context.Context, model, input, output, what string) error {
	switch what {
	case serve.Predict, serve.Proba, serve.Margin:
	default:
		return usage{fmt.Errorf("--what %q: expected predict, proba or margin", what)}
	}
	write, ok := map[string]func(io.Writer, []table.Field) (tableWriter, error){".csv": csvWriter, ".parquet": parquetWriter}[strings.ToLower(filepath.Ext(output))]
	if !ok {
		return usage{fmt.Errorf("--output %s: expected a name that ends with .csv or .parquet", output)}
	}
	if sameFile(input, output) {
		return usage{fmt.Errorf("--output %s is the file of the rows: name another, or they would be lost", output)}
	}
	files, err := a.modelFiles(ctx, model)
	if err != nil {
		return err
	}
	m, err := serve.Load(ctx, files, serve.Options{Output: what})
	if err != nil {
		return err
	}
	rows, done, err := readRows(input, m.Inputs())
	if err != nil {
		return err
	}
	defer done()
	temp := output + ".part"
	f, err := os.Create(temp)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	defer f.Close()
	n, err := score(m, rows, input, func(fields []table.Field) (tableWriter, error) { return write(f, fields) })
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp, output); err != nil {
		return err
	}
	a.progress("scored %s rows with %s into %s", thousands(int64(n)), m.Flavor, output)
	return nil
}

// sameFile reports whether two names stand for one file that exists.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// tableWriter writes batches and finishes the file.
type tableWriter interface {
	Write(*table.Table) error
	Close() error
}

type csvFile struct{ *table.CSVWriter }

func (csvFile) Close() error { return nil }

func csvWriter(w io.Writer, fields []table.Field) (tableWriter, error) {
	c, err := table.NewCSVWriter(w, fields, table.CSVOptions{Digits17: true})
	return csvFile{c}, err
}

func parquetWriter(w io.Writer, fields []table.Field) (tableWriter, error) {
	return table.NewParquetWriter(w, fields, table.ParquetOptions{})
}

// score answers batch by batch, so that a file of any length fits.
func score(m *serve.Model, rows iter.Seq2[*table.Table, error], input string, open func([]table.Field) (tableWriter, error)) (n int, err error) {
	typ := table.Float64
	switch {
	case m.Labels():
		typ = table.Int64
	}
	width := m.Width()
	fields := make([]table.Field, width)
	for i, name := range m.OutputNames() {
		fields[i] = table.Field{Name: name, Type: typ}
	}
	w, err := open(fields)
	if err != nil {
		return 0, err
	}
	var answers []float64
	for t, err := range rows {
		if err != nil {
			return n, trimtab.Errorf(trimtab.Invalid, input, "%s: %v", input, err)
		}
		request, err := m.Signature.Enforce(t)
		if err != nil {
			return n, trimtab.Errorf(trimtab.Invalid, input, "%s: %v", input, err)
		}
		if answers, err = m.Score(answers, request.Table); err != nil {
			return n, err
		}
		out := table.Empty(fields, t.Rows())
		for k, c := range out.Columns {
			for i := range t.Rows() {
				if typ == table.Int64 {
					c.Int64s = append(c.Int64s, int64(answers[i*width+k]))
				} else {
					c.Float64s = append(c.Float64s, answers[i*width+k])
				}
			}
		}
		whole, err := table.New(out.Columns...)
		if err != nil {
			return n, err
		}
		if err := w.Write(whole); err != nil {
			return n, err
		}
		n += t.Rows()
	}
	return n, w.Close()
}

// readRows opens a file of rows. The columns of a CSV file get the types that
// the model takes; Parquet has its own.
func readRows(path string, inputs []table.Field) (iter.Seq2[*table.Table, error], func(), error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, trimtab.Errorf(trimtab.NotFound, path, "the rows cannot be read: %v", err)
	}
	done := func() { f.Close() }
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		types := map[string]table.Type{}
		for _, in := range inputs {
			types[in.Name] = in.Type
		}
		return table.CSVBatches(f, table.CSVOptions{Types: types, Optional: true}), done, nil
	case ".parquet":
		info, err := f.Stat()
		if err == nil {
			var p *table.ParquetFile
			if p, err = table.OpenParquet(f, info.Size(), table.ParquetOptions{}); err == nil {
				return p.Batches(), done, nil
			}
		}
		done()
		return nil, nil, trimtab.Errorf(trimtab.Invalid, path, "%s: %v", path, err)
	}
	done()
	return nil, nil, usage{fmt.Errorf("--input %s: expected a name that ends with .csv or .parquet", path)}
}

// modelFiles reads a model folder, or a version of the server.
func (a *application) modelFiles(ctx context.Context, model string) (serve.Files, error) {
	rest, ok := strings.CutPrefix(model, "models:/")
	if !ok {
		info, err := os.Stat(model)
		if err != nil || !info.IsDir() {
			return nil, trimtab.Errorf(trimtab.NotFound, model, "there is no model folder %s: expected a folder with the file MLmodel, models:/NAME@ALIAS or models:/NAME/VERSION", model)
		}
		return serve.Folder(model), nil
	}
	rest = strings.TrimPrefix(rest, "/")
	c, err := a.client()
	if err != nil {
		return nil, err
	}
	name, alias, byAlias := strings.Cut(rest, "@")
	var version trimtab.Version
	if byAlias {
		m, err := c.Model(ctx, trimtab.ModelName(name))
		if err != nil {
			return nil, err
		}
		if version = m.Aliases[trimtab.Alias(alias)]; version == 0 {
			return nil, trimtab.Errorf(trimtab.NotFound, "model "+name, "model %s has no alias %q: it has %s", name, alias, dash(aliasText(m.Aliases)))
		}
	} else {
		i := strings.LastIndexByte(rest, '/')
		n, err := strconv.ParseInt(rest[i+1:], 10, 64)
		if i < 1 || err != nil || n < 1 {
			return nil, usage{fmt.Errorf("--model %q: expected models:/NAME@ALIAS or models:/NAME/VERSION", model)}
		}
		name, version = rest[:i], trimtab.Version(n)
	}
	return func(ctx context.Context, path string) ([]byte, error) {
		r, err := c.VersionFile(ctx, trimtab.ModelName(name), version, path)
		if trimtab.IsKind(err, trimtab.NotFound) && path != "MLmodel" { // without that one the server says best what is missing
			return nil, fs.ErrNotExist
		}
		if err != nil {
			return nil, err
		}
		defer r.Close()
		raw, err := io.ReadAll(io.LimitReader(r, maxModelFile+1))
		if err != nil {
			return nil, trimtab.Errorf(trimtab.Unavailable, "model", "the file %s was cut off: %v", path, err)
		}
		if len(raw) > maxModelFile {
			return nil, trimtab.Errorf(trimtab.Unsupported, "model", "the file %s is larger than %s", path, size(maxModelFile))
		}
		return raw, nil
	}, nil
}
