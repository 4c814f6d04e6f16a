package serve

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
)

var latencyBuckets = []float64{.00005, .0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5}

// meters are the counters of one version behind one endpoint, looked up once.
type meters struct {
	requests, rows, invalid, refused, failed prometheus.Counter
	seconds                                  prometheus.Observer
}

func (m *meters) observe(took time.Duration, rows int, err error) {
	m.requests.Inc()
	m.seconds.Observe(took.Seconds())
	switch {
	case err == nil:
		m.rows.Add(float64(rows))
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
	}
}

// vectors are the metrics of all endpoints.
type vectors struct {
	requests, rows, errors, refused, labels *prometheus.CounterVec
	seconds                                 *prometheus.HistogramVec
}

func newVectors() vectors {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "trimtab", Subsystem: "endpoint", Name: name, Help: help}, append([]string{"project", "endpoint"}, labels...))
	}
	return vectors{
		requests: counter("requests_total", "Scoring requests that a version answered, with or without success.", "version"),
		rows:     counter("rows_total", "Rows answered.", "version"),
		errors:   counter("errors_total", "Scoring requests answered with an error: invalid by the request, refused by the state of the endpoint, failed by the server.", "version", "cause"),
		refused:  counter("refused_total", "Requests and rows refused before prediction: driven endpoint, lost lease, event time beyond the allowed skew.", "reason"),
		labels:   counter("labels_total", "Labels taken, by whether their prediction was logged.", "match"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "trimtab", Subsystem: "endpoint", Name: "request_seconds",
			Help: "Time from a decoded head to a predicted and logged answer.", Buckets: latencyBuckets}, []string{"project", "endpoint", "version"}),
	}
}

func (v vectors) all() []prometheus.Collector {
	return []prometheus.Collector{v.requests, v.rows, v.errors, v.refused, v.labels, v.seconds}
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
