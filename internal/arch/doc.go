// Package arch keeps the house rules as tests: who may import whom, that every
// package says what it owns, that directories are named after the product, and
// which outside modules are used and why. It holds no code of the product and
// refuses exceptions that are not written down beside the rule.
package arch
