package dataset

import (
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// unite puts what was served behind the rows of the file, which all happened
// before it. It has the columns of the file that were served too, and key, event
// time, label and the time of its becoming known; left counts the values of each
// column that is left out.
//
// With different keys the key is that of the served rows, and a row of the file
// has the request id in it under which a replay would send it.
func unite(f *file, rows *table.Table, src *named, live *served) (*table.Table, map[string]int64, error) {
	left := map[string]int64{}
	out := &table.Table{}
	add := func(c *table.Column, err error) error {
		if err == nil {
			out.Columns = append(out.Columns, c)
		}
		return err
	}
	key := src.spec.Key[0]
	same := slices.Equal(f.spec.Key, src.spec.Key)
	if !same {
		if rows.Column(key) != nil {
			return nil, nil, trimtab.Errorf(trimtab.Invalid, "datasource "+src.name, "the key %q of DataSource %q is another column of DataSource %q, whose key is %v: expected the same key, or a name of its own", key, src.name, f.name, f.spec.Key)
		}
		ids, err := requestIDs(f, rows, key, live.request)
		if err != nil {
			return nil, nil, err
		}
		_ = ids.Extend(live.ids) // both are texts
		out.Columns = append(out.Columns, ids)
	}
	n := int64(rows.Rows())
	for _, c := range rows.Columns {
		var err error
		switch l := f.spec.Label; {
		case same && c.Name == key:
			err = add(meetKey(c, live.ids), nil)
		case c.Name == f.spec.EventTime:
			err = add(meetTime(c, live.event), nil)
		case l != nil && c.Name == l.Column:
			err = add(meet(c, live.label))
		case l != nil && c.Name == l.AvailableAt:
			err = add(meetTime(c, live.known), nil)
		default:
			if in := live.inputs.Column(c.Name); in != nil {
				err = add(meet(c, in))
			} else if n > 0 {
				left["values of column "+c.Name+", which was not served"] = n
			}
		}
		if err != nil {
			return nil, nil, trimtab.Errorf(trimtab.Invalid, "datasource "+f.name, "column %q of DataSource %q and what endpoint %q served do not meet: %v", c.Name, f.name, live.endpoint, err)
		}
	}
	for _, c := range live.inputs.Columns {
		if rows.Column(c.Name) == nil && c.Len() > 0 {
			left["values of the served column "+c.Name+", which the file lacks"] = int64(c.Len())
		}
	}
	return out, left, nil
}

// requestIDs is a column of the request ids of the file's rows: their key when the
// endpoint takes request ids from its column, else their row id.
func requestIDs(f *file, rows *table.Table, name, request string) (*table.Column, error) {
	key, ids := newKeys(f.name, f.spec, rows), table.NewColumn(name, table.String, rows.Rows())
	if slices.Equal(f.spec.Key, []string{request}) {
		for i := range rows.Rows() {
			ids.AppendString(key.cols[0].Text(i))
		}
		return ids, nil
	}
	for i := range rows.Rows() {
		id, err := key.sum(i, int64(i))
		if err != nil {
			return nil, err
		}
		ids.AppendString(hex.EncodeToString(id[:]))
	}
	return ids, nil
}

// meetKey puts request ids behind the keys of a file. Keys that are integers stay
// so when every id is one; else the keys become texts.
func meetKey(c, ids *table.Column) *table.Column {
	if c.Type == table.Int64 || c.Type == table.Int32 {
		numbers := table.NewColumn(c.Name, table.Int64, 0)
		for _, id := range ids.Strings {
			v, err := strconv.ParseInt(id, 10, 64)
			if err != nil || strconv.FormatInt(v, 10) != id {
				break
			}
			numbers.AppendInt64(v)
		}
		if numbers.Len() == ids.Len() {
			if out, err := meet(c, numbers); err == nil {
				return out
			}
		}
	}
	out := table.NewColumn(c.Name, table.String, c.Len()+ids.Len())
	for i := range c.Len() {
		out.AppendString(c.Text(i))
	}
	_ = out.Extend(ids) // both are texts
	return out
}

// meetTime puts moments behind a column of times, in its form.
func meetTime(c, moments *table.Column) *table.Column {
	out := c.Slice(0, c.Len())
	for i := range moments.Len() {
		switch {
		case moments.Null(i):
			out.AppendNull()
		case c.Type == table.String:
			out.AppendString(moments.Text(i))
		case c.Type == table.Int64:
			out.AppendInt64(moments.Int64s[i] / 1_000_000)
		default:
			out.AppendInt64(moments.Int64s[i])
		}
	}
	return out
}
