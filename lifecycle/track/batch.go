package track

import (
	"context"
	"fmt"
	"slices"

	"github.com/trimtab/trimtab"
)

// Limits of one batch, as MLflow has them. It documents 1 MB for the body and does
// not keep it: its client splits by counts alone, so the longest values that are
// allowed must fit.
const (
	MaxBatchMetrics = 1000
	MaxBatchParams  = 100
	MaxBatchTags    = 100
	MaxBatchItems   = 1000
	MaxBatchBytes   = 8_000_000 // of the request's body
)

// LogBatch logs metrics, params and tags of an active run in one transaction: a
// batch is there as a whole or not at all. The slices of b are changed.
func (t *Tracker) LogBatch(ctx context.Context, id trimtab.RunID, b trimtab.RunBatch) error {
	if err := id.Validate(); err != nil {
		return invalid("run_id", "Invalid value %s for parameter 'run_id' supplied.", Quoted(string(id)))
	}
	if err := checkBatch(&b); err != nil {
		return err
	}
	var name string
	b.Tags, name = lastOfEach(b.Tags)
	if name != "" {
		// The name is governed, the batch is measured: they are two writes. A
		// batch that fails leaves a new name, never half a batch.
		if err := t.rename(ctx, id, name); err != nil {
			return err
		}
	}
	return t.cfg.Runs.LogBatch(ctx, id, b)
}

func checkBatch(b *trimtab.RunBatch) error {
	for i := range b.Metrics {
		m := &b.Metrics[i]
		if err := checkMetric(m, func(field string) string { return fmt.Sprintf("metrics[%d].%s", i, field) }); err != nil {
			return err
		}
	}
	for i := range b.Params {
		if err := checkParam(&b.Params[i], fmt.Sprintf("params[%d].key", i)); err != nil {
			return err
		}
	}
	for i := range b.Tags {
		if err := checkTag(&b.Tags[i], fmt.Sprintf("tags[%d].key", i)); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		what       string
		limit, got int
	}{
		{"metrics", MaxBatchMetrics, len(b.Metrics)}, {"params", MaxBatchParams, len(b.Params)}, {"tags", MaxBatchTags, len(b.Tags)},
		{"metrics, params, and tags", MaxBatchItems, len(b.Metrics) + len(b.Params) + len(b.Tags)},
	} {
		if c.got > c.limit {
			return invalid("batch", "A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.", c.limit, c.what, c.got, c.what, c.what)
		}
	}
	return checkUnique(b.Params)
}

func checkUnique(params []trimtab.Param) error {
	seen := make(map[string]bool, len(params))
	var twice []string
	for _, p := range params {
		if seen[p.Key] {
			twice = append(twice, p.Key)
		}
		seen[p.Key] = true
	}
	if len(twice) > 0 {
		return invalid("batch", "Duplicate parameter keys have been submitted: %s. Please ensure the request contains only one param value per param key.", PythonList(twice))
	}
	return nil
}

// lastOfEach keeps the last tag of each key and takes the run's name out.
func lastOfEach(tags []trimtab.Tag) (kept []trimtab.Tag, name string) {
	last := make(map[string]int, len(tags))
	for i, tag := range tags {
		last[tag.Key] = i
	}
	if i, ok := last[RunNameTag]; ok {
		name = tags[i].Value
	}
	if len(last) == len(tags) && name == "" {
		if _, named := last[RunNameTag]; !named {
			return tags, ""
		}
	}
	at := -1
	return slices.DeleteFunc(tags, func(tag trimtab.Tag) bool {
		at++
		return last[tag.Key] != at || tag.Key == RunNameTag
	}), name
}

// checkMetric checks a point and clamps its value. place spells where a field
// of the point stands in the request; it is called for a refusal only.
func checkMetric(m *trimtab.Metric, place func(field string) string) error {
	if !plainKey(m.Key) {
		if err := checkKey(m.Key, place("name")); err != nil {
			return err
		}
	}
	if m.Time < 0 {
		return invalid("metric "+m.Key, "Invalid value %d for parameter '%s' supplied: metric '%s' (value=%s). Timestamp must be a nonnegative long (64-bit integer) ", int64(m.Time), place("timestamp"), m.Key, PythonFloat(m.Value))
	}
	if err := checkLength("Metric name", m.Key, MaxKey); err != nil {
		return err
	}
	if err := checkLength("dataset_name", m.DatasetName, MaxDatasetName); err != nil {
		return err
	}
	if err := checkLength("dataset_digest", m.DatasetDigest, MaxDatasetDigest); err != nil {
		return err
	}
	*m = m.Clamped()
	return nil
}

// plainKey reports whether a key consists of letters, digits, dashes and
// underscores: nothing about it needs a closer look. Nearly all keys are like that.
func plainKey(key string) bool {
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return key != ""
}

func checkParam(p *trimtab.Param, place string) error {
	if err := checkKey(p.Key, place); err != nil {
		return err
	}
	if err := checkLength("Param key", p.Key, MaxKey); err != nil {
		return err
	}
	p.Value = cut(p.Value, MaxParamValue)
	return nil
}

func checkTag(tag *trimtab.Tag, place string) error {
	if err := checkKey(tag.Key, place); err != nil {
		return err
	}
	if err := checkLength(place, tag.Key, MaxKey); err != nil {
		return err
	}
	tag.Value = cut(tag.Value, MaxTagValue)
	return nil
}
