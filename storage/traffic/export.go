package traffic

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

var nan = math.NaN()

// Export writes the predictions with from <= event time < to as one Parquet
// file: the columns of a sealed segment, and the label known today with its
// known-at, null where there is none. Zero bounds are open. Inputs of one name
// but of different types stand in columns of their own, the later ones with
// their type in brackets. Without any prediction the file has the fixed columns
// and no rows.
func (l *Log) Export(ctx context.Context, w io.Writer, from, to trimtab.Time) (rows int64, err error) {
	defer trimtab.Wrap(&err, "traffic.Export(%s)", l.endpoint.Name)
	if to == 0 {
		to = math.MaxInt64
	}
	if from == 0 {
		from = math.MinInt64
	}
	fields, names, err := l.exportFields(from, to)
	if err != nil {
		return 0, err
	}
	pw, err := table.NewParquetWriter(w, fields, parquetOptions)
	if err != nil {
		return 0, err
	}
	for t, err := range l.span(ctx, from, to, func(string) bool { return true }) {
		if err != nil {
			return rows, err
		}
		out := table.Empty(fields, t.Rows())
		times := t.Column(ColumnEventTime)
		var keep []int
		for i := range t.Rows() {
			if at := timeAt(times, i); at >= from && at < to {
				keep = append(keep, i)
			}
		}
		for _, c := range t.Columns {
			dst := out.Column(names[table.Field{Name: c.Name, Type: c.Type}])
			if dst == nil { // appeared in the log since the export began
				continue
			}
			for _, i := range keep {
				dst.AppendRow(c, i)
			}
		}
		value, at := out.Column(ColumnLabel), out.Column(ColumnLabelKnownAt)
		ids := t.Column(ColumnID)
		for _, i := range keep {
			lab, ok, err := l.label(keyOf([]byte(ids.Strings[i])), 0)
			switch {
			case err != nil:
				return rows, err
			case !ok || lab.null:
				value.AppendNull()
				at.AppendNull()
			default:
				value.AppendFloat64(lab.value)
				appendTime(at, lab.at)
			}
		}
		for _, c := range out.Columns {
			for c.Len() < len(keep) {
				c.AppendNull()
			}
		}
		if len(keep) == 0 {
			continue
		}
		if err := pw.Write(out); err != nil {
			return rows, err
		}
		rows += int64(len(keep))
	}
	return rows, pw.Close()
}

// exportFields is the union of the fields of all pieces in the span, and the
// name under which each is exported.
func (l *Log) exportFields(from, to trimtab.Time) ([]table.Field, map[table.Field]string, error) {
	var fields []table.Field
	names := map[table.Field]string{}
	taken := map[string]bool{ColumnLabel: true, ColumnLabelKnownAt: true}
	add := func(list []table.Field) {
		for _, f := range list {
			if _, ok := names[f]; ok {
				continue
			}
			name := f.Name
			if taken[name] {
				name = fmt.Sprintf("%s (%s)", f.Name, f.Type)
			}
			taken[name] = true
			names[f] = name
			fields = append(fields, table.Field{Name: name, Type: f.Type})
		}
	}
	add(predictionFields)
	for _, v := range l.predictions.views() {
		if v.rows == 0 || v.last < from || v.first >= to {
			continue
		}
		list, err := v.fields()
		if err != nil {
			return nil, nil, err
		}
		add(list)
	}
	fields = append(fields, table.Field{Name: ColumnLabel, Type: table.Float64}, table.Field{Name: ColumnLabelKnownAt, Type: table.Datetime})
	return fields, names, nil
}

func (v view) fields() ([]table.Field, error) {
	if !v.sealed {
		return fieldsOf(v.schemas), nil
	}
	f, err := os.Open(filepath.Join(v.dir, v.id+".parquet"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	pf, err := table.OpenParquet(f, st.Size(), parquetOptions)
	if err != nil {
		return nil, err
	}
	return pf.Fields(), nil
}
