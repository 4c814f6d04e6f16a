package spec

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// checker judges what a decoded spec says. Paths begin with "spec".
type checker struct {
	report func(Diagnostic)
}

func (c *checker) problem(path, summary, expected, meant string) {
	c.report(Diagnostic{Severity: SevError, Path: path, Summary: summary, Expected: expected, DidYouMean: meant})
}

// spec runs every check of the kind.
func (c *checker) spec(k kind, s any) {
	for path, allowed := range sorted(k.choice) {
		c.choices(reflect.ValueOf(s).Elem(), "spec", path, allowed)
	}
	if k.check != nil {
		k.check(c, s)
	}
}

// choices checks that the value at a path ("steps[].cache") is one of a few.
func (c *checker) choices(v reflect.Value, at, path string, allowed []string) {
	head, rest, more := strings.Cut(path, ".")
	name, list := strings.CutSuffix(head, "[]")
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	for _, f := range fieldsOf(v.Type()) {
		if f.name != name {
			continue
		}
		values := map[string]reflect.Value{join(at, name): v.Field(f.index)}
		if list {
			values = map[string]reflect.Value{}
			for i := range v.Field(f.index).Len() {
				values[fmt.Sprintf("%s[%d]", join(at, name), i)] = v.Field(f.index).Index(i)
			}
		}
		for p, value := range sorted(values) {
			if more {
				c.choices(value, p, rest, allowed)
			} else if text := value.String(); text != "" && !slices.Contains(allowed, text) {
				c.problem(p, fmt.Sprintf("%s is %q", p, text), "one of "+strings.Join(allowed, ", "), trimtab.Nearest(text, allowed))
			}
		}
	}
}

func (c *checker) source(s *trimtab.SourceSpec) {
	switch {
	case s.Endpoint != "":
		c.served(s)
	case s.Path == "" && s.Digest == "":
		c.problem("spec.path", "the source has no rows", "path: a CSV or Parquet file beside the declaration, or endpoint: the name of an Endpoint", "")
	}
	if s.Path != "" && s.Format == "" {
		lower := strings.ToLower(s.Path)
		if !strings.HasSuffix(lower, ".csv") && !strings.HasSuffix(lower, ".parquet") {
			c.problem("spec.path", fmt.Sprintf("the format of %q can not be told by its name", s.Path), "a name that ends with .csv or .parquet, or the key format", "")
		}
	}
	c.digest("spec.digest", s.Digest)
	if len(s.Key) == 0 {
		c.problem("spec.key", "the source has no key", "the columns that name a row, for example [id]", "")
	}
	seen := map[string]bool{}
	for i, column := range s.Key {
		path := fmt.Sprintf("spec.key[%d]", i)
		if column == "" {
			c.problem(path, "an empty column name", "the name of a column", "")
		} else if seen[column] {
			c.problem(path, fmt.Sprintf("column %q stands twice in the key", column), "each column once", "")
		}
		seen[column] = true
	}
	if l := s.Label; l != nil {
		if l.Column != "" && seen[l.Column] {
			c.problem("spec.label.column", fmt.Sprintf("column %q is both key and label", l.Column), "a label that is no part of the key", "")
		}
		if l.Column != "" && (l.Column == s.EventTime || l.Column == l.AvailableAt) {
			c.problem("spec.label.column", fmt.Sprintf("column %q is both label and time", l.Column), "a column of its own", "")
		}
	}
}

