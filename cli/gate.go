package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/client"
)

// Exit codes of gate besides 0 and 1.
const (
	exitNotPassed    = 2
	exitInsufficient = 3
)

// askEvery is how often a gate that waits for data asks again.
const askEvery = 2 * time.Second

func (a *application) gateCommand() *cobra.Command {
	var q client.Evaluate
	var wait, allow bool
	cmd := &cobra.Command{
		Use:   "gate models:/NAME/VERSION",
		Short: "Ask whether a version may serve",
		Long: `Evaluate a version with an EvaluationSuite: in pairs with the version that serves, on
the newest rows with mature labels that it has not learnt from. Without --suite the
only suite that is declared for the model is taken; a model without one is judged by
the built-in suite, over the rows of --monitor.

Of one suite, version and moment there is one evaluation, which is kept: asking twice
gives the same, --again evaluates anew.

Exit code 0: it passed. 2: it did not, or is borderline (which --allow-borderline lets
pass). 3: there is not enough data to know. 1: error.`,
		Example: `  trimtab gate models:/flights/3
  trimtab gate models:/flights@challenger --suite flights --at 2013-03-08
  trimtab gate models:/flights/3 --wait -o json
  trimtab gate list flights`,
		Args: exactly("models:/NAME/VERSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			if q.Model, q.Version, err = modelVersion(cmd.Context(), c, args[0]); err != nil {
				return err
			}
			if wait && q.At != "" {
				return usage{fmt.Errorf("--wait waits for windows to come, --at asks about a moment that is past: give one of them")}
			}
			e, err := a.evaluate(cmd.Context(), c, q, wait)
			if err != nil {
				return err
			}
			if err := a.show(e, func(w io.Writer) error { return a.writeEvaluation(w, e) }); err != nil {
				return err
			}
			switch {
			case e.Verdict == trimtab.VerdictPass, e.Verdict == trimtab.VerdictBorderline && allow:
				return nil
			case e.Verdict == trimtab.VerdictInsufficient:
				return code(exitInsufficient)
			}
			return code(exitNotPassed)
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.Suite, "suite", "", "EvaluationSuite to evaluate with")
	f.StringVar(&q.Monitor, "monitor", "", "monitor whose rows the built-in suite takes")
	f.StringVar(&q.At, "at", "", "rows and labels known by this moment (default: when the newest window had matured)")
	f.BoolVar(&q.Again, "again", false, "evaluate anew what was evaluated before")
	f.BoolVar(&wait, "wait", false, "wait until there is enough data")
	f.BoolVar(&allow, "allow-borderline", false, "exit with 0 when the result is borderline")
	cmd.AddCommand(a.gateListCommand(), a.gateShowCommand())
	return cmd
}

// evaluate asks, with wait until there is enough data: what is not ready yet may become so.
func (a *application) evaluate(ctx context.Context, c *client.Client, q client.Evaluate, wait bool) (trimtab.Evaluation, error) {
	for told := ""; ; {
		e, err := c.Evaluate(ctx, q)
		why := ""
		switch {
		case trimtab.IsKind(err, trimtab.Precondition):
			why = trimtab.Message(err)
		case err == nil && e.Verdict == trimtab.VerdictInsufficient:
			why = e.Reason
		}
		if !wait || why == "" {
			return e, err
		}
		if why != told {
			a.progress("waiting: %s", why)
			told = why
		}
		if err := pause(ctx, askEvery); err != nil {
			return e, err
		}
		q.Again = false // a later window is another evaluation
	}
}

func (a *application) gateListCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:     "list [MODEL]",
		Aliases: []string{"ls"},
		Short:   "List evaluations, newest first",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Evaluations(cmd.Context(), trimtab.ModelName(strings.Join(args, "")), limit)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) error {
				g := grid{head: []string{"EVALUATION", "AGAINST#", "ROWS#", "VERDICT", "REASON"}}
				for _, e := range all {
					g.add(e.ID, versionText(e.Against), thousands(e.Rows+e.Golden), e.Verdict, e.Reason)
				}
				return a.table(w, g, "Nothing was evaluated yet: trimtab gate models:/NAME/VERSION")
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}

