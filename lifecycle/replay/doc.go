// Package replay sends the rows of a source through an endpoint as real requests
// in the order of event time, and the labels when they become known. It holds the
// endpoint's lease, moves its watermark border by border, and waits at each until
// every listener has settled, so that history replayed in minutes decides what
// the history itself would have decided.
//
// A drill is a replay with faults, which are put into the rows on their way; the
// source stays as it is. Which rows a fault hits depends on the fault and the row.
//
// It is resumable after any kill and doubles nothing. It refuses an endpoint with
// live traffic.
package replay
