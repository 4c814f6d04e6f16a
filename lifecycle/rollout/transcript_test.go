package rollout_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/rollout"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew instead of comparing")

// TestTranscripts plays every testdata/*.txt. A line is a command; what came of it stands
// below it, indented. Commands:
//
//	endpoint KEY=VALUE…   shadow=1d canary=0.2,0.5 each=1d bake=7d look= maxfor= minrows= on= loss=; version 1 answers
//	quality VERSION KEY=VALUE…   noise=0.5 (spread of its errors on the logit) daily= (of what rows of a day share) bias= fails=
//	traffic KEY=VALUE…    rows=40 (an hour) delay=2h (of labels) labels=no|yes share=0.4 (answered by the candidate, whatever the rollout says) rule= (quarantines)
//	days N                time passes: at each border the watermark moves and the rollout is looked at
//	alias VERSION         a client moves the alias
//	begin VERSION CAUSE   a policy begins a rollout
//	promote | rollback | hold | resume REASON
//	pause | unpause
//	looks                 the newest looks
//	incidents
func TestTranscripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), "simulation") {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
			got := (&player{w: w, t: t, now: began}).play(string(want))
			if *rewrite {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal([]byte(got), want) {
				t.Errorf("%s differs (-rewrite writes it anew):\n%s", path, got)
			}
		})
	}
}

const story = "flights"

// player plays one transcript.
type player struct {
	w      *world
	t      *testing.T
	c      *rollout.Rollouts
	now    trimtab.Time
	stream stream
	seen   map[string]trimtab.RolloutState
	steps  map[string]int
}

func (p *player) play(text string) string {
	p.c = rollout.New(p.w.config())
	p.seen, p.steps = map[string]trimtab.RolloutState{}, map[string]int{}
	p.stream = stream{perHour: 40, seed: 7, quality: map[trimtab.Version]quality{}, delay: 2 * hour}
	var out strings.Builder
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, "  ") {
			continue // what was printed before
		}
		out.WriteString(line + "\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for _, l := range strings.Split(strings.TrimRight(p.do(line), "\n"), "\n") {
			if l != "" {
				out.WriteString("  " + l + "\n")
			}
		}
	}
	return out.String()
}

