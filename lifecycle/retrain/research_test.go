package retrain

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/boost"
)

// recorded are versions that were trained elsewhere: one per window, with their scores on all later rows.
type recorded struct {
	Name     string   `json:"name"`
	Task     Task     `json:"task"`
	N        int      `json:"n"` // rows
	Features []string `json:"features"`
	Borders  []int    `json:"borders"`
	Init     int      `json:"init"`
	Window   int64    `json:"window_ms"`
	Starts   []int64  `json:"starts"`
	Kind     string   `json:"kind"`

	windows []*Rows
	at      map[trimtab.Time]int
	scores  [][]float32 // by version, by row
}

func readFloats(t *testing.T, path string, n int) []float64 {
	raw, err := os.ReadFile(path)
	if err != nil || len(raw) < 8*n {
		t.Fatal(path, err)
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return out
}

func loadRecorded(t *testing.T, dir string) *recorded {
	raw, err := os.ReadFile(filepath.Join(dir, "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorded{at: map[trimtab.Time]int{}}
	if err := json.Unmarshal(raw, r); err != nil {
		t.Fatal(err)
	}
	label := readFloats(t, filepath.Join(dir, "label.f64"), r.N)
	feat := readFloats(t, filepath.Join(dir, "feat.f64"), r.N*len(r.Features))
	rawTime, _ := os.ReadFile(filepath.Join(dir, "time.i64"))
	times := make([]trimtab.Time, r.N)
	for i := range times {
		times[i] = trimtab.Time(binary.LittleEndian.Uint64(rawTime[8*i:]))
	}
	raw, _ = os.ReadFile(filepath.Join(dir, "scores.f32"))
	for v := 0; v < len(r.Starts)-r.Init; v++ {
		s := make([]float32, r.N)
		for i := range s {
			s[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(v*r.N+i):]))
		}
		r.scores = append(r.scores, s)
	}
	for w := range r.Starts {
		a, b := r.Borders[w], r.Borders[w+1]
		rows := &Rows{Start: trimtab.Time(r.Starts[w]), End: trimtab.Time(r.Starts[w] + r.Window), Time: times[a:b], Label: label[a:b]}
		for k, name := range r.Features {
			rows.Features = append(rows.Features, boost.Feature{Name: name, Values: feat[k*r.N+a : k*r.N+b], Categorical: strings.HasPrefix(name, "c_")})
		}
		r.at[rows.Start] = w
		r.windows = append(r.windows, rows)
	}
	return r
}

// takes is what prepare.py trains on: the newest 40,000 rows.
func (r *recorded) takes(_, trained trimtab.Time) Takes {
	const most = 40_000
	return Takes{Most: most, Learnt: min(most, r.Borders[r.at[trained]])}
}

type recordedVersion struct {
	r *recorded
	v int
}

func (r *recorded) Train(asOf trimtab.Time, _ []*Rows) (Predictor, error) {
	return recordedVersion{r, r.at[asOf] - r.Init}, nil
}

func (p recordedVersion) Score(rows *Rows) ([]float64, error) {
	w := p.r.at[rows.Start]
	a, b := p.r.Borders[w], p.r.Borders[w+1]
	out := make([]float64, b-a)
	for i := range out {
		out[i] = float64(p.r.scores[p.v][a+i])
	}
	return out, nil
}

// hindsight holds the losses of each version in each window, split by parity of the block.
type hindsight struct {
	init, windows int
	loss          [2][][]float64 // half, version, window
}

func (r *recorded) hindsight() hindsight {
	h := hindsight{init: r.Init, windows: len(r.windows)}
	for half := range h.loss {
		h.loss[half] = make([][]float64, len(r.scores))
		for v := range r.scores {
			h.loss[half][v] = make([]float64, len(r.windows))
		}
	}
	for v := range r.scores {
		for w := v + r.Init; w < len(r.windows); w++ {
			rows := r.windows[w]
			for i, y := range rows.Label {
				h.loss[(rows.key(i)%2+2)%2][v][w] += r.Task.Loss(y, float64(r.scores[v][r.Borders[w]+i]))
			}
		}
	}
	return h
}

func (h hindsight) total(v, w int) float64 { return h.loss[0][v][w] + h.loss[1][v][w] }

// best is the loss and cost of the best path of versions, chosen on one half of the blocks and judged on the other.
func (h hindsight) best(cost float64) float64 {
	sum := 0.0
	for half := range 2 {
		n := len(h.loss[half])
		// value[w][v]: least loss from window w on when v serves w.
		next := make([]float64, n)
		choice := make([][]int, h.windows)
		for w := h.windows - 1; w >= h.init; w-- {
			here := make([]float64, n)
			choice[w] = make([]int, n)
			for v := 0; v+h.init <= w; v++ {
				bestV, bestL := v, 0.0
				if w+1 < h.windows {
					bestL = next[v]
					for u := v + 1; u+h.init <= w; u++ { // usable from window u+1
						if l := next[u] + cost/2; l < bestL {
							bestV, bestL = u, l
						}
					}
				}
				choice[w][v] = bestV
				here[v] = h.loss[half][v][w] + bestL
			}
			next = here
		}
		v := 0
		for w := h.init; w < h.windows; w++ {
			sum += h.loss[1-half][v][w]
			if w+1 < h.windows {
				if u := choice[w][v]; u != v {
					sum += cost / 2
					v = u
				}
			}
		}
	}
	return sum
}

func (h hindsight) never() float64 {
	s := 0.0
	for w := h.init; w < h.windows; w++ {
		s += h.total(0, w)
	}
	return s
}

func (h hindsight) every(k int, cost float64) float64 {
	s, v, age := 0.0, 0, 0
	for w := h.init; w < h.windows; w++ {
		s += h.total(v, w)
		if age++; age >= k && w+1 < h.windows {
			v, age = w-h.init, 0
			s += cost
		}
	}
	return s
}

type line struct {
	name   string
	regret map[string][2]float64
}

// TestResearch measures the rule on prepared streams (testdata/research): TRIMTAB_STREAMS names the folder, TRIMTAB_ONLY
// is a pattern of names. It prints regret against hindsight at two prices of a retrain and, at the default price, what
// was done; it fails only where streams cannot be read. Beside a regret stand retrains/rejected/recalibrations/older.
func TestResearch(t *testing.T) {
	dir := os.Getenv("TRIMTAB_STREAMS")
	if dir == "" {
		t.Skip("TRIMTAB_STREAMS names no folder of prepared streams")
	}
	only, err := regexp.Compile(os.Getenv("TRIMTAB_ONLY"))
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	columns := []string{"never", "every", "every 4th", "every 8th", "rule"}
	var lines []line
	for _, d := range dirs {
		r := loadRecorded(t, filepath.Dir(d))
		if !only.MatchString(r.Name) {
			continue
		}
		h := r.hindsight()
		n := float64(h.windows - h.init)
		never := h.never()
		// The unit: what retraining in every window saves per window. Where that is nothing a floor keeps it a unit.
		u := max((never-h.every(1, 0))/n, 0.003*never/n)
		l := line{r.Name, map[string][2]float64{}}
		memo, note := &Memo{}, ""
		for i, price := range []float64{1, 3, 0} {
			spec := trimtab.RetrainPolicySpec{}
			spec.Costs.Retrain = price * u
			spec.Limits.Failures = 1000
			if price > 0 {
				spec.Require = trimtab.RequireSpec{MinRows: 1, MinPositives: 5}
			}
			out, err := standard.simulate(Stream{Task: r.Task, Windows: r.windows, First: r.Init, Takes: r.takes}, r, spec, memo)
			if err != nil {
				t.Fatal(r.Name, err)
			}
			note += fmt.Sprintf("  %d/%d/%d/%d", out.Retrains, out.Rejected, out.Recalibrations, out.Promotions)
			if price == 0 {
				note += fmt.Sprintf(" gain %s ± %s", number(out.Gain), number(out.StdErr))
				continue
			}
			best := h.best(price * u)
			for _, c := range columns {
				loss := map[string]float64{"never": never, "every": h.every(1, price*u), "every 4th": h.every(4, price*u),
					"every 8th": h.every(8, price*u), "rule": out.Loss + out.Cost}[c]
				x := l.regret[c]
				x[i] = (loss - best) / u
				l.regret[c] = x
			}
		}
		fmt.Printf("%-32s %d windows, u %.2f%% of the loss:", r.Name, h.windows-h.init, 100*u*n/never)
		for _, c := range columns {
			fmt.Printf("  %s %.1f %.1f", c, l.regret[c][0], l.regret[c][1])
		}
		fmt.Println(note)
		lines = append(lines, l)
	}
	if len(lines) == 0 {
		t.Fatal("no streams")
	}
	for _, c := range columns {
		fmt.Printf("%-10s", c)
		for i := range 2 {
			var xs []float64
			sum := 0.0
			for _, l := range lines {
				xs, sum = append(xs, l.regret[c][i]), sum+l.regret[c][i]
			}
			slices.Sort(xs)
			fmt.Printf("  median %6.1f mean %6.1f p90 %6.1f", (xs[len(xs)/2]+xs[(len(xs)-1)/2])/2, sum/float64(len(xs)), xs[len(xs)*9/10])
		}
		fmt.Println()
	}
}
