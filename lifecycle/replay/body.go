package replay

import (
	"math"
	"strconv"

	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
)

// appendFrame writes rows [lo, hi) as the body of a scoring request.
func appendFrame(b []byte, t *table.Table, lo, hi int) []byte {
	b = append(b, `{"dataframe_split":{"columns":[`...)
	for k, c := range t.Columns {
		if k > 0 {
			b = append(b, ',')
		}
		b = schema.AppendString(b, c.Name)
	}
	b = append(b, `],"data":[`...)
	for i := lo; i < hi; i++ {
		if i > lo {
			b = append(b, ',')
		}
		b = append(b, '[')
		for k, c := range t.Columns {
			if k > 0 {
				b = append(b, ',')
			}
			b = appendCell(b, c, i)
		}
		b = append(b, ']')
	}
	return append(b, `]}}`...)
}

func appendCell(b []byte, c *table.Column, i int) []byte {
	if v, ok := schema.AppendValue(b, c, i); ok {
		return v
	}
	// The decoder takes Python's words for infinities, which JSON does not have.
	if v, _ := c.Float(i); math.Signbit(v) {
		return append(b, "-Infinity"...)
	}
	return append(b, "Infinity"...)
}

// appendLabels writes labels [lo, hi) as the body of a delivery of labels.
func appendLabels(b []byte, l *labelRows, lo, hi int) []byte {
	b = append(b, `{"ids":[`...)
	for i := lo; i < hi; i++ {
		if i > lo {
			b = append(b, ',')
		}
		b = schema.AppendString(b, l.ids.Text(i))
	}
	b = append(b, `],"values":[`...)
	for i := lo; i < hi; i++ {
		if i > lo {
			b = append(b, ',')
		}
		b = appendCell(b, l.values, i)
	}
	b = append(b, `],"event_times":[`...)
	for i := lo; i < hi; i++ {
		if i > lo {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(milliseconds(l.times, i)), 10)
	}
	b = append(b, `],"known_ats":[`...)
	for i := lo; i < hi; i++ {
		if i > lo {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(milliseconds(l.known, i)), 10)
	}
	return append(b, `]}`...)
}
