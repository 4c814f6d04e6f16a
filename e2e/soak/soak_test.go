package soak

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/internal/testkit/server"
)

const (
	writers   = 4
	batchSize = 50
	shortForm = 8 // kills per database in an ordinary test run
)

func kills(t *testing.T) int {
	if v := os.Getenv("TRIMTAB_SOAK"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("TRIMTAB_SOAK: %v", err)
		}
		return n
	}
	return shortForm
}

func TestSoakSQLite(t *testing.T) { soak(t, "") }

func TestSoakPostgres(t *testing.T) { soak(t, postgres.URL(t)) }

// ledger is what one writer was promised.
type ledger struct {
	run   string
	acked int  // batches acknowledged, numbered from 0
	tried bool // batch number acked was sent, its answer never came
}

// book is what all writers were promised together.
type book struct {
	mu       sync.Mutex
	runs     []*ledger
	versions map[string]int // version number -> times acknowledged
}

func soak(t *testing.T, database string) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	srv := server.Start(t, database)
	post(t, srv.URL, "registered-models/create", map[string]any{"name": "soak"}, nil)
	all := &book{versions: map[string]int{}}
	n := kills(t)
	for k := range n {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() { write(srv.URL, all, stop) })
		}
		time.Sleep(time.Duration(10+rnd.IntN(490)) * time.Millisecond)
		srv.Kill()
		close(stop)
		wg.Wait()
		srv.Restart()
		if k%10 == 9 || k == n-1 {
			check(t, srv.URL, all)
			if t.Failed() {
				t.Fatalf("after kill %d of %d", k+1, n)
			}
		}
	}
	acked := 0
	for _, l := range all.runs {
		acked += l.acked
	}
	t.Logf("%d kills: %d runs, %d batches of %d metrics and %d versions acknowledged, none lost, torn or doubled", n, len(all.runs), acked, batchSize, len(all.versions))
}

var client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func send(base, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	resp, err := client.Post(base+"/api/2.0/mlflow/"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, resp.StatusCode, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

func post(t *testing.T, base, path string, in, out any) {
	t.Helper()
	if err := send(base, path, in, out); err != nil {
		t.Fatal(err)
	}
}

// write logs batches and registers versions until the server dies.
func write(base string, all *book, stop chan struct{}) {
	var created struct {
		Run struct {
			Info struct {
				ID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	if send(base, "runs/create", map[string]any{"experiment_id": "0", "start_time": time.Now().UnixMilli()}, &created) != nil {
		return
	}
	l := &ledger{run: created.Run.Info.ID}
	all.mu.Lock()
	all.runs = append(all.runs, l)
	all.mu.Unlock()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		metrics := make([]map[string]any, batchSize)
		for k := range metrics {
			metrics[k] = map[string]any{"key": "loss", "value": float64(i), "timestamp": 1700000000000 + i, "step": i*batchSize + k}
		}
		l.tried = true
		err := send(base, "runs/log-batch", map[string]any{"run_id": l.run, "metrics": metrics,
			"params": []map[string]string{{"key": "p" + strconv.Itoa(i), "value": "v"}},
			"tags":   []map[string]string{{"key": "last", "value": strconv.Itoa(i)}}}, nil)
		if err != nil {
			return
		}
		l.acked, l.tried = i+1, false
		if i%5 == 0 {
			var v struct {
				Version struct {
					Number string `json:"version"`
				} `json:"model_version"`
			}
			if send(base, "model-versions/create", map[string]any{"name": "soak", "source": "mlflow-artifacts:/0/" + l.run + "/artifacts/model", "run_id": l.run}, &v) != nil {
				return
			}
			all.mu.Lock()
			all.versions[v.Version.Number]++
			all.mu.Unlock()
		}
	}
}

// check reads back everything that was promised.
func check(t *testing.T, base string, all *book) {
	t.Helper()
	for number, times := range all.versions {
		if times != 1 {
			t.Errorf("version %s was given %d times", number, times)
		}
		if err := get(base, "model-versions/get?name=soak&version="+number, nil); err != nil {
			t.Errorf("acknowledged version %s: %v", number, err)
		}
	}
	for _, l := range all.runs {
		points := map[int]int{}
		token := ""
		for {
			var page struct {
				Metrics []struct {
					Step int `json:"step"`
				} `json:"metrics"`
				Next string `json:"next_page_token"`
			}
			if err := get(base, "metrics/get-history?metric_key=loss&run_id="+l.run+"&page_token="+url.QueryEscape(token), &page); err != nil {
				t.Errorf("run %s: %v", l.run, err)
				return
			}
			for _, m := range page.Metrics {
				points[m.Step/batchSize]++
			}
			if token = page.Next; token == "" {
				break
			}
		}
		for i := range l.acked {
			if points[i] != batchSize {
				t.Errorf("run %s: acknowledged batch %d has %d of %d metrics", l.run, i, points[i], batchSize)
			}
		}
		if got := points[l.acked]; got != 0 && (got != batchSize || !l.tried) {
			t.Errorf("run %s: batch %d, never acknowledged, is torn: %d of %d metrics", l.run, l.acked, got, batchSize)
		}
		var run struct {
			Run struct {
				Data struct {
					Params []struct{ Key string } `json:"params"`
					Tags   []struct{ Key, Value string }
				} `json:"data"`
			} `json:"run"`
		}
		if err := get(base, "runs/get?run_id="+l.run, &run); err != nil {
			t.Errorf("run %s: %v", l.run, err)
			continue
		}
		batches := len(points)
		if got := len(run.Run.Data.Params); got != batches {
			t.Errorf("run %s: %d params beside %d batches of metrics: a batch is torn", l.run, got, batches)
		}
	}
}

func get(base, path string, out any) error {
	resp, err := client.Get(base + "/api/2.0/mlflow/" + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, resp.StatusCode, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}
