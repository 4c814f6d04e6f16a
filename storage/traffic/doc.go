// Package traffic keeps what endpoints answered and which labels came later.
// It owns the bytes of both logs of an endpoint: append-only frames with length
// and checksum, their seal into Parquet with a sorted id index, and the join of
// predictions with labels. docs/format/traffic.md describes every byte; nothing
// else in the program reads or writes these files.
//
// A [Store] holds one [Log] per (workspace, endpoint). A prediction is known by
// its request id: of one id the first logged row counts, later ones are counted
// as duplicates and not kept, so a re-sent batch changes nothing. Of the labels
// of one id the last known-at wins. Durable appends are on the disk when they
// return (one fsync serves all that wait); asynchronous ones go through a
// bounded queue, and what does not fit is dropped and counted. A torn tail is
// cut at open, with a log line. A row that a data contract quarantined is kept
// beside the rule's name: [Log.Window] and [Log.Tables] hand it out with the rule,
// and who learns or measures leaves it out.
//
// The package refuses to know databases, HTTP, models and monitors: a sealed
// segment is reported to a callback, and the watermark comes in with each batch.
// No text of a user becomes a file name.
//
// All methods of Store and Log may be called from any number of goroutines.
package traffic
