// Package arch keeps the house rules as tests: who may import whom, that every
// package says what it owns, that directories are named after the product, and
// which outside modules are used and why. The rules read the real tree, tests
// included. The package holds no code of the product. It refuses exceptions that
// are not written down beside the rule.
package arch