// served checks a source whose rows are what an endpoint served.
func (c *checker) served(s *trimtab.SourceSpec) {
	if why := trimtab.ValidResourceName(s.Endpoint); why != "" {
		c.problem("spec.endpoint", fmt.Sprintf("%q is no name of an Endpoint: %s", s.Endpoint, why), "the name of an Endpoint", "")
	}
	switch {
	case s.Path != "":
		c.problem("spec.path", "the source is a file and an endpoint", "either path or endpoint; a pipeline's step joins two sources with dataset: {source: FILE, served: ENDPOINT}", "")
	case s.Digest != "":
		c.problem("spec.digest", "the source is a file and an endpoint", "no digest: the rows are what the endpoint served", "")
	}
	if s.Path == "" && s.Format != "" {
		c.problem("spec.format", "what an endpoint served has no format", "no format", "")
	}
	if len(s.Key) > 1 {
		c.problem("spec.key", fmt.Sprintf("the key has %d columns", len(s.Key)), "one column, under which the request id of the served row appears", "")
	}
	if s.AvailableAt != "" && s.AvailableAt != s.EventTime {
		c.problem("spec.availableAt", fmt.Sprintf("the rows are available at %q", s.AvailableAt), "no availableAt: a served row is available at its event time", "")
	}
	if len(s.Key) == 1 && s.Key[0] != "" && s.Key[0] == s.EventTime {
		c.problem("spec.eventTime", fmt.Sprintf("column %q is both key and event time", s.EventTime), "a column of its own", "")
	}
	if l := s.Label; l != nil && l.AvailableAt != "" && (l.AvailableAt == s.EventTime || len(s.Key) > 0 && l.AvailableAt == s.Key[0]) {
		c.problem("spec.label.availableAt", fmt.Sprintf("column %q has another meaning too", l.AvailableAt), "a column of its own, under which the moment appears at which the label became known", "")
	}
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func (c *checker) digest(path string, d trimtab.Digest) {
	if d != "" && !digestForm.MatchString(string(d)) {
		c.problem(path, fmt.Sprintf("%q is no digest", string(d)), "sha256: and 64 lowercase hexadecimal digits; apply fills it, so leave it out", "")
	}
}

// pipeline takes the problems of steps and their order from the vocabulary,
// which the engine uses too.
func (c *checker) pipeline(s *trimtab.PipelineSpec) {
	if s.Code != nil {
		c.digest("spec.code.digest", s.Code.Digest)
	}
	for _, p := range s.Problems() {
		summary, expected, _ := strings.Cut(p.Msg, ": expected ")
		path := "spec." + p.Path
		c.problem(path, path+": "+summary, expected, "")
	}
}

func (c *checker) endpoint(s *trimtab.EndpointSpec) {
	if s.Model.Alias != "" {
		if err := s.Model.Alias.Validate(); err != nil {
			c.problem("spec.model.alias", trimtab.Message(err), "a name such as champion", "")
		}
	}
	if s.AllowedLateness < 0 {
		c.problem("spec.allowedLateness", "a negative span", "a duration such as 1h", "")
	}
	if s.MaxSkew < 0 {
		c.problem("spec.maxSkew", "a negative span", "a duration such as 1h", "")
	}
	if s.Limits.MaxRows < 0 || s.Limits.MaxRows > 1_000_000 {
		c.problem("spec.limits.maxRows", fmt.Sprintf("%d rows", s.Limits.MaxRows), "1 to 1000000", "")
	}
	if s.Limits.MaxBodySize < 0 || s.Limits.MaxBodySize > 1<<30 {
		c.problem("spec.limits.maxBodySize", fmt.Sprintf("%d bytes", s.Limits.MaxBodySize), "1 to 1073741824 bytes", "")
	}
	if s.Logging.RequestID != "" && s.Logging.RequestID == s.Logging.EventTime {
		c.problem("spec.logging.eventTime", fmt.Sprintf("column %q is both request id and event time", s.Logging.EventTime), "a column of its own", "")
	}
	if s.Rollout != nil {
		c.rollout(s.Rollout)
	}
}

func (c *checker) monitor(s *trimtab.MonitorSpec) {
	if s.Window != "" {
		if err := s.Window.Validate(); err != nil {
			c.problem("spec.window", fmt.Sprintf("%q is no window", string(s.Window)), "month, or a duration of at least a minute such as 1h, 1d or 7d", trimtab.Nearest(string(s.Window), []string{"month"}))
		}
	}
	if s.LabelMaturity < 0 {
		c.problem("spec.labelMaturity", "a negative span", "a duration such as 7d", "")
	}
	c.share("spec.stopped", s.Stopped)
	c.share("spec.drift.fdr", s.Drift.FDR)
	c.share("spec.diagnosis.confidence", s.Diagnosis.Confidence)
	if s.Drift.Effect < 0 {
		c.problem("spec.drift.effect", "a negative effect", "a PSI such as 0.05", "")
	}
	if s.Drift.Confirm < 0 || s.Drift.Of < 0 || s.Drift.Of > 0 && s.Drift.Confirm > s.Drift.Of {
		c.problem("spec.drift.confirm", fmt.Sprintf("%d of %d windows", s.Drift.Confirm, s.Drift.Of), "at least 1, and at most the number in of", "")
	}
	if r := s.Drift.Reference; r != "" && r != "training" {
		if d, err := trimtab.ParseDuration(r); err != nil || d <= 0 {
			c.problem("spec.drift.reference", fmt.Sprintf("%q is no reference", r), "training, or a duration such as 28d", trimtab.Nearest(r, []string{"training"}))
		}
	}
	p := s.Performance
	if p.Confidence < 0 || p.Confidence >= 1 {
		c.problem("spec.performance.confidence", fmt.Sprintf("%v is no level of confidence", p.Confidence), "a number above 0 and below 1, such as 0.95", "")
	}
	if p.MinRows < 0 {
		c.problem("spec.performance.minRows", "a negative number of rows", "1 or more", "")
	}
	task := p.Task
	if task == "" {
		task = "binary"
	}
	fitting := metricsOf(task)
	every := append(metricsOf("binary"), metricsOf("regression")...)
	seen := map[string]bool{}
	for i, m := range p.Metrics {
		path := fmt.Sprintf("spec.performance.metrics[%d]", i)
		if seen[m] {
			c.problem(path, fmt.Sprintf("metric %q stands twice", m), "each metric once", "")
		}
		seen[m] = true
		if slices.Contains(every, m) && !slices.Contains(fitting, m) && (task == "binary" || task == "regression") {
			c.problem(path, fmt.Sprintf("metric %q says nothing about a %s model", m, task), "one of "+strings.Join(fitting, ", "), "")
		}
	}
}
