package route

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// guard refuses requests that a web page elsewhere has made a browser send. A
// foreign Host is how DNS rebinding shows itself, a foreign Origin is how
// forged writes do; neither needs credentials on the loopback interface.
type guard struct {
	any   bool
	hosts []string
}

func newGuard(hosts []string) *guard {
	g := &guard{}
	for _, h := range hosts {
		if h == "*" {
			g.any = true
		}
		g.hosts = append(g.hosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	return g
}

func (g *guard) check(r *http.Request) error {
	if !g.allowed(r.Host) {
		return trimtab.Errorf(trimtab.Denied, "host", "this server does not answer to the name %q; if it should, start it with --allowed-hosts or --public-url", r.Host)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" {
			return trimtab.Errorf(trimtab.Denied, "origin", "a page of another site may not write to this server")
		}
		return nil
	}
	u, err := url.Parse(origin)
	if err == nil && u.Host != "" && (strings.EqualFold(u.Host, r.Host) || g.listed(u.Hostname())) {
		return nil
	}
	return trimtab.Errorf(trimtab.Denied, "origin", "a page of %q may not write to this server", origin)
}

// allowed reports whether the server answers to a Host header.
func (g *guard) allowed(hostport string) bool {
	if g.any {
		return true
	}
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(host, "."), "["), "]")
	return loopback(host) || g.listed(host)
}

func (g *guard) listed(host string) bool {
	return slices.Contains(g.hosts, strings.ToLower(host))
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
