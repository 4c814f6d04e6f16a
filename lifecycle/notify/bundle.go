package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// bundle is what is sent as one message: the open deliveries of one channel about
// one thing, the oldest first.
type bundle []trimtab.Delivery

// bundles orders open deliveries for sending: those that were tried least come
// first, so that a message that never gets through holds up no other; then the oldest.
func bundles(open []trimtab.Delivery) []bundle {
	open = slices.Clone(open)
	slices.SortFunc(open, func(a, b trimtab.Delivery) int {
		return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.ID, b.ID))
	})
	place := map[string]int{}
	var out []bundle
	for _, d := range open {
		i, ok := place[d.Group]
		if !ok {
			i = len(out)
			place[d.Group] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], d)
	}
	slices.SortStableFunc(out, func(a, b bundle) int { return cmp.Compare(a.tries(), b.tries()) })
	return out
}

func (b bundle) tries() int {
	n := 0
	for _, d := range b {
		n = max(n, d.Tries)
	}
	return n
}

// due is when the bundle may be sent: when the oldest has waited for company, or
// when the pause after the last attempt is over.
func (b bundle) due() trimtab.Time {
	first, retry := trimtab.Time(0), trimtab.Time(0)
	for _, d := range b {
		if d.Tries > 0 {
			retry = max(retry, d.NotBefore)
		} else if first == 0 {
			first = d.NotBefore
		}
	}
	if retry != 0 {
		return retry
	}
	return first
}

// message is the bundle as one message. Its id is that of the newest delivery: a
// receiver that has seen it has seen all that came before.
func (b bundle) message(ws trimtab.Workspace) Message {
	last := b[len(b)-1]
	m := Message{Project: ws, Channel: last.Channel, Group: last.Group, Event: last.Event, Kind: last.Kind, Endpoint: last.Endpoint,
		Title: b[0].Title, Link: last.Link, Resolved: last.Resolved, FollowUp: b[0].FollowUp, Begin: last.Begin, End: last.End, Time: last.Created}
	m.ID = messageID(ws, last.ID)
	var texts []string
	for _, d := range b {
		if d.Severity.AtLeast(m.Severity) {
			m.Severity = d.Severity
		}
		texts = append(texts, d.Text)
		m.Events = append(m.Events, Event{Event: d.Event, Title: d.Title, Text: d.Text, Time: d.Created})
	}
	m.Text = strings.Join(texts, "\n\n")
	return m
}

// messageID is a short id without characters that a header or a signature could stumble over.
func messageID(ws trimtab.Workspace, id string) string {
	sum := sha256.Sum256([]byte(string(ws) + "\x00" + id))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// Pauses between attempts: 5 s doubling to 15 min.
const (
	firstPause = 5 * time.Second
	maxPause   = 15 * time.Minute
)

// backoff is the pause after the n-th attempt in a row that failed, counted from 1;
// the last half is left to chance, so that messages that failed together do not
// return together.
func backoff(n int) time.Duration {
	d := maxPause
	if n < 10 {
		d = min(d, firstPause<<max(n-1, 0))
	}
	return d/2 + rand.N(d/2+1)
}
