package registry

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// scheme begins the address of everything in the server's own store.
const scheme = "mlflow-artifacts:/"

// versionRoot is the first part of the path of every version's own tree.
const versionRoot = "versions"

// DownloadURI is where the files of a version are read: a tree of its own that
// nobody writes. A version without files (a prompt) has its source instead.
func DownloadURI(v trimtab.ModelVersion) string {
	if v.Tree == "" && v.Manifest == "" {
		return v.Source
	}
	return scheme + versionRoot + "/" + url.PathEscape(string(v.Model)) + "/" + strconv.FormatInt(int64(v.Version), 10)
}

// Place is a file or folder in one of the server's trees, as an artifact path
// names it. Exactly one of Run, LoggedModel and Model is set.
type Place struct {
	Root        string // the artifact URI of the run or logged model
	Run         trimtab.RunID
	LoggedModel trimtab.LoggedModelID
	Model       trimtab.ModelName // with Version: the tree of a version
	Version     trimtab.Version
	Path        string // below the root, cleaned
}

// Tree is the tree of a run or a logged model, "" for a version.
func (p Place) Tree() trimtab.TreeID {
	switch {
	case p.Run != "":
		return trimtab.RunTree(p.Run)
	case p.LoggedModel != "":
		return trimtab.LoggedModelTree(p.LoggedModel)
	}
	return ""
}

var (
	runSegment   = regexp.MustCompile(`^[0-9a-f]{32}$`)
	modelSegment = regexp.MustCompile(`^m-[0-9a-f]{32}$`)
)

// ParsePlace reads a path of the artifact store: ROOT/RUN/artifacts/PATH,
// ROOT/models/LOGGED_MODEL/artifacts/PATH, where ROOT is the place of an
// experiment, or versions/MODEL/NUMBER/PATH. NotFound for any other path; an
// unclean one is Invalid. The path has been decoded once, by the caller.
func ParsePlace(path string) (Place, error) {
	clean, err := trimtab.ArtifactPath(path)
	if err != nil {
		return Place{}, err
	}
	none := trimtab.Errorf(trimtab.NotFound, "artifact", "no run, logged model or model version keeps its artifacts at %s", clean)
	parts := strings.Split(clean, "/")
	if parts[0] == versionRoot {
		if len(parts) < 3 {
			return Place{}, none
		}
		n, err := strconv.ParseInt(parts[2], 10, 64)
		if err != nil || n < 1 {
			return Place{}, none
		}
		return Place{Model: trimtab.ModelName(parts[1]), Version: trimtab.Version(n), Path: strings.Join(parts[3:], "/")}, nil
	}
	for i := 1; i+1 < len(parts); i++ {
		if parts[i+1] != "artifacts" {
			continue
		}
		p := Place{Root: scheme + strings.Join(parts[:i+2], "/"), Path: strings.Join(parts[i+2:], "/")}
		switch {
		case runSegment.MatchString(parts[i]):
			p.Run = trimtab.RunID(parts[i])
			return p, nil
		case i > 1 && parts[i-1] == "models" && modelSegment.MatchString(parts[i]):
			p.LoggedModel = trimtab.LoggedModelID(parts[i])
			return p, nil
		}
	}
	return Place{}, none
}

// resolve completes v with the tree and the path that the source names.
func (r *Registry) resolve(ctx context.Context, n NewVersion, v *trimtab.ModelVersion) error {
	if why := trimtab.CleanText(n.Source); why != "" {
		return invalid("source", "Invalid model version source: it %s", why)
	}
	switch {
	case strings.HasPrefix(n.Source, "runs:"):
		return r.fromRun(ctx, n, v)
	case strings.HasPrefix(n.Source, "models:"):
		return r.fromModel(ctx, n, v)
	case strings.HasPrefix(n.Source, "mlflow-artifacts:"):
		return r.fromPlace(ctx, n, v, strings.TrimPrefix(n.Source, "mlflow-artifacts:"))
	}
	if u, err := url.Parse(n.Source); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		if _, path, ok := strings.Cut(u.EscapedPath(), "/api/2.0/mlflow-artifacts/artifacts"); ok && u.RawQuery == "" && u.Fragment == "" {
			return r.fromPlace(ctx, n, v, path)
		}
	}
	return invalid("source", "Invalid model version source: '%s'. This server registers what lies in its own artifact store: runs:/RUN_ID/PATH, models:/LOGGED_MODEL_ID, models:/NAME/VERSION or mlflow-artifacts:/…. Log the model to a run of this server first; local paths and other storage are not accepted", n.Source)
}

