package serve

import (
	"testing"

	"github.com/trimtab/trimtab"
)

// A trial answers what a request would be answered, of either version, and leaves nothing behind.
func TestTryAnswersAndCountsNothing(t *testing.T) {
	p := newPlane(t, false)
	e := p.endpoint()
	got, err := e.Try(body(unnamedColumns, 1, 2), "application/json", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || got.Rows != 2 || len(got.Values) != 2*len(got.Names) {
		t.Fatalf("trial %+v", got)
	}
	for k, i := range []int{1, 2} {
		if v := got.Values[k*len(got.Names)]; v != p.want(1, i) {
			t.Errorf("row %d: %v, want %v", i, v, p.want(1, i))
		}
	}
	if rows, _ := p.logged(); len(rows) != 0 {
		t.Errorf("logged %v", rows)
	}
	if n, _ := e.Counts(1); n != 0 {
		t.Errorf("counted %d requests", n)
	}
	if _, err := e.Try(body(unnamedColumns, 1), "application/json", 7); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("a version that is not loaded: %v", err)
	}
	if _, err := e.Try([]byte(`{"dataframe_split":{}}`), "application/json", 0); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("a bad request: %v", err)
	}
}
