package retrain

import (
	"math"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestTakenFrom reads what a pipeline would take as of a moment.
func TestTakenFrom(t *testing.T) {
	when := func(s string) trimtab.Time {
		v, err := trimtab.ParseTime(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	params := map[string]string{"asOf": "2013-06-01", "span": "31d"}
	data := func(ds ...trimtab.DatasetSpec) (spec trimtab.PipelineSpec) {
		for i := range ds {
			spec.Steps = append(spec.Steps, trimtab.StepSpec{Dataset: &ds[i]})
		}
		return spec
	}
	for name, c := range map[string]struct {
		spec  trimtab.PipelineSpec
		from  trimtab.Time
		known bool
	}{
		"no data set":       {spec: trimtab.PipelineSpec{Steps: []trimtab.StepSpec{{Run: "python train.py"}}}},
		"everything":        {data(trimtab.DatasetSpec{AsOf: "{{ params.asOf }}"}), 0, true},
		"from":              {data(trimtab.DatasetSpec{AsOf: "{{ params.asOf }}", From: "2013-01-01"}), when("2013-01-01"), true},
		"a window":          {data(trimtab.DatasetSpec{AsOf: "{{ params.asOf }}", Window: "{{ params.span }}"}), when("2013-05-01"), true},
		"a window to":       {data(trimtab.DatasetSpec{AsOf: "{{ params.asOf }}", To: "2013-05-01", Window: "30d"}), when("2013-04-01"), true},
		"the wider of two":  {data(trimtab.DatasetSpec{AsOf: "{{ params.asOf }}", Window: "7d"}, trimtab.DatasetSpec{AsOf: "{{ params.asOf }}", Window: "31d"}), when("2013-05-01"), true},
		"one takes all":     {data(trimtab.DatasetSpec{AsOf: "{{ params.asOf }}", Window: "7d"}, trimtab.DatasetSpec{AsOf: "{{ params.asOf }}"}), 0, true},
		"an unknown param":  {spec: data(trimtab.DatasetSpec{AsOf: "{{ params.asOf }}", Window: "{{ params.days }}"})},
		"of the run":        {spec: data(trimtab.DatasetSpec{AsOf: "{{ run.created }}", Window: "7d"})},
		"an unclosed brace": {spec: data(trimtab.DatasetSpec{AsOf: "{{ params.asOf"})},
		"no duration":       {spec: data(trimtab.DatasetSpec{AsOf: "{{ params.asOf }}", Window: "long"})},
	} {
		if from, known := takenFrom(c.spec, params); from != c.from || known != c.known {
			t.Errorf("%s: %s %v, expected %s %v", name, from, known, c.from, c.known)
		}
	}
}

// TestRecipe: what a run as of a moment would take, live and in a replay of recorded windows.
func TestRecipe(t *testing.T) {
	day := func(n int) trimtab.Time { return trimtab.Time(n) * 24 * 3600 * 1000 }
	of := func(d trimtab.DatasetSpec) *recipe {
		return &recipe{spec: trimtab.PipelineSpec{Steps: []trimtab.StepSpec{{Dataset: &d}}}, params: map[string]string{"span": "30d"}, asOf: "at"}
	}
	learnt := taught{rows: 700, since: day(10)}
	for name, c := range map[string]struct {
		r    *recipe
		want Takes
	}{
		"no pipeline":         {nil, Takes{}},
		"everything":          {of(trimtab.DatasetSpec{AsOf: "{{ params.at }}"}), Takes{}},
		"a window":            {of(trimtab.DatasetSpec{AsOf: "{{ params.at }}", Window: "{{ params.span }}"}), Takes{From: day(70), Learnt: 700, Since: day(10)}},
		"nobody can tell how": {of(trimtab.DatasetSpec{AsOf: "{{ run.created }}", Window: "7d"}), Takes{Most: 700, Learnt: 700, Since: day(10)}},
	} {
		for range 2 { // the params of one question are not those of the next
			if got := c.r.takes(day(100), learnt); got != c.want {
				t.Errorf("%s: %+v, expected %+v", name, got, c.want)
			}
			c.r.takes(day(500), taught{})
		}
	}
}

// TestForgets: a training on as many rows as the served version and the probe know together forgets nothing.
func TestForgets(t *testing.T) {
	const rate = 1. / 10 // rows per unit of time
	for name, c := range map[string]struct {
		takes         Takes
		trained, asOf trimtab.Time
		lesson        int
		share         float64
	}{
		"everything":               {Takes{Learnt: 1000}, 10_000, 20_000, 1000, 0},
		"nobody knows what served": {Takes{From: 15_000}, 10_000, 20_000, 1000, 0},
		"as much as it served":     {Takes{From: 10_000, Learnt: 1000}, 10_000, 20_000, 1000, 0.5},
		"half of the lesson":       {Takes{From: 15_000, Learnt: 1000}, 10_000, 20_000, 500, 500./500 - 500./1500},
		"half of what served":      {Takes{From: 5_000, Learnt: 1000}, 10_000, 20_000, 1000, 1000./1500 - 1000./2000},
		"all of what served":       {Takes{From: 5_000, Since: 5_000, Learnt: 1000}, 10_000, 20_000, 1000, 0},
		"few served":               {Takes{From: 5_000, Learnt: 100}, 10_000, 20_000, 1000, 0},
		"the newest rows":          {Takes{Most: 1000, Learnt: 1000}, 10_000, 20_000, 1000, 0.5},
		"more than there are":      {Takes{Most: 3000, Learnt: 1000}, 10_000, 20_000, 1000, 0},
	} {
		if got := c.takes.forgets(c.trained, c.asOf, rate, c.lesson); math.Abs(got-c.share) > 1e-12 {
			t.Errorf("%s: %v, expected %v", name, got, c.share)
		}
	}
}

// TestPromiseOfARetrainThatForgets: where nothing changes, a training on as many rows as the served version has learnt
// brings nothing, and the probe on top of it says so; where much has changed, the promise stays.
func TestPromiseOfARetrainThatForgets(t *testing.T) {
	const per, before, after = 500, 4, 8
	promise := func(turn float64, takes Takes) (mean, stderr float64) {
		var blocks []trimtab.GainBlock
		for seed := range uint64(4) {
			o := newWorld(40+seed, per)
			o.turn = func(w int) float64 {
				if w >= before {
					return turn
				}
				return 0
			}
			windows := o.windows(before + after)
			served, err := BoostTrainer{Task: Binary}.Train(windows[before].Start, windows[:before])
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range windows {
				if w.Score, err = served.Score(w); err != nil {
					t.Fatal(err)
				}
			}
			for k := after - 3; k <= after; k++ {
				x := takes
				if takes.From != 0 {
					x.From = windows[before+k-1].Start - before*7*day
				}
				e := measured(t, Question{Task: Binary, Trained: windows[before].Start, Takes: x, Probe: true}, windows[before:before+k])
				for _, b := range find(e, trimtab.DoRetrain).Blocks {
					b.Key += int64(1000 * seed)
					blocks = append(blocks, b)
				}
			}
		}
		s := spanOf(blocks, 1)
		return s.mean, s.stderr
	}
	whole, _ := promise(0, Takes{})
	same, se := promise(0, Takes{From: 1, Learnt: before * per})
	t.Logf("nothing changed: %v on everything, %v ± %v on as much as the served version has learnt", whole, same, se)
	if !(whole > 0) || !(same < whole) || same > 2*se || same < -0.015 { // the loss is about 0.55
		t.Errorf("nothing changed: %v on everything, %v ± %v on as much as the served version has learnt", whole, same, se)
	}
	whole, _ = promise(1, Takes{})
	same, se = promise(1, Takes{From: 1, Learnt: before * per})
	t.Logf("turned: %v on everything, %v ± %v", whole, same, se)
	if !(same > 0.8*whole) || !(same > 10*se) {
		t.Errorf("a turned concept: %v on everything, %v ± %v on as much as the served version has learnt", whole, same, se)
	}
}

// TestLearnableIsWhatIsTaken counts the rows that a training would take.
func TestLearnableIsWhatIsTaken(t *testing.T) {
	windows := newWorld(5, 700).windows(4)
	for _, w := range windows {
		w.Score = firstScores(w)
	}
	for name, c := range map[string]struct {
		takes Takes
		rows  int
	}{
		"all":             {Takes{}, 2800},
		"from":            {Takes{From: windows[2].Start}, 1400},
		"within a window": {Takes{From: windows[2].Start + 3*day + day/2}, 1050},
		"at most":         {Takes{Most: 900}, 900},
	} {
		e := measured(t, Question{Task: Binary, Takes: c.takes}, windows)
		if e.Learnable != c.rows || e.LearnablePositives >= c.rows || e.LearnablePositives == 0 {
			t.Errorf("%s: %d learnable rows, %d of them positive, expected %d", name, e.Learnable, e.LearnablePositives, c.rows)
		}
	}
}
