// Package monitor closes windows of event time: when an endpoint's watermark has
// passed a window's end and the labels' maturity, the predictions of the window
// are joined with the labels known by then and measured, once. What it finds is
// a [trimtab.WindowResult]; equal records give equal bits, whatever the order in
// which traffic arrived.
//
// It refuses to look at the clock, to decide what a result means, and to write a
// window twice.
package monitor
