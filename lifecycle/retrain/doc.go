// Package retrain decides what a model in service needs: nothing, a recalibration, a retrain, an older version, or a
// roll back. It owns the evidence (in pairs with what is served, what would each cure have saved on rows that it has
// not learnt from), the rule that turns evidence, costs and guards into a decision with its reasons, the gate that a
// freshly trained challenger must pass, the look back at what a promotion was worth, and the simulation of a policy
// over recorded windows.
//
// Everything here is a pure function: (policy, state, evidence, facts) gives (state, decision). No clock, no randomness,
// no I/O; the same records decide the same whoever asks: the live controller, retrain simulate, or advise.
//
// It refuses to act on drift alone, to compare losses of different rows, to count rows that a fault is held on, and to
// take rows of one block (a day, a session) for independent witnesses.
package retrain
