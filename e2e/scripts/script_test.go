package scripts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// exits runs a command and compares its exit code: exits 2 trimtab plan .
const exits = `#!/bin/sh
want=$1; shift
"$@"; got=$?
[ "$got" = "$want" ] || { echo "exit code $got, want $want" >&2; exit 1; }
`

var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "trimtab-scripts-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "trimtab"), "github.com/trimtab/trimtab/cmd/trimtab")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := errors.Join(build.Run(), os.WriteFile(filepath.Join(dir, "exits"), []byte(exits), 0o755)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("ROOT", root)
			env.Values[serverKey{}] = &server{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"server": serverCommand, "register": registerCommand, "post": postCommand, "serves": servesCommand},
	})
}

type serverKey struct{}

// server is the one server of a script.
type server struct {
	cmd *exec.Cmd
	url string
	log bytes.Buffer
}

// serverCommand starts, stops and kills the script's server:
//
//	server start [FLAG...]   data in $WORK/data; sets TRIMTAB_SERVER
//	server stop              SIGTERM, and waits
//	server kill              SIGKILL, and waits
func serverCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(serverKey{}).(*server)
	if neg || len(args) == 0 {
		ts.Fatalf("usage: server start|stop|kill")
	}
	switch args[0] {
	case "start":
		s.start(ts, args[1:])
	case "stop", "kill":
		if s.cmd == nil {
			ts.Fatalf("no server runs")
		}
		signal := os.Signal(syscall.SIGTERM)
		if args[0] == "kill" {
			signal = syscall.SIGKILL
		}
		s.end(ts, signal)
	default:
		ts.Fatalf("usage: server start|stop|kill")
	}
}

var announced = regexp.MustCompile(`MLFLOW_TRACKING_URI=(\S+)`)

func (s *server) start(ts *testscript.TestScript, flags []string) {
	s.log.Reset()
	cmd := exec.Command(filepath.Join(bin, "trimtab"), append([]string{"server", "--data", ts.MkAbs("data"), "--listen", "127.0.0.1:0", "--log-level", "warn"}, flags...)...)
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME")}
	cmd.Stderr = &s.log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	s.cmd = cmd
	ts.Defer(func() {
		if s.cmd == cmd {
			s.end(ts, syscall.SIGTERM)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := announced.FindStringSubmatch(lines.Text()); m != nil {
			s.url = m[1]
			ts.Setenv("TRIMTAB_SERVER", s.url)
			go io.Copy(io.Discard, out)
			return
		}
	}
	err = cmd.Wait()
	s.cmd = nil
	ts.Fatalf("the server did not start: %v\n%s", err, s.log.String())
}

func (s *server) end(ts *testscript.TestScript, signal os.Signal) {
	cmd := s.cmd
	s.cmd = nil
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	_ = cmd.Process.Signal(signal)
	select {
	case err := <-done:
		if signal == syscall.SIGTERM && err != nil {
			ts.Logf("the server ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		ts.Logf("the server did not end within 20 s")
	}
	if s.log.Len() > 0 {
		ts.Logf("the server's log:\n%s", s.log.String())
	}
}

// registerCommand logs a folder as a model over MLflow's API and registers it:
//
//	register NAME FOLDER
func registerCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: register NAME FOLDER")
	}
	s := ts.Value(serverKey{}).(*server)
	name, folder := args[0], ts.MkAbs(args[1])
	var created struct {
		Run struct {
			Info struct {
				ID  string `json:"run_id"`
				URI string `json:"artifact_uri"`
			} `json:"info"`
		} `json:"run"`
	}
	s.mlflow(ts, "POST", "/api/2.0/mlflow/runs/create", map[string]any{"experiment_id": "0", "start_time": 1}, &created)
	run := created.Run.Info.ID
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	ts.Check(err)
	for _, f := range files {
		raw, err := os.ReadFile(f)
		ts.Check(err)
		path := strings.TrimPrefix(created.Run.Info.URI, "mlflow-artifacts:/") + "/model/" + filepath.Base(f)
		s.mlflow(ts, "PUT", "/api/2.0/mlflow-artifacts/artifacts/"+strings.TrimPrefix(path, "/"), raw, nil)
	}
	s.mlflow(ts, "POST", "/api/2.0/mlflow/runs/update", map[string]any{"run_id": run, "status": "FINISHED", "end_time": 2}, nil)
	_ = s.call("POST", "/api/2.0/mlflow/registered-models/create", map[string]any{"name": name}, nil) // it may exist
	s.mlflow(ts, "POST", "/api/2.0/mlflow/model-versions/create", map[string]any{"name": name, "source": "runs:/" + run + "/model", "run_id": run}, nil)
}

// servesCommand waits until the endpoint has been taken up and answers with the
// version, 0 for none: what is declared or moved takes effect in a moment.
//
//	serves ENDPOINT VERSION
func servesCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serves ENDPOINT VERSION")
	}
	s := ts.Value(serverKey{}).(*server)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var seen json.RawMessage
	for range 1000 {
		var e struct {
			Version    int64             `json:"version"`
			Conditions []json.RawMessage `json:"conditions"`
		}
		ts.Check(s.call("GET", "/api/trimtab/v1alpha1/default/endpoints/"+args[0], []byte{}, &seen))
		ts.Check(json.Unmarshal(seen, &e))
		if len(e.Conditions) > 0 && fmt.Sprint(e.Version) == args[1] {
			return
		}
		<-tick.C
	}
	ts.Fatalf("endpoint %s does not answer with version %s: %s", args[0], args[1], seen)
}

// postCommand sends a file as JSON to a path of the server and prints the answer
// into another file:
//
//	post /endpoints/e/invocations request.json answer.json
func postCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: post PATH FILE ANSWER")
	}
	s := ts.Value(serverKey{}).(*server)
	var answer json.RawMessage
	err := s.call("POST", args[0], []byte(ts.ReadFile(args[1])), &answer)
	if (err != nil) != neg {
		ts.Fatalf("post: %v", err)
	}
	if err != nil {
		answer = []byte(err.Error())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), answer, 0o644))
}

func (s *server) mlflow(ts *testscript.TestScript, method, path string, body, out any) {
	ts.Check(s.call(method, path, body, out))
}

func (s *server) call(method, path string, body, out any) error {
	raw, ok := body.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(method, s.url+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, answer)
	}
	if out != nil {
		return json.Unmarshal(answer, out)
	}
	return nil
}
