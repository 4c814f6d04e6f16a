// Package postgres gives tests a real PostgreSQL. It finds the server binary of
// the machine, starts one server per test process on a unix socket, as an
// unprivileged user, and hands every test a database of its own. It refuses to
// be used in the product, to download anything and to outlive its process: a
// watching shell ends the server and removes its folder when the test process
// is gone, whichever way it went. A machine without PostgreSQL skips the tests,
// unless the environment variable TRIMTAB_REQUIRE names postgres: then they fail.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is the one server of the process.
type server struct {
	socket string // the folder of its socket
	stdin  *os.File
}

var (
	start  = sync.OnceValues(launch)
	serial atomic.Int64
)

// errAbsent says that the machine has no PostgreSQL server.
var errAbsent = errors.New("no PostgreSQL server on this machine: looked for initdb and postgres in the PATH and in /usr/lib/postgresql/*/bin")

// URL returns the address of a fresh, empty database that is dropped when t
// ends. It skips t where the machine has no PostgreSQL, or fails it when
// TRIMTAB_REQUIRE contains "postgres". It is safe for concurrent use.
func URL(t testing.TB) string {
	t.Helper()
	s, err := start()
	if errors.Is(err, errAbsent) && !strings.Contains(os.Getenv("TRIMTAB_REQUIRE"), "postgres") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	name := fmt.Sprintf("test%d", serial.Add(1))
	if err := s.admin("CREATE DATABASE " + name); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.admin("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop the database: %v", err)
		}
	})
	return s.url(name)
}

func (s *server) url(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: url.Values{"host": {s.socket}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

func (s *server) admin(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

// watch starts the server ($1: its folder, $2: postgres), waits until the pipe
// of its stdin is closed, which the end of the test process does, and cleans up.
const watch = `
"$2" -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
	-c max_connections=200 -c shared_buffers=64MB -c log_min_messages=fatal >"$1/log" 2>&1 &
server=$!
cat >/dev/null
kill -INT $server
wait $server
rm -rf "$1"
`

func launch() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		if attr.Credential, err = unprivileged(); err != nil {
			return nil, err
		}
		if err := os.Chown(dir, int(attr.Credential.Uid), int(attr.Credential.Gid)); err != nil {
			return nil, err
		}
	}
	run := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(name, args...)
		c.Dir, c.SysProcAttr = dir, attr
		c.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=" + dir}
		return c
	}
	// A collation that does not sort by bytes shows every column that forgot its own.
	initdb := []string{"-D", filepath.Join(dir, "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"}
	out, err := run(filepath.Join(bin, "initdb"), append(slices.Clone(initdb), "--locale-provider=icu", "--icu-locale=en")...).CombinedOutput()
	if err != nil {
		out, err = run(filepath.Join(bin, "initdb"), initdb...).CombinedOutput()
	}
	if err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	pipe, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	shell := run("/bin/sh", "-c", watch, "watch", dir, filepath.Join(bin, "postgres"))
	shell.Stdin = pipe
	if err := shell.Start(); err != nil {
		return nil, err
	}
	_ = pipe.Close()
	s := &server{socket: dir, stdin: hold}
	gone := make(chan struct{})
	go func() { _ = shell.Wait(); close(gone) }()
	for deadline := time.Now().Add(time.Minute); ; {
		if err = s.admin("SELECT 1"); err == nil {
			return s, nil
		}
		select {
		case <-gone:
			return nil, fmt.Errorf("the server ended while starting: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			_ = hold.Close()
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return nil, fmt.Errorf("the server does not answer: %w\n%s", err, log)
		}
	}
}

// binaries returns the folder that holds initdb and postgres, the newest where
// there are several.
func binaries() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return major(b) - major(a) })
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	for _, dir := range dirs {
		_, noInit := os.Stat(filepath.Join(dir, "initdb"))
		_, noServer := os.Stat(filepath.Join(dir, "postgres"))
		if noInit == nil && noServer == nil {
			return dir, nil
		}
	}
	return "", errAbsent
}

func major(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}

// unprivileged is the user that runs the server when the tests run as root,
// which PostgreSQL refuses.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("the tests run as root and the machine has neither a user postgres nor a user nobody to run the server as")
}
