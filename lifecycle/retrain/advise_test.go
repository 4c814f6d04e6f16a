package retrain

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// year makes predictions of a model whose world turns in week turn (-1: never): what spoke for an event speaks against it.
// In week fault, if any, column b comes a thousand times too large.
func year(weeks, per, turn, fault int) (predictions, labels *table.Table) {
	rng := rand.New(rand.NewPCG(5, 6))
	id, at := table.NewColumn("id", table.Int64, 0), table.NewColumn("event_time", table.Datetime, 0)
	score, label := table.NewColumn("score", table.Float64, 0), table.NewColumn("label", table.Bool, 0)
	a, b := table.NewColumn("a <script>", table.Float64, 0), table.NewColumn("b", table.Float64, 0)
	lid := table.NewColumn("id", table.Int64, 0)
	const start = 1_357_171_200_000 // 2013-01-03, a Thursday: weeks since 1970 begin there
	for w := range weeks {
		for i := range per {
			x, y := rng.NormFloat64(), 10+3*rng.NormFloat64()
			weight := 1.5
			if turn >= 0 && w >= turn {
				weight = -0.5
			}
			p := 1 / (1 + math.Exp(-(weight*x + 0.3*(y-10))))
			s := 1 / (1 + math.Exp(-(1.5*x + 0.3*(y-10))))
			if w == fault {
				y *= 1000
			}
			n := int64(w*per + i)
			id.AppendInt64(n)
			at.Int64s = append(at.Int64s, (start+int64(w)*7*int64(day)+int64(i)*7*int64(day)/int64(per))*1_000_000)
			score.AppendFloat64(s)
			a.AppendFloat64(x)
			b.AppendFloat64(y)
			lid.AppendInt64(n)
			label.AppendBool(rng.Float64() < p)
		}
	}
	predictions, _ = table.New(id, at, score, a, b)
	labels, _ = table.New(lid, label)
	return predictions, labels
}

