package sql

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

func TestSnapshotPages(t *testing.T) { engines(t, snapshotPages) }

func snapshotPages(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	for i := range 7 {
		source, created := "s", trimtab.Time(1000+i/2) // two of a moment
		if i == 6 {
			source, created = "other", 1
		}
		if err := db.Snapshots.Put(ctx, trimtab.Snapshot{Digest: trimtab.DigestOf(fmt.Appendf(nil, "rows %d", i)), Source: source, AsOf: 5, To: 5, Rows: int64(i), Created: created, Dropped: map[string]int64{"late": int64(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	var rows []int64
	var last trimtab.Time
	var after trimtab.PageToken
	for pages := 0; ; pages++ {
		all, next, err := db.Snapshots.Page(ctx, "s", 2, after)
		if err != nil || len(all) != 2 || pages > 2 {
			t.Fatalf("page %d: %d, %v", pages, len(all), err)
		}
		for _, s := range all {
			if last != 0 && s.Created > last {
				t.Errorf("%d after %d", s.Created, last)
			}
			last = s.Created
			rows = append(rows, s.Rows)
		}
		if after = next; next == "" {
			break
		}
	}
	seen := map[int64]bool{}
	for _, n := range rows {
		seen[n] = true
	}
	if len(rows) != 6 || len(seen) != 6 {
		t.Errorf("rows %v", rows)
	}
	if _, _, err := db.Snapshots.Page(ctx, "other", 2, trimtab.NewPageToken("else", 1, "x")); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("a token of another listing: %v", err)
	}
	newest, counts, err := db.Snapshots.Newest(ctx)
	if err != nil || len(newest) != 2 || newest[0].Source != "other" || newest[1].Created != 1002 || newest[0].Dropped["late"] != 6 || cmp.Diff(counts, map[string]int64{"s": 6, "other": 1}) != "" {
		t.Errorf("%+v %v %v", newest, counts, err)
	}
}
