// Package oip speaks the Open Inference Protocol V2 over REST with JSON, as
// KServe, Triton and MLServer do: every endpoint of a project is a model below
// /v2, and one endpoint has the same routes below /endpoints/NAME/v2.
//
// It owns paths, tensors and error shapes; answering belongs to lifecycle/serve.
// The version of a model is the version that its alias points to: another one in
// the path is not found, for an endpoint serves one version at a time.
//
// It refuses tensors sent by the binary tensor extension with an error that names
// it, FP16 and BF16 (which have no JSON form), and loading models by request: what
// is served is declared. A client that asks for binary outputs is answered in JSON,
// which the absent header tells it.
package oip
