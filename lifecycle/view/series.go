package view

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math"

	"github.com/trimtab/trimtab"
)

// Lines are metrics of runs as lines: what docs/format/series.md describes.
type Lines struct {
	X     string `json:"x"` // "step", "time" (ms since 1970) or "relative" (ms since the start of the run)
	Lines []Line `json:"lines"`
}

// Line is one metric of one run. When it is not exact it holds, of each of many
// equal parts of the axis, the lowest and the highest point, and a NaN where there is one.
type Line struct {
	Run    trimtab.RunID `json:"run"`
	Key    string        `json:"key"`
	Start  trimtab.Time  `json:"start"`  // of the run
	Count  int64         `json:"count"`  // points within the bounds
	Exact  bool          `json:"exact"`  // all of them are here
	Points int           `json:"points"` // that are here
	X      []float64     `json:"x,omitempty"`
	Y      []Number      `json:"y,omitempty"`
}

// WriteBinary writes the lines as docs/format/series.md says: the length of a JSON
// header as uint32, the header (the lines without x and y, padded by spaces so
// that it ends at a multiple of eight bytes), and for each line its x and its y,
// all little-endian float64.
func (l Lines) WriteBinary(w io.Writer) error {
	head := Lines{X: l.X, Lines: make([]Line, len(l.Lines))}
	size := 0
	for i, one := range l.Lines {
		size += 16 * len(one.X)
		one.X, one.Y = nil, nil
		head.Lines[i] = one
	}
	raw, err := json.Marshal(head)
	if err != nil {
		return err
	}
	for (4+len(raw))%8 != 0 {
		raw = append(raw, ' ')
	}
	out := make([]byte, 0, 4+len(raw)+size)
	out = append(binary.LittleEndian.AppendUint32(out, uint32(len(raw))), raw...)
	for _, one := range l.Lines {
		for _, v := range one.X {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		}
		for _, v := range one.Y {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(float64(v)))
		}
	}
	_, err = w.Write(out)
	return err
}
