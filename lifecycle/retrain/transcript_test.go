package retrain

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew instead of comparing")

// TestTranscripts runs every testdata/*.txt. A line is a command; what it prints stands below it, indented. Commands:
//
//	policy KEY=VALUE…      mode strategy actions cost reject every below block-from block-to retrains failures gate
//	served VERSION         what is served at first; trained=TIME
//	window [KEY=VALUE]…    one mature window of seven days: rows loss positives held learnable, and a gain ± spread of
//	                       days per cure, such as retrain=0.03~0.01 recalibrate=… version1=…; facts: paused= fault=
//	                       flight= immature= quality=
//	promoted VERSION       the cure of the last decision went into service
//	rejected | failed | closed
func TestTranscripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *rewrite {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal([]byte(got), want) {
				t.Errorf("%s differs (-rewrite writes it anew):\n%s", path, got)
			}
		})
	}
}

type player struct {
	spec     trimtab.RetrainPolicySpec
	st       trimtab.PolicyState
	at       trimtab.Time
	last     trimtab.Decision
	served   trimtab.Version
	learn    int
	learnPos int
	trained  trimtab.Time
	gate     *Demand
}

const week = 7 * 24 * time.Hour

func play(t *testing.T, text string) string {
	p := &player{at: trimtab.TimeOf(time.Date(2013, 3, 4, 0, 0, 0, 0, time.UTC)), served: 1}
	p.spec.Costs.Retrain = 40
	p.spec.Mode = "auto"
	var out strings.Builder
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "  "):
			continue // what was printed before
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
			continue
		}
		out.WriteString(line + "\n")
		printed := p.do(t, line)
		for _, l := range strings.Split(strings.TrimRight(printed, "\n"), "\n") {
			if l != "" {
				out.WriteString("  " + l + "\n")
			}
		}
	}
	return out.String()
}

// words splits at blanks outside of double quotes.
func words(line string) []string {
	quoted := false
	fields := strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
	for i := range fields {
		fields[i] = strings.ReplaceAll(fields[i], `"`, "")
	}
	return fields
}

func (p *player) do(t *testing.T, line string) string {
	t.Helper()
	fields := words(line)
	num := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return v
	}
	pair := func(f string) (string, string) {
		k, v, ok := strings.Cut(f, "=")
		if !ok {
			t.Fatalf("%s: %q is no KEY=VALUE", line, f)
		}
		return k, v
	}
	when := func(s string) trimtab.Time {
		v, err := trimtab.ParseTime(s)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return v
	}
	switch fields[0] {
	case "policy":
		for _, f := range fields[1:] {
			switch k, v := pair(f); k {
			case "mode":
				p.spec.Mode = v
			case "strategy":
				p.spec.Strategy = v
			case "actions":
				p.spec.Actions = strings.Split(v, ",")
			case "cost":
				p.spec.Costs.Retrain = num(v)
			case "currency":
				p.spec.Costs.Currency = v
			case "perloss":
				p.spec.Costs.PerLoss = num(v)
			case "mingain":
				p.spec.Costs.MinGain = num(v)
			case "every":
				d, err := trimtab.ParseDuration(v)
				if err != nil {
					t.Fatal(err)
				}
				p.spec.Every = d
			case "below":
				b := num(v)
				p.spec.Threshold = &trimtab.ThresholdSpec{Metric: "auc", Below: &b}
			case "blackout":
				from, to, _ := strings.Cut(v, "..")
				p.spec.Limits.Blackout = append(p.spec.Limits.Blackout, trimtab.Blackout{From: from, To: to, Reason: "end of the year"})
			case "gate": // ROWS,POSITIVES,ERRORS
				var g [3]float64
				for i, x := range strings.SplitN(v, ",", 3) {
					g[i] = num(x)
				}
				p.gate = &Demand{MinRows: int64(g[0]), MinPositives: int64(g[1]), Bars: []Bar{{Errors: g[2]}}}
			case "retrains":
				p.spec.Limits.Retrains = int(num(v))
			case "failures":
				p.spec.Limits.Failures = int(num(v))
			default:
				t.Fatalf("%s: unknown key %q", line, k)
			}
		}
	case "begin":
		p.at = when(fields[1])
	case "window":
		return p.window(t, fields[1:], pair, num)
	case "promoted":
		before := p.served
		p.served = trimtab.Version(num(fields[1]))
		if p.last.Action == trimtab.DoRetrain {
			p.trained, p.learn, p.learnPos = p.last.Window, 0, 0
		}
		st, v := Promoted(p.spec, p.st, p.last, p.served, p.trained, p.at, week)
		p.st = st
		text := fmt.Sprintf("version %d after version %d, cooling down until %s", p.served, before, st.CooldownUntil)
		if v != nil {
			text += fmt.Sprintf("\nverdict on %s: %s", v.Decision, v.Sentence)
		}
		return text
	case "rejected":
		p.st = Rejected(p.spec, p.st, p.last, p.at, week)
		return p.after()
	case "failed":
		p.st = Failed(p.spec, p.st, p.last, p.at, week)
		return p.after()
	case "closed":
		p.st = Closed(p.st)
		return p.after()
	default:
		t.Fatalf("unknown command %q", line)
	}
	return ""
}

