package dataset

import (
	"context"
	"encoding/json"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// KeptOutQuery asks for rows of an endpoint that are kept out of what is learnt, or,
// of an incident that was released, were. From and To bound their event time, 0 is
// open; Incident, where given, is the one that keeps them out; Rule the contract rule.
type KeptOutQuery struct {
	Endpoint string
	From, To trimtab.Time
	Incident string
	Rule     string
	After    trimtab.PageToken
	Limit    int
}

// KeptOutRows are some of them in the order of event time. Next is the token of those
// that follow, "" when all have been read; a page may have few rows, or none, and a
// next one, because no more than a fixed number of rows is looked at for it.
type KeptOutRows struct {
	Columns []string          `json:"columns"`
	Rows    []KeptOutRow      `json:"rows"`
	Looked  int64             `json:"looked"` // at rows, for this page
	Through trimtab.Time      `json:"through,omitzero"`
	Next    trimtab.PageToken `json:"next,omitempty"`
}

// KeptOutRow is one row with its inputs in the order of the columns of its page; null where it has none.
type KeptOutRow struct {
	ID       string          `json:"id"`
	At       trimtab.Time    `json:"at"`
	Version  trimtab.Version `json:"version"`
	Reason   string          `json:"reason"` // "held: INCIDENT" or "quarantined: CONTRACT/RULE"; of released ones what it was
	Incident string          `json:"incident,omitempty"`
	Rule     string          `json:"rule,omitempty"`
	Released bool            `json:"released,omitempty"`
	Output   *float64        `json:"output,omitempty"`
	Values   []*string       `json:"values"`
}

// Limits of a look at rows that are kept out.
const (
	lookedAt   = 20_000 // rows, for one page
	mostKept   = 200    // rows of a page
	mostText   = 200    // bytes of a value that is shown
	mostInputs = 200    // columns
)

// KeptOut shows rows that are kept out. NotFound when the endpoint is not declared.
func (d *Datasets) KeptOut(ctx context.Context, q KeptOutQuery) (out KeptOutRows, err error) {
	defer trimtab.Wrap(&err, "dataset.KeptOut(%s)", q.Endpoint)
	out.Rows, out.Columns = []KeptOutRow{}, []string{}
	r, err := d.cfg.Sources.Get(ctx, trimtab.KindEndpoint, q.Endpoint)
	if err != nil {
		return out, err
	}
	var spec trimtab.EndpointSpec
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return out, &trimtab.Error{Kind: trimtab.Internal, Subject: r.Ref(), Err: err}
	}
	if d.cfg.Traffic == nil || d.cfg.Holds == nil {
		return out, trimtab.Errorf(trimtab.Unsupported, r.Ref(), "nothing is served here")
	}
	ws := trimtab.CallOf(ctx).Workspace
	log, err := d.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: ws, Name: q.Endpoint})
	if err != nil {
		return out, err
	}
	holds, err := d.cfg.Holds.Holds(ctx, q.Endpoint)
	if err != nil {
		return out, err
	}
	if q.Incident != "" {
		holds = slices.DeleteFunc(slices.Clone(holds), func(h trimtab.Hold) bool { return h.Incident != q.Incident })
		if len(holds) == 0 {
			return out, nil
		}
		q.From = max(q.From, holds[0].From)
		if to := holds[0].To; to != 0 && (q.To == 0 || to < q.To) {
			q.To = to
		}
	}
	scope := "keptOut/" + string(ws) + "/" + q.Endpoint + "/" + q.Incident + "/" + q.Rule
	var afterAt trimtab.Time
	var afterID string
	if q.After != "" {
		if err := q.After.Keys(scope, (*int64)(&afterAt), &afterID); err != nil {
			return out, err
		}
		q.From = max(q.From, afterAt)
	}
	limit := min(max(q.Limit, 1), mostKept)
	for look := lookedAt; ; look *= 2 {
		last, full, err := d.lookAt(ctx, log, q, holds, look, limit, spot{afterAt, afterID}, &out)
		if err != nil {
			return out, err
		}
		if full && last == (spot{afterAt, afterID}) { // more rows of one moment than were looked at
			continue
		}
		if full {
			out.Next = trimtab.NewPageToken(scope, int64(last.at), last.id)
		}
		out.Through = last.at
		return out, nil
	}
}

