package api

import (
	"context"
	"net/http"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// ReplayIn names a replay.
type ReplayIn struct {
	ProjectIn
	ID string `path:"id" example:"rp-0123456789abcdef"`
}

type replayIn struct {
	ProjectIn
	Body view.StartReplay
}

func (t *table) replays() {
	add(t, operation{id: "startReplay", method: "POST", path: "/replays", summary: "Replay a source through an endpoint, or resume it", auth: route.Writer, status: http.StatusCreated},
		func(ctx context.Context, in *replayIn) (view.Replay, error) {
			if t.cfg.Replays == nil {
				return view.Replay{}, absent("replay")
			}
			r, resumed, err := t.cfg.Replays.Start(ctx, in.Body)
			v := view.OfReplay(r)
			v.Resumed = resumed
			return v, err
		})
	add(t, operation{id: "planReplay", method: "POST", path: "/replays/plan", summary: "Show how many rows each fault of a replay would hit, and send nothing", auth: route.Writer},
		func(ctx context.Context, in *replayIn) (view.List[trimtab.FaultReach], error) {
			out := view.List[trimtab.FaultReach]{Items: []trimtab.FaultReach{}}
			if t.cfg.Replays == nil {
				return out, absent("replay")
			}
			reach, err := t.cfg.Replays.Plan(ctx, in.Body)
			out.Items = append(out.Items, reach...)
			return out, err
		})
	add(t, operation{id: "listReplays", method: "GET", path: "/replays", summary: "List the last replay of each endpoint", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Endpoint string `query:"endpoint" doc:"Only this endpoint."`
		}) (view.List[view.Replay], error) {
			if t.cfg.Replays == nil {
				return view.List[view.Replay]{}, absent("replay")
			}
			names := []string{in.Endpoint}
			if in.Endpoint == "" {
				all, err := t.cfg.Resources.List(ctx, trimtab.KindEndpoint)
				if err != nil {
					return view.List[view.Replay]{}, err
				}
				names = names[:0]
				for _, r := range all {
					names = append(names, r.Name)
				}
			}
			items, err := t.lastReplays(ctx, names)
			return view.List[view.Replay]{Items: items}, err
		})
	add(t, operation{id: "getReplay", method: "GET", path: "/replays/{id}", summary: "Show a replay with its progress", auth: route.Reader},
		func(ctx context.Context, in *ReplayIn) (view.Replay, error) {
			if t.cfg.Replays == nil {
				return view.Replay{}, absent("replay")
			}
			r, err := t.cfg.Replays.Get(ctx, trimtab.ReplayID(in.ID))
			return view.OfReplay(r), err
		})
	add(t, operation{id: "cancelReplay", method: "POST", path: "/replays/{id}/cancel", summary: "Cancel a replay", auth: route.Writer},
		func(ctx context.Context, in *struct {
			ReplayIn
			Body reasonBody
		}) (view.Replay, error) {
			if t.cfg.Replays == nil {
				return view.Replay{}, absent("replay")
			}
			id := trimtab.ReplayID(in.ID)
			if err := t.cfg.Replays.Cancel(ctx, id, in.Body.Reason); err != nil {
				return view.Replay{}, err
			}
			r, err := t.cfg.Replays.Get(ctx, id)
			return view.OfReplay(r), err
		})
}

func (t *table) lastReplays(ctx context.Context, endpoints []string) ([]view.Replay, error) {
	out := []view.Replay{}
	for _, name := range endpoints {
		r, err := t.cfg.Replays.Last(ctx, name)
		switch {
		case trimtab.IsKind(err, trimtab.NotFound):
		case err != nil:
			return out, err
		default:
			out = append(out, view.OfReplay(r))
		}
	}
	return out, nil
}
