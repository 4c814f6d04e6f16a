package notify_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

func webhook(url string) trimtab.ChannelSpec {
	return trimtab.ChannelSpec{Webhook: &trimtab.WebhookSpec{URL: url}}
}

func TestAnIncidentIsToldAndItsEndToo(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		w.declare("hook", webhook(r.URL))
		i := fault("wind_speed")
		w.open(i)
		w.check(w.follow())
		if res, err := w.pass(0, "hook"); err != nil || len(r.requests()) != 0 || res.After <= 0 || res.After > 2*time.Second {
			t.Fatalf("before the time to gather: %+v, %v, %d requests", res, err, len(r.requests()))
		}
		w.say("hook")
		m := r.message(t, 0)
		if m.Event != "incident.open" || m.Group != "incident/"+i.ID || m.Title != "flights: data fault in wind_speed" || m.Resolved || m.FollowUp ||
			m.Severity != trimtab.Critical || m.Link != "https://trimtab.example/ui/incidents/"+m.Group[len("incident/"):] || !strings.Contains(m.Text, "km/h instead of mph") {
			t.Errorf("told %+v", m)
		}
		w.close(i)
		w.say("hook")
		if m := r.message(t, 1); m.Event != "incident.close" || !m.Resolved || !m.FollowUp || !strings.Contains(m.Text, "2013-03-02") {
			t.Errorf("told %+v", m)
		}
		w.say("hook")
		if len(r.requests()) != 2 {
			t.Errorf("%d requests, want 2", len(r.requests()))
		}
		if got := w.states("hook"); got != "incident.open sent 1;incident.close sent 1;" {
			t.Errorf("deliveries: %s", got)
		}
	})
}

func TestWhatBelongsTogetherIsOneMessage(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	r := newReceiver(t)
	w.declare("hook", webhook(r.URL))
	a, b := fault("wind_speed"), fault("temp")
	w.open(a)
	w.open(b)
	w.close(a)
	w.say("hook")
	if got := len(r.requests()); got != 2 {
		t.Fatalf("%d requests, want one for each incident", got)
	}
	m := r.message(t, 0)
	if len(m.Events) != 2 || m.Events[0].Event != "incident.open" || m.Event != "incident.close" || !m.Resolved || m.FollowUp {
		t.Errorf("told %+v", m)
	}
	if m := r.message(t, 1); len(m.Events) != 1 || m.Resolved {
		t.Errorf("told %+v", m)
	}
}

func TestAChannelGetsWhatItAsksFor(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	before := fault("before")
	w.open(before)
	time.Sleep(2 * time.Millisecond) // entries and declarations have the database's time, in milliseconds
	r := newReceiver(t)
	info, critical, approvals := webhook(r.URL), webhook(r.URL), webhook(r.URL)
	info.MinSeverity, critical.MinSeverity, approvals.Events = trimtab.Info, trimtab.Critical, []string{"approvals"}
	w.declare("all", info)
	w.declare("usual", webhook(r.URL))
	w.declare("critical", critical)
	w.declare("approvals", approvals)
	drift := trimtab.Incident{ID: "flights.drift.x", Kind: trimtab.Drift, Endpoint: "flights", Severity: trimtab.Warning, Begin: began, Cause: "x drifts"}
	w.open(fault("wind_speed"))
	w.open(drift)
	d := trimtab.Decision{ID: "p@1", Policy: "p", Endpoint: "flights", At: began, Action: trimtab.DoRetrain, State: trimtab.DecisionAwaiting, Reason: "it pays", Command: "trimtab decisions approve p@1"}
	for _, state := range []trimtab.DecisionState{trimtab.DecisionNoted, trimtab.DecisionAwaiting, trimtab.DecisionTraining, trimtab.DecisionDone} {
		d.State = state
		_, err := w.db.Decisions.Move(w.ctx(), d.ID, func(*trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
			return d, trimtab.Changed("decision."+string(state), nil, d, ""), nil
		})
		w.check(err)
	}
	ro, change := trimtab.NewRollout("flights", 1, "m", "champion", 1, 2, trimtab.RolloutSpec{}, "", "policy", d.ID, began)
	for _, state := range []trimtab.RolloutState{"begin", trimtab.RolloutHeld, trimtab.RolloutPromoted} {
		if state != "begin" {
			ro.State = state
			change = trimtab.Changed("rollout."+string(state), nil, ro, "")
		}
		_, err := w.db.Rollouts.Move(w.ctx(), ro.ID, func(*trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) { return ro, change, nil })
		w.check(err)
	}
	w.check(w.follow())
	want := map[string]string{
		"all":       "incident.open incident.open decision.awaiting decision.training decision.done rollout.begin rollout.held rollout.promoted",
		"usual":     "incident.open incident.open decision.awaiting rollout.held",
		"critical":  "incident.open",
		"approvals": "decision.awaiting rollout.held",
	}
	for name, events := range want {
		var got []string
		for _, d := range w.deliveries(name) {
			got = append(got, d.Event)
		}
		if strings.Join(got, " ") != events {
			t.Errorf("%s: told %v, want %s", name, got, events)
		}
	}
	for _, d := range w.deliveries("approvals") {
		if d.Group != "decision/p@1" || d.Kind != "approval" {
			t.Errorf("%s is in group %s with kind %s", d.Event, d.Group, d.Kind)
		}
	}
}

