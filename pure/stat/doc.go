// Package stat computes how good predictions are: ROC AUC with its DeLong interval, average precision, log-loss, Brier
// score, the metrics of a confusion matrix, regression errors, means with standard errors, and intervals.
// It also says what a difference is worth: errors by blocks of correlated rows, confidence sequences that may be looked at
// at any time, paired tests of two models, calibration with its cures, and performance estimated before labels come. It
// owns the definitions, which are those of scikit-learn to 1e-12 where scikit-learn has the metric, and the ways to sum,
// which make a result independent of how rows were split into batches. It refuses to make up a number: what is not defined
// (an AUC of one class, a precision without predicted positives, a variance of one row) is NaN, never 0 or 0.5.
//
// Common rules. Slices given together must have equal lengths, else the function panics with "stat: …", as that is an
// error of the program. Weights nil means 1 for each row. A NaN among the values or weights, or a negative weight,
// makes the result NaN: rows without a label or a prediction are for the caller to leave out and to count. No rows make
// NaN as well. Metrics that are sums come as accumulators with Add and Merge whose zero value is empty; metrics that
// need all scores at once (AUC, average precision) are functions. Functions leave their arguments unchanged.
//
// Everything is a pure function of its arguments: no clock, no randomness but from a seed that is given, no other package
// of trimtab. Accumulators are not safe for concurrent use; give each goroutine its own and merge.
package stat
