// Command bench measures trimtab beside its peers: both servers on this machine,
// in one run, one after the other, with the load generator outside both. Every
// answer that is timed is also checked. It prints a table with ratios and keeps
// the figures as JSON; it refuses to print a ratio when an answer was wrong.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// figure is one measured number of one server.
type figure struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Better string  `json:"better"` // "more" | "less"
	Ours   float64 `json:"trimtab"`
	Peer   float64 `json:"peer"`
	PeerIs string  `json:"peerIs"`
}

// ratio says how many times better ours is.
func (f figure) ratio() float64 {
	if f.Better == "less" {
		return f.Peer / f.Ours
	}
	return f.Ours / f.Peer
}

func main() {
	python := flag.String("python", "", "interpreter with mlflow and lightgbm")
	out := flag.String("out", "bench/results", "folder for the figures")
	runs := flag.Int("runs", 25000, "runs to search among")
	alone := flag.Bool("alone", false, "measure trimtab only: for orientation while developing")
	flag.Parse()
	parts := flag.Args()
	if len(parts) == 0 {
		parts = []string{"tracking", "serving"}
	}
	dir, err := os.MkdirTemp("", "trimtab-bench-")
	check(err)
	defer os.RemoveAll(dir)
	b := &bench{python: *python, dir: dir, runs: *runs, alone: *alone}
	if slices.Contains(parts, "tracking") {
		b.tracking()
	}
	if slices.Contains(parts, "serving") {
		b.serving()
	}
	fmt.Printf("\n%-46s %14s %14s %9s\n", "", "trimtab", "peer", "ratio")
	for _, f := range b.figures {
		if f.Peer == 0 {
			fmt.Printf("%-46s %14s\n", f.Name, f.show(f.Ours))
			continue
		}
		fmt.Printf("%-46s %14s %14s %8.1fx  (%s)\n", f.Name, f.show(f.Ours), f.show(f.Peer), f.ratio(), f.PeerIs)
	}
	raw, err := json.MarshalIndent(struct {
		Time    time.Time `json:"time"`
		CPUs    int       `json:"cpus"`
		Go      string    `json:"go"`
		Figures []figure  `json:"figures"`
	}{time.Now().UTC(), runtime.NumCPU(), runtime.Version(), b.figures}, "", "  ")
	check(err)
	file := filepath.Join(*out, "bench.json")
	check(os.WriteFile(file, append(raw, '\n'), 0o644))
	fmt.Println("\nfigures kept in", file)
}

func (f figure) show(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v >= 1000:
		return fmt.Sprintf("%.0f %s", v, f.Unit)
	case v >= 10:
		return fmt.Sprintf("%.1f %s", v, f.Unit)
	}
	return fmt.Sprintf("%.3f %s", v, f.Unit)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		for _, p := range running {
			syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		}
		os.Exit(1)
	}
}
