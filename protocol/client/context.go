package client

import (
	"cmp"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/trimtab/trimtab"
)

// DefaultServer is where a server listens that was told nothing else.
const DefaultServer = "http://127.0.0.1:5000"

// Target is a server and how to speak to it. From says where the address came
// from, for error messages.
type Target struct {
	Server  string            `yaml:"server"`
	Project trimtab.Workspace `yaml:"project"`
	Token   string            `yaml:"token"`
	From    string            `yaml:"-"`
}

// ContextFile is the path of the context file: TRIMTAB_CONTEXT, else
// trimtab/context.yaml in the user's configuration folder; "" when there is no such folder.
func ContextFile(getenv func(string) string) string {
	if p := getenv("TRIMTAB_CONTEXT"); p != "" {
		return p
	}
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "trimtab", "context.yaml")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "trimtab", "context.yaml")
	}
	return ""
}

// Resolve finds the target: each field from flags, else from TRIMTAB_SERVER,
// TRIMTAB_PROJECT and TRIMTAB_TOKEN, else from the context file, else its
// default. A context file that does not exist is no error.
func Resolve(flags Target, getenv func(string) string) (Target, error) {
	var file Target
	path := ContextFile(getenv)
	if path != "" {
		raw, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return Target{}, trimtab.Errorf(trimtab.Invalid, "context file", "the context file cannot be read: %v", err)
		default:
			if err := yaml.UnmarshalWithOptions(raw, &file, yaml.Strict()); err != nil {
				return Target{}, trimtab.Errorf(trimtab.Invalid, "context file", "%s: %v", path, err)
			}
		}
	}
	t := Target{
		Server:  cmp.Or(flags.Server, getenv("TRIMTAB_SERVER"), file.Server, DefaultServer),
		Project: trimtab.Workspace(cmp.Or(string(flags.Project), getenv("TRIMTAB_PROJECT"), string(file.Project), string(trimtab.DefaultWorkspace))),
		Token:   cmp.Or(flags.Token, getenv("TRIMTAB_TOKEN"), file.Token),
	}
	switch {
	case flags.Server != "":
		t.From = "--server"
	case getenv("TRIMTAB_SERVER") != "":
		t.From = "TRIMTAB_SERVER"
	case file.Server != "":
		t.From = path
	default:
		t.From = "default"
	}
	if err := t.Project.Validate(); err != nil {
		return t, err
	}
	server, err := address(t.Server)
	t.Server = server
	return t, err
}

// address completes HOST:PORT to a URL and refuses what is none.
func address(s string) (string, error) {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return s, trimtab.Errorf(trimtab.Invalid, "server", "%q is no server: expected http://HOST:PORT", s)
	}
	return strings.TrimSuffix(s, "/"), nil
}
