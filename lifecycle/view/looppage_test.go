package view

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

const hourMS = trimtab.Time(3_600_000)

// hours are windows of an hour: version 1 serves the first half, version 2 the rest
// and saves 0.1 of loss per row.
func hours(n, columns int) (h LoopHistory) {
	place := map[string]int{}
	h = LoopHistory{Endpoint: "e", Monitor: "m", Monitors: []string{"m"}, Borders: map[trimtab.Time]trimtab.Time{}}
	h.Spec.Window, h.Spec.Performance.Task = "1h", "binary"
	for i := range n {
		start := trimtab.Time(i) * hourMS
		w := trimtab.WindowResult{Monitor: "m", Endpoint: "e", Start: start, End: start + hourMS, Rows: 10, Labelled: 8, Served: 1, Versions: []trimtab.Version{1},
			Quality: []trimtab.Quality{{Metric: "auc", Value: 0.7, HasInterval: true, Lo: 0.6, Hi: 0.8}, {Metric: "log_loss", Value: 0.5}}}
		if i >= n/2 {
			w.Served, w.Versions = 2, []trimtab.Version{2}
			w.Scores = []trimtab.VersionLoss{{Version: 1, Rows: 8, Loss: 0.6, Gain: -0.8, Blocks: []trimtab.GainBlock{{Key: int64(i / 24), N: 8, Sum: -0.8, Sum2: 0.09}}}}
		}
		for c := range columns {
			d := trimtab.ColumnDrift{Column: fmt.Sprintf("column %d", c), PSI: 0.05, Noise: 0.1, Effect: 0.05, State: "ok"}
			if c == columns-1 && i%7 == 3 {
				d.PSI, d.State = 0.3, "drift"
			}
			w.Drift = append(w.Drift, d)
		}
		h.Windows = append(h.Windows, SlimWindow(w, &h.Columns, place))
		h.Borders[start] = start + 2*hourMS
	}
	h.Rollouts = []trimtab.Rollout{{ID: "e.2", Endpoint: "e", From: 1, To: 2, State: trimtab.RolloutPromoted, Begun: trimtab.Time(n/2-4) * hourMS, Promoted: trimtab.Time(n/2) * hourMS, Cause: "why",
		Spec:  trimtab.RolloutSpec{Canary: &trimtab.CanarySpec{Steps: []float64{0.2, 0.5}}},
		Looks: []trimtab.Look{{At: trimtab.Time(n/2-3) * hourMS, Stage: "shadow"}, {At: trimtab.Time(n/2-2) * hourMS, Stage: "canary 1 of 2"}, {At: trimtab.Time(n/2-1) * hourMS, Stage: "canary 2 of 2"}, {At: trimtab.Time(n/2+9) * hourMS, Stage: "bake"}}}}
	return h
}

func TestLoopPage(t *testing.T) {
	h := hours(48, 3)
	h.Decisions = []trimtab.Decision{{ID: "p@1", Action: trimtab.DoRetrain, State: trimtab.DecisionAwaiting, At: 20 * hourMS, Reason: "because"}}
	h.Incidents = []trimtab.Incident{
		{ID: "fault", Kind: trimtab.DataFault, Begin: 5 * hourMS, End: 9 * hourMS, Closed: 10 * hourMS, Hold: true, Bad: 40, Columns: []string{"column 1"}, Cause: "unit"},
		{ID: "decay", Kind: trimtab.Decay, Begin: 30 * hourMS, Cause: "worse"},
	}
	p := LoopPageOf(h, 1000)
	if p.Each != 1 || p.Windows != 48 || len(p.Points.Start) != 48 || p.Frozen != 1 || p.Points.Decided[3] != int64(5*3600) {
		t.Errorf("page: each %d, windows %d, points %d, frozen %d, decided %d", p.Each, p.Windows, len(p.Points.Start), p.Frozen, p.Points.Decided[3])
	}
	if v := float64(p.Points.Gain[40]); math.Abs(v-0.1) > 1e-9 {
		t.Errorf("gain of a window: %v", v)
	}
	if !math.IsNaN(float64(p.Points.Gain[0])) {
		t.Errorf("version 1 against itself: %v", p.Points.Gain[0])
	}
	loss := p.Quality[1]
	if loss.Metric != "log_loss" || loss.Frozen[0] != 0.5 || loss.Frozen[40] != 0.6 || p.Quality[0].Frozen != nil {
		t.Errorf("the frozen version: %v, %v", loss.Frozen[0], loss.Frozen[40])
	}
	if got := p.Columns[0]; got.Column != "column 2" || got.Moved != 7 || got.Worst != 3 || got.At != 3*hourMS {
		t.Errorf("the column that moved most: %+v", got)
	}
	cells, err := base64.StdEncoding.DecodeString(p.Columns[0].Cells)
	if err != nil || len(cells) != 48 || cells[3] != byte(MoveDrift)<<6|48 || cells[4] != byte(MoveOK)<<6|8 {
		t.Errorf("cells: %v %v", cells, err)
	}
	if p.Summary.DriftWindows != 7 || p.Summary.ColumnWindows != 144 {
		t.Errorf("drift of the span: %d of %d", p.Summary.DriftWindows, p.Summary.ColumnWindows)
	}
	type lane struct {
		Version  trimtab.Version
		From, To trimtab.Time
		Share    float64
		Stage    string
	}
	var lanes []lane
	for _, s := range p.Services {
		lanes = append(lanes, lane{s.Version, s.From / hourMS, s.To / hourMS, s.Share, s.Stage})
	}
	if want := []lane{{1, 0, 24, 1, ""}, {2, 24, 0, 1, ""}, {2, 20, 21, 0, "shadow"}, {2, 21, 22, 0.2, "canary 1 of 2"}, {2, 22, 24, 0.5, "canary 2 of 2"}}; !cmp.Equal(lanes, want) {
		t.Errorf("lanes: %s", cmp.Diff(lanes, want))
	}
	var marks []string
	for _, m := range p.Marks {
		marks = append(marks, fmt.Sprintf("%d %s %s %t", int64(m.At/hourMS), m.Kind, m.What, m.Open))
	}
	if want := []string{"5 fault dataFault false", "20 decision retrain true", "30 incident decay true"}; !cmp.Equal(marks, want) {
		t.Errorf("marks: %s", cmp.Diff(marks, want))
	}
	if len(p.Faults) != 1 || p.Faults[0].Rows != 40 || !p.Faults[0].Held {
		t.Errorf("faults: %+v", p.Faults)
	}

	h.From, h.To = 7*hourMS, 10*hourMS
	p = LoopPageOf(h, 1000)
	if p.Windows != 3 || len(p.Faults) != 1 || len(p.Marks) != 0 || p.End != 48*hourMS || p.Said.Tone != "off" {
		t.Errorf("a part: %d windows, %d faults, %d marks, end %v, %+v", p.Windows, len(p.Faults), len(p.Marks), p.End, p.Said)
	}
}

