// Package cli is the command line: one file per command with its arguments, its
// run and its views for people and programs. It finds the server, prints tables
// on a terminal and plain aligned text elsewhere, and turns every error into one
// sentence that says what to do.
//
// Commands hold no rule: what a plan says, what needs attention and what a file
// declares is decided below. Results go to standard output, everything else
// (progress, questions, errors) to standard error, so that output can be piped.
// The package refuses to ask a question where nobody can answer it.
package cli
