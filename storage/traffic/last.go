package traffic

import (
	"context"
	"math"

	"github.com/trimtab/trimtab"
)

// Last returns a logged prediction of the newest event time, with its inputs; nil
// when nothing is logged. It reads the piece in which the row lies, not the log.
func (l *Log) Last(ctx context.Context) (row *Rows, err error) {
	defer trimtab.Wrap(&err, "traffic.Last(%s)", l.endpoint.Name)
	newest := trimtab.Time(math.MinInt64)
	for _, v := range l.predictions.views() {
		if v.rows > 0 {
			newest = max(newest, v.last)
		}
	}
	if newest == math.MinInt64 {
		return nil, nil
	}
	for rows, err := range l.Tables(ctx, Query{Start: newest, Inputs: true, MaxRows: 1}) {
		if err != nil {
			return nil, err
		}
		if rows.Len() > 0 {
			return rows, nil
		}
	}
	return nil, nil
}
