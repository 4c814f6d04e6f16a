package dataset

import (
	"context"
	"maps"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// order is a DatasetSpec with its sources looked up: a file, what an endpoint
// served, or the one followed by the other.
type order struct {
	req  request
	file *named // nil: the snapshot is what the endpoint served
	live *named // nil: the snapshot is the file's
}

type named struct {
	name string
	spec trimtab.SourceSpec
}

func (d *Datasets) order(ctx context.Context, spec trimtab.DatasetSpec) (o order, err error) {
	src, err := d.source(ctx, spec.Source)
	if err != nil {
		return o, err
	}
	if o.req, err = requestOf(spec, src); err != nil {
		return o, err
	}
	n := &named{spec.Source, src}
	if src.Endpoint == "" {
		o.file = n
	} else {
		o.live = n
	}
	if spec.Served == "" {
		return o, nil
	}
	if o.live != nil {
		return o, trimtab.Errorf(trimtab.Invalid, "dataset", "served: DataSource %q is what endpoint %q served: expected a source that is a file beside served %q", spec.Source, src.Endpoint, spec.Served)
	}
	live, err := d.source(ctx, spec.Served)
	if err != nil {
		return o, err
	}
	switch {
	case live.Endpoint == "":
		return o, trimtab.Errorf(trimtab.Invalid, "dataset", "served: DataSource %q is a file: expected a DataSource with an endpoint", spec.Served)
	case (src.Label == nil) != (live.Label == nil):
		with, without := spec.Source, spec.Served
		if src.Label == nil {
			with, without = without, with
		}
		return o, trimtab.Errorf(trimtab.Invalid, "dataset", "DataSource %q declares a label and DataSource %q none: expected both to have one, or neither", with, without)
	}
	o.live = &named{spec.Served, live}
	return o, nil
}

// collect makes the rows of a snapshot, and names the data that they come from.
func (d *Datasets) collect(ctx context.Context, o order) (rows *table.Table, dropped map[string]int64, data trimtab.Digest, err error) {
	req := o.req
	var live *served
	if o.live != nil {
		if live, err = d.serve(ctx, o, true); err != nil {
			return nil, nil, "", err
		}
		req.before = live.begin
	}
	if o.file == nil {
		rows, err = live.alone(o.live)
		return rows, live.dropped, live.digest(), err
	}
	f, err := d.open(ctx, o.file.name, o.file.spec, true)
	if err != nil {
		return nil, nil, "", err
	}
	defer f.close()
	if rows, dropped, err = cut(f, req); err != nil || live == nil {
		return rows, dropped, f.spec.Digest, err
	}
	data = trimtab.StateDigest([]trimtab.Digest{f.spec.Digest, live.digest()})
	for why, n := range live.dropped {
		dropped[why] += n
	}
	if live.read == 0 {
		return rows, dropped, data, nil
	}
	rows, left, err := unite(f, rows, o.live, live)
	maps.Copy(dropped, left)
	return rows, dropped, data, err
}

// Served names what a data set depends on beside its source and spec: what its
// endpoint has served as of its moment (rows, labels, and which of them are kept
// out) and the contracts of its source. It changes when a snapshot would. "" when
// there is neither.
func (d *Datasets) Served(ctx context.Context, spec trimtab.DatasetSpec) (digest trimtab.Digest, err error) {
	defer trimtab.Wrap(&err, "dataset.Served(%s, as of %s)", spec.Source, spec.AsOf)
	o, err := d.order(ctx, spec)
	if err != nil {
		return "", err
	}
	if d.cfg.Contracts != nil {
		if digest, err = d.cfg.Contracts.Source(trimtab.CallOf(ctx).Workspace, spec.Source); err != nil {
			return "", err
		}
	}
	if o.live == nil {
		return digest, nil
	}
	live, err := d.serve(ctx, o, false)
	if err != nil {
		return "", err
	}
	if digest == "" {
		return live.digest(), nil
	}
	return trimtab.StateDigest([]trimtab.Digest{digest, live.digest()}), nil
}
