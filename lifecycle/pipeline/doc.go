// Package pipeline runs declared pipelines: a level-triggered engine over rows that survives a kill -9 between any two
// instructions without losing a step or running one twice.
//
// It owns the plan (a pure function from run, steps, attempts and what is seen of them to actions), the order in which
// things are committed (the intent first, then the effect that is named after it, then its result, fenced by the
// attempt), retries by cause, timeouts, cancelling, the cache by content and its explanation, the packing of code, and
// the processes of steps: each runs under a shim that outlives the server, and all the engine knows of it are files.
// It refuses to let its own errors fail a healthy step, to publish the late result of an attempt that has been given
// up, to run a shell that nobody asked for, and to keep any truth in memory: whatever it does, it reads first.
// It knows the stores, data sets and the registry by small interfaces only.
package pipeline
