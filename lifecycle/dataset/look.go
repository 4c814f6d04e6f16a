package dataset

import (
	"context"
	"errors"
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/keep"
	"github.com/trimtab/trimtab/pure/profile"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
)

// SnapshotLook is what the columns of a snapshot look like and, where there is one to
// compare with, what they looked like in it: columns in the order of the snapshot,
// then those that only the other one has.
type SnapshotLook struct {
	Digest  trimtab.Digest   `json:"digest"`
	Against trimtab.Digest   `json:"against,omitempty"`
	Rows    int64            `json:"rows"`
	Before  int64            `json:"before,omitempty"` // rows of the other one
	Looked  int64            `json:"looked"`           // rows that the figures are of: the first ones of a large snapshot
	Columns []SnapshotColumn `json:"columns"`
	Added   int              `json:"added"`
	Removed int              `json:"removed"`
	Retyped int              `json:"retyped"`
	Moved   int              `json:"moved"`
}

// SnapshotColumn is one column, now and before. PSI is the distance between the two
// and Effect the one from which on it matters; State is that of a comparison: "ok",
// "suspect", "drift" or "unknown", "" without one.
type SnapshotColumn struct {
	Name   string         `json:"name"`
	Type   string         `json:"type,omitempty"` // "" when it is gone
	Was    string         `json:"was,omitempty"`  // the type before, where it differs or the column is gone
	Change string         `json:"change,omitempty"`
	Kind   string         `json:"kind,omitempty"`
	Now    *SnapshotFacts `json:"now,omitempty"`
	Then   *SnapshotFacts `json:"then,omitempty"`
	Bins   []SnapshotBin  `json:"bins,omitempty"`
	PSI    *float64       `json:"psi,omitempty"`
	Effect *float64       `json:"effect,omitempty"`
	State  string         `json:"state,omitempty"`
	Why    string         `json:"why,omitempty"`
}

