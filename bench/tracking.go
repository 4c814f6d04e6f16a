package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

const api = "/api/2.0/mlflow/"

// trackingResult is what one server did.
type trackingResult struct {
	coldFresh, coldExisting      time.Duration
	idle, loaded                 float64
	createRun, logMetric         float64 // per second, one connection
	batchRows                    float64 // metrics per second, batches of 1,000
	writers                      time.Duration
	search1000, search100, order time.Duration
}

// tracking measures experiment tracking on SQLite.
func (b *bench) tracking() {
	fmt.Println("tracking: trimtab")
	ours := b.trackOurs()
	var peer trackingResult
	if !b.alone {
		peer = b.trackPeer()
	}
	is := "mlflow server 3.17.2, 1 worker, SQLite"
	b.add("start to ready, fresh data", "ms", "less", ms(ours.coldFresh), ms(peer.coldFresh), is)
	b.add("start to ready, 25,000 runs", "ms", "less", ms(ours.coldExisting), ms(peer.coldExisting), is)
	b.add("memory idle", "MiB", "less", ours.idle, peer.idle, is)
	b.add("memory after the load", "MiB", "less", ours.loaded, peer.loaded, is)
	b.add("create-run, one connection", "/s", "more", ours.createRun, peer.createRun, is)
	b.add("log-metric, one connection", "/s", "more", ours.logMetric, peer.logMetric, is)
	b.add("log-batch of 1,000 metrics", "rows/s", "more", ours.batchRows, peer.batchRows, is)
	b.add("20 writers on one run, batch 10, p95", "ms", "less", ms(ours.writers), ms(peer.writers), is)
	b.add("search 25,000 runs, 1,000 returned", "ms", "less", ms(ours.search1000), ms(peer.search1000), is)
	b.add("search 25,000 runs, 100 returned", "ms", "less", ms(ours.search100), ms(peer.search100), is)
	b.add("search, filtered and ordered, 100 returned", "ms", "less", ms(ours.order), ms(peer.order), is)
}

func (b *bench) trackOurs() (r trackingResult) {
	data := filepath.Join(b.dir, "ours")
	up := func() *process {
		port := freePort()
		return b.start(port, "/readyz", nil, os.Getenv("TRIMTAB_BIN"), "server", "--listen", "127.0.0.1:"+port, "--data", data)
	}
	p := up()
	r.coldFresh = p.ready
	r.idle, _ = p.usage()
	exp := createExperiment(p.url, "search")
	b.populate(p.url, exp)
	load(p.url, &r)
	search(p.url, exp, &r)
	r.loaded, _ = p.usage()
	p.stop()
	p = up()
	r.coldExisting = p.ready
	p.stop()
	return r
}

func (b *bench) trackPeer() (r trackingResult) {
	fmt.Println("tracking: mlflow server, one worker, without job runners")
	dir := filepath.Join(b.dir, "peer")
	check(os.MkdirAll(dir, 0o755))
	uri := "sqlite:///" + filepath.Join(dir, "mlflow.db")
	mlflow := filepath.Join(filepath.Dir(b.python), "mlflow")
	up := func() *process {
		port := freePort()
		return b.start(port, "/health", []string{"MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false"}, mlflow, "server", "--host", "127.0.0.1", "--port", port, "--workers", "1", "--backend-store-uri", uri, "--artifacts-destination", filepath.Join(dir, "artifacts"))
	}
	p := up()
	r.coldFresh = p.ready
	r.idle, _ = p.usage()
	exp := createExperiment(p.url, "search")
	cmd := exec.Command(b.python, "bench/populate.py", filepath.Join(dir, "mlflow.db"), exp, strconv.Itoa(b.runs))
	cmd.Stderr = os.Stderr
	check(cmd.Run())
	load(p.url, &r)
	search(p.url, exp, &r)
	r.loaded, _ = p.usage()
	p.stop()
	p = up()
	r.coldExisting = p.ready
	p.stop()
	return r
}

func createExperiment(url, name string) string {
	var e struct {
		ID string `json:"experiment_id"`
	}
	call(url+api+"experiments/create", map[string]string{"name": name}, &e)
	return e.ID
}

type runAnswer struct {
	Run struct {
		Info struct {
			ID string `json:"run_id"`
		} `json:"info"`
		Data struct {
			Metrics []struct {
				Key   string  `json:"key"`
				Value float64 `json:"value"`
			} `json:"metrics"`
		} `json:"data"`
	} `json:"run"`
}

func createRun(url, exp string, start int64) string {
	var r runAnswer
	call(url+api+"runs/create", map[string]any{"experiment_id": exp, "start_time": start}, &r)
	return r.Run.Info.ID
}

