package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

func (a *application) replayCommand() *cobra.Command {
	var source, from, to, faultsFile string
	var faultTexts []string
	var follow, resume, dryRun bool
	cmd := &cobra.Command{
		Use:   "replay ENDPOINT --source SOURCE",
		Short: "Send the history of a source through an endpoint",
		Long: `Send the rows of a source through an endpoint as real requests in the order of event
time, with each label when it became known, and let the endpoint's watermark follow.
Monitors close their windows as they would have then.

The replay runs inside the server: this command starts it, and with --follow shows it.
It goes on where it stopped after a restart, replaying twice doubles nothing, and an
endpoint that has live traffic is refused.

A drill injects faults into what is sent; the source itself is never changed. A fault is
  KIND COLUMN|rows|labels PARAMETERS [SHARE%] [FROM..TO]
with one of these in front; share and span of event time may follow each:
  ` + strings.Join(trimtab.FaultSyntax(), "\n  ") + `
Faults are injected in the order given and recorded with the replay. --dry-run sends
nothing and prints how many rows each would hit.

With --follow the exit code is 0 when it succeeded and 1 when not.`,
		Example: `  trimtab replay flights --source flights --from 2013-03-01 --to 2014-01-01 --follow
  trimtab replay flights --source flights --fault 'unit wind_speed x1.609344 2013-04-08..2013-04-15'
  trimtab replay flights --source flights --fault 'nulls temp 30% 2013-05-01..' --fault 'delay labels 2d' --dry-run
  trimtab replay flights --resume --follow
  trimtab replay list
  trimtab replay cancel rp-0123456789abcdef`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := exactly("ENDPOINT")(cmd, args); err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			start := view.StartReplay{Endpoint: args[0], Source: source}
			if start.From, start.To, err = span(from, to); err != nil {
				return err
			}
			if start.Faults, err = readFaults(faultsFile, faultTexts); err != nil {
				return err
			}
			switch {
			case resume:
				if start, err = lastReplay(cmd.Context(), c, start); err != nil {
					return err
				}
			case source == "":
				return usage{errors.New("--source is missing: name the declared DataSource whose rows are replayed, or --resume")}
			}
			if dryRun {
				return a.planReplay(cmd.Context(), c, start)
			}
			r, err := c.StartReplay(cmd.Context(), start)
			if err != nil {
				return err
			}
			if follow {
				return a.followReplay(cmd.Context(), c, r)
			}
			return a.show(r, func(w io.Writer) error {
				verb := "started"
				if r.Resumed {
					verb = "was started before and is " + r.State
				}
				fmt.Fprintf(w, "%s %s; see it with `trimtab replay show %s`\n", r.ID, verb, r.ID)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&source, "source", "", "declared DataSource whose rows are replayed")
	f.StringVar(&from, "from", "", "event time from here on (default the first row)")
	f.StringVar(&to, "to", "", "event time before (default after the last row)")
	f.BoolVarP(&follow, "follow", "f", false, "show the progress and wait for the end")
	f.StringArrayVar(&faultTexts, "fault", nil, "inject a fault, such as 'unit wind_speed x1.609344 2013-04-08..2013-04-15'; repeatable")
	f.StringVar(&faultsFile, "faults", "", "YAML file with a list of faults, which come before those of --fault")
	f.BoolVar(&dryRun, "dry-run", false, "send nothing, print how many rows each fault would hit")
	f.BoolVar(&resume, "resume", false, "go on with the last replay of the endpoint")
	cmd.AddCommand(a.replayListCommand(), a.replayShowCommand(), a.replayCancelCommand())
	return cmd
}

// lastReplay fills what was not given from the endpoint's last replay, its faults too.
func lastReplay(ctx context.Context, c *client.Client, start view.StartReplay) (view.StartReplay, error) {
	last, err := c.Replays(ctx, start.Endpoint)
	if err != nil {
		return start, err
	}
	if len(last) == 0 {
		return start, trimtab.Errorf(trimtab.NotFound, "replay", "endpoint %s has had no replay; start one with --source", start.Endpoint)
	}
	r := last[0]
	if start.Source != "" && start.Source != r.Source {
		return start, trimtab.Errorf(trimtab.Conflict, "replay", "the last replay of endpoint %s was of source %s: leave --resume out to replay %s", start.Endpoint, r.Source, start.Source)
	}
	if len(start.Faults) > 0 && !slices.Equal(start.Faults, r.Faults) {
		return start, trimtab.Errorf(trimtab.Conflict, "replay", "replay %s began with other faults: leave --fault out to go on with those of `trimtab replay show %s`", r.ID, r.ID)
	}
	return view.StartReplay{Endpoint: start.Endpoint, Source: r.Source, From: cmp.Or(start.From, r.From), To: cmp.Or(start.To, r.To), Faults: r.Faults}, nil
}

// maxFaultsFile bounds a file of faults.
const maxFaultsFile = 1 << 20

// readFaults reads the faults of a file, a list or a list under the key faults,
// and those of the command line behind them.
func readFaults(path string, texts []string) (out []trimtab.Fault, err error) {
	if path != "" {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, trimtab.Errorf(trimtab.NotFound, path, "the faults cannot be read: %v", err)
		}
		if len(raw) > maxFaultsFile {
			return nil, trimtab.Errorf(trimtab.Exhausted, path, "%s is larger than %s", path, size(maxFaultsFile))
		}
		var lines []faultLine
		if yaml.Unmarshal(raw, &lines) != nil {
			var under struct {
				Faults []faultLine `yaml:"faults"`
			}
			if err := yaml.UnmarshalWithOptions(raw, &under, yaml.Strict()); err != nil {
				return nil, trimtab.Errorf(trimtab.Invalid, path, "%s is no list of faults: %v", path, err)
			}
			lines = under.Faults
		}
		if len(lines) == 0 {
			return nil, trimtab.Errorf(trimtab.Invalid, path, "%s holds no faults: expected a list of texts such as `- unit wind_speed x1.609344 2013-04-08..2013-04-15`", path)
		}
		for _, l := range lines {
			f, err := trimtab.ParseFault(l.text)
			if err != nil {
				return nil, trimtab.Errorf(trimtab.Invalid, path, "%s:%d: %s", path, l.line, trimtab.Message(err))
			}
			out = append(out, f)
		}
	}
	for _, text := range texts {
		f, err := trimtab.ParseFault(text)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// faultLine is a fault in a file, with the line where it stands.
type faultLine struct {
	text string
	line int
}

// UnmarshalYAML keeps the place of the text.
func (l *faultLine) UnmarshalYAML(n ast.Node) error {
	l.line = n.GetToken().Position.Line
	return yaml.NodeToValue(n, &l.text)
}

// planReplay prints what each fault would hit.
func (a *application) planReplay(ctx context.Context, c *client.Client, start view.StartReplay) error {
	reach, err := c.PlanReplay(ctx, start)
	if err != nil {
		return err
	}
	return a.show(reach, func(w io.Writer) error {
		g := grid{head: []string{"FAULT", "IN SPAN#", "HIT#"}}
		for _, r := range reach {
			g.add(r.Fault.String(), thousands(r.InSpan), thousands(r.Hit))
		}
		return a.table(w, g, "No faults: the rows would be sent as they are.")
	})
}

// resolveReplay finds a replay by its id, or the last one of an endpoint by its name.
func resolveReplay(ctx context.Context, c *client.Client, typed string) (view.Replay, error) {
	if strings.HasPrefix(typed, "rp-") {
		r, err := c.Replay(ctx, trimtab.ReplayID(typed))
		if !trimtab.IsKind(err, trimtab.NotFound) {
			return r, err
		}
	}
	last, err := c.Replays(ctx, typed)
	if err != nil {
		return view.Replay{}, err
	}
	if len(last) == 0 {
		return view.Replay{}, trimtab.Errorf(trimtab.NotFound, "replay "+typed, "there is no replay %s and no replay of an endpoint of that name; `trimtab replay list` shows them", typed)
	}
	return last[0], nil
}

func (a *application) replayListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the last replay of each endpoint",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Replays(cmd.Context(), "")
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) error {
				g := grid{head: []string{"REPLAY", "ENDPOINT", "SOURCE", "STATE", "POSITION", "ROWS#", "LABELS#", "FAILED#", "FAULTS#"}}
				for _, r := range all {
					g.add(string(r.ID), r.Endpoint, r.Source, a.state(w, r.State), dash(r.Position.String()), thousands(r.Rows), thousands(r.Labels), thousands(r.Failed), thousands(int64(len(r.Faults))))
				}
				return a.table(w, g, "Nothing was replayed yet.")
			})
		},
	}
}

