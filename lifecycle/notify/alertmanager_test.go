package notify_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

// gettable is what an Alertmanager says of an alert.
type gettable struct {
	Labels      map[string]string
	Annotations map[string]string
	StartsAt    time.Time
	EndsAt      time.Time
}

func alertmanager(url string) trimtab.ChannelSpec {
	return trimtab.ChannelSpec{Alertmanager: &trimtab.AlertmanagerSpec{URL: url + "/", Labels: map[string]string{"team": "ml"}}}
}

// Alerts that last are told again; those that ended are not.
func TestAlertsAreRepeatedWhileTheyFire(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	r := newReceiver(t)
	w.declare("am", alertmanager(r.URL))
	posted := func(n int) (out []gettable) {
		t.Helper()
		got := r.requests()
		if len(got) != n || got[n-1].path != "/api/v2/alerts" {
			t.Fatalf("%d requests, want %d at /api/v2/alerts", len(got), n)
		}
		w.check(json.Unmarshal(got[n-1].body, &out))
		return out
	}
	i, j := fault("wind_speed"), fault("temp")
	w.open(i)
	w.open(j)
	w.say("am") // two messages, then all that fires
	firing := posted(3)
	if len(firing) != 2 || firing[0].Labels["alertname"] != "TrimtabDataFault" || firing[0].Labels["team"] != "ml" || firing[0].EndsAt.Sub(firing[0].StartsAt) != 5*time.Minute {
		t.Errorf("firing %+v", firing)
	}
	if res, err := w.pass(30*time.Second, "am"); err != nil || res.After <= 0 || res.After > 31*time.Second || len(r.requests()) != 3 {
		t.Errorf("half a minute later: %+v, %v, %d requests", res, err, len(r.requests()))
	}
	w.close(i)
	w.say("am")
	if over := posted(4); len(over) != 1 || !over[0].EndsAt.Equal(over[0].StartsAt) {
		t.Errorf("over %+v", over)
	}
	if _, err := w.pass(time.Minute, "am"); err != nil {
		t.Fatal(err)
	}
	if again := posted(5); len(again) != 1 || again[0].Labels["about"] != "incident/"+j.ID {
		t.Errorf("again %+v", again)
	}
	r.answers(500, "")
	if _, err := w.pass(time.Minute, "am"); err != nil {
		t.Errorf("a repetition that fails: %v", err)
	}
}

// TestAlertmanager speaks with a real Alertmanager (Debian's prometheus-alertmanager,
// or what TRIMTAB_ALERTMANAGER names).
func TestAlertmanager(t *testing.T) {
	program := os.Getenv("TRIMTAB_ALERTMANAGER")
	for _, name := range []string{"prometheus-alertmanager", "alertmanager"} {
		if found, err := exec.LookPath(name); err == nil && program == "" {
			program = found
		}
	}
	if program == "" {
		if strings.Contains(os.Getenv("TRIMTAB_REQUIRE"), "alertmanager") {
			t.Fatal("there is no Alertmanager, which TRIMTAB_REQUIRE names")
		}
		t.Skip("there is no Alertmanager: apt-get install prometheus-alertmanager")
	}
	url := startAlertmanager(t, program)
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	spec := alertmanager(url)
	spec.GroupWait = trimtab.Duration(time.Millisecond)
	w.declare("am", spec)
	active := func() []gettable {
		t.Helper()
		res, err := http.Get(url + "/api/v2/alerts")
		w.check(err)
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		w.check(err)
		var out []gettable
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		return out
	}
	if got, err := w.n.Test(w.ctx(), "am"); err != nil || !got.Sent {
		t.Fatalf("%+v, %v", got, err)
	}
	if got := active(); len(got) != 1 || got[0].Labels["alertname"] != "TrimtabTest" {
		t.Fatalf("active %+v", got)
	}
	i := fault("wind_speed")
	w.open(i)
	w.say("am")
	find := func() (out []gettable) {
		for _, a := range active() {
			if a.Labels["about"] == "incident/"+i.ID {
				out = append(out, a)
			}
		}
		return out
	}
	got := find()
	if len(got) != 1 || got[0].Labels["severity"] != "critical" || got[0].Labels["team"] != "ml" || !strings.Contains(got[0].Annotations["description"], "km/h instead of mph") {
		t.Fatalf("the incident is %+v there", got)
	}
	first := got[0].StartsAt
	if _, err := w.pass(time.Minute+time.Second, "am"); err != nil {
		t.Fatal(err)
	}
	if got := find(); len(got) != 1 || !got[0].StartsAt.Equal(first) {
		t.Errorf("repeated, it is %+v there, want one alert since %s", got, first)
	}
	w.ahead = 0 // what ends at a moment that the Alertmanager has not reached yet is active until then
	w.close(i)
	w.check(w.follow())
	if _, err := w.pass(10*time.Millisecond, "am"); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(find()) != 0 {
		if time.Now().After(deadline) {
			t.Fatalf("resolved, it is still active: %+v, deliveries %s", find(), w.states("am"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func startAlertmanager(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, []byte("route: {receiver: none}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(program, "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+addr, "--cluster.listen-address=", "--log.level=error")
	var log lockedBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	url := fmt.Sprintf("http://%s", addr)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(url + "/-/ready")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == 200 {
				return url
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("Alertmanager does not start: %v\n%s", err, log.String())
		}
	}
}

// A server that runs tells by itself, also what was left by one that was killed.
func TestRun(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	r := newReceiver(t)
	spec := trimtab.ChannelSpec{Slack: &trimtab.SlackSpec{URLFrom: &trimtab.SecretRef{Env: "SLACK"}, Channel: "#ml"}, GroupWait: trimtab.Duration(time.Millisecond)}
	w.env["SLACK"] = r.URL + "/services/T0/B0/token"
	w.declare("slack", spec)
	w.declare("dead", webhook("http://127.0.0.1:1"))
	w.open(fault("left"))
	w.check(w.follow())
	w.restart()
	ctx, cancel := contextOf(t)
	done := make(chan error, 1)
	go func() { done <- w.n.Run(ctx) }()
	arrives := func(n int) request {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); len(r.requests()) < n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d messages, want %d: %s", len(r.requests()), n, w.states("slack"))
			}
		}
		return r.requests()[n-1]
	}
	if got := arrives(1); got.path != "/services/T0/B0/token" || !strings.Contains(string(got.body), "data fault in left") {
		t.Errorf("%s: %s", got.path, got.body)
	}
	w.open(fault("new"))
	w.check(w.follow())
	if got := arrives(2); !strings.Contains(string(got.body), "data fault in new") {
		t.Errorf("%s", got.body)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if strings.Contains(w.log.String(), "token") {
		t.Error("the log holds a secret:\n" + w.log.String())
	}
	for _, d := range append(w.deliveries("slack"), w.deliveries("dead")...) {
		if strings.Contains(d.Error, "token") {
			t.Errorf("a delivery holds a secret: %s", d.Error)
		}
	}
}
