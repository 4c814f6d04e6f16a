package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

func signature(t testing.TB, inputs string) Signature {
	t.Helper()
	s, err := ParseSignature(inputs, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const abc = `[{"name":"a","type":"long"},{"name":"b","type":"double"},{"name":"c","type":"string","required":false}]`

// text renders a table, null as "~".
func render(t *table.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", t.Rows())
	for _, c := range t.Columns {
		b.WriteString(" | " + c.Name + ":" + c.Type.String())
		for i := range c.Len() {
			if c.Null(i) {
				b.WriteString(" ~")
			} else {
				b.WriteString(" " + c.Text(i))
			}
		}
	}
	return b.String()
}

func TestInvocations(t *testing.T) {
	for _, test := range []struct{ name, sig, body, want, extra string }{
		{"extra is apart", abc, `{"dataframe_split":{"columns":["id","a","when","b","c","bad"],"data":[["r1",1,"2013-03-01",2,"x",[1]],["r2",3,null,4,null,2]]}}`,
			"2 | a:int64 1 3 | b:float64 2 4 | c:string x ~", "2 | id:string r1 r2 | when:string 2013-03-01 ~ ignored [bad]"},
		{"extra of records", abc, `{"dataframe_records":[{"a":1,"b":2},{"a":3,"b":4,"id":7},{"b":6,"a":5}]}`,
			"3 | a:int64 1 3 5 | b:float64 2 4 6 | c:string ~ ~ ~", "3 | id:float64 ~ 7 ~ ignored []"},
		{"optional found late", abc, `{"dataframe_records":[{"a":1,"b":2},{"a":3,"b":4,"c":"x"}]}`,
			"2 | a:int64 1 3 | b:float64 2 4 | c:string ~ x", "2 ignored []"},
		{"repeated keys: the last", abc, `{"inputs":{"a":[9,9],"b":[8],"b":[1],"a":[5]}}`, "", ""},
		{"repeated parts: the last", abc, `{"instances":[],"instances":[{"a":1,"b":2,"b":3}]}`, "1 | a:int64 1 | b:float64 3 | c:string ~", "1 ignored []"},
		{"blanks", abc, " {\n\t\"dataframe_split\" : { \"data\" : [ [ 1 , 2 ] ] , \"columns\" : [ \"a\" , \"b\" ] } }\r\n", "1 | a:int64 1 | b:float64 2 | c:string ~", "1 ignored []"},
		{"specials", abc, `{"dataframe_split":{"columns":["a","b"],"data":[[1,NaN],[2,-Infinity],[3,Infinity],[4,-0.0],[5,-0]]}}`,
			"5 | a:int64 1 2 3 4 5 | b:float64 nan -inf inf -0 0 | c:string ~ ~ ~ ~ ~", "5 ignored []"},
		{"escapes", abc, `{"dataframe_split":{"columns":["\u0061","b","c"],"data":[[1,2,"\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00"]]}}`,
			"1 | a:int64 1 | b:float64 2 | c:string \"\\/\b\f\n\r\tü😀", "1 ignored []"},
		{"csv", abc, "csv:id,b,a\nr1,2,1\n\"NA\",NA,3\n", "2 | a:int64 1 3 | b:float64 2 ~ | c:string ~ ~", "2 | id:string r1 NA ignored []"},
		{"unnamed", `[{"type":"long"},{"type":"double"}]`, `{"dataframe_split":{"columns":["x","y","z"],"data":[[1,2,3]]}}`, "1 | 0:int64 1 | 1:float64 2", "1 | z:int64 3 ignored []"},
		{"unnamed csv", `[{"type":"long"},{"type":"double"}]`, "csv:x,y,z\n1,2,3\n", "1 | 0:int64 1 | 1:float64 2", "1 | z:int64 3 ignored []"},
		{"tensor", `[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,2]}}]`, `{"inputs":[[0.1,1],[2,3]]}`, "2 | 0:float32 0.1 2 | 1:float32 1 3", "2 ignored []"},
		{"tensor in lists of one", `[{"name":"x","type":"tensor","tensor-spec":{"dtype":"int64","shape":[-1,1]}}]`, `{"inputs":{"x":[[1],[2]]}}`, "2 | x:int64 1 2", "2 ignored []"},
		{"no signature", "", `{"dataframe_split":{"columns":["a","b"],"data":[[1,"x"],[null,null]]}}`, "2 | a:float64 1 ~ | b:string x ~", "2 ignored []"},
		{"no signature, csv", "", "csv:a,b\n1,x\n", "1 | a:int64 1 | b:string x", "1 ignored []"},
		{"no signature, values", "", `{"inputs":[1,2.5]}`, "2 | 0:float64 1 2.5", "2 ignored []"},
		{"one value", `[{"name":"x","type":"double"}]`, `{"inputs":3}`, "1 | x:float64 3", "1 ignored []"},
		{"number as text", abc, `{"dataframe_split":{"columns":["a","b"],"data":[[" 12 ","1.5"]]}}`, "1 | a:int64 12 | b:float64 1.5 | c:string ~", "1 ignored []"},
	} {
		body, kind := test.body, "application/json; charset=UTF-8"
		if rest, ok := strings.CutPrefix(body, "csv:"); ok {
			body, kind = rest, "text/csv"
		}
		d, err := signature(t, test.sig).NewDecoder(Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from reused memory
			r, err := d.Invocations([]byte(body), kind)
			if err != nil {
				if test.want != "" {
					t.Errorf("%s: %v", test.name, err)
				}
				break
			}
			if got := render(r.Table); got != test.want {
				t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
			}
			if got := fmt.Sprintf("%s ignored %v", render(r.Extra), r.Ignored); got != test.extra {
				t.Errorf("%s: extra\n%s\nwant\n%s", test.name, got, test.extra)
			}
			if r.Table.Check() != nil || r.Extra.Check() != nil {
				t.Errorf("%s: %v %v", test.name, r.Table.Check(), r.Extra.Check())
			}
		}
	}
}

// The decoder remembers the columns of the request before; other requests in between must not confuse it.
func TestDecoderReuse(t *testing.T) {
	d, err := signature(t, abc).NewDecoder(Options{})
	if err != nil {
		t.Fatal(err)
	}
	split := `{"dataframe_split":{"columns":["x","b","y","a"],"data":[[1,2,3,4]]}}`
	records := `{"dataframe_records":[{"p":"q","a":1,"b":2,"y":true}]}`
	broken := `{"dataframe_split":{"columns":["x",null],"data":[]}}`
	for i, body := range []string{split, records, split, split, "a,b,r\n1,2,3\n", split, broken, split} {
		kind := "application/json"
		if body[0] == 'a' {
			kind = "text/csv"
		}
		r, err := d.Invocations([]byte(body), kind)
		if body == broken {
			if err == nil {
				t.Error("a column named null")
			}
			continue
		}
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if body == split {
			if got := render(r.Table) + render(r.Extra); got != "1 | a:int64 4 | b:float64 2 | c:string ~1 | x:int64 1 | y:int64 3" {
				t.Errorf("%d: %s", i, got)
			}
		}
	}
}

func TestInvocationsErrors(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"value", `{"dataframe_split":{"columns":["a","b"],"data":[[1,2],[1.7,3]]}}`, `column "a", row 1: expected long (a whole number within 64 bits), got 1.7`},
		{"several", `{"dataframe_split":{"columns":["a","b"],"data":[["x",2],[2,[]]]}}`, "2 problems:\n  column \"a\", row 0: expected long (a whole number within 64 bits), got \"x\"\n  column \"b\", row 1: expected double (a number within its range, or null), got []"},
		{"many", `{"dataframe_split":{"columns":["a","b"],"data":[["x",2],["x",2],["x",2],["x",2],["x",2]]}}`, "and 2 more"},
		{"missing", `{"dataframe_split":{"columns":["a","B"],"data":[[1,2]]}}`, `column "b": missing: expected double, got the unknown columns "B"`},
		{"missing in a record", `{"dataframe_records":[{"a":1,"b":1},{"b":2}]}`, `column "a", row 1: expected long (a whole number within 64 bits), got no such key in the record`},
		{"row width", `{"dataframe_split":{"columns":["a","b"],"data":[[1,2],[1,2,3]]}}`, `row 1: expected 2 values, got 3`},
		{"same column", `{"dataframe_split":{"columns":["a","a"],"data":[]}}`, `column "a": named twice in columns: expected each name once`},
		{"split key", `{"dataframe_split":{"columns":[],"rows":[],"data":[]}}`, `the key "rows": expected only data, columns and index`},
		{"split without data", `{"dataframe_split":{"columns":[]}}`, `expected the key data`},
		{"data", `{"dataframe_split":{"data":7}}`, `data: expected a list of rows, got 7`},
		{"record", `{"dataframe_records":[{"a":1,"b":1},5]}`, `row 1: expected a record, which is an object, got 5`},
		{"none", `{}`, `expected exactly one of dataframe_split, dataframe_records, instances and inputs, got 0 of them`},
		{"two", `{"inputs":1,"instances":1}`, `got 2 of them`},
		{"llm", `{"messages":[]}`, `is for language models`},
		{"tf key", `{"inputs":{"a":1},"signature_name":"x"}`, `the key "signature_name": expected only inputs and params`},
		{"lengths", `{"inputs":{"a":[1,2],"b":[1]}}`, `column "b": expected 2 values as in column "a", got 1`},
		{"rows without names", `{"inputs":[[1,2]]}`, `expected the values by column, because the signature names 3 columns`},
		{"rows", `{"dataframe_split":{"columns":["a","b"],"data":[[1,1],[1,1],[1,1],[1,1],[1,1],[1,1]]}}`, `more than 5 rows`},
		{"columns", `{"dataframe_records":[{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6}]}`, `more than 5 columns`},
		{"csv", "csv:a,b\n1,2\n1.5,2\n", `column "a", row 1: expected a whole number`},
		{"csv shape", "csv:a,b\n1\n", `csv: line 2: 1 fields`},
		{"list", `[1]`, `invalid JSON at byte 0: expected an object`},
		{"empty", ``, `invalid JSON at byte 0: expected a value`},
		{"cut", `{"inputs":[1`, `invalid JSON at byte 12: expected ',' or ']'`},
		{"comma", `{"inputs":[1,]}`, `invalid JSON at byte 13: a comma before the end`},
		{"behind", `{"inputs":1} x`, `invalid JSON at byte 13: text behind the value`},
		{"zero byte", "{\"inputs\":1}\x00", `text behind the value`},
		{"leading zero", `{"inputs":01}`, `invalid JSON at byte 10: expected a value`},
		{"word", `{"inputs":nul}`, `invalid JSON at byte 10: expected a value`},
		{"control", "{\"inputs\":\"\n\"}", `a control character`},
		{"escape", `{"inputs":"\q"}`, `an unknown escape`},
		{"surrogate", `{"inputs":"\ud83d"}`, `half a surrogate pair`},
		{"hex", `{"inputs":"\u12g4"}`, `without four hexadecimal digits`},
		{"utf-8", "{\"inputs\":\"\xff\"}", `invalid JSON at byte 11: not UTF-8`},
		{"deep", `{"inputs":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", `nested too deeply`},
	} {
		body, kind := test.body, ""
		if rest, ok := strings.CutPrefix(body, "csv:"); ok {
			body, kind = rest, "text/csv"
		}
		r, err := signature(t, abc).DecodeInvocations([]byte(body), kind, Options{MaxProblems: 3, MaxRows: 5, MaxColumns: 5})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s (%+v)", test.name, err, test.want, r)
		}
	}
	for _, kind := range []string{"text/plain", "application/json; charset=latin-1", "application/json; x=y", ";"} {
		var e *ContentTypeError
		if _, err := signature(t, abc).DecodeInvocations([]byte(`{}`), kind, Options{}); !errors.As(err, &e) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if r, err := signature(t, abc).DecodeInvocations([]byte(`{"inputs":{"a":[1.7,-1.7],"b":[1,2]}}`), "", Options{Lossy: true}); err != nil || render(r.Table) != "2 | a:int64 1 -1 | b:float64 1 2 | c:string ~ ~" {
		t.Errorf("lossy: %v", err)
	}
}

func TestParams(t *testing.T) {
	s, err := ParseSignature(`[{"name":"a","type":"long"}]`, "", `[{"name":"t","type":"double","default":0.5,"shape":null},{"name":"n","type":"long","default":3,"shape":null},
		{"name":"l","type":"string","default":["x"],"shape":[-1]},{"name":"w","type":"datetime","default":null,"shape":null}]`)
	if err != nil {
		t.Fatal(err)
	}
	decode := func(params string) (*Request, error) {
		return s.DecodeInvocations([]byte(`{"inputs":{"a":[1]}`+params+`}`), "", Options{})
	}
	for _, test := range []struct{ in, want string }{
		{``, `map[l:[x] n:3 t:0.5 w:<nil>]`},
		{`,"params":null`, `map[l:[x] n:3 t:0.5 w:<nil>]`},
		{`,"params":{"t":1,"q":[],"l":["a","b"],"w":"2013-03-01"}`, `map[l:[a b] n:3 t:1 w:2013-03-01 00:00:00 +0000 UTC]`},
	} {
		r, err := decode(test.in)
		if err != nil || fmt.Sprint(map[string]any(r.Params)) != test.want {
			t.Errorf("%s: %v %v", test.in, r, err)
		}
	}
	for _, test := range []struct{ in, want string }{
		{`,"params":[]`, `params: expected an object, got []`},
		{`,"params":{"n":1.5}`, `parameter "n": expected a long, got 1.5`},
		{`,"params":{"l":"a"}`, `parameter "l": expected a list of string, got "a"`},
	} {
		if _, err := decode(test.in); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.in, err)
		}
	}
}

func TestParseSignatureErrors(t *testing.T) {
	for _, test := range []struct{ in, params, want string }{
		{`{}`, "", "inputs: expected a JSON list"},
		{`[{"name":"a","type":"decimal"}]`, "", `inputs: entry 0: no type "decimal"`},
		{`[{"name":"a","type":"long"},{"name":"a","type":"long"}]`, "", `entry 1: a second entry named "a"`},
		{`[{"name":"a","type":"long"},{"type":"long"}]`, "", `1 of 2 entries have a name`},
		{`[{"type":"tensor"}]`, "", `a tensor without tensor-spec`},
		{`[{"name":"a","type":"long"},{"name":"b","type":"tensor","tensor-spec":{"dtype":"int64","shape":[-1]}}]`, "", `columns and tensors mixed`},
		{`[{"name":[],"type":"long"}]`, "", `name []; expected a string`},
		{``, `[{"type":"long"}]`, `params: entry 0: no name`},
		{``, `[{"name":"a","type":"binary","default":1}]`, `no type "binary"`},
		{``, `[{"name":"a","type":"long","default":1.5}]`, `default: a long`},
		{``, `[{"name":"a","type":"long","default":1,"shape":[2]}]`, `shape [2]; expected null or [-1]`},
	} {
		if _, err := ParseSignature(test.in, "", test.params); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s: %v, want %s", test.in, test.params, err, test.want)
		}
	}
	for _, in := range []string{`[{"name":"a","type":"array","items":{"type":"long"}}]`, `[{"type":"tensor","tensor-spec":{"dtype":"complex64","shape":[-1]}}]`,
		`[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,3,4]}}]`, `[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,-1]}}]`} {
		if _, err := signature(t, in).NewDecoder(Options{}); err == nil || !strings.Contains(err.Error(), "not supported") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// wide is a request as an endpoint gets it: 20 numbers and a category, one row.
func wide(t testing.TB) (Signature, []byte) {
	var sig, names, row []string
	for i := range 20 {
		sig = append(sig, fmt.Sprintf(`{"name":"f%d","type":"double"}`, i))
		names = append(names, fmt.Sprintf("%q", fmt.Sprintf("f%d", i)))
		row = append(row, fmt.Sprint(float64(i)*1.37+0.1))
	}
	row[3] = "null"
	sig = append(sig, `{"name":"carrier","type":"string"}`)
	return signature(t, "["+strings.Join(sig, ",")+"]"), []byte(`{"dataframe_split":{"columns":[` + strings.Join(names, ",") + `,"carrier"],"data":[[` + strings.Join(row, ",") + `,"UA"]]}}`)
}

func TestDecodeAllocates(t *testing.T) {
	s, body := wide(t)
	d, err := s.NewDecoder(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := d.Invocations(body, "application/json"); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("one row allocates %v times", n)
	}
}

func BenchmarkDecodeOneRow(b *testing.B) {
	s, body := wide(b)
	d, err := s.NewDecoder(Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Invocations(body, "application/json"); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzNumbers compares a column of numbers with encoding/json.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"[1,2.5,-3e4]", "[0.1,1e-300,9007199254740993]", "[1e400]", "[-0,-0.0,0e5]", "[123456789012345678901234567890]", "[1.7976931348623157e308,5e-324]", "[01]", "[1.]", "[.5]", "[+1]"} {
		f.Add(s)
	}
	sig := signature(f, `[{"name":"x","type":"double"}]`)
	f.Fuzz(func(t *testing.T, in string) {
		var want []float64
		wantErr := json.Unmarshal([]byte(in), &want)
		if wantErr == nil && (want == nil || strings.Contains(in, "null")) {
			return // the standard library leaves null as zero
		}
		r, err := sig.DecodeInvocations([]byte(`{"inputs":{"x":`+in+`}}`), "", Options{})
		if wantErr != nil {
			return // texts, words and single values are taken here and not there; TestInvocationsErrors has the syntax
		}
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		got := r.Table.Columns[0].Float64s
		if len(got) != len(want) {
			t.Fatalf("%q: %v, want %v", in, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%q: %v, want %v", in, got[i], want[i])
			}
		}
	})
}

// FuzzSyntax: what encoding/json takes for JSON is JSON here, and the other way round but for NaN and the infinities.
func FuzzSyntax(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":null}]}`, `"\ud83d\ude00"`, `[1,]`, `{"a" 1}`, "\"\x01\"", `[NaN]`, `-`, `[[]`, `"\ud800"`, `tru`, ` 1 `} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var s scan
		s.reset([]byte(in))
		s.skip()
		s.end()
		want := json.Valid([]byte(in))
		if strings.Contains(in, "NaN") || strings.Contains(in, "Infinity") || s.err != nil && (strings.Contains(s.err.Msg, "surrogate") || strings.Contains(s.err.Msg, "deeply")) {
			return
		}
		if (s.err == nil) != want {
			t.Fatalf("%q: %v, encoding/json says %v", in, s.err, want)
		}
	})
}

