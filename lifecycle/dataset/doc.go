// Package dataset turns a declared source into rows: an immutable snapshot of what was known at a moment, for training,
// and the rows and labels of a span in the order of their times, for replay.
//
// A source is a file, or what an endpoint served: after go-live what was served is what is learnt, except for rows that a
// contract quarantined or a hold covers, until a person releases them.
// It owns the meaning of a source's columns (key, event time, when a row and its label became known), the id of a row,
// and the rule that nothing which became known after a moment changes what that moment saw: neither rows, nor order, nor
// types, nor counts. A key that two rows share is an error that names both.
// It refuses to guess: a missing column, a time that does not read and an unknown label are said, counted or refused, and
// it stores nothing but the snapshot's bytes and its record.
package dataset
