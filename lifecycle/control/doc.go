// Package control runs what takes longer than a request: reconcilers that are given a key, read the state and act, and
// consumers that follow the journal.
//
// It owns the queue of keys (the same key waits once and is worked on by one worker at a time), backoff with jitter,
// requeueing, panics (recovered, counted and reported like any error) and the cursors of journal consumers (at least
// once, in order, a poison entry parks and blocks nobody). A reconciler is level-triggered: a lost wake-up costs time,
// never truth, so whoever runs one also adds all open keys at the start and now and then.
// It refuses to know what is reconciled, keeps no state beyond the process, and decides nothing: a reconciler's error
// never changes the thing it was about.
package control
