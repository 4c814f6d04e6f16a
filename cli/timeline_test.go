package cli

import (
	"bytes"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// aHistory is a spring of made-up weeks with one of everything: a fault, a rejection, a
// cure that helps, a correction that is rolled back.
func aHistory() view.History {
	h := view.History{Endpoint: "flights", Monitor: "flights-quality"}
	gains := []float64{0, 0, 0, 0, 0.004, 0.012, 0.02, 0.013, -0.002, 0.016}
	start := at("2013-03-04")
	const week, day = trimtab.Time(7 * 86400000), trimtab.Time(86400000)
	for i, gain := range gains {
		w := trimtab.WindowResult{Monitor: h.Monitor, Endpoint: "flights", Start: start, End: start + week, Rows: 6120 + int64(i), Labelled: 6000, Versions: []trimtab.Version{1},
			Quality: []trimtab.Quality{{Metric: "auc", Value: .70 + gain}}, Drift: []trimtab.ColumnDrift{{Column: "temp", State: "ok"}, {Column: "wind_speed", State: "ok"}}}
		if i > 1 {
			w.Drift[0].State = "drift"
		}
		if i == 5 {
			w.Held, w.Drift[1].State, w.Drift[1].Column = 5210, "drift", "wind_speed_of_the_day"
		}
		if gain != 0 {
			w.Versions = []trimtab.Version{3}
			l := trimtab.VersionLoss{Version: 1, Rows: 5600, Loss: .45, Gain: -gain * 5600}
			for d := range trimtab.Time(7) {
				jitter := float64(d-3) * 0.002
				l.Blocks = append(l.Blocks, trimtab.GainBlock{Key: int64((start + d*day) / day), N: 800, Sum: -(gain + jitter) * 800, Sum2: .01 * 800})
			}
			w.Scores = []trimtab.VersionLoss{l}
		}
		if i == 4 {
			w.Versions = []trimtab.Version{1, 3}
		}
		h.Windows = append(h.Windows, w)
		start += week
	}
	h.Incidents = []trimtab.Incident{
		{ID: "f1", Kind: trimtab.DataFault, Endpoint: "flights", Hold: true, Columns: []string{"wind_speed"}, Begin: at("2013-04-08T06:00:00Z"), Found: at("2013-04-15"), End: at("2013-04-15"), Closed: at("2013-04-22"),
			Cause: "values are 1.61 times what they were, as miles are in kilometres", Bad: 5210},
		{ID: "f2", Kind: trimtab.DataFault, Endpoint: "flights", Begin: at("2013-05-01"), Cause: "maybe"},
		{ID: "r1", Kind: trimtab.RolledBack, Endpoint: "flights", Begin: at("2013-05-02"), Cause: "rollout flights.3 of version 4 was rolled back"},
	}
	h.Decisions = []trimtab.Decision{
		{ID: "keep@20130325T000000", Policy: "keep", Action: trimtab.DoRetrain, At: at("2013-03-25"), Run: "pr-1", State: trimtab.DecisionRejected, Reason: "retrain: it would have saved 0.0081 ± 0.002 of loss per row in the last 2 windows, which is real with a chance of 99%; over 8 windows that is worth 388 of loss, and it costs 240", Outcome: "the gate: not better by enough"},
		{ID: "keep@20130401T000000", Policy: "keep", Action: trimtab.DoNothing, At: at("2013-04-01"), State: trimtab.DecisionNoted},
		{ID: "keep@20130402T000000", Policy: "keep", Action: trimtab.DoRetrain, At: at("2013-04-02"), Run: "pr-2", Candidate: 3, State: trimtab.DecisionDone, Reason: "retrain: it would have saved 0.0112 ± 0.002", Outcome: "version 3 serves since 2013-04-03"},
	}
	h.Rollouts = []trimtab.Rollout{
		{ID: "flights.3", Endpoint: "flights", From: 3, To: 4, State: trimtab.RolloutRolledBack, Begun: at("2013-04-30"), Since: at("2013-05-02"), Promoted: 0, Ended: at("2013-05-02"), Reason: "loss is beyond its limit"},
		{ID: "flights.2", Endpoint: "flights", From: 1, To: 3, State: trimtab.RolloutPromoted, Begun: at("2013-04-02"), Since: at("2013-04-03"), Promoted: at("2013-04-03T12:00:00Z"), Ended: at("2013-04-03"), Cause: "keep@20130402T000000"},
	}
	return h
}

func TestTimelinePage(t *testing.T) {
	quiet := aHistory()
	quiet.Windows, quiet.Decisions, quiet.Incidents, quiet.Rollouts = quiet.Windows[:3], nil, nil, nil
	for name, h := range map[string]view.History{"timeline.txt": aHistory(), "timeline-quiet.txt": quiet} {
		var b bytes.Buffer
		if err := testApp(&b).writeTimeline(&b, view.TimelineOf(h)); err != nil {
			t.Fatal(err)
		}
		fits(t, name, b.Bytes())
		golden(t, name, b.Bytes())
	}
}

// The plot has one shape whatever it shows.
func TestPlot(t *testing.T) {
	gain := func(v, se float64) view.TimelineWindow { return view.TimelineWindow{Gain: &v, StdErr: se} }
	p := plot{0.02}
	for _, tc := range []struct {
		give view.TimelineWindow
		want string
	}{
		{view.TimelineWindow{}, "          │          "},
		{gain(0, 0), "          │          "},
		{gain(0.01, 0.002), "          │  ──●──   "},
		{gain(-0.002, 0.002), "       ──●┼─         "},
		{gain(0.018, 0.01), "         ─┼────────●›"},
		{gain(0.5, 0.01), "          │         ●"},
		{gain(-0.02, 0.01), "●─────────┼          "},
	} {
		got := p.line(tc.give)
		if lipgloss.Width(got) != 2*plotHalf+1 {
			t.Errorf("%+v: %q has %d columns", tc.give, got, lipgloss.Width(got))
		}
		if got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.give, got, tc.want)
		}
	}
	for most, want := range map[float64]float64{0.0123: 0.02, 0.02: 0.02, 0.021: 0.05, 0.7: 1, 3e-9: 1e-6} {
		if got := plotOf([]view.TimelineWindow{gain(most, 0)}).scale; got < want*0.999 || got > want*1.001 {
			t.Errorf("scale for %g: %g, want %g", most, got, want)
		}
	}
}
