// Package sql keeps everything that is rows: on SQLite for one machine, on
// PostgreSQL beyond it, with one SQL text for both. What differs between the two
// stands in dialect.go alone; the conformance suite in sqltest runs against both.
//
// A handle per noun ([DB.Runs], [DB.Models], …) has the methods that the slices
// and the protocol fronts ask for by interfaces of their own. A write loads the
// state, calls the rule of the root package, and commits row and journal entry
// in one transaction; no rule lives here. All writes pass [DB.write]: on SQLite
// one goroutine owns the writing connection and commits requests in groups, each
// in a savepoint, so that one failing request leaves its neighbours whole; on
// PostgreSQL each is a transaction of its own, tried again on a serialization
// failure, and one sequencer gives the journal its order.
//
// The package refuses to decide, to know HTTP, and to page by offset.
package sql
