package stat

import "math"

// The clip of LogLoss: the distance between 1 and the next number of the type that the probabilities have, as
// scikit-learn does since 1.3.
const (
	Eps64 = 0x1p-52
	Eps32 = 0x1p-23
)

// Losses gathers log-loss and Brier score of predicted probabilities. The zero value is empty and clips at Eps64; set
// Eps before the first row to clip otherwise, and merge only what was clipped alike.
type Losses struct {
	Eps        float64
	log, brier Mean
}

// Add adds a row: what happened, the predicted probability that it would, and its weight. A probability that is NaN or
// outside of [0, 1] makes all results NaN.
func (l *Losses) Add(y bool, p, w float64) {
	if !(p >= 0 && p <= 1) {
		p = math.NaN()
	}
	eps := l.Eps
	if eps == 0 {
		eps = Eps64
	}
	q, d := 1-p, p // q: probability of what did not happen; d: distance from what did
	if y {
		q, d = p, 1-p
	}
	l.log.Add(-math.Log(min(max(q, eps), 1-eps)), w)
	l.brier.Add(d*d, w)
}

// AddAll adds rows.
func (l *Losses) AddAll(y []bool, p, w []float64) {
	mustMatch(len(y), len(p), weights(w, len(y)))
	for i := range y {
		l.Add(y[i], p[i], weigh(w, i))
	}
}

// Merge adds all rows of o.
func (l *Losses) Merge(o Losses) {
	l.log.Merge(o.log)
	l.brier.Merge(o.brier)
}

// Count returns the number of rows.
func (l Losses) Count() int64 { return l.log.n }

// LogLoss returns the mean of -log of the probability given to what happened, in nats, each clipped to [eps, 1-eps].
func (l Losses) LogLoss() float64 { return l.log.Mean() }

// LogLossSE returns the standard error of LogLoss.
func (l Losses) LogLossSE() float64 { return l.log.SE() }

// Brier returns the mean squared distance of the probability from what happened, between 0 and 1.
func (l Losses) Brier() float64 { return l.brier.Mean() }

// BrierSE returns the standard error of Brier.
func (l Losses) BrierSE() float64 { return l.brier.SE() }

// LogLoss returns the log-loss of all rows at once, clipped at Eps64.
func LogLoss(y []bool, p, w []float64) float64 {
	var l Losses
	l.AddAll(y, p, w)
	return l.LogLoss()
}

// Brier returns the Brier score of all rows at once.
func Brier(y []bool, p, w []float64) float64 {
	var l Losses
	l.AddAll(y, p, w)
	return l.Brier()
}
