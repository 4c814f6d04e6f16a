package api

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/storage/sql"
)

// SeriesStore reads metrics of runs as lines.
type SeriesStore interface {
	Series(ctx context.Context, q sql.SeriesQuery) ([]sql.RunSeries, error)
}

// Bounds of one answer: lines, and points in all, so that it stays below 2 MB. A
// point is 16 bytes in binary and seldom more than 34 in JSON.
const (
	seriesLines    = 1000
	seriesBinary   = 115_000
	seriesJSON     = 56_000
	seriesPoints   = 1200
	seriesPointsTo = 5000
)

// SeriesIn is how lines are cut.
type SeriesIn struct {
	X      string `query:"x" enum:"step,time,relative" default:"step" doc:"What the points are placed by: their step, their time in ms since 1970, or ms since the start of the run."`
	From   string `query:"from" doc:"Points from here on, in units of x."`
	To     string `query:"to" doc:"Points up to here, in units of x."`
	Points int    `query:"points" minimum:"10" maximum:"5000" default:"1200" doc:"Into how many parts the axis is divided. Twice as many points, or fewer, are answered as they are; of more, the lowest and the highest of each part."`
}

// AskSeries asks for lines in a body, where an address would be too long.
type AskSeries struct {
	Runs   []trimtab.RunID `json:"runs" minItems:"1" maxItems:"1000"`
	Keys   []string        `json:"keys" minItems:"1" maxItems:"1000"`
	X      string          `json:"x,omitempty" enum:"step,time,relative"`
	From   *float64        `json:"from,omitempty"`
	To     *float64        `json:"to,omitempty"`
	Points int             `json:"points,omitempty" minimum:"10" maximum:"5000"`
}

func (in SeriesIn) ask(runs []trimtab.RunID, keys []string) (AskSeries, error) {
	a := AskSeries{Runs: runs, Keys: keys, X: in.X, Points: in.Points}
	for _, b := range []struct {
		name, text string
		into       **float64
	}{{"from", in.From, &a.From}, {"to", in.To, &a.To}} {
		if b.text == "" {
			continue
		}
		v, err := strconv.ParseFloat(b.text, 64)
		if err != nil || math.IsNaN(v) {
			return a, trimtab.Errorf(trimtab.Invalid, b.name, "%s is %q: expected a number in units of x", b.name, b.text)
		}
		*b.into = &v
	}
	return a, nil
}

func (t *table) series() {
	const accepts = " JSON, or with Accept: application/octet-stream what docs/format/series.md describes."
	stream(t, operation{id: "getRunSeries", method: "GET", path: "/runs/{id}/series", summary: "Read metrics of a run as lines." + accepts, auth: route.Reader, content: "application/json"},
		func(ctx context.Context, in *struct {
			ProjectIn
			ID   string   `path:"id"`
			Keys []string `query:"key,explode" required:"true" doc:"The key of a metric; may be repeated."`
			SeriesIn
		}, w http.ResponseWriter, r *http.Request) error {
			ask, err := in.ask([]trimtab.RunID{trimtab.RunID(in.ID)}, in.Keys)
			if err != nil {
				return err
			}
			return t.lines(ctx, ask, w, r)
		})
	stream(t, operation{id: "getSeries", method: "GET", path: "/series", summary: "Read a metric of many runs as lines." + accepts, auth: route.Reader, content: "application/json"},
		func(ctx context.Context, in *struct {
			ProjectIn
			Runs string   `query:"runs" required:"true" doc:"Ids of runs with commas between."`
			Keys []string `query:"key,explode" required:"true" doc:"The key of a metric; may be repeated."`
			SeriesIn
		}, w http.ResponseWriter, r *http.Request) error {
			var runs []trimtab.RunID
			for id := range strings.SplitSeq(in.Runs, ",") {
				if id != "" {
					runs = append(runs, trimtab.RunID(id))
				}
			}
			ask, err := in.ask(runs, in.Keys)
			if err != nil {
				return err
			}
			return t.lines(ctx, ask, w, r)
		})
	stream(t, operation{id: "askSeries", method: "POST", path: "/series", summary: "Read metrics of many runs as lines." + accepts, auth: route.Reader, maxBody: 1 << 20, content: "application/json"},
		func(ctx context.Context, in *struct {
			ProjectIn
			Body AskSeries
		}, w http.ResponseWriter, r *http.Request) error {
			return t.lines(ctx, in.Body, w, r)
		})
}

// lines answers a question for lines in the form that was asked for.
func (t *table) lines(ctx context.Context, ask AskSeries, w http.ResponseWriter, r *http.Request) error {
	binary := acceptsBinary(r.Header.Values("Accept"))
	out, err := t.linesOf(ctx, ask, binary)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept")
	if binary {
		w.Header().Set("Content-Type", "application/octet-stream")
		return out.WriteBinary(w)
	}
	return writeJSON(w, out)
}

func acceptsBinary(accept []string) bool {
	for _, line := range accept {
		for one := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(one, ";")
			if strings.TrimSpace(kind) == "application/octet-stream" {
				return true
			}
		}
	}
	return false
}

func (t *table) linesOf(ctx context.Context, ask AskSeries, binary bool) (view.Lines, error) {
	out := view.Lines{X: ask.X, Lines: []view.Line{}}
	if t.cfg.Series == nil {
		return out, absent("tracking store")
	}
	asked := len(ask.Runs) * len(ask.Keys)
	if asked == 0 || asked > seriesLines {
		return out, trimtab.Errorf(trimtab.Invalid, "series", "%d runs and %d keys are %d lines: expected 1 to %d", len(ask.Runs), len(ask.Keys), asked, seriesLines)
	}
	if ask.From != nil && ask.To != nil && *ask.To < *ask.From {
		return out, trimtab.Errorf(trimtab.Invalid, "series", "the lines end at %v, before they begin at %v", *ask.To, *ask.From)
	}
	if out.X == "" {
		out.X = string(sql.ByStep)
	}
	q := sql.SeriesQuery{Runs: ask.Runs, Keys: ask.Keys, Axis: sql.SeriesAxis(out.X), From: ask.From, To: ask.To, Points: ask.Points}
	if q.Points == 0 {
		q.Points = seriesPoints
	}
	budget := seriesJSON
	if binary {
		budget = seriesBinary
	}
	q.Points = max(10, min(q.Points, seriesPointsTo, budget/(3*asked)))
	all, err := t.cfg.Series.Series(ctx, q)
	for _, s := range all {
		l := view.Line{Run: s.Run, Key: s.Key, Start: s.Start, Count: s.Count, Exact: s.Exact, Points: len(s.Points), X: make([]float64, len(s.Points)), Y: make([]view.Number, len(s.Points))}
		for i, p := range s.Points {
			l.X[i], l.Y[i] = p.X, view.Number(p.Value)
		}
		out.Lines = append(out.Lines, l)
	}
	return out, err
}
