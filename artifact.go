package trimtab

import (
	"slices"
	"strings"
)

// TreeID names an artifact tree: rows from path to digest. No client-chosen
// path is ever a path on a disk.
type TreeID string

// RunTree is the artifact tree of a run.
func RunTree(id RunID) TreeID { return "run/" + TreeID(id) }

// LoggedModelTree is the artifact tree of a logged model.
func LoggedModelTree(id LoggedModelID) TreeID { return "model/" + TreeID(id) }

// Artifact is one file of a tree.
type Artifact struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	Digest Digest `json:"digest"`
}

// ArtifactInfo is one line of a listing: a file, or a directory (no size).
type ArtifactInfo struct {
	Path  string
	IsDir bool
	Size  int64
}

// Manifest is a frozen tree, sorted by path. Its digest is what approvals and
// signatures bind to.
type Manifest []Artifact

// NewManifest sorts the files into a manifest.
func NewManifest(files []Artifact) Manifest {
	m := Manifest(slices.Clone(files))
	slices.SortFunc(m, func(a, b Artifact) int { return strings.Compare(a.Path, b.Path) })
	return m
}

// Digest is the digest of the canonical form of the manifest.
func (m Manifest) Digest() Digest { return StateDigest(m) }

// Find returns the file at path; ok is false when there is none.
func (m Manifest) Find(path string) (a Artifact, ok bool) {
	i, ok := slices.BinarySearchFunc(m, path, func(a Artifact, p string) int { return strings.Compare(a.Path, p) })
	if !ok {
		return Artifact{}, false
	}
	return m[i], true
}

// ArtifactPath cleans a client's artifact path: relative, slash-separated,
// without empty, "." or ".." parts, NUL or backslash. It is a key, never a file name.
func ArtifactPath(p string) (string, error) {
	bad := func(why string) (string, error) {
		return "", Errorf(Invalid, "artifact", "Invalid path: %q %s", p, why)
	}
	if why := CleanText(p); why != "" {
		return bad(why)
	}
	if len(p) > 2048 {
		return bad("is longer than 2048 bytes")
	}
	p = strings.Trim(p, "/")
	if p == "" {
		return "", nil
	}
	if strings.ContainsAny(p, "\\") {
		return bad("contains a backslash")
	}
	for part := range strings.SplitSeq(p, "/") {
		switch part {
		case "", ".", "..":
			return bad("has an empty, '.' or '..' part")
		}
	}
	return p, nil
}

// ListTree turns the files below dir (a cleaned path, "" for the root) into the
// entries directly in it, directories without size, sorted by path. files must
// be sorted by path and lie below dir.
func ListTree(files []Artifact, dir string) []ArtifactInfo {
	prefix := dir
	if prefix != "" {
		prefix += "/"
	}
	var out []ArtifactInfo
	for _, f := range files {
		rest, ok := strings.CutPrefix(f.Path, prefix)
		if !ok || rest == "" {
			continue
		}
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			d := prefix + rest[:i]
			if len(out) > 0 && out[len(out)-1].IsDir && out[len(out)-1].Path == d {
				continue
			}
			if slices.ContainsFunc(out, func(x ArtifactInfo) bool { return x.IsDir && x.Path == d }) {
				continue
			}
			out = append(out, ArtifactInfo{Path: d, IsDir: true})
			continue
		}
		out = append(out, ArtifactInfo{Path: f.Path, Size: f.Size})
	}
	slices.SortFunc(out, func(a, b ArtifactInfo) int { return strings.Compare(a.Path, b.Path) })
	return out
}
