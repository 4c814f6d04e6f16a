// Package app turns configuration into a running server: it opens the stores,
// makes the slices, connects them, and owns every goroutine that outlives a
// request in one run group. One file per role: api.go answers, serve.go predicts,
// control.go reconciles; loop.go lists who listens to an endpoint's event time.
//
// The package decides nothing about models or data. An adapter here that grows
// beyond a few lines belongs to a slice. It refuses to listen on an address that
// others can reach: until access control exists, loopback is the only guard.
package app
