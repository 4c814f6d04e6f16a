package profile

import (
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/pure/table"
)

// Method is a peer's way to score one column, reproduced to 1e-9: to compare with, not to rely on.
type Method struct {
	Profile string // "evidently" (0.7.23) or "nannyml" (0.13.1)
	Name    string // the peer's own name of the method; "" = the one it takes by default
}

// Score is what a peer's method says of a column.
type Score struct {
	Column    string   `json:"column"`
	Method    string   `json:"method"`
	Value     float64  `json:"value"`
	PValue    bool     `json:"pValue,omitempty"` // Value is a p-value: small means drift
	Threshold *float64 `json:"threshold"`        // the peer's; null when it has none
	Drift     bool     `json:"drift"`
}

// scorer computes a peer's method.
type scorer struct {
	numbers, categories bool
	f                   func(p *pairing) (Score, error)
}

var peers = map[string]map[string]scorer{"evidently": evidently, "nannyml": nannyml}

// Peers returns the methods that ParseMethod knows: each peer, and each of its methods as PEER:METHOD.
func Peers() []string {
	var names []string
	for peer, methods := range peers {
		names = append(names, peer)
		for m := range methods {
			names = append(names, peer+":"+m)
		}
	}
	slices.Sort(names)
	return names
}

// ParseMethod reads PEER or PEER:METHOD; an unknown one is an error that lists what there is.
func ParseMethod(text string) (Method, error) {
	peer, name, _ := strings.Cut(text, ":")
	if !slices.Contains(Peers(), text) {
		return Method{}, fail("", "no method %q; there are %s", text, strings.Join(Peers(), ", "))
	}
	return Method{Profile: peer, Name: name}, nil
}

func (m Method) String() string {
	if m.Name == "" {
		return m.Profile
	}
	return m.Profile + ":" + m.Name
}

// pairing is a column of both tables as the peers see it: without missing values.
type pairing struct {
	number  bool
	integer bool // numpy would hold an array of integers

	ref, cur []float64 // sorted
	rowsRef  []float64 // in the order of rows; NannyML cuts chunks of it

	refText, curText map[string]int
	textRows         []string
	nullRef          []bool
	nRef, nCur       int
	numeric          bool // categories are numbers
}

// Compare scores one column of two tables. A method that does not apply to the column's type, or that the peer itself
// refuses (an empty column, Evidently's fisher_exact and g_test on samples of two sizes), is an error.
func (m Method) Compare(ref, cur *table.Column) (Score, error) {
	methods := peers[m.Profile]
	if methods == nil {
		return Score{}, fail("", "no peer %q; there are evidently and nannyml", m.Profile)
	}
	if kindOf(ref.Type) == Opaque || kindOf(cur.Type) == Opaque || ref.Type == table.Datetime || cur.Type == table.Datetime {
		return Score{}, fail(ref.Name, "%s has no method for %s", m.Profile, ref.Type)
	}
	p, err := pair2(ref, cur, m.Profile == "evidently")
	if err != nil {
		return Score{}, err
	}
	name := m.Name
	if name == "" {
		if m.Profile == "nannyml" {
			name = "jensen_shannon"
			p.asKind(ref.Type.Numeric() && cur.Type.Numeric())
		} else {
			name = p.evidentlyDefault(ref, cur)
		}
	} else {
		s, ok := methods[name]
		if !ok {
			return Score{}, fail("", "%s has no method %q", m.Profile, name)
		}
		number := ref.Type.Numeric() && cur.Type.Numeric()
		if number && !s.numbers {
			number = false
		}
		if !number && !s.categories {
			return Score{}, fail(ref.Name, "%s's %s is for numbers, the column is %s", m.Profile, name, ref.Type)
		}
		p.asKind(number)
	}
	if len(p.ref) == 0 && p.number || len(p.cur) == 0 && p.number || p.nRef == 0 || p.nCur == 0 {
		return Score{}, fail(ref.Name, "no values to compare")
	}
	s, err := methods[name].f(p)
	if err != nil {
		return Score{}, fail(ref.Name, "%s's %s: %v", m.Profile, name, err)
	}
	s.Column, s.Method = ref.Name, m.Profile+":"+name
	return s, nil
}