func (p *player) do(line string) string {
	ctx := context.Background()
	fields := strings.Fields(line)
	num := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			p.t.Fatalf("%s: %v", line, err)
		}
		return v
	}
	span := func(s string) trimtab.Duration {
		d, err := trimtab.ParseDuration(s)
		if err != nil {
			p.t.Fatalf("%s: %v", line, err)
		}
		return d
	}
	pairs := func(from int, each func(k, v string)) {
		for _, f := range fields[from:] {
			k, v, ok := strings.Cut(f, "=")
			if !ok {
				p.t.Fatalf("%s: %q is no KEY=VALUE", line, f)
			}
			each(k, v)
		}
	}
	rest := func(n int) string { return strings.Join(fields[n:], " ") }
	switch fields[0] {
	case "endpoint":
		var spec trimtab.RolloutSpec
		pairs(1, func(k, v string) {
			switch k {
			case "shadow":
				spec.Shadow = &trimtab.ShadowSpec{For: span(v)}
			case "canary":
				spec.Canary = &trimtab.CanarySpec{Each: trimtab.Duration(24 * time.Hour)}
				for _, s := range strings.Split(v, ",") {
					spec.Canary.Steps = append(spec.Canary.Steps, num(s))
				}
			case "each":
				spec.Canary.Each = span(v)
			case "minrows":
				if spec.Shadow != nil {
					spec.Shadow.MinRows = int64(num(v))
				}
				if spec.Canary != nil {
					spec.Canary.MinRows = int64(num(v))
				}
			case "bake":
				spec.Bake = span(v)
			case "look":
				spec.Look = span(v)
			case "maxfor":
				spec.MaxFor = span(v)
			case "on":
				spec.OnInconclusive = v
			case "loss":
				spec.Limits.Loss = num(v)
			default:
				p.t.Fatalf("%s: unknown %s", line, k)
			}
		})
		p.w.declare(story, &spec)
		p.w.alias(story, 1)
	case "quality":
		var q quality
		pairs(2, func(k, v string) {
			switch k {
			case "noise":
				q.noise = num(v)
			case "daily":
				q.daily = num(v)
			case "bias":
				q.bias = num(v)
			case "fails":
				q.fails = num(v)
			}
		})
		p.stream.quality[trimtab.Version(num(fields[1]))] = q
		return ""
	case "traffic":
		pairs(1, func(k, v string) {
			switch k {
			case "rows":
				p.stream.perHour = int(num(v))
			case "delay":
				p.stream.delay = trimtab.Time(time.Duration(span(v)) / time.Millisecond)
			case "labels":
				p.stream.silent = v == "no"
			case "share":
				p.stream.share = num(v)
			case "rule":
				p.stream.rule = v
			case "seed":
				p.stream.seed = uint64(num(v))
			}
		})
		return ""
	case "days":
		return p.pass(p.now + trimtab.Time(num(fields[1])*24)*hour)
	case "alias":
		p.w.alias(story, trimtab.Version(num(fields[1])))
	case "begin":
		if _, err := p.c.Begin(ctx, story, trimtab.Version(num(fields[1])), "policy", rest(2), p.now); err != nil {
			return "error: " + trimtab.Message(err)
		}
	case "promote", "rollback", "hold", "resume":
		id := rest(0)
		for _, r := range p.w.all(story) {
			id = r.ID // the newest
		}
		command := map[string]func(context.Context, string, string) (trimtab.Rollout, error){"promote": p.c.Promote, "rollback": p.c.RollBack, "hold": p.c.Hold, "resume": p.c.Resume}[fields[0]]
		if _, err := command(ctx, id, rest(1)); err != nil {
			return "error: " + trimtab.Message(err)
		}
	case "pause", "unpause":
		_, err := p.w.db.Pauses.Move(ctx, "loop", func(old *trimtab.Pause) (trimtab.Pause, trimtab.Change, error) {
			next := trimtab.Pause{Name: "loop", Paused: fields[0] == "pause", By: "ann"}
			return next, trimtab.Changed("pause.set", old, next, ""), nil
		})
		p.w.check(err)
	case "looks":
		all := p.w.all(story)
		var out strings.Builder
		for _, l := range all[len(all)-1].Looks {
			fmt.Fprintf(&out, "%-13s %-12s n=%-6d %8.4f  %8.4f … %8.4f  limit %.3g  %s", l.Stage, l.Test, l.N, l.Estimate, l.Lo, l.Hi, l.Limit, l.Verdict)
			if l.Why != "" {
				fmt.Fprintf(&out, ": %s", l.Why)
			}
			out.WriteString("\n")
		}
		return out.String()
	case "incidents":
		list, err := p.w.db.Incidents.List(ctx, trimtab.DocumentQuery{})
		p.w.check(err)
		var out strings.Builder
		for _, i := range list {
			fmt.Fprintf(&out, "%s %s: %s (%d numbers)\n", i.ID, i.Head().State, i.Cause, len(i.Evidence))
		}
		return out.String()
	default:
		p.t.Fatalf("unknown command: %s", line)
	}
	return p.reconcile()
}

// pass lets time go on to the moment, border by border.
func (p *player) pass(to trimtab.Time) string {
	var out strings.Builder
	for p.now < to {
		border, err := p.c.Border(context.Background(), trimtab.DefaultWorkspace, story, p.now)
		p.w.check(err)
		if border == 0 || border > to {
			border = to
		}
		p.w.send(story, &p.stream, p.now, border)
		p.w.advance(story, border)
		p.now = border
		out.WriteString(p.reconcile())
	}
	return out.String()
}

// reconcile looks at the endpoint and tells what has changed, and what it waits for
// when that is a person or a process.
func (p *player) reconcile() string {
	p.w.check(p.c.Reconcile(context.Background(), trimtab.DefaultWorkspace, story))
	var out strings.Builder
	for _, r := range p.w.all(story) {
		if p.seen[r.ID] == r.State && p.steps[r.ID] == r.Step {
			continue
		}
		p.seen[r.ID], p.steps[r.ID] = r.State, r.Step
		state := string(r.State)
		if r.State == trimtab.RolloutCanary {
			state = fmt.Sprintf("canary %g", r.Share)
		}
		fmt.Fprintf(&out, "%s  %s (%d to %d) %s", p.now.Go().Format("02 15:04"), r.ID, r.From, r.To, state)
		if r.Reason != "" {
			fmt.Fprintf(&out, ": %s", r.Reason)
		}
		fmt.Fprintf(&out, "  [alias %d]\n", p.w.points(story))
	}
	settled, err := p.w.db.Endpoints.Settlements(context.Background(), story)
	p.w.check(err)
	for _, s := range settled {
		if s.Through != p.now {
			p.t.Errorf("settled through %s at %s", s.Through, p.now)
		}
		if s.Wait == trimtab.WaitHuman && out.Len() > 0 {
			fmt.Fprintf(&out, "waits: %s\n", s.Detail)
		}
	}
	return out.String()
}
