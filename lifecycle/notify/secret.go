package notify

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/trimtab/trimtab"
)

// maxSecret bounds a secret that is a file.
const maxSecret = 64 << 10

// secret reads what a reference names, without the line break that editors put at
// the end of a file. nil gives "". Errors name the reference, never the value.
func (n *Notifier) secret(ref *trimtab.SecretRef) (string, error) {
	switch {
	case ref == nil:
		return "", nil
	case ref.Env != "":
		// The server's own settings may hold the password of its database: a channel must not be able to send it away.
		if strings.HasPrefix(ref.Env, "TRIMTAB_") && !strings.HasPrefix(ref.Env, "TRIMTAB_SECRET_") {
			return "", trimtab.Errorf(trimtab.Precondition, "secret", "the environment variable %s is a setting of the server and no secret of a channel: name it otherwise, or TRIMTAB_SECRET_…", ref.Env)
		}
		v := n.cfg.Getenv(ref.Env)
		if v == "" {
			return "", trimtab.Errorf(trimtab.Precondition, "secret", "the server has no environment variable %s", ref.Env)
		}
		return v, nil
	case ref.File != "":
		return n.file(ref.File)
	}
	return "", trimtab.Errorf(trimtab.Precondition, "secret", "the reference to the secret names neither env nor file")
}

func (n *Notifier) file(name string) (string, error) {
	if n.cfg.Data == "" {
		return "", trimtab.Errorf(trimtab.Precondition, "secret", "this server keeps no secrets in files")
	}
	fail := func(err error) (string, error) {
		if errors.Is(err, fs.ErrNotExist) {
			return "", trimtab.Errorf(trimtab.Precondition, "secret", "the server's data folder has no file secrets/%s", name)
		}
		return "", trimtab.Errorf(trimtab.Precondition, "secret", "secrets/%s in the server's data folder cannot be read: it must be a file in that folder", name)
	}
	root, err := os.OpenRoot(filepath.Join(n.cfg.Data, "secrets"))
	if err != nil {
		return fail(err)
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return fail(err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return fail(err)
	}
	if len(raw) > maxSecret {
		return "", trimtab.Errorf(trimtab.Precondition, "secret", "secrets/%s is larger than %d bytes", name, maxSecret)
	}
	v := strings.TrimRight(string(raw), "\r\n")
	if v == "" {
		return "", trimtab.Errorf(trimtab.Precondition, "secret", "secrets/%s is empty", name)
	}
	return v, nil
}
