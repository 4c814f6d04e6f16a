package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew")

const start = trimtab.Time(15765 * 24 * 3600 * 1000) // 2013-03-01

var (
	unit = trimtab.Incident{Workspace: "default", ID: "flights.dataFault.unit.wind_speed.20130408T000000", Kind: trimtab.DataFault, Endpoint: "flights", Columns: []string{"wind_speed"},
		Severity: trimtab.Critical, Begin: start, Found: start.Add(time.Hour), Cause: "wind_speed is 1.609 times what it was: km/h instead of mph", Remedy: "correct the feed; the rows are held until then",
		Evidence: []trimtab.Evidence{{Name: "factor", Value: 1.6093, Limit: 1.609344}, {Name: "distance", Value: 0.41, Limit: 0.1, Text: "before: 0.02"}}, Rows: 5120, Bad: 5003, Hold: true, Also: []string{"delays"}}
	drift = trimtab.Incident{Workspace: "air", ID: "flights.drift.20130408T000000", Kind: trimtab.Drift, Endpoint: "flights", Columns: []string{"a", "b", "c", "d", "e"}, Severity: trimtab.Warning,
		Begin: start, Found: start.Add(time.Hour), Cause: "5 columns drift"}
	hostile = trimtab.Incident{Workspace: "default", ID: "x.breach", Kind: trimtab.Breach, Endpoint: "x", Columns: []string{"<!channel>\r\nBcc: a@b.example"}, Severity: trimtab.Warning, Begin: start, Found: start,
		Cause: "value \"</script>&\" of @here \xff\x00 is not allowed"}
	retrain = trimtab.Decision{Workspace: "default", ID: "flights@20130601T000000", Policy: "flights", Endpoint: "flights", At: start.Add(92 * 24 * time.Hour), Action: trimtab.DoRetrain,
		Reason: "retraining is expected to save more than it costs", Command: "trimtab decisions approve flights@20130601T000000", Candidate: 3, Outcome: "version 3 serves",
		Alternatives: []trimtab.Alternative{{Action: trimtab.DoNothing}, {Action: trimtab.DoRetrain, Expected: 120.5, Cost: 20, Net: 100.5, Chosen: true}}}
	rollout = trimtab.Rollout{Workspace: "default", ID: "flights.2", Endpoint: "flights", Model: "flights/us", From: 2, To: 3, Origin: "alias", Cause: "somebody moved champion", Begun: start,
		Reason: "loss +0.031 [0.012, 0.050], limit 0.02", Verdict: "rollback"}
)

// tell is the message of one notice or several of one group.
func tell(notes ...notice) Message {
	var b bundle
	for i, n := range notes {
		d := n.Delivery
		d.Channel, d.Entry, d.Created = "oncall", int64(i+1), start.Add(365*24*time.Hour)
		d.ID = fmt.Sprintf("oncall/%s/%032d", d.Group, i+1)
		b = append(b, d)
	}
	ws := trimtab.Workspace("default")
	if strings.Contains(notes[0].Text, "5 columns") {
		ws = "air"
	}
	return b.message(ws)
}

const base = "https://ml.example/trimtab"

func of(d trimtab.Decision, state string) notice { return ofDecision(d, "decision."+state, base) }

var closed = func() trimtab.Incident {
	i, _, _ := unit.Close(start.Add(24*time.Hour), start.Add(25*time.Hour), "the data are right again")
	return i
}()

var released = func() trimtab.Incident {
	i, _, _ := unit.Release("ada", "the feed now sends km/h for good")
	return i
}()

var acknowledged = func() trimtab.Incident {
	i, _, _ := unit.Acknowledge("ada", "asked the vendor")
	return i
}()

var messages = []struct {
	name string
	m    Message
}{
	{"incident", tell(ofIncident(unit, "incident.open", base))},
	{"incident-over", tell(ofIncident(closed, "incident.close", base))},
	{"incident-acknowledged", tell(ofIncident(acknowledged, "incident.acknowledge", base))},
	{"incident-released", tell(ofIncident(released, "incident.release", base))},
	{"incident-gathered", tell(ofIncident(unit, "incident.open", base), ofIncident(closed, "incident.close", base))},
	{"incident-project", tell(ofIncident(drift, "incident.open", base))},
	{"hostile", tell(ofIncident(hostile, "incident.open", ""))},
	{"decision-awaiting", tell(of(retrain, "awaiting"))},
	{"decision-advised", tell(of(retrain, "advised"))},
	{"decision-done", tell(of(retrain, "training"), of(retrain, "done"))},
	{"decision-failed", tell(of(retrain, "failed"))},
	{"rollout-begin", tell(ofRollout(rollout, "rollout.begin", base))},
	{"rollout-held", tell(ofRollout(rollout, "rollout.held", base))},
	{"rollout-rolled-back", tell(ofRollout(rollout, "rollout.rolledBack", base))},
	{"rollout-promoted", tell(ofRollout(rollout, "rollout.promoted", base))},
}

