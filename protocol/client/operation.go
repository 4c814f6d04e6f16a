package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/storage/journal"
)

// Resources lists declared resources; kind "" means all.
func (c *Client) Resources(ctx context.Context, kind string) ([]view.Resource, error) {
	var out view.List[view.Resource]
	err := c.call(ctx, request{method: "GET", path: "/resources", query: query("kind", kind), again: true}, &out)
	return out.Items, err
}

// Resource shows a declared resource; NotFound when there is none.
func (c *Client) Resource(ctx context.Context, kind, name string) (out view.Resource, err error) {
	err = c.call(ctx, request{method: "GET", path: "/resources/" + url.PathEscape(kind) + "/" + url.PathEscape(name), again: true}, &out)
	return out, err
}

// Plan says what an apply of the proposal would do.
func (c *Client) Plan(ctx context.Context, p view.Proposal) (out plan.Answer, err error) {
	err = c.call(ctx, request{method: "POST", path: "/plan", body: p, again: true}, &out)
	return out, err
}

// Apply makes the proposal true and returns what was done. It is Conflict when
// the plan that was expected is stale.
func (c *Client) Apply(ctx context.Context, p view.Proposal) (out plan.Answer, err error) {
	err = c.call(ctx, request{method: "POST", path: "/apply", body: p}, &out)
	return out, err
}

