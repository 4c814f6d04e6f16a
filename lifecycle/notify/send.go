package notify

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// transmit brings one message to the receiver of the channel. An error of the kind
// Invalid says that the receiver will never take this message. Secrets are taken
// out of what the receiver said before anybody reads it.
func (p *pass) transmit(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	switch s := p.spec; {
	case s.Webhook != nil:
		return p.webhook(ctx, s.Webhook, m)
	case s.Slack != nil:
		return p.slack(ctx, s.Slack, m)
	case s.SMTP != nil:
		return p.mail(ctx, s.SMTP, m)
	case s.Alertmanager != nil:
		now := p.cfg.Clock()
		return p.alerts(ctx, s.Alertmanager, []alert{alertOf(m, s.Alertmanager.Labels, now)})
	}
	return trimtab.Errorf(trimtab.Unavailable, "channel "+p.name, "the channel has no destination")
}

func (p *pass) webhook(ctx context.Context, s *trimtab.WebhookSpec, m Message) error {
	body, err := webhookBody(m)
	if err != nil {
		return err
	}
	secret, err := p.secret(s.Secret)
	if err != nil {
		return err
	}
	h := http.Header{}
	for k, v := range s.Header {
		if !strings.EqualFold(k, "Host") && !strings.EqualFold(k, "Content-Length") {
			h.Set(k, v)
		}
	}
	at := p.cfg.Clock().Go().Unix()
	h.Set("Webhook-Id", m.ID)
	h.Set("Webhook-Timestamp", strconv.FormatInt(at, 10))
	h.Del("Webhook-Signature")
	if secret != "" {
		signature, err := sign(secret, m.ID, at, body)
		if err != nil {
			return err
		}
		h.Set("Webhook-Signature", signature)
	}
	return clean(p.out.post(ctx, s.URL, h, body), secret)
}

func (p *pass) slack(ctx context.Context, s *trimtab.SlackSpec, m Message) error {
	target, secret := s.URL, ""
	if s.URLFrom != nil {
		var err error
		if secret, err = p.secret(s.URLFrom); err != nil {
			return err
		}
		target = strings.TrimSpace(secret)
	}
	body, err := slackBody(m, s.Channel)
	if err != nil {
		return err
	}
	return clean(p.out.post(ctx, target, http.Header{}, body), secret)
}

func (p *pass) alerts(ctx context.Context, s *trimtab.AlertmanagerSpec, all []alert) error {
	body, err := encode(all)
	if err != nil {
		return err
	}
	return p.out.post(ctx, strings.TrimRight(s.URL, "/")+"/api/v2/alerts", http.Header{}, body)
}

// repeatEvery is how often what fires is told an Alertmanager again; firesFor is how
// long it takes each to last. Both are what Prometheus does.
const (
	repeatEvery = time.Minute
	firesFor    = 5 * time.Minute
)

// repeat tells the Alertmanager what fires now, when it is time to, and says when
// to come back. An Alertmanager forgets alerts that nobody repeats, and all of them
// when it restarts, so that this alone keeps it true.
func (p *pass) repeat(ctx context.Context) time.Duration {
	now := p.cfg.Clock()
	if wait := repeatEvery - now.Sub(p.line.repeated); wait > 0 && p.line.repeated != 0 {
		return wait
	}
	all, err := p.firing(ctx)
	if err == nil && len(all) > 0 {
		alerts := make([]alert, len(all))
		for i, m := range all {
			alerts[i] = alertOf(m, p.spec.Alertmanager.Labels, now)
		}
		bounded, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
		err = p.alerts(bounded, p.spec.Alertmanager, alerts)
		cancel()
	}
	if err != nil && ctx.Err() == nil {
		p.cfg.Log.WarnContext(ctx, "alerts were not repeated", "project", p.ws, "channel", p.name, "alerts", len(all), "reason", trimtab.Message(err))
	}
	p.line.repeated = now
	return repeatEvery
}

// firing are the open incidents and whatever waits for a person, as far as the channel asks for them.
func (p *pass) firing(ctx context.Context) (out []Message, err error) {
	open := trimtab.DocumentQuery{Open: true}
	add := func(n notice) {
		if n.wanted(p.spec) {
			n.Channel = p.name
			out = append(out, bundle{n.Delivery}.message(p.ws))
		}
	}
	incidents, err := p.cfg.Incidents.List(ctx, open)
	if err != nil {
		return nil, err
	}
	for _, i := range incidents {
		add(ofIncident(i, "incident.open", p.cfg.URL))
	}
	decisions, err := p.cfg.Decisions.List(ctx, open)
	if err != nil {
		return nil, err
	}
	for _, d := range decisions {
		if d.State == trimtab.DecisionAwaiting {
			add(ofDecision(d, "decision.awaiting", p.cfg.URL))
		}
	}
	rollouts, err := p.cfg.Rollouts.List(ctx, open)
	if err != nil {
		return nil, err
	}
	for _, r := range rollouts {
		if r.State == trimtab.RolloutHeld {
			add(ofRollout(r, "rollout.held", p.cfg.URL))
		}
	}
	return out, nil
}

// clean takes a secret out of the text of an error.
func clean(err error, secret string) error {
	if err == nil || len(secret) < 4 {
		return err
	}
	if e, ok := err.(*trimtab.Error); ok && strings.Contains(e.Msg, secret) {
		c := *e
		c.Msg = strings.ReplaceAll(e.Msg, secret, "…")
		return &c
	}
	return err
}
