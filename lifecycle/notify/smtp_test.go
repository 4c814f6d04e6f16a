package notify_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

// relay is a small SMTP server that keeps what it takes.
type relay struct {
	addr     string
	config   *tls.Config
	offer    bool // STARTTLS
	implicit bool
	refuse   string // the verb that is refused with 550

	mu    sync.Mutex
	mails []envelope
	login string
}

type envelope struct {
	from    string
	to      []string
	body    string
	secured bool
}

func newRelay(t *testing.T, w *world, offer, implicit bool) *relay {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.check(err)
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	w.check(err)
	parsed, err := x509.ParseCertificate(der)
	w.check(err)
	w.cfg.Roots = x509.NewCertPool()
	w.cfg.Roots.AddCert(parsed)
	w.restart()
	r := &relay{config: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, offer: offer, implicit: implicit}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.check(err)
	t.Cleanup(func() { l.Close() })
	r.addr = l.Addr().String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()
	return r
}

func (r *relay) serve(c net.Conn) {
	defer c.Close()
	secured := r.implicit
	if secured {
		c = tls.Server(c, r.config)
	}
	in := bufio.NewReader(c)
	say := func(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }
	say("220 relay")
	var e envelope
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		if verb == r.refuse {
			say("550 not %s\x00here", verb)
			continue
		}
		switch verb {
		case "EHLO":
			say("250-relay")
			if r.offer && !secured {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			c = tls.Server(c, r.config)
			in, secured = bufio.NewReader(c), true
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			r.mu.Lock()
			r.login = strings.ReplaceAll(string(raw), "\x00", "|")
			r.mu.Unlock()
			say("235 welcome")
		case "MAIL":
			e = envelope{from: rest, secured: secured}
			say("250 ok")
		case "RCPT":
			if strings.Contains(rest, "nobody@") {
				say("550 no such user")
				continue
			}
			e.to = append(e.to, rest)
			say("250 ok")
		case "DATA":
			say("354 go on")
			var b bytes.Buffer
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(strings.TrimPrefix(line, "."))
			}
			e.body = b.String()
			r.mu.Lock()
			r.mails = append(r.mails, e)
			r.mu.Unlock()
			say("250 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("500 what")
		}
	}
}

func (r *relay) got() []envelope {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]envelope(nil), r.mails...)
}

func (r *relay) spec(tls string) trimtab.ChannelSpec {
	return trimtab.ChannelSpec{SMTP: &trimtab.SMTPSpec{Server: r.addr, From: "Trimtab <loop@ml.example>", To: []string{"oncall@ml.example"}, TLS: tls}}
}

func TestMailIsOneThreadAnIncident(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	r := newRelay(t, w, true, false)
	spec := r.spec("")
	spec.SMTP.User, spec.SMTP.Password = "loop", &trimtab.SecretRef{Env: "MAIL"}
	w.env["MAIL"] = "mail-password"
	w.declare("mail", spec)
	i := fault("wind_speed")
	i.Cause = "wind_speed is in km/h.\n.\nBcc: evil@x.example\r\nÜber 1 609 m"
	i.Columns = []string{"wind\r\nBcc: evil@x.example"}
	w.open(i)
	w.say("mail")
	w.close(i)
	w.say("mail")
	got := r.got()
	if len(got) != 2 || !got[0].secured || r.login != "|loop|mail-password" || len(got[0].to) != 1 {
		t.Fatalf("mails %+v, login %q, deliveries %s", got, r.login, w.states("mail"))
	}
	var mails []*mail.Message
	for _, e := range got {
		m, err := mail.ReadMessage(strings.NewReader(e.body))
		w.check(err)
		mails = append(mails, m)
		if m.Header.Get("Bcc") != "" {
			t.Error("a column's name became a header")
		}
	}
	a, b := mails[0].Header, mails[1].Header
	if a.Get("References") == "" || a.Get("References") != b.Get("References") || a.Get("Message-ID") == b.Get("Message-ID") || a.Get("Message-ID") == "" {
		t.Errorf("headers %v and %v are no thread", a, b)
	}
	decoder := new(mime.WordDecoder)
	if s, err := decoder.DecodeHeader(b.Get("Subject")); err != nil || !strings.HasPrefix(s, "Re: [RESOLVED] flights: data fault") {
		t.Errorf("subject %q, %v", s, err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(mails[0].Body))
	w.check(err)
	if !strings.Contains(string(body), "\r\n.\r\nBcc: evil@x.example\r\nÜber 1 609 m\r\n") {
		t.Errorf("body %q", body)
	}
}

func TestMailIsNotSentInTheClear(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	for _, c := range []struct {
		name            string
		offer, implicit bool
		tls, refuse, to string
		wrong           bool // whom TLS trusts
		want            string
	}{
		{name: "starttls", offer: true, tls: "starttls"},
		{name: "tls", implicit: true, tls: "tls"},
		{name: "none", tls: "none"},
		{name: "no starttls", tls: "starttls", want: "offers no STARTTLS"},
		{name: "unknown certificate", offer: true, tls: "starttls", wrong: true, want: "certificate"},
		{name: "refused sender", tls: "none", refuse: "MAIL", want: "refused the sender: 550 not MAIL here"},
		{name: "refused recipient", tls: "none", refuse: "RCPT", want: "refused the recipient oncall@ml.example: 550 not RCPT here"},
		{name: "one of two recipients", tls: "none", to: "nobody@ml.example"},
		{name: "no address", tls: "none", to: "nobody", want: `the address "nobody" in to is none`},
		{name: "two addresses", tls: "none", to: "a@b.example\r\nRCPT TO:<c@d.example>", want: "in to is none"},
	} {
		r := newRelay(t, w, c.offer, c.implicit)
		r.refuse = c.refuse
		if c.wrong {
			w.cfg.Roots = x509.NewCertPool()
			w.restart()
		}
		spec := r.spec(c.tls)
		if c.to != "" {
			spec.SMTP.To = append(spec.SMTP.To, c.to)
		}
		w.declare("mail", spec)
		got, err := w.n.Test(w.ctx(), "mail")
		w.check(err)
		if got.Sent != (c.want == "") || !strings.Contains(got.Error, c.want) || len(r.got()) == 1 != got.Sent {
			t.Errorf("%s: %+v, %d mails, want %q", c.name, got, len(r.got()), c.want)
		}
		for _, e := range r.got() {
			if e.secured != (c.tls != "none") {
				t.Errorf("%s: secured %v", c.name, e.secured)
			}
		}
	}
}
