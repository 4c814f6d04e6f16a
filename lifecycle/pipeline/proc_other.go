//go:build !linux

package pipeline

import "syscall"

// birth is unknown here: a process is told by its number alone.
func birth(int) uint64 { return 0 }

// childAttr puts a step into a process group of its own.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killOrphans ends the process group that a dead shim left.
func killOrphans(_ place, _, child marker) {
	if child.PID > 1 {
		syscall.Kill(-child.PID, syscall.SIGKILL)
	}
}

// killLeft has nothing to find left processes by: the step's group has ended.
func killLeft(place, marker) {}
