package api

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

const (
	trafficStep = 5 * time.Second // of the data plane
	recentSteps = 179             // that are over, of 15 minutes
	// maxLive bounds the open streams of a server.
	maxLive = 256
)

// TrafficIn says whose traffic is told.
type TrafficIn struct {
	ProjectIn
	Endpoint string `query:"endpoint" doc:"Only of this endpoint, with its versions."`
}

// liveTraffic tells what endpoints answered in the last 15 minutes, once or as it goes on.
func (t *table) liveTraffic() {
	add(t, operation{id: "getRecentTraffic", method: "GET", path: "/traffic/recent", summary: "Show what endpoints answered in the last 15 minutes, by steps of 5 seconds", auth: route.Reader},
		func(ctx context.Context, in *TrafficIn) (view.RecentTraffic, error) {
			if err := t.hasTraffic(ctx, in.Endpoint); err != nil {
				return view.RecentTraffic{}, err
			}
			return t.cfg.EndpointPages.Plane.Recent(ctx, in.Endpoint, recentSteps), nil
		})
	var open atomic.Int64
	stream(t, operation{id: "followTraffic", method: "GET", path: "/traffic/live", summary: "Follow what endpoints answer: the last 15 minutes, then each step of 5 seconds, as events", auth: route.Reader, content: "text/event-stream"},
		func(ctx context.Context, in *TrafficIn, w http.ResponseWriter, r *http.Request) error {
			if err := t.hasTraffic(ctx, in.Endpoint); err != nil {
				return err
			}
			if open.Add(1) > maxLive {
				open.Add(-1)
				return &trimtab.Error{Kind: trimtab.Exhausted, Subject: "traffic", Msg: "too many pages follow the traffic of this server; close some of them", RetryAfter: 5 * time.Second}
			}
			defer open.Add(-1)
			out, err := route.Stream(w, r)
			if err != nil {
				return err
			}
			t.follow(ctx, in.Endpoint, out)
			return nil // that the client has gone is how a stream ends
		})
}

// follow sends everything, then each step when it is over.
func (t *table) follow(ctx context.Context, endpoint string, out *route.Events) {
	if out.Send("all", "", t.cfg.EndpointPages.Plane.Recent(ctx, endpoint, recentSteps)) != nil {
		return
	}
	tick := time.NewTimer(untilStep(time.Now()))
	defer tick.Stop()
	for {
		select {
		case <-out.Done():
			return
		case <-t.cfg.EndpointPages.Stop:
			return
		case <-tick.C:
		}
		if out.Send("step", "", t.cfg.EndpointPages.Plane.Recent(ctx, endpoint, 1)) != nil {
			return
		}
		tick.Reset(untilStep(time.Now()))
	}
}

// untilStep is how long the present step still lasts, and a little more for requests that end with it.
func untilStep(now time.Time) time.Duration {
	return now.Truncate(trafficStep).Add(trafficStep + 50*time.Millisecond).Sub(now)
}

func (t *table) hasTraffic(ctx context.Context, endpoint string) error {
	if t.cfg.EndpointPages.Plane == nil {
		return absent("data plane")
	}
	if endpoint == "" {
		return nil
	}
	_, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, endpoint)
	return err
}