func (a *application) gateShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show EVALUATION",
		Short:   "Show an evaluation",
		Example: `  trimtab gate show flights/flights/3@2013-03-08T00:00:00Z`,
		Args:    exactly("EVALUATION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			e, err := c.Evaluation(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(e, func(w io.Writer) error { return a.writeEvaluation(w, e) })
		},
	}
}

// modelVersion reads models:/NAME/VERSION or models:/NAME@ALIAS.
func modelVersion(ctx context.Context, c *client.Client, text string) (trimtab.ModelName, trimtab.Version, error) {
	rest, ok := strings.CutPrefix(text, "models:/")
	wrong := usage{fmt.Errorf("%q: expected models:/NAME/VERSION or models:/NAME@ALIAS", text)}
	if !ok {
		return "", 0, wrong
	}
	rest = strings.TrimPrefix(rest, "/")
	if name, alias, ok := strings.Cut(rest, "@"); ok {
		m, err := c.Model(ctx, trimtab.ModelName(name))
		if err != nil {
			return "", 0, err
		}
		version := m.Aliases[trimtab.Alias(alias)]
		if version == 0 {
			return "", 0, trimtab.Errorf(trimtab.NotFound, "model "+name, "model %s has no alias %q: it has %s", name, alias, dash(aliasText(m.Aliases)))
		}
		return trimtab.ModelName(name), version, nil
	}
	i := strings.LastIndexByte(rest, '/')
	n, err := strconv.ParseInt(rest[i+1:], 10, 64)
	if i < 1 || err != nil || n < 1 {
		return "", 0, wrong
	}
	return trimtab.ModelName(rest[:i]), trimtab.Version(n), nil
}

// verdictColours paint verdicts on a terminal.
var verdictColours = map[string]colour{trimtab.VerdictPass: green, trimtab.VerdictFail: red, trimtab.VerdictBorderline: yellow, trimtab.VerdictInsufficient: yellow}

// writeEvaluation prints the demands as a table, then the verdict.
func (a *application) writeEvaluation(w io.Writer, e trimtab.Evaluation) error {
	against := "with nothing to compare"
	if e.Against != 0 {
		against = "against version " + versionText(e.Against)
	}
	fmt.Fprintf(w, "%s version %d %s, as known by %s\n", e.Model, e.Version, against, e.At)
	if e.From != 0 {
		fmt.Fprintf(w, "fresh rows from %s to %s\n", e.From, e.To)
	}
	fmt.Fprintln(w)
	g := grid{head: []string{"GATE", "ON", "ROWS#", "CHALLENGER#", "SERVES#", "BETTER BY", "VERDICT", "WHY"}}
	number := func(v float64, there bool) string {
		if !there {
			return "-"
		}
		return strconv.FormatFloat(v, 'f', 4, 64)
	}
	for _, r := range e.Results {
		name := r.Gate
		if r.Slice != "" {
			name += " (" + r.Slice + ")"
		}
		better := "-"
		if r.Lo != 0 || r.Hi != 0 || r.StdErr != 0 {
			better = fmt.Sprintf("%+.4f [%+.4f, %+.4f]", r.Diff, r.Lo, r.Hi)
		}
		measured := r.Metric != "schema" && r.Rows > 0 && r.Verdict != trimtab.VerdictInsufficient
		g.add(name, r.On, thousands(r.Rows), number(r.Challenger, measured), number(r.Champion, measured && r.Metric != "latency_ms" && e.Against != 0), better, r.Verdict, r.Why)
	}
	if err := a.table(w, g, "no demand was judged"); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s: %s\n", a.paint(w, verdictColours[e.Verdict], e.Verdict), e.Reason)
	return err
}
