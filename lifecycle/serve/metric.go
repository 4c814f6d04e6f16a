package serve

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
)

var latencyBuckets = []float64{.00005, .0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5}

// meters are the counters of one version behind one endpoint, looked up once.
type meters struct {
	requests, rows, invalid, refused, failed prometheus.Counter
	seconds                                  prometheus.Observer

	// asked counts the requests that the version was asked to answer, faults those of them that it failed;
	// the same for what it scored in the shadow of another version.
	asked, faults, shadowed, shadowFaults atomic.Int64
	times                                 times // of answered requests
	recent                                recent

	shadowOK, shadowFailed, shadowDropped prometheus.Counter
	shadowSeconds                         prometheus.Observer
}

func (m *meters) observe(took time.Duration, rows int, err error) {
	m.requests.Inc()
	m.seconds.Observe(took.Seconds())
	m.recent.add(time.Now(), took, rows, err)
	switch {
	case err == nil:
		m.rows.Add(float64(rows))
		m.times.add(took)
	case trimtab.KindOf(err) == trimtab.Invalid:
		m.invalid.Inc()
	case trimtab.KindOf(err) == trimtab.Conflict:
		m.refused.Inc()
	default:
		m.failed.Inc()
	}
}

func (s *Server) newMeters(e *Endpoint, v trimtab.Version) *meters {
	ws, name, version := string(e.Workspace), e.Name, strconv.FormatInt(int64(v), 10)
	return &meters{
		requests: s.requests.WithLabelValues(ws, name, version),
		rows:     s.rows.WithLabelValues(ws, name, version),
		invalid:  s.errors.WithLabelValues(ws, name, version, "invalid"),
		refused:  s.errors.WithLabelValues(ws, name, version, "refused"),
		failed:   s.errors.WithLabelValues(ws, name, version, "failed"),
		seconds:  s.seconds.WithLabelValues(ws, name, version),

		shadowOK:      s.shadows.WithLabelValues(ws, name, version, "scored"),
		shadowFailed:  s.shadows.WithLabelValues(ws, name, version, "failed"),
		shadowDropped: s.shadows.WithLabelValues(ws, name, version, "dropped"),
		shadowSeconds: s.shadowSeconds.WithLabelValues(ws, name, version),
	}
}

// countQuarantine counts the rows that a contract quarantines.
func (e *Endpoint) countQuarantine(rules []string) {
	n := 0
	for _, rule := range rules {
		if rule != "" {
			n++
		}
	}
	if n > 0 {
		e.server.quarantined.WithLabelValues(string(e.Workspace), e.Name).Add(float64(n))
	}
}

// vectors are the metrics of all endpoints.
type vectors struct {
	requests, rows, errors, refused, labels, shadows, quarantined *prometheus.CounterVec
	seconds, shadowSeconds                                        *prometheus.HistogramVec
}

func newVectors() vectors {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "trimtab", Subsystem: "endpoint", Name: name, Help: help}, append([]string{"project", "endpoint"}, labels...))
	}
	seconds := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "trimtab", Subsystem: "endpoint", Name: name, Help: help, Buckets: latencyBuckets},
			[]string{"project", "endpoint", "version"})
	}
	return vectors{
		requests:    counter("requests_total", "Scoring requests that a version answered, with or without success.", "version"),
		rows:        counter("rows_total", "Rows answered.", "version"),
		errors:      counter("errors_total", "Scoring requests answered with an error: invalid by the request, refused by the state of the endpoint, failed by the server.", "version", "cause"),
		refused:     counter("refused_total", "Requests and rows refused before prediction: driven endpoint, lost lease, event time beyond the allowed skew.", "reason"),
		labels:      counter("labels_total", "Labels taken, by whether their prediction was logged.", "match"),
		shadows:     counter("shadow_total", "Requests scored by the version of a rollout in the shadow of the one that answered: scored, failed, or dropped because the queue was full.", "version", "result"),
		quarantined: counter("quarantined_rows_total", "Rows answered that a data contract quarantines."),

		seconds:       seconds("request_seconds", "Time from a decoded head to a predicted and logged answer."),
		shadowSeconds: seconds("shadow_seconds", "Time to decode and score a request in the shadow."),
	}
}

func (v vectors) all() []prometheus.Collector {
	return []prometheus.Collector{v.requests, v.rows, v.errors, v.refused, v.labels, v.shadows, v.quarantined, v.seconds, v.shadowSeconds}
}

// logCollector exports the counts of the traffic logs.
type logCollector struct{ s *Server }

var logDescs = []*prometheus.Desc{
	prometheus.NewDesc("trimtab_traffic_rows", "Predictions in the log.", []string{"project", "endpoint"}, nil),
	prometheus.NewDesc("trimtab_traffic_labels", "Label records in the log.", []string{"project", "endpoint"}, nil),
	prometheus.NewDesc("trimtab_traffic_late_total", "Predictions logged when the watermark had passed their event time.", []string{"project", "endpoint"}, nil),
	prometheus.NewDesc("trimtab_traffic_duplicates_total", "Predictions not logged because their id was logged before.", []string{"project", "endpoint"}, nil),
	prometheus.NewDesc("trimtab_traffic_dropped_total", "Predictions dropped because the queue was full.", []string{"project", "endpoint"}, nil),
	prometheus.NewDesc("trimtab_traffic_lost_total", "Queued predictions that could not be written.", []string{"project", "endpoint"}, nil),
	prometheus.NewDesc("trimtab_endpoint_watermark_seconds", "Watermark of the endpoint, seconds since 1970.", []string{"project", "endpoint"}, nil),
}

func (c logCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range logDescs {
		ch <- d
	}
}

func (c logCollector) Collect(ch chan<- prometheus.Metric) {
	for _, e := range c.s.all() {
		st := e.log.Stats()
		for i, v := range []float64{float64(st.Rows), float64(st.Labels), float64(st.Late), float64(st.Duplicates), float64(st.Dropped), float64(st.Lost), float64(e.Watermark()) / 1000} {
			kind := prometheus.CounterValue
			if i < 2 || i == 6 {
				kind = prometheus.GaugeValue
			}
			ch <- prometheus.MustNewConstMetric(logDescs[i], kind, v, string(e.Workspace), e.Name)
		}
	}
}
