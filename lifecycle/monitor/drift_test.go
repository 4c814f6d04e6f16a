package monitor_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

// states lists the states of a column, one letter a window: o(k) s(uspect) d(rift) u(nknown), in brackets that of the
// window alone where it differs; - where there was no reference.
func states(windows []trimtab.WindowResult, column string) string {
	var b strings.Builder
	for _, x := range windows {
		text := "-"
		for _, d := range x.Drift {
			if d.Column != column {
				continue
			}
			if text = d.State[:1]; d.Alone != "" {
				text += "(" + d.Alone[:1] + ")"
			}
		}
		b.WriteString(text)
	}
	return b.String()
}

// windy lets the wind blow harder on some days, and changes nothing else.
func windy(w *loopWorld, from, to, days int) {
	w.rows = weather(0, 24*days, 12)
	w.until = began + trimtab.Time(days)*dayMS
	for i := range w.rows {
		if x := &w.rows[i]; x.at >= began+trimtab.Time(from)*dayMS && x.at < began+trimtab.Time(to)*dayMS {
			x.wind += 6
		}
	}
}

// TestDriftPersists moves one column for four days: the first window is suspect, the second confirms it, and the
// incident ends with the last window that has it, when all windows that would confirm it are quiet. Nothing is held.
func TestDriftPersists(t *testing.T) {
	w := newLoopWorld(newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")))
	windy(w, 10, 14, 17)
	spec := loopSpec
	spec.Diagnosis.Off = true
	got, _ := w.tell("e", spec, 0)
	if s := states(got.Windows, "wind"); s != "oooooooooos(d)dddd(o)s(o)o" {
		t.Errorf("wind: %s", s)
	}
	// Chance makes a window suspect now and then, and no more.
	if s := states(got.Windows, "place"); strings.Contains(s, "d") {
		t.Errorf("place: %s", s)
	}
	if s := states(got.Windows, "score"); strings.Contains(s, "d") || strings.Trim(s[:4], "-") != "" || strings.Contains(s[4:], "-") {
		t.Errorf("score: %s", s)
	}
	i := got.only(t, trimtab.Drift)
	day := func(n trimtab.Time) trimtab.Time { return began + n*dayMS }
	if i.Kind != trimtab.Drift || i.Hold || i.Begin != day(10) || i.Found != day(12) || i.End != day(14) || i.Closed != day(17) || cmp.Diff(i.Columns, []string{"wind"}) != "" {
		t.Errorf("%+v", i)
	}
	for _, x := range got.Windows {
		if x.Held != 0 || x.Served != 1 || x.Since != began {
			t.Errorf("%+v", x)
		}
	}
	if name := got.Windows[12].Drift[0].Reference; name != "training of version 1" {
		t.Errorf("reference %q", name)
	}
}

// TestDriftWithoutTraining takes the first windows of the version for the reference, and a declared span where one is.
func TestDriftWithoutTraining(t *testing.T) {
	for _, c := range []struct{ reference, name string }{{"", "first windows of version 1"}, {"6d", "6d before"}} {
		w := newLoopWorld(newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")))
		w.cfg.Blobs = nil
		windy(w, 11, 12, 12)
		spec := loopSpec
		spec.Diagnosis.Off, spec.Drift.Reference = true, c.reference
		got, _ := w.tell("e", spec, 0)
		if s := states(got.Windows, "wind"); s[:4] != "----" || strings.Contains(s[:11], "d") || s[11:] != "s(d)" {
			t.Errorf("%s: %s", c.name, s)
		}
		if d := got.Windows[11].Drift; len(d) != 5 || d[0].Reference != c.name {
			t.Errorf("%+v", d)
		}
	}
}

// TestDriftOfSomeColumns looks at what is declared alone.
func TestDriftOfSomeColumns(t *testing.T) {
	for _, c := range []struct {
		spec trimtab.DriftSpec
		want []string
	}{
		{trimtab.DriftSpec{Columns: []string{"temp", "score"}}, []string{"temp", "score"}},
		{trimtab.DriftSpec{Except: []string{"temp", "dew", "score"}}, []string{"wind", "place"}},
		{trimtab.DriftSpec{Off: true}, nil},
	} {
		w := newLoopWorld(newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")))
		windy(w, 0, 0, 6)
		spec := loopSpec
		spec.Drift = c.spec
		got, _ := w.tell("e", spec, 0)
		var have []string
		for _, d := range got.Windows[5].Drift {
			have = append(have, d.Column)
		}
		if !slices.Equal(have, c.want) {
			t.Errorf("%+v: %v", c.spec, have)
		}
	}
}

// TestDriftOfOneSource feeds two endpoints by one source: what drifts under both is one incident.
func TestDriftOfOneSource(t *testing.T) {
	w := newLoopWorld(newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")))
	windy(w, 8, 13, 13)
	spec := loopSpec
	spec.Diagnosis.Off = true
	w.tell("first", spec, 0)
	second, _ := w.tell("second", spec, 0)
	for _, i := range second.Incidents {
		if i.Kind == trimtab.Drift {
			t.Errorf("the second endpoint has its own: %+v", i)
		}
	}
	first, err := w.db.Incidents.List(t.Context(), trimtab.DocumentQuery{Scope: "first", Open: true})
	if err != nil {
		t.Fatal(err)
	}
	if i := (told{Incidents: first}).only(t, trimtab.Drift); !slices.Equal(i.Also, []string{"second"}) {
		t.Errorf("%+v", i)
	}
}
