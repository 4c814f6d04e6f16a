package registry

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab"
)

// Derived is a version that is made of another one: the parent's files, of which
// some are replaced and others added.
type Derived struct {
	Model       trimtab.ModelName
	Parent      trimtab.ModelVersion
	Files       map[string][]byte // new or changed, by path
	Tags        map[string]string
	Description string
	// Cause names what it is made for: of one cause there is one version.
	Cause string
}

// DeriveStores are the stores that Derive writes to.
type DeriveStores struct {
	Versions  VersionStore
	Manifests Manifests
	Artifacts ArtifactWriter
	Blobs     BlobWriter
}

// Manifests reads the frozen tree of a version.
type Manifests interface {
	Manifest(ctx context.Context, d trimtab.Digest) (trimtab.Manifest, error)
}

// ArtifactWriter puts files into trees.
type ArtifactWriter interface {
	Put(ctx context.Context, tree trimtab.TreeID, path string, digest trimtab.Digest, size int64) error
}

// BlobWriter keeps bytes.
type BlobWriter interface {
	Put(ctx context.Context, r io.Reader) (d trimtab.Digest, size int64, err error)
}

// Derive registers a derived version and freezes its files. It may be cut off and
// called again: files lie in a tree that is named by the cause.
func Derive(ctx context.Context, s DeriveStores, d Derived) (v trimtab.ModelVersion, err error) {
	defer trimtab.Wrap(&err, "registry.Derive(%s, %d)", d.Model, d.Parent.Version)
	if d.Parent.Manifest == "" {
		return v, trimtab.Errorf(trimtab.Precondition, d.Parent.Object().String(), "version %d of model %s is not complete: its files are frozen when the run that made it ends", d.Parent.Version, d.Model)
	}
	manifest, err := s.Manifests.Manifest(ctx, d.Parent.Manifest)
	if err != nil {
		return v, err
	}
	files := map[string]trimtab.Artifact{}
	for _, f := range manifest {
		files[f.Path] = f
	}
	for _, path := range slices.Sorted(maps.Keys(d.Files)) {
		b := d.Files[path]
		digest, _, err := s.Blobs.Put(ctx, bytes.NewReader(b))
		if err != nil {
			return v, err
		}
		files[path] = trimtab.Artifact{Path: path, Digest: digest, Size: int64(len(b))}
	}
	tree := trimtab.TreeID("derived/" + string(trimtab.DigestOf([]byte(string(d.Model) + "\x00" + d.Cause)))[len("sha256:"):])
	for _, path := range slices.Sorted(maps.Keys(files)) {
		f := files[path]
		if err := s.Artifacts.Put(ctx, tree, path, f.Digest, f.Size); err != nil {
			return v, err
		}
	}
	tags := map[string]string{trimtab.ParentTag: strconv.FormatInt(int64(d.Parent.Version), 10)}
	maps.Copy(tags, d.Tags)
	return s.Versions.Create(ctx, trimtab.ModelVersion{Model: d.Model, Tree: tree, Source: "models:/" + string(d.Model) + "/" + strconv.FormatInt(int64(d.Parent.Version), 10),
		Run: d.Parent.Run, Description: d.Description, Tags: tags, Stage: "None"}, "derive/"+string(d.Model)+"/"+d.Cause)
}
