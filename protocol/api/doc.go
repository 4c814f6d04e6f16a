// Package api speaks the native HTTP API below /api/trimtab/v1alpha1: resources
// with plan and apply, blobs, pipeline runs with their logs, runs, registered
// models, endpoints, replays, windows and the journal. Bodies are the nouns of the vocabulary in the shapes of
// package view; the OpenAPI 3.1 document is made from the same Go types.
//
// The package owns paths, query parameters and the mapping to the stores and
// slices, which it asks through small interfaces of its own; it holds no rule.
// It registers nothing on a mux: its routes go through the one route table, with
// an auth class each, and errors are written by that table.
package api
