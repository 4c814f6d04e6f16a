package api

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// Channels sends test messages. A receiver that does not take one is a result, not an error.
type Channels interface {
	Test(ctx context.Context, name string) (trimtab.ChannelTest, error)
}

// Deliveries reads the messages to channels.
type Deliveries interface {
	List(ctx context.Context, q trimtab.DocumentQuery) ([]trimtab.Delivery, error)
}

// farthestDelivery is how many of the newest deliveries are looked through for those in a state.
const farthestDelivery = 10_000

func (t *table) channels() {
	add(t, operation{id: "testChannel", method: "POST", path: "/channels/{name}/test", summary: "Send a test message to a channel", auth: route.Writer},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name string `path:"name" example:"oncall"`
		}) (trimtab.ChannelTest, error) {
			if t.cfg.Channels == nil {
				return trimtab.ChannelTest{}, absent("channels")
			}
			return t.cfg.Channels.Test(ctx, in.Name)
		})
	add(t, operation{id: "listDeliveries", method: "GET", path: "/deliveries", summary: "List messages to channels, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Channel string `query:"channel" doc:"Only to this channel."`
			State   string `query:"state" enum:"pending,sent,failed" doc:"Only in this state."`
			Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many items at most."`
		}) (view.List[trimtab.Delivery], error) {
			out := view.List[trimtab.Delivery]{Items: []trimtab.Delivery{}}
			if t.cfg.Deliveries == nil {
				return out, absent("channels")
			}
			q := trimtab.DocumentQuery{Scope: in.Channel, Open: in.State == trimtab.DeliveryPending, Limit: in.Limit}
			if in.State == trimtab.DeliverySent || in.State == trimtab.DeliveryFailed {
				q.Limit = farthestDelivery
			}
			all, err := t.cfg.Deliveries.List(ctx, q)
			for _, d := range all {
				if in.State == "" || d.State == in.State {
					out.Items = append(out.Items, d)
				}
				if len(out.Items) == in.Limit {
					break
				}
			}
			return out, err
		})
}
