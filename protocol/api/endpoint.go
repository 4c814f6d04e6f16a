package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/spec"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// EndpointIn names an endpoint.
type EndpointIn struct {
	ProjectIn
	Name string `path:"name"`
}

func (t *table) endpoints() {
	add(t, operation{id: "listEndpoints", method: "GET", path: "/endpoints", summary: "List endpoints as they are", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.List[view.Endpoint], error) {
			out := view.List[view.Endpoint]{Items: []view.Endpoint{}}
			all, err := t.cfg.Resources.List(ctx, trimtab.KindEndpoint)
			if err != nil {
				return out, err
			}
			for _, r := range all {
				v, err := t.endpoint(ctx, r)
				if err != nil {
					return out, err
				}
				out.Items = append(out.Items, v)
			}
			return out, nil
		})
	add(t, operation{id: "getEndpoint", method: "GET", path: "/endpoints/{name}", summary: "Show an endpoint: version, watermark, conditions, counts", auth: route.Reader},
		func(ctx context.Context, in *EndpointIn) (view.Endpoint, error) {
			r, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, in.Name)
			if err != nil {
				return view.Endpoint{}, err
			}
			return t.endpoint(ctx, r)
		})
	stream(t, operation{id: "exportEndpoint", method: "GET", path: "/endpoints/{name}/export", summary: "Export predictions and labels as Parquet", auth: route.Reader, content: "application/vnd.apache.parquet"},
		func(ctx context.Context, in *struct {
			EndpointIn
			From string `query:"from" doc:"Event time from here on."`
			To   string `query:"to" doc:"Event time before."`
		}, w http.ResponseWriter, _ *http.Request) error {
			if t.cfg.Traffic == nil {
				return absent("traffic log")
			}
			if _, err := t.cfg.Resources.Get(ctx, trimtab.KindEndpoint, in.Name); err != nil {
				return err
			}
			from, to, err := times(in.From, in.To)
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", "application/vnd.apache.parquet")
			w.Header().Set("Content-Disposition", "attachment")
			return t.cfg.Traffic.Export(ctx, in.Name, from, to, w)
		})
}

func times(from, to string) (a, b trimtab.Time, err error) {
	if from != "" {
		if a, err = trimtab.ParseTime(from); err != nil {
			return 0, 0, err
		}
	}
	if to != "" {
		b, err = trimtab.ParseTime(to)
	}
	return a, b, err
}

func (t *table) endpoint(ctx context.Context, r trimtab.Resource) (view.Endpoint, error) {
	var s trimtab.EndpointSpec
	if err := json.Unmarshal(r.Spec, &s); err != nil {
		return view.Endpoint{}, err
	}
	filled, err := spec.WithDefaults(r.Kind, r.Name, &s)
	if err != nil {
		return view.Endpoint{}, err
	}
	s = *filled.(*trimtab.EndpointSpec)
	v := view.Endpoint{Name: r.Name, Model: s.Model.Name, Alias: s.Model.Alias}
	if t.cfg.Endpoints != nil {
		if v.State, err = t.cfg.Endpoints.State(ctx, r.Name); err != nil {
			return v, err
		}
		v.Watermark = v.State.WatermarkAt(t.cfg.Clock(), trimtab.Duration(time.Duration(s.AllowedLateness)))
		if v.Settled, err = t.cfg.Endpoints.Settlements(ctx, r.Name); err != nil {
			return v, err
		}
	}
	if t.cfg.Serving != nil {
		err = t.cfg.Serving.Serving(ctx, &v)
	}
	return v, err
}
