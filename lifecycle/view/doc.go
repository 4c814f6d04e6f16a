// Package view has what people and programs are shown of the nouns: each noun
// of the vocabulary completed with what its canonical form leaves out (steps,
// params, status, counts), as the native API sends it and its client reads it.
// It owns the overview of a project as well, and with it the one rule that says
// what needs attention: the start page and `trimtab status` show the same answer,
// so that they can never tell different stories.
//
// Everything here is a value without methods that do I/O; the API fills the
// views from the stores, the commands and the pages print them. The package
// refuses to rename: a field that a noun has keeps the noun's name.
package view
