package sql

import (
	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// The queries of the searches. A nil Filter means everything, no Order the
// dialect's default; Limit must be positive. After is the token that the page
// before gave: a token of another query is Invalid. A page that may have a
// successor gives a token; the last gives "".
type (
	// ExperimentQuery searches experiments. Without Lifecycle it finds the active ones.
	ExperimentQuery struct {
		Filter    filter.Expr
		Order     []filter.Order
		Lifecycle []trimtab.Lifecycle
		Limit     int
		After     trimtab.PageToken
	}

	// RunQuery searches the runs of the experiments. As MLflow does, it gives a
	// token if and only if the page is full.
	RunQuery struct {
		Experiments []trimtab.ExperimentID
		Filter      filter.Expr
		Order       []filter.Order
		View        RunView // default ActiveOnly
		Limit       int
		After       trimtab.PageToken
	}

	// LoggedModelQuery searches the active logged models of the experiments.
	// Datasets narrow the metrics of the filter to those measured on one of
	// them; without a metric in the filter, a model needs any such metric.
	LoggedModelQuery struct {
		Experiments []trimtab.ExperimentID
		Filter      filter.Expr
		Datasets    []DatasetRef
		Order       []filter.Order
		Limit       int
		After       trimtab.PageToken
	}

	// ModelQuery searches registered models.
	ModelQuery struct {
		Filter  filter.Expr
		Prompts filter.PromptMode
		Order   []filter.Order
		Limit   int
		After   trimtab.PageToken
	}

	// VersionQuery searches versions that are not deleted.
	VersionQuery struct {
		Filter  filter.Expr
		Prompts filter.PromptMode
		Order   []filter.Order
		Limit   int
		After   trimtab.PageToken
	}
)

// DatasetRef names a data set that metrics were measured on; Digest "" means any.
type DatasetRef struct{ Name, Digest string }

// RunView is MLflow's choice of lifecycle stages.
type RunView string

const (
	ActiveOnly  RunView = "ACTIVE_ONLY"
	DeletedOnly RunView = "DELETED_ONLY"
	AllRuns     RunView = "ALL"
)

// RunMetric is a point of one of several runs.
type RunMetric struct {
	Run trimtab.RunID
	trimtab.Metric
}
