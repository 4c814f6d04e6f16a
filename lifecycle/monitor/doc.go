// Package monitor watches what an endpoint answers, by windows of event time. When a
// window has ended, its rows are searched for faults of the data, compared with what
// the version that serves has learnt from, and, from the scores alone, an estimate is
// made of how good the answers are. When the labels have matured, the window is
// closed: quality and calibration are measured, and every version that is still a
// candidate is scored on the same rows, in pairs with what was served. Labels that
// come later correct it.
//
// What lasts is an incident: a fault of the data, found surely enough, holds its rows
// out of figures, references and training from the row on with which it began; drift,
// decay, calibration that is off, and traffic or labels that stop, come in other
// numbers than usual, or late, inform. An incident
// is there before the window that names it, and both before the border is settled, so
// that a policy that decides at the border knows it.
//
// Everything follows from records: traffic and labels as known at a border, windows,
// incidents and rollouts from before it. Neither the clock (but for endpoints whose
// watermark it moves), nor the order of arrival, nor a crash between any two effects
// changes a bit of what is found. The package refuses to decide what to do about it.
package monitor
