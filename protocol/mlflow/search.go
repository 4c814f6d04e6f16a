package mlflow

import (
	"net/http"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

// Limits of the searches, as MLflow has them.
const (
	maxRuns            = 50_000
	defaultRuns        = 1000
	maxExperiments     = 50_000
	maxModels          = 1000
	defaultModels      = 100
	maxVersions        = 200_000
	defaultVersions    = 10_000
	maxLoggedModels    = 1000
	defaultLoggedModel = 50
)

// size is the number of results of a page. above says how a size beyond the
// most is refused: MLflow has a sentence of its own for nearly every search.
func (f *form) size(def, most int64, above func(raw []byte, n int64)) int {
	raw, _ := f.raw("max_results")
	n, given := f.integer("max_results")
	switch {
	case f.err() != nil:
	case !given && def > 0:
		return int(def)
	case n <= 0:
		f.fail(invalid("max_results", "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", n))
	case n > most:
		above(raw, n)
	}
	return int(n)
}

func (s *server) searchExperiments(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	view := f.enum("view_type", 1, "ACTIVE_ONLY", "DELETED_ONLY", "ALL")
	q := sql.ExperimentQuery{
		Limit: f.size(0, maxExperiments, func(_ []byte, n int64) {
			f.fail(invalid("max_results", "Invalid value %d for parameter 'max_results' supplied. It must be at most %d", n, maxExperiments))
		}),
		After: trimtab.PageToken(f.str("page_token")),
	}
	switch view {
	case "DELETED_ONLY":
		q.Lifecycle = []trimtab.Lifecycle{trimtab.Deleted}
	case "ALL":
		q.Lifecycle = []trimtab.Lifecycle{trimtab.Active, trimtab.Deleted}
	default:
		q.Lifecycle = []trimtab.Lifecycle{trimtab.Active}
	}
	text, order := f.str("filter"), f.strings("order_by")
	err := f.err()
	if err == nil {
		q.Filter, q.Order, err = parse(filter.Experiments, text, order)
	}
	if err != nil {
		return err
	}
	found, next, err := s.Experiments.Search(r.Context(), q)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		if len(found) > 0 {
			d.list("experiments")
			for _, e := range found {
				d.begin()
				d.experiment(e)
				d.end()
			}
			d.endList()
		}
		d.token(next)
	})
}

// parse reads a filter and an order of a dialect.
func parse(dialect *filter.Dialect, text string, order []string) (filter.Expr, []filter.Order, error) {
	e, err := filter.Parse(dialect, text)
	if err != nil {
		return nil, nil, err
	}
	o, err := filter.ParseOrder(dialect, order)
	return e, o, err
}

func (s *server) searchRuns(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	ids := f.strings("experiment_ids")
	q := sql.RunQuery{View: sql.RunView(f.enum("run_view_type", 1, "ACTIVE_ONLY", "DELETED_ONLY", "ALL"))}
	text := f.str("filter")
	q.Limit = f.size(defaultRuns, maxRuns, func(raw []byte, _ int64) { f.wrong("max_results", raw) })
	order := f.strings("order_by")
	q.After = trimtab.PageToken(f.str("page_token"))
	for _, id := range ids {
		q.Experiments = append(q.Experiments, f.asExperimentID(id))
	}
	if q.View == "" {
		q.View = sql.ActiveOnly
	}
	err := f.err()
	if err == nil {
		q.Filter, q.Order, err = parse(filter.Runs, text, order)
	}
	if err != nil {
		return err
	}
	found, next, err := s.RunSearch.Search(r.Context(), q)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		if len(found) > 0 {
			d.list("runs")
			for _, run := range found {
				d.begin()
				d.run(run)
				d.end()
			}
			d.endList()
		}
		d.token(next)
	})
}

func (s *server) searchLoggedModels(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	if !f.has("experiment_ids") {
		f.missing("experiment_ids")
	}
	q := sql.LoggedModelQuery{}
	for _, id := range f.strings("experiment_ids") {
		q.Experiments = append(q.Experiments, f.asExperimentID(id))
	}
	text := f.str("filter")
	for _, o := range f.objects("datasets") {
		ref := sql.DatasetRef{Name: o.str("dataset_name"), Digest: o.str("dataset_digest")}
		if ref.Name == "" {
			f.fail(invalid("datasets", "`dataset_name` in the `datasets` clause must be specified."))
		}
		q.Datasets = append(q.Datasets, ref)
	}
	if n, given := f.integer("max_results"); !given || n == 0 {
		q.Limit = defaultLoggedModel
	} else {
		q.Limit = f.size(defaultLoggedModel, maxLoggedModels, func(_ []byte, n int64) {
			f.fail(invalid("max_results", "Invalid value %d for parameter 'max_results' supplied. It must be at most %d", n, maxLoggedModels))
		})
	}
	var fields []filter.Field
	for _, o := range f.objects("order_by") {
		fields = append(fields, filter.Field{
			Name: o.need("field_name"), Descending: o.has("ascending") && !o.boolean("ascending"),
			DatasetName: o.str("dataset_name"), DatasetDigest: o.str("dataset_digest"),
		})
	}
	q.After = trimtab.PageToken(f.str("page_token"))
	err := f.err()
	if err == nil {
		q.Filter, err = filter.Parse(filter.LoggedModels, text)
	}
	if err == nil {
		q.Order, err = filter.OrderBy(filter.LoggedModels, fields)
	}
	if err != nil {
		return err
	}
	found, next, err := s.LoggedModels.Search(r.Context(), q)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		if len(found) > 0 {
			d.list("models")
			for _, m := range found {
				d.begin()
				d.loggedModel(m)
				d.end()
			}
			d.endList()
		}
		d.token(next)
	})
}

func (s *server) searchModels(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	text := f.str("filter")
	q := sql.ModelQuery{Limit: f.size(defaultModels, maxModels, func(raw []byte, _ int64) { f.wrong("max_results", raw) })}
	order := f.strings("order_by")
	q.After = trimtab.PageToken(f.str("page_token"))
	err := f.err()
	if err == nil {
		q.Filter, q.Order, err = parse(filter.RegisteredModels, text, order)
	}
	if err != nil {
		return err
	}
	q.Filter, q.Prompts = filter.SplitPrompts(q.Filter)
	found, next, err := s.Models.Search(r.Context(), q)
	if err != nil {
		return err
	}
	names := make([]trimtab.ModelName, len(found))
	for i, m := range found {
		names[i] = m.Name
	}
	latest, err := s.Versions.LatestOf(r.Context(), names)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		if len(found) > 0 {
			d.list("registered_models")
			for _, m := range found {
				d.begin()
				d.model(m, latest[m.Name])
				d.end()
			}
			d.endList()
		}
		d.token(next)
	})
}

func (s *server) searchVersions(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	text := f.str("filter")
	q := sql.VersionQuery{Limit: f.size(defaultVersions, maxVersions, func(raw []byte, _ int64) { f.wrong("max_results", raw) })}
	order := f.strings("order_by")
	q.After = trimtab.PageToken(f.str("page_token"))
	err := f.err()
	if err == nil {
		q.Filter, q.Order, err = parse(filter.ModelVersions, text, order)
	}
	if err != nil {
		return err
	}
	q.Filter, q.Prompts = filter.SplitPrompts(q.Filter)
	found, next, err := s.Versions.Search(r.Context(), q)
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.versions(found)
		d.token(next)
	})
}
