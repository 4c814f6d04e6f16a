package api_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

// channels answers like a notifier with the channel oncall.
type channels struct{}

var (
	aTest       = trimtab.ChannelTest{Channel: "oncall", Error: "the receiver answered 503 Service Unavailable"}
	aDelivery   = trimtab.Delivery{ID: "oncall/incident/i/e", Channel: "oncall", Group: "incident/i", Event: "incident.open", Title: "flights: drift", Severity: trimtab.Warning, State: "failed", Created: 1362700800000}
	anotherOne  = trimtab.Delivery{ID: "oncall/incident/j/e", Channel: "oncall", Group: "incident/j", Event: "incident.open", Title: "flights: decay", Severity: trimtab.Critical, State: "pending", Created: 1362700700000}
	noSuchPlace = trimtab.Errorf(trimtab.NotFound, "channel/x", "channel/x is not declared")
)

func (channels) Test(_ context.Context, name string) (trimtab.ChannelTest, error) {
	if name != "oncall" {
		return trimtab.ChannelTest{}, noSuchPlace
	}
	return aTest, nil
}

func (channels) List(_ context.Context, q trimtab.DocumentQuery) ([]trimtab.Delivery, error) {
	if q.Scope != "" && q.Scope != "oncall" {
		return nil, nil
	}
	return []trimtab.Delivery{aDelivery, anotherOne}, nil
}

func (w *world) channels(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	if got := must[trimtab.ChannelTest](t)(w.client.TestChannel(ctx, "oncall")); got != aTest {
		t.Errorf("test: %+v", got)
	}
	if _, err := w.client.TestChannel(ctx, "x"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("test of no channel: %v", err)
	}
	for state, want := range map[string][]trimtab.Delivery{"": {aDelivery, anotherOne}, "failed": {aDelivery}, "pending": {anotherOne}, "sent": {}} {
		if got := must[[]trimtab.Delivery](t)(w.client.Deliveries(ctx, "oncall", state, 5)); !cmp.Equal(got, want) {
			t.Errorf("deliveries %q: %s", state, cmp.Diff(want, got))
		}
	}
	if got := must[[]trimtab.Delivery](t)(w.client.Deliveries(ctx, "", "", 1)); len(got) != 1 {
		t.Errorf("one delivery: %+v", got)
	}
	if _, err := w.client.Deliveries(ctx, "", "lost", 1); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("a state that is none: %v", err)
	}
}
