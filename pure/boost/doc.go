// Package boost fits small ensembles of decision trees by gradient boosting over histograms, and evaluates them.
// It owns the quantisation of features into bins, the growth of trees leaf by leaf with a learnt direction for missing
// values and many-vs-many splits of categories, and the format that a fitted model is kept in. It is meant for models
// that trimtab itself fits in passing: probes on top of a served score, domain classifiers, regressors of a loss.
// It refuses what it would have to guess at: labels, weights and margins that are not finite, names that repeat, columns
// of unequal length, and options out of range are errors that name the place; it serves no model of another library.
//
// A fit is a pure function of its arguments, the same to the last bit on every processor. Gradients become whole numbers
// before they are summed, so sums are exact and depend on no order: neither shuffled rows (unless trees draw theirs) nor
// permuted columns change a prediction, a row of weight 3 is three rows, and one of weight 0 is none.
// Thresholds are values that were seen, so an increasing transform of a feature changes nothing either.
//
// One fit runs on the goroutine of its caller. A Binned and a Model are never changed after they were made; any number
// of goroutines may fit on one or predict with the other.
//
// The algorithm follows the published descriptions: Friedman (2001) for boosting, Chen and Guestrin (2016) for the gain
// of a split and its missing direction, Ke et al. (2017) for leaf-wise growth over histograms, Fisher (1958) for why
// categories sorted by their mean gradient need only be cut once.
package boost