// How each message looks on each way out is specified by testdata/*.txt; -rewrite makes them anew.
func TestTranscripts(t *testing.T) {
	for _, c := range messages {
		var out bytes.Buffer
		pretty := func(title string, raw []byte, err error) {
			if err != nil {
				t.Fatalf("%s: %s: %v", c.name, title, err)
			}
			fmt.Fprintf(&out, "-- %s --\n", title)
			if err := json.Indent(&out, raw, "", "  "); err != nil {
				t.Fatalf("%s: %s is no JSON: %v\n%s", c.name, title, err, raw)
			}
			out.WriteByte('\n')
		}
		raw, err := webhookBody(c.m)
		pretty("webhook", raw, err)
		raw, err = slackBody(c.m, "#ml")
		pretty("slack", raw, err)
		raw, err = encode([]alert{alertOf(c.m, map[string]string{"team": "ml", "project": "not this"}, start.Add(366*24*time.Hour))})
		pretty("alertmanager", raw, err)
		raw, err = mailBytes(c.m, &trimtab.SMTPSpec{From: "Trimtab <loop@ml.example>", To: []string{"Ada L <ada@ml.example>", "oncall@ml.example"}})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "-- mail --\n%s", strings.ReplaceAll(string(raw), "\r\n", "\n"))
		name := filepath.Join("testdata", c.name+".txt")
		if *rewrite {
			if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, out.Bytes()) {
			t.Errorf("%s is not what is rendered now (-rewrite writes it anew):\n%s", name, out.Bytes())
		}
	}
}

// The first is the example that the reference libraries of Standard Webhooks test
// themselves with, the second computed with Python's hmac.
func TestSignature(t *testing.T) {
	for secret, want := range map[string]string{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		"plain":                                  "v1,tgOMx2V+ymftc5zrV4Kwy5UOWZAx1XMh0yu4Sm/6/r0=",
	} {
		got, err := sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`))
		if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", secret, got, err, want)
		}
	}
	if _, err := sign("whsec_!", "i", 1, nil); !trimtab.IsKind(err, trimtab.Precondition) || strings.Contains(err.Error(), "whsec_!") {
		t.Errorf("a secret that is no base64: %v", err)
	}
}

func TestBundles(t *testing.T) {
	d := func(group string, entry int64, tries int, notBefore trimtab.Time) trimtab.Delivery {
		return trimtab.Delivery{ID: fmt.Sprint("c/", group, "/", entry), Group: group, Entry: entry, Tries: tries, NotBefore: notBefore}
	}
	got := bundles([]trimtab.Delivery{d("b", 4, 0, 40), d("a", 3, 0, 30), d("a", 1, 2, 90), d("c", 2, 0, 20)})
	text := ""
	for _, b := range got {
		text += fmt.Sprintf("%s due %d:", b[0].Group, b.due())
		for _, d := range b {
			text += fmt.Sprint(" ", d.Entry)
		}
		text += "; "
	}
	if want := "c due 20: 2; b due 40: 4; a due 90: 1 3; "; text != want {
		t.Errorf("%s, want %s", text, want)
	}
}

func TestBackoff(t *testing.T) {
	for n, longest := range map[int]time.Duration{0: firstPause, 1: firstPause, 2: 2 * firstPause, 5: 16 * firstPause, 9: maxPause, 100: maxPause} {
		for range 50 {
			if got := backoff(n); got < longest/2 || got > longest {
				t.Errorf("after %d: %s, want at most %s", n, got, longest)
			}
		}
	}
}

// Rendering never fails and never lets text out of its place, whatever the text.
func FuzzRender(f *testing.F) {
	f.Add("flights", "a\r\nBcc: x@y.example", "cause <@U1> \x00\xff")
	f.Add("", "", "")
	f.Add("é", strings.Repeat("é", 400), strings.Repeat(".\n", 4000))
	f.Fuzz(func(t *testing.T, endpoint, column, cause string) {
		i := unit
		i.Endpoint, i.Columns, i.Cause = endpoint, []string{column}, cause
		m := tell(ofIncident(i, "incident.open", base))
		slack, err := slackBody(m, "")
		if err != nil || bytes.ContainsAny(slack, "<>") {
			t.Errorf("slack: %v: %s", err, slack)
		}
		raw, err := mailBytes(m, &trimtab.SMTPSpec{From: "a@b.example", To: []string{"c@d.example"}})
		if err != nil {
			t.Fatal(err)
		}
		head, _, ok := strings.Cut(string(raw), "\r\n\r\n")
		if !ok || strings.Contains(head, "\nBcc:") {
			t.Errorf("head %q", head)
		}
		for line := range strings.SplitSeq(string(raw), "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("line %q is not fit for SMTP", line)
			}
		}
		for _, c := range head {
			if c > 0x7e {
				t.Errorf("head %q is not ASCII", head)
				break
			}
		}
		if _, err := encode([]alert{alertOf(m, nil, start)}); err != nil {
			t.Error(err)
		}
	})
}
