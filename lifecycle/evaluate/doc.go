// Package evaluate is the gate: it says whether a challenger has shown what its
// evaluation suite demands before it may serve. It owns the comparison with the
// version that serves (in pairs, on the newest mature rows that the challenger has
// not learnt from, and on fixed golden rows), the demands on quality, calibration,
// slices, schema and latency, and the record of what was found.
//
// Judging is a pure function, [Judge]: a suite and facts give an evaluation, the same
// whoever asks and whenever. The [Runner] gathers the facts from the traffic log and
// the declared sources, keeps the evaluation, and writes the challenger's metrics to
// its MLflow run. Of one suite, version and moment there is one evaluation.
//
// It refuses to pass a version without enough rows to know, to count rows that are
// held, quarantined or learnt from, to take rows of one day for independent, and to
// let a test that decided nothing stand for a pass.
package evaluate
