package notify

import "github.com/trimtab/trimtab"

// Message is what goes out to a receiver, and the body that a webhook posts.
type Message struct {
	ID       string            `json:"id"`    // the same whenever it is sent again
	Event    string            `json:"event"` // the newest: "incident.open", …
	Project  trimtab.Workspace `json:"project"`
	Channel  string            `json:"channel"`
	Group    string            `json:"group"` // what it is about: incident/ID, decision/ID, rollout/ID
	Kind     string            `json:"kind,omitempty"`
	Endpoint string            `json:"endpoint,omitempty"`
	Severity trimtab.Severity  `json:"severity"`
	Title    string            `json:"title"`
	Text     string            `json:"text"`
	Link     string            `json:"link,omitempty"`
	Resolved bool              `json:"resolved"`
	FollowUp bool              `json:"followUp"`
	Begin    trimtab.Time      `json:"begin,omitzero"` // event time
	End      trimtab.Time      `json:"end,omitzero"`   // event time
	Time     trimtab.Time      `json:"time"`           // when it was written
	Events   []Event           `json:"events"`         // all that the message gathers, the oldest first
}

// Event is one thing that a message tells of.
type Event struct {
	Event string       `json:"event"`
	Title string       `json:"title"`
	Text  string       `json:"text"`
	Time  trimtab.Time `json:"time"`
}
