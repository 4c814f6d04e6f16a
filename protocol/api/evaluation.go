package api

import (
	"context"
	"net/http"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/evaluate"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// Evaluator evaluates versions. Too little data is a verdict, not an error.
type Evaluator interface {
	Run(ctx context.Context, q evaluate.Request) (trimtab.Evaluation, error)
}

// Evaluations reads what was found.
type Evaluations interface {
	Get(ctx context.Context, id string) (trimtab.Evaluation, error)
	List(ctx context.Context, q trimtab.DocumentQuery) ([]trimtab.Evaluation, error)
}

// evaluationBody is what is asked of the gate.
type evaluationBody struct {
	Model   trimtab.ModelName `json:"model"`
	Version trimtab.Version   `json:"version" minimum:"1"`
	Suite   string            `json:"suite,omitempty" doc:"An EvaluationSuite; without one the only one of the model, or the built-in."`
	Monitor string            `json:"monitor,omitempty" doc:"The monitor whose rows the built-in suite takes."`
	At      string            `json:"at,omitempty" doc:"Rows and labels known by this moment; without it the newest at which a window had matured."`
	Again   bool              `json:"again,omitempty" doc:"Evaluate anew what was evaluated before."`
}

func (t *table) evaluations() {
	add(t, operation{id: "evaluate", method: "POST", path: "/evaluations", summary: "Evaluate a version: may it serve?", auth: route.Writer, status: http.StatusOK},
		func(ctx context.Context, in *struct {
			ProjectIn
			Body evaluationBody
		}) (trimtab.Evaluation, error) {
			if t.cfg.Evaluator == nil {
				return trimtab.Evaluation{}, absent("gate")
			}
			b := in.Body
			q := evaluate.Request{Suite: b.Suite, Monitor: b.Monitor, Model: b.Model, Version: b.Version, Again: b.Again}
			if b.At != "" {
				var err error
				if q.At, err = trimtab.ParseTime(b.At); err != nil {
					return trimtab.Evaluation{}, err
				}
			}
			return t.cfg.Evaluator.Run(ctx, q)
		})
	add(t, operation{id: "listEvaluations", method: "GET", path: "/evaluations", summary: "List evaluations, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Model string `query:"model" doc:"Only of this model."`
			Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many items at most."`
		}) (view.List[trimtab.Evaluation], error) {
			out := view.List[trimtab.Evaluation]{Items: []trimtab.Evaluation{}}
			if t.cfg.Evaluations == nil {
				return out, absent("gate")
			}
			items, err := t.cfg.Evaluations.List(ctx, trimtab.DocumentQuery{Scope: in.Model, Limit: in.Limit})
			out.Items = append(out.Items, items...)
			return out, err
		})
	add(t, operation{id: "getEvaluation", method: "GET", path: "/evaluations/{id}", summary: "Show an evaluation", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			ID string `path:"id" doc:"SUITE/MODEL/VERSION@AT, escaped." example:"flights%2Fflights%2F3@2013-03-08T00:00:00Z"`
		}) (trimtab.Evaluation, error) {
			if t.cfg.Evaluations == nil {
				return trimtab.Evaluation{}, absent("gate")
			}
			return t.cfg.Evaluations.Get(ctx, in.ID)
		})
}