func advised(t *testing.T, weeks, per, turn, fault int) Advice {
	t.Helper()
	p, l := year(weeks, per, turn, fault)
	r, err := RecordsOf(p, l, nil, Columns{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := Advise(r, Asked{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAdvise: what turned is found, with its week; what did not turn asks for nothing; a fault is named and held.
func TestAdvise(t *testing.T) {
	for name, c := range map[string]struct {
		turn, fault int
		decay       string
		pays        bool
		faults      int
	}{
		"turned": {turn: 12, fault: -1, decay: "lasting", pays: true},
		"quiet":  {turn: -1, fault: -1, decay: "none"},
		"fault":  {turn: -1, fault: 14, decay: "none", faults: 1},
	} {
		a := advised(t, 18, 400, c.turn, c.fault)
		if a.Decay.State != c.decay || a.Pays != c.pays || len(a.Faults) != c.faults {
			t.Errorf("%s: decay %q, pays %v, faults %+v", name, a.Decay.State, a.Pays, a.Faults)
		}
		if want := trimtab.Time(1_357_171_200_000 + int64(c.turn)*7*int64(day)); c.turn >= 0 && a.Decay.Since != want {
			t.Errorf("%s: since %s, want %s", name, a.Decay.Since, want)
		}
		if c.faults > 0 && (a.Faults[0].Columns[0] != "b" || a.Held != 400) {
			t.Errorf("%s: %+v, %d held", name, a.Faults[0], a.Held)
		}
		got := a.Text()
		for _, line := range strings.Split(got, "\n") {
			if len([]rune(line)) > pageWidth {
				t.Errorf("%s: a line of %d columns: %s", name, len([]rune(line)), line)
			}
		}
		path := "testdata/advise/" + name + ".txt"
		if *rewrite {
			_ = os.MkdirAll("testdata/advise", 0o755)
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != got {
			t.Errorf("%s differs (-rewrite writes it anew), %v:\n%s", path, err, got)
		}
	}
}

// TestAdviceHTML: the page is well formed, asks nobody for anything, runs nothing, and escapes what it is given.
func TestAdviceHTML(t *testing.T) {
	a := advised(t, 12, 300, 8, -1)
	a.Drifts = append(a.Drifts, AdvisedDrift{Column: `<script>alert("x")</script>`, Windows: 2, Why: "a & b"})
	a.Faults = append(a.Faults, AdvisedFault{Kind: "unit", Columns: []string{`"><img src=x>`}, From: a.From, To: a.To, Cause: "<b>"})
	var b bytes.Buffer
	if err := a.HTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, bad := range []string{"<script", "<img", "<b>", "http:", "https:", "url(", "@import", "src=x>", "<link", "ZgotmplZ", "NaN", "Inf"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	for _, want := range []string{"&lt;script&gt;", "prefers-color-scheme: dark", "<polyline", "<circle", "estimated by a probe"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	// As XML: void elements of HTML are closed, entities are the few of XML.
	text = regexp.MustCompile(`<(meta)([^>]*)>`).ReplaceAllString(strings.Replace(text, "<!doctype html>", "", 1), "<$1$2/>")
	text = strings.ReplaceAll(text, "<details open>", "<details>")
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRecordsRefused: what cannot be used is named, with what was expected.
func TestRecordsRefused(t *testing.T) {
	read := func(csv string) *table.Table {
		if csv == "" {
			return nil
		}
		x, err := table.ReadCSV(strings.NewReader(csv), table.CSVOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	const good = "id,time,score\n1,2013-01-01T00:00:00Z,0.5\n2,2013-01-02T00:00:00Z,0.25\n"
	for name, c := range map[string]struct {
		predictions, labels, inputs string
		columns                     Columns
		want                        string
	}{
		"no time":       {predictions: "id,score,label\n1,0.5,1\n", want: "which column of the predictions is the time"},
		"no score":      {predictions: "time,x,label\n2013-01-01,2,1\n", want: "which column of the predictions is the score"},
		"named column":  {predictions: good, columns: Columns{Score: "p_late"}, want: `the predictions have no column "p_late"; they have id, time, score`},
		"no label":      {predictions: good, want: "no file of labels is given"},
		"text label":    {predictions: "time,score,label\n2013-01-01,0.5,yes\n2013-01-01,0.5,no way\n", want: `holds string such as "yes"`},
		"text time":     {predictions: "time,score,label\nsoon,0.5,1\n", want: `row 1 holds "soon"`},
		"small time":    {predictions: "time,score,label\n17,0.5,1\n", want: "seconds or milliseconds since 1970"},
		"no id":         {predictions: "time,score\n2013-01-01,0.5\n", labels: "id,label\n1,1\n", want: "which column of the predictions is the id"},
		"twice":         {predictions: good, labels: "id,label\n1,1\n1,0\n", want: `the id "1" twice`},
		"nothing joins": {predictions: good, labels: "id,label\n7,1\n", want: "no id of the labels"},
		"inputs":        {predictions: good, labels: "id,label\n1,1\n", inputs: "id,x\n9,1\n", want: "no id of the inputs"},
	} {
		_, err := RecordsOf(read(c.predictions), read(c.labels), read(c.inputs), c.columns)
		if err == nil || !strings.Contains(trimtab.Message(err), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	rows := func(score, label string) Records {
		var b strings.Builder
		b.WriteString("time,score,label\n")
		for i := range 200 {
			fmt.Fprintf(&b, "2013-01-%02dT00:00:00Z,%s,%s\n", 1+i%20, score, label)
		}
		r, err := RecordsOf(read(b.String()), nil, nil, Columns{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for name, c := range map[string]struct {
		r    Records
		want string
	}{
		"no probability": {rows("3.5", "1"), "no probability"},
		"classes":        {rows("1", "1"), "decided classes"},
		"too short":      {rows("0.5", "2.5"), "try --window 1d"},
	} {
		if _, err := Advise(c.r, Asked{}); err == nil || !strings.Contains(trimtab.Message(err), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestCalendarColumns: columns that move with the calendar are told from those that do not.
func TestCalendarColumns(t *testing.T) {
	var r Records
	month, dayOfYear, noise, constant := table.NewColumn("month", table.Float64, 0), table.NewColumn("day", table.Int64, 0), table.NewColumn("noise", table.Float64, 0), table.NewColumn("constant", table.Float64, 0)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 150 * 4 {
		at := trimtab.Time(int64(i) * int64(day) / 4)
		r.Time = append(r.Time, at)
		month.AppendFloat64(float64(at.Go().Month()))
		dayOfYear.AppendInt64(int64(at.Go().YearDay()))
		noise.AppendFloat64(rng.Float64())
		constant.AppendFloat64(3)
	}
	r.Inputs, _ = table.New(month, dayOfYear, noise, constant)
	_, got := withoutCalendar(r)
	if strings.Join(got, " ") != "month day" {
		t.Errorf("calendar columns: %v", got)
	}
}