// pair2 takes the values out of both columns. Evidently drops infinities with the missing, NannyML keeps them.
func pair2(ref, cur *table.Column, finite bool) (*pairing, error) {
	p := &pairing{}
	numeric := func(c *table.Column) bool { return c.Type.Numeric() || c.Type == table.Bool }
	p.numeric = numeric(ref) && numeric(cur)
	if p.numeric {
		whole := func(c *table.Column) bool {
			return (c.Type == table.Int32 || c.Type == table.Int64) && c.Nulls() == 0
		}
		p.integer = whole(ref) && whole(cur)
		drop := func(v float64) bool { return v != v || finite && math.IsInf(v, 0) }
		values := func(c *table.Column) []float64 {
			v := make([]float64, c.Len())
			c.Floats(v, 1)
			return v
		}
		p.rowsRef = values(ref)
		p.ref = slices.DeleteFunc(slices.Clone(p.rowsRef), drop)
		p.cur = slices.DeleteFunc(values(cur), drop)
		sortFloats(p.ref)
		sortFloats(p.cur)
		p.nRef, p.nCur = len(p.ref), len(p.cur)
	}
	return p, p.texts(ref, cur)
}

// texts counts categories of both columns.
func (p *pairing) texts(ref, cur *table.Column) error {
	if p.numeric {
		return nil // made from the numbers when asked for
	}
	if ref.Type != cur.Type {
		return fail(ref.Name, "the reference is %s, the current rows are %s", ref.Type, cur.Type)
	}
	count := func(c *table.Column) (map[string]int, int) {
		m, n := map[string]int{}, 0
		for i := range c.Len() {
			if !c.Null(i) {
				m[c.Strings[i]]++
				n++
			}
		}
		return m, n
	}
	p.refText, p.nRef = count(ref)
	p.curText, p.nCur = count(cur)
	for i := range ref.Len() {
		p.textRows = append(p.textRows, ref.Strings[i])
		p.nullRef = append(p.nullRef, ref.Null(i))
	}
	return nil
}

func (p *pairing) asKind(number bool) { p.number = number && p.numeric }

// frequencies returns the counts of each distinct value on both sides, ascending by value.
func (p *pairing) frequencies() (ref, cur []float64) {
	if !p.numeric {
		keys := make([]string, 0, len(p.refText))
		for k := range p.refText {
			keys = append(keys, k)
		}
		for k := range p.curText {
			if _, ok := p.refText[k]; !ok {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			ref, cur = append(ref, float64(p.refText[k])), append(cur, float64(p.curText[k]))
		}
		return ref, cur
	}
	i, j := 0, 0
	for i < len(p.ref) || j < len(p.cur) {
		var v float64
		if j == len(p.cur) || i < len(p.ref) && p.ref[i] <= p.cur[j] {
			v = p.ref[i]
		} else {
			v = p.cur[j]
		}
		a, b := i, j
		for i < len(p.ref) && p.ref[i] == v {
			i++
		}
		for j < len(p.cur) && p.cur[j] == v {
			j++
		}
		ref, cur = append(ref, float64(i-a)), append(cur, float64(j-b))
	}
	return ref, cur
}

func distinct(sorted []float64) int {
	n := 0
	for i, v := range sorted {
		if i == 0 || v != sorted[i-1] {
			n++
		}
	}
	return n
}

// score makes a Score with a threshold.
func scored(value, threshold float64, drift bool) (Score, error) {
	return Score{Value: value, Threshold: &threshold, Drift: drift}, nil
}

// tested makes a Score of a p-value.
func tested(p, threshold float64, drift bool) (Score, error) {
	return Score{Value: p, PValue: true, Threshold: &threshold, Drift: drift}, nil
}