// FuzzInvocations: no body panics, and what is decoded is a table.
func FuzzInvocations(f *testing.F) {
	for _, s := range []string{`{"dataframe_split":{"columns":["a","b"],"data":[[1,2]]}}`, `{"dataframe_records":[{"a":1,"b":2,"z":[]},{"z":1}]}`, `{"instances":[[1],[2]]}`, `{"inputs":{"a":[1],"b":1}}`, `{"inputs":[[]]}`} {
		f.Add(s, uint8(0))
		f.Add(s, uint8(3))
	}
	sigs := []string{abc, "", `[{"type":"long"},{"type":"double"}]`, `[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,2]}}]`, `[{"name":"a","type":"tensor","tensor-spec":{"dtype":"int64","shape":[-1,1]}}]`}
	var decoders []*Decoder
	for _, s := range sigs {
		d, err := signature(f, s).NewDecoder(Options{MaxRows: 1000, MaxColumns: 100})
		if err != nil {
			f.Fatal(err)
		}
		decoders = append(decoders, d)
	}
	f.Fuzz(func(t *testing.T, in string, which uint8) {
		i := int(which) % len(sigs)
		r, err := decoders[i].Invocations([]byte(in), "")
		fresh, err2 := signature(t, sigs[i]).DecodeInvocations([]byte(in), "", Options{MaxRows: 1000, MaxColumns: 100})
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("%q: %v reused, %v fresh", in, err, err2)
		}
		if err != nil {
			return
		}
		if r.Table.Check() != nil || r.Extra.Check() != nil || r.Table.Rows() != r.Extra.Rows() {
			t.Fatalf("%q: %v %v", in, r.Table.Check(), r.Extra.Check())
		}
		if render(r.Table) != render(fresh.Table) || render(r.Extra) != render(fresh.Extra) {
			t.Fatalf("%q: reused %s %s, fresh %s %s", in, render(r.Table), render(r.Extra), render(fresh.Table), render(fresh.Extra))
		}
	})
}

func TestParseFloatEdges(t *testing.T) {
	for _, s := range []string{"9007199254740993", "9007199254740992", "0.1", "123456.789", "1e22", "1e23", "4.35", "0.000000000000000000000123", "179769313486231570000000000000", "-0.5", "99999999999999999999", "1.0000000000000002"} {
		var want float64
		if err := json.Unmarshal([]byte(s), &want); err != nil {
			t.Fatal(err)
		}
		if got, ok := parseFloat([]byte(s)); !ok || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: %v, want %v", s, got, want)
		}
	}
}
