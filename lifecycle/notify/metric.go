package notify

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
)

// metrics count what became of messages.
type metrics struct {
	deliveries *prometheus.CounterVec
	pending    *prometheus.GaugeVec
}

func newMetrics() metrics {
	return metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "trimtab", Subsystem: "channel", Name: "deliveries_total",
			Help: "Messages to channels by what became of them: sent, failed (refused or given up), again (an attempt that did not succeed)."}, []string{"project", "channel", "state"}),
		pending: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "trimtab", Subsystem: "channel", Name: "deliveries_pending",
			Help: "Messages that wait to be sent."}, []string{"project", "channel"}),
	}
}

func (m metrics) all() []prometheus.Collector { return []prometheus.Collector{m.deliveries, m.pending} }

const stateAgain = "again"

// seen makes the counters of a channel begin at zero.
func (m metrics) seen(ws trimtab.Workspace, channel string) {
	for _, state := range []string{trimtab.DeliverySent, trimtab.DeliveryFailed, stateAgain} {
		m.deliveries.WithLabelValues(string(ws), channel, state)
	}
}

func (m metrics) count(ws trimtab.Workspace, channel, state string) {
	m.deliveries.WithLabelValues(string(ws), channel, state).Inc()
}

// gone forgets a channel that is no longer declared.
func (m metrics) gone(ws trimtab.Workspace, channel string) {
	labels := prometheus.Labels{"project": string(ws), "channel": channel}
	m.deliveries.DeletePartialMatch(labels)
	m.pending.DeletePartialMatch(labels)
}
