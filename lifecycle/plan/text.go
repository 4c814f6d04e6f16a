package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Style paints parts of a printed plan; nil paints nothing. Verb names the
// action of a line, "drift" or "heading".
type Style func(verb, text string) string

var signs = map[Verb]string{Create: "+", Update: "~", Replace: "-/+", Delete: "-"}

// Write prints the plan for people.
func (p Plan) Write(w io.Writer, paint Style) error {
	if paint == nil {
		paint = func(_, text string) string { return text }
	}
	var b strings.Builder
	if len(p.Drift) > 0 {
		b.WriteString(paint("heading", "Drift: changed since the last apply, not by it") + "\n")
		for _, d := range p.Drift {
			by := "by " + d.Manager
			if d.At != 0 {
				by += " at " + d.At.String()
			}
			fmt.Fprintf(&b, "  %s\n", paint("drift", fmt.Sprintf("! %s  (%s)", Action{Kind: d.Kind, Name: d.Name}.Ref(), by)))
			writeFields(&b, Update, d.Fields)
		}
		b.WriteByte('\n')
	}
	if len(p.Actions) > 0 {
		b.WriteString(paint("heading", "Changes") + "\n")
		for _, a := range p.Actions {
			line := signs[a.Verb] + " " + a.Ref()
			if a.Reason != "" {
				line += "  (" + a.Reason + ")"
			}
			b.WriteString("  " + paint(string(a.Verb), line) + "\n")
			writeFields(&b, a.Verb, a.Fields)
		}
		b.WriteByte('\n')
	}
	if len(p.Effects) > 0 {
		b.WriteString(paint("heading", "Effects") + "\n")
		for _, e := range p.Effects {
			fmt.Fprintf(&b, "  %s: %s\n", e.Subject, e.Text)
		}
		b.WriteByte('\n')
	}
	if len(p.Unknown) > 0 {
		b.WriteString(paint("heading", "Unknown") + "\n")
		for _, u := range p.Unknown {
			fmt.Fprintf(&b, "  %s: %s\n", u.Subject, u.Text)
		}
		b.WriteByte('\n')
	}
	b.WriteString(paint("heading", p.Summary()) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary is the plan in one line.
func (p Plan) Summary() string {
	if p.Empty() {
		return fmt.Sprintf("No changes: project %s is as declared (%s).", p.Workspace, count(p.Unchanged, "resource"))
	}
	var parts []string
	for _, v := range []Verb{Create, Update, Replace, Delete} {
		if n := p.Count(v); n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, v))
		}
	}
	return fmt.Sprintf("Plan for project %s: %s, %d unchanged.", p.Workspace, strings.Join(parts, ", "), p.Unchanged)
}

func writeFields(b *strings.Builder, verb Verb, fields []FieldChange) {
	width := 0
	for _, f := range fields {
		width = max(width, min(48, len(f.Path)))
	}
	for _, f := range fields {
		var change string
		switch {
		case verb == Create:
			change = shown(f.New)
		default:
			change = shown(f.Old) + " -> " + shown(f.New)
		}
		fmt.Fprintf(b, "      %-*s  %s\n", width, f.Path, change)
	}
}

// shown shortens a value to what fits a line; digests are cut to what people compare.
func shown(v json.RawMessage) string {
	if v == nil {
		return "(default)"
	}
	s := string(v)
	if strings.HasPrefix(s, `"sha256:`) && len(s) > 20 {
		return s[1:20]
	}
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:97], "") + "..."
	}
	return s
}
