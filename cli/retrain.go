package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/retrain"
)

func (a *application) retrainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "retrain",
		Short: "Look ahead: what a changed policy would do",
		Args:  cobra.ArbitraryArgs,
		RunE:  needsSubcommand,
	}
	cmd.AddCommand(a.retrainSimulateCommand())
	return cmd
}

func (a *application) retrainSimulateCommand() *cobra.Command {
	var file, name, monitor, since, until string
	cmd := &cobra.Command{
		Use:   "simulate --policy FILE --since TIME",
		Short: "Replay recorded windows through a changed policy",
		Long: `Walk a RetrainPolicy of a file, which need not be declared, through windows that the server
has recorded, as mode auto would: retrains, cost, quality and false alarms beside what
happened. Nothing is trained and nothing is changed.

A retrain takes the version that was trained at that moment, if there is one: its quality
is measured. Else a probe estimates it, and what follows from it is marked as estimated.
A false alarm is a change that did not help, or a challenger that was rejected.`,
		Example: `  trimtab retrain simulate --policy policy.yaml --since 2013-03-01
  trimtab retrain simulate --policy flights.yaml --name flights --since 2013-03-01 --until 2013-10-01 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" || since == "" {
				return usage{fmt.Errorf("--policy FILE and --since TIME are needed: `%s`", cmd.UseLine())}
			}
			q := retrain.Replay{Monitor: monitor}
			var err error
			if q.Since, err = trimtab.ParseTime(since); err != nil {
				return err
			}
			if until != "" {
				if q.Until, err = trimtab.ParseTime(until); err != nil {
					return err
				}
			}
			if q.Policy, q.Spec, err = a.policyIn(file, name); err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			out, err := c.Simulate(cmd.Context(), q, func(done, of int) {
				if done == of || done%10 == 0 {
					a.progress("read %d of %s", done, counted(of, "window"))
				}
			})
			if err != nil {
				return err
			}
			return a.show(out, func(w io.Writer) error {
				_, err := io.WriteString(w, out.Text())
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "policy", "", "file that declares the RetrainPolicy")
	f.StringVar(&name, "name", "", "which one, when the file declares several")
	f.StringVar(&monitor, "monitor", "", "monitor whose windows are replayed (default: the policy's)")
	f.StringVar(&since, "since", "", "windows from here on")
	f.StringVar(&until, "until", "", "windows that end by then (default: all)")
	return cmd
}

// policyIn finds the RetrainPolicy of a file.
func (a *application) policyIn(file, name string) (string, json.RawMessage, error) {
	set, ds := a.load([]string{file})
	if ds.HasErrors() {
		return "", nil, ds
	}
	a.warn(ds)
	var names []string
	found, spec := "", json.RawMessage(nil)
	for _, r := range set.Resources() {
		if r.Kind != trimtab.KindRetrainPolicy {
			continue
		}
		names = append(names, r.Name)
		if name == "" || r.Name == name {
			found, spec = r.Name, r.Spec
		}
	}
	switch {
	case len(names) == 0:
		return "", nil, usage{fmt.Errorf("--policy %s declares no RetrainPolicy", file)}
	case name == "" && len(names) > 1:
		return "", nil, usage{fmt.Errorf("--policy %s declares several: say --name, one of %s", file, strings.Join(names, ", "))}
	case found == "":
		return "", nil, usage{fmt.Errorf("--name %s: %s declares %s", name, file, strings.Join(names, ", "))}
	}
	return found, spec, nil
}
