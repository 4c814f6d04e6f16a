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
	w := len(r.schema.outputs)
	rows := upTo(r.rows)
	inputs := map[string]*table.Column{}
	for _, c := range r.inputs {
		inputs[InputPrefix+c.Name] = c
	}
	outputs := map[string]int{}
	for k, name := range r.schema.outputs {
		outputs[OutputPrefix+name] = k
	}
	for _, c := range t.Columns {
		for _, i := range rows {
			switch c.Name {
			case ColumnID:
				c.AppendString(string(r.ids[i]))
			case ColumnOrdinal:
				c.AppendInt32(int32(r.ordinals[i]))
			case ColumnEventTime:
				appendTime(c, r.times[i])
			case ColumnArrival:
				appendTime(c, r.arrival)
			case ColumnWatermark:
				appendTime(c, r.watermark)
			case ColumnVersion:
				c.AppendInt64(int64(r.version))
			case ColumnVariant:
				c.AppendString(r.variant)
			case ColumnPropensity:
				c.AppendFloat64(r.propensity)
			default:
				if in := inputs[c.Name]; in != nil {
					c.AppendRow(in, i)
				} else if k, ok := outputs[c.Name]; ok {
					c.AppendFloat64(r.outputs[i*w+k])
				} else {
					c.AppendNull()
				}
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
