package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/route"
)

// site is a built set of pages in memory. It never changes after load.
type site struct {
	page   []byte // index.html, or the placeholder
	assets map[string]*asset
}

// asset is one file, with its compressed form where the build has one.
type asset struct {
	kind      string
	immutable bool
	etag      string
	plain, gz []byte
}

// kinds are the media types of what a build may hold; the machine's own table is not asked.
var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2",
}

// load reads a build. One without index.html gives the placeholder.
func load(built fs.FS, placeholder []byte) (*site, error) {
	s := &site{page: placeholder, assets: map[string]*asset{}}
	page, err := fs.ReadFile(built, "index.html")
	if err != nil {
		return s, nil
	}
	s.page = page
	variants := map[string][]byte{}
	err = fs.WalkDir(built, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "index.html" || name == ".gitkeep" {
			return err
		}
		variants[name], err = fs.ReadFile(built, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	for name, body := range variants {
		ext := path.Ext(name)
		// A build keeps text compressed only; who takes no compression gets it unpacked.
		if ext == ".gz" {
			packed := body
			if name = strings.TrimSuffix(name, ext); variants[name] != nil {
				continue
			}
			if body, err = unpack(packed); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			ext = path.Ext(name)
		}
		kind, ok := kinds[ext]
		if !ok {
			return nil, fmt.Errorf("%s: the pages serve no files of the kind %q", name, ext)
		}
		sum := sha256.Sum256(body)
		s.assets[name] = &asset{kind: kind, immutable: strings.HasPrefix(name, "assets/"), etag: `"` + hex.EncodeToString(sum[:8]) + `"`, plain: body, gz: variants[name+".gz"]}
	}
	return s, nil
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func (s *site) routes() []route.Route {
	get := func(pattern string, handle func(http.ResponseWriter, *http.Request) error) route.Route {
		return route.Route{Method: http.MethodGet, Pattern: pattern, Auth: route.Public, Handle: handle}
	}
	return []route.Route{get("/{$}", root), get("/ui", toPages), get("/ui/{path...}", s.serve)}
}

// serve answers with an asset, or with the page for every address that is not
// the name of a file: the page's own router knows what it means.
func (s *site) serve(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("path")
	if a := s.assets[name]; a != nil {
		a.serve(w, r)
		return nil
	}
	if strings.HasPrefix(name, "assets/") || kinds[path.Ext(name)] != "" {
		return trimtab.Errorf(trimtab.NotFound, r.URL.Path, "no such file: %s; a newer version of the pages may be running, reload the page", r.URL.Path)
	}
	// Relative to the address of the page as the browser sees it (an encoded slash
	// is none), so that no path prefix needs to be known.
	base := "./" + strings.Repeat("../", strings.Count(strings.TrimPrefix(r.URL.EscapedPath(), "/ui/"), "/"))
	return writePage(w, bytes.ReplaceAll(s.page, []byte("{{BASE}}"), []byte(base)))
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	if a.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := a.plain, a.etag
	if a.gz != nil {
		h.Set("Vary", "Accept-Encoding")
		if accepts(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body, etag = a.gz, strings.TrimSuffix(etag, `"`)+`-gz"`
		}
	}
	h.Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that went away needs no answer
	}
}

// accepts reports whether an Accept-Encoding header names a coding with a weight above zero.
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, ok := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		if !ok {
			return true
		}
		v, err := strconv.ParseFloat(q, 64)
		return err == nil && v > 0
	}
	return false
}

// writePage writes a page with a fresh nonce in its places and in its policy.
func writePage(w http.ResponseWriter, page []byte) error {
	var raw [16]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return &trimtab.Error{Kind: trimtab.Internal, Subject: "page", Err: err}
	}
	nonce := base64.RawStdEncoding.EncodeToString(raw[:])
	h := w.Header()
	h.Set("Content-Type", mime.FormatMediaType("text/html", map[string]string{"charset": "utf-8"}))
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'self'; script-src 'self' 'nonce-"+nonce+"'; style-src 'self' 'nonce-"+nonce+
		"'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'")
	_, err := w.Write(bytes.ReplaceAll(page, []byte("{{NONCE}}"), []byte(nonce)))
	return err
}

// toPages adds the slash. The address stays relative, so that it holds under
// any path prefix; http.Redirect would make it absolute.
func toPages(w http.ResponseWriter, r *http.Request) error {
	to := "ui/"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusMovedPermanently)
	return nil
}

// rootPage leads from "/" to the pages. What MLflow clients print is
// SERVER/#/experiments/1/runs/ID: the part behind # never reaches a server, so
// that only a script can turn it into the address of a page.
const rootPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>trimtab</title>
<script nonce="{{NONCE}}">location.replace("ui/"+(location.hash.startsWith("#/")?location.hash.slice(2):location.search))</script>
<noscript><meta http-equiv="refresh" content="0; url=ui/"></noscript>
</head>
<body><p><a href="ui/">The pages of trimtab</a></p></body>
</html>
`

func root(w http.ResponseWriter, _ *http.Request) error { return writePage(w, []byte(rootPage)) }
