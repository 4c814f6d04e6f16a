// Package track owns the rules of experiment tracking that stand before the
// state machines of the root package: what a key, a value, a name and a batch
// may look like, what is cut and what is refused, how a run gets its name, and
// when a repeated request of a pipeline step means the same run. The limits and
// the sentences are MLflow's, because people and programs know them.
//
// It refuses to know HTTP and SQL: it is given clean values, calls a store
// through the small interfaces that it declares, and returns typed errors whose
// text is meant for the person who asked. What needs no rule has no method
// here: a protocol asks the store itself.
package track
