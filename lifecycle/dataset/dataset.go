package dataset

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Sources reads declared resources.
type Sources interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
}

// Snapshots keeps the records of snapshots. Putting an equal one again changes nothing.
type Snapshots interface {
	Put(ctx context.Context, s trimtab.Snapshot) error
}

// Traffic keeps what endpoints served.
type Traffic interface {
	Endpoint(ep traffic.Endpoint) (*traffic.Log, error)
}

// Holds tells which rows of an endpoint are kept out of what is learnt, and which
// were released.
type Holds interface {
	Holds(ctx context.Context, endpoint string) ([]trimtab.Hold, error)
}

// Contracts judges the rows of sources.
type Contracts interface {
	// Screen names, for each row, the rule that quarantines it, "" for none; nil when every row passes.
	Screen(ws trimtab.Workspace, source string, t *table.Table) (rows []string, err error)
	// Snapshot judges the rows as a whole. An error says that they must not be used.
	Snapshot(ctx context.Context, s trimtab.Snapshot, rows iter.Seq2[*table.Table, error]) ([]trimtab.ContractResult, error)
	// Source is the digest of the contracts of a source, "" without any.
	Source(ws trimtab.Workspace, source string) (trimtab.Digest, error)
}

// Config says what data sets are made from. Blobs, Sources and Snapshots must be set.
type Config struct {
	Blobs     blob.Store
	Sources   Sources
	Snapshots Snapshots
	Traffic   Traffic       // default none: a source of an endpoint is refused
	Holds     Holds         // default none: quarantined rows alone are kept out
	Contracts Contracts     // default none: rows of a file are taken as they are
	Clock     trimtab.Clock // default the system's
	Log       *slog.Logger  // default discards
}

// Datasets takes snapshots and reads sources in order. It is safe for concurrent use.
type Datasets struct{ cfg Config }

// New returns a Datasets.
func New(cfg Config) *Datasets {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Datasets{cfg}
}

// Source returns the declaration of a source that is a file; NotFound when there
// is none, and Invalid when its rows are what an endpoint served.
func (d *Datasets) Source(ctx context.Context, name string) (spec trimtab.SourceSpec, err error) {
	if spec, err = d.source(ctx, name); err == nil && spec.Endpoint != "" {
		return spec, trimtab.Errorf(trimtab.Invalid, "datasource "+name, "DataSource %q is what endpoint %q served: expected a DataSource with a path", name, spec.Endpoint)
	}
	return spec, err
}

func (d *Datasets) source(ctx context.Context, name string) (spec trimtab.SourceSpec, err error) {
	r, err := d.cfg.Sources.Get(ctx, trimtab.KindDataSource, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return spec, trimtab.Errorf(trimtab.NotFound, "datasource "+name, "there is no DataSource %q: declare it and apply", name)
	}
	if err != nil {
		return spec, err
	}
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return spec, &trimtab.Error{Kind: trimtab.Internal, Subject: r.Ref(), Err: err}
	}
	if spec.Digest == "" && spec.Endpoint == "" {
		return spec, trimtab.Errorf(trimtab.Precondition, r.Ref(), "the file %s of DataSource %q has not been uploaded: apply it again", spec.Path, name)
	}
	return spec, nil
}

