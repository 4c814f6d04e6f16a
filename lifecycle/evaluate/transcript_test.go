package evaluate

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew instead of comparing")

// TestTranscripts runs every testdata/*.txt. A line is a command; what it prints stands below it, indented. Commands:
//
//	suite [task=regression] [rows=N] [positives=N] [schema=equal|any] [latency=2ms] [confidence=V]   begins a suite
//	gate METRIC [on=golden] [better=K] [nonInferior=M] [min=V] [max=V] [severity=warn]
//	slice COLUMN [metric=M] [nonInferior=M] [rows=N]
//	rows [fresh|golden] [days=N] [each=N] [skill=V] [against=V] [noise=V] [rate=V] [a=V] [refused=N] [alone]
//	     made rows: each a day; skill and against are how much of what is to be known the challenger and the champion
//	     know, a is the challenger's skill in slice part=a, rate shifts the positives; alone: nothing to compare with
//	none WHY                      there are no fresh rows
//	narrower TEXT                 what the signature takes less of
//	took TIME                     the slowest of 200 rows
//	judge                         prints the verdict, its reason and every result
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

// shape says what made rows are like.
type shape struct {
	task           Task
	days, each     int
	skill, against float64
	noise, rate    float64
	a              float64 // the challenger's skill in slice a; 0: as elsewhere
	refused        int
	alone          bool
}

// synthetic makes rows: x is what can be known of the outcome, and each version knows a part of it.
func synthetic(seed uint64, s shape) *Rows {
	random := rand.New(rand.NewPCG(seed, 7))
	r := &Rows{Start: 15765 * day, End: (15765 + trimtab.Time(s.days)) * day, Slices: map[string]*table.Column{}}
	part, size := table.NewColumn("part", table.String, 0), table.NewColumn("size", table.Float64, 0)
	link := func(v float64) float64 {
		if s.task == Regression {
			return v
		}
		return 1 / (1 + math.Exp(-v))
	}
	for d := range s.days {
		for i := range s.each {
			x, u, v := random.NormFloat64(), random.NormFloat64(), random.NormFloat64()
			y := 2*x + s.rate
			if s.task == Binary {
				p := link(y)
				y = 0
				if random.Float64() < p {
					y = 1
				}
			} else {
				y += random.NormFloat64()
			}
			skill := s.skill
			name := string(rune('a' + i%4))
			if name == "a" && s.a != 0 {
				skill = s.a
			}
			r.Time = append(r.Time, r.Start+trimtab.Time(d)*day+trimtab.Time(i)*(day/trimtab.Time(s.each)))
			r.Label = append(r.Label, y)
			r.Challenger = append(r.Challenger, link(2*skill*x+s.rate+s.noise*u))
			if !s.alone {
				r.Champion = append(r.Champion, link(2*s.against*x+s.rate+s.noise*v))
			}
			part.AppendString(name)
			size.AppendFloat64(x)
		}
	}
	for i := range s.refused {
		r.Challenger[i] = math.NaN()
	}
	r.Slices["part"], r.Slices["size"] = part, size
	return r
}

func play(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	var suite trimtab.EvaluationSuiteSpec
	var f Facts
	seed := uint64(0)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  ") {
			continue // of the last time
		}
		out.WriteString(line)
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		var bare []string
		arg := map[string]string{}
		for _, w := range words[1:] {
			if k, v, ok := strings.Cut(w, "="); ok {
				arg[k] = v
			} else {
				bare = append(bare, w)
			}
		}
		number := func(key string, otherwise float64) float64 {
			if arg[key] == "" {
				return otherwise
			}
			v, err := strconv.ParseFloat(arg[key], 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return v
		}
		maybe := func(key string) *float64 {
			if arg[key] == "" {
				return nil
			}
			v := number(key, 0)
			return &v
		}
		switch words[0] {
		case "suite":
			suite = trimtab.EvaluationSuiteSpec{Model: "m", Fresh: &trimtab.FreshSpec{MinRows: int64(number("rows", 0)), MinPositives: int64(number("positives", 0))},
				Schema: arg["schema"], Confidence: number("confidence", 0)}
			if arg["latency"] != "" {
				if err := suite.MaxLatency.UnmarshalText([]byte(arg["latency"])); err != nil {
					t.Fatal(err)
				}
			}
			f = Facts{Task: Binary, Against: 1, Seed: 5}
			if arg["task"] != "" {
				f.Task = Task(arg["task"])
			}
			if len(bare) > 0 && bare[0] == "built-in" {
				suite = trimtab.BuiltInSuite(string(f.Task))
			}
		case "gate":
			suite.Gates = append(suite.Gates, trimtab.GateSpec{Metric: bare[0], On: arg["on"], Severity: arg["severity"], NonInferior: maybe("nonInferior"), Better: maybe("better"), Min: maybe("min"), Max: maybe("max")})
		case "slice":
			suite.Slices = append(suite.Slices, trimtab.SliceSpec{Column: bare[0], Metric: arg["metric"], NonInferior: number("nonInferior", 0), MinRows: int64(number("rows", 0))})
		case "rows":
			seed++
			s := shape{task: f.Task, days: int(number("days", 7)), each: int(number("each", 200)), skill: number("skill", 0.8), against: number("against", 0.8),
				noise: number("noise", 0.2), rate: number("rate", 0), a: number("a", 0), refused: int(number("refused", 0))}
			golden := false
			for _, b := range bare {
				golden = golden || b == "golden"
				s.alone = s.alone || b == "alone"
			}
			if f.Against = 1; s.alone {
				f.Against = 0
			}
			if r := synthetic(seed, s); golden {
				f.Golden = r
			} else {
				f.Fresh = r
			}
		case "none":
			f.Fresh, f.NoFresh = nil, strings.Join(words[1:], " ")
		case "narrower":
			f.Schema = append(f.Schema, strings.Join(words[1:], " "))
		case "took":
			d, err := time.ParseDuration(bare[0])
			if err != nil {
				t.Fatal(err)
			}
			f.Latency, f.Timed = d, 200
		case "judge":
			e := Judge(suite, f)
			fmt.Fprintf(&out, "  %s: %s\n", e.Verdict, e.Reason)
			for _, r := range e.Results {
				name := r.Gate
				if r.Slice != "" {
					name += " where " + r.Slice
				}
				fmt.Fprintf(&out, "    %-12s %s, %s: %s\n", r.Verdict, name, counted(r.Rows, r.On+" row"), r.Why)
			}
		default:
			t.Fatalf("unknown command %q", line)
		}
	}
	return out.String()
}
