// Package soak kills the real server under real writers, again and again, and
// then asks whether anything that was acknowledged is missing, whether any batch
// is torn, and whether any version number was given twice. The short form runs
// with every test run, the long one by `make soak`. It trusts nothing but the
// HTTP answers that its writers wrote down.
package soak
