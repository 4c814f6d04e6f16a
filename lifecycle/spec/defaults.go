package spec

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// defaults walks the optional fields of a spec. Filling sets each absent field
// to what the program takes for it; dropping empties each field that spells
// that out. One walk for both keeps them each other's inverse. A default that
// depends on another field is visited before that field.
type defaults bool

const (
	filling  defaults = false
	dropping defaults = true
)

func put[T comparable](d defaults, p *T, v T) {
	var zero T
	switch {
	case d == filling && *p == zero:
		*p = v
	case d == dropping && *p == v:
		*p = zero
	}
}

func putList(d defaults, p *[]string, v []string) {
	switch {
	case d == filling && len(*p) == 0:
		*p = v
	case d == dropping && slices.Equal(*p, v):
		*p = nil
	}
}

func (d defaults) source(s *trimtab.SourceSpec) {
	if s.Path != "" {
		format := "parquet"
		if strings.HasSuffix(strings.ToLower(s.Path), ".csv") {
			format = "csv"
		}
		put(d, &s.Format, format)
	}
	put(d, &s.AvailableAt, s.EventTime)
}

func (d defaults) pipeline(name string, s *trimtab.PipelineSpec) {
	put(d, &s.Experiment, name)
	for i := range s.Steps {
		st := &s.Steps[i]
		if st.Promote == nil {
			put(d, &st.Timeout, trimtab.Duration(time.Hour))
			put(d, &st.Cache, "auto")
			put(d, &st.Effects, "idempotent")
		}
		if st.Retry != nil {
			put(d, &st.Retry.Backoff, trimtab.Duration(time.Second))
			putList(d, &st.Retry.On, []string{"lost", "exit:75"})
		}
		if st.Dataset != nil {
			put(d, &st.Dataset.To, st.Dataset.AsOf)
			put(d, &st.Dataset.Label, "required")
		}
		if st.Promote != nil {
			put(d, &st.Promote.When, "always")
		}
	}
}

func (d defaults) endpoint(s *trimtab.EndpointSpec) {
	put(d, &s.Model.Alias, "champion")
	put(d, &s.Model.Output, "predict")
	put(d, &s.Logging.Durability, "async")
	put(d, &s.AllowedLateness, trimtab.Duration(time.Hour))
	put(d, &s.Limits.MaxRows, 10_000)
	put(d, &s.Limits.MaxBodySize, 10<<20)
	if s.Rollout != nil {
		d.rollout(s.Rollout)
	}
}

func (d defaults) monitor(s *trimtab.MonitorSpec) {
	p := &s.Performance
	putList(d, &p.Metrics, metricsOf(cmp.Or(p.Task, "binary")))
	put(d, &p.Task, "binary")
	put(d, &p.Confidence, 0.95)
	put(d, &p.MinRows, 1)
	put(d, &s.Drift.Reference, "training")
	put(d, &s.Drift.FDR, 0.05)
	put(d, &s.Drift.Effect, 0.05)
	put(d, &s.Drift.Confirm, 2)
	put(d, &s.Drift.Of, 3)
	put(d, &s.Diagnosis.Confidence, 0.9)
	put(d, &s.Stopped, 0.2)
}

// metricsOf lists the quality metrics that make sense for a task.
func metricsOf(task string) []string {
	if task == "regression" {
		return []string{"rmse", "mae", "r2"}
	}
	return []string{"auc", "log_loss", "brier", "accuracy"}
}

// sorted walks a map in the order of its keys, so that diagnostics have one order.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
