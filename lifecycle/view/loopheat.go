package view

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab"
)

// MoveState is what a window says of a column.
type MoveState uint8

const (
	MoveUnknown MoveState = iota
	MoveOK
	MoveSuspect
	MoveDrift
)

// ColumnMove is how far a column has moved in a window, in little room: a year of
// hours has a million of them. Column is its place in the list of columns.
type ColumnMove struct {
	Column                              uint16
	State                               MoveState
	PSI, Noise, Effect, Missing, Unseen float32
}

// LoopWindow is a window whose drift is kept in little room.
type LoopWindow struct {
	trimtab.WindowResult // without Drift
	Moves                []ColumnMove
}

// maxColumns bounds the columns of which drift is kept.
const maxColumns = 4096

// SlimWindow moves the drift of a window into moves; columns grows by those that it
// has not met yet.
func SlimWindow(w trimtab.WindowResult, columns *[]string, place map[string]int) LoopWindow {
	s := LoopWindow{WindowResult: w, Moves: make([]ColumnMove, 0, len(w.Drift))}
	s.Drift = nil
	for _, d := range w.Drift {
		i, ok := place[d.Column]
		if !ok {
			if len(*columns) == maxColumns {
				continue
			}
			i = len(*columns)
			place[d.Column] = i
			*columns = append(*columns, d.Column)
		}
		m := ColumnMove{Column: uint16(i), PSI: float32(d.PSI), Noise: float32(d.Noise), Effect: float32(d.Effect), Missing: float32(d.Missing), Unseen: float32(d.Unseen)}
		switch d.State {
		case "ok":
			m.State = MoveOK
		case "suspect":
			m.State = MoveSuspect
		case "drift":
			m.State = MoveDrift
		}
		s.Moves = append(s.Moves, m)
	}
	return s
}

// Ratio is the score over its limit: the larger of what chance explains and what
// matters. It is 0 where nothing is known.
func (m ColumnMove) Ratio() float64 {
	limit := float64(max(m.Noise, m.Effect))
	if limit <= 0 || m.State == MoveUnknown {
		return 0
	}
	return float64(m.PSI) / limit
}

// cell is one byte: the state in the two upper bits, sixteenths of the ratio in the
// others, at most 63.
func (m ColumnMove) cell() byte {
	return byte(m.State)<<6 | byte(min(63, math.Round(16*max(0, m.Ratio()))))
}

// LoopColumn is the drift of one column: Cells has a byte for each point, in base64.
// The two upper bits are the state (0 unknown, 1 ok, 2 suspect, 3 drift), the others
// are sixteenths of score over limit, at most 63. Of several windows in a point the
// worst state counts, and of that the largest ratio.
type LoopColumn struct {
	Column string       `json:"column"`
	Moved  int          `json:"moved"` // windows with confirmed drift
	Worst  Figure       `json:"worst"` // the largest ratio, null when nothing is known
	At     trimtab.Time `json:"at,omitempty"`
	Cells  string       `json:"cells"`
}

// heatOf is the drift by column, the columns that moved most first, and how many
// columns were left out of the answer.
func heatOf(groups [][]LoopWindow, columns []string) (out []LoopColumn, left int) {
	out = []LoopColumn{}
	cells := make([][]byte, len(columns))
	all := make([]LoopColumn, len(columns))
	mean, worst := make([]float64, len(columns)), make([]float64, len(columns))
	for i, c := range columns {
		all[i] = LoopColumn{Column: c, Worst: nothing}
	}
	for g, windows := range groups {
		for _, w := range windows {
			for _, m := range w.Moves {
				i := int(m.Column)
				if cells[i] == nil {
					cells[i] = make([]byte, len(groups))
				}
				cells[i][g] = max(cells[i][g], m.cell())
				r := m.Ratio()
				mean[i] += r
				if m.State == MoveDrift {
					all[i].Moved++
				}
				if math.IsNaN(float64(all[i].Worst)) || r > worst[i] {
					worst[i], all[i].Worst, all[i].At = r, digits(r), w.Start
				}
			}
		}
	}
	order := make([]int, 0, len(columns))
	for i := range columns {
		if cells[i] != nil {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(all[b].Moved, all[a].Moved), cmp.Compare(mean[b], mean[a]), cmp.Compare(columns[a], columns[b]))
	})
	keep := len(order)
	if len(groups) > 0 {
		keep = min(keep, max(1, maxCells/len(groups)))
	}
	for _, i := range order[:keep] {
		all[i].Cells = base64.StdEncoding.EncodeToString(cells[i])
		out = append(out, all[i])
	}
	return out, len(order) - keep
}

