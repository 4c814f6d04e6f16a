package api

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/sql"
)

// RunCards reads what the page of a run shows.
type RunCards interface {
	Card(ctx context.Context, id trimtab.RunID) (sql.RunCard, error)
	Metrics(ctx context.Context, id trimtab.RunID, text string, limit int, after string) (sql.MetricPage, error)
}

// RunTree lists the artifacts of a run.
type RunTree interface {
	List(ctx context.Context, tree trimtab.TreeID, dir string) ([]trimtab.Artifact, error)
	Get(ctx context.Context, tree trimtab.TreeID, path string) (trimtab.Artifact, error)
}

// Opener opens stored objects.
type Opener interface {
	Open(ctx context.Context, d trimtab.Digest) (blob.Reader, error)
}

// filesMost bounds the entries of one folder.
const filesMost = 2000

// RunIDIn names a run.
type RunIDIn struct {
	ProjectIn
	ID string `path:"id" doc:"The id of a run."`
}

func (t *table) runPages() {
	add(t, operation{id: "getRunPage", method: "GET", path: "/runs/{id}/page", summary: "Show a run with its neighbours, inputs, models, origin and how to do it again; without metrics", auth: route.Reader},
		func(ctx context.Context, in *RunIDIn) (view.RunPage, error) {
			if t.cfg.RunCards == nil {
				return view.RunPage{}, absent("tracking store")
			}
			c, err := t.cfg.RunCards.Card(ctx, trimtab.RunID(in.ID))
			if err != nil {
				return view.RunPage{}, err
			}
			f := view.RunFacts{Run: c.Run, ExperimentName: c.ExperimentName, MetricKeys: c.MetricKeys, Newer: c.Newer, Older: c.Older, Models: c.Models, Versions: c.Versions}
			return view.RunPageOf(t.withOrigin(ctx, f)), nil
		})
	add(t, operation{id: "listRunMetrics", method: "GET", path: "/runs/{id}/metrics", summary: "List the metrics of a run by key, with the latest point, the number of points and their extremes", auth: route.Reader},
		func(ctx context.Context, in *struct {
			RunIDIn
			Search string `query:"search" maxLength:"250" doc:"A part of the key, in upper or lower case."`
			Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many keys at most."`
			After  string `query:"after" maxLength:"1000" doc:"The key after which to go on: next of the page before."`
		}) (view.RunMetrics, error) {
			out := view.RunMetrics{Items: []view.RunFigure{}}
			if t.cfg.RunCards == nil {
				return out, absent("tracking store")
			}
			page, err := t.cfg.RunCards.Metrics(ctx, trimtab.RunID(in.ID), in.Search, in.Limit, in.After)
			for _, m := range page.Items {
				out.Items = append(out.Items, view.RunFigure{Key: m.Key, Value: view.Number(m.Value), Step: m.Step, Time: m.Time, Count: m.Count, NaNs: m.NaNs, Min: view.Number(m.Min), Max: view.Number(m.Max)})
			}
			out.Total, out.Found, out.Next = page.Total, page.Found, page.Next
			return out, err
		})
	add(t, operation{id: "listRunFiles", method: "GET", path: "/runs/{id}/files", summary: "List a folder of a run's artifacts", auth: route.Reader},
		func(ctx context.Context, in *struct {
			RunIDIn
			Path string `query:"path" doc:"A folder; the top without one."`
		}) (view.RunFiles, error) {
			return t.runFiles(ctx, in.ID, in.Path)
		})
	stream(t, operation{id: "getRunFile", method: "GET", path: "/runs/{id}/file", summary: "Read a file of a run's artifacts, in a form that a browser may show: what could run is kept in a sandbox without network", auth: route.Reader, content: "application/octet-stream"},
		func(ctx context.Context, in *struct {
			RunIDIn
			Path     string `query:"path" required:"true" doc:"A file."`
			Download bool   `query:"download" doc:"As a file to be saved."`
		}, w http.ResponseWriter, r *http.Request) error {
			return t.runFile(ctx, in.ID, in.Path, in.Download, w, r)
		})
}

