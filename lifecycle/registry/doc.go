// Package registry owns the rules of the model registry that stand before the
// state machines of the root package: what a model, a tag and a stage may be
// called, what the source of a version means, and where a version's files are
// read. Every source is resolved to a tree of the server's own store and a path
// in it, which the store freezes into the manifest of the version.
//
// It refuses a source that it cannot resolve so: a local path, a bucket, a URL
// of elsewhere. Such a version could be neither frozen nor served nor vouched
// for, and a path that a client names is how files leave a server that should
// not. It knows neither HTTP nor SQL; what needs no rule has no method here.
package registry
