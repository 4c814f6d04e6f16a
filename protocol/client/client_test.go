package client

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// answering returns a client of a server that gives the answers in turn, the
// last one for ever; calls counts, waits records the pauses.
func answering(t *testing.T, answers ...func(w http.ResponseWriter)) (c *Client, calls *int, waits *[]time.Duration) {
	t.Helper()
	calls, waits = new(int), &[]time.Duration{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := min(*calls, len(answers)-1)
		*calls++
		answers[i](w)
	}))
	t.Cleanup(server.Close)
	c = New(Target{Server: server.URL, Project: "default"}, nil)
	c.sleep = func(_ context.Context, d time.Duration) error { *waits = append(*waits, d); return nil }
	return c, calls, waits
}

func says(status int, header, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestRetries(t *testing.T) {
	down := says(503, "Retry-After: 1", `{"error": "starting", "kind": "unavailable"}`)
	fine := says(200, "", `{"items": []}`)
	for name, tc := range map[string]struct {
		answers []func(http.ResponseWriter)
		call    func(c *Client) error
		calls   int
		kind    trimtab.Kind
	}{
		"a read comes back":      {[]func(http.ResponseWriter){down, down, fine}, func(c *Client) error { _, err := c.Models(t.Context()); return err }, 3, 0},
		"a read gives up":        {[]func(http.ResponseWriter){down}, func(c *Client) error { _, err := c.Models(t.Context()); return err }, tries, trimtab.Unavailable},
		"a start is sent once":   {[]func(http.ResponseWriter){down, fine}, func(c *Client) error { _, err := c.StartPipeline(t.Context(), view.StartRun{}); return err }, 1, trimtab.Unavailable},
		"an apply is sent once":  {[]func(http.ResponseWriter){down, fine}, func(c *Client) error { _, err := c.Apply(t.Context(), view.Proposal{}); return err }, 1, trimtab.Unavailable},
		"an upload is sent once": {[]func(http.ResponseWriter){down, fine}, func(c *Client) error { return c.PutBlob(t.Context(), "d", strings.NewReader("x"), 1) }, 1, trimtab.Unavailable},
		"other errors are final": {[]func(http.ResponseWriter){says(409, "", `{"error": "stale", "kind": "conflict"}`), fine}, func(c *Client) error { _, err := c.Models(t.Context()); return err }, 1, trimtab.Conflict},
	} {
		c, calls, waits := answering(t, tc.answers...)
		err := tc.call(c)
		if tc.kind == 0 && err != nil || tc.kind != 0 && !trimtab.IsKind(err, tc.kind) {
			t.Errorf("%s: %v", name, err)
		}
		if *calls != tc.calls {
			t.Errorf("%s: %d calls, want %d", name, *calls, tc.calls)
		}
		for _, d := range *waits {
			if d < time.Second {
				t.Errorf("%s: waited %s, the server asked for a second", name, d)
			}
		}
	}
}

func TestAnswersThatAreNotOurs(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(http.ResponseWriter)
		kind   trimtab.Kind
		text   string
	}{
		"a page":            {says(404, "Content-Type: text/html", "<html>nothing</html>"), trimtab.NotFound, "is it a trimtab server?"},
		"a proxy":           {says(502, "", "bad gateway"), trimtab.Unavailable, "502 Bad Gateway: bad gateway"},
		"an internal error": {says(500, "", `{"error": "internal error", "kind": "internal", "requestId": "abc"}`), trimtab.Unsupported, "request id abc"},
		"the MLflow front":  {says(400, "", `{"error_code": "BAD_REQUEST", "message": "the column is not known"}`), trimtab.Invalid, "the column is not known"},
		"no json":           {says(200, "", "hello"), trimtab.Unsupported, "is it a trimtab server of this version?"},
	} {
		c, _, _ := answering(t, tc.answer)
		_, err := c.Models(t.Context())
		if !trimtab.IsKind(err, tc.kind) || !strings.Contains(trimtab.Message(err), tc.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoServer(t *testing.T) {
	server := httptest.NewServer(nil)
	address := server.URL
	server.Close()
	c := New(Target{Server: address, Project: "default"}, nil)
	c.sleep = func(context.Context, time.Duration) error { return nil }
	_, err := c.Models(t.Context())
	if want := "no server at " + address + ": start one with `trimtab server`"; !trimtab.IsKind(err, trimtab.Unavailable) || !strings.HasPrefix(trimtab.Message(err), want) {
		t.Errorf("%v, want %q", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Models(ctx); !trimtab.IsKind(err, trimtab.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
}

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "context.yaml")
	if err := os.WriteFile(file, []byte("server: http://file:1\nproject: filed\ntoken: t1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("sever: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		flags Target
		env   map[string]string
		want  Target
		kind  trimtab.Kind
	}{
		"nothing":     {Target{}, nil, Target{Server: DefaultServer, Project: "default", From: "default"}, 0},
		"file":        {Target{}, map[string]string{"TRIMTAB_CONTEXT": file}, Target{Server: "http://file:1", Project: "filed", Token: "t1", From: file}, 0},
		"env":         {Target{}, map[string]string{"TRIMTAB_CONTEXT": file, "TRIMTAB_SERVER": "host:2/"}, Target{Server: "http://host:2", Project: "filed", Token: "t1", From: "TRIMTAB_SERVER"}, 0},
		"flag":        {Target{Server: "https://x", Project: "p"}, map[string]string{"TRIMTAB_SERVER": "host:2"}, Target{Server: "https://x", Project: "p", From: "--server"}, 0},
		"absent file": {Target{}, map[string]string{"TRIMTAB_CONTEXT": filepath.Join(dir, "none")}, Target{Server: DefaultServer, Project: "default", From: "default"}, 0},
		"unknown key": {Target{}, map[string]string{"TRIMTAB_CONTEXT": bad}, Target{}, trimtab.Invalid},
		"no address":  {Target{Server: "ftp://x"}, nil, Target{}, trimtab.Invalid},
		"bad project": {Target{Project: "A"}, nil, Target{}, trimtab.Invalid},
		"user's home": {Target{}, map[string]string{"HOME": dir}, Target{Server: DefaultServer, Project: "default", From: "default"}, 0},
	} {
		got, err := Resolve(tc.flags, func(k string) string { return tc.env[k] })
		if tc.kind != 0 {
			if !trimtab.IsKind(err, tc.kind) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}
