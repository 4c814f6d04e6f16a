package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"

	"github.com/trimtab/trimtab"
)

// mailBytes is a message as mail. All messages of a group refer to one root, so
// that mail programs show them as one thread; sending again is the same Message-ID.
func mailBytes(m Message, s *trimtab.SMTPSpec) ([]byte, error) {
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Precondition, "channel "+m.Channel, "the address %q in from is none", s.From)
	}
	to, err := recipients(s)
	if err != nil {
		return nil, err
	}
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	var b bytes.Buffer
	head := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	head("From", from.String())
	var shown []string
	for _, a := range to {
		shown = append(shown, a.String())
	}
	head("To", strings.Join(shown, ",\r\n "))
	title := subject(m)
	if m.FollowUp {
		title = "Re: " + title
	}
	if coded := mime.QEncoding.Encode("utf-8", title); coded != title {
		title = strings.ReplaceAll(coded, " ", "\r\n ") // one encoded word a line
	}
	head("Subject", title)
	head("Date", m.Time.Go().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	head("Message-ID", "<"+m.ID+"@"+domain+">")
	root := sha256.Sum256([]byte(string(m.Project) + "\x00" + m.Group))
	head("References", "<group_"+hex.EncodeToString(root[:16])+"@"+domain+">")
	head("Auto-Submitted", "auto-generated")
	head("MIME-Version", "1.0")
	head("Content-Type", "text/plain; charset=utf-8")
	head("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	body := m.Title + "\n\n" + m.Text + "\n"
	if m.Link != "" {
		body += "\n" + m.Link + "\n"
	}
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ReplaceAll(strings.ReplaceAll(body, "\r", ""), "\n", "\r\n"))); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

func recipients(s *trimtab.SMTPSpec) ([]*mail.Address, error) {
	var out []*mail.Address
	for _, t := range s.To {
		a, err := mail.ParseAddress(t)
		if err != nil {
			return nil, trimtab.Errorf(trimtab.Precondition, "channel", "the address %q in to is none", t)
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, trimtab.Errorf(trimtab.Precondition, "channel", "the channel has nobody in to")
	}
	return out, nil
}
