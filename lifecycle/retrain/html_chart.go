package retrain

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// The size of a chart, in units that the page scales.
const (
	chartWidth  = 920
	chartHeight = 260
	chartLeft   = 56
	chartRight  = 12
	chartTop    = 22
	chartBottom = 30
)

// chart is a picture of windows over time, as shapes with coordinates.
type chart struct {
	Width, Height int
	Title         string // for those who cannot see it
	Left, Right   string // of the plot
	Top, Bottom   string
	Bands         []shape // faults of the data
	Reference     *shape
	Whiskers      []shape
	Lines         []shape
	Dots          []shape
	Marks         []shape // what a policy would have done
	X, Y          []tick
}

type shape struct {
	Class          string
	X, Y, W, H     string
	X2, Y2, Points string
	Title          string
}

type tick struct{ At, Text string }

// plot maps time and value to coordinates.
type plot struct {
	from, to trimtab.Time
	lo, hi   float64
}

func (p plot) x(t trimtab.Time) float64 {
	return chartLeft + float64(t-p.from)/float64(max(1, p.to-p.from))*(chartWidth-chartLeft-chartRight)
}

func (p plot) y(v float64) float64 {
	v = min(max(v, p.lo), p.hi)
	return chartTop + (p.hi-v)/(p.hi-p.lo)*(chartHeight-chartTop-chartBottom)
}

func at(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// frame prepares a chart of values between lo and hi; nil when there is nothing to draw.
func (a Advice) frame(title string, lo, hi float64) (*chart, plot) {
	if len(a.Windows) == 0 || !(lo <= hi) {
		return nil, plot{}
	}
	if lo == hi {
		lo, hi = lo-math.Abs(lo)/10-0.01, hi+math.Abs(hi)/10+0.01
	}
	pad := (hi - lo) * 0.06
	p := plot{a.Windows[0].Start, a.Windows[len(a.Windows)-1].End, lo - pad, hi + pad}
	c := &chart{Width: chartWidth, Height: chartHeight, Title: title, Left: at(chartLeft), Right: at(chartWidth - chartRight), Top: at(chartTop), Bottom: at(chartHeight - chartBottom)}
	for _, v := range steps(p.lo, p.hi) {
		c.Y = append(c.Y, tick{at(p.y(v)), number(v)})
	}
	n := min(8, len(a.Windows))
	for i := range n {
		w := a.Windows[i*len(a.Windows)/n]
		c.X = append(c.X, tick{at(p.x(w.Start)), date(w.Start)})
	}
	for _, f := range a.Faults {
		x := p.x(max(f.From, p.from))
		c.Bands = append(c.Bands, shape{Class: "fault", X: at(x), Y: c.Top, W: at(max(2, p.x(min(f.To, p.to))-x)), H: at(chartHeight - chartTop - chartBottom),
			Title: fmt.Sprintf("%s, %s to %s", faultName(f), date(f.From), date(f.To))})
	}
	for _, e := range a.Policy.Changes {
		class := "mark " + string(e.Action)
		what := string(e.Action)
		if !e.Accepted {
			class, what = class+" rejected", what+", rejected"
		}
		c.Marks = append(c.Marks, shape{Class: class, X: at(p.x(e.At)), Y: c.Top, Y2: c.Bottom, Title: date(e.At) + ": " + what})
	}
	return c, p
}

// steps are round numbers between lo and hi, about five.
func steps(lo, hi float64) []float64 {
	raw := (hi - lo) / 5
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*unit >= raw {
			unit *= m
			break
		}
	}
	var out []float64
	for v := math.Ceil(lo/unit) * unit; v <= hi && len(out) < 12; v += unit {
		out = append(out, v)
	}
	return out
}

func middle(w AdvisedWindow) trimtab.Time { return w.Start + (w.End-w.Start)/2 }

// line joins the values of neighbouring windows; where one is missing the line is broken.
func (a Advice) line(p plot, class string, value func(AdvisedWindow) (float64, bool)) []shape {
	var out []shape
	var points []string
	flush := func() {
		if len(points) > 1 {
			out = append(out, shape{Class: class, Points: strings.Join(points, " ")})
		}
		points = nil
	}
	for _, w := range a.Windows {
		v, ok := value(w)
		if !ok {
			flush()
			continue
		}
		points = append(points, at(p.x(middle(w)))+","+at(p.y(v)))
	}
	flush()
	return out
}

func (a Advice) qualityChart() *chart {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, w := range a.Windows {
		if w.Quality != nil {
			lo, hi = min(lo, w.Quality.Value), max(hi, w.Quality.Value)
			// Whiskers of a window with few rows may not crush the rest.
			if d := w.Quality.Hi - w.Quality.Lo; d < 0.3*math.Abs(w.Quality.Value) {
				lo, hi = min(lo, w.Quality.Lo), max(hi, w.Quality.Hi)
			}
		}
	}
	c, p := a.frame(a.metricName()+" of each window with its 95 % interval", lo, hi)
	if c == nil {
		return nil
	}
	if v := a.Decay.Before; v != nil {
		c.Reference = &shape{X: c.Left, X2: c.Right, Y: at(p.y(v.Value)), Title: "mean of the reference: " + number(v.Value)}
	}
	if a.Task == Binary {
		c.Lines = append(c.Lines, a.line(p, "expected", func(w AdvisedWindow) (float64, bool) {
			if w.Expected == nil {
				return 0, false
			}
			return w.Expected.Value, true
		})...)
	}
	c.Lines = append(c.Lines, a.line(p, "served", func(w AdvisedWindow) (float64, bool) {
		if w.Quality == nil {
			return 0, false
		}
		return w.Quality.Value, true
	})...)
	for _, w := range a.Windows {
		if w.Quality == nil {
			continue
		}
		x, class := at(p.x(middle(w))), "dot"
		if w.Worse {
			class = "dot worse"
		}
		c.Whiskers = append(c.Whiskers, shape{X: x, Y: at(p.y(w.Quality.Hi)), Y2: at(p.y(w.Quality.Lo))})
		c.Dots = append(c.Dots, shape{Class: class, X: x, Y: at(p.y(w.Quality.Value)), Title: fmt.Sprintf("%s: %s, 95 %% between %s and %s, %d labels",
			date(w.Start), number(w.Quality.Value), number(w.Quality.Lo), number(w.Quality.Hi), w.Labels)})
	}
	return c
}

func (a Advice) lossChart() *chart {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, w := range a.Windows {
		for _, v := range []*float64{w.Recalibrated, w.Retrained} {
			if v != nil {
				lo, hi = min(lo, *v), max(hi, *v)
			}
		}
		if w.Loss != nil {
			lo, hi = min(lo, w.Loss.Value), max(hi, w.Loss.Value)
		}
	}
	c, p := a.frame(a.lossName()+" per row of each window: as served, recalibrated, and with a retrain as estimated", lo, hi)
	if c == nil {
		return nil
	}
	given := func(v *float64) (float64, bool) {
		if v == nil {
			return 0, false
		}
		return *v, true
	}
	c.Lines = append(c.Lines, a.line(p, "retrained", func(w AdvisedWindow) (float64, bool) { return given(w.Retrained) })...)
	c.Lines = append(c.Lines, a.line(p, "recalibrated", func(w AdvisedWindow) (float64, bool) { return given(w.Recalibrated) })...)
	c.Lines = append(c.Lines, a.line(p, "served", func(w AdvisedWindow) (float64, bool) {
		if w.Loss == nil {
			return 0, false
		}
		return w.Loss.Value, true
	})...)
	return c
}
