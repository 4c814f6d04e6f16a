package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/spec"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

// manager is the name under which this program owns what it applies.
const manager = "cli"

// bundle is what one project of a set declares, with the local files it names.
type bundle struct {
	Project   trimtab.Workspace         `json:"project"`
	Inventory string                    `json:"inventory"`
	Prune     bool                      `json:"prune,omitempty"`
	Resources []view.Declaration        `json:"resources"`
	Files     map[trimtab.Digest]string `json:"files,omitempty"` // digest -> local path; a folder is packed
}

func (b bundle) proposal() view.Proposal {
	return view.Proposal{Resources: b.Resources, Manager: manager, Inventory: b.Inventory, Prune: b.Prune}
}

// bundles fills in the digests of local files and groups a set by project, in
// the order of the set.
func (a *application) bundles(set spec.Set, inventory string, prune bool) ([]bundle, error) {
	var out []bundle
	for _, d := range set.Documents {
		i := slices.IndexFunc(out, func(b bundle) bool { return b.Project == d.Resource.Workspace })
		if i < 0 {
			out = append(out, bundle{Project: d.Resource.Workspace, Inventory: inventory, Prune: prune, Files: map[trimtab.Digest]string{}})
			i = len(out) - 1
		}
		if err := a.digests(d, out[i].Files); err != nil {
			return nil, err
		}
		raw, err := spec.Canonical(d.Resource.Kind, d.Resource.Name, d.Spec)
		if err != nil {
			return nil, err
		}
		out[i].Resources = append(out[i].Resources, view.Declaration{Kind: d.Resource.Kind, Name: d.Resource.Name,
			Labels: d.Resource.Labels, Annotations: d.Resource.Annotations, Spec: raw})
	}
	return out, nil
}

// digests fills the digests of the local files that a document names.
func (a *application) digests(d spec.Document, files map[trimtab.Digest]string) error {
	switch s := d.Spec.(type) {
	case *trimtab.SourceSpec:
		if s.Path == "" {
			return nil
		}
		path, err := filepath.Abs(spec.Local(d.Dir, s.Path))
		if err != nil {
			return err
		}
		if s.Digest, err = fileDigest(path); err != nil {
			return trimtab.Errorf(trimtab.Invalid, d.Resource.Ref(), "%s: the file %s cannot be read: %v", d.Resource.Ref(), s.Path, err)
		}
		files[s.Digest] = path
	case *trimtab.PipelineSpec:
		if s.Code == nil || s.Code.Path == "" {
			return nil
		}
		path, err := filepath.Abs(spec.Local(d.Dir, s.Code.Path))
		if err != nil {
			return err
		}
		packed, err := pipeline.Pack(path)
		if err != nil {
			return err
		}
		s.Code.Digest = packed.Digest
		files[packed.Digest] = path
	}
	return nil
}

func fileDigest(path string) (trimtab.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return trimtab.DigestFrom([sha256.Size]byte(sum.Sum(nil))), nil
}

// upload brings the files that the server lacks to it. A file that changed
// since its digest was taken is refused by the server.
func (a *application) upload(ctx context.Context, c *client.Client, b bundle, missing []trimtab.Digest) error {
	for _, d := range missing {
		path, ok := b.Files[d]
		if !ok {
			return trimtab.Errorf(trimtab.Precondition, "blob "+string(d), "the declarations name the object %s, which is neither on the server nor among their files: leave digest out, apply fills it", d.Short())
		}
		if err := a.uploadOne(ctx, c, d, path); err != nil {
			return err
		}
	}
	return nil
}

func (a *application) uploadOne(ctx context.Context, c *client.Client, d trimtab.Digest, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return trimtab.Errorf(trimtab.NotFound, path, "%s has gone since the plan was made: %v", path, err)
	}
	if info.IsDir() {
		packed, err := pipeline.Pack(path)
		if err != nil {
			return err
		}
		if packed.Digest != d {
			return trimtab.Errorf(trimtab.Conflict, path, "the folder %s has changed since the plan was made; plan again", path)
		}
		a.progress("uploading %s: %s, %s", path, counted(len(packed.Files), "file"), size(int64(len(packed.Tar))))
		return c.PutBlob(ctx, d, bytes.NewReader(packed.Tar), int64(len(packed.Tar)))
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	a.progress("uploading %s: %s", path, size(info.Size()))
	return c.PutBlob(ctx, d, f, info.Size())
}

func size(n int64) string {
	switch {
	case n < 1<<10:
		return counted(int(n), "byte")
	case n < 1<<20:
		return thousands(n>>10) + " KiB"
	}
	return thousands(n>>20) + " MiB"
}

// inventoryOf names the source of declarations by their folder, relative to the
// root of its repository, so that it is the same from every folder and machine;
// outside of a repository it is the absolute path.
func inventoryOf(paths []string) (string, error) {
	dirs := make([]string, 0, len(paths))
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return "", err
		}
		for at := abs; ; at = filepath.Dir(at) {
			if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
				rel, err := filepath.Rel(at, abs)
				if err == nil {
					abs = filepath.ToSlash(rel)
				}
				break
			}
			if at == filepath.Dir(at) {
				break
			}
		}
		dirs = append(dirs, abs)
	}
	slices.Sort(dirs)
	return "cli:" + strings.Join(slices.Compact(dirs), ","), nil
}

// saved is a plan in a file: what was declared and what was decided, so that the
// apply does exactly that or refuses.
type saved struct {
	Version int           `json:"trimtabPlan"`
	Server  string        `json:"server"`
	Bundles []bundle      `json:"bundles"`
	Plans   []plan.Answer `json:"plans"`
}

const savedVersion = 1

// readSaved reads a saved plan; ok is false when the file is none.
func readSaved(path string) (s saved, ok bool, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > 64<<20 {
		return s, false, nil // a path of declarations, whose loader says what is wrong
	}
	raw, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(raw[:min(len(raw), 64)], []byte(`"trimtabPlan"`)) {
		return s, false, nil
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, true, trimtab.Errorf(trimtab.Invalid, path, "%s is a saved plan that cannot be read: %v", path, err)
	}
	if s.Version != savedVersion || len(s.Bundles) != len(s.Plans) {
		return s, true, trimtab.Errorf(trimtab.Invalid, path, "%s is a saved plan of another version of trimtab; plan again", path)
	}
	return s, true, nil
}

func writeSaved(path string, s saved) error {
	raw, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o600)
}
