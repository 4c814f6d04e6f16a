package pipeline

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew instead of comparing")

// TestPlan plays the transcripts of testdata/plan: blocks of commands, a line of
// four dashes, what is printed, and a blank line. Commands:
//
//	step NAME run|dataset|promote [needs=A,B] [retry=N] [causes=…] [backoff=D] [timeout=D] [effects=…]
//	slots N            how many attempts may run
//	start              a pending run of the steps
//	see STEP SIGHT [code=N] [cause=C] [message=TEXT] [since]
//	tick D             time passes
//	cancel             the run is asked to end
//	next               prints the actions and does them as the engine would
//	show               prints run and steps
func TestPlan(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			w := &planWorld{slots: 100}
			w.now = 1_000_000
			for block := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n\n") {
				commands, want, ok := strings.Cut(block+"\n", "----\n")
				if !ok && strings.HasPrefix(block, "#") {
					out.WriteString(block + "\n\n")
					continue
				}
				var got strings.Builder
				for line := range strings.Lines(commands) {
					if err := w.do(strings.TrimSpace(line), &got); err != nil {
						t.Fatalf("%s: %v", line, err)
					}
				}
				if !*rewrite && got.String() != want {
					t.Errorf("%s\ngot\n%s\nwant\n%s", commands, got.String(), want)
				}
				out.WriteString(commands + "----\n" + got.String() + "\n")
			}
			if *rewrite {
				if err := os.WriteFile(name, []byte(strings.TrimSuffix(out.String(), "\n")), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type planWorld struct {
	view
	slots int
}

func (w *planWorld) do(line string, out *strings.Builder) error {
	f := strings.Fields(line)
	if len(f) == 0 || f[0][0] == '#' {
		return nil
	}
	opt := map[string]string{}
	for _, x := range f[1:] {
		k, v, _ := strings.Cut(x, "=")
		opt[k] = v
	}
	duration := func(s string) trimtab.Duration {
		d, err := trimtab.ParseDuration(s)
		if err != nil {
			panic(err)
		}
		return d
	}
	switch f[0] {
	case "slots":
		w.slots, _ = strconv.Atoi(f[1])
	case "step":
		s := trimtab.StepSpec{Name: f[1], Effects: opt["effects"]}
		switch f[2] {
		case "run":
			s.Run = "true"
		case "dataset":
			s.Dataset = &trimtab.DatasetSpec{}
		case "promote":
			s.Promote = &trimtab.PromoteSpec{}
		}
		if opt["needs"] != "" {
			s.Needs = strings.Split(opt["needs"], ",")
		}
		if opt["timeout"] != "" {
			s.Timeout = duration(opt["timeout"])
		}
		if opt["retry"] != "" {
			s.Retry = &trimtab.RetrySpec{}
			s.Retry.Max, _ = strconv.Atoi(opt["retry"])
			if opt["causes"] != "" {
				s.Retry.On = strings.Split(opt["causes"], ",")
			}
			if opt["backoff"] != "" {
				s.Retry.Backoff = duration(opt["backoff"])
			}
		}
		w.spec.Steps = append(w.spec.Steps, s)
	case "start":
		w.run = trimtab.PipelineRun{ID: "pr-1", State: trimtab.PipelinePending}
		for i, s := range w.spec.Steps {
			w.run.Steps = append(w.run.Steps, trimtab.Step{Run: "pr-1", Name: s.Name, Ordinal: i, State: trimtab.StepWaiting})
		}
		w.attempts, w.seen = map[string][]trimtab.Attempt{}, map[string]Observation{}
	case "see":
		o := Observation{Sight: Sight(f[2]), Cause: opt["cause"], Message: opt["message"]}
		o.Code, _ = strconv.Atoi(opt["code"])
		if _, ok := opt["since"]; ok {
			o.Since = w.now
		} else if old := w.seen[f[1]]; o.Sight == Running {
			o.Since = old.Since
		}
		w.seen[f[1]] = o
	case "tick":
		w.now = w.now.Add(time.Duration(duration(f[1])))
	case "cancel":
		r, _, err := w.run.To(trimtab.PipelineCanceling, "enough", w.now)
		if err != nil {
			return err
		}
		w.run = r
	case "next":
		v := w.view
		v.slots = w.slots
		for _, a := range next(v) {
			fmt.Fprintln(out, w.print(a))
			if err := w.apply(a); err != nil {
				return err
			}
		}
	case "show":
		fmt.Fprintln(out, "run", withMessage(string(w.run.State), w.run.Reason))
		for _, s := range w.run.Steps {
			fmt.Fprintln(out, strings.TrimRight(fmt.Sprintln(" ", s.Name, s.State, s.Attempt, s.Reason), " \n"))
		}
	default:
		return fmt.Errorf("unknown command %q", f[0])
	}
	return nil
}

func (w *planWorld) print(a action) string {
	s := string(a.verb)
	if a.step != "" {
		s += " " + a.step
	}
	if a.state != "" {
		s += " " + string(a.state)
	}
	if a.cause != "" {
		s += " cause=" + a.cause
	}
	if a.at != 0 {
		s += " in " + a.at.Sub(w.now).String()
	}
	if a.reason != "" {
		s += " (" + a.reason + ")"
	}
	return s
}

// apply does to the rows what the engine would; effects are seen by "see" alone.
func (w *planWorld) apply(a action) error {
	var s *trimtab.Step
	for i := range w.run.Steps {
		if w.run.Steps[i].Name == a.step {
			s = &w.run.Steps[i]
		}
	}
	end := func(to trimtab.StepState, as trimtab.AttemptState) (err error) {
		if s.State != trimtab.StepWaiting {
			all := w.attempts[a.step]
			all[len(all)-1].State = as
		}
		*s, _, err = s.To(to, s.Attempt, a.reason, w.now)
		s.NotBefore = a.at
		return err
	}
	var err error
	switch a.verb {
	case doBeginRun:
		w.run, _, err = w.run.To(trimtab.PipelineRunning, "", w.now)
	case doEndRun:
		w.run, _, err = w.run.To(a.state, a.reason, w.now)
	case doBegin:
		*s, _, err = s.To(trimtab.StepStarting, s.Attempt, "", w.now)
		w.attempts[a.step] = append(w.attempts[a.step], trimtab.Attempt{N: s.Attempt, State: trimtab.AttemptStarting})
		w.seen[a.step] = Observation{Sight: Absent}
	case doAdopt:
		*s, _, err = s.To(trimtab.StepRunning, s.Attempt, "", w.now)
	case doPublish, doPerform:
		err = end(trimtab.StepSucceeded, trimtab.AttemptSucceeded)
	case doRetry, doFail:
		as := map[string]trimtab.AttemptState{CauseLost: trimtab.AttemptLost, CauseTimeout: trimtab.AttemptTimeout}[a.cause]
		if as == "" {
			as = trimtab.AttemptFailed
		}
		if a.verb == doRetry {
			err = end(trimtab.StepWaiting, as)
		} else {
			err = end(trimtab.StepFailed, as)
		}
	case doCancel:
		err = end(trimtab.StepCanceled, trimtab.AttemptCanceled)
	case doSkip:
		err = end(trimtab.StepSkipped, "")
	}
	return err
}
