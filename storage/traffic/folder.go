package traffic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trimtab/trimtab"
)

// manifest says whose folder it is.
type manifest struct {
	Format    int               `json:"format"`
	Workspace trimtab.Workspace `json:"workspace"`
	Endpoint  string            `json:"endpoint"`
}

// writeFile makes a file appear whole and durably, or not at all.
func writeFile(path string, body []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func readManifest(dir string) (m manifest, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "endpoint.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%s: %w", dir, err)
	}
	if m.Format != formatVersion {
		return m, fmt.Errorf("%s: has format version %d, this program reads %d", dir, m.Format, formatVersion)
	}
	return m, nil
}
