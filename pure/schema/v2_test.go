package schema

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

func TestDecodeV2(t *testing.T) {
	r, err := DecodeV2([]byte(`{"parameters":{"binary":false},"outputs":[{"name":"o","parameters":{"q":1}}],"id":"7","inputs":[
		{"data":[[1,2.5,null],[4,5,NaN]],"shape":[2,3],"datatype":"FP32","name":"m"},
		{"name":"flat","shape":[2,2],"datatype":"UINT8","data":[0,255,1.0,2]},
		{"name":"s","shape":[2],"datatype":"BYTES","data":["x",null],"parameters":{"content_type":"str"}},
		{"name":"b","shape":[2,1],"datatype":"BOOL","data":[[true],[0]]},
		{"name":"none","shape":[0,4],"datatype":"INT64","data":[]}]}`), V2Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range r.Inputs {
		got = append(got, in.Datatype+" "+shape(in.Shape)+" "+render(&table.Table{Columns: []*table.Column{in.Data}}))
	}
	want := []string{"FP32 [2, 3] 6 | m:float32 1 2.5 nan 4 5 nan", "UINT8 [2, 2] 4 | flat:int32 0 255 1 2", "BYTES [2] 2 | s:string x ~", "BOOL [2, 1] 2 | b:bool true false", "INT64 [0, 4] 0 | none:int64"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if r.ID != "7" || string(r.Parameters) != `{"binary":false}` || len(r.Outputs) != 1 || r.Outputs[0].Name != "o" || string(r.Outputs[0].Parameters) != `{"q":1}` || string(r.Inputs[2].Parameters) != `{"content_type":"str"}` {
		t.Errorf("%+v", r)
	}
}

func TestDecodeV2Errors(t *testing.T) {
	in := func(s string) string { return `{"inputs":[` + s + `]}` }
	for _, test := range []struct{ name, body, want string }{
		{"no inputs", `{}`, `expected the key inputs`},
		{"datatype", in(`{"name":"x","shape":[1],"datatype":"FP16","data":[1]}`), `column "x": datatype: expected BOOL`},
		{"no name", in(`{"shape":[1],"datatype":"FP32","data":[1]}`), `input 0 without a name`},
		{"no shape", in(`{"name":"x","datatype":"FP32","data":[1]}`), `expected the key shape`},
		{"no data", in(`{"name":"x","datatype":"FP32","shape":[1]}`), `expected the key data`},
		{"shape", in(`{"name":"x","datatype":"FP32","shape":[-1],"data":[1]}`), `column "x": shape: expected a list of sizes`},
		{"huge", in(`{"name":"x","datatype":"FP32","shape":[1000000,1000000],"data":[1]}`), `elements, got [1000000,1000000]`},
		{"too few", in(`{"name":"x","datatype":"FP32","shape":[3],"data":[1,2]}`), `column "x": data: expected 3 elements for shape [3], got 2`},
		{"too many", in(`{"name":"x","datatype":"FP32","shape":[1],"data":[1,2]}`), `expected 1 element for shape [1], got more`},
		{"nesting", in(`{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1,2,3],[4]]}`), `expected lists of 2 at depth 1 for shape [2, 2], got one of 3`},
		{"depth", in(`{"name":"x","datatype":"FP32","shape":[2],"data":[[1],[2]]}`), `expected a value of FP32, got [1]`},
		{"range", in(`{"name":"x","datatype":"INT8","shape":[2],"data":[1,128]}`), `column "x", row 1: expected a value of INT8, got 128`},
		{"fraction", in(`{"name":"x","datatype":"INT64","shape":[1],"data":[1.5]}`), `expected a value of INT64, got 1.5`},
		{"null", in(`{"name":"x","datatype":"INT64","shape":[1],"data":[null]}`), `expected a value of INT64, got null`},
		{"text", in(`{"name":"x","datatype":"FP64","shape":[1],"data":["1"]}`), `expected a value of FP64, got "1"`},
		{"twice", in(`{"name":"x","datatype":"FP64","shape":[1],"data":[1]},{"name":"x","datatype":"FP64","shape":[1],"data":[1]}`), `two inputs of that name`},
		{"limit", in(`{"name":"x","datatype":"FP64","shape":[6],"data":[1,2,3,4,5,6]},{"name":"y","datatype":"FP64","shape":[6],"data":[1,2,3,4,5,6]}`), `column "y": more than 10 elements in all inputs`},
		{"parameters", `{"parameters":[],"inputs":[]}`, `parameters: expected an object, got []`},
		{"id", `{"id":5,"inputs":[]}`, `id: expected a string, got 5`},
		{"syntax", `{"inputs":[{]}`, `invalid JSON at byte 12`},
	} {
		if _, err := DecodeV2([]byte(test.body), V2Limits{Elements: 10}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

func TestFromTensors(t *testing.T) {
	for _, test := range []struct{ name, sig, inputs, want string }{
		{"by name", abc, `{"name":"b","shape":[2],"datatype":"FP32","data":[1,2]},{"name":"id","shape":[2],"datatype":"BYTES","data":["p","q"]},{"name":"a","shape":[2,1],"datatype":"INT32","data":[3,4]}`,
			"2 | a:int64 3 4 | b:float64 1 2 | c:string ~ ~ / 2 | id:string p q"},
		{"matrix", `[{"name":"a","type":"long"},{"name":"b","type":"float"}]`, `{"name":"input-0","shape":[2,2],"datatype":"FP64","data":[[1,0.1],[2,0.2]]}`, "2 | a:int64 1 2 | b:float32 0.1 0.2 / 2"},
		{"matrix of a fraction", `[{"name":"a","type":"long"},{"name":"b","type":"float"}]`, `{"name":"input-0","shape":[1,2],"datatype":"FP64","data":[1.5,0.1]}`, `column "a", row 0: expected long (a whole number within 64 bits), got 1.5`},
		{"matrix too narrow", abc, `{"name":"input-0","shape":[1,2],"datatype":"FP64","data":[1,2]}`, `column "input-0": shape: expected [n, 3] for the columns of the signature, got [1, 2]`},
		{"one column, other name", `[{"name":"a","type":"double"}]`, `{"name":"x","shape":[2],"datatype":"FP64","data":[1,2]}`, "2 | a:float64 1 2 / 2"},
		{"one column", `[{"name":"a","type":"double"}]`, `{"name":"a","shape":[2,1],"datatype":"FP64","data":[1,2]}`, "2 | a:float64 1 2 / 2"},
		{"tensor signature", `[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,2]}}]`, `{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}`, "1 | 0:float32 1 | 1:float32 2 / 1"},
		{"no signature", "", `{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}`, "1 | 0:float32 1 | 1:float32 2 / 1"},
		{"no signature, columns", "", `{"name":"x","shape":[1],"datatype":"FP32","data":[1]},{"name":"y","shape":[1],"datatype":"BYTES","data":["q"]}`, "1 | x:float32 1 | y:string q / 1"},
		{"rows differ", abc, `{"name":"a","shape":[1],"datatype":"INT64","data":[1]},{"name":"b","shape":[2],"datatype":"FP64","data":[1,2]}`, `column "b": shape [2]: expected 1 row as in input "a"`},
		{"three dimensions", abc, `{"name":"a","shape":[1,1,1],"datatype":"INT64","data":[1]}`, `column "a": shape: expected [n], [n, 1] or one input [n, k], got [1, 1, 1]`},
		{"missing", abc, `{"name":"a","shape":[1],"datatype":"INT64","data":[1]}`, `column "b": missing`},
	} {
		r, err := DecodeV2([]byte(`{"inputs":[`+test.inputs+`]}`), V2Limits{})
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		q, err := signature(t, test.sig).FromTensors(r.Inputs, Options{})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = render(q.Table) + " / " + render(q.Extra)
		}
		if got != test.want && !(err != nil && strings.Contains(got, test.want)) {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
	if _, err := signature(t, abc).FromTensors([]Tensor{{Name: "x"}}, Options{}); err == nil {
		t.Error("a tensor without shape and data")
	}
}

func TestEncodeV2(t *testing.T) {
	r := V2Response{ModelName: "m\"", ModelVersion: "3", ID: "i", Outputs: []Tensor{
		{Name: "p", Datatype: "FP32", Shape: []int64{3, 1}, Data: &table.Column{Type: table.Float32, Float32s: []float32{0.3, float32(math.NaN()), 1}}},
		{Name: "s", Datatype: "BYTES", Shape: []int64{2}, Data: &table.Column{Type: table.String, Strings: []string{"ü\n", ""}, Valid: []bool{true, false}}},
		{Name: "i", Datatype: "INT64", Shape: []int64{1}, Data: &table.Column{Type: table.Int64, Int64s: []int64{-5}}}}}
	got, err := r.AppendJSON(nil)
	want := `{"model_name":"m\"","model_version":"3","id":"i","outputs":[{"name":"p","datatype":"FP32","shape":[3,1],"data":[0.30000001192092896,null,1.0]},` +
		`{"name":"s","datatype":"BYTES","shape":[2],"data":["ü\n",null]},{"name":"i","datatype":"INT64","shape":[1],"data":[-5]}]}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	r.Outputs[0].Data.Float32s[1] = float32(math.Inf(-1))
	if _, err := r.AppendJSON(nil); err == nil || !strings.Contains(err.Error(), `column "p", row 1: expected a number that JSON can hold, got -inf`) {
		t.Errorf("%v", err)
	}
}

func TestAppendFloat(t *testing.T) {
	for v, want := range map[float64]string{0: "0.0", 1: "1.0", 0.1: "0.1", 1e-4: "0.0001", 1e-5: "1e-05", 1e15: "1000000000000000.0", 1e16: "1e+16", -2.5: "-2.5", 1e300: "1e+300"} {
		if got, ok := AppendFloat(nil, v); !ok || string(got) != want {
			t.Errorf("%v: %s, want %s as Python prints it", v, got, want)
		}
	}
}

func FuzzV2(f *testing.F) {
	f.Add(`{"id":"1","inputs":[{"name":"x","shape":[2,2],"datatype":"FP64","data":[[1,2],[3,null]]}],"outputs":[{"name":"o"}]}`)
	f.Add(`{"inputs":[{"name":"x","shape":[2],"datatype":"BYTES","data":["a",null]},{"name":"y","shape":[2,1],"datatype":"INT8","data":[1,2]}]}`)
	sig := signature(f, abc)
	f.Fuzz(func(t *testing.T, in string) {
		r, err := DecodeV2([]byte(in), V2Limits{Elements: 10_000, Tensors: 100})
		if err != nil {
			return
		}
		for _, x := range r.Inputs {
			n := int64(1)
			for _, d := range x.Shape {
				n *= d
			}
			if int64(x.Data.Len()) != n {
				t.Fatalf("%q: %d elements in shape %v", in, x.Data.Len(), x.Shape)
			}
		}
		for _, s := range []Signature{sig, {}} {
			if q, err := s.FromTensors(r.Inputs, Options{}); err == nil && (q.Table.Check() != nil || q.Extra.Check() != nil) {
				t.Fatalf("%q: %v %v", in, q.Table.Check(), q.Extra.Check())
			}
		}
	})
}
