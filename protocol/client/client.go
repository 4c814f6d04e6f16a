package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/trimtab/trimtab"
)

const base = "/api/trimtab/v1alpha1/"

// Limits and patience of a call.
const (
	maxAnswer = 64 << 20 // bytes of one JSON answer
	tries     = 4        // of a call that may be repeated
	pause     = 150 * time.Millisecond
)

// Client calls one server in one project. It is safe for concurrent use.
type Client struct {
	target Target
	http   *http.Client
	sleep  func(ctx context.Context, d time.Duration) error
}

// New makes a client. httpClient nil means one without a timeout of its own:
// logs and events are followed for as long as the context lives.
func New(t Target, httpClient *http.Client) *Client {
	if httpClient == nil {
		httpClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second}}
	}
	return &Client{target: t, http: httpClient, sleep: sleep}
}

// Target is what the client calls.
func (c *Client) Target() Target { return c.target }

// Project returns a client of the same server in another project.
func (c *Client) Project(p trimtab.Workspace) *Client {
	d := *c
	d.target.Project = p
	return &d
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// request is one call.
type request struct {
	method, path string // path below the project
	query        url.Values
	body         any       // encoded as JSON
	raw          io.Reader // or sent as it is
	size         int64     // of raw, when known
	again        bool      // the call may be repeated without harm
	root         string    // path from the server's root instead of path; the project goes into a header
	content      []byte    // body of that content type instead of body
	contentType  string
	lastEvent    string // where a stream of events goes on
}

// call sends the request and decodes the answer into out, nil to drop it.
func (c *Client) call(ctx context.Context, r request, out any) error {
	res, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return c.lost(ctx, err)
	}
	if len(raw) > maxAnswer {
		return trimtab.Errorf(trimtab.Exhausted, "answer", "the answer of the server is larger than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return &trimtab.Error{Kind: trimtab.Unsupported, Subject: "answer", Msg: fmt.Sprintf("the answer of %s is not one of this API: is it a trimtab server of this version?", c.target.Server), Err: err}
	}
	return nil
}

// send returns the answer of a call that succeeded; the caller closes its body.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	body := r.content
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return nil, err
		}
	}
	for attempt := 1; ; attempt++ {
		res, err := c.once(ctx, r, body)
		if err == nil {
			return res, nil
		}
		if !r.again || r.raw != nil || attempt == tries || !trimtab.IsKind(err, trimtab.Unavailable) || ctx.Err() != nil {
			return nil, err
		}
		wait := pause << (attempt - 1)
		if e, ok := errors.AsType[*trimtab.Error](err); ok && e.RetryAfter > wait {
			wait = min(e.RetryAfter, 5*time.Second)
		}
		if c.sleep(ctx, wait) != nil {
			return nil, err
		}
	}
}

func (c *Client) once(ctx context.Context, r request, body []byte) (*http.Response, error) {
	target := c.target.Server + base + url.PathEscape(string(c.target.Project)) + r.path
	if r.root != "" {
		target = c.target.Server + r.root
	}
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	content := r.raw
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, content)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "request", "%v", err)
	}
	switch {
	case r.contentType != "":
		req.Header.Set("Content-Type", r.contentType)
	case body != nil:
		req.Header.Set("Content-Type", "application/json")
	case r.raw != nil:
		req.Header.Set("Content-Type", "application/octet-stream")
		req.ContentLength = r.size
	}
	req.Header.Set("Accept", "application/json, */*")
	if r.lastEvent != "" {
		req.Header.Set("Last-Event-ID", r.lastEvent)
	}
	if r.root != "" {
		req.Header.Set("X-MLFLOW-WORKSPACE", string(c.target.Project))
	}
	if c.target.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.target.Token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	return nil, c.refused(res)
}

// lost turns a failure of the connection into an error that says what to do.
func (c *Client) lost(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return &trimtab.Error{Kind: trimtab.Canceled, Subject: "request", Msg: "stopped", Err: ctx.Err()}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "server", Msg: fmt.Sprintf("no server at %s: start one with `trimtab server`, or name another with --server or TRIMTAB_SERVER", c.target.Server)}
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "server", Msg: fmt.Sprintf("the server at %s cannot be reached: %v", c.target.Server, err)}
}

// refused reads the error that the server answered.
func (c *Client) refused(res *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	var body struct {
		Error     string `json:"error"`
		Kind      string `json:"kind"`
		RequestID string `json:"requestId"`
		Message   string `json:"message"` // how the MLflow front says it
	}
	e := &trimtab.Error{Kind: kindOf(res.StatusCode), Subject: "server"}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	if json.Unmarshal(raw, &body) == nil && body.Error != "" {
		if k, ok := kindNamed(body.Kind); ok {
			e.Kind = k
		}
		e.Msg = body.Error
		if e.Kind == trimtab.Internal {
			// The text of an internal error never leaves the server; what is left is its id.
			e.Kind, e.Msg = trimtab.Unsupported, fmt.Sprintf("the server failed; its log has the details under the request id %s", body.RequestID)
		}
		return e
	}
	if e.Kind != trimtab.Internal && body.Message != "" {
		e.Msg = body.Message
		return e
	}
	text := strings.TrimSpace(string(raw))
	if len(text) > 200 || strings.HasPrefix(text, "<") {
		text = ""
	}
	e.Msg = strings.TrimSuffix(fmt.Sprintf("%s answered %s: %s", c.target.Server, res.Status, text), ": ")
	if res.StatusCode == http.StatusNotFound && res.Request.Method != http.MethodHead {
		e.Msg += "; is it a trimtab server?"
	}
	return e
}

func kindNamed(name string) (trimtab.Kind, bool) {
	for k := trimtab.Internal; k <= trimtab.Unsupported; k++ {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}

// kindOf is the kind of an answer without a body of ours, for example of a proxy.
func kindOf(status int) trimtab.Kind {
	switch status {
	case http.StatusNotFound:
		return trimtab.NotFound
	case http.StatusUnauthorized:
		return trimtab.Unauthenticated
	case http.StatusForbidden:
		return trimtab.Denied
	case http.StatusConflict:
		return trimtab.Conflict
	case http.StatusTooManyRequests:
		return trimtab.Exhausted
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return trimtab.Unavailable
	}
	if status >= 500 {
		return trimtab.Unsupported
	}
	return trimtab.Invalid
}
