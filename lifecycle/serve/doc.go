// Package serve is the data plane: it keeps the version that an endpoint's alias
// points to loaded, and answers requests with it. It owns the loading of MLflow
// model folders into native predictors, the atomic swap of versions, the identity
// of each row (request id and event time), the rules of who may send to an
// endpoint, and the hand-over of what was answered to the log of traffic.
//
// What answers is an immutable [Model]; a request takes the one that is current,
// keeps it to its end and never touches the database, so that moving an alias
// fails no request and loaded models answer while the database is down. The one
// exception is the first live request of an endpoint: that it is live is recorded
// before it is answered, for from then on nothing may be replayed into it.
// A version that cannot be loaded leaves the last good one in place and says so
// in a condition; nothing is ever approximated.
//
// The package refuses to know any protocol: fronts decode and encode. It runs no
// Python and unpickles nothing: what is not served natively is refused by name.
package serve
