// Package client speaks the native API from Go: one method per operation, with
// the shapes of package view and the errors of the vocabulary, so that a caller
// asks for kinds as if it held the stores itself. It finds the server by flag,
// environment and context file, and says what to do when none answers.
//
// Calls that change nothing, and calls that may be repeated without harm, are
// tried again when the server is unavailable; all others are sent once. The
// package refuses to cache and to retry what it cannot know the outcome of.
package client
