// Package spec reads declarations: YAML and JSON files that say which data
// sources, models, pipelines, endpoints and monitors there should be. It owns
// the loading of files and folders, the strict decoding into the spec structs of
// the vocabulary, the defaults, the canonical JSON form and the JSON Schema of
// each kind.
//
// It finds every problem of a set at once and reports each as a [Diagnostic]
// with file, line, column, excerpt and what was expected; nothing is skipped
// silently and nothing is guessed. It refuses to talk to a server: whether a
// name that the set does not declare exists elsewhere is for the plan to say.
package spec
