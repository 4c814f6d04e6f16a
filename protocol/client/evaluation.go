package client

import (
	"context"
	"net/url"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// Evaluate says what is evaluated: Suite "" is the only one of the model, or the built-in one over Monitor; At "" is the
// newest moment at which a window had matured.
type Evaluate struct {
	Model   trimtab.ModelName `json:"model"`
	Version trimtab.Version   `json:"version"`
	Suite   string            `json:"suite,omitempty"`
	Monitor string            `json:"monitor,omitempty"`
	At      string            `json:"at,omitempty"`
	Again   bool              `json:"again,omitempty"`
}

// Evaluate evaluates a version. Of one suite, version and moment there is one evaluation: asking twice is the same.
func (c *Client) Evaluate(ctx context.Context, e Evaluate) (out trimtab.Evaluation, err error) {
	err = c.call(ctx, request{method: "POST", path: "/evaluations", body: e, again: true}, &out)
	return out, err
}

// Evaluations lists evaluations, the newest first; model "" means all.
func (c *Client) Evaluations(ctx context.Context, model trimtab.ModelName, limit int) ([]trimtab.Evaluation, error) {
	var out view.List[trimtab.Evaluation]
	err := c.call(ctx, request{method: "GET", path: "/evaluations", query: query("model", string(model), "limit", number(limit)), again: true}, &out)
	return out.Items, err
}

// Evaluation shows an evaluation; NotFound when there is none.
func (c *Client) Evaluation(ctx context.Context, id string) (out trimtab.Evaluation, err error) {
	err = c.call(ctx, request{method: "GET", path: "/evaluations/" + url.PathEscape(id), again: true}, &out)
	return out, err
}
