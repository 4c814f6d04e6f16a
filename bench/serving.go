package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// serving measures predictions over HTTP: a LightGBM model of 100 trees and 20
// columns, behind `mlflow models serve` and behind an endpoint of ours.
func (b *bench) serving() {
	fmt.Println("serving: trimtab")
	data := filepath.Join(b.dir, "serving")
	port := freePort()
	ours := b.start(port, "/readyz", nil, os.Getenv("TRIMTAB_BIN"), "server", "--listen", "127.0.0.1:"+port, "--data", data)
	defer ours.stop()
	train := exec.Command(b.python, "bench/model.py", filepath.Join(b.dir, "model"), filepath.Join(b.dir, "rows.json"))
	train.Env = append(os.Environ(), "MLFLOW_TRACKING_URI="+ours.url)
	train.Stderr = os.Stderr
	check(train.Run())
	declare := exec.Command(os.Getenv("TRIMTAB_BIN"), "apply", "bench/endpoint.yaml", "--yes", "--server", ours.url)
	declare.Stderr = os.Stderr
	check(declare.Run())
	var rows rowsFile
	raw, err := os.ReadFile(filepath.Join(b.dir, "rows.json"))
	check(err)
	check(json.Unmarshal(raw, &rows))
	waitFor(ours.url + "/endpoints/bench/ping")

	mine := predictions(ours, ours.url+"/endpoints/bench/invocations", rows)
	var theirs served
	if !b.alone {
		theirs = b.servePeer(rows)
	}
	b.reportServing(mine, theirs)
}

// servePeer measures MLflow's own scoring server.
func (b *bench) servePeer(rows rowsFile) served {
	fmt.Println("serving: mlflow models serve")
	peerPort := freePort()
	mlflow := filepath.Join(filepath.Dir(b.python), "mlflow")
	path := "PATH=" + filepath.Dir(b.python) + ":" + os.Getenv("PATH") // it starts uvicorn by its name
	peer := b.start(peerPort, "/ping", []string{path}, mlflow, "models", "serve", "-m", filepath.Join(b.dir, "model"), "--env-manager", "local", "--host", "127.0.0.1", "--port", peerPort, "--workers", "1")
	defer peer.stop()
	return predictions(peer, peer.url+"/invocations", rows)
}

func (b *bench) reportServing(mine, theirs served) {
	is := "mlflow models serve 3.17.2, 1 worker"
	b.add("one-row prediction, 16 connections", "req/s", "more", mine.rate1, theirs.rate1, is)
	b.add("one-row prediction, p50", "ms", "less", ms(mine.p50), ms(theirs.p50), is)
	b.add("one-row prediction, p99", "ms", "less", ms(mine.p99), ms(theirs.p99), is)
	b.add("CPU per one-row prediction", "ms", "less", mine.cpu1, theirs.cpu1, is)
	b.add("100-row prediction, 16 connections", "req/s", "more", mine.rate100, theirs.rate100, is)
	b.add("memory while serving", "MiB", "less", mine.rss, theirs.rss, is)
}

type rowsFile struct {
	Columns []string    `json:"columns"`
	Data    [][]float64 `json:"data"`
	Expect  []float64   `json:"expect"`
}

func waitFor(url string) {
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		resp, err := client.Get(url)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == 200 {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	check(fmt.Errorf("%s never answered 200", url))
}

type served struct {
	rate1, rate100, cpu1, rss float64
	p50, p99                  time.Duration
}

// predictions drives one server and checks every kind of answer once against Python.
func predictions(p *process, url string, rows rowsFile) (s served) {
	bodies1 := make([][]byte, len(rows.Data))
	for i, row := range rows.Data {
		bodies1[i] = split(rows.Columns, [][]float64{row})
	}
	body100 := split(rows.Columns, rows.Data[:100])
	for i := range 100 {
		verify(url, bodies1[i], rows.Expect[i:i+1])
	}
	verify(url, body100, rows.Expect[:100])

	var latencies []time.Duration
	_, before := p.usage()
	s.rate1, latencies = hammer(16, 6*time.Second, func(i int) { call(url, bodies1[i%len(bodies1)], nil) })
	_, after := p.usage()
	s.cpu1 = (after - before) * 1000 / float64(len(latencies))
	s.p50, s.p99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	s.rate100, _ = hammer(16, 4*time.Second, func(i int) { call(url, body100, nil) })
	s.rss, _ = p.usage()
	return s
}

func split(columns []string, data [][]float64) []byte {
	raw, err := json.Marshal(map[string]any{"dataframe_split": map[string]any{"columns": columns, "data": data}})
	check(err)
	return raw
}

func verify(url string, body []byte, want []float64) {
	var got struct {
		Predictions []float64 `json:"predictions"`
	}
	call(url, body, &got)
	if len(got.Predictions) != len(want) {
		check(fmt.Errorf("%s: %d predictions for %d rows", url, len(got.Predictions), len(want)))
	}
	for i := range want {
		if math.Float64bits(got.Predictions[i]) != math.Float64bits(want[i]) {
			check(fmt.Errorf("%s: row %d: predicted %v, Python says %v", url, i, got.Predictions[i], want[i]))
		}
	}
}

// hammer calls f from n connections for a time; it returns calls per second and
// the sorted latencies, the first second left out.
func hammer(n int, d time.Duration, f func(i int)) (float64, []time.Duration) {
	var counter atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	begin := time.Now()
	warm := begin.Add(time.Second)
	end := begin.Add(d)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			var mine []time.Duration
			for {
				t := time.Now()
				if t.After(end) {
					break
				}
				f(int(counter.Add(1)))
				if t.After(warm) {
					mine = append(mine, time.Since(t))
				}
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(all)
	return float64(len(all)) / (d - time.Second).Seconds(), all
}
