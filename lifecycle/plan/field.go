package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab"
)

// fields lists what differs between two states of a resource, sorted by path.
func fields(old, now trimtab.Resource) []FieldChange {
	var out []FieldChange
	compare(&out, "spec", tree(old.Spec), tree(now.Spec))
	compare(&out, "metadata.labels", labels(old.Labels), labels(now.Labels))
	compare(&out, "metadata.annotations", labels(old.Annotations), labels(now.Annotations))
	return out
}

func tree(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return string(raw) // no JSON: differs from everything but itself
	}
	return v
}

func labels(m map[string]string) any {
	if len(m) == 0 {
		return nil
	}
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// compare appends the leaves that differ. A container that one side lacks is
// listed leaf by leaf, so that a new resource reads like a changed one.
func compare(out *[]FieldChange, path string, a, b any) {
	am, aMap := a.(map[string]any)
	bm, bMap := b.(map[string]any)
	if (aMap || a == nil) && (bMap || b == nil) && (aMap || bMap) {
		keys := map[string]bool{}
		for k := range am {
			keys[k] = true
		}
		for k := range bm {
			keys[k] = true
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			compare(out, path+"."+k, am[k], bm[k])
		}
		return
	}
	al, aList := a.([]any)
	bl, bList := b.([]any)
	if (aList || a == nil) && (bList || b == nil) && (aList || bList) && (named(al) && named(bl)) && len(al)+len(bl) > 0 {
		compareNamed(out, path, al, bl)
		return
	}
	x, y := encode(a), encode(b)
	if !bytes.Equal(x, y) {
		*out = append(*out, FieldChange{Path: path, Old: x, New: y})
	}
}

// compareNamed compares lists whose items have names item by item. A changed
// order is a change of its own.
func compareNamed(out *[]FieldChange, path string, a, b []any) {
	var order []string
	find := func(list []any, name string) any {
		for _, item := range list {
			if nameOf(item) == name {
				return item
			}
		}
		return nil
	}
	for _, item := range slices.Concat(b, a) {
		if n := nameOf(item); !slices.Contains(order, n) {
			order = append(order, n)
		}
	}
	for _, name := range order {
		compare(out, path+"["+name+"]", find(a, name), find(b, name))
	}
	names := func(list []any) []string {
		var out []string
		for _, item := range list {
			if n := nameOf(item); find(a, n) != nil && find(b, n) != nil {
				out = append(out, n)
			}
		}
		return out
	}
	if x, y := names(a), names(b); !slices.Equal(x, y) {
		*out = append(*out, FieldChange{Path: path + " (order)", Old: encode(x), New: encode(y)})
	}
}

func named(list []any) bool {
	seen := map[string]bool{}
	for _, item := range list {
		n := nameOf(item)
		if n == "" || seen[n] {
			return false
		}
		seen[n] = true
	}
	return true
}

func nameOf(item any) string {
	m, _ := item.(map[string]any)
	n, _ := m["name"].(string)
	return n
}

func encode(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	b, err := trimtab.Canonical(v)
	if err != nil {
		return json.RawMessage(strconv.Quote(fmt.Sprint(v)))
	}
	return b
}
