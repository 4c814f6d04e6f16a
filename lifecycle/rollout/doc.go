// Package rollout changes the version that answers an endpoint: in stages that are
// declared with the endpoint, watched by tests that may look at every border of
// event time, and back again when the new version turns out to be worse.
//
// The gate has proved that a candidate is better before a rollout begins. Shadow,
// canary and bake guard against harm that the gate could not see, so they do not ask
// for proof once more: a stage that has lasted as long as declared, with as many rows
// as declared, is passed unless there is evidence that the candidate is worse by more
// than its limits. What evidence is, by test (each at an equal part of 1 -
// confidence, valid at all looks together):
//
//	loss          mean loss of the new version minus that of the old one, as a share of the
//	              old one's, over the labelled rows since the rollout began, and since the
//	              stage began: both versions score the same logged inputs. Rolled back when the lower bound exceeds the
//	              limit. Labels may be late; without any the stage goes by the other tests
//	              and says so. Two standard errors above the limit are inconclusive.
//	disagreement  share of rows on which decisions at 0.5 differ (binary): as loss
//	scoreShift    largest distance of the two distributions of scores on the same rows,
//	              at 15 points fixed by the old version's first scores: as loss. Where
//	              labels are known these two weigh less: they are no reason against a
//	              version whose loss is better, and inconclusive while it is not worse
//	errors        share of logged inputs that the version cannot score, and of requests that
//	              fail: rolled back when the lower bound exceeds the limit, or exceeds 0
//	              while the estimate exceeds the limit
//	latency       an absolute limit, and only where the clock moves the endpoint
//	sampleRatio   whether the new version answers its share of a canary step. When it does
//	              not, the step is inconclusive, never passed
//
// And what becomes of a stage:
//
//	a test says roll back                          rolled back at once, at any look
//	lasted, enough rows, nothing inconclusive      the next step, or the promotion
//	too few rows, or inconclusive                  waits, until maxFor; then onInconclusive,
//	                                               or back if its loss is likely higher
//	a bake has lasted, nothing inconclusive        promoted for good; at maxFor in any case
//
// Rows of one day depend on each other: bounds come from sums by blocks of time, see
// [Tally]. The controller moves a declared alias ("the alias is the deploy": an alias
// that somebody moved opens a rollout) and keeps its steps as documents; each is
// idempotent and may be cut off anywhere. It owns neither traffic nor models nor the
// data plane, refuses to decide by the clock where a replay drives the endpoint, and
// never decides whether a candidate is worth a rollout.
package rollout
