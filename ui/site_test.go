//go:build !noui

package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trimtab/trimtab/protocol/route"
)

// built is a build as ui/build.mjs leaves it.
func built() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		".gitkeep":                 file(""),
		"index.html":               file(`<base href="{{BASE}}"><script nonce="{{NONCE}}"></script>`),
		"assets/main-ABC.js":       file("plain"),
		"assets/main-ABC.js.gz":    file("gzip"),
		"assets/inter-ABC.woff2":   file("font"),
		"licences.txt":             file("licences"),
		"assets/mark-ABC.svg":      file("<svg/>"),
		"assets/main-ABC.css":      file("css"),
		"assets/only-plain-ABC.js": file("js"),
		"assets/packed-ABC.js.gz":  file(packed("packed")),
	}
}

func packed(s string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return out.String()
}

func server(t *testing.T, prefix string, routes []route.Route) *httptest.Server {
	t.Helper()
	m, err := route.New(route.Config{Prefix: prefix}, routes)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(m)
	t.Cleanup(srv.Close)
	return srv
}

func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestAssets(t *testing.T) {
	s, err := load(built(), nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := server(t, "", s.routes())
	const forever = "public, max-age=31536000, immutable"
	for _, tc := range []struct {
		path, accept       string
		status             int
		body, coding, keep string
	}{
		{"assets/main-ABC.js", "", 200, "plain", "", forever},
		{"assets/main-ABC.js", "gzip, deflate, br, zstd", 200, "gzip", "gzip", forever},
		{"assets/main-ABC.js", "gzip", 200, "gzip", "gzip", forever},
		{"assets/main-ABC.js", "br;q=0, gzip;q=0.5", 200, "gzip", "gzip", forever},
		{"assets/main-ABC.js", "br; q=0", 200, "plain", "", forever},
		{"assets/main-ABC.js", "brotli", 200, "plain", "", forever},
		{"assets/packed-ABC.js", "", 200, "packed", "", forever},
		{"assets/packed-ABC.js", "gzip", 200, packed("packed"), "gzip", forever},
		{"assets/packed-ABC.js", "br", 200, "packed", "", forever},
		{"assets/inter-ABC.woff2", "br", 200, "font", "", forever},
		{"licences.txt", "", 200, "licences", "", "no-cache"},
		{"assets/main-OLD.js", "br", 404, "", "", ""},
		{"assets/main-ABC.js.gz", "", 404, "", "", ""},
		{"favicon.svg", "", 404, "", "", ""},
		{"assets/", "", 404, "", "", ""},
	} {
		resp, body := ask(t, "GET", srv.URL+"/ui/"+tc.path, "Accept-Encoding", tc.accept)
		if resp.StatusCode != tc.status {
			t.Errorf("%s: %s", tc.path, resp.Status)
			continue
		}
		if tc.status != 200 {
			continue
		}
		if body != tc.body || resp.Header.Get("Content-Encoding") != tc.coding || resp.Header.Get("Cache-Control") != tc.keep || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s with %q: %q %v", tc.path, tc.accept, body, resp.Header)
		}
		again, body := ask(t, "GET", srv.URL+"/ui/"+tc.path, "Accept-Encoding", tc.accept, "If-None-Match", resp.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%s asked again: %s %q", tc.path, again.Status, body)
		}
		head, body := ask(t, "HEAD", srv.URL+"/ui/"+tc.path, "Accept-Encoding", tc.accept)
		if head.StatusCode != 200 || body != "" || head.ContentLength != int64(len(tc.body)) {
			t.Errorf("HEAD %s: %s %d %q", tc.path, head.Status, head.ContentLength, body)
		}
	}
	if resp, _ := ask(t, "POST", srv.URL+"/ui/"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("POST: %s", resp.Status)
	}
}

func TestPageKnowsItsPlaceUnderEveryPrefix(t *testing.T) {
	s, err := load(built(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "/team/trimtab"} {
		srv := server(t, prefix, s.routes())
		for path, base := range map[string]string{"": "./", "missing": "./", "experiments/1/runs/abc": "./../../../", "models/a%2Fb": "./../"} {
			resp, body := ask(t, "GET", srv.URL+prefix+"/ui/"+path)
			nonce := regexp.MustCompile(`nonce="([A-Za-z0-9+/]{22})"`).FindStringSubmatch(body)
			policy := resp.Header.Get("Content-Security-Policy")
			if resp.StatusCode != 200 || !strings.Contains(body, `<base href="`+base+`">`) || nonce == nil || !strings.Contains(policy, "'nonce-"+nonce[1]+"'") || !strings.HasPrefix(policy, "default-src 'self';") {
				t.Errorf("%s/ui/%s: %s %s\n%s", prefix, path, resp.Status, body, policy)
			}
			if _, again := ask(t, "GET", srv.URL+prefix+"/ui/"+path); again == body {
				t.Errorf("%s: the nonce was used twice", path)
			}
		}
		resp, _ := ask(t, "GET", srv.URL+prefix+"/ui?project=team")
		if resp.StatusCode != http.StatusMovedPermanently || resp.Header.Get("Location") != "ui/?project=team" {
			t.Errorf("/ui: %s to %q", resp.Status, resp.Header.Get("Location"))
		}
		resp, body := ask(t, "GET", srv.URL+prefix+"/")
		if resp.StatusCode != 200 || !strings.Contains(body, `location.replace("ui/"+`) || strings.Contains(body, "{{NONCE}}") {
			t.Errorf("/: %s %s", resp.Status, body)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, want := range map[string]string{"assets/x-ABC.exe": `"`, "assets/gone-ABC.js.br": "kind"} {
		b := built()
		b[name] = &fstest.MapFile{}
		if _, err := load(b, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Without a build the placeholder answers, and the routes are the same.
func TestPlaceholder(t *testing.T) {
	s, err := load(fstest.MapFS{".gitkeep": {}}, placeholder)
	if err != nil {
		t.Fatal(err)
	}
	srv := server(t, "", s.routes())
	for _, path := range []string{"/ui/", "/ui/experiments/1"} {
		resp, body := ask(t, "GET", srv.URL+path)
		if resp.StatusCode != 200 || !strings.Contains(body, "make build") || strings.Contains(body, "{{") {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
}

// What is embedded now, built or not, is served whole.
func TestEmbedded(t *testing.T) {
	srv := server(t, "", Routes())
	_, page := ask(t, "GET", srv.URL+"/ui/")
	if strings.Contains(page, "{{") {
		t.Errorf("the page has unfilled places:\n%s", page)
	}
	if !Built() {
		return
	}
	for _, m := range regexp.MustCompile(`(?:href|src)="(assets/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		resp, plain := ask(t, "GET", srv.URL+"/ui/"+m[1])
		if resp.StatusCode != 200 || plain == "" {
			t.Errorf("%s: %s", m[1], resp.Status)
		}
		resp, packed := ask(t, "GET", srv.URL+"/ui/"+m[1], "Accept-Encoding", "gzip")
		if resp.Header.Get("Content-Encoding") != "gzip" {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader([]byte(packed)))
		if err != nil {
			t.Fatal(err)
		}
		if unpacked, err := io.ReadAll(z); err != nil || string(unpacked) != plain {
			t.Errorf("%s: the compressed variant holds something else (%v)", m[1], err)
		}
	}
}