func (p *player) after() string {
	breaker := "closed"
	if p.st.Broken {
		breaker = "open"
	}
	return fmt.Sprintf("theta %s, cooling down until %s, %d rejections and %d failures in a row, breaker %s", number(max(p.st.Theta, 1)), p.st.CooldownUntil, p.st.Rejections, p.st.Failures, breaker)
}

// days are the deviations of seven days from their mean, in units of the spread: their sum is 0, their mean square 1.
var days = [7]float64{-1.1, 0.4, 1.5, -0.4, -1.3, 1.2, -0.3}

func (p *player) window(t *testing.T, fields []string, pair func(string) (string, string), num func(string) float64) string {
	e := Evidence{Start: p.at, End: p.at.Add(week), Task: Binary, Served: p.served, Rows: 1400, Positives: 300, Loss: 0.5}
	f := Facts{Policy: "flights", Endpoint: "late", At: e.End, Window: week, Gate: p.gate, Command: "trimtab decisions do flights@…"}
	p.at = e.End
	type gain struct {
		cure         Cure
		mean, spread float64
	}
	var gains []gain
	for _, field := range fields {
		k, v := pair(field)
		switch k {
		case "rows":
			e.Rows = int(num(v))
		case "positives":
			e.Positives = int(num(v))
		case "held":
			e.Held = int(num(v))
		case "loss":
			e.Loss = num(v)
		case "paused":
			f.Paused = v
		case "fault":
			f.Faults = append(f.Faults, v)
		case "flight":
			f.InFlight = v
		case "immature":
			f.Immature = v
		case "quality":
			for _, q := range strings.Split(v, ",") {
				f.Quality = append(f.Quality, num(q))
			}
		default:
			mean, spread, _ := strings.Cut(v, "~")
			g := gain{mean: num(mean), spread: num(spread), cure: Cure{Action: trimtab.Action(k)}}
			if n, ok := strings.CutPrefix(k, "version"); ok {
				g.cure = Cure{trimtab.DoPromoteOlder, trimtab.Version(num(n))}
			}
			gains = append(gains, g)
		}
	}
	for _, g := range gains {
		m := Measured{Cure: g.cure}
		for i, d := range days {
			n := float64(e.Rows) / 7
			mean := g.mean + g.spread*d
			if n > 0 {
				m.Blocks = append(m.Blocks, trimtab.GainBlock{Key: int64(e.Start/day) + int64(i), N: n, Sum: n * mean, Sum2: n * (mean*mean + 0.04)})
			}
		}
		e.Measured = append(e.Measured, m)
	}
	p.learn, p.learnPos = p.learn+e.Rows, p.learnPos+e.Positives
	e.Learnable, e.LearnablePositives = p.learn, p.learnPos
	res, err := Decide(p.spec, p.st, e, f)
	if err != nil {
		return "error: " + trimtab.Message(err)
	}
	p.st, p.last = res.State, res.Decision
	text := Text(res.Decision)
	if res.Verdict != nil {
		text += fmt.Sprintf("verdict on %s: %s\n", res.Verdict.Decision, res.Verdict.Sentence)
	}
	return text
}
