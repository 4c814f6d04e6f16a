package api

import (
	"context"

	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

func (t *table) about() {
	add(t, operation{id: "getAbout", method: "GET", path: "/about", summary: "Show the server: version, settings, stores and their health", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.About, error) {
			if t.cfg.About == nil {
				return view.About{}, absent("description of itself")
			}
			return t.cfg.About(ctx)
		})
}
