package notify

import (
	"context"
	"time"

	"github.com/trimtab/trimtab"
)

// Test sends a test message to a channel at once and says what became of it. A
// receiver that does not take it is a result, not an error; NotFound when there is
// no such channel.
func (n *Notifier) Test(ctx context.Context, name string) (t trimtab.ChannelTest, err error) {
	defer trimtab.Wrap(&err, "Notifier.Test(%s)", name)
	r, err := n.cfg.Resources.Get(ctx, trimtab.KindChannel, name)
	if err != nil {
		return t, err
	}
	spec, err := specOf(r)
	if err != nil {
		return t, err
	}
	began := time.Now()
	now := n.cfg.Clock()
	d := trimtab.Delivery{ID: name + "/test/" + now.String(), Channel: name, Group: "test/" + name, Event: "channel.test", Kind: "test", Severity: trimtab.Info,
		Title: "Test of channel " + name, Text: "Sent by " + trimtab.CallOf(ctx).Actor.ID + " to see whether messages arrive. Nothing is wrong.",
		Link: link(n.cfg.URL, "", r.Workspace), Created: now}
	p := &pass{Notifier: n, ws: r.Workspace, name: name, spec: spec}
	trouble := p.transmit(ctx, bundle{d}.message(r.Workspace))
	t = trimtab.ChannelTest{Channel: name, Sent: trouble == nil, Took: trimtab.Duration(time.Since(began).Round(time.Millisecond))}
	if trouble != nil {
		t.Error = trimtab.Message(trouble)
	}
	return t, nil
}
