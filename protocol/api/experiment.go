package api

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

// ExperimentTable lists experiments and says what happens in them.
type ExperimentTable interface {
	Get(ctx context.Context, id trimtab.ExperimentID) (trimtab.Experiment, error)
	Search(ctx context.Context, query sql.ExperimentQuery) ([]trimtab.Experiment, trimtab.PageToken, error)
	Activity(ctx context.Context, ids []trimtab.ExperimentID, from trimtab.Time, days int) (map[trimtab.ExperimentID]*sql.ExperimentActivity, error)
}

// RunTable reads the runs of an experiment by columns, and the catalogue of their keys.
type RunTable interface {
	Table(ctx context.Context, query sql.RunTableQuery) (sql.RunTable, error)
	Count(ctx context.Context, id trimtab.ExperimentID, expr filter.Expr, view sql.RunView, most int) (int, error)
	Keys(ctx context.Context, query sql.RunKeyQuery) ([]sql.RunKey, trimtab.PageToken, error)
	AllKeys(ctx context.Context, id trimtab.ExperimentID, kind filter.Entity) ([]sql.RunKey, error)
}

// ExperimentIn names an experiment.
type ExperimentIn struct {
	ProjectIn
	ID string `path:"id"`
}

// The bounds of the table of runs.
const (
	activityDays  = 30
	tableLimit    = 200       // runs of a page when none is asked for
	maxTableLimit = 1000      // runs of a page
	tableBytes    = 1_400_000 // of JSON, about: no answer is over 2 MB
	countedTo     = 100_000   // runs are counted up to here
)

func (t *table) experiments() {
	add(t, operation{id: "listExperiments", method: "GET", path: "/experiments", summary: "List experiments, the newest first, with what happens in them", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			PageIn
			Search string `query:"search" maxLength:"250" doc:"A part of the name, in any case of letters."`
			Stage  string `query:"stage" enum:"active,deleted,all" default:"active"`
		}) (view.ExperimentPage, error) {
			out := view.ExperimentPage{Items: []view.ExperimentRow{}}
			if t.cfg.ExperimentTable == nil {
				return out, absent("tracking store")
			}
			q := sql.ExperimentQuery{Limit: in.Limit, After: trimtab.PageToken(in.After)}
			switch in.Stage {
			case "deleted":
				q.Lifecycle = []trimtab.Lifecycle{trimtab.Deleted}
			case "all":
				q.Lifecycle = []trimtab.Lifecycle{trimtab.Active, trimtab.Deleted}
			}
			if in.Search != "" {
				q.Filter = filter.Cmp{Entity: filter.Attribute, Key: "name", Op: filter.ILikeOp, Value: filter.Text("%" + in.Search + "%")}
			}
			found, next, err := t.cfg.ExperimentTable.Search(ctx, q)
			if err != nil {
				return out, err
			}
			out.Next = next
			out.Items, err = t.experimentRows(ctx, found)
			return out, err
		})
	add(t, operation{id: "getExperiment", method: "GET", path: "/experiments/{id}", summary: "Show an experiment with what happens in it", auth: route.Reader},
		func(ctx context.Context, in *ExperimentIn) (view.ExperimentRow, error) {
			if t.cfg.ExperimentTable == nil {
				return view.ExperimentRow{}, absent("tracking store")
			}
			e, err := t.cfg.ExperimentTable.Get(ctx, trimtab.ExperimentID(in.ID))
			if err != nil {
				return view.ExperimentRow{}, err
			}
			rows, err := t.experimentRows(ctx, []trimtab.Experiment{e})
			if err != nil {
				return view.ExperimentRow{}, err
			}
			return rows[0], nil
		})
	add(t, operation{id: "listRunKeys", method: "GET", path: "/experiments/{id}/keys", summary: "List the metrics, params and tags that runs of an experiment have", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ExperimentIn
			PageIn
			Kind   string `query:"kind" enum:"metric,param,tag,all" default:"all"`
			Search string `query:"search" maxLength:"1000" doc:"Words that are all in the key, in any case of letters."`
			Order  string `query:"order" enum:"common,telling" default:"common" doc:"The commonest first; or the metrics and then the params that mostly say most, each up to the limit and without a search."`
		}) (view.RunKeys, error) {
			out := view.RunKeys{Items: []view.RunKey{}}
			if t.cfg.RunTable == nil {
				return out, absent("tracking store")
			}
			if in.Order == "telling" {
				return t.tellingKeys(ctx, trimtab.ExperimentID(in.ID), in.Limit)
			}
			q := sql.RunKeyQuery{Experiment: trimtab.ExperimentID(in.ID), Search: in.Search, Limit: in.Limit, After: trimtab.PageToken(in.After)}
			for _, kind := range []filter.Entity{filter.Metric, filter.Param, filter.Tag} {
				if in.Kind == kind.String() {
					q.Kinds = []filter.Entity{kind}
				}
			}
			keys, next, err := t.cfg.RunTable.Keys(ctx, q)
			for _, k := range keys {
				out.Items = append(out.Items, keyView(k))
			}
			out.Next = string(next)
			return out, err
		})
	add(t, operation{id: "readRunTable", method: "POST", path: "/experiments/{id}/table", summary: "Read a page of the runs of an experiment by columns", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ExperimentIn
			Body view.RunTableQuery
		}) (view.RunTable, error) {
			if t.cfg.RunTable == nil {
				return view.RunTable{}, absent("tracking store")
			}
			return t.runTable(ctx, trimtab.ExperimentID(in.ID), in.Body)
		})
	add(t, operation{id: "checkRunSearch", method: "GET", path: "/run-search", summary: "Say whether a search of runs is understood, and where it is not", auth: route.Reader},
		func(_ context.Context, in *struct {
			ProjectIn
			Filter string   `query:"filter"`
			Order  []string `query:"order,explode"`
		}) (view.RunSearchCheck, error) {
			return checkRunSearch(in.Filter, in.Order), nil
		})
}

