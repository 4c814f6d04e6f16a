package trimtab

import "math"

// Metric is one measured point. NaN is a value; infinities are clamped to the
// largest finite numbers, as MLflow does.
type Metric struct {
	Key   string
	Value float64
	Time  Time
	Step  int64

	// A metric may be measured of a logged model on a data set.
	Model         LoggedModelID
	DatasetName   string
	DatasetDigest string

	// Run is the run that logged the metric, where it is read back of a logged
	// model; a run's own metrics leave it empty.
	Run RunID
}

// Clamped returns the metric with infinities replaced by ±MaxFloat64.
func (m Metric) Clamped() Metric {
	if math.IsInf(m.Value, 1) {
		m.Value = math.MaxFloat64
	} else if math.IsInf(m.Value, -1) {
		m.Value = -math.MaxFloat64
	}
	return m
}

// Param is an immutable key and value of a run.
type Param struct{ Key, Value string }

// Tag is a mutable key and value.
type Tag struct{ Key, Value string }

// RunBatch is one log-batch: applied in one transaction, never torn.
type RunBatch struct {
	Metrics []Metric
	Params  []Param
	Tags    []Tag
}

// Dataset describes data that a run read. Its identity is (experiment, name, digest).
type Dataset struct {
	Name, Digest, SourceType, Source, Schema, Profile string
}

// DatasetInput is a data set that a run read, with the tags of that use.
type DatasetInput struct {
	Dataset Dataset
	Tags    []Tag
}

// ModelInput is a logged model that a run read.
type ModelInput struct{ Model LoggedModelID }

// ModelOutput is a logged model that a run made, at a step.
type ModelOutput struct {
	Model LoggedModelID
	Step  int64
}