// SnapshotFacts are the figures of a column in one snapshot.
type SnapshotFacts struct {
	Rows     int64    `json:"rows"`
	Missing  int64    `json:"missing"`
	Distinct int64    `json:"distinct,omitempty"` // not known of what was counted against other edges
	More     bool     `json:"more,omitempty"`     // distinct values are at least so many
	Mean     *float64 `json:"mean,omitempty"`
	SD       *float64 `json:"sd,omitempty"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
	Outside  int64    `json:"outside,omitempty"` // below, above or never seen in the one compared with
}

// SnapshotBin is a part of a column's values with its share now and then; Lo and Hi bound numbers.
type SnapshotBin struct {
	Label string   `json:"label,omitempty"`
	Lo    float64  `json:"lo"`
	Hi    float64  `json:"hi"`
	Now   float64  `json:"now"`
	Then  *float64 `json:"then,omitempty"`
}

// Limits of a look at a snapshot.
const (
	lookedRows  = 500_000
	lookedTable = 64 << 20 // cells
	lookRetain  = 1 << 22  // numbers that a profile keeps
	keptLooks   = 32
)

// Looker shows people what snapshots look like. It reads objects by their digest: who
// may see them is its caller's matter. It is safe for concurrent use.
type Looker struct {
	blobs blob.Store
	looks *keep.Last[lookKey, SnapshotLook]
}

// NewLooker makes a looker at the snapshots in a store.
func NewLooker(blobs blob.Store) *Looker {
	return &Looker{blobs, keep.New[lookKey, SnapshotLook](keptLooks)}
}

// Look shows the columns of a snapshot of a source, against another one unless it is
// "". NotFound when the bytes of one are gone; Invalid when they are no rows.
func (d *Looker) Look(ctx context.Context, digest, against trimtab.Digest) (look SnapshotLook, err error) {
	defer trimtab.Wrap(&err, "dataset.Look(%s, %s)", digest.Short(), against.Short())
	key := lookKey{digest, against}
	if look, ok := d.looks.Get(key); ok {
		return look, nil
	}
	edges := digest
	if against != "" {
		edges = against
	}
	p, first, err := d.profile(ctx, edges)
	if err != nil {
		return look, err
	}
	look = SnapshotLook{Digest: digest, Against: against, Rows: first.all, Looked: first.read, Columns: []SnapshotColumn{}}
	if against == "" {
		for _, c := range p.Columns {
			x := SnapshotColumn{Name: c.Name, Type: c.Type.String(), Kind: string(c.Kind), Now: factsOf(c, &c.Reference, true), Bins: binsOf(c, &c.Reference, nil)}
			look.Columns = append(look.Columns, x)
		}
		d.looks.Put(key, look)
		return look, nil
	}
	now, counts, second, err := d.counted(ctx, digest, p)
	if err != nil {
		return look, err
	}
	look.Rows, look.Before, look.Looked = second.all, first.all, second.read
	report, err := profile.Compare(p, nil, counts, profile.CompareOptions{Alpha: 0.05, EffectPSI: 0.05, EffectShare: 0.063, EffectSpecial: 0.0158})
	if err != nil {
		return look, err
	}
	look.compare(p, now, counts, report)
	d.looks.Put(key, look)
	return look, nil
}

// compare fills the columns of two snapshots; p is the profile of the one before.
func (l *SnapshotLook) compare(p *profile.Profile, now []table.Field, counts *profile.Counts, report *profile.Report) {
	at := map[string]int{}
	for i, c := range p.Columns {
		at[c.Name] = i
	}
	there := map[string]bool{}
	for _, f := range now {
		there[f.Name] = true
		i, ok := at[f.Name]
		if !ok {
			l.Added++
			l.Columns = append(l.Columns, SnapshotColumn{Name: f.Name, Type: f.Type.String(), Change: "added"})
			continue
		}
		c, k, r := p.Columns[i], &counts.Columns[i], report.Columns[i]
		x := SnapshotColumn{Name: f.Name, Type: f.Type.String(), Kind: string(c.Kind), Now: factsOf(c, k, false), Then: factsOf(c, &c.Reference, true), Bins: binsOf(c, k, &c.Reference),
			State: string(r.State), Why: r.Why, PSI: some(r.PSI), Effect: some(r.EffectLimit)}
		if c.Type != f.Type {
			x.Was, x.Change = c.Type.String(), "retyped"
			l.Retyped++
		}
		if r.State == profile.Drifted {
			l.Moved++
		}
		l.Columns = append(l.Columns, x)
	}
	for _, c := range p.Columns {
		if !there[c.Name] {
			l.Removed++
			l.Columns = append(l.Columns, SnapshotColumn{Name: c.Name, Was: c.Type.String(), Change: "removed", Then: factsOf(c, &c.Reference, true)})
		}
	}
}

func some(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func factsOf(c *profile.Column, k *profile.ColumnCounts, own bool) *SnapshotFacts {
	f := &SnapshotFacts{Rows: k.Rows, Missing: k.Missing}
	if own {
		f.Distinct, f.More = c.Distinct, c.More
	} else {
		f.Outside = k.Below + k.Above
		if c.Kind == profile.Category || c.Tracks() {
			f.Outside = max(f.Outside, k.Unseen)
		}
	}
	if k.Moments.N > 0 {
		f.Mean, f.SD, f.Min, f.Max = some(k.Moments.Mean()), some(k.Moments.SD()), some(k.Moments.Min), some(k.Moments.Max)
	}
	return f
}

// binsOf are the coarse bins of a column, as shares of all rows.
func binsOf(c *profile.Column, now, then *profile.ColumnCounts) (out []SnapshotBin) {
	share := func(k *profile.ColumnCounts, from, to int) float64 {
		n := int64(0)
		for i := from; i < to && i < len(k.Bins); i++ {
			n += k.Bins[i]
		}
		return float64(n) / float64(max(k.Rows, 1))
	}
	for g, i := range c.Coarse {
		end := c.Bins()
		if g+1 < len(c.Coarse) {
			end = c.Coarse[g+1]
		}
		b := SnapshotBin{Now: share(now, i, end)}
		if then != nil {
			b.Then = some(share(then, i, end))
		}
		switch {
		case c.Kind == profile.Number:
			b.Lo, b.Hi = c.Edges[i], c.Edges[end]
			if end == i+1 && int64(c.Bins()) == c.Distinct {
				b.Hi = b.Lo
			}
		case end == i+1 && i < len(c.Categories):
			b.Label = c.Categories[i]
		default:
			b.Label = "other"
		}
		out = append(out, b)
	}
	return out
}

// extent is how much of a snapshot was read.
type extent struct{ all, read int64 }

// batches reads the first rows of a snapshot.
func (d *Looker) batches(ctx context.Context, digest trimtab.Digest, add func(*table.Table) error) (fields []table.Field, x extent, err error) {
	r, err := d.blobs.Open(ctx, digest)
	if err != nil {
		return nil, x, err
	}
	defer r.Close()
	f, err := table.OpenParquet(r, r.Size(), table.ParquetOptions{})
	if err != nil {
		return nil, x, noRows(digest, err)
	}
	fields, x.all = f.Fields(), f.Rows()
	most := min(lookedRows, lookedTable/int64(max(len(fields), 1)))
	for t, err := range f.Batches() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, x, noRows(digest, err)
		}
		if left := most - x.read; int64(t.Rows()) > left {
			t = t.Slice(0, int(left))
		}
		if err := add(t); err != nil {
			return nil, x, err
		}
		if x.read += int64(t.Rows()); x.read >= most {
			break
		}
	}
	return fields, x, nil
}

func noRows(digest trimtab.Digest, err error) error {
	var bad *table.Error
	if !errors.As(err, &bad) {
		return err
	}
	return trimtab.Errorf(trimtab.Invalid, "snapshot "+digest.Short(), "the object %s does not read as rows: %v", digest.Short(), err)
}

func (d *Looker) profile(ctx context.Context, digest trimtab.Digest) (*profile.Profile, extent, error) {
	b := profile.NewBuilder(profile.Options{Retain: lookRetain})
	n := 0
	fields, x, err := d.batches(ctx, digest, func(t *table.Table) error { n++; return b.Add(t) })
	if err == nil && n == 0 {
		err = b.Add(table.Empty(fields, 0))
	}
	if err != nil {
		return nil, x, err
	}
	p, err := b.Finish()
	return p, x, err
}

func (d *Looker) counted(ctx context.Context, digest trimtab.Digest, p *profile.Profile) ([]table.Field, *profile.Counts, extent, error) {
	k := p.NewCounts()
	fields, x, err := d.batches(ctx, digest, func(t *table.Table) error { return p.CountInto(k, t) })
	return fields, k, x, err
}

type lookKey struct{ digest, against trimtab.Digest }