func keyView(k sql.RunKey) view.RunKey {
	return view.RunKey{ID: k.Kind.String() + "s." + k.Key, Kind: k.Kind.String(), Key: k.Key, Name: filter.Spell(k.Kind, k.Key), Runs: k.Runs}
}

// tellingKeys are the metrics and params that a table shows at first.
func (t *table) tellingKeys(ctx context.Context, id trimtab.ExperimentID, limit int) (view.RunKeys, error) {
	out := view.RunKeys{Items: []view.RunKey{}}
	for _, kind := range []filter.Entity{filter.Metric, filter.Param} {
		keys, err := t.cfg.RunTable.AllKeys(ctx, id, kind)
		if err != nil {
			return out, err
		}
		rank := map[string]int{}
		for _, k := range keys {
			if kind == filter.Metric {
				rank[k.Key] = view.MetricRank(k.Key)
			}
		}
		slices.SortFunc(keys, func(a, b sql.RunKey) int {
			return cmp.Or(cmp.Compare(rank[a.Key], rank[b.Key]), cmp.Compare(b.Runs, a.Runs), strings.Compare(a.Key, b.Key))
		})
		for _, k := range keys[:min(limit, len(keys))] {
			out.Items = append(out.Items, keyView(k))
		}
	}
	return out, nil
}

// experimentRows completes experiments with what happens in them.
func (t *table) experimentRows(ctx context.Context, all []trimtab.Experiment) ([]view.ExperimentRow, error) {
	ids := make([]trimtab.ExperimentID, len(all))
	for i, e := range all {
		ids[i] = e.ID
	}
	today := t.cfg.Clock().Go().UTC().Truncate(24 * time.Hour)
	from := trimtab.TimeOf(today.AddDate(0, 0, 1-activityDays))
	activity, err := t.cfg.ExperimentTable.Activity(ctx, ids, from, activityDays)
	if err != nil {
		return nil, err
	}
	rows := make([]view.ExperimentRow, len(all))
	for i, e := range all {
		a := activity[e.ID]
		if a == nil {
			a = &sql.ExperimentActivity{}
		}
		rows[i] = view.OfExperiment(e, a.Runs, a.Last, a.Days)
	}
	return rows, nil
}

// columnEntities are the kinds of columns by the prefix of their names.
var columnEntities = map[string]filter.Entity{"metrics": filter.Metric, "params": filter.Param, "tags": filter.Tag}

