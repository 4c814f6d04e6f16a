package schema

import (
	"bytes"
	"errors"

	"github.com/trimtab/trimtab/pure/table"
)

// csvNulls are the words that pandas reads as missing.
var csvNulls = []string{"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
	"N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}

// csv reads a CSV body with the types of the signature; other columns are inferred.
func (d *Decoder) csv(body []byte) (*Request, error) {
	opt := table.CSVOptions{Types: map[string]table.Type{}, Optional: true, Nulls: csvNulls,
		MaxRows: int64(d.opt.MaxRows), MaxColumns: d.opt.MaxColumns, MaxBytes: int64(len(body)) + 1}
	if !d.positional {
		for _, f := range d.fields {
			opt.Types[f.name] = f.typ
		}
	}
	t, err := table.ReadCSV(bytes.NewReader(body), opt)
	if err != nil {
		var e *table.Error
		if !errors.As(err, &e) {
			return nil, err
		}
		if e.Column == "" || e.Value == "" {
			return nil, one(Problem{Column: e.Column, Row: -1, Msg: err.Error()})
		}
		return nil, one(Problem{Column: e.Column, Row: int(e.Row), Expected: e.Expected, Got: quote(e.Value)})
	}
	d.begin()
	d.columns = nil
	d.rows = t.Rows()
	if d.positional {
		return d.byPosition(t)
	}
	return d.enforce(t, false)
}

// byPosition takes the first columns for those of a signature without names, cast to their types.
func (d *Decoder) byPosition(t *table.Table) (*Request, error) {
	n := len(d.fields)
	if len(t.Columns) < n {
		return nil, one(Problem{Row: -1, Expected: plural(n, "column"), Got: plural(len(t.Columns), "column")})
	}
	out := &table.Table{}
	for k, c := range t.Columns[:n] {
		out.Columns = append(out.Columns, d.cast(&d.fields[k], c))
	}
	extra := table.Blank(t.Rows())
	extra.Columns = append(extra.Columns, t.Columns[n:]...)
	return d.whole(out, extra)
}
