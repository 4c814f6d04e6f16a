package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"time"

	"github.com/trimtab/trimtab"
)

// mail sends a message by SMTP. Without "none" nothing is sent in the clear: a
// server that offers no STARTTLS is an error, not a reason to go on without.
func (p *pass) mail(ctx context.Context, s *trimtab.SMTPSpec, m Message) (err error) {
	body, err := mailBytes(m, s)
	if err != nil {
		return err
	}
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		return err
	}
	to, err := recipients(s)
	if err != nil {
		return err
	}
	password, err := p.secret(s.Password)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(s.Server)
	if err != nil {
		return trimtab.Errorf(trimtab.Precondition, "channel "+p.name, "%q is no server: expected HOST:PORT", s.Server)
	}
	defer func() { err = clean(smtpError(err), password) }()
	c, err := p.connect(ctx, s, host)
	if err != nil {
		return err
	}
	defer c.Close()
	if s.User != "" {
		if _, secure := c.TLSConnectionState(); !secure && !loopback(host) {
			return trimtab.Errorf(trimtab.Unavailable, "receiver", "the password would be sent in the clear: use tls: starttls or tls")
		}
		if err := c.Auth(smtp.PlainAuth("", s.User, password, host)); err != nil {
			return atStage("refused the login", false, err)
		}
	}
	if err := c.Mail(from.Address); err != nil {
		return atStage("refused the sender", false, err)
	}
	taken := 0
	var refusal error
	for _, a := range to {
		if err := c.Rcpt(a.Address); err != nil {
			refusal = atStage("refused the recipient "+a.Address, true, err)
			continue
		}
		taken++
	}
	if taken == 0 {
		return refusal
	}
	if refusal != nil {
		p.cfg.Log.WarnContext(ctx, "a recipient was refused", "project", p.ws, "channel", p.name, "reason", trimtab.Message(refusal))
	}
	w, err := c.Data()
	if err != nil {
		return atStage("refused the message", true, err)
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return atStage("refused the message", true, err)
	}
	_ = c.Quit() // the message is the server's already
	return nil
}

func (p *pass) connect(ctx context.Context, s *trimtab.SMTPSpec, host string) (*smtp.Client, error) {
	plain, err := p.out.dialer.DialContext(ctx, "tcp", s.Server)
	if err != nil {
		return nil, err
	}
	// The context has the deadline of the attempt; SMTP knows connections only.
	context.AfterFunc(ctx, func() { _ = plain.SetDeadline(time.Unix(1, 0)) })
	conn := plain
	config := p.out.tls.Clone()
	config.ServerName = host
	if s.TLS == "tls" {
		conn = tls.Client(conn, config)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		plain.Close()
		return nil, err
	}
	if s.TLS == "starttls" {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			c.Close()
			return nil, trimtab.Errorf(trimtab.Unavailable, "receiver", "the mail server offers no STARTTLS: use tls: tls, or none for a server that you trust the way to")
		}
		if err := c.StartTLS(config); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// atStage says what the server did. For good says that an answer 5xx there is about
// the message, so that trying again is of no use.
func atStage(what string, forGood bool, err error) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return err
	}
	kind := trimtab.Unavailable
	if forGood && answer.Code >= 500 {
		kind = trimtab.Invalid
	}
	return trimtab.Errorf(kind, "receiver", "the mail server %s: %d %s", what, answer.Code, oneLine(answer.Msg, 200))
}

// smtpError gives every error a kind.
func smtpError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(*trimtab.Error); ok {
		return err
	}
	return unreachable(err)
}
