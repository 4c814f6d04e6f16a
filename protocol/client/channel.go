package client

import (
	"context"
	"net/url"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// TestChannel sends a test message to a channel; NotFound when there is none of the
// name. A receiver that does not take it is a result, not an error.
func (c *Client) TestChannel(ctx context.Context, name string) (out trimtab.ChannelTest, err error) {
	err = c.call(ctx, request{method: "POST", path: "/channels/" + url.PathEscape(name) + "/test"}, &out)
	return out, err
}

// Deliveries lists messages to channels, the newest first; channel and state "" mean
// all, limit 0 means 50.
func (c *Client) Deliveries(ctx context.Context, channel, state string, limit int) ([]trimtab.Delivery, error) {
	var out view.List[trimtab.Delivery]
	err := c.call(ctx, request{method: "GET", path: "/deliveries", query: query("channel", channel, "state", state, "limit", number(limit)), again: true}, &out)
	return out.Items, err
}
