package app

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/storage/traffic"
)

// engine makes the pipeline engine with the executor of this machine.
func (s *server) pipelines() error {
	s.datasets = dataset.New(dataset.Config{Blobs: s.blobs, Sources: s.db.Resources, Snapshots: s.db.Snapshots, Traffic: logs{s}, Holds: holds{s}, Contracts: s.contracts, Log: s.log.With("part", "dataset")})
	parallel := 0
	if s.cfg.Workers != "" {
		n, err := strconv.Atoi(s.cfg.Workers)
		if err != nil || n < 1 {
			return trimtab.Errorf(trimtab.Invalid, "workers", "workers: %q: expected a number of at least 1", s.cfg.Workers)
		}
		parallel = n
	}
	// Asking Python who it is takes longer than the whole start: it is asked at the first step.
	python := sync.OnceValues(func() (string, string) { return pipeline.Interpreter("") })
	processes, err := pipeline.NewProcess(pipeline.ProcessConfig{
		Dir: s.cfg.Data, Blobs: s.blobs, UV: s.cfg.UV, Python: func() string { path, _ := python(); return path }, Log: s.log.With("part", "executor"),
	})
	if err != nil {
		return err
	}
	s.engine = pipeline.New(pipeline.Config{
		Store: s.db.Pipelines, Resources: s.db.Resources, Experiments: s.db.Experiments, MLflowRuns: s.db.Runs,
		Versions: s.db.Versions, Models: s.db.Models, Datasets: s.datasets, Blobs: s.blobs, Executor: processes,
		TrackingURI: "http://" + s.cfg.Listen + s.cfg.Prefix, Parallel: parallel, Interpreter: func() string { _, identity := python(); return identity }, Log: s.log.With("part", "pipeline"),
	})
	return nil
}

// logs are those of the data plane, which is made after the engine.
type logs struct{ *server }

func (l logs) Endpoint(ep traffic.Endpoint) (*traffic.Log, error) { return l.traffic.Endpoint(ep) }

// sealing seals again the finished runs that were written after their end.
func (s *server) sealing(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := s.db.Runs.SealDirty(in(ctx, "sealing", trimtab.DefaultWorkspace), 100); err != nil && ctx.Err() == nil {
				s.log.Warn("sealing runs failed", "error", err)
			}
		}
	}
}
