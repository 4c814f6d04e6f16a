// Package blobtest holds the conformance suite of blob stores and the means to
// make a store fail. It owns the reading of the Store contract in executable
// form: what [Exercise] does not check is not promised. It refuses to look
// behind the interface; what is peculiar to one implementation, such as the
// files it may leave behind, is tested beside it.
package blobtest