// spot is a row in the order of the log.
type spot struct {
	at trimtab.Time
	id string
}

func (p spot) before(at trimtab.Time, id string) bool { return at > p.at || at == p.at && id > p.id }

// lookAt looks at so many rows behind a place and gathers those that are kept out. last is the row at
// which it ended, full whether others may follow.
func (d *Datasets) lookAt(ctx context.Context, log *traffic.Log, q KeptOutQuery, holds []trimtab.Hold, look, limit int, after spot, out *KeptOutRows) (last spot, full bool, err error) {
	last = after
	n := 0
	for rows, err := range log.Tables(ctx, traffic.Query{Start: q.From, End: q.To, Inputs: true, MaxRows: look}) {
		if err != nil {
			return last, false, err
		}
		if len(out.Columns) == 0 {
			out.name(rows.Inputs, holds)
		}
		for i, id := range rows.IDs {
			n++
			at := rows.EventTimes[i]
			if !after.before(at, id) {
				continue
			}
			if len(out.Rows) == limit {
				return last, true, nil
			}
			last = spot{at, id}
			out.Looked++
			x, ok := keptOut(holds, q, at, rows.Quarantine[i])
			if !ok {
				continue
			}
			x.ID, x.At, x.Version = id, at, rows.Versions[i]
			if v := rows.Output[i]; !math.IsNaN(v) && !math.IsInf(v, 0) {
				x.Output = &v
			}
			for _, name := range out.Columns {
				c := rows.Inputs.Column(name)
				if c == nil || c.Null(i) {
					x.Values = append(x.Values, nil)
					continue
				}
				text := c.Text(i)
				if len(text) > mostText {
					text = text[:mostText] + "…"
				}
				x.Values = append(x.Values, &text)
			}
			out.Rows = append(out.Rows, x)
		}
	}
	return last, n >= look, nil
}

// name fixes the columns: those of the incidents, of which no row may have a value any more, and those that rows have.
func (o *KeptOutRows) name(inputs *table.Table, holds []trimtab.Hold) {
	add := func(name string) {
		if len(o.Columns) < mostInputs && !slices.Contains(o.Columns, name) {
			o.Columns = append(o.Columns, name)
		}
	}
	for _, h := range holds {
		for _, name := range h.Columns {
			if name != scoreColumn || inputs.Column(name) != nil {
				add(name)
			}
		}
	}
	for _, c := range inputs.Columns {
		add(c.Name)
	}
}

// scoreColumn is how incidents call the answers among the columns.
const scoreColumn = "score"

// keptOut says what keeps a row out, or did before it was released.
func keptOut(holds []trimtab.Hold, q KeptOutQuery, at trimtab.Time, rule string) (x KeptOutRow, ok bool) {
	if q.Rule != "" && rule != q.Rule {
		return x, false
	}
	x.Values = []*string{}
	if q.Rule == "" {
		for _, h := range holds {
			if h.Rule == "" && h.Covers(at) && (!h.Released || q.Incident != "") {
				x.Reason, x.Incident, x.Released = "held: "+h.Incident, h.Incident, h.Released
				return x, true
			}
		}
	}
	if rule == "" {
		return x, false
	}
	x.Reason, x.Rule = "quarantined: "+rule, rule
	for _, h := range holds {
		if (h.Rule == rule || h.Rule == "*") && h.Covers(at) {
			x.Incident, x.Released = h.Incident, h.Released
			return x, true
		}
	}
	return x, q.Incident == ""
}
