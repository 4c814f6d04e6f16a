package contract

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
)

// FailingPage is a part of the rows that broke a contract, in the order of the data.
type FailingPage struct {
	Rows []FailingRow `json:"rows"`
	All  int64        `json:"all"`            // rows of the object: one for each rule that a row breaks
	Next int64        `json:"next,omitempty"` // the place after which more follow, 0 for none
}

// FailingRow is a row that breaks a rule.
type FailingRow struct {
	Key   string `json:"key"`
	Rule  string `json:"rule"`
	Value string `json:"value"`
}

const (
	mostFailing = 500
	mostValue   = 500 // bytes of a value that is shown
)

// Failing reads the failing rows of a result that was kept: those of one rule, "" for
// all, behind a place, limit of them. The object is read from its beginning; NotFound
// when it is gone.
func Failing(ctx context.Context, blobs blob.Store, digest trimtab.Digest, rule string, after int64, limit int) (p FailingPage, err error) {
	defer trimtab.Wrap(&err, "contract.Failing(%s)", digest.Short())
	p.Rows = []FailingRow{}
	r, err := blobs.Open(ctx, digest)
	if err != nil {
		return p, err
	}
	defer r.Close()
	f, err := table.OpenParquet(r, r.Size(), table.ParquetOptions{})
	if err != nil {
		return p, err
	}
	p.All = f.Rows()
	limit = min(max(limit, 1), mostFailing)
	at := int64(0)
	for t, err := range f.Batches() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return p, err
		}
		if at += int64(t.Rows()); at <= after {
			continue
		}
		key, of, value := t.Column("key"), t.Column("rule"), t.Column("value")
		if key == nil || of == nil || value == nil {
			return p, trimtab.Errorf(trimtab.Invalid, "failing rows "+digest.Short(), "the object %s has no columns key, rule and value: it holds no failing rows", digest.Short())
		}
		begin := at - int64(t.Rows())
		for i := int(max(0, after-begin)); i < t.Rows(); i++ {
			if rule != "" && of.Text(i) != rule {
				continue
			}
			if len(p.Rows) == limit {
				p.Next = begin + int64(i)
				return p, nil
			}
			p.Rows = append(p.Rows, FailingRow{Key: cut(key.Text(i)), Rule: of.Text(i), Value: cut(value.Text(i))})
		}
	}
	return p, nil
}

func cut(text string) string {
	if len(text) > mostValue {
		return text[:mostValue] + "…"
	}
	return text
}
