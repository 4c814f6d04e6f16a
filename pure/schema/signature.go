package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/trimtab/trimtab/pure/table"
)

// Signature is what a model takes and gives. It is plain data; any number of goroutines may read it.
type Signature struct {
	Inputs, Outputs Schema // empty = the signature does not say
	Params          []ParamSpec
}

// Schema is a list of columns or a list of tensors, never both.
type Schema struct {
	Columns []ColumnSpec
	Tensors []TensorSpec
}

// Empty reports whether the schema says nothing.
func (s Schema) Empty() bool { return len(s.Columns) == 0 && len(s.Tensors) == 0 }

// ColumnSpec is one column of a data frame.
type ColumnSpec struct {
	Name     string
	Named    bool // false = the signature goes by position
	Type     DataType
	Required bool

	raw json.RawMessage // of nested types, printed as read
}

// TensorSpec is one tensor.
type TensorSpec struct {
	Name  string
	Named bool
	DType string  // numpy's name
	Shape []int64 // -1 = any
}

// ParamSpec is a parameter that a request may set.
type ParamSpec struct {
	Name    string
	Type    DataType
	Array   bool // shape [-1]
	Default any  // as Params holds it; nil = none

	raw json.RawMessage
}

// limits of a signature, far above what a model has.
const (
	maxSignature = 16 << 20
	maxSpecs     = 100_000
)

// ParseSignature reads the three JSON texts that stand under signature: in an MLmodel file; "" and "null" mean absent.
// An error names the part, the entry and what was expected.
func ParseSignature(inputs, outputs, params string) (Signature, error) {
	var s Signature
	var err error
	if s.Inputs, err = parseSchema("inputs", inputs); err != nil {
		return Signature{}, err
	}
	if s.Outputs, err = parseSchema("outputs", outputs); err != nil {
		return Signature{}, err
	}
	s.Params, err = parseParams(params)
	if err != nil {
		return Signature{}, err
	}
	return s, nil
}

type specJSON struct {
	Name     *json.RawMessage `json:"name"`
	Type     string           `json:"type"`
	DType    string           `json:"dtype"`
	Required *bool            `json:"required"`
	Optional *bool            `json:"optional"`
	Tensor   *struct {
		DType string  `json:"dtype"`
		Shape []int64 `json:"shape"`
	} `json:"tensor-spec"`
	Default json.RawMessage `json:"default"`
	Shape   []int64         `json:"shape"`
}

func entries(part, text string) ([]json.RawMessage, error) {
	if text == "" || text == "null" {
		return nil, nil
	}
	if len(text) > maxSignature {
		return nil, fmt.Errorf("signature: %s: %d bytes; expected at most %d", part, len(text), maxSignature)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("signature: %s: expected a JSON list: %w", part, err)
	}
	if len(raw) > maxSpecs {
		return nil, fmt.Errorf("signature: %s: %d entries; expected at most %d", part, len(raw), maxSpecs)
	}
	return raw, nil
}

func parseSchema(part, text string) (Schema, error) {
	raw, err := entries(part, text)
	if err != nil {
		return Schema{}, err
	}
	var s Schema
	seen := make(map[string]bool, len(raw))
	named := 0
	for i, r := range raw {
		fail := func(format string, args ...any) (Schema, error) {
			return Schema{}, fmt.Errorf("signature: %s: entry %d: "+format, append([]any{part, i}, args...)...)
		}
		var e specJSON
		if err := json.Unmarshal(r, &e); err != nil {
			return fail("%w", err)
		}
		name, has, err := specName(e.Name)
		if err != nil {
			return fail("%w", err)
		}
		if has {
			if named++; seen[name] {
				return fail("a second entry named %q", name)
			}
			seen[name] = true
		}
		if e.Type == "tensor" {
			if e.Tensor == nil || e.Tensor.DType == "" {
				return fail("a tensor without tensor-spec {dtype, shape}")
			}
			s.Tensors = append(s.Tensors, TensorSpec{Name: name, Named: has, DType: e.Tensor.DType, Shape: e.Tensor.Shape})
			continue
		}
		c := ColumnSpec{Name: name, Named: has, Type: DataType(e.Type), Required: true}
		typ, known := dataTypes[c.Type]
		if !known {
			return fail("no type %q; expected a column type of MLflow or tensor", e.Type)
		}
		if e.Required != nil {
			c.Required = *e.Required
		} else if e.Optional != nil { // written by MLflow before 2.10
			c.Required = !*e.Optional
		}
		if !typ.Known() {
			c.raw = slices.Clone(r)
		}
		s.Columns = append(s.Columns, c)
	}
	switch {
	case len(s.Columns) > 0 && len(s.Tensors) > 0:
		return Schema{}, fmt.Errorf("signature: %s: columns and tensors mixed; expected one of them", part)
	case named > 0 && named < len(raw):
		return Schema{}, fmt.Errorf("signature: %s: %d of %d entries have a name; expected all or none", part, named, len(raw))
	case len(s.Tensors) > 1 && named == 0:
		return Schema{}, fmt.Errorf("signature: %s: %d tensors without names; expected names", part, len(s.Tensors))
	}
	return s, nil
}

