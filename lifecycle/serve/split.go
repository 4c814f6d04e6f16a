package serve

import (
	"context"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// split is which of two versions answers which rows of a call.
type split struct {
	by      int             // byModel, byCandidate or byBoth
	to      []bool          // rows that the candidate answers
	at      []int           // place of each row among those of its version, when both answer
	worker  *worker         // of the candidate
	decoder *schema.Decoder // of the candidate, when it reads requests in another way
	inputs  table.Table
	unit    []byte
}

// splitMemory is what a split leaves for the next one.
func splitMemory(s split) split { return split{to: s.to[:0], at: s.at[:0], unit: s.unit[:0]} }

// assign chooses a version for each row by its unit: the value of the key's column,
// or the request id. It reports whether the candidate answers any.
func (c *Call) assign(rq *schema.Request) bool {
	s, p := c.served, &c.split
	keys := find(rq, s.key)
	p.unit = append(append(p.unit[:0], s.salt...), ':')
	head, n := len(p.unit), 0
	p.to = p.to[:0]
	for i := range c.rows {
		p.unit = p.unit[:head]
		if keys != nil && !keys.Null(i) {
			p.unit = keys.AppendText(p.unit, i)
		}
		if len(p.unit) == head { // a unit without key goes by its request
			p.unit = c.appendID(p.unit, i)
		}
		to := int(murmur3(p.unit)%Buckets) < s.parts
		if to {
			n++
		}
		p.to = append(p.to, to)
	}
	switch n {
	case 0:
		return false
	case c.rows:
		p.by = byCandidate
	default:
		p.by = byBoth
	}
	return true
}

func (c *Call) appendID(b []byte, i int) []byte {
	if c.batch.IDs != nil {
		return append(b, c.batch.IDs[i]...)
	}
	b = append(append(b, c.batch.Prefix...), '/')
	return strconv.AppendInt(b, int64(i), 10)
}

// answerSplit answers a call of which the candidate has rows. t is the request as the model reads it.
func (c *Call) answerSplit(ctx context.Context, t *table.Table, meta Meta, cfg *config) error {
	s, p := c.served, &c.split
	p.worker = s.candidate.worker()
	all := c.batch
	if p.by == byCandidate {
		u, err := c.candidateTable(t, cfg)
		if err == nil {
			err = c.ask(s.candidate, s.candidateMeters, p.worker, u)
		}
		if err != nil {
			return err
		}
		b := &c.batch
		b.Version, b.Variant, b.Propensity = s.candidate.Version, Canary, s.candidacy
		b.Inputs, b.OutputNames, b.Outputs = u, s.candidate.names, p.worker.answer
		return c.log(ctx, b, meta, cfg)
	}
	rows := [2][]int{}
	p.at = p.at[:0]
	for i, to := range p.to {
		side := 0
		if to {
			side = 1
		}
		p.at = append(p.at, len(rows[side]))
		rows[side] = append(rows[side], i)
	}
	t0 := t.Take(rows[0])
	if err := c.ask(s.model, s.meters, c.worker, t0); err != nil {
		return err
	}
	u, err := c.candidateTable(t, cfg)
	if err != nil {
		return err
	}
	t1 := u.Take(rows[1])
	if err := c.ask(s.candidate, s.candidateMeters, p.worker, t1); err != nil {
		return err
	}
	b := c.part(&all, rows[0])
	b.Version, b.Variant, b.Propensity = s.model.Version, Stable, s.propensity
	b.Inputs, b.OutputNames, b.Outputs = t0, s.model.names, c.worker.answer
	if err := c.log(ctx, &b, meta, cfg); err != nil {
		return err
	}
	b = c.part(&all, rows[1])
	b.Version, b.Variant, b.Propensity = s.candidate.Version, Canary, s.candidacy
	b.Inputs, b.OutputNames, b.Outputs = t1, s.candidate.names, p.worker.answer
	return c.log(ctx, &b, meta, cfg)
}

// part is the identity of some rows of a batch.
func (c *Call) part(all *traffic.Batch, rows []int) traffic.Batch {
	b := *all
	b.Prefix, b.IDs = "", make([]string, len(rows))
	var id []byte
	for k, i := range rows {
		id = c.appendID(id[:0], i)
		b.IDs[k] = string(id)
	}
	if len(all.EventTimes) > 1 {
		b.EventTimes = make([]trimtab.Time, len(rows))
		for k, i := range rows {
			b.EventTimes[k] = all.EventTimes[i]
		}
	}
	if all.Quarantine != nil {
		b.Quarantine = make([]string, len(rows))
		for k, i := range rows {
			b.Quarantine[k] = all.Quarantine[i]
		}
	}
	return b
}

// candidateTable is the request as the candidate reads it. One that it cannot read is its failure.
func (c *Call) candidateTable(t *table.Table, cfg *config) (*table.Table, error) {
	s := c.served
	if s.alike {
		return t, nil
	}
	u, d, err := c.sent.read(s.candidate, &c.split.inputs, cfg)
	c.split.decoder = d
	if err == nil && u.Rows() != c.rows {
		err = trimtab.Errorf(trimtab.Invalid, "request", "version %d reads %d rows where version %d reads %d", s.candidate.Version, u.Rows(), s.model.Version, c.rows)
	}
	if err != nil {
		s.candidateMeters.asked.Add(1)
		s.candidateMeters.faults.Add(1)
		c.blame = s.candidateMeters
	}
	return u, err
}

// read reads a request for a model. The decoder, nil for tensors, owns the memory of the table.
func (q *sent) read(m *Model, into *table.Table, cfg *config) (*table.Table, *schema.Decoder, error) {
	var rq *schema.Request
	var d *schema.Decoder
	var err error
	if q.tensors != nil {
		if rq, err = m.Signature.FromTensors(q.tensors, schema.Options{}); err != nil {
			return nil, nil, requestError(err)
		}
	} else {
		if d, err = m.decoder(); err != nil {
			return nil, nil, err
		}
		if rq, err = d.Invocations(q.body, q.contentType); err != nil {
			return nil, d, requestError(err)
		}
	}
	if m.inputs == nil {
		return m.withoutMarks(into, rq.Table, cfg), d, nil
	}
	return rq.Table, d, nil
}

// answered finds the version that answered row i, its memory, and the row's place there.
func (c *Call) answered(i int) (*Model, *worker, int) {
	s, p := c.served, &c.split
	switch {
	case p.by == byCandidate:
		return s.candidate, p.worker, i
	case p.to[i]:
		return s.candidate, p.worker, p.at[i]
	}
	return s.model, c.worker, p.at[i]
}

// endSplit counts a call that the candidate had a part in and gives the candidate's memory back.
func (c *Call) endSplit(took time.Duration, failed error) {
	s, p := c.served, &c.split
	theirs := 0
	for _, to := range p.to {
		if to {
			theirs++
		}
	}
	if c.blame != s.meters {
		s.candidateMeters.observe(took, theirs, failed)
	}
	if p.by == byBoth && c.blame != s.candidateMeters {
		s.meters.observe(took, c.rows-theirs, failed)
	}
	if p.decoder != nil {
		s.candidate.decoders.Put(p.decoder)
	}
	if p.worker != nil {
		s.candidate.release(p.worker)
	}
}
