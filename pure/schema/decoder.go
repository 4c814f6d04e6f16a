package schema

import (
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/trimtab/trimtab/pure/table"
)

// Options steer decoding and casting; zero fields mean the defaults given.
type Options struct {
	// Lossy cuts a fraction off for an integer or long column, as MLflow does, instead of refusing it.
	Lossy bool

	MaxRows     int // of one request, default 1,000,000
	MaxColumns  int // of one request, default 10,000
	MaxProblems int // listed in an Error, default 10; the rest is counted
}

func (o Options) defaults() Options {
	if o.MaxRows == 0 {
		o.MaxRows = 1_000_000
	}
	if o.MaxColumns == 0 {
		o.MaxColumns = 10_000
	}
	if o.MaxProblems == 0 {
		o.MaxProblems = 10
	}
	return o
}

// Request is what a body held.
type Request struct {
	Table   *table.Table // the columns of the signature in its order; without a signature all columns
	Extra   *table.Table // columns that the signature does not name, with inferred types, row by row beside Table
	Ignored []string     // further columns that could not become one of Extra: kinds mixed, nested values
	Params  Params       // with defaults; nil when the signature has none
}

// Decoder reads the requests for one signature and reuses its memory: a Request and everything in it are valid until
// the next call. A Decoder serves one goroutine at a time.
type Decoder struct {
	sig        Signature
	opt        Options
	fields     []field
	positional bool
	untyped    bool // the signature says nothing of inputs
	byName     map[string]int

	s     scan
	probs problems
	texts map[string]string

	request Request
	table   table.Table
	extra   table.Table
	out     []*table.Column // of fields
	seen    []int           // row+1 in which each field was last filled; in a frame by columns 1 = filled
	loose   []loose         // columns without a declared type
	nLoose  int
	rows    int
	broken  bool // the form itself is wrong, so that absent columns mean nothing

	columns []byte // text of the columns of the last split frame, for which target is
	target  []int  // of each position: k >= 0 = field k, else loose column -1-k
	keys    []int  // of each position in the last record: the same
}

// loose is a column that the signature does not name: where its values lie.
type loose struct {
	name  string
	cells []span
	seen  int
}

// NewDecoder returns a decoder of requests for s. A column type or tensor shape that no table has is an *Error.
func (s Signature) NewDecoder(opt Options) (*Decoder, error) {
	d := &Decoder{sig: s, opt: opt.defaults(), byName: map[string]int{}, texts: map[string]string{}, untyped: s.Inputs.Empty()}
	var err error
	if d.fields, d.positional, err = s.Inputs.fields(); err != nil {
		return nil, err
	}
	d.probs.most = d.opt.MaxProblems
	d.seen = make([]int, len(d.fields))
	for i, f := range d.fields {
		d.out = append(d.out, table.NewColumn(f.name, f.typ, 1))
		if !d.positional {
			d.byName[f.name] = i
		}
	}
	return d, nil
}

// DecodeInvocations reads one body with a Decoder of its own; see Decoder.Invocations.
func (s Signature) DecodeInvocations(body []byte, contentType string, opt Options) (*Request, error) {
	d, err := s.NewDecoder(opt)
	if err != nil {
		return nil, err
	}
	return d.Invocations(body, contentType)
}

// Invocations reads the body of a request to MLflow's /invocations: JSON with exactly one of dataframe_split,
// dataframe_records, instances and inputs, and optionally params; or CSV with a header. An empty content type counts
// as JSON. Keys may come in any order; of a repeated key the last counts, as in Python.
//
// Errors are *Error (columns and rows), *SyntaxError (no JSON, or not the JSON of the format) and *ContentTypeError.
func (d *Decoder) Invocations(body []byte, contentType string) (*Request, error) {
	if contentType != "application/json" && contentType != "" {
		kind, params, err := mime.ParseMediaType(contentType)
		for k, v := range params {
			if k != "charset" || !strings.EqualFold(v, "utf-8") {
				return nil, &ContentTypeError{Got: contentType}
			}
		}
		switch {
		case err == nil && kind == "text/csv":
			return d.csv(body)
		case err != nil || kind != "application/json":
			return nil, &ContentTypeError{Got: contentType}
		}
	}
	if !utf8.Valid(body) {
		return nil, &SyntaxError{Offset: invalid(body), Msg: "not UTF-8"}
	}
	d.begin()
	d.s.reset(body)
	var p span
	if err := d.body(&p); err != nil {
		return nil, err
	}
	return d.finish(p)
}

func invalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

func (d *Decoder) begin() {
	d.probs.list, d.probs.more = d.probs.list[:0], 0
	d.rows, d.broken = 0, false
	for k, c := range d.out {
		c.Reset(d.fields[k].typ)
	}
	clear(d.seen)
	for i := range d.nLoose {
		d.loose[i].cells, d.loose[i].seen = d.loose[i].cells[:0], 0
	}
	d.nLoose = 0
	d.request = Request{}
}