func TestAReceiverThatIsAwayIsTriedAgainAndThenGivenUp(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		spec := webhook(r.URL)
		spec.GiveUp = trimtab.Duration(time.Hour)
		w.declare("hook", spec)
		r.answers(503, "upstream is\naway")
		i := fault("wind_speed")
		w.open(i)
		w.check(w.follow())
		res, err := w.pass(3*time.Second, "hook")
		if err != nil || res.After < 2*time.Second || res.After > 6*time.Second {
			t.Fatalf("after the first attempt: %+v, %v", res, err)
		}
		d := w.deliveries("hook")[0]
		if d.State != trimtab.DeliveryPending || d.Tries != 1 || d.Error != "the receiver answered 503 Service Unavailable: upstream is away" || d.NotBefore <= w.cfg.Clock() {
			t.Errorf("delivery %+v", d)
		}
		if _, err := w.pass(0, "hook"); err != nil || len(r.requests()) != 1 {
			t.Errorf("it was tried again at once: %v, %d requests", err, len(r.requests()))
		}
		w.restart() // the pause is kept
		if _, err := w.pass(0, "hook"); err != nil || len(r.requests()) != 1 {
			t.Errorf("a restart forgot the pause: %v, %d requests", err, len(r.requests()))
		}
		if _, err := w.pass(10*time.Second, "hook"); err != nil || len(r.requests()) != 2 {
			t.Errorf("it was not tried again: %v, %d requests", err, len(r.requests()))
		}
		if a, b := r.message(t, 0), r.message(t, 1); a.ID != b.ID || a.ID == "" {
			t.Errorf("ids %q and %q: a receiver cannot drop the double", a.ID, b.ID)
		}
		if _, err := w.pass(2*time.Hour, "hook"); err != nil {
			t.Fatal(err)
		}
		if d := w.deliveries("hook")[0]; d.State != trimtab.DeliveryFailed || d.Tries != 3 || !strings.HasPrefix(d.Error, "given up after 1h: ") {
			t.Errorf("delivery %+v", d)
		}
		r.answers(200, "")
		w.close(i)
		w.say("hook")
		if got := w.states("hook"); got != "incident.open failed 3;incident.close sent 1;" {
			t.Errorf("deliveries: %s", got)
		}
	})
}

func TestWhatIsRefusedForGoodIsNotTriedAgain(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	r := newReceiver(t)
	w.declare("hook", webhook(r.URL))
	r.answers(422, "no such field")
	w.open(fault("wind_speed"))
	w.say("hook")
	if got := w.states("hook"); got != "incident.open failed 1;" {
		t.Errorf("deliveries: %s", got)
	}
}

func TestAMessageThatNeverGetsThroughHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	r := newReceiver(t)
	r.Config.Handler = poison("wind_speed")
	w.declare("hook", webhook(r.URL))
	w.open(fault("wind_speed"))
	w.open(fault("temp"))
	w.open(fault("dew"))
	w.say("hook")
	_, err := w.pass(time.Second, "hook")
	w.check(err)
	if got := w.states("hook"); got != "incident.open pending 1;incident.open sent 1;incident.open sent 1;" {
		t.Errorf("deliveries: %s", got)
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	r := newReceiver(t)
	r.header.Set("Retry-After", "120")
	r.answers(429, "")
	w.declare("hook", webhook(r.URL))
	w.open(fault("wind_speed"))
	w.check(w.follow())
	if res, err := w.pass(3*time.Second, "hook"); err != nil || res.After < 110*time.Second {
		t.Errorf("%+v, %v: want 2 minutes", res, err)
	}
}

func TestDeliveriesOfAChannelThatIsGoneEnd(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	w.declare("hook", webhook("http://127.0.0.1:1"))
	w.open(fault("wind_speed"))
	w.check(w.follow())
	r, err := w.db.Resources.Get(w.ctx(), trimtab.KindChannel, "hook")
	w.check(err)
	w.check(w.db.Resources.Apply(w.ctx(), []trimtab.ResourceWrite{{Verb: trimtab.DeleteVerb, Resource: r}}))
	_, err = w.pass(0, "hook")
	w.check(err)
	if got := w.states("hook"); got != "incident.open failed 1;" {
		t.Errorf("deliveries: %s", got)
	}
}

