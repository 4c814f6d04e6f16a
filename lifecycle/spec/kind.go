package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// kind is what the loader knows of a declared kind.
type kind struct {
	name   string
	fresh  func() any                           // pointer to an empty spec
	fill   func(d defaults, name string, s any) // sets the defaults of absent fields, or drops them
	check  func(c *checker, s any)
	choice map[string][]string // allowed values by path; [] stands for any index
}

var kinds = []kind{
	{
		name: trimtab.KindProject, fresh: func() any { return new(trimtab.ProjectSpec) },
	},
	{
		name: trimtab.KindDataSource, fresh: func() any { return new(trimtab.SourceSpec) },
		fill:   func(d defaults, _ string, s any) { d.source(s.(*trimtab.SourceSpec)) },
		check:  func(c *checker, s any) { c.source(s.(*trimtab.SourceSpec)) },
		choice: map[string][]string{"format": {"parquet", "csv"}},
	},
	{
		name: trimtab.KindModel, fresh: func() any { return new(trimtab.ModelSpec) },
		choice: map[string][]string{"task": {"binary", "regression"}},
	},
	{
		name: trimtab.KindPipeline, fresh: func() any { return new(trimtab.PipelineSpec) },
		fill:  func(d defaults, name string, s any) { d.pipeline(name, s.(*trimtab.PipelineSpec)) },
		check: func(c *checker, s any) { c.pipeline(s.(*trimtab.PipelineSpec)) },
		choice: map[string][]string{
			"steps[].cache": {"auto", "off", "refresh"}, "steps[].effects": {"none", "idempotent", "external"},
			"steps[].dataset.label": {"required", "optional"}, "steps[].promote.when": {"absent", "always"},
		},
	},
	{
		name: trimtab.KindEndpoint, fresh: func() any { return new(trimtab.EndpointSpec) },
		fill:  func(d defaults, _ string, s any) { d.endpoint(s.(*trimtab.EndpointSpec)) },
		check: func(c *checker, s any) { c.endpoint(s.(*trimtab.EndpointSpec)) },
		choice: map[string][]string{
			"model.output": {"predict", "proba", "margin"}, "logging.durability": {"async", "durable", "off"},
			"rollout.onInconclusive": {"hold", "rollback", "promote"},
		},
	},
	{
		name: trimtab.KindMonitor, fresh: func() any { return new(trimtab.MonitorSpec) },
		fill:  func(d defaults, _ string, s any) { d.monitor(s.(*trimtab.MonitorSpec)) },
		check: func(c *checker, s any) { c.monitor(s.(*trimtab.MonitorSpec)) },
		choice: map[string][]string{
			"performance.task":      {"binary", "regression"},
			"performance.metrics[]": {"auc", "log_loss", "brier", "accuracy", "rmse", "mae", "r2"},
		},
	},
	{
		name: trimtab.KindDataContract, fresh: func() any { return new(trimtab.DataContractSpec) },
		fill:  func(d defaults, _ string, s any) { d.contract(s.(*trimtab.DataContractSpec)) },
		check: func(c *checker, s any) { c.contract(s.(*trimtab.DataContractSpec)) },
		choice: map[string][]string{
			"onFail": {"report", "quarantine", "reject"}, "rules[].severity": {"error", "warning"}, "rules[].onFail": {"report", "quarantine", "reject"},
		},
	},
	{
		name: trimtab.KindEvaluationSuite, fresh: func() any { return new(trimtab.EvaluationSuiteSpec) },
		fill:  func(d defaults, _ string, s any) { d.suite(s.(*trimtab.EvaluationSuiteSpec)) },
		check: func(c *checker, s any) { c.suite(s.(*trimtab.EvaluationSuiteSpec)) },
		choice: map[string][]string{
			"schema": {"compatible", "equal", "any"}, "gates[].on": {"fresh", "golden"}, "gates[].severity": {"block", "warn"},
			"gates[].metric": suiteMetrics,
		},
	},
	{
		name: trimtab.KindRetrainPolicy, fresh: func() any { return new(trimtab.RetrainPolicySpec) },
		fill:  func(d defaults, _ string, s any) { d.policy(s.(*trimtab.RetrainPolicySpec)) },
		check: func(c *checker, s any) { c.policy(s.(*trimtab.RetrainPolicySpec)) },
		choice: map[string][]string{
			"mode": {"advise", "approve", "auto"}, "strategy": {"cost-aware", "threshold", "schedule"},
			"actions[]": {"recalibrate", "retrain", "promoteOlder", "rollback"},
		},
	},
	{
		name: trimtab.KindChannel, fresh: func() any { return new(trimtab.ChannelSpec) },
		fill:  func(d defaults, _ string, s any) { d.channel(s.(*trimtab.ChannelSpec)) },
		check: func(c *checker, s any) { c.channel(s.(*trimtab.ChannelSpec)) },
		choice: map[string][]string{
			"minSeverity": {"info", "warning", "critical"}, "events[]": {"incidents", "decisions", "rollouts", "approvals"}, "smtp.tls": {"starttls", "tls", "none"},
		},
	},
}

