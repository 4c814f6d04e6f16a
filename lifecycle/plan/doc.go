// Package plan compares what is declared with what the server holds and says
// what an apply would do: which resources it creates, updates, replaces or
// deletes, which differences are drift that somebody else made, what follows
// from it for pipelines, endpoints and monitors, and what the server cannot know.
//
// [Diff] is pure: the same declarations, the same live resources and the same
// facts give the same plan, so a plan that was saved can be compared with the
// one that the server computes at its apply. What automation moves (the version
// that an alias points to, a watermark, a status) is no declared state; it
// appears among the effects and is never moved back. The package refuses to
// write anything: the store applies the writes of [Plan.Writes] in one transaction.
package plan