func (a *application) replayShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show REPLAY",
		Short: "Show a replay with its progress, by id or endpoint",
		Args:  exactly("REPLAY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			r, err := resolveReplay(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			return a.show(r, func(w io.Writer) error {
				pairs := []string{"replay", string(r.ID), "endpoint", r.Endpoint, "source", r.Source, "data", r.Data.Short(), "from", r.From.String(), "to", r.To.String(),
					"state", a.state(w, r.State), "reason", r.Reason, "position", r.Position.String(), "rows", thousands(r.Rows), "labels", thousands(r.Labels), "failed", thousands(r.Failed)}
				for _, f := range r.Faults {
					pairs = append(pairs, "fault", f.String())
				}
				return facts(w, pairs...)
			})
		},
	}
}

func (a *application) replayCancelCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "cancel REPLAY",
		Short: "Cancel a replay, by id or endpoint; what was sent stays",
		Args:  exactly("REPLAY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			r, err := resolveReplay(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if r, err = c.CancelReplay(cmd.Context(), r.ID, reason); err != nil {
				return err
			}
			return a.show(r, func(w io.Writer) error {
				fmt.Fprintf(w, "%s is %s\n", r.ID, r.State)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "cancelled by the command line", "why, for the record")
	return cmd
}

// followReplay shows the progress of a replay: one line that renews itself on a
// terminal, one line per day of progress elsewhere.
func (a *application) followReplay(ctx context.Context, c *client.Client, r view.Replay) error {
	live := terminal(a.env.Err)
	quiet := a.output == "json" || a.output == "yaml"
	began, firstRows := time.Now(), r.Rows
	var shown trimtab.Time
	for {
		now, err := c.Replay(ctx, r.ID)
		if err != nil {
			if live {
				fmt.Fprintln(a.env.Err)
			}
			if trimtab.IsKind(err, trimtab.Canceled) {
				a.progress("%s goes on inside the server; cancel it with `trimtab replay cancel %s`", r.ID, r.ID)
			}
			return err
		}
		line := fmt.Sprintf("%s  %s  %s rows, %s labels", r.ID, dash(now.Position.String()), thousands(now.Rows), thousands(now.Labels))
		if s := time.Since(began).Seconds(); s > 1 && now.Rows > firstRows {
			line += fmt.Sprintf("  %s rows/s", thousands(int64(float64(now.Rows-firstRows)/s)))
		}
		switch {
		case quiet:
		case live:
			fmt.Fprintf(a.env.Err, "\r\x1b[K%s", line)
		case now.Position.Sub(shown) >= 7*24*time.Hour || now.Ended():
			a.progress("%s", line)
			shown = now.Position
		}
		if now.Ended() {
			if live && !quiet {
				fmt.Fprintln(a.env.Err)
			}
			return a.replayed(now)
		}
		if err := pause(ctx, lookEvery); err != nil {
			if live {
				fmt.Fprintln(a.env.Err)
			}
			a.progress("%s goes on inside the server; cancel it with `trimtab replay cancel %s`", r.ID, r.ID)
			return err
		}
	}
}

func (a *application) replayed(r view.Replay) error {
	err := a.show(r, func(w io.Writer) error {
		fmt.Fprintf(w, "%s %s: %s rows, %s labels, %s failed\n", r.ID, a.state(w, r.State), thousands(r.Rows), thousands(r.Labels), thousands(r.Failed))
		if r.Reason != "" {
			fmt.Fprintln(w, r.Reason)
		}
		return nil
	})
	if err == nil && r.State != "succeeded" {
		return code(exitError)
	}
	return err
}
