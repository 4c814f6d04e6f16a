package app

import (
	"context"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/trimtab/trimtab/lifecycle/view"
)

// lookFor bounds how long the files of one store are counted.
const lookFor = 150 * time.Millisecond

// about describes the server for the page of settings.
func (s *server) about(ctx context.Context) (view.About, error) {
	out := view.About{
		Version: s.cfg.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Started: s.started,
		Memory: memory(), Database: databaseName(s.db), Settings: s.settings(), Consumers: []view.ConsumerLag{}, Parked: []view.Parked{},
		Free: free(s.cfg.Data),
	}
	head, err := s.db.Journal.Head(ctx)
	if err != nil {
		return out, err
	}
	out.Journal = head
	cursors, err := s.db.Journal.Cursors(ctx)
	if err != nil {
		return out, err
	}
	for _, c := range cursors {
		out.Consumers = append(out.Consumers, view.ConsumerLag{Name: c.Name, Cursor: c.Index, Behind: max(0, head-c.Index)})
	}
	parked, err := s.parked(ctx)
	if err != nil {
		return out, err
	}
	out.Parked = append(out.Parked, parked...)
	database := view.StoreHealth{Name: "database", Holds: "runs, models, declarations, decisions, journal", Where: withoutPassword(s.cfg.Database)}
	if database.Where == "" {
		database.Where = filepath.Join(s.cfg.Data, "trimtab.db")
	}
	if !strings.Contains(database.Where, "://") {
		for _, suffix := range []string{"", "-wal"} {
			if i, err := os.Stat(database.Where + suffix); err == nil {
				database.Files++
				database.Bytes += i.Size()
			}
		}
	}
	out.Stores = []view.StoreHealth{
		database,
		measure("blobs", "artifacts and model files, by their digest", filepath.Join(s.cfg.Data, "blobs")),
		measure("traffic", "requests and answers of endpoints, and labels", filepath.Join(s.cfg.Data, "traffic")),
		measure("attempts", "what pipeline steps printed", filepath.Join(s.cfg.Data, "attempts")),
		measure("envs", "Python environments of pipeline steps", filepath.Join(s.cfg.Data, "envs")),
		measure("keys", "the key that signs the journal", filepath.Join(s.cfg.Data, "keys")),
	}
	return out, nil
}

// settings lists what the server was told; what it was not told has its default.
func (s *server) settings() []view.Setting {
	var out []view.Setting
	for _, x := range Settings {
		value := *x.field(&s.cfg)
		if value == "" {
			value = x.Default
		}
		out = append(out, view.Setting{Name: x.Name, Value: withoutPassword(value), Help: x.Help})
	}
	return out
}

// withoutPassword hides the password of an address.
func withoutPassword(value string) string {
	if u, err := url.Parse(value); err == nil && u.User != nil {
		return u.Redacted()
	}
	return value
}

// measure counts the files of a store.
func measure(name, holds, where string) view.StoreHealth {
	h := view.StoreHealth{Name: name, Holds: holds, Where: where}
	end := time.Now().Add(lookFor)
	err := filepath.WalkDir(where, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil // it went while it was looked at, or was never needed
			}
			return err
		}
		if d.Type().IsRegular() {
			if i, err := d.Info(); err == nil {
				h.Files++
				h.Bytes += i.Size()
			}
		}
		if time.Now().After(end) {
			h.AtLeast = true
			return fs.SkipAll
		}
		return nil
	})
	if err != nil {
		h.Problem = err.Error()
	}
	return h
}

// memory is what the program holds from the system, in bytes.
func memory() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 || sample[1].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64() - sample[1].Value.Uint64())
}