func kindNamed(name string) (kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// Kind finds a declared kind by its name, its lowercase name or its plural, as
// people type it. ok is false when there is none; then meant is the kind that
// was probably meant, "" when none is near.
func Kind(typed string) (name string, meant string, ok bool) {
	lower := strings.ToLower(typed)
	for _, k := range trimtab.Kinds {
		if lower == strings.ToLower(k) || lower == trimtab.Plural(k) {
			return k, "", true
		}
	}
	if lower == "source" || lower == "sources" {
		return trimtab.KindDataSource, "", true
	}
	return "", trimtab.Nearest(typed, trimtab.Kinds), false
}

// New returns a pointer to an empty spec struct of the kind, nil for an unknown kind.
func New(kindName string) any {
	k, ok := kindNamed(kindName)
	if !ok {
		return nil
	}
	return k.fresh()
}

// Canonical encodes a spec (a pointer as New gives it) as the server keeps it:
// canonical JSON in which absent fields and fields that spell out their default are left out.
func Canonical(kindName, name string, s any) (json.RawMessage, error) {
	out, err := defaulted(kindName, name, s, dropping)
	if err != nil {
		return nil, err
	}
	b, err := trimtab.Canonical(out)
	return json.RawMessage(b), err
}

// WithDefaults returns a copy of the spec in which every default is spelled out.
func WithDefaults(kindName, name string, s any) (any, error) {
	return defaulted(kindName, name, s, filling)
}

func defaulted(kindName, name string, s any, d defaults) (any, error) {
	k, ok := kindNamed(kindName)
	if !ok {
		return nil, trimtab.Errorf(trimtab.Invalid, "kind "+kindName, "unknown kind %q", kindName)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	out := k.fresh()
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, err
	}
	if k.fill != nil {
		k.fill(d, name, out)
	}
	return out, nil
}

// Decode reads a canonical spec strictly and checks it. The error is a
// Diagnostics without file and line: the caller has JSON, not a file.
func Decode(r trimtab.Resource) (any, error) {
	k, ok := kindNamed(r.Kind)
	if !ok {
		return nil, Diagnostics{{Severity: SevError, Path: "kind", Summary: fmt.Sprintf("unknown kind %q", r.Kind), Expected: "one of " + strings.Join(trimtab.Kinds, ", "), DidYouMean: trimtab.Nearest(r.Kind, trimtab.Kinds)}}
	}
	var ds Diagnostics
	if why := trimtab.UsableName(r.Kind, r.Name); why != "" {
		ds = append(ds, Diagnostic{Severity: SevError, Path: "metadata.name", Summary: fmt.Sprintf("name %q can not be used", r.Name), Expected: why})
	}
	s := k.fresh()
	dec := json.NewDecoder(bytes.NewReader(r.Spec))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		return nil, append(ds, Diagnostic{Severity: SevError, Path: "spec", Summary: fmt.Sprintf("%s: the spec can not be read: %s", r.Ref(), strings.TrimPrefix(err.Error(), "json: "))})
	}
	c := &checker{report: func(d Diagnostic) { d.Summary = r.Ref() + ": " + d.Summary; ds = append(ds, d) }}
	requiredKeys(c, "spec", reflect.ValueOf(s).Elem())
	c.spec(k, s)
	if ds.HasErrors() {
		return nil, ds
	}
	return s, nil
}

// requiredKeys reports required fields that are zero, for specs that came as JSON.
func requiredKeys(c *checker, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			requiredKeys(c, path, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			requiredKeys(c, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			fv := v.Field(f.index)
			// A required count may be zero; text, lists and structs may not be absent.
			if f.required && fv.IsZero() && fv.Kind() != reflect.Int && fv.Kind() != reflect.Struct {
				c.problem(join(path, f.name), fmt.Sprintf("%s has no %q", path, f.name), "the required key "+f.name, "")
				continue
			}
			requiredKeys(c, join(path, f.name), fv)
		}
	}
}
