package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
)

// roots are the values that the pages read; the types that they are made of follow.
var roots = []any{
	api.MonitorWindow{},
	contract.FailingPage{},
	dataset.KeptOutRows{},
	dataset.SnapshotLook{},
	monitor.Distribution{},
	view.About{},
	view.AuditEvidence{},
	view.AuditPage{},
	view.ChangePage{},
	view.ChangePlan{},
	view.ChangesPage{},
	view.Comparison{},
	view.ContractPage{},
	view.DataPage{},
	view.DecisionList{},
	view.DecisionPage{},
	view.EndpointExample{},
	view.EndpointList{},
	view.EndpointPage{},
	view.EndpointTrial{},
	view.ExperimentPage{},
	view.Explanation{},
	view.Find{},
	view.IncidentList{},
	view.IncidentPage{},
	view.Lines{},
	view.LoopColumnPage{},
	view.LoopList{},
	view.LoopPage{},
	view.ModelCatalog{},
	view.ModelPage{},
	view.MonitorPage{},
	view.MonitorTable{},
	view.Notice{},
	view.Overview{},
	view.Performance{},
	view.PipelinePage{},
	view.PipelineRunPage{},
	view.PipelineSummary{},
	view.Projects{},
	view.Prospect{},
	view.QuarantinePage{},
	view.RecentTraffic{},
	view.RunFiles{},
	view.RunKeys{},
	view.RunMetrics{},
	view.RunPage{},
	view.RunSearchCheck{},
	view.RunTable{},
	view.SourcePage{},
	view.VersionPage{},
}

func main() {
	if err := write(os.Stdout, roots...); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// write writes an interface for each struct that the values are made of.
func write(w io.Writer, values ...any) error {
	g := generator{seen: map[reflect.Type]bool{}, names: map[string]reflect.Type{}}
	for _, v := range values {
		g.add(reflect.TypeOf(v))
	}
	if len(g.bad) > 0 {
		return errors.Join(g.bad...)
	}
	_, err := io.WriteString(w, "// Written by ui/gen from the Go structs; `go run ./ui/gen > ui/src/api_gen.ts` writes it anew.\n"+g.out.String())
	return err
}

type generator struct {
	seen  map[reflect.Type]bool
	names map[string]reflect.Type
	out   strings.Builder
	bad   []error
}

func (g *generator) add(t reflect.Type) {
	if g.seen[t] {
		return
	}
	g.seen[t] = true
	var body strings.Builder
	var later []reflect.Type
	for f := range fields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			if name == "" {
				g.bad = append(g.bad, fmt.Errorf("%s.%s has no name in JSON", t, f.Name))
			}
			continue
		}
		typ, more, err := typeOf(f.Type)
		if err != nil {
			g.bad = append(g.bad, fmt.Errorf("%s.%s: %w", t, f.Name, err))
			continue
		}
		later = append(later, more...)
		optional := ""
		if strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero") {
			optional = "?"
		}
		fmt.Fprintf(&body, "  %s%s: %s;\n", name, optional, typ)
	}
	name := nameOf(t)
	if other, taken := g.names[name]; taken {
		g.bad = append(g.bad, fmt.Errorf("%s and %s would both be %s", other, t, name))
	}
	g.names[name] = t
	fmt.Fprintf(&g.out, "\nexport interface %s {\n%s}\n", name, body.String())
	for _, t := range later {
		g.add(t)
	}
}

// nameOf is the name of a struct for the pages. They see nothing but the overview,
// so its parts go without its name.
func nameOf(t reflect.Type) string {
	if short := strings.TrimPrefix(t.Name(), "Overview"); short != "" {
		return short
	}
	return t.Name()
}

func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && !yield(f) {
				return
			}
		}
	}
}

var (
	timeType   = reflect.TypeFor[trimtab.Time]()
	figureType = reflect.TypeFor[view.Figure]()
	numberType = reflect.TypeFor[view.Number]()
	marshaler  = reflect.TypeFor[json.Marshaler]()
)

// typeOf spells a Go type and lists the structs in it.
func typeOf(t reflect.Type) (string, []reflect.Type, error) {
	switch {
	case t == timeType:
		return "string", nil, nil
	case t == figureType:
		return "number | null", nil, nil
	case t == numberType: // NaN and the infinities are strings
		return "number | string", nil, nil
	case t.Kind() == reflect.Pointer:
		return typeOf(t.Elem())
	case t.Implements(marshaler):
		return "", nil, fmt.Errorf("%s encodes itself in a way that is not known here", t)
	}
	switch t.Kind() {
	case reflect.String:
		return "string", nil, nil
	case reflect.Bool:
		return "boolean", nil, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Float32, reflect.Float64:
		return "number", nil, nil
	case reflect.Slice:
		inner, more, err := typeOf(t.Elem())
		if strings.Contains(inner, " ") {
			inner = "(" + inner + ")"
		}
		return inner + "[]", more, err
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			inner, more, err := typeOf(t.Elem())
			return "Record<string, " + inner + ">", more, err
		}
	case reflect.Struct:
		return nameOf(t), []reflect.Type{t}, nil
	}
	return "", nil, fmt.Errorf("%s has no counterpart in JSON", t)
}
