package mlflow

import (
	"net/http"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/sql"
)

// Limits of the histories, as MLflow has them.
const (
	maxHistory         = 25_000 // points of one page
	maxIntervalRuns    = 100
	maxIntervalResults = 2500 // points of one run
)

// metric writes the fields of a point.
func (d *doc) metric(m trimtab.Metric) {
	d.str("key", m.Key)
	d.float("value", m.Value)
	d.num("timestamp", int64(m.Time))
	d.num("step", m.Step)
	d.strIf("dataset_name", m.DatasetName)
	d.strIf("dataset_digest", m.DatasetDigest)
	d.strIf("model_id", string(m.Model))
	d.strIf("run_id", string(m.Run))
}

func (d *doc) runMetrics(metrics []sql.RunMetric, always bool) {
	if len(metrics) == 0 && !always {
		return
	}
	d.list("metrics")
	for _, m := range metrics {
		d.begin()
		d.metric(m.Metric)
		d.str("run_id", string(m.Run))
		d.end()
	}
	d.endList()
}

// history answers one page of a metric's points, or all of them when the
// request names no size: MLflow's clients before 3.1 know no pages.
func (s *server) history(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id, key := f.runID(), f.need("metric_key")
	after := trimtab.PageToken(f.str("page_token"))
	limit, paged := f.integer("max_results")
	if err := f.err(); err != nil {
		return err
	}
	if paged && limit <= 0 {
		return invalid("max_results", "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer.", limit)
	}
	size := maxHistory
	if paged {
		size = int(min(limit, maxHistory))
	}
	var all []trimtab.Metric
	for {
		page, next, err := s.RunSearch.History(r.Context(), id, key, size, after)
		if trimtab.IsKind(err, trimtab.NotFound) {
			break // to MLflow a run that does not exist has logged nothing
		}
		if err != nil {
			return err
		}
		all, after = append(all, page...), next
		if paged || next == "" {
			break
		}
	}
	return answer(w, r, func(d *doc) {
		if len(all) > 0 {
			d.list("metrics")
			for _, m := range all {
				d.begin()
				d.metric(m)
				d.end()
			}
			d.endList()
		}
		d.token(after)
	})
}

func (s *server) historyInterval(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	ids := f.strings("run_ids")
	if len(ids) == 0 {
		f.missing("run_ids")
	}
	if len(ids) > maxIntervalRuns {
		f.fail(invalid("run_ids", "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %d run_ids.%s", maxIntervalRuns, len(ids), seeDocs))
	}
	key := f.need("metric_key")
	start, hasStart := f.integer("start_step")
	end, hasEnd := f.integer("end_step")
	limit, limited := f.integer("max_results")
	if !limited {
		limit = maxIntervalResults
	} else if limit < 1 || limit > maxIntervalResults {
		f.fail(invalid("max_results", "max_results must be between 1 and %d.%s", maxIntervalResults, seeDocs))
	}
	if hasStart != hasEnd {
		f.fail(invalid("start_step", "If either start step or end step are specified, both must be specified."))
	}
	if hasStart && start > end {
		f.fail(invalid("start_step", "end_step must be greater than start_step. Found start_step=%d and end_step=%d.", start, end))
	}
	if err := f.err(); err != nil {
		return err
	}
	var from, to *int64
	if hasStart {
		from, to = &start, &end
	}
	metrics, err := s.RunSearch.HistoryInterval(r.Context(), runIDs(ids), key, from, to, int(limit))
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) { d.runMetrics(metrics, false) })
}

// historyBulk is MLflow's page asking for the points of several runs.
func (s *server) historyBulk(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	ids := q["run_id"]
	switch {
	case len(ids) == 0:
		return invalid("run_id", "GetMetricHistoryBulk request must specify at least one run_id.")
	case len(ids) > maxIntervalRuns:
		return invalid("run_id", "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %d run_ids.", maxIntervalRuns, len(ids))
	case !q.Has("metric_key"):
		return invalid("metric_key", "GetMetricHistoryBulk request must specify a metric_key.")
	}
	limit := maxHistory
	if text := q.Get("max_results"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return invalid("max_results", "Invalid value %s for parameter 'max_results' supplied. It must be a positive integer.", compact([]byte(strconv.Quote(text))))
		}
		limit = min(n, maxHistory)
	}
	metrics, err := s.RunSearch.HistoryBulk(r.Context(), runIDs(ids), q.Get("metric_key"), limit)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) { d.runMetrics(metrics, true) })
}

func runIDs(ids []string) []trimtab.RunID {
	out := make([]trimtab.RunID, len(ids))
	for i, id := range ids {
		out[i] = trimtab.RunID(id)
	}
	return out
}
