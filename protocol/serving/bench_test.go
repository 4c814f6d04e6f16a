package serving_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/protocol/serving"
)

// discard is a response that nobody reads.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// oneRow is the front with everything behind it, and a request for one row.
func oneRow(t testing.TB, w *world, durability string) (http.Handler, func() *http.Request) {
	w.declare(trimtab.KindEndpoint, "flights", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}, Logging: trimtab.EndpointLogging{Durability: durability}})
	v := w.register("flights", modelFiles(-1, 1, 2))
	w.alias("flights", v)
	w.await("flights", v)
	mux, err := route.New(route.Config{Registerer: prometheus.NewRegistry()}, serving.Routes(serving.Config{Server: w.serve, Version: "3.17.2"}))
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"dataframe_split":{"columns":["size","colour"],"data":[[0.1,"green"]]}}`)
	return mux, func() *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/endpoints/flights/invocations", bytes.NewReader(body))
		r.Host = "127.0.0.1:5000"
		r.Header.Set("Content-Type", "application/json")
		return r
	}
}

// BenchmarkOneRow is one row through route table, decoder, model, log and encoder, without the network.
func BenchmarkOneRow(b *testing.B) {
	for _, durability := range []string{"off", "async"} {
		b.Run(durability, func(b *testing.B) {
			w := newWorld(b, b.TempDir(), options{})
			h, request := oneRow(b, w, durability)
			r := request()
			body, err := io.ReadAll(r.Body)
			if err != nil {
				b.Fatal(err)
			}
			reader := bytes.NewReader(body)
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				r.Body = io.NopCloser(reader)
				h.ServeHTTP(&discard{http.Header{}}, r)
			}
		})
	}
}
