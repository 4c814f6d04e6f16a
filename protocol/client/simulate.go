package client

import (
	"bufio"
	"context"
	"encoding/json"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/retrain"
)

// Simulate replays recorded windows through a policy, which need not be declared; nothing is changed. progress is told
// how many windows were read.
func (c *Client) Simulate(ctx context.Context, q retrain.Replay, progress func(done, of int)) (out retrain.Replayed, err error) {
	body := map[string]any{"policy": q.Policy, "spec": q.Spec, "since": q.Since.String()}
	if q.Monitor != "" {
		body["monitor"] = q.Monitor
	}
	if q.Until != 0 {
		body["until"] = q.Until.String()
	}
	res, err := c.send(ctx, request{method: "POST", path: "/retrain/simulate", body: body, again: true})
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 64<<10), maxAnswer)
	for lines.Scan() {
		var l struct {
			Done, Of    int
			Result      *retrain.Replayed
			Kind, Error string
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return out, trimtab.Errorf(trimtab.Unsupported, "answer", "the answer of %s is not one of this API: is it a trimtab server of this version?", c.target.Server)
		}
		switch {
		case l.Error != "":
			kind, ok := kindNamed(l.Kind)
			if !ok {
				kind = trimtab.Internal
			}
			return out, trimtab.Errorf(kind, "policy "+q.Policy, "%s", l.Error)
		case l.Result != nil:
			return *l.Result, nil
		case progress != nil:
			progress(l.Done, l.Of)
		}
	}
	err = lines.Err()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return out, c.lost(ctx, err)
	}
	return out, trimtab.Errorf(trimtab.Unavailable, "server", "the server ended before it had an answer; its log says why")
}
