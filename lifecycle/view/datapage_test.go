package view

import (
	"fmt"
	"math"
	"testing"

	"github.com/trimtab/trimtab"
)

func TestContractPageOf(t *testing.T) {
	rule := func(name string, failed int64, passed bool, severity string) trimtab.RuleResult {
		return trimtab.RuleResult{Rule: name, Column: "x", Rows: 100, Failed: failed, Passed: passed, Severity: severity, Expected: "0 to 1", Examples: []trimtab.FailedRow{{Key: name, Value: fmt.Sprint(failed)}}}
	}
	newest := trimtab.ContractResult{Contract: "c", Subject: "window b", At: 2, Rows: 100, Failed: 7, FailingRows: "sha256:b",
		Results: []trimtab.RuleResult{rule("x.range", 7, false, "error"), rule("x.inSet", 1, true, "error"), rule("x.length", 3, false, "warning")}}
	older := trimtab.ContractResult{Contract: "c", Subject: "window a", At: 1, Rows: 100, Passed: true, Results: []trimtab.RuleResult{rule("x.range", 0, true, "error"), rule("gone", 0, true, "error")}}
	p := ContractPageOf("c", trimtab.DataContractSpec{Endpoint: "e"}, []trimtab.ContractResult{newest, older},
		[]trimtab.Incident{{ID: "1", Kind: trimtab.Breach, Rule: "c/x.range"}, {ID: "2", Kind: trimtab.Breach, Rule: "cc/x"}, {ID: "3", Kind: trimtab.Drift}}, false)
	if fmt.Sprint(p.Sets.Subject, p.Sets.At, p.Sets.Failed, p.Sets.Passed) != "[window a window b] [1 2] [0 7] [true false]" {
		t.Errorf("sets: %+v", p.Sets)
	}
	if fmt.Sprint(p.State) != "[[1 3] [0 2] [0 4] [1 0]]" {
		t.Errorf("states: %v", p.State)
	}
	if p.Share[0][1] != 0.07 || !math.IsNaN(float64(p.Share[1][0])) || p.Rules[0].Examples[0].Value != "7" || p.Rules[3].Rule != "gone" {
		t.Errorf("shares %v, rules %+v", p.Share, p.Rules)
	}
	if c := p.Contract; c.State != CellBad || fmt.Sprint(c.Broken) != "[x.range]" || c.OnFail != trimtab.OnFailReport || c.Rules != 3 || len(c.Spark) != 2 || c.Spark[1] != 0.07 {
		t.Errorf("contract: %+v", c)
	}
	if len(p.Incidents) != 1 || p.Incidents[0].ID != "1" {
		t.Errorf("incidents: %+v", p.Incidents)
	}
	if c := ContractOf("c", trimtab.DataContractSpec{}, nil); c.State != CellNone || c.Broken == nil {
		t.Errorf("never judged: %+v", c)
	}
}

func TestQuarantinePageOf(t *testing.T) {
	p := QuarantinePageOf("e", []trimtab.Incident{
		{ID: "let", Kind: trimtab.DataFault, Hold: true, Released: true, ReleasedBy: "ann", Bad: 5, Begin: 30},
		{ID: "told", Kind: trimtab.Drift, Begin: 20},
		{ID: "held", Kind: trimtab.DataFault, Hold: true, Bad: 7, Begin: 10, Columns: []string{"x"}},
		{ID: "rule", Kind: trimtab.Breach, Hold: true, Rule: "c/x", Bad: 2, Begin: 5, Columns: []string{"x", "y"}}}, 3)
	var order []string
	for _, h := range p.Holds {
		order = append(order, h.ID)
	}
	if fmt.Sprint(order) != "[held rule let]" || p.Summary.Rows != 9 || p.Summary.Holds != 2 || p.Summary.Released != 1 || p.Summary.Newest != 30 || fmt.Sprint(p.Summary.Columns) != "[x y]" || p.Logged != 3 {
		t.Errorf("%v %+v", order, p.Summary)
	}
}

func TestSnapshotOf(t *testing.T) {
	s := trimtab.Snapshot{Digest: "sha256:a", Source: "s", Rows: 7}
	runs := []trimtab.PipelineRun{
		{ID: "pr-1", Pipeline: "train", Steps: []trimtab.Step{{Name: "data", Outputs: map[string]trimtab.Digest{"rows": "sha256:a"}}, {Name: "train"}}},
		{ID: "pr-2", Pipeline: "train", Steps: []trimtab.Step{{Name: "data", Outputs: map[string]trimtab.Digest{"rows": "sha256:b"}}}}}
	d := SnapshotOf(s, runs, []trimtab.ContractResult{{Contract: "c", Subject: "snapshot sha256:a", Failed: 2}, {Contract: "d", Subject: "snapshot sha256:b"}})
	if len(d.Runs) != 1 || d.Runs[0].Run != "pr-1" || d.Runs[0].Step != "data" || len(d.Verdicts) != 1 || d.Verdicts[0].Failed != 2 {
		t.Errorf("%+v", d)
	}
	spec := PipelineSpecOf([]byte(`{"steps":[{"name":"a","dataset":{"source":"s","served":"t","asOf":"now"}}]}`))
	if !ReadBy(spec, "s") || !ReadBy(spec, "t") || ReadBy(spec, "u") || ReadBy(PipelineSpecOf([]byte("no")), "s") {
		t.Error("what a pipeline reads")
	}
	src := SourceOf(trimtab.Resource{Name: "s", Manager: "cli"}, trimtab.SourceSpec{Path: "a/Rows.CSV", EventTime: "at", Label: &trimtab.SourceLabel{Column: "y", AvailableAt: "k"}})
	if src.Format != "csv" || src.Label != "y" || src.LabelAt != "k" || src.Key == nil {
		t.Errorf("%+v", src)
	}
}
