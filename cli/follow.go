package cli

import (
	"bufio"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

// lookEvery is how often a run or replay that is followed is looked at.
const lookEvery = 300 * time.Millisecond

// followRun shows the output of a run's steps line by line until the run ends.
// Each attempt is followed by a goroutine of its own; lines of steps that run at
// once are told apart by their prefix.
func (a *application) followRun(ctx context.Context, c *client.Client, run view.PipelineRun) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &follower{app: a, client: c, run: run.ID, seen: map[string]trimtab.StepState{}, attempts: map[trimtab.AttemptID]bool{}}
	began := run.Created
	for {
		now, err := c.PipelineRun(ctx, run.ID)
		if err != nil {
			if trimtab.IsKind(err, trimtab.Canceled) {
				a.progress("%s goes on; cancel it with `trimtab pipeline cancel %s`", run.ID, run.ID)
			}
			return err
		}
		f.look(ctx, now)
		if now.State.Ended() {
			f.copies.Wait()
			f.mu.Lock()
			defer f.mu.Unlock()
			text := fmt.Sprintf("%s %s after %s", now.ID, now.State, short(now.Ended.Sub(began)))
			if now.Reason != "" {
				text += ": " + now.Reason
			}
			if a.output == "json" || a.output == "yaml" {
				if err := a.show(now, nil); err != nil {
					return err
				}
			} else {
				fmt.Fprintln(a.env.Err, text)
			}
			if now.State != trimtab.PipelineSucceeded {
				return code(exitError)
			}
			return nil
		}
		if err := pause(ctx, lookEvery); err != nil {
			a.progress("%s goes on; cancel it with `trimtab pipeline cancel %s`", run.ID, run.ID)
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return &trimtab.Error{Kind: trimtab.Canceled, Subject: "command", Msg: "stopped", Err: ctx.Err()}
	}
}

// follower remembers what was shown of a run.
type follower struct {
	app    *application
	client *client.Client
	run    trimtab.PipelineRunID
	copies sync.WaitGroup

	mu       sync.Mutex // guards the streams and what follows
	seen     map[string]trimtab.StepState
	attempts map[trimtab.AttemptID]bool
}

// look shows states that changed and begins to follow attempts that are new.
func (f *follower) look(ctx context.Context, run view.PipelineRun) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range run.Steps {
		if f.seen[s.Name] != s.State {
			f.seen[s.Name] = s.State
			if s.State != trimtab.StepWaiting {
				detail := ""
				switch {
				case s.CachedOf != "":
					detail = "  outputs of " + string(s.CachedOf)
				case s.Reason != "":
					detail = "  " + s.Reason
				}
				f.app.progress("%s: %s%s", s.Name, s.State, detail)
			}
		}
		id := s.AttemptID()
		if s.Attempt == 0 || f.attempts[id] || s.State == trimtab.StepStarting || s.CachedOf != "" {
			continue
		}
		f.attempts[id] = true
		f.copies.Go(func() { f.copy(ctx, s.Name, s.Attempt) })
	}
}

// copy shows the lines of one attempt. A step that runs inside the server has no log.
func (f *follower) copy(ctx context.Context, step string, attempt int) {
	logs, err := f.client.StepLogs(ctx, f.run, step, attempt, true)
	if err != nil {
		if !trimtab.IsKind(err, trimtab.NotFound) && ctx.Err() == nil {
			f.app.progress("%s: its output cannot be read: %s", step, trimtab.Message(err))
		}
		return
	}
	defer logs.Close()
	lines := bufio.NewReaderSize(logs, 64<<10)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			f.mu.Lock()
			fmt.Fprintf(f.app.env.Out, "%s %s", f.app.paint(f.app.env.Out, faint, step+" |"), line)
			if line[len(line)-1] != '\n' {
				fmt.Fprintln(f.app.env.Out)
			}
			f.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}
