package dataset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

func TestKeptOut(t *testing.T) {
	s := aSite(t)
	s.send(t, week...)
	s.holds = []trimtab.Hold{
		{Endpoint: "e", From: jan(7), To: jan(9), Incident: "bad"},
		{Endpoint: "e", From: jan(6), To: jan(7), Rule: "x <= 1", Incident: "breach"},
		{Endpoint: "e", From: jan(20), Incident: "over", Released: true},
	}
	ids := func(q KeptOutQuery) string {
		q.Endpoint = "e"
		var out []string
		for pages := 0; ; pages++ {
			got, err := s.data.KeptOut(t.Context(), q)
			if err != nil || pages > 20 {
				t.Fatalf("%+v: %v after %d pages", q, err, pages)
			}
			for _, r := range got.Rows {
				out = append(out, fmt.Sprintf("%s %s", r.ID, r.Reason))
				if len(got.Columns) != 2 || len(r.Values) != 2 || r.Values[0] == nil || *r.Values[0] != "7" {
					t.Errorf("columns %v, values of %s: %v", got.Columns, r.ID, r.Values)
				}
				if r.Output == nil || *r.Output != 0.5 || r.Version != 1 {
					t.Errorf("%+v", r)
				}
			}
			if q.After = got.Next; q.After == "" {
				return strings.Join(out, ", ")
			}
		}
	}
	const all = "s2 quarantined: x <= 1, s3 held: bad, s4 held: bad"
	for name, c := range map[string]struct {
		q    KeptOutQuery
		want string
	}{
		"all":            {KeptOutQuery{Limit: 100}, all},
		"page by page":   {KeptOutQuery{Limit: 1}, all},
		"of an incident": {KeptOutQuery{Limit: 1, Incident: "bad"}, "s3 held: bad, s4 held: bad"},
		"of a rule":      {KeptOutQuery{Limit: 100, Rule: "x <= 1"}, "s2 quarantined: x <= 1"},
		"of a breach":    {KeptOutQuery{Limit: 100, Incident: "breach"}, "s2 quarantined: x <= 1"},
		"released":       {KeptOutQuery{Limit: 100, Incident: "over"}, "s5 held: over"},
		"a span":         {KeptOutQuery{Limit: 100, From: jan(8)}, "s4 held: bad"},
		"none":           {KeptOutQuery{Limit: 100, Incident: "other"}, ""},
	} {
		if got := ids(c.q); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	// A column of an incident of which no row has a value is shown all the same.
	s.holds[0].Columns = []string{"gone", "score"}
	got, err := s.data.KeptOut(t.Context(), KeptOutQuery{Endpoint: "e", Incident: "bad", Limit: 10})
	if err != nil || strings.Join(got.Columns, " ") != "gone wind x" || got.Rows[0].Values[0] != nil || *got.Rows[0].Values[1] != "7" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := s.data.KeptOut(t.Context(), KeptOutQuery{Endpoint: "nothing"}); err == nil {
		t.Error("an endpoint that is not declared")
	}
	if _, err := s.data.KeptOut(t.Context(), KeptOutQuery{Endpoint: "e", After: "x"}); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("a broken token: %v", err)
	}
}