// body finds the part that holds the data and reads it.
func (d *Decoder) body(params *span) error {
	s := &d.s
	if s.kind() != object {
		s.skip()
		s.end()
		if s.err != nil {
			return s.err
		}
		return &SyntaxError{Offset: 0, Msg: "expected an object with one of dataframe_split, dataframe_records, instances and inputs"}
	}
	var parts [4]span
	formats := [4]string{"dataframe_split", "dataframe_records", "instances", "inputs"}
	other, llm := "", ""
	s.open('{', "")
next:
	for first := true; s.more('}', first); first = false {
		key := s.key()
		for i, f := range formats {
			if string(key) == f {
				parts[i] = s.skip()
				continue next
			}
		}
		switch string(key) {
		case "params":
			*params = s.skip()
			continue
		case "messages", "prompt", "input":
			llm = string(key)
		default:
			other = string(key)
		}
		s.skip()
	}
	s.end()
	if s.err != nil {
		return s.err
	}
	which, n := 0, 0
	for i, p := range parts {
		if p.to > 0 {
			which = i
			n++
		}
	}
	const want = "exactly one of dataframe_split, dataframe_records, instances and inputs"
	switch {
	case n == 0 && llm != "":
		return one(Problem{Row: -1, Msg: "a request with the key " + quote(llm) + " is for language models, which are not served here", Expected: want})
	case n != 1:
		return one(Problem{Row: -1, Expected: want, Got: strconv.Itoa(n) + " of them"})
	case which >= 2 && other != "":
		return one(Problem{Row: -1, Msg: "the key " + quote(other), Expected: "only " + formats[which] + " and params"})
	}
	// The whole body is known to be JSON from here on; what is left to go wrong is its shape.
	s.i, s.depth = parts[which].from, 0
	if which > 0 {
		d.columns = nil // what follows reuses the loose columns that target points to
	}
	switch which {
	case 0:
		d.split()
	case 1:
		if s.kind() != list {
			return one(Problem{Row: -1, Msg: "dataframe_records", Expected: "a list of records"})
		}
		d.records(false)
	default:
		d.tensors()
	}
	if s.err != nil {
		return s.err
	}
	return nil
}

// looseColumn returns the index of a new column without declared type.
func (d *Decoder) looseColumn(name string) int {
	if d.nLoose == len(d.loose) {
		d.loose = append(d.loose, loose{})
	}
	d.loose[d.nLoose].name = name
	d.nLoose++
	return d.nLoose - 1
}

// finish fills what is absent and makes the tables.
func (d *Decoder) finish(params span) (*Request, error) {
	for k := range d.fields {
		f, c := &d.fields[k], d.out[k]
		if d.seen[k] > 0 || d.broken {
			continue
		}
		if f.required {
			d.missing(f)
			continue
		}
		for range d.rows {
			c.AppendNull()
		}
	}
	r := &d.request
	if params.to > 0 || len(d.sig.Params) > 0 {
		r.Params = d.sig.params(d.s.b[params.from:params.to], &d.probs)
	}
	if d.probs.any() {
		return nil, d.probs.err()
	}
	d.table.Columns = d.out
	r.Table = &d.table
	if len(d.out) == 0 {
		d.table = *table.Blank(d.rows)
	}
	r.Extra = &d.extra
	if d.nLoose == 0 {
		if d.extra.Columns != nil || d.extra.Rows() != d.rows {
			d.extra = *table.Blank(d.rows)
		}
		return r, nil
	}
	d.extra = *table.Blank(d.rows)
	for i := range d.nLoose {
		l := &d.loose[i]
		c, p := d.infer(l)
		switch {
		case c != nil:
			d.extra.Columns = append(d.extra.Columns, c)
		case d.untyped:
			d.probs.add(p)
		default:
			r.Ignored = append(r.Ignored, l.name)
		}
	}
	if d.probs.any() {
		return nil, d.probs.err()
	}
	if d.untyped {
		d.table, d.extra = d.extra, *table.Blank(d.rows)
	}
	return r, nil
}

// malformed notes what is wrong with the form of a request.
func (d *Decoder) malformed(p Problem) {
	d.broken = true
	d.probs.add(p)
}

func (d *Decoder) missing(f *field) {
	p := Problem{Column: f.name, Row: -1, Msg: "missing", Expected: f.declared}
	if d.nLoose > 0 {
		names := make([]string, 0, 5)
		for i := range min(d.nLoose, 5) {
			names = append(names, quote(d.loose[i].name))
		}
		p.Got = "the unknown columns " + strings.Join(names, ", ")
		if d.nLoose > 5 {
			p.Got += " and " + strconv.Itoa(d.nLoose-5) + " more"
		}
	}
	d.probs.add(p)
}
