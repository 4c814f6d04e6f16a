package sql

import (
	"context"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// ByAlias returns the version that an alias points to. Absence of the model or
// of the alias is NotFound.
func (v *Versions) ByAlias(ctx context.Context, name trimtab.ModelName, alias trimtab.Alias) (out trimtab.ModelVersion, err error) {
	defer trimtab.Wrap(&err, "Versions.ByAlias(%s, %s)", name, alias)
	err = v.db.read(ctx, func(q *Query) error {
		m, err := v.db.Models.load(&q.session, name, "")
		if err != nil {
			return err
		}
		n, ok := m.Aliases[alias]
		if !ok {
			return trimtab.Errorf(trimtab.NotFound, m.Object().String(), "Registered model alias %s not found.", alias)
		}
		out, err = v.load(&q.session, name, n, "")
		return err
	})
	return out, err
}

// Latest returns the highest version of each of the stages, or of every stage
// that has one when none are given, ordered by version. Absence of the model is NotFound.
func (v *Versions) Latest(ctx context.Context, name trimtab.ModelName, stages []string) (out []trimtab.ModelVersion, err error) {
	defer trimtab.Wrap(&err, "Versions.Latest(%s)", name)
	err = v.db.read(ctx, func(q *Query) error {
		if _, err := v.db.Models.load(&q.session, name, ""); err != nil {
			return err
		}
		all, err := v.latest(&q.session, []trimtab.ModelName{name})
		out = slices.DeleteFunc(all[name], func(x trimtab.ModelVersion) bool {
			return len(stages) > 0 && !slices.ContainsFunc(stages, func(s string) bool { return strings.EqualFold(s, x.Stage) })
		})
		return err
	})
	return out, err
}

// LatestOf is Latest of every stage for a page of models, in one query. Models
// without versions are not in the map.
func (v *Versions) LatestOf(ctx context.Context, names []trimtab.ModelName) (out map[trimtab.ModelName][]trimtab.ModelVersion, err error) {
	defer trimtab.Wrap(&err, "Versions.LatestOf(%d models)", len(names))
	err = v.db.read(ctx, func(q *Query) error {
		out, err = v.latest(&q.session, names)
		return err
	})
	return out, err
}

func (v *Versions) latest(s *session, names []trimtab.ModelName) (map[trimtab.ModelName][]trimtab.ModelVersion, error) {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = string(name)
	}
	all, err := v.rows(s, `JOIN (SELECT x.name, MAX(x.version) AS version FROM `+s.engine.strs()+` p CROSS JOIN versions x
		WHERE x.workspace = ? AND x.name = p.id AND x.stage <> ? GROUP BY x.name, x.stage) top ON top.name = r.name AND top.version = r.version
		WHERE r.workspace = ? ORDER BY r.name, r.version`, s.engine.list(list), string(trimtab.CallOf(s.ctx).Workspace), trimtab.DeletedStage, string(trimtab.CallOf(s.ctx).Workspace))
	if err != nil {
		return nil, err
	}
	out := map[trimtab.ModelName][]trimtab.ModelVersion{}
	for _, row := range all {
		out[row.Model] = append(out[row.Model], row.ModelVersion)
	}
	return out, nil
}

// ByAttempt returns the versions that attempts of a pipeline run registered and
// that are not deleted, ordered by creation.
func (v *Versions) ByAttempt(ctx context.Context, run trimtab.PipelineRunID) (out []trimtab.ModelVersion, err error) {
	defer trimtab.Wrap(&err, "Versions.ByAttempt(%s)", run)
	err = v.db.read(ctx, func(q *Query) error {
		// "." sorts just before "/": all that begins with RUN and a dot.
		all, err := v.rows(&q.session, "WHERE r.workspace = ? AND r.attempt > ? AND r.attempt < ? AND r.attempt <> '' AND r.stage <> ? ORDER BY r.created, r.name, r.version",
			string(trimtab.CallOf(ctx).Workspace), string(run)+".", string(run)+"/", trimtab.DeletedStage)
		out = make([]trimtab.ModelVersion, len(all))
		for i, row := range all {
			out[i] = row.ModelVersion
		}
		return err
	})
	return out, err
}
