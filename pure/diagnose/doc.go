// Package diagnose tells a fault of the data from a change of the world, before anything is learnt from the rows.
// Given reference rows known to be good and a current span of rows in the order of their event times, it names what is
// wrong with which columns since when: missing values, units, signs, shifts, swapped, frozen, clipped, rounded, shuffled
// or recoded columns, stand-ins such as -999, repeated rows, and rows that stopped coming. Compare sets how many rows, or
// labels, came in a window beside the windows before it.
//
// It owns the tests and their noise base. A statistic of the current rows is compared with how far the same statistic
// moved from one stretch of the reference to those before it, at the same number of rows, so that seasons, weather,
// random walks and slowly growing categories are measured by their own past. A fault is then a hypothesis that must
// explain: the rows as they stand are implausible, and undoing the supposed fault makes them plausible again, in at
// least two independent respects (values seen before, distribution, relation to other columns, sharpness in time) or in
// one that leaves no doubt.
//
// It refuses to judge by a column's name, to know any data set, and to call drift a fault: what changed without such an
// explanation is reported at low confidence or not at all. It does no I/O, keeps no state between calls, uses no clock
// and no randomness: the same reference and rows give the same findings.
//
// A *Reference is immutable after Fit and safe for concurrent use. Arguments are never changed or kept.
package diagnose
