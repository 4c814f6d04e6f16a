package serve

import (
	"context"
	"io"
	"io/fs"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/schema"
)

// frozenSoon is when to look again for the files of a version whose run goes on.
const frozenSoon = 2 * time.Second

// load loads a version and warms it with its input example.
func (e *Endpoint) load(ctx context.Context, v trimtab.ModelVersion, cfg *config) (*Model, error) {
	m, err := e.server.open(ctx, v, cfg.output)
	if err != nil {
		return nil, err
	}
	if err := m.warm(); err != nil {
		e.server.cfg.Log.WarnContext(ctx, "the input example cannot be answered", "endpoint", e.Name, "model", v.Model, "version", v.Version, "error", err)
	}
	return m, nil
}

func notFrozen(v trimtab.ModelVersion) error {
	return trimtab.Errorf(trimtab.Precondition, v.Object().String(), "its files are not complete yet: they are frozen when the run that made it ends")
}

// open loads a version from its frozen tree.
func (s *Server) open(ctx context.Context, v trimtab.ModelVersion, output string) (*Model, error) {
	if v.Manifest == "" {
		return nil, notFrozen(v)
	}
	manifest, err := s.cfg.Manifests.Manifest(ctx, v.Manifest)
	if err != nil {
		return nil, err
	}
	m, err := Load(ctx, Frozen(manifest, s.cfg.Blobs), Options{Output: output})
	if err != nil {
		return nil, err
	}
	m.Name, m.Version, m.Manifest = v.Model, v.Version, v.Manifest
	return m, nil
}

// maxModelFile bounds one file of a model.
const maxModelFile = 2 << 30

// Frozen reads the files of a frozen version.
func Frozen(manifest trimtab.Manifest, blobs Blobs) Files {
	return func(ctx context.Context, path string) ([]byte, error) {
		a, ok := manifest.Find(path)
		if !ok {
			return nil, fs.ErrNotExist
		}
		if a.Size > maxModelFile {
			return nil, trimtab.Errorf(trimtab.Unsupported, "model", "the file %s has %d bytes, the limit is %d", path, a.Size, int64(maxModelFile))
		}
		r, err := blobs.Open(ctx, a.Digest)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		b := make([]byte, r.Size())
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		return b, nil
	}
}

// warm answers the input example once, so that the first request finds memory and caches ready.
func (m *Model) warm() error {
	if len(m.example) == 0 {
		return nil
	}
	d, err := m.Signature.NewDecoder(schema.Options{})
	if err != nil {
		return err
	}
	rq, err := d.Invocations(m.example, "application/json")
	if err != nil {
		return err
	}
	_, err = m.Score(nil, rq.Table)
	if err == nil {
		m.decoders.Put(d)
	}
	return err
}
