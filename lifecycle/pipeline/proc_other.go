//go:build !linux

package pipeline

import "syscall"

// birth is unknown here: a process is told by its number alone.
func birth(int) uint64 { return 0 }

// childAttr puts a step into a process group of its own.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
