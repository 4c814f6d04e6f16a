package diagnose

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/pure/table"
)

// binOf is the length of bins that a monitor takes.
func binOf(length int64) int64 {
	switch {
	case length >= 7*dayLong:
		return dayLong
	case length >= dayLong:
		return dayLong / 24
	}
	return length / 4
}

// flows cuts times into windows; times before 1970 are moved by whole weeks.
func flows(times []int64, length int64, month bool) (out []Flow) {
	first, last := times[0], times[0]
	for _, t := range times {
		first, last = min(first, t), max(last, t)
	}
	bounds := func(t int64) (int64, int64) {
		if month {
			g := time.UnixMilli(t).UTC()
			s := time.Date(g.Year(), g.Month(), 1, 0, 0, 0, 0, time.UTC)
			return s.UnixMilli(), s.AddDate(0, 1, 0).UnixMilli()
		}
		return t - t%length, t - t%length + length
	}
	if first < 0 {
		k := (-first/length + 1) * length
		k = (k + 7*86_400_000 - 1) / (7 * 86_400_000) * 7 * 86_400_000
		for i := range times {
			times[i] += k
		}
		first, last = first+k, last+k
	}
	counts := map[int64]map[int64]float64{}
	for _, t := range times {
		s, e := bounds(t)
		b := binOf(e - s)
		if counts[s] == nil {
			counts[s] = map[int64]float64{}
		}
		counts[s][(t-s)/b]++
	}
	for at, _ := bounds(first); ; {
		s, e := bounds(at)
		if e > last+1 {
			break
		}
		b := binOf(e - s)
		f := Flow{Begin: s, Bin: b, Count: make([]float64, (e-s+b-1)/b)}
		for i := range f.Count {
			f.Count[i] = counts[s][int64(i)]
			if s+int64(i)*b < first {
				f.Count[i] = math.NaN()
			}
		}
		out = append(out, f)
		at = e
	}
	return out
}

// timesOf reads the event times of a table, in milliseconds.
func timesOf(t testing.TB, path, column string) []int64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	x, err := table.ReadParquet(f, info.Size(), table.ParquetOptions{Columns: []string{column}})
	if err != nil {
		t.Fatal(err)
	}
	c := x.Column(column)
	out := make([]int64, 0, c.Len())
	for i, v := range c.Int64s {
		switch {
		case c.Null(i):
		case c.Type == table.Datetime:
			out = append(out, v/1e6)
		default:
			out = append(out, v)
		}
	}
	return out
}

// TestCompareStreams counts alarms on real streams as they are, in windows as wide as is usual for them and four times as
// narrow, and how often what is taken away, or added, is found. Among the alarms are times in which rows really are
// missing: sensors that failed, a blizzard, shops that closed. It takes a minute where TRIMTAB_STREAMS names the streams.
func TestCompareStreams(t *testing.T) {
	folder := os.Getenv("TRIMTAB_STREAMS")
	if folder == "" {
		t.Skip("TRIMTAB_STREAMS names no folder of streams")
	}
	text, err := os.ReadFile(filepath.Join(folder, "streams.json"))
	if err != nil {
		t.Fatal(err)
	}
	var about struct {
		Streams []struct {
			Name, Kind string
			Window     int64 `json:"window_ms"`
		}
	}
	if err := json.Unmarshal(text, &about); err != nil {
		t.Fatal(err)
	}
	type source struct {
		name   string
		times  []int64
		length int64
		month  bool
	}
	var all []source
	for _, x := range []struct {
		name, column string
		days         int64 // 0: months
	}{{"flights", "scheduled", 7}, {"electricity", "starts", 28}, {"bikes", "starts", 0}} {
		all = append(all, source{x.name, timesOf(t, filepath.Join("../../examples", x.name, "data", x.name+".parquet"), x.column), x.days * dayLong, x.days == 0})
	}
	for _, a := range about.Streams {
		if a.Kind == "injected" {
			continue
		}
		times := timesOf(t, filepath.Join(folder, a.Name+".parquet"), "time")
		for _, part := range []int64{1, 4} {
			length := a.Window / part
			if length >= dayLong {
				length -= length % dayLong
			}
			all = append(all, source{fmt.Sprintf("%s/%d", a.Name, part), slices.Clone(times), length, false})
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	altered := func(f Flow, lo, hi int, factor float64) Flow {
		f.Count = slices.Clone(f.Count)
		for i := lo; i < hi; i++ {
			n := f.Count[i] * math.Floor(factor)
			for range int(f.Count[i]) {
				if r.Float64() < factor-math.Floor(factor) {
					n++
				}
			}
			f.Count[i] = n
		}
		return f
	}
	faults := []struct {
		name   string
		from   float64 // share of the window
		factor float64
		want   float64 // how often it is found at least
	}{{"half", 0, 0.5, 0.75}, {"half of the second half", 0.5, 0.5, 0.6}, {"nothing in the last tenth", 0.9, 0, 0.65}, {"twice as many", 0, 2, 0.7}}
	judged, alarms, hits := 0, 0, make([]int, len(faults))
	for _, s := range all {
		f := flows(s.times, s.length, s.month)
		n, bad, found := 0, 0, make([]int, len(faults))
		for i, now := range f {
			before := f[max(0, i-12):i]
			c, ok := Compare(before, now, 0.2)
			if !ok {
				continue
			}
			n++
			if c.Hi > 0 {
				bad++
				t.Logf("   %s %s: bins %d to %d of %d: %.0f where %.0f are usual, p %.1g", s.name, time.UnixMilli(now.Begin).UTC().Format("2006-01-02"), c.Lo, c.Hi, len(now.Count), c.Count, c.Usual, c.Chance)
				continue
			}
			for k, x := range faults {
				m := len(now.Count)
				if c, _ := Compare(before, altered(now, min(int(x.from*float64(m)), m-1), m, x.factor), 0.2); c.Hi > 0 {
					found[k]++
				}
			}
		}
		judged, alarms = judged+n, alarms+bad
		line := fmt.Sprintf("%s: %d windows, %d alarms", s.name, n, bad)
		for k, x := range faults {
			hits[k] += found[k]
			line += fmt.Sprintf("; %s %.2f", x.name, float64(found[k])/float64(max(1, n-bad)))
		}
		t.Log(line)
	}
	t.Logf("%d windows, %d alarms, found %v", judged, alarms, hits)
	if judged < 1000 || alarms*100 > judged*3/2 {
		t.Errorf("%d alarms in %d windows", alarms, judged)
	}
	for k, x := range faults {
		if share := float64(hits[k]) / float64(max(1, judged-alarms)); share < x.want {
			t.Errorf("%s: found in %.2f of the windows, want %.2f", x.name, share, x.want)
		}
	}
}
