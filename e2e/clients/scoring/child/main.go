// Command child makes a recalibrated version of a model folder in place, as the
// server makes one when a policy decides so: for the tests of clients, which load
// it with MLflow and compare. It owns nothing and changes the folder that it is
// given alone. It refuses what the server refuses: models that are not served
// natively, and numbers that their scores do not take.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/trimtab/trimtab/lifecycle/serve"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: child FOLDER logit|linear A B")
	}
	c := serve.Calibration{Kind: args[1], Parent: "parent/1"}
	for i, into := range []*float64{&c.A, &c.B} {
		v, err := strconv.ParseFloat(args[2+i], 64)
		if err != nil {
			return err
		}
		*into = v
	}
	files, err := serve.Child(context.Background(), serve.Folder(args[0]), c)
	if err != nil {
		return err
	}
	for path, body := range files {
		path = filepath.Join(args[0], filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			return err
		}
	}
	return nil
}
