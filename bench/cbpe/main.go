// Command cbpe measures performance estimation without labels beside NannyML: six metrics over a million scores in
// chunks, after a fit on labelled reference rows. Both sides read the same files in processes of their own, one after
// the other; reading is not timed on either side. It prints CPU seconds, memory and the greatest difference between the
// estimates, and refuses to print a ratio when they differ by more than what NannyML's rounding explains.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/trimtab/trimtab/pure/stat"
)

// outcome is what either side prints.
type outcome struct {
	Fit      float64              `json:"fit"`      // CPU seconds
	Estimate float64              `json:"estimate"` // CPU seconds
	Memory   float64              `json:"memory"`   // bytes, the greatest
	Chunks   []map[string]float64 `json:"chunks"`
}

// tolerance of a difference: NannyML rounds running sums to 5 decimals.
const tolerance = 1e-6

func main() {
	python := flag.String("python", "python3", "interpreter with nannyml")
	peer := flag.String("peer", "bench/cbpe/peer.py", "script that runs nannyml")
	out := flag.String("out", "", "file for the figures")
	rows := flag.Int("rows", 1_000_000, "rows without labels")
	reference := flag.Int("reference", 100_000, "rows with labels")
	chunk := flag.Int("chunk", 50_000, "rows of a chunk")
	alone := flag.Bool("alone", false, "measure trimtab only")
	ours := flag.String("ours", "", "folder of rows: be the measured process")
	flag.Parse()
	if *ours != "" {
		check(json.NewEncoder(os.Stdout).Encode(measure(*ours, *chunk)))
		return
	}
	dir, err := os.MkdirTemp("", "trimtab-bench-cbpe-")
	check(err)
	defer os.RemoveAll(dir)
	check(write(dir, "reference", *reference, 1, 0))
	check(write(dir, "current", *rows, 2, 0.4))
	self, err := os.Executable()
	check(err)
	us := run(self, "-ours", dir, "-chunk", strconv.Itoa(*chunk))
	report := map[string]any{"rows": *rows, "reference": *reference, "chunk": *chunk, "cpus": runtime.NumCPU(), "go": runtime.Version(), "trimtab": us}
	fmt.Printf("%-28s %14s %14s %9s\n", fmt.Sprintf("%d rows, 6 metrics", *rows), "trimtab", "NannyML", "ratio")
	if *alone {
		fmt.Printf("%-28s %12.3f s\n%-28s %12.3f s\n%-28s %10.1f MiB\n", "fit, CPU", us.Fit, "estimate, CPU", us.Estimate, "memory", us.Memory/(1<<20))
	} else {
		them := run(*python, *peer, dir, strconv.Itoa(*chunk))
		apart := difference(us, them)
		report["nannyml"], report["difference"] = them, apart
		if !(apart <= tolerance) {
			check(fmt.Errorf("the estimates differ by %g, more than %g", apart, tolerance))
		}
		for _, v := range []struct {
			name, unit string
			ours, peer float64
		}{{"fit, CPU", "s", us.Fit, them.Fit}, {"estimate, CPU", "s", us.Estimate, them.Estimate}, {"memory", "MiB", us.Memory / (1 << 20), them.Memory / (1 << 20)}} {
			fmt.Printf("%-28s %10.3f %-3s %10.3f %-3s %8.1fx\n", v.name, v.ours, v.unit, v.peer, v.unit, v.peer/v.ours)
		}
		fmt.Printf("greatest difference between the estimates: %.1e\n", apart)
	}
	if *out != "" {
		raw, err := json.MarshalIndent(report, "", "  ")
		check(err)
		check(os.WriteFile(*out, append(raw, '\n'), 0o644))
	}
}

// write draws rows whose scores mean less than they say, and writes scores and labels.
func write(dir, name string, n int, seed uint64, shift float64) error {
	r := rand.New(rand.NewPCG(seed, 0))
	score, label := make([]float64, n), make([]byte, n)
	for i := range score {
		u := shift - 0.8 + 1.2*r.NormFloat64()
		if r.Float64() < 1/(1+math.Exp(-u)) {
			label[i] = 1
		}
		score[i] = 1 / (1 + math.Exp(-(1.6*u + 0.3)))
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, score); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".score"), b.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".label"), label, 0o644)
}

func readScores(dir, name string) []float64 {
	b, err := os.ReadFile(filepath.Join(dir, name+".score"))
	check(err)
	score := make([]float64, len(b)/8)
	check(binary.Read(bytes.NewReader(b), binary.LittleEndian, score))
	return score
}

// measure is the process that is timed.
func measure(dir string, chunk int) outcome {
	score, current := readScores(dir, "reference"), readScores(dir, "current")
	b, err := os.ReadFile(filepath.Join(dir, "reference.label"))
	check(err)
	label := make([]bool, len(b))
	for i, v := range b {
		label[i] = v == 1
	}
	start := usage()
	c, err := stat.FitCBPE(label, score, stat.CBPEOptions{})
	check(err)
	fitted := usage()
	var out outcome
	for lo := 0; lo < len(current); lo += chunk {
		e := c.Estimate(current[lo:min(lo+chunk, len(current))], nil, 0)
		out.Chunks = append(out.Chunks, map[string]float64{
			"accuracy": e.Accuracy.Value, "precision": e.Precision.Value, "recall": e.Recall.Value, "specificity": e.Specificity.Value, "f1": e.F1.Value, "roc_auc": e.AUC.Value,
		})
	}
	out.Fit, out.Estimate = seconds(start, fitted), seconds(fitted, usage())
	out.Memory = float64(usage().Maxrss) * 1024
	return out
}

func usage() (u syscall.Rusage) {
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u
}

func seconds(from, to syscall.Rusage) float64 {
	of := func(u syscall.Rusage) int64 { return u.Utime.Nano() + u.Stime.Nano() }
	return float64(of(to)-of(from)) / 1e9
}

func run(name string, args ...string) outcome {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	check(err)
	var o outcome
	check(json.Unmarshal(b, &o))
	return o
}

// difference returns the greatest one between two sets of estimates; +Inf when they are not of the same chunks.
func difference(a, b outcome) float64 {
	if len(a.Chunks) != len(b.Chunks) {
		return math.Inf(1)
	}
	most := 0.0
	for i := range a.Chunks {
		for k, v := range a.Chunks[i] {
			w, ok := b.Chunks[i][k]
			if !ok || math.IsNaN(v-w) {
				return math.Inf(1)
			}
			most = max(most, math.Abs(v-w))
		}
	}
	return most
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "cbpe:", err)
		os.Exit(1)
	}
}
