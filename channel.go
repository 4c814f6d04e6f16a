package trimtab

import (
	"cmp"
	"time"
)

// ChannelSpec declares where people are told. Exactly one of the four is given.
type ChannelSpec struct {
	Webhook      *WebhookSpec      `json:"webhook,omitempty"`
	Slack        *SlackSpec        `json:"slack,omitempty"`
	SMTP         *SMTPSpec         `json:"smtp,omitempty"`
	Alertmanager *AlertmanagerSpec `json:"alertmanager,omitempty"`

	// MinSeverity: "info", "warning" (default) or "critical".
	MinSeverity Severity `json:"minSeverity,omitempty"`
	// Events: "incidents" "decisions" "rollouts" "approvals"; default all.
	Events []string `json:"events,omitempty"`
	// GroupWait gathers what belongs together before it is sent. Default 2s.
	GroupWait Duration `json:"groupWait,omitempty"`
	// GiveUp: after so long without success a message is dropped and counted. Default 24h.
	GiveUp Duration `json:"giveUp,omitempty"`
}

// SecretRef names a secret; its value never stands in a declaration.
type SecretRef struct {
	Env  string `json:"env,omitempty"`  // an environment variable of the server
	File string `json:"file,omitempty"` // a file of the server, below its data folder's secrets/
}

// WebhookSpec posts JSON, signed with HMAC-SHA256 when Secret is set.
type WebhookSpec struct {
	URL    string            `json:"url"`
	Secret *SecretRef        `json:"secret,omitempty"`
	Header map[string]string `json:"header,omitempty"`
}

// SlackSpec posts to a Slack-compatible incoming webhook.
type SlackSpec struct {
	URL     string     `json:"url,omitempty"`
	URLFrom *SecretRef `json:"urlFrom,omitempty"`
	Channel string     `json:"channel,omitempty"`
}

// SMTPSpec sends mail.
type SMTPSpec struct {
	Server   string     `json:"server"` // host:port
	From     string     `json:"from"`
	To       []string   `json:"to"`
	User     string     `json:"user,omitempty"`
	Password *SecretRef `json:"password,omitempty"`
	TLS      string     `json:"tls,omitempty"` // "starttls" (default) | "tls" | "none"
}

// AlertmanagerSpec posts alerts to a Prometheus Alertmanager (API v2).
type AlertmanagerSpec struct {
	URL    string            `json:"url"`
	Labels map[string]string `json:"labels,omitempty"`
}

// WithDefaults fills in what the spec leaves out.
func (s ChannelSpec) WithDefaults() ChannelSpec {
	s.MinSeverity = cmp.Or(s.MinSeverity, Warning)
	s.GroupWait = cmp.Or(s.GroupWait, Duration(2*time.Second))
	s.GiveUp = cmp.Or(s.GiveUp, Duration(24*time.Hour))
	if len(s.Events) == 0 {
		s.Events = []string{"incidents", "decisions", "rollouts", "approvals"}
	}
	if s.SMTP != nil {
		smtp := *s.SMTP
		smtp.TLS = cmp.Or(smtp.TLS, "starttls")
		s.SMTP = &smtp
	}
	return s
}

// AtLeast reports whether a severity is as high as another. An unknown one is as high as info.
func (s Severity) AtLeast(other Severity) bool { return s.rank() >= other.rank() }

func (s Severity) rank() int {
	switch s {
	case Critical:
		return 2
	case Warning:
		return 1
	}
	return 0
}

// ChannelTest is what became of a test message to a channel.
type ChannelTest struct {
	Channel string   `json:"channel"`
	Sent    bool     `json:"sent"`
	Took    Duration `json:"took"`
	Error   string   `json:"error,omitempty"` // why the receiver does not have it
}

// States of a delivery.
const (
	DeliveryPending = "pending"
	DeliverySent    = "sent"
	DeliveryFailed  = "failed" // refused for good, or given up
)

// Delivery is one message to one channel, grouped by what it is about. What it
// speaks of has event times (Begin, End); Created, NotBefore and Sent are the
// moments at which the message itself was made and sent.
type Delivery struct {
	Workspace Workspace `json:"ws"`
	ID        string    `json:"id"` // CHANNEL/GROUP/ENTRY
	Channel   string    `json:"channel"`
	Group     string    `json:"group"`         // incident/ID, decision/ID, rollout/ID
	Event     string    `json:"event"`         // the action of the journal's entry: "incident.open"
	Kind      string    `json:"kind,omitzero"` // of an incident its kind, else "approval", "decision" or "rollout"
	Endpoint  string    `json:"endpoint,omitzero"`
	Title     string    `json:"title"`
	Text      string    `json:"text"`
	Link      string    `json:"link,omitzero"`
	Severity  Severity  `json:"severity"`
	Resolved  bool      `json:"resolved,omitzero"`
	FollowUp  bool      `json:"followUp,omitzero"` // says more about something that was told before
	Begin     Time      `json:"begin,omitzero"`
	End       Time      `json:"end,omitzero"`
	State     string    `json:"state"` // "pending" | "sent" | "failed"
	Tries     int       `json:"tries,omitzero"`
	NotBefore Time      `json:"notBefore,omitzero"`
	Error     string    `json:"error,omitzero"`
	Entry     int64     `json:"entry"` // index of the journal's entry: the order of messages
	Created   Time      `json:"created"`
	Sent      Time      `json:"sent,omitzero"`
}

// Object names the delivery in the journal.
func (d Delivery) Object() Object { return Object{Kind: "delivery", Name: d.ID} }

// Head is how the document is listed.
func (d Delivery) Head() Head {
	return Head{Scope: d.Channel, At: d.Created, State: d.State, Open: d.State == DeliveryPending}
}

// Arrived notes that the receiver has taken the message. One that has ended stays as it is.
func (d Delivery) Arrived(at Time) (Delivery, Change, error) {
	return d.end(DeliverySent, at, "")
}

// Fail ends a delivery without success. One that has ended stays as it is.
func (d Delivery) Fail(at Time, reason string) (Delivery, Change, error) {
	return d.end(DeliveryFailed, at, reason)
}

func (d Delivery) end(state string, at Time, reason string) (Delivery, Change, error) {
	if d.State != DeliveryPending {
		return d, Change{}, nil
	}
	old := d
	d.State, d.Error, d.NotBefore = state, reason, 0
	d.Tries++
	if state == DeliverySent {
		d.Sent = at
	}
	return d, Changed("delivery."+state, &old, d, reason), nil
}

// Again puts a delivery that did not succeed off until next.
func (d Delivery) Again(next Time, reason string) (Delivery, Change, error) {
	if d.State != DeliveryPending {
		return d, Change{}, nil
	}
	old := d
	d.Tries++
	d.NotBefore, d.Error = next, reason
	return d, Changed("delivery.again", &old, d, reason), nil
}
