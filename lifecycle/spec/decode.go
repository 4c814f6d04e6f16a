package spec

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// field is one JSON-tagged field of a spec struct.
type field struct {
	name     string
	index    int
	required bool
}

// fieldsOf lists the declared fields of a struct in order. A field without
// omitempty or omitzero is required; one tagged "-" is not declared.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		out = append(out, field{name: name, index: i, required: !optional})
	}
	return out
}

// decoder fills spec structs from nodes and collects every problem on the way.
type decoder struct {
	report func(Diagnostic, span)
	at     map[string]span // where the value of each path stands
	keyAt  map[string]span // where its key stands
}

func (d *decoder) problem(path string, at span, summary, expected, meant string) {
	d.report(Diagnostic{Severity: SevError, Path: path, Summary: summary, Expected: expected, DidYouMean: meant}, at)
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// decode fills v from n. Problems leave the zero value.
func (d *decoder) decode(n *node, path string, v reflect.Value) {
	if n == nil {
		return
	}
	d.at[path] = n.at
	if v.Kind() == reflect.Pointer {
		if n.shape == scalar && n.typ == nullScalar {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, path, v.Elem())
		return
	}
	if v.Addr().Type().Implements(textUnmarshaler) {
		if n.shape != scalar || n.typ == nullScalar {
			d.mismatch(n, path, "text")
			return
		}
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.text)); err != nil {
			summary, expected, _ := strings.Cut(err.Error(), ": expected ")
			d.problem(path, n.at, summary, expected, "")
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, path, v)
	case reflect.Map:
		d.mapping(n, path, v)
	case reflect.Slice:
		if n.shape != sequence {
			d.mismatch(n, path, "a list")
			return
		}
		out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
		for i, item := range n.items {
			d.decode(item, path+"["+strconv.Itoa(i)+"]", out.Index(i))
		}
		v.Set(out)
	default:
		d.scalar(n, path, v)
	}
}

func (d *decoder) mismatch(n *node, path, want string) {
	d.problem(path, n.at, fmt.Sprintf("%s is %s", path, n.describe()), want, "")
}

func (d *decoder) structure(n *node, path string, v reflect.Value) {
	if n.shape == scalar && n.typ == nullScalar {
		n = &node{shape: mapping, at: n.at}
	}
	if n.shape != mapping {
		d.mismatch(n, path, "a mapping")
		return
	}
	fields := fieldsOf(v.Type())
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	misspelt := map[string]bool{} // required keys that stand there in another spelling
	for _, e := range n.entries {
		i := slices.Index(names, e.key)
		if i < 0 {
			meant := trimtab.Nearest(e.key, names)
			misspelt[meant] = true
			d.problem(join(path, e.key), e.at, fmt.Sprintf("unknown key %q in %s", e.key, nameOf(path)), "one of "+strings.Join(names, ", "), meant)
			continue
		}
		p := join(path, e.key)
		d.keyAt[p] = e.at
		d.decode(e.value, p, v.Field(fields[i].index))
	}
	for _, f := range fields {
		value := n.get(f.name)
		if f.required && !misspelt[f.name] && (value == nil || value.shape == scalar && value.typ == nullScalar) {
			at := n.at
			if k, ok := d.keyAt[join(path, f.name)]; ok {
				at = k // the key stands there without a value
			} else if k, ok := d.keyAt[path]; ok {
				at = k
			}
			d.problem(join(path, f.name), at, fmt.Sprintf("%s has no %q", nameOf(path), f.name), "the required key "+f.name, "")
		}
	}
}

func (d *decoder) mapping(n *node, path string, v reflect.Value) {
	if n.shape == scalar && n.typ == nullScalar {
		return
	}
	if n.shape != mapping {
		d.mismatch(n, path, "a mapping")
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, e := range n.entries {
		p := join(path, e.key)
		d.keyAt[p] = e.at
		value := reflect.New(v.Type().Elem()).Elem()
		// The values of maps are free text (params, environment, labels), so a
		// number or a truth value means its own spelling.
		if value.Kind() == reflect.String && e.value.shape == scalar && e.value.typ != nullScalar {
			d.at[p] = e.value.at
			value.SetString(e.value.text)
		} else {
			d.decode(e.value, p, value)
		}
		out.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), value)
	}
	v.Set(out)
}

func (d *decoder) scalar(n *node, path string, v reflect.Value) {
	if n.shape == scalar && n.typ == nullScalar {
		return // an empty value is an absent one; required keys are checked by the structure
	}
	switch v.Kind() {
	case reflect.String:
		if n.shape != scalar {
			d.mismatch(n, path, "text")
		} else if n.typ != textScalar {
			d.mismatch(n, path, fmt.Sprintf("text; write it in quotes: %q", n.text))
		} else {
			v.SetString(n.text)
		}
	case reflect.Bool:
		if n.shape != scalar || n.typ != boolScalar {
			d.mismatch(n, path, "true or false")
			return
		}
		v.SetBool(strings.EqualFold(n.text, "true"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n.shape != scalar || n.typ != intScalar {
			d.mismatch(n, path, "a whole number")
			return
		}
		i, err := strconv.ParseInt(n.text, 0, v.Type().Bits())
		if err != nil {
			d.mismatch(n, path, fmt.Sprintf("a whole number of at most %d bits", v.Type().Bits()))
			return
		}
		v.SetInt(i)
	case reflect.Float32, reflect.Float64:
		if n.shape != scalar || n.typ != intScalar && n.typ != floatScalar {
			d.mismatch(n, path, "a number")
			return
		}
		f, err := strconv.ParseFloat(strings.ReplaceAll(n.text, "_", ""), 64)
		if err != nil {
			d.mismatch(n, path, "a finite number")
			return
		}
		v.SetFloat(f)
	default:
		panic("spec: a spec struct has a field of kind " + v.Kind().String())
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func nameOf(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}
