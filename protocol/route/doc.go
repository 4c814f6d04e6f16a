// Package route owns the one table of routes that a server answers: method,
// pattern, who may call it, how large a body may be, and which function writes
// its errors. Everything that every request needs happens here and nowhere
// else: request ids, the access log, metrics by pattern, the checks of Host and
// Origin, authentication, the workspace, limits, and the recovery of a panic.
//
// It refuses a route that does not say who may call it, two routes that could
// answer the same request, and a request whose Host or Origin is foreign. It
// knows no protocol: a protocol hands over its routes with the function that
// writes its errors, and the table of kinds to HTTP statuses in this package is
// for those protocols that have no codes of their own.
package route
