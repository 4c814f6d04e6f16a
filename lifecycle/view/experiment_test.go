package view_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func TestMetricRank(t *testing.T) {
	want := []string{"val_AUC", "accuracy", "loss", "lr", "train_auc", "train_speed", "system/cpu"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, func(a, b string) int { return view.MetricRank(a) - view.MetricRank(b) })
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestRunTableColumns(t *testing.T) {
	raw, err := json.Marshal([]view.RunTableColumn{
		view.NumberColumn("metrics.a", []float64{0, math.NaN(), 3, 0}, []bool{true, true, true, false}),
		view.TextColumn("params.b", []string{"x", "", "x", ""}, []bool{true, true, true, false}),
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"id":"metrics.a","numbers":[0,null,3,null],"nan":[1]},{"id":"params.b","codes":[0,1,0,-1],"texts":["x",""]}]`
	if string(raw) != want {
		t.Errorf("got %s\nwant %s", raw, want)
	}
}

func TestOfExperiment(t *testing.T) {
	last := trimtab.Run{ID: "r", Name: "last", Status: trimtab.RunFailed, Start: 5}
	e := trimtab.Experiment{ID: "1", Name: "e", Tags: map[string]string{"mlflow.note.content": strings.Repeat("ä", 401)}}
	got := view.OfExperiment(e, map[trimtab.RunStatus]int64{trimtab.RunFailed: 2, trimtab.RunFinished: 3}, &last, nil)
	if got.Runs != (view.ExperimentRuns{Total: 5, Failed: 2, Finished: 3}) || got.Last.Name != "last" || got.Days == nil {
		t.Errorf("%+v", got)
	}
	if note := []rune(got.Note); len(note) != 400 || note[399] != '…' {
		t.Errorf("a note of %d letters, want 400 with an ellipsis", len(note))
	}
}
