package api

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

func (t *table) monitors() {
	add(t, operation{id: "listWindows", method: "GET", path: "/monitors/{name}/windows", summary: "List what a monitor found, oldest window first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name string `path:"name"`
		}) (view.List[trimtab.WindowResult], error) {
			if t.cfg.Windows == nil {
				return view.List[trimtab.WindowResult]{}, absent("monitor")
			}
			if _, err := t.cfg.Resources.Get(ctx, trimtab.KindMonitor, in.Name); err != nil {
				return view.List[trimtab.WindowResult]{}, err
			}
			items, err := t.cfg.Windows.List(ctx, in.Name)
			if items == nil {
				items = []trimtab.WindowResult{}
			}
			return view.List[trimtab.WindowResult]{Items: items}, err
		})
}