func (t *table) runTable(ctx context.Context, id trimtab.ExperimentID, in view.RunTableQuery) (out view.RunTable, err error) {
	q := sql.RunTableQuery{Experiment: id, Limit: in.Limit, After: trimtab.PageToken(in.After), Bytes: tableBytes}
	switch {
	case in.Limit == 0:
		q.Limit = tableLimit
	case in.Limit < 0 || in.Limit > maxTableLimit:
		return out, trimtab.Errorf(trimtab.Invalid, "limit", "limit %d: expected 1 to %d, or 0 for %d", in.Limit, maxTableLimit, tableLimit)
	}
	switch in.View {
	case "", "active":
		q.View = sql.ActiveOnly
	case "deleted":
		q.View = sql.DeletedOnly
	case "all":
		q.View = sql.AllRuns
	default:
		return out, trimtab.Errorf(trimtab.Invalid, "view", "view %q: expected active, deleted or all", in.View)
	}
	if q.Filter, err = filter.Parse(filter.Runs, in.Filter); err == nil {
		q.Order, err = filter.ParseOrder(filter.Runs, in.Order)
	}
	if err != nil {
		return out, notUnderstood(err)
	}
	for _, name := range in.Columns {
		prefix, key, dotted := strings.Cut(name, ".")
		entity, known := columnEntities[prefix]
		if !dotted || !known || key == "" {
			return out, trimtab.Errorf(trimtab.Invalid, "columns", "column %q: expected metrics.KEY, params.KEY or tags.KEY, the key as it was logged; name, state, user and times come with every run", name)
		}
		q.Columns = append(q.Columns, sql.RunColumn{Entity: entity, Key: key})
	}
	page, err := t.cfg.RunTable.Table(ctx, q)
	if err != nil {
		return out, err
	}
	out = view.RunTable{IDs: []string{}, Names: []string{}, States: []string{}, Users: []string{}, Starts: []int64{}, Ends: []int64{}, Deleted: []bool{},
		Columns: []view.RunTableColumn{}, Matching: -1, CountedTo: countedTo, Next: string(page.Next)}
	if q.Filter != nil {
		out.Filter = q.Filter.String()
	}
	for _, r := range page.Runs {
		out.AddRun(r)
	}
	for i, c := range page.Cells {
		if q.Columns[i].Entity == filter.Metric {
			out.Columns = append(out.Columns, view.NumberColumn(in.Columns[i], c.Numbers, c.Has))
		} else {
			out.Columns = append(out.Columns, view.TextColumn(in.Columns[i], c.Texts, c.Has))
		}
	}
	return out, t.countRuns(ctx, &out, q, in.Count)
}

// countRuns counts what is cheap: with the first page all runs, by an index, and
// what matches where the page shows it all or there is no filter; what was asked for.
func (t *table) countRuns(ctx context.Context, out *view.RunTable, q sql.RunTableQuery, asked bool) error {
	if q.After != "" && !asked {
		out.Total = -1
		return nil
	}
	total, err := t.cfg.RunTable.Count(ctx, q.Experiment, nil, q.View, countedTo)
	if err != nil {
		return err
	}
	out.Total = int64(total)
	switch {
	case q.Filter == nil:
		out.Matching = out.Total
	case q.After == "" && out.Next == "":
		out.Matching = int64(len(out.IDs))
	case asked:
		n, err := t.cfg.RunTable.Count(ctx, q.Experiment, q.Filter, q.View, countedTo)
		out.Matching = int64(n)
		return err
	}
	return nil
}

// notUnderstood is the error of a search that is refused, for the one who wrote it.
func notUnderstood(err error) error {
	if bad, ok := errors.AsType[*filter.SyntaxError](err); ok {
		return trimtab.Errorf(trimtab.Invalid, "filter", "%s", bad.Error())
	}
	return err
}

func checkRunSearch(text string, order []string) view.RunSearchCheck {
	out := view.RunSearchCheck{Faults: []view.RunSearchFault{}}
	add := func(part string, err error) {
		if bad, ok := errors.AsType[*filter.SyntaxError](err); ok {
			out.Faults = append(out.Faults, view.RunSearchFault{Part: part, Clause: bad.Clause, Offset: bad.Offset, Length: bad.Length, Message: bad.Msg, Hint: bad.Hint})
		}
	}
	e, err := filter.Parse(filter.Runs, text)
	add("filter", err)
	if err == nil && e != nil {
		out.Filter = e.String()
	}
	_, err = filter.ParseOrder(filter.Runs, slices.DeleteFunc(slices.Clone(order), func(o string) bool { return o == "" }))
	add("order", err)
	return out
}
