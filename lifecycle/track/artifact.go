package track

import (
	"context"
	"net/url"
	"strings"

	"github.com/trimtab/trimtab"
)

// CheckUpload says whether a file may be put at path of the tree of a run or of
// a logged model: the owner exists, is not deleted and keeps its files below
// root (its artifact URI), no folder has the file's name, and no file has the
// name of one of its folders. Uploads are checked before their bytes are read.
func (t *Tracker) CheckUpload(ctx context.Context, root string, run trimtab.RunID, model trimtab.LoggedModelID, path string) error {
	var tree trimtab.TreeID
	switch {
	case run != "":
		r, err := t.cfg.Runs.Get(ctx, run)
		if err != nil {
			return err
		}
		if r.ArtifactURI != root {
			return wrongRoot(root)
		}
		if err := r.Writable(); err != nil {
			return err
		}
		tree = trimtab.RunTree(run)
	default:
		m, err := t.cfg.LoggedModels.Get(ctx, model)
		if err != nil {
			return err
		}
		if m.Lifecycle == trimtab.Deleted {
			return trimtab.Errorf(trimtab.NotFound, "logged model "+string(model), "Logged model with ID '%s' not found.", model)
		}
		if m.ArtifactURI != root {
			return wrongRoot(root)
		}
		tree = trimtab.LoggedModelTree(model)
	}
	return t.checkPlace(ctx, tree, path)
}

func wrongRoot(root string) error {
	return trimtab.Errorf(trimtab.NotFound, "artifact", "nothing keeps its artifacts at %s", root)
}

func (t *Tracker) checkPlace(ctx context.Context, tree trimtab.TreeID, path string) error {
	if path == "" {
		return invalid("artifact", "Invalid path: an artifact needs a name")
	}
	if err := plainName(path); err != nil {
		return err
	}
	below, err := t.cfg.Artifacts.List(ctx, tree, path)
	if err != nil {
		return err
	}
	for _, f := range below {
		if f.Path != path {
			return invalid("artifact "+path, "Invalid path: %s is a folder (it holds %s)", path, f.Path)
		}
	}
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		_, err := t.cfg.Artifacts.Get(ctx, tree, path[:i])
		if err == nil {
			return invalid("artifact "+path, "Invalid path: %s is a file, so %s cannot lie below it", path[:i], path[strings.LastIndexByte(path, '/')+1:])
		}
		if !trimtab.IsKind(err, trimtab.NotFound) {
			return err
		}
	}
	return nil
}

// plainName refuses the names that MLflow's clients take for an attack when they
// meet them in a listing, which they then refuse as a whole: one with a '#', and
// one whose percent signs hide a separator or a step upwards, however deep.
func plainName(path string) error {
	if strings.Contains(path, "#") {
		return invalid("artifact "+path, "Invalid path: %q contains a '#'", path)
	}
	for name := path; ; {
		plain, err := url.PathUnescape(name)
		if err != nil || plain == name {
			return nil
		}
		if clean, err := trimtab.ArtifactPath(plain); err != nil || clean != plain || strings.Count(plain, "/") != strings.Count(path, "/") {
			return invalid("artifact "+path, "Invalid path: %q means another path when it is decoded once more", path)
		}
		name = plain
	}
}
