package traffic

import (
	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Columns of a sealed log and of an export. Inputs and outputs follow under their prefix.
const (
	ColumnID         = "id"
	ColumnOrdinal    = "ordinal"
	ColumnEventTime  = "event_time"
	ColumnArrival    = "arrival"
	ColumnWatermark  = "watermark"
	ColumnVersion    = "version"
	ColumnVariant    = "variant"
	ColumnPropensity = "propensity"
	// ColumnQuarantine names the contract rule that quarantines the row, null for none.
	ColumnQuarantine = "quarantine"
	InputPrefix      = "input."
	OutputPrefix     = "output."

	ColumnValue   = "value"
	ColumnKnownAt = "known_at"

	ColumnLabel        = "label" // in an export
	ColumnLabelKnownAt = "label_known_at"
)

var predictionFields = []table.Field{
	{Name: ColumnID, Type: table.String},
	{Name: ColumnOrdinal, Type: table.Int32},
	{Name: ColumnEventTime, Type: table.Datetime},
	{Name: ColumnArrival, Type: table.Datetime},
	{Name: ColumnWatermark, Type: table.Datetime},
	{Name: ColumnVersion, Type: table.Int64},
	{Name: ColumnVariant, Type: table.String},
	{Name: ColumnPropensity, Type: table.Float64},
	{Name: ColumnQuarantine, Type: table.String},
}

var labelFields = []table.Field{
	{Name: ColumnID, Type: table.String},
	{Name: ColumnValue, Type: table.Float64},
	{Name: ColumnEventTime, Type: table.Datetime},
	{Name: ColumnKnownAt, Type: table.Datetime},
	{Name: ColumnArrival, Type: table.Datetime},
	{Name: ColumnWatermark, Type: table.Datetime},
}

// fieldsOf is the union of schemas: the fields of a sealed piece. Within a piece
// no two schemas contradict each other.
func fieldsOf(schemas []*schema) []table.Field {
	fields := append([]table.Field(nil), predictionFields...)
	seen := map[string]bool{}
	add := func(f table.Field) {
		if !seen[f.Name] {
			seen[f.Name] = true
			fields = append(fields, f)
		}
	}
	for _, s := range schemas {
		for _, f := range s.inputs {
			add(table.Field{Name: InputPrefix + f.Name, Type: f.Type})
		}
	}
	for _, s := range schemas {
		for _, name := range s.outputs {
			add(table.Field{Name: OutputPrefix + name, Type: table.Float64})
		}
	}
	return fields
}

func appendTime(c *table.Column, t trimtab.Time) {
	if t == 0 {
		c.AppendNull()
		return
	}
	c.AppendInt64(int64(t) * 1e6)
}

func timeAt(c *table.Column, i int) trimtab.Time {
	if c == nil || c.Null(i) {
		return 0
	}
	return trimtab.Time(c.Int64s[i] / 1e6)
}

// appendRecord adds the rows of r to t, whose fields are a selection of fieldsOf.
func appendRecord(t *table.Table, r *record) {
	inputs := map[string]*table.Column{}
	for _, c := range r.inputs {
		inputs[InputPrefix+c.Name] = c
	}
	outputs := map[string]int{}
	for k, name := range r.schema.outputs {
		outputs[OutputPrefix+name] = k
	}
	for _, c := range t.Columns {
		appendField(c, r, inputs[c.Name], outputs)
	}
}

// appendField adds one column of r's rows to c; in is the input of that name, nil when there is none.
func appendField(c *table.Column, r *record, in *table.Column, outputs map[string]int) {
	rows := upTo(r.rows)
	switch c.Name {
	case ColumnID:
		for _, i := range rows {
			c.AppendString(string(r.ids[i]))
		}
	case ColumnOrdinal:
		for _, i := range rows {
			c.AppendInt32(int32(r.ordinals[i]))
		}
	case ColumnEventTime:
		for _, i := range rows {
			appendTime(c, r.times[i])
		}
	case ColumnArrival:
		for range rows {
			appendTime(c, r.arrival)
		}
	case ColumnWatermark:
		for range rows {
			appendTime(c, r.watermark)
		}
	case ColumnVersion:
		for range rows {
			c.AppendInt64(int64(r.version))
		}
	case ColumnVariant:
		for range rows {
			c.AppendString(r.variant)
		}
	case ColumnPropensity:
		for range rows {
			c.AppendFloat64(r.propensity)
		}
	case ColumnQuarantine:
		for _, i := range rows {
			if rule := r.rule(i); rule != "" {
				c.AppendString(rule)
			} else {
				c.AppendNull()
			}
		}
	default:
		k, ok := outputs[c.Name]
		switch w := len(r.schema.outputs); {
		case in != nil:
			for _, i := range rows {
				c.AppendRow(in, i)
			}
		case ok:
			for _, i := range rows {
				c.AppendFloat64(r.outputs[i*w+k])
			}
		default:
			for range rows {
				c.AppendNull()
			}
		}
	}
}

func appendLabelRecord(t *table.Table, r *labelRecord) {
	for _, c := range t.Columns {
		for i := range r.labels {
			l := &r.labels[i]
			switch c.Name {
			case ColumnID:
				c.AppendString(string(r.ids[i]))
			case ColumnValue:
				if l.Null {
					c.AppendNull()
				} else {
					c.AppendFloat64(l.Value)
				}
			case ColumnEventTime:
				appendTime(c, l.EventTime)
			case ColumnKnownAt:
				appendTime(c, l.KnownAt)
			case ColumnArrival:
				appendTime(c, r.arrival)
			case ColumnWatermark:
				appendTime(c, r.watermark)
			}
		}
	}
}

// Columns in which a replayed request brings the id and the event time of its
// rows, whatever the endpoint's own columns for them are.
const (
	ReplayIDColumn   = "trimtab.request_id"
	ReplayTimeColumn = "trimtab.event_time"
)
