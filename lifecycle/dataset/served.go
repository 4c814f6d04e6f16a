package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// served is what an endpoint served as of a moment, in the order of event time
// and request id. Rows that are kept out are counted and not in it.
type served struct {
	endpoint string
	request  string       // the column that the endpoint takes request ids from, "" for none
	begin    trimtab.Time // go-live: the first logged event time; 0 when nothing was served by then
	read     int64        // rows of the span, those kept out among them

	ids, event, label, known *table.Column
	inputs                   *table.Table

	dropped map[string]int64
	sum     hash.Hash
}

// serve reads what was served. A row counts from its event time on, if it was
// logged before the watermark had reached the moment, and so does a label: what
// comes in later changes nothing.
func (d *Datasets) serve(ctx context.Context, o order, inputs bool) (*served, error) {
	src := o.live.spec
	if len(src.Key) != 1 {
		return nil, trimtab.Errorf(trimtab.Invalid, "datasource "+o.live.name, "DataSource %q has %d key columns: expected one, under which the request id of the served row appears", o.live.name, len(src.Key))
	}
	s := &served{endpoint: src.Endpoint, dropped: map[string]int64{}, sum: sha256.New(), inputs: &table.Table{},
		ids: table.NewColumn("", table.String, 0), event: table.NewColumn("", table.Datetime, 0),
		label: table.NewColumn("", table.Float64, 0), known: table.NewColumn("", table.Datetime, 0)}
	if err := json.NewEncoder(s.sum).Encode(src); err != nil {
		return nil, err
	}
	log, spec, err := d.log(ctx, o.live.name, src.Endpoint)
	if err != nil {
		return nil, err
	}
	s.request = spec.Logging.RequestID
	s.sum.Write(binary.AppendUvarint(nil, uint64(len(s.request)))) // a hash never fails
	s.sum.Write([]byte(s.request))
	// A row that was not late was logged when the watermark stood no further than
	// its event time, so this moment has been what it is since then.
	begin, ok := log.Begin()
	if !ok || begin >= o.req.asOf {
		return s, nil
	}
	s.begin = begin
	var holds []trimtab.Hold
	if d.cfg.Holds != nil {
		if holds, err = d.cfg.Holds.Holds(ctx, src.Endpoint); err != nil {
			return nil, err
		}
	}
	q := traffic.Query{Start: max(begin, o.req.from), End: min(o.req.to, o.req.asOf+1), KnownBy: o.req.asOf, Inputs: inputs}
	if q.Start >= q.End {
		return s, nil
	}
	for r, err := range log.Tables(ctx, q) {
		if err != nil {
			return nil, err
		}
		s.take(r, holds, o.req.required)
	}
	return s, nil
}

// log is the log of a declared endpoint.
func (d *Datasets) log(ctx context.Context, source, endpoint string) (log *traffic.Log, spec trimtab.EndpointSpec, err error) {
	if d.cfg.Traffic == nil {
		return nil, spec, trimtab.Errorf(trimtab.Unsupported, "datasource "+source, "DataSource %q is what endpoint %q served, and nothing is served here", source, endpoint)
	}
	r, err := d.cfg.Sources.Get(ctx, trimtab.KindEndpoint, endpoint)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil, spec, trimtab.Errorf(trimtab.Precondition, "datasource "+source, "DataSource %q is what endpoint %q served, and there is no such Endpoint: declare it and apply", source, endpoint)
	}
	if err != nil {
		return nil, spec, err
	}
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return nil, spec, &trimtab.Error{Kind: trimtab.Internal, Subject: r.Ref(), Err: err}
	}
	log, err = d.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: trimtab.CallOf(ctx).Workspace, Name: endpoint})
	return log, spec, err
}

func (s *served) take(r *traffic.Rows, holds []trimtab.Hold, required bool) {
	var keep []int
	var buf []byte
	for i := range r.Len() {
		s.read++
		out := trimtab.HeldRow(holds, r.EventTimes[i], r.Quarantine[i])
		buf = appendRow(buf[:0], r, i, out)
		s.sum.Write(buf)
		switch {
		case out != "":
			s.dropped[out]++
			continue
		case required && !r.HasLabel[i]:
			s.dropped[DropNoLabel]++
			continue
		}
		keep = append(keep, i)
		s.ids.AppendString(r.IDs[i])
		s.event.AppendInt64(nanos(r.EventTimes[i]))
		if r.HasLabel[i] {
			s.label.AppendFloat64(r.Label[i])
			s.known.AppendInt64(nanos(r.LabelKnownAt[i]))
		} else {
			s.label.AppendNull()
			s.known.AppendNull()
		}
	}
	if r.Inputs == nil {
		return
	}
	for i, c := range r.Inputs.Columns {
		if i == len(s.inputs.Columns) {
			s.inputs.Columns = append(s.inputs.Columns, table.NewColumn(c.Name, c.Type, 0))
		}
		_ = s.inputs.Columns[i].Extend(c.Take(keep)) // all batches have the same columns
	}
}

// appendRow writes what of a row a snapshot depends on. The inputs of a logged id never change.
func appendRow(b []byte, r *traffic.Rows, i int, out string) []byte {
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	text(r.IDs[i])
	text(out)
	b = binary.AppendVarint(b, int64(r.EventTimes[i]))
	if r.HasLabel[i] {
		b = binary.AppendVarint(append(b, 1), int64(r.LabelKnownAt[i]))
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(r.Label[i]))
	}
	return append(b, 0)
}

// digest names what was served. Nothing is read after it.
func (s *served) digest() trimtab.Digest {
	b := binary.AppendVarint(nil, int64(s.begin))
	s.sum.Write(b)
	return trimtab.DigestFrom([sha256.Size]byte(s.sum.Sum(nil)))
}

// alone is the table of a source that is nothing but what was served: key, event
// time, the inputs by name, label and the time of its becoming known. An input
// with the name of one of these is left out.
func (s *served) alone(src *named) (*table.Table, error) {
	spec := src.spec
	name := func(c *table.Column, name string) *table.Column {
		c.Name = name
		return c
	}
	t := &table.Table{Columns: []*table.Column{name(s.ids, spec.Key[0]), name(s.event, spec.EventTime)}}
	own := []string{spec.Key[0], spec.EventTime}
	if spec.Label != nil {
		own = append(own, spec.Label.Column, spec.Label.AvailableAt)
	}
	for _, c := range s.inputs.Columns {
		if !slices.Contains(own, c.Name) {
			t.Columns = append(t.Columns, c)
		}
	}
	if spec.Label != nil {
		t.Columns = append(t.Columns, name(s.label, spec.Label.Column), name(s.known, spec.Label.AvailableAt))
	}
	if err := t.Check(); err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "datasource "+src.name, "DataSource %q: key, event time, label and its time are columns of their own: %v", src.name, err)
	}
	return t, nil
}
