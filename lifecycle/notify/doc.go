// Package notify tells people what the loop found and did: it turns entries of the journal into messages and brings
// each to the channels that are declared for it.
//
// It owns which entries are worth a message (incidents that open, close or are released, decisions that acted or wait
// for a person, verdicts of rollouts), how a message reads, the four ways out (signed webhook, Slack-compatible webhook,
// mail, Alertmanager) and the patience with receivers: a Delivery is written before anything is sent, tried with growing
// pauses until it arrives or is given up, and outlives restarts and kills. A message arrives at least once and carries
// an id by which a receiver drops doubles; a receiver that is dead holds up nobody else.
// It refuses to decide anything, to wait for a receiver anywhere but in its own controller, to show or log a secret, to
// follow a redirect to another host, and to call link-local addresses, behind which clouds keep their credentials.
// Loopback and private addresses are allowed: that is where people run Alertmanager and their mail relay.
package notify
