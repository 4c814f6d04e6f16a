// Package ui owns the pages: the sources under src, their build into dist, and
// the routes under /ui/ that serve what was built from the binary's own memory,
// precompressed, under any path prefix, with a Content-Security-Policy that lets
// a page load nothing from anywhere else. It also owns "/", which leads to the
// pages and understands the links that MLflow clients print.
//
// A binary that was built without Node serves a placeholder that says so; the
// build tag "noui" leaves the pages out altogether. The package refuses to
// answer with data: pages read the native API like everybody else.
package ui
