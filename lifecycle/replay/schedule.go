package replay

import "github.com/trimtab/trimtab"

// place is how far a replay has come: every row with an event time before
// Position has been sent, and every label known by then.
type place struct {
	position  trimtab.Time
	watermark trimtab.Time
	settled   bool // the watermark's border is settled
}

// offer is what the source has next.
type offer struct {
	row      trimtab.Time // event time of the next row that is not sent
	hasRow   bool
	label    trimtab.Time // known-at of the next label that is not sent
	hasLabel bool
	border   trimtab.Time // the next moment after the watermark at which a listener wants to be asked; 0 for none
	final    trimtab.Time // where the watermark ends; known once no row is left
}

// verb is what a replay does next.
type verb string

const (
	sendRows   verb = "rows"   // a batch of rows with event times before the limit
	sendLabels verb = "labels" // the labels known by the limit
	advance    verb = "advance"
	settle     verb = "settle"
	finish     verb = "finish"
)

// action is one step; until is the limit of what is sent, or the new watermark.
type action struct {
	do    verb
	until trimtab.Time
}

// schedule decides the next step. Everything that lies before a border goes out
// before the watermark moves there, and nothing that lies behind it before the
// border is settled; between two borders labels follow the rows.
func schedule(p place, o offer) action {
	if p.watermark != 0 && !p.settled {
		return action{settle, p.watermark}
	}
	limit := o.border
	if !o.hasRow {
		// The end: the watermark goes over the borders that are left, to where the
		// last label is known and the last window closed, and no further.
		if p.watermark >= o.final {
			if o.hasLabel {
				return action{sendLabels, trimtab.Time(1<<63 - 1)}
			}
			return action{finish, 0}
		}
		if limit == 0 || limit > o.final {
			limit = o.final
		}
	}
	before := func(t trimtab.Time) bool { return limit == 0 || t < limit }
	if o.hasLabel {
		known := limit // with no row left before the limit, all labels known by it are due
		if o.hasRow && before(o.row) {
			known = o.row - 1
		}
		if o.label <= known {
			return action{sendLabels, known}
		}
	}
	if o.hasRow && before(o.row) {
		return action{sendRows, limit}
	}
	return action{advance, limit}
}
