package mlflow

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/registry"
)

// place reads the path of a proxied artifact, which the mux has decoded once.
func place(r *http.Request) (registry.Place, error) {
	return registry.ParsePlace(r.PathValue("path"))
}

// proxyPut streams one file into the blob store and names it in its tree. The
// tree is asked first, so that bytes nobody may keep are never read.
func (s *server) proxyPut(w http.ResponseWriter, r *http.Request) error {
	p, err := place(r)
	if err != nil {
		return err
	}
	if p.Model != "" {
		return trimtab.Errorf(trimtab.Denied, "artifact", "version %d of model %s is frozen; a version never changes. Upload to a run and register a new version", p.Version, p.Model)
	}
	if err := s.upload(r, p); err != nil {
		return err
	}
	return empty(w, r)
}

func (s *server) upload(r *http.Request, p registry.Place) error {
	ctx := r.Context()
	if err := s.Tracker.CheckUpload(ctx, p.Root, p.Run, p.LoggedModel, p.Path); err != nil {
		return err
	}
	digest, size, err := s.Blobs.Put(ctx, r.Body)
	if err != nil {
		return bodyError(err)
	}
	return s.Artifacts.Put(ctx, p.Tree(), p.Path, digest, size)
}

func (s *server) proxyGet(w http.ResponseWriter, r *http.Request) error {
	p, err := place(r)
	if err != nil {
		return err
	}
	a, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	return s.sendArtifact(w, r, a)
}

func (s *server) proxyDelete(w http.ResponseWriter, r *http.Request) error {
	p, err := place(r)
	if err != nil {
		return err
	}
	if p.Model != "" {
		return trimtab.Errorf(trimtab.Denied, "artifact", "version %d of model %s is frozen; its files stay as long as it does", p.Version, p.Model)
	}
	if p.Run != "" {
		run, err := s.Runs.Get(r.Context(), p.Run)
		if err != nil {
			return err
		}
		if err := run.Writable(); err != nil {
			return err
		}
	}
	if err := s.Artifacts.Delete(r.Context(), p.Tree(), p.Path); err != nil {
		return err
	}
	return empty(w, r)
}

// proxyList lists a folder; entries are named by their base names. What no run
// or model owns is an empty folder, as it is on a disk that nobody wrote to.
func (s *server) proxyList(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	dir := f.str("path")
	if err := f.err(); err != nil {
		return err
	}
	p, err := registry.ParsePlace(dir)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return empty(w, r)
	}
	if err != nil {
		return err
	}
	list, err := s.list(r.Context(), p)
	if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return err
	}
	return answer(w, r, func(d *doc) { d.files(list, path.Base) })
}

func (s *server) listArtifacts(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id, dir := f.runID(), f.str("path")
	if err := f.err(); err != nil {
		return err
	}
	dir, err := trimtab.ArtifactPath(dir)
	if err != nil {
		return err
	}
	run, err := s.Runs.Get(r.Context(), id)
	if err != nil {
		return err
	}
	list, err := s.list(r.Context(), registry.Place{Run: run.ID, Path: dir})
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.str("root_uri", run.ArtifactURI)
		d.files(list, func(p string) string { return p })
	})
}

func (s *server) listLoggedModelArtifacts(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id := loggedModelID(r, f)
	dir := ""
	if f.query != nil {
		dir = f.str("artifact_directory_path")
	}
	if err := f.err(); err != nil {
		return err
	}
	dir, err := trimtab.ArtifactPath(dir)
	if err != nil {
		return err
	}
	m, err := s.activeLoggedModel(r.Context(), id)
	if err != nil {
		return err
	}
	list, err := s.list(r.Context(), registry.Place{LoggedModel: id, Path: dir})
	if err != nil {
		return err
	}
	return answer(w, r, func(d *doc) {
		d.str("root_uri", m.ArtifactURI)
		d.files(list, func(p string) string { return p })
	})
}

func (s *server) activeLoggedModel(ctx context.Context, id trimtab.LoggedModelID) (trimtab.LoggedModel, error) {
	m, err := s.LoggedModels.Get(ctx, id)
	if err == nil && m.Lifecycle == trimtab.Deleted {
		err = trimtab.Errorf(trimtab.NotFound, "logged model "+string(id), "Logged model with ID '%s' not found.", id)
	}
	return m, err
}

