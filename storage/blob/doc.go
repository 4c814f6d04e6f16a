// Package blob keeps bytes under their own SHA-256: artifacts of runs, frozen
// models, packed code, snapshots of data. It owns the bytes and their layout on
// disk (docs/format/blob.md), streams them in and out, and never shows half an
// object: what has a name here is complete and on stable storage.
//
// It refuses to know what an object is for. Names, trees and versions are rows
// of the database that point here by digest; nothing a client sends ever
// becomes a file name, because the only names are digests and random ones.
// Nor does it decide what may be deleted: garbage collection marks from those
// rows, and [Info.Time] tells it which objects are too young to judge.
//
// Stores are decorated by wrapping: [Limit] bounds the size of an object. The
// package blobtest has the suite that every store passes and a store that
// fails on demand.
package blob
