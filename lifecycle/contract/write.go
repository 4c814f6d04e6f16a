package contract

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// YAML is the proposal as a declaration, with its evidence as comments. file is where
// the rows came from.
func (p *Proposal) YAML(file string) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Proposed by `trimtab data infer` from %s: %d rows, %d columns.", comment(file), p.Rows, len(p.Columns))
	if p.Splits >= 2 {
		by := "their own order"
		if p.EventTime != "" {
			by = "the order of " + comment(p.EventTime)
		}
		line("# Tried on the rows, and on %d parts of them in %s: what the parts before", p.Splits, by)
		line("# propose was tried on the next.")
	}
	if len(p.Outliers) > 0 {
		line("#")
		line("# Far from all other values. The contract makes no room for them, so that these rows")
		line("# fail it:")
		for _, o := range p.Outliers {
			line("#   %s", comment(o.String()))
		}
	}
	line("apiVersion: trimtab.dev/v1alpha1")
	line("kind: %s", trimtab.KindDataContract)
	line("metadata: {name: %s}", yamlText(p.Name))
	line("spec:")
	if p.Spec.Endpoint != "" {
		line("  endpoint: %s", yamlText(p.Spec.Endpoint))
	} else {
		line("  source: %s", yamlText(p.Spec.Source))
	}
	if len(p.Spec.Key) > 0 {
		line("  key: [%s] # %s", yamlTexts(p.Spec.Key), p.Key)
	}
	line("  columns:")
	for _, e := range p.Columns {
		why := slices.Clone(e.Why)
		if e.Tried > 0 && e.Broke == 0 {
			why = append(why, fmt.Sprintf("held in %d of %d parts", e.Tried, e.Tried))
		}
		line("    %s: {%s} # %s", yamlText(e.Column), flow(p.Spec.Columns[e.Column]), comment(strings.Join(why, "; ")))
	}
	if len(p.Spec.Rules) > 0 {
		line("  rules:")
		for _, r := range p.Spec.Rules {
			line("    - {name: %s, expr: %s} # %s", yamlText(r.Name), yamlText(r.Expr), p.Relations[r.Name])
		}
	}
	return []byte(b.String())
}

// flow writes the rules of a column in one line.
func flow(r trimtab.ColumnRule) string {
	var parts []string
	add := func(name, value string) { parts = append(parts, name+": "+value) }
	if r.Type != "" {
		add("type", r.Type)
	}
	if r.MaxMissing != nil {
		add("maxMissing", number(*r.MaxMissing))
	}
	if r.Min != nil {
		add("min", number(*r.Min))
	}
	if r.Max != nil {
		add("max", number(*r.Max))
	}
	if r.MaxOutside > 0 {
		add("maxOutside", number(r.MaxOutside))
	}
	if len(r.InSet) > 0 {
		add("inSet", "["+yamlTexts(r.InSet)+"]")
	}
	if r.MaxUnknown > 0 {
		add("maxUnknown", number(r.MaxUnknown))
	}
	if r.Pattern != "" {
		add("pattern", yamlText(r.Pattern))
	}
	if r.MinLength > 0 {
		add("minLength", fmt.Sprint(r.MinLength))
	}
	if r.MaxLength > 0 {
		add("maxLength", fmt.Sprint(r.MaxLength))
	}
	return strings.Join(parts, ", ")
}

// comment keeps a text on its line.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}

// plain are texts that YAML reads as texts without quotes.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// yamlText writes a text; quoted, JSON's way, where YAML would read something else.
func yamlText(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
	default:
		if plain.MatchString(s) {
			return s
		}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSpace(b.String())
}

func yamlTexts(all []string) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = yamlText(s)
	}
	return strings.Join(out, ", ")
}
