package profile

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/trimtab/trimtab/pure/table"
)

// Format is the version of the stored form; docs/format/profile.md describes it.
const Format = 1

// MaxBytes is how long a stored profile may be.
const MaxBytes = 256 << 20

type profileJSON struct {
	Format  int          `json:"trimtabProfile"`
	Rows    int64        `json:"rows"`
	Columns []columnJSON `json:"columns"`
}

type columnJSON struct {
	Name       text         `json:"name"`
	Type       string       `json:"type"`
	Kind       Kind         `json:"kind"`
	Sampled    bool         `json:"sampled,omitempty"`
	Distinct   int64        `json:"distinct"`
	More       bool         `json:"more,omitempty"`
	Singles    int64        `json:"singles,omitempty"`
	Pairs      int64        `json:"pairs,omitempty"`
	Quantiles  []float64    `json:"quantiles,omitempty"`
	Edges      []float64    `json:"edges,omitempty"`
	Values     []float64    `json:"values,omitempty"`
	Categories []text       `json:"categories,omitempty"`
	Rest       string       `json:"rest,omitempty"` // base64 of big-endian hashes
	Coarse     []int        `json:"coarse,omitempty"`
	Reference  ColumnCounts `json:"reference"`
}

// text is a string that need not be UTF-8.
type text string

func (s text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(s)) {
		return json.Marshal(string(s))
	}
	return json.Marshal(map[string][]byte{"base64": []byte(s)})
}

func (s *text) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte("{")) {
		var b struct{ Base64 []byte }
		err := json.Unmarshal(raw, &b)
		*s = text(b.Base64)
		return err
	}
	return json.Unmarshal(raw, (*string)(s))
}

// MarshalJSON writes the stored form: the same bytes for the same profile.
func (p *Profile) MarshalJSON() ([]byte, error) {
	j := profileJSON{Format: Format, Rows: p.Rows, Columns: make([]columnJSON, len(p.Columns))}
	for i, c := range p.Columns {
		j.Columns[i] = columnJSON{
			Name: text(c.Name), Type: c.Type.String(), Kind: c.Kind, Sampled: c.Sampled, Distinct: c.Distinct, More: c.More,
			Singles: c.Singles, Pairs: c.Pairs, Quantiles: c.Quantiles, Edges: c.Edges, Values: c.Values, Coarse: c.Coarse,
			Reference: c.Reference,
		}
		for _, s := range c.Categories {
			j.Columns[i].Categories = append(j.Columns[i].Categories, text(s))
		}
		var rest []byte
		for _, h := range c.Rest {
			rest = binary.BigEndian.AppendUint32(rest, h)
		}
		j.Columns[i].Rest = base64.StdEncoding.EncodeToString(rest)
	}
	return json.Marshal(j)
}

// ID names the edges, bins and counts: a digest of the stored form. Counts carry it.
func (p *Profile) ID() string {
	p.once.Do(func() {
		raw, err := p.MarshalJSON()
		if err != nil { // no field of a profile can fail to encode: numbers are finite
			raw = fmt.Appendf(nil, "%p", p)
		}
		sum := sha256.Sum256(raw)
		p.id = hex.EncodeToString(sum[:16])
	})
	return p.id
}

// Write writes the stored form.
func (p *Profile) Write(w io.Writer) error {
	raw, err := p.MarshalJSON()
	if err != nil {
		return fail("", "%v", err)
	}
	_, err = w.Write(append(raw, '\n'))
	return err
}

// Read reads a stored profile and checks all that counting relies on. Too long a text, another format or a profile
// that contradicts itself is an error that says where.
func Read(r io.Reader) (*Profile, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxBytes {
		return nil, fail("", "a stored profile is longer than %d bytes", MaxBytes)
	}
	p := &Profile{}
	if err := p.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	return p, nil
}

// UnmarshalJSON reads what MarshalJSON wrote, as Read does.
func (p *Profile) UnmarshalJSON(raw []byte) error {
	var j profileJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return fail("", "no stored profile: %v", err)
	}
	if j.Format != Format {
		return fail("", "a stored profile of format %d, expected %d", j.Format, Format)
	}
	if j.Rows < 0 {
		return fail("", "%d rows", j.Rows)
	}
	columns := make([]*Column, len(j.Columns))
	names := make(map[string]bool, len(columns))
	for i := range j.Columns {
		c, err := j.Columns[i].column()
		if err != nil {
			return err
		}
		if names[c.Name] {
			return fail(c.Name, "twice in one profile")
		}
		names[c.Name] = true
		columns[i] = c
	}
	p.Rows, p.Columns = j.Rows, columns
	return nil
}

func (j *columnJSON) column() (*Column, error) {
	typ, err := table.ParseType(j.Type)
	if err != nil {
		return nil, fail(string(j.Name), "%v", err)
	}
	rest, err := base64.StdEncoding.DecodeString(j.Rest)
	if err != nil || len(rest)%4 != 0 || len(rest) > 4*maxSeen {
		return nil, fail(string(j.Name), "the hashes of its rare categories are damaged")
	}
	c := &Column{
		Name: string(j.Name), Type: typ, Kind: j.Kind, Sampled: j.Sampled, Distinct: j.Distinct, More: j.More, Singles: j.Singles, Pairs: j.Pairs,
		Quantiles: j.Quantiles, Edges: j.Edges, Values: j.Values, Coarse: j.Coarse, Reference: j.Reference,
	}
	for _, s := range j.Categories {
		c.Categories = append(c.Categories, string(s))
	}
	for i := 0; i < len(rest); i += 4 {
		c.Rest = append(c.Rest, binary.BigEndian.Uint32(rest[i:]))
	}
	return c, c.check()
}

