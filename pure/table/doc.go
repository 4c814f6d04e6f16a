// Package table holds rows as typed columns in memory and moves them in and out of CSV and Parquet.
// It is the one columnar shape behind every front of trimtab: a scoring request, a file to score, a training
// snapshot and a window of traffic are all a *Table.
//
// The package owns the eight column types, the validity of each value, the parsing and printing of text values, the
// limits on what is read, and streaming in batches so that a large file never has to be in memory as a whole.
// It refuses to guess: a value that does not fit its column is an error that names line or row, column, value and what
// was expected, nothing is rounded, cut off or replaced silently, and constructs that have no exact column type here
// (nested columns, decimals, times of day) are refused by name.
// It knows nothing of model signatures, of where bytes come from, or of any other package of trimtab.
//
// A null and a NaN are two things: a null is the absence of a value (Valid[i] is false), NaN is a value of a float
// column. Column.Missing is true for both.
//
// Tables and columns are plain data without locks: any number of goroutines may read one, writing needs exclusion.
package table
