package contract_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/storage/blob"
)

func TestFailing(t *testing.T) {
	blobs, err := blob.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	var body bytes.Buffer
	w, err := contract.NewFailingRows(&body)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 9000 // more than a batch
	for i := range rows {
		if err := w.Add(contract.Failure{Key: fmt.Sprint(i), Rule: []string{"a", "b", "b"}[i%3], Value: fmt.Sprint(-i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, _, err := blobs.Put(t.Context(), &body)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range []string{"", "a", "b", "c"} {
		var after int64
		n, last := 0, -1
		for {
			p, err := contract.Failing(t.Context(), blobs, d, rule, after, 499)
			if err != nil || p.All != rows {
				t.Fatalf("%d rows, %v", p.All, err)
			}
			for _, r := range p.Rows {
				var k int
				if _, err := fmt.Sscan(r.Key, &k); err != nil || k <= last || r.Value != fmt.Sprint(-k) || rule != "" && r.Rule != rule {
					t.Fatalf("rule %q: %+v after %d", rule, r, last)
				}
				last = k
				n++
			}
			if after = p.Next; after == 0 {
				break
			}
		}
		if want := map[string]int{"": rows, "a": rows / 3, "b": rows / 3 * 2}[rule]; n != want {
			t.Errorf("rule %q: %d rows, want %d", rule, n, want)
		}
	}
	if _, err := contract.Failing(t.Context(), blobs, trimtab.DigestOf([]byte("x")), "", 0, 1); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("no such object: %v", err)
	}
}