// withOrigin adds the pipeline run whose attempt owns the run. A pipeline run that
// is gone leaves the run as it is.
func (t *table) withOrigin(ctx context.Context, f view.RunFacts) view.RunFacts {
	run, step, n, ok := attemptOf(f.Run.Attempt)
	if !ok || t.cfg.PipelineRuns == nil {
		return f
	}
	p, err := t.cfg.PipelineRuns.GetRun(ctx, run)
	if err != nil {
		return f
	}
	f.Pipeline, f.Step, f.Attempt = &p, step, n
	return f
}

// attemptOf takes the name of an attempt apart. A step's name may have dots.
func attemptOf(id trimtab.AttemptID) (run trimtab.PipelineRunID, step string, n int, ok bool) {
	head, rest, found := strings.Cut(string(id), ".")
	last := strings.LastIndexByte(rest, '.')
	if !found || last < 0 {
		return "", "", 0, false
	}
	n, err := strconv.Atoi(rest[last+1:])
	return trimtab.PipelineRunID(head), rest[:last], n, err == nil
}

func (t *table) runFiles(ctx context.Context, id, dir string) (view.RunFiles, error) {
	out := view.RunFiles{Items: []view.RunFileEntry{}}
	if t.cfg.RunTree == nil {
		return out, absent("artifact store")
	}
	dir, err := trimtab.ArtifactPath(dir)
	if err != nil {
		return out, err
	}
	out.Path = dir
	files, err := t.cfg.RunTree.List(ctx, trimtab.RunTree(trimtab.RunID(id)), dir)
	if err != nil {
		return out, err
	}
	byPath := make(map[string]trimtab.Artifact, len(files))
	for _, f := range files {
		byPath[f.Path] = f
	}
	for _, e := range trimtab.ListTree(files, dir) {
		if len(out.Items) == filesMost {
			out.More++
			continue
		}
		one := view.RunFileEntry{Name: path.Base(e.Path), Path: e.Path, Dir: e.IsDir, Size: e.Size}
		if !e.IsDir {
			one.Digest, one.Kind = byPath[e.Path].Digest, view.FileKind(e.Path)
		}
		out.Items = append(out.Items, one)
	}
	return out, nil
}

// What a browser may do with a file that somebody uploaded. Nothing may reach the
// network; what could run does so in an origin of its own, which is nobody's.
const (
	closedPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox"
	scriptPolicy = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data: blob:; worker-src blob:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox allow-scripts"
)

func (t *table) runFile(ctx context.Context, id, name string, download bool, w http.ResponseWriter, r *http.Request) error {
	if t.cfg.RunTree == nil || t.cfg.Opener == nil {
		return absent("artifact store")
	}
	clean, err := trimtab.ArtifactPath(name)
	if err != nil {
		return err
	}
	a, err := t.cfg.RunTree.Get(ctx, trimtab.RunTree(trimtab.RunID(id)), clean)
	if err != nil {
		return err
	}
	file, err := t.cfg.Opener.Open(ctx, a.Digest)
	if err != nil {
		if trimtab.IsKind(err, trimtab.NotFound) {
			// The row is there and its bytes are not: the server's fault, not the caller's.
			return &trimtab.Error{Op: "artifact " + a.Path, Kind: trimtab.Internal, Err: err}
		}
		return err
	}
	defer file.Close()
	content, policy := "application/octet-stream", closedPolicy
	switch kind := view.FileKind(a.Path); kind {
	case "image":
		head := make([]byte, 512)
		n, _ := file.ReadAt(head, 0) // a short file is sniffed as far as it goes
		content = imageType(a.Path, head[:n])
	case "html":
		content, policy = "text/html; charset=utf-8", scriptPolicy
	case "":
	default:
		content = "text/plain; charset=utf-8"
	}
	h := w.Header()
	if download || content == "application/octet-stream" {
		h.Set("Content-Disposition", `attachment; filename*=UTF-8''`+percentEncoded(path.Base(a.Path)))
	}
	h.Set("Content-Type", content)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+a.Digest.Hex()+`"`)
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}

// imageType is the type of an image by its first bytes; what is none of the few
// known ones is bytes to be saved. SVG is text and is known by its name.
func imageType(name string, head []byte) string {
	if strings.EqualFold(path.Ext(name), ".svg") {
		return "image/svg+xml"
	}
	switch found := http.DetectContentType(head); found {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return found
	}
	return "application/octet-stream"
}

// percentEncoded is a name as RFC 8187 wants it.
func percentEncoded(name string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func writeJSON(w http.ResponseWriter, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(raw)
	return err
}
