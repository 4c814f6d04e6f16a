package sql

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"

	"github.com/trimtab/trimtab"
)

// A slim window is a byte of version, then the fields of the window in a fixed
// order: numbers as varints, figures as the eight bytes of a float64, texts and
// lists after their length. Its drift has no names of columns: they are those of the
// list that the row refers to, in the order of the window.
const slimVersion = 1

// errSlim says that bytes are no slim window of this version: the body counts then.
var errSlim = errors.New("these bytes are no slim window")

// Bits of the first byte of a column, above its state.
const (
	slimState   = 0b111
	slimNoise   = 1 << 3 // the noise differs from that of the column before
	slimEffect  = 1 << 4 // the effect does
	slimMissing = 1 << 5
	slimUnseen  = 1 << 6
	slimWhy     = 1 << 7
)

// slimStates are the states of a column by number; one that is not here follows as text.
var slimStates = [...]string{"unknown", "ok", "suspect", "drift"}

const slimOther = 7

// slimColumns is the list of the columns of a window as it is stored, and its name.
func slimColumns(w *trimtab.WindowResult) (id, names string, err error) {
	all := make([]string, len(w.Drift))
	for i := range w.Drift {
		all[i] = w.Drift[i].Column
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16]), string(raw), nil
}

// appendSlim encodes what pages show of a window.
func appendSlim(b []byte, w *trimtab.WindowResult) []byte {
	b = append(b, slimVersion)
	b = appendText(b, w.Endpoint)
	b = binary.AppendVarint(b, int64(w.End-w.Start))
	b = binary.AppendVarint(b, int64(w.Through-w.Start))
	b = binary.AppendUvarint(b, uint64(len(w.Versions)))
	for _, v := range w.Versions {
		b = binary.AppendVarint(b, int64(v))
	}
	for _, n := range []int64{w.Rows, w.Labelled, w.Positives, w.Late, int64(w.Served), int64(w.Since), w.Held, w.Quarantined, int64(w.Revision)} {
		b = binary.AppendVarint(b, n)
	}
	b = appendText(b, w.Reason)
	b = appendText(b, w.Unreliable)
	b = appendText(b, string(w.Phase))
	switch {
	case w.Reliable == nil:
		b = append(b, 0)
	case *w.Reliable:
		b = append(b, 2)
	default:
		b = append(b, 1)
	}
	b = appendQualities(b, w.Quality)
	b = appendQualities(b, w.Estimated)
	b = appendQualities(b, w.Calibration)
	b = binary.AppendUvarint(b, uint64(len(w.Scores)))
	for _, s := range w.Scores {
		b = binary.AppendVarint(b, int64(s.Version))
		b = binary.AppendVarint(b, s.Rows)
		b = appendFigure(b, s.Loss)
		b = appendFigure(b, s.Gain)
		b = binary.AppendVarint(b, int64(s.Trained))
		b = binary.AppendUvarint(b, uint64(len(s.Blocks)))
		for _, k := range s.Blocks {
			b = binary.AppendVarint(b, k.Key)
			b = appendFigure(b, k.N)
			b = appendFigure(b, k.Sum)
			b = appendFigure(b, k.Sum2)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(w.Incidents)))
	for _, i := range w.Incidents {
		b = appendText(b, i)
	}
	return appendDrift(b, w.Drift)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendFigure(b []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

func appendQualities(b []byte, all []trimtab.Quality) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, q := range all {
		b = appendText(b, q.Metric)
		b = appendFigure(b, q.Value)
		flags := byte(0)
		if q.HasInterval {
			flags |= 1
		}
		bounded := q.Lo != 0 || q.Hi != 0 || q.StdErr != 0
		if bounded {
			flags |= 2
		}
		if b = append(b, flags); bounded {
			b = appendFigure(appendFigure(appendFigure(b, q.Lo), q.Hi), q.StdErr)
		}
	}
	return b
}

func appendDrift(b []byte, all []trimtab.ColumnDrift) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	noise, effect := 0.0, 0.0
	for i := range all {
		d := &all[i]
		first := byte(slimOther)
		for n, s := range slimStates {
			if s == d.State {
				first = byte(n)
			}
		}
		other := first == slimOther
		if d.Noise != noise {
			first |= slimNoise
		}
		if d.Effect != effect {
			first |= slimEffect
		}
		if d.Missing != 0 {
			first |= slimMissing
		}
		if d.Unseen != 0 {
			first |= slimUnseen
		}
		if d.Why != "" {
			first |= slimWhy
		}
		b = appendFigure(append(b, first), d.PSI)
		if first&slimNoise != 0 {
			b = appendFigure(b, d.Noise)
		}
		if first&slimEffect != 0 {
			b = appendFigure(b, d.Effect)
		}
		if first&slimMissing != 0 {
			b = appendFigure(b, d.Missing)
		}
		if first&slimUnseen != 0 {
			b = appendFigure(b, d.Unseen)
		}
		if first&slimWhy != 0 {
			b = appendText(b, d.Why)
		}
		if other {
			b = appendText(b, d.State)
		}
		noise, effect = d.Noise, d.Effect
	}
	return b
}

