// Command trimtab runs the whole life of machine-learning models in production:
// it is the server, the command line, and the shim that runs one attempt of a
// pipeline step, in one static binary. It owns nothing but the process and its
// exit code. Everything it does is in package cli, and it refuses to know more.
package main

import (
	"os"

	"github.com/trimtab/trimtab/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
