package monitor

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
)

// newest is what is shown of a monitor: the window that was looked at last, the last
// one that is closed, and the last closed one with labels.
type newest struct {
	looked, closed, labelled trimtab.WindowResult
	mark                     trimtab.Time
}

// gauges are the newest results of all monitors.
type gauges struct {
	mu  sync.Mutex
	all map[place]newest // guarded by mu
}

func (g *gauges) set(p place, change func(n *newest)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = map[place]newest{}
	}
	n := g.all[p]
	change(&n)
	g.all[p] = n
}

// take keeps a result when it is newer than what is there.
func (n *newest) take(w trimtab.WindowResult) {
	if w.Start >= n.looked.Start && w.End != 0 {
		n.looked = w
	}
	if w.Closed() && w.Start >= n.closed.Start && w.End != 0 {
		n.closed = w
		if w.Labelled > 0 {
			n.labelled = w
		}
	}
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("trimtab_monitor_"+name, help, append([]string{"project", "monitor"}, labels...), nil)
}

var (
	descRows      = gauge("rows", "Predictions in the newest window that has ended.")
	descHeld      = gauge("held_rows", "Predictions in the newest window that has ended that an incident or a contract keeps out.")
	descDrift     = gauge("drift_psi", "Population stability index of a column in the newest window that has ended.", "column")
	descDrifting  = gauge("drifting", "1 for a column whose drift several windows have confirmed.", "column")
	descExpected  = gauge("expected_quality", "Quality that the scores alone let expect, in the newest window that has ended.", "metric")
	descQuality   = gauge("quality", "Measured quality in the newest closed window.", "metric")
	descLabelled  = gauge("labelled_rows", "Labelled predictions in the newest closed window.")
	descWindowEnd = gauge("window_end_seconds", "End of the newest window that has ended, seconds since 1970.")
	descLabelAge  = gauge("label_age_seconds", "Watermark less the end of the newest window with labels.")
)

// Describe implements prometheus.Collector.
func (m *Monitors) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descRows, descHeld, descDrift, descDrifting, descExpected, descQuality, descLabelled, descWindowEnd, descLabelAge} {
		ch <- d
	}
}

// Collect implements prometheus.Collector: the newest results of the monitors that
// are declared and have been looked at since the start.
func (m *Monitors) Collect(ch chan<- prometheus.Metric) {
	m.gauges.mu.Lock()
	defer m.gauges.mu.Unlock()
	declared := *m.declared.Load()
	for p, n := range m.gauges.all {
		if _, ok := declared[p]; !ok {
			continue
		}
		emit := func(d *prometheus.Desc, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{string(p.ws), p.name}, labels...)...)
		}
		if n.looked.End != 0 {
			emit(descRows, float64(n.looked.Rows))
			emit(descHeld, float64(n.looked.Held+n.looked.Quarantined))
			emit(descWindowEnd, float64(n.looked.End)/1000)
			for _, d := range n.looked.Drift {
				drifting := 0.0
				if d.State == "drift" {
					drifting = 1
				}
				emit(descDrift, d.PSI, d.Column)
				emit(descDrifting, drifting, d.Column)
			}
			for _, q := range n.looked.Estimated {
				emit(descExpected, q.Value, q.Metric)
			}
		}
		if n.closed.End != 0 {
			emit(descLabelled, float64(n.closed.Labelled))
			for _, q := range n.closed.Quality {
				emit(descQuality, q.Value, q.Metric)
			}
		}
		if n.labelled.End != 0 {
			emit(descLabelAge, max(0, n.mark.Sub(n.labelled.End).Seconds()))
		}
	}
}