// populate logs the runs to search among: 20 metrics, 10 params, 5 tags each.
func (b *bench) populate(url, exp string) {
	var wg sync.WaitGroup
	next := make(chan int, 64)
	for range 8 {
		wg.Go(func() {
			for i := range next {
				id := createRun(url, exp, 1700000000000+int64(i))
				var body bytes.Buffer
				fmt.Fprintf(&body, `{"run_id":%q,"metrics":[`, id)
				for k := range 20 {
					if k > 0 {
						body.WriteByte(',')
					}
					fmt.Fprintf(&body, `{"key":"m%d","value":%d.5,"timestamp":1700000000000,"step":0}`, k, (i*7919+k*104729)%100003)
				}
				body.WriteString(`],"params":[`)
				for k := range 10 {
					if k > 0 {
						body.WriteByte(',')
					}
					fmt.Fprintf(&body, `{"key":"p%d","value":"v%d"}`, k, (i+k)%17)
				}
				body.WriteString(`],"tags":[`)
				for k := range 5 {
					if k > 0 {
						body.WriteByte(',')
					}
					fmt.Fprintf(&body, `{"key":"t%d","value":"w%d"}`, k, (i+k)%5)
				}
				body.WriteString(`]}`)
				call(url+api+"runs/log-batch", body.Bytes(), nil)
			}
		})
	}
	for i := range b.runs {
		next <- i
	}
	close(next)
	wg.Wait()
}

// load measures the writes.
func load(url string, r *trackingResult) {
	exp := createExperiment(url, "load")
	rate := func(limit int, f func(i int)) float64 {
		for i := range 20 {
			f(-1 - i)
		}
		begin := time.Now()
		n := 0
		for ; n < limit && time.Since(begin) < 5*time.Second; n++ {
			f(n)
		}
		return float64(n) / time.Since(begin).Seconds()
	}
	r.createRun = rate(20000, func(i int) { createRun(url, exp, 1700000000000) })
	run := createRun(url, exp, 1700000000000)
	r.logMetric = rate(20000, func(i int) {
		call(url+api+"runs/log-metric", []byte(fmt.Sprintf(`{"run_id":%q,"key":"loss","value":%d,"timestamp":1700000000000,"step":%d}`, run, i, i)), nil)
	})
	r.batchRows = 1000 * rate(300, func(i int) { call(url+api+"runs/log-batch", batch(run, 1000, i), nil) })
	verifyLast(url, run, "k0")

	shared := createRun(url, exp, 1700000000000)
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for i := range 25 {
				begin := time.Now()
				call(url+api+"runs/log-batch", batch(shared, 10, w*1000+i), nil)
				took := time.Since(begin)
				mu.Lock()
				all = append(all, took)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(all)
	r.writers = all[len(all)*95/100]
}

// batch is a log-batch body of n metrics over ten keys.
func batch(run string, n, round int) []byte {
	var body bytes.Buffer
	fmt.Fprintf(&body, `{"run_id":%q,"metrics":[`, run)
	for k := range n {
		if k > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"key":"k%d","value":%d.25,"timestamp":1700000000000,"step":%d}`, k%10, round+k, (round+100)*n+k)
	}
	body.WriteString("]}")
	return body.Bytes()
}

func verifyLast(url, run, key string) {
	var r runAnswer
	fetch(url+api+"runs/get?run_id="+run, &r)
	for _, m := range r.Run.Data.Metrics {
		if m.Key == key {
			return
		}
	}
	check(fmt.Errorf("%s: metric %s of run %s is missing", url, key, run))
}

type searchAnswer struct {
	Runs []struct {
		Data struct {
			Metrics []struct {
				Key   string  `json:"key"`
				Value float64 `json:"value"`
			} `json:"metrics"`
			Params []any `json:"params"`
		} `json:"data"`
	} `json:"runs"`
}

// search measures the reads and checks what they return.
func search(url, exp string, r *trackingResult) {
	one := func(body map[string]any, want int, ordered bool) time.Duration {
		body["experiment_ids"] = []string{exp}
		encoded, err := json.Marshal(body)
		check(err)
		return median(9, func() []byte { return exchange(url+api+"runs/search", encoded) }, func(raw []byte) {
			var s searchAnswer
			check(json.Unmarshal(raw, &s))
			if len(s.Runs) != want || len(s.Runs[0].Data.Metrics) != 20 || len(s.Runs[0].Data.Params) != 10 {
				check(fmt.Errorf("%s: the search returned %d runs, expected %d with 20 metrics and 10 params", url, len(s.Runs), want))
			}
			if !ordered {
				return
			}
			last := 1e300
			for _, run := range s.Runs {
				for _, m := range run.Data.Metrics {
					if m.Key != "m3" {
						continue
					}
					if m.Value > last {
						check(fmt.Errorf("%s: the search is not in order", url))
					}
					last = m.Value
				}
			}
		})
	}
	r.search1000 = one(map[string]any{"max_results": 1000}, 1000, false)
	r.search100 = one(map[string]any{"max_results": 100}, 100, false)
	r.order = one(map[string]any{"max_results": 100, "filter": "metrics.m1 > 50000 and params.p2 = 'v3'", "order_by": []string{"metrics.m3 DESC"}}, 100, true)
}
