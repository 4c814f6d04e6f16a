package app

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/route"
)

// health answers the probes. /healthz: the process lives. /readyz: it answers
// requests, and its database does; models that are loaded are served either way.
type health struct {
	ready    atomic.Bool
	database func(context.Context) error
	metrics  prometheus.Gatherer
}

func (h *health) routes() []route.Route {
	metrics := promhttp.HandlerFor(h.metrics, promhttp.HandlerOpts{})
	return []route.Route{
		{Method: "GET", Pattern: "/healthz", Auth: route.Public, Handle: func(w http.ResponseWriter, r *http.Request) error {
			return say(w, "ok", nil)
		}},
		{Method: "GET", Pattern: "/readyz", Auth: route.Public, Handle: func(w http.ResponseWriter, r *http.Request) error {
			if !h.ready.Load() {
				return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "server", Msg: "starting or stopping", RetryAfter: time.Second}
			}
			ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
			defer cancel()
			if err := h.database(ctx); err != nil {
				return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "database", Msg: "the database does not answer; models that are loaded are served", Err: err, RetryAfter: time.Second}
			}
			return say(w, "ready", nil)
		}},
		{Method: "GET", Pattern: "/metrics", Auth: route.Reader, Handle: func(w http.ResponseWriter, r *http.Request) error {
			metrics.ServeHTTP(w, r)
			return nil
		}},
	}
}

func say(w http.ResponseWriter, status string, more map[string]any) error {
	body := map[string]any{"status": status}
	for k, v := range more {
		body[k] = v
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(body)
}
