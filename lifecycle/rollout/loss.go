package rollout

import "math"

// clip keeps one confident mistake from outweighing a stage: log-loss is cut at 9.2 nats.
const clip = 1e-4

// loss is what the score p costs when the label is y: log-loss of a probability, or squared error.
func loss(binary bool, y, p float64) float64 {
	if !binary {
		return (y - p) * (y - p)
	}
	p = min(max(p, clip), 1-clip)
	if y == 1 {
		return -math.Log(p)
	}
	return -math.Log1p(-p)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
