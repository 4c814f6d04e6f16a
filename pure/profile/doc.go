// Package profile fixes what the columns of a table looked like at one time, and says later whether they still do.
// It owns the reference profile (types, missing values, moments, quantiles, categories, and bins whose edges never move
// again), the counts of a window against those bins, and the comparison of the two: a distance, the noise limit for
// these sizes, an effect limit, tests that hold on small and sparse counts, and false-discovery control over columns.
//
// What makes it quick and mergeable is that edges belong to the reference: a window is counted once, counts of windows
// add up, and everything that is said about drift follows from counts. Missing values, values that are no number,
// values below and above the reference's range and values never seen in it have bins of their own, because that is
// where faults of data show first.
//
// It refuses to call noise drift: a column drifts when its difference can hardly be chance (Benjamini-Hochberg over all
// columns) and is large enough to matter. It refuses to lay counts of different edges on top of each other, and it
// changes no data. The methods of Evidently and NannyML are reproduced beside its own (type Method) to be compared
// with, faults included; none of them is a default.
//
// Everything is a pure function of its arguments. A *Profile may be used by any number of goroutines; Builder and
// Counts need exclusion. Counting and building use all processors for the columns of a table.
package profile
