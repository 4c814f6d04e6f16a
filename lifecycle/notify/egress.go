package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/trimtab/trimtab"
)

// maxAnswer is how much of a receiver's answer is read.
const maxAnswer = 64 << 10

// egress is the one way out of the server to addresses that people declare.
type egress struct {
	dialer  net.Dialer
	tls     *tls.Config
	http    *http.Client
	timeout time.Duration
}

func newEgress(timeout time.Duration, roots *x509.CertPool) *egress {
	e := &egress{timeout: timeout, tls: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}
	e.dialer = net.Dialer{Timeout: min(timeout, 10*time.Second), Control: allowed}
	e.http = &http.Client{
		Timeout: timeout,
		// A proxy of the environment is not used: it would dial what is refused here.
		Transport: &http.Transport{DialContext: e.dialer.DialContext, TLSClientConfig: e.tls, TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			first := via[0].URL
			switch {
			case req.URL.Host != first.Host || req.URL.Scheme != first.Scheme:
				return errors.New("it redirects to another host, which is not followed")
			case len(via) >= 3:
				return errors.New("it redirects in circles")
			}
			return nil
		},
	}
	return e
}

// forbidden are addresses behind which clouds keep credentials of the machine, outside of the link-local ones.
var forbidden = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}

// refusedAddress is what a dial to a forbidden address ends with.
type refusedAddress struct{ addr netip.Addr }

func (r *refusedAddress) Error() string {
	return fmt.Sprintf("the address %s is link-local, multicast or a cloud's metadata service: messages are not sent there", r.addr)
}

// allowed judges the address that is really dialled, after names were resolved.
func allowed(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address", address)
	}
	ip := ap.Addr().Unmap().WithZone("")
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsInterfaceLocalMulticast() {
		return &refusedAddress{ip}
	}
	for _, f := range forbidden {
		if ip == f {
			return &refusedAddress{ip}
		}
	}
	return nil
}

// post sends a body and reads the answer's status. Errors of the kind Invalid say
// that the receiver refuses this message for good; Unavailable that it may take it later.
func (e *egress) post(ctx context.Context, target string, header http.Header, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, "POST", target, strings.NewReader(string(body)))
	if err != nil {
		return trimtab.Errorf(trimtab.Unavailable, "receiver", "the address is none that can be called")
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "trimtab")
	res, err := e.http.Do(req)
	if err != nil {
		return unreachable(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return nil
	}
	text := fmt.Sprintf("the receiver answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	if said := oneLine(string(raw), 200); err == nil && said != "" {
		text += ": " + said
	}
	switch res.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return trimtab.Errorf(trimtab.Invalid, "receiver", "%s", text)
	}
	later := trimtab.Errorf(trimtab.Unavailable, "receiver", "%s", text)
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		later.RetryAfter = min(time.Duration(min(s, 3600))*time.Second, time.Hour)
	}
	return later
}

// unreachable is the error of a connection. The address stays out of it: with some receivers it is the secret.
func unreachable(err error) *trimtab.Error {
	if r, ok := errors.AsType[*refusedAddress](err); ok {
		return trimtab.Errorf(trimtab.Unavailable, "receiver", "%s", r.Error())
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		err = op.Err
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return trimtab.Errorf(trimtab.Unavailable, "receiver", "the receiver's host cannot be resolved: %s", dns.Err)
	}
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return trimtab.Errorf(trimtab.Unavailable, "receiver", "the receiver did not answer in time")
	}
	return trimtab.Errorf(trimtab.Unavailable, "receiver", "the receiver cannot be reached: %s", oneLine(err.Error(), 200))
}

// oneLine is foreign text made fit for a message: one line without control characters, of at most n runes.
func oneLine(s string, n int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if r := []rune(s); len(r) > n {
		s = string(r[:n]) + "…"
	}
	return s
}