// files writes a listing. A folder has no size, and neither has an empty file:
// MLflow leaves out what is zero.
func (d *doc) files(list []trimtab.ArtifactInfo, name func(string) string) {
	if len(list) == 0 {
		return
	}
	d.list("files")
	for _, f := range list {
		d.begin()
		d.str("path", name(f.Path))
		d.boolean("is_dir", f.IsDir)
		if f.Size > 0 {
			d.num("file_size", f.Size)
		}
		d.end()
	}
	d.endList()
}

// find returns the file at a place.
func (s *server) find(ctx context.Context, p registry.Place) (trimtab.Artifact, error) {
	none := trimtab.Errorf(trimtab.NotFound, "artifact "+p.Path, "No such artifact: '%s'", p.Path)
	if p.Path == "" {
		return trimtab.Artifact{}, none
	}
	if p.Model == "" {
		a, err := s.Artifacts.Get(ctx, p.Tree(), p.Path)
		if trimtab.IsKind(err, trimtab.NotFound) {
			return a, none
		}
		return a, err
	}
	m, err := s.frozen(ctx, p)
	if err != nil {
		return trimtab.Artifact{}, err
	}
	a, ok := m.Find(p.Path)
	if !ok {
		return a, none
	}
	return a, nil
}

// list returns what lies directly in the folder at a place.
func (s *server) list(ctx context.Context, p registry.Place) ([]trimtab.ArtifactInfo, error) {
	if p.Model == "" {
		files, err := s.Artifacts.List(ctx, p.Tree(), p.Path)
		if err != nil {
			return nil, err
		}
		return trimtab.ListTree(files, p.Path), nil
	}
	m, err := s.frozen(ctx, p)
	if err != nil {
		return nil, err
	}
	return trimtab.ListTree(m, p.Path), nil
}

// frozen is the manifest of a version. While a version waits for its run to
// end, it has none, and its files are what the run has there at the moment: what
// would be frozen. The name in the path may still be escaped: a client puts the
// version's address into a query as it is.
func (s *server) frozen(ctx context.Context, p registry.Place) (trimtab.Manifest, error) {
	v, err := s.Versions.Get(ctx, p.Model, p.Version)
	if trimtab.IsKind(err, trimtab.NotFound) {
		if name, bad := url.PathUnescape(string(p.Model)); bad == nil && name != string(p.Model) && trimtab.CleanText(name) == "" {
			v, err = s.Versions.Get(ctx, trimtab.ModelName(name), p.Version)
		}
	}
	if err != nil {
		return nil, err
	}
	if v.Manifest != "" {
		return s.Artifacts.Manifest(ctx, v.Manifest)
	}
	if v.Tree == "" {
		return nil, nil
	}
	files, err := s.Artifacts.List(ctx, v.Tree, v.TreePath)
	if err != nil {
		return nil, err
	}
	return below(files, v.TreePath), nil
}

// below makes the paths of files relative to a folder.
func below(files []trimtab.Artifact, dir string) trimtab.Manifest {
	if dir == "" {
		return trimtab.NewManifest(files)
	}
	kept := make([]trimtab.Artifact, 0, len(files))
	for _, f := range files {
		if rest, ok := strings.CutPrefix(f.Path, dir+"/"); ok {
			f.Path = rest
			kept = append(kept, f)
		}
	}
	return trimtab.NewManifest(kept)
}

