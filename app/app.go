package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/lifecycle/notify"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/lifecycle/replay"
	"github.com/trimtab/trimtab/lifecycle/retrain"
	"github.com/trimtab/trimtab/lifecycle/rollout"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Serve runs a server until ctx ends, then stops it gracefully: no new requests,
// those in flight answered, controllers drained, the stores closed. It prints
// where its data lie and the addresses to open on stdout, and logs on stderr.
func Serve(ctx context.Context, cfg Config, stdout, stderr io.Writer) error {
	began := time.Now()
	log := newLogger(cfg, stderr)
	release, err := lockData(cfg.Data, cfg.Listen)
	if err != nil {
		return err
	}
	defer release()
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return trimtab.Errorf(trimtab.Unavailable, "listen", "cannot listen on %s: %v; another port is given with --listen", cfg.Listen, errors.Unwrap(err))
	}
	defer listener.Close()
	cfg.Listen = listener.Addr().String()
	if cfg.PublicURL == "" {
		cfg.PublicURL = "http://" + cfg.Listen + cfg.Prefix
	}
	s, err := open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.wire(); err != nil {
		return err
	}
	s.group.add("http", func(ctx context.Context) error { return s.listen(ctx, listener) })
	// These call the server itself: they start after it answers and end before it does.
	s.group.add("pipelines", s.engine.Run)
	s.group.add("replays", s.replays.Run)
	s.group.add("announce", func(ctx context.Context) error {
		s.health.ready.Store(true)
		s.announce(stdout)
		log.Info("ready", "address", cfg.Listen, "data", cfg.Data, "database", databaseName(s.db), "took", time.Since(began).Round(time.Millisecond))
		<-ctx.Done()
		s.health.ready.Store(false)
		close(s.stopping)
		return nil
	})
	err = s.group.run(ctx)
	log.Info("stopped")
	return err
}

// server is everything of one running server.
type server struct {
	cfg       Config
	log       *slog.Logger
	metrics   *prometheus.Registry
	db        *sql.DB
	blobs     *blob.Disk
	traffic   *traffic.Store
	serve     *serve.Server
	monitors  *monitor.Monitors
	rollouts  *rollout.Rollouts
	policies  *retrain.Policies
	contracts *contract.Contracts
	datasets  *dataset.Datasets
	engine    *pipeline.Engine
	replays   *replay.Replays
	notifier  *notify.Notifier
	health    *health
	group     group
	handler   http.Handler
	started   trimtab.Time
	stopping  chan struct{} // closed when the server begins to stop: ends streams
	closers   []func() error
}

// open opens what is kept: keys, rows, bytes.
func open(ctx context.Context, cfg Config, log *slog.Logger) (_ *server, err error) {
	s := &server{cfg: cfg, log: log, metrics: prometheus.NewRegistry(), started: trimtab.SystemClock(), stopping: make(chan struct{})}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	key, err := journal.LoadKey(filepath.Join(cfg.Data, "keys"))
	if err != nil {
		return nil, err
	}
	s.db, err = sql.Open(ctx, sql.Config{URL: cfg.Database, Durability: cfg.Durability, Log: log.With("part", "store"), Key: key})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.db.Close)
	s.blobs, err = blob.OpenDisk(filepath.Join(cfg.Data, "blobs"))
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.blobs.Close)
	keep, err := s.db.Own(ctx)
	if err != nil {
		return nil, err
	}
	s.group.add("owner", keep)
	s.group.add("store", s.db.Run)
	return s, nil
}

func (s *server) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		if err := s.closers[i](); err != nil {
			s.log.Error("closing failed", "error", err)
		}
	}
	s.closers = nil
}

// listen answers HTTP until ctx ends, then finishes what is in flight.
func (s *server) listen(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.With("part", "http").Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		s.log.Warn("some requests were cut off", "error", err)
		srv.Close()
	}
	return nil
}

// announce says where things are.
func (s *server) announce(w io.Writer) {
	url := s.cfg.PublicURL
	fmt.Fprintf(w, "trimtab %s is ready\n", s.cfg.Version)
	fmt.Fprintf(w, "  pages     %s/ui/\n", url)
	fmt.Fprintf(w, "  tracking  export MLFLOW_TRACKING_URI=%s\n", url)
	fmt.Fprintf(w, "  data      %s\n", s.cfg.Data)
	if !strings.HasPrefix(s.cfg.Database, s.cfg.Data) {
		fmt.Fprintf(w, "  database  %s\n", databaseName(s.db))
	}
	fmt.Fprintf(w, "  stop      Ctrl-C, or kill %d\n", os.Getpid())
}

func databaseName(db *sql.DB) string {
	if db.Postgres() {
		return "PostgreSQL"
	}
	return "SQLite"
}

func newLogger(cfg Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
