package app

import (
	"context"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
)

// listeners are all that must settle a border of an endpoint before a replay goes
// on: its monitors, its rollout, its policies.
type listeners struct {
	monitors *monitor.Monitors
	rest     []listener
}

// listener is a part of the loop that settles borders.
type listener struct {
	names  func(ctx context.Context, ws trimtab.Workspace, endpoint string) ([]string, error)
	border func(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (trimtab.Time, error)
}

func (l listeners) Listeners(ctx context.Context, ws trimtab.Workspace, endpoint string) ([]string, error) {
	names, err := l.monitors.Listeners(ctx, ws, endpoint)
	for _, x := range l.rest {
		if err != nil {
			return nil, err
		}
		var more []string
		more, err = x.names(ctx, ws, endpoint)
		names = append(names, more...)
	}
	slices.Sort(names)
	return names, err
}

// Border is the earliest of their borders.
func (l listeners) Border(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (trimtab.Time, error) {
	first, err := l.monitors.Border(ctx, ws, endpoint, t)
	for _, x := range l.rest {
		if err != nil {
			continue
		}
		var b trimtab.Time
		if b, err = x.border(ctx, ws, endpoint, t); b != 0 && (first == 0 || b < first) {
			first = b
		}
	}
	return first, err
}

func (l listeners) Closing(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (trimtab.Time, error) {
	return l.monitors.Closing(ctx, ws, endpoint, t)
}

func (l listeners) ClosedBefore(ws trimtab.Workspace, endpoint string, mark trimtab.Time) trimtab.Time {
	return l.monitors.ClosedBefore(ws, endpoint, mark)
}