// slimReader decodes slim windows; texts that repeat are kept once. Not safe for concurrent use.
type slimReader struct {
	b     []byte
	bad   bool
	texts map[string]string
}

// read decodes the slim form of a window. Its drift is put into drift, which grows
// as needed; columns names it.
func (r *slimReader) read(b []byte, start trimtab.Time, columns []string, drift []trimtab.ColumnDrift) (w trimtab.WindowResult, err error) {
	if len(b) == 0 || b[0] != slimVersion {
		return w, errSlim
	}
	r.b, r.bad = b[1:], false
	w.Start = start
	w.Endpoint = r.text()
	w.End = start + trimtab.Time(r.number())
	w.Through = start + trimtab.Time(r.number())
	if n := r.length(1); n > 0 {
		w.Versions = make([]trimtab.Version, n)
		for i := range w.Versions {
			w.Versions[i] = trimtab.Version(r.number())
		}
	}
	w.Rows, w.Labelled, w.Positives, w.Late = r.number(), r.number(), r.number(), r.number()
	w.Served, w.Since = trimtab.Version(r.number()), trimtab.Time(r.number())
	w.Held, w.Quarantined, w.Revision = r.number(), r.number(), int(r.number())
	w.Reason, w.Unreliable, w.Phase = r.text(), r.text(), trimtab.WindowPhase(r.text())
	if k := r.one(); k > 0 {
		reliable := k == 2
		w.Reliable = &reliable
	}
	w.Quality, w.Estimated, w.Calibration = r.qualities(), r.qualities(), r.qualities()
	if n := r.length(19); n > 0 {
		w.Scores = make([]trimtab.VersionLoss, n)
		for i := range w.Scores {
			w.Scores[i] = r.score()
		}
	}
	if n := r.length(1); n > 0 {
		w.Incidents = make([]string, n)
		for i := range w.Incidents {
			w.Incidents[i] = r.text()
		}
	}
	n := r.length(9)
	if n != len(columns) {
		return w, errSlim
	}
	w.Drift = r.drift(columns, drift)
	if r.bad || len(r.b) > 0 {
		return w, errSlim
	}
	return w, nil
}

func (r *slimReader) fail() { r.b, r.bad = nil, true }

func (r *slimReader) one() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *slimReader) number() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// length is the length of a list whose items take at least each bytes.
func (r *slimReader) length(each int) int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > uint64(len(r.b)-n)/uint64(each) {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *slimReader) figure() float64 {
	if len(r.b) < 8 {
		r.fail()
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	return v
}

func (r *slimReader) text() string {
	n := r.length(1)
	if n == 0 {
		return ""
	}
	s, ok := r.texts[string(r.b[:n])]
	if !ok {
		s = string(r.b[:n])
		if r.texts == nil {
			r.texts = map[string]string{}
		}
		if len(r.texts) < 4096 {
			r.texts[s] = s
		}
	}
	r.b = r.b[n:]
	return s
}

func (r *slimReader) qualities() []trimtab.Quality {
	n := r.length(10)
	if n == 0 {
		return nil
	}
	out := make([]trimtab.Quality, n)
	for i := range out {
		q := &out[i]
		q.Metric, q.Value = r.text(), r.figure()
		flags := r.one()
		q.HasInterval = flags&1 != 0
		if flags&2 != 0 {
			q.Lo, q.Hi, q.StdErr = r.figure(), r.figure(), r.figure()
		}
	}
	return out
}

func (r *slimReader) score() (s trimtab.VersionLoss) {
	s.Version, s.Rows = trimtab.Version(r.number()), r.number()
	s.Loss, s.Gain, s.Trained = r.figure(), r.figure(), trimtab.Time(r.number())
	if n := r.length(25); n > 0 {
		s.Blocks = make([]trimtab.GainBlock, n)
		for i := range s.Blocks {
			s.Blocks[i] = trimtab.GainBlock{Key: r.number(), N: r.figure(), Sum: r.figure(), Sum2: r.figure()}
		}
	}
	return s
}

func (r *slimReader) drift(columns []string, into []trimtab.ColumnDrift) []trimtab.ColumnDrift {
	if len(columns) == 0 {
		return nil
	}
	into = into[:0]
	noise, effect := 0.0, 0.0
	for _, name := range columns {
		first := r.one()
		d := trimtab.ColumnDrift{Column: name, PSI: r.figure()}
		if first&slimNoise != 0 {
			noise = r.figure()
		}
		if first&slimEffect != 0 {
			effect = r.figure()
		}
		d.Noise, d.Effect = noise, effect
		if first&slimMissing != 0 {
			d.Missing = r.figure()
		}
		if first&slimUnseen != 0 {
			d.Unseen = r.figure()
		}
		if first&slimWhy != 0 {
			d.Why = r.text()
		}
		switch k := first & slimState; {
		case int(k) < len(slimStates):
			d.State = slimStates[k]
		case k == slimOther:
			d.State = r.text()
		default:
			r.fail()
		}
		if r.bad {
			return nil
		}
		into = append(into, d)
	}
	return into
}