// sendArtifact streams a file: always as a download, never for a browser to
// show, whatever its bytes pretend to be.
func (s *server) sendArtifact(w http.ResponseWriter, r *http.Request, a trimtab.Artifact) error {
	file, err := s.Blobs.Open(r.Context(), a.Digest)
	if err != nil {
		if trimtab.IsKind(err, trimtab.NotFound) {
			// The row is there and its bytes are not: the server's fault, not the caller's.
			return &trimtab.Error{Op: "artifact " + a.Path, Kind: trimtab.Internal, Err: err}
		}
		return err
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", contentType(a.Path))
	h.Set("Content-Disposition", disposition(path.Base(a.Path)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("ETag", `"`+a.Digest.Hex()+`"`)
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}

// disposition names the download: a name beyond ASCII in its own parameter, with
// what is left of it for clients that do not know that one.
func disposition(name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return -1
		}
		return r
	}, name)
	plain := ascii
	if plain == "" {
		plain = "download"
	}
	d := mime.FormatMediaType("attachment", map[string]string{"filename": plain})
	if d == "" {
		return "attachment"
	}
	if ascii != name {
		d += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return d
}

// textEndings and textNames are the files that MLflow takes for plain text.
var (
	textEndings = wordSet("txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst ipynb")
	textNames   = wordSet("MLmodel MLproject")
)

// types are the media types of other files that runs usually have. A fixed table
// answers the same on every machine.
var types = map[string]string{
	"html": "text/html", "htm": "text/html", "css": "text/css", "pdf": "application/pdf", "zip": "application/zip",
	"tar": "application/x-tar", "gz": "application/gzip", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg",
	"gif": "image/gif", "svg": "image/svg+xml", "webp": "image/webp", "mp4": "video/mp4", "mp3": "audio/mpeg", "wav": "audio/x-wav",
}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

func contentType(name string) string {
	base := path.Base(name)
	ending := strings.TrimPrefix(path.Ext(base), ".")
	if textEndings[ending] || textNames[base] {
		return "text/plain"
	}
	if t, ok := types[strings.ToLower(ending)]; ok {
		return t
	}
	return "application/octet-stream"
}

// getArtifact is the download link of a run's page.
func (s *server) getArtifact(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	id := q.Get("run_id")
	if id == "" {
		id = q.Get("run_uuid")
	}
	if id == "" {
		return invalid("run_id", "Request must specify run_id or run_uuid.")
	}
	return s.download(w, r, q.Get("path"), registry.Place{Run: trimtab.RunID(id)})
}

// getVersionArtifact is the download link of a version's page.
func (s *server) getVersionArtifact(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	name, n := f.modelName("name"), f.version("version")
	if err := f.err(); err != nil {
		return err
	}
	return s.download(w, r, f.str("path"), registry.Place{Model: name, Version: n})
}

func (s *server) getLoggedModelArtifact(w http.ResponseWriter, r *http.Request) error {
	f := read(r)
	id, file := trimtab.LoggedModelID(f.segment(r, "model_id")), f.str("artifact_file_path")
	if err := f.err(); err != nil {
		return err
	}
	if file == "" {
		return trimtab.Errorf(trimtab.Precondition, "artifact", `Request must include the "artifact_file_path" query parameter.`)
	}
	if _, err := s.activeLoggedModel(r.Context(), id); err != nil {
		return err
	}
	return s.download(w, r, file, registry.Place{LoggedModel: id})
}

func (s *server) download(w http.ResponseWriter, r *http.Request, file string, p registry.Place) error {
	clean, err := trimtab.ArtifactPath(file)
	if err != nil {
		return err
	}
	if clean == "" {
		return invalid("path", "Request must specify path.")
	}
	if p.Run != "" {
		if _, err := s.Runs.Get(r.Context(), p.Run); err != nil {
			return err
		}
	}
	p.Path = clean
	a, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	return s.sendArtifact(w, r, a)
}

// uploadArtifact is MLflow's page storing a small file of a run.
func (s *server) uploadArtifact(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	id, file := q.Get("run_uuid"), q.Get("path")
	if id == "" {
		return invalid("run_uuid", "Request must specify run_uuid.")
	}
	if file == "" {
		return invalid("path", "Request must specify path.")
	}
	clean, err := trimtab.ArtifactPath(file)
	if err != nil {
		return err
	}
	if r.ContentLength == 0 {
		return invalid("data", "Request must specify data.")
	}
	run, err := s.Runs.Get(r.Context(), trimtab.RunID(id))
	if err != nil {
		return err
	}
	if err := s.upload(r, registry.Place{Root: run.ArtifactURI, Run: run.ID, Path: clean}); err != nil {
		return err
	}
	return empty(w, r)
}
