package view

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/infer"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/stat"
)

// maxFields bounds the columns of a signature, and the importances, that a page shows.
const maxFields = 2000

// FieldsOf lists what a part of a signature says.
func FieldsOf(s schema.Schema) []VersionField {
	out := []VersionField{}
	for _, c := range s.Columns[:min(len(s.Columns), maxFields)] {
		out = append(out, VersionField{Name: c.Name, Type: string(c.Type), Optional: !c.Required})
	}
	for _, t := range s.Tensors[:min(len(s.Tensors), maxFields)] {
		shape, err := json.Marshal(t.Shape)
		if err != nil {
			continue // a list of numbers always encodes
		}
		out = append(out, VersionField{Name: t.Name, Type: t.DType + " " + string(shape)})
	}
	return out
}

// ParamsOf lists the parameters of a signature.
func ParamsOf(params []schema.ParamSpec) []VersionField {
	out := []VersionField{}
	for _, p := range params[:min(len(params), maxFields)] {
		f := VersionField{Name: p.Name, Type: string(p.Type), Optional: true}
		if p.Array {
			f.Type += "[]"
		}
		if b, err := json.Marshal(p.Default); err == nil && p.Default != nil {
			f.Default = clip(string(b), 200)
		}
		out = append(out, f)
	}
	return out
}

// ImportancesOf orders importances by gain, the greatest first; inputs that no split uses come last.
func ImportancesOf(all []infer.Importance) []VersionImportance {
	out := []VersionImportance{}
	total := 0.0
	for _, a := range all {
		total += a.Gain
	}
	for _, a := range all {
		x := VersionImportance{Name: a.Name, Splits: a.Splits, Gain: Figure(a.Gain), Cover: Figure(a.Cover)}
		if total > 0 {
			x.Share = Figure(a.Gain / total)
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b VersionImportance) int {
		return cmp.Or(cmp.Compare(b.Gain, a.Gain), cmp.Compare(b.Splits, a.Splits))
	})
	return out[:min(len(out), maxFields)]
}

// RequirementsOf are the lines of a requirements.txt, without comments and empty ones.
func RequirementsOf(text string) []string {
	out := []string{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, " #")
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if out = append(out, clip(line, 300)); len(out) == maxRequirements {
			break
		}
	}
	return out
}

// clip cuts a text to so many bytes, never inside of a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// blockError is the standard error of a mean over blocks, 0 where it is not known.
func blockError(blocks []trimtab.GainBlock) float64 {
	all := make([]stat.Block, len(blocks))
	for i, b := range blocks {
		all[i] = stat.Block{N: b.N, Sum: b.Sum, Sum2: b.Sum2}
	}
	_, se, _ := stat.BlockMean(all)
	if math.IsNaN(se) || math.IsInf(se, 0) {
		return 0
	}
	return se
}
