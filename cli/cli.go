package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/spec"
	"github.com/trimtab/trimtab/protocol/client"
)

// Exit codes. Commands that have more of their own say so in their help.
const (
	exitOK          = 0
	exitError       = 1
	exitChanges     = 2 // plan: there are changes; status: something needs attention
	exitUnsupported = 3 // predict: the model or request is not served natively
)

// Version is that of the program; the build sets it.
var Version = "dev"

// Env is the world of a command: streams and environment as values, so that
// tests decide them.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Version  string
}

// Main runs the program with the process's own world and returns its exit code.
// The first interrupt ends the command gracefully, the second at once.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second signal has its usual effect
	}()
	return Run(ctx, args, Env{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Version: Version})
}

// Run runs one command and returns its exit code.
func Run(ctx context.Context, args []string, env Env) int {
	a := &application{env: env}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	err := root.ExecuteContext(ctx)
	return a.finish(ctx, err)
}

// application is what all commands share: the flags of the root and the streams.
type application struct {
	env Env

	server, project, token string
	output                 string
	noColor                bool
}

// code ends a command with an exit code and without a message.
type code int

func (c code) Error() string { return fmt.Sprintf("exit %d", int(c)) }

// usage is an error of how the command was called.
type usage struct{ error }

func (a *application) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "trimtab",
		Short: "Run the whole life of machine-learning models: train, serve, watch, decide",
		Long: `trimtab runs the whole life of machine-learning models in production, as one program.

Start a server, declare what there should be, and let it run:

  trimtab server                         start a server with its data in ./trimtab-data
  trimtab init my-model                  write a commented starter folder
  trimtab plan my-model                  say what an apply would do
  trimtab apply my-model                 make it so
  trimtab pipeline run train --follow    train a model
  trimtab status                         see everything on one screen

Commands find the server by --server, TRIMTAB_SERVER, the context file
(~/.config/trimtab/context.yaml with server, project, token), then ` + client.DefaultServer + `.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       a.env.Version,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			switch a.output {
			case "", "table", "wide", "json", "yaml":
				return nil
			}
			return usage{fmt.Errorf("output %q: expected table, wide, json or yaml", a.output)}
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.server, "server", "", "address of the server (default "+client.DefaultServer+")")
	f.StringVar(&a.project, "project", "", "project to work in (default \"default\")")
	f.StringVar(&a.token, "token", "", "token that says who calls; better given in TRIMTAB_TOKEN")
	f.StringVarP(&a.output, "output", "o", "", "how to print: table, wide, json or yaml")
	f.BoolVar(&a.noColor, "no-color", false, "print without colours")
	root.SetVersionTemplate("trimtab {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	root.AddGroup(&cobra.Group{ID: "declare", Title: "Declare:"}, &cobra.Group{ID: "run", Title: "Run and look:"}, &cobra.Group{ID: "serve", Title: "Serve:"}, &cobra.Group{ID: "tell", Title: "Other:"})
	group := func(id string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = id
			root.AddCommand(c)
		}
	}
	group("declare", a.initCommand(), a.validateCommand(), a.planCommand(), a.applyCommand(), a.getCommand(), a.deleteCommand(), a.renderCommand(), a.schemaCommand())
	group("run", a.statusCommand(), a.pipelineCommand(), a.runCommand(), a.modelCommand(), a.endpointCommand(), a.replayCommand(), a.monitorCommand(), a.timelineCommand(), a.decisionsCommand(), a.incidentsCommand(), a.rolloutCommand(), a.loopCommand(), a.driftCommand(), a.dataCommand(), a.gateCommand(), a.labelsCommand(), a.predictCommand(), a.channelCommand())
	group("run", a.adviseCommand(), a.retrainCommand())
	group("serve", a.serverCommand())
	group("tell", a.auditCommand(), a.journalCommand(), a.versionCommand())
	root.AddCommand(a.shimCommand())
	root.SetHelpCommandGroupID("tell")
	root.SetCompletionCommandGroupID("tell")
	return root
}

// client finds the server.
func (a *application) client() (*client.Client, error) {
	t, err := client.Resolve(client.Target{Server: a.server, Project: trimtab.Workspace(a.project), Token: a.token}, a.env.Getenv)
	if err != nil {
		return nil, err
	}
	return client.New(t, nil), nil
}

// finish prints the error of a command and finds the exit code.
func (a *application) finish(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	if c, ok := errors.AsType[code](err); ok {
		return int(c)
	}
	if ds, ok := errors.AsType[spec.Diagnostics](err); ok {
		_ = ds.Write(a.env.Err)
		fmt.Fprintf(a.env.Err, "\n%s\n", counted(ds.Errors(), "error"))
		return exitError
	}
	if ctx.Err() != nil && trimtab.IsKind(err, trimtab.Canceled) {
		return 130 // as a shell reports an interrupted command
	}
	text := err.Error()
	if trimtab.KindOf(err) != trimtab.Internal {
		text = trimtab.Message(err)
	}
	fmt.Fprintf(a.env.Err, "%s %s\n", a.paint(a.env.Err, red, "error:"), text)
	if u, ok := errors.AsType[usage](err); ok && !strings.Contains(u.Error(), "--help") {
		fmt.Fprintln(a.env.Err, "See `trimtab COMMAND --help` for arguments and examples.")
	}
	if trimtab.IsKind(err, trimtab.Unsupported) && errors.As(err, new(unsupportedRequest)) {
		return exitUnsupported
	}
	return exitError
}

// terminal reports whether a stream is a terminal.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// exactly checks the number of arguments and names those that are missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usage{fmt.Errorf("%s is missing: `%s`", strings.Join(names[len(args):], " and "), cmd.UseLine())}
		case len(args) > len(names):
			return usage{fmt.Errorf("%q is one argument too many: `%s`", args[len(names)], cmd.UseLine())}
		}
		return nil
	}
}

// some checks that there is at least one argument.
func some(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage{fmt.Errorf("%s is missing: `%s`", name, cmd.UseLine())}
		}
		return nil
	}
}

// needsSubcommand is the run of a command that only has subcommands.
func needsSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		var names []string
		for _, c := range cmd.Commands() {
			if !c.Hidden {
				names = append(names, c.Name())
			}
		}
		return usage{fmt.Errorf("%s knows no %q: expected %s", cmd.CommandPath(), args[0], strings.Join(names, ", "))}
	}
	return cmd.Help()
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