// fromRun resolves runs:/RUN/PATH. The run must be named by the request as
// well. Where the run's own tree holds nothing at PATH, a logged model of that
// name which the run made is meant: MLflow 3 keeps models there.
func (r *Registry) fromRun(ctx context.Context, n NewVersion, v *trimtab.ModelVersion) error {
	rest, ok := strings.CutPrefix(n.Source, "runs:/")
	id, path, _ := strings.Cut(rest, "/")
	if !ok || id == "" {
		return invalid("source", "Not a proper runs:/ URI: %s. Runs URIs must be of the form 'runs:/<run_id>/run-relative/path/to/artifact'", n.Source)
	}
	path, err := decoded(n.Source, path)
	if err != nil {
		return err
	}
	if n.LoggedModel != "" {
		return notOwner(n.Source, "model_id")
	}
	if trimtab.RunID(id) != n.Run {
		return notOwner(n.Source, "run_id")
	}
	run, err := r.cfg.Runs.Get(ctx, n.Run)
	if err != nil {
		return ownerError(err, n.Source, "run_id")
	}
	v.Tree, v.TreePath = trimtab.RunTree(run.ID), path
	files, err := r.cfg.Artifacts.List(ctx, v.Tree, path)
	if err != nil || len(files) > 0 {
		return err
	}
	for _, out := range run.Outputs {
		m, err := r.cfg.LoggedModels.Get(ctx, out.Model)
		if trimtab.IsKind(err, trimtab.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if m.Name == path && m.Lifecycle != trimtab.Deleted {
			v.Tree, v.TreePath, v.LoggedModel = trimtab.LoggedModelTree(m.ID), "", m.ID
			return nil
		}
	}
	return nil
}

// fromModel resolves models:/LOGGED_MODEL, models:/NAME/VERSION,
// models:/NAME/STAGE, models:/NAME/latest and models:/NAME@ALIAS.
func (r *Registry) fromModel(ctx context.Context, n NewVersion, v *trimtab.ModelVersion) error {
	improper := invalid("source", "Not a proper models:/ URI: %s. Models URIs must be of the form 'models:/model_name/suffix' or 'models:/model_name@alias' where suffix is a model version, stage, or the string 'latest' and where alias is a registered model alias. Only one of suffix or alias can be defined at a time.", n.Source)
	rest, ok := strings.CutPrefix(n.Source, "models:/")
	if !ok || strings.HasPrefix(rest, "/") {
		return improper
	}
	name, suffix, slash := strings.Cut(rest, "/")
	at := strings.LastIndexByte(name, '@')
	switch {
	case strings.TrimSpace(name) == "" || slash && (strings.TrimSpace(suffix) == "" || strings.Contains(suffix, "/")):
		return improper
	case slash:
		from, err := r.bySuffix(ctx, trimtab.ModelName(name), suffix)
		if err != nil {
			return err
		}
		return r.copyOf(ctx, n, v, from)
	case at >= 0:
		if at == 0 || at == len(name)-1 {
			return improper
		}
		from, err := r.ByAlias(ctx, trimtab.ModelName(name[:at]), trimtab.Alias(name[at+1:]))
		if err != nil {
			return err
		}
		return r.copyOf(ctx, n, v, from)
	}
	if trimtab.LoggedModelID(name) != n.LoggedModel {
		return notOwner(n.Source, "model_id")
	}
	m, err := r.cfg.LoggedModels.Get(ctx, n.LoggedModel)
	if err != nil {
		return ownerError(err, n.Source, "model_id")
	}
	return ofLoggedModel(m, n.Source, "", v)
}

func ofLoggedModel(m trimtab.LoggedModel, source, path string, v *trimtab.ModelVersion) error {
	if m.Lifecycle == trimtab.Deleted {
		return notOwner(source, "model_id")
	}
	v.Tree, v.TreePath, v.LoggedModel = trimtab.LoggedModelTree(m.ID), path, m.ID
	if v.Run == "" {
		v.Run = m.SourceRun
	}
	return nil
}

func (r *Registry) bySuffix(ctx context.Context, name trimtab.ModelName, suffix string) (trimtab.ModelVersion, error) {
	if n, err := strconv.ParseInt(suffix, 10, 64); err == nil {
		return r.cfg.Versions.Get(ctx, name, trimtab.Version(n))
	}
	if strings.EqualFold(suffix, "latest") {
		return r.latest(ctx, name)
	}
	all, err := r.LatestVersions(ctx, name, []string{suffix})
	if err != nil {
		return trimtab.ModelVersion{}, err
	}
	if len(all) == 0 {
		return trimtab.ModelVersion{}, trimtab.Errorf(trimtab.NotFound, "model "+string(name), "No versions of model with name '%s' and stage '%s' found", name, suffix)
	}
	return all[0], nil
}

// copyOf makes v a version of the same files as another one: of its manifest,
// not of the tree, which may have changed since.
func (r *Registry) copyOf(ctx context.Context, n NewVersion, v *trimtab.ModelVersion, from trimtab.ModelVersion) error {
	m, err := r.cfg.Models.Get(ctx, from.Model)
	if err != nil {
		return err
	}
	if noun(m.Tags) == "Prompt" {
		return invalid("source", "Invalid model version source: '%s'. Prompt versions cannot be used as model version sources.", n.Source)
	}
	if n.RunGiven && n.Run != from.Run || n.LoggedModelGiven && n.LoggedModel != from.LoggedModel {
		return invalid("source", "Invalid model version source: '%s'. The run_id and model_id request parameters must match the referenced model version.", n.Source)
	}
	v.Source = "models:/" + string(from.Model) + "/" + strconv.FormatInt(int64(from.Version), 10)
	v.Run, v.LoggedModel = from.Run, from.LoggedModel
	v.Tree, v.TreePath, v.Manifest = from.Tree, from.TreePath, from.Manifest
	return nil
}

// fromPlace resolves a path of the artifact store.
func (r *Registry) fromPlace(ctx context.Context, n NewVersion, v *trimtab.ModelVersion, escaped string) error {
	if strings.HasPrefix(escaped, "//") {
		return notOwner(n.Source, "run_id") // an authority: the store of another server
	}
	path, err := decoded(n.Source, escaped)
	if err != nil {
		return err
	}
	p, err := ParsePlace(path)
	if err != nil {
		return notOwner(n.Source, ownerField(n))
	}
	switch {
	case p.Model != "":
		from, err := r.cfg.Versions.Get(ctx, p.Model, p.Version)
		if err != nil {
			return err
		}
		if p.Path != "" {
			return invalid("source", "Invalid model version source: '%s'. A version is registered as a whole; leave out %s", n.Source, p.Path)
		}
		return r.copyOf(ctx, n, v, from)
	case p.LoggedModel != "":
		if n.LoggedModel != p.LoggedModel {
			return notOwner(n.Source, "model_id")
		}
		m, err := r.cfg.LoggedModels.Get(ctx, p.LoggedModel)
		if err != nil {
			return ownerError(err, n.Source, "model_id")
		}
		if m.ArtifactURI != p.Root {
			return notOwner(n.Source, "model_id")
		}
		return ofLoggedModel(m, n.Source, p.Path, v)
	}
	if n.LoggedModel != "" {
		return notOwner(n.Source, "model_id")
	}
	if n.Run != p.Run {
		return notOwner(n.Source, "run_id")
	}
	run, err := r.cfg.Runs.Get(ctx, p.Run)
	if err != nil {
		return ownerError(err, n.Source, "run_id")
	}
	if run.ArtifactURI != p.Root {
		return notOwner(n.Source, "run_id")
	}
	v.Tree, v.TreePath = trimtab.RunTree(p.Run), p.Path
	return nil
}

func ownerField(n NewVersion) string {
	if n.LoggedModel != "" {
		return "model_id"
	}
	return "run_id"
}

// decoded undoes the percent escapes of a path once and cleans it. A path that
// still has an escape which hides a separator or a dot is refused: there is no
// honest reason for one.
func decoded(source, path string) (string, error) {
	relative := invalid("source", "Invalid model version source: '%s'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.", source)
	if strings.ContainsAny(path, "?#") {
		return "", relative
	}
	p, err := url.PathUnescape(path)
	if err != nil {
		return "", relative
	}
	if again, err := url.PathUnescape(p); err == nil && again != p {
		if clean, err := trimtab.ArtifactPath(again); err != nil || strings.Count(clean, "/") != strings.Count(strings.Trim(p, "/"), "/") {
			return "", relative
		}
	}
	clean, err := trimtab.ArtifactPath(p)
	if err != nil {
		return "", relative
	}
	return clean, nil
}

func notOwner(source, field string) error {
	return invalid("source", "Invalid model version source: '%s'. The %s request parameter must identify the resource that contains the source.", source, field)
}

// ownerError says of an owner that does not exist that it does not own the source.
func ownerError(err error, source, field string) error {
	if trimtab.IsKind(err, trimtab.NotFound) {
		return notOwner(source, field)
	}
	return err
}
