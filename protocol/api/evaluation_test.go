package api_test

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/evaluate"
)

// gate answers like one that has evaluated version 3 of flights once.
type gate struct{}

var anEvaluation = trimtab.Evaluation{Workspace: "default", ID: "flights/flights/3@2013-03-08T00:00:00Z", Suite: "flights", Model: "flights", Version: 3, Against: 2,
	At: 1362700800000, Rows: 900, Verdict: trimtab.VerdictPass, Reason: "all demands are met", SuiteHash: "sha256:01",
	Results: []trimtab.GateResult{{Gate: "auc nonInferior 0.01", On: "fresh", Metric: "auc", Challenger: 0.71, Champion: 0.7, Diff: 0.01, Lo: 0.001, Hi: 0.02, Rows: 900, Verdict: trimtab.VerdictPass}}}

func (gate) Run(_ context.Context, q evaluate.Request) (trimtab.Evaluation, error) {
	if q != (evaluate.Request{Suite: "flights", Model: "flights", Version: 3, At: anEvaluation.At}) {
		return trimtab.Evaluation{}, trimtab.Errorf(trimtab.Invalid, "evaluation", "asked for %+v", q)
	}
	return anEvaluation, nil
}

func (gate) Get(_ context.Context, id string) (trimtab.Evaluation, error) {
	if id != anEvaluation.ID {
		return trimtab.Evaluation{}, trimtab.Errorf(trimtab.NotFound, "evaluation "+id, "there is no evaluation %s", id)
	}
	return anEvaluation, nil
}

func (gate) List(_ context.Context, q trimtab.DocumentQuery) ([]trimtab.Evaluation, error) {
	if q.Scope != "flights" || q.Limit != 5 {
		return nil, nil
	}
	return []trimtab.Evaluation{anEvaluation}, nil
}
