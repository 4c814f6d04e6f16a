package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
)

func (a *application) channelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "channel",
		Short: "See whether people are told: test channels, list messages",
		RunE:  needsSubcommand,
	}
	cmd.AddCommand(a.channelTestCommand(), a.channelDeliveriesCommand())
	return cmd
}

func (a *application) channelTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test NAME",
		Short: "Send a test message to a channel",
		Long: `Send a test message to a channel at once, past its filters, and say what the
receiver answered.

Exit code 0: the receiver took it. 2: it did not. 1: error.`,
		Example: `  trimtab channel test oncall`,
		Args:    exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			t, err := c.TestChannel(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			err = a.show(t, func(w io.Writer) error {
				if t.Sent {
					_, err := fmt.Fprintf(w, "%s: the receiver took the test message, after %s\n", a.paint(w, green, t.Channel), t.Took)
					return err
				}
				_, err := fmt.Fprintf(w, "%s: not sent: %s\n", a.paint(w, red, t.Channel), t.Error)
				return err
			})
			if err == nil && !t.Sent {
				return code(exitChanges)
			}
			return err
		},
	}
}

func (a *application) channelDeliveriesCommand() *cobra.Command {
	var failed, pending bool
	var limit int
	cmd := &cobra.Command{
		Use:     "deliveries [CHANNEL]",
		Aliases: []string{"list", "ls"},
		Short:   "List messages to channels, newest first",
		Example: `  trimtab channel deliveries
  trimtab channel deliveries oncall --failed`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			state := ""
			switch {
			case failed && pending:
				return usage{fmt.Errorf("a message is either failed or pending: give one of --failed and --pending")}
			case failed:
				state = trimtab.DeliveryFailed
			case pending:
				state = trimtab.DeliveryPending
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Deliveries(cmd.Context(), strings.Join(args, ""), state, limit)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) error {
				g := grid{head: []string{"CREATED", "CHANNEL", "EVENT", "STATE", "TRIES#", "TITLE"}}
				if a.wide() || failed {
					g.head = append(g.head, "ERROR")
				}
				for _, d := range all {
					row := []string{d.Created.String(), d.Channel, d.Event, d.State, strconv.Itoa(d.Tries), d.Title}
					if a.wide() || failed {
						row = append(row, dash(d.Error))
					}
					g.add(row...)
				}
				return a.table(w, g, "No messages: declare a Channel to be told of incidents, decisions and rollouts.")
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&failed, "failed", false, "only those that were refused or given up")
	f.BoolVar(&pending, "pending", false, "only those that wait to be sent")
	f.IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}
