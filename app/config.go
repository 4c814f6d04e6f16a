package app

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/trimtab/trimtab"
)

// Config is what a server is told. Every field comes from a flag, else from an
// environment variable, else from the configuration file, else from its default.
type Config struct {
	Listen     string // address and port
	Data       string // folder of everything that is on this machine's disk
	Database   string // file path or postgres://…; default Data/trimtab.db
	Durability string // auto | full
	PublicURL  string // what links in messages begin with; default http://LISTEN
	Prefix     string // path prefix under which a proxy shows the server
	Hosts      string // names, separated by commas, under which a proxy may address the server
	LogFormat  string // text | json
	LogLevel   string // debug | info | warn | error
	UV         string // the uv that builds Python environments; default: on PATH
	Workers    string // steps that run at once; default the number of cores
	Batch      string // rows or labels of one request of a replay

	Version string // of the program, for /version of our own API
}

// setting describes one field for flags, environment, file and help.
type setting struct {
	Name, Default, Help string
	field               func(*Config) *string
}

// Settings lists what can be configured.
var Settings = []setting{
	{"listen", "127.0.0.1:5000", "address and port to listen on; loopback only", func(c *Config) *string { return &c.Listen }},
	{"data", "trimtab-data", "folder for database, artifacts, traffic and keys", func(c *Config) *string { return &c.Data }},
	{"database", "", "file path or postgres://USER:PASSWORD@HOST:PORT/NAME (default DATA/trimtab.db)", func(c *Config) *string { return &c.Database }},
	{"durability", "auto", "auto: measured writes risk the last 100 ms on power loss; full: every commit is synced", func(c *Config) *string { return &c.Durability }},
	{"public-url", "", "what printed links begin with (default http://LISTEN)", func(c *Config) *string { return &c.PublicURL }},
	{"prefix", "", "path prefix under which a proxy shows this server", func(c *Config) *string { return &c.Prefix }},
	{"allowed-hosts", "", "names, separated by commas, that a proxy may address this server by, besides that of --public-url", func(c *Config) *string { return &c.Hosts }},
	{"log-format", "text", "text or json", func(c *Config) *string { return &c.LogFormat }},
	{"log-level", "info", "debug, info, warn or error", func(c *Config) *string { return &c.LogLevel }},
	{"uv", "", "the uv that builds Python environments (default: uv on PATH)", func(c *Config) *string { return &c.UV }},
	{"workers", "", "pipeline steps that run at once (default: the number of cores)", func(c *Config) *string { return &c.Workers }},
	{"replay-batch", "500", "rows, or labels, of one request of a replay; what is found does not depend on it", func(c *Config) *string { return &c.Batch }},
}

// Origin says where a setting's value came from. A password in the value is left out.
type Origin struct{ Name, Value, From string }

// Resolve gathers the configuration: flags (only those given) over environment
// (TRIMTAB_LISTEN, …) over the YAML file over defaults.
func Resolve(file string, flags map[string]string, getenv func(string) string) (Config, []Origin, error) {
	var cfg Config
	fromFile := map[string]string{}
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return cfg, nil, trimtab.Errorf(trimtab.Invalid, "configuration", "the configuration file cannot be read: %v", err)
		}
		if err := yaml.Unmarshal(raw, &fromFile); err != nil {
			return cfg, nil, trimtab.Errorf(trimtab.Invalid, "configuration", "%s: %v", file, err)
		}
		for name := range fromFile {
			if !known(name) {
				return cfg, nil, trimtab.Errorf(trimtab.Invalid, "configuration", "%s: unknown setting %q; there are %s", file, name, names())
			}
		}
	}
	var origins []Origin
	for _, s := range Settings {
		env := "TRIMTAB_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
		value, from := s.Default, "default"
		if v, ok := fromFile[s.Name]; ok {
			value, from = v, file
		}
		if v := getenv(env); v != "" {
			value, from = v, env
		}
		if v, ok := flags[s.Name]; ok {
			value, from = v, "--"+s.Name
		}
		*s.field(&cfg) = value
		origins = append(origins, Origin{s.Name, withoutSecrets(value), from})
	}
	return cfg, origins, cfg.check()
}

// withoutSecrets is a value as it may be shown.
func withoutSecrets(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		if strings.Contains(value, "://") {
			return "(not shown: it does not parse and may hold a password)"
		}
		return value
	}
	if u.Scheme == "" {
		return value
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

func known(name string) bool {
	for _, s := range Settings {
		if s.Name == name {
			return true
		}
	}
	return false
}

func names() string {
	var all []string
	for _, s := range Settings {
		all = append(all, s.Name)
	}
	return strings.Join(all, ", ")
}

func (c *Config) check() error {
	invalid := func(name, format string, args ...any) error {
		return trimtab.Errorf(trimtab.Invalid, name, "%s: %s", name, fmt.Sprintf(format, args...))
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return invalid("listen", "%q is no address: expected HOST:PORT such as 127.0.0.1:5000", c.Listen)
	}
	if !isLoopback(host) {
		return invalid("listen", "%q can be reached from other machines, and this version has no access control: listen on 127.0.0.1 and put a proxy that authenticates before it", c.Listen)
	}
	switch c.Durability {
	case "auto", "full":
	default:
		return invalid("durability", "%q: expected auto or full", c.Durability)
	}
	switch c.LogFormat {
	case "text", "json":
	default:
		return invalid("log-format", "%q: expected text or json", c.LogFormat)
	}
	if n, err := strconv.Atoi(c.Batch); err != nil || n < 1 || n > maxBatch {
		return invalid("replay-batch", "%q: expected a number from 1 to %d", c.Batch, maxBatch)
	}
	if c.Prefix != "" {
		c.Prefix = "/" + strings.Trim(c.Prefix, "/")
	}
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		return err
	}
	if c.Database == "" {
		c.Database = filepath.Join(c.Data, "trimtab.db")
	}
	if scheme, _, is := strings.Cut(c.Database, "://"); is && scheme != "postgres" && scheme != "postgresql" && scheme != "sqlite" {
		return invalid("database", "there is no database of the kind %q: expected a file path for SQLite or postgres://USER:PASSWORD@HOST:PORT/NAME", scheme)
	}
	return nil
}

// maxBatch keeps a request of a replay well below what a request may have.
const maxBatch = 10_000

// batch is the checked size of a replay's requests.
func (c *Config) batch() int {
	n, _ := strconv.Atoi(c.Batch)
	return n
}

// hosts are the names that requests may be addressed to besides the loopback's.
func (c *Config) hosts() []string {
	var out []string
	for h := range strings.SplitSeq(c.Hosts, ",") {
		if h = strings.TrimSpace(h); h != "" {
			out = append(out, h)
		}
	}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Hostname() != "" {
		out = append(out, u.Hostname())
	}
	return out
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
