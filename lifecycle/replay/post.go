package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
)

// giveUp is how long an endpoint may be without a version before the replay fails.
const giveUp = 5 * time.Minute

// post sends items [lo, hi) as one request and adds what was taken to sent. Items
// that the endpoint refuses are found by halving and counted as failed; nothing
// else is lost for them.
func (d *drive) post(ctx context.Context, path string, lo, hi int, body func(b []byte, lo, hi int) []byte, sent *int64) error {
	if lo >= hi {
		return nil
	}
	err := d.deliver(ctx, path, body(nil, lo, hi))
	switch {
	case err == nil:
		*sent += int64(hi - lo)
		return nil
	case !trimtab.IsKind(err, trimtab.Invalid):
		return err
	case hi-lo == 1:
		d.x.Failed++
		if path == "invocations" && d.refusal == "" {
			d.refusal = trimtab.Message(err)
		}
		d.cfg.Log.WarnContext(ctx, "a replayed item was refused", "replay", d.x.ID, "endpoint", d.x.Endpoint, "path", path, "error", err)
		return nil
	}
	mid := (lo + hi) / 2
	if err := d.post(ctx, path, lo, mid, body, sent); err != nil {
		return err
	}
	return d.post(ctx, path, mid, hi, body, sent)
}

// deliver sends a body until it is taken or refused; what passes is tried again.
func (d *drive) deliver(ctx context.Context, path string, body []byte) error {
	pause := 50 * time.Millisecond
	var waited time.Duration
	for {
		err := d.request(ctx, path, body)
		if err == nil || !trimtab.IsKind(err, trimtab.Unavailable) && !trimtab.IsKind(err, trimtab.Exhausted) {
			return err
		}
		if waited > giveUp {
			return &fatal{err}
		}
		if err := d.renew(ctx); err != nil {
			return err
		}
		if err := rest(ctx, pause); err != nil {
			return err
		}
		waited += pause
		pause = min(2*pause, 5*time.Second)
	}
}

// request is one HTTP request; its error has the kind of the status.
func (d *drive) request(ctx context.Context, path string, body []byte) error {
	u := d.cfg.URL + "/endpoints/" + url.PathEscape(d.x.Endpoint) + "/" + path
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, bytes.NewReader(body))
	if err != nil {
		return &fatal{err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Trimtab-Replay-Fence", strconv.FormatInt(d.fence, 10))
	req.Header.Set("X-MLFLOW-WORKSPACE", string(d.x.Workspace))
	resp, err := d.cfg.Client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "endpoint " + d.x.Endpoint, Msg: "the server does not answer", Err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode == http.StatusOK {
		if path == "invocations" {
			// Only a whole answer says that the rows are logged; draining it keeps the connection.
			if _, e := io.Copy(io.Discard, resp.Body); e != nil && err == nil {
				err = e
			}
		}
		if err != nil {
			return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "endpoint " + d.x.Endpoint, Msg: "the server's answer broke off", Err: err}
		}
		return nil
	}
	var said struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	_ = json.Unmarshal(answer, &said) // another shape leaves the status alone to say it
	if said.Message == "" {
		said.Message = said.Error
	}
	if said.Message == "" {
		said.Message = fmt.Sprintf("the endpoint answers %s", resp.Status)
	}
	e := &trimtab.Error{Subject: "endpoint " + d.x.Endpoint, Msg: said.Message}
	switch code := resp.StatusCode; {
	case code == http.StatusBadRequest || code == http.StatusRequestEntityTooLarge || code == http.StatusUnprocessableEntity:
		e.Kind = trimtab.Invalid
	case code == http.StatusNotFound:
		// The endpoint is declared, for the replay has read it: the data plane has not loaded it yet.
		e.Kind = trimtab.Unavailable
	case code == http.StatusConflict:
		e.Kind, e.Err = trimtab.Conflict, errLost
	case code == http.StatusTooManyRequests:
		e.Kind = trimtab.Exhausted
	case code >= 500 && code != http.StatusNotImplemented:
		e.Kind = trimtab.Unavailable
	default:
		return &fatal{e}
	}
	return e
}