// check refuses a column that counting or comparing could stumble over.
func (c *Column) check() error {
	r := &c.Reference
	bad := func(format string, args ...any) error { return fail(c.Name, format, args...) }
	if kindOf(c.Type) != c.Kind {
		return bad("a column of type %s is not of kind %q", c.Type, c.Kind)
	}
	switch c.Kind {
	case Number:
		if c.Categories != nil || c.Rest != nil || c.More {
			return bad("a number column with categories")
		}
	case Category:
		if c.Edges != nil || c.Values != nil || c.Quantiles != nil {
			return bad("a category column with edges")
		}
	default:
		if c.Edges != nil || c.Values != nil || c.Quantiles != nil || c.Categories != nil || c.Rest != nil || c.More {
			return bad("bytes with bins")
		}
	}
	if len(c.Edges) == 1 || len(c.Edges) > mostBins+1 || len(c.Values) > MaxValues || len(c.Categories) > MaxCategories {
		return bad("%d edges, %d values, %d categories: more than there can be, or fewer", len(c.Edges), len(c.Values), len(c.Categories))
	}
	if len(c.Quantiles) != 0 && len(c.Quantiles) != len(Levels) {
		return bad("%d quantiles, expected %d", len(c.Quantiles), len(Levels))
	}
	if n := len(c.Edges); n > 1 && (!ascending(c.Edges[:n-1]) || c.Edges[n-1] < c.Edges[n-2] || math.IsInf(c.Edges[n-1], 0)) {
		return bad("edges that do not ascend")
	}
	if len(c.Values) > 0 && (!ascending(c.Values) || len(c.Edges) == 0 || c.Values[0] != c.Edges[0] || c.Values[len(c.Values)-1] != c.Edges[len(c.Edges)-1]) {
		return bad("values that do not ascend from the first edge to the last")
	}
	if c.Kind == Number && len(c.Edges) == 0 && len(c.Values) > 0 || c.Kind == Number && len(c.Values) == 0 {
		c.Values = nil
	}
	if !slices.IsSorted(c.Rest) {
		return bad("hashes that do not ascend")
	}
	if len(r.Bins) != c.Bins() {
		return bad("counts of %d bins, expected %d", len(r.Bins), c.Bins())
	}
	total := r.Missing
	for _, n := range append([]int64{r.Missing, r.Invalid, r.Below, r.Above, r.Unseen, c.Distinct, c.Singles, c.Pairs}, r.Bins...) {
		if n < 0 || n > 1<<53 {
			return bad("a count of %d", n)
		}
	}
	total += r.Invalid + r.Below + r.Above
	for _, n := range r.Bins {
		total += n
	}
	if c.Kind == Category {
		total += r.Unseen
	}
	if c.Kind != Opaque && total != r.Rows || r.Rows < 0 || r.Missing > r.Rows || r.Rows > 1<<53 {
		return bad("bins of %d rows in a reference of %d", total, r.Rows)
	}
	if len(r.New) > 0 {
		return bad("categories that are new to itself")
	}
	if c.Singles > r.present() || c.Pairs > r.present() || r.Unseen > r.present() {
		return bad("more rare values than rows")
	}
	for i, f := range c.Coarse {
		if f < 0 || f >= c.Bins() || i == 0 && f != 0 || i > 0 && f <= c.Coarse[i-1] {
			return bad("coarse bins that do not ascend")
		}
	}
	if len(c.Coarse) == 0 && c.Bins() > 0 {
		return bad("no coarse bins")
	}
	seen := make(map[string]bool, len(c.Categories))
	for _, s := range c.Categories {
		if seen[s] {
			return bad("category %q twice", s)
		}
		seen[s] = true
	}
	return nil
}

func ascending(v []float64) bool {
	for i := range v {
		if i > 0 && !(v[i] > v[i-1]) || math.IsInf(v[i], 0) || v[i] != v[i] {
			return false
		}
	}
	return true
}

// Check reports counts that do not fit the profile, for counts that were stored.
func (p *Profile) Check(k *Counts) error {
	if k.Profile != p.ID() || len(k.Columns) != len(p.Columns) {
		return fail("", "counts against profile %.12s do not belong to profile %.12s", k.Profile, p.ID())
	}
	for i, c := range p.Columns {
		if len(k.Columns[i].Bins) != c.Bins() {
			return fail(c.Name, "counts of %d bins, expected %d", len(k.Columns[i].Bins), c.Bins())
		}
		for _, n := range k.Columns[i].Bins {
			if n < 0 {
				return fail(c.Name, "a count of %d", n)
			}
		}
		for j, f := range k.Columns[i].New {
			if len(k.Columns[i].New) > maxNew || f.Rows < 1 || j > 0 && f.Value <= k.Columns[i].New[j-1].Value {
				return fail(c.Name, "new categories that do not ascend, or without rows")
			}
		}
	}
	return nil
}
