package boost

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	d := mixed(800)
	for name, o := range variants {
		m := train(t, d, o)
		b := m.Encode()
		again, err := Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(again.Encode(), b) {
			t.Errorf("%s: encoded again, other bytes", name)
		}
		if !same(again.Margin(d.Features, nil, nil), m.Margin(d.Features, nil, nil)) {
			t.Errorf("%s: decoded, other predictions", name)
		}
		if again.Objective() != m.Objective() || again.Base() != m.Base() || again.Trees() != m.Trees() ||
			!same(again.Gains(), m.Gains()) || strings.Join(again.Features(), " ") != "x0 x1 x2 x3 x4 x5 x6" {
			t.Errorf("%s: decoded, another model", name)
		}
	}
}

// TestTruncated: no beginning of a model is a model, nor is one with something behind it.
func TestTruncated(t *testing.T) {
	b := train(t, mixed(300), Options{Trees: 2, Leaves: 4}).Encode()
	for n := range b {
		var e *FormatError
		if _, err := Decode(b[:n]); !errors.As(err, &e) || e.Offset > n {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, err := Decode(append(b, 0)); err == nil || !strings.Contains(err.Error(), "1 more bytes, want the end") {
		t.Errorf("a byte more: %v", err)
	}
}

func TestMalformed(t *testing.T) {
	// One numeric feature "x", one tree of three nodes.
	m := &Model{objective: Squared, base: 1, inputs: []input{{name: "x"}}, gain: []float64{2}, trees: []tree{{nodes: []node{
		{left: 1, right: 2, value: 0.5}, {left: -1, value: 3}, {left: -1, value: 4},
	}}}}
	good := m.Encode()
	if _, err := Decode(good); err != nil {
		t.Fatal(err)
	}
	nan := []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}
	const features, trees = 8 + 1 + 8, 8 + 1 + 8 + 4 + 2 + 1 + 8 + 1
	for _, c := range []struct {
		at    int
		bytes string
		want  string
	}{
		{7, "\x02", "want the beginning of a model of version 1"},
		{8, "\x02", "objective 2, want 0 or 1"},
		{9, string(nan), "base NaN, want a finite number"},
		{features, "\x00", "0 features, want 1 to 16384"},
		{features, "\x00\x10", "4096 features in the"},
		{features + 4, "\xff\xff", "65535 bytes of a name"},
		{features + 7, string(nan), "gain NaN"},
		{features + 7 + 7, "\xbf", "gain -"},
		{features + 15, "\x02", "kind of feature 2"},
		{trees, "\xff\xff\xff\xff", "trees, want 0 to 10000"},
		{trees, "\x10", "16 trees in the"},
		{trees + 4, "\x00", "0 nodes, want 1 to 2047"},
		{trees + 4, "\x09", "9 nodes in the"},
		{trees + 6, "\x02", "node 0 with children 2 and 3"},
		{trees + 8, "\x01", "feature 1, want 0 to 0"},
		{trees + 10, "\x02", "direction 2"},
		{trees + 11, string(nan), "threshold that is not a number"},
		{trees + 19, "\x01", "node 1 with children 2 and 3"},
		{trees + 21, string(nan), "leaf value NaN"},
	} {
		b := bytes.Clone(good)
		copy(b[c.at:], c.bytes)
		var e *FormatError
		if _, err := Decode(b); !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q at %d: %v, want one that says %q", c.bytes, c.at, err, c.want)
		}
	}

	two := &Model{inputs: []input{{name: "x"}, {name: "x"}}, gain: []float64{0, 0}}
	codes := &Model{inputs: []input{{name: "x", categorical: true, codes: []uint16{3, 3}}}, gain: []float64{0}}
	set := &Model{inputs: []input{{name: "x", categorical: true, codes: []uint16{3}}}, gain: []float64{0}, trees: []tree{{
		nodes: []node{{left: 1, right: 2}, {left: -1}, {left: -1}}, sets: []binSet{{4}},
	}}}
	lonely := &Model{inputs: []input{{name: "x"}}, gain: []float64{0}, trees: []tree{{nodes: []node{{left: -1}, {left: -1}}}}}
	shared := &Model{inputs: []input{{name: "x"}}, gain: []float64{0}, trees: []tree{{nodes: []node{
		{left: 1, right: 2}, {left: 3, right: 4}, {left: 3, right: 4}, {left: -1}, {left: -1},
	}}}}
	for want, m := range map[string]*Model{
		"node 2 with children 3 and 4":  shared,
		`a second feature "x"`:          two,
		"code 3 after 3":                codes,
		"bin 2 of a feature of 1 codes": set,
		"node 1 of no parent":           lonely,
	} {
		if _, err := Decode(m.Encode()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one that says %q", err, want)
		}
	}
}

// FuzzDecode reads hostile bytes: the answer is a *FormatError, or a model that predicts and encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	d := mixed(300)
	for _, o := range variants {
		o.Trees, o.Leaves = 2, 4
		m, err := Train(d, o)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Encode())
	}
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			var e *FormatError
			if !errors.As(err, &e) || e.Offset > len(data) {
				t.Fatalf("%v", err)
			}
			return
		}
		if !bytes.Equal(m.Encode(), data) {
			t.Fatal("encodes to other bytes")
		}
		var x []Feature
		for _, in := range m.inputs {
			x = append(x, Feature{in.name, []float64{math.NaN(), 0, 3, -1, 65535, math.Inf(1)}, in.categorical})
		}
		m.Predict(x, nil, nil)
	})
}

// FuzzTrain fits odd data with odd options: the answer is an *InputError, or a model whose predictions are numbers.
func FuzzTrain(f *testing.F) {
	f.Add([]byte("a bit of data that becomes rows, weights and margins"), uint8(3), uint8(4), true)
	f.Add([]byte{0, 1, 2, 255, 254, 253, 128, 127, 0, 0, 0, 9, 9, 9}, uint8(1), uint8(255), false)
	f.Fuzz(func(t *testing.T, data []byte, leaf, bins uint8, logistic bool) {
		n := min(len(data)/4, 500)
		odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, 1e60, -1e60, 5e-324, 0.5, -1, 1e10}
		value := func(b byte) float64 {
			if int(b) < len(odd) {
				return odd[b]
			}
			return float64(b) - 20
		}
		column := func(k int) []float64 { return each(n, func(i int) float64 { return value(data[4*i+k]) }) }
		d := Data{Features: []Feature{{"a", column(0), false}, {"b", column(1), true}}, Label: column(2)}
		o := Options{Objective: Squared, MinLeaf: int(leaf), Bins: int(bins), Trees: 3, Leaves: 4, L2: -1, CatSmooth: -1, RowShare: 0.9}
		if logistic {
			o.Objective = Logistic
			d.Label = each(n, func(i int) float64 { return float64(data[4*i+2] & 1) })
			d.Init = column(3)
		} else {
			d.Weight = column(3)
		}
		m, err := Train(d, o)
		if err != nil {
			var e *InputError
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			return
		}
		for i, p := range m.Predict(d.Features, d.Init, nil) {
			if !finite(p) {
				t.Fatalf("prediction %v for row %d", p, i)
			}
		}
		if _, err := Decode(m.Encode()); err != nil {
			t.Fatal(err)
		}
	})
}
