package view

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/infer"
	"github.com/trimtab/trimtab/pure/stat"
)

func TestMovesOf(t *testing.T) {
	data := func(m trimtab.AliasMoved) json.RawMessage {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	entry := func(index int64, action, reason string, m trimtab.AliasMoved) trimtab.Entry {
		return trimtab.Entry{Index: index, Time: trimtab.Time(index * 1000), Actor: trimtab.Actor{Kind: trimtab.UserActor, ID: "ada"},
			Change: trimtab.Change{Action: action, Reason: reason, Data: data(m)}}
	}
	moves := MovesOf([]trimtab.Entry{
		entry(9, "model.alias.set", "rollout flights.3", trimtab.AliasMoved{Alias: "champion", From: 1, To: 2}),
		entry(8, "model.version.add", "", trimtab.AliasMoved{}),
		entry(7, "model.alias.delete", "", trimtab.AliasMoved{Alias: "old", From: 1}),
		entry(6, "model.alias.set", "decision p@20130101T000000", trimtab.AliasMoved{Alias: "champion", To: 1}),
		{Index: 5, Actor: trimtab.Controller("rollout"), Change: trimtab.Change{Action: "model.alias.set", Data: json.RawMessage(`"no move"`)}},
	})
	if len(moves) != 3 || moves[0].Rollout != "flights.3" || moves[0].Decision != "" || moves[2].Decision != "p@20130101T000000" || moves[1].To != 0 || moves[0].Actor != "ada" {
		t.Errorf("%+v", moves)
	}
	aliases := AliasesOf(trimtab.RegisteredModel{Aliases: map[trimtab.Alias]trimtab.Version{"champion": 2, "before": 1}}, moves)
	if len(aliases) != 2 || aliases[0].Name != "before" || aliases[0].Since != 0 || aliases[1].Since != 9000 || aliases[1].Reason != "rollout flights.3" {
		t.Errorf("%+v", aliases)
	}
	// A move that did not lead to where the alias is now does not explain it.
	if a := AliasesOf(trimtab.RegisteredModel{Aliases: map[trimtab.Alias]trimtab.Version{"champion": 7}}, moves); a[0].Since != 0 {
		t.Errorf("%+v", a)
	}
}

func TestOriginOf(t *testing.T) {
	for _, c := range []struct {
		v              trimtab.ModelVersion
		origin, parent string
	}{
		{trimtab.ModelVersion{Model: "m", Tags: map[string]string{trimtab.ParentTag: "3"}, Source: "models:/m/3", Attempt: "pr-1.a.1"}, OriginRecalibrated, "m/3"},
		{trimtab.ModelVersion{Model: "m", Attempt: "pr-1.train.2", Source: "models:/m-0123"}, OriginTrained, ""},
		{trimtab.ModelVersion{Model: "m", Source: "models:/other/4"}, OriginCopied, "other/4"},
		{trimtab.ModelVersion{Model: "m", Source: "models:/m-0123", Tags: map[string]string{trimtab.ParentTag: "x"}}, OriginRegistered, ""},
	} {
		if o, p := OriginOf(c.v); o != c.origin || p != c.parent {
			t.Errorf("%+v: %s of %q", c.v, o, p)
		}
	}
	if run, step := stepOf("pr-1.a.b.2"); run != "pr-1" || step != "a.b" {
		t.Errorf("%s %s", run, step)
	}
}

func TestSpansOfVersion(t *testing.T) {
	spans := map[string][]Service{"b": {{Version: 1, To: 50}, {Version: 2, From: 50, To: 90}, {Version: 1, From: 90}}, "a": {{Version: 1, From: 70}}}
	got := SpansOf(1, spans)
	if len(got) != 3 || got[0].From != 0 || got[1].Endpoint != "a" || got[2].From != 90 || got[2].To != 0 {
		t.Errorf("%+v", got)
	}
}

func TestVersionGateOf(t *testing.T) {
	e := trimtab.Evaluation{Verdict: trimtab.VerdictPass, Against: 1, Results: []trimtab.GateResult{{Metric: "schema"}, {Metric: "auc", Slice: "x=1"}, {Metric: "log_loss", Challenger: 0.4, Diff: 0.1, StdErr: 0.02, Lo: 0.05, Hi: 0.15}}}
	if g := VersionGateOf(e); g.Metric != "log_loss" || *g.Value != 0.4 || *g.Diff != 0.1 || *g.Hi != 0.15 {
		t.Errorf("%+v", g)
	}
	e.Against = 0
	if g := VersionGateOf(e); g.Diff != nil || g.Value == nil {
		t.Errorf("%+v", g)
	}
}

func TestMeasuredOf(t *testing.T) {
	windows := []trimtab.WindowResult{
		{Start: 0, End: 10, Versions: []trimtab.Version{1}, Scores: []trimtab.VersionLoss{{Version: 2, Rows: 4, Loss: 0.5, Gain: 2, Trained: 5}, {Version: 1, Rows: 4, Loss: 1}}},
		{Start: 10, End: 20, Versions: []trimtab.Version{2}, Scores: []trimtab.VersionLoss{{Version: 2, Rows: 2, Loss: 0.5, Gain: -1, Blocks: []trimtab.GainBlock{{Key: 1, N: 1, Sum: -1, Sum2: 1}, {Key: 2, N: 1, Sum: 0, Sum2: 0}}}}},
		{Start: 20, End: 30, Scores: []trimtab.VersionLoss{{Version: 2}}},
	}
	got := MeasuredOf(2, 0, windows)
	if len(got) != 2 || got[0].Gain != 0.5 || !got[0].Learnt || got[0].Served || got[1].Gain != -0.5 || got[1].Learnt || !got[1].Served || got[1].StdErr == nil {
		t.Errorf("%+v", got)
	}
}

func TestModelQualityOf(t *testing.T) {
	windows := []trimtab.WindowResult{
		{Start: 1, Quality: []trimtab.Quality{{Metric: "auc", Value: 0.6}}},
		{Start: 2, Quality: []trimtab.Quality{{Metric: "log_loss", Value: 9}, {Metric: "auc", Value: 0.7, HasInterval: true, Lo: 0.6, Hi: 0.8}}},
		{Start: 3},
	}
	q := ModelQualityOf("e", "m", []string{"auc"}, windows, nil, 2)
	if len(q.Windows) != 2 || *q.Windows[0].Value != 0.7 || *q.Windows[0].Hi != 0.8 || q.Windows[1].Value != nil {
		t.Errorf("%+v", q)
	}
	h, trend := ModelHeadlineOf(ModelQualityOf("e", "m", []string{"auc"}, windows, nil, 9), "1d", 9)
	if h == nil || h.Metric.Value != 0.7 || !slices.Equal(trend, []Figure{0.6, 0.7}) {
		t.Errorf("%+v %v", h, trend)
	}
	if h, _ := ModelHeadlineOf(ModelQuality{}, "1d", 9); h != nil {
		t.Errorf("%+v of nothing", h)
	}
}

func TestImportancesOf(t *testing.T) {
	got := ImportancesOf([]infer.Importance{{Name: "unused"}, {Name: "a", Splits: 2, Gain: 1}, {Name: "b", Splits: 1, Gain: 3}})
	if got[0].Name != "b" || got[0].Share != 0.75 || got[2].Name != "unused" || got[2].Share != 0 {
		t.Errorf("%+v", got)
	}
	if got := RequirementsOf("# made by hand\n\nlightgbm==4.7.0 # pinned\nmlflow\n" + strings.Repeat("x", 400)); len(got) != 3 || got[0] != "lightgbm==4.7.0" || len(got[2]) > 310 {
		t.Errorf("%q", got)
	}
	if s := clip("aé", 2); s != "a…" {
		t.Errorf("%q is cut inside of a character", s)
	}
}

// What is sent of a binary model agrees with the metrics of pure/stat, and adds up.
func TestBinaryOf(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n := 5000
	label, score, y := make([]float64, n), make([]float64, n), make([]bool, n)
	for i := range label {
		score[i] = math.Round(r.Float64()*1000) / 1000
		if y[i] = r.Float64() < score[i]; y[i] {
			label[i] = 1
		}
	}
	b := BinaryOf(label, score)
	if b == nil || b.Positives+b.Negatives != int64(n) || float64(b.AUC) != stat.AUC(y, score, nil) || !math.IsInf(float64(b.Thresholds[0]), 1) {
		t.Fatalf("%+v", b)
	}
	if len(b.TPR) > curvePoints+2 || len(b.TPR) != len(b.FPR) || len(b.TPR) != len(b.Precision) || b.TPR[len(b.TPR)-1] != 1 || b.FPR[0] != 0 {
		t.Errorf("%d, %d and %d points", len(b.TPR), len(b.FPR), len(b.Precision))
	}
	for k, at := range b.Cuts {
		if c := stat.ConfusionAt(y, score, nil, float64(at)); int64(c.TruePositives()) != b.TP[k] || int64(c.FalsePositives()) != b.FP[k] {
			t.Errorf("at %v: %d and %d, want %v and %v", at, b.TP[k], b.FP[k], c.TruePositives(), c.FalsePositives())
		}
	}
	rows, positives := int64(0), int64(0)
	for _, x := range b.Reliability {
		rows += x.Rows
		if !(x.Lo <= x.Observed && x.Observed <= x.Hi) {
			t.Errorf("%+v", x)
		}
	}
	for _, x := range b.Bins {
		positives += x.Positives
	}
	if rows != int64(n) || positives != b.Positives || b.ECE > 0.05 {
		t.Errorf("%d rows, %d positives, ECE %v", rows, positives, b.ECE)
	}
	if size, err := json.Marshal(b); err != nil || len(size) > 100_000 {
		t.Errorf("%d bytes, %v", len(size), err)
	}
	if BinaryOf([]float64{1}, []float64{1.5}) != nil || BinaryOf([]float64{1}, []float64{math.NaN()}) != nil || BinaryOf(nil, nil) != nil {
		t.Error("what is no probability was measured")
	}
	if one := BinaryOf([]float64{0, 0, 0}, []float64{0.5, 0.5, 0.5}); one == nil || !math.IsNaN(float64(one.AUC)) || len(one.Reliability) != 1 {
		t.Errorf("one class: %+v", one)
	}
}

func TestRegressionOf(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	n := 4000
	label, score := make([]float64, n), make([]float64, n)
	for i := range label {
		score[i] = r.Float64() * 100
		label[i] = score[i] + 3*r.NormFloat64()
	}
	label[7] = 1e6
	x := RegressionOf(label, score)
	rows, residuals := int64(0), int64(0)
	for k, b := range x.Bins {
		rows += b.Rows
		if k > 0 && b.Predicted < x.Bins[k-1].Predicted {
			t.Error("the bins do not ascend")
		}
	}
	for _, b := range x.Residuals {
		residuals += b.Rows
	}
	if rows != int64(n) || residuals != int64(n) || len(x.Predicted) > scatterPoints || len(x.Residuals) != residualBins || x.Residuals[0].From < -20 || x.MaxError < 1e5 {
		t.Errorf("%d and %d rows, %d points, %+v", rows, residuals, len(x.Predicted), x.Residuals[0])
	}
	if RegressionOf(nil, nil) != nil {
		t.Error("nothing was measured")
	}
	if same := RegressionOf([]float64{1, 1}, []float64{1, 1}); len(same.Residuals) != 1 || same.Residuals[0].Rows != 2 {
		t.Errorf("%+v", same)
	}
}