func TestSecretsComeFromTheirPlaceAndStayThere(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	w.check(os.MkdirAll(filepath.Join(w.data, "secrets", "folder"), 0o700))
	w.check(os.WriteFile(filepath.Join(w.data, "secrets", "key"), []byte("file-secret-value\n"), 0o600))
	w.check(os.WriteFile(filepath.Join(w.data, "secrets", "empty"), nil, 0o600))
	w.check(os.WriteFile(filepath.Join(w.data, "outside"), []byte("outside-value"), 0o600))
	w.check(os.Symlink("../outside", filepath.Join(w.data, "secrets", "link")))
	w.env["KEY"], w.env["TRIMTAB_DATABASE"] = "env-secret-value", "postgres://u:password@h/d"
	r := newReceiver(t)
	r.answers(500, "you said file-secret-value and env-secret-value")
	for _, c := range []struct {
		ref  trimtab.SecretRef
		want string // of the error
	}{
		{trimtab.SecretRef{Env: "KEY"}, "you said file-secret-value and …"},
		{trimtab.SecretRef{File: "key"}, "you said … and env-secret-value"},
		{trimtab.SecretRef{Env: "NONE"}, "the server has no environment variable NONE"},
		{trimtab.SecretRef{Env: "TRIMTAB_DATABASE"}, "is a setting of the server"},
		{trimtab.SecretRef{File: "none"}, "has no file secrets/none"},
		{trimtab.SecretRef{File: "empty"}, "is empty"},
		{trimtab.SecretRef{File: "folder"}, "must be a file in that folder"},
		{trimtab.SecretRef{File: "link"}, "must be a file in that folder"},
		{trimtab.SecretRef{File: "../outside"}, "must be a file in that folder"},
		{trimtab.SecretRef{File: "/etc/passwd"}, "must be a file in that folder"},
		{trimtab.SecretRef{}, "neither env nor file"},
	} {
		spec := webhook(r.URL)
		spec.Webhook.Secret = &c.ref
		w.declare("hook", spec)
		got, err := w.n.Test(w.ctx(), "hook")
		w.check(err)
		if got.Sent || !strings.Contains(got.Error, c.want) {
			t.Errorf("%+v: %+v, want an error with %q", c.ref, got, c.want)
		}
	}
	if log := w.log.String(); strings.Contains(log, "secret-value") || strings.Contains(log, "password@") {
		t.Error("the log holds a secret:\n" + log)
	}
}

func TestAddressesThatAreNotCalled(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	for _, url := range []string{"http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/", "http://224.0.0.1/", "http://100.100.100.200/"} {
		w.declare("hook", webhook(url))
		got, err := w.n.Test(w.ctx(), "hook")
		w.check(err)
		if got.Sent || !strings.Contains(got.Error, "messages are not sent there") {
			t.Errorf("%s: %+v", url, got)
		}
		w.declare("hook", trimtab.ChannelSpec{SMTP: &trimtab.SMTPSpec{Server: strings.Trim(strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(url, "/latest/meta-data"), "/"), "http://"), "/") + ":25", From: "a@b.example", To: []string{"c@d.example"}, TLS: "none"}})
		if got, err := w.n.Test(w.ctx(), "hook"); err != nil || got.Sent || !strings.Contains(got.Error, "messages are not sent there") {
			t.Errorf("mail to %s: %+v, %v", url, got, err)
		}
	}
	other := newReceiver(t)
	r := newReceiver(t)
	r.header.Set("Location", other.URL)
	r.answers(307, "")
	w.declare("hook", webhook(r.URL+"/T0/secret-path"))
	got, err := w.n.Test(w.ctx(), "hook")
	w.check(err)
	if got.Sent || len(other.requests()) != 0 || !strings.Contains(got.Error, "redirects to another host") || strings.Contains(got.Error, "secret-path") {
		t.Errorf("redirected: %+v", got)
	}
}

func TestTestingAChannel(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	r := newReceiver(t)
	w.declare("hook", webhook(r.URL))
	if got, err := w.n.Test(w.ctx(), "hook"); err != nil || !got.Sent || got.Error != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if m := r.message(t, 0); m.Event != "channel.test" || m.Title != "Test of channel hook" {
		t.Errorf("told %+v", m)
	}
	if _, err := w.n.Test(w.ctx(), "none"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("a channel that is not there: %v", err)
	}
	if len(w.deliveries("hook")) != 0 {
		t.Error("a test is no delivery")
	}
}

// poison answers 500 to whatever speaks of a word.
func poison(word string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		if strings.Contains(string(body), word) {
			w.WriteHeader(500)
		}
	})
}