// HasBlob reports whether the server stores an object.
func (c *Client) HasBlob(ctx context.Context, d trimtab.Digest) (bool, error) {
	err := c.call(ctx, request{method: "HEAD", path: "/blobs/" + url.PathEscape(string(d)), again: true}, nil)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// PutBlob uploads an object under its digest; size -1 means unknown.
func (c *Client) PutBlob(ctx context.Context, d trimtab.Digest, r io.Reader, size int64) error {
	return c.call(ctx, request{method: "PUT", path: "/blobs/" + url.PathEscape(string(d)), raw: r, size: size}, nil)
}

// VersionFile reads one file of a model version, as it was frozen; NotFound when
// the version has no such file. The caller closes it.
func (c *Client) VersionFile(ctx context.Context, name trimtab.ModelName, v trimtab.Version, path string) (io.ReadCloser, error) {
	var escaped []string
	for part := range strings.SplitSeq(path, "/") {
		escaped = append(escaped, url.PathEscape(part))
	}
	res, err := c.send(ctx, request{method: "GET", again: true,
		root: "/api/2.0/mlflow-artifacts/artifacts/versions/" + url.PathEscape(string(name)) + "/" + strconv.FormatInt(int64(v), 10) + "/" + strings.Join(escaped, "/")})
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// StartPipeline starts a pipeline run.
func (c *Client) StartPipeline(ctx context.Context, s view.StartRun) (out view.PipelineRun, err error) {
	err = c.call(ctx, request{method: "POST", path: "/pipelineruns", body: s}, &out)
	return out, err
}

// PipelineRuns lists one page of pipeline runs, newest first; pipeline "" means all.
func (c *Client) PipelineRuns(ctx context.Context, pipeline string, limit int, after trimtab.PageToken) (out view.List[view.PipelineRun], err error) {
	err = c.call(ctx, request{method: "GET", path: "/pipelineruns", query: query("pipeline", pipeline, "limit", number(limit), "after", string(after)), again: true}, &out)
	return out, err
}

// PipelineRun shows a pipeline run with steps and attempts.
func (c *Client) PipelineRun(ctx context.Context, id trimtab.PipelineRunID) (out view.PipelineRun, err error) {
	err = c.call(ctx, request{method: "GET", path: "/pipelineruns/" + url.PathEscape(string(id)), again: true}, &out)
	return out, err
}

// CancelPipeline asks a pipeline run to stop. Asking twice is the same.
func (c *Client) CancelPipeline(ctx context.Context, id trimtab.PipelineRunID, reason string) (out view.PipelineRun, err error) {
	err = c.call(ctx, request{method: "POST", path: "/pipelineruns/" + url.PathEscape(string(id)) + "/cancel", body: map[string]string{"reason": reason}, again: true}, &out)
	return out, err
}

// ExplainPipeline says why each step ran or came from the cache.
func (c *Client) ExplainPipeline(ctx context.Context, id trimtab.PipelineRunID) ([]view.Explanation, error) {
	var out view.List[view.Explanation]
	err := c.call(ctx, request{method: "GET", path: "/pipelineruns/" + url.PathEscape(string(id)) + "/explain", again: true}, &out)
	return out.Items, err
}

// StepLogs reads what a step printed; attempt 0 is the newest. With follow it
// goes on until the attempt has ended. The caller closes it.
func (c *Client) StepLogs(ctx context.Context, id trimtab.PipelineRunID, step string, attempt int, follow bool) (io.ReadCloser, error) {
	q := query("attempt", number(attempt))
	if follow {
		q.Set("follow", "true")
	}
	res, err := c.send(ctx, request{method: "GET", path: "/pipelineruns/" + url.PathEscape(string(id)) + "/steps/" + url.PathEscape(step) + "/logs", query: q, again: true})
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// Runs lists the newest runs.
func (c *Client) Runs(ctx context.Context, limit int) ([]view.Run, error) {
	var out view.List[view.Run]
	err := c.call(ctx, request{method: "GET", path: "/runs", query: query("limit", number(limit)), again: true}, &out)
	return out.Items, err
}

// Run shows a run.
func (c *Client) Run(ctx context.Context, id trimtab.RunID) (out view.Run, err error) {
	err = c.call(ctx, request{method: "GET", path: "/runs/" + url.PathEscape(string(id)), again: true}, &out)
	return out, err
}

// Models lists registered models, without their versions.
func (c *Client) Models(ctx context.Context) ([]view.Model, error) {
	var out view.List[view.Model]
	err := c.call(ctx, request{method: "GET", path: "/models", again: true}, &out)
	return out.Items, err
}

// Model shows a registered model with its versions.
func (c *Client) Model(ctx context.Context, name trimtab.ModelName) (out view.Model, err error) {
	err = c.call(ctx, request{method: "GET", path: "/models/" + url.PathEscape(string(name)), again: true}, &out)
	return out, err
}

// MoveAlias points an alias to a version, or removes it with version 0. Moving
// it twice is the same.
func (c *Client) MoveAlias(ctx context.Context, name trimtab.ModelName, m view.MoveAlias) (out view.Model, err error) {
	err = c.call(ctx, request{method: "POST", path: "/models/" + url.PathEscape(string(name)) + "/aliases", body: m, again: true}, &out)
	return out, err
}

// Endpoints lists endpoints as they are.
func (c *Client) Endpoints(ctx context.Context) ([]view.Endpoint, error) {
	var out view.List[view.Endpoint]
	err := c.call(ctx, request{method: "GET", path: "/endpoints", again: true}, &out)
	return out.Items, err
}

// Endpoint shows an endpoint as it is.
func (c *Client) Endpoint(ctx context.Context, name string) (out view.Endpoint, err error) {
	err = c.call(ctx, request{method: "GET", path: "/endpoints/" + url.PathEscape(name), again: true}, &out)
	return out, err
}

// ExportEndpoint reads predictions and labels as Parquet; zero times leave a
// side open. The caller closes it.
func (c *Client) ExportEndpoint(ctx context.Context, name string, from, to trimtab.Time) (io.ReadCloser, error) {
	res, err := c.send(ctx, request{method: "GET", path: "/endpoints/" + url.PathEscape(name) + "/export", query: query("from", from.String(), "to", to.String()), again: true})
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// StartReplay starts a replay, or finds the one of the same endpoint, data, span
// and faults; so it may be sent again.
func (c *Client) StartReplay(ctx context.Context, s view.StartReplay) (out view.Replay, err error) {
	err = c.call(ctx, request{method: "POST", path: "/replays", body: s, again: true}, &out)
	return out, err
}

// PlanReplay shows how many rows each fault would hit. Nothing is started.
func (c *Client) PlanReplay(ctx context.Context, s view.StartReplay) ([]trimtab.FaultReach, error) {
	var out view.List[trimtab.FaultReach]
	err := c.call(ctx, request{method: "POST", path: "/replays/plan", body: s, again: true}, &out)
	return out.Items, err
}

// Replays lists the last replay of each endpoint; endpoint "" means all.
func (c *Client) Replays(ctx context.Context, endpoint string) ([]view.Replay, error) {
	var out view.List[view.Replay]
	err := c.call(ctx, request{method: "GET", path: "/replays", query: query("endpoint", endpoint), again: true}, &out)
	return out.Items, err
}

// Replay shows a replay with its progress.
func (c *Client) Replay(ctx context.Context, id trimtab.ReplayID) (out view.Replay, err error) {
	err = c.call(ctx, request{method: "GET", path: "/replays/" + url.PathEscape(string(id)), again: true}, &out)
	return out, err
}

// CancelReplay asks a replay to stop. Asking twice is the same.
func (c *Client) CancelReplay(ctx context.Context, id trimtab.ReplayID, reason string) (out view.Replay, err error) {
	err = c.call(ctx, request{method: "POST", path: "/replays/" + url.PathEscape(string(id)) + "/cancel", body: map[string]string{"reason": reason}, again: true}, &out)
	return out, err
}

// Windows lists what a monitor found, oldest first.
func (c *Client) Windows(ctx context.Context, monitor string) ([]trimtab.WindowResult, error) {
	var out view.List[trimtab.WindowResult]
	err := c.call(ctx, request{method: "GET", path: "/monitors/" + url.PathEscape(monitor) + "/windows", again: true}, &out)
	return out.Items, err
}

// Overview shows the project on one page, with what needs attention.
func (c *Client) Overview(ctx context.Context) (out view.Overview, err error) {
	err = c.call(ctx, request{method: "GET", path: "/overview", again: true}, &out)
	return out, err
}

// Journal lists entries before an index (0: the end), newest first.
func (c *Client) Journal(ctx context.Context, before int64, limit int) ([]view.Entry, error) {
	q := query("limit", number(limit))
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	var out view.List[view.Entry]
	err := c.call(ctx, request{method: "GET", path: "/journal", query: q, again: true}, &out)
	return out.Items, err
}

// JournalOf lists the entries of one object, newest first.
func (c *Client) JournalOf(ctx context.Context, kind, name string, limit int) ([]view.Entry, error) {
	var out view.List[view.Entry]
	err := c.call(ctx, request{method: "GET", path: "/journal", query: query("kind", kind, "name", name, "limit", number(limit)), again: true}, &out)
	return out.Items, err
}

// VerifyAudit lets the server verify its journal and every governed row.
func (c *Client) VerifyAudit(ctx context.Context) (out journal.Report, err error) {
	err = c.call(ctx, request{method: "POST", path: "/audit/verify", again: true}, &out)
	return out, err
}

// Prove asks for evidence of entries by their indices: their bytes, a signed checkpoint and the hashes from one to the
// other; and that the log extends the one of since entries, 0 for none.
func (c *Client) Prove(ctx context.Context, indices []int64, since int64) (out view.AuditEvidence, err error) {
	q := url.Values{}
	texts := make([]string, len(indices))
	for i, n := range indices {
		texts[i] = strconv.FormatInt(n, 10)
	}
	if len(texts) > 0 {
		q.Set("index", strings.Join(texts, ","))
	}
	if since > 0 {
		q.Set("since", strconv.FormatInt(since, 10))
	}
	err = c.call(ctx, request{method: "GET", path: "/audit/proofs", query: q, again: true}, &out)
	return out, err
}

// Events yields notices of what changes after an index (0: from now on) until
// ctx ends or the connection is lost, which is yielded as an error. A notice of
// kind "reset" comes first when the index is too long ago: what was between is in
// the journal. Notices of progress have no Action.
func (c *Client) Events(ctx context.Context, after int64) iter.Seq2[view.Notice, error] {
	return func(yield func(view.Notice, error) bool) {
		r := request{method: "GET", path: "/overview/events", again: true}
		if after > 0 {
			r.lastEvent = strconv.FormatInt(after, 10)
		}
		res, err := c.send(ctx, r)
		if err != nil {
			yield(view.Notice{}, err)
			return
		}
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(make([]byte, 0, 64<<10), 1<<20)
		for lines.Scan() {
			data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
			if !ok {
				continue
			}
			var n view.Notice
			if err := json.Unmarshal(data, &n); err != nil {
				yield(n, trimtab.Errorf(trimtab.Unsupported, "event", "an event cannot be read: %v", err))
				return
			}
			if n.Kind == "head" {
				continue // where the stream begins, which is no change
			}
			if !yield(n, nil) {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		err = lines.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		yield(view.Notice{}, c.lost(ctx, err))
	}
}

// query builds parameters of those pairs whose value is not empty.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// LabelReceipt says what became of labels that were pushed: how many joined a
// prediction, how many found none yet, how many repeated what was known, and how
// many came after their window had closed.
type LabelReceipt struct {
	Matched   int64 `json:"matched"`
	Unmatched int64 `json:"unmatched"`
	Repeated  int64 `json:"repeated"`
	Late      int64 `json:"late"`
}

// PushLabels sends labels to an endpoint as CSV or JSON, as the content type
// says. Pushing them twice counts them as repeated.
func (c *Client) PushLabels(ctx context.Context, endpoint, contentType string, labels []byte) (out LabelReceipt, err error) {
	err = c.call(ctx, request{method: "POST", root: "/endpoints/" + url.PathEscape(endpoint) + "/labels", content: labels, contentType: contentType, again: true}, &out)
	return out, err
}