// specName reads a name; the columns of a frame without names have numbers for them.
func specName(raw *json.RawMessage) (name string, has bool, err error) {
	if raw == nil || string(*raw) == "null" {
		return "", false, nil
	}
	if (*raw)[0] != '"' {
		var n json.Number
		if err := json.Unmarshal(*raw, &n); err != nil {
			return "", false, fmt.Errorf("name %s; expected a string", *raw)
		}
		return n.String(), true, nil
	}
	err = json.Unmarshal(*raw, &name)
	return name, true, err
}

// Strings prints the signature as the three texts that ParseSignature reads, as MLflow writes them; "" = absent.
func (s Signature) Strings() (inputs, outputs, params string) {
	return s.Inputs.text(), s.Outputs.text(), paramsText(s.Params)
}

// MarshalJSON prints {"inputs": TEXT, "outputs": TEXT, "params": TEXT} as MLflow's to_dict, null for what is absent.
func (s Signature) MarshalJSON() ([]byte, error) {
	orNull := func(t string) *string {
		if t == "" {
			return nil
		}
		return &t
	}
	in, out, par := s.Strings()
	return json.Marshal(struct {
		Inputs  *string `json:"inputs"`
		Outputs *string `json:"outputs"`
		Params  *string `json:"params"`
	}{orNull(in), orNull(out), orNull(par)})
}

// UnmarshalJSON reads what MarshalJSON prints.
func (s *Signature) UnmarshalJSON(b []byte) error {
	var e struct{ Inputs, Outputs, Params string }
	if err := json.Unmarshal(b, &e); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	p, err := ParseSignature(e.Inputs, e.Outputs, e.Params)
	if err == nil {
		*s = p
	}
	return err
}

func (s Schema) text() string {
	if s.Empty() {
		return ""
	}
	var b bytes.Buffer
	b.WriteByte('[')
	sep := ""
	for _, c := range s.Columns {
		b.WriteString(sep)
		sep = ", "
		if c.raw != nil {
			b.Write(c.raw)
			continue
		}
		fmt.Fprintf(&b, `{"type": %s, `, quote(string(c.Type)))
		if c.Named {
			fmt.Fprintf(&b, `"name": %s, `, quote(c.Name))
		}
		fmt.Fprintf(&b, `"required": %t}`, c.Required)
	}
	for _, t := range s.Tensors {
		b.WriteString(sep + "{")
		sep = ", "
		if t.Named {
			fmt.Fprintf(&b, `"name": %s, `, quote(t.Name))
		}
		fmt.Fprintf(&b, `"type": "tensor", "tensor-spec": {"dtype": %s, "shape": %s}}`, quote(t.DType), shape(t.Shape))
	}
	b.WriteByte(']')
	return b.String()
}

// quote prints a JSON string without HTML escapes.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// A string always encodes.
	_ = e.Encode(s)
	return string(bytes.TrimSuffix(b.Bytes(), []byte{'\n'}))
}

// Fields returns the columns of a table that fits the schema: those of a column schema, the columns "0", "1", … for
// one without names or for a tensor of shape [-1, k], one column for each named tensor of shape [-1]. A type or shape
// that no table has is an *Error.
func (s Schema) Fields() ([]table.Field, error) {
	fields, _, err := s.fields()
	if err != nil {
		return nil, err
	}
	out := make([]table.Field, len(fields))
	for i, f := range fields {
		out[i] = table.Field{Name: f.name, Type: f.typ}
	}
	return out, nil
}
