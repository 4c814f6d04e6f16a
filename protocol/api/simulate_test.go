package api_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/retrain"
)

// simulator answers like policies whose monitor quality has recorded ten windows.
type simulator struct{}

func (simulator) Replay(_ context.Context, q retrain.Replay, progress func(done, of int)) (retrain.Replayed, error) {
	if q.Monitor == "short" {
		return retrain.Replayed{}, trimtab.Errorf(trimtab.Precondition, "monitor short", "monitor short has recorded 1 window")
	}
	progress(5, 10)
	if q.Monitor == "wide" {
		return retrain.Replayed{}, trimtab.Errorf(trimtab.Exhausted, "monitor wide", "choose a shorter span")
	}
	progress(10, 10)
	return retrain.Replayed{Policy: q.Policy, Monitor: "quality", From: q.Since, To: q.Until, Windows: 10}, nil
}

// simulate asks for replays: progress comes before the result, errors before and after the first line.
func (w *world) simulate(t *testing.T) {
	t.Helper()
	var seen []int
	q := retrain.Replay{Policy: "keep", Spec: json.RawMessage(`{"monitor":"quality","pipeline":"train"}`), Since: 1362096000000, Until: 1364774400000}
	got, err := w.client.Simulate(t.Context(), q, func(done, of int) { seen = append(seen, done, of) })
	if err != nil || got.Policy != "keep" || got.Windows != 10 || got.From != q.Since || got.To != q.Until || len(seen) != 4 || seen[2] != 10 {
		t.Errorf("simulate: %+v, %v, progress %v", got, err, seen)
	}
	for monitor, want := range map[string]trimtab.Kind{"short": trimtab.Precondition, "wide": trimtab.Exhausted} {
		q.Monitor = monitor
		if _, err := w.client.Simulate(t.Context(), q, nil); !trimtab.IsKind(err, want) || !strings.Contains(trimtab.Message(err), map[string]string{"short": "1 window", "wide": "shorter span"}[monitor]) {
			t.Errorf("simulate %s: %v", monitor, err)
		}
	}
}
