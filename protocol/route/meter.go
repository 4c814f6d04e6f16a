package route

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter holds the series of one route, made at the start so that each of them
// is there with the value zero before the first request.
type meter struct {
	byClass  [6]prometheus.Counter // by the first digit of the status
	seconds  prometheus.Observer
	inFlight prometheus.Gauge
}

var durations = []float64{.001, .005, .025, .1, .5, 2.5, 10}

func newMeters(reg prometheus.Registerer, routes []Route) ([]*meter, error) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "trimtab_http_requests_total", Help: "HTTP requests by route and class of status.",
	}, []string{"route", "status"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "trimtab_http_request_seconds", Help: "Time from the first byte of an HTTP request to the last of its answer.", Buckets: durations,
	}, []string{"route"})
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "trimtab_http_requests_in_flight", Help: "HTTP requests that are being answered.",
	})
	if reg != nil {
		for _, c := range []prometheus.Collector{requests, seconds, inFlight} {
			if err := reg.Register(c); err != nil {
				return nil, fmt.Errorf("route table: metrics: %w", err)
			}
		}
	}
	meters := make([]*meter, len(routes))
	for i, r := range routes {
		m := &meter{seconds: seconds.WithLabelValues(r.pattern()), inFlight: inFlight}
		for class := 2; class <= 5; class++ {
			m.byClass[class] = requests.WithLabelValues(r.pattern(), string(rune('0'+class))+"xx")
		}
		meters[i] = m
	}
	return meters, nil
}

func (m *meter) observe(status int, took time.Duration) {
	class := status / 100
	if class < 2 || class > 5 {
		class = 2
	}
	m.byClass[class].Inc()
	m.seconds.Observe(took.Seconds())
}

// recorder remembers what was answered. It is used by one goroutine.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	wrote  bool
}

func (r *recorder) WriteHeader(status int) {
	if status >= 200 && !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.begin()
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom lets the kernel copy a file to the socket.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	r.begin()
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// Unwrap gives http.ResponseController the writer of the server.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) begin() {
	if !r.wrote {
		r.status, r.wrote = http.StatusOK, true
	}
}

// code is the status that the client sees; a handler that wrote nothing answered 200.
func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

var errNoStream = errors.New("the connection cannot stream")
