package notify

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/trimtab/trimtab"
)

// encode is JSON without HTML escapes.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func webhookBody(m Message) ([]byte, error) { return encode(m) }

// sign makes the signature of a webhook as the Standard Webhooks specification
// says: base64 of HMAC-SHA256 over "id.timestamp.body". A secret that begins with
// whsec_ is base64 of the key; any other is the key.
func sign(secret, id string, at int64, body []byte) (string, error) {
	key := []byte(secret)
	if coded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(coded); err != nil {
			return "", trimtab.Errorf(trimtab.Precondition, "secret", "the secret of the webhook begins with whsec_ but is not base64 after it")
		}
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.", id, at)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// slackMessage is the body of an incoming webhook, with the fields that Slack,
// Mattermost and Rocket.Chat share.
type slackMessage struct {
	Channel     string            `json:"channel,omitempty"`
	Text        string            `json:"text"`
	Attachments []slackAttachment `json:"attachments"`
}

type slackAttachment struct {
	Fallback  string `json:"fallback"`
	Color     string `json:"color"`
	Title     string `json:"title"`
	TitleLink string `json:"title_link,omitempty"`
	Text      string `json:"text"`
	Footer    string `json:"footer"`
}

// slackBody says follow-ups under the same title: an incoming webhook cannot answer in a thread.
func slackBody(m Message, channel string) ([]byte, error) {
	head := slackText(subject(m))
	color := map[trimtab.Severity]string{trimtab.Critical: "#d64545", trimtab.Warning: "#d99a1f"}[m.Severity]
	switch {
	case m.Resolved:
		color = "#3a9d5d"
	case color == "":
		color = "#4a7fb5"
	}
	if m.FollowUp {
		head = "↳ " + head
	}
	return encode(slackMessage{Channel: channel, Text: head, Attachments: []slackAttachment{{
		Fallback: head, Color: color, Title: slackText(m.Title), TitleLink: m.Link, Text: slackText(m.Text), Footer: slackText("trimtab · " + string(m.Project) + " · " + m.Group),
	}}})
}

// slackText makes text harmless: Slack reads commands such as <!channel> between
// angle brackets, Mattermost names after an @ that begins a word. An @ within a word,
// as in the id of a decision, stays fit for copying.
func slackText(s string) string {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	return mention.ReplaceAllString(s, "$1@\u200b")
}

var mention = regexp.MustCompile(`(^|[^0-9A-Za-z])@`)

// subject is the headline of a message.
func subject(m Message) string {
	mark := strings.ToUpper(string(m.Severity))
	if m.Resolved {
		mark = "RESOLVED"
	}
	s := "[" + mark + "] " + oneLine(m.Title, 200)
	if m.Project != "" && m.Project != trimtab.DefaultWorkspace {
		s += " (" + string(m.Project) + ")"
	}
	return s
}

// alert is one alert of Alertmanager's API v2 (openapi: postableAlert).
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt"`
	EndsAt       string            `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// alertOf makes an alert. Its labels are its identity, so that they hold nothing
// that changes while it lasts but the severity; the moments are those of the wall
// clock: event time may be years away from it and stands in the annotations.
func alertOf(m Message, labels map[string]string, now trimtab.Time) alert {
	a := alert{Labels: map[string]string{}, Annotations: map[string]string{}, StartsAt: now.String(), EndsAt: now.Add(firesFor).String(), GeneratorURL: m.Link}
	for k, v := range labels {
		a.Labels[k] = v
	}
	put := func(to map[string]string, k, v string) {
		if v = strings.ToValidUTF8(v, "?"); v != "" {
			to[k] = v
		}
	}
	put(a.Labels, "alertname", alertName(m.Kind))
	put(a.Labels, "severity", string(m.Severity))
	put(a.Labels, "project", string(m.Project))
	put(a.Labels, "endpoint", m.Endpoint)
	put(a.Labels, "about", m.Group)
	put(a.Annotations, "summary", m.Title)
	put(a.Annotations, "description", m.Text)
	put(a.Annotations, "begin", m.Begin.String())
	put(a.Annotations, "end", m.End.String())
	if m.Resolved {
		a.EndsAt = now.String()
	}
	return a
}

// alertName is "TrimtabDataFault" of "dataFault".
func alertName(kind string) string {
	if kind == "" {
		return "Trimtab"
	}
	return "Trimtab" + strings.ToUpper(kind[:1]) + kind[1:]
}
