package cli

import (
	"context"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/protocol/client"
)

// completeWithin bounds how long a shell waits for a completion.
const completeWithin = 2 * time.Second

// completes lets a shell complete the only argument of a command with names that the
// server knows. A server that cannot be reached completes nothing.
func (a *application) completes(names func(ctx context.Context, c *client.Client) ([]string, error)) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, cancel := context.WithTimeout(ctx, completeWithin)
		defer cancel()
		c, err := a.client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all, err := names(ctx, c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []string
		for _, name := range all {
			if strings.HasPrefix(name, typed) {
				out = append(out, name)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// wrapped breaks text into lines of at most width columns, between words; a longer
// word has a line of its own.
func wrapped(text string, width int) []string {
	var lines []string
	line, used := "", 0
	for word := range strings.FieldsSeq(text) {
		n := lipgloss.Width(word)
		if used > 0 && used+1+n > width {
			lines = append(lines, line)
			line, used = "", 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	return append(lines, line)
}

// clipped is the beginning of a text that fits in width columns, up to a whole word.
func clipped(text string, width int) string {
	lines := wrapped(text, width-1)
	if len(lines) > 1 {
		return lines[0] + "…"
	}
	return lines[0]
}