// A point that stands for several windows has the sum of their rows, the widest of
// their intervals and the worst of their drift.
func TestLoopPageCoarse(t *testing.T) {
	p := LoopPageOf(hours(48, 2), 10)
	if p.Each != 5 || len(p.Points.Rows) != 10 || p.Points.Rows[0] != 50 || p.Points.Rows[9] != 30 || p.Quality[0].Lo[0] != 0.6 || p.Points.End[9] != 48*3600 {
		t.Errorf("each %d, points %d, rows %v, end %d", p.Each, len(p.Points.Rows), p.Points.Rows, p.Points.End[9])
	}
	cells, _ := base64.StdEncoding.DecodeString(p.Columns[0].Cells)
	if cells[0]>>6 != byte(MoveDrift) || cells[1]>>6 != byte(MoveOK) { // windows 3, 10, 17, …
		t.Errorf("cells: %v", cells)
	}
}

// A year of hours with a hundred columns is an answer that a page can take.
func TestLoopPageOfAYear(t *testing.T) {
	h := hours(8760, 100)
	p := LoopPageOf(h, 1000)
	body, err := json.Marshal(p)
	if err != nil || len(body) > 600_000 || len(p.Points.Start) > 1000 || len(p.Columns) != 100 {
		t.Errorf("%d bytes, %d points, %d columns, %v", len(body), len(p.Points.Start), len(p.Columns), err)
	}
	column, err := ColumnPageOf(h, "column 99", 1000)
	if err != nil || len(column.Score) != len(column.Start) || column.Score[0] != 0.3 {
		t.Errorf("a column: %d of %d, %v", len(column.Score), len(column.Start), err)
	}
	if _, err := ColumnPageOf(h, "none", 10); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("no such column: %v", err)
	}
}

func TestLoopPageOfNothing(t *testing.T) {
	p := LoopPageOf(LoopHistory{Endpoint: "e", Monitor: "m"}, 1000)
	body, err := json.Marshal(p)
	if err != nil || p.Windows != 0 || p.Said.Tone != "off" {
		t.Errorf("%s %v", body, err)
	}
	if _, err := ColumnPageOf(LoopHistory{Columns: []string{"c"}}, "c", 10); err != nil {
		t.Error(err)
	}
}

