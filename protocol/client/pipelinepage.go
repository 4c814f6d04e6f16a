package client

import (
	"context"
	"net/url"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// Pipelines lists the pipelines with how their last runs went.
func (c *Client) Pipelines(ctx context.Context) ([]view.PipelineSummary, error) {
	var out view.List[view.PipelineSummary]
	err := c.call(ctx, request{method: "GET", path: "/pipelines", again: true}, &out)
	return out.Items, err
}

// Pipeline shows a pipeline with its steps and one page of its runs, newest first.
func (c *Client) Pipeline(ctx context.Context, name string, limit int, after trimtab.PageToken) (out view.PipelinePage, err error) {
	err = c.call(ctx, request{method: "GET", path: "/pipelines/" + url.PathEscape(name), query: query("limit", number(limit), "after", string(after)), again: true}, &out)
	return out, err
}

// ForeseePipeline says what a start would do with each step, and starts nothing.
func (c *Client) ForeseePipeline(ctx context.Context, s view.StartRun) ([]view.Prospect, error) {
	var out view.List[view.Prospect]
	err := c.call(ctx, request{method: "POST", path: "/pipelines/" + url.PathEscape(s.Pipeline) + "/foresee", body: s, again: true}, &out)
	return out.Items, err
}

// PipelineRunPage shows a run with steps, attempts and what it registered.
func (c *Client) PipelineRunPage(ctx context.Context, id trimtab.PipelineRunID) (out view.PipelineRunPage, err error) {
	err = c.call(ctx, request{method: "GET", path: "/pipelineruns/" + url.PathEscape(string(id)) + "/page", again: true}, &out)
	return out, err
}

// RetryPipeline runs again what did not succeed of a run. Of one run there is one
// retry: asking twice gives the same.
func (c *Client) RetryPipeline(ctx context.Context, id trimtab.PipelineRunID) (out view.PipelineRun, err error) {
	err = c.call(ctx, request{method: "POST", path: "/pipelineruns/" + url.PathEscape(string(id)) + "/retry", again: true}, &out)
	return out, err
}
