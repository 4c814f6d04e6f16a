package infer

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"testing"
)

// fuzz loads hostile bytes: the answer is a typed error or a model that predicts without a panic.
func fuzz(f *testing.F, format Format) {
	f.Fuzz(func(t *testing.T, data []byte) {
		Detect(data)
		m, err := Load(data, format, Options{Limits: Limits{Bytes: 1 << 20, Features: 64, Trees: 64, Nodes: 4096, SetBytes: 1 << 16}})
		if err != nil {
			var u *Unsupported
			var e *FormatError
			if !errors.As(err, &u) && !errors.As(err, &e) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		n := len(m.Features())
		special := []float64{math.NaN(), 0, 1, -1, math.Inf(1), math.Inf(-1), 1e300, 3, 5e-324, 1 << 24}
		const rows = 10
		x := make([]float64, rows*n)
		for i := range x {
			x[i] = special[(i+i/n)%len(special)]
		}
		one, all := make([]float64, m.Outputs()), make([]float64, rows*m.Outputs())
		s := m.NewScratch(rows)
		m.Predict(all, x, rows, s)
		for r := range rows {
			m.Predict(one, x[r*n:(r+1)*n], 1, s)
			for k, v := range one {
				if w := all[r*len(one)+k]; math.Float64bits(v) != math.Float64bits(w) && (v == v || w == w) {
					t.Fatalf("row %d alone gives %x, in a batch %x", r, v, w)
				}
			}
		}
	})
}

func FuzzXGBoostJSON(f *testing.F) {
	f.Add([]byte(miniXGB{base: "[5E-1]", objective: "binary:logistic"}.String()))
	f.Add([]byte(miniXGB{base: "5E-1", objective: "multi:softprob", classes: 3}.String()))
	f.Add([]byte(`{"learner":{"gradient_booster":{"model":{"trees":[{"categories":[0,2],"split_conditions":[NaN,-Infinity]}]}}}}`))
	fuzz(f, FormatXGBoostJSON)
}

func FuzzXGBoostUBJ(f *testing.F) {
	f.Add(asUBJ(f, miniXGB{base: "[5E-1]", objective: "binary:logistic"}.String()))
	f.Add(asUBJ(f, miniXGB{base: "5E-1", objective: "multi:softmax", classes: 3}.String()))
	f.Add([]byte("{L\x00\x00\x00\x00\x00\x00\x00\x07learner{i\x01a[$d#i\x01\x3f\x80\x00\x00i\x01b[#i\x02i\x01i\x02}}"))
	fuzz(f, FormatXGBoostUBJ)
}

// asUBJ writes a JSON document as UBJSON.
func asUBJ(t testing.TB, text string) []byte {
	doc, err := parseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	length := func(b []byte, n int) []byte { return binary.BigEndian.AppendUint64(append(b, 'L'), uint64(n)) }
	str := func(b []byte, s string) []byte { return append(length(b, len(s)), s...) }
	var put func(b []byte, v *value) []byte
	put = func(b []byte, v *value) []byte {
		switch v.kind {
		case kindText:
			return str(append(b, 'S'), v.text)
		case kindObject:
			b = append(b, '{')
			for i := range v.items {
				b = put(str(b, v.keys[i]), &v.items[i])
			}
			return append(b, '}')
		case kindList:
			b = length(append(b, '[', '#'), len(v.items))
			for i := range v.items {
				b = put(b, &v.items[i])
			}
			return b
		case kindNumber:
			n, err := strconv.ParseInt(v.text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return binary.BigEndian.AppendUint64(append(b, 'L'), uint64(n))
		case kindNumbers:
			if ints, err := v.integers("", -1, math.MinInt64, math.MaxInt64); err == nil {
				b = length(append(b, '[', '$', 'L', '#'), len(ints))
				for _, n := range ints {
					b = binary.BigEndian.AppendUint64(b, uint64(n))
				}
				return b
			}
			floats, err := v.float32s("", -1)
			if err != nil {
				t.Fatal(err)
			}
			b = length(append(b, '[', '$', 'd', '#'), len(floats))
			for _, x := range floats {
				b = binary.BigEndian.AppendUint32(b, math.Float32bits(x))
			}
			return b
		}
		t.Fatalf("no %v in models", v.kind)
		return nil
	}
	return put(nil, doc)
}

// TestJSONEqualsUBJ: the golden models answer the same when they are written in the other format.
func TestJSONEqualsUBJ(t *testing.T) {
	const dir = "testdata/xgboost-2.1.4"
	x, _, columns := loadRows(t, dir)
	x = x[:200*columns]
	for _, c := range loadCases(t, dir) {
		if c.Format != "json" {
			continue
		}
		a := loadGolden(t, dir, c)
		data := asUBJ(t, string(gunzip(t, dir+"/"+c.Name+".model.gz")))
		if format, err := Detect(data); format != FormatXGBoostUBJ || err != nil {
			t.Fatal(format, err)
		}
		b, err := Load(data, FormatXGBoostUBJ, Options{InPlace: !c.DMatrix})
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		want, got := make([]float64, 200*a.Outputs()), make([]float64, 200*a.Outputs())
		a.Predict(want, x, 200, a.NewScratch(200))
		b.Predict(got, x, 200, b.NewScratch(200))
		for i := range got {
			if math.Float64bits(got[i]) != math.Float64bits(want[i]) && (got[i] == got[i] || want[i] == want[i]) {
				t.Fatalf("%s: output %d = %v, want %v", c.Name, i, got[i], want[i])
			}
		}
	}
}

func FuzzLightGBMText(f *testing.F) {
	f.Add([]byte(miniLGB))
	fuzz(f, FormatLightGBMText)
}
