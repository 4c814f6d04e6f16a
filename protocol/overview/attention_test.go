package overview

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

func TestAttend(t *testing.T) {
	auc := []Quality{{Metric: "auc", Value: .7}}
	for _, tc := range []struct {
		name   string
		in     Overview
		parked []Parked
		want   []string // "severity rule name: title | detail", in order
	}{
		{name: "nothing"},
		{name: "all well", in: Overview{
			Pipelines: []Pipeline{{Pipeline: "train", State: trimtab.PipelineSucceeded}, {Pipeline: "other", State: trimtab.PipelineCanceled}, {Pipeline: "third", State: trimtab.PipelineRunning}},
			Endpoints: []Endpoint{{Name: "e", Serving: 1, Target: 1, State: Serving}, {Name: "f", Target: 1, State: Loading}},
			Replays:   []Replay{{State: "running"}, {State: "succeeded"}, {State: "canceled"}},
			Monitors:  []Monitor{{Name: "m", Metrics: []string{"auc"}, Windows: []Window{{Label: "2013-01"}, {Label: "2013-02", Quality: auc}}}, {Name: "young", Metrics: []string{"auc"}}},
		}},
		{name: "failed step", in: Overview{Pipelines: []Pipeline{{ID: "pr-1", Pipeline: "train", State: trimtab.PipelineFailed, Reason: "step fit failed",
			Steps: []Step{{Name: "data", State: trimtab.StepSucceeded}, {Name: "fit", State: trimtab.StepFailed, Reason: "exit 1"}, {Name: "last", State: trimtab.StepSkipped}}}}},
			want: []string{"bad pipeline.failed train: Pipeline train failed in step fit | exit 1 | trimtab pipeline logs pr-1 fit"}},
		{name: "failed without a step", in: Overview{Pipelines: []Pipeline{{ID: "pr-1", Pipeline: "train", State: trimtab.PipelineFailed, Reason: "no such source"}}},
			want: []string{"bad pipeline.failed train: Pipeline train failed | no such source | trimtab pipeline show pr-1"}},
		{name: "no version", in: Overview{Endpoints: []Endpoint{{Name: "e", Model: "m", Alias: "champion", State: NoVersion}, {Name: "young", Model: "m", Alias: "best", State: NoVersion}}},
			want: []string{
				"warn endpoint.noVersion e: Endpoint e has no version to serve | alias champion of model m points to no version, so requests are answered with 503 | trimtab model alias set m champion VERSION",
				"warn endpoint.noVersion young: Endpoint young has no version to serve | alias best of model m points to no version, so requests are answered with 503 | trimtab model alias set m best VERSION",
			}},
		{name: "load failed", in: Overview{Endpoints: []Endpoint{{Name: "e", Target: 2, State: Failed, Reason: "LoadFailed", Message: "flavor sklearn is not served natively"}, {Name: "f", Target: 2, Serving: 1, State: Behind, Reason: "LoadFailed"}}},
			want: []string{
				"bad endpoint.loadFailed e: Endpoint e serves nothing: version 2 did not load | flavor sklearn is not served natively | trimtab endpoint show e",
				"bad endpoint.loadFailed f: Endpoint f still serves version 1: version 2 did not load | LoadFailed | trimtab endpoint show f",
			}},
		{name: "replay", in: Overview{Replays: []Replay{{ID: "rp-1", Endpoint: "e", Source: "s", From: 86400000, To: 2 * 86400000, State: "failed", Reason: "the endpoint went away"}}},
			want: []string{"bad replay.failed rp-1: Replay of s through endpoint e failed | the endpoint went away | trimtab replay e --source s --from 1970-01-02T00:00:00Z --to 1970-01-03T00:00:00Z --resume"}},
		{name: "window", in: Overview{Monitors: []Monitor{
			{Name: "m", Metrics: []string{"auc", "brier"}, Windows: []Window{{Label: "2013-01", Quality: auc}, {Label: "2013-02", Quality: auc, Rows: 5, Labelled: 2}}},
			{Name: "n", Metrics: []string{"auc"}, Windows: []Window{{Label: "2013-03", Reason: "only one class among the labels"}}}}},
			want: []string{
				"warn window.missing m: Monitor m has no brier for 2013-02 | 2 of 5 predictions have a label | trimtab monitor show m",
				"warn window.missing n: Monitor n has no auc for 2013-03 | only one class among the labels | trimtab monitor show n",
			}},
		{name: "parked", parked: []Parked{{"serve", 7, "old", 1}, {"monitor", 8, "x", 1}, {"serve", 9, "new", 3}},
			want: []string{
				"bad journal.parked serve: serve could not handle 2 journal entries | entry 9: new | trimtab journal tail",
				"bad journal.parked monitor: monitor could not handle a journal entry | entry 8: x | trimtab journal tail",
			}},
		{name: "order: the worst, then the newest", in: Overview{
			Endpoints: []Endpoint{{Name: "e", Model: "m", Alias: "a", State: NoVersion, Since: 9}},
			Pipelines: []Pipeline{{ID: "pr-1", Pipeline: "old", State: trimtab.PipelineFailed, Ended: 1}, {ID: "pr-2", Pipeline: "new", State: trimtab.PipelineFailed, Ended: 2}}},
			want: []string{"bad pipeline.failed new", "bad pipeline.failed old", "warn endpoint.noVersion e"}},
	} {
		got := Attend(tc.in, tc.parked)
		if len(got) != len(tc.want) || got == nil {
			t.Errorf("%s: %d lines %+v, want %d", tc.name, len(got), got, len(tc.want))
			continue
		}
		for i, a := range got {
			line := string(a.Severity) + " " + a.Rule + " " + a.Name + ": " + a.Title + " | " + a.Detail + " | " + a.Command
			if !strings.HasPrefix(line, tc.want[i]) {
				t.Errorf("%s:\n got %s\nwant %s", tc.name, line, tc.want[i])
			}
		}
	}
}
