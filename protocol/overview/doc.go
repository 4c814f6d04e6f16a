// Package overview owns what a person sees first: one answer that says what
// needs attention, which models are trained, registered, served and measured,
// what is running, and what changed last. The start page and `trimtab status`
// both show this answer, so that they can never tell different stories. It also
// owns the stream of notices by which a page learns that its answer is old, and
// by which a command follows the journal.
//
// The answer is put together from a bounded number of queries: a few for the
// whole project and at most a few per model, endpoint and monitor, of each of
// which it shows at most fifty and says how many it left out. What it is made of,
// and the rule that says what needs attention, are package view's. It refuses to
// change anything, to hold state between requests, and to know how things are
// stored: each source is an interface or a function that the wiring gives.
package overview
