package client

import (
	"context"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// Changes lists applies before an index (0: the end), newest first, and what
// differs from what each source declared last.
func (c *Client) Changes(ctx context.Context, before int64, limit int) (out view.ChangesPage, err error) {
	err = c.call(ctx, request{method: "GET", path: "/changes", query: query("before", number(int(before)), "limit", number(limit)), again: true}, &out)
	return out, err
}

// Change shows an apply by the index of its first journal entry.
func (c *Client) Change(ctx context.Context, id int64) (out view.ChangePage, err error) {
	err = c.call(ctx, request{method: "GET", path: "/changes/" + strconv.FormatInt(id, 10), again: true}, &out)
	return out, err
}

// PlanUndo says what the way back from an apply would do.
func (c *Client) PlanUndo(ctx context.Context, id int64) (out view.ChangePlan, err error) {
	err = c.call(ctx, request{method: "POST", path: "/changes/" + strconv.FormatInt(id, 10) + "/undo/plan", body: struct{}{}, again: true}, &out)
	return out, err
}

// Undo goes back to what was declared before an apply. It is Conflict when the
// plan that was agreed to is stale.
func (c *Client) Undo(ctx context.Context, id int64, manager string, expect trimtab.Digest) (out view.ChangePlan, err error) {
	err = c.call(ctx, request{method: "POST", path: "/changes/" + strconv.FormatInt(id, 10) + "/undo", body: map[string]string{"manager": manager, "expect": string(expect)}}, &out)
	return out, err
}

// PlanText says what an apply of declarations in YAML would do.
func (c *Client) PlanText(ctx context.Context, r view.ChangeRequest) (out view.ChangePlan, err error) {
	err = c.call(ctx, request{method: "POST", path: "/changes/plan", body: r, again: true}, &out)
	return out, err
}

// ApplyText applies declarations in YAML. It is Conflict when the plan that was
// agreed to is stale.
func (c *Client) ApplyText(ctx context.Context, r view.ChangeRequest) (out view.ChangePlan, err error) {
	err = c.call(ctx, request{method: "POST", path: "/changes/apply", body: r}, &out)
	return out, err
}