// Take takes the snapshot that spec describes: its texts have no references left.
// Equal data and an equal spec give equal bytes, so taking twice is harmless. What
// is wrong with the data or the spec is Invalid; a snapshot without rows is
// Precondition and says why rows were dropped.
func (d *Datasets) Take(ctx context.Context, spec trimtab.DatasetSpec) (s trimtab.Snapshot, err error) {
	defer trimtab.Wrap(&err, "dataset.Take(%s, as of %s)", spec.Source, spec.AsOf)
	o, err := d.order(ctx, spec)
	if err != nil {
		return s, err
	}
	rows, dropped, data, err := d.collect(ctx, o)
	if err != nil {
		return s, err
	}
	req := o.req
	if dropped == nil {
		dropped = map[string]int64{}
	}
	all := rows
	if rows, err = d.screen(ctx, spec.Source, rows, dropped); err != nil {
		return s, err
	}
	if rows.Rows() == 0 {
		return s, trimtab.Errorf(trimtab.Precondition, "datasource "+spec.Source, "no row of DataSource %q is left as of %s between %s and %s: dropped %s", spec.Source, req.asOf, req.from, req.to, counts(dropped))
	}
	digest, err := d.put(ctx, rows)
	if err != nil {
		return s, err
	}
	s = trimtab.Snapshot{Workspace: trimtab.CallOf(ctx).Workspace, Digest: digest, Source: spec.Source, SourceData: data,
		AsOf: req.asOf, From: req.from, To: req.to, Rows: int64(rows.Rows()), Dropped: dropped, Created: d.cfg.Clock()}
	if d.cfg.Contracts != nil {
		one := func(yield func(*table.Table, error) bool) { yield(all, nil) }
		if _, err := d.cfg.Contracts.Snapshot(ctx, s, one); err != nil {
			return s, err
		}
	}
	if err := d.cfg.Snapshots.Put(ctx, s); err != nil {
		return s, err
	}
	d.cfg.Log.InfoContext(ctx, "snapshot taken", "source", spec.Source, "as_of", req.asOf.String(), "rows", s.Rows, "digest", digest.Short())
	return s, nil
}

// screen leaves out the rows that a contract of the source quarantines, and counts
// them by rule.
func (d *Datasets) screen(ctx context.Context, source string, rows *table.Table, dropped map[string]int64) (*table.Table, error) {
	if d.cfg.Contracts == nil {
		return rows, nil
	}
	rules, err := d.cfg.Contracts.Screen(trimtab.CallOf(ctx).Workspace, source, rows)
	if err != nil || rules == nil {
		return rows, err
	}
	keep := make([]int, 0, rows.Rows())
	for i, rule := range rules {
		if rule == "" {
			keep = append(keep, i)
		} else {
			dropped["quarantined: "+rule]++
		}
	}
	return rows.Take(keep), nil
}

// put streams the rows as Parquet into the blob store.
func (d *Datasets) put(ctx context.Context, rows *table.Table) (trimtab.Digest, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(table.WriteParquet(w, rows, table.ParquetOptions{})) }()
	digest, _, err := d.cfg.Blobs.Put(ctx, r)
	r.CloseWithError(err) // ends the writer when Put gave up early
	return digest, err
}

// request is a DatasetSpec with its texts read.
type request struct {
	asOf, from, to trimtab.Time
	required       bool
	before         trimtab.Time // unless 0, the go-live of what follows the file
}

func requestOf(spec trimtab.DatasetSpec, src trimtab.SourceSpec) (r request, err error) {
	if r.asOf, err = trimtab.ParseTime(spec.AsOf); err != nil {
		return r, err
	}
	r.to = r.asOf
	if spec.To != "" {
		if r.to, err = trimtab.ParseTime(spec.To); err != nil {
			return r, err
		}
	}
	switch {
	case spec.From != "" && spec.Window != "":
		return r, trimtab.Errorf(trimtab.Invalid, "dataset", "from and window exclude each other")
	case spec.From != "":
		if r.from, err = trimtab.ParseTime(spec.From); err != nil {
			return r, err
		}
	case spec.Window != "":
		w, err := trimtab.ParseDuration(spec.Window)
		if err != nil {
			return r, err
		}
		r.from = r.to.Add(-time.Duration(w))
	}
	if r.from >= r.to {
		return r, trimtab.Errorf(trimtab.Invalid, "dataset", "the data set begins at %s and ends at %s: expected an end after the beginning", r.from, r.to)
	}
	switch spec.Label {
	case "", "required", "optional":
	default:
		return r, trimtab.Errorf(trimtab.Invalid, "dataset", "label: %q: expected required or optional", spec.Label)
	}
	if src.Label == nil && spec.Label == "required" {
		return r, trimtab.Errorf(trimtab.Invalid, "datasource "+spec.Source, "DataSource %q declares no label, and the data set requires one", spec.Source)
	}
	r.required = src.Label != nil && spec.Label != "optional"
	return r, nil
}