func TestSaidOf(t *testing.T) {
	for name, tc := range map[string]struct {
		sum  TimelineSummary
		tone string
	}{
		"saved":    {TimelineSummary{Days: 9, Gain: 0.1, Lo: 0.05, Hi: 0.15, FrozenLoss: 1}, "ok"},
		"cost":     {TimelineSummary{Days: 9, Gain: -0.1, Lo: -0.15, Hi: -0.05, FrozenLoss: 1}, "bad"},
		"unsure":   {TimelineSummary{Days: 9, Gain: 0.1, Lo: -0.05, Hi: 0.15}, "off"},
		"one day":  {TimelineSummary{Days: 1, Gain: 0.1}, "off"},
		"no other": {TimelineSummary{}, "off"},
	} {
		if got := SaidOf(tc.sum, 1); got.Tone != tc.tone || got.Text == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Losses have the digits that say something, of a probability and of a squared error alike.
func TestLossText(t *testing.T) {
	for want, v := range map[string]float64{"+0.0312": 0.03121, "-9.5000": -9.5, "+75.95": 75.9512, "+54,975": 54974.8185, "-1,234,568": -1234567.9, "+999.99": 999.99, "+1,000": 1000} {
		if got := LossText(v, true); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
	if got := LossText(2, false); got != "2.0000" {
		t.Errorf("unsigned: %s", got)
	}
	if said := SaidOf(TimelineSummary{Days: 2798, Gain: 54974.8185, Lo: 52709.5186, Hi: 57240.1183, FrozenLoss: 68356}, 1); !strings.Contains(said.Text, "saved 54,975 of loss per row, 80.4% of the loss, with 95% confidence [+52,710, +57,240]") {
		t.Error(said.Text)
	}
}

func TestOptionsOf(t *testing.T) {
	d := trimtab.Decision{ID: "p@1", State: trimtab.DecisionAwaiting, Reason: "it would have saved 1 in the last 2 windows, which is real with a chance of 62%; and so on", Alternatives: []trimtab.Alternative{
		{Action: trimtab.DoNothing}, {Action: trimtab.DoRecalibrate, Why: "what it would save does not cover its price (real with a chance of 7%)"}, {Action: trimtab.DoRetrain, Chosen: true, Windows: 2, Gain: 0.5}}}
	var got []string
	for _, o := range OptionsOf(d) {
		if o.Chance == nil {
			got = append(got, "-")
		} else {
			got = append(got, fmt.Sprint(*o.Chance))
		}
	}
	if want := []string{"-", "0.07", "0.62"}; !cmp.Equal(got, want) {
		t.Error(cmp.Diff(got, want))
	}
	if l := OfDecisionLine(d); l.Gain == nil || *l.Gain != 0.5 {
		t.Errorf("line: %+v", l)
	}
	if got := DecisionCommands(d); len(got) != 3 {
		t.Errorf("commands: %v", got)
	}
}

func TestIncidentPage(t *testing.T) {
	i := trimtab.Incident{ID: "x", Kind: trimtab.DataFault, Endpoint: "e", Monitor: "m", Begin: 2 * hourMS, Found: 4 * hourMS, End: 6 * hourMS, Closed: 7 * hourMS, Hold: true, Cause: "unit"}
	var windows []trimtab.WindowResult
	for n := range 10 {
		windows = append(windows, trimtab.WindowResult{Start: trimtab.Time(n) * hourMS, End: trimtab.Time(n+1) * hourMS, Rows: int64(n)})
	}
	p := IncidentPageOf(i, "model", windows, []trimtab.Decision{
		{ID: "p@1", At: 5 * hourMS, Action: trimtab.DoRetrain}, {ID: "p@0", At: 4 * hourMS, Action: trimtab.DoNothing, Incidents: []string{"x"}}, {ID: "p@9", At: 9 * hourMS, Action: trimtab.DoRetrain}}, nil)
	var steps []string
	for _, s := range p.Steps {
		steps = append(steps, fmt.Sprint(int64(s.At/hourMS), " ", s.Kind))
	}
	if want := []string{"2 began", "4 found", "5 decision", "6 ended", "7 closed"}; !cmp.Equal(steps, want) {
		t.Error(cmp.Diff(steps, want))
	}
	if len(p.Windows) != 4 || p.Windows[0].Rows != 2 || len(p.Decisions) != 2 || len(p.Commands) != 2 {
		t.Errorf("windows %d, decisions %d, commands %v", len(p.Windows), len(p.Decisions), p.Commands)
	}

	// What persons did stays apart, each with who, when and why.
	i.Released, i.ReleasedBy, i.Note = true, "ada", "done"
	by := func(action, reason string, at trimtab.Time) trimtab.Entry {
		return trimtab.Entry{Time: at, Change: trimtab.Change{Action: action, Reason: reason}, Actor: trimtab.Actor{Kind: trimtab.UserActor, ID: "ada"}}
	}
	p = IncidentPageOf(i, "", nil, nil, []trimtab.Entry{by("incident.close", "done", 12), by("incident.release", "a false alarm", 11)})
	steps = nil
	for _, s := range p.Steps[3:] {
		steps = append(steps, fmt.Sprint(s.Title, " at ", int64(s.Noted), ": ", s.Text))
	}
	if want := []string{"Closed by ada at 12: done", "Released by ada at 11: a false alarm"}; !cmp.Equal(steps, want) {
		t.Error(cmp.Diff(steps, want))
	}
	if i.End = 0; IncidentPageOf(i, "", windows, nil, nil).Windows[0].Start != 2*hourMS {
		t.Error("an incident that goes on has the windows from its beginning on")
	}
}
