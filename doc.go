// Package trimtab is the vocabulary of the program: one file per noun, each
// with its struct, its validation and its state machine.
//
// A [Run] belongs to an [Experiment] and logs params, tags and metrics. What it
// produces becomes a [LoggedModel] and, once registered, a [ModelVersion] of a
// [RegisteredModel]; an alias such as "champion" points to one version, and
// moving it is the deployment. A [Resource] is what a human declared: a data
// source, a pipeline, a model, an endpoint, a monitor. A [PipelineRun] executes
// a pipeline as steps and attempts; an [Endpoint] serves the version its alias
// names and logs what it answered; a [Monitor] joins those predictions with
// labels in windows of event time. Every change of a governed noun is an
// [Entry] in the journal, committed in the same transaction as the change.
//
// The package imports the standard library only and does no I/O. Clock,
// randomness and ids come in as values. Rules have the shape
//
//	func (state) Verb(command) (state, Change, error)
//
// and are pure: the store loads the state, calls the rule, and writes the new
// state and its journal entry together. A rule never stores, and the store
// never decides. It refuses to know SQL, HTTP, files or any protocol.
package trimtab
