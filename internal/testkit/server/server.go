// Package server starts the real binary for tests: builds it once, finds a free
// port, waits until it is ready, and ends or kills it. It owns only processes
// that it started. It refuses to run anything but the binary of this tree, or the
// one that TRIMTAB_BIN names.
package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is one running process of the binary.
type Server struct {
	URL  string
	Data string

	t    testing.TB
	args []string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
}

var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("TRIMTAB_BIN"); bin != "" {
		return bin, nil
	}
	_, file, _, _ := runtime.Caller(0)
	top := filepath.Join(filepath.Dir(file), "../../..")
	dir, err := os.MkdirTemp("", "trimtab-bin-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "trimtab")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/trimtab")
	cmd.Dir = top
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return bin, nil
})

// Binary returns the path of the binary, built on first use.
func Binary(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Start runs a server on a free port with its data in a folder of the test.
// database is a URL, "" for SQLite. The server ends with the test.
func Start(t testing.TB, database string, more ...string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s := &Server{URL: "http://" + addr, Data: filepath.Join(t.TempDir(), "data"), t: t}
	s.log = filepath.Join(t.TempDir(), "server.log")
	s.args = append([]string{"server", "--listen", addr, "--data", s.Data}, more...)
	if database != "" {
		s.args = append(s.args, "--database", database)
	}
	s.Restart()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			raw, _ := os.ReadFile(s.log)
			if len(raw) > 16000 {
				raw = raw[len(raw)-16000:]
			}
			t.Logf("server log:\n%s", raw)
		}
	})
	return s
}

// Restart starts the process again on the same port and data and waits until it is ready.
func (s *Server) Restart() {
	s.t.Helper()
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	s.cmd = exec.Command(Binary(s.t), s.args...)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) { cmd.Wait(); close(done) }(s.cmd, s.done)
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		resp, err := http.Get(s.URL + "/readyz")
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-s.done:
			raw, _ := os.ReadFile(s.log)
			s.t.Fatalf("the server ended at once:\n%s", raw)
		case <-time.After(5 * time.Millisecond):
		}
	}
	s.t.Fatal("the server was not ready after 30 s")
}

// Kill ends the process as a crash would.
func (s *Server) Kill() {
	s.cmd.Process.Kill()
	<-s.done
}

// Stop ends the process gracefully and waits for it.
func (s *Server) Stop() {
	select {
	case <-s.done:
		return
	default:
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		s.t.Error("the server did not stop within 20 s of SIGTERM")
		s.Kill()
	}
}
