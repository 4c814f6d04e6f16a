package trimtab

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

// Delivery is one message to one channel, grouped by what it is about.
type Delivery struct {
	Workspace Workspace `json:"ws"`
	ID        string    `json:"id"` // CHANNEL/GROUP/ENTRY
	Channel   string    `json:"channel"`
	Group     string    `json:"group"` // incident, rollout, decision
	Title     string    `json:"title"`
	Text      string    `json:"text"`
	Link      string    `json:"link,omitzero"`
	Severity  Severity  `json:"severity"`
	Resolved  bool      `json:"resolved,omitzero"`
	State     string    `json:"state"` // "pending" | "sent" | "failed"
	Tries     int       `json:"tries,omitzero"`
	NotBefore Time      `json:"notBefore,omitzero"`
	Error     string    `json:"error,omitzero"`
	Created   Time      `json:"created"`
}

// Object names the delivery in the journal.
func (d Delivery) Object() Object { return Object{Kind: "delivery", Name: d.ID} }

// Head is how the document is listed.
func (d Delivery) Head() Head {
	return Head{Scope: d.Channel, At: d.Created, State: d.State, Open: d.State == "pending"}
}
