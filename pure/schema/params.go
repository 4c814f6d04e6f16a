package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/pure/table"
)

// Params are the parameters of a request by name: bool, int64 (integer and long), float64 (float and double), string,
// time.Time, []any of these, nil, or for an object the json.RawMessage.
type Params map[string]any

func parseParams(text string) ([]ParamSpec, error) {
	raw, err := entries("params", text)
	if err != nil {
		return nil, err
	}
	var params []ParamSpec
	seen := make(map[string]bool)
	for i, r := range raw {
		fail := func(format string, args ...any) ([]ParamSpec, error) {
			return nil, fmt.Errorf("signature: params: entry %d: "+format, append([]any{i}, args...)...)
		}
		var e specJSON
		if err := json.Unmarshal(r, &e); err != nil {
			return fail("%w", err)
		}
		name, has, err := specName(e.Name)
		if err != nil || !has {
			return fail("no name")
		}
		if seen[name] {
			return fail("a second entry named %q", name)
		}
		seen[name] = true
		if e.Type == "" {
			e.Type = e.DType // written by early versions
		}
		p := ParamSpec{Name: name, Type: DataType(e.Type), Array: e.Shape != nil, raw: slices.Clone(r)}
		if typ, known := dataTypes[p.Type]; !known || p.Type == Binary || !typ.Known() && p.Type != Object {
			return fail("parameter %q: no type %q; expected boolean, integer, long, float, double, string, datetime or object", name, e.Type)
		}
		if p.Array && (len(e.Shape) != 1 || e.Shape[0] != -1) {
			return fail("parameter %q: shape %s; expected null or [-1]", name, shape(e.Shape))
		}
		if p.Default, err = p.value(e.Default); err != nil {
			return fail("parameter %q: default: %w", name, err)
		}
		params = append(params, p)
	}
	return params, nil
}

func paramsText(params []ParamSpec) string {
	if len(params) == 0 {
		return ""
	}
	var b bytes.Buffer
	b.WriteByte('[')
	for i, p := range params {
		if i > 0 {
			b.WriteString(", ")
		}
		b.Write(p.raw)
	}
	b.WriteByte(']')
	return b.String()
}

// params reads the value of the key params of a request. As in MLflow unknown names are ignored and absent ones get
// their default; a model without parameters ignores all.
func (s Signature) params(raw []byte, probs *problems) Params {
	if len(s.Params) == 0 {
		return nil
	}
	given := map[string]json.RawMessage{}
	if len(raw) > 0 && string(raw) != "null" {
		if err := json.Unmarshal(raw, &given); err != nil {
			probs.add(Problem{Row: -1, Msg: "params", Expected: "an object", Got: shorten(raw)})
			return nil
		}
	}
	out := make(Params, len(s.Params))
	for _, p := range s.Params {
		r, ok := given[p.Name]
		if !ok {
			out[p.Name] = p.Default
			continue
		}
		v, err := p.value(r)
		if err != nil {
			probs.add(Problem{Row: -1, Msg: "parameter " + quote(p.Name), Expected: err.Error(), Got: shorten(r)})
			continue
		}
		out[p.Name] = v
	}
	return out
}

func (p ParamSpec) value(raw json.RawMessage) (any, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if !p.Array {
		return scalar(p.Type, raw)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("a list of %s", p.Type)
	}
	out := make([]any, len(list))
	for i, r := range list {
		v, err := scalar(p.Type, r)
		if err != nil {
			return nil, fmt.Errorf("a list of %s", p.Type)
		}
		out[i] = v
	}
	return out, nil
}

// scalar reads one value; the error says what was expected.
func scalar(t DataType, raw json.RawMessage) (any, error) {
	text := strings.TrimSpace(string(raw))
	whole := !strings.ContainsAny(text, ".eE")
	var err error
	switch t {
	case Object:
		if text[0] == '{' {
			return slices.Clone(raw), nil
		}
	case Boolean:
		var v bool
		if err = json.Unmarshal(raw, &v); err == nil {
			return v, nil
		}
	case Integer:
		var v int32
		if err = json.Unmarshal(raw, &v); err == nil && whole {
			return int64(v), nil
		}
	case Long:
		var v int64
		if err = json.Unmarshal(raw, &v); err == nil && whole {
			return v, nil
		}
	case Float, Double:
		var v float64
		if err = json.Unmarshal(raw, &v); err == nil && (t == Double || math.Abs(v) <= math.MaxFloat32) {
			return v, nil
		}
	case String, Datetime:
		var v string
		if err = json.Unmarshal(raw, &v); err == nil {
			if t == String {
				return v, nil
			}
			if ns, e := table.ParseDatetime(v); e == nil {
				c := table.Column{Type: table.Datetime, Int64s: []int64{ns}}
				return c.Time(0), nil
			}
		}
	}
	article := "a "
	if t == Integer || t == Object {
		article = "an "
	}
	return nil, fmt.Errorf("%s%s", article, t)
}
