package trimtab

import (
	"encoding/json"
	"testing"
)

// Defaults are filled into a copy: the declared spec stays as it is.
func TestSuiteWithDefaults(t *testing.T) {
	s := EvaluationSuiteSpec{Model: "m", Fresh: &FreshSpec{MinRows: 7}, Gates: []GateSpec{{Metric: "auc"}, {Metric: "brier", On: "golden", Severity: "warn"}}, Slices: []SliceSpec{{Column: "a"}, {Column: "b", Metric: "brier", MinRows: 3}}}
	before, _ := json.Marshal(s)
	got, _ := json.Marshal(s.WithDefaults())
	want := `{"model":"m","fresh":{"windows":1,"minRows":7,"minPositives":30},"against":"champion","confidence":0.95,` +
		`"gates":[{"metric":"auc","on":"fresh","severity":"block"},{"metric":"brier","on":"golden","severity":"warn"}],` +
		`"slices":[{"column":"a","metric":"auc","minRows":200},{"column":"b","metric":"brier","minRows":3}],"schema":"compatible"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if after, _ := json.Marshal(s); string(after) != string(before) {
		t.Errorf("the spec became %s", after)
	}
}
