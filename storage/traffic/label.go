package traffic

import (
	"encoding/binary"
	"math"

	"github.com/trimtab/trimtab"
)

// Label is what became known about one prediction.
type Label struct {
	ID    string
	Value float64
	// Null says that the label is known to have no value: it takes back an earlier one.
	Null bool
	// EventTime is the event time of what is labelled, 0 when the sender does not know it.
	EventTime trimtab.Time
	// KnownAt is the moment at which the label became known: of one id the last known-at wins.
	KnownAt trimtab.Time
}

// LabelBatch is one delivery of labels.
type LabelBatch struct {
	Labels  []Label
	Arrival trimtab.Time
	// Watermark is the endpoint's watermark at arrival: the labels join no window that was closed by then.
	Watermark trimtab.Time
	// ClosedBefore counts late labels: those of predictions with an event time before it, whose window is closed.
	ClosedBefore trimtab.Time
}

// LabelReceipt counts what came. Every label is matched (its prediction is
// logged) or unmatched (kept, in case the prediction comes later). Repeated and
// late are counted among them: repeated had a label before; an exact repetition
// is not kept twice. Late belongs to a window that is closed.
type LabelReceipt struct {
	Matched   int64 `json:"matched"`
	Unmatched int64 `json:"unmatched"`
	Repeated  int64 `json:"repeated"`
	Late      int64 `json:"late"`

	kept int64 // records written
}

func (b *LabelBatch) check() error {
	if len(b.Labels) > maxRows {
		return trimtab.Errorf(trimtab.Invalid, "labels", "a batch has %d labels, the limit is %d", len(b.Labels), maxRows)
	}
	for i := range b.Labels {
		l := &b.Labels[i]
		switch {
		case l.ID == "":
			return trimtab.Errorf(trimtab.Invalid, "labels", "label %d has no id", i)
		case len(l.ID) > MaxID+24:
			return trimtab.Errorf(trimtab.Invalid, "labels", "the id of label %d has %d bytes, the limit is %d", i, len(l.ID), MaxID+24)
		case trimtab.CleanText(l.ID) != "":
			return trimtab.Errorf(trimtab.Invalid, "labels", "the id of label %d %s", i, trimtab.CleanText(l.ID))
		case math.IsNaN(l.Value) || math.IsInf(l.Value, 0):
			return trimtab.Errorf(trimtab.Invalid, "labels", "the value of label %d (id %q) is %v, expected a number or null", i, l.ID, l.Value)
		case l.KnownAt == 0:
			return trimtab.Errorf(trimtab.Invalid, "labels", "label %d (id %q) has no known-at", i, l.ID)
		}
	}
	return nil
}

const labelNull = 1

func appendLabels(dst []byte, b *LabelBatch, rows []int) []byte {
	dst = append(dst, payloadLabels)
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	dst = binary.AppendVarint(dst, int64(b.Arrival))
	dst = binary.AppendVarint(dst, int64(b.Watermark))
	for _, i := range rows {
		l := &b.Labels[i]
		dst = appendText(dst, l.ID)
		flags := byte(0)
		if l.Null {
			flags = labelNull
		}
		dst = append(dst, flags)
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(l.Value))
		dst = binary.AppendVarint(dst, int64(l.EventTime))
		dst = binary.AppendVarint(dst, int64(l.KnownAt))
	}
	return dst
}

// labelRecord is a decoded label frame; ids are valid until the payload is overwritten.
type labelRecord struct {
	arrival   trimtab.Time
	watermark trimtab.Time
	ids       [][]byte
	labels    []Label // without ID
}

func (r *labelRecord) decode(p []byte) error {
	d := &decoder{b: p}
	n := d.uvarint(maxRows, "the number of labels")
	r.arrival = trimtab.Time(d.varint())
	r.watermark = trimtab.Time(d.varint())
	r.ids, r.labels = r.ids[:0], r.labels[:0]
	for range n {
		r.ids = append(r.ids, d.text(MaxID+24, "a label's id"))
		flags := d.byte()
		if flags&^labelNull != 0 {
			d.fail("a label has unknown flags %#x", flags)
		}
		l := Label{Null: flags&labelNull != 0, Value: d.float()}
		l.EventTime = trimtab.Time(d.varint())
		l.KnownAt = trimtab.Time(d.varint())
		if d.err != nil {
			return d.err
		}
		r.labels = append(r.labels, l)
	}
	d.end()
	return d.err
}
