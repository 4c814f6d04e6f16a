package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench holds what one run knows.
type bench struct {
	python  string
	dir     string
	runs    int
	alone   bool
	figures []figure
}

func (b *bench) add(name, unit, better string, ours, peer float64, peerIs string) {
	b.figures = append(b.figures, figure{name, unit, better, ours, peer, peerIs})
}

// process is a server under test.
type process struct {
	cmd   *exec.Cmd
	url   string
	ready time.Duration // from the start of the process to the first good answer
}

// running are the servers that were started: a failure ends them too.
var running []*process

func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// start runs a command and waits until path answers 200.
func (b *bench) start(port, path string, env []string, name string, args ...string) *process {
	log, err := os.Create(filepath.Join(b.dir, filepath.Base(name)+"-"+port+".log"))
	check(err)
	defer log.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin := time.Now()
	check(cmd.Start())
	p := &process{cmd: cmd, url: "http://127.0.0.1:" + port}
	running = append(running, p)
	for time.Since(begin) < 3*time.Minute {
		resp, err := http.Get(p.url + path)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				p.ready = time.Since(begin)
				return p
			}
		}
		time.Sleep(time.Millisecond)
	}
	raw, _ := os.ReadFile(log.Name())
	check(fmt.Errorf("%s was not ready after 3 minutes:\n%s", name, raw))
	return nil
}

func (p *process) stop() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	done := make(chan struct{})
	go func() { p.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-done
	}
}

// usage sums resident memory (MiB) and CPU seconds over the process group.
func (p *process) usage() (rss, cpu float64) {
	group := p.cmd.Process.Pid
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		raw, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(raw), ") ")
		f := strings.Fields(rest)
		if !ok || len(f) < 22 || f[2] != strconv.Itoa(group) {
			continue
		}
		pages, _ := strconv.ParseFloat(f[21], 64)
		user, _ := strconv.ParseFloat(f[11], 64)
		sys, _ := strconv.ParseFloat(f[12], 64)
		rss += pages * float64(os.Getpagesize()) / (1 << 20)
		cpu += (user + sys) / 100
	}
	return rss, cpu
}

var client = &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// call posts JSON and decodes the answer; anything but 200 ends the bench.
func call(url string, in, out any) {
	raw := exchange(url, in)
	if out != nil {
		check(json.Unmarshal(raw, out))
	}
}

// exchange posts JSON and returns the answer's bytes: what is timed, without the client's decoding.
func exchange(url string, in any) []byte {
	var body []byte
	switch v := in.(type) {
	case []byte:
		body = v
	default:
		var err error
		body, err = json.Marshal(in)
		check(err)
	}
	resp, err := client.Post(url, "application/json", bytes.NewReader(body))
	check(err)
	raw, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	check(err)
	if resp.StatusCode != http.StatusOK {
		check(fmt.Errorf("%s answered %d: %.500s", url, resp.StatusCode, raw))
	}
	return raw
}

func fetch(url string, out any) {
	resp, err := client.Get(url)
	check(err)
	raw, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	check(err)
	if resp.StatusCode != http.StatusOK {
		check(fmt.Errorf("%s answered %d: %.500s", url, resp.StatusCode, raw))
	}
	check(json.Unmarshal(raw, out))
}

// median of several timings of f; verify sees each answer, outside the clock.
func median(n int, f func() []byte, verify func([]byte)) time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		begin := time.Now()
		raw := f()
		all[i] = time.Since(begin)
		verify(raw)
	}
	slices.Sort(all)
	return all[n/2]
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