// LoopColumnPage is the drift of one column in full: score, limits, missing and
// unseen values, each with an item for every point. Of several windows in a point
// the one with the largest ratio stands for it.
type LoopColumnPage struct {
	Endpoint string   `json:"endpoint"`
	Monitor  string   `json:"monitor"`
	Column   string   `json:"column"`
	Each     int      `json:"each"`
	Start    []int64  `json:"start"`
	End      []int64  `json:"end"`
	Score    []Figure `json:"score"`
	Noise    []Figure `json:"noise"`
	Effect   []Figure `json:"effect"`
	Missing  []Figure `json:"missing"`
	Unseen   []Figure `json:"unseen"`
	State    []int64  `json:"state"` // 0 unknown, 1 ok, 2 suspect, 3 drift
}

// ColumnPageOf shows one column; NotFound when no window of the span has it.
func ColumnPageOf(h LoopHistory, column string, points int) (LoopColumnPage, error) {
	p := LoopColumnPage{Endpoint: h.Endpoint, Monitor: h.Monitor, Column: column, Each: 1}
	index := slices.Index(h.Columns, column)
	if index < 0 {
		return p, trimtab.Errorf(trimtab.NotFound, "column "+column, "monitor %s has compared no column %s", h.Monitor, column)
	}
	shown := slices.DeleteFunc(slices.Clone(h.Windows), func(w LoopWindow) bool { return w.End <= h.From || h.To != 0 && w.Start >= h.To })
	p.Each = max(1, (len(shown)+points-1)/max(points, 1))
	if len(shown) == 0 {
		return p, nil
	}
	for g := range slices.Chunk(shown, p.Each) {
		var worst ColumnMove
		known := false
		for _, w := range g {
			for _, m := range w.Moves {
				if int(m.Column) == index && (!known || m.Ratio() > worst.Ratio()) {
					worst, known = m, true
				}
			}
		}
		p.Start, p.End = append(p.Start, int64(g[0].Start)/1000), append(p.End, int64(g[len(g)-1].End)/1000)
		figure := func(v float32) Figure {
			if !known {
				return nothing
			}
			return digits(float64(v))
		}
		p.Score, p.Noise, p.Effect = append(p.Score, figure(worst.PSI)), append(p.Noise, figure(worst.Noise)), append(p.Effect, figure(worst.Effect))
		p.Missing, p.Unseen = append(p.Missing, figure(worst.Missing)), append(p.Unseen, figure(worst.Unseen))
		p.State = append(p.State, int64(worst.State))
	}
	return p, nil
}

// SaidOf says in one sentence what all that was done in a span has brought, as
// `trimtab timeline` says it.
func SaidOf(s TimelineSummary, frozen trimtab.Version) LoopSentence {
	if s.Days == 0 || s.Gain == 0 && s.Lo == 0 && s.Hi == 0 {
		if frozen == 0 {
			return LoopSentence{Text: "No version has answered yet: there is nothing to compare.", Tone: "off"}
		}
		return LoopSentence{Text: fmt.Sprintf("Version %d has answered everything: there is nothing to compare it with.", frozen), Tone: "off"}
	}
	share := ""
	if s.FrozenLoss > 0 {
		share = fmt.Sprintf(", %.1f%% of the loss,", 100*math.Abs(s.Gain)/s.FrozenLoss)
	}
	bounds := fmt.Sprintf("[%s, %s]", LossText(s.Lo, true), LossText(s.Hi, true))
	days := fmt.Sprintf("%d days", s.Days)
	if s.Days == 1 {
		days = "1 day"
	}
	switch {
	case s.Lo == 0 && s.Hi == 0:
		return LoopSentence{Text: fmt.Sprintf("What was done saved %s per row%s over %s; an interval needs more days.", LossText(s.Gain, true), share, days), Tone: "off"}
	case s.Lo > 0:
		return LoopSentence{Text: fmt.Sprintf("What was done saved %s of loss per row%s with 95%% confidence %s, in pairs over %s.", LossText(s.Gain, false), share, bounds, days), Tone: "ok"}
	case s.Hi < 0:
		return LoopSentence{Text: fmt.Sprintf("What was done cost %s of loss per row%s with 95%% confidence %s saved, in pairs over %s.", LossText(-s.Gain, false), share, bounds, days), Tone: "bad"}
	}
	return LoopSentence{Text: fmt.Sprintf("What was done changed the loss by too little to be sure of: %s saved per row, with 95%% confidence %s, in pairs over %s.", LossText(s.Gain, true), bounds, days), Tone: "off"}
}

// LossText writes a loss or a difference of losses with the digits that say
// something: the squared error of a regression may be tens of thousands.
func LossText(v float64, signed bool) string {
	sign := ""
	switch {
	case v < 0:
		sign = "-"
	case signed:
		sign = "+"
	}
	a := math.Abs(v)
	switch {
	case a < 10:
		return sign + strconv.FormatFloat(a, 'f', 4, 64)
	case a < 1000:
		return sign + strconv.FormatFloat(a, 'f', 2, 64)
	case a >= 1e15:
		return sign + strconv.FormatFloat(a, 'g', 5, 64)
	}
	s := strconv.FormatFloat(a, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
