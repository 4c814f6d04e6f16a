package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

// Each rule with the reason why it is as it is, for somebody who was woken by it.
func TestAttend(t *testing.T) {
	const day = trimtab.Time(24 * 3600 * 1000)
	auc := []OverviewQuality{{Metric: "auc", Value: .7}}
	endpoint := func(e OverviewEndpoint) Overview {
		e.Name, e.Model, e.Alias = "e", "m", "champion"
		return Overview{Endpoints: []OverviewEndpoint{e}}
	}
	monitor := func(windows ...OverviewWindow) Overview {
		return Overview{Monitors: []OverviewMonitor{{Name: "m", Endpoint: "e", Metrics: []string{"auc", "brier"}, Windows: windows}}}
	}
	for _, tc := range []struct {
		name, why string
		in        Overview
		parked    []Parked
		want      []string // "severity rule name: title | detail | command", in order
	}{
		{name: "nothing", why: "an empty project is well"},
		{name: "all well", why: "success, cancellation by a person, work under way and what is about to be looked at need nobody", in: Overview{
			Pipelines: []OverviewPipeline{{Pipeline: "train", State: trimtab.PipelineSucceeded}, {Pipeline: "other", State: trimtab.PipelineCanceled}, {Pipeline: "third", State: trimtab.PipelineRunning}},
			Endpoints: []OverviewEndpoint{{Name: "e", Serving: 1, Target: 1, State: EndpointServing, Predictions: 9}, {Name: "f", Target: 1, State: EndpointLoading}},
			Replays:   []OverviewReplay{{State: "running"}, {State: "succeeded"}, {State: "canceled"}},
			Monitors:  []OverviewMonitor{{Name: "m", Metrics: []string{"auc"}, Windows: []OverviewWindow{{Label: "2013-01", Rows: 5}, {Label: "2013-02", Rows: 5, Labelled: 5, Quality: auc}}}, {Name: "young", Metrics: []string{"auc"}}},
		}},

		{name: "failed step", why: "what was declared to run did not; the step's output says most", in: Overview{Pipelines: []OverviewPipeline{{ID: "pr-1", Pipeline: "train", State: trimtab.PipelineFailed, Reason: "step fit failed",
			Steps: []OverviewStep{{Name: "data", State: trimtab.StepSucceeded}, {Name: "fit", State: trimtab.StepFailed, Reason: "exit 1"}, {Name: "last", State: trimtab.StepSkipped}}}}},
			want: []string{"bad pipeline.failed train: Pipeline train failed in step fit | exit 1 | trimtab pipeline logs pr-1 fit"}},
		{name: "failed without a step", why: "without a step there is no output to read", in: Overview{Pipelines: []OverviewPipeline{{ID: "pr-1", Pipeline: "train", State: trimtab.PipelineFailed, Reason: "no such source"}}},
			want: []string{"bad pipeline.failed train: Pipeline train failed | no such source | trimtab pipeline show pr-1"}},
		{name: "failed and deleted", why: "it cannot run again, so the alarm could never end", in: Overview{Pipelines: []OverviewPipeline{{Pipeline: "train", State: trimtab.PipelineFailed, Deleted: true}}}},

		{name: "no version yet", why: "declared first and trained later is how every endpoint begins; nobody misses its answers",
			in:   endpoint(OverviewEndpoint{State: EndpointNoVersion, Reason: "NoVersion", Message: "not read: the detail says it with names"}),
			want: []string{"warn endpoint.noVersion e: Endpoint e has no version to serve | alias champion of model m points to no version, so requests are answered with 503 | trimtab model alias set m champion VERSION"}},
		{name: "no version any more", why: "clients called it, and now get 503: it is down",
			in:   endpoint(OverviewEndpoint{State: EndpointNoVersion, LiveSince: day}),
			want: []string{"bad endpoint.noVersion e: Endpoint e has no version to serve | alias champion of model m points to no version, so requests are answered with 503; clients have called it since 1970-01-02T00:00:00Z | trimtab model alias set m champion VERSION"}},
		{name: "load failed", why: "somebody chose that version, and it answers nothing",
			in:   endpoint(OverviewEndpoint{Target: 2, State: EndpointFailed, Reason: "LoadFailed", Message: "flavor sklearn is not served natively"}),
			want: []string{"bad endpoint.loadFailed e: Endpoint e serves nothing: version 2 did not load | flavor sklearn is not served natively | trimtab endpoint show e"}},
		{name: "behind", why: "the alias is the deploy, and the deploy did not happen although somebody believes it did",
			in:   endpoint(OverviewEndpoint{Target: 2, Serving: 1, State: EndpointBehind, Reason: "LoadFailed"}),
			want: []string{"bad endpoint.loadFailed e: Endpoint e still serves version 1: version 2 did not load | LoadFailed | trimtab endpoint show e"}},
		{name: "dropped", why: "answers are right, which is what the declared durability puts first; quality is measured on fewer rows",
			in:   endpoint(OverviewEndpoint{State: EndpointServing, Dropped: 3}),
			want: []string{"warn endpoint.dropped e: Endpoint e answered 3 predictions without logging them | the queue of its log was full; with logging: {durability: durable} requests wait for the log instead | trimtab endpoint show e"}},
		{name: "lost", why: "the disk refuses writes, which gets worse by itself",
			in:   endpoint(OverviewEndpoint{State: EndpointServing, Lost: 1}),
			want: []string{"bad endpoint.lost e: Endpoint e could not write 1 prediction to its log | they were answered and are in no window; the log of the server says why: see to its disk | trimtab endpoint show e"}},
		{name: "decision", why: "waiting is what was declared, and what serves goes on serving until the morning",
			in: endpoint(OverviewEndpoint{State: EndpointServing, Waits: []OverviewWait{{Listener: "rollout", Command: "trimtab approve x"}, {Listener: "other"}}}),
			want: []string{
				"warn endpoint.waits e: Endpoint e: other waits for a decision |  | trimtab endpoint show e",
				"warn endpoint.waits e: Endpoint e: rollout waits for a decision |  | trimtab approve x",
			}},
		{name: "several of one endpoint", why: "they have different causes and remedies", in: endpoint(OverviewEndpoint{Target: 2, Serving: 1, State: EndpointBehind, Message: "x", Since: 1, Dropped: 1}),
			want: []string{
				"bad endpoint.loadFailed e: Endpoint e still serves version 1: version 2 did not load | x | trimtab endpoint show e",
				"warn endpoint.dropped e: Endpoint e answered 1 prediction without logging them | the queue of its log was full; with logging: {durability: durable} requests wait for the log instead | trimtab endpoint show e",
			}},

		{name: "replay", why: "it stopped before its end, and goes on from there once the cause is gone", in: Overview{Replays: []OverviewReplay{
			{ID: "rp-1", Endpoint: "e", Source: "s", Position: 2 * day, State: "failed", Reason: "the endpoint went away"}, {ID: "rp-2", Endpoint: "f", Source: "s", State: "failed", Reason: "no rows"}}},
			want: []string{
				"bad replay.failed rp-1: Replay of s through endpoint e failed at 1970-01-03T00:00:00Z | the endpoint went away | trimtab replay e --resume --follow",
				"bad replay.failed rp-2: Replay of s through endpoint f failed | no rows | trimtab replay f --resume --follow",
			}},

		{name: "some metrics", why: "quality cannot be judged by what was declared to judge it; what serves still serves",
			in:   monitor(OverviewWindow{Label: "2013-01", Quality: auc}, OverviewWindow{Label: "2013-02", Quality: auc, Rows: 5, Labelled: 2}),
			want: []string{"warn window.missing m: Monitor m has no brier for 2013-02 | 2 of 5 predictions have a label | trimtab monitor show m"}},
		{name: "no metric", why: "the window's own reason says more than counts do",
			in:   monitor(OverviewWindow{Label: "2013-03", Rows: 5, Labelled: 5, Reason: "only one class among the labels"}),
			want: []string{"warn window.missing m: Monitor m has no auc, brier for 2013-03 | only one class among the labels | trimtab monitor show m"}},
		{name: "no label", why: "labels stopped coming, and pushing them is what helps the next window",
			in:   monitor(OverviewWindow{Label: "2013-03", Rows: 5, Reason: "no labels known by 2013-04-02"}),
			want: []string{"warn window.unlabelled m: Monitor m has no label for 2013-03 | no labels known by 2013-04-02; the window has 5 predictions | trimtab labels push e FILE"}},
		{name: "labels mature", why: "a window whose labels are not due yet lacks nothing", in: monitor(OverviewWindow{Label: "2013-02", Rows: 5, Labelled: 5, Quality: []OverviewQuality{{Metric: "auc"}, {Metric: "brier"}}}, OverviewWindow{Label: "2013-03", Rows: 5, Early: true})},
		{name: "all held", why: "the incident that holds the rows says so", in: monitor(OverviewWindow{Label: "2013-03", Rows: 5, Held: 5})},
		{name: "no prediction", why: "a quiet hour is no fault, and nothing in it could be measured", in: monitor(OverviewWindow{Label: "2013-03", Reason: "no predictions in the window"})},
		{name: "an older window", why: "it is history, and the table shows it",
			in: monitor(OverviewWindow{Label: "2013-01", Rows: 5}, OverviewWindow{Label: "2013-02", Rows: 5, Labelled: 5, Quality: []OverviewQuality{{Metric: "auc"}, {Metric: "brier"}}})},

		{name: "parked", why: "a change took no effect and nobody else will say so; one line for each who failed", parked: []Parked{{"serve", 7, "old", 1}, {"monitor", 8, "x", 1}, {"serve", 9, "new", 3}},
			want: []string{
				"bad journal.parked serve: serve could not handle 2 journal entries | entry 9: new | trimtab journal tail",
				"bad journal.parked monitor: monitor could not handle a journal entry | entry 8: x | trimtab journal tail",
			}},
		{name: "order", why: "the worst first, then the newest", in: Overview{
			Endpoints: []OverviewEndpoint{{Name: "e", Model: "m", Alias: "a", State: EndpointNoVersion, Since: 9}},
			Pipelines: []OverviewPipeline{{ID: "pr-1", Pipeline: "old", State: trimtab.PipelineFailed, Ended: 1}, {ID: "pr-2", Pipeline: "new", State: trimtab.PipelineFailed, Ended: 2}}},
			want: []string{
				"bad pipeline.failed new: Pipeline new failed |  | trimtab pipeline show pr-2",
				"bad pipeline.failed old: Pipeline old failed |  | trimtab pipeline show pr-1",
				"warn endpoint.noVersion e: Endpoint e has no version to serve | alias a of model m points to no version, so requests are answered with 503 | trimtab model alias set m a VERSION",
			}},
	} {
		all := Attend(tc.in, tc.parked)
		if all == nil {
			t.Errorf("%s: null", tc.name)
		}
		var got []string
		for _, a := range all {
			got = append(got, string(a.Severity)+" "+a.Rule+" "+a.Name+": "+a.Title+" | "+a.Detail+" | "+a.Command)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s, because %s (-want +got)\n%s", tc.name, tc.why, diff)
		}
	}
}
